// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "host.h"

uint32_t host_random(struct host *host)
{
	/* xorshift64*: the same seed gives the same run. */
	host->random ^= host->random >> 12;
	host->random ^= host->random << 25;
	host->random ^= host->random >> 27;
	return (uint32_t)((host->random * 0x2545f4914f6cdd1dull) >> 32);
}

static void log_packet(struct host *host, char direction, const struct packet *packet)
{
	char text[160];
	uint64_t ms = now_ms() - host->started;

	if (!host->log)
		return;
	packet_describe(packet, text, sizeof(text));
	fprintf(host->log, "%c %llu.%03llu %s\n", direction,
		(unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000), text);
	fflush(host->log);
}

/*
 * Where the payload goes in a receive buffer: behind a header that shares the first
 * descriptor with it, or from the second descriptor on. libkrun uses one descriptor for
 * payload whatever the guest offers.
 */
static size_t payload_room(
	const struct host *host, const struct chain *chain, size_t *ret_offset)
{
	*ret_offset = PACKET_HEADER;
	if (chain->size <= PACKET_HEADER)
		return 0;
	if (!host->is.one_rx_segment)
		return chain->size - PACKET_HEADER;
	if (chain->segment[0].iov_len > PACKET_HEADER)
		return chain->segment[0].iov_len - PACKET_HEADER;
	*ret_offset = chain->segment[0].iov_len;
	return chain->segments > 1 ? chain->segment[1].iov_len : 0;
}

static void fill_header(
	const struct host *host, const struct packet *packet, const struct chain *chain)
{
	uint8_t header[PACKET_HEADER];

	if (host->is.partial_headers) {
		chain_read(chain, 0, header, sizeof(header));
		packet_encode_partial(packet, header);
	} else {
		packet_encode(packet, header);
	}
	chain_write(chain, 0, header, sizeof(header));
}

/* False: no buffer, or only a part went out. */
static bool deliver(struct host *host, struct parked *item)
{
	struct virtq *queue = &host->vhost.queue[QUEUE_RX];
	struct chain chain;

	do {
		struct packet packet = item->packet;
		size_t rest = packet.len - item->sent;
		size_t offset, room, part, length;

		if (!virtq_peek(queue, true, &chain))
			return false;
		room = payload_room(host, &chain, &offset);
		if (item->cut)
			rest /= 2;
		part = rest < room ? rest : room;
		length = part;
		if (item->reply && host->is.pad)
			length = room;
		chain_write(&chain, offset, item->payload + item->sent, part);
		for (size_t at = part; host->is.pad_a5 && at < length; at++)
			chain_write(&chain, offset + at, "\xa5", 1);
		packet.len = (uint32_t)length;
		if (host->is.oversize == OVERSIZE_LOST && rest > room)
			packet.len = (uint32_t)rest;
		if (item->cut)
			packet.len = item->packet.len;
		fill_header(host, &packet, &chain);
		log_packet(host, '<', &packet);
		virtq_return(queue, &chain, (uint32_t)(PACKET_HEADER + length));
		host->count.rx_packets++;
		host->count.rx_bytes += part;
		item->sent += part;
	} while (host->is.oversize == OVERSIZE_SPLIT && !item->cut &&
		 item->sent < item->packet.len);
	return true;
}

static void deliver_parked(struct host *host)
{
	while (host->parked && deliver(host, host->parked)) {
		struct parked *done = host->parked;

		host->parked = done->next;
		host->parked_count--;
		free(done);
	}
}

size_t host_room(struct host *host)
{
	struct chain chain;
	size_t offset;

	if (host->parked || !virtq_peek(&host->vhost.queue[QUEUE_RX], true, &chain))
		return 0;
	return payload_room(host, &chain, &offset);
}

static bool every(uint32_t n, uint64_t count)
{
	return n && count % n == 0;
}

static void park(struct host *host, struct packet packet, const void *payload, bool reply)
{
	struct parked **link = &host->parked;
	struct parked *item;

	if (host->is.parked_max && host->parked_count >= host->is.parked_max) {
		host->count.parked_dropped++;
		return;
	}
	item = calloc(1, sizeof(*item) + packet.len);
	if (!item)
		return;
	item->packet = packet;
	item->reply = reply;
	item->cut = packet.len > 4096 && every(host->is.truncate, host->packets);
	if (packet.len)
		memcpy(item->payload, payload, packet.len);
	while (*link)
		link = &(*link)->next;
	*link = item;
	host->parked_count++;
}

static void send_packet(
	struct host *host, struct packet packet, const void *payload, bool reply)
{
	uint64_t number = ++host->packets;

	if (packet.len > 4096 && every(host->is.drop_packet, number))
		return;
	park(host, packet, payload, reply);
	if (every(host->is.duplicate, number))
		park(host, packet, payload, reply);
	deliver_parked(host);
	virtq_notify(&host->vhost.queue[QUEUE_RX]);
}

