// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "packet.h"
#include "vhost-user.h"

enum request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	RESET_OWNER = 4,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	SET_VRING_ERR = 14,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
	GET_CONFIG = 24,
	SET_CONFIG = 25,
};

#define VERSION 1u
#define FLAG_REPLY (1u << 2)
#define FLAG_NEED_REPLY (1u << 3)

#define F_PROTOCOL_FEATURES (1ull << 30)
#define PROTOCOL_REPLY_ACK (1ull << 3)
#define PROTOCOL_CONFIG (1ull << 9)

struct memory_region {
	uint64_t guest_address;
	uint64_t size;
	uint64_t user_address;
	uint64_t mmap_offset;
};

struct message {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
	union {
		uint64_t u64;
		struct {
			uint32_t index;
			uint32_t num;
		} state;
		struct {
			uint32_t index;
			uint32_t flags;
			uint64_t desc;
			uint64_t used;
			uint64_t avail;
			uint64_t log;
		} address;
		struct {
			uint32_t regions;
			uint32_t padding;
			struct memory_region region[VHOST_REGIONS];
		} memory;
		struct {
			uint32_t offset;
			uint32_t size;
			uint32_t flags;
			uint8_t bytes[256];
		} config;
		uint8_t bytes[512];
	} payload;
} __attribute__((packed));

#define MESSAGE_HEADER offsetof(struct message, payload)

void *vhost_guest_memory(const struct vhost *vhost, uint64_t address, uint64_t size)
{
	for (unsigned int i = 0; i < vhost->regions; i++) {
		const struct vhost_region *region = &vhost->region[i];
		uint64_t offset = address - region->guest_address;

		if (address >= region->guest_address && offset < region->size &&
			size <= region->size - offset)
			return region->base + offset;
	}
	return NULL;
}

/* Ring addresses are given in the front end's own address space. */
static void *user_memory(const struct vhost *vhost, uint64_t address)
{
	for (unsigned int i = 0; i < vhost->regions; i++) {
		const struct vhost_region *region = &vhost->region[i];

		if (address >= region->user_address &&
			address - region->user_address < region->size)
			return region->base + (address - region->user_address);
	}
	return NULL;
}

static void forget_memory(struct vhost *vhost)
{
	for (unsigned int i = 0; i < vhost->regions; i++)
		munmap(vhost->region[i].mapping, vhost->region[i].mapping_size);
	vhost->regions = 0;
}

static int set_memory(struct vhost *vhost, const struct message *message, const int *fds,
	unsigned int fd_count)
{
	unsigned int count = message->payload.memory.regions;

	forget_memory(vhost);
	if (count > VHOST_REGIONS || count != fd_count)
		return -EINVAL;
	for (unsigned int i = 0; i < count; i++) {
		struct memory_region from = message->payload.memory.region[i];
		struct vhost_region *region = &vhost->region[i];

		region->guest_address = from.guest_address;
		region->user_address = from.user_address;
		region->size = from.size;
		region->mapping_size = from.size + from.mmap_offset;
		region->mapping = mmap(NULL, region->mapping_size, PROT_READ | PROT_WRITE,
			MAP_SHARED, fds[i], 0);
		if (region->mapping == MAP_FAILED)
			return -errno;
		region->base = (uint8_t *)region->mapping + from.mmap_offset;
		vhost->regions++;
	}
	return 0;
}

static void queue_kicked(void *arg, uint32_t events)
{
	struct virtq *queue = arg;
	struct vhost *vhost = queue->vhost;
	uint64_t count;

	(void)events;
	if (read(queue->kick.fd, &count, sizeof(count)) < 0)
		return;
	if (queue->enabled)
		vhost->kicked(vhost->arg, (unsigned int)(queue - vhost->queue));
}

static void stop_queue(struct virtq *queue)
{
	loop_watch(&queue->kick, 0);
	if (queue->kick.fd >= 0)
		close(queue->kick.fd);
	queue->kick.fd = -1;
	queue->enabled = false;
}

