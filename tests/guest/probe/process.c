// SPDX-License-Identifier: Apache-2.0
/* Processes, control groups, BPF and confinement: features.md 3. */
#include "probe.h"
#include <dirent.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/kcmp.h>
#include <linux/keyctl.h>
#include <linux/kvm.h>
#include <linux/landlock.h>
#include <linux/membarrier.h>
#include <linux/perf_event.h>
#include <linux/rseq.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <time.h>

static void nothing(void)
{
}

static void all_namespaces(void)
{
	must(getpid() == 1 && getuid() == 0);
	try(mount("proc", "/proc", "proc", 0, NULL));
	must(contains("/proc/self/status", "NSpid:\t1\n"));
	child(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS, nothing);
}

static void namespaces(void)
{
	unprivileged(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS |
			     CLONE_NEWIPC | CLONE_NEWCGROUP | 0x80 /* CLONE_NEWTIME */,
		all_namespaces);
}

static void setns_pidfd(void)
{
	char name[65];
	pid_t pid = try(fork());

	if (!pid) {
		try(unshare(CLONE_NEWUTS));
		try(sethostname("inside", 6));
		raise(SIGSTOP);
		pause();
	}
	try(waitpid(pid, NULL, WUNTRACED));
	int fd = try(syscall(SYS_pidfd_open, pid, 0));
	try(setns(fd, CLONE_NEWUTS));
	try(gethostname(name, sizeof(name)));
	kill(pid, SIGKILL);
	must(!strcmp(name, "inside"));
}

static void named_netns(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/net", scratch());
	put(path, "");
	child(CLONE_NEWNET, nothing);
	pid_t pid = try(fork());
	if (!pid) {
		try(unshare(CLONE_NEWNET));
		try(mount("/proc/self/ns/net", path, NULL, MS_BIND, NULL));
		_exit(0);
	}
	await(pid);
	try(setns(try(open(path, O_RDONLY)), CLONE_NEWNET));
}

/* A fresh control group with every controller that the parent can delegate; its path in a static buffer. */
static const char *cgroup(const char *name)
{
	static char path[64];

	put("/sys/fs/cgroup/cgroup.subtree_control",
		"+cpu +cpuset +io +memory +pids +hugetlb");
	snprintf(path, sizeof(path), "/sys/fs/cgroup/probe-%s", name);
	rmdir(path);
	try(mkdir(path, 0755));
	return path;
}

static char *cg(const char *group, const char *file)
{
	char *path;

	try(asprintf(&path, "%s/%s", group, file));
	return path;
}

static pid_t start_in(const char *group, void (*fn)(void))
{
	fflush(stdout);
	pid_t pid = try(fork());

	if (!pid) {
		put(cg(group, "cgroup.procs"), "0");
		fn();
		_exit(0);
	}
	return pid;
}

/* The value of KEY in a flat keyed file. */
static long keyed(const char *group, const char *file, const char *key)
{
	char *at = strstr(get(cg(group, file)), key);

	must(at);
	return atol(at + strlen(key));
}

static void burn(void)
{
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while (now.tv_sec < end.tv_sec + 2);
}

static void cgroup_cpu(void)
{
	const char *group = cgroup("cpu");

	put(cg(group, "cpu.max"), "10000 100000");
	await(start_in(group, burn));
	must(keyed(group, "cpu.stat", "nr_throttled ") > 0);
	must(keyed(group, "cpu.stat", "throttled_usec ") > 0);
}

static void pinned(void)
{
	cpu_set_t set;

	try(sched_getaffinity(0, sizeof(set), &set));
	must(CPU_COUNT(&set) == 1 && CPU_ISSET(0, &set));
}

static void cgroup_cpuset(void)
{
	const char *group = cgroup("cpuset");

	put(cg(group, "cpuset.cpus"), "0");
	await(start_in(group, pinned));
}

static void write_direct(void)
{
	char *p = aligned_alloc(4096, 1 << 20);
	int fd = try(open("/data/throttled", O_RDWR | O_CREAT | O_DIRECT, 0600));

	memset(p, 0, 1 << 20);
	for (int i = 0; i < 3; i++)
		must(pwrite(fd, p, 1 << 20, 0) == 1 << 20);
}

