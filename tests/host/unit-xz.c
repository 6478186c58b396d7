// SPDX-License-Identifier: Apache-2.0
/* xz_decode() gives the exact bytes, or says what is wrong with the file. */
#include "config.h"

#include "internal.h"
#include "unit.h"

static uint8_t xz[2 * KERNEL_SIZE];

/* Decodes @size bytes of @data into the file "out". */
static int decode(const void *data, size_t size, uint64_t pinned_size)
{
	int in, out, ret;

	write_file("in", data, size, 0644);
	in = open("in", O_RDONLY | O_CLOEXEC);
	out = open("out", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	must(in >= 0 && out >= 0);
	ret = xz_decode(in, out, pinned_size);
	close(in);
	close(out);
	return ret;
}

static void test_good(size_t block_size)
{
	size_t size = compress_xz(fake_kernel(), KERNEL_SIZE, block_size, xz, sizeof(xz));

	is(decode(xz, size, KERNEL_SIZE), 0, "blocks of %zu: exact size", block_size);
	ok(holds("out", fake_kernel(), KERNEL_SIZE), "... and the bytes");
	is(decode(xz, size, 0), 0, "... any size");
	is(decode(xz, size, KERNEL_SIZE - 1), -EFBIG, "... one byte more than expected");
	is(decode(xz, size, KERNEL_SIZE + 1), -EBADMSG,
		"... one byte less than expected");
}

static void test_truncated(size_t size)
{
	size_t cut, accepted = 0;

	for (cut = 0; cut < size; cut += cut < 64 || size - cut < 64 ? 1 : size / 50)
		accepted += decode(xz, cut, 0) != -EBADMSG;
	is((long long)accepted, 0, "every truncation is refused");
}

static void test_corrupt(size_t size)
{
	size_t i, accepted = 0;

	for (i = 0; i < size; i += i < 64 || size - i < 64 ? 1 : size / 50) {
		int ret;

		xz[i] ^= 0x10;
		ret = decode(xz, size, INIT_OCI_SIZE);
		accepted += ret != -EBADMSG && ret != -ENOTSUP && ret != -ENOMEM;
		xz[i] ^= 0x10;
	}
	is((long long)accepted, 0, "every flipped bit is noticed");
}

static void test_trailing(size_t size)
{
	memset(xz + size, 0, 8);
	is(decode(xz, size + 8, INIT_OCI_SIZE), 0,
		"stream padding belongs to the format");
	is(decode(xz, size + 3, INIT_OCI_SIZE), -EBADMSG,
		"... in multiples of four bytes");
	memcpy(xz + size, "garbage!", 8);
	is(decode(xz, size + 8, INIT_OCI_SIZE), -EBADMSG, "bytes after the end");
	memcpy(xz + size, xz, size);
	is(decode(xz, 2 * size, INIT_OCI_SIZE), -EFBIG,
		"a second stream makes it too long");
	is(decode(xz, 2 * size, 2 * INIT_OCI_SIZE), 0, "... or just right");
}

/* A few bytes that decode to 256 MiB and a bit. */
static void test_bomb(void)
{
	enum { ZEROS = 16 << 20, STREAMS = 17 };
	uint8_t *stream = malloc(1 << 20), *bomb;
	char *zeros = calloc(1, ZEROS);
	size_t size, i;
	int in, out;

	must(stream && zeros);
	size = compress_xz(zeros, ZEROS, 0, stream, 1 << 20);
	bomb = malloc(size * STREAMS);
	must(bomb);
	for (i = 0; i < STREAMS; i++)
		memcpy(bomb + i * size, stream, size);
	write_file("bomb.xz", bomb, size * STREAMS, 0644);
	in = open("bomb.xz", O_RDONLY | O_CLOEXEC);
	out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	must(in >= 0 && out >= 0);
	is(xz_decode(in, out, 0), -EFBIG, "more than 256 MiB");
	close(in);
	close(out);
	free(bomb);
	free(zeros);
	free(stream);
}

static void test_filters(void)
{
	lzma_options_lzma options;
	lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
	size_t size = 0;

	must(!lzma_lzma_preset(&options, 0));
	must(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, fake_init_oci(),
		     INIT_OCI_SIZE, xz, &size, sizeof(xz)) == LZMA_OK);
	/*
	 * Block header: size, flags, filter id, size of properties, dictionary size; 36:
	 * 1 GiB
	 */
	uint8_t *block = xz + LZMA_STREAM_HEADER_SIZE;
	uint32_t header_size = (block[0] + 1u) * 4;
	uint8_t *properties = block + 2;

	while (properties[0] != 0x21)
		properties++;
	properties[2] = 36;
	unit_store(block + header_size - 4, lzma_crc32(block, header_size - 4, 0), 4);
	is(decode(xz, size, 0), -ENOMEM, "a dictionary of 1 GiB");
	properties[0] = 0x2e;
	unit_store(block + header_size - 4, lzma_crc32(block, header_size - 4, 0), 4);
	is(decode(xz, size, 0), -ENOTSUP, "an unknown filter");
}

int main(void)
{
	size_t size;

	scratch();
	test_good(0);
	test_good(64 << 10);
	size = compress_xz(fake_init_oci(), INIT_OCI_SIZE, 16 << 10, xz, sizeof(xz));
	test_truncated(size);
	test_corrupt(size);
	test_trailing(size);
	test_bomb();
	test_filters();
	is(decode("", 0, 0), -EBADMSG, "an empty file");
	is(decode("plain text", 10, 0), -EBADMSG, "no xz");
	is(xz_decode(-1, -1, 0), -EBADF, "no file");
	return done_testing();
}
