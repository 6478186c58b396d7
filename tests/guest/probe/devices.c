// SPDX-License-Identifier: Apache-2.0
/* The virtual machine's devices; the host side is in boot-features.sh. */
#include "probe.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <linux/fs.h>
#include <linux/icmp.h>
#include <linux/if.h>
#include <linux/vm_sockets.h>
#include <sys/ioctl.h>

static long queue(const char *device, const char *limit)
{
	return atol(get(path("/sys/block/%s/queue/%s", strrchr(device, '/') + 1, limit)));
}

enum { SPAN = 1 << 20 };

static int filled_disk(const char *device, char *block)
{
	int fd = try(open(device, O_RDWR | O_DIRECT | O_CLOEXEC));

	memset(block, 'd', SPAN);
	must(pwrite(fd, block, SPAN, SPAN) == SPAN);
	try(fsync(fd));
	memset(block, 0, SPAN);
	must(pread(fd, block, SPAN, SPAN) == SPAN);
	must(block[0] == 'd' && block[SPAN - 1] == 'd');
	return fd;
}

static void disk_data(void)
{
	const char *device = disk("probe-disk");

	filled_disk(device, aligned_alloc(4096, SPAN));
	must(contains(path("/sys/block/%s/queue/write_cache", device + 5), "write back"));
}

static void disk_discard(void)
{
	const char *device = disk("probe-disk");
	int fd = filled_disk(device, aligned_alloc(4096, SPAN));

	must(queue(device, "discard_max_bytes") > 0);
	try(ioctl(fd, BLKDISCARD, &(uint64_t[2]){2 << 20, 4 << 20}));
}

static void disk_zeroes(void)
{
	const char *device = disk("probe-disk");
	char *block = aligned_alloc(4096, SPAN);
	int fd = filled_disk(device, block);

	must(queue(device, "write_zeroes_max_bytes") > 0);
	try(ioctl(fd, BLKZEROOUT, &(uint64_t[2]){SPAN, SPAN}));
	must(pread(fd, block, SPAN, SPAN) == SPAN);
	must(block[0] == 0 && block[SPAN - 1] == 0);
}

static void read_only_disk(void)
{
	int ro = 0, fd = try(open("/dev/vda", O_RDONLY));

	try(ioctl(fd, BLKROGET, &ro));
	must(ro == 1);
	fd = open("/dev/vda", O_WRONLY);
	must(fd < 0 || write(fd, "x", 1) < 0);
}

/* As many as the CPUs can use of the four that it offers. */
static void disk_queues(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), n = 0;
	DIR *dir = opendir(path("/sys/block/%s/mq", disk("probe-disk") + 5));

	must(dir);
	for (struct dirent *d; (d = readdir(dir));)
		n += d->d_name[0] != '.';
	must(n == (cpus < 4 ? cpus : 4));
}

