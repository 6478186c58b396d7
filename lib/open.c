// SPDX-License-Identifier: Apache-2.0
/*
 * The contents of an asset as a descriptor or a mapping. The installed file is used as it
 * is.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

int source_write(const struct source *source, int out)
{
	if (source->xz)
		return xz_decode(source->fd, out, source->pinned_size);
	return copy_file(source->fd, out);
}

/* A file without a name. */
static int anonymous_file(void)
{
#ifdef __linux__
	int fd = memfd_create("smkernel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
#else
	FILE *file = tmpfile();
	int fd = file ? fcntl(fileno(file), F_DUPFD_CLOEXEC, 3) : -1;

	if (file)
		fclose(file);
#endif
	return fd < 0 ? -errno : fd;
}

/* Nobody who gets the descriptor may change what others read through it. */
static int seal(int fd)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
#ifdef __linux__
	if (fcntl(fd, F_ADD_SEALS,
		    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -errno;
#endif
	return 0;
}

int source_contents(struct source *source)
{
	int fd, ret;

	if (!source->xz)
		return source->fd;
	fd = anonymous_file();
	ret = fd < 0 ? fd : source_write(source, fd);
	close(source->fd);
	if (ret >= 0)
		ret = seal(fd);
	if (ret < 0 && fd >= 0)
		close(fd);
	return ret < 0 ? ret : fd;
}

int smkernel_open(enum smkernel_asset asset)
{
	struct source source;
	int ret;

	ret = source_open(asset, NULL, &source);
	return ret < 0 ? ret : source_contents(&source);
}

int smkernel_map(enum smkernel_asset asset, const void **ret_addr, size_t *ret_size)
{
	struct stat st;
	void *addr = NULL;
	int fd, ret = 0;

	if (!ret_addr || !ret_size)
		return -EINVAL;
	fd = smkernel_open(asset);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0) {
		ret = -errno;
	} else if (st.st_size == 0) {
		ret = -ENODATA;
	} else {
		addr = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (addr == MAP_FAILED)
			ret = -errno;
	}
	close(fd);
	if (ret < 0)
		return ret;
	*ret_addr = addr;
	*ret_size = (size_t)st.st_size;
	return 0;
}

int smkernel_unmap(const void *addr, size_t size)
{
	return munmap((void *)(uintptr_t)addr, size) < 0 ? -errno : 0;
}
