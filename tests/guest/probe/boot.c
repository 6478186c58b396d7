// SPDX-License-Identifier: Apache-2.0
/* Boot, basic file systems, memory and clocks: features.md 1 and 5. */
#include "probe.h"
#include <grp.h>
#include <linux/random.h>
#include <mqueue.h>
#include <pty.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/random.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <time.h>

static void console(void)
{
	must(contains("/proc/consoles", "ttyAMA0"));
}

static void kmsg(void)
{
	static char line[8192];
	int found = 0;
	int fd = try(open("/dev/kmsg", O_RDWR | O_NONBLOCK));

	try(write(fd, "probe-kmsg\n", 11));
	while (!found) {
		ssize_t n = try(read(fd, line, sizeof(line) - 1));
		line[n] = 0;
		found = strstr(line, "probe-kmsg") != NULL;
	}
}

static void hidepid_reader(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/1", getenv("PROC"));
	try(setgroups(0, NULL));
	try(setresgid(1000, 1000, 1000));
	try(setresuid(1000, 1000, 1000));
	refuses(ENOENT, access(path, F_OK));
}

static void hidepid(void)
{
	const char *dir = scratch();

	try(mount("proc", dir, "proc", 0, "hidepid=2"));
	setenv("PROC", dir, 1);
	child(0, hidepid_reader);
}

static void devpts(void)
{
	char path[64];
	const char *dir = scratch();
	int number = -1;

	try(mount("devpts", dir, "devpts", 0, "newinstance,ptmxmode=0666"));
	snprintf(path, sizeof(path), "%s/ptmx", dir);
	int fd = try(open(path, O_RDWR | O_NOCTTY));
	try(ioctl(fd, TIOCGPTN, &number));
	must(number == 0);
}

static void pty(void)
{
	int master, slave;
	char c;

	try(openpty(&master, &slave, NULL, NULL, NULL));
	try(write(slave, "x", 1));
	must(read(master, &c, 1) == 1 && c == 'x');
}

static void tmpfs_limits(void)
{
	static char block[65536];
	const char *dir = scratch();
	char path[64];

	try(mount("limited", dir, "tmpfs", 0, "size=64k,nr_inodes=3"));
	snprintf(path, sizeof(path), "%s/a", dir);
	int fd = try(open(path, O_RDWR | O_CREAT, 0600));
	try(write(fd, block, sizeof(block)));
	refuses(ENOSPC, write(fd, block, 1));
	try(mount("limited", dir, "tmpfs", MS_REMOUNT, "size=128k"));
	try(write(fd, block, sizeof(block)));
	snprintf(path, sizeof(path), "%s/b", dir);
	try(mknod(path, S_IFREG | 0600, 0));
	snprintf(path, sizeof(path), "%s/c", dir);
	refuses(ENOSPC, mknod(path, S_IFREG | 0600, 0));
}

static void tmpfs_xattrs(void)
{
	static const char *const names[] = {"trusted.x", "user.x", "security.x"};
	char path[64], value[8];

	snprintf(path, sizeof(path), "%s/a", scratch());
	put(path, "x");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		try(setxattr(path, names[i], "value", 5, 0));
		must(getxattr(path, names[i], value, sizeof(value)) == 5 &&
			!memcmp(value, "value", 5));
	}
}

/* Access list: owner rw, user 1000 r, group, mask r, others nothing. */
static const unsigned char acl[] = {
	2,
	0,
	0,
	0,
	1,
	0,
	6,
	0,
	0xff,
	0xff,
	0xff,
	0xff,
	2,
	0,
	4,
	0,
	0xe8,
	3,
	0,
	0,
	4,
	0,
	0,
	0,
	0xff,
	0xff,
	0xff,
	0xff,
	16,
	0,
	4,
	0,
	0xff,
	0xff,
	0xff,
	0xff,
	32,
	0,
	0,
	0,
	0xff,
	0xff,
	0xff,
	0xff,
};

static char acl_path[64];

static void acl_reader(void)
{
	try(setresgid(1000, 1000, 1000));
	try(setresuid(1000, 1000, 1000));
	try(open(acl_path, O_RDONLY));
	refuses(EACCES, open(acl_path, O_RDWR));
}

static void tmpfs_acl(void)
{
	snprintf(acl_path, sizeof(acl_path), "%s/a", scratch());
	put(acl_path, "x");
	try(chmod(acl_path, 0600));
	try(setxattr(acl_path, "system.posix_acl_access", acl, sizeof(acl), 0));
	child(0, acl_reader);
}

static void huge_pages(void)
{
	put("/proc/sys/vm/nr_hugepages", "4");
	char *p = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	must(p != MAP_FAILED);
	*p = 1;
	int fd = try(memfd_create("huge", MFD_HUGETLB));
	try(ftruncate(fd, 2 << 20));
	p = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(p != MAP_FAILED);
	*p = 1;
	try(mount("huge", scratch(), "hugetlbfs", 0, NULL));
	put("/proc/sys/vm/nr_hugepages", "0");
}