static uint32_t crc32(const void *data, size_t len)
{
	uint32_t crc = ~0U;

	for (const unsigned char *p = data; len--; p++) {
		crc ^= *p;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/* One partition of 1 MiB from 1 MiB on, by that first part of the disk. */
static void partitioned(const void *head, size_t size)
{
	const char *device = disk("probe-disk");
	int fd = try(open(device, O_RDWR));

	must(pwrite(fd, head, size, 0) == (ssize_t)size);
	try(fsync(fd));
	try(ioctl(fd, BLKRRPART));
	must(atol(get(path("/sys/block/%s/%s1/start", device + 5, device + 5))) == 2048);
	must(atol(get(path("/sys/block/%s/%s1/size", device + 5, device + 5))) == 2048);
	try(open(path("%s1", device), O_RDONLY));
}

static void add_mbr(unsigned char *head, uint32_t type, uint32_t first, uint32_t count)
{
	memcpy(head + 446 + 4, &type, 4);
	memcpy(head + 446 + 8, &first, 4);
	memcpy(head + 446 + 12, &count, 4);
	head[510] = 0x55;
	head[511] = 0xaa;
}

static void mbr(void)
{
	static unsigned char head[1536];

	add_mbr(head, 0x83, 2048, 2048);
	partitioned(head, sizeof(head));
}

static void gpt(void)
{
	static unsigned char head[1024 + 128 * 128];
	struct {
		char signature[8];
		uint32_t revision, size, crc, reserved;
		uint64_t own, other, first, last;
		unsigned char guid[16];
		uint64_t entries;
		uint32_t count, entry_size, entries_crc;
	} __attribute__((packed)) gpt = {.signature = "EFI PART",
		.revision = 0x10000,
		.size = 92,
		.own = 1,
		.other = 16383,
		.first = 34,
		.last = 16000,
		.guid = {1},
		.entries = 2,
		.count = 128,
		.entry_size = 128};
	uint64_t entry[16] = {1, 1, 2, 2, 2048, 4095};

	add_mbr(head, 0xee, 1, 16383);
	memcpy(head + 1024, entry, sizeof(entry));
	gpt.entries_crc = crc32(head + 1024, 128 * 128);
	gpt.crc = crc32(&gpt, sizeof(gpt));
	memcpy(head + 512, &gpt, sizeof(gpt));
	partitioned(head, sizeof(head));
}

/* An echo from the host's end of the cable. */
static void nic_in_net(void)
{
	struct sockaddr_in host = {.sin_family = AF_INET};
	struct ifreq r = {.ifr_name = "eth0"};
	struct sockaddr_in *in = (void *)&r.ifr_addr;
	struct icmphdr echo = {.type = ICMP_ECHO};
	char reply[256];
	int fd = try(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));

	in->sin_family = AF_INET;
	inet_pton(AF_INET, "10.0.2.15", &in->sin_addr);
	try(ioctl(fd, SIOCSIFADDR, &r));
	inet_pton(AF_INET, "255.255.255.0", &in->sin_addr);
	try(ioctl(fd, SIOCSIFNETMASK, &r));
	r.ifr_flags = IFF_UP;
	try(ioctl(fd, SIOCSIFFLAGS, &r));
	inet_pton(AF_INET, "10.0.2.2", &host.sin_addr);
	/* Of the type alone. */
	echo.checksum = htons(0xf7ff);
	try(sendto(fd, &echo, sizeof(echo), 0, (void *)&host, sizeof(host)));
	must(recv(fd, reply, sizeof(reply), 0) >= 28 && reply[20] == ICMP_ECHOREPLY);
	r.ifr_flags = 0;
	try(ioctl(fd, SIOCSIFFLAGS, &r));
}

static void rng(void)
{
	char bytes[16] = {0};

	must(contains("/sys/class/misc/hw_random/rng_current", "virtio"));
	must(read(try(open("/dev/hwrng", O_RDONLY)), bytes, 16) > 0);
	must(memcmp(bytes, (char[16]){0}, 16));
}

/* The host reads this and moves the balloon by 100 MiB. */
static void ask(const char *what, const char *counter)
{
	long wanted = number("/proc/vmstat", counter) + (100 << 20) / page_size();

	printf("probe asks balloon %s\n", what);
	for (int i = 0; i < 3000; i++) {
		if (number("/proc/vmstat", counter) >= wanted)
			return;
		usleep(10000);
	}
	errno = 0;
	fail(what);
}

static void balloon(void)
{
	long free = number("/proc/meminfo", "MemFree:");

	ask("small", "balloon_inflate ");
	must(number("/proc/meminfo", "MemFree:") < free - 50000);
	ask("large", "balloon_deflate ");
	must(number("/proc/meminfo", "MemFree:") > free - 50000);
}

static void balloon_feature(int bit)
{
	DIR *dir = opendir("/sys/bus/virtio/drivers/virtio_balloon");

	must(dir);
	for (struct dirent *d; (d = readdir(dir));)
		if (!strncmp(d->d_name, "virtio", 6)) {
			must(get(path("/sys/bus/virtio/devices/%s/features",
				     d->d_name))[bit] == '1');
			return;
		}
	fail("no balloon");
}

static void balloon_oom(void)
{
	balloon_feature(2);
}

static void balloon_reporting(void)
{
	balloon_feature(5);
}

/* QEMU offers these two on PCI only: what can be seen here is that a device would be taken. */
static void hotplug(void)
{
	if (access("/sys/bus/virtio/drivers/virtio_mem", F_OK) < 0)
		absent();
}

static void pmem(void)
{
	if (access("/sys/bus/virtio/drivers/virtio_pmem", F_OK) < 0)
		absent();
}

static void generation_id(void)
{
	if (shell("ls -d /sys/bus/platform/drivers/vmgenid/*.vmgenid >/dev/null") != 0)
		absent();
}

static void hvc(void)
{
	put("/dev/hvc0", "hvc0 speaking\n");
}

static void named_port(void)
{
	DIR *dir = opendir("/sys/class/virtio-ports");
	char answer[8] = "";

	if (!dir)
		absent();
	for (struct dirent *d; (d = readdir(dir));)
		if (d->d_name[0] == 'v' &&
			contains(path("/sys/class/virtio-ports/%s/name", d->d_name),
				"probe-port")) {
			int fd = try(open(path("/dev/%s", d->d_name), O_RDWR));
			try(write(fd, "echo\n", 5));
			must(read(fd, answer, 5) == 5 && !memcmp(answer, "echo\n", 5));
			return;
		}
	fail("no port of that name");
}

static void share(const char *type, const char *options)
{
	const char *dir = scratch();

	offered(mount("probe-share", dir, type, 0, options));
	must(contains(path("%s/from-host", dir), "content"));
	put(path("%s/from-%s", dir, type), "content");
}

static void virtio_fs(void)
{
	share("virtiofs", NULL);
}

static void plan9(void)
{
	share("9p", "trans=virtio,version=9p2000.L");
}

static void vsock_cid(void)
{
	unsigned cid = 0;

	try(ioctl(
		try(open("/dev/vsock", O_RDONLY)), IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid));
	must(cid == 3);
}

static void all_cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);

	must(sysconf(_SC_NPROCESSORS_ONLN) == n);
	for (long i = 0; i < n; i++) {
		cpu_set_t set;
		CPU_ZERO(&set);
		CPU_SET(i, &set);
		try(sched_setaffinity(0, sizeof(set), &set));
		must(sched_getcpu() == i);
	}
}

