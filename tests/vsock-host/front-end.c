// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "front-end.h"

#define RING 64
#define GUEST_BASE 0x40000000ull
#define MEMORY (32u << 20)
#define SLOT (128u << 10) /* a buffer of the largest packet, in guest memory */

enum { RX, TX };

struct ring {
	struct vring vring;
	int kick, call;
	uint16_t seen;	 /* of the used ring */
	uint32_t memory; /* offset of its first slot */
	unsigned int free[RING];
	unsigned int free_count;
};

struct front_end {
	pid_t pid;
	int connection;
	uint8_t *memory;
	struct ring ring[2];
	size_t buffer;
	uint8_t fill;
	unsigned int transmit_interrupts;
	char directory[32];
	char socket[64];
	char control[64];
	char answer[65536];
};

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(99);
}

static void message(struct front_end *front, uint32_t request, const void *payload,
	uint32_t size, const int *fds, unsigned int fd_count)
{
	uint32_t header[3] = {request, 1, size};
	char control[CMSG_SPACE(2 * sizeof(int))] = {0};
	struct iovec iov[2] = {{header, sizeof(header)}, {(void *)payload, size}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

	if (fd_count) {
		struct cmsghdr *cmsg;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, fd_count * sizeof(int));
	}
	if (sendmsg(front->connection, &msg, MSG_NOSIGNAL) < 0)
		die("vhost-user message");
}

static uint64_t ask_u64(struct front_end *front, uint32_t request)
{
	uint8_t answer[20];

	message(front, request, NULL, 0, NULL, 0);
	if (recv(front->connection, answer, sizeof(answer), MSG_WAITALL) !=
		sizeof(answer))
		die("vhost-user reply");
	return get_le64(answer + 12);
}

static void *slot(struct front_end *front, struct ring *ring, unsigned int index)
{
	return front->memory + ring->memory + index * SLOT;
}

static uint64_t slot_address(const struct ring *ring, unsigned int index)
{
	return GUEST_BASE + ring->memory + index * SLOT;
}

static void make_available(struct ring *ring, unsigned int head)
{
	struct vring_avail *avail = ring->vring.avail;
	uint64_t one = 1;

	avail->ring[avail->idx % RING] = (uint16_t)head;
	__atomic_store_n(&avail->idx, (uint16_t)(avail->idx + 1), __ATOMIC_RELEASE);
	if (write(ring->kick, &one, sizeof(one)) < 0)
		die("kick");
}

static void give_receive_buffer(struct front_end *front, unsigned int index)
{
	struct ring *ring = &front->ring[RX];
	uint8_t *bytes = slot(front, ring, index);

	memset(bytes, front->fill, PACKET_HEADER);
	ring->vring.desc[index] = (struct vring_desc){
		.addr = slot_address(ring, index),
		.len = (uint32_t)front->buffer,
		.flags = VRING_DESC_F_WRITE,
	};
	make_available(ring, index);
}

static void set_ring(struct front_end *front, uint32_t index)
{
	struct ring *ring = &front->ring[index];
	uint32_t state[2] = {index, RING};
	uint64_t base = (uint64_t)(uintptr_t)front->memory;
	uint64_t ring_base = base + index * 0x10000;
	uint64_t file = index;
	struct {
		uint32_t index, flags;
		uint64_t desc, used, avail, log;
	} address = {.index = index, .desc = ring_base};

	vring_init(&ring->vring, RING, front->memory + index * 0x10000, 4096);
	address.avail = base + (uint64_t)((uint8_t *)ring->vring.avail - front->memory);
	address.used = base + (uint64_t)((uint8_t *)ring->vring.used - front->memory);
	ring->memory = (1u << 20) + index * RING * SLOT;
	ring->kick = eventfd(0, EFD_CLOEXEC);
	ring->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	message(front, 8, state, sizeof(state), NULL, 0);
	state[1] = 0;
	message(front, 10, state, sizeof(state), NULL, 0);
	message(front, 9, &address, sizeof(address), NULL, 0);
	message(front, 12, &file, sizeof(file), &ring->kick, 1);
	message(front, 13, &file, sizeof(file), &ring->call, 1);
	state[1] = 1;
	message(front, 18, state, sizeof(state), NULL, 0);
}

static void share_memory(struct front_end *front)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);
	struct {
		uint32_t regions, padding;
		uint64_t guest, size, user, offset;
	} table = {.regions = 1, .guest = GUEST_BASE, .size = MEMORY};

	if (fd < 0 || ftruncate(fd, MEMORY))
		die("guest memory");
	front->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (front->memory == MAP_FAILED)
		die("guest memory");
	table.user = (uint64_t)(uintptr_t)front->memory;
	message(front, 5, &table, sizeof(table), &fd, 1);
	close(fd);
}

static int connect_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die(path);
	return fd;
}

static void run_program(
	struct front_end *front, const char *program, const char *const *arguments)
{
	const char *argv[40] = {
		program, "--socket", front->socket, "--control", front->control};
	int out[2];
	char line[8];

	for (unsigned int i = 5; *arguments && i < 39; i++)
		argv[i] = *arguments++;
	if (pipe(out))
		die("pipe");
	front->pid = fork();
	if (!front->pid) {
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		execv(program, (char *const *)argv);
		_exit(127);
	}
	close(out[1]);
	if (front->pid < 0 || read(out[0], line, 6) != 6)
		die(program);
	close(out[0]);
}

