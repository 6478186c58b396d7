// SPDX-License-Identifier: Apache-2.0
/*
 * The workload of the guest tests: one static program, the first argument says what to do.
 * It prints facts, one a line, that the test on the host looks for on the console.
 * Installed setuid root: "report" opens the console for a workload that may not.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/vm_sockets.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static _Noreturn void die(const char *what)
{
	printf("probe: %s: %s\n", what, strerror(errno));
	exit(99);
}

static void print_escaped(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = *s;
		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c > '~')
			printf("\\x%02x", c);
		else
			putchar(c);
	}
	putchar('"');
}

/* report COMMAND...: run COMMAND, as who we really are, with its output on the console. */
static int report(char **argv)
{
	int console = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);

	if (console < 0 || dup2(console, 1) < 0 || dup2(console, 2) < 0)
		return 98;
	for (int fd = 3; fd < 1024; fd++)
		if (fd != console && fcntl(fd, F_GETFD) >= 0)
			printf("report: descriptor %d is open\n", fd);
	sigset_t mask;
	struct sigaction act;
	sigprocmask(SIG_BLOCK, NULL, &mask);
	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(&mask, sig) == 1 ||
			(!sigaction(sig, NULL, &act) && act.sa_handler != SIG_DFL))
			printf("report: signal %d is blocked or ignored\n", sig);
	if (setresgid(getgid(), getgid(), getgid()) < 0 ||
		setresuid(getuid(), getuid(), getuid()) < 0)
		die("report");
	execvp(argv[0], argv);
	die(argv[0]);
}

static int args(char **argv)
{
	for (int i = 0; argv[i]; i++) {
		printf("arg %d ", i + 1);
		print_escaped(argv[i]);
		putchar('\n');
	}
	return 0;
}

static int env(char **argv)
{
	(void)argv;
	for (char **e = environ; *e; e++) {
		printf("env ");
		print_escaped(*e);
		putchar('\n');
	}
	return 0;
}

static int ids(char **argv)
{
	gid_t groups[64];
	int n = getgroups(64, groups);

	(void)argv;
	printf("ids uid %d gid %d groups", getuid(), getgid());
	for (int i = 0; i < n; i++)
		printf(" %d", groups[i]);
	putchar('\n');
	return 0;
}

/* bind PORT: a TCP listener on that port. */
static int bind_port(char **argv)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons(atoi(argv[0])),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0)
		die("bind");
	printf("bind %s ok\n", argv[0]);
	return 0;
}

/* A pseudo terminal pair carries a line. */
static int pty(char **argv)
{
	int master, slave;
	char buf[8] = "";

	(void)argv;
	if (openpty(&master, &slave, NULL, NULL, NULL) < 0)
		die("openpty");
	if (write(slave, "x\n", 2) != 2 || read(master, buf, sizeof(buf)) < 1 ||
		buf[0] != 'x')
		die("pty");
	printf("pty ok\n");
	return 0;
}

static int count_zombies(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	int n = 0;

	if (!proc)
		die("/proc");
	while ((d = readdir(proc))) {
		char path[300], line[512];
		FILE *f;
		if (d->d_name[0] < '0' || d->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", d->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fgets(line, sizeof(line), f)) {
			const char *state = strrchr(line, ')');
			n += state && state[2] == 'Z';
		}
		fclose(f);
	}
	closedir(proc);
	return n;
}

/* Zombies that stay for two seconds: PID 1 needs a moment for fresh ones. */
static int lasting_zombies(void)
{
	int n = count_zombies();

	for (int i = 0; n && i < 200; i++) {
		usleep(10000);
		n = count_zombies();
	}
	return n;
}

static int zombies(char **argv)
{
	(void)argv;
	printf("zombies %d\n", lasting_zombies());
	return 0;
}

/* orphans N: N grandchildren whose parent is gone before they end. */
static int orphans(char **argv)
{
	for (int i = atoi(argv[0]); i > 0; i--) {
		pid_t pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid)
			_exit(fork() < 0 ? 1 : 0);
		int status;
		if (waitpid(pid, &status, 0) != pid || status)
			die("orphan");
	}
	printf("orphans %s zombies %d\n", argv[0], lasting_zombies());
	return 0;
}

/* Signals sent to PID 1 by a process that is not the workload arrive at the workload. */
static int signals(char **argv)
{
	const int sent[] = {SIGTERM, SIGHUP, SIGUSR1, SIGRTMIN + 3};
	const struct timespec limit = {.tv_sec = 20};
	sigset_t all;

	(void)argv;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (size_t i = 0; i < sizeof(sent) / sizeof(*sent); i++) {
		sigset_t set;
		pid_t pid = fork();
		if (!pid)
			_exit(kill(1, sent[i]));
		waitpid(pid, NULL, 0);
		sigemptyset(&set);
		sigaddset(&set, sent[i]);
		printf("signal %d %s\n", (int)i,
			sigtimedwait(&set, NULL, &limit) == sent[i] ? "came" : "lost");
	}
	if (kill(1, SIGKILL) < 0 || kill(1, SIGSTOP) < 0)
		die("kill");
	printf("PID 1 survives\n");
	return 0;
}

static int die_by(char **argv)
{
	fflush(stdout);
	kill(getpid(), atoi(argv[0]));
	pause();
	return 0;
}

