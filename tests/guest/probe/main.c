// SPDX-License-Identifier: Apache-2.0
/* Runs the entries, one line each: "probe ok NAME" or "probe not ok NAME: reason". */
#include "probe.h"
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

_Noreturn void fail(const char *what)
{
	printf("# %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
	fflush(stdout);
	_exit(1);
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

const char *scratch(void)
{
	static char dir[32];

	strcpy(dir, "/tmp/probe.XXXXXX");
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

const char *loop_device(const char *file, long size)
{
	static char path[32];
	int control = try(open("/dev/loop-control", O_RDWR));
	int n = try(ioctl(control, LOOP_CTL_GET_FREE));
	int fd = try(open(file, O_RDWR | O_CREAT, 0600));

	if (size)
		try(ftruncate(fd, size));
	snprintf(path, sizeof(path), "/dev/loop%d", n);
	int loop = try(open(path, O_RDWR));
	struct loop_config config = {.fd = fd, .info.lo_flags = LO_FLAGS_AUTOCLEAR};
	try(ioctl(loop, LOOP_CONFIGURE, &config));
	/*
	 * The device lives as long as a descriptor, which is left open; one for writing keeps others from mounting it
	 * where the kernel protects mounted devices.
	 */
	try(open(path, O_RDONLY));
	close(loop);
	close(fd);
	close(control);
	return path;
}

static int run(const struct probe *probe)
{
	int status;

	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		alarm(60);
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
	printf("probe %s %s\n", status ? "not ok" : "ok", probe->name);
	return status != 0;
}

int main(int argc, char **argv)
{
	static const struct probe *groups[] = {
		boot_probes, file_probes, process_probes, network_probes};
	int ran = 0, failed = 0;

	setlinebuf(stdout);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		for (const struct probe *p = groups[i]; p->name; p++) {
			if (argc > 1 && !strstr(p->name, argv[1]))
				continue;
			failed += run(p);
			ran++;
		}
	printf("probed %d failed %d\n", ran, failed);
	return failed != 0;
}
