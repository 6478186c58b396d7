// SPDX-License-Identifier: Apache-2.0
/* Boot, kernel file systems, memory, clocks, hardening. */
#include "probe.h"
#include <elf.h>
#include <grp.h>
#include <linux/auto_fs.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/random.h>
#include <mqueue.h>
#include <poll.h>
#include <pty.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/klog.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/quota.h>
#include <sys/random.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/sysmacros.h>
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
	try(setgroups(0, NULL));
	try(setresgid(1000, 1000, 1000));
	try(setresuid(1000, 1000, 1000));
	refuses(ENOENT, access(path("%s/1", getenv("PROC")), F_OK));
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
	const char *dir = scratch();
	int n = -1;

	try(mount("devpts", dir, "devpts", 0, "newinstance,ptmxmode=0666"));
	int fd = try(open(path("%s/ptmx", dir), O_RDWR | O_NOCTTY));
	try(ioctl(fd, TIOCGPTN, &n));
	must(n == 0);
}

static void pty(void)
{
	int master, slave;
	char c;

	try(openpty(&master, &slave, NULL, NULL, NULL));
	try(write(slave, "x", 1));
	must(read(master, &c, 1) == 1 && c == 'x');
}

static void sysfs_devtmpfs(void)
{
	const char *dir = scratch();

	try(mount("sysfs", dir, "sysfs", 0, NULL));
	try(access(path("%s/kernel", dir), F_OK));
	try(mount("devtmpfs", dir, "devtmpfs", 0, NULL));
	try(access(path("%s/kmsg", dir), F_OK));
}

static void tmpfs_limits(void)
{
	static char block[65536];
	const char *dir = scratch();

	try(mount("limited", dir, "tmpfs", 0, "size=64k,nr_inodes=3"));
	int fd = try(open(path("%s/a", dir), O_RDWR | O_CREAT, 0600));
	try(write(fd, block, sizeof(block)));
	refuses(ENOSPC, write(fd, block, 1));
	try(mount("limited", dir, "tmpfs", MS_REMOUNT, "size=128k"));
	must(write(fd, block, sizeof(block)) == sizeof(block));
	try(mknod(path("%s/b", dir), S_IFREG | 0600, 0));
	refuses(ENOSPC, mknod(path("%s/c", dir), S_IFREG | 0600, 0));
}

static void tmpfs_xattrs(void)
{
	static const char *const names[] = {"trusted.x", "user.x", "security.x"};
	const char *file = path("%s/a", scratch());
	char value[8];

	put(file, "x");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		try(setxattr(file, names[i], "value", 5, 0));
		must(getxattr(file, names[i], value, sizeof(value)) == 5 &&
			!memcmp(value, "value", 5));
	}
}

static void tmpfs_huge(void)
{
	const char *dir = scratch();
	long size = atol(get("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"));

	must(size > 0);
	try(mount("huge", dir, "tmpfs", 0, "huge=always"));
	int fd = try(open(path("%s/a", dir), O_RDWR | O_CREAT, 0600));
	try(ftruncate(fd, size));
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(p != MAP_FAILED);
	memset(p, 1, size);
	must(number("/proc/meminfo", "ShmemHugePages:") * 1024 >= size);
}

static const char *quota_dir;

static void over_quota(void)
{
	static char block[65536];

	try(setresuid(1000, 1000, 1000));
	int fd = try(open(path("%s/a", quota_dir), O_RDWR | O_CREAT, 0600));
	must(write(fd, block, sizeof(block)) == sizeof(block));
	refuses(EDQUOT, write(fd, block, sizeof(block)));
}

static void tmpfs_quota(void)
{
	quota_dir = scratch();
	try(mount("quota", quota_dir, "tmpfs", 0,
		"mode=777,usrquota,usrquota_block_hardlimit=64k"));
	child(0, over_quota);
}

static void tmpfs_acl(void)
{
	access_list(path("%s/a", scratch()));
}

