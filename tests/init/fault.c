// SPDX-License-Identifier: Apache-2.0
/*
 * Makes the system calls of init-oci fail, one per run: fault INIT STEP MINOR...
 *
 * Each run is PID 1 of new namespaces in a tmpfs that looks like an initramfs; its disks are the
 * loop devices with these minor numbers. The container's workload is this program too: it exits
 * with 42 in a complete root, with 43 in any other. A fault may end in three ways: FATAL and
 * nothing runs; nothing runs and the status says so; or the workload runs in its complete root, as
 * its user, and a line names the error. TAP on stdout; FAULT_VERBOSE=1 shows every run.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMPLETE = 42, INCOMPLETE = 43, RUN_SECONDS = 20 };

static bool file_is(const char *path, const char *want)
{
	char got[64] = "";
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, got, sizeof(got) - 1);
	close(fd);
	return n >= 0 && !strcmp(got, want);
}

static int be_workload(void)
{
	gid_t groups[4];
	bool user = getuid() == 1000 && geteuid() == 1000 && getgid() == 1001 &&
		getgroups(4, groups) == 2;
	bool whole = file_is("/base", "base\n") && file_is("/middle", "middle\n") &&
		file_is("/file", "delta\n");
	return user && whole ? COMPLETE : INCOMPLETE;
}

static int be_agent(void)
{
	close(open("/run/supermachine-agent-ready", O_CREAT | O_WRONLY, 0644));
	pause();
	return 0;
}

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void copy_file(int from, const char *to)
{
	char part[65536];
	ssize_t n;
	int fd = open(to, O_CREAT | O_WRONLY, 0755);
	lseek(from, 0, SEEK_SET);
	while ((n = read(from, part, sizeof(part))) > 0)
		need(write(fd, part, (size_t)n) == n, to);
	close(fd);
}

/* The initramfs: what the host delivers, and disks that /sys/block and /dev show. */
static void make_initramfs(int init, char **minors)
{
	need(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
	need(!mount("tmpfs", "/tmp", "tmpfs", 0, NULL) && !chdir("/tmp"), "tmpfs");
	mkdir("proc", 0755), mkdir("sys", 0755), mkdir("dev", 0755), mkdir("newroot", 0755);
	need(!mount("sysfs", "sys", "sysfs", 0, NULL), "sysfs");
	need(!mount("tmpfs", "sys/block", "tmpfs", 0, NULL), "sys/block");
	/* Switches that would act on this machine. */
	need(!mount("tmpfs", "sys/kernel/mm", "tmpfs", 0, NULL), "sys/kernel/mm");
	mkdir("sys/kernel/mm/transparent_hugepage", 0755);
	int fd = open("sys/kernel/mm/transparent_hugepage/enabled", O_CREAT | O_WRONLY, 0644);
	need(write(fd, "always madvise [never]\n", 23) == 23 && !close(fd), "transparent_hugepage");
	need(!mount("tmpfs", "dev", "tmpfs", 0, NULL), "dev");
	need(!mknod("dev/null", S_IFCHR | 0666, makedev(1, 3)), "null");
	for (char name = 'a'; *minors; minors++, name++) {
		char path[32];
		snprintf(path, sizeof(path), "sys/block/vd%c", name);
		mkdir(path, 0755);
		snprintf(path, sizeof(path), "dev/vd%c", name);
		need(!mknod(path, S_IFBLK | 0600, makedev(7, (unsigned)atoi(*minors))), path);
	}
	chmod("dev/null", 0666);
	copy_file(init, "init");
	need(!chroot(".") && !chdir("/"), "chroot");
}

struct sandbox {
	int init, output, go;
	char **minors;
};

static int enter_sandbox(void *argument)
{
	struct sandbox *s = argument;
	char byte;
	make_initramfs(s->init, s->minors);
	dup2(open("/dev/null", O_RDWR), 0);
	dup2(s->output, 1);
	dup2(s->output, 2);
	if (read(s->go, &byte, 1) != 1)
		return 1;
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	execl("/init", "/init", (char *)NULL);
	return 1;
}

/* Calls that cannot fail when their arguments are right, and the end of a process. */
static bool never_fails(uint64_t nr)
{
	static const long safe[] = { SYS_getpid, SYS_exit_group, SYS_exit, SYS_umask, SYS_sync,
		SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_gettid, SYS_set_robust_list, SYS_clock_gettime,
		SYS_set_tid_address, SYS_rseq, SYS_rt_sigreturn, SYS_restart_syscall, SYS_geteuid };
	for (size_t i = 0; i < sizeof(safe) / sizeof(*safe); i++)
		if ((uint64_t)safe[i] == nr)
			return true;
	return false;
}

/* Calls whose failure needs no line: a fallback exists, or nothing depends on them. */
static bool may_be_silent(uint64_t nr)
{
	static const long quiet[] = { SYS_close, SYS_fcntl, SYS_prctl, SYS_setpgid, SYS_wait4,
		SYS_rt_sigtimedwait, SYS_faccessat, SYS_munmap, SYS_pidfd_open, SYS_kill, SYS_newfstatat,
		SYS_statfs, SYS_write, SYS_unlinkat, SYS_brk, SYS_mmap, SYS_mremap, SYS_lseek,
#ifdef SYS_access
		SYS_access, SYS_poll, SYS_unlink,
#else
		SYS_ppoll,
#endif
	};
	for (size_t i = 0; i < sizeof(quiet) / sizeof(*quiet); i++)
		if ((uint64_t)quiet[i] == nr)
			return true;
	return false;
}

static void cancel_call(pid_t pid)
{
#ifdef __x86_64__
	ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), -1L);
