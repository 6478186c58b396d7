// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "address.h"
#include "command.h"
#include "dgram.h"
#include "service.h"
#include "stream.h"

#define LINE_MAX_SIZE 140000 /* "raw" takes a whole packet in hexadecimal */

struct client {
	struct host *host;
	struct watch socket;
	size_t used;
	char line[LINE_MAX_SIZE];
};

static struct watch listener;

static int unix_socket(const char *path, struct sockaddr_un *address)
{
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	strcpy(address->sun_path, path);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* Where a listener is bound on this machine; its port, or 0. */
static uint16_t real_listen_address(const struct stream *stream, char *ip)
{
	struct sockaddr_storage address;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
	socklen_t length = sizeof(address);

	if (!stream || stream->state != STREAM_LISTENING ||
		getsockname(stream->socket.fd, (struct sockaddr *)&address, &length))
		return 0;
	if (address.ss_family == AF_INET6) {
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
			inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, ip, INET_ADDRSTRLEN);
		else
			inet_ntop(AF_INET6, &v6->sin6_addr, ip, INET6_ADDRSTRLEN);
		return ntohs(v6->sin6_port);
	}
	if (address.ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, ip, INET6_ADDRSTRLEN);
		return ntohs(v4->sin_port);
	}
	return 0;
}

static uint16_t real_listen_port(const struct stream *stream)
{
	char ip[INET6_ADDRSTRLEN];

	return real_listen_address(stream, ip);
}

static void print_state(struct host *host, FILE *to)
{
	const char *comma = "";

	fprintf(to, "{\"family\":\"%s\",\"cid\":%llu,\"features\":%llu,\"streams\":[",
		host->family->name, (unsigned long long)host->cid,
		(unsigned long long)host->vhost.features);
	for (struct stream *s = host->streams; s; s = s->next) {
		fprintf(to,
			"%s{\"guest_port\":%u,\"host_port\":%u,\"state\":\"%s\","
			"\"family\":%u,\"port\":%u,\"real_port\":%u,\"vsock_port\":%u,"
			"\"completed\":%u,\"to_guest\":%llu,\"from_guest\":%llu,"
			"\"window\":%u,\"needs_credit\":%d,\"queued\":%zu}",
			comma, s->guest_port, s->host_port, stream_state_name(s->state),
			s->family, address_port(s->address, s->address_length),
			real_listen_port(s), s->vsock_port, s->completed,
			(unsigned long long)s->to_guest,
			(unsigned long long)s->from_guest, s->peer_alloc, s->needs_credit,
			s->queued_to - s->queued_from);
		comma = ",";
	}
	comma = "";
	fprintf(to, "],\"datagrams\":[");
	for (struct dgram *d = host->dgrams; d; d = d->next) {
		fprintf(to,
			"%s{\"guest_port\":%u,\"family\":%u,\"connected\":%d,"
			"\"destination\":%d,\"to_guest\":%llu,\"from_guest\":%llu}",
			comma, d->guest_port, d->family, d->connected, d->has_destination,
			(unsigned long long)d->to_guest,
			(unsigned long long)d->from_guest);
		comma = ",";
	}
	fprintf(to, "],\"parked\":%u,\"fuzz_left\":%u,\"halfclose_bytes\":%llu",
		host->parked_count, host->fuzz_left,
		(unsigned long long)service_halfclose_bytes());
#define X(name) fprintf(to, ",\"" #name "\":%llu", (unsigned long long)host->count.name);
	COUNTERS(X)
#undef X
	fprintf(to, "}\n");
}

/*
 * The listener that a connection from outside goes to: never on loopback, IPv4 first, exact
 * port when asked for, else the youngest (runtime.md 5.2, Q11).
 */
static bool better_listener(const struct stream *a, const struct stream *b)
{
	bool a_loopback = a->family == AF_INET && a->address[4] == 127;
	bool b_loopback = b && b->family == AF_INET && b->address[4] == 127;

	if (!b || a_loopback != b_loopback)
		return !b || b_loopback;
	if ((a->family == AF_INET) != (b->family == AF_INET))
		return a->family == AF_INET;
	return a->guest_port > b->guest_port;
}

