/* SPDX-License-Identifier: Apache-2.0 */
/* What guests can talk to: the environment service, and real TCP and UDP servers that a
 * child process runs on this machine's loopback. */
#ifndef SERVICE_H
#define SERVICE_H

#include "host.h"

enum {
	SERVICE_ECHO = 7,
	SERVICE_DISCARD = 9,
	SERVICE_SOURCE = 19,
	SERVICE_SINK = 20,
	SERVICE_GREET = 21,
	SERVICE_HALF = 22,
	SERVICE_RESET = 23,
	SERVICE_SLOW = 24,
	SERVICE_REFUSED = 25,
	SERVICE_STUCK = 26,
	SERVICE_BRIEF = 27,
	SERVICE_HALFCLOSE = 28,
	SERVICE_CONTROL = 29,
	SERVICE_DNS = 53,
	SERVICES = 64,
};

/* Start the servers; they end with this process. Service 29 hands guests through to the
 * control socket at @control, so that one program in the guest can play both sides.
 * 0 or -errno. */
int service_start(const char *control, const char *unix_root);

/* The ephemeral port where service @port really is; @port itself if it is none. */
uint16_t service_real_port(uint16_t port, int family, int type);

/* Bytes that service 28 received after its FIN. */
uint64_t service_halfclose_bytes(void);

/* A stream REQUEST to a plain vsock port of the host. False: nobody is there. */
bool service_request(struct host *host, const struct packet *packet);

/* A datagram to a plain vsock port of the host. */
void service_datagram(struct host *host, const struct packet *packet,
	const uint8_t *payload, size_t size);

static inline uint8_t pattern_byte(uint64_t i)
{
	return (uint8_t)(i ^ i >> 8 ^ i >> 16 ^ i >> 24);
}

#endif
