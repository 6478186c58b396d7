// SPDX-License-Identifier: Apache-2.0
/* SHA-256 gives the digests of FIPS 180-4 and of every way to cut a message. */
#include "config.h"

#include "internal.h"
#include "unit.h"

static void digest(
	const void *data, size_t size, size_t piece, char ret_hex[SMKERNEL_SHA256_SIZE])
{
	const char *next = data;
	struct sha256 ctx;

	sha256_init(&ctx);
	while (size > 0) {
		size_t count = size < piece ? size : piece;

		sha256_update(&ctx, next, count);
		next += count;
		size -= count;
	}
	sha256_final(&ctx, ret_hex);
}

static void test_vectors(void)
{
	static const struct {
		const char *message, *hex;
	} vectors[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a"
			"d"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c"
			"1"},
		{"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmno"
		 "pjklmnopq"
		 "klmnopqrlmnopqrsmnopqrstnopqrstu",
			"cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d"
			"1"},
	};
	char hex[SMKERNEL_SHA256_SIZE];
	size_t i;

	for (i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		digest(vectors[i].message, strlen(vectors[i].message), 64, hex);
		is_string(hex, vectors[i].hex, "%zu bytes", strlen(vectors[i].message));
	}
	char *million = malloc(1000000);

	must(million);
	memset(million, 'a', 1000000);
	digest(million, 1000000, 1000000, hex);
	is_string(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
		"a million times 'a'");
	free(million);
}

static void test_pieces(void)
{
	char whole[SMKERNEL_SHA256_SIZE], cut[SMKERNEL_SHA256_SIZE];
	unsigned char message[300];
	size_t size, piece, wrong = 0;

	unit_noise(message, sizeof(message), 3);
	for (size = 0; size <= sizeof(message); size++) {
		digest(message, size, sizeof(message), whole);
		for (piece = 1; piece <= 130; piece++) {
			digest(message, size, piece, cut);
			wrong += strcmp(whole, cut) != 0;
		}
	}
	is((long long)wrong, 0, "pieces of 1 to 130 bytes of messages up to 300 bytes");
}

static void test_file(void)
{
	char hex[SMKERNEL_SHA256_SIZE];
	int fd;

	scratch();
	write_file("kernel", fake_kernel(), KERNEL_SIZE, 0644);
	fd = open("kernel", O_RDONLY | O_CLOEXEC);
	must(fd >= 0);
	is(sha256_fd(fd, hex), 0, "a file");
	is_string(hex, SMKERNEL_PAYLOAD_KERNEL_SHA256,
		"... has the digest that sha256sum gives");
	close(fd);
	is(sha256_fd(-1, hex), -EBADF, "no file");
}

int main(void)
{
	test_vectors();
	test_pieces();
	test_file();
	return done_testing();
}
