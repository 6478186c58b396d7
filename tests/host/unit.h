/* SPDX-License-Identifier: Apache-2.0 */
/* TAP for C, and the fake payload that fake/payload.h pins. */
#ifndef UNIT_H
#define UNIT_H

#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "payload.h"
#include "smkernel.h"

#define KERNEL_SIZE SMKERNEL_PAYLOAD_KERNEL_SIZE
#define INIT_OCI_SIZE SMKERNEL_PAYLOAD_INIT_OCI_SIZE

static int unit_count, unit_failed;

__attribute__((format(printf, 2, 3), unused)) static bool ok(
	bool passed, const char *format, ...)
{
	va_list args;

	printf("%sok %d - ", passed ? "" : "not ", ++unit_count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	unit_failed += !passed;
	return passed;
}

#define is(got, want, ...)                                                               \
	do {                                                                             \
		long long is_got = (got), is_want = (want);                              \
		if (!ok(is_got == is_want, __VA_ARGS__))                                 \
			printf("# line %d: got %lld, want %lld\n", __LINE__, is_got,     \
				is_want);                                                \
	} while (0)

#define is_string(got, want, ...)                                                        \
	do {                                                                             \
		const char *is_got = (got), *is_want = (want);                           \
		if (!ok(strcmp(is_got, is_want) == 0, __VA_ARGS__))                      \
			printf("# line %d: got '%s', want '%s'\n", __LINE__, is_got,     \
				is_want);                                                \
	} while (0)

__attribute__((unused)) static void skip(const char *what, const char *reason)
{
	printf("ok %d - %s # SKIP %s\n", ++unit_count, what, reason);
}

__attribute__((unused)) static int done_testing(void)
{
	printf("1..%d\n", unit_count);
	return unit_failed != 0;
}

/* What a test needs and cannot go on without. */
#define must(condition)                                                                  \
	do {                                                                             \
		if (!(condition)) {                                                      \
			printf("Bail out! line %d: %s: %s\n", __LINE__, #condition,      \
				strerror(errno));                                        \
			exit(99);                                                        \
		}                                                                        \
	} while (0)

static char unit_scratch[256];

__attribute__((unused)) static void unit_remove_scratch(void)
{
	char command[600];

	snprintf(command, sizeof(command), "chmod -R u+rwX '%s'; rm -rf '%s'",
		unit_scratch, unit_scratch);
	if (system(command) != 0)
		printf("# %s stays\n", unit_scratch);
}

/* Makes a directory for this test, goes there, and has it removed at exit. */
__attribute__((unused)) static const char *scratch(void)
{
	const char *parent = getenv("TMPDIR");

	snprintf(unit_scratch, sizeof(unit_scratch), "%s/smkernel-unit.XXXXXX",
		parent ? parent : "/tmp");
	must(mkdtemp(unit_scratch));
	must(chmod(unit_scratch, 0755) == 0);
	must(chdir(unit_scratch) == 0);
	atexit(unit_remove_scratch);
	umask(022);
	unsetenv("SUPERMACHINE_KERNEL_PATH");
	unsetenv("SUPERMACHINE_INIT_OCI_PATH");
	unsetenv("SUPERMACHINE_ASSETS_DIR");
	return unit_scratch;
}

/* A path in the scratch directory; holds until the eighth next call. */
__attribute__((format(printf, 1, 2), unused)) static const char *in_scratch(
	const char *format, ...)
{
	static char paths[8][512];
	static unsigned int next;
	char *path = paths[next++ % 8];
	int length = snprintf(path, sizeof(*paths), "%s/", unit_scratch);
	va_list args;

	va_start(args, format);
	vsnprintf(path + length, sizeof(*paths) - (size_t)length, format, args);
	va_end(args);
	return path;
}

__attribute__((unused)) static void write_file(
	const char *path, const void *data, size_t size, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	must(fd >= 0);
	must(write(fd, data, size) == (ssize_t)size);
	must(fchmod(fd, mode) == 0);
	must(close(fd) == 0);
}

/* Whether the file holds exactly these bytes. */
__attribute__((unused)) static bool holds(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *found = malloc(size + 1);
	size_t done = 0;
	ssize_t count;

	must(found);
	if (fd < 0) {
		free(found);
		return false;
	}
	while (done < size + 1 && (count = read(fd, found + done, size + 1 - done)) > 0)
		done += (size_t)count;
	close(fd);
	bool same = done == size && memcmp(found, data, size) == 0;
	free(found);
	return same;
}

__attribute__((unused)) static mode_t mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void unit_store(unsigned char *to, uint64_t value, unsigned int count)
{
	for (; count > 0; count--, value >>= 8)
		*to++ = (unsigned char)value;
}

static void unit_noise(unsigned char *to, size_t size, uint32_t seed)
{
	for (; size > 0; size--) {
		seed = seed * 1664525 + 1013904223;
		*to++ = (unsigned char)(seed >> 24);
	}
}

/* An arm64 Image: 4 KiB pages, little-endian, any base, banner. Most of it compresses. */
__attribute__((unused)) static const unsigned char *fake_kernel(void)
{
	static unsigned char image[KERNEL_SIZE];

	memset(image, 0, sizeof(image));
	unit_noise(image + sizeof(image) / 4 * 3, sizeof(image) / 4, 1);
	memcpy(image, "MZ", 2);
	unit_store(image + 16, 0x80000, 8);
	unit_store(image + 24, 0xa, 8);
	memcpy(image + 56, "ARM\x64", 4);
	strcpy((char *)image + 2000, "Linux version 6.12.0-fake (user@host) (gcc) #1\n");
	return image;
}

/* The header of an AArch64 program. */
__attribute__((unused)) static const unsigned char *fake_init_oci(void)
{
	static unsigned char program[INIT_OCI_SIZE];

	unit_noise(program, sizeof(program), 2);
	memset(program, 0, 64);
	memcpy(program, "\177ELF\2\1\1", 7);
	unit_store(program + 16, 2, 2);
	unit_store(program + 18, 183, 2);
	return program;
}

/* As xz(1) writes it; @block_size 0: one block. */
__attribute__((unused)) static size_t compress_xz(
	const void *data, size_t size, size_t block_size, uint8_t *ret_xz, size_t room)
{
	lzma_mt options = {
		.threads = 1,
		.block_size = block_size ? block_size : size + 1,
		.preset = 0,
		.check = LZMA_CHECK_CRC32,
	};
	lzma_stream stream = LZMA_STREAM_INIT;

	must(lzma_stream_encoder_mt(&stream, &options) == LZMA_OK);
	stream.next_in = data;
	stream.avail_in = size;
	stream.next_out = ret_xz;
	stream.avail_out = room;
	must(lzma_code(&stream, LZMA_FINISH) == LZMA_STREAM_END);
	size = (size_t)stream.total_out;
	lzma_end(&stream);
	return size;
}

/* Runs @function in a child, as nobody when we are root; true when it returned true. */
__attribute__((unused)) static bool unprivileged(bool (*function)(void))
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	must(child >= 0);
	if (child == 0) {
		if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(99);
		_exit(function() ? 0 : 1);
	}
	must(waitpid(child, &status, 0) == child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#endif
