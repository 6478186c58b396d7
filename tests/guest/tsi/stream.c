// SPDX-License-Identifier: Apache-2.0
/* Connected streams: bytes both ways, and how they end. */
#include "test.h"

#define MIB (1024u * 1024)

static void echo(const char *ip, const char *what)
{
	int fd = tcp(ip, ECHO);

	ok_errno(fd >= 0, "connect to %s", what);
	ok(send_all(fd, "ping", 4) && text_is(fd, "ping"), "echo over %s", what);
	ok(!close(fd), "close");
}

static void inet(void)
{
	echo(HOST, "IPv4");
}

static void inet6(void)
{
	uint64_t start = now();
	int fd;

	if (!is("supermachine-0.1")) {
		echo(HOST6, "IPv6");
		return;
	}
	fd = tcp(HOST6, ECHO);
	ok(fd < 0 && errno == EAFNOSUPPORT && within(start, 1000),
		"a host without IPv6 says so at once (%d)", errno);
}

static void mapped(void)
{
	echo(MAPPED, "a v4-mapped address");
}

static void sizes(void)
{
	static const uint64_t size[] = {1, 4096, 65536, 300000};

	for (unsigned int i = 0; i < 4; i++) {
		int fd = tcp(HOST, SOURCE);

		ok(download(fd, size[i]), "%llu bytes down", (unsigned long long)size[i]);
		close(fd);
		fd = tcp(HOST, SINK);
		ok(upload(fd, size[i]), "%llu bytes up", (unsigned long long)size[i]);
		close(fd);
	}
}

static void bulk(void)
{
	int fd = tcp(HOST, SOURCE);

	ok(download(fd, 64 * MIB), "64 MiB down");
	close(fd);
	fd = tcp(HOST, SINK);
	ok(upload(fd, 64 * MIB), "64 MiB up");
	close(fd);
}

static void *writer(void *arg)
{
	send_pattern(*(int *)arg, 4 * MIB);
	return NULL;
}

static void duplex(void)
{
	int fd = tcp(HOST, ECHO);
	pthread_t thread;

	pthread_create(&thread, NULL, writer, &fd);
	ok(receive_pattern(fd, 4 * MIB) == 4 * MIB,
		"4 MiB through the echo, two threads");
	pthread_join(thread, NULL);
	close(fd);
}

/* Data with fwd_cnt 0 between updates that say more: the guest must not believe it. */
static void backwards(void)
{
	host("quirk zero-fwd");
	host("quirk window=262144");
	host("quirk update-after=65536");
	duplex();
	host("unquirk zero-fwd");
	host("unquirk window");
	host("unquirk update-after");
}

static void greeting(void)
{
	for (unsigned int i = 0; i < 5; i++) {
		int fd = tcp(HOST, GREET);

		if (!text_is(fd, "hello\n")) {
			ok(false, "a server that speaks first, time %u", i);
			return;
		}
		close(fd);
	}
	ok(true, "a server that speaks first");
}

static void brief(void)
{
	char byte;
	int fd = tcp(HOST, BRIEF);

	ok(text_is(fd, "bye\n"), "data of a server that closes at once");
	ok_errno(recv(fd, &byte, 1, 0) == 0, "then the end");
	ok(recv(fd, &byte, 1, 0) == 0, "and again");
	close(fd);
}

static void slow_reader(void)
{
	int fd = tcp(HOST, SOURCE);

	request(fd, 8 * MIB);
	pause_ms(1500);
	ok(receive_pattern(fd, 8 * MIB) == 8 * MIB, "T2 everything, without a hole");
	close(fd);
}

/* A reader that gets little of the CPU is slow, but it reads. */
static void busy_guest(void)
{
	int fd = tcp(HOST, SOURCE);

	for (unsigned int i = 0; i < 8; i++)
		if (!fork())
			for (;;)
				;
	ok(download(fd, 32 * MIB), "T1 32 MiB down beside eight busy processes");
	close(fd);
}

/* Little in each packet, and nobody who reads: their overhead must not count. */
static void small_packets(void)
{
	static const unsigned int size[] = {1, 100, 200, 1000};

	for (unsigned int i = 0; i < 4; i++) {
		int fd = tcp(HOST, SOURCE);
		uint64_t total = size[i] < 100 ? 20000 : MIB;

		host("quirk max-packet=%u", size[i]);
		request(fd, total);
		pause_ms(1000);
		ok(receive_pattern(fd, total) == (int64_t)total, "of %u bytes each",
			size[i]);
		close(fd);
		host("unquirk max-packet");
	}
}

