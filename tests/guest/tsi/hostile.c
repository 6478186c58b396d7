// SPDX-License-Identifier: Apache-2.0
/*
 * Hosts that are late, silent, wrong or hostile: every wait has a bound, and nothing stays
 * out of step once the host behaves again.
 */
#include "test.h"

/* A fresh stream, a fresh datagram and a listener work. */
static void works(const char *after)
{
	char byte;
	uint16_t port;
	int fd = tcp(HOST, ECHO);
	int datagram = udp(HOST, ECHO);
	int server = listener(AF_INET, 8, &port);
	int client = tcp("127.0.0.1", port);
	int inner = accept(server, NULL, NULL);

	ok(fd >= 0 && send_all(fd, "x", 1) && text_is(fd, "x"), "streams after %s",
		after);
	ok(send(datagram, "x", 1, 0) == 1 && wait_for(datagram, POLLIN, 5000) &&
			recv(datagram, &byte, 1, 0) == 1,
		"datagrams after %s", after);
	ok(client >= 0 && inner >= 0 && send_all(inner, "y", 1) && text_is(client, "y"),
		"the guest itself after %s", after);
	close(fd);
	close(datagram);
	close(client);
	close(inner);
	close(server);
}

static void padded(void)
{
	host("quirk pad");
	works("replies padded with 0xa5");
}

static void twice(void)
{
	host("quirk reply-twice");
	works("every reply twice, during");
	works("every reply twice, again");
	host("unquirk reply-twice");
	works("every reply twice");
}

/* connect() with a limit; true if it took no longer than @ms. */
static bool bounded(const char *what, unsigned int ms)
{
	struct timeval limit = {2, 0};
	struct sockaddr_storage to;
	socklen_t length = address(&to, HOST, ECHO);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	uint64_t begun = now();

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	connect(fd, (struct sockaddr *)&to, length);
	close(fd);
	ok(within(begun, ms), "%s: connect ends (%llu ms)", what,
		(unsigned long long)(now() - begun));
	return within(begun, ms);
}

static void silent(void)
{
	uint64_t begun;
	uint16_t port;
	int client, server;

	host("quirk never-reply");
	bounded("a silent host", 5000);
	begun = now();
	server = listener(AF_INET, 8, &port);
	client = tcp("127.0.0.1", port);
	ok(server >= 0 && client >= 0 && within(begun, 8000),
		"listen ends, clients inside are served (%llu ms)",
		(unsigned long long)(now() - begun));
	close(client);
	close(server);
	begun = now();
	client = udp(HOST, ECHO);
	ok(within(begun, 10000), "connect of a datagram ends (%llu ms)",
		(unsigned long long)(now() - begun));
	close(client);
	host("unquirk never-reply");
	works("silence");
}

static void wrong_port(void)
{
	host("quirk wrong-port");
	bounded("replies from the wrong port", 5000);
	host("unquirk wrong-port");
	works("replies from the wrong port");
}

static void late(void)
{
	struct sockaddr_storage to;
	socklen_t length = address(&to, HOST, REFUSED);
	int fd;

	host("quirk connect-delay=1000");
	for (unsigned int i = 0; i < 5; i++) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fd, (struct sockaddr *)&to, length);
		close(fd);
	}
	host("unquirk connect-delay");
	works("abandoned connects whose replies are late");
	pause_ms(1200);
	works("the late replies");
}

/* Later than anybody waits: replies to LISTEN and GETNAME find nobody. */
static void too_late(void)
{
	uint64_t begun = now();
	int server, client;
	uint16_t port;

	host("quirk reply-late=6000");
	server = listener(AF_INET, 8, &port);
	client = tcp("127.0.0.1", port);
	ok(server >= 0 && client >= 0 && within(begun, 8000), "listen gives up (%llu ms)",
		(unsigned long long)(now() - begun));
	host("unquirk reply-late");
	works("replies that come too late, before them");
	pause_ms(2000);
	works("replies that come too late");
	close(client);
	close(server);
}

static void *slow_upload(void *arg)
{
	return (void *)(uintptr_t)upload(*(int *)arg, 16 << 20);
}

/* libkrun writes to remotes from its only thread: one that does not read stops it. */
static void blocked_host(void)
{
	pthread_t thread;
	void *good;
	int fd, slow = tcp(HOST, SLOW);

	host("quirk blocking-send");
	pthread_create(&thread, NULL, slow_upload, &slow);
	pause_ms(500);
	fd = tcp(HOST, ECHO);
	ok(fd >= 0 && send_all(fd, "x", 1) && text_is(fd, "x"),
		"another connection goes on when the host does");
	pthread_join(thread, &good);
	ok(good, "and so does the one that it waited for");
	host("unquirk blocking-send");
	close(fd);
	close(slow);
}

static void lost_replies(void)
{
	host("quirk drop-reply=3");
	for (unsigned int i = 0; i < 2; i++)
		bounded("every third reply lost", 5000);
	host("unquirk drop-reply");
	works("lost replies");
}

