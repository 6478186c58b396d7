// SPDX-License-Identifier: Apache-2.0
/* PID 1 of boot-park.sh: parks the other CPUs while all of them are busy, as often as the argument says, and
 * says what it saw. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define PARK 0x4d01
#define UNPARK 0x4d02
#define WORKERS 8

static volatile unsigned long *work;

/* Workers that do not move while this CPU is busy for 0.3 s. */
static int standing(void)
{
	unsigned long before[WORKERS];
	struct timespec start, now;
	int n = 0;

	for (int i = 0; i < WORKERS; i++)
		before[i] = work[i];
	clock_gettime(CLOCK_MONOTONIC, &start);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - start.tv_sec) * 1000 +
			(now.tv_nsec - start.tv_nsec) / 1000000 <
		300);
	for (int i = 0; i < WORKERS; i++)
		n += work[i] == before[i];
	return n;
}

static int at_least_half(int n)
{
	return n >= WORKERS / 2;
}

/* Starting on the last CPU, which the caller leaves for the one that devices interrupt. */
static void park_and_use_device(int smpark, int cpus)
{
	char data[8];
	cpu_set_t set;
	int rng = open("/dev/hwrng", O_RDONLY | O_CLOEXEC), parked;

	CPU_ZERO(&set);
	CPU_SET(cpus - 1, &set);
	sched_setaffinity(0, sizeof(set), &set);
	memset(&set, 0xff, sizeof(set));
	sched_setaffinity(0, sizeof(set), &set);
	parked = ioctl(smpark, PARK);
	alarm(30);
	printf("device %d %zd\n", parked, read(rng, data, sizeof(data)));
	alarm(0);
	ioctl(smpark, UNPARK);
	close(rng);
}

int main(int argc, char **argv)
{
	char text[64] = "";
	int fd, gpa, i, failed = 0, cpus = get_nprocs();
	int cycles = argc > 1 ? atoi(argv[1]) : 50;

	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	if (mount("sysfs", "/sys", "sysfs", 0, NULL) ||
		mount("devtmpfs", "/dev", "devtmpfs", 0, NULL))
		perror("mount");
	gpa = open("/sys/kernel/smpark/state_gpa", O_RDONLY | O_CLOEXEC);
	if (gpa < 0 || read(gpa, text, sizeof(text) - 1) < 0)
		perror("state_gpa");
	printf("cpus %d\nstate_gpa %s", cpus, text);
	fd = open("/dev/smpark", O_RDWR | O_CLOEXEC);
	printf("open %d\n", fd < 0 ? errno : 0);
	printf("unknown %d\n", ioctl(fd, 0x4d03) < 0 ? errno : 0);

	work = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < WORKERS; i++)
		if (!fork())
			for (nice(cpus > 1 ? 19 : 0);;)
				work[i]++;
	sleep(1);
	for (i = 0; i < cycles; i++)
		failed += ioctl(fd, PARK) || ioctl(fd, UNPARK);
	printf("cycles %d failed %d\n", i, failed);
	printf("park %d", ioctl(fd, PARK));
	printf(" again %d", ioctl(fd, PARK));
	/* Workers of this CPU may run on. */
	printf(" standing %d\n",
		standing() >= (cpus - 1) * WORKERS / cpus / 2 && cpus > 1);
	printf("unpark %d", ioctl(fd, UNPARK));
	sleep(2);
	printf(" standing %d\n", at_least_half(standing()));
	park_and_use_device(fd, cpus);

	if (cpus > 1) {
		printf("byte %d\n", ioctl(fd, PARK));
		for (i = 0; i < 60 && at_least_half(standing()); i++)
			continue;
		printf("woken %d\n", i < 60);
		printf("anew %d", ioctl(fd, PARK));
		printf(" standing %d", at_least_half(standing()));
		printf(" unpark %d\n", ioctl(fd, UNPARK));
	}
	puts("end");
	reboot(RB_POWER_OFF);
	return 1;
}
