// SPDX-License-Identifier: Apache-2.0
/* Proves that vsock-host reacts as its families and quirks say, packet by packet. */
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "front-end.h"

#define C 0x90000001u
#define P 0x90000002u
#define WAIT 5000 /* for what must come */
#define QUIET 60  /* for what must not */
#define BUFFER (PACKET_HEADER + PACKET_PAYLOAD_MAX)

static const char *program;
static unsigned int count;
static const char *family = "";
static struct front_end *front;
static struct received got;

__attribute__((format(printf, 2, 3))) static bool ok(bool good, const char *format, ...)
{
	va_list args;

	printf("%sok %u - %s: ", good ? "" : "not ", ++count, family);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	if (!good) {
		char text[160];

		packet_describe(&got.packet, text, sizeof(text));
		printf("# last packet: %s, used %u\n", text, got.used);
	}
	return good;
}

static void start_with(const char *name, size_t buffer, uint8_t fill, const char *a,
	const char *b, const char *c)
{
	const char *arguments[] = {"--family", name, a, b, c, NULL};

	family = name;
	front = front_end_start(program, arguments, buffer, fill);
}

static void start(const char *name)
{
	start_with(name, BUFFER, 0, NULL, NULL, NULL);
}

static void stop(void)
{
	ok(front_end_stop(front) == 0, "ends cleanly");
}

static bool is(const char *name)
{
	return !strcmp(family, name);
}

static bool libkrun(void)
{
	return !is("supermachine-0.1") && !is("supermachine-0.7");
}

static void stream(uint32_t from, uint32_t to, uint16_t op, uint32_t flags,
	uint32_t buf_alloc, uint32_t fwd_cnt, const void *payload, size_t size)
{
	struct packet packet = {
		.src_cid = 3,
		.dst_cid = HOST_CID,
		.src_port = from,
		.dst_port = to,
		.len = (uint32_t)size,
		.type = TYPE_STREAM,
		.op = op,
		.flags = flags,
		.buf_alloc = buf_alloc,
		.fwd_cnt = fwd_cnt,
	};

	front_end_send(front, &packet, payload, size, SHAPE_TWO);
}

static void data(uint32_t from, uint32_t to, const void *payload, size_t size)
{
	stream(from, to, OP_RW, 0, 1 << 18, 0, payload, size);
}

static void datagram(uint32_t from, uint32_t to, const void *payload, size_t size)
{
	struct packet packet = {
		.src_cid = 3,
		.dst_cid = HOST_CID,
		.src_port = from,
		.dst_port = to,
		.len = (uint32_t)size,
		.type = TYPE_DATAGRAM,
		.op = OP_RW,
	};

	front_end_send(front, &packet, payload, size, SHAPE_TWO);
}

static bool receive(void)
{
	return front_end_receive(front, &got, WAIT);
}

static bool nothing(void)
{
	return !front_end_receive(front, &got, QUIET);
}

static bool receive_op(uint16_t op)
{
	return receive() && got.packet.op == op;
}

static size_t payload_size(void)
{
	return got.used > PACKET_HEADER ? got.used - PACKET_HEADER : 0;
}

static bool payload_is(const char *text)
{
	return payload_size() >= strlen(text) && !memcmp(got.payload, text, strlen(text));
}

/* The address of service @port on the machine that runs the tests. */
static size_t inet(uint8_t *to, uint16_t port)
{
	memcpy(to, "\x02\0\0\0\xc0\0\x02\x01\0\0\0\0\0\0\0\0", 16);
	to[2] = (uint8_t)(port >> 8);
	to[3] = (uint8_t)port;
	return 16;
}

static void create(uint32_t port, uint16_t domain, uint16_t type)
{
	uint8_t body[8];

	put_le32(body, port);
	put_le16(body + 4, domain);
	put_le16(body + 6, type);
	datagram(C, 1024, body, sizeof(body));
}

static void address_message(uint32_t to, uint32_t port, uint16_t inet_port)
{
	uint8_t body[136] = {0};

	put_le32(body, port);
	put_le32(body + 4, (uint32_t)inet(body + 8, inet_port));
	datagram(C, to, body, sizeof(body));
}