static void reset(struct vhost *vhost)
{
	for (unsigned int i = 0; i < QUEUES; i++) {
		struct virtq *queue = &vhost->queue[i];

		stop_queue(queue);
		if (queue->call >= 0)
			close(queue->call);
		*queue = (struct virtq){
			.vhost = vhost,
			.kick = {.fd = -1, .ready = queue_kicked, .arg = queue},
			.call = -1,
		};
	}
	forget_memory(vhost);
	vhost->features = 0;
	vhost->protocol_features = 0;
}

static void enable_queue(struct vhost *vhost, struct virtq *queue, bool enable)
{
	queue->enabled = enable;
	if (enable && queue->kick.fd >= 0) {
		loop_watch(&queue->kick, EPOLLIN);
		/* Buffers may have been made available before we could be kicked. */
		vhost->kicked(vhost->arg, (unsigned int)(queue - vhost->queue));
	}
}

static void set_kick(struct vhost *vhost, struct virtq *queue, int fd)
{
	loop_watch(&queue->kick, 0);
	if (queue->kick.fd >= 0)
		close(queue->kick.fd);
	queue->kick.fd = fd;
	/* Without protocol features a ring has no enable message of its own. */
	if (queue->enabled || !(vhost->features & F_PROTOCOL_FEATURES))
		enable_queue(vhost, queue, true);
}

static int set_ring(struct vhost *vhost, const struct message *message)
{
	struct virtq *queue = &vhost->queue[message->payload.address.index];

	queue->desc = user_memory(vhost, message->payload.address.desc);
	queue->avail = user_memory(vhost, message->payload.address.avail);
	queue->used = user_memory(vhost, message->payload.address.used);
	if (!queue->desc || !queue->avail || !queue->used || !queue->num)
		return -EFAULT;
	queue->next_used = queue->used->idx;
	return 0;
}

static bool names_a_queue(const struct message *message, unsigned int *ret_index)
{
	switch (message->request) {
	case SET_VRING_NUM:
	case SET_VRING_ADDR:
	case SET_VRING_BASE:
	case GET_VRING_BASE:
	case SET_VRING_ENABLE:
		*ret_index = message->payload.state.index;
		return true;
	case SET_VRING_KICK:
	case SET_VRING_CALL:
	case SET_VRING_ERR:
		*ret_index = message->payload.u64 & 0xff;
		return true;
	default:
		return false;
	}
}

static void reply(struct vhost *vhost, struct message *message, uint32_t size)
{
	message->flags = VERSION | FLAG_REPLY;
	message->size = size;
	if (send(vhost->connection.fd, message, MESSAGE_HEADER + size, MSG_NOSIGNAL) < 0)
		perror("vsock-host: reply to front end");
}

/* Returns the bytes of the reply's payload, 0 for none, or -errno. */
static int handle(
	struct vhost *vhost, struct message *message, int *fds, unsigned int fd_count)
{
	struct virtq *queue = NULL;
	unsigned int index = 0;

	if (names_a_queue(message, &index)) {
		if (index >= QUEUES)
			return -EINVAL;
		queue = &vhost->queue[index];
	}
	switch (message->request) {
	case GET_FEATURES:
		message->payload.u64 = vhost->device_features | F_PROTOCOL_FEATURES;
		return sizeof(uint64_t);
	case SET_FEATURES:
		vhost->features = message->payload.u64;
		return 0;
	case GET_PROTOCOL_FEATURES:
		message->payload.u64 = PROTOCOL_REPLY_ACK | PROTOCOL_CONFIG;
		return sizeof(uint64_t);
	case SET_PROTOCOL_FEATURES:
		vhost->protocol_features = message->payload.u64;
		return 0;
	case GET_QUEUE_NUM:
		message->payload.u64 = QUEUES;
		return sizeof(uint64_t);
	case SET_MEM_TABLE:
		return set_memory(vhost, message, fds, fd_count);
	case SET_VRING_NUM:
		queue->num = message->payload.state.num;
		return 0;
	case SET_VRING_ADDR:
		return set_ring(vhost, message);
	case SET_VRING_BASE:
		queue->next_avail = (uint16_t)message->payload.state.num;
		return 0;
	case GET_VRING_BASE:
		stop_queue(queue);
		message->payload.state.num = queue->next_avail;
		return sizeof(message->payload.state);
	case SET_VRING_KICK:
		set_kick(vhost, queue, fd_count ? fds[0] : -1);
		fds[0] = -1;
		return 0;
	case SET_VRING_CALL:
		if (queue->call >= 0)
			close(queue->call);
		queue->call = fd_count ? fds[0] : -1;
		fds[0] = -1;
		return 0;
	case SET_VRING_ENABLE:
		enable_queue(vhost, queue, message->payload.state.num);
		return 0;
	case GET_CONFIG:
		if (message->payload.config.size > sizeof(message->payload.config.bytes))
			return -EINVAL;
		memset(message->payload.config.bytes, 0, message->payload.config.size);
		memcpy(message->payload.config.bytes, vhost->config,
			sizeof(vhost->config));
		return (int)message->size;
	case SET_OWNER:
	case RESET_OWNER:
	case SET_VRING_ERR:
	case SET_CONFIG:
		return 0;
	default:
		return -ENOTSUP;
	}
}

