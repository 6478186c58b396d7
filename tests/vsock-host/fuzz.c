// SPDX-License-Identifier: Apache-2.0
/*
 * A hostile host: packets that are random, truncated, too long, reordered, duplicated, or
 * forged from ports that exist. The same seed gives the same packets for the same state.
 */
#include <string.h>

#include "command.h"
#include "dgram.h"
#include "service.h"
#include "stream.h"

#define FUZZ_BYTES 4096

void fuzz_start(struct host *host, unsigned int count, uint64_t seed)
{
	host->random = seed ? seed : 1;
	host->fuzz_left = count;
	fprintf(stderr, "vsock-host: fuzz %u seed %llu\n", count,
		(unsigned long long)host->random);
	fuzz_room(host);
}

static uint32_t pick(struct host *host, const uint32_t *from, size_t count)
{
	return from[host_random(host) % count];
}

/* A stream to attack; tests need their way to us. */
static struct stream *random_stream(struct host *host)
{
	uint32_t skip = host_random(host) % 8;
	struct stream *stream = host->streams, *found = NULL;

	for (; stream; stream = stream->next) {
		if (stream->host_port == SERVICE_CONTROL)
			continue;
		found = stream;
		if (!skip--)
			break;
	}
	return found;
}

static uint32_t random_port(struct host *host)
{
	static const uint32_t known[] = {0, 123, 620, 1024, 1025, 1026, 1027, 1028, 1029,
		1030, 1031, 0xffffffff, 0x80000000};
	struct dgram *dgram = host->dgrams;
	struct stream *stream;

	switch (host_random(host) % 4) {
	case 0:
		stream = random_stream(host);
		return stream ? stream->guest_port : host->last_created;
	case 1:
		return dgram ? dgram->guest_port : host->last_created;
	case 2:
		return host->last_created + host_random(host) % 16 - 8;
	default:
		return pick(host, known, sizeof(known) / sizeof(known[0]));
	}
}

static struct packet random_packet(struct host *host)
{
	static const uint32_t sizes[] = {
		0, 1, 4, 43, 44, 136, 3732, 4096, 65536, 0xffffffff};
	static const uint32_t windows[] = {0, 1, 4096, 0x7fffffff, 0xffffffff};
	struct packet packet = {
		.src_cid = host_random(host) % 8 ? HOST_CID : host_random(host),
		.dst_cid = host_random(host) % 8 ? host->cid : host_random(host),
		.src_port = random_port(host),
		.dst_port = random_port(host),
		.len = pick(host, sizes, sizeof(sizes) / sizeof(sizes[0])),
		.type = host_random(host) % 16 ? 1 + 2 * (host_random(host) % 2)
					       : (uint16_t)host_random(host),
		.op = host_random(host) % 16 ? host_random(host) % 8
					     : (uint16_t)host_random(host),
		.flags = host_random(host) % 4,
		.buf_alloc = pick(host, windows, sizeof(windows) / sizeof(windows[0])),
		.fwd_cnt = host_random(host) % 2 ? 0 : host_random(host),
	};
	struct stream *stream = random_stream(host);

	/* Half of the time, a pair of ports that is really connected. */
	if (stream && host_random(host) % 2) {
		packet.src_port = stream->host_port;
		packet.dst_port = stream->guest_port;
	}
	return packet;
}

/* One hostile packet. False: no receive buffer. */
static bool inject_one(struct host *host)
{
	static uint8_t last[PACKET_HEADER + FUZZ_BYTES];
	static size_t last_size;
	static uint8_t bytes[PACKET_HEADER + FUZZ_BYTES];
	struct packet packet;
	size_t payload, size;
	uint32_t kind;

	/* Before anything random is drawn: the guest's pace must not change the sequence. */
	if (!host_room(host))
		return false;
	packet = random_packet(host);
	payload = packet.len < FUZZ_BYTES ? packet.len : FUZZ_BYTES;
	size = PACKET_HEADER + payload;
	kind = host_random(host) % 16;
	packet_encode(&packet, bytes);
	for (size_t i = 0; i < payload; i++)
		bytes[PACKET_HEADER + i] = (uint8_t)host_random(host);
	if (kind == 0) /* truncated, into the header too */
		size = host_random(host) % (size + 1);
	else if (kind == 1) /* the one before once more, which is also an old one */
		return host_inject(host, last, last_size);
	else if (kind == 2)
		bytes[host_random(host) % PACKET_HEADER] ^= 1u << host_random(host) % 8;
	if (!host_inject(host, bytes, size))
		return false;
	if (host_random(host) % 4 == 0) {
		memcpy(last, bytes, size);
		last_size = size;
	}
	return true;
}

void fuzz_room(struct host *host)
{
	while (host->fuzz_left && inject_one(host))
		host->fuzz_left--;
}
