// SPDX-License-Identifier: Apache-2.0
/* SHA-256, FIPS 180-4. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define BUFFER_SIZE (256u * 1024)

static const uint32_t round_constants[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf,
	0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
	0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7,
	0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
	0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
	0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e,
	0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
	0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c,
	0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee,
	0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2};

static uint32_t rotate(uint32_t x, unsigned int n)
{
	return x >> n | x << (32 - n);
}

static uint32_t load(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
	       (uint32_t)bytes[2] << 8 | bytes[3];
}

static void compress(uint32_t state[8], const unsigned char block[64])
{
	uint32_t w[64], s[8];
	int i;

	for (i = 0; i < 16; i++)
		w[i] = load(block + 4 * i);
	for (; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] +
		       (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
		       (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
	memcpy(s, state, sizeof(s));
	for (i = 0; i < 64; i++) {
		uint32_t t1 = s[7] +
			      (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
			      (s[6] ^ (s[4] & (s[5] ^ s[6]))) + round_constants[i] + w[i];
		uint32_t t2 = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) +
			      ((s[0] & s[1]) | (s[2] & (s[0] | s[1])));

		memmove(s + 1, s, 7 * sizeof(*s));
		s[4] += t1;
		s[0] = t1 + t2;
	}
	for (i = 0; i < 8; i++)
		state[i] += s[i];
}

void sha256_init(struct sha256 *ctx)
{
	static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
		0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

	memcpy(ctx->state, initial, sizeof(initial));
	ctx->size = 0;
}

void sha256_update(struct sha256 *ctx, const void *data, size_t size)
{
	const unsigned char *next = data;
	size_t used = ctx->size % 64;

	ctx->size += size;
	if (used) {
		size_t part = size < 64 - used ? size : 64 - used;

		memcpy(ctx->block + used, next, part);
		if (used + part < 64)
			return;
		compress(ctx->state, ctx->block);
		next += part;
		size -= part;
	}
	for (; size >= 64; next += 64, size -= 64)
		compress(ctx->state, next);
	memcpy(ctx->block, next, size);
}

void sha256_final(struct sha256 *ctx, char ret_hex[SMKERNEL_SHA256_SIZE])
{
	static const unsigned char padding[64] = {0x80};
	uint64_t bits = ctx->size * 8;
	unsigned char length[8];
	int i;

	for (i = 0; i < 8; i++)
		length[i] = (unsigned char)(bits >> (56 - 8 * i));
	sha256_update(ctx, padding, 1 + (119 - ctx->size % 64) % 64);
	sha256_update(ctx, length, sizeof(length));
	for (i = 0; i < 64; i++)
		ret_hex[i] =
			"0123456789abcdef"[ctx->state[i / 8] >> (28 - i % 8 * 4) & 15];
	ret_hex[64] = '\0';
}

int sha256_fd(int fd, char ret_hex[SMKERNEL_SHA256_SIZE])
{
	struct sha256 ctx;
	char *buffer = malloc(BUFFER_SIZE);
	ssize_t count = -ENOMEM;

	sha256_init(&ctx);
	while (buffer && (count = read_some(fd, buffer, BUFFER_SIZE)) > 0)
		sha256_update(&ctx, buffer, (size_t)count);
	free(buffer);
	if (count == 0)
		sha256_final(&ctx, ret_hex);
	return (int)count;
}
