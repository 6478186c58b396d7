// SPDX-License-Identifier: Apache-2.0
/* Numbers: sockets opened and closed leave nothing behind; a thousand work at once. */
#include <sys/resource.h>

#include "test.h"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/vm_sockets_diag.h>

static long slab(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[256];
	long kib = 0;

	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "SUnreclaim: %ld", &kib);
	if (file)
		fclose(file);
	return kib;
}

/* Vsock streams that the kernel has bound, ours and those inside INET sockets. */
static unsigned int bound(void)
{
	struct {
		struct nlmsghdr header;
		struct vsock_diag_req request;
	} ask = {
		.header = {sizeof(ask), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP,
			0, 0},
		.request = {.sdiag_family = AF_VSOCK, .vdiag_states = ~0u},
	};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	static char answer[65536] __attribute__((aligned(8)));
	unsigned int count = 0;
	bool more = send(fd, &ask, sizeof(ask), 0) == sizeof(ask);

	while (more) {
		struct nlmsghdr *message = (struct nlmsghdr *)answer;
		ssize_t left = recv(fd, answer, sizeof(answer), 0);

		more = left > 0;
		for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
			more &= message->nlmsg_type != NLMSG_DONE &&
				message->nlmsg_type != NLMSG_ERROR;
			count += message->nlmsg_type == SOCK_DIAG_BY_FAMILY;
		}
	}
	close(fd);
	return count;
}

/* Proxies that the host has open. */
static unsigned int proxies(void)
{
	static const char open[] = "\"host_port\":620,\"state\":\"open\"";
	const char *at = host("state");
	unsigned int count = 0;

	for (; (at = strstr(at, open)); at++)
		count++;
	return count;
}

static unsigned int cycle(unsigned int rounds)
{
	unsigned int good = 0;

	while (rounds--) {
		int stream = tcp(HOST, ECHO);
		int datagram = udp(HOST, ECHO);

		good += stream >= 0 && datagram >= 0;
		close(stream);
		close(datagram);
	}
	return good;
}

void leaks(unsigned int rounds)
{
	unsigned long decreases;
	unsigned int good, count, open;
	long before;

	cycle(500);
	pause_ms(1500);
	before = slab();
	count = bound();
	open = proxies();
	decreases = host_count("port_decreases");
	good = cycle(rounds);
	ok(good == rounds, "%u sockets opened and closed (%u)", 2 * rounds, 2 * good);
	/* What waits for a host's last word goes within seconds. */
	for (unsigned int i = 0; i < 15 && (slab() - before >= 1024 || bound() > count);
		i++)
		pause_ms(1000);
	/* A leak of the smallest object of a socket would be 3 MiB or more. */
	ok(slab() - before < 1024, "slab grows by less than 1 MiB (%ld KiB)",
		slab() - before);
	ok(bound() <= count, "no vsock port stays bound (%u, %u before)", bound(), count);
	ok(proxies() <= open, "nor does the host keep a proxy open (%u, %u before)",
		proxies(), open);
	ok(host_count("reserved_ports") == 0, "no reserved port is used");
	ok(host_count("port_decreases") == decreases, "P strictly increases");
}

static void three_thousand(void)
{
	leaks(1500);
}

static void concurrent(void)
{
	enum { SOCKETS = 1000 };
	struct rlimit limit = {4096, 4096};
	struct sockaddr_storage to;
	socklen_t length = address(&to, HOST, ECHO);
	static int fd[SOCKETS];
	unsigned int good = 0;
	long before = slab();

	setrlimit(RLIMIT_NOFILE, &limit);
	/* libkrun drops replies when 256 of them wait for the guest: 100 at a time. */
	for (unsigned int i = 0; i < SOCKETS + 100; i++) {
		if (i < SOCKETS) {
			fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
			connect(fd[i], (struct sockaddr *)&to, length);
		}
		if (i >= 100)
			good += wait_for(fd[i - 100], POLLOUT, 20000) == POLLOUT &&
				send_all(fd[i - 100], "m", 1);
	}
	ok(good == SOCKETS, "a thousand connections at once (%u)", good);
	ok(bound() >= SOCKETS, "the kernel shows them (%u)", bound());
	ok(proxies() >= SOCKETS, "and so does the host (%u)", proxies());
	good = 0;
	for (unsigned int i = 0; i < SOCKETS; i++)
		good += wait_for(fd[i], POLLIN, 20000) && text_is(fd[i], "m");
	ok(good == SOCKETS, "and a thousand answers (%u)", good);
	printf("# slab: %ld bytes per connected socket\n",
		(slab() - before) * 1024 / SOCKETS);
}

