// SPDX-License-Identifier: Apache-2.0
/*
 * Plain AF_VSOCK in a guest, as /init of a boot of its own. Takes one command a line from
 * the console and answers with one line that begins with the command's name; "loopback"
 * prints TAP lines. The test on the host decides what the answers are worth. The services
 * are those of tests/vsock-host.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <linux/vm_sockets.h> /* needs <sys/socket.h> */

#include "../leaks.h"

enum {
	ECHO_PORT = 7,
	SOURCE_PORT = 19,
	SINK_PORT = 20,
	GREET_PORT = 21,
	HALFCLOSE_PORT = 28,
	ENVIRONMENT_PORT = 1026
};
enum { DATAGRAM_MAX = 65536, BIG = 64 << 20 };

static uint8_t buffer[DATAGRAM_MAX + 1];

static uint8_t pattern_byte(uint64_t i)
{
	return (uint8_t)(i ^ i >> 8 ^ i >> 16 ^ i >> 24);
}

static void fill(uint8_t *to, uint64_t from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = pattern_byte(from + i);
}

static bool intact(const uint8_t *bytes, uint64_t from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != pattern_byte(from + i))
			return false;
	return true;
}

static struct sockaddr_vm address(unsigned int cid, unsigned int port)
{
	return (struct sockaddr_vm){
		.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port};
}

#define ADDRESS(cid, port)                                                               \
	((struct sockaddr *)&(struct sockaddr_vm[]){address(cid, port)})
#define ADDRESS_SIZE sizeof(struct sockaddr_vm)

