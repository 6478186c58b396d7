// SPDX-License-Identifier: Apache-2.0
/* The numbers of the conformance lists in full: too long for every run. */
#include "test.h"

#define MIB (1024u * 1024)
#define GIB (1024ull * MIB)

static void both(uint64_t size)
{
	int fd = tcp(HOST, SOURCE);

	ok(download(fd, size), "%llu MiB down", (unsigned long long)size / MIB);
	close(fd);
	fd = tcp(HOST, SINK);
	ok(upload(fd, size), "%llu MiB up", (unsigned long long)size / MIB);
	close(fd);
}

static void small_packets(void)
{
	int fd = tcp(HOST, SOURCE);

	host("quirk max-packet=4096");
	ok(download(fd, GIB), "1 GiB down in packets of 4096 bytes");
	host("unquirk max-packet");
	close(fd);
}

static void old_host(void)
{
	host("quirk two-descriptors");
	host("quirk update-after=%u", 4 * MIB);
	both(64 * MIB);
	host("unquirk two-descriptors");
	host("unquirk update-after");
}

static void *writer(void *arg)
{
	send_pattern(*(int *)arg, 64 * MIB);
	return NULL;
}

static void duplex(void)
{
	int fd = tcp(HOST, ECHO);
	pthread_t thread;

	pthread_create(&thread, NULL, writer, &fd);
	ok(receive_pattern(fd, 64 * MIB) == 64 * MIB, "64 MiB both ways at once");
	pthread_join(thread, NULL);
	close(fd);
}

/* All of it, or an error after what came: the limit on what is kept is the kernel's. */
static void paused_reader(void)
{
	int fd = tcp(HOST, SOURCE);
	int64_t got;
	char byte;

	request(fd, 64 * MIB);
	pause_ms(10000);
	got = receive_pattern(fd, 64 * MIB);
	if (is("supermachine-0.1"))
		ok(got == 64 * MIB || (got >= 4 * MIB && recv(fd, &byte, 1, 0) <= 0),
			"everything, or the end after what came (%lld)", (long long)got);
	else
		ok(got == 64 * MIB, "everything");
	close(fd);
}

/* A window of 2 GiB, an update after each GiB, and data that takes the update back. */
static void rare_updates(void)
{
	int fd;

	host("quirk window=%u", 0x7fffffff);
	host("quirk update-after=%u", 0x3fffffff);
	host("quirk zero-fwd");
	host("quirk no-interrupt");
	fd = tcp(HOST, SINK);
	ok(upload(fd, 256 * MIB), "256 MiB up");
	close(fd);
	fd = tcp(HOST, SINK);
	ok(upload(fd, 3 * GIB), "3 GiB up");
	close(fd);
	host("unquirk window");
	host("unquirk update-after");
	host("unquirk zero-fwd");
	host("unquirk no-interrupt");
}

static void flood(void)
{
	enum { CLIENTS = 4000 };
	unsigned int good = 0;
	uint16_t port;
	int server = listener(AF_INET, 8, &port);

	if (!supermachine()) {
		skip("libkrun drops what does not fit its queue of 256");
		return;
	}
	ok(!strcmp(host("flood %u %u", CLIENTS, port), "ok"), "%u connections", CLIENTS);
	ok(host_count("refused_offers") == 0, "no RST from the guest");
	for (unsigned int i = 0; i < CLIENTS; i++) {
		int fd = accept(server, NULL, NULL);
		char text[2];

		good += fd >= 0 && recv_all(fd, text, 2) == 1 && text[0] == 'f';
		close(fd);
	}
	ok(good == CLIENTS, "and all are served (%u)", good);
	close(server);
}

static void ten_thousand(void)
{
	leaks(5000);
}

const struct test scale_tests[] = {
	{"1 64 MiB, old host", old_host, 300},
	{"1 64 MiB at once", duplex, 300},
	{"10 10,000 sockets", ten_thousand, 900},
	{"T1 1 GiB", small_packets, 900},
	{"T2 paused reader", paused_reader, 300},
	{"T3 T14 3 GiB", rare_updates, 1800},
	{"T9 Q10 4000 connections", flood, 600},
	{NULL, NULL, 0},
};
