// SPDX-License-Identifier: Apache-2.0
/*
 * Every call into libc that the library makes fails once with every error it can give.
 * After each: either the call succeeded whole, or it failed with an errno, leaving old
 * files alone, no new ones, and no descriptor. The functions are defined here and come
 * before those of libc; the library is linked statically.
 */
#include "config.h"

#include <dirent.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "unit.h"

enum call {
	NONE,
	OPEN,
	OPENAT,
	FSTAT,
	STAT,
	PREAD,
	READ,
	WRITE,
	IOCTL,
	COPY_FILE_RANGE,
	FCHMOD,
	FSYNC,
	LINKAT,
	RENAMEAT,
	UNLINKAT,
	MKDIR,
	READLINK,
	ACCESS,
	GETENTROPY,
	MEMFD_CREATE,
	FCNTL,
	LSEEK,
	MMAP,
	MUNMAP,
	CLOSE,
	MALLOC,
	OPEN_MEMSTREAM,
	FCLOSE,
	REALPATH,
	STRDUP,
	CALLS
};

static const char *const names[] = {"none", "open", "openat", "fstat", "stat", "pread",
	"read", "write", "ioctl", "copy_file_range", "fchmod", "fsync", "linkat",
	"renameat", "unlinkat", "mkdir", "readlink", "access", "getentropy",
	"memfd_create", "fcntl", "lseek", "mmap", "munmap", "close", "malloc",
	"open_memstream", "fclose", "realpath", "strdup"};

/* The errors of each call that a caller has to expect: man page, ERRORS. */
static const int errors[CALLS][8] = {
	[OPEN] = {EACCES, EMFILE, ENOENT, ELOOP, EIO, ENOMEM, EROFS},
	[OPENAT] = {EOPNOTSUPP, EISDIR, EACCES, ENOSPC, EMFILE, EROFS, EDQUOT, EEXIST},
	[FSTAT] = {EIO, EOVERFLOW},
	[STAT] = {EACCES, EIO, ENOENT},
	[PREAD] = {EIO, EINTR},
	[READ] = {EIO, EINTR, ENOMEM},
	[WRITE] = {ENOSPC, EIO, EINTR, EDQUOT, EFBIG},
	[IOCTL] = {EIO, EXDEV, EOPNOTSUPP, EINVAL, ENOTTY},
	[COPY_FILE_RANGE] = {EIO, ENOSPC, EINTR, EXDEV, ENOSYS, EOPNOTSUPP, EINVAL,
		EDQUOT},
	[FCHMOD] = {EIO, EPERM, EROFS},
	[FSYNC] = {EIO, ENOSPC, EINVAL, EDQUOT},
	[LINKAT] = {ENOENT, EEXIST, EIO, ENOSPC, EPERM, EMLINK},
	[RENAMEAT] = {EIO, ENOSPC, EACCES, EBUSY, EXDEV},
	[UNLINKAT] = {0},
	[MKDIR] = {EACCES, ENOSPC, EROFS, EMLINK},
	[READLINK] = {EACCES, EIO},
	[ACCESS] = {ENOENT, EACCES},
	[GETENTROPY] = {ENOSYS, EIO},
	[MEMFD_CREATE] = {EMFILE, ENOMEM, ENOSYS},
	[FCNTL] = {EPERM, EBUSY},
	[LSEEK] = {EINVAL},
	[MMAP] = {ENOMEM, EACCES, ENODEV},
	[MUNMAP] = {EINVAL},
	[CLOSE] = {EIO, EINTR},
	[MALLOC] = {ENOMEM},
	[OPEN_MEMSTREAM] = {ENOMEM},
	[FCLOSE] = {ENOSPC},
	[REALPATH] = {EACCES, ENOENT, ENOMEM},
	[STRDUP] = {ENOMEM},
};

/* Armed: the @countdown-th call of @target fails with @error; NONE counts nothing. */
static __thread enum call target;
static __thread int countdown, error, unnamed_off;
static __thread bool fired;

static bool fails(enum call call)
{
	if (target != call || --countdown != 0)
		return false;
	fired = true;
	errno = error;
	return true;
}

