// SPDX-License-Identifier: Apache-2.0
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "packet.h"

uint16_t get_le16(const void *from)
{
	uint16_t value;

	memcpy(&value, from, sizeof(value));
	return le16toh(value);
}

uint32_t get_le32(const void *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return le32toh(value);
}

uint64_t get_le64(const void *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	return le64toh(value);
}

void put_le16(void *to, uint16_t value)
{
	value = htole16(value);
	memcpy(to, &value, sizeof(value));
}

void put_le32(void *to, uint32_t value)
{
	value = htole32(value);
	memcpy(to, &value, sizeof(value));
}

void put_le64(void *to, uint64_t value)
{
	value = htole64(value);
	memcpy(to, &value, sizeof(value));
}

void packet_encode(const struct packet *packet, uint8_t to[PACKET_HEADER])
{
	put_le64(to, packet->src_cid);
	put_le64(to + 8, packet->dst_cid);
	put_le32(to + 16, packet->src_port);
	put_le32(to + 20, packet->dst_port);
	put_le32(to + 24, packet->len);
	put_le16(to + 28, packet->type);
	put_le16(to + 30, packet->op);
	put_le32(to + 32, packet->flags);
	put_le32(to + 36, packet->buf_alloc);
	put_le32(to + 40, packet->fwd_cnt);
}

void packet_decode(struct packet *packet, const uint8_t from[PACKET_HEADER])
{
	packet->src_cid = get_le64(from);
	packet->dst_cid = get_le64(from + 8);
	packet->src_port = get_le32(from + 16);
	packet->dst_port = get_le32(from + 20);
	packet->len = get_le32(from + 24);
	packet->type = get_le16(from + 28);
	packet->op = get_le16(from + 30);
	packet->flags = get_le32(from + 32);
	packet->buf_alloc = get_le32(from + 36);
	packet->fwd_cnt = get_le32(from + 40);
}

void packet_encode_partial(const struct packet *packet, uint8_t to[PACKET_HEADER])
{
	bool credit = packet->op == OP_CREDIT_REQUEST || packet->op == OP_CREDIT_UPDATE;
	bool opening = packet->op == OP_REQUEST || packet->op == OP_RESPONSE;
	uint8_t whole[PACKET_HEADER];

	packet_encode(packet, whole);
	if (packet->op == OP_RST || packet->op == OP_SHUTDOWN) {
		memcpy(to, whole, sizeof(whole));
		return;
	}
	memcpy(to, whole, 24);
	if (!credit)
		memcpy(to + 24, whole + 24, 4);
	memcpy(to + 28, whole + 28, 4);
	if (packet->type == TYPE_DATAGRAM && !packet->buf_alloc)
		return;
	memcpy(to + 36, whole + 36, 4);
	if (!opening)
		memcpy(to + 40, whole + 40, 4);
}

static const char *const op_names[] = {
	"INVALID",
	"REQUEST",
	"RESPONSE",
	"RST",
	"SHUTDOWN",
	"RW",
	"CREDIT_UPDATE",
	"CREDIT_REQUEST",
};

static const char *const type_names[] = {"invalid", "stream", "seqpacket", "datagram"};

int packet_describe(const struct packet *p, char *to, size_t size)
{
	return snprintf(to, size,
		"%s %s %llu:%u > %llu:%u len %u flags %u alloc %u fwd %u",
		p->type < 4 ? type_names[p->type] : "unknown",
		p->op < 8 ? op_names[p->op] : "UNKNOWN", (unsigned long long)p->src_cid,
		p->src_port, (unsigned long long)p->dst_cid, p->dst_port, p->len,
		p->flags, p->buf_alloc, p->fwd_cnt);
}
