// SPDX-License-Identifier: Apache-2.0
/*
 * What a file is, by its first bytes. Everything is read with pread(): the file may
 * change or shrink.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define HEAD_SIZE 1024u
#define WINDOW_SIZE (64 * 1024)

/* Documentation/arch/arm64/booting.rst */
#define ARM64_TEXT_OFFSET 8
#define ARM64_IMAGE_SIZE 16
#define ARM64_FLAGS 24
#define ARM64_MAGIC 56
#define PE_OFFSET 60
/* Documentation/arch/x86/boot.rst */
#define X86_BOOT_FLAG 0x1fe
#define X86_HEADER 0x202
#define X86_KERNEL_VERSION 0x20e
/* elf(5) */
#define ELF_DATA 5
#define ELF_MACHINE 18

static const char banner[] = "Linux version ";

static uint64_t load(const unsigned char *bytes, unsigned int count)
{
	uint64_t value = 0;

	while (count-- > 0)
		value = value << 8 | bytes[count];
	return value;
}

/* As many bytes as the file has, the rest of @data is 0. */
static ssize_t read_at(int fd, void *data, size_t size, uint64_t offset)
{
	size_t done = 0;

	memset(data, 0, size);
	while (done < size) {
		ssize_t count = pread(
			fd, (char *)data + done, size - done, (off_t)(offset + done));

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		if (count == 0)
			break;
		done += (size_t)count;
	}
	return (ssize_t)done;
}

static void copy_word(char ret_word[SMKERNEL_RELEASE_SIZE], const char *text)
{
	size_t i;

	for (i = 0; i < SMKERNEL_RELEASE_SIZE - 1 && isgraph((unsigned char)text[i]); i++)
		ret_word[i] = text[i];
	ret_word[i] = '\0';
}

/*
 * The release in the first banner of @text, which ends in a NUL; NULL when there is none.
 */
static const char *find_release(const char *text, size_t size)
{
	const size_t length = sizeof(banner) - 1;
	const char *at = text;

	while ((at = memmem(at, (size_t)(text + size - at), banner, length))) {
		at += length;
		if (isdigit((unsigned char)*at))
			return at;
	}
	return NULL;
}

/*
 * Windows overlap by what a banner can measure: one that may be cut is whole in the next.
 */
static int find_banner(int fd, char ret_release[SMKERNEL_RELEASE_SIZE])
{
	const size_t overlap = sizeof(banner) + SMKERNEL_RELEASE_SIZE;
	char *window = malloc(WINDOW_SIZE + 1);
	uint64_t offset = 0;
	ssize_t count;

	if (!window)
		return -ENOMEM;
	do {
		const char *release;

		count = read_at(fd, window, WINDOW_SIZE, offset);
		if (count <= 0)
			break;
		window[count] = '\0';
		release = find_release(window, (size_t)count);
		if (release && (count < WINDOW_SIZE ||
				       release - window <=
					       WINDOW_SIZE - SMKERNEL_RELEASE_SIZE)) {
			copy_word(ret_release, release);
			break;
		}
		offset += WINDOW_SIZE - overlap;
	} while (count == WINDOW_SIZE);
	free(window);
	return count < 0 ? (int)count : 0;
}

static const char *pe_machine(int fd, const unsigned char *head)
{
	unsigned char pe[6];

	if (read_at(fd, pe, sizeof(pe), load(head + PE_OFFSET, 4)) < 0)
		return "";
	if (memcmp(pe, "PE\0\0", 4) != 0)
		return "";
	switch (load(pe + 4, 2)) {
	case 0xaa64:
		return "aarch64";
	case 0x8664:
		return "x86_64";
	default:
		return "";
	}
}

static const char *elf_machine(const unsigned char *head)
{
	bool big_endian = head[ELF_DATA] == 2;

	switch (head[ELF_MACHINE + big_endian] | head[ELF_MACHINE + !big_endian] << 8) {
	case 183:
		return "aarch64";
	case 62:
		return "x86_64";
	default:
		return "";
	}
}

static int probe_arm64(int fd, const unsigned char *head, struct smkernel_image *image)
{
	static const uint32_t page_sizes[4] = {0, 4096, 16384, 65536};
	uint64_t flags = load(head + ARM64_FLAGS, 8);

	image->format = SMKERNEL_FORMAT_ARM64_IMAGE;
	image->text_offset = load(head + ARM64_TEXT_OFFSET, 8);
	image->image_size = load(head + ARM64_IMAGE_SIZE, 8);
	image->big_endian = flags & 1;
	image->page_size = page_sizes[flags >> 1 & 3];
	image->any_base = flags >> 3 & 1;
	strcpy(image->arch, "aarch64");
	return find_banner(fd, image->release);
}

static int probe_x86(int fd, const unsigned char *head, struct smkernel_image *image)
{
	uint64_t offset = load(head + X86_KERNEL_VERSION, 2);
	char text[SMKERNEL_RELEASE_SIZE + 1];
	ssize_t count;

	image->format = SMKERNEL_FORMAT_X86_BZIMAGE;
	strcpy(image->arch, "x86_64");
	if (!offset)
		return 0;
	count = read_at(fd, text, sizeof(text), offset + 0x200);
	if (count < 0)
		return (int)count;
	text[sizeof(text) - 1] = '\0';
	copy_word(image->release, text);
	return 0;
}

static int probe(int fd, const unsigned char *head, struct smkernel_image *image)
{
	if (memcmp(head + ARM64_MAGIC, "ARM\x64", 4) == 0)
		return probe_arm64(fd, head, image);
	if (load(head + X86_BOOT_FLAG, 2) == 0xaa55 &&
		memcmp(head + X86_HEADER, "HdrS", 4) == 0)
		return probe_x86(fd, head, image);
	if (memcmp(head, "MZ\0\0zimg", 8) == 0) {
		image->format = SMKERNEL_FORMAT_EFI_ZBOOT;
		strcpy(image->arch, pe_machine(fd, head));
	} else if (memcmp(head, "\177ELF", 4) == 0) {
		image->format = SMKERNEL_FORMAT_ELF;
		strcpy(image->arch, elf_machine(head));
	} else if (memcmp(head, "\x1f\x8b", 2) == 0) {
		image->format = SMKERNEL_FORMAT_GZIP;
	} else if (memcmp(head,
			   "\xfd"
			   "7zXZ",
			   6) == 0) {
		image->format = SMKERNEL_FORMAT_XZ;
	} else if (memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0) {
		image->format = SMKERNEL_FORMAT_ZSTD;
	}
	return 0;
}

int smkernel_probe(int fd, struct smkernel_image *ret_image)
{
	struct smkernel_image image = {0};
	unsigned char head[HEAD_SIZE];
	struct stat st;
	ssize_t count;
	int ret;

	if (!ret_image)
		return -EINVAL;
	if (fstat(fd, &st) < 0)
		return -errno;
	count = read_at(fd, head, sizeof(head), 0);
	if (count < 0)
		return (int)count;
	image.file_size = (uint64_t)st.st_size;
	ret = probe(fd, head, &image);
	if (ret < 0)
		return ret;
	*ret_image = image;
	return 0;
}