static void huge_pages(void)
{
	long size = number("/proc/meminfo", "Hugepagesize:") * 1024;
	const char *dir = scratch();

	put("/proc/sys/vm/nr_hugepages", "2");
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	must(p != MAP_FAILED);
	*p = 1;
	try(munmap(p, size));
	int fd = try(memfd_create("huge", MFD_HUGETLB));
	try(ftruncate(fd, size));
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(p != MAP_FAILED);
	*p = 1;
	try(mount("huge", dir, "hugetlbfs", 0, NULL));
	fd = try(open(path("%s/a", dir), O_RDWR | O_CREAT, 0600));
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(p != MAP_FAILED);
	*p = 1;
	must(number("/proc/meminfo", "HugePages_Free:") == 0);
	put("/proc/sys/vm/nr_hugepages", "0");
}

/* The magic is a whole first line; busybox is started as "true" would be: it ignores its arguments. */
static const char *binfmt_program(const char *mounted, const char *interpreter)
{
	const char *program = path("%s/program", scratch());

	try(mount("binfmt_misc", mounted, "binfmt_misc", 0, NULL));
	put(path("%s/register", mounted), path(":probe:M::PROBEFORMAT::%s", interpreter));
	put(program, "PROBEFORMAT\n");
	try(chmod(program, 0755));
	return program;
}

static void binfmt_misc(void)
{
	char *program = strdup(binfmt_program("/proc/sys/fs/binfmt_misc", "/bin/true:F"));
	pid_t pid = try(fork());

	if (!pid) {
		/* With F the interpreter is open already: it needs no name where the program runs. */
		*strrchr(program, '/') = 0;
		try(chroot(program));
		execl("/program", "true", NULL);
		fail("exec");
	}
	await(pid);
	put("/proc/sys/fs/binfmt_misc/probe", "-1");
}

static void binfmt_misc_of_user(void)
{
	const char *program = binfmt_program(scratch(), "/bin/true:");

	must(shell(program) == 0);
}

static void binfmt_misc_unprivileged(void)
{
	unprivileged(CLONE_NEWNS, binfmt_misc_of_user);
}