/* CONNECT to 203.0.113.77, which is nowhere. */
static void nowhere_message(uint32_t port)
{
	uint8_t body[136] = {0};

	put_le32(body, port);
	put_le32(body + 4, (uint32_t)inet(body + 8, 53));
	memcpy(body + 12, "\xcb\0\x71\x4d", 4);
	datagram(C, 1025, body, sizeof(body));
}

/* AF_UNIX @path */
static void path_message(uint32_t port, const char *path)
{
	uint8_t body[136] = {0};

	put_le32(body, port);
	put_le32(body + 4, (uint32_t)strlen(path) + 3);
	put_le16(body + 8, 1);
	strcpy((char *)body + 10, path);
	datagram(C, 1025, body, sizeof(body));
}

static int result(void)
{
	return (int32_t)get_le32(got.payload);
}

/* A reply from control port @from, to C, with @value. */
static bool reply_is(uint32_t from, int value)
{
	bool any = receive();

	/* A closed stream may still be reset once more by a late CREDIT_UPDATE. */
	while (any && got.packet.type == TYPE_STREAM && got.packet.op == OP_RST)
		any = receive();
	return any && got.packet.type == TYPE_DATAGRAM && got.packet.op == OP_RW &&
	       got.packet.src_cid == HOST_CID && got.packet.dst_cid == 3 &&
	       got.packet.src_port == from && got.packet.dst_port == C &&
	       result() == value;
}

static bool connect_proxy(uint16_t inet_port)
{
	create(P, 2, 1);
	address_message(1025, P, inet_port);
	if (!reply_is(1025, 0))
		return false;
	stream(P, 620, OP_REQUEST, 0, 1 << 18, 0, NULL, 0);
	if (!receive_op(OP_RESPONSE) || got.packet.src_port != 620 ||
		got.packet.dst_port != P)
		return false;
	stream(P, 620, OP_CREDIT_UPDATE, 0, 1 << 18, 0, NULL, 0);
	return true;
}

static void test_packets(void)
{
	static const uint8_t expected[] = {
		3,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		2,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		1,
		0,
		0,
		0x90,
		0,
		4,
		0,
		0,
		8,
		0,
		0,
		0,
		3,
		0,
		5,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
	};
	struct packet packet = {
		.src_cid = 3,
		.dst_cid = 2,
		.src_port = C,
		.dst_port = 1024,
		.len = 8,
		.type = 3,
		.op = 5,
	};
	uint8_t bytes[PACKET_HEADER];
	struct packet back;

	family = "packets";
	packet_encode(&packet, bytes);
	ok(!memcmp(bytes, expected, sizeof(bytes)), "PROXY_CREATE header as specified");
	packet_decode(&back, bytes);
	ok(back.src_cid == 3 && back.dst_cid == 2 && back.src_port == C &&
			back.dst_port == 1024 && back.len == 8 && back.type == 3 &&
			back.op == 5,
		"decoding undoes encoding");
	memset(bytes, 0xee, sizeof(bytes));
	packet.type = TYPE_STREAM;
	packet.op = OP_CREDIT_UPDATE;
	packet_encode_partial(&packet, bytes);
	ok(bytes[24] == 0xee && bytes[32] == 0xee && bytes[36] == 0,
		"a partial header leaves len and flags of CREDIT_UPDATE alone");
}