/* input: what waits on the console to be read. */
static int input(char **argv)
{
	int fd = open("/dev/console", O_RDONLY | O_NOCTTY | O_NONBLOCK), n = -1;
	char buf[64];

	(void)argv;
	usleep(300000);
	if (fd < 0)
		die("/dev/console");
	n = read(fd, buf, sizeof(buf));
	printf("input %d\n", n < 0 && errno == EAGAIN ? 0 : n);
	return 0;
}

/* Who am I for the agent's client: answers every vsock connection on port 1028 with one line. */
static int agent(char **argv)
{
	struct sockaddr_vm vm = {
		.svm_family = AF_VSOCK,
		.svm_port = 1028,
		.svm_cid = VMADDR_CID_ANY,
	};
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	(void)argv;
	if (fd < 0 || bind(fd, (struct sockaddr *)&vm, sizeof(vm)) < 0 ||
		listen(fd, 8) < 0)
		die("agent");
	for (;;) {
		int conn = accept(fd, NULL, NULL);
		if (conn < 0)
			die("accept");
		dprintf(conn, "agent %d of %d\n", getpid(), getppid());
		shutdown(conn, SHUT_RDWR);
		close(conn);
	}
}

static long long cpu_time(pid_t pid)
{
	clockid_t clock;
	struct timespec t;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t) < 0)
		die("CPU clock");
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/*
 * As /init: says what the kernel has done so far, then becomes the real one, if there is one.
 * With the file /bare it leaves nothing open and no console node behind, with /clock a clock that runs.
 */
static int first(void)
{
	char c;
	long long cost = cpu_time(1);

	printf("first realtime %lld random %zd cost %lld\n", (long long)time(NULL),
		getrandom(&c, 1, GRND_NONBLOCK), cost);
	if (!access("/clock", F_OK))
		clock_settime(CLOCK_REALTIME, &(struct timespec){.tv_sec = 1904281689});
	if (!access("/bare", F_OK)) {
		unlink("/dev/console");
		for (int fd = 0; fd < 3; fd++)
			close(fd);
	}
	execl("/init-oci", "/init", NULL);
	return 1;
}

/* idle SECONDS: how often PID 1 ran meanwhile, and how much memory it holds. */
static int idle(char **argv)
{
	char line[256];
	long before = -1, after = -1;

	for (int i = 0; i < 2; i++) {
		FILE *f = fopen("/proc/1/status", "r");
		long sum = 0, n;
		if (!f)
			die("/proc/1/status");
		while (fgets(line, sizeof(line), f)) {
			if (sscanf(line, "voluntary_ctxt_switches: %ld", &n) == 1 ||
				sscanf(line, "nonvoluntary_ctxt_switches: %ld", &n) == 1)
				sum += n;
			if (i && sscanf(line, "VmRSS: %ld", &n) == 1)
				printf("idle rss %ld KiB\n", n);
		}
		fclose(f);
		*(i ? &after : &before) = sum;
		if (!i)
			sleep(atoi(argv[0]));
	}
	printf("idle wake-ups %ld\n", after - before);
	return 0;
}

static int child_init(void *arg)
{
	int *pipefd = arg;

	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	dup2(pipefd[1], 1);
	dup2(pipefd[1], 2);
	close(pipefd[0]);
	close(pipefd[1]);
	execl("/init", "/init", NULL);
	_exit(99);
}

/*
 * inits N: N times PID 1 of a fresh PID namespace, whose workload (the same /.supermachine-cmd,
 * told apart by the file /run/inner) exits at once with 7.
 */
static int inits(char **argv)
{
	int n = atoi(argv[0]), right = 0;

	for (int i = 0; i < n; i++) {
		static char stack[65536] __attribute__((aligned(16)));
		int pipefd[2];
		char line[512] = "";
		pid_t pid;
		if (pipe(pipefd) < 0)
			die("pipe");
		pid = clone(child_init, stack + sizeof(stack),
			CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, pipefd);
		if (pid < 0)
			die("clone");
		close(pipefd[1]);
		FILE *f = fdopen(pipefd[0], "r");
		while (fgets(line, sizeof(line), f))
			if (strstr(line, "parking PID 1")) {
				right += strstr(line, "(exit=7)") != NULL;
				break;
			}
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		fclose(f);
	}
	printf("inits %d right %d\n", n, right);
	return 0;
}

/* power off|restart|halt by the system call, without asking PID 1. */
static int power(char **argv)
{
	int how = !strcmp(argv[0], "off") ? RB_POWER_OFF : RB_AUTOBOOT;

	fflush(stdout);
	sync();
	reboot(how);
	die("reboot");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int args;
		int (*run)(char **argv);
	} commands[] = {
		{"report", 1, report},
		{"args", 0, args},
		{"env", 0, env},
		{"ids", 0, ids},
		{"bind", 1, bind_port},
		{"pty", 0, pty},
		{"zombies", 0, zombies},
		{"orphans", 1, orphans},
		{"signals", 0, signals},
		{"die", 1, die_by},
		{"input", 0, input},
		{"agent", 0, agent},
		{"idle", 1, idle},
		{"inits", 1, inits},
		{"power", 1, power},
	};
	setlinebuf(stdout);
	if (getpid() == 1)
		return first();
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(argv[1], commands[i].name) && argc - 2 >= commands[i].args)
			return commands[i].run(argv + 2);
	fprintf(stderr, "usage: container-probe COMMAND [ARGUMENT]...\n");
	return 2;
}