static void cgroup_io(void)
{
	struct timespec before, after;
	char limit[64];
	struct stat st;
	const char *group = cgroup("io");

	try(stat("/data", &st));
	snprintf(limit, sizeof(limit), "%d:%d wbps=1048576", (int)(st.st_dev >> 8),
		(int)(st.st_dev & 255));
	put(cg(group, "io.max"), limit);
	clock_gettime(CLOCK_MONOTONIC, &before);
	await(start_in(group, write_direct));
	clock_gettime(CLOCK_MONOTONIC, &after);
	/* 3 MiB at 1 MiB/s. */
	must(after.tv_sec - before.tv_sec >= 1);
	must(keyed(group, "io.stat", "wbytes=") >= 3 << 20);
}

static void hog(void)
{
	char *p = mmap(NULL, 32 << 20, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	memset(p, 1, 32 << 20);
}

static void cgroup_memory(void)
{
	int status;
	const char *group = cgroup("memory");

	put(cg(group, "memory.max"), "8388608");
	put(cg(group, "memory.swap.max"), "0");
	try(waitpid(start_in(group, hog), &status, 0));
	must(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	must(keyed(group, "memory.events", "oom_kill ") == 1);
}

static void fork_twice(void)
{
	pid_t pid = try(fork());

	if (!pid) {
		pause();
		_exit(0);
	}
	refuses(EAGAIN, fork());
	kill(pid, SIGKILL);
}

static void cgroup_pids(void)
{
	const char *group = cgroup("pids");

	put(cg(group, "pids.max"), "2");
	await(start_in(group, fork_twice));
	must(keyed(group, "pids.events", "max ") >= 1);
}

static void cgroup_hugetlb(void)
{
	const char *group = cgroup("hugetlb");

	put(cg(group, "hugetlb.2MB.max"), "0");
	must(contains(cg(group, "hugetlb.2MB.max"), "0"));
}

static void sleeper(void)
{
	pause();
}

static void wait_for(const char *path, const char *text)
{
	for (int i = 0; i < 1000 && !contains(path, text); i++)
		usleep(10000);
	must(contains(path, text));
}

static void cgroup_freeze_kill(void)
{
	int status;
	const char *group = cgroup("freeze");
	pid_t pid = start_in(group, sleeper);

	wait_for(cg(group, "cgroup.events"), "populated 1");
	put(cg(group, "cgroup.freeze"), "1");
	wait_for(cg(group, "cgroup.events"), "frozen 1");
	put(cg(group, "cgroup.kill"), "1");
	try(waitpid(pid, &status, 0));
	must(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void pressure(void)
{
	const char *group = cgroup("pressure");
	int fd = try(open(cg(group, "memory.pressure"), O_RDWR | O_NONBLOCK));
	const char trigger[] = "some 500000 2000000";

	must(write(fd, trigger, sizeof(trigger)) == sizeof(trigger));
	struct pollfd p = {.fd = fd, .events = POLLPRI};
	must(poll(&p, 1, 0) == 0 && !(p.revents & POLLERR));
	must(contains("/proc/pressure/cpu", "some avg10="));
}

static void clone_into(void)
{
	const char *group = cgroup("clone");
	int fd = try(open(group, O_RDONLY | O_DIRECTORY));
	struct clone_args args = {.flags = 0x200000000ULL /* CLONE_INTO_CGROUP */,
		.exit_signal = SIGCHLD,
		.cgroup = fd};
	pid_t pid = try(syscall(SYS_clone3, &args, sizeof(args)));

	if (!pid)
		_exit(!contains("/proc/self/cgroup", "/probe-clone"));
	await(pid);
}

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* Two instructions: r0 = VALUE; exit. */
static int bpf_return(enum bpf_prog_type type, enum bpf_attach_type attach, int value)
{
	struct bpf_insn program[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = value},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr = {
		.prog_type = type,
		.expected_attach_type = attach,
		.insns = (long)program,
		.insn_cnt = 2,
		.license = (long)"GPL",
	};
	int fd = bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0)
		fail("BPF_PROG_LOAD");
	return fd;
}

static void bpf_jit(void)
{
	struct bpf_prog_info info = {0};
	int fd = bpf_return(BPF_PROG_TYPE_SOCKET_FILTER, 0, 0);
	union bpf_attr attr = {
		.info = {.bpf_fd = fd, .info_len = sizeof(info), .info = (long)&info}};

	try(bpf(BPF_OBJ_GET_INFO_BY_FD, &attr));
	must(info.jited_prog_len > 0);
}

static void bpf_maps(void)
{
	uint32_t key = 1, value = 7;
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_HASH,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 4};
	int map = try(bpf(BPF_MAP_CREATE, &attr));

	attr = (union bpf_attr){.map_fd = map, .key = (long)&key, .value = (long)&value};
	try(bpf(BPF_MAP_UPDATE_ELEM, &attr));
	value = 0;
	try(bpf(BPF_MAP_LOOKUP_ELEM, &attr));
	must(value == 7);
	attr = (union bpf_attr){.map_type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096};
	try(bpf(BPF_MAP_CREATE, &attr));
	const char *dir = scratch();
	char path[64];
	try(mount("bpf", dir, "bpf", 0, NULL));
	snprintf(path, sizeof(path), "%s/map", dir);
	attr = (union bpf_attr){.pathname = (long)path, .bpf_fd = map};
	try(bpf(BPF_OBJ_PIN, &attr));
	attr = (union bpf_attr){.pathname = (long)path};
	try(bpf(BPF_OBJ_GET, &attr));
}

static void bpf_attach(int prog, const char *group, enum bpf_attach_type type)
{
	union bpf_attr attr = {.target_fd = try(open(group, O_RDONLY)),
		.attach_bpf_fd = prog,
		.attach_type = type};

	if (bpf(BPF_PROG_ATTACH, &attr) < 0)
		fail("BPF_PROG_ATTACH");
}

static void denied_device(void)
{
	refuses(EPERM, open("/dev/null", O_RDWR));
}

static void bpf_cgroup_device(void)
{
	const char *group = cgroup("device");

	bpf_attach(
		bpf_return(BPF_PROG_TYPE_CGROUP_DEVICE, 0, 0), group, BPF_CGROUP_DEVICE);
	await(start_in(group, denied_device));
}

static void denied_connect(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = try(socket(AF_INET, SOCK_DGRAM, 0));

	refuses(EPERM, connect(fd, (struct sockaddr *)&in, sizeof(in)));
}

static void bpf_cgroup_sockets(void)
{
	const char *group = cgroup("sockets");

	bpf_attach(
		bpf_return(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT, 0),
		group, BPF_CGROUP_INET4_CONNECT);
	await(start_in(group, denied_connect));
	group = cgroup("skb");
	bpf_attach(bpf_return(BPF_PROG_TYPE_CGROUP_SKB, 0, 0), group,
		BPF_CGROUP_INET_EGRESS);
	bpf_attach(bpf_return(BPF_PROG_TYPE_SOCK_OPS, 0, 1), group, BPF_CGROUP_SOCK_OPS);
}

static void bpf_network(void)
{
	int pair[2], prog = bpf_return(BPF_PROG_TYPE_SOCKET_FILTER, 0, 0);
	char c;

	bpf_return(BPF_PROG_TYPE_SCHED_CLS, 0, 0);
	bpf_return(BPF_PROG_TYPE_XDP, 0, XDP_DROP);
	try(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	try(setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_BPF, &prog, sizeof(prog)));
	send(pair[0], "x", 1, 0);
	refuses(EAGAIN, recv(pair[1], &c, 1, MSG_DONTWAIT));
	int fd = try(socket(AF_INET, SOCK_DGRAM, 0)), one = 1;
	try(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)));
	try(bind(fd, (struct sockaddr *)&(struct sockaddr_in){.sin_family = AF_INET},
		sizeof(struct sockaddr_in)));
	try(setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &prog, sizeof(prog)));
}