/* Plain vsock streams: a service, an unknown port, the environment. */
static void test_services(void)
{
	static uint8_t big[60000];

	stream(5000, 7, OP_REQUEST, 0, 1 << 18, 0, NULL, 0);
	ok(receive_op(OP_RESPONSE) && got.packet.src_port == 7 &&
			got.packet.buf_alloc ==
				(is("supermachine-0.1") ? 0x7fffffffu : 8u << 20),
		"echo service answers, with the family's window");
	data(5000, 7, "ping", 4);
	ok(receive_op(OP_RW) && payload_is("ping") && got.packet.len == 4, "echo");
	ok(got.packet.fwd_cnt == (is("supermachine-0.1") ? 0 : 4),
		"fwd_cnt of RW as the family has it");
	memset(big, 'x', sizeof(big));
	data(5000, 7, big, sizeof(big));
	for (size_t back = 0; back < sizeof(big); back += payload_size())
		if (!receive_op(OP_RW) || payload_size() == 0 ||
			(is("supermachine-0.1") && payload_size() > 4096)) {
			ok(false, "echo of 60,000 bytes");
			break;
		}
	stream(5000, 7, OP_SHUTDOWN, 3, 0, 0, NULL, 0);
	ok(libkrun() ? receive_op(OP_RST) : nothing(),
		"close is answered by libkrun only");

	stream(5001, 99, OP_REQUEST, 0, 1 << 18, 0, NULL, 0);
	ok(libkrun() ? nothing() : receive_op(OP_RST) && got.packet.src_port == 99,
		"REQUEST to an unknown port");
	data(5002, 99, "x", 1);
	ok(receive_op(OP_RST) && got.packet.dst_port == 5002, "RW of an unknown pair");

	stream(5003, 1026, OP_REQUEST, 0, 1 << 18, 0, NULL, 0);
	ok(receive_op(OP_RESPONSE) && receive_op(OP_RW) &&
			payload_is("{\"env\":{},\"secrets\":{}}") &&
			receive_op(OP_SHUTDOWN) && got.packet.flags == SHUTDOWN_BOTH,
		"environment: RESPONSE, RW, SHUTDOWN");
}

static void test_connect(void)
{
	create(P, 2, 1);
	address_message(1025, P, 25);
	ok(reply_is(1025, is("macos") ? -61 : -111), "connection refused");
	ok(payload_size() == (libkrun() ? PACKET_PAYLOAD_MAX : 4),
		"padding of control replies");
	create(P, 2, 1);
	address_message(1025, P, 7);
	ok(reply_is(1025, 0), "connect");
	stream(P, 620, OP_REQUEST, 0, 1 << 18, 0, NULL, 0);
	ok(receive_op(OP_RESPONSE), "RESPONSE");
	data(P, 620, "ping", 4);
	if (is("libkrun-1.19.7"))
		ok(nothing(), "nothing is read before CREDIT_UPDATE");
	stream(P, 620, OP_CREDIT_UPDATE, 0, 1 << 18, 0, NULL, 0);
	ok(receive_op(OP_RW) && payload_is("ping"), "echo through the proxy");
	stream(P, 620, OP_RST, 0, 0, 0, NULL, 0);
}

static void test_remote_end(void)
{
	ok(connect_proxy(27), "connect to a server that says bye");
	ok(receive_op(OP_RW) && payload_is("bye\n"), "its data");
	if (is("libkrun-1.19.7"))
		ok(receive_op(OP_SHUTDOWN) && got.packet.flags == SHUTDOWN_SEND,
			"FIN becomes SHUTDOWN(2)");
	else if (libkrun())
		ok(receive_op(OP_RST), "FIN becomes RST");
	else
		ok(receive_op(OP_SHUTDOWN) && got.packet.flags == SHUTDOWN_BOTH,
			"FIN becomes SHUTDOWN(3)");
}

static void test_half_close(void)
{
	ok(connect_proxy(22), "connect to a server that answers after FIN");
	data(P, 620, "12345", 5);
	stream(P, 620, OP_SHUTDOWN, SHUTDOWN_SEND, 0, 0, NULL, 0);
	if (!libkrun())
		ok(nothing(), "a half-close ends both directions");
	else if (is("libkrun-1.19.7"))
		ok(receive_op(OP_RW) && payload_is("got 5\n"), "the answer arrives");
	else
		ok(receive() && (got.packet.op == OP_RW || got.packet.op == OP_RST),
			"the answer or, by a race, its loss");
}

static uint32_t read_source(uint32_t size, uint32_t *ret_requests)
{
	uint32_t total = 0;

	*ret_requests = 0;
	while (total < size && front_end_receive(front, &got, 500)) {
		if (got.packet.op == OP_RW)
			total += (uint32_t)payload_size();
		else if (got.packet.op == OP_CREDIT_REQUEST)
			++*ret_requests;
		else
			break;
	}
	return total;
}