static struct stream *first_listener(struct host *host, unsigned long port)
{
	struct stream *best = NULL;

	for (struct stream *s = host->streams; s; s = s->next)
		if (s->state == STREAM_LISTENING &&
			(!port || port == address_port(s->address, s->address_length)) &&
			better_listener(s, best))
			best = s;
	return best;
}

static size_t parse_hex(const char *text, uint8_t *bytes, size_t size)
{
	size_t n = 0;
	unsigned int byte;

	while (n < size && sscanf(text + 2 * n, "%2x", &byte) == 1)
		bytes[n++] = (uint8_t)byte;
	return n;
}

/* Hand the client's own socket to the guest; true when it is no longer the client's. */
static bool offer(struct client *client, uint32_t guest_port, struct stream *via)
{
	struct stream *stream = stream_offer(client->host, guest_port, client->socket.fd);

	stream->dialled = true;
	if (via) {
		stream->listener = via->guest_port;
		stream->family = via->family;
	}
	return true;
}

/* @count connections to the listener at once; each says "f" and closes. */
static int flood(struct host *host, struct stream *via, unsigned long count)
{
	int pair[2];

	if (!via)
		return -ENOENT;
	while (count--) {
		struct stream *stream;

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
			return -errno;
		stream = stream_offer(host, via->vsock_port, pair[0]);
		stream->listener = via->guest_port;
		stream->family = via->family;
		if (write(pair[1], "f", 1) != 1)
			return -EIO;
		close(pair[1]);
	}
	return 0;
}

static bool run(struct client *client, FILE *to)
{
	static uint8_t bytes[LINE_MAX_SIZE / 2];
	struct host *host = client->host;
	char *argument = strchr(client->line, ' ');
	unsigned long number;
	struct stream *via;
	const char *command = client->line;
	char *rest;
	int error = 0;

	if (argument)
		*argument++ = '\0';
	else
		argument = client->line + client->used;
	number = strtoul(argument, &rest, 0);
	if (!strcmp(command, "state")) {
		print_state(host, to);
		return false;
	}
	if (!strcmp(command, "port")) {
		fprintf(to, "%u\n", real_listen_port(first_listener(host, number)));
		return false;
	}
	if (!strcmp(command, "address")) {
		char ip[INET6_ADDRSTRLEN] = "none";
		uint16_t port = real_listen_address(first_listener(host, number), ip);

		fprintf(to, "%s %u\n", ip, port);
		return false;
	}
	if (!strcmp(command, "dial"))
		return offer(client, (uint32_t)number, NULL);
	if (!strcmp(command, "tcp")) {
		via = first_listener(host, number);
		if (via)
			return offer(client, via->vsock_port, via);
		error = -ENOENT;
	} else if (!strcmp(command, "flood")) {
		via = first_listener(host, strtoul(rest, NULL, 0));
		error = flood(host, via, number);
	} else if (!strcmp(command, "forget")) {
		stream_forget(host, false);
		dgram_forget(host);
	} else if (!strcmp(command, "quirk")) {
		error = quirk_set(&host->is, argument);
	} else if (!strcmp(command, "unquirk")) {
		error = quirk_unset(&host->is, host->family, argument);
	} else if (!strcmp(command, "pause")) {
		host_stop_transmit(host);
	} else if (!strcmp(command, "resume")) {
		host_start_transmit(host);
	} else if (!strcmp(command, "time")) {
		dgram_send_time(host);
	} else if (!strcmp(command, "dgram")) {
		dgram_send(host, PORT_TIME, (uint32_t)number, bytes,
			(uint32_t)parse_hex(
				rest + (*rest == ' '), bytes, PACKET_PAYLOAD_MAX));
	} else if (!strcmp(command, "raw")) {
		number = parse_hex(argument, bytes, sizeof(bytes));
		error = host_inject(host, bytes, number) ? 0 : -EAGAIN;
	} else if (!strcmp(command, "fuzz")) {
		fuzz_start(host, (unsigned int)number, strtoull(rest, NULL, 0));
	} else if (!strcmp(command, "quit")) {
		stop = 1;
	} else {
		error = -EINVAL;
	}
	if (error)
		fprintf(to, "error %s\n", strerror(-error));
	else
		fprintf(to, "ok\n");
	return false;
}

