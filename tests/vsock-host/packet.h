/* SPDX-License-Identifier: Apache-2.0 */
/* The virtio-vsock packet header and the numbers in it. */
#ifndef PACKET_H
#define PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_HEADER 44
#define PACKET_PAYLOAD_MAX 65536
#define HOST_CID 2

enum { TYPE_STREAM = 1, TYPE_SEQPACKET = 2, TYPE_DATAGRAM = 3 };

enum {
	OP_REQUEST = 1,
	OP_RESPONSE,
	OP_RST,
	OP_SHUTDOWN,
	OP_RW,
	OP_CREDIT_UPDATE,
	OP_CREDIT_REQUEST,
};

enum { SHUTDOWN_RECEIVE = 1, SHUTDOWN_SEND = 2, SHUTDOWN_BOTH = 3 };

struct packet {
	uint64_t src_cid;
	uint64_t dst_cid;
	uint32_t src_port;
	uint32_t dst_port;
	uint32_t len;
	uint16_t type;
	uint16_t op;
	uint32_t flags;
	uint32_t buf_alloc;
	uint32_t fwd_cnt;
};

uint16_t get_le16(const void *from);
uint32_t get_le32(const void *from);
uint64_t get_le64(const void *from);
void put_le16(void *to, uint16_t value);
void put_le32(void *to, uint32_t value);
void put_le64(void *to, uint64_t value);

void packet_encode(const struct packet *packet, uint8_t to[PACKET_HEADER]);
void packet_decode(struct packet *packet, const uint8_t from[PACKET_HEADER]);

/* Bytes of the header, from 0, that a libkrun host writes; what lies behind and its gaps
 * keep what the guest put into the buffer, which therefore has to be zero. */
void packet_encode_partial(const struct packet *packet, uint8_t to[PACKET_HEADER]);

/* One line for the packet log: "stream RW 3:5000 > 2:7 len 12 ...". */
int packet_describe(const struct packet *packet, char *to, size_t size);

#endif
