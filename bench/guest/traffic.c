// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 of the measurements of TSI: the same work on a hijacked INET socket and on
 * plain AF_VSOCK, in turns, in guest instructions. The guest never sleeps: a program
 * that counts its own rounds runs when nothing else can, and what it took is
 * subtracted. The peer is tests/vsock-host, whose services have the same numbers
 * on TCP and on vsock.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/vm_sockets.h> /* needs <sys/socket.h> */

enum { ECHO_PORT = 7, SOURCE_PORT = 19, SINK_PORT = 20 };
enum { PROXY_STREAM = 620, PROXY_CREATE = 1024, PROXY_CONNECT, PROXY_RELEASE = 1031 };
enum { SIZE = 1 << 20, IDLE_SOCKETS = 300 };

static volatile uint64_t *rounds;
static pid_t spinner;
static uint8_t bytes[SIZE], received[65536];

#define must(condition)                                                                  \
	do {                                                                             \
		if (!(condition)) {                                                      \
			printf("failed: %s: %m\n", #condition);                          \
			reboot(RB_POWER_OFF);                                            \
		}                                                                        \
	} while (0)

/* Four instructions a round. */
static void spin(void)
{
	const struct sched_param none = {0};

	spinner = fork();
	if (spinner)
		return;
	must(!sched_setscheduler(0, SCHED_IDLE, &none));
	__asm__ volatile("1: ldr x1, [%0]\n"
			 "add x1, x1, #1\n"
			 "str x1, [%0]\n"
			 "b 1b\n" ::"r"(rounds)
			 : "x1", "memory");
}

/* Instructions of everything but the spinner; the counter runs at 62.5 MHz. */
static uint64_t instructions(void)
{
	uint64_t counter;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(counter));
	return counter * 16 - *rounds * 4;
}

static int inet_connect(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(0x0a000202)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(!connect(fd, (struct sockaddr *)&to, sizeof(to)));
	return fd;
}

static struct sockaddr_vm host(unsigned int port)
{
	return (struct sockaddr_vm){
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST, .svm_port = port};
}

static int vsock_connect(uint16_t port)
{
	struct sockaddr_vm to = host(port);
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	must(!connect(fd, (struct sockaddr *)&to, sizeof(to)));
	return fd;
}

static void tell(int fd, unsigned int port, const void *message, size_t size)
{
	struct sockaddr_vm to = host(port);

	must(sendto(fd, message, size, 0, (struct sockaddr *)&to, sizeof(to)) ==
		(ssize_t)size);
}

static void inet_connect_close(void)
{
	close(inet_connect(ECHO_PORT));
}

/* What TSI does for one connection, by hand: its messages, and a stream to the proxy. */
static void vsock_connect_close(void)
{
	static uint32_t port = 0x40000000;
	struct sockaddr_vm proxy = host(PROXY_STREAM),
			   any = {.svm_family = AF_VSOCK,
				   .svm_cid = VMADDR_CID_ANY,
				   .svm_port = VMADDR_PORT_ANY},
			   mine = any;
	int control = socket(AF_VSOCK, SOCK_DGRAM, 0);
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);
	struct {
		uint32_t port;
		uint16_t family, type;
	} create = {++port, AF_INET, SOCK_STREAM};
	struct {
		uint32_t port, size;
		struct sockaddr_in address;
		char rest[128 - sizeof(struct sockaddr_in)];
	} connection = {port, sizeof(struct sockaddr_in),
		{.sin_family = AF_INET,
			.sin_port = htons(ECHO_PORT),
			.sin_addr.s_addr = htonl(0x0a000202)},
		""};
	uint32_t release[2] = {port, PROXY_STREAM};
	int32_t result = -1;

	mine.svm_port = port;
	must(!bind(control, (struct sockaddr *)&any, sizeof(any)));
	must(!bind(fd, (struct sockaddr *)&mine, sizeof(mine)));
	tell(control, PROXY_CREATE, &create, sizeof(create));
	tell(control, PROXY_CONNECT, &connection, sizeof(connection));
	must(recv(control, &result, sizeof(result), MSG_TRUNC) >= 4 && !result);
	must(!connect(fd, (struct sockaddr *)&proxy, sizeof(proxy)));
	close(fd);
	tell(control, PROXY_RELEASE, release, sizeof(release));
	close(control);
}