/* No test waits for ever. */
static int new_socket(int type, int seconds)
{
	struct timeval limit = {.tv_sec = seconds};
	int fd = socket(AF_VSOCK, type | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return fd;
}

static int dial(unsigned int cid, unsigned int port)
{
	int fd = new_socket(SOCK_STREAM, 60), error;

	if (!connect(fd, ADDRESS(cid, port), ADDRESS_SIZE))
		return fd;
	error = errno;
	close(fd);
	return -error;
}

/* How a stream ended, after @done bytes. */
static void tell(const char *name, uint64_t done, bool good, int error)
{
	printf("%s %llu %s %s\n", name, (unsigned long long)done,
		good ? "intact" : "corrupt", error ? strerrorname_np(error) : "end");
}

/* Read to the end, with a pause after the first MiB. */
static void read_all(const char *name, int fd, unsigned int pause)
{
	uint64_t done = 0;
	bool good = true;
	ssize_t got;

	while ((got = read(fd, buffer, sizeof(buffer))) > 0) {
		good &= intact(buffer, done, (size_t)got);
		done += (uint64_t)got;
		if (pause && done >= 1 << 20) {
			sleep(pause);
			pause = 0;
		}
	}
	tell(name, done, good, got < 0 ? errno : 0);
}

static void download(unsigned long long size, unsigned int pause)
{
	int fd = dial(VMADDR_CID_HOST, SOURCE_PORT);

	if (fd < 0) {
		tell("download", 0, true, -fd);
		return;
	}
	dprintf(fd, "%llu\n", size);
	read_all("download", fd, pause);
	close(fd);
}

/* The sink answers "ok SIZE" or "bad OFFSET". */
static void upload(unsigned long long size)
{
	int fd = dial(VMADDR_CID_HOST, SINK_PORT);
	unsigned long long done = 0;
	char verdict[64] = "no answer";
	ssize_t put = 0;

	if (fd < 0) {
		printf("upload 0 %s\n", strerrorname_np(-fd));
		return;
	}
	dprintf(fd, "%llu\n", size);
	while (done < size) {
		size_t part =
			size - done < DATAGRAM_MAX ? (size_t)(size - done) : DATAGRAM_MAX;

		fill(buffer, done, part);
		put = write(fd, buffer, part);
		if (put <= 0)
			break;
		done += (unsigned long long)put;
	}
	if (put < 0)
		snprintf(verdict, sizeof(verdict), "%s", strerrorname_np(errno));
	else if (read(fd, verdict, sizeof(verdict) - 1) > 0)
		verdict[strcspn(verdict, "\n")] = '\0';
	printf("upload %llu %s\n", done, verdict);
	close(fd);
}

/* The first bytes of a service that speaks first. */
static void greet(void)
{
	int fd = dial(VMADDR_CID_HOST, GREET_PORT);
	char line[16] = "";
	ssize_t got = fd < 0 ? -1 : recv(fd, line, 6, MSG_WAITALL);

	line[strcspn(line, "\n")] = '\0';
	printf("greet %zd %s\n", got, fd < 0 ? strerrorname_np(-fd) : line);
	close(fd);
}

/* Connect and close, twice from the same port: the first must be gone by then. To another
 * port, as a host may answer the first's end with a reset when the second is under way.
 */
static void twice(void)
{
	static const unsigned int ports[] = {SINK_PORT, ECHO_PORT};
	const char *answer = "ok";

	for (int i = 0; i < 2 && !strcmp(answer, "ok"); i++) {
		int fd = new_socket(SOCK_STREAM, 10);

		if (bind(fd, ADDRESS(VMADDR_CID_ANY, 6002), ADDRESS_SIZE) ||
			connect(fd, ADDRESS(VMADDR_CID_HOST, ports[i]), ADDRESS_SIZE))
			answer = strerrorname_np(errno);
		close(fd);
	}
	printf("twice %s\n", answer);
}

/* Write to a service that has said its last word and listens. */
static void half(void)
{
	int fd = dial(VMADDR_CID_HOST, HALFCLOSE_PORT);
	ssize_t put = -1;

	while (fd >= 0 && read(fd, buffer, sizeof(buffer)) > 0)
		;
	if (fd >= 0)
		put = send(fd, "still here", 10, MSG_DONTWAIT | MSG_NOSIGNAL);
	printf("half %zd\n", put);
	close(fd);
}

/* The whole environment of the host, by size and sum of bytes. */
static void environment(void)
{
	int fd = dial(VMADDR_CID_HOST, ENVIRONMENT_PORT);
	unsigned long sum = 0;
	uint64_t done = 0;
	ssize_t got;

	while ((got = read(fd, buffer, sizeof(buffer))) > 0) {
		for (ssize_t i = 0; i < got; i++)
			sum += buffer[i];
		done += (uint64_t)got;
	}
	printf("environment %llu %lu %s\n", (unsigned long long)done, sum,
		got < 0 ? strerrorname_np(errno) : "end");
	close(fd);
}

/* A datagram of @size bytes from the host, or none within two seconds. */
static void datagram(size_t size)
{
	int fd = new_socket(SOCK_DGRAM, 2);
	char request[16];
	int length = snprintf(request, sizeof(request), "%zu", size);
	ssize_t got = sendto(fd, request, (size_t)length, 0,
		ADDRESS(VMADDR_CID_HOST, SOURCE_PORT), ADDRESS_SIZE);

	if (got == length)
		got = recv(fd, buffer, sizeof(buffer), MSG_TRUNC);
	printf("datagram %zd %s\n", got,
		got < 0				 ? strerrorname_np(errno)
		: intact(buffer, 0, (size_t)got) ? "intact"
						 : "corrupt");
	close(fd);
}

/* A datagram of @size bytes there and back. */
static void echo(size_t size)
{
	int fd = new_socket(SOCK_DGRAM, 5);
	ssize_t got;

	fill(buffer, 0, size);
	got = sendto(
		fd, buffer, size, 0, ADDRESS(VMADDR_CID_HOST, ECHO_PORT), ADDRESS_SIZE);
	memset(buffer, 0, sizeof(buffer));
	if (got == (ssize_t)size)
		got = recv(fd, buffer, sizeof(buffer), 0);
	printf("echo %zd %s\n", got,
		got < 0				 ? strerrorname_np(errno)
		: intact(buffer, 0, (size_t)got) ? "intact"
						 : "corrupt");
	close(fd);
}

/* Echo what the connections at @port send, one after the other, until @count had
 * something. */
static void serve(unsigned int port, unsigned int count)
{
	int listener = new_socket(SOCK_STREAM, 20);
	unsigned int served = 0;

	if (bind(listener, ADDRESS(VMADDR_CID_ANY, port), ADDRESS_SIZE) ||
		listen(listener, 4096))
		printf("serve %s\n", strerrorname_np(errno));
	else
		printf("serving %u\n", port);
	while (served < count) {
		int fd = accept(listener, NULL, NULL);
		ssize_t got;

		if (fd < 0)
			break;
		got = read(fd, buffer, sizeof(buffer));
		if (got > 0 && write(fd, buffer, (size_t)got) == got)
			served++;
		else
			printf("connection %s\n",
				got < 0 ? strerrorname_np(errno) : "end");
		close(fd);
	}
	printf("served %u\n", served);
	close(listener);
}

/* Loopback: no device needed. */

static void ok(bool good, const char *name)
{
	printf("%s - %s\n", good ? "ok" : "not ok", name);
}

static int bound(int type, unsigned int cid, unsigned int port, int seconds)
{
	int fd = new_socket(type, seconds), error;

	if (!bind(fd, ADDRESS(cid, port), ADDRESS_SIZE))
		return fd;
	error = errno;
	close(fd);
	return -error;
}

static unsigned int port_of(int fd)
{
	struct sockaddr_vm name;
	socklen_t size = sizeof(name);

	return getsockname(fd, (struct sockaddr *)&name, &size) ? 0 : name.svm_port;
}

static void loopback_datagrams(void)
{
	static const size_t sizes[] = {
		0, 1, 1684, 1685, 3732, 3733, 9000, 32404, 32405, 65507, DATAGRAM_MAX};
	struct sockaddr_vm from = {0};
	socklen_t from_size = sizeof(from);
	int receiver = bound(SOCK_DGRAM, VMADDR_CID_ANY, 5000, 2),
	    sender = new_socket(SOCK_DGRAM, 2);
	struct iovec iov = {buffer, 100};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	struct pollfd ready = {sender, POLLOUT, 0};
	bool good = receiver >= 0;
	int waiting = 0, other;

	ok(poll(&ready, 1, 0) == 1 && ready.revents == POLLOUT,
		"a fresh datagram socket can be written");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		fill(buffer, 0, sizes[i]);
		good &= sendto(sender, buffer, sizes[i], 0,
				ADDRESS(VMADDR_CID_LOCAL, 5000),
				ADDRESS_SIZE) == (ssize_t)sizes[i];
		memset(buffer, 0, sizeof(buffer));
		good &= recv(receiver, buffer, sizeof(buffer), 0) == (ssize_t)sizes[i] &&
			intact(buffer, 0, sizes[i]);
	}
	ok(good, "datagrams of 0 to 65536 bytes arrive");
	ok(sendto(sender, buffer, sizeof(buffer), 0, ADDRESS(VMADDR_CID_LOCAL, 5000),
		   ADDRESS_SIZE) == -1 &&
			errno == EMSGSIZE,
		"65537 bytes are refused");

	ok(port_of(sender) > 1023 && port_of(sender) < 0x80000000,
		"sending binds to a port of the lower half");
	sendto(sender, buffer, 300, 0, ADDRESS(VMADDR_CID_LOCAL, 5000), ADDRESS_SIZE);
	sendto(sender, buffer, 20, 0, ADDRESS(VMADDR_CID_LOCAL, 5000), ADDRESS_SIZE);
	recvfrom(receiver, buffer, 1, MSG_PEEK, (struct sockaddr *)&from, &from_size);
	ok(from_size == sizeof(from) && from.svm_cid == VMADDR_CID_LOCAL &&
			from.svm_port == port_of(sender),
		"the sender is told");
	ok(!ioctl(receiver, SIOCINQ, &waiting) && waiting == 300,
		"SIOCINQ is the size of the first datagram");
	ok(recvmsg(receiver, &message, MSG_TRUNC) == 300 && message.msg_flags & MSG_TRUNC,
		"MSG_TRUNC returns the whole length");
	ok(recv(receiver, buffer, sizeof(buffer), 0) == 20,
		"a cut datagram does not touch the next one");

	ok(send(sender, "x", 1, 0) == -1 && errno == EDESTADDRREQ,
		"send without a destination is refused");
	connect(sender, ADDRESS(VMADDR_CID_LOCAL, 5000), ADDRESS_SIZE);
	ok(send(sender, "x", 1, 0) == 1 && recv(receiver, buffer, 2, 0) == 1,
		"connected datagrams arrive");
	connect(sender, &(struct sockaddr){.sa_family = AF_UNSPEC},
		sizeof(struct sockaddr_vm));
	ok(send(sender, "x", 1, 0) == -1, "AF_UNSPEC disconnects");

	ok(bound(SOCK_DGRAM, VMADDR_CID_ANY, 5000, 1) == -EADDRINUSE,
		"a used port is refused");
	other = bound(SOCK_STREAM, VMADDR_CID_ANY, 5000, 1);
	ok(other >= 0, "streams have ports of their own");
	close(other);
	if (!fork()) {
		if (setuid(1000))
			_exit(1);
		_exit(bound(SOCK_DGRAM, VMADDR_CID_ANY, 123, 1) == -EACCES ? 0 : 1);
	}
	wait(&waiting);
	ok(!waiting, "low ports need the capability");
	other = bound(SOCK_DGRAM, VMADDR_CID_LOCAL, 5001, 1);
	sendto(sender, "x", 1, 0, ADDRESS(VMADDR_CID_LOCAL, 5001), ADDRESS_SIZE);
	ok(recv(other, buffer, 2, 0) == 1, "a port may be bound to one CID");
	close(other);

	for (int i = 0; i < 5000; i++)
		sendto(sender, buffer, 1000, MSG_DONTWAIT,
			ADDRESS(VMADDR_CID_LOCAL, 5000), ADDRESS_SIZE);
	usleep(200000);
	for (waiting = 0; recv(receiver, buffer, sizeof(buffer), MSG_DONTWAIT) == 1000;
		waiting++)
		;
	ok(waiting > 50 && waiting < 500,
		"a receiver that does not read gets no more than its buffer");
	sendto(sender, "x", 1, 0, ADDRESS(VMADDR_CID_LOCAL, 5000), ADDRESS_SIZE);
	ok(recv(receiver, buffer, 2, 0) == 1, "and receives again afterwards");
	close(receiver);
	ok(sendto(sender, "x", 1, 0, ADDRESS(VMADDR_CID_LOCAL, 5000), ADDRESS_SIZE) == 1,
		"a datagram to nobody is dropped in silence");
	close(sender);

	good = true;
	for (int i = 0; i < 10000; i++) {
		other = bound(SOCK_DGRAM, VMADDR_CID_ANY, 5000, 1);
		good &= other >= 0;
		close(other);
	}
	ok(good, "10000 datagram sockets on one port, one after the other");
}

