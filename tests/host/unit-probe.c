// SPDX-License-Identifier: Apache-2.0
/* smkernel_probe() tells formats apart by their headers and trusts no length in them. */
#include "config.h"

#include "unit.h"

static unsigned char file[300000];

static struct smkernel_image probe(size_t size)
{
	struct smkernel_image image;
	int fd;

	memset(&image, 0xee, sizeof(image));
	write_file("file", file, size, 0644);
	fd = open("file", O_RDONLY | O_CLOEXEC);
	must(fd >= 0);
	is(smkernel_probe(fd, &image), 0, "%zu bytes", size);
	is(lseek(fd, 0, SEEK_CUR), 0, "... read without moving the offset");
	is((long long)image.file_size, (long long)size, "... counted");
	close(fd);
	memset(file, 0, sizeof(file));
	return image;
}

static struct smkernel_image probe_bytes(const char *bytes, size_t size)
{
	memcpy(file, bytes, size);
	return probe(size);
}

static void put_arm64(uint64_t flags)
{
	unit_store(file + 8, 0x80000, 8);
	unit_store(file + 16, 0xa40000, 8);
	unit_store(file + 24, flags, 8);
	memcpy(file + 56, "ARM\x64", 4);
}

static void test_arm64(void)
{
	static const uint32_t sizes[] = {0, 4096, 16384, 65536};
	struct smkernel_image image;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		put_arm64(i << 1);
		image = probe(100);
		is(image.format, SMKERNEL_FORMAT_ARM64_IMAGE, "arm64 Image");
		is(image.page_size, sizes[i], "... page size %u", sizes[i]);
		is(image.big_endian, 0, "... little-endian");
		is(image.any_base, 0, "... near the start of RAM");
		is_string(image.release, "", "... without banner");
	}
	put_arm64(9);
	image = probe(64);
	is(image.big_endian, 1, "big-endian");
	is(image.any_base, 1, "any 2 MiB boundary");
	is((long long)image.text_offset, 0x80000, "text offset");
	is((long long)image.image_size, 0xa40000, "image size");
	is_string(image.arch, "aarch64", "arch");
	put_arm64(0);
	image = probe(59);
	is(image.format, SMKERNEL_FORMAT_UNKNOWN, "a header cut short");
}

static struct smkernel_image probe_banner(size_t at, const char *text, size_t size)
{
	put_arm64(0);
	memcpy(file + at, text, strlen(text) < size - at ? strlen(text) : size - at);
	return probe(size);
}

static void test_banner(void)
{
	static const char text[] = "Linux version 6.12.117-abc (user@host) #1";
	struct smkernel_image image;
	size_t at, wrong = 0;

	for (at = 65536 - 100; at < 65536 + 100; at++) {
		int fd;

		put_arm64(0);
		memcpy(file + at, text, sizeof(text));
		write_file("file", file, sizeof(file), 0644);
		memset(file + at, 0, sizeof(text));
		fd = open("file", O_RDONLY | O_CLOEXEC);
		must(fd >= 0 && smkernel_probe(fd, &image) == 0);
		close(fd);
		wrong += strcmp(image.release, "6.12.117-abc") != 0;
	}
	is((long long)wrong, 0, "a banner across the edge of a window");
	image = probe_banner(200000, text, sizeof(file));
	is_string(image.release, "6.12.117-abc", "a banner further on");
	image = probe_banner(1000, "Linux version %s (%s)", 5000);
	is_string(image.release, "", "a format string is no banner");
	image = probe_banner(1000, "Linux version %s Linux version 5.1 ", 5000);
	is_string(image.release, "5.1", "... but does not hide one");
	image = probe_banner(4980, text, 5000);
	is_string(image.release, "6.12.1", "a banner cut by the end of the file");
	memset(file + 1014, 'x', 3000);
	image = probe_banner(1000, "Linux version 9", 5000);
	is((long long)strlen(image.release), SMKERNEL_RELEASE_SIZE - 1,
		"a release without end");
}