static void half_close(void)
{
	char text[8] = "";
	int fd = tcp(HOST, HALF);
	uint64_t begun;
	ssize_t got;

	send_all(fd, "12345", 5);
	ok_errno(!shutdown(fd, SHUT_WR), "shutdown of sending");
	ok(send(fd, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "no more sends");
	if (supermachine()) {
		/* A server that waits for FIN never gets one from such a host. */
		close(fd);
		parameter("halfclose_ms", "1500");
		fd = tcp(HOST, HALF);
		send_all(fd, "12345", 5);
		begun = now();
		shutdown(fd, SHUT_WR);
		ok(recv(fd, text, 1, 0) <= 0 && now() - begun >= 1000 &&
				within(begun, 5000),
			"Q23 a reader does not wait for ever (%llu ms)",
			(unsigned long long)(now() - begun));
		parameter("halfclose_ms", "30000");
		return;
	}
	got = recv_all(fd, text, 6);
	if (is("libkrun-1.19.7"))
		ok(!strcmp(text, "got 5\n"), "the answer after FIN");
	else
		ok(!got || !strcmp(text, "got 5\n"), "the answer after FIN or the end");
}

/* Request, half-close, read the answer: the answer must survive a host that takes any
 * SHUTDOWN for the end. */
static void held_back(void)
{
	static uint8_t buffer[65536];
	uint64_t done = 0;
	ssize_t got;
	int fd = tcp(HOST, SOURCE);

	if (is("libkrun-1.18") || is("macos")) {
		skip("the host loses the tail of an answer by a race");
		return;
	}
	send_all(fd, "500000\n", 7);
	shutdown(fd, SHUT_WR);
	while ((got = recv(fd, buffer, sizeof(buffer), 0)) > 0)
		done += (uint64_t)got;
	ok(done == 500000, "T11 the whole answer after a half-close (%llu)",
		(unsigned long long)done);
	ok_errno(got == 0, "T11 then the end");
	close(fd);
}

static void remote_half_close(void)
{
	unsigned long before = host_count("halfclose_bytes");
	int fd = tcp(HOST, HALFCLOSE);
	unsigned long after = 0;
	char byte;

	ok(text_is(fd, "done\n") && recv(fd, &byte, 1, 0) == 0,
		"data and FIN of the host");
	if (!is("libkrun-1.19.7") && !is("supermachine-0.7")) {
		skip("this host's end is that of both directions");
		return;
	}
	ok_errno(send_all(fd, "still here", 10), "sending goes on");
	close(fd);
	for (unsigned int i = 0; i < 40 && after != before + 10; i++) {
		pause_ms(50);
		after = host_count("halfclose_bytes");
	}
	ok(after == before + 10, "and arrives (%lu)", after - before);
}

static void remote_reset(void)
{
	int fd = tcp(HOST, RESET);
	char byte;
	ssize_t got;
	unsigned int i;

	send_all(fd, "x", 1);
	got = recv(fd, &byte, 1, 0);
	ok(got == 0 || errno == ECONNRESET, "a reset ends reading");
	for (i = 0; i < 100 && send(fd, "x", 1, MSG_NOSIGNAL) == 1; i++)
		pause_ms(20);
	ok(i < 100 && (errno == EPIPE || errno == ECONNRESET), "and sending");
}

static void stuck_remote(void)
{
	static uint8_t block[65536];
	uint64_t start, total = 0;
	ssize_t put;
	int fd = tcp(HOST, STUCK);

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (total < 64 * MIB && wait_for(fd, POLLOUT, 1000) &&
		(put = send(fd, block, sizeof(block), MSG_NOSIGNAL)) > 0)
		total += (uint64_t)put;
	if (!is("supermachine-0.1")) {
		ok(total < 64 * MIB, "a remote that does not read stops the sender");
		ok(send(fd, block, 1, MSG_NOSIGNAL) < 0 && errno == EAGAIN, "EAGAIN");
	}
	start = now();
	close(fd);
	ok(within(start, 2000), "close does not wait for it");
	echo(HOST, "another socket meanwhile");
}

static void timeouts(void)
{
	struct timeval limit = {0, 300000};
	uint64_t start;
	char byte;
	int fd = tcp(HOST, ECHO);

	ok(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)),
		"SO_RCVTIMEO");
	start = now();
	ok(recv(fd, &byte, 1, 0) < 0 && errno == EAGAIN, "recv gives up");
	ok(now() - start >= 150 && within(start, 3000), "in time (%llu ms)",
		(unsigned long long)(now() - start));
	close(fd);
	fd = tcp(HOST, STUCK);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (is("supermachine-0.1")) {
		skip("a window of 2 GiB never fills");
		return;
	}
	for (;;) {
		static uint8_t block[65536];
		ssize_t put = send(fd, block, sizeof(block), MSG_NOSIGNAL);

		if (put < 0)
			break;
	}
	ok(errno == EAGAIN, "SO_SNDTIMEO: send gives up");
}

