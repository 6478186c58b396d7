// SPDX-License-Identifier: Apache-2.0
/* AF_VSOCK itself, as the environment service and the exec agent use it. */

#include "test.h"

#include <linux/vm_sockets.h>

static int vsock(int type, uint32_t port)
{
	struct sockaddr_vm to = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_HOST,
		.svm_port = port,
	};
	int fd = socket(AF_VSOCK, type, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int vsock_bound(int type, uint32_t port)
{
	struct sockaddr_vm at = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = port,
	};
	int fd = socket(AF_VSOCK, type, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void streams(void)
{
	int fd = vsock(SOCK_STREAM, ECHO);
	char byte;

	ok_errno(fd >= 0 && send_all(fd, "ping", 4) && text_is(fd, "ping"), "echo");
	close(fd);
	fd = vsock(SOCK_STREAM, SOURCE);
	ok(download(fd, 8 << 20), "T1 8 MiB down");
	close(fd);
	fd = vsock(SOCK_STREAM, SINK);
	ok(upload(fd, 8 << 20), "T3 8 MiB up");
	close(fd);
	fd = vsock(SOCK_STREAM, 99);
	ok(fd < 0 && (errno == ECONNRESET || errno == ETIMEDOUT), "Q9 nobody there (%d)",
		errno);
	fd = vsock(SOCK_STREAM, 1026);
	ok(fd >= 0 && recv(fd, &byte, 1, 0) == 1 && byte == '{', "T12 environment");
	close(fd);
}

static void dialled(void)
{
	int server = vsock_bound(SOCK_STREAM, 1028);
	int fd, client;
	char text[4] = "";

	ok_errno(server >= 0 && !listen(server, 8), "listen on 1028");
	client = host_open("dial 1028");
	fd = accept(server, NULL, NULL);
	ok(recv_all(client, text, 3) == 3 && !strcmp(text, "ok\n"), "T12 the host dials");
	ok(send_all(fd, "out", 3) && text_is(client, "out") &&
			send_all(client, "in", 2) && text_is(fd, "in"),
		"data both ways");
	close(client);
	close(fd);
	close(server);
}

static void datagrams(void)
{
	struct sockaddr_vm to = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_HOST,
		.svm_port = ECHO,
	};
	unsigned long before = host_count("guest_datagram_rst");
	uint8_t text[64] = "";
	int fd = vsock_bound(SOCK_DGRAM, VMADDR_PORT_ANY);

	ok_errno(fd >= 0, "a datagram socket");
	ok_errno(sendto(fd, "ping", 4, 0, (struct sockaddr *)&to, sizeof(to)) == 4,
		"sendto");
	ok(wait_for(fd, POLLIN, 3000) && recv(fd, text, sizeof(text), 0) == 4,
		"its answer");
	close(fd);
	fd = socket(AF_VSOCK, SOCK_DGRAM, 0);
	ok_errno(sendto(fd, "ping", 4, 0, (struct sockaddr *)&to, sizeof(to)) == 4 &&
			 wait_for(fd, POLLIN, 3000) && recv(fd, text, 64, 0) == 4,
		"an unbound socket binds itself");
	close(fd);
	fd = vsock_bound(SOCK_DGRAM, 123);
	host("time");
	ok_errno(fd >= 0 && wait_for(fd, POLLIN, 3000) && recv(fd, text, 64, 0) >= 8,
		"time sync on port 123");
	close(fd);
	host("time");
	host("dgram 4711 00");
	pause_ms(100);
	ok(host_count("guest_datagram_rst") == before,
		"a datagram for nobody is never answered with RST");
}

const struct test plain_tests[] = {
	{"13 T12 streams", streams, 60},
	{"13 T12 dialled", dialled, 0},
	{"13 datagrams", datagrams, 0},
	{NULL, NULL, 0},
};
