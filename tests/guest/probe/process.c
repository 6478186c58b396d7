// SPDX-License-Identifier: Apache-2.0
/* Processes, control groups, BPF and confinement. */
#include "probe.h"
#include <dirent.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/hw_breakpoint.h>
#include <linux/kcmp.h>
#include <linux/keyctl.h>
#include <linux/kvm.h>
#include <linux/landlock.h>
#include <linux/membarrier.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
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
	const char *file = path("%s/net", scratch());

	put(file, "");
	child(CLONE_NEWNET, nothing);
	pid_t pid = try(fork());
	if (!pid) {
		try(unshare(CLONE_NEWNET));
		try(mount("/proc/self/ns/net", file, NULL, MS_BIND, NULL));
		_exit(0);
	}
	await(pid);
	try(setns(try(open(file, O_RDONLY)), CLONE_NEWNET));
}

/* A fresh control group with every controller that the parent can delegate. */
static const char *cgroup(const char *name)
{
	const char *group = path("/sys/fs/cgroup/probe-%s", name);

	put("/sys/fs/cgroup/cgroup.subtree_control",
		"+cpu +cpuset +io +memory +pids +hugetlb");
	rmdir(group);
	try(mkdir(group, 0755));
	return group;
}

static char *cg(const char *group, const char *file)
{
	return path("%s/%s", group, file);
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
	return number(cg(group, file), key);
}

static void burn(void)
{
	for (long end = milliseconds() + 2000; milliseconds() < end;)
		;
}