static void scripts(void)
{
	const char *script = path("%s/script", scratch());

	put(script, "#!/bin/sh\nexit 7\n");
	try(chmod(script, 0755));
	pid_t pid = try(fork());
	if (!pid) {
		execl(script, script, NULL);
		fail("exec");
	}
	int status;
	try(waitpid(pid, &status, 0));
	must(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void modules(void)
{
	offered(syscall(SYS_finit_module, -1, "", 0));
}

/* What docker's and k3s's checkers call necessary. */
static void config_gz(void)
{
	if (access("/proc/config.gz", F_OK) < 0)
		absent();
	must(shell("zcat /proc/config.gz >/tmp/config\n"
		   "for option in NAMESPACES NET_NS PID_NS IPC_NS UTS_NS CGROUPS "
		   "CGROUP_BPF "
		   "	CGROUP_CPUACCT CGROUP_DEVICE CGROUP_FREEZER CGROUP_PIDS "
		   "CGROUP_SCHED "
		   "	CPUSETS MEMCG KEYS SECCOMP SECCOMP_FILTER VETH BRIDGE "
		   "BRIDGE_NETFILTER "
		   "	IP_NF_FILTER IP_NF_MANGLE IP_NF_NAT IP_NF_RAW "
		   "IP_NF_TARGET_MASQUERADE "
		   "	IP_NF_TARGET_REJECT IP6_NF_FILTER IP6_NF_MANGLE IP6_NF_NAT "
		   "IP6_NF_RAW "
		   "	IP6_NF_TARGET_MASQUERADE NF_NAT NETFILTER_XT_MARK "
		   "	NETFILTER_XT_MATCH_ADDRTYPE NETFILTER_XT_MATCH_COMMENT "
		   "	NETFILTER_XT_MATCH_CONNTRACK NETFILTER_XT_MATCH_IPVS "
		   "	NETFILTER_XT_MATCH_MULTIPORT NETFILTER_XT_MATCH_STATISTIC "
		   "POSIX_MQUEUE\n"
		   "do\n"
		   "	grep -q ^CONFIG_$option=y /tmp/config && continue\n"
		   "	echo \"# $option is missing\"\n"
		   "	exit 1\n"
		   "done") == 0);
}

static void kallsyms(void)
{
	if (access("/proc/kallsyms", F_OK) < 0)
		absent();
	must(contains("/proc/kallsyms", " T "));
}

/* The automounter's part: a process of another group waits until the directory is there. */
static void autofs(void)
{
	union autofs_v5_packet_union packet;
	const char *dir = scratch();
	int pipefd[2];

	try(pipe(pipefd));
	if (mount("probe", dir, "autofs", 0,
		    path("fd=%d,pgrp=%d,minproto=5,maxproto=5", pipefd[1], getpgrp())) <
		0)
		absent();
	pid_t pid = try(fork());
	if (!pid) {
		try(setpgid(0, 0));
		try(access(path("%s/wanted", dir), F_OK));
		_exit(0);
	}
	try(read(pipefd[0], &packet, sizeof(packet)));
	must(packet.hdr.type == autofs_ptype_missing_indirect);
	must(!strcmp(packet.missing_indirect.name, "wanted"));
	try(mkdir(path("%s/wanted", dir), 0755));
	int root = try(open(dir, O_RDONLY));
	try(ioctl(root, AUTOFS_IOC_READY, packet.missing_indirect.wait_queue_token));
	await(pid);
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
	try(access(path("%s/probe", dir), F_OK));
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
	int shm = try(shmget(IPC_PRIVATE, page_size(), 0600));
	char *p = shmat(shm, NULL, 0);
	must(p != (void *)-1);
	*p = 1;
}

/* The address of a function of the vDSO. */
static void *vdso(const char *name)
{
	char *base = (char *)getauxval(AT_SYSINFO_EHDR);
	Elf64_Ehdr *head = (void *)base;
	Elf64_Shdr *sections;

	must(base);
	sections = (void *)(base + head->e_shoff);
	for (int i = 0; i < head->e_shnum; i++) {
		if (sections[i].sh_type != SHT_DYNSYM)
			continue;
		Elf64_Sym *symbols = (void *)(base + sections[i].sh_offset);
		char *names = base + sections[sections[i].sh_link].sh_offset;
		for (size_t j = 0; j < sections[i].sh_size / sizeof(*symbols); j++)
			if (!strcmp(names + symbols[j].st_name, name))
				return base + symbols[j].st_value;
	}
	return NULL;
}

static long nanoseconds(const struct timespec *t)
{
	return t->tv_sec * 1000000000 + t->tv_nsec;
}

static void vdso_clock(void)
{
	struct timespec before, now, after;
	int (*gettime)(clockid_t, struct timespec *) = vdso("__kernel_clock_gettime");

	must(gettime);
	try(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &before));
	must(gettime(CLOCK_MONOTONIC, &now) == 0);
	try(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &after));
	must(nanoseconds(&before) <= nanoseconds(&now));
	must(nanoseconds(&now) <= nanoseconds(&after));
	must(contains("/sys/devices/system/clocksource/clocksource0/current_clocksource",
		"arch_sys_counter"));
}

static void vdso_getrandom(void)
{
	if (!vdso("__kernel_getrandom"))
		absent();
}

static void timers(void)
{
	struct timespec res, before, after, ms = {.tv_nsec = 1000000};
	long best = 1000000000;

	try(clock_getres(CLOCK_MONOTONIC, &res));
	must(res.tv_sec == 0 && res.tv_nsec == 1);
	for (int i = 0; i < 20; i++) {
		clock_gettime(CLOCK_MONOTONIC, &before);
		nanosleep(&ms, NULL);
		clock_gettime(CLOCK_MONOTONIC, &after);
		long ns = nanoseconds(&after) - nanoseconds(&before);
		best = ns < best ? ns : best;
	}
	/* Without high-resolution timers it is a tick, 10 ms, or two. */
	must(best >= 1000000 && best < 5000000);
}

static void random_at_once(void)
{
	char c[16];

	must(getrandom(c, sizeof(c), GRND_NONBLOCK) == sizeof(c));
}