static void client_ready(void *arg, uint32_t events)
{
	struct client *client = arg;
	ssize_t got = recv(client->socket.fd, client->line + client->used, 1, 0);
	bool kept = false;
	FILE *to;

	(void)events;
	if (got == 1 && client->line[client->used] != '\n' &&
		++client->used < sizeof(client->line))
		return;
	loop_watch(&client->socket, 0);
	client->line[client->used] = '\0';
	to = got == 1 ? fdopen(dup(client->socket.fd), "w") : NULL;
	if (to) {
		kept = run(client, to);
		fclose(to);
	}
	if (!kept)
		close(client->socket.fd);
	free(client);
}

static void listener_ready(void *arg, uint32_t events)
{
	struct client *client = calloc(1, sizeof(*client));

	(void)events;
	if (!client)
		abort();
	client->host = arg;
	client->socket = (struct watch){
		.fd = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC),
		.ready = client_ready,
		.arg = client,
	};
	if (client->socket.fd < 0)
		free(client);
	else
		loop_watch(&client->socket, EPOLLIN);
}

int command_listen(struct host *host, const char *path)
{
	struct sockaddr_un address;
	int fd = unix_socket(path, &address);

	if (fd < 0)
		return fd == -1 ? -errno : fd;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
		listen(fd, SOMAXCONN)) {
		int error = errno;

		close(fd);
		return -error;
	}
	listener = (struct watch){.fd = fd, .ready = listener_ready, .arg = host};
	loop_watch(&listener, EPOLLIN);
	return 0;
}

/* Copy what is there from one to the other; false at the end. */
static bool relay(int from, int to)
{
	char buffer[65536];
	ssize_t got = read(from, buffer, sizeof(buffer));

	for (ssize_t done = 0; done < got;) {
		ssize_t put = write(to, buffer + done, (size_t)(got - done));

		if (put < 0)
			return false;
		done += put;
	}
	return got > 0;
}

static int read_answer(int fd, char *answer, size_t size)
{
	size_t used = 0;

	while (used + 1 < size && read(fd, answer + used, 1) == 1)
		if (answer[used++] == '\n')
			break;
	answer[used] = '\0';
	return used ? 0 : -1;
}

int command_ask(const char *path, const char *command)
{
	struct sockaddr_un address;
	int fd = unix_socket(path, &address);
	bool streams = !strncmp(command, "dial", 4) || !strncmp(command, "tcp", 3);
	struct pollfd wait[2] = {{STDIN_FILENO, POLLIN, 0}, {fd, POLLIN, 0}};
	char answer[64];

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror(path);
		return 1;
	}
	dprintf(fd, "%s\n", command);
	if (read_answer(fd, answer, sizeof(answer)))
		return 1;
	if (!strncmp(answer, "error", 5)) {
		fputs(answer, stderr);
		return 1;
	}
	if (!streams) {
		if (write(STDOUT_FILENO, answer, strlen(answer)) < 0)
			return 1;
		while (relay(fd, STDOUT_FILENO))
			;
		return 0;
	}
	/* The end of our input is not told to the guest: there may be no half-close. */
	while (poll(wait, 2, -1) > 0) {
		if (wait[1].revents && !relay(fd, STDOUT_FILENO))
			return 0;
		if (wait[0].revents && !relay(STDIN_FILENO, fd))
			wait[0].fd = -1;
	}
	return 1;
}