static void test_credit(void)
{
	static uint8_t block[65536];
	uint32_t requests, total;

	ok(connect_proxy(19), "connect to the source");
	stream(P, 620, OP_CREDIT_UPDATE, 0, 65536, 0, NULL, 0);
	data(P, 620, "1000000\n", 8);
	stream(P, 620, OP_CREDIT_UPDATE, 0, 65536, 0, NULL, 0);
	total = read_source(1000000, &requests);
	if (is("supermachine-0.1")) {
		ok(total == 1000000 && !requests, "guest credit is ignored");
	} else {
		/* The RW that asked carried a window of 256 KiB. */
		ok(total >= 65536 && total <= 1 << 18 && requests == 1,
			"stops at the window and asks once (%u bytes, %u requests)",
			total, requests);
		stream(P, 620, OP_CREDIT_UPDATE, 0, 1 << 20, total, NULL, 0);
		total += read_source(1000000 - total, &requests);
		ok(total == 1000000, "goes on after CREDIT_UPDATE");
	}
	receive(); /* the source has closed */
	stream(P, 620, OP_RST, 0, 0, 0, NULL, 0);

	ok(connect_proxy(9), "connect to the sink");
	for (unsigned int i = 0; i < 66; i++)
		data(P, 620, block, sizeof(block));
	if (is("supermachine-0.1"))
		ok(nothing(), "no CREDIT_UPDATE after 4 MiB");
	else
		ok(receive_op(OP_CREDIT_UPDATE) &&
				got.packet.fwd_cnt >= (is("macos") || is("libkrun-1.19.7")
								      ? 1u << 17
								      : 4u << 20),
			"CREDIT_UPDATE after the family's bytes (%u)",
			got.packet.fwd_cnt);
}

static void test_datagrams(void)
{
	create(P + 2, 2, 2);
	address_message(1027, P + 2, 7);
	datagram(P + 2, 1028, "hello", 5);
	ok(receive() && got.packet.type == TYPE_DATAGRAM && payload_size() == 5 &&
			payload_is("hello") && got.packet.dst_port == P + 2,
		"sendto");
	if (libkrun())
		ok(got.packet.src_cid == 3 && got.packet.dst_cid == 2 &&
				got.packet.src_port == 0 &&
				got.packet.buf_alloc == 8 << 20,
			"the answer comes with swapped CIDs and port 0");
	else
		ok(got.packet.src_cid == 2 && got.packet.dst_cid == 3 &&
				got.packet.src_port == P + 2,
			"the answer comes from port P");
	create(P + 4, 2, 2);
	address_message(1025, P + 4, 19);
	ok(reply_is(1025, 0), "connect of a datagram socket");
	create(P + 6, 2, 2);
	nowhere_message(P + 6);
	ok(reply_is(1025, is("supermachine-0.1") ? 0 : -101),
		"connect of a datagram socket to nowhere");
	datagram(P + 4, P + 4, "9000", 4);
	ok(receive() && got.packet.dst_port == P + 4 && payload_size() == 9000,
		"connected: 9,000 bytes");
	datagram(6000, 7, "plain", 5);
	ok(receive() && got.packet.src_port == 7 && got.packet.dst_port == 6000 &&
			payload_is("plain"),
		"plain vsock datagram");
	front_end_ask(front, "time");
	ok(receive() && got.packet.dst_port == 123 && payload_size() == 8, "time sync");
}

static void listen_message(uint32_t port, uint16_t inet_port)
{
	uint8_t body[144] = {0};

	put_le32(body, port);
	put_le32(body + 4, port);
	put_le32(body + 8, 128);
	put_le32(body + 12, (uint32_t)inet(body + 16, inet_port));
	datagram(C, 1029, body, sizeof(body));
}

static bool accept_reply(int value)
{
	uint8_t body[8];

	put_le32(body, P);
	put_le32(body + 4, is("macos") ? 0x4 : 0x800);
	datagram(C, 1030, body, sizeof(body));
	return reply_is(1030, value);
}

