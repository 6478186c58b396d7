// SPDX-License-Identifier: Apache-2.0
/*
 * A vhost-user virtio-blk device that offers nothing but VERSION_1, like the runtime's: no FLUSH, no SEG_MAX.
 * Serves reads of a file, and says at the end how many requests there were.
 *
 * usage: disk-host SOCKET FILE
 */
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vhost-user.h"

#define F_VERSION_1 (1ull << 32)

static struct vhost vhost;
static volatile sig_atomic_t stop;
static uint8_t *disk;
static uint64_t capacity;
static unsigned long reads, others;
static unsigned int most_segments;

static uint8_t serve(const struct chain *request, const struct chain *answer)
{
	struct virtio_blk_outhdr header;
	uint64_t from;
	size_t size = answer->size - 1;

	if (chain_read(request, 0, &header, sizeof(header)) != sizeof(header))
		return VIRTIO_BLK_S_IOERR;
	from = header.sector * 512;
	if (header.type == VIRTIO_BLK_T_GET_ID) {
		others++;
		chain_write(answer, 0, "blk0", 5);
		return VIRTIO_BLK_S_OK;
	}
	if (header.type != VIRTIO_BLK_T_IN) {
		others++;
		return VIRTIO_BLK_S_UNSUPP;
	}
	if (from > capacity || size > capacity - from)
		return VIRTIO_BLK_S_IOERR;
	reads++;
	if (answer->segments - 1 > most_segments)
		most_segments = answer->segments - 1;
	chain_write(answer, 0, disk + from, size);
	return VIRTIO_BLK_S_OK;
}

static void kicked(void *arg, unsigned int index)
{
	struct virtq *queue = &vhost.queue[index];
	struct chain request, answer;
	uint8_t status;

	(void)arg;
	while (virtq_peek(queue, false, &request) && virtq_peek(queue, true, &answer)) {
		if (answer.size) {
			status = serve(&request, &answer);
			chain_write(&answer, answer.size - 1, &status, 1);
		}
		virtq_return(queue, &answer, (uint32_t)answer.size);
	}
	virtq_notify(queue);
}

static void gone(void *arg)
{
	(void)arg;
	stop = 1;
}

int main(int argc, char **argv)
{
	struct stat status;
	int fd;

	if (argc != 3)
		return 2;
	fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status)) {
		perror(argv[2]);
		return 1;
	}
	capacity = (uint64_t)status.st_size;
	disk = mmap(NULL, capacity, PROT_READ, MAP_PRIVATE, fd, 0);
	if (disk == MAP_FAILED) {
		perror(argv[2]);
		return 1;
	}
	vhost.device_features = F_VERSION_1;
	for (unsigned int i = 0; i < sizeof(vhost.config); i++)
		vhost.config[i] = (uint8_t)(capacity / 512 >> 8 * i);
	vhost.kicked = kicked;
	vhost.disconnected = gone;
	if (vhost_listen(&vhost, argv[1])) {
		perror(argv[1]);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	loop_run(&stop);
	printf("reads %lu segments %u others %lu\n", reads, most_segments, others);
	vhost_close(&vhost);
	unlink(argv[1]);
	return 0;
}