static void all_reset(void)
{
	int fd;

	host("quirk rst-all");
	fd = tcp(HOST, ECHO);
	ok(fd < 0, "RST on everything fails the connect (%d)", errno);
	close(fd);
	host("unquirk rst-all");
	works("resets");
}

static void early(void)
{
	int fd;

	host("quirk early-credit");
	for (unsigned int i = 0; i < 3; i++) {
		fd = tcp(HOST, GREET);
		ok(fd >= 0 && text_is(fd, "hello\n"), "CREDIT_REQUEST before RESPONSE");
		close(fd);
	}
	host("unquirk early-credit");
	host("quirk early-data");
	for (unsigned int i = 0; i < 3; i++) {
		fd = tcp(HOST, GREET);
		ok(fd >= 0 && text_is(fd, "hello\n") && send_all(fd, "x", 1) &&
				text_is(fd, "x"),
			"data before RESPONSE");
		close(fd);
	}
	host("unquirk early-data");
}

static void macos_numbers(void)
{
	int fd;

	host("quirk macos-errno");
	fd = tcp(HOST, REFUSED);
	ok(fd < 0 && errno == ECONNREFUSED, "61 is ECONNREFUSED (%d)", errno);
	host("unquirk macos-errno");
}

static void shapes(void)
{
	int fd;

	host("quirk two-descriptors");
	fd = tcp(HOST, SINK);
	ok(upload(fd, 4 << 20), "4 MiB up, two descriptors at most");
	close(fd);
	ok(host_count("bad_shape") == 0, "no packet of another shape");
	ok(host_count("length_mismatch") == 0, "no wrong length");
	host("unquirk two-descriptors");
}

/*
 * A packet that is shorter than its header says breaks the stream. One that is lost or
 * repeated whole nobody can notice.
 */
static void mangled(void)
{
	static uint8_t buffer[65536];
	static const char *const quirk[] = {
		"truncate=10", "drop-packet=10", "duplicate=50"};

	for (unsigned int i = 0; i < 3; i++) {
		struct timeval limit = {3, 0};
		int fd = tcp(HOST, SOURCE);
		uint64_t begun = now(), done = 0;
		ssize_t got;

		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		host("quirk %s", quirk[i]);
		send_all(fd, "2000000\n", 8);
		while ((got = recv(fd, buffer, sizeof(buffer), 0)) > 0)
			done += (uint64_t)got;
		ok(i ? within(begun, 10000) : got < 0 && errno == ENOBUFS,
			"%s: recv ends after %llu bytes (%s)", quirk[i],
			(unsigned long long)done, got < 0 ? strerror(errno) : "end");
		close(fd);
		host("unquirk %.*s", (int)strcspn(quirk[i], "="), quirk[i]);
	}
	works("mangled packets");
}

static void big_datagrams(void)
{
	static uint8_t buffer[70000];
	int fd = udp(HOST, ECHO);
	ssize_t got;

	host("quirk big-udp=65535");
	send(fd, "x", 1, 0);
	got = wait_for(fd, POLLIN, 3000) ? recv(fd, buffer, sizeof(buffer), 0) : 0;
	ok(got == 0 || got == 65535, "65,535 bytes whole or not at all (%zd)", got);
	host("unquirk big-udp");
	works("oversize datagrams");
}

static void fuzzed(void)
{
	uint16_t port;
	int stream = tcp(HOST, ECHO), datagram = udp(HOST, ECHO);
	int server = listener(AF_INET, 8, &port);
	/* "fuzz=PACKETS" and "seed=N" on the kernel's command line. */
	const char *packets = getenv("fuzz"), *given = getenv("seed");
	unsigned long seed = given ? strtoul(given, NULL, 10) : (unsigned long)time(NULL);

	if (!packets)
		packets = "10000";
	printf("# fuzz seed %lu\n", seed);
	host("fuzz %s %lu", packets, seed);
	while (host_count("fuzz_left"))
		pause_ms(100);
	ok(true, "%s hostile packets, seed %lu", packets, seed);
	close(stream);
	close(datagram);
	close(server);
	works("hostile packets");
}

const struct test hostile_tests[] = {
	{"11 padding", padded, 0},
	{"11 duplicates", twice, 60},
	{"11 Q18 silence", silent, 60},
	{"11 wrong port", wrong_port, 60},
	{"11 late replies", late, 60},
	{"11 too late", too_late, 60},
	{"11 lost replies", lost_replies, 60},
	{"11 blocked host", blocked_host, 60},
	{"11 resets", all_reset, 0},
	{"11 early packets", early, 60},
	{"11 macOS numbers", macos_numbers, 0},
	{"11 Q19 descriptors", shapes, 60},
	{"11 mangled packets", mangled, 120},
	{"11 Q1 Q2 big datagrams", big_datagrams, 0},
	{"11 fuzz", fuzzed, 600},
	{NULL, NULL, 0},
};
