// SPDX-License-Identifier: Apache-2.0
/* ioctl, sendfile, splice, and the leftovers of the call interface. */
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <sys/sendfile.h>

#include "test.h"

static int queued(int fd, unsigned long request)
{
	int bytes = -1;

	return ioctl(fd, request, &bytes) ? -errno : bytes;
}

static void counts(void)
{
	struct ifconf interfaces = {0};
	uint16_t port;
	char text[16];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ok(!ioctl(fd, SIOCGIFCONF, &interfaces), "SIOCGIFCONF before connect");
	close(fd);
	fd = tcp(HOST, ECHO);
	send_all(fd, "abc", 3);
	wait_for(fd, POLLIN, 5000);
	ok(queued(fd, FIONREAD) == 3, "FIONREAD (%d)", queued(fd, FIONREAD));
	ok(queued(fd, SIOCATMARK) == 0, "SIOCATMARK");
	ok(queued(fd, SIOCOUTQ) >= 0, "SIOCOUTQ");
	ok(!ioctl(fd, SIOCGIFCONF, &interfaces), "SIOCGIFCONF when connected");
	ok(ioctl(fd, 0x89fe, text) < 0, "an unknown request is refused");
	close(fd);
	fd = udp(HOST, ECHO);
	send(fd, "12345", 5, 0);
	send(fd, "678", 3, 0);
	wait_for(fd, POLLIN, 5000);
	pause_ms(100);
	ok(queued(fd, FIONREAD) == 5, "FIONREAD: the first datagram (%d)",
		queued(fd, FIONREAD));
	close(fd);
	fd = listener(AF_INET, 4, &port);
	ok(queued(fd, FIONREAD) == -EINVAL, "FIONREAD of a listener is EINVAL (%d)",
		queued(fd, FIONREAD));
	close(fd);
}

static void files(void)
{
	int file = open("/tmp/data", O_RDWR | O_CREAT | O_TRUNC, 0600);
	int fd = tcp(HOST, ECHO);
	char text[16] = "";
	off_t offset = 0;
	int ends[2];

	ok(write(file, "0123456789", 10) == 10 && !pipe(ends), "a file and a pipe");
	ok_errno(sendfile(fd, file, &offset, 10) == 10, "sendfile to a socket");
	wait_for(fd, POLLIN, 5000);
	ok_errno(splice(fd, NULL, ends[1], NULL, 10, 0) == 10, "splice from a socket");
	ok(read(ends[0], text, 10) == 10 && !memcmp(text, "0123456789", 10), "the bytes");
	ok(write(ends[1], "abcde", 5) == 5 &&
			splice(ends[0], NULL, fd, NULL, 5, 0) == 5 &&
			text_is(fd, "abcde"),
		"splice to a socket");
	close(ends[0]);
	close(ends[1]);
	close(file);
	close(fd);
}

static void states(void)
{
	struct sockaddr_storage to;
	socklen_t length = address(&to, HOST, ECHO);
	int fd = tcp(HOST, ECHO);
	char byte;

	ok(recv(fd, &byte, 1, MSG_ERRQUEUE | MSG_DONTWAIT) < 0 && errno == EAGAIN,
		"the error queue is empty");
	ok(bind(fd, (struct sockaddr *)&to, length) < 0 && errno == EINVAL, "late bind");
	ok(listen(fd, 1) < 0 && errno == EINVAL, "late listen");
	ok(accept(fd, NULL, NULL) < 0 && errno == EINVAL, "accept on a client");
	to.ss_family = AF_UNSPEC;
	ok_errno(!connect(fd, (struct sockaddr *)&to, sizeof(struct sockaddr)),
		"connect to AF_UNSPEC");
	length = address(&to, HOST, ECHO);
	ok_errno(!connect(fd, (struct sockaddr *)&to, length) && send_all(fd, "r", 1) &&
			 text_is(fd, "r"),
		"and the socket connects again");
	ok(!shutdown(fd, SHUT_RD) && recv(fd, &byte, 1, 0) == 0 && send_all(fd, "z", 1),
		"SHUT_RD ends reading only");
	close(fd);
}

static void segments(void)
{
	static char payload[3000];
	union {
		char space[CMSG_SPACE(sizeof(uint16_t))];
		struct cmsghdr header;
	} control = {0};
	struct iovec part = {payload, sizeof(payload)};
	struct msghdr msg = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.space),
	};
	int fd = udp(HOST, ECHO);

	control.header.cmsg_level = IPPROTO_UDP;
	control.header.cmsg_type = UDP_SEGMENT;
	control.header.cmsg_len = CMSG_LEN(sizeof(uint16_t));
	ok(sendmsg(fd, &msg, 0) < 0 && errno == EINVAL,
		"a UDP_SEGMENT message is refused (%d)", errno);
	close(fd);
}

const struct test ioctl_tests[] = {
	{"9 counts", counts, 0},
	{"9 sendfile and splice", files, 0},
	{"9 states", states, 0},
	{"5 UDP_SEGMENT message", segments, 0},
	{NULL, NULL, 0},
};
