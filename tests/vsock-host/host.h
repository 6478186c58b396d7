/* SPDX-License-Identifier: Apache-2.0 */
/* The device: what the parts of the host share, and how packets get to the guest. */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "family.h"
#include "packet.h"
#include "vhost-user.h"

enum {
	PORT_ENVIRONMENT = 1026, /* stream; as a datagram port it is GETNAME */
	PORT_EXEC = 1028,	 /* stream, in the guest */
	PORT_PROXY = 620,
	PORT_TIME = 123,
	PORT_CREATE = 1024,
	PORT_CONNECT,
	PORT_GETNAME,
	PORT_SENDTO_ADDR,
	PORT_SENDTO_DATA,
	PORT_LISTEN,
	PORT_ACCEPT,
	PORT_RELEASE,
};

#define TOKEN_SIZE 32
#define FIRST_DIALLED_PORT 0xc0000000u

/* What tests ask for with the command "state"; the names there are the same. */
#define COUNTERS(X)                                                                      \
	X(tx_packets)                                                                    \
	X(rx_packets)                                                                    \
	X(tx_bytes) X(rx_bytes) X(parked_dropped) X(guest_rst) X(guest_datagram_rst) X(  \
		guest_shutdown) X(guest_credit_updates) X(bad_shape) X(length_mismatch)  \
		X(oversize) X(unknown_stream) X(creates) X(connects) X(getnames)         \
			X(sendto_addrs) X(sendto_datas) X(listens) X(accepts)            \
				X(releases) X(connected_data) X(bad_token) X(malformed)  \
					X(port_decreases) X(reserved_ports) X(accepted)  \
						X(refused_offers) X(hostile)

struct counters {
#define X(name) uint64_t name;
	COUNTERS(X)
#undef X
};

struct parked {
	struct parked *next;
	struct packet packet;
	bool reply; /* a control reply: hosts may pad it */
	bool cut;   /* the second half is left out, the header says nothing of it */
	size_t sent;
	uint8_t payload[];
};

struct port_map {
	uint16_t guest;
	uint16_t host;
};

struct host {
	struct vhost vhost;
	const struct family *family;
	struct behaviour is;
	uint64_t cid;
	bool has_token;
	uint8_t token[TOKEN_SIZE];

	struct stream *streams;
	struct dgram *dgrams;
	uint32_t last_created;
	uint32_t next_dialled;
	uint64_t random;

	struct parked *parked;
	unsigned int parked_count;
	unsigned int transmit_stops; /* reasons not to look at the transmit queue */
	bool taking;		     /* in the middle of that queue */
	uint64_t replies, packets;
	struct counters count;

	const char *environment; /* file, NULL = the empty one */
	const char *environment_mode;
	const char *unix_root;
	uint32_t loopback; /* where listeners of guests are bound */
	struct port_map ports[16];
	unsigned int port_count;

	FILE *log;
	uint64_t started;
	unsigned int fuzz_left;
};

/* Payload bytes that a packet sent now may have, 0 = no buffer is free. */
size_t host_room(struct host *host);

/* Send @packet (CIDs are filled in, len must be set) or park it until there is a buffer. */
void host_send(struct host *host, struct packet packet, const void *payload);

/* The same for a control reply from @port to guest port @to. */
void host_reply(struct host *host, uint32_t port, uint32_t to, const void *payload,
	uint32_t size);

/* Put raw bytes into the next buffer: neither CIDs nor lengths are made right. */
bool host_inject(struct host *host, const void *bytes, size_t size);

void host_stop_transmit(struct host *host);
void host_start_transmit(struct host *host);

/* For the front end. */
void host_kicked(void *arg, unsigned int queue);

uint32_t host_random(struct host *host);

/* Parts that take packets from the guest. */
void stream_packet(struct host *host, const struct packet *packet, const uint8_t *payload,
	size_t size);
void dgram_packet(struct host *host, const struct packet *packet, const uint8_t *payload,
	size_t size);
void control_packet(struct host *host, const struct packet *packet,
	const uint8_t *payload, size_t size);

/* ... and that have waited for receive buffers. */
void stream_room(struct host *host);
void dgram_room(struct host *host);
void fuzz_room(struct host *host);

#endif