static int stream;

static void round_trip(void)
{
	must(write(stream, bytes, 1) == 1);
	must(read(stream, bytes, 1) == 1);
}

static void command(size_t size)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%zu\n", size);

	must(write(stream, text, (size_t)n) == n);
}

static void upload(void)
{
	char answer[64];

	command(SIZE);
	for (size_t done = 0; done < SIZE;) {
		ssize_t n = write(stream, bytes + done, 65536);

		must(n > 0);
		done += (size_t)n;
	}
	must(read(stream, answer, sizeof(answer)) > 2 && answer[0] == 'o');
}

static void download(void)
{
	size_t done = 0;
	ssize_t n;

	command(SIZE);
	while ((n = read(stream, received, sizeof(received))) > 0)
		done += (size_t)n;
	must(done == SIZE);
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/*
 * Both in turns; the median of the ratios of neighbours, in ten-thousandths. An answer
 * may or may not be there before the guest asks for it, which are two prices, equally
 * likely for both: medians of each would have a ratio between the two, by chance.
 */
static void compare(const char *name, int turns, void (*tsi)(void), void (*plain)(void),
	uint16_t port)
{
	void (*const run[2])(void) = {tsi, plain};
	static uint64_t ratio[75];

	for (int i = 0; i < turns; i++) {
		uint64_t cost[2];

		for (int j = 0; j < 2; j++) {
			if (port)
				stream = j ? vsock_connect(port) : inet_connect(port);
			if (port == ECHO_PORT)
				run[j]();
			cost[j] = instructions();
			run[j]();
			cost[j] = instructions() - cost[j];
			if (port)
				close(stream);
		}
		ratio[i] = cost[0] * 10000 / cost[1];
	}
	qsort(ratio, (size_t)turns, sizeof(*ratio), ascending);
	printf("%s %llu 10000\n", name, (unsigned long long)ratio[turns / 2]);
}

static long slab(void)
{
	char line[128];
	long kib = 0;
	FILE *f = fopen("/proc/meminfo", "re");

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "Slab: %ld", &kib);
	fclose(f);
	return kib;
}

/*
 * Bytes of slab per connected and per closed socket, once the first have filled the
 * caches. What is kept is kept in every round; a slab of which one object is in use
 * counts whole and comes and goes. Nothing spins while they are given up: time jumps.
 */
static void memory(void)
{
	static int fd[IDLE_SOCKETS];
	long before = 0, open = 0, after = 0, kept = LONG_MAX;

	for (int i = 0; i < 6; i++) {
		before = after;
		for (int j = 0; j < IDLE_SOCKETS; j++)
			fd[j] = inet_connect(ECHO_PORT);
		open = slab();
		for (int j = 0; j < IDLE_SOCKETS; j++)
			close(fd[j]);
		kill(spinner, SIGKILL);
		waitpid(spinner, NULL, 0);
		sleep(20);
		after = slab();
		if (i > 1 && after - before < kept)
			kept = after - before;
		spin();
	}
	printf("slab %ld %ld\n", (open - before) * 1024 / IDLE_SOCKETS,
		kept * 1024 / IDLE_SOCKETS);
}

int main(void)
{
	const struct rlimit files = {4096, 4096};

	mount("proc", "/proc", "proc", 0, NULL);
	setrlimit(RLIMIT_NOFILE, &files);
	setlinebuf(stdout);
	for (uint32_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i ^ i >> 8 ^ i >> 16 ^ i >> 24);
	rounds = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(rounds != MAP_FAILED);
	spin();
	compare("up", 51, upload, upload, SINK_PORT);
	compare("down", 51, download, download, SOURCE_PORT);
	compare("round-trip", 75, round_trip, round_trip, ECHO_PORT);
	compare("connect", 51, inet_connect_close, vsock_connect_close, 0);
	memory();
	puts("end");
	reboot(RB_POWER_OFF);
}