static struct sock_filter deny_uname[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_uname, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 77),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};
static struct sock_fprog filter = {ARRAY_SIZE(deny_uname), deny_uname};

static void seccomp_errno(void)
{
	try(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	try(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
		&filter));
	refuses(77, syscall(SYS_uname, (char[512]){0}));
}

static void seccomp_notify(void)
{
	struct seccomp_notif request = {0};
	struct seccomp_notif_resp answer = {.val = 4711};
	int pair[2];
	char control[CMSG_SPACE(sizeof(int))] = "", c = 'x';
	struct iovec iov = {&c, 1};
	struct msghdr message = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};

	deny_uname[2].k = SECCOMP_RET_USER_NOTIF;
	try(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid_t pid = try(fork());
	if (!pid) {
		int fd = try(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter));
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &fd, sizeof(fd));
		try(sendmsg(pair[0], &message, 0));
		must(syscall(SYS_uname, (char[512]){0}) == 4711);
		/* The second answer is a file of the supervisor. */
		long added = try(syscall(SYS_uname, (char[512]){0}));
		try(fcntl(added, F_GETFD));
		_exit(0);
	}
	int fd;
	try(recvmsg(pair[1], &message, 0));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	try(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &request));
	answer.id = request.id;
	try(ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer));
	memset(&request, 0, sizeof(request));
	try(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &request));
	struct seccomp_notif_addfd add = {
		.id = request.id, .flags = SECCOMP_ADDFD_FLAG_SEND, .srcfd = 0};
	try(ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &add));
	await(pid);
}