static void binfmt_misc(void)
{
	char rule[128], path[64];
	const char *dir = scratch();

	snprintf(path, sizeof(path), "%s/interpreter", dir);
	try(symlink("/bin/busybox", path));
	try(mount("binfmt_misc", "/proc/sys/fs/binfmt_misc", "binfmt_misc", 0, NULL));
	/* The magic is a whole first line; busybox is started as "true" would be: it ignores its arguments. */
	snprintf(rule, sizeof(rule), ":probe:M::PROBEFORMAT::%s:F", "/bin/true");
	put("/proc/sys/fs/binfmt_misc/register", rule);
	snprintf(path, sizeof(path), "%s/program", dir);
	put(path, "PROBEFORMAT\n");
	try(chmod(path, 0755));
	pid_t pid = try(fork());
	if (!pid) {
		/* With F the interpreter is open already: it needs no name where the program runs. */
		try(chroot(dir));
		execl("/program", "true", NULL);
		fail("exec");
	}
	await(pid);
	put("/proc/sys/fs/binfmt_misc/probe", "-1");
}

static void mqueue(void)
{
	char buf[16];
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = sizeof(buf)};
	mqd_t q = try(mq_open("/probe", O_RDWR | O_CREAT, 0600, &attr));
	const char *dir = scratch();

	try(mq_send(q, "hello", 5, 0));
	must(mq_receive(q, buf, sizeof(buf), NULL) == 5);
	try(mount("mqueue", dir, "mqueue", 0, NULL));
	char path[64];
	snprintf(path, sizeof(path), "%s/probe", dir);
	try(access(path, F_OK));
}

static void sysv_ipc(void)
{
	struct {
		long type;
		char text[8];
	} message = {1, "hello"};
	struct sembuf up = {0, 1, 0}, down = {0, -1, 0};
	int queue = try(msgget(IPC_PRIVATE, 0600));

	try(msgsnd(queue, &message, 8, 0));
	must(msgrcv(queue, &message, 8, 1, 0) == 8);
	int sem = try(semget(IPC_PRIVATE, 1, 0600));
	try(semop(sem, &up, 1));
	try(semop(sem, &down, 1));
	int shm = try(shmget(IPC_PRIVATE, 4096, 0600));
	char *p = shmat(shm, NULL, 0);
	must(p != (void *)-1);
	*p = 1;
}

static void clocks(void)
{
	struct timespec res, before, after, ms = {.tv_nsec = 1000000};
	long best = 1000000000;

	must(getauxval(AT_SYSINFO_EHDR));
	try(clock_getres(CLOCK_MONOTONIC, &res));
	must(res.tv_sec == 0 && res.tv_nsec == 1);
	for (int i = 0; i < 20; i++) {
		clock_gettime(CLOCK_MONOTONIC, &before);
		nanosleep(&ms, NULL);
		clock_gettime(CLOCK_MONOTONIC, &after);
		long ns = (after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec -
			  before.tv_nsec;
		best = ns < best ? ns : best;
	}
	/* Without high-resolution timers it is a tick, 10 ms, or two. */
	must(best >= 1000000 && best < 8000000);
}

static void random_at_once(void)
{
	char c[16];

	must(getrandom(c, sizeof(c), GRND_NONBLOCK) == sizeof(c));
}

static void hardening(void)
{
	must(atoi(get("/proc/sys/kernel/unprivileged_bpf_disabled")) > 0);
	must(atoi(get("/proc/sys/kernel/randomize_va_space")) == 2);
	must(atoi(get("/proc/sys/vm/mmap_min_addr")) >= 32768);
	must(access("/dev/mem", F_OK) < 0 && access("/dev/port", F_OK) < 0);
}

static void user_hardening(void)
{
	try(setresuid(1000, 1000, 1000));
	refuses(EPERM, syscall(SYS_userfaultfd, O_CLOEXEC));
	refuses(EPERM, syscall(SYS_bpf, 0,
			       &(char[64]){1, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 1}, 64));
}

static void user_restrictions(void)
{
	child(0, user_hardening);
}

static void vulnerabilities(void)
{
	static const char *const names[] = {
		"meltdown", "spectre_v1", "spectre_v2", "spec_store_bypass"};
	char path[96];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/vulnerabilities/%s",
			names[i]);
		must(!contains(path, "Vulnerable\n"));
	}
}

/* A stack of 16 KiB and its guard page. */
static void vmap_stack(void)
{
	must(contains("/proc/vmallocinfo", " 20480 "));
}

const struct probe boot_probes[] = {
	{"console ttyAMA0", console},
	{"/dev/kmsg written and read back", kmsg},
	{"proc hidepid", hidepid},
	{"devpts of one's own", devpts},
	{"a pty pair", pty},
	{"tmpfs size and inode limits, remount", tmpfs_limits},
	{"tmpfs trusted, user and security xattrs", tmpfs_xattrs},
	{"tmpfs POSIX ACL", tmpfs_acl},
	{"hugetlbfs, MAP_HUGETLB, huge memfd", huge_pages},
	{"binfmt_misc with fix-binary", binfmt_misc},
	{"POSIX message queues and their file system", mqueue},
	{"SysV shm, sem, msg", sysv_ipc},
	{"vDSO, high-resolution timers", clocks},
	{"random numbers at once", random_at_once},
	{"hardening: BPF, ASLR, mmap_min_addr, no /dev/mem", hardening},
	{"hardening: no kernel userfaultfd, no BPF for users", user_restrictions},
	{"hardening: no CPU vulnerability without mitigation", vulnerabilities},
	{"hardening: virtually mapped stacks", vmap_stack},
	{NULL, NULL},
};
