/* SPDX-License-Identifier: Apache-2.0 */
/* The vhost-user protocol, device side, as far as QEMU's vhost-user-vsock needs it:
 * https://www.qemu.org/docs/master/interop/vhost-user.html */
#ifndef VHOST_USER_H
#define VHOST_USER_H

#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "virtq.h"

#define VHOST_REGIONS 8

enum { QUEUE_RX, QUEUE_TX, QUEUE_EVENT, QUEUES };

struct vhost_region {
	uint64_t guest_address;
	uint64_t user_address; /* of the front end */
	uint64_t size;
	void *mapping;
	size_t mapping_size;
	uint8_t *base; /* of guest_address in our address space */
};

struct vhost {
	/* Filled in by the user of this file. */
	uint64_t device_features;
	uint8_t config[8]; /* virtio-vsock: the guest CID, little endian */
	void (*kicked)(void *arg, unsigned int queue);
	void (*disconnected)(void *arg);
	void *arg;

	struct watch listener;
	struct watch connection;
	uint64_t features; /* acknowledged */
	uint64_t protocol_features;
	unsigned int regions;
	struct vhost_region region[VHOST_REGIONS];
	struct virtq queue[QUEUES];
};

/* Listen on the unix socket @path for front ends, one at a time. */
int vhost_listen(struct vhost *vhost, const char *path);

void vhost_close(struct vhost *vhost);

/* NULL if [address, address + size) is not guest memory. */
void *vhost_guest_memory(const struct vhost *vhost, uint64_t address, uint64_t size);

#endif