#else
	int nr = -1;
	struct iovec v = { &nr, sizeof(nr) };
	ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &v);
#endif
}

static void set_result(pid_t pid, long result)
{
	struct user_regs_struct regs;
	struct iovec v = { &regs, sizeof(regs) };
	ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v);
#ifdef __x86_64__
	regs.rax = (unsigned long long)result;
#else
	regs.regs[0] = (unsigned long long)result;
#endif
	ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v);
}

struct run {
	pid_t pid;
	long fault;		/* the call to fail, or -1 */
	long calls;		/* so far, from main() on */
	uint64_t failed_nr;
	pid_t pending;		/* in a cancelled call */
	long pending_result;
	bool started, init_ended;
	char text[1 << 15];
	size_t len;
};

static bool is_pause(const struct __ptrace_syscall_info *info)
{
#ifdef SYS_poll
	return info->entry.nr == SYS_poll && !info->entry.args[0];
#else
	return info->entry.nr == SYS_ppoll && !info->entry.args[0];
#endif
}

static void at_call(struct run *r, pid_t pid)
{
	struct __ptrace_syscall_info info = { 0 };
	ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info);
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && r->pending == pid) {
		set_result(pid, r->pending_result);
		r->pending = 0;
	}
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	if (!r->started) { /* main() begins with getpid(2) */
		r->started = info.entry.nr == SYS_getpid;
		return;
	}
	if (never_fails(info.entry.nr))
		return;
	bool fail = r->calls++ == r->fault;
	if (!fail && !is_pause(&info))
		return;
	if (fail)
		r->failed_nr = info.entry.nr;
	r->pending = pid;
	r->pending_result = fail ? -EIO : 0;
	cancel_call(pid);
}

static volatile sig_atomic_t too_late;

static void on_alarm(int signal)
{
	(void)signal;
	too_late = 1;
}

static bool finished(struct run *r, int output)
{
	ssize_t n = read(output, r->text + r->len, sizeof(r->text) - 1 - r->len);
	if (n > 0)
		r->len += (size_t)n;
	r->text[r->len] = 0;
	const char *end = strstr(r->text, "parking PID 1");
	if (!end)
		end = strstr(r->text, "FATAL: ");
	return end && strchr(end, '\n');
}

/* Until the last line, the end of PID 1, or the time limit. */
static void trace(struct run *r, int output)
{
	while (!finished(r, output) && !too_late && !r->init_ended) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);
		if (pid < 0)
			continue;
		if (!WIFSTOPPED(status)) {
			r->init_ended = pid == r->pid;
			continue;
		}
		int signal = WSTOPSIG(status), event = status >> 16;
		if (event == PTRACE_EVENT_EXEC && pid != r->pid) {
			ptrace(PTRACE_DETACH, pid, 0, 0);
			continue;
		}
		if (signal == (SIGTRAP | 0x80))
			at_call(r, pid);
		ptrace(PTRACE_SYSCALL, pid, 0, event || signal & 0x80 ? 0 : signal);
	}
}