static void landlock_files(void)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE};
	int fd = try(syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0));

	try(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	try(syscall(SYS_landlock_restrict_self, fd, 0));
	refuses(EACCES, open("/etc/passwd", O_RDONLY));
}

/* The headers of the build machine may be older: fields of ABI 4 and 6 by number. */
static void landlock_network(void)
{
	uint64_t attr[3] = {
		0, 3 /* bind, connect TCP */, 3 /* abstract sockets, signals */};
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	must(syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* version */) >= 6);
	int fd = try(syscall(SYS_landlock_create_ruleset, attr, sizeof(attr), 0));
	try(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	try(syscall(SYS_landlock_restrict_self, fd, 0));
	refuses(EACCES, bind(try(socket(AF_INET, SOCK_STREAM, 0)), (struct sockaddr *)&in,
				sizeof(in)));
	refuses(EPERM, kill(1, SIGCONT));
}

static void yama(void)
{
	must(contains("/proc/sys/kernel/yama/ptrace_scope", "\n"));
}

/* A copy of busybox on ext4 with a capability, which an ordinary user's process then finds effective. */
static void file_capability(void)
{
	struct vfs_cap_data cap = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE};
	int from = try(open("/bin/busybox", O_RDONLY)),
	    to = try(open("/data/capable", O_WRONLY | O_CREAT | O_TRUNC, 0755));
	off_t offset = 0;
	struct stat st;

	try(fstat(from, &st));
	while (offset < st.st_size)
		try(sendfile(to, from, &offset, st.st_size - offset));
	close(to);
	cap.data[0].permitted = 1 << CAP_SYS_NICE;
	try(setxattr("/data/capable", "security.capability", &cap, XATTR_CAPS_SZ_2, 0));
	pid_t pid = try(fork());
	if (!pid) {
		try(setresuid(1000, 1000, 1000));
		execl("/data/capable", "grep", "-q", "^CapEff:.0*800000$",
			"/proc/self/status", NULL);
		fail("exec");
	}
	await(pid);
}

static void pidfds(void)
{
	siginfo_t info;
	struct clone_args args = {.exit_signal = SIGCHLD};
	int fd, other;

	args.flags = CLONE_PIDFD;
	args.pidfd = (long)&fd;
	pid_t pid = try(syscall(SYS_clone3, &args, sizeof(args)));
	if (!pid) {
		pause();
		_exit(1);
	}
	other = try(syscall(SYS_pidfd_getfd, fd, 0, 0));
	try(fcntl(other, F_GETFD));
	try(syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0));
	struct pollfd p = {.fd = fd, .events = POLLIN};
	must(poll(&p, 1, 10000) == 1);
	try(waitid(3 /* P_PIDFD */, fd, &info, WEXITED));
}