static void test_listen(void)
{
	char line[8] = "";
	uint8_t body[12];
	uint32_t host_port;
	int client;

	create(P, 2, 1);
	listen_message(P, 8080);
	ok(reply_is(1029, 0), "listen");
	ok(accept_reply(!libkrun() ? 0 : is("macos") ? -35 : -11), "accept of nothing");
	client = front_end_dial(front, "tcp 8080");
	ok(receive_op(OP_REQUEST) && got.packet.dst_port == P, "a connection is offered");
	host_port = got.packet.src_port;
	ok(libkrun() ? host_port >= 1024 : host_port >= 0xc0000000, "its host port");
	stream(P, host_port, OP_RESPONSE, 0, 1 << 18, 0, NULL, 0);
	ok(read(client, line, 3) == 3 && !strcmp(line, "ok\n"), "and established");
	ok(accept_reply(0), "accept of one");
	data(P, host_port, "out", 3);
	ok(read(client, line, 3) == 3 && !memcmp(line, "out", 3), "data out");
	ok(write(client, "in", 2) == 2 && receive_op(OP_RW) && payload_is("in"),
		"data in");
	put_le32(body, P);
	put_le32(body + 4, 0xdead);
	put_le32(body + 8, 1);
	datagram(C, 1026, body, sizeof(body));
	ok(reply_is(1026, is("supermachine-0.1") ? 0 : -22), "name of an unknown pair");
	close(client);
	ok(strstr(front_end_ask(front, "state"), "\"state\":\"listening\"") != NULL,
		"state shows the listener");
	receive();
	if (libkrun()) {
		put_le32(body + 4, 620);
		datagram(C, 1031, body, 8);
	} else {
		create(P, 2, 1);
	}
	ok(!strstr(front_end_ask(front, "state"), "listening"),
		"the listener can be closed");
}

/* Paths are connected at once, and libkrun reads them before the guest asks to. */
static void test_paths(void)
{
	char directory[] = "/tmp/vsock-host-paths-XXXXXX", file[60];

	if (!mkdtemp(directory))
		exit(1);
	start_with("libkrun-1.19.7", BUFFER, 0, "--unix-root", directory, NULL);
	create(P, 1, 1);
	path_message(P, "/nobody");
	ok(reply_is(1025, -2), "a path that is not there");
	create(P, 1, 1);
	path_message(P, "/greet");
	ok(reply_is(1025, 0), "a server with a path");
	ok(receive_op(OP_CREDIT_REQUEST) && got.packet.dst_port == P,
		"who speaks first wants credit before REQUEST");
	stream(P, 620, OP_REQUEST, 0, 1 << 18, 0, NULL, 0);
	ok(receive_op(OP_RESPONSE), "RESPONSE");
	stream(P, 620, OP_CREDIT_UPDATE, 0, 1 << 18, 0, NULL, 0);
	ok(receive_op(OP_RW) && payload_is("hello"), "and speaks after CREDIT_UPDATE");
	stop();
	start("macos");
	create(P, 1, 1);
	path_message(P, "/greet");
	ok(nothing(), "no answer to paths");
	stop();
	snprintf(file, sizeof(file), "%s/greet", directory);
	unlink(file);
	snprintf(file, sizeof(file), "%s/brief", directory);
	unlink(file);
	rmdir(directory);
}

static void test_flood(void)
{
	unsigned int requests = 0;

	start("supermachine-0.7");
	create(P, 2, 1);
	listen_message(P, 8080);
	reply_is(1029, 0);
	ok(!strncmp(front_end_ask(front, "address 8080"), "127.0.0.1 ", 10),
		"the listener's address");
	ok(!strcmp(front_end_ask(front, "flood 50 8080"), "ok"), "fifty connections");
	while (requests < 50 && receive_op(OP_REQUEST) && got.packet.dst_port == P)
		requests++;
	ok(requests == 50, "are offered at once (%u)", requests);
	stop();
}

/* What listens on :: is reached by IPv4, and hears who it is. */
static void test_dual_stack(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	uint8_t body[144] = {[16] = AF_INET6, [18] = 8080 >> 8, [19] = 8080 & 0xff};
	unsigned int port = 0;
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	start_with("libkrun-1.19.7", BUFFER, 0, "--port", "8080=0", NULL);
	create(P, AF_INET6, 1);
	put_le32(body, P);
	put_le32(body + 4, P);
	put_le32(body + 8, 128);
	put_le32(body + 12, 28);
	datagram(C, 1029, body, sizeof(body));
	ok(reply_is(1029, 0), "listen on ::");
	ok(sscanf(front_end_ask(front, "address 8080"), "127.0.0.1 %u", &port) == 1,
		"is at 127.0.0.1");
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at.sin_port = htons((uint16_t)port);
	ok(!connect(client, (struct sockaddr *)&at, sizeof(at)) && receive_op(OP_REQUEST),
		"IPv4 gets there");
	memset(body, 0, sizeof(body));
	put_le32(body, P);
	put_le32(body + 4, got.packet.src_port);
	datagram(C, 1026, body, 12);
	ok(reply_is(1026, 0) && !memcmp(got.payload + 26, "\xff\xff\x7f\0\0\1", 6),
		"by a mapped address");
	close(client);
	stop();
}

