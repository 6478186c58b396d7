/* SPDX-License-Identifier: Apache-2.0 */
/* A split virtqueue as the device sees it (virtio 1.2, 2.7), without indirect
 * descriptors and event indexes, which are not offered. */
#ifndef VIRTQ_H
#define VIRTQ_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "loop.h"

#define VIRTQ_SEGMENTS 66

struct vhost;

struct virtq {
	struct vhost *vhost; /* translates guest addresses */
	struct watch kick;
	int call;
	unsigned int num;
	bool enabled;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t next_avail;
	uint16_t next_used;
};

/* One descriptor chain: what the guest lends to the device. */
struct chain {
	uint16_t head;
	unsigned int segments;
	struct iovec segment[VIRTQ_SEGMENTS];
	size_t size;
};

/* Fill @chain with the next available one and leave it there. False: there is none. */
bool virtq_peek(struct virtq *queue, bool writable, struct chain *chain);

/* Give the chain seen by the last virtq_peek() back, @written bytes filled in. */
void virtq_return(struct virtq *queue, const struct chain *chain, uint32_t written);

/* Interrupt the guest unless it asked not to be. */
void virtq_notify(struct virtq *queue);

size_t chain_read(const struct chain *chain, size_t from, void *to, size_t size);
size_t chain_write(const struct chain *chain, size_t to, const void *from, size_t size);

#endif
