/* SPDX-License-Identifier: Apache-2.0 */
/* A fake vhost-user front end and guest driver: drives the device without QEMU. */
#ifndef FRONT_END_H
#define FRONT_END_H

#include <sys/types.h>

#include "packet.h"

/* How a packet from the guest is laid out in descriptors. */
enum shape { SHAPE_TWO, SHAPE_ONE, SHAPE_THREE };

struct received {
	struct packet packet;
	uint32_t used; /* bytes the device says it wrote */
	uint8_t payload[PACKET_PAYLOAD_MAX];
};

struct front_end;

/*
 * Start @program with "--socket" and @arguments (NULL-terminated), and play its guest with
 * receive buffers of @buffer bytes, filled with @fill where the header goes. Exits on
 * failure: nothing can be tested without it.
 */
struct front_end *front_end_start(
	const char *program, const char *const *arguments, size_t buffer, uint8_t fill);

/* Ends the program; its exit status, or 128 + signal. */
int front_end_stop(struct front_end *front);

void front_end_send(struct front_end *front, const struct packet *packet,
	const void *payload, size_t size, enum shape shape);

/* The next packet to the guest; false if none comes for @ms. */
bool front_end_receive(struct front_end *front, struct received *ret, int ms);

/* How often the device interrupted for transmitted packets. */
unsigned int front_end_transmit_interrupts(struct front_end *front);

/* Run a command on the control socket; the answer without its newline. */
const char *front_end_ask(struct front_end *front, const char *command);

/* Connect to the control socket, send @command and keep the connection. */
int front_end_dial(struct front_end *front, const char *command);

#endif