static void test_restore(void)
{
	ok(connect_proxy(7), "connect before a restore");
	create(P + 2, 2, 2);
	address_message(1027, P + 2, 7);
	ok(!strcmp(front_end_ask(front, "forget"), "ok"), "forget");
	data(P, 620, "x", 1);
	ok(receive_op(OP_RST), "a forgotten stream is reset");
	datagram(P + 2, 1028, "x", 1);
	ok(nothing(), "a forgotten destination swallows");
	if (!libkrun()) {
		address_message(1027, P + 2, 7);
		datagram(P + 2, 1028, "y", 1);
		ok(receive() && payload_is("y"), "sent again, it works without a create");
	}
}

static void test_family(const char *name)
{
	start(name);
	test_services();
	test_connect();
	test_remote_end();
	test_half_close();
	stop();
	start(name);
	test_credit();
	stop();
	start(name);
	test_datagrams();
	test_listen();
	test_restore();
	stop();
}

static void test_buffers(void)
{
	start_with("supermachine-0.1", PACKET_HEADER + 1000, 0, NULL, NULL, NULL);
	create(P, 2, 2);
	address_message(1027, P, 19);
	datagram(P, 1028, "3000", 4);
	ok(receive() && got.packet.len == 3000 && payload_size() == 1000,
		"len stays, the rest is lost");
	stop();
	start_with("supermachine-0.7", PACKET_HEADER + 1000, 0, NULL, NULL, NULL);
	create(P, 2, 2);
	address_message(1027, P, 19);
	datagram(P, 1028, "2500", 4);
	ok(receive() && payload_size() == 1000 && receive() && payload_size() == 1000 &&
			receive() && payload_size() == 500,
		"an oversize datagram is split");
	stop();
	start_with("libkrun-1.18", PACKET_HEADER + 1000, 0xee, NULL, NULL, NULL);
	create(P, 2, 2);
	address_message(1027, P, 19);
	datagram(P, 1028, "3000", 4);
	ok(receive() && got.packet.len == 1000 && payload_size() == 1000, "and here cut");
	ok(got.packet.flags == 0xeeeeeeee, "flags are what the guest left there");
	stop();
}

static void test_shapes(void)
{
	struct packet packet = {
		.src_cid = 3,
		.dst_cid = 2,
		.src_port = 5000,
		.dst_port = 7,
		.type = TYPE_STREAM,
		.op = OP_RW,
		.len = 6,
	};

	for (unsigned int i = 0; i < 2; i++) {
		start(i ? "libkrun-1.19.7" : "libkrun-1.18");
		stream(5000, 7, OP_REQUEST, 0, 1 << 18, 0, NULL, 0);
		receive();
		front_end_send(front, &packet, "single", 6, SHAPE_ONE);
		ok(i ? receive_op(OP_RW) : nothing(),
			"header and payload in one descriptor");
		front_end_send(front, &packet, "triple", 6, SHAPE_THREE);
		ok(i ? receive_op(OP_RW) : nothing(), "payload in two descriptors");
		front_end_send(front, &packet, "double", 6, SHAPE_TWO);
		ok(receive_op(OP_RW) && payload_is("double"), "one of each");
		stop();
	}
}

static void test_interrupts(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		start(i ? "supermachine-0.7" : "supermachine-0.1");
		data(5000, 7, "x", 1);
		receive();
		usleep(20000);
		ok(!front_end_transmit_interrupts(front) == !i,
			"interrupts for transmit completions");
		stop();
	}
}

