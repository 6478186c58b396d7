// SPDX-License-Identifier: Apache-2.0
/* Listening: reached from the host and from the guest alike. */
#include <sys/epoll.h>

#include "test.h"

static bool talk(int a, int b)
{
	return send_all(a, "one", 3) && text_is(b, "one") && send_all(b, "two", 3) &&
	       text_is(a, "two");
}

static void basic(void)
{
	uint16_t port = 0, from = 0;
	struct sockaddr_in peer;
	socklen_t length = sizeof(peer);
	int fd, client, server = listener(AF_INET, 128, &port);

	ok_errno(server >= 0 && port, "a listener on port 0 has a port");
	client = host_enters(port);
	fd = accept(server, (struct sockaddr *)&peer, &length);
	ok_errno(fd >= 0 && client >= 0, "a connection from the host");
	ok(peer.sin_family == AF_INET && length == sizeof(peer), "its address");
	ok(talk(fd, client), "data both ways");
	ok(local_port(fd) == port, "local port is the listener's (%u)", local_port(fd));
	close(client);
	ok(recv(fd, &from, 1, 0) == 0, "the host's end");
	close(fd);
	client = host_connects(port, &from);
	fd = accept(server, NULL, NULL);
	ok(fd >= 0 && client >= 0 && talk(client, fd), "through the host's real socket");
	if (!is("supermachine-0.1"))
		ok(peer_port(fd) == from, "its peer is known (%u, %u)", peer_port(fd),
			from);
	close(fd);
	close(client);
	ok(!close(server), "close");
	pause_ms(200);
	ok(host_enters(port) < 0, "the host refuses then");
}

static void same_port(void)
{
	uint16_t port;
	int server = listener(AF_INET, 8, &port);
	unsigned long real = strtoul(host("port %u", port), NULL, 10);

	if (supermachine())
		ok(real != 0, "Q12 the host listens somewhere (%lu)", real);
	else
		ok(real == port, "the host's port is the reported one (%lu, %u)", real,
			port);
	close(server);
}

static void unbound(void)
{
	int fd, client, server = socket(AF_INET, SOCK_STREAM, 0);

	ok_errno(!listen(server, 4), "listen without bind");
	ok(local_port(server) != 0, "it has a port");
	client = host_enters(local_port(server));
	fd = accept(server, NULL, NULL);
	ok(fd >= 0 && talk(fd, client), "and is reached");
	close(fd);
	close(client);
	close(server);
}

static void inet6(void)
{
	uint16_t port;
	int fd, client, server = listener(AF_INET6, 16, &port);
	struct sockaddr_in6 peer;
	socklen_t length = sizeof(peer);

	ok_errno(server >= 0 && port, "a listener on [::]");
	client = host_enters(port);
	fd = accept(server, (struct sockaddr *)&peer, &length);
	ok_errno(fd >= 0 && talk(fd, client), "a connection");
	ok(peer.sin6_family == AF_INET6 && length == sizeof(peer), "of its own family");
	close(fd);
	close(client);
	client = tcp("127.0.0.1", port);
	fd = accept(server, NULL, NULL);
	ok_errno(fd >= 0 && talk(fd, client), "IPv4 inside the guest");
	close(server);
}

static void backlogs(void)
{
	static const int backlog[] = {0, 1, 4096, 65535};

	for (unsigned int i = 0; i < 4; i++) {
		uint16_t port;
		int fd, client, server = listener(AF_INET, backlog[i], &port);

		client = host_enters(port);
		fd = accept(server, NULL, NULL);
		ok(fd >= 0 && talk(fd, client), "backlog %d", backlog[i]);
		close(fd);
		close(client);
		close(server);
	}
}

