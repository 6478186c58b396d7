// SPDX-License-Identifier: Apache-2.0
/* Datagrams: connected or not, to the host and inside the guest. */
#include <netinet/udp.h>

#include "test.h"

static ssize_t send_to(
	int fd, const char *ip, uint16_t port, const void *bytes, size_t size)
{
	struct sockaddr_storage to;
	socklen_t length = address(&to, ip, port);

	return sendto(fd, bytes, size, 0, (struct sockaddr *)&to, length);
}

/* The next datagram, within 3 s; *ret_from its sender. */
static ssize_t receive(int fd, void *bytes, size_t size, struct sockaddr_in *ret_from)
{
	socklen_t length = sizeof(*ret_from);

	if (!wait_for(fd, POLLIN, 3000)) {
		errno = ETIMEDOUT;
		return -1;
	}
	return recvfrom(fd, bytes, size, 0, (struct sockaddr *)ret_from, &length);
}

static bool from_is(const struct sockaddr_in *from, const char *ip, uint16_t port)
{
	struct sockaddr_storage expected;

	address(&expected, ip, port);
	return !memcmp(from, &expected, 8);
}

static void connected(void)
{
	struct sockaddr_in from;
	char text[16] = "";
	int fd = udp(HOST, ECHO);

	ok_errno(fd >= 0, "connect");
	ok(send(fd, "ping", 4, 0) == 4, "send");
	ok_errno(receive(fd, text, sizeof(text), &from) == 4 && !memcmp(text, "ping", 4),
		"T5 Q6 the answer");
	ok(from_is(&from, HOST, ECHO), "its source");
	ok(recv(fd, text, 4, MSG_DONTWAIT) < 0 && errno == EAGAIN, "only once");
	close(fd);
}

static void unconnected(void)
{
	struct sockaddr_in from;
	char text[16] = "";
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ok(wait_for(fd, POLLIN | POLLOUT, 0) == POLLOUT, "poll before the first send");
	ok_errno(send_to(fd, HOST, ECHO, "one", 3) == 3, "sendto");
	ok_errno(
		receive(fd, text, sizeof(text), &from) == 3 && from_is(&from, HOST, ECHO),
		"Q7 the answer and its source");
	ok(send(fd, "x", 1, 0) < 0 && errno == EDESTADDRREQ, "send needs a destination");
	close(fd);
}

static void two_peers(void)
{
	struct sockaddr_in from;
	unsigned int good = 0;
	char text[16];
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	for (unsigned int i = 0; i < 4; i++) {
		send_to(fd, HOST, ECHO, "from one", 8);
		send_to(fd, HOST_TOO, ECHO, "from two", 8);
	}
	for (unsigned int i = 0; i < 8; i++) {
		if (receive(fd, text, sizeof(text), &from) != 8)
			break;
		good += from_is(
			&from, memcmp(text, "from one", 8) ? HOST_TOO : HOST, ECHO);
	}
	ok(good == 8, "every answer has its own source (%u of 8)", good);
	close(fd);
}

static void unconnect(void)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	struct sockaddr_in from;
	char text[16];
	int fd = udp(HOST, ECHO);

	send(fd, "x", 1, 0);
	receive(fd, text, sizeof(text), &from);
	ok_errno(!connect(fd, &none, sizeof(none)), "connect to AF_UNSPEC");
	ok(send(fd, "x", 1, 0) < 0 && errno == EDESTADDRREQ, "no peer any more");
	ok(send_to(fd, HOST_TOO, ECHO, "yy", 2) == 2 &&
			receive(fd, text, sizeof(text), &from) == 2 &&
			from_is(&from, HOST_TOO, ECHO),
		"sendto works");
	ok_errno(!connect(fd, (struct sockaddr *)&from, sizeof(from)), "connect again");
	ok(send(fd, "zzz", 3, 0) == 3 && receive(fd, text, sizeof(text), &from) == 3,
		"works");
	close(fd);
}

static void sizes(void)
{
	static const unsigned int size[] = {
		1, 3732, 3733, 4096, 4097, 9000, 60000, 65507};
	static uint8_t buffer[70000];
	struct sockaddr_in from;
	int fd = udp(HOST, SOURCE);

	for (unsigned int i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		char text[16];
		ssize_t got;
		bool good;

		snprintf(text, sizeof(text), "%u", size[i]);
		send(fd, text, strlen(text), 0);
		got = receive(fd, buffer, sizeof(buffer), &from);
		good = got == (ssize_t)size[i];
		for (ssize_t at = 0; at < got; at++)
			good &= buffer[at] == pattern((uint64_t)at);
		ok(good, "T15 Q2 an answer of %u bytes (%zd)", size[i], got);
	}
	close(fd);
	fd = udp(HOST, ECHO);
	for (unsigned int i = 0; i < 65507; i++)
		buffer[i] = pattern(i);
	ok(send(fd, buffer, 65507, 0) == 65507, "sending 65,507 bytes");
	ok(receive(fd, buffer, sizeof(buffer), &from) == 65507 &&
			buffer[65506] == pattern(65506),
		"and back");
	ok(send(fd, buffer, 65508, 0) < 0 && errno == EMSGSIZE, "65,508: EMSGSIZE");
	close(fd);
}