static void run_init(struct run *r, int init, char **minors)
{
	static char stack[1 << 16] __attribute__((aligned(16)));
	int output[2], go[2];
	need(!pipe2(output, O_NONBLOCK | O_CLOEXEC) && !pipe(go), "pipe");
	struct sandbox s = { init, output[1], go[0], minors };
	r->pid = clone(enter_sandbox, stack + sizeof(stack),
		CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD, &s);
	need(r->pid > 0, "clone");
	need(!ptrace(PTRACE_SEIZE, r->pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
		PTRACE_O_TRACECLONE | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL), "ptrace");
	need(!ptrace(PTRACE_INTERRUPT, r->pid, 0, 0), "interrupt");
	need(write(go[1], "g", 1) == 1, "go");
	too_late = 0;
	alarm(RUN_SECONDS);
	trace(r, output[0]);
	alarm(0);
	kill(r->pid, SIGKILL);
	while (waitpid(-1, NULL, __WALL) > 0)
		;
	close(output[0]), close(output[1]), close(go[0]), close(go[1]);
}

/* NULL, or what is wrong with the outcome. */
static const char *judge(const struct run *r)
{
	bool fatal = strstr(r->text, "FATAL: init-oci: ");
	bool named = strstr(r->text, strerror(EIO));
	bool refused = strstr(r->text, "(exit=125)") || strstr(r->text, "(exit=126)") ||
		strstr(r->text, "(exit=127)");
	bool complete = strstr(r->text, "(exit=42)");
	if (r->init_ended)
		return "PID 1 ended";
	if (too_late)
		return "no end";
	if (strstr(r->text, "(exit=43)"))
		return "the workload ran in an incomplete root or as somebody else";
	if (!fatal && !refused && !complete)
		return "undocumented end";
	if (r->fault < 0)
		return complete && !named ? NULL : "the run without a fault fails";
	if ((fatal || refused) && !strchr(r->text, ':'))
		return "no reason given";
	if (!named && !may_be_silent(r->failed_nr) && !strstr(r->text, strerror(ENOMEM)))
		return "no line names the error";
	return NULL;
}

static bool run_and_judge(long fault, int init, char **minors, long *ret_calls)
{
	static struct run r;
	r = (struct run){ .fault = fault };
	run_init(&r, init, minors);
	const char *wrong = judge(&r);
	if (wrong || getenv("FAULT_VERBOSE"))
		printf("# call %ld, nr %llu: %s\n# %s\n", fault, (unsigned long long)r.failed_nr,
			wrong ? wrong : "ok", r.text);
	*ret_calls = r.calls;
	return !wrong;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	if (!strcmp(name ? name + 1 : argv[0], "supermachine-agent"))
		return be_agent();
	if (!strcmp(argv[0], "workload"))
		return be_workload();
	need(argc > 3, "usage: fault INIT STEP MINOR...");
	setvbuf(stdout, NULL, _IOLBF, 0);
	struct sigaction action = { .sa_handler = on_alarm };
	sigaction(SIGALRM, &action, NULL);

	int init = open(argv[1], O_RDONLY);
	long calls, ignored, runs = 0, bad = 0, step = atol(argv[2]);
	need(init >= 0 && step > 0, argv[1]);
	bool ok = run_and_judge(-1, init, argv + 3, &calls);
	printf("%sok 1 - the container runs when nothing fails\n", ok ? "" : "not ");
	const char *first = getenv("FAULT_FIRST");
	for (long n = first ? atol(first) : step / 2; ok && n < calls; n += step, runs++)
		bad += !run_and_judge(n, init, argv + 3, &ignored);
	printf("%sok 2 - %ld of %ld system calls, failed one per run, end as documented\n",
		!ok || bad ? "not " : "", runs, calls);
	printf("1..2\n");
	return !ok || bad;
}
