// SPDX-License-Identifier: Apache-2.0
/*
 * Copying an asset out, all of it or nothing: into a file without a name, or with a
 * temporary one where the file system has no O_TMPFILE; then fsync, link or rename, fsync
 * of the directory.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/clonefile.h>
#endif

#include "internal.h"

#define MAX_LINKS 40
#define MAX_NAMES 100

/* To use a directory that may not be read. */
#ifndef O_PATH
#ifdef O_SEARCH
#define O_PATH O_SEARCH
#else
#define O_PATH O_RDONLY
#endif
#endif

/*
 * The file being written, in the directory it will be published in; @name is "" while it
 * has none.
 */
struct temporary {
	int directory;
	int fd;
	char name[24];
};

static int flush(int fd)
{
#ifdef F_FULLFSYNC
	/* fsync(2) of macOS stops at the drive's cache. */
	if (fcntl(fd, F_FULLFSYNC) == 0)
		return 0;
#endif
	return fsync(fd) < 0 ? -errno : 0;
}

/* Cuts @path in two; the directory of a bare name is ".". */
static const char *split(char *path, const char **ret_name)
{
	char *slash = strrchr(path, '/');

	*ret_name = slash ? slash + 1 : path;
	if (!slash)
		return ".";
	if (slash == path)
		return "/";
	*slash = '\0';
	return path;
}

/* A directory that may be written but not listed can still be used, but not flushed. */
static int open_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == EACCES)
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int flush_directory(int fd)
{
	int ret = flush(fd);

	return ret == -EBADF || ret == -EINVAL ? 0 : ret;
}

static int flush_parent(const char *path)
{
	char copy[PATH_MAX];
	const char *name;
	int fd, ret;

	strcpy(copy, path);
	fd = open_directory(split(copy, &name));
	if (fd < 0)
		return fd;
	ret = flush_directory(fd);
	close(fd);
	return ret;
}

static int make_directory(const char *path)
{
	struct stat st;
	int ret;

	if (mkdir(path, 0777) == 0)
		return flush_parent(path);
	ret = -errno;
	/* A read-only file system may say so although the directory is there. */
	if (stat(path, &st) == 0)
		return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
	return ret;
}