static void no_memory_devices(void)
{
	const char *node = path("%s/node", scratch());

	/* Minor 1 is memory, 4 are the ports. */
	for (int minor = 1; minor <= 4; minor += 3) {
		unlink(node);
		try(mknod(node, S_IFCHR | 0600, makedev(1, minor)));
		refuses(ENXIO, open(node, O_RDONLY));
	}
}

static void become_user(void)
{
	try(setgroups(0, NULL));
	try(setresgid(1000, 1000, 1000));
	try(setresuid(1000, 1000, 1000));
}

static void no_bpf(void)
{
	become_user();
	/* A map of type 1. */
	refuses(EPERM, syscall(SYS_bpf, 0,
			       &(char[64]){1, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 1}, 64));
}

static void no_kernel_perf(void)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK};

	become_user();
	refuses(EACCES, syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
	attr.exclude_kernel = 1;
	try(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

static void no_kernel_userfaultfd(void)
{
	become_user();
	refuses(EPERM, syscall(SYS_userfaultfd, O_CLOEXEC));
	try(syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */));
}

/* Kernel addresses begin with ffff on arm64. */
static void no_addresses(void)
{
	try(socket(AF_UNIX, SOCK_STREAM, 0));
	become_user();
	refuses(EACCES, open("/proc/vmallocinfo", O_RDONLY));
	must(!contains("/proc/net/unix", "ffff"));
	must(contains("/proc/iomem", "00000000-00000000 : System RAM"));
}

static void no_dmesg(void)
{
	char buf[64];

	become_user();
	if (klogctl(3 /* SYSLOG_ACTION_READ_ALL */, buf, sizeof(buf)) >= 0)
		absent();
	must(errno == EPERM);
}

static void low_memory(void)
{
	become_user();
	refuses(EPERM, mmap((void *)page_size(), page_size(), PROT_READ,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

/* Each of two processes has its stack, heap, maps and vDSO elsewhere. */
static void aslr(void)
{
	must(shell("x=$(busybox cat /proc/self/maps) y=$(busybox cat /proc/self/maps)\n"
		   "for what in stack heap vdso; do\n"
		   "	a=$(echo \"$x\" | grep $what) b=$(echo \"$y\" | grep $what)\n"
		   "	[ \"$a\" ] && [ \"$a\" != \"$b\" ] || exit\n"
		   "done") == 0);
}

static void no_tiocsti(void)
{
	int master, slave;

	become_user();
	try(openpty(&master, &slave, NULL, NULL, NULL));
	if (ioctl(slave, TIOCSTI, "x") >= 0 || errno == EPERM)
		absent();
	must(errno == EIO);
}

static void no_line_disciplines(void)
{
	int master, slave;

	become_user();
	try(openpty(&master, &slave, NULL, NULL, NULL));
	/* N_SLIP; EINVAL would be the answer after a search for its module. */
	refuses(EPERM, ioctl(slave, TIOCSETD, &(int){1}));
}

static void no_kcore(void)
{
	if (access("/proc/kcore", F_OK) == 0)
		absent();
}

static void oops_is_final(void)
{
	if (atoi(get("/proc/sys/kernel/panic_on_oops")) != 1)
		absent();
}

/* A Cortex-A72 wants its firmware's help, which QEMU does not have. */
static void vulnerabilities(void)
{
	if (contains("/proc/cpuinfo", "CPU part\t: 0xd08"))
		absent();
	must(shell("cd /sys/devices/system/cpu/vulnerabilities || exit 2\n"
		   "[ -f spectre_v2 ] && ! grep Vulnerable *") == 0);
}

static void no_filesystems(void)
{
	static const char *const names[] = {"btrfs", "f2fs", "ntfs", "ntfs3", "exfat",
		"udf", "cifs", "smb3", "ceph", "gfs2", "ocfs2", "jffs2", "nfsd",
		"debugfs", "tracefs"};
	const char *dir = scratch();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		refuses(ENODEV, mount("none", dir, names[i], 0, NULL));
}

static void no_protocols(void)
{
	static const struct {
		int family, type;
	} sockets[] = {{AF_TIPC, SOCK_RDM}, {AF_CAN, SOCK_RAW}, {AF_RDS, SOCK_SEQPACKET},
		{AF_APPLETALK, SOCK_DGRAM}, {AF_ATMPVC, SOCK_DGRAM},
		{AF_IEEE802154, SOCK_DGRAM}, {AF_NFC, SOCK_SEQPACKET},
		{AF_BLUETOOTH, SOCK_RAW}, {AF_PPPOX, SOCK_STREAM}};

	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
		refuses(EAFNOSUPPORT, socket(sockets[i].family, sockets[i].type, 0));
	refuses(EPROTONOSUPPORT, socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT));
}

static void no_hardware(void)
{
	static const char *const names[] = {"bus/pci", "bus/usb", "bus/scsi", "bus/i2c",
		"bus/spi", "bus/acpi", "bus/hid", "class/drm", "class/sound",
		"class/vtconsole", "class/thermal", "class/regulator", "class/bluetooth",
		"class/ieee80211", "firmware/efi", "firmware/acpi",
		"devices/system/cpu/cpufreq", "devices/system/cpu/cpu0/online",
		"devices/system/cpu/cpu1/online"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		must(access(path("/sys/%s", names[i]), F_OK) < 0);
	must(access("/dev/input", F_OK) < 0);
}

static void no_server_parts(void)
{
	static const char *const names[] = {"/proc/sys/kernel/numa_balancing",
		"/proc/net/pnp", "/proc/sys/net/mpls", "/sys/kernel/sched_ext",
		"/sys/class/infiniband", "/dev/ptyp0"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		must(access(names[i], F_OK) < 0);
	must(atoi(get("/sys/devices/system/cpu/kernel_max")) == 31);
	must(!contains("/proc/meminfo", "CmaTotal:"));
}

/* SVE, SME and MTE of the processor are not offered to programs. */
static void no_vector_extensions(void)
{
	must(!(getauxval(AT_HWCAP) & HWCAP_SVE));
	must(!(getauxval(AT_HWCAP2) & (HWCAP2_SVE2 | HWCAP2_MTE | 1 << 23 /* SME */)));
	refuses(EINVAL, prctl(PR_SVE_GET_VL));
}

static void no_aarch32(void)
{
	/* An empty ARM program. */
	static const unsigned char elf[84] =
		"\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\50\0\1\0\0\0";
	const char *file = path("%s/arm", scratch());
	int fd = try(open(file, O_WRONLY | O_CREAT, 0755));

	must(write(fd, elf, sizeof(elf)) == sizeof(elf));
	close(fd);
	refuses(ENOEXEC, execl(file, file, NULL));
}

static void no_dangerous_calls(void)
{
	refuses(ENOSYS, syscall(SYS_kexec_load, 0, 0, NULL, 0));
	refuses(ENOSYS, syscall(SYS_kexec_file_load, -1, -1, 0, "", 0));
	must(access("/sys/power/state", F_OK) < 0 && access("/sys/fs/pstore", F_OK) < 0);
	must(access("/sys/kernel/debug/sched", F_OK) < 0);
}

static void no_tracing(void)
{
	must(access("/sys/kernel/tracing", F_OK) < 0);
	must(access("/sys/kernel/btf", F_OK) < 0);
}

static void no_policies(void)
{
	try(mount("securityfs", "/sys/kernel/security", "securityfs", 0, NULL));
	must(!strcmp(get("/sys/kernel/security/lsm"), "capability,landlock,yama"));
}

static void no_memory_controller_v1(void)
{
	/* EBUSY would say that it is there, but in the other hierarchy. */
	refuses(EINVAL, mount("none", scratch(), "cgroup", 0, "memory"));
}

/* A stack of 16 KiB and its guard page. */
static void vmap_stack(void)
{
	must(contains("/proc/vmallocinfo", path(" %ld ", 16384 + page_size())));
}

static void stdio(void)
{
	struct stat st;

	for (int fd = 0; fd < 3; fd++) {
		try(fstat(fd, &st));
		must(S_ISCHR(st.st_mode) && st.st_rdev == makedev(5, 1));
	}
}

static void from_plain(void)
{
	try(access("/from-plain", F_OK));
}

static void from_gzip(void)
{
	try(access("/from-gzip", F_OK));
}

static void from_zstd(void)
{
	try(access("/from-zstd", F_OK));
}

static void from_xz(void)
{
	offered(access("/from-xz", F_OK));
}

static void from_lz4(void)
{
	offered(access("/from-lz4", F_OK));
}

/* The year is that of a machine with a clock, before anyone has set it. */
static void wall_clock(void)
{
	if (time(NULL) < 1700000000)
		absent();
}

const struct probe early_probes[] = {
	{R, "initramfs: standard input and output without a console node", stdio},
	{R, "initramfs: plain cpio", from_plain},
	{R, "initramfs: gzip", from_gzip},
	{R, "initramfs: zstd", from_zstd},
	{N, "initramfs: xz, in a series of archives", from_xz},
	{N, "initramfs: lz4, in a series of archives", from_lz4},
	{R, "random numbers before init", random_at_once},
	{N, "wall clock from PL031 before init", wall_clock},
	{R, NULL, NULL},
};

const struct probe boot_probes[] = {
	{R, "console ttyAMA0", console},
	{R, "/dev/kmsg written and read back", kmsg},
	{R, "proc hidepid", hidepid},
	{R, "sysfs and devtmpfs mounted again", sysfs_devtmpfs},
	{R, "devpts of one's own", devpts},
	{R, "a pty pair", pty},
	{R, "tmpfs size and inode limits, remount", tmpfs_limits},
	{R, "tmpfs trusted, user and security xattrs", tmpfs_xattrs},
	{R, "tmpfs POSIX ACL", tmpfs_acl},
	{N, "tmpfs huge pages", tmpfs_huge},
	{N, "tmpfs quota", tmpfs_quota},
	{R, "hugetlbfs, MAP_HUGETLB, huge memfd", huge_pages},
	{R, "scripts", scripts},
	{R, "binfmt_misc with fix-binary", binfmt_misc},
	{N, "binfmt_misc in a user namespace", binfmt_misc_unprivileged},
	{R, "POSIX message queues and their file system", mqueue},
	{R, "SysV shm, sem, msg", sysv_ipc},
	{N, "loadable modules", modules},
	{R, "vDSO clock on the arch timer", vdso_clock},
	{N, "vDSO getrandom", vdso_getrandom},
	{R, "high-resolution timers", timers},
	{R, "random numbers at once", random_at_once},
	{N, "/proc/config.gz", config_gz},
	{N, "symbol names in oopses", kallsyms},
	{N, "autofs mounts on access", autofs},
	{R, "hardening: no kernel addresses for users", no_addresses},
	{R, "hardening: no BPF for users", no_bpf},
	{R, "hardening: no kernel perf for users", no_kernel_perf},
	{R, "hardening: no kernel userfaultfd for users", no_kernel_userfaultfd},
	{R, "hardening: full ASLR", aslr},
	{R, "hardening: mmap_min_addr", low_memory},
	{R, "hardening: no /dev/mem, no /dev/port", no_memory_devices},
	{R, "hardening: virtually mapped stacks", vmap_stack},
	{R, "CPU: nothing is vulnerable", vulnerabilities},
	{N, "hardening: no TIOCSTI", no_tiocsti},
	{N, "hardening: no line discipline autoload", no_line_disciplines},
	{N, "hardening: no /proc/kcore", no_kcore},
	{N, "hardening: restricted dmesg", no_dmesg},
	{N, "hardening: an oops is final", oops_is_final},
	{R, "left out: file systems", no_filesystems},
	{R, "left out: protocols, audit", no_protocols},
	{R, "left out: buses, CPU hotplug", no_hardware},
	{R, "left out: NUMA balancing, CMA, 33 CPUs, autoconfiguration", no_server_parts},
	{R, "left out: SVE, SME, MTE", no_vector_extensions},
	{R, "left out: AArch32", no_aarch32},
	{R, "left out: kexec, suspend, pstore", no_dangerous_calls},
	{R, "left out: tracing, BTF", no_tracing},
	{R, "left out: SELinux, AppArmor, IMA, lockdown", no_policies},
	{R, "left out: v1 memory controller", no_memory_controller_v1},
	{R, NULL, NULL},
};