#define real(function)                                                                   \
	static __typeof__(&function) next;                                               \
	if (!next) {                                                                     \
		enum call armed = target;                                                \
		target = NONE;                                                           \
		next = (__typeof__(&function))(uintptr_t)dlsym(RTLD_NEXT, #function);    \
		target = armed;                                                          \
	}

#define inject(type, failure, function, call, parameters, arguments)                     \
	type function parameters                                                         \
	{                                                                                \
		real(function);                                                          \
		if (fails(call))                                                         \
			return failure;                                                  \
		return next arguments;                                                   \
	}

inject(int, -1, fstat, FSTAT, (int fd, struct stat *st), (fd, st)) inject(int, -1, stat,
	STAT, (const char *path, struct stat *st), (path, st)) inject(ssize_t, -1, pread,
	PREAD, (int fd, void *data, size_t size, off_t at),
	(fd, data, size, at)) inject(ssize_t, -1, read, READ,
	(int fd, void *data, size_t size), (fd, data, size)) inject(ssize_t, -1, write,
	WRITE, (int fd, const void *data, size_t size),
	(fd, data, size)) inject(ssize_t, -1, copy_file_range, COPY_FILE_RANGE,
	(int in, off64_t *in_at, int out, off64_t *out_at, size_t size,
		unsigned int flags),
	(in, in_at, out, out_at, size, flags)) inject(int, -1, fchmod, FCHMOD,
	(int fd, mode_t mode), (fd, mode)) inject(int, -1, linkat, LINKAT,
	(int a, const char *b, int c, const char *d, int flags),
	(a, b, c, d, flags)) inject(int, -1, renameat, RENAMEAT,
	(int a, const char *b, int c, const char *d), (a, b, c, d)) inject(int, -1,
	unlinkat, UNLINKAT, (int a, const char *b, int flags), (a, b, flags)) inject(int,
	-1, mkdir, MKDIR, (const char *path, mode_t mode), (path, mode)) inject(ssize_t,
	-1, readlink, READLINK, (const char *path, char *to, size_t size),
	(path, to, size)) inject(int, -1, access, ACCESS, (const char *path, int mode),
	(path, mode)) inject(int, -1, getentropy, GETENTROPY, (void *to, size_t size),
	(to, size)) inject(int, -1, memfd_create, MEMFD_CREATE,
	(const char *name, unsigned int flags),
	(name, flags)) inject(off_t, -1, lseek, LSEEK, (int fd, off_t at, int whence),
	(fd, at, whence)) inject(void *, MAP_FAILED, mmap, MMAP,
	(void *a, size_t size, int prot, int flags, int fd, off_t at),
	(a, size, prot, flags, fd, at)) inject(int, -1, munmap, MUNMAP,
	(void *addr, size_t size), (addr, size)) inject(FILE *, NULL, open_memstream,
	OPEN_MEMSTREAM, (char **to, size_t *size), (to, size))
	inject(char *, NULL, realpath, REALPATH, (const char *path, char *to), (path, to))
		inject(char *, NULL, strdup, STRDUP, (const char *text), (text))

			int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	real(open);
	va_start(args, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
	va_end(args);
	return fails(OPEN) ? -1 : next(path, flags, mode);
}

int openat(int fd, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	real(openat);
	va_start(args, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (unnamed_off && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return fails(OPENAT) ? -1 : next(fd, path, flags, mode);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	real(ioctl);
	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	return fails(IOCTL) ? -1 : next(fd, request, arg);
}

int fcntl(int fd, int command, ...)
{
	va_list args;
	void *arg;

	real(fcntl);
	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	return fails(FCNTL) ? -1 : next(fd, command, arg);
}

/* Some thousand real ones would take minutes. */
int fsync(int fd)
{
	(void)fd;
	return fails(FSYNC) ? -1 : 0;
}

/* These take effect, whatever they return. */
int close(int fd)
{
	real(close);
	int ret = next(fd);

	return fails(CLOSE) ? -1 : ret;
}

int fclose(FILE *file)
{
	real(fclose);
	int ret = next(file);

	return fails(FCLOSE) ? EOF : ret;
}

/* dlsym() itself may allocate. AddressSanitizer has a malloc() of its own. */
#ifndef __SANITIZE_ADDRESS__
extern void *__libc_malloc(size_t size);
void *malloc(size_t size)
{
	return fails(MALLOC) ? NULL : __libc_malloc(size);
}
#endif

static uint8_t xz[2 * INIT_OCI_SIZE];
static size_t xz_size;

static bool is_asset(const char *path)
{
	return holds(path, fake_init_oci(), INIT_OCI_SIZE);
}

/* Scenarios: each checks its own result when it is 0. */
static int do_path(void)
{
	char *path;
	int ret = smkernel_path(SMKERNEL_INIT_OCI, &path, NULL);

	if (ret == 0)
		free(path);
	return ret;
}

static int do_explain(void)
{
	char *text;
	int ret = smkernel_explain(SMKERNEL_INIT_OCI, &text);

	if (ret == 0)
		free(text);
	return ret;
}

static int do_open(void)
{
	char path[64];
	bool whole;
	int fd = smkernel_open(SMKERNEL_INIT_OCI);

	if (fd < 0)
		return fd;
	target = NONE;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	whole = is_asset(path);
	close(fd);
	return whole ? 0 : 1;
}

static int do_map(void)
{
	const void *addr;
	size_t size;
	int ret = smkernel_map(SMKERNEL_INIT_OCI, &addr, &size);

	if (ret < 0)
		return ret;
	ret = size == INIT_OCI_SIZE && memcmp(addr, fake_init_oci(), size) == 0 ? 0 : 1;
	if (smkernel_unmap(addr, size) < 0)
		return target == MUNMAP && smkernel_unmap(addr, size) == 0 ? ret : 2;
	return ret;
}

static int do_verify(void)
{
	return smkernel_verify(SMKERNEL_INIT_OCI);
}

static int do_info(void)
{
	struct smkernel_info info;
	int ret = smkernel_info(SMKERNEL_INIT_OCI, &info);

	return ret < 0							    ? ret
	       : strcmp(info.sha256, SMKERNEL_PAYLOAD_INIT_OCI_SHA256) == 0 ? 0
									    : 1;
}

static int do_extract(void)
{
	return smkernel_extract_init_oci_to("to/asset");
}

static int do_extract_parents(void)
{
	return smkernel_extract_init_oci_to_with_parents("to/a/b/asset");
}

/*
 * A FIFO of our own stands for every device: an injected error must not cost the machine
 * its /dev/null.
 */
static int do_extract_device(void)
{
	return smkernel_extract_init_oci_to("to/fifo");
}

static int do_extract_link(void)
{
	return smkernel_extract_init_oci_to("to/link");
}

static int descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	must(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static const char *const destinations[] = {"asset", "link", "old", "a", "fifo"};

/* Files in the destination that nobody asked for: a temporary one, or a wrong one. */
static int strangers(void)
{
	DIR *directory = opendir("to");
	struct dirent *entry;
	int count = 0;
	size_t i;

	must(directory);
	while ((entry = readdir(directory))) {
		bool known = strcmp(entry->d_name, ".") == 0 ||
			     strcmp(entry->d_name, "..") == 0;

		for (i = 0; i < sizeof(destinations) / sizeof(*destinations); i++)
			known |= strcmp(entry->d_name, destinations[i]) == 0;
		count += !known;
	}
	closedir(directory);
	return count;
}

static void reset(bool exists)
{
	static const char *const files[] = {
		"to/a/b/asset", "to/asset", "to/link", "to/old", "to/fifo"};
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(*files); i++)
		unlink(files[i]);
	rmdir("to/a/b");
	rmdir("to/a");
	must(mkdir("to", 0755) == 0 || errno == EEXIST);
	must(symlink("old", "to/link") == 0);
	must(link("fifo", "to/fifo") == 0);
	write_file("to/old", "old", 3, 0644);
	if (exists)
		write_file("to/asset", "old", 3, 0600);
}

/* Old or new, never between. */
static bool is_whole(const char *path)
{
	return holds(path, "old", 3) || access(path, F_OK) != 0 || is_asset(path);
}

struct scenario {
	const char *name;
	int (*run)(void);
	bool exists;	     /* the destination, before */
	bool unnamed_off;    /* a file system without O_TMPFILE */
	const char *written; /* what holds the kernel after success */
};

/* What went wrong, NULL for nothing. */
static const char *judge(const struct scenario *scenario, int ret, int before)
{
	if (ret > 0)
		return "success with wrong contents";
	if (ret < 0 && !fired)
		return "failed by itself";
	if (descriptors() != before)
		return "a descriptor is left open";
	if (strangers())
		return "a temporary file is left";
	if (!is_whole("to/asset") || !is_whole("to/old") || !is_whole("to/a/b/asset"))
		return "a half-written file";
	if (ret == 0 && scenario->written && !is_asset(scenario->written))
		return "success without the file";
	return NULL;
}

/* A directory that could not be flushed holds the file all the same. */
static bool may_be_new(enum call call)
{
	return call == FSYNC;
}

/* Fails the first, second, ... call until one run needs no more of them. */
static void run_all(const char *asset, const struct scenario *scenario)
{
	int wrong = 0, injected = 0, ret, before, call, i;

	for (call = OPEN; call < CALLS; call++) {
		int nth = 0;

		for (i = 0; i < 8 && errors[call][i] && (i == 0 || nth > 1); i++) {
			nth = 0;
			do {
				const char *problem;

				reset(scenario->exists);
				before = descriptors();
				unnamed_off = scenario->unnamed_off;
				fired = false;
				error = errors[call][i];
				countdown = ++nth;
				target = (enum call)call;
				ret = scenario->run();
				target = NONE;
				unnamed_off = 0;
				injected += fired;
				problem = judge(scenario, ret, before);
				if (!problem && ret < 0 && scenario->written &&
					!may_be_new((enum call)call) &&
					is_asset(scenario->written))
					problem = "failed, but the file is there";
				if (problem) {
					printf("# %s #%d gives %s: %d: %s\n", names[call],
						nth, strerror(error), ret, problem);
					wrong++;
				}
			} while (fired && nth < 40);
		}
	}
	is(wrong, 0, "%s, %s: %d errors injected", scenario->name, asset, injected);
	ok(injected > 5, "... and they reached it");
}

/*
 * Reads what arrives, so that no writer waits; it opens for writing too, so that it never
 * sees the end.
 */
static pid_t drain_fifo(void)
{
	char buffer[4096];
	pid_t child = fork();
	int fd;

	must(child >= 0);
	if (child > 0)
		return child;
	fd = open("fifo", O_RDWR | O_CLOEXEC);
	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	_exit(0);
}

int main(void)
{
	static const struct scenario scenarios[] = {
		{"path", do_path, false, false, NULL},
		{"explain", do_explain, false, false, NULL},
		{"open", do_open, false, false, NULL},
		{"map", do_map, false, false, NULL},
		{"verify", do_verify, false, false, NULL},
		{"info", do_info, false, false, NULL},
		{"extract", do_extract, false, false, "to/asset"},
		{"extract over a file", do_extract, true, false, "to/asset"},
		{"extract without O_TMPFILE", do_extract, false, true, "to/asset"},
		{"extract over a file without O_TMPFILE", do_extract, true, true,
			"to/asset"},
		{"extract with parents", do_extract_parents, false, false,
			"to/a/b/asset"},
		{"extract through a link", do_extract_link, false, false, "to/old"},
		{"extract to a device", do_extract_device, false, false, NULL},
	};
	pid_t drain;
	size_t i;

	scratch();
	must(mkfifo("fifo", 0600) == 0);
	drain = drain_fifo();
	must(mkdir("assets", 0755) == 0);
	write_file("assets/asset", fake_init_oci(), INIT_OCI_SIZE, 0644);
	xz_size = compress_xz(fake_init_oci(), INIT_OCI_SIZE, 0, xz, sizeof(xz));
	write_file("asset.xz", xz, xz_size, 0644);
	for (i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
		setenv("SUPERMACHINE_INIT_OCI_PATH", in_scratch("assets/asset"), 1);
		run_all("raw", &scenarios[i]);
		setenv("SUPERMACHINE_INIT_OCI_PATH", in_scratch("asset.xz"), 1);
		run_all("xz", &scenarios[i]);
	}
	kill(drain, SIGKILL);
	return done_testing();
}
