// SPDX-License-Identifier: Apache-2.0
/* Connecting: outcomes, without blocking, with limits and signals. */
#include <linux/sockios.h>

#include "test.h"

static int start(int *ret_fd, const char *ip, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t length = address(&to, ip, port);

	*ret_fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return connect(*ret_fd, (struct sockaddr *)&to, length) ? errno : 0;
}

static int again(int fd, const char *ip, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t length = address(&to, ip, port);

	return connect(fd, (struct sockaddr *)&to, length) ? errno : 0;
}

static int pending_error(int fd)
{
	socklen_t length = sizeof(int);
	int error = -1;

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	return error;
}

static void refused(void)
{
	int fd = tcp(HOST, REFUSED);

	ok(fd < 0 && errno == ECONNREFUSED, "ECONNREFUSED (%d)", errno);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ok(again(fd, HOST, REFUSED) == ECONNREFUSED, "again on another socket");
	ok(again(fd, HOST, ECHO) == 0, "a second attempt on the same one");
	ok(send_all(fd, "ping", 4) && text_is(fd, "ping"), "which works");
	close(fd);
	fd = tcp("127.0.0.1", REFUSED);
	ok(fd < 0 && errno == ECONNREFUSED, "nobody on loopback, here or there");
}

static void unreachable(void)
{
	uint64_t begun = now();
	int fd = tcp(UNREACHABLE, 80);

	ok(fd < 0 && errno == (is("supermachine-0.1") ? ECONNREFUSED : ENETUNREACH),
		"the host's error (%d)", errno);
	ok(within(begun, 2500), "at once");
}

static void nonblocking(void)
{
	int fd, error = start(&fd, HOST, ECHO);

	/* A host may be faster than the return from the call. */
	ok(error == EINPROGRESS || !error, "EINPROGRESS (%d)", error);
	ok(wait_for(fd, POLLOUT, 5000) == POLLOUT, "POLLOUT when done");
	ok(pending_error(fd) == 0, "SO_ERROR 0");
	error = again(fd, HOST, ECHO);
	if (error == 0)
		error = again(fd, HOST, ECHO);
	ok(error == EISCONN, "EISCONN (%d)", error);
	ok(send_all(fd, "ping", 4) && wait_for(fd, POLLIN, 5000), "echo");
	ok(text_is(fd, "ping"), "data");
	close(fd);
}

static void nonblocking_refused(void)
{
	int fd, error = start(&fd, HOST, REFUSED);
	short events;

	for (unsigned int i = 0; i < 20 && error == ECONNREFUSED; i++) {
		close(fd); /* the host was faster than the return from the call */
		error = start(&fd, HOST, REFUSED);
	}
	ok(error == EINPROGRESS, "EINPROGRESS (%d)", error);
	events = wait_for(fd, POLLIN | POLLOUT, 5000);
	ok(events & POLLERR && events & POLLOUT && events & POLLHUP && events & POLLIN,
		"poll tells (%#x)", events);
	error = pending_error(fd);
	ok(error == ECONNREFUSED, "SO_ERROR is ECONNREFUSED (%d)", error);
	ok(pending_error(fd) == 0, "once");
	close(fd);
	error = start(&fd, HOST, REFUSED);
	if (error == EINPROGRESS) {
		wait_for(fd, POLLOUT, 5000);
		error = again(fd, HOST, REFUSED);
	}
	ok(error == ECONNREFUSED, "or connect() tells (%d)", error);
	close(fd);
}

static void black_hole(void)
{
	uint64_t begun = now();
	int fd, error = start(&fd, BLACK_HOLE, 80);
	short events;

	ok(error == EINPROGRESS && within(begun, 500), "does not block (%d)", error);
	error = again(fd, BLACK_HOLE, 80);
	ok(error == EALREADY, "EALREADY (%d)", error);
	if (!supermachine()) {
		ok(!wait_for(fd, POLLIN | POLLOUT, 300), "no events");
	} else {
		events = wait_for(fd, POLLOUT, 6000);
		error = pending_error(fd);
		ok(events & POLLERR && error == (is("supermachine-0.1") ? ECONNREFUSED
									: ETIMEDOUT),
			"the host's own limit (%#x %d)", events, error);
	}
	begun = now();
	ok(!close(fd) && within(begun, 500), "close while it connects");
	fd = tcp(HOST, ECHO);
	ok(fd >= 0 && send_all(fd, "x", 1) && text_is(fd, "x"), "nothing is out of step");
	close(fd);
}