static void nonblocking(void)
{
	uint16_t port;
	unsigned long accepts = host_count("accepts");
	uint64_t begun;
	int fd, client, server = listener(AF_INET, 8, &port);

	fcntl(server, F_SETFL, O_NONBLOCK);
	begun = now();
	for (unsigned int i = 0; i < 1000; i++)
		fd = accept(server, NULL, NULL);
	ok(fd < 0 && errno == EAGAIN, "EAGAIN");
	ok(within(begun, 5000), "at once, a thousand times (%llu ms)",
		(unsigned long long)(now() - begun));
	ok(host_count("accepts") == accepts, "the host is not asked");
	ok(!wait_for(server, POLLIN, 50), "not readable");
	client = host_enters(port);
	ok(wait_for(server, POLLIN, 5000) == POLLIN, "readable");
	fd = accept4(server, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ok(fd >= 0 && fcntl(fd, F_GETFL) & O_NONBLOCK && fcntl(fd, F_GETFD) & FD_CLOEXEC,
		"accept4's flags");
	ok(accept(server, NULL, NULL) < 0 && errno == EAGAIN, "empty again");
	close(client);
	close(fd);
	close(server);
}

static void *blocked(void *arg)
{
	return (void *)(intptr_t)(accept(*(int *)arg, NULL, NULL) < 0 ? errno : 0);
}

static void blocked_accept(void)
{
	uint16_t port;
	uint64_t begun;
	pthread_t thread;
	void *error;
	int client, server = listener(AF_INET, 8, &port);

	pthread_create(&thread, NULL, blocked, &server);
	pause_ms(200);
	begun = now();
	ok(local_port(server) == port && within(begun, 200),
		"getsockname does not wait for a blocked accept");
	ok(!shutdown(server, SHUT_RD) && within(begun, 400), "nor does shutdown");
	pthread_join(thread, &error);
	ok((intptr_t)error == EINVAL, "which wakes it: EINVAL (%d)",
		(int)(intptr_t)error);
	close(server);

	server = listener(AF_INET, 8, &port);
	pthread_create(&thread, NULL, blocked, &server);
	pause_ms(100);
	client = host_enters(port);
	pthread_join(thread, &error);
	ok(!error, "a blocked accept takes a connection");
	close(client);
	close(server);
}

static void limited(void)
{
	struct timeval limit = {0, 300000};
	uint16_t port;
	uint64_t begun = now();
	int server = listener(AF_INET, 8, &port);

	setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	ok(accept(server, NULL, NULL) < 0 && errno == EAGAIN && now() - begun >= 150,
		"SO_RCVTIMEO: accept gives up");
	close(server);
}

enum { CHILDREN = 4, CLIENTS = 12 };

static void serve(int server)
{
	int fd = accept(server, NULL, NULL);

	if (fd >= 0 && !send_all(fd, "served", 6))
		_exit(1);
	close(fd);
}

static void blocking_child(int server)
{
	for (;;)
		serve(server);
}

/* As nginx: one of the processes is woken for each connection. */
static void polling_child(int server)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE};
	int queue = epoll_create1(0);

	epoll_ctl(queue, EPOLL_CTL_ADD, server, &event);
	while (epoll_wait(queue, &event, 1, -1) == 1)
		serve(server);
	_exit(1);
}

static void processes(void (*child)(int), bool blocks)
{
	uint16_t port;
	int client[CLIENTS], server = listener(AF_INET, 64, &port);
	unsigned int good = 0;

	if (!blocks)
		fcntl(server, F_SETFL, O_NONBLOCK);
	for (unsigned int i = 0; i < CHILDREN; i++)
		if (!fork())
			child(server);
	for (unsigned int i = 0; i < CLIENTS; i++)
		client[i] = i % 3 ? host_enters(port) : tcp("127.0.0.1", port);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		good += client[i] >= 0 && text_is(client[i], "served");
		close(client[i]);
	}
	ok(good == CLIENTS, "four processes serve clients of both sides (%u of %u)", good,
		CLIENTS);
}

static void pre_fork(void)
{
	processes(blocking_child, true);
}

static void exclusive(void)
{
	processes(polling_child, false);
}

static void both_sides(void)
{
	uint16_t port;
	unsigned long before = host_count("connects");
	int server = listener(AF_INET, 8, &port);
	int inner = tcp("127.0.0.1", port);
	int a = accept(server, NULL, NULL);
	int outer, b;

	ok(inner >= 0 && talk(inner, a), "a client inside the guest");
	ok(host_count("connects") == before, "Q12 does not leave it");
	outer = host_enters(port);
	b = accept(server, NULL, NULL);
	ok(outer >= 0 && talk(outer, b) && talk(a, inner), "and one outside at once");
	close(inner);
	close(outer);
	close(server);
}

static void refused(void)
{
	static const int error[] = {1, 13, 98, 99};

	for (unsigned int i = 0; i < 4; i++) {
		uint16_t port;
		int fd, client, server;

		host("quirk listen-error=%d", error[i]);
		server = listener(AF_INET, 8, &port);
		ok_errno(server >= 0, "the host refuses with %d, listen() works",
			error[i]);
		client = tcp("127.0.0.1", port);
		fd = accept(server, NULL, NULL);
		ok(client >= 0 && talk(fd, client), "and so do clients inside");
		close(client);
		close(fd);
		close(server);
	}
	host("unquirk listen-error");
}

