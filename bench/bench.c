// SPDX-License-Identifier: Apache-2.0
/*
 * The library against the least that anybody could do instead, in pairs: each round
 * measures both, one after the other, and the median of the ratios counts. Usage: bench
 * KERNEL KERNEL.xz DIRECTORY
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "smkernel.h"

#define must(condition)                                                                  \
	do {                                                                             \
		if (!(condition)) {                                                      \
			fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition,       \
				strerror(errno));                                        \
			exit(1);                                                         \
		}                                                                        \
	} while (0)

static const char *kernel, *kernel_xz;
static char ours[4096], theirs[4096];
static cpu_set_t all_cpus, one_cpu;

static double seconds(void (*run)(void))
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	run();
	clock_gettime(CLOCK_MONOTONIC, &to);
	return (double)(to.tv_sec - from.tv_sec) +
	       1e-9 * (double)(to.tv_nsec - from.tv_nsec);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(const char *what, double goal, int rounds, void (*run)(void),
	void (*reference)(void))
{
	double ratios[101], sum = 0;
	int i;

	run();
	reference();
	for (i = 0; i < rounds; i++) {
		double mine, other;

		/* Who goes first alternates: the second finds the caches warm. */
		if (i % 2) {
			other = seconds(reference);
			mine = seconds(run);
		} else {
			mine = seconds(run);
			other = seconds(reference);
		}
		ratios[i] = mine / other;
		sum += mine;
	}
	qsort(ratios, (size_t)rounds, sizeof(*ratios), compare);
	printf("%-58s %6.2f  %6.2f  %s  (%.3g ms)\n", what, ratios[rounds / 2], goal,
		ratios[rounds / 2] <= goal ? "yes" : "NO ", 1e3 * sum / rounds);
	fflush(stdout);
}

enum { OPENS = 1000 };

static void resolve_open(void)
{
	int i;

	for (i = 0; i < OPENS; i++) {
		int fd = smkernel_open(SMKERNEL_KERNEL);

		must(fd >= 0);
		close(fd);
	}
}

static void bare_open(void)
{
	struct stat st;
	int i;

	for (i = 0; i < OPENS; i++) {
		int fd = open(kernel, O_RDONLY | O_CLOEXEC);

		must(fd >= 0 && fstat(fd, &st) == 0);
		close(fd);
	}
}

static void extract(void)
{
	must(smkernel_extract_kernel_to(ours) == 0);
}

/* What cp(1) and sync(1) do, without the price of starting them. */
static void cp_and_sync(void)
{
	int in = open(kernel, O_RDONLY | O_CLOEXEC);
	int out = open(theirs, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	must(in >= 0 && out >= 0);
	if (ioctl(out, FICLONE, in) < 0)
		while (copy_file_range(in, NULL, out, NULL, (size_t)1 << 30, 0) > 0)
			;
	must(fsync(out) == 0);
	close(out);
	close(in);
}

static void decode(void)
{
	int fd = smkernel_open(SMKERNEL_KERNEL);

	must(fd >= 0);
	close(fd);
}

static void decode_on_one(void)
{
	must(sched_setaffinity(0, sizeof(one_cpu), &one_cpu) == 0);
	decode();
	must(sched_setaffinity(0, sizeof(all_cpus), &all_cpus) == 0);
}

static bool find_two_cpus(void)
{
	int cpu, count = 0;
	cpu_set_t two;

	must(sched_getaffinity(0, sizeof(all_cpus), &all_cpus) == 0);
	CPU_ZERO(&one_cpu);
	CPU_ZERO(&two);
	for (cpu = 0; cpu < CPU_SETSIZE && count < 2; cpu++) {
		if (!CPU_ISSET(cpu, &all_cpus))
			continue;
		if (count++ == 0)
			CPU_SET(cpu, &one_cpu);
		CPU_SET(cpu, &two);
	}
	all_cpus = two;
	return count == 2 && sched_setaffinity(0, sizeof(two), &two) == 0;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: bench KERNEL KERNEL.xz DIRECTORY\n", stderr);
		return 64;
	}
	kernel = argv[1];
	kernel_xz = argv[2];
	snprintf(ours, sizeof(ours), "%s/ours", argv[3]);
	snprintf(theirs, sizeof(theirs), "%s/theirs", argv[3]);
	printf("%-58s %6s  %6s  %s\n", "what", "ratio", "goal", "met");
	measure("resolve + open + close / open + fstat + close", 3, 101, resolve_open,
		bare_open);
	measure("extraction over the last / cp + sync", 1.1, 41, extract, cp_and_sync);
	must(setenv("SUPERMACHINE_KERNEL_PATH", kernel_xz, 1) == 0);
	if (find_two_cpus())
		measure(".xz decoding, two threads / one", 0.65, 11, decode,
			decode_on_one);
	else
		puts(".xz decoding: needs two processors");
	return 0;
}