static void truncation(void)
{
	char text[64] = "";
	int fd = udp(HOST, ECHO);
	struct iovec part = {text, 4};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};

	send(fd, "0123456789", 10, 0);
	wait_for(fd, POLLIN, 3000);
	ok(recv(fd, text, 4, MSG_PEEK | MSG_TRUNC) == 10,
		"MSG_TRUNC gives the whole length");
	ok(recvmsg(fd, &msg, 0) == 4 && msg.msg_flags & MSG_TRUNC,
		"the flag says it is cut");
	ok(recv(fd, text, 4, MSG_DONTWAIT) < 0 && errno == EAGAIN, "the rest is gone");
	ok(send(fd, "", 0, 0) == 0, "an empty datagram can be sent");
	close(fd);
}

static void timeout(void)
{
	struct timeval limit = {0, 200000};
	uint64_t begun = now();
	char byte;
	int fd = udp(HOST, DISCARD);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	send(fd, "x", 1, 0);
	ok(recv(fd, &byte, 1, 0) < 0 && errno == EAGAIN && now() - begun >= 100,
		"SO_RCVTIMEO");
	close(fd);
}

static void mapped(void)
{
	char text[8] = "";
	int fd = udp(MAPPED, ECHO);

	ok(send(fd, "ping", 4, 0) == 4 && wait_for(fd, POLLIN, 3000) &&
			recv(fd, text, 8, 0) == 4,
		"T7 Q16 connected, v4-mapped");
	close(fd);
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	ok(send_to(fd, MAPPED, ECHO, "pong", 4) == 4 && wait_for(fd, POLLIN, 3000) &&
			recv(fd, text, 8, 0) == 4,
		"T7 Q16 sendto, v4-mapped");
	close(fd);
}

static void inet6(void)
{
	char text[8] = "";
	int fd = udp(HOST6, ECHO);

	if (is("supermachine-0.1")) {
		ok(fd < 0 && errno == EAFNOSUPPORT, "no IPv6: EAFNOSUPPORT (%d)", errno);
		return;
	}
	ok_errno(fd >= 0, "connect");
	ok(send(fd, "ping", 4, 0) == 4 && wait_for(fd, POLLIN, 3000) &&
			recv(fd, text, 8, 0) == 4,
		"connected");
	close(fd);
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	ok(send_to(fd, HOST6, ECHO, "pong", 4) == 4, "sendto");
	if (is("libkrun-1.18"))
		skip("this host never hears answers over IPv6 to sendto");
	else
		ok(wait_for(fd, POLLIN, 3000) && recv(fd, text, 8, 0) == 4, "its answer");
	close(fd);
}

static void unreachable(void)
{
	int fd = udp(UNREACHABLE, 53);

	if (is("supermachine-0.1")) {
		skip("this host does not look for a way");
		return;
	}
	/* getaddrinfo() sorts by this. */
	ok(fd < 0 && errno == ENETUNREACH, "connect tells that there is no way (%d)",
		errno);
}

/* A server that answers whoever asks, in a child. */
static uint16_t serve(bool polled, const char *ip)
{
	struct sockaddr_storage at;
	socklen_t length = address(&at, ip, 0);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint16_t port;

	bind(fd, (struct sockaddr *)&at, length);
	port = local_port(fd);
	if (fork())
		return port;
	for (;;) {
		struct sockaddr_storage from;
		char text[64];
		ssize_t got;

		length = sizeof(from);
		if (polled && !wait_for(fd, POLLIN | POLLPRI, -1))
			continue;
		got = recvfrom(
			fd, text, sizeof(text), 0, (struct sockaddr *)&from, &length);
		if (got > 0)
			sendto(fd, text, (size_t)got, 0, (struct sockaddr *)&from,
				length);
	}
}

static void local_server(void)
{
	for (unsigned int polled = 0; polled < 2; polled++) {
		uint16_t port = serve(polled, polled ? "127.0.0.1" : "0.0.0.0");
		struct sockaddr_in from;
		char text[16];
		int fd = udp("127.0.0.1", port);

		ok(send(fd, "local", 5, 0) == 5 &&
				receive(fd, text, sizeof(text), &from) == 5,
			"a %s server, connected", polled ? "polled" : "blocking");
		close(fd);
		fd = socket(AF_INET, SOCK_DGRAM, 0);
		ok(send_to(fd, "127.0.0.1", port, "local", 5) == 5 &&
				receive(fd, text, sizeof(text), &from) == 5 &&
				from_is(&from, "127.0.0.1", port),
			"sendto");
		/* The same socket to the host, and back. */
		ok(send_to(fd, HOST, ECHO, "host", 4) == 4 &&
				receive(fd, text, sizeof(text), &from) == 4 &&
				from_is(&from, HOST, ECHO),
			"the host from the same socket");
		ok(send_to(fd, "127.0.0.1", port, "again", 5) == 5 &&
				receive(fd, text, sizeof(text), &from) == 5,
			"and the guest again");
		close(fd);
	}
}