static void cgroup_cpu(void)
{
	const char *group = cgroup("cpu");

	put(cg(group, "cpu.max"), "10000 100000");
	long start = milliseconds();
	await(start_in(group, burn));
	long wall = milliseconds() - start,
	     used = keyed(group, "cpu.stat", "usage_usec ") / 1000;
	must(keyed(group, "cpu.stat", "nr_throttled ") > 0);
	must(keyed(group, "cpu.stat", "throttled_usec ") > 1000000);
	/* A tenth of the time, give or take what is spent until the first tick. */
	must(used > wall / 20 && used < wall / 5);
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

static void write_3_mib(void)
{
	char *p = aligned_alloc(4096, 3 << 20);
	int fd = try(open("/data/throttled", O_RDWR | O_CREAT | O_DIRECT, 0600));

	memset(p, 0, 3 << 20);
	for (int i = 0; i < 3; i++)
		must(pwrite(fd, p, 1 << 20, i << 20) == 1 << 20);
	/* And into the page cache. */
	fd = try(open("/data/throttled", O_RDONLY));
	must(read(fd, p, 3 << 20) == 3 << 20);
}

static void cgroup_io(void)
{
	struct stat st;
	const char *group = cgroup("io");

	try(stat("/data", &st));
	put(cg(group, "io.max"),
		path("%d:%d wbps=1048576", major(st.st_dev), minor(st.st_dev)));
	long start = milliseconds();
	await(start_in(group, write_3_mib));
	long ms = milliseconds() - start;
	must(ms >= 2000 && ms <= 8000);
	must(keyed(group, "io.stat", "wbytes=") >= 3 << 20);
}

static void hog(void)
{
	char *p = mmap(NULL, 32 << 20, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	for (long i = 0; i < 32 << 20; i += 512)
		p[i] = i / 512;
}

/* How a process ends that takes 32 MiB in a group that may have 8. */
static int hogging(const char *group)
{
	int status;

	put(cg(group, "memory.max"), "8388608");
	try(waitpid(start_in(group, hog), &status, 0));
	return WIFSIGNALED(status) ? WTERMSIG(status) : status;
}

static void cgroup_memory(void)
{
	const char *group = cgroup("memory");

	put(cg(group, "memory.swap.max"), "0");
	must(hogging(group) == SIGKILL);
	must(keyed(group, "memory.events", "oom_kill ") == 1);
}

/* With swap the same process lives, with little of it it does not. */
static void cgroup_swap(void)
{
	const char *group = cgroup("swap"), *device = disk("probe-swap");

	swap_on(device, 40 << 20);
	must(hogging(group) == 0);
	put(cg(group, "memory.swap.max"), "1048576");
	must(hogging(group) == SIGKILL);
	must(keyed(group, "memory.swap.events", "max ") > 0);
	try(swapoff(device));
}

static void cgroup_reclaim(void)
{
	const char *group = cgroup("reclaim");

	if (access(cg(group, "memory.reclaim"), F_OK) < 0)
		absent();
	await(start_in(group, write_3_mib));
	long before = atol(get(cg(group, "memory.current")));
	must(before > 3 << 20);
	put(cg(group, "memory.reclaim"), "2M");
	must(atol(get(cg(group, "memory.current"))) <= before - (2 << 20));
}

/* A group that may not keep compressed pages has none, another has. */
static void cgroup_zswap(void)
{
	static const char *const limits[] = {"0", "max"};
	const char *device = disk("probe-swap"), *group = cgroup("zswap");

	if (access(cg(group, "memory.zswap.max"), F_OK) < 0)
		absent();
	put("/sys/module/zswap/parameters/enabled", "1");
	swap_on(device, 40 << 20);
	for (int i = 0; i < 2; i++) {
		put(cg(group, "memory.zswap.max"), limits[i]);
		long before = keyed(group, "memory.stat", "zswpout ");
		must(hogging(group) == 0);
		must((keyed(group, "memory.stat", "zswpout ") > before) == i);
	}
	try(swapoff(device));
	put("/sys/module/zswap/parameters/enabled", "0");
}

static void read_direct(void)
{
	char *p = aligned_alloc(4096, 65536);
	int fd = try(open(disk("probe-disk"), O_RDONLY | O_DIRECT));

	for (long end = milliseconds() + 4000; milliseconds() < end;)
		must(pread(fd, p, 65536, 0) == 65536);
}

/* Two groups read from a disk that is said to give 512 KiB/s: eight times the weight, more than twice the bytes. */
static void cgroup_io_weight(void)
{
	struct stat st;
	const char *light = cgroup("light"), *heavy = cgroup("heavy");

	try(stat(disk("probe-disk"), &st));
	const char *device = path("%d:%d", major(st.st_rdev), minor(st.st_rdev));
	if (access("/sys/fs/cgroup/io.cost.qos", F_OK) < 0)
		absent();
	put("/sys/fs/cgroup/io.cost.model",
		path("%s ctrl=user model=linear rbps=524288 rseqiops=8 rrandiops=8 "
		     "wbps=524288 wseqiops=8 wrandiops=8",
			device));
	put("/sys/fs/cgroup/io.cost.qos",
		path("%s enable=1 ctrl=user min=100 max=100", device));
	put(cg(light, "io.weight"), "default 50");
	put(cg(heavy, "io.weight"), "default 400");
	pid_t one = start_in(light, read_direct), other = start_in(heavy, read_direct);
	await(one);
	await(other);
	long less = keyed(light, "io.stat", "rbytes="),
	     more = keyed(heavy, "io.stat", "rbytes=");
	put("/sys/fs/cgroup/io.cost.qos", path("%s enable=0", device));
	printf("# %ld and %ld KiB\n", more >> 10, less >> 10);
	must(more > 2 * less);
}

/* A class for packets, as old tools set it; network.sh has a rule that sees it. */
static void cgroup_net_cls(void)
{
	const char *dir = scratch();

	offered(mount("net_cls", dir, "cgroup", 0, "net_cls"));
	try(mkdir(cg(dir, "class"), 0755));
	put(cg(dir, "class/net_cls.classid"), "0x100001");
	put(cg(dir, "class/cgroup.procs"), path("%d", getpid()));
	must(contains("/proc/self/cgroup", "net_cls:/class"));
	must(atol(get(cg(dir, "class/net_cls.classid"))) == 0x100001);
	put(cg(dir, "cgroup.procs"), path("%d", getpid()));
	try(rmdir(cg(dir, "class")));
}

static void cgroup_misc(void)
{
	const char *group = cgroup("misc");

	if (!contains("/sys/fs/cgroup/cgroup.controllers", "misc"))
		absent();
	put("/sys/fs/cgroup/cgroup.subtree_control", "+misc");
	try(access(cg(group, "misc.max"), W_OK));
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

static void take_huge_page(void)
{
	char *p = mmap(NULL, number("/proc/meminfo", "Hugepagesize:") * 1024,
		PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	must(p != MAP_FAILED);
	*p = 1;
}

/* One page may be had, two pages end in SIGBUS. */
static void cgroup_hugetlb(void)
{
	long kib = number("/proc/meminfo", "Hugepagesize:");
	const char *group = cgroup("hugetlb"), *name = path("hugetlb.%ldMB", kib / 1024);
	int status;

	put("/proc/sys/vm/nr_hugepages", "2");
	put(cg(group, path("%s.max", name)), path("%ld", kib * 1024));
	await(start_in(group, take_huge_page));
	put(cg(group, path("%s.max", name)), "0");
	try(waitpid(start_in(group, take_huge_page), &status, 0));
	must(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	must(keyed(group, path("%s.events", name), "max ") == 1);
	put("/proc/sys/vm/nr_hugepages", "0");
}

static void sleeper(void)
{
	pause();
}

static void cgroup_freeze_kill(void)
{
	int status;
	const char *group = cgroup("freeze");
	pid_t pid = start_in(group, sleeper);

	wait_for(cg(group, "cgroup.events"), "populated 1");
	put(cg(group, "cgroup.freeze"), "1");
	wait_for(cg(group, "cgroup.events"), "frozen 1");
	put(cg(group, "cgroup.freeze"), "0");
	wait_for(cg(group, "cgroup.events"), "frozen 0");
	put(cg(group, "cgroup.kill"), "1");
	try(waitpid(pid, &status, 0));
	must(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* A throttled group waits for the CPU: its trigger fires, another group's does not. */
static void pressure(void)
{
	static const char trigger[] = "some 100000 1000000";
	const char *group = cgroup("pressure"), *calm = cgroup("calm");
	struct pollfd p[2] = {{.events = POLLPRI}, {.events = POLLPRI}};

	p[0].fd = try(open(cg(group, "cpu.pressure"), O_RDWR | O_NONBLOCK));
	p[1].fd = try(open(cg(calm, "cpu.pressure"), O_RDWR | O_NONBLOCK));
	for (int i = 0; i < 2; i++)
		must(write(p[i].fd, trigger, sizeof(trigger)) == sizeof(trigger));
	put(cg(group, "cpu.max"), "10000 100000");
	pid_t pid = start_in(group, burn);
	must(poll(p, 2, 20000) == 1 && p[0].revents == POLLPRI);
	await(pid);
	must(keyed(group, "cpu.pressure", "total=") > 0);
	must(contains("/proc/pressure/cpu", "some avg10="));
	must(contains("/proc/pressure/io", "full avg10="));
	must(contains("/proc/pressure/memory", "full avg10="));
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

static void clone_set_tid(void)
{
	pid_t wanted = 23456;
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (long)&wanted, .set_tid_size = 1};
	pid_t pid = offered(syscall(SYS_clone3, &args, sizeof(args)));

	if (!pid)
		_exit(syscall(SYS_getpid) != 23456);
	must(pid == 23456);
	await(pid);
}

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

#define INSN(op, to, from, where, value)                                                 \
	((struct bpf_insn){                                                              \
		.code = op, .dst_reg = to, .src_reg = from, .off = where, .imm = value})
#define SET(reg, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, value)
#define COPY(to, from) INSN(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define ADD(reg, value) INSN(BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, value)
#define MAP(reg, fd)                                                                     \
	INSN(BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_MAP_FD, 0, fd),                  \
		INSN(0, 0, 0, 0, 0)
#define STORE(size, reg, where, value) INSN(BPF_ST | BPF_MEM | size, reg, 0, where, value)
#define LOAD(size, to, from, where) INSN(BPF_LDX | BPF_MEM | size, to, from, where, 0)
#define JUMP(op, reg, value, over) INSN(BPF_JMP | op | BPF_K, reg, 0, over, value)
#define CALL(function) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, function)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define PROGRAM(...)                                                                     \
	(struct bpf_insn[]){__VA_ARGS__},                                                \
		sizeof((struct bpf_insn[]){__VA_ARGS__}) / sizeof(struct bpf_insn)

static int bpf_try_load(enum bpf_prog_type type, enum bpf_attach_type attach,
	struct bpf_insn *program, size_t n)
{
	union bpf_attr attr = {
		.prog_type = type,
		.expected_attach_type = attach,
		.insns = (long)program,
		.insn_cnt = n,
		.license = (long)"GPL",
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

static int bpf_load(enum bpf_prog_type type, enum bpf_attach_type attach,
	struct bpf_insn *program, size_t n)
{
	int fd = bpf_try_load(type, attach, program, n);

	if (fd < 0)
		fail(path("BPF program of type %d", type));
	return fd;
}

static int bpf_return(enum bpf_prog_type type, enum bpf_attach_type attach, int value)
{
	return bpf_load(type, attach, PROGRAM(SET(BPF_REG_0, value), EXIT()));
}

static int bpf_map(enum bpf_map_type type, int key_size, int value_size, int entries)
{
	union bpf_attr attr = {.map_type = type,
		.key_size = key_size,
		.value_size = value_size,
		.max_entries = entries};

	return try(bpf(BPF_MAP_CREATE, &attr));
}

static uint64_t bpf_value(int map, uint32_t key)
{
	uint64_t value = 0;
	union bpf_attr attr = {.map_fd = map, .key = (long)&key, .value = (long)&value};

	try(bpf(BPF_MAP_LOOKUP_ELEM, &attr));
	return value;
}

/* Counts its runs in the first element of an array, and returns 1. */
static int bpf_counter(enum bpf_prog_type type, enum bpf_attach_type attach, int map)
{
	return bpf_load(type, attach,
		PROGRAM(STORE(BPF_W, BPF_REG_10, -4, 0), COPY(BPF_REG_2, BPF_REG_10),
			ADD(BPF_REG_2, -4), MAP(BPF_REG_1, map),
			CALL(BPF_FUNC_map_lookup_elem), JUMP(BPF_JEQ, BPF_REG_0, 0, 2),
			SET(BPF_REG_1, 1),
			INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_1, 0,
				BPF_ADD),
			SET(BPF_REG_0, 1), EXIT()));
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
	uint32_t key = 1;
	uint64_t value = 7;
	int map = bpf_map(BPF_MAP_TYPE_HASH, 4, 8, 4);
	const char *dir = scratch();
	union bpf_attr attr = {.map_fd = map, .key = (long)&key, .value = (long)&value};

	try(bpf(BPF_MAP_UPDATE_ELEM, &attr));
	try(mount("bpf", dir, "bpf", 0, NULL));
	attr = (union bpf_attr){.pathname = (long)path("%s/map", dir), .bpf_fd = map};
	try(bpf(BPF_OBJ_PIN, &attr));
	close(map);
	attr = (union bpf_attr){.pathname = (long)path("%s/map", dir)};
	must(bpf_value(try(bpf(BPF_OBJ_GET, &attr)), 1) == 7);
}

/* A program's record is read from the mapped ring. */
static void bpf_ring(void)
{
	int map = bpf_map(BPF_MAP_TYPE_RINGBUF, 0, 0, page_size());
	int program = bpf_load(BPF_PROG_TYPE_SCHED_CLS, 0,
		PROGRAM(STORE(BPF_DW, BPF_REG_10, -8, 4711), COPY(BPF_REG_2, BPF_REG_10),
			ADD(BPF_REG_2, -8), MAP(BPF_REG_1, map), SET(BPF_REG_3, 8),
			SET(BPF_REG_4, 0), CALL(BPF_FUNC_ringbuf_output), EXIT()));
	char packet[64] = {0};
	union bpf_attr attr = {.test = {.prog_fd = program,
				       .data_in = (long)packet,
				       .data_size_in = sizeof(packet)}};

	try(bpf(BPF_PROG_TEST_RUN, &attr));
	/* The producer's page, then the data, each record behind a header of 8 bytes. */
	char *ring = mmap(NULL, 2 * page_size(), PROT_READ, MAP_SHARED, map, page_size());
	must(ring != MAP_FAILED);
	must(*(uint64_t *)ring == 16 && *(uint64_t *)(ring + page_size() + 8) == 4711);
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
	try(open("/dev/zero", O_RDWR));
}

/* As container managers do: minor 3 of major 1 is refused, others are not. */
static void bpf_cgroup_device(void)
{
	const char *group = cgroup("device");

	bpf_attach(bpf_load(BPF_PROG_TYPE_CGROUP_DEVICE, 0,
			   PROGRAM(LOAD(BPF_W, BPF_REG_2, BPF_REG_1, 8),
				   SET(BPF_REG_0, 0), JUMP(BPF_JEQ, BPF_REG_2, 3, 1),
				   SET(BPF_REG_0, 1), EXIT())),
		group, BPF_CGROUP_DEVICE);
	await(start_in(group, denied_device));
}

static struct sockaddr_in loopback(void)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void denied_connect(void)
{
	struct sockaddr_in in = loopback();
	int fd = try(socket(AF_INET, SOCK_DGRAM, 0));

	refuses(EPERM, connect(fd, (struct sockaddr *)&in, sizeof(in)));
}

static void bpf_sock_addr(void)
{
	const char *group = cgroup("sock_addr");

	bpf_attach(
		bpf_return(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT, 0),
		group, BPF_CGROUP_INET4_CONNECT);
	await(start_in(group, denied_connect));
}

static void denied_send(void)
{
	struct sockaddr_in in = loopback();
	int fd = try(socket(AF_INET, SOCK_DGRAM, 0));

	refuses(EPERM, sendto(fd, "x", 1, 0, (struct sockaddr *)&in, sizeof(in)));
}

static void bpf_cgroup_skb(void)
{
	const char *group = cgroup("skb");

	bpf_attach(bpf_return(BPF_PROG_TYPE_CGROUP_SKB, 0, 0), group,
		BPF_CGROUP_INET_EGRESS);
	await(start_in(group, denied_send));
}

static void connect_to_itself(void)
{
	struct sockaddr_in in = loopback();
	socklen_t len = sizeof(in);
	int server = try(socket(AF_INET, SOCK_STREAM, 0)),
	    client = try(socket(AF_INET, SOCK_STREAM, 0));

	in.sin_port = 0;
	try(bind(server, (struct sockaddr *)&in, len));
	try(listen(server, 1));
	try(getsockname(server, (struct sockaddr *)&in, &len));
	try(connect(client, (struct sockaddr *)&in, len));
}

static void bpf_sock_ops(void)
{
	const char *group = cgroup("sock_ops");
	int map = bpf_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1);

	bpf_attach(bpf_counter(BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS, map), group,
		BPF_CGROUP_SOCK_OPS);
	await(start_in(group, connect_to_itself));
	must(bpf_value(map, 0) > 0);
}

static void bpf_socket_filter(void)
{
	int pair[2], prog = bpf_return(BPF_PROG_TYPE_SOCKET_FILTER, 0, 0);
	char c;

	try(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	try(send(pair[0], "x", 1, 0));
	must(recv(pair[1], &c, 1, MSG_DONTWAIT) == 1);
	try(setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_BPF, &prog, sizeof(prog)));
	send(pair[0], "x", 1, 0);
	refuses(EAGAIN, recv(pair[1], &c, 1, MSG_DONTWAIT));
}

/* Of two sockets on one port the program's choice gets every packet. */
static void bpf_reuseport(void)
{
	int fd[2], one = 1, prog = bpf_return(BPF_PROG_TYPE_SOCKET_FILTER, 0, 1);
	struct sockaddr_in in = loopback();
	socklen_t len = sizeof(in);
	char c;

	in.sin_port = 0;
	for (int i = 0; i < 2; i++) {
		fd[i] = try(socket(AF_INET, SOCK_DGRAM, 0));
		try(setsockopt(fd[i], SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)));
		try(bind(fd[i], (struct sockaddr *)&in, len));
		try(getsockname(fd[i], (struct sockaddr *)&in, &len));
	}
	try(setsockopt(fd[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &prog, sizeof(prog)));
	for (int i = 0; i < 8; i++) {
		int from = try(socket(AF_INET, SOCK_DGRAM, 0));
		try(sendto(from, "x", 1, 0, (struct sockaddr *)&in, len));
		must(recv(fd[1], &c, 1, 0) == 1);
	}
	refuses(EAGAIN, recv(fd[0], &c, 1, MSG_DONTWAIT));
}

/* A socket on another port answers because the program says so. */
static void bpf_sk_lookup(void)
{
	struct sockaddr_in in = loopback();
	int prog = bpf_return(BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, 0 /* SK_DROP */);
	union bpf_attr attr = {
		.link_create = {.prog_fd = prog,
			.target_fd = try(open("/proc/self/ns/net", O_RDONLY)),
			.attach_type = BPF_SK_LOOKUP}};
	socklen_t len = sizeof(in);
	int server = try(socket(AF_INET, SOCK_STREAM, 0));

	in.sin_port = 0;
	try(bind(server, (struct sockaddr *)&in, len));
	try(listen(server, 1));
	try(getsockname(server, (struct sockaddr *)&in, &len));
	try(bpf(BPF_LINK_CREATE, &attr));
	refuses(ECONNREFUSED, connect(try(socket(AF_INET, SOCK_STREAM, 0)),
				      (struct sockaddr *)&in, len));
}

static void bpf_sk_msg(void)
{
	int map = bpf_map(BPF_MAP_TYPE_SOCKMAP, 4, 4, 1);
	union bpf_attr attr = {.target_fd = map,
		.attach_bpf_fd = bpf_return(BPF_PROG_TYPE_SK_MSG, BPF_SK_MSG_VERDICT, 0),
		.attach_type = BPF_SK_MSG_VERDICT};

	try(bpf(BPF_PROG_ATTACH, &attr));
}

static void bpf_tracing(void)
{
	static const enum bpf_prog_type types[] = {
		BPF_PROG_TYPE_KPROBE, BPF_PROG_TYPE_TRACEPOINT, BPF_PROG_TYPE_PERF_EVENT};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (bpf_try_load(types[i], 0, PROGRAM(SET(BPF_REG_0, 0), EXIT())) < 0)
			absent();
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

static void landlock(uint64_t files, uint64_t ports, uint64_t scope)
{
	/* The headers of the build machine may be older: fields of ABI 4 and 6 by number. */
	uint64_t attr[3] = {files, ports, scope};
	int fd = try(syscall(SYS_landlock_create_ruleset, attr, sizeof(attr), 0));

	try(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	try(syscall(SYS_landlock_restrict_self, fd, 0));
}

static void landlock_files(void)
{
	const char *dir = scratch();

	put(path("%s/file", dir), "x");
	landlock(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR, 0, 0);
	refuses(EACCES, open(path("%s/file", dir), O_RDONLY));
	refuses(EACCES, mkdir(path("%s/dir", dir), 0755));
	try(open(path("%s/file", dir), O_WRONLY));
}

static void landlock_ports(void)
{
	struct sockaddr_in in = loopback();
	int fd = try(socket(AF_INET, SOCK_STREAM, 0));

	landlock(0, 3 /* bind, connect TCP */, 0);
	refuses(EACCES, bind(fd, (struct sockaddr *)&in, sizeof(in)));
	refuses(EACCES, connect(fd, (struct sockaddr *)&in, sizeof(in)));
}

static void landlock_scope(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0probe-scope"};
	socklen_t len = sizeof(un.sun_family) + 12;
	int server = try(socket(AF_UNIX, SOCK_STREAM, 0));

	must(syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* version */) >= 6);
	try(bind(server, (struct sockaddr *)&un, len));
	try(listen(server, 1));
	pid_t pid = try(fork());
	if (!pid) {
		landlock(0, 0, 3 /* abstract sockets, signals */);
		refuses(EPERM, kill(getppid(), SIGCONT));
		refuses(EPERM, connect(try(socket(AF_UNIX, SOCK_STREAM, 0)),
				       (struct sockaddr *)&un, len));
		_exit(0);
	}
	await(pid);
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

/* A user's process may be traced by its parent, not by its sibling. */
static void yama(void)
{
	put("/proc/sys/kernel/yama/ptrace_scope", "1");
	try(setresgid(1000, 1000, 1000));
	try(setresuid(1000, 1000, 1000));
	try(prctl(PR_SET_DUMPABLE, 1));
	pid_t traced = stopped_child(), pid = try(fork());
	if (!pid) {
		refuses(EPERM, ptrace(PTRACE_SEIZE, traced, 0, 0));
		_exit(0);
	}
	await(pid);
	try(ptrace(PTRACE_SEIZE, traced, 0, 0));
	kill(traced, SIGKILL);
}

void low_port(void)
{
	struct sockaddr_in in = loopback();

	in.sin_port = htons(81);
	if (bind(try(socket(AF_INET, SOCK_STREAM, 0)), (struct sockaddr *)&in,
		    sizeof(in)) < 0)
		fail("port 81");
}

/* A copy of this program on ext4: an ordinary user binds a low port by the capability of the file. */
static void file_capability(void)
{
	struct vfs_cap_data cap = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE};
	struct sockaddr_in in = loopback();

	put("/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024");
	must(shell("busybox cp /bin/feature-probe /data/capable") == 0);
	cap.data[0].permitted = 1 << CAP_NET_BIND_SERVICE;
	try(setxattr("/data/capable", "security.capability", &cap, XATTR_CAPS_SZ_2, 0));
	pid_t pid = try(fork());
	if (!pid) {
		try(setresuid(1000, 1000, 1000));
		in.sin_port = htons(81);
		refuses(EACCES, bind(try(socket(AF_INET, SOCK_STREAM, 0)),
					(struct sockaddr *)&in, sizeof(in)));
		execl("/data/capable", "feature-probe", "bind", "81", NULL);
		fail("exec");
	}
	int status;
	try(waitpid(pid, &status, 0));
	put("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
	must(status == 0);
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

static uint32_t *shared_words(void)
{
	uint32_t *p = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	return p;
}

/* Two words are waited for; the second is what wakes. */
static void futex_waitv_call(void)
{
	uint32_t *words = shared_words();
	struct {
		uint64_t value, address;
		uint32_t flags, reserved;
	} waiters[2] = {
		{0, (long)words, 2 /* FUTEX_32 */, 0}, {0, (long)(words + 1), 2, 0}};
	pid_t pid = try(fork());

	if (!pid)
		_exit(syscall(449 /* futex_waitv */, waiters, 2, 0, NULL, 0) != 1);
	while (try(syscall(SYS_futex, words + 1, FUTEX_WAKE, 1, NULL, NULL, 0)) == 0)
		usleep(1000);
	await(pid);
}

static void futex2(void)
{
	uint32_t *words = shared_words();

	offered(syscall(454 /* futex_wake */, words, 1UL, 1, 2 /* FUTEX_32 */));
	pid_t pid = try(fork());
	if (!pid)
		_exit(syscall(455 /* futex_wait */, words, 0UL, ~0U, 2, NULL, 0) != 0);
	while (try(syscall(454, words, ~0U, 1, 2)) == 0)
		usleep(1000);
	await(pid);
}

static void barriers(void)
{
	try(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
	try(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
}

/* The C library has registered an area, and the kernel writes it. */
static void restartable(void)
{
	volatile struct rseq *area =
		(void *)((char *)__builtin_thread_pointer() + __rseq_offset);
	cpu_set_t set;

	must(__rseq_size > 0);
	CPU_ZERO(&set);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &set);
	try(sched_setaffinity(0, sizeof(set), &set));
	must((long)area->cpu_id == sysconf(_SC_NPROCESSORS_ONLN) - 1);
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

static void madvise_other(void)
{
	char *page = pages(1);

	*page = 1;
	pid_t pid = stopped_child();
	int fd = try(syscall(SYS_pidfd_open, pid, 0));
	struct iovec iov = {page, page_size()};
	must(syscall(SYS_process_madvise, fd, &iov, 1, MADV_COLD, 0) == page_size());
	kill(pid, SIGKILL);
}

static void release_memory(void)
{
	pid_t pid = stopped_child();
	int fd = try(syscall(SYS_pidfd_open, pid, 0));

	/* Not of a process that is alive. */
	if (syscall(448 /* process_mrelease */, fd, 0) >= 0 || errno != EINVAL)
		absent();
	kill(pid, SIGKILL);
	/* It may be gone by itself. */
	must(syscall(448, fd, 0) == 0 || errno == ESRCH);
}

static void mseal(void)
{
	char *p = pages(1);

	offered(syscall(462 /* mseal */, p, page_size(), 0));
	refuses(EPERM, munmap(p, page_size()));
	refuses(EPERM, mprotect(p, page_size(), PROT_READ));
}

/* What one session has in its keyring another does not find. */
static void keyrings(void)
{
	char value[8];

	int ring = try(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
	int key = try(syscall(
		SYS_add_key, "user", "probe", "secret", 6, KEY_SPEC_SESSION_KEYRING));
	must(syscall(SYS_keyctl, KEYCTL_READ, key, value, sizeof(value)) == 6);
	pid_t pid = try(fork());
	if (!pid) {
		must(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) != ring);
		refuses(ENOKEY, syscall(SYS_keyctl, KEYCTL_SEARCH,
					KEY_SPEC_SESSION_KEYRING, "user", "probe", 0));
		_exit(0);
	}
	await(pid);
}

static void persistent_keyring(void)
{
	int ring = offered(syscall(SYS_keyctl, 22 /* KEYCTL_GET_PERSISTENT */, 1000,
		KEY_SPEC_PROCESS_KEYRING));
	int key = try(syscall(SYS_add_key, "user", "probe", "secret", 6, ring));

	must(syscall(SYS_keyctl, KEYCTL_SEARCH, ring, "user", "probe", 0) == key);
}

static void compare_files(void)
{
	pid_t pid = stopped_child();
	int other = try(open("/", O_RDONLY));

	must(syscall(SYS_kcmp, getpid(), pid, KCMP_FILE, 0, 0) == 0);
	must(syscall(SYS_kcmp, getpid(), pid, KCMP_VM, 0, 0) > 0);
	must(syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, 0, other) > 0);
	kill(pid, SIGKILL);
}

static void read_other(void)
{
	char byte = 'a', copy = 0;
	pid_t pid = stopped_child();
	struct iovec to = {&copy, 1}, from = {&byte, 1};

	must(process_vm_readv(pid, &to, 1, &from, 1, 0) == 1 && copy == 'a');
	byte = 'b';
	must(process_vm_writev(pid, &from, 1, &from, 1, 0) == 1);
	must(process_vm_readv(pid, &to, 1, &from, 1, 0) == 1 && copy == 'b');
	must(atoi(get(path("/proc/%d/task/%d/children", getpid(), getpid()))) == pid);
	try(ptrace(PTRACE_SEIZE, pid, 0, 0));
	try(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	kill(pid, SIGKILL);
}

/* Where the arguments are, in the 48th field of stat, can be set. */
static void set_memory_map(void)
{
	unsigned size = 0;
	long brk = (long)sbrk(0);

	try(prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0));
	must(size > 0);
	try(prctl(PR_SET_MM, PR_SET_MM_ARG_START, brk - 16, 0, 0));
	char *at = strrchr(get("/proc/self/stat"), ')') + 2;
	for (int field = 3; field < 48; field++)
		at = strchr(at, ' ') + 1;
	must(atol(at) == brk - 16);
}

/* A connection's sequence number is read and its end is silent. */
static void tcp_repair(void)
{
	struct sockaddr_in in = loopback();
	socklen_t len = sizeof(in);
	int server = try(socket(AF_INET, SOCK_STREAM, 0)),
	    client = try(socket(AF_INET, SOCK_STREAM, 0)), on = 1;
	unsigned sequence = 0;

	in.sin_port = 0;
	try(bind(server, (struct sockaddr *)&in, len));
	try(listen(server, 1));
	try(getsockname(server, (struct sockaddr *)&in, &len));
	try(connect(client, (struct sockaddr *)&in, len));
	int peer = try(accept(server, NULL, NULL));
	try(setsockopt(client, IPPROTO_TCP, 19 /* TCP_REPAIR */, &on, sizeof(on)));
	try(setsockopt(client, IPPROTO_TCP, 20 /* TCP_REPAIR_QUEUE */,
		&(int){2 /* send */}, sizeof(int)));
	len = sizeof(sequence);
	try(getsockopt(client, IPPROTO_TCP, 21 /* TCP_QUEUE_SEQ */, &sequence, &len));
	must(sequence);
	close(client);
	char c;
	refuses(EAGAIN, recv(peer, &c, 1, MSG_DONTWAIT));
}

static void pagemap_scan(void)
{
	struct {
		uint64_t start, end, categories;
	} region[4];
	struct {
		uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages,
			inverted, mask, anyof, wanted;
	} scan = {.size = sizeof(scan),
		.vec = (long)region,
		.vec_len = 4,
		.mask = 1 << 3 /* present */,
		.wanted = 1 << 3};
	char *p = pages(3);

	p[page_size()] = 1;
	scan.start = (long)p;
	scan.end = scan.start + 3 * page_size();
	int fd = try(open("/proc/self/pagemap", O_RDONLY));
	errno = 0;
	int n = ioctl(fd, _IOWR('f', 16, char[96]), &scan);
	if (n < 0 && errno == ENOTTY)
		absent();
	must(n == 1 && region[0].start == (uint64_t)p + page_size());
}

static int userfault_on(char *p, int n, int mode)
{
	int fd = try(syscall(SYS_userfaultfd, O_CLOEXEC));
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register range = {
		.range = {(long)p, n * page_size()}, .mode = mode};

	try(ioctl(fd, UFFDIO_API, &api));
	offered(ioctl(fd, UFFDIO_REGISTER, &range));
	return fd;
}

/* A process of the same memory meets the fault, this one serves it. */
static void userfault(void)
{
	char *page = pages(1), *p = pages(1), c = 0;
	int pipefd[2], fd = userfault_on(p, 1, UFFDIO_REGISTER_MODE_MISSING);
	struct uffd_msg message;

	*page = 'f';
	try(pipe(pipefd));
	pid_t pid = try(syscall(SYS_clone, CLONE_VM | SIGCHLD, NULL, NULL, NULL, NULL));
	if (!pid) {
		syscall(SYS_write, pipefd[1], p, 1);
		syscall(SYS_exit, 0);
	}
	must(read(fd, &message, sizeof(message)) == sizeof(message) &&
		message.event == UFFD_EVENT_PAGEFAULT);
	struct uffdio_copy copy = {.dst = (long)p, .src = (long)page, .len = page_size()};
	try(ioctl(fd, UFFDIO_COPY, &copy));
	must(read(pipefd[0], &c, 1) == 1 && c == 'f');
}

static void userfault_write_protect(void)
{
	char *p = pages(1), c = 0;
	struct uffd_msg message;
	int pipefd[2];

	*p = 'a';
	int fd = userfault_on(p, 1, UFFDIO_REGISTER_MODE_WP);
	struct uffdio_writeprotect protect = {
		.range = {(long)p, page_size()}, .mode = UFFDIO_WRITEPROTECT_MODE_WP};
	try(ioctl(fd, UFFDIO_WRITEPROTECT, &protect));
	try(pipe(pipefd));
	try(write(pipefd[1], "b", 1));
	pid_t pid = try(syscall(SYS_clone, CLONE_VM | SIGCHLD, NULL, NULL, NULL, NULL));
	if (!pid) {
		syscall(SYS_read, pipefd[0], p, 1);
		syscall(SYS_write, pipefd[1], p, 1);
		syscall(SYS_exit, 0);
	}
	must(read(fd, &message, sizeof(message)) == sizeof(message));
	must(message.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP && *p == 'a');
	protect.mode = 0;
	try(ioctl(fd, UFFDIO_WRITEPROTECT, &protect));
	must(read(pipefd[0], &c, 1) == 1 && c == 'b');
}

static int perf_open(struct perf_event_attr attr)
{
	attr.size = sizeof(attr);
	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static void perf(void)
{
	uint64_t n = 0;
	int fd = try(perf_open((struct perf_event_attr){
		.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_PAGE_FAULTS}));

	memset(pages(16), 1, 16 * page_size());
	must(read(fd, &n, 8) == 8 && n >= 16);
}

static void perf_hardware(void)
{
	uint64_t n = 0;
	int fd = offered(perf_open((struct perf_event_attr){
		.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_INSTRUCTIONS}));

	must(read(fd, &n, 8) == 8 && n > 0);
}

static void perf_breakpoint(void)
{
	static volatile uint32_t watched;
	uint64_t n = 0;
	int fd = offered(perf_open((struct perf_event_attr){.type = PERF_TYPE_BREAKPOINT,
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = (long)&watched,
		.bp_len = 4,
		.exclude_kernel = 1}));

	for (int i = 0; i < 3; i++)
		watched = i;
	must(read(fd, &n, 8) == 8 && n == 3);
}

/* A virtual machine of one page stores to an address without memory. */
static void kvm(void)
{
	static const uint32_t code[] = {
		0xd2a20001 /* mov x1, #0x10000000 */, 0xf9000020 /* str x0, [x1] */};
	int vm = try(ioctl(try(open("/dev/kvm", O_RDWR)), KVM_CREATE_VM, 0));
	char *page = pages(1);
	struct kvm_userspace_memory_region memory = {
		.memory_size = page_size(), .userspace_addr = (long)page};
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
		mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
	must(run != MAP_FAILED);
	try(ioctl(cpu, KVM_RUN, 0));
	must(run->exit_reason == KVM_EXIT_MMIO && run->mmio.phys_addr == 0x10000000);
}

static void huge_by_advice(void)
{
	long size = atol(get("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"));

	must(!contains("/sys/kernel/mm/transparent_hugepage/enabled", "[never]"));
	char *p = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(p != MAP_FAILED);
	p = (char *)(((long)p + size - 1) & ~(size - 1));
	try(madvise(p, size, MADV_HUGEPAGE));
	memset(p, 1, size);
	must(number("/proc/self/smaps_rollup", "AnonHugePages:") * 1024 >= size);
}

static void advice(void)
{
	static const int advices[] = {
		MADV_FREE, MADV_COLD, MADV_PAGEOUT, 22 /* MADV_POPULATE_READ */};
	char *p = pages(2);
	unsigned char here[2] = {0, 0};

	try(madvise(p, 2 * page_size(), 23 /* MADV_POPULATE_WRITE */));
	try(mincore(p, 2 * page_size(), here));
	must(here[0] & 1 && here[1] & 1);
	for (size_t i = 0; i < ARRAY_SIZE(advices); i++)
		try(madvise(p, page_size(), advices[i]));
	try(mlock2(p, page_size(), MLOCK_ONFAULT));
}

static void ksm(void)
{
	enum { COUNT = 64 };
	char *p = pages(COUNT);

	memset(p, 7, COUNT * page_size());
	offered(madvise(p, COUNT * page_size(), MADV_MERGEABLE));
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

static void generations(void)
{
	static const char enabled[] = "/sys/kernel/mm/lru_gen/enabled";

	if (access(enabled, F_OK) < 0)
		absent();
	put(enabled, "y");
	must(strtol(get(enabled), NULL, 0) & 1);
	put(enabled, "n");
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
	const char *core = path("%s/core", scratch());

	put("/proc/sys/kernel/core_pattern", core);
	crash();
	must(!memcmp(get(core), "\177ELF", 4));
	/* The helper runs in the initial namespaces, where the scratch directory is not. */
	unlink("/data/core");
	put("/proc/sys/kernel/core_pattern",
		"|/bin/busybox dd of=/data/core bs=4096 count=1");
	crash();
	for (int i = 0; i < 1000 && access("/data/core", F_OK) < 0; i++)
		usleep(10000);
	wait_for("/data/core", "\177ELF");
	put("/proc/sys/kernel/core_pattern", "core");
}

static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
	(void)signal;
	alarms++;
}

static void posix_timers(void)
{
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec often = {{0, 1000000}, {0, 1000000}};

	signal(SIGUSR1, on_alarm);
	try(timer_create(CLOCK_MONOTONIC, &event, &timer));
	try(timer_settime(timer, 0, &often, NULL));
	while (alarms < 3)
		pause();
}

static void monitoring(void)
{
	uint64_t entry = 0;
	char *page = pages(1);
	long before = number("/proc/self/io", "wchar: ");

	put(path("%s/a", scratch()), "0123456789");
	must(number("/proc/self/io", "wchar: ") >= before + 10);
	memset(page, 1, page_size());
	must(number("/proc/self/smaps_rollup", "Pss:") > 0);
	int fd = try(open("/proc/self/pagemap", O_RDONLY));
	must(pread(fd, &entry, 8, (long)page / page_size() * 8) == 8 && entry >> 63);
}

static void statistics(void)
{
	long before = number("/proc/vmstat", "pgfault ");

	memset(pages(16), 1, 16 * page_size());
	must(number("/proc/vmstat", "pgfault ") >= before + 16);
	if (access("/proc/schedstat", F_OK) < 0)
		absent();
	/* The time on the CPU is counted when it ends. */
	usleep(1000);
	must(atol(get("/proc/self/schedstat")) > 0);
}

static void deadline(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = {.size = sizeof(attr),
		.policy = 6 /* SCHED_DEADLINE */,
		.runtime = 1000000,
		.deadline = 10000000,
		.period = 10000000};

	offered(syscall(SYS_sched_setattr, 0, &attr, 0));
	must(sched_getscheduler(0) == 6);
}

static void large_atomics(void)
{
	uint64_t word = 4, old = 0;

	if (!(getauxval(AT_HWCAP) & HWCAP_ATOMICS))
		absent();
	asm volatile(".arch_extension lse\n\tldaddal %2, %0, %1"
		     : "=r"(old), "+Q"(word)
		     : "r"(3L));
	must(old == 4 && word == 7);
}

/* A signed pointer differs from the plain one, and is that again when it is checked. */
static void pointer_authentication(void)
{
	static const char byte;
	const void *plain = &byte, *p = plain;

	if (!(getauxval(AT_HWCAP) & HWCAP_PACA))
		absent();
	asm volatile("mov x16, #7; mov x17, %0; hint #8 /* pacia1716 */; mov %0, x17"
		     : "+r"(p)
		     :
		     : "x16", "x17");
	must(p != plain);
	asm volatile("mov x16, #7; mov x17, %0; hint #12 /* autia1716 */; mov %0, x17"
		     : "+r"(p)
		     :
		     : "x16", "x17");
	must(p == plain);
}

/* A guarded page is entered by a branch target, and by nothing else. */
static void branch_targets(void)
{
	static const uint32_t code[] = {0xd503245f /* bti c */, 0xd65f03c0 /* ret */};
	char *page = pages(1);

	if (!(getauxval(AT_HWCAP2) & HWCAP2_BTI))
		absent();
	memcpy(page, code, sizeof(code));
	__builtin___clear_cache(page, page + sizeof(code));
	try(mprotect(page, page_size(), PROT_READ | PROT_EXEC | 0x10 /* PROT_BTI */));
	((void (*)(void))page)();
	pid_t pid = try(fork());
	if (!pid) {
		((void (*)(void))(page + 4))();
		_exit(0);
	}
	int status;
	try(waitpid(pid, &status, 0));
	must(WIFSIGNALED(status) && WTERMSIG(status) == SIGILL);
}

const struct probe process_probes[] = {
	{R, "all eight namespaces, unprivileged and nested", namespaces},
	{R, "setns by pidfd", setns_pidfd},
	{R, "named network namespaces", named_netns},
	{R, "cgroup cpu: throttled to a tenth, and counted", cgroup_cpu},
	{R, "cgroup cpuset: pinned", cgroup_cpuset},
	{R, "cgroup io: 1 MiB/s is 1 MiB/s", cgroup_io},
	{R, "cgroup memory: OOM kill counted", cgroup_memory},
	{R, "cgroup memory.swap.max", cgroup_swap},
	{R, "cgroup pids: fork refused", cgroup_pids},
	{R, "cgroup hugetlb: page refused", cgroup_hugetlb},
	{R, "cgroup freeze, thaw and kill", cgroup_freeze_kill},
	{N, "cgroup memory.reclaim", cgroup_reclaim},
	{N, "cgroup zswap limits", cgroup_zswap},
	{N, "cgroup io.weight", cgroup_io_weight},
	{N, "cgroup v1 net_cls", cgroup_net_cls},
	{N, "cgroup misc", cgroup_misc},
	{R, "pressure stall files and triggers per group", pressure},
	{R, "clone3 into a control group", clone_into},
	{N, "clone3 with set_tid", clone_set_tid},
	{R, "BPF: the JIT is on", bpf_jit},
	{R, "BPF: maps and pins", bpf_maps},
	{R, "BPF: ring buffer", bpf_ring},
	{R, "BPF: a device is refused to a control group", bpf_cgroup_device},
	{R, "BPF: cgroup sock_addr refuses", bpf_sock_addr},
	{R, "BPF: cgroup skb drops", bpf_cgroup_skb},
	{R, "BPF: cgroup sock_ops counts", bpf_sock_ops},
	{R, "BPF: socket filter drops", bpf_socket_filter},
	{R, "BPF: reuseport selects", bpf_reuseport},
	{N, "BPF: sk_lookup", bpf_sk_lookup},
	{N, "BPF: sk_msg", bpf_sk_msg},
	{N, "BPF: kprobe, tracepoint, perf_event", bpf_tracing},
	{R, "seccomp filter with thread sync", seccomp_errno},
	{R, "seccomp user notification with fd passing", seccomp_notify},
	{R, "Landlock: files", landlock_files},
	{R, "Landlock: TCP ports", landlock_ports},
	{R, "Landlock: scope (ABI 6)", landlock_scope},
	{R, "Yama", yama},
	{R, "file capabilities on ext4", file_capability},
	{R, "pidfd: clone3, send_signal, getfd, poll, waitid", pidfds},
	{R, "subreaper", subreaper},
	{R, "close_range", close_range_call},
	{R, "futex_waitv", futex_waitv_call},
	{N, "futex2", futex2},
	{R, "membarrier", barriers},
	{R, "rseq", restartable},
	{R, "eventfd, timerfd, signalfd, epoll_pwait2", event_fds},
	{R, "process_madvise", madvise_other},
	{N, "process_mrelease", release_memory},
	{N, "mseal", mseal},
	{R, "keyrings, one per session", keyrings},
	{N, "persistent keyrings", persistent_keyring},
	{R, "checkpoint: kcmp", compare_files},
	{R, "checkpoint: process_vm_readv, children, ptrace seize", read_other},
	{R, "checkpoint: mm map", set_memory_map},
	{R, "checkpoint: TCP repair", tcp_repair},
	{N, "checkpoint: pagemap scan", pagemap_scan},
	{R, "userfaultfd serves a fault", userfault},
	{N, "userfaultfd write-protects", userfault_write_protect},
	{R, "perf: software counters", perf},
	{N, "perf: hardware counters", perf_hardware},
	{N, "perf: breakpoints", perf_breakpoint},
	{R, "KVM runs a vCPU", kvm},
	{R, "huge pages by madvise", huge_by_advice},
	{R, "madvise free, cold, pageout, populate, mlock2", advice},
	{N, "KSM merges", ksm},
	{N, "multi-gen LRU", generations},
	{R, "core dumps to file and to a pipe helper", coredump},
	{R, "POSIX timers", posix_timers},
	{R, "/proc/self/io, smaps, pagemap", monitoring},
	{N, "schedstat, event counters in vmstat", statistics},
	{N, "deadline scheduling", deadline},
	{R, "CPU: large atomics (LSE) for programs", large_atomics},
	{R, "CPU: pointer authentication for programs", pointer_authentication},
	{N, "CPU: branch target identification for programs", branch_targets},
	{R, NULL, NULL},
};
