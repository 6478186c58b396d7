// SPDX-License-Identifier: Apache-2.0
/*
 * No file crashes the parts that look into files: probe and the .xz decoder. As a test:
 * fixtures with random damage. With --enable-fuzzing: a target of libFuzzer.
 */
#include "config.h"

#include <sys/mman.h>

#include "internal.h"
#include "unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int out = -1;
	struct smkernel_image image;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (out < 0)
		out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	must(fd >= 0 && out >= 0);
	must(write(fd, data, size) == (ssize_t)size);
	must(lseek(fd, 0, SEEK_SET) == 0);
	must(smkernel_probe(fd, &image) == 0);
	must(image.file_size == size);
	must(memchr(image.arch, 0, sizeof(image.arch)));
	must(memchr(image.release, 0, sizeof(image.release)));
	must(xz_decode(fd, out, INIT_OCI_SIZE) <= 0);
	close(fd);
	return 0;
}

#ifndef LIBFUZZER
enum { ROUNDS = 1000 };

/* Some bytes of the fixture change, most of them near the start, and some are cut off. */
static void damage(const char *name, const uint8_t *fixture, size_t size)
{
	uint8_t *file = malloc(size);
	unsigned int i, j;

	must(file);
	srand(1);
	for (i = 0; i < ROUNDS; i++) {
		memcpy(file, fixture, size);
		for (j = 0; j <= i % 8; j++)
			file[(size_t)rand() % (j % 2		   ? size
						      : size < 600 ? size
								   : 600)] =
				(uint8_t)rand();
		LLVMFuzzerTestOneInput(file, i % 4 ? size : (size_t)rand() % size);
	}
	free(file);
	ok(true, "%s, damaged %d times", name, ROUNDS);
}

int main(void)
{
	static uint8_t xz[2 * INIT_OCI_SIZE], bzimage[1024], zboot[1024];

	damage("arm64 Image", fake_kernel(), 4096);
	damage("ELF", fake_init_oci(), 4096);
	memcpy(zboot, "MZ\0\0zimg", 8);
	zboot[60] = 100;
	memcpy(zboot + 100, "PE\0\0\x64\xaa", 6);
	damage("EFI zboot", zboot, sizeof(zboot));
	unit_store(bzimage + 0x1fe, 0xaa55, 2);
	memcpy(bzimage + 0x202, "HdrS", 4);
	unit_store(bzimage + 0x20e, 0x100, 2);
	damage("bzImage", bzimage, sizeof(bzimage));
	damage(".xz", xz, compress_xz(fake_init_oci(), 4096, 1024, xz, sizeof(xz)));
	return done_testing();
}
#endif
