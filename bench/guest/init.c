// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 of the measurements: the virtual counter, which counts from reset, is
 * read by the very first instruction. Freestanding, so that nothing precedes it.
 * bench=WORD on the command line says what follows: "idle" sleeps beside a sleeping
 * child, "junk" dirties and frees memory first, "park" then parks the other CPUs as
 * an agent does for a snapshot, "wakes" counts what an idle kernel does, "loops"
 * tells the price of some system calls; without it, the machine ends.
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

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

#define call6(nr, a, b, c, d, e, f, ...)                                                 \
	call(__NR_##nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define sys(nr, ...) call6(nr, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)

static char text[16384];

static int equal(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static int begins(const char *a, const char *b)
{
	while (*b && *a == *b)
		a++, b++;
	return !*b;
}

static void put(const char *s)
{
	long n = 0;

	while (s[n])
		n++;
	sys(write, 1, s, n);
}

static void put_number(unsigned long v)
{
	char digits[24];
	int i = sizeof(digits);

	digits[--i] = 0;
	digits[--i] = '\n';
	do
		digits[--i] = '0' + v % 10;
	while (v /= 10);
	put(digits + i);
}

static long read_file(const char *path, char *to, long size)
{
	long fd = sys(openat, -100, path), got, n = 0;

	while (n < size - 1 && (got = sys(read, fd, to + n, size - 1 - n)) > 0)
		n += got;
	sys(close, fd);
	to[n] = 0;
	return n;
}

static void sleep_seconds(long s)
{
	sys(nanosleep, ((long[]){s, 0}));
}

static long fork(void)
{
	return sys(clone, 17 /* SIGCHLD */);
}

/* 64 MiB of anonymous memory, 32 MiB of page cache, 50 children. */
static void junk(void)
{
	long len = 64 << 20, i, fd;
	char *p = (char *)sys(mmap, 0, len, 3, 0x22, -1);

	for (i = 0; i < len; i += 4096)
		p[i] = (char)(i >> 12) | 1;
	sys(munmap, p, len);
	fd = sys(openat, -100, "/junk", 0101, 0600);
	for (i = 0; i < (long)sizeof(text); i++)
		text[i] = (char)i | 1;
	for (i = 0; i < 32 << 20; i += sizeof(text))
		sys(write, fd, text, sizeof(text));
	sys(close, fd);
	sys(unlinkat, -100, "/junk");
	for (i = 0; i < 50; i++) {
		if (!fork())
			sys(exit, 0);
		sys(wait4, -1);
	}
}

static void park(void)
{
	long fd;

	sys(mount, "dev", "/dev", "devtmpfs");
	fd = sys(openat, -100, "/dev/smpark", 2);
	if (sys(ioctl, fd, 0x4d01))
		put("no smpark\n");
}

static const char *find(const char *p, const char *word)
{
	while (*p && !begins(p, word))
		p++;
	return p;
}

static unsigned long number(const char *p)
{
	unsigned long v = 0;

	while (*p == ' ')
		p++;
	for (; *p >= '0' && *p <= '9'; p++)
		v = v * 10 + (unsigned long)(*p - '0');
	return v;
}

/* Of the one CPU: " 11:  44  GICv3 27 Level  arch_timer". */
static unsigned long timer_interrupts(const char *interrupts)
{
	const char *p = find(interrupts, "arch_timer");

	while (p > interrupts && *p != ':')
		p--;
	return number(p + 1);
}

/* Ten seconds of an idle kernel, 30 s after boot: what both readings cost is in it. */
static void wakes(void)
{
	static char before[2][16384], after[2][16384];
	static const char *const path[] = {"/proc/interrupts", "/proc/stat"};

	sleep_seconds(30);
	for (int i = 0; i < 2; i++)
		read_file(path[i], before[i], sizeof(before[i]));
	sleep_seconds(10);
	for (int i = 0; i < 2; i++)
		read_file(path[i], after[i], sizeof(after[i]));
	put("interrupts ");
	put_number(timer_interrupts(after[0]) - timer_interrupts(before[0]));
	put("switches ");
	put_number(
		number(find(after[1], "ctxt") + 4) - number(find(before[1], "ctxt") + 4));
}

static unsigned long counter(void)
{
	unsigned long v;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(v));
	return v;
}

static long file, pair[2];
static int pipes[2][2];

static void do_getppid(void)
{
	sys(getppid);
}
static void do_write(void)
{
	sys(pwrite64, file, text, 4096);
}
static void do_read(void)
{
	sys(pread64, file, text, 4096);
}

static void do_open(void)
{
	long fd = sys(openat, -100, "/init");

	sys(close, fd);
}
static void do_map(void)
{
	char *p = (char *)sys(mmap, 0, 65536, 3, 0x22, -1);

	for (int i = 0; i < 65536; i += 4096)
		p[i] = 1;
	sys(munmap, p, 65536);
}

static void do_fork(void)
{
	if (!fork())
		sys(exit, 0);
	sys(wait4, -1);
}

static void do_exec(void)
{
	if (!fork()) {
		sys(execve, "/init", ((const char *[]){"leave", 0}),
			((const char *[]){0}));
		sys(exit, 1);
	}
	sys(wait4, -1);
}

static void do_pipe(void)
{
	sys(write, pipes[0][1], text, 1);
	sys(read, pipes[1][0], text, 1);
}

static void do_pair(void)
{
	sys(write, pair[0], text, 1);
	sys(read, pair[0], text, 1);
}

static void echo(long from, long to)
{
	while (sys(read, from, text, 1) == 1)
		sys(write, to, text, 1);
	sys(exit, 0);
}

static void tcp_pair(void)
{
	struct {
		char name[16];
		short flags[12];
	} lo = {"lo", {0x41 /* IFF_UP | IFF_RUNNING */}};
	unsigned char address[16] = {2, 0, 0x10, 0, 127, 0, 0, 1};
	long listener = sys(socket, 2, 1), one = 1;

	sys(ioctl, listener, 0x8914 /* SIOCSIFFLAGS */, &lo);
	sys(bind, listener, address, sizeof(address));
	sys(listen, listener, 1);
	pair[0] = sys(socket, 2, 1);
	if (sys(connect, pair[0], address, sizeof(address)))
		put("no loopback\n");
	pair[1] = sys(accept, listener);
	for (int i = 0; i < 2; i++)
		sys(setsockopt, pair[i], 6, 1 /* TCP_NODELAY */, &one, 4);
}

/* The best of thirty rounds: what the scheduler and RCU happen to do in one is not the price. */
static void loop(const char *name, int count, void (*run)(void))
{
	unsigned long best = ~0UL;

	for (int round = 0; round < 30; round++) {
		unsigned long from = counter();

		for (int i = 0; i < count; i++)
			run();
		from = counter() - from;
		best = from < best ? from : best;
	}
	put("loop ");
	put(name);
	put(" ");
	put_number(best * 16 / (unsigned long)count);
}

static void loops(void)
{
	int two[2];

	file = sys(openat, -100, "/file", 0102, 0600);
	loop("getppid", 40, do_getppid);
	loop("open-close", 40, do_open);
	loop("write-4k", 40, do_write);
	loop("read-4k", 40, do_read);
	loop("map-touch-unmap-64k", 10, do_map);
	loop("fork-exit", 10, do_fork);
	loop("fork-exec-exit", 10, do_exec);
	sys(pipe2, pipes[0]);
	sys(pipe2, pipes[1]);
	if (!fork())
		echo(pipes[0][0], pipes[1][1]);
	loop("pipe-round-trip", 40, do_pipe);
	sys(socketpair, 1, 1, 0, two);
	pair[0] = two[0], pair[1] = two[1];
	if (!fork())
		echo(pair[1], pair[1]);
	loop("unix-round-trip", 40, do_pair);
	tcp_pair();
	if (!fork())
		echo(pair[1], pair[1]);
	loop("tcp-round-trip", 40, do_pair);
}

void start(unsigned long boot, unsigned long *stack)
{
	char **argv = (char **)(stack + 1), **env = argv + stack[0] + 1;
	const char *mode = "";

	if (equal(argv[0], "leave"))
		sys(exit, 0);
	put("\ncounter ");
	put_number(boot);
	sys(mount, "proc", "/proc", "proc");
	read_file("/proc/meminfo", text, sizeof(text));
	put(text);
	for (; *env; env++)
		if (begins(*env, "bench="))
			mode = *env + 6;
	if (equal(mode, "junk") || equal(mode, "park"))
		junk();
	if (equal(mode, "park"))
		park();
	if (equal(mode, "wakes"))
		wakes();
	if (equal(mode, "loops"))
		loops();
	if (equal(mode, "idle") || equal(mode, "junk") || equal(mode, "park")) {
		if (!fork())
			for (;;)
				sleep_seconds(1000000);
		for (;;)
			sleep_seconds(1000000);
	}
	put("end\n");
	sys(reboot, 0xfee1dead, 672274793, 0x4321fedc /* LINUX_REBOOT_CMD_POWER_OFF */);
	for (;;)
		;
}
