// SPDX-License-Identifier: Apache-2.0
/* Files of the image and of the kernel. The image may put anything anywhere, so nothing
   here waits for a FIFO, reads a device without end, or leaves the container root by a
   link. */
#include "init.h"

enum { FILE_BYTES = 64 << 20 };

int read_file(const char *path, struct text *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	struct text t = {0};
	struct stat st;
	char part[4096];
	ssize_t n = fstat(fd, &st);
	int error = n < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	while (!error && (n = read(fd, part, sizeof(part)))) {
		if (n > 0 && t.len < FILE_BYTES)
			text_add(&t, part, (size_t)n);
		else if (n > 0 || errno != EINTR)
			error = n > 0 ? -EFBIG : -errno;
	}
	close(fd);
	if (error)
		text_free(&t);
	else
		*ret = t;
	return error;
}

static int write_all(int fd, struct span content)
{
	while (content.len) {
		ssize_t n = write(fd, content.at, content.len);
		if (n < 0 && errno != EINTR)
			return -errno;
		content.at += n > 0 ? n : 0;
		content.len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int write_new(int fd, struct span content, mode_t mode)
{
	if (fd < 0)
		return -errno;
	int error = write_all(fd, content);
	if (mode && !error && fchmod(fd, mode))
		error = -errno;
	if (close(fd) && !error)
		error = -errno;
	return error;
}

/* For files of the kernel, which take a value in one write. */
int write_existing(const char *path, const char *value)
{
	return write_new(open(path, O_WRONLY | O_CLOEXEC), span_of(value), 0);
}

/* Readers see the old content or the new one; a link of that name is replaced. */
int replace_file(const char *path, struct span content, mode_t mode)
{
	char *draft = join(path, ".new");
	unlink(draft);
	int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int error = write_new(fd, content, mode);
	if (!error && rename(draft, path))
		error = -errno;
	if (error)
		unlink(draft);
	free(draft);
	return error;
}

int open_in_root(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

/* The path that takes over from one whose last name is a link to nothing. */
static char *path_behind(int dir, const char *parent, const char *name)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(dir, name, target, sizeof(target) - 1);
	if (len < 0)
		return NULL;
	target[len] = 0;
	if (*target == '/')
		return join(target, "");
	char *slash = join(parent, "/");
	char *path = join(slash, target);
	free(slash);
	return path;
}

/*
 * Opens a directory (O_PATH) and makes what is missing of it, mode 0755. Links are
 * followed as seen from ROOT; where one leads to nothing, its target is made.
 */
int make_path(int root, const char *path, int links)
{
	int fd = open_in_root(root, path, O_PATH | O_DIRECTORY);
	if (fd != -ENOENT)
		return fd;
	if (!links || !*path)
		return *path ? -ELOOP : -ENOENT;

	struct span whole = span_trim_end(span_of(path), "/");
	size_t cut = whole.len;
	while (cut && path[cut - 1] != '/')
		cut--;
	char *parent = span_copy((struct span){path, cut});
	char *name = span_copy((struct span){path + cut, whole.len - cut});
	int dir = make_path(root, cut ? parent : ".", links);
	fd = dir;
	if (dir >= 0) {
		char *behind = NULL;
		fd = mkdirat(dir, name, 0755) ? -errno : 0;
		if (fd == -EEXIST)
			behind = path_behind(dir, parent, name);
		if (behind)
			fd = make_path(root, behind, links - 1);
		else if (!fd || fd == -EEXIST)
			fd = open_in_root(root, path, O_PATH | O_DIRECTORY);
		free(behind);
		close(dir);
	}
	free(name);
	free(parent);
	return fd;
}

int make_directory(const char *path)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	int fd = make_path(root, path, FOLLOWED_LINKS);
	close(root);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

char *descriptor_path(int fd)
{
	return join("/proc/self/fd/", decimal(fd));
}

/* The wall clock may be set meanwhile; limits are kept by this one. */
long long milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}