enum racing { CONNECTING, ACCEPTING, RECEIVING, SENDING, POLLING, KINDS };

struct race {
	int fd;
	unsigned int delay;
	bool shuts;
};

static void *closer(void *arg)
{
	struct race *race = arg;

	usleep(race->delay);
	if (race->shuts)
		shutdown(race->fd, SHUT_RDWR);
	else
		close(race->fd);
	return NULL;
}

static void blocked(enum racing kind, int fd, unsigned int round)
{
	static char block[65536];
	struct sockaddr_storage to;
	socklen_t length = address(&to, round % 2 ? BLACK_HOLE : HOST, ECHO);

	switch (kind) {
	case CONNECTING:
		connect(fd, (struct sockaddr *)&to, length);
		break;
	case ACCEPTING:
		close(accept(fd, NULL, NULL));
		break;
	case RECEIVING:
		while (recv(fd, block, sizeof(block), 0) > 0)
			;
		break;
	case SENDING:
		while (send(fd, block, sizeof(block), MSG_NOSIGNAL) > 0)
			;
		break;
	case POLLING:
	case KINDS:
		wait_for(fd, POLLIN, 200);
		break;
	}
}

/* Close and shutdown from another thread, early and late: no crash, no hang. */
static void races(void)
{
	static const char *const names[] = {"connect", "accept", "recv", "send", "poll"};
	struct timeval limit = {0, 200000};
	pthread_t thread;
	uint16_t port;
	int fd;

	for (unsigned int kind = 0; kind < KINDS; kind++) {
		unsigned int good = 0, rounds = supermachine() && !kind ? 6 : 20;

		for (unsigned int i = 0; i < rounds; i++) {
			struct race race = {.delay = i * i * 100, .shuts = i % 4 > 1};
			uint64_t begun = now();

			fd = kind == CONNECTING	 ? socket(AF_INET, SOCK_STREAM, 0)
			     : kind == ACCEPTING ? listener(AF_INET, 4, &port)
			     : kind == SENDING	 ? tcp(HOST, DISCARD)
						 : tcp(HOST, ECHO);
			race.fd = fd;
			setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
			pthread_create(&thread, NULL, closer, &race);
			blocked(kind, fd, i);
			pthread_join(thread, NULL);
			if (race.shuts)
				close(fd);
			good += within(begun, 5000);
		}
		ok(good == rounds, "%s: ends (%u of %u)", names[kind], good, rounds);
		/* Some hosts stand still while they connect to what does not answer. */
		fd = tcp(HOST, ECHO);
		ok(send_all(fd, "x", 1) && text_is(fd, "x"), "another socket afterwards");
		close(fd);
	}
	if (supermachine()) {
		skip("this host keeps what is released before it opens");
		return;
	}
	for (unsigned int i = 0; i < 15 && proxies(); i++)
		pause_ms(1000);
	ok(proxies() == 0, "the host keeps no proxy open (%u)", proxies());
}

static void *visitor(void *arg)
{
	uint16_t port = *(uint16_t *)arg;
	uintptr_t good = 0;

	for (unsigned int i = 0; i < 25; i++) {
		int out = tcp(HOST, ECHO), in = tcp("127.0.0.1", port);

		good += out >= 0 && in >= 0 && send_all(out, "out", 3) &&
			text_is(out, "out") && text_is(in, "in");
		close(out);
		close(in);
	}
	return (void *)good;
}

/* Eight threads that go out and inside at once. */
static void threads(void)
{
	uint16_t port;
	int server = listener(AF_INET, 64, &port);
	pthread_t thread[8];
	uintptr_t good = 0;
	void *result;

	if (!fork())
		for (;;) {
			int fd = accept(server, NULL, NULL);

			send_all(fd, "in", 2);
			close(fd);
		}
	for (unsigned int i = 0; i < 8; i++)
		pthread_create(&thread[i], NULL, visitor, &port);
	for (unsigned int i = 0; i < 8; i++) {
		pthread_join(thread[i], &result);
		good += (uintptr_t)result;
	}
	ok(good == 200, "four hundred connections from eight threads (%u)",
		2 * (unsigned int)good);
}

const struct test many_tests[] = {
	{"10 leaks", three_thousand, 180},
	{"10 concurrent", concurrent, 120},
	{"10 close races", races, 120},
	{"10 threads", threads, 60},
	{NULL, NULL, 0},
};
