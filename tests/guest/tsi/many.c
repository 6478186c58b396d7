// SPDX-License-Identifier: Apache-2.0
/* Numbers: sockets opened and closed leave nothing behind; a thousand work at once. */
#include <sys/resource.h>

#include "test.h"

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

static void leaks(void)
{
	unsigned int good;
	long before;

	cycle(500);
	pause_ms(1500);
	before = slab();
	good = cycle(1500);
	ok(good == 1500, "3,000 sockets opened and closed (%u)", good);
	/* What waits for a host's last word goes within seconds. */
	for (unsigned int i = 0; i < 15 && slab() - before >= 1024; i++)
		pause_ms(1000);
	/* A leak of the smallest object of a socket would be 3 MiB. */
	ok(slab() - before < 1024, "slab grows by less than 1 MiB (%ld KiB)",
		slab() - before);
	ok(host_count("reserved_ports") == 0, "no reserved port is used");
	ok(host_count("port_decreases") == 0, "P strictly increases");
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
	good = 0;
	for (unsigned int i = 0; i < SOCKETS; i++)
		good += wait_for(fd[i], POLLIN, 20000) && text_is(fd[i], "m");
	ok(good == SOCKETS, "and a thousand answers (%u)", good);
	printf("# slab: %ld bytes per connected socket\n",
		(slab() - before) * 1024 / SOCKETS);
}

static void *closer(void *arg)
{
	pause_ms(100);
	close(*(int *)arg);
	return NULL;
}

/* Close from another thread during connect, accept and recv: no crash, no hang. */
static void races(void)
{
	pthread_t thread;
	uint16_t port;
	char byte;
	int fd;

	for (unsigned int i = 0; i < 3; i++) {
		struct sockaddr_storage to;
		socklen_t length = address(&to, BLACK_HOLE, 80);
		struct timeval limit = {0, 400000};

		fd = i == 0   ? socket(AF_INET, SOCK_STREAM, 0)
		     : i == 1 ? listener(AF_INET, 4, &port)
			      : tcp(HOST, ECHO);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
		pthread_create(&thread, NULL, closer, &fd);
		if (i == 0)
			connect(fd, (struct sockaddr *)&to, length);
		else if (i == 1)
			accept(fd, NULL, NULL);
		else
			recv(fd, &byte, 1, 0);
		pthread_join(thread, NULL);
	}
	ok(true, "close during connect, accept and recv");
	fd = tcp(HOST, ECHO);
	ok(send_all(fd, "x", 1) && text_is(fd, "x"), "another socket afterwards");
	close(fd);
}

const struct test many_tests[] = {
	{"10 leaks", leaks, 180},
	{"10 concurrent", concurrent, 120},
	{"10 close races", races, 0},
	{NULL, NULL, 0},
};
