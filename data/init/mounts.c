// SPDX-License-Identifier: Apache-2.0
/* File systems that the kernel makes up, and what else a container expects to find. Each
   target is mounted once: what is there and of the right type stays. */
#include "init.h"

#define PROC_MAGIC 0x9fa0
#define SYSFS_MAGIC_NUMBER 0x62656572
#define TMPFS_MAGIC_NUMBER 0x01021994
#define RAMFS_MAGIC_NUMBER 0x858458f6
#define DEVPTS_MAGIC 0x1cd1
#define MQUEUE_MAGIC_NUMBER 0x19800202
#define CGROUP2_MAGIC 0x63677270

enum { CLOSED = MS_NOSUID | MS_NODEV | MS_NOEXEC };

struct filesystem {
	const char *target, *type, *options;
	unsigned long flags;
	unsigned long magic;
};

static const struct filesystem of_kernel[] = {
	{"/proc", "proc", NULL, CLOSED, PROC_MAGIC},
	{"/sys", "sysfs", NULL, CLOSED, SYSFS_MAGIC_NUMBER},
	{"/dev", "devtmpfs", NULL, MS_NOSUID, TMPFS_MAGIC_NUMBER},
};

static const struct filesystem of_container[] = {
	{"/dev/pts", "devpts", "newinstance,ptmxmode=0666,mode=0620,gid=5",
		MS_NOSUID | MS_NOEXEC, DEVPTS_MAGIC},
	{"/dev/shm", "tmpfs", "size=64m,mode=1777", MS_NOSUID | MS_NODEV,
		TMPFS_MAGIC_NUMBER},
	{"/dev/mqueue", "mqueue", NULL, CLOSED, MQUEUE_MAGIC_NUMBER},
	{"/sys/fs/cgroup", "cgroup2", "nsdelegate", CLOSED, CGROUP2_MAGIC},
};

bool in_initramfs(void)
{
	struct statfs fs;
	if (statfs("/", &fs))
		fatal(errno, "/");
	return (unsigned long)fs.f_type == TMPFS_MAGIC_NUMBER ||
	       (unsigned long)fs.f_type == RAMFS_MAGIC_NUMBER;
}

static bool already_there(const struct filesystem *f)
{
	struct stat here, above;
	struct statfs fs;
	char *parent = join(f->target, "/..");
	bool there = !stat(f->target, &here) && !stat(parent, &above) &&
		     here.st_dev != above.st_dev && !statfs(f->target, &fs) &&
		     (unsigned long)fs.f_type == f->magic;
	free(parent);
	return there;
}

static void mount_once(const struct filesystem *f)
{
	if (already_there(f))
		return;
	int error = make_directory(f->target);
	if (!error && mount(f->type, f->target, f->type, f->flags, f->options))
		error = -errno;
	if (error)
		complain(-error, "mount ", f->type, " on ", f->target);
}

void mount_kernel_filesystems(void)
{
	for (size_t i = 0; i < sizeof(of_kernel) / sizeof(*of_kernel); i++)
		mount_once(&of_kernel[i]);
}

/* Nobody can be told without a console; mount_kernel_filesystems() tries again. */
void mount_dev(void)
{
	if (!already_there(&of_kernel[2]) && !make_directory("/dev"))
		mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, NULL);
}

static int copy_directory(int from, int to, const char *name);

/* The directories below FROM; files, sockets and links stay behind. Closes both. */
static int copy_directories(int from, int to)
{
	DIR *dir = fdopendir(from);
	int error = dir ? 0 : -errno;
	if (!dir)
		close(from);
	for (errno = 0; dir; errno = 0) {
		struct dirent *entry = readdir(dir);
		if (!entry) {
			error = error ? error : -errno;
			break;
		}
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) {
			int failed = copy_directory(dirfd(dir), to, entry->d_name);
			error = error ? error : failed;
		}
	}
	if (dir)
		closedir(dir);
	close(to);
	return error;
}

