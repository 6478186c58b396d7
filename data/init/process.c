// SPDX-License-Identifier: Apache-2.0
/*
 * Signals and children. All signals are blocked from the start and taken by one loop, so
 * none that arrives before the workload exists is lost and no handler competes for an
 * exit status. Masks are 64 plain bits: the C library's sets leave out the signals it
 * uses itself.
 */
#include "init.h"

static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
enum { FAULTS = sizeof(faults) / sizeof(*faults) };

static pid_t workload_pid;
static uint64_t early_faults; /* sent by somebody before there was a workload */

static uint64_t signal_bit(int signal)
{
	return 1ull << (signal - 1);
}

static void set_mask(uint64_t mask)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
}

/* A fault cannot be blocked: the kernel would end PID 1, and the machine with it. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_code > 0) {
		set_mask(~0ull);
		fatal(0, "fault, signal ", decimal(signal));
	}
	int saved = errno;
	if (workload_pid)
		kill(workload_pid, signal);
	else
		early_faults |= signal_bit(signal);
	errno = saved;
}

void block_signals(void)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART};
	uint64_t mask = ~0ull;
	action.sa_sigaction = on_fault;
	for (int i = 0; i < FAULTS; i++) {
		mask &= ~signal_bit(faults[i]);
		if (sigaction(faults[i], &action, NULL))
			complain(errno, "signal ", decimal(faults[i]));
	}
	set_mask(mask);
}

int next_signal(siginfo_t *ret)
{
	uint64_t all = ~0ull;
	long signal = syscall(SYS_rt_sigtimedwait, &all, ret, NULL, sizeof(all));
	return signal < 0 ? -errno : (int)signal;
}

/* The child has default dispositions and an empty mask, like one of a shell. */
pid_t fork_child(void)
{
	pid_t pid = fork();
	if (pid)
		return pid < 0 ? -errno : pid;
	for (int i = 0; i < FAULTS; i++)
		signal(faults[i], SIG_DFL);
	set_mask(0);
	return 0;
}

/*
 * Waits until PATH appears (WATCH is an inotify descriptor of its directory), the child
 * ends, or DEADLINE comes; without PATH for the end alone. True when what was waited for
 * has happened.
 */
bool wait_child(pid_t pid, int watch, long long deadline, const char *path)
{
	struct pollfd fds[] = {
		{(int)syscall(SYS_pidfd_open, pid, 0), POLLIN, 0}, {watch, POLLIN, 0}};
	bool happened = false, ended = fds[0].fd < 0;
	while (!happened && !ended) {
		char events[1024];
		happened = path && !access(path, F_OK);
		long long left = deadline - milliseconds();
		if (happened || left <= 0 ||
			(poll(fds, 2, (int)left) < 0 && errno != EINTR))
			break;
		ended = fds[0].revents;
		if (fds[1].revents && read(watch, events, sizeof(events)) < 0) {
			complain(errno, "watch ", path);
			break;
		}
	}
	if (fds[0].fd >= 0)
		close(fds[0].fd);
	return path ? happened : ended;
}

static void workload_ended(int status)
{
	static const char pid_file[] = "/run/supermachine-workload.pid";
	int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	char line[16];

	if (unlink(pid_file) && errno != ENOENT)
		complain(errno, pid_file);
	if (workload_pid && WIFSIGNALED(status))
		say("child killed by signal ", decimal(WTERMSIG(status)));
	else if (workload_pid)
		say("child exited ", decimal(code));
	workload_pid = 0;
	stpcpy(stpcpy(line, decimal(code)), "\n");
	int error = replace_file("/run/supermachine-workload.exit", span_of(line), 0644);
	if (error)
		complain(-error, "/run/supermachine-workload.exit");
	sync();
	say("parking PID 1 (exit=", decimal(code), ")");
}

static void reap(void)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0 || (pid < 0 && errno != ECHILD))
		if (pid == workload_pid)
			workload_ended(status);
}

/* Sleeps for ever. Signals of the kernel itself are not meant for the workload. */
_Noreturn void park(void)
{
	for (;;) {
		siginfo_t info;
		reap();
		int signal = next_signal(&info);
		bool ours = signal == SIGCHLD || signal == 32 || signal == 33;
		if (signal > 0 && !ours && info.si_code <= 0 && workload_pid)
			kill(workload_pid, signal);
	}
}

/* A workload that could not be started has ended with STATUS. */
_Noreturn void supervise(pid_t workload, int status)
{
	workload_pid = workload > 0 ? workload : 0;
	if (!workload_pid)
		workload_ended(status << 8);
	for (int i = 0; i < FAULTS && workload_pid; i++)
		if (early_faults & signal_bit(faults[i]))
			kill(workload_pid, faults[i]);
	park();
}