static void taken(void)
{
	unsigned long before = host_count("listens");
	uint16_t port, chosen;
	int server, named = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_storage any;
	socklen_t length = address(&any, "0.0.0.0", 0);

	if (supermachine()) {
		skip("this host takes any port");
		return;
	}
	host("quirk listen-busy=3");
	server = listener(AF_INET6, 8, &port);
	ok(server >= 0 && host_count("listens") == before + 4,
		"an automatic port that the host cannot have is changed");
	ok(strtoul(host("port %u", port), NULL, 10) == port, "until the host has it (%u)",
		port);
	close(server);
	server = socket(AF_INET, SOCK_STREAM, 0);
	host("quirk listen-busy=2");
	ok(!listen(server, 8) && host_count("listens") == before + 7,
		"without bind, too");
	close(server);

	bind(named, (struct sockaddr *)&any, length);
	chosen = local_port(named);
	host("quirk listen-busy=1");
	ok(!listen(named, 8) && local_port(named) == chosen &&
			host_count("listens") == before + 8,
		"unless the program knows it");
	close(named);
	host("unquirk listen-busy");
}

static void reopened(void)
{
	unsigned long before = host_count("port_decreases");
	const char *state, *at;
	unsigned int live = 0;
	uint16_t port = 0;
	int server = -1;

	for (unsigned int i = 0; i < 100; i++) {
		close(server);
		server = listener(AF_INET, 8, &port);
	}
	pause_ms(200);
	state = host("state");
	for (at = state; (at = strstr(at, "\"state\":\"listening\"")); at++)
		live++;
	ok(live == 1, "T10 Q11 one live listener after a hundred (%u)", live);
	ok(host_count("port_decreases") == before, "T10 Q11 P strictly increases");
	close(server);
}

static void flood(void)
{
	enum { CLIENTS = 200 };
	unsigned long resets = host_count("guest_rst");
	int client[CLIENTS], server, fd;
	unsigned int good = 0;
	uint16_t port;

	server = listener(AF_INET, 8, &port);
	for (unsigned int i = 0; i < CLIENTS; i++)
		client[i] = host_open("tcp %u", port);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		fd = accept(server, NULL, NULL);
		good += fd >= 0 && send_all(fd, "x", 1);
		close(fd);
	}
	for (unsigned int i = 0; i < CLIENTS; i++)
		if (!text_is(client[i], "ok\nx"))
			good = 0;
	ok(good == CLIENTS, "T9 Q10 %u clients before the first accept (%u)", CLIENTS,
		good);
	ok(host_count("refused_offers") == 0, "T9 Q10 none is refused");
	ok(host_count("guest_rst") - resets <= 2 * CLIENTS, "T9 resets only after close");
}

static void specific(void)
{
	struct sockaddr_storage at;
	socklen_t length = address(&at, "127.0.0.1", 0);
	int fd, client, server = socket(AF_INET, SOCK_STREAM, 0);
	uint16_t port;

	bind(server, (struct sockaddr *)&at, length);
	ok_errno(!listen(server, 8), "bind to 127.0.0.1");
	port = local_port(server);
	client = tcp("127.0.0.1", port);
	fd = accept(server, NULL, NULL);
	ok(client >= 0 && talk(fd, client), "reached inside");
	close(server);
	length = address(&at, "192.0.2.200", 0);
	server = socket(AF_INET, SOCK_STREAM, 0);
	ok(bind(server, (struct sockaddr *)&at, length) < 0 && errno == EADDRNOTAVAIL,
		"an address the guest lacks");
	server = socket(AF_INET, SOCK_STREAM, 0);
	length = address(&at, "0.0.0.0", local_port(client));
	ok(bind(server, (struct sockaddr *)&at, length) < 0 || listen(server, 1) < 0,
		"a port in use");
}

const struct test listen_tests[] = {
	{"3 basic", basic, 0},
	{"3 Q12 port", same_port, 0},
	{"3 without bind", unbound, 0},
	{"3 IPv6", inet6, 0},
	{"3 backlog", backlogs, 0},
	{"3 non-blocking accept", nonblocking, 0},
	{"3 blocked accept", blocked_accept, 0},
	{"3 SO_RCVTIMEO", limited, 0},
	{"3 pre-fork", pre_fork, 0},
	{"3 EPOLLEXCLUSIVE", exclusive, 0},
	{"3 both sides", both_sides, 0},
	{"3 host refuses", refused, 0},
	{"3 port taken on the host", taken, 0},
	{"3 reopened", reopened, 60},
	{"3 flood", flood, 90},
	{"3 addresses", specific, 0},
	{NULL, NULL, 0},
};