static void limited(void)
{
	struct timeval limit = {0, 400000};
	struct sockaddr_storage to;
	socklen_t length = address(&to, BLACK_HOLE, 80);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	uint64_t begun = now(), took;

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	ok(connect(fd, (struct sockaddr *)&to, length) < 0 && errno == EINPROGRESS,
		"SO_SNDTIMEO: EINPROGRESS (%d)", errno);
	took = now() - begun;
	ok(took >= 200 && took < 2000 * patience, "in time (%llu ms)",
		(unsigned long long)took);
	close(fd);
}

static void nothing(int signal)
{
	(void)signal;
}

static void interrupted(void)
{
	struct sigaction action = {.sa_handler = nothing};
	struct sockaddr_storage to;
	socklen_t length = address(&to, BLACK_HOLE, 80);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int error;

	sigaction(SIGALRM, &action, NULL);
	alarm(1);
	ok(connect(fd, (struct sockaddr *)&to, length) < 0 && errno == EINTR,
		"EINTR (%d)", errno);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	error = again(fd, BLACK_HOLE, 80);
	ok(error == EALREADY, "the attempt goes on: EALREADY (%d)", error);
	signal(SIGALRM, SIG_DFL);
	alarm(10);
	close(fd);
	fd = tcp(HOST, ECHO);
	ok(fd >= 0 && send_all(fd, "x", 1) && text_is(fd, "x"), "nothing is out of step");
	close(fd);
}

static void addresses(void)
{
	struct sockaddr_storage to;
	socklen_t length = address(&to, HOST, ECHO);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ok(connect(fd, (struct sockaddr *)&to, 8) < 0 && errno == EINVAL, "too short");
	ok_errno(!connect(fd, (struct sockaddr *)&to, sizeof(to)), "longer than needed");
	to.ss_family = AF_UNSPEC;
	close(fd);
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	length = address(&to, HOST, ECHO);
	ok(connect(fd, (struct sockaddr *)&to, length) < 0, "the other family");
	close(fd);
}

static void inside(void)
{
	uint16_t port;
	unsigned long before = host_count("connects");
	int fd, peer, server = listener(AF_INET, 8, &port);

	fd = tcp("127.0.0.1", port);
	ok_errno(fd >= 0, "a server of the guest on loopback");
	peer = accept(server, NULL, NULL);
	ok(send_all(fd, "in", 2) && text_is(peer, "in"), "data");
	ok(host_count("connects") == before, "the host knows nothing of it");
	close(fd);
	close(peer);
	close(server);
}

/* Nobody listens on the guest's loopback, but somebody on the host's. */
static void loopback(void)
{
	int fd = tcp("127.0.0.1", ECHO);

	ok_errno(fd >= 0 && send_all(fd, "x", 1) && text_is(fd, "x"),
		"a server of the host's loopback");
	close(fd);
	if (is("supermachine-0.1"))
		return;
	fd = tcp("::1", ECHO);
	ok_errno(fd >= 0 && send_all(fd, "x", 1) && text_is(fd, "x"), "over IPv6");
	close(fd);
}

const struct test connect_tests[] = {
	{"2 refused", refused, 0},
	{"2 unreachable", unreachable, 0},
	{"2 non-blocking", nonblocking, 0},
	{"2 non-blocking, refused", nonblocking_refused, 0},
	{"2 Q18 black hole", black_hole, 0},
	{"2 SO_SNDTIMEO", limited, 0},
	{"2 signal", interrupted, 0},
	{"2 addresses", addresses, 0},
	{"2 inside", inside, 0},
	{"2 loopback of the host", loopback, 0},
	{NULL, NULL, 0},
};
