/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of INET sockets as a program sees them. Nothing here knows of TSI but by what the
 * host at 192.0.2.1 offers (the services of tests/vsock-host) and by its control service,
 * a plain AF_VSOCK stream.
 */
#ifndef TEST_H
#define TEST_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	ECHO = 7,
	DISCARD = 9,
	SOURCE = 19,
	SINK = 20,
	GREET = 21,
	HALF = 22,
	RESET = 23,
	SLOW = 24,
	REFUSED = 25,
	STUCK = 26,
	BRIEF = 27,
	HALFCLOSE = 28,
	CONTROL = 29,
	DNS = 53,
};

#define HOST "192.0.2.1"
#define HOST_TOO "192.0.2.2"
#define HOST6 "2001:db8::1"
#define MAPPED "::ffff:192.0.2.1"
#define BLACK_HOLE "198.51.100.1"
#define UNREACHABLE "203.0.113.77"

struct test {
	const char *name; /* "ITEM text", ITEM of the TSI specification's section 22 */
	void (*run)(void);
	unsigned int seconds; /* 0 = 30 */
};

/* Tests of one file, ended by a nameless one. */
extern const struct test stream_tests[], connect_tests[], listen_tests[], name_tests[],
	udp_tests[], poll_tests[], option_tests[], ioctl_tests[], many_tests[],
	hostile_tests[], hijack_tests[], plain_tests[], restore_tests[], unix_tests[],
	stock_tests[], unix_host_tests[], scale_tests[], use_tests[];

/* The host's family, "none" without a host. */
extern const char *family;
bool is(const char *name);
bool libkrun(void);
bool supermachine(void);

void ok(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* ok(), and errno when it fails. */
void ok_errno(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));
void skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A command for the host; its answer, one line. */
const char *host(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, keeping the connection: an fd whose other end is the host's. */
int host_open(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A counter of the host's state. */
unsigned long host_count(const char *name);

/* A connection from the host to our listener on @port, through the host's real socket for
 * it, or straight from its front door. -1 if there is none. *ret_port is the client's. */
int host_connects(uint16_t port, uint16_t *ret_port);
int host_enters(uint16_t port);

/* Sets a parameter of the kernel's TSI. */
void parameter(const char *name, const char *value);

socklen_t address(struct sockaddr_storage *to, const char *ip, uint16_t port);

/* connect() a new stream socket; -1 and errno. */
int tcp(const char *ip, uint16_t port);

/* A connected datagram socket. */
int udp(const char *ip, uint16_t port);

/* A listener on any free port of the wildcard address. */
int listener(int domain, int backlog, uint16_t *ret_port);

uint16_t local_port(int fd);
uint16_t peer_port(int fd);

uint64_t now(void); /* ms */

/* Have fewer than @ms passed since @begun? @patience times as many on slow kernels. */
bool within(uint64_t begun, unsigned int ms);
extern unsigned int patience;
void pause_ms(unsigned int ms);

/* Events of @fd within @ms, 0 if there are none. */
short wait_for(int fd, short events, int ms);

bool send_all(int fd, const void *bytes, size_t size);
ssize_t recv_all(int fd, void *bytes, size_t size);
bool text_is(int fd, const char *expected);

/* The byte at offset @i of what services 19 and 20 send and check. */
static inline uint8_t pattern(uint64_t i)
{
	return (uint8_t)(i ^ i >> 8 ^ i >> 16 ^ i >> 24);
}

/* @size such bytes. How many have come when that is all, or there is an end; -1: a wrong one. */
bool send_pattern(int fd, uint64_t size);
int64_t receive_pattern(int fd, uint64_t size);

/* @rounds streams and datagram sockets, one after the other, leave nothing behind. */
void leaks(unsigned int rounds);

/* Tell SOURCE or SINK how many. */
bool request(int fd, uint64_t size);

/* @size bytes from a SOURCE connection and its end, @size bytes into a SINK. */
bool download(int fd, uint64_t size);
bool upload(int fd, uint64_t size);

#endif