static void flags(void)
{
	static uint8_t buffer[MIB];
	int fd = tcp(HOST, SOURCE);
	char text[8] = "";
	ssize_t got;

	send_all(fd, "1048576\n", 8);
	got = recv(fd, buffer, sizeof(buffer), MSG_WAITALL);
	ok_errno(got == (ssize_t)sizeof(buffer), "MSG_WAITALL of 1 MiB (%zd)", got);
	close(fd);
	fd = tcp(HOST, ECHO);
	send_all(fd, "abcdef", 6);
	ok(recv(fd, text, 3, MSG_PEEK) == 3 && !memcmp(text, "abc", 3), "MSG_PEEK");
	ok(recv(fd, text, 6, MSG_WAITALL) == 6 && !strcmp(text, "abcdef"), "and recv");
	ok(recv(fd, text, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "MSG_DONTWAIT");
	send_all(fd, "ghi", 3);
	ok(recv(fd, text, 2, MSG_TRUNC | MSG_WAITALL) == 2 && !strcmp(text, "abcdef") &&
			text_is(fd, "i"),
		"MSG_TRUNC takes bytes and copies none");
	ok(send(fd, "x", 1, MSG_OOB) < 0, "no urgent data to the host");
	ok(sendto(fd, "y", 1, 0,
		   (struct sockaddr *)&(struct sockaddr_in){.sin_family = AF_INET},
		   sizeof(struct sockaddr_in)) == 1,
		"an address on a connected stream is ignored");
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ok(send(fd, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "EPIPE before connect");
	ok(recv(fd, text, 1, 0) < 0 && errno == ENOTCONN, "ENOTCONN before connect");
	ok(shutdown(fd, SHUT_RDWR) < 0 && errno == ENOTCONN, "shutdown before connect");
	close(fd);
}

static void *blocked_reader(void *arg)
{
	char byte;

	return (void *)(intptr_t)recv(*(int *)arg, &byte, 1, 0);
}

static void shutdown_wakes(void)
{
	int fd = tcp(HOST, ECHO);
	pthread_t thread;
	void *result;

	pthread_create(&thread, NULL, blocked_reader, &fd);
	pause_ms(200);
	ok(send(fd, "", 0, MSG_NOSIGNAL) == 0, "a send while another thread reads");
	ok(!shutdown(fd, SHUT_RDWR), "shutdown while another thread reads");
	pthread_join(thread, &result);
	ok((intptr_t)result == 0, "the reader sees the end");
}

const struct test stream_tests[] = {
	{"1 IPv4", inet, 0},
	{"1 IPv6", inet6, 0},
	{"1 T7 Q16 v4-mapped", mapped, 0},
	{"1 sizes", sizes, 0},
	{"1 T1 T3 T14 Q4 Q22 bulk", bulk, 120},
	{"1 full duplex", duplex, 60},
	{"1 T3 Q5 fwd_cnt backwards", backwards, 60},
	{"1 greeting", greeting, 0},
	{"1 brief", brief, 0},
	{"1 Q3 slow reader", slow_reader, 90},
	{"1 Q3 busy guest", busy_guest, 120},
	{"1 Q3 small packets", small_packets, 120},
	{"1 half-close", half_close, 0},
	{"1 Q8 half-close held back", held_back, 60},
	{"1 Q8 remote half-close", remote_half_close, 0},
	{"1 remote reset", remote_reset, 0},
	{"1 stuck remote", stuck_remote, 60},
	{"1 timeouts", timeouts, 60},
	{"9 message flags", flags, 60},
	{"1 shutdown wakes a reader", shutdown_wakes, 0},
	{NULL, NULL, 0},
};
