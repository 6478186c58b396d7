// SPDX-License-Identifier: Apache-2.0
/* AF_UNIX is the guest's own unless tsi_hijack_unix says otherwise. */
#include <stddef.h>
#include <sys/un.h>

#include "test.h"

static void local(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "/tmp/local"};
	unsigned long before = host_count("creates");
	int server = socket(AF_UNIX, SOCK_STREAM, 0);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);
	int fd;

	unlink(at.sun_path);
	ok_errno(!bind(server, (struct sockaddr *)&at, sizeof(at)) && !listen(server, 8),
		"bind and listen");
	ok_errno(!connect(client, (struct sockaddr *)&at, sizeof(at)), "connect");
	fd = accept(server, NULL, NULL);
	ok(send_all(client, "x", 1) && text_is(fd, "x"), "data");
	ok(host_count("creates") == before, "the host knows nothing of it");
}

static socklen_t path(struct sockaddr_un *at, const char *text)
{
	memset(at, 0, sizeof(*at));
	at->sun_family = AF_UNIX;
	strcpy(at->sun_path, text);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(text) + 1);
}

static int to_path(const char *text)
{
	struct sockaddr_un at;
	socklen_t length = path(&at, text);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (!connect(fd, (struct sockaddr *)&at, length))
		return fd;
	close(fd);
	return -1;
}

/* The host's root is a directory whose "control" is its control socket. */
static void outside(void)
{
	char text[16] = "";
	int fd = to_path("/control");

	ok_errno(fd >= 0, "connect to a socket of the host");
	ok(send_all(fd, "state\n", 6) && recv_all(fd, text, 10) == 10 &&
			!strcmp(text, "{\"family\":"),
		"it answers");
	close(fd);
	fd = to_path("/no-such-socket");
	ok(fd < 0 && errno == ENOENT, "nobody there (%d)", errno);
}

/* These are connected at once, and the host reads them before it is asked to. */
static void speaks_first(void)
{
	char byte;
	int fd;

	for (unsigned int i = 0; i < 5; i++) {
		fd = to_path("/greet");
		ok(fd >= 0 && text_is(fd, "hello\n") && send_all(fd, "x", 1) &&
				text_is(fd, "x"),
			"a server that speaks first");
		close(fd);
		fd = to_path("/brief");
		ok(fd >= 0 && text_is(fd, "bye\n") && recv(fd, &byte, 1, 0) == 0,
			"one that closes at once");
		close(fd);
	}
}

static void names(void)
{
	struct sockaddr_un name = {0};
	struct ucred peer = {0};
	socklen_t length = sizeof(name);
	int fd = to_path("/greet");

	ok(!getpeername(fd, (struct sockaddr *)&name, &length) &&
			name.sun_family == AF_UNIX && !strcmp(name.sun_path, "/greet"),
		"the peer's name");
	length = sizeof(peer);
	ok(!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) &&
			peer.pid == getpid() && peer.uid == getuid(),
		"SO_PEERCRED is the caller's own (%d)", peer.pid);
	close(fd);
}

static void datagrams(void)
{
	unsigned long before = host_count("creates");
	struct sockaddr_un at;
	socklen_t length = path(&at, "/tmp/datagrams");
	int server = socket(AF_UNIX, SOCK_DGRAM, 0);
	int client = socket(AF_UNIX, SOCK_DGRAM, 0);
	char text[8];

	ok_errno(!bind(server, (struct sockaddr *)&at, length) &&
			 sendto(client, "abc", 3, 0, (struct sockaddr *)&at, length) ==
				 3 &&
			 recv(server, text, 8, 0) == 3,
		"datagrams go inside");
	length = path(&at, "/greet");
	ok(connect(client, (struct sockaddr *)&at, length) < 0 && errno == ENOENT,
		"and only there (%d)", errno);
	ok(host_count("creates") == before, "the host knows nothing of them");
	close(client);
	close(server);
}

static void listening(void)
{
	struct sockaddr_un at;
	socklen_t length = path(&at, "/tmp/both");
	int server = socket(AF_UNIX, SOCK_STREAM, 0);
	unsigned long before = host_count("connects");
	struct ucred cred = {0};
	int inner, outer, fd;

	ok_errno(!bind(server, (struct sockaddr *)&at, length) && !listen(server, 8),
		"bind and listen");
	inner = to_path("/tmp/both");
	fd = accept(server, NULL, NULL);
	ok(inner >= 0 && send_all(inner, "in", 2) && text_is(fd, "in"),
		"a client inside");
	ok(host_count("connects") == before, "does not leave the guest");
	close(inner);
	close(fd);

	/* Without a node of the guest's, the path is the host's. */
	unlink(at.sun_path);
	outer = to_path("/tmp/both");
	ok_errno(outer >= 0 && wait_for(server, POLLIN, 5000) == POLLIN,
		"a client of the host's path");
	memset(&at, 0, sizeof(at));
	length = sizeof(at);
	fd = accept(server, (struct sockaddr *)&at, &length);
	ok(fd >= 0 && at.sun_family == AF_UNIX, "is accepted");
	ok(send_all(outer, "out", 3) && text_is(fd, "out") && send_all(fd, "back", 4) &&
			text_is(outer, "back"),
		"data both ways");
	length = sizeof(at);
	ok(!getsockname(fd, (struct sockaddr *)&at, &length) &&
			!strcmp(at.sun_path, "/tmp/both"),
		"named like its listener");
	length = sizeof(cred);
	ok(!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &length) &&
			cred.pid == getpid(),
		"the credentials are its own");
	close(outer);
	ok(recv(fd, &at, 1, 0) == 0, "the end");
	close(fd);
	ok(!shutdown(server, SHUT_RD) && accept(server, NULL, NULL) < 0 &&
			errno == EINVAL,
		"shutdown");
	close(server);
	pause_ms(200);
	ok(to_path("/tmp/both") < 0, "the host's node is gone");
}

static void rights(void)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = {0};
	struct iovec part = {"x", 1};
	struct msghdr msg = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.space),
	};
	int fd = to_path("/control");
	int pair[2], one = 1;

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &one, sizeof(one));
	ok(sendmsg(fd, &msg, MSG_NOSIGNAL) < 0 && errno == EOPNOTSUPP,
		"descriptors cannot go to the host (%d)", errno);
	close(fd);
	ok(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair) && sendmsg(pair[0], &msg, 0) == 1,
		"but inside they can");
}

static void abstract(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + 6;
	int server = socket(AF_UNIX, SOCK_STREAM, 0);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(at.sun_path, "\0local", 6);
	ok_errno(!bind(server, (struct sockaddr *)&at, length) && !listen(server, 8),
		"an abstract name");
	ok_errno(!connect(client, (struct sockaddr *)&at, length), "stays inside");
}

const struct test unix_tests[] = {
	{"14 local", local, 0},
	{NULL, NULL, 0},
};

/* With tsi_hijack_unix. */
const struct test unix_host_tests[] = {
	{"14 outside", outside, 0},
	{"14 speaks first", speaks_first, 0},
	{"14 names", names, 0},
	{"14 datagrams", datagrams, 0},
	{"14 listening", listening, 0},
	{"14 rights", rights, 0},
	{"14 abstract", abstract, 0},
	{NULL, NULL, 0},
};