static void *send_pattern(void *arg)
{
	static uint8_t chunk[DATAGRAM_MAX];
	int fd = *(int *)arg;
	uint64_t done = 0;

	while (done < BIG) {
		ssize_t put;

		fill(chunk, done, sizeof(chunk));
		put = write(fd, chunk, sizeof(chunk));
		if (put <= 0)
			break;
		done += (uint64_t)put;
	}
	shutdown(fd, SHUT_WR);
	return NULL;
}

static uint64_t receive_pattern(int fd)
{
	uint64_t done = 0;
	ssize_t got;

	while ((got = read(fd, buffer, sizeof(buffer))) > 0) {
		if (!intact(buffer, done, (size_t)got))
			return 0;
		done += (uint64_t)got;
	}
	return got < 0 ? 0 : done;
}

static void loopback_streams(void)
{
	int listener = bound(SOCK_STREAM, VMADDR_CID_ANY, 6000, 10), client, server,
	    again;
	struct sockaddr_vm local = address(VMADDR_CID_ANY, 6001);
	int waiting = -1;
	pthread_t thread;

	listen(listener, 8);
	client = dial(VMADDR_CID_LOCAL, 6000);
	server = accept(listener, NULL, NULL);
	pthread_create(&thread, NULL, send_pattern, &client);
	ok(receive_pattern(server) == BIG, "64 MiB over a loopback stream");
	pthread_join(thread, NULL);
	if (write(server, "hello", 5) != 5)
		puts("# write after the peer's end failed");
	ok(recv(client, buffer, 5, MSG_WAITALL) == 5,
		"the other direction stays open after SHUT_WR");
	close(client);
	close(server);

	client = dial(VMADDR_CID_LOCAL, 6000);
	server = accept(listener, NULL, NULL);
	ok(!ioctl(server, SIOCINQ, &waiting) && waiting == 0,
		"SIOCINQ of an idle stream is 0");
	for (int i = 0; i < 4; i++)
		if (write(client, buffer, 32768) != 32768)
			puts("# short write");
	usleep(100000);
	ok(!ioctl(server, SIOCINQ, &waiting) && waiting == 4 * 32768,
		"SIOCINQ counts the unread bytes");
	close(client);
	for (int i = 0; i < 4; i++)
		waiting -= (int)recv(server, buffer, 32768, MSG_WAITALL);
	ok(!waiting && !recv(server, buffer, 1, 0),
		"what was sent before close() is read, then the end");
	close(server);

	client = dial(VMADDR_CID_LOCAL, 6000);
	server = accept(listener, NULL, NULL);
	if (!fork()) {
		for (int i = 0; i < 16; i++) {
			fill(buffer, (uint64_t)i << 16, 65536);
			if (write(client, buffer, 65536) != 65536)
				_exit(1);
		}
		_exit(0);
	}
	{
		uint8_t *all = malloc(1 << 20);

		ok(recv(server, all, 1 << 20, MSG_WAITALL) == 1 << 20 &&
				intact(all, 0, 1 << 20),
			"MSG_WAITALL for four times the buffer");
		free(all);
	}
	wait(&waiting);
	close(client);
	close(server);

	client = new_socket(SOCK_STREAM, 5);
	ok(!bind(client, (struct sockaddr *)&local, sizeof(local)) &&
			!connect(client, ADDRESS(VMADDR_CID_LOCAL, 6000), ADDRESS_SIZE),
		"connect from a port of our choice");
	server = accept(listener, NULL, NULL);
	close(client);
	client = new_socket(SOCK_STREAM, 5);
	again = bind(client, (struct sockaddr *)&local, sizeof(local)) ? errno : 0;
	ok(!again && !connect(client, ADDRESS(VMADDR_CID_LOCAL, 6000), ADDRESS_SIZE),
		"the port is free at once after close()");
	close(client);
	close(server);
	close(listener);
	ok(dial(VMADDR_CID_LOCAL, 6000) == -ECONNRESET, "nobody listens: reset");
}

