// SPDX-License-Identifier: Apache-2.0
/* poll, epoll and SIGIO see what happens on either side of a socket. */
#include <sys/epoll.h>

#include "test.h"

static int queue_with(int fd, uint32_t events)
{
	struct epoll_event event = {.events = events};
	int queue = epoll_create1(EPOLL_CLOEXEC);

	epoll_ctl(queue, EPOLL_CTL_ADD, fd, &event);
	return queue;
}

static uint32_t next_event(int queue, int ms)
{
	struct epoll_event event = {0};

	return epoll_wait(queue, &event, 1, ms * (int)patience) == 1 ? event.events : 0;
}

static void before_connect(const char *ip, uint16_t port, uint32_t mode, const char *what)
{
	struct sockaddr_storage to;
	socklen_t length = address(&to, ip, port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int queue = queue_with(fd, EPOLLOUT | EPOLLIN | mode);
	uint32_t events;

	ok(next_event(queue, 0) == (EPOLLOUT | EPOLLHUP),
		"a fresh socket polls as TCP's");
	connect(fd, (struct sockaddr *)&to, length);
	do {
		events = next_event(queue, 5000);
	} while (events & EPOLLHUP && !(events & EPOLLERR));
	ok(events == EPOLLOUT, "added before connect to %s: writable (%#x)", what,
		events);
	close(queue);
	close(fd);
}

static void registered_early(void)
{
	uint16_t port;
	int server = listener(AF_INET, 8, &port);

	before_connect(HOST, ECHO, 0, "the host, level");
	before_connect(HOST, ECHO, EPOLLET, "the host, edge");
	before_connect("127.0.0.1", port, 0, "the guest, level");
	before_connect("127.0.0.1", port, EPOLLET, "the guest, edge");
	close(server);
}

static void data(void)
{
	char text[8];
	int fd = tcp(HOST, ECHO);
	int queue = queue_with(fd, EPOLLIN | EPOLLET);

	ok(!next_event(queue, 0), "no data, no event");
	send_all(fd, "abcd", 4);
	ok(next_event(queue, 5000) == EPOLLIN, "edge: data");
	ok(!next_event(queue, 100), "once");
	recv(fd, text, sizeof(text), 0);
	send_all(fd, "efgh", 4);
	ok(next_event(queue, 5000) == EPOLLIN, "edge: more data");
	close(queue);
	close(fd);
}

static void ends(void)
{
	int fd = tcp(HOST, BRIEF);
	int queue = queue_with(fd, EPOLLIN | EPOLLRDHUP);
	char text[8];
	uint32_t events = 0;

	recv_all(fd, text, 4);
	for (unsigned int i = 0; i < 50 && !(events & EPOLLRDHUP); i++)
		events = next_event(queue, 100);
	ok(events & EPOLLIN && events & EPOLLRDHUP, "the host's end (%#x)", events);
	close(queue);
	close(fd);
}

static void listening(void)
{
	uint16_t port;
	int inner, outer, server = listener(AF_INET, 8, &port);
	int queue = queue_with(server, EPOLLIN | EPOLLET);

	ok(!next_event(queue, 0), "nobody, no event");
	inner = tcp("127.0.0.1", port);
	ok(next_event(queue, 5000) == EPOLLIN, "a client of the guest");
	close(accept(server, NULL, NULL));
	outer = host_enters(port);
	ok(next_event(queue, 5000) == EPOLLIN, "a client of the host");
	close(accept(server, NULL, NULL));
	close(inner);
	close(outer);
	close(queue);
	close(server);
}

static void datagrams(void)
{
	struct sockaddr_storage at, host_address;
	socklen_t length = address(&at, "127.0.0.1", 0);
	int server = socket(AF_INET, SOCK_DGRAM, 0);
	int client = socket(AF_INET, SOCK_DGRAM, 0);
	int queue;
	char text[8];

	bind(server, (struct sockaddr *)&at, length);
	getsockname(server, (struct sockaddr *)&at, &length);
	queue = queue_with(server, EPOLLIN | EPOLLET);
	ok(!next_event(queue, 0) && wait_for(server, POLLOUT, 0) == POLLOUT,
		"a fresh datagram socket is writable only");
	sendto(client, "in", 2, 0, (struct sockaddr *)&at, length);
	ok(next_event(queue, 5000) & EPOLLIN && recv(server, text, 8, 0) == 2,
		"a datagram of the guest");
	length = address(&host_address, HOST, ECHO);
	sendto(server, "out", 3, 0, (struct sockaddr *)&host_address, length);
	ok(next_event(queue, 5000) & EPOLLIN && recv(server, text, 8, 0) == 3,
		"one of the host, on the same socket");
	sendto(client, "last", 4, 0, (struct sockaddr *)&at, length);
	ok(next_event(queue, 5000) & EPOLLIN && recv(server, text, 8, 0) == 4,
		"and one of the guest again");
	close(queue);
	close(client);
	close(server);
}

static volatile sig_atomic_t signals;

static void count_signal(int signal)
{
	(void)signal;
	signals++;
}

static void sigio(void)
{
	struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
	int fd = tcp(HOST, ECHO);

	sigaction(SIGIO, &action, NULL);
	fcntl(fd, F_SETOWN, getpid());
	fcntl(fd, F_SETFL, O_ASYNC);
	send_all(fd, "x", 1);
	for (unsigned int i = 0; i < 100 && !signals; i++)
		pause_ms(20);
	ok(signals > 0, "SIGIO on data of the host");
	close(fd);
}

static void credit_regained(void)
{
	static uint8_t block[65536];
	int fd = tcp(HOST, SLOW);
	unsigned long long total = 0;
	uint64_t begun = now();
	bool full = false;

	if (is("supermachine-0.1")) {
		skip("a window of 2 GiB never fills");
		close(fd);
		return;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	send_all(fd, "999999999\n", 10);
	/* The host still takes some of it, and after 2 s the service reads. */
	while (!full && now() - begun < 1900) {
		ssize_t put = send(fd, block, sizeof(block), MSG_NOSIGNAL);

		if (put > 0)
			total += (unsigned long long)put;
		else
			full = errno == EAGAIN && !wait_for(fd, POLLOUT, 100);
	}
	if (full)
		ok(wait_for(fd, POLLOUT, 10000) == POLLOUT,
			"writable once the host has read (%llu were its window)", total);
	else
		skip("the host read before its window was full (%llu)", total);
	close(fd);
}

const struct test poll_tests[] = {
	{"7 registered before connect", registered_early, 0},
	{"7 data", data, 0},
	{"7 end", ends, 0},
	{"7 listener", listening, 0},
	{"7 datagrams", datagrams, 0},
	{"7 SIGIO", sigio, 0},
	{"7 credit regained", credit_regained, 0},
	{NULL, NULL, 0},
};
