/* SPDX-License-Identifier: Apache-2.0 */
/* Guest destinations to addresses of this machine's loopback: a test needs no network. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum reach { REACHABLE, UNREACHABLE, BLACK_HOLE };

struct target {
	struct sockaddr_storage host;
	socklen_t length;
	enum reach reach;
};

struct host;

/* "192.0.2.9=127.0.0.1", either family on both sides. 0 or -EINVAL. */
int address_add_map(const char *text);

/*
 * The destination @bytes (a Linux sockaddr of @length bytes in a control message) for a
 * socket of @type. 0; -EINVAL malformed; -EAFNOSUPPORT.
 */
int address_target(const struct host *host, const uint8_t *bytes, uint32_t length,
	int type, struct target *ret_target);

/* The address to bind for a guest's listener: loopback, port as configured by --port. */
int address_local(const struct host *host, const uint8_t *bytes, uint32_t length,
	struct target *ret_target);

bool address_is_mapped(const uint8_t *bytes, uint32_t length);
uint16_t address_port(const uint8_t *bytes, uint32_t length);

#endif
