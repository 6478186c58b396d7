/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams: UDP proxies, time sync, and the plain vsock datagram services. */
#ifndef DGRAM_H
#define DGRAM_H

#include <sys/socket.h>

#include "host.h"

struct dgram {
	struct dgram *next;
	struct host *host;
	uint32_t guest_port;
	uint16_t family;
	struct watch socket;
	bool has_destination;
	bool connected;
	bool needs_room;
	struct sockaddr_storage destination;
	socklen_t destination_length;
	uint8_t address[128]; /* as the guest gave it */
	uint32_t address_length;
	uint64_t to_guest, from_guest;
};

struct dgram *dgram_find(struct host *host, uint32_t guest_port);
struct dgram *dgram_create(struct host *host, uint32_t guest_port, uint16_t family);
void dgram_remove(struct dgram *dgram);
void dgram_forget(struct host *host);

/* Set where the next datagrams go, and read answers if @reads. 0 or -errno. */
int dgram_destination(struct dgram *dgram, const struct sockaddr_storage *to,
	socklen_t length, bool connects, bool reads);

/* One datagram of UDP payload from the guest. */
void dgram_data(struct dgram *dgram, const uint8_t *payload, size_t size);

void dgram_send(struct host *host, uint32_t from, uint32_t to, const void *payload,
	uint32_t size);

/* The host's clock to guest port 123, as libkrun does on macOS. */
void dgram_send_time(struct host *host);

#endif
