// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "vhost-user.h"
#include "virtq.h"

bool virtq_peek(struct virtq *queue, bool writable, struct chain *chain)
{
	unsigned int index, seen = 0;

	chain->segments = 0;
	chain->size = 0;
	if (!queue->enabled || !queue->avail)
		return false;
	if (__atomic_load_n(&queue->avail->idx, __ATOMIC_ACQUIRE) == queue->next_avail)
		return false;
	index = queue->avail->ring[queue->next_avail % queue->num];
	chain->head = (uint16_t)index;
	do {
		struct vring_desc desc;
		void *base;

		if (index >= queue->num || seen++ == queue->num)
			break;
		desc = queue->desc[index];
		base = vhost_guest_memory(queue->vhost, desc.addr, desc.len);
		if (base && !(desc.flags & VRING_DESC_F_WRITE) == !writable &&
			chain->segments < VIRTQ_SEGMENTS) {
			chain->segment[chain->segments].iov_base = base;
			chain->segment[chain->segments++].iov_len = desc.len;
			chain->size += desc.len;
		}
		if (!(desc.flags & VRING_DESC_F_NEXT))
			break;
		index = desc.next;
	} while (true);
	return true;
}

void virtq_return(struct virtq *queue, const struct chain *chain, uint32_t written)
{
	struct vring_used_elem *used = &queue->used->ring[queue->next_used % queue->num];

	used->id = chain->head;
	used->len = written;
	queue->next_avail++;
	queue->next_used++;
	__atomic_store_n(&queue->used->idx, queue->next_used, __ATOMIC_RELEASE);
}

void virtq_notify(struct virtq *queue)
{
	uint64_t one = 1;

	if (queue->call < 0 || !queue->avail)
		return;
	/* The guest clears the flag, then looks at used->idx once more: the store of the
	 * index must be visible before the flag is read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(queue->avail->flags & VRING_AVAIL_F_NO_INTERRUPT) &&
		write(queue->call, &one, sizeof(one)) < 0)
		queue->call = -1;
}

static size_t chain_copy(const struct chain *chain, size_t offset, uint8_t *bytes,
	size_t size, bool to_chain)
{
	size_t done = 0;

	for (unsigned int i = 0; i < chain->segments && done < size; i++) {
		const struct iovec *segment = &chain->segment[i];
		size_t part;

		if (offset >= segment->iov_len) {
			offset -= segment->iov_len;
			continue;
		}
		part = segment->iov_len - offset;
		if (part > size - done)
			part = size - done;
		if (to_chain)
			memcpy((uint8_t *)segment->iov_base + offset, bytes + done, part);
		else
			memcpy(bytes + done, (uint8_t *)segment->iov_base + offset, part);
		done += part;
		offset = 0;
	}
	return done;
}

size_t chain_read(const struct chain *chain, size_t from, void *to, size_t size)
{
	return chain_copy(chain, from, to, size, false);
}

size_t chain_write(const struct chain *chain, size_t to, const void *from, size_t size)
{
	return chain_copy(chain, to, (uint8_t *)from, size, true);
}