static int make_parents(const char *path)
{
	char parent[PATH_MAX];
	char *slash;

	strcpy(parent, path);
	for (slash = strchr(parent + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int ret;

		*slash = '\0';
		ret = make_directory(parent);
		if (ret < 0)
			return ret;
		*slash = '/';
	}
	return 0;
}

/*
 * Replaces a symbolic link in @path by what it points to, also when that does not exist
 * yet.
 */
static int follow_links(char path[PATH_MAX])
{
	int links;

	for (links = 0; links < MAX_LINKS; links++) {
		char target[PATH_MAX];
		ssize_t length = readlink(path, target, sizeof(target));
		size_t start = 0;

		/* EINVAL: not a link */
		if (length < 0)
			return errno == EINVAL || errno == ENOENT ? 0 : -errno;
		if (*target != '/' && strrchr(path, '/'))
			start = (size_t)(strrchr(path, '/') + 1 - path);
		if (start + (size_t)length >= PATH_MAX)
			return -ENAMETOOLONG;
		memcpy(path + start, target, (size_t)length);
		path[start + (size_t)length] = '\0';
	}
	return -ELOOP;
}

static int random_name(char ret_name[24])
{
	uint64_t number;

	if (getentropy(&number, sizeof(number)) < 0)
		return -errno;
	snprintf(ret_name, 24, ".smk-%016llx", (unsigned long long)number);
	return 0;
}

#ifdef O_TMPFILE
static void descriptor_path(char ret_path[32], int fd)
{
	snprintf(ret_path, 32, "/proc/self/fd/%d", fd);
}
#endif

static int open_unnamed(struct temporary *temporary)
{
#ifdef O_TMPFILE
	char path[32];

	temporary->fd =
		openat(temporary->directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	if (temporary->fd < 0)
		return -errno;
	*temporary->name = '\0';
	/* Without /proc it could never be given a name. */
	descriptor_path(path, temporary->fd);
	if (access(path, F_OK) == 0)
		return 0;
	close(temporary->fd);
#else
	(void)temporary;
#endif
	return -ENOTSUP;
}

static int open_named(struct temporary *temporary)
{
	int tries, ret;

	for (tries = 0; tries < MAX_NAMES; tries++) {
		ret = random_name(temporary->name);
		if (ret < 0)
			return ret;
		temporary->fd = openat(temporary->directory, temporary->name,
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (temporary->fd >= 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

static int open_temporary(struct temporary *temporary)
{
	return open_unnamed(temporary) == 0 ? 0 : open_named(temporary);
}

static void remove_temporary(const struct temporary *temporary)
{
	if (*temporary->name)
		unlinkat(temporary->directory, temporary->name, 0);
}

#ifdef __APPLE__
/* clonefile() makes the file itself: the empty one gives way, its mode is kept. */
static int fill(struct temporary *temporary, const struct source *source)
{
	struct stat st;
	int fd;

	if (!source->xz && fstat(temporary->fd, &st) == 0 &&
		unlinkat(temporary->directory, temporary->name, 0) == 0) {
		if (fclonefileat(source->fd, temporary->directory, temporary->name,
			    CLONE_NOOWNERCOPY) == 0) {
			fd = openat(temporary->directory, temporary->name,
				O_RDONLY | O_CLOEXEC);
			if (fd < 0)
				return -errno;
			close(temporary->fd);
			temporary->fd = fd;
			return fchmod(fd, st.st_mode & 0777) < 0 ? -errno : 0;
		}
		close(temporary->fd);
		int ret = open_named(temporary);
		if (ret < 0) {
			temporary->fd = -1;
			*temporary->name = '\0';
			return ret;
		}
	}
	return source_write(source, temporary->fd);
}
#else
static int fill(const struct temporary *temporary, const struct source *source)
{
	return source_write(source, temporary->fd);
}
#endif

#ifdef O_TMPFILE
/*
 * linkat() does not replace: a destination that exists takes a temporary name on the way.
 */
static int give_name(struct temporary *temporary, const char *name, bool *ret_published)
{
	char path[32], temporary_name[24];
	int tries, ret;

	descriptor_path(path, temporary->fd);
	*ret_published = linkat(AT_FDCWD, path, temporary->directory, name,
				 AT_SYMLINK_FOLLOW) == 0;
	if (*ret_published)
		return 0;
	for (tries = 0; errno == EEXIST && tries < MAX_NAMES; tries++) {
		ret = random_name(temporary_name);
		if (ret < 0)
			return ret;
		if (linkat(AT_FDCWD, path, temporary->directory, temporary_name,
			    AT_SYMLINK_FOLLOW) == 0) {
			strcpy(temporary->name, temporary_name);
			return 0;
		}
	}
	return -errno;
}
#endif

static int publish(struct temporary *temporary, const char *name)
{
#ifdef O_TMPFILE
	bool published = false;

	if (!*temporary->name) {
		int ret = give_name(temporary, name, &published);

		if (ret < 0 || published)
			return ret;
	}
#endif
	if (renameat(temporary->directory, temporary->name, temporary->directory, name) <
		0)
		return -errno;
	return 0;
}

/* @mode: that of the new file, or -1: as the umask has it */
static int replace(const struct source *source, char path[PATH_MAX], int mode)
{
	struct temporary temporary;
	const char *name;
	int ret;

	temporary.directory = open_directory(split(path, &name));
	if (temporary.directory < 0)
		return temporary.directory;
	ret = open_temporary(&temporary);
	if (ret < 0)
		goto out_directory;
	ret = fill(&temporary, source);
	if (ret == 0 && mode >= 0 && fchmod(temporary.fd, (mode_t)mode) < 0)
		ret = -errno;
	if (ret == 0)
		ret = flush(temporary.fd);
	if (ret == 0)
		ret = publish(&temporary, name);
	if (ret < 0)
		remove_temporary(&temporary);
	/* Everything is on disk since flush(): close() has nothing left to report. */
	close(temporary.fd);
	if (ret == 0)
		ret = flush_directory(temporary.directory);
out_directory:
	close(temporary.directory);
	return ret;
}

/* A device, FIFO or socket is never replaced by a file. */
static int write_in_place(const struct source *source, const char *path)
{
	int fd, ret;

	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	ret = source_write(source, fd);
	if (close(fd) < 0 && ret == 0)
		ret = -errno;
	return ret;
}

static int extract(
	const struct source *source, enum smkernel_asset asset, const char *path)
{
	char destination[PATH_MAX];
	struct stat st;
	int mode = -1, ret;

	strcpy(destination, path);
	/*
	 * stat() before follow_links(): it refuses links that fs.protected_symlinks
	 * forbids.
	 */
	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return -EISDIR;
		if (!S_ISREG(st.st_mode))
			return write_in_place(source, path);
		mode = st.st_mode & 0777;
	} else if (errno != ENOENT) {
		return -errno;
	}
	if (asset == SMKERNEL_INIT_OCI)
		mode = 0755;
	ret = follow_links(destination);
	return ret < 0 ? ret : replace(source, destination, mode);
}

int smkernel_extract(enum smkernel_asset asset, const char *path, unsigned int flags)
{
	struct source source;
	size_t length;
	int ret;

	if (!path || flags & ~SMKERNEL_PARENTS)
		return -EINVAL;
	length = strlen(path);
	if (length == 0 || length >= PATH_MAX)
		return length == 0 ? -ENOENT : -ENAMETOOLONG;
	if (path[length - 1] == '/')
		return -EISDIR;
	ret = source_open(asset, NULL, &source);
	if (ret < 0)
		return ret;
	if (flags & SMKERNEL_PARENTS)
		ret = make_parents(path);
	if (ret == 0)
		ret = extract(&source, asset, path);
	close(source.fd);
	return ret;
}

int smkernel_extract_kernel_to(const char *path)
{
	return smkernel_extract(SMKERNEL_KERNEL, path, 0);
}

int smkernel_extract_kernel_to_with_parents(const char *path)
{
	return smkernel_extract(SMKERNEL_KERNEL, path, SMKERNEL_PARENTS);
}

int smkernel_extract_init_oci_to(const char *path)
{
	return smkernel_extract(SMKERNEL_INIT_OCI, path, 0);
}

int smkernel_extract_init_oci_to_with_parents(const char *path)
{
	return smkernel_extract(SMKERNEL_INIT_OCI, path, SMKERNEL_PARENTS);
}
