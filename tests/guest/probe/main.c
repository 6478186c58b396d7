// SPDX-License-Identifier: Apache-2.0
/*
 * Runs the entries whose names contain one of the arguments, all without any, and prints a line for each: "probe ok NAME",
 * "probe not ok NAME" or "probe absent NAME". As PID 1 it runs the early ones and becomes /init-oci.
 */
#include "probe.h"
#include <linux/loop.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/xattr.h>
#include <time.h>

/* The exit status of an entry that has nothing to try. */
enum { ABSENT = 77 };

_Noreturn void fail(const char *what)
{
	printf("# %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
	fflush(stdout);
	_exit(1);
}

_Noreturn void absent(void)
{
	_exit(ABSENT);
}

int nothing_there(void)
{
	static const int errors[] = {ENOSYS, ENODEV, ENOENT, EPROTONOSUPPORT,
		EAFNOSUPPORT, EOPNOTSUPP, ESOCKTNOSUPPORT};

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (errno == errors[i])
			return 1;
	return 0;
}

void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
		close(fd) < 0)
		fail(path);
}

char *get(const char *path)
{
	static char text[65536];
	int fd = open(path, O_RDONLY);
	ssize_t n, len = 0;

	if (fd < 0)
		fail(path);
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	if (n < 0)
		fail(path);
	text[len] = 0;
	close(fd);
	return text;
}

int contains(const char *path, const char *text)
{
	return strstr(get(path), text) != NULL;
}

void wait_for(const char *file, const char *text)
{
	for (int i = 0; i < 1000 && !contains(file, text); i++)
		usleep(10000);
	must(contains(file, text));
}

long number(const char *file, const char *key)
{
	char *at = strstr(get(file), key);

	if (!at)
		fail(path("no '%s' in %s", key, file));
	return atol(at + strlen(key));
}

char *path(const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	try(vasprintf(&text, format, args));
	va_end(args);
	return text;
}

long page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

char *pages(int n)
{
	char *p = mmap(NULL, n * page_size(), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	return p;
}

long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int shell(const char *command)
{
	fflush(stdout);
	int status = try(system(command));

	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

const char *scratch(void)
{
	char *dir = path("/tmp/probe.XXXXXX");

	if (!mkdtemp(dir))
		fail(dir);
	try(mount("scratch", dir, "tmpfs", 0, NULL));
	try(chmod(dir, 0777));
	return dir;
}

void await(pid_t pid)
{
	int status;

	try(pid);
	try(waitpid(pid, &status, 0));
	if (WIFEXITED(status) && WEXITSTATUS(status) == ABSENT)
		absent();
	if (status) {
		errno = 0;
		fail(WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "in the child");
	}
}

void child(int namespaces, void (*fn)(void))
{
	fflush(stdout);
	pid_t pid = try(fork());

	if (!pid) {
		try(unshare(namespaces));
		if (namespaces & CLONE_NEWPID) {
			pid = try(fork());
			if (pid) {
				await(pid);
				_exit(0);
			}
		}
		if (namespaces & CLONE_NEWNS)
			try(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
		fn();
		fflush(stdout);
		_exit(0);
	}
	await(pid);
}

static void (*mapped_fn)(void);

static void mapped(void)
{
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", "0 1000 1");
	put("/proc/self/gid_map", "0 1000 1");
	must(getuid() == 0);
	mapped_fn();
}

void unprivileged(int namespaces, void (*fn)(void))
{
	fflush(stdout);
	pid_t pid = try(fork());

	if (!pid) {
		try(setresgid(1000, 1000, 1000));
		try(setresuid(1000, 1000, 1000));
		/* A process that changed its user owns its /proc files only when it is dumpable. */
		try(prctl(PR_SET_DUMPABLE, 1));
		mapped_fn = fn;
		child(CLONE_NEWUSER | namespaces, mapped);
		_exit(0);
	}
	await(pid);
}

const char *disk(const char *serial)
{
	for (char c = 'a'; c <= 'z'; c++) {
		const char *file = path("/sys/block/vd%c/serial", c);
		if (access(file, F_OK) == 0 && strstr(get(file), serial))
			return path("/dev/vd%c", c);
	}
	fail(path("no disk %s", serial));
}

const char *loop_device(const char *file, long size)
{
	int control = try(open("/dev/loop-control", O_RDWR));
	int n = try(ioctl(control, LOOP_CTL_GET_FREE));
	int fd = try(open(file, O_RDWR | O_CREAT, 0600));

	if (size)
		try(ftruncate(fd, size));
	const char *device = path("/dev/loop%d", n);
	int loop = try(open(device, O_RDWR));
	struct loop_config config = {.fd = fd, .info.lo_flags = LO_FLAGS_AUTOCLEAR};
	try(ioctl(loop, LOOP_CONFIGURE, &config));
	/*
	 * The device lives as long as a descriptor, which is left open; one for writing keeps others from mounting it
	 * where the kernel protects mounted devices.
	 */
	try(open(device, O_RDONLY));
	close(loop);
	close(fd);
	close(control);
	return device;
}

void access_list(const char *file)
{
	static const unsigned char list[] = "\2\0\0\0"
					    "\1\0\6\0\377\377\377\377"
					    "\2\0\4\0\350\3\0\0"
					    "\4\0\0\0\377\377\377\377"
					    "\20\0\4\0\377\377\377\377"
					    "\40\0\0\0\377\377\377\377";

	put(file, "x");
	try(setxattr(file, "system.posix_acl_access", list, sizeof(list) - 1, 0));
	try(setresgid(1000, 1000, 1000));
	try(setresuid(1000, 1000, 1000));
	try(open(file, O_RDONLY));
	refuses(EACCES, open(file, O_RDWR));
}

static int run(const struct probe *probe)
{
	int status;

	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		alarm(120);
		setpgid(0, 0);
		if (unshare(CLONE_NEWNS | CLONE_NEWIPC) < 0 ||
			mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			fail("unshare");
		probe->run();
		fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		fail("fork");
	kill(-pid, SIGKILL);
	int lacking = (probe->need == N || !strncmp(probe->name, "CPU: ", 5)) &&
		      WIFEXITED(status) && WEXITSTATUS(status) == ABSENT;
	printf("probe %s %s\n",
		lacking	 ? "absent"
		: status ? "not ok"
			 : "ok",
		probe->name);
	return status && !lacking;
}

static int wanted(const char *name, char **words)
{
	if (!*words)
		return 1;
	for (; *words; words++)
		if (strstr(name, *words))
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	static const struct probe *const groups[] = {
		boot_probes, device_probes, file_probes, process_probes, network_probes};
	int failed = 0;

	setlinebuf(stdout);
	if (getpid() == 1) {
		for (const struct probe *p = early_probes; p->name; p++)
			run(p);
		execl("/init-oci", "/init", NULL);
		fail("/init-oci");
	}
	/* What a probe that needs a program of its own starts as one. */
	if (argc > 2 && !strcmp(argv[1], "bind")) {
		low_port();
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		for (const struct probe *p = groups[i]; p->name; p++)
			if (wanted(p->name, argv + 1))
				failed += run(p);
	return failed != 0;
}