/* 1 = a message, 0 = the front end has gone. */
static int receive(
	int connection, struct message *message, int *fds, unsigned int *ret_fd_count)
{
	char control[CMSG_SPACE(VHOST_REGIONS * sizeof(int))];
	struct iovec header = {message, MESSAGE_HEADER};
	struct msghdr msg = {
		.msg_iov = &header,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;

	if (recvmsg(connection, &msg, MSG_WAITALL | MSG_CMSG_CLOEXEC) !=
		(ssize_t)MESSAGE_HEADER)
		return 0;
	*ret_fd_count = 0;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_type == SCM_RIGHTS) {
		*ret_fd_count =
			(unsigned int)((cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(cmsg), *ret_fd_count * sizeof(int));
	}
	if (message->size > sizeof(message->payload))
		return 0;
	if (message->size && recv(connection, &message->payload, message->size,
				     MSG_WAITALL) != (ssize_t)message->size)
		return 0;
	return 1;
}

static void connection_ready(void *arg, uint32_t events)
{
	struct vhost *vhost = arg;
	struct message message = {0};
	int fds[VHOST_REGIONS] = {-1};
	unsigned int fd_count = 0;
	int result;

	(void)events;
	if (!receive(vhost->connection.fd, &message, fds, &fd_count)) {
		loop_watch(&vhost->connection, 0);
		close(vhost->connection.fd);
		vhost->connection.fd = -1;
		reset(vhost);
		loop_watch(&vhost->listener, EPOLLIN);
		vhost->disconnected(vhost->arg);
		return;
	}
	result = handle(vhost, &message, fds, fd_count);
	for (unsigned int i = 0; i < fd_count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (result > 0) {
		reply(vhost, &message, (uint32_t)result);
	} else if (message.flags & FLAG_NEED_REPLY) {
		message.payload.u64 = result < 0;
		reply(vhost, &message, sizeof(uint64_t));
	}
}

static void listener_ready(void *arg, uint32_t events)
{
	struct vhost *vhost = arg;

	(void)events;
	vhost->connection.fd = accept4(vhost->listener.fd, NULL, NULL, SOCK_CLOEXEC);
	if (vhost->connection.fd < 0)
		return;
	loop_watch(&vhost->listener, 0);
	loop_watch(&vhost->connection, EPOLLIN);
}

int vhost_listen(struct vhost *vhost, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 1)) {
		int error = errno;

		close(fd);
		return -error;
	}
	for (unsigned int i = 0; i < QUEUES; i++)
		vhost->queue[i].kick.fd = vhost->queue[i].call = -1;
	reset(vhost);
	vhost->connection =
		(struct watch){.fd = -1, .ready = connection_ready, .arg = vhost};
	vhost->listener = (struct watch){.fd = fd, .ready = listener_ready, .arg = vhost};
	loop_watch(&vhost->listener, EPOLLIN);
	return 0;
}

void vhost_close(struct vhost *vhost)
{
	loop_watch(&vhost->listener, 0);
	loop_watch(&vhost->connection, 0);
	close(vhost->listener.fd);
	if (vhost->connection.fd >= 0)
		close(vhost->connection.fd);
	reset(vhost);
}
