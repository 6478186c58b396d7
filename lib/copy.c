// SPDX-License-Identifier: Apache-2.0
/* Copying between files: shared extents first, then inside the kernel, then by hand. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/fs.h>
#include <sys/ioctl.h>
#endif

#include "internal.h"

#define BUFFER_SIZE (256u * 1024)

ssize_t read_some(int fd, void *data, size_t size)
{
	ssize_t count;

	do {
		count = read(fd, data, size);
	} while (count < 0 && errno == EINTR);
	return count < 0 ? -errno : count;
}

int write_all(int fd, const void *data, size_t size)
{
	const char *next = data;

	while (size > 0) {
		ssize_t count = write(fd, next, size);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		next += count;
		size -= (size_t)count;
	}
	return 0;
}

static int copy_by_hand(int in, int out)
{
	char *buffer = malloc(BUFFER_SIZE);
	ssize_t count = -ENOMEM;

	while (buffer && (count = read_some(in, buffer, BUFFER_SIZE)) > 0) {
		int ret = write_all(out, buffer, (size_t)count);

		if (ret < 0) {
			count = ret;
			break;
		}
	}
	free(buffer);
	return (int)count;
}

int copy_file(int in, int out)
{
#ifdef __linux__
	if (ioctl(out, FICLONE, in) == 0)
		return 0;
	ssize_t count;

	/*
	 * Until it is done, or cannot go on: what is left is copied by hand, which tells
	 * the error.
	 */
	do {
		count = copy_file_range(in, NULL, out, NULL, (size_t)1 << 30, 0);
	} while (count > 0 || (count < 0 && errno == EINTR));
#endif
	return copy_by_hand(in, out);
}