static void subreaper(void)
{
	int pipefd[2];
	pid_t parent, reaper = getpid();

	try(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	try(pipe(pipefd));
	pid_t pid = try(fork());
	if (!pid) {
		if (!fork()) {
			while (getppid() != reaper)
				usleep(1000);
			parent = getppid();
			write(pipefd[1], &parent, sizeof(parent));
		}
		_exit(0);
	}
	try(waitpid(pid, NULL, 0));
	try(read(pipefd[0], &parent, sizeof(parent)));
	must(parent == reaper);
}

static void close_range_call(void)
{
	int fd = try(dup(0));

	try(syscall(SYS_close_range, fd, ~0U, 0));
	refuses(EBADF, fcntl(fd, F_GETFD));
}

static void futex_waitv_call(void)
{
	uint32_t word = 1;
	struct {
		uint64_t value, address;
		uint32_t flags, reserved;
	} waiter = {2, (long)&word, 2 /* FUTEX_32 */, 0};

	refuses(EAGAIN, syscall(449 /* futex_waitv */, &waiter, 1, 0, NULL, 0));
}

static void barriers(void)
{
	try(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
	try(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
}

static void restartable(void)
{
	static struct rseq area __attribute__((aligned(32)));
	/* The C library has registered its own; a second one is refused for that reason only. */
	long result = syscall(SYS_rseq, &area, sizeof(area), 0, 0x1234);

	must(result == 0 || errno == EINVAL || errno == EBUSY || errno == EPERM);
}

static void event_fds(void)
{
	sigset_t set;
	uint64_t n;
	struct signalfd_siginfo info;
	struct itimerspec soon = {.it_value.tv_nsec = 1000000};
	int event = try(eventfd(3, 0)), timer = try(timerfd_create(CLOCK_MONOTONIC, 0));

	must(read(event, &n, 8) == 8 && n == 3);
	try(timerfd_settime(timer, 0, &soon, NULL));
	must(read(timer, &n, 8) == 8 && n >= 1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int sig = try(signalfd(-1, &set, 0));
	raise(SIGUSR1);
	must(read(sig, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGUSR1);
	int epoll = try(epoll_create1(0));
	struct epoll_event e = {.events = EPOLLIN};
	try(epoll_ctl(epoll, EPOLL_CTL_ADD, sig, &e));
	struct timespec none = {0};
	must(syscall(441 /* epoll_pwait2 */, epoll, &e, 1, &none, NULL, 0) == 0);
}

static pid_t stopped_child(void)
{
	pid_t pid = try(fork());

	if (!pid) {
		raise(SIGSTOP);
		pause();
		_exit(0);
	}
	try(waitpid(pid, NULL, WUNTRACED));
	return pid;
}

static void madvise_other(void)
{
	pid_t pid = stopped_child();
	int fd = try(syscall(SYS_pidfd_open, pid, 0));
	static char page[4096] __attribute__((aligned(4096)));
	struct iovec iov = {page, sizeof(page)};

	page[0] = 1;
	must(syscall(SYS_process_madvise, fd, &iov, 1, MADV_COLD, 0) == 4096);
	kill(pid, SIGKILL);
}

static void keyrings(void)
{
	char value[8];

	try(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
	int key = try(syscall(
		SYS_add_key, "user", "probe", "secret", 6, KEY_SPEC_SESSION_KEYRING));
	must(syscall(SYS_keyctl, KEYCTL_READ, key, value, sizeof(value)) == 6);
}

static void checkpoint(void)
{
	char byte = 'a', copy = 0, path[64];
	pid_t pid = stopped_child();
	struct iovec to = {&copy, 1}, from = {&byte, 1};

	must(syscall(SYS_kcmp, getpid(), pid, KCMP_FILE, 0, 0) == 0);
	must(process_vm_readv(pid, &to, 1, &from, 1, 0) == 1 && copy == 'a');
	try(ptrace(PTRACE_SEIZE, pid, 0, 0));
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", getpid(), getpid());
	must(atoi(get(path)) == pid);
	must(prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, path, 0, 0) == 0);
	try(setsockopt(try(socket(AF_INET, SOCK_STREAM, 0)), IPPROTO_TCP,
		19 /* TCP_REPAIR */, &(int){1}, sizeof(int)));
	kill(pid, SIGKILL);
}

static void userfault(void)
{
	int fd = try(syscall(SYS_userfaultfd, O_CLOEXEC));
	struct uffdio_api api = {.api = UFFD_API};
	static char page[4096] __attribute__((aligned(4096)));
	char *p = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register reg = {
		.range = {(long)p, 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
	struct uffd_msg message;

	try(ioctl(fd, UFFDIO_API, &api));
	try(ioctl(fd, UFFDIO_REGISTER, &reg));
	page[0] = 'f';
	pid_t pid = try(fork());
	if (!pid) {
		/* The child inherits no registration: it reads zero. The parent's fault is served below. */
		_exit(p[0]);
	}
	await(pid);
	/* A thread of the kernel's own: a read through a system call faults in this process. */
	int pipefd[2];
	try(pipe(pipefd));
	pid = try(syscall(SYS_clone, CLONE_VM | SIGCHLD, NULL, NULL, NULL, NULL));
	if (!pid) {
		syscall(SYS_write, pipefd[1], p, 1);
		syscall(SYS_exit, 0);
	}
	must(read(fd, &message, sizeof(message)) == sizeof(message) &&
		message.event == UFFD_EVENT_PAGEFAULT);
	struct uffdio_copy copy = {.dst = (long)p, .src = (long)page, .len = 4096};
	try(ioctl(fd, UFFDIO_COPY, &copy));
	char c = 0;
	must(read(pipefd[0], &c, 1) == 1 && c == 'f');
}

static void perf(void)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_PAGE_FAULTS};
	uint64_t n = 0;
	int fd = try(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
	char *p = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(p, 1, 16 * 4096);
	must(read(fd, &n, 8) == 8 && n > 0);
}

/* A virtual machine of one page stores to an address without memory. */
static void kvm(void)
{
	static const uint32_t code[] = {
		0xd2a20001 /* mov x1, #0x10000000 */, 0xf9000020 /* str x0, [x1] */};
	int vm = try(ioctl(try(open("/dev/kvm", O_RDWR)), KVM_CREATE_VM, 0));
	void *page = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region memory = {
		.memory_size = 4096, .userspace_addr = (long)page};
	struct kvm_vcpu_init init;
	uint64_t zero = 0;
	struct kvm_one_reg pc = {.id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 |
				       KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(regs.pc),
		.addr = (long)&zero};

	memcpy(page, code, sizeof(code));
	try(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &memory));
	int cpu = try(ioctl(vm, KVM_CREATE_VCPU, 0));
	try(ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init));
	try(ioctl(cpu, KVM_ARM_VCPU_INIT, &init));
	try(ioctl(cpu, KVM_SET_ONE_REG, &pc));
	struct kvm_run *run =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
	must(run != MAP_FAILED);
	try(ioctl(cpu, KVM_RUN, 0));
	must(run->exit_reason == KVM_EXIT_MMIO && run->mmio.phys_addr == 0x10000000);
}

static void huge_by_advice(void)
{
	must(!contains("/sys/kernel/mm/transparent_hugepage/enabled", "[never]"));
	char *p = mmap(NULL, 6 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);
	p = (char *)(((long)p + (2 << 20) - 1) & ~((2L << 20) - 1));
	try(madvise(p, 2 << 20, MADV_HUGEPAGE));
	memset(p, 1, 2 << 20);
	char *at = strstr(get("/proc/self/smaps_rollup"), "AnonHugePages:");
	must(at && atol(at + 14) >= 2048);
}

static void advice(void)
{
	static const int advices[] = {
		MADV_FREE, MADV_COLD, MADV_PAGEOUT, 22 /* MADV_POPULATE_READ */, 23};
	char *p = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < ARRAY_SIZE(advices); i++)
		try(madvise(p, 4096, advices[i]));
	try(mlock2(p, 4096, MLOCK_ONFAULT));
}

static void ksm(void)
{
	enum { pages = 64 };
	char *p = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(p, 7, pages * 4096);
	try(madvise(p, pages * 4096, MADV_MERGEABLE));
	put("/sys/kernel/mm/ksm/pages_to_scan", "1000");
	put("/sys/kernel/mm/ksm/sleep_millisecs", "10");
	put("/sys/kernel/mm/ksm/run", "1");
	for (int i = 0; i < 500 && atoi(get("/sys/kernel/mm/ksm/pages_sharing")) == 0;
		i++)
		usleep(10000);
	int merged = atoi(get("/sys/kernel/mm/ksm/pages_sharing"));
	put("/sys/kernel/mm/ksm/run", "2");
	put("/sys/kernel/mm/ksm/run", "0");
	must(merged > 0);
}

static void crash(void)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	try(setrlimit(RLIMIT_CORE, &unlimited));
	try(prctl(PR_SET_DUMPABLE, 1));
	pid_t pid = try(fork());
	if (!pid)
		abort();
	try(waitpid(pid, NULL, 0));
}

static void coredump(void)
{
	char pattern[256], path[64];
	const char *dir = scratch();

	snprintf(path, sizeof(path), "%s/core", dir);
	put("/proc/sys/kernel/core_pattern", path);
	crash();
	must(!memcmp(get(path), "\177ELF", 4));
	unlink(path);
	/* The helper runs in the initial namespaces, where this scratch directory is not. */
	snprintf(pattern, sizeof(pattern),
		"|/bin/busybox dd of=/data/core.piped bs=4096 count=1");
	put("/proc/sys/kernel/core_pattern", pattern);
	crash();
	for (int i = 0; i < 500 && access("/data/core.piped", F_OK) < 0; i++)
		usleep(10000);
	usleep(200000);
	must(!memcmp(get("/data/core.piped"), "\177ELF", 4));
	put("/proc/sys/kernel/core_pattern", "core");
}

static void monitoring(void)
{
	timer_t timer;
	struct sigevent none = {.sigev_notify = SIGEV_NONE};

	if (timer_create(CLOCK_MONOTONIC, &none, &timer) < 0)
		fail("timer_create");
	must(contains("/proc/self/io", "write_bytes:"));
	must(contains("/proc/self/smaps", "Pss:"));
	uint64_t entry = 0;
	static char page[4096] __attribute__((aligned(4096)));
	page[0] = 1;
	int fd = try(open("/proc/self/pagemap", O_RDONLY));
	must(pread(fd, &entry, 8, (long)page / 4096 * 8) == 8 && entry >> 63);
}

const struct probe process_probes[] = {
	{"all eight namespaces, unprivileged and nested", namespaces},
	{"setns by pidfd", setns_pidfd},
	{"named network namespaces", named_netns},
	{"cgroup cpu: throttled time is counted", cgroup_cpu},
	{"cgroup cpuset: pinned", cgroup_cpuset},
	{"cgroup io: 1 MiB/s is 1 MiB/s", cgroup_io},
	{"cgroup memory: OOM kill, memory.swap.max", cgroup_memory},
	{"cgroup pids: fork refused", cgroup_pids},
	{"cgroup hugetlb", cgroup_hugetlb},
	{"cgroup freeze and kill", cgroup_freeze_kill},
	{"pressure stall files and triggers", pressure},
	{"clone3 into a control group", clone_into},
	{"BPF: the JIT is on", bpf_jit},
	{"BPF: maps, ring buffer, pins", bpf_maps},
	{"BPF: a device is refused to a control group", bpf_cgroup_device},
	{"BPF: cgroup sock_addr, skb, sock_ops", bpf_cgroup_sockets},
	{"BPF: sched_cls, XDP, socket filter, reuseport", bpf_network},
	{"seccomp filter with thread sync", seccomp_errno},
	{"seccomp user notification with fd passing", seccomp_notify},
	{"Landlock: files", landlock_files},
	{"Landlock: TCP ports, scope (ABI 6)", landlock_network},
	{"Yama", yama},
	{"file capabilities on ext4", file_capability},
	{"pidfd: clone3, send_signal, getfd, poll, waitid", pidfds},
	{"subreaper", subreaper},
	{"close_range", close_range_call},
	{"futex_waitv", futex_waitv_call},
	{"membarrier", barriers},
	{"rseq", restartable},
	{"eventfd, timerfd, signalfd, epoll_pwait2", event_fds},
	{"process_madvise", madvise_other},
	{"keyrings", keyrings},
	{"checkpoint: kcmp, mm map, children, TCP repair, ptrace seize, process_vm_readv",
		checkpoint},
	{"userfaultfd serves a fault", userfault},
	{"perf software counters", perf},
	{"KVM runs a vCPU", kvm},
	{"huge pages by madvise", huge_by_advice},
	{"madvise free, cold, pageout, populate, mlock2", advice},
	{"KSM merges", ksm},
	{"core dumps to file and to a pipe helper", coredump},
	{"POSIX timers, io, smaps, pagemap", monitoring},
	{NULL, NULL},
};