static void segmentation(void)
{
	int size = 100;
	int fd = udp(HOST, ECHO);

	ok(setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof(size)) < 0 &&
			errno == ENOPROTOOPT,
		"UDP_SEGMENT is refused");
	ok(setsockopt(fd, SOL_UDP, UDP_GRO, &size, sizeof(size)) < 0 &&
			errno == ENOPROTOOPT,
		"UDP_GRO is refused");
	close(fd);
}

static void connected_sendto(void)
{
	bool main_answered = false, misattributed = false;
	struct sockaddr_in from;
	char text[16];
	int fd = udp(HOST, ECHO);

	ok(send_to(fd, HOST_TOO, ECHO, "aside", 5) == 5, "sendto on a connected socket");
	ok(send(fd, "main", 4, 0) == 4, "and send");
	/* A stock kernel would drop the answer of the other one. */
	for (unsigned int i = 0; i < 2 && !main_answered; i++) {
		ssize_t got = receive(fd, text, sizeof(text), &from);

		main_answered = got == 4 && from_is(&from, HOST, ECHO);
		misattributed |= !from_is(&from, got == 4 ? HOST : HOST_TOO, ECHO);
	}
	ok(main_answered && !misattributed, "answers have their own sources");
	close(fd);
}

/* A stub resolver of the host: loopback without a server in the guest. */
static void stub(void)
{
	static const char query[] = "\0\1\1\0\0\1\0\0\0\0\0\0\4host\0\0\1\0\1";
	struct sockaddr_in from;
	char answer[512];
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ok(send_to(fd, "127.0.0.53", DNS, query, sizeof(query) - 1) > 0, "sendto");
	ok(receive(fd, answer, sizeof(answer), &from) > 28 &&
			from_is(&from, "127.0.0.53", DNS),
		"the answer and its source");
	close(fd);
	fd = udp("127.0.0.53", DNS);
	ok(send(fd, query, sizeof(query) - 1, 0) > 0 &&
			receive(fd, answer, sizeof(answer), &from) > 28,
		"connected");
	close(fd);
}

static void empty(void)
{
	uint16_t port = serve(true, "127.0.0.1");
	struct sockaddr_in from;
	char text[8];
	int fd = udp("127.0.0.1", port);

	ok(send(fd, "", 0, 0) == 0 && send(fd, "x", 1, 0) == 1,
		"an empty datagram inside the guest");
	close(fd);
	fd = udp(HOST, ECHO);
	ok(send(fd, "", 0, 0) == 0 && send(fd, "x", 1, 0) == 1 &&
			receive(fd, text, sizeof(text), &from) == 1,
		"one to the host does no harm");
	close(fd);
}

static void *chatter(void *arg)
{
	int fd = *(int *)arg;
	char ip[16];

	for (unsigned int i = 0; i < 100; i++) {
		snprintf(ip, sizeof(ip), "192.0.2.%u", 1 + i % 9);
		send_to(fd, ip, ECHO, ip, sizeof(ip));
	}
	return NULL;
}

/* One socket, four threads that send, nine peers. */
static void threads(void)
{
	struct sockaddr_in from;
	pthread_t thread[4];
	unsigned int good = 0, wrong = 0;
	char text[64];
	ssize_t got;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	for (unsigned int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, chatter, &fd);
	while (good + wrong < 400 && (got = receive(fd, text, sizeof(text), &from)) > 0)
		if (got == 16 && from_is(&from, text, ECHO))
			good++;
		else
			wrong++;
	for (unsigned int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	ok(!wrong, "no answer has a wrong source (%u)", wrong);
	ok(good >= 200, "most come (%u of 400)", good);
	close(fd);
}

const struct test udp_tests[] = {
	{"5 connected", connected, 0},
	{"5 sendto", unconnected, 0},
	{"5 two peers", two_peers, 0},
	{"5 AF_UNSPEC", unconnect, 0},
	{"5 sizes", sizes, 60},
	{"5 truncation", truncation, 0},
	{"5 SO_RCVTIMEO", timeout, 0},
	{"5 v4-mapped", mapped, 0},
	{"5 IPv6", inet6, 0},
	{"5 unreachable", unreachable, 0},
	{"5 guest-local server", local_server, 0},
	{"5 segmentation", segmentation, 0},
	{"5 connected sendto", connected_sendto, 0},
	{"5 127.0.0.53", stub, 0},
	{"5 Q20 empty", empty, 0},
	{"5 threads", threads, 60},
	{NULL, NULL, 0},
};