void host_send(struct host *host, struct packet packet, const void *payload)
{
	packet.src_cid = HOST_CID;
	packet.dst_cid = host->cid;
	if (packet.type == TYPE_DATAGRAM && host->is.swapped_cids && !packet.src_port) {
		packet.src_cid = host->cid;
		packet.dst_cid = HOST_CID;
	}
	send_packet(host, packet, payload, false);
}

struct late_reply {
	struct timer timer;
	struct host *host;
	struct packet packet;
	uint8_t payload[256];
};

static void send_late(void *arg)
{
	struct late_reply *late = arg;

	send_packet(late->host, late->packet, late->payload, true);
	free(late);
}

static void send_later(struct host *host, const struct packet *packet,
	const void *payload, unsigned int ms)
{
	struct late_reply *late = calloc(1, sizeof(*late));

	if (!late)
		return;
	late->host = host;
	late->packet = *packet;
	memcpy(late->payload, payload, packet->len);
	late->timer.fire = send_late;
	late->timer.arg = late;
	timer_set(&late->timer, ms);
}

void host_reply(
	struct host *host, uint32_t port, uint32_t to, const void *payload, uint32_t size)
{
	struct packet packet = {
		.src_cid = HOST_CID,
		.dst_cid = host->cid,
		.src_port = port + (host->is.wrong_port ? 1 : 0),
		.dst_port = to,
		.type = TYPE_DATAGRAM,
		.op = OP_RW,
		.len = size,
	};
	uint32_t late = host->is.reply_late;

	if (host->is.never_reply || every(host->is.drop_reply, ++host->replies))
		return;
	if (port == PORT_CONNECT && host->is.connect_delay)
		late = host->is.connect_delay;
	if (late)
		send_later(host, &packet, payload, late);
	else
		send_packet(host, packet, payload, true);
	if (host->is.reply_twice)
		send_packet(host, packet, payload, true);
}

bool host_inject(struct host *host, const void *bytes, size_t size)
{
	struct virtq *queue = &host->vhost.queue[QUEUE_RX];
	struct chain chain;
	size_t written;

	if (!virtq_peek(queue, true, &chain))
		return false;
	written = chain_write(&chain, 0, bytes, size);
	virtq_return(queue, &chain, (uint32_t)written);
	virtq_notify(queue);
	host->count.hostile++;
	return true;
}

/* Hosts before libkrun 1.18.1 take a header alone, or a header and one payload. */
static bool shape_accepted(const struct host *host, const struct chain *chain)
{
	if (chain->size < PACKET_HEADER)
		return false;
	if (!host->is.two_descriptors || chain->size == PACKET_HEADER)
		return true;
	return chain->segments == 2 && chain->segment[0].iov_len == PACKET_HEADER;
}

static void take_packet(struct host *host, const struct chain *chain)
{
	static uint8_t payload[PACKET_PAYLOAD_MAX];
	uint8_t header[PACKET_HEADER];
	struct packet packet;
	size_t size;

	if (!shape_accepted(host, chain)) {
		host->count.bad_shape++;
		return;
	}
	chain_read(chain, 0, header, sizeof(header));
	packet_decode(&packet, header);
	log_packet(host, '>', &packet);
	host->count.tx_packets++;
	if (packet.dst_cid != HOST_CID)
		return;
	size = chain->size - PACKET_HEADER;
	host->count.length_mismatch += size != packet.len;
	if (packet.len > PACKET_PAYLOAD_MAX || size > PACKET_PAYLOAD_MAX) {
		host->count.oversize++;
		return;
	}
	/* What is forwarded is what the descriptors hold, not what the header says. */
	size = packet.len ? chain_read(chain, PACKET_HEADER, payload, size) : 0;
	host->count.tx_bytes += size;
	if (packet.type == TYPE_DATAGRAM)
		dgram_packet(host, &packet, payload, size);
	else
		stream_packet(host, &packet, payload, size);
}

static void take_packets(struct host *host)
{
	struct virtq *queue = &host->vhost.queue[QUEUE_TX];
	struct chain chain;
	bool any = false;

	if (host->taking)
		return;
	host->taking = true;
	while (!host->transmit_stops && virtq_peek(queue, false, &chain)) {
		take_packet(host, &chain);
		virtq_return(queue, &chain, 0);
		any = true;
	}
	host->taking = false;
	if (any && !host->is.no_interrupt)
		virtq_notify(queue);
}

void host_stop_transmit(struct host *host)
{
	host->transmit_stops++;
}

void host_start_transmit(struct host *host)
{
	if (!--host->transmit_stops)
		take_packets(host);
}

void host_kicked(void *arg, unsigned int queue)
{
	struct host *host = arg;

	deliver_parked(host);
	if (queue == QUEUE_RX) {
		stream_room(host);
		dgram_room(host);
		fuzz_room(host);
	} else if (queue == QUEUE_TX) {
		take_packets(host);
	}
	virtq_notify(&host->vhost.queue[QUEUE_RX]);
}