static int copy_directory(int from, int to, const char *name)
{
	struct stat st;
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return 0;
	if (mkdirat(to, name, 0700))
		return -errno;
	int inner = openat(to, name, flags);
	if (inner < 0)
		return -errno;
	int source = openat(from, name, flags);
	if (source < 0 || fchown(inner, st.st_uid, st.st_gid) ||
		fchmod(inner, st.st_mode & 07777)) {
		int error = -errno;
		if (source >= 0)
			close(source);
		close(inner);
		return error;
	}
	return copy_directories(source, inner);
}

/* A fresh tmpfs with the directories that the image ships at this place. */
static void mount_over_image(
	const char *path, mode_t mode, unsigned long flags, const char *options)
{
	struct stat st = {.st_mode = 0};
	int error = make_directory(path);
	int old = error ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!error && (old < 0 || fstat(old, &st)))
		error = -errno;
	if (!error && mount("tmpfs", path, "tmpfs", flags, options))
		error = -errno;
	int new = error ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!error && (new < 0 || fchmod(new, mode | (st.st_mode & 07777))))
		error = -errno;
	if (!error) {
		error = copy_directories(old, new);
	} else {
		if (old >= 0)
			close(old);
		if (new >= 0)
			close(new);
	}
	if (error)
		complain(-error, "tmpfs on ", path);
}

static void make_wide_directory(const char *path, mode_t mode)
{
	if ((mkdir(path, mode) && errno != EEXIST) || chmod(path, mode))
		complain(errno, path);
}

static void link_descriptors(void)
{
	static const char *const links[][2] = {
		{"/proc/self/fd", "/dev/fd"},
		{"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"},
		{"/proc/self/fd/2", "/dev/stderr"},
	};
	for (int i = 0; i < 4; i++)
		if (symlink(links[i][0], links[i][1]) && errno != EEXIST)
			complain(errno, links[i][1]);
}

static void set_kernel_values(void)
{
	static const char *const values[][2] = {
		{"/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"},
		{"/proc/sys/net/ipv4/ping_group_range", "0 2147483647"},
	};
	for (int i = 0; i < 2; i++) {
		int error = write_existing(values[i][0], values[i][1]);
		if (error)
			complain(-error, values[i][0]);
	}
}

/*
 * Machines below 512 MiB start without huge pages. Turning them on for programs that ask
 * for them also raises the kernel's reserve, by more than a small machine can spare.
 */
static void allow_huge_pages(void)
{
	static const char enabled[] = "/sys/kernel/mm/transparent_hugepage/enabled";
	static const char reserve[] = "/proc/sys/vm/min_free_kbytes";
	struct text state = {0}, old = {0};
	int error = read_file(enabled, &state);
	if (error == -ENOENT || parameter_present("transparent_hugepage=never"))
		return;
	if (!error && state.len && strstr(state.data, "[never]")) {
		error = read_file(reserve, &old);
		if (!error)
			error = write_existing(enabled, "madvise");
		if (!error)
			error = write_existing(reserve, old.data);
	}
	if (error)
		complain(-error, enabled);
	text_free(&state);
	text_free(&old);
}

/* The kernel's own maximum is 4096, which an ordinary user could not raise. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit = {1024, 524288};
	if (setrlimit(RLIMIT_NOFILE, &limit))
		complain(errno, "limit of open files");
}

/* As systemd does, for engines and kubelet inside; who wants a private tree makes one. */
static void share_mounts(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL))
		complain(errno, "share the mounts");
}

void prepare_container(void)
{
	for (size_t i = 0; i < sizeof(of_container) / sizeof(*of_container); i++)
		mount_once(&of_container[i]);
	mount_over_image("/tmp", 01777, 0, NULL);
	mount_over_image("/run", 0755, MS_NOSUID | MS_NODEV, "mode=0755");
	make_wide_directory("/tmp/.X11-unix", 01777);
	make_wide_directory("/run/dbus", 0755);
	link_descriptors();
	set_kernel_values();
	allow_huge_pages();
	raise_descriptor_limit();
	share_mounts();
}
