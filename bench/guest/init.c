// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 of the measurements: the virtual counter, which counts from reset, is
 * read by the very first instruction. Freestanding, so that nothing precedes it.
 * With "bench=idle" on the command line it stays asleep beside a sleeping child,
 * with "bench=junk" it dirties and frees memory first, with "bench=park" it then
 * parks the other CPUs as an agent does for a snapshot.
 */
#include <asm/unistd.h>

__asm__(".globl _start\n"
	"_start: mrs x0, cntvct_el0\n"
	"mov x1, sp\n"
	"b start\n");

static long call(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0" : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

static char text[16384];

static int equal(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static void put(const char *s, long n)
{
	call(__NR_write, 1, (long)s, n, 0, 0, 0);
}

static void put_file(const char *path)
{
	long fd = call(__NR_openat, -100, (long)path, 0, 0, 0, 0), n;

	if (fd < 0)
		return;
	while ((n = call(__NR_read, fd, (long)text, sizeof(text), 0, 0, 0)) > 0)
		put(text, n);
	call(__NR_close, fd, 0, 0, 0, 0, 0);
}

static void put_number(unsigned long v)
{
	char digits[24];
	int i = sizeof(digits);

	digits[--i] = '\n';
	do
		digits[--i] = '0' + v % 10;
	while (v /= 10);
	put(digits + i, sizeof(digits) - i);
}

static void sleep_seconds(long s)
{
	long t[2] = { s, 0 };

	call(__NR_nanosleep, (long)t, 0, 0, 0, 0, 0);
}

static long fork(void)
{
	return call(__NR_clone, 17 /* SIGCHLD */, 0, 0, 0, 0, 0);
}

/* 64 MiB of anonymous memory, 32 MiB of page cache, 50 children. */
static void junk(void)
{
	long len = 64 << 20, i, fd;
	char *p = (char *)call(__NR_mmap, 0, len, 3, 0x22, -1, 0);

	for (i = 0; i < len; i += 4096)
		p[i] = (char)(i >> 12) | 1;
	call(__NR_munmap, (long)p, len, 0, 0, 0, 0);
	fd = call(__NR_openat, -100, (long)"/junk", 0101, 0600, 0, 0);
	for (i = 0; i < (long)sizeof(text); i++)
		text[i] = (char)i | 1;
	for (i = 0; i < 32 << 20; i += sizeof(text))
		call(__NR_write, fd, (long)text, sizeof(text), 0, 0, 0);
	call(__NR_close, fd, 0, 0, 0, 0, 0);
	call(__NR_unlinkat, -100, (long)"/junk", 0, 0, 0, 0);
	for (i = 0; i < 50; i++) {
		if (!fork())
			call(__NR_exit, 0, 0, 0, 0, 0, 0);
		call(__NR_wait4, -1, 0, 0, 0, 0, 0);
	}
}

static void park(void)
{
	long fd;

	call(__NR_mount, (long)"dev", (long)"/dev", (long)"devtmpfs", 0, 0, 0);
	fd = call(__NR_openat, -100, (long)"/dev/smpark", 2, 0, 0, 0);
	if (call(__NR_ioctl, fd, 0x4d01, 0, 0, 0, 0))
		put("no smpark\n", 10);
}

void start(unsigned long counter, unsigned long *stack)
{
	char **env = (char **)(stack + 1 + stack[0] + 1);
	int idle = 0;

	put("\ncounter ", 9);
	put_number(counter);
	call(__NR_mount, (long)"proc", (long)"/proc", (long)"proc", 0, 0, 0);
	put_file("/proc/meminfo");
	for (; *env; env++) {
		if (equal(*env, "bench=idle"))
			idle = 1;
		if (equal(*env, "bench=junk"))
			idle = 2;
		if (equal(*env, "bench=park"))
			idle = 3;
	}
	if (idle >= 2)
		junk();
	if (idle == 3)
		park();
	if (idle) {
		if (!fork())
			for (;;)
				sleep_seconds(1000000);
		put("idle\n", 5);
		for (;;)
			sleep_seconds(1000000);
	}
	put("end\n", 4);
	/* LINUX_REBOOT_CMD_POWER_OFF */
	call(__NR_reboot, 0xfee1dead, 672274793, 0x4321fedc, 0, 0, 0);
	for (;;)
		;
}
