// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dgram.h"
#include "service.h"

#define UDP_MAX 65535

static void dgram_ready(void *arg, uint32_t events);

struct dgram *dgram_find(struct host *host, uint32_t guest_port)
{
	struct dgram *dgram = host->dgrams;

	while (dgram && dgram->guest_port != guest_port)
		dgram = dgram->next;
	return dgram;
}

struct dgram *dgram_create(struct host *host, uint32_t guest_port, uint16_t family)
{
	struct dgram *dgram = calloc(1, sizeof(*dgram));

	if (!dgram)
		abort();
	dgram->host = host;
	dgram->guest_port = guest_port;
	dgram->family = family;
	dgram->socket = (struct watch){.fd = -1, .ready = dgram_ready, .arg = dgram};
	dgram->next = host->dgrams;
	host->dgrams = dgram;
	return dgram;
}

static void close_socket(struct dgram *dgram)
{
	loop_watch(&dgram->socket, 0);
	if (dgram->socket.fd >= 0)
		close(dgram->socket.fd);
	dgram->socket.fd = -1;
	dgram->has_destination = false;
}

void dgram_remove(struct dgram *dgram)
{
	struct dgram **link = &dgram->host->dgrams;

	while (*link != dgram)
		link = &(*link)->next;
	*link = dgram->next;
	close_socket(dgram);
	free(dgram);
}

void dgram_forget(struct host *host)
{
	while (host->dgrams)
		dgram_remove(host->dgrams);
}

/* Newest first, so the last one with a socket is the oldest. */
static void evict_flows(struct host *host)
{
	struct dgram *oldest = NULL;
	uint32_t flows = 0;

	for (struct dgram *dgram = host->dgrams; dgram; dgram = dgram->next)
		if (dgram->socket.fd >= 0) {
			oldest = dgram;
			flows++;
		}
	if (oldest && host->is.flows_max && flows >= host->is.flows_max)
		close_socket(oldest);
}

int dgram_destination(struct dgram *dgram, const struct sockaddr_storage *to,
	socklen_t length, bool connects, bool reads)
{
	/* A destination of the other family needs another socket, and so does one that
	 * was connected: it would take answers only from its old peer. */
	if (dgram->socket.fd >= 0 &&
		(dgram->connected || dgram->destination.ss_family != to->ss_family))
		close_socket(dgram);
	if (dgram->socket.fd < 0) {
		evict_flows(dgram->host);
		dgram->socket.fd = socket(
			to->ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (dgram->socket.fd < 0)
			return -errno;
	}
	dgram->connected = connects;
	if (connects && connect(dgram->socket.fd, (const struct sockaddr *)to, length))
		return -errno;
	dgram->destination = *to;
	dgram->destination_length = length;
	dgram->has_destination = true;
	loop_watch(&dgram->socket, reads ? EPOLLIN : 0);
	return 0;
}

void dgram_data(struct dgram *dgram, const uint8_t *payload, size_t size)
{
	ssize_t sent;

	if (!size || !dgram->has_destination)
		return;
	dgram->from_guest++;
	if (dgram->connected)
		sent = send(dgram->socket.fd, payload, size, 0);
	else
		sent = sendto(dgram->socket.fd, payload, size, 0,
			(struct sockaddr *)&dgram->destination,
			dgram->destination_length);
	(void)sent; /* errors are swallowed (tsi.md 5.5) */
}

void dgram_send(
	struct host *host, uint32_t from, uint32_t to, const void *payload, uint32_t size)
{
	struct packet packet = {
		.src_port = from,
		.dst_port = to,
		.type = TYPE_DATAGRAM,
		.op = OP_RW,
		.len = size,
	};

	/* Not for replies and time sync, whose source port says what they are. */
	if (host->is.swapped_cids && !from)
		packet.buf_alloc = host->is.window;
	host_send(host, packet, payload);
}

static void dgram_ready(void *arg, uint32_t events)
{
	static uint8_t buffer[UDP_MAX];
	struct dgram *dgram = arg;
	struct host *host = dgram->host;
	ssize_t got;

	(void)events;
	if (!host_room(host)) {
		dgram->needs_room = true;
		loop_watch(&dgram->socket, 0);
		return;
	}
	got = recv(dgram->socket.fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	if (got <= 0) /* ICMP errors and empty datagrams are not reported */
		return;
	if (host->is.big_udp > (size_t)got && host->is.big_udp <= sizeof(buffer)) {
		memset(buffer + got, 0, host->is.big_udp - (size_t)got);
		got = host->is.big_udp;
	}
	dgram->to_guest++;
	dgram_send(host, host->is.swapped_cids ? 0 : dgram->guest_port, dgram->guest_port,
		buffer, (uint32_t)got);
}

void dgram_room(struct host *host)
{
	for (struct dgram *dgram = host->dgrams; dgram; dgram = dgram->next)
		if (dgram->needs_room) {
			dgram->needs_room = false;
			loop_watch(&dgram->socket, EPOLLIN);
		}
}

void dgram_send_time(struct host *host)
{
	struct timespec now;
	uint8_t payload[8];

	clock_gettime(CLOCK_REALTIME, &now);
	put_le64(payload, (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
	dgram_send(host, PORT_TIME, PORT_TIME, payload, sizeof(payload));
}

/* Connected proxies: libkrun looks at the source port, supermachine at the other one. */
static void connected_data(struct host *host, const struct packet *packet,
	const uint8_t *payload, size_t size)
{
	uint32_t port = host->is.any_data_port ? packet->src_port : packet->dst_port;
	struct dgram *dgram = dgram_find(host, port);

	host->count.connected_data++;
	if (dgram)
		dgram_data(dgram, payload, size);
	else
		service_datagram(host, packet, payload, size);
}

void dgram_packet(struct host *host, const struct packet *packet, const uint8_t *payload,
	size_t size)
{
	if (packet->op == OP_RST)
		host->count.guest_datagram_rst++;
	if (packet->op != OP_RW)
		return;
	if (packet->dst_port >= PORT_CREATE && packet->dst_port <= PORT_RELEASE)
		control_packet(host, packet, payload, size);
	else
		connected_data(host, packet, payload, size);
}