struct front_end *front_end_start(
	const char *program, const char *const *arguments, size_t buffer, uint8_t fill)
{
	struct front_end *front = calloc(1, sizeof(*front));
	uint64_t features;

	if (!front)
		die("memory");
	strcpy(front->directory, "/tmp/vsock-host-XXXXXX");
	if (!mkdtemp(front->directory))
		die("temporary directory");
	snprintf(front->socket, sizeof(front->socket), "%s/socket", front->directory);
	snprintf(front->control, sizeof(front->control), "%s/control", front->directory);
	front->buffer = buffer;
	front->fill = fill;
	run_program(front, program, arguments);
	front->connection = connect_unix(front->socket);
	features = ask_u64(front, 1);
	ask_u64(front, 15);
	message(front, 3, NULL, 0, NULL, 0);
	message(front, 2, &features, sizeof(features), NULL, 0);
	share_memory(front);
	set_ring(front, RX);
	set_ring(front, TX);
	for (unsigned int i = 0; i < RING; i++)
		give_receive_buffer(front, i);
	for (unsigned int i = 0; i < RING / 4; i++)
		front->ring[TX].free[front->ring[TX].free_count++] = 4 * i;
	return front;
}

int front_end_stop(struct front_end *front)
{
	int status;

	close(front->connection);
	kill(front->pid, SIGTERM);
	if (waitpid(front->pid, &status, 0) < 0)
		die("wait");
	for (unsigned int i = 0; i < 2; i++) {
		close(front->ring[i].kick);
		close(front->ring[i].call);
	}
	munmap(front->memory, MEMORY);
	rmdir(front->directory);
	free(front);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool next_used(struct ring *ring, struct vring_used_elem *ret)
{
	struct vring_used *used = ring->vring.used;

	if (__atomic_load_n(&used->idx, __ATOMIC_ACQUIRE) == ring->seen)
		return false;
	*ret = used->ring[ring->seen++ % RING];
	return true;
}

static void reclaim(struct front_end *front)
{
	struct ring *ring = &front->ring[TX];
	struct vring_used_elem used;
	uint64_t calls;

	if (read(ring->call, &calls, sizeof(calls)) > 0)
		front->transmit_interrupts += (unsigned int)calls;
	while (next_used(ring, &used))
		ring->free[ring->free_count++] = used.id;
}

unsigned int front_end_transmit_interrupts(struct front_end *front)
{
	reclaim(front);
	return front->transmit_interrupts;
}

void front_end_send(struct front_end *front, const struct packet *packet,
	const void *payload, size_t size, enum shape shape)
{
	struct ring *ring = &front->ring[TX];
	size_t part[3] = {PACKET_HEADER, size, 0};
	unsigned int head, parts = size ? 2 : 1;
	uint64_t at;

	for (int tries = 0; reclaim(front), !ring->free_count; tries++) {
		if (tries == 5000)
			die("the device does not take packets");
		usleep(1000);
	}
	head = ring->free[--ring->free_count];
	packet_encode(packet, slot(front, ring, head));
	if (size)
		memcpy((uint8_t *)slot(front, ring, head) + PACKET_HEADER, payload, size);
	if (shape == SHAPE_ONE) {
		part[0] += size;
		parts = 1;
	} else if (shape == SHAPE_THREE && size > 1) {
		part[1] = size / 2;
		part[2] = size - part[1];
		parts = 3;
	}
	at = slot_address(ring, head);
	for (unsigned int i = 0; i < parts; i++) {
		ring->vring.desc[head + i] = (struct vring_desc){
			.addr = at,
			.len = (uint32_t)part[i],
			.flags = i + 1 < parts ? VRING_DESC_F_NEXT : 0,
			.next = (uint16_t)(head + i + 1),
		};
		at += part[i];
	}
	make_available(ring, head);
}

bool front_end_receive(struct front_end *front, struct received *ret, int ms)
{
	struct ring *ring = &front->ring[RX];
	struct vring_used_elem used;
	const uint8_t *bytes;
	size_t size;

	while (!next_used(ring, &used)) {
		struct pollfd wait = {.fd = ring->call, .events = POLLIN};
		uint64_t calls;

		if (poll(&wait, 1, ms) <= 0)
			return false;
		if (read(ring->call, &calls, sizeof(calls)) < 0)
			return false;
	}
	bytes = slot(front, ring, used.id);
	packet_decode(&ret->packet, bytes);
	ret->used = used.len;
	size = used.len > PACKET_HEADER ? used.len - PACKET_HEADER : 0;
	memcpy(ret->payload, bytes + PACKET_HEADER,
		size < sizeof(ret->payload) ? size : sizeof(ret->payload));
	give_receive_buffer(front, used.id);
	return true;
}

int front_end_dial(struct front_end *front, const char *command)
{
	int fd = connect_unix(front->control);

	if (dprintf(fd, "%s\n", command) < 0)
		die("control socket");
	return fd;
}

const char *front_end_ask(struct front_end *front, const char *command)
{
	int fd = front_end_dial(front, command);
	size_t used = 0;
	ssize_t got;

	while (used + 1 < sizeof(front->answer) &&
		(got = read(fd, front->answer + used, sizeof(front->answer) - 1 - used)) >
			0)
		used += (size_t)got;
	close(fd);
	front->answer[used] = '\0';
	front->answer[strcspn(front->answer, "\n")] = '\0';
	return front->answer;
}
