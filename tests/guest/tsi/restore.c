// SPDX-License-Identifier: Apache-2.0
/* After the host has forgotten everything but listeners, as after a restored snapshot. */
#include "test.h"

static void datagrams(void)
{
	struct sockaddr_storage to;
	socklen_t length = address(&to, HOST, ECHO);
	int connected = udp(HOST, ECHO);
	int loose = socket(AF_INET, SOCK_DGRAM, 0);
	char text[8];

	if (!supermachine()) {
		skip("only supermachine hosts are restored");
		return;
	}
	send(connected, "a", 1, 0);
	sendto(loose, "b", 1, 0, (struct sockaddr *)&to, length);
	ok(wait_for(connected, POLLIN, 3000) && recv(connected, text, 8, 0) == 1 &&
			wait_for(loose, POLLIN, 3000) && recv(loose, text, 8, 0) == 1,
		"before");
	pause_ms(1100);
	host("forget");
	send(connected, "c", 1, 0);
	sendto(loose, "d", 1, 0, (struct sockaddr *)&to, length);
	ok(wait_for(loose, POLLIN, 1000) && recv(loose, text, 8, 0) == 1 &&
			text[0] == 'd',
		"T6 Q14 sendto on an old socket, within a second");
	ok(wait_for(connected, POLLIN, 1000) && recv(connected, text, 8, 0) == 1 &&
			text[0] == 'c',
		"T6 Q14 a connected old socket, within a second");
}

static void streams(void)
{
	int writer = tcp(HOST, ECHO);
	char byte;
	int fd;
	unsigned int i;

	if (!supermachine()) {
		skip("only supermachine hosts are restored");
		return;
	}
	host("forget");
	for (i = 0; i < 100 && send(writer, "x", 1, MSG_NOSIGNAL) == 1; i++)
		pause_ms(20);
	ok(i < 100, "T6 Q15 an old stream dies on write (%d)", errno);
	fd = tcp(HOST, ECHO);
	ok(fd >= 0 && send_all(fd, "x", 1) && text_is(fd, "x"), "a new one works");
	host("forget");
	ok(wait_for(fd, POLLIN, 10000) & POLLIN && recv(fd, &byte, 1, 0) <= 0,
		"T6 Q15 an old reader learns it by a probe");
}

static void listeners(void)
{
	uint16_t port;
	int fd, client, server = listener(AF_INET, 8, &port);

	host("forget");
	client = host_enters(port);
	fd = client >= 0 ? accept(server, NULL, NULL) : -1;
	ok(fd >= 0 && send_all(fd, "x", 1) && text_is(client, "x"),
		"Q14 an old listener goes on");
	close(client);
	close(fd);
	close(server);
}

const struct test restore_tests[] = {
	{"T6 datagrams", datagrams, 0},
	{"T6 streams", streams, 60},
	{"T6 listeners", listeners, 0},
	{NULL, NULL, 0},
};