static void test_token(void)
{
	static const char hex[] =
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
	uint8_t body[40];

	start_with("supermachine-0.7", BUFFER, 0, "--token", hex, NULL);
	for (uint8_t i = 0; i < 32; i++)
		body[i] = i;
	memcpy(body + 32, "\x02\0\0\x90\0\x08\0\0", 8);
	datagram(C, 1030, body + 32, 8);
	ok(nothing(), "a control message without the token is dropped");
	datagram(C, 1030, body, 40);
	ok(reply_is(1030, -22), "one with it is answered");
	body[31] ^= 1;
	datagram(C, 1030, body, 40);
	ok(nothing(), "a wrong token is dropped");
	ok(strstr(front_end_ask(front, "state"), "\"bad_token\":2") != NULL,
		"and counted");
	stop();
}

static void test_quirk(const char *quirk, bool (*check)(void))
{
	start_with("libkrun-1.19.7", BUFFER, 0, "--quirk", quirk, NULL);
	create(P, 2, 1);
	address_message(1025, P, 7);
	ok(check(), "quirk %s", quirk);
	stop();
}

static bool replied_twice(void)
{
	return reply_is(1025, 0) && reply_is(1025, 0);
}

static bool replied_wrongly(void)
{
	return reply_is(1026, 0);
}

static bool replied_late(void)
{
	return nothing() && reply_is(1025, 0);
}

static bool padded(void)
{
	return reply_is(1025, 0) && got.payload[4] == 0xa5 && got.payload[65535] == 0xa5;
}

static bool reset(void)
{
	return reply_is(1025, 0) &&
	       (stream(P, 620, OP_REQUEST, 0, 1 << 18, 0, NULL, 0), receive_op(OP_RST));
}

static void test_quirks(void)
{
	test_quirk("never-reply", nothing);
	test_quirk("drop-reply=1", nothing);
	test_quirk("reply-twice", replied_twice);
	test_quirk("wrong-port", replied_wrongly);
	test_quirk("connect-delay=300", replied_late);
	test_quirk("reply-late=300", replied_late);
	test_quirk("pad", padded);
	test_quirk("rst-all", reset);

	start("libkrun-1.19.7");
	ok(!strcmp(front_end_ask(front, "quirk listen-error=13"), "ok"),
		"quirk by command");
	create(P, 2, 1);
	listen_message(P, 0);
	ok(reply_is(1029, -13), "listen refused");
	front_end_ask(front, "unquirk listen-error");
	listen_message(P, 0);
	ok(reply_is(1029, 0), "and allowed again");
	ok(!strncmp(front_end_ask(front, "quirk no-such"), "error", 5), "unknown quirk");
	front_end_ask(front, "quirk early-credit");
	create(P + 2, 2, 1);
	address_message(1025, P + 2, 21);
	ok(reply_is(1025, 0) && receive_op(OP_CREDIT_REQUEST), "early CREDIT_REQUEST");
	front_end_ask(front, "unquirk early-credit");
	front_end_ask(front, "unquirk credit-starts");
	stop();
}

/* The same seed gives the same packets, and the device survives its own hostility. */
static void test_fuzz(void)
{
	uint64_t sum[2] = {0, 0};
	unsigned int packets[2] = {0, 0};

	for (unsigned int run = 0; run < 2; run++) {
		start("libkrun-1.19.7");
		front_end_ask(front, "fuzz 2000 42");
		while (packets[run] < 2000 && receive()) {
			packets[run]++;
			sum[run] = sum[run] * 31 + got.used + got.packet.src_port +
				   got.packet.dst_port;
		}
		stop();
	}
	ok(packets[0] == 2000 && packets[1] == 2000, "2,000 hostile packets arrive");
	ok(sum[0] == sum[1], "and repeat with their seed");
}

int main(void)
{
	static const char *const names[] = {
		"libkrun-1.18",
		"libkrun-1.19.7",
		"macos",
		"supermachine-0.1",
		"supermachine-0.7",
	};
	const char *build = getenv("BUILDDIR");
	char path[4096];

	snprintf(path, sizeof(path), "%s/tests/vsock-host/vsock-host",
		build ? build : ".");
	program = path;
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_packets();
	for (unsigned int i = 0; i < 5; i++)
		test_family(names[i]);
	test_buffers();
	test_shapes();
	test_interrupts();
	test_token();
	test_paths();
	test_flood();
	test_dual_stack();
	test_quirks();
	test_fuzz();
	printf("1..%u\n", count);
	return 0;
}