static void tsi(void)
{
	must(contains("/proc/net/tsi", "family 46"));
}

const struct probe device_probes[] = {
	{R, "virtio-blk: read, write, flush, serial", disk_data},
	{R, "virtio-blk: discard", disk_discard},
	{R, "virtio-blk: write zeroes", disk_zeroes},
	{R, "virtio-blk: a read-only disk refuses", read_only_disk},
	{R, "virtio-blk: multi-queue", disk_queues},
	{N, "MBR partitions", mbr},
	{N, "GPT partitions", gpt},
	{R, "virtio-net: echo from the host", nic_in_net},
	{R, "virtio-rng", rng},
	{R, "virtio-balloon: takes and gives back", balloon},
	{R, "virtio-balloon: deflate on OOM", balloon_oom},
	{R, "virtio-balloon: free page reporting", balloon_reporting},
	{R, "virtio-console: /dev/hvc0", hvc},
	{N, "virtio-console: named ports", named_port},
	{R, "virtio-fs: read, write", virtio_fs},
	{N, "9p over virtio", plan9},
	{R, "virtio-vsock", vsock_cid},
	{N, "virtio-mem", hotplug},
	{N, "virtio-pmem", pmem},
	{N, "VM generation id by device tree", generation_id},
	{R, "SMP: every CPU runs", all_cpus},
	{R, "TSI", tsi},
	{R, NULL, NULL},
};