static void test_other(void)
{
	struct smkernel_image image;

	is(probe_bytes("", 0).format, SMKERNEL_FORMAT_UNKNOWN, "empty");
	is(probe_bytes("#!/bin/sh", 9).format, SMKERNEL_FORMAT_UNKNOWN, "a script");
	is(probe_bytes("\x1f\x8b\x08", 3).format, SMKERNEL_FORMAT_GZIP, "gzip");
	is(probe_bytes("\xfd"
		       "7zXZ\0",
		   6)
			.format,
		SMKERNEL_FORMAT_XZ, "xz");
	is(probe_bytes("\x28\xb5\x2f\xfd", 4).format, SMKERNEL_FORMAT_ZSTD, "zstd");

	memcpy(file, "MZ\0\0zimg", 8);
	unit_store(file + 60, 100, 4);
	memcpy(file + 100, "PE\0\0\x64\xaa", 6);
	image = probe(400);
	is(image.format, SMKERNEL_FORMAT_EFI_ZBOOT, "EFI zboot");
	is_string(image.arch, "aarch64", "... arm64");
	memcpy(file, "MZ\0\0zimg", 8);
	unit_store(file + 60, 100, 4);
	memcpy(file + 100, "PE\0\0\x64\x86", 6);
	is_string(probe(400).arch, "x86_64", "... x86");
	memcpy(file, "MZ\0\0zimg", 8);
	unit_store(file + 60, 100, 4);
	memcpy(file + 100, "PE\0\0\x32\x50", 6);
	is_string(probe(400).arch, "", "... another machine");
	memcpy(file, "MZ\0\0zimg", 8);
	unit_store(file + 60, 0xffffffff, 4);
	is_string(probe(400).arch, "", "... its header beyond the end");

	unit_store(file + 0x1fe, 0xaa55, 2);
	memcpy(file + 0x202, "HdrS", 4);
	unit_store(file + 0x20e, 0x1000, 2);
	strcpy((char *)file + 0x1200, "6.1.0-x86 (user@host)");
	image = probe(8192);
	is(image.format, SMKERNEL_FORMAT_X86_BZIMAGE, "x86 bzImage");
	is_string(image.release, "6.1.0-x86", "... its release");
	is_string(image.arch, "x86_64", "... its arch");
	unit_store(file + 0x1fe, 0xaa55, 2);
	memcpy(file + 0x202, "HdrS", 4);
	is_string(probe(8192).release, "", "... without release");
	unit_store(file + 0x1fe, 0xaa55, 2);
	memcpy(file + 0x202, "HdrS", 4);
	unit_store(file + 0x20e, 0xffff, 2);
	is_string(probe(1000).release, "", "... its release beyond the end");

	memcpy(file, "\177ELF\2\1\1", 7);
	file[18] = 183;
	image = probe(64);
	is(image.format, SMKERNEL_FORMAT_ELF, "ELF");
	is_string(image.arch, "aarch64", "... aarch64");
	memcpy(file, "\177ELF\2\2\1", 7);
	file[19] = 183;
	is_string(probe(64).arch, "aarch64", "... big-endian");
	memcpy(file, "\177ELF\2\1\1", 7);
	file[18] = 62;
	is_string(probe(64).arch, "x86_64", "... x86_64");
	memcpy(file, "\177ELF\2\1\1", 7);
	file[18] = 243;
	is_string(probe(64).arch, "", "... another machine");
}

static void test_errors(void)
{
	struct smkernel_image image;
	int pipes[2], fd;

	is(smkernel_probe(0, NULL), -EINVAL, "nowhere to put it");
	is(smkernel_probe(-1, &image), -EBADF, "no file");
	must(pipe(pipes) == 0);
	is(smkernel_probe(pipes[0], &image), -ESPIPE, "a pipe");
	fd = open(".", O_RDONLY | O_CLOEXEC);
	is(smkernel_probe(fd, &image), -EISDIR, "a directory");
	close(fd);
}

int main(void)
{
	scratch();
	test_arm64();
	test_banner();
	test_other();
	test_errors();
	return done_testing();
}