static void loopback(void)
{
	loopback_datagrams();
	loopback_streams();
	puts("loopback done");
}

static void run(const char *line)
{
	unsigned long long first = 0, second = 0;
	char name[32] = "";

	sscanf(line, "%31s %llu %llu", name, &first, &second);
	if (!strcmp(name, "loopback"))
		loopback();
	else if (!strcmp(name, "download"))
		download(first, (unsigned int)second);
	else if (!strcmp(name, "upload"))
		upload(first);
	else if (!strcmp(name, "greet"))
		greet();
	else if (!strcmp(name, "half"))
		half();
	else if (!strcmp(name, "twice"))
		twice();
	else if (!strcmp(name, "environment"))
		environment();
	else if (!strcmp(name, "datagram"))
		datagram((size_t)first);
	else if (!strcmp(name, "echo"))
		echo((size_t)first);
	else if (!strcmp(name, "serve"))
		serve((unsigned int)first, (unsigned int)second);
	else if (!strcmp(name, "leaks")) {
		print_leaks();
		puts("leaks done");
	}
	else if (*name)
		printf("unknown command %s\n", name);
}

int main(void)
{
	struct termios console;
	char line[128];

	if (!tcgetattr(STDIN_FILENO, &console)) {
		console.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSANOW, &console);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("vsock-probe ready");
	while (fgets(line, sizeof(line), stdin) && strncmp(line, "off", 3))
		run(line);
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
