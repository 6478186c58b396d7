// SPDX-License-Identifier: Apache-2.0
/*
 * The servers behind 192.0.2.1 and behind the host's plain vsock ports. They run in a child
 * process, a thread per connection, so that one that does not read cannot stop the device.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <unistd.h>

#include "service.h"
#include "stream.h"

enum { V4, V6 };

/* Shared with the child. */
static struct {
	uint16_t tcp[2][SERVICES];
	uint16_t udp[2][SERVICES];
	uint64_t halfclose_bytes;
} * shared;

static const char *control_path;

static int read_line(int fd, char *line, size_t size)
{
	size_t used = 0;

	while (used + 1 < size) {
		if (read(fd, line + used, 1) != 1)
			return -1;
		if (line[used] == '\n')
			break;
		used++;
	}
	line[used] = '\0';
	return 0;
}

static int write_all(int fd, const void *bytes, size_t size)
{
	while (size) {
		ssize_t put = send(fd, bytes, size, MSG_NOSIGNAL);

		if (put <= 0)
			return -1;
		bytes = (const char *)bytes + put;
		size -= (size_t)put;
	}
	return 0;
}

static void serve_echo(int fd)
{
	char buffer[65536];
	ssize_t got;

	while ((got = read(fd, buffer, sizeof(buffer))) > 0)
		if (write_all(fd, buffer, (size_t)got))
			return;
}

static uint64_t serve_discard(int fd)
{
	char buffer[65536];
	uint64_t total = 0;
	ssize_t got;

	while ((got = read(fd, buffer, sizeof(buffer))) > 0)
		total += (uint64_t)got;
	return total;
}

static void serve_source(int fd)
{
	static const size_t chunk = 65536;
	uint8_t buffer[65536];
	uint64_t total, done = 0;
	char line[32];

	if (read_line(fd, line, sizeof(line)))
		return;
	total = strtoull(line, NULL, 10);
	while (done < total) {
		size_t part = total - done < chunk ? (size_t)(total - done) : chunk;

		for (size_t i = 0; i < part; i++)
			buffer[i] = pattern_byte(done + i);
		if (write_all(fd, buffer, part))
			return;
		done += part;
	}
}

static void serve_sink(int fd)
{
	uint8_t buffer[65536];
	uint64_t total, done = 0;
	char line[64];
	ssize_t got;

	if (read_line(fd, line, sizeof(line)))
		return;
	total = strtoull(line, NULL, 10);
	snprintf(line, sizeof(line), "ok %llu\n", (unsigned long long)total);
	while (done < total) {
		size_t want = total - done < sizeof(buffer) ? (size_t)(total - done)
							    : sizeof(buffer);

		got = read(fd, buffer, want);
		if (got <= 0)
			return;
		for (ssize_t i = 0; i < got; i++)
			if (buffer[i] != pattern_byte(done + (uint64_t)i) &&
				line[0] == 'o')
				snprintf(line, sizeof(line), "bad %llu\n",
					(unsigned long long)(done + (uint64_t)i));
		done += (uint64_t)got;
	}
	write_all(fd, line, strlen(line));
}

static void serve_half(int fd)
{
	char line[64];

	snprintf(line, sizeof(line), "got %llu\n", (unsigned long long)serve_discard(fd));
	write_all(fd, line, strlen(line));
}

static void serve_reset(int fd)
{
	struct linger abort_it = {.l_onoff = 1};
	char byte;

	if (read(fd, &byte, 1) == 1)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_it, sizeof(abort_it));
}

static void serve_halfclose(int fd)
{
	write_all(fd, "done\n", 5);
	shutdown(fd, SHUT_WR);
	__atomic_add_fetch(&shared->halfclose_bytes, serve_discard(fd), __ATOMIC_RELAXED);
}

/*
 * A name server of one zone, which holds everything: A is 192.0.2.1, AAAA is 2001:db8::1,
 * names that start with "nx" do not exist, "big" ones are truncated over UDP.
 */
static size_t dns_answer(const uint8_t *query, size_t size, uint8_t *answer, bool udp)
{
	static const uint8_t v4[] = {192, 0, 2, 1};
	static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	size_t at = 12, length;
	unsigned int type;
	const uint8_t *data;

	while (at < size && query[at])
		at += query[at] + 1u;
	if (size < 12 || at + 5 > size || at > 300)
		return 0;
	type = (unsigned int)(query[at + 1] << 8 | query[at + 2]);
	at += 5;
	memcpy(answer, query, at);
	memset(answer + 6, 0, 6);
	answer[2] = 0x85; /* response, authoritative, recursion desired */
	answer[3] = 0x80;
	if (!memcmp(query + 13, "nx", 2)) {
		answer[3] |= 3;
		return at;
	}
	if (udp && !memcmp(query + 13, "big", 3)) {
		answer[2] |= 2;
		return at;
	}
	if (type != 1 && type != 28)
		return at;
	data = type == 1 ? v4 : v6;
	length = type == 1 ? sizeof(v4) : sizeof(v6);
	answer[7] = 1;
	memcpy(answer + at, "\xc0\x0c\x00\x00\x00\x01\x00\x00\x00\x3c\x00", 11);
	answer[at + 3] = (uint8_t)type;
	answer[at + 11] = (uint8_t)length;
	memcpy(answer + at + 12, data, length);
	return at + 12 + length;
}

static void serve_dns(int fd)
{
	uint8_t query[600], answer[600];
	uint8_t prefix[2];
	size_t size;

	while (recv(fd, prefix, 2, MSG_WAITALL) == 2) {
		size = (size_t)(prefix[0] << 8 | prefix[1]);
		if (size > sizeof(query) ||
			recv(fd, query, size, MSG_WAITALL) != (ssize_t)size)
			return;
		size = dns_answer(query, size, answer, false);
		prefix[0] = (uint8_t)(size >> 8);
		prefix[1] = (uint8_t)size;
		if (write_all(fd, prefix, 2) || write_all(fd, answer, size))
			return;
	}
}

/* Copy what is there; at the end pass that on, and stop looking. */
static void relay(struct pollfd *from, int to)
{
	char buffer[65536];
	ssize_t got = read(from->fd, buffer, sizeof(buffer));

	if (got > 0 && !write_all(to, buffer, (size_t)got))
		return;
	shutdown(to, SHUT_WR);
	from->fd = -1;
}

static void relay_both(int a, int b)
{
	struct pollfd wait[2] = {
		{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};

	while ((wait[0].fd >= 0 || wait[1].fd >= 0) && poll(wait, 2, -1) > 0) {
		if (wait[1].revents)
			relay(&wait[1], a);
		if (wait[0].revents)
			relay(&wait[0], b);
	}
}

static int connect_control(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (control_path && strlen(control_path) < sizeof(address.sun_path))
		strcpy(address.sun_path, control_path);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

/* A TCP connection of this machine to the listener that the guest has on @line's port. */
static int connect_listener(const char *line, int client)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	socklen_t length = sizeof(to);
	int fd, control = connect_control();
	char answer[64] = "", *space;

	dprintf(control, "address %s\n", line);
	read_line(control, answer, sizeof(answer));
	close(control);
	space = strchr(answer, ' ');
	if (space) {
		*space = '\0';
		inet_pton(AF_INET, answer, &to.sin_addr);
		to.sin_port = htons((uint16_t)strtoul(space + 1, NULL, 10));
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) ||
		getsockname(fd, (struct sockaddr *)&to, &length))
		dprintf(client, "error\n");
	else
		dprintf(client, "ok %u\n", ntohs(to.sin_port));
	return fd;
}

static void serve_control(int fd)
{
	char line[256];
	int other;

	if (read_line(fd, line, sizeof(line)))
		return;
	if (!strncmp(line, "connect ", 8)) {
		other = connect_listener(line + 8, fd);
	} else {
		other = connect_control();
		dprintf(other, "%s\n", line);
	}
	relay_both(fd, other);
	close(other);
}

static void serve(int service, int fd)
{
	switch (service) {
	case SERVICE_ECHO:
		serve_echo(fd);
		break;
	case SERVICE_DISCARD:
		serve_discard(fd);
		break;
	case SERVICE_SOURCE:
		serve_source(fd);
		break;
	case SERVICE_SLOW:
		sleep(2);
		/* fall through */
	case SERVICE_SINK:
		serve_sink(fd);
		break;
	case SERVICE_GREET:
		write_all(fd, "hello\n", 6);
		serve_echo(fd);
		break;
	case SERVICE_HALF:
		serve_half(fd);
		break;
	case SERVICE_RESET:
		serve_reset(fd);
		break;
	case SERVICE_STUCK:
		pause();
		break;
	case SERVICE_BRIEF:
		write_all(fd, "bye\n", 4);
		break;
	case SERVICE_HALFCLOSE:
		serve_halfclose(fd);
		break;
	case SERVICE_CONTROL:
		serve_control(fd);
		break;
	case SERVICE_DNS:
		serve_dns(fd);
		break;
	}
}

struct job {
	int service;
	int fd;
};

static void *run_connection(void *arg)
{
	struct job job = *(struct job *)arg;

	free(arg);
	serve(job.service, job.fd);
	close(job.fd);
	return NULL;
}

static void start_thread(void *(*run)(void *), int service, int fd)
{
	struct job *job = malloc(sizeof(*job));
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, 256 * 1024);
	if (job) {
		*job = (struct job){service, fd};
		if (!pthread_create(&thread, &attributes, run, job))
			job = NULL;
		else
			close(fd);
	}
	free(job);
	pthread_attr_destroy(&attributes);
}

static void *run_listener(void *arg)
{
	struct job *job = arg;
	int fd;

	while ((fd = accept(job->fd, NULL, NULL)) >= 0)
		start_thread(run_connection, job->service, fd);
	return NULL;
}

/* The answer to one UDP datagram, or to one plain vsock datagram. */
static size_t datagram_answer(
	int service, const uint8_t *request, size_t size, uint8_t *answer)
{
	char text[16];
	size_t length;

	switch (service) {
	case SERVICE_ECHO:
		memcpy(answer, request, size);
		return size;
	case SERVICE_SOURCE:
		snprintf(text, sizeof(text), "%.*s", (int)size, (const char *)request);
		length = strtoul(text, NULL, 10);
		if (length > 65507)
			length = 65507;
		for (size_t i = 0; i < length; i++)
			answer[i] = pattern_byte(i);
		return length;
	case SERVICE_DNS:
		return dns_answer(request, size, answer, true);
	default:
		return 0;
	}
}

static void *run_udp(void *arg)
{
	struct job *job = arg;
	uint8_t request[65536], answer[65536];
	struct sockaddr_storage from;

	while (true) {
		socklen_t length = sizeof(from);
		ssize_t got = recvfrom(job->fd, request, sizeof(request), 0,
			(struct sockaddr *)&from, &length);
		size_t size;

		if (got < 0)
			continue;
		size = datagram_answer(job->service, request, (size_t)got, answer);
		if (size)
			sendto(job->fd, answer, size, 0, (struct sockaddr *)&from,
				length);
	}
	return NULL;
}

static int open_port(int family, int type, uint16_t *ret_port)
{
	struct sockaddr_in v4 = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	struct sockaddr *address = (struct sockaddr *)&v4;
	socklen_t length = sizeof(v4);
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	if (family == AF_INET6) {
		address = (struct sockaddr *)&v6;
		length = sizeof(v6);
	}
	if (fd < 0)
		return -errno;
	if (bind(fd, address, length) || (type == SOCK_STREAM && listen(fd, SOMAXCONN)) ||
		getsockname(fd, address, &length)) {
		int error = errno;

		close(fd);
		return -error;
	}
	*ret_port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
	return fd;
}

static const uint8_t tcp_services[] = {
	SERVICE_ECHO,
	SERVICE_DISCARD,
	SERVICE_SOURCE,
	SERVICE_SINK,
	SERVICE_GREET,
	SERVICE_HALF,
	SERVICE_RESET,
	SERVICE_SLOW,
	SERVICE_STUCK,
	SERVICE_BRIEF,
	SERVICE_HALFCLOSE,
	SERVICE_CONTROL,
	SERVICE_DNS,
};

static const uint8_t udp_services[] = {
	SERVICE_ECHO,
	SERVICE_DISCARD,
	SERVICE_SOURCE,
	SERVICE_DNS,
};

/* Runs in the child. A machine without IPv6 gets the IPv4 half. */
static void open_services(int which, int family)
{
	int fd;

	for (size_t i = 0; i < sizeof(tcp_services); i++) {
		int service = tcp_services[i];

		fd = open_port(family, SOCK_STREAM, &shared->tcp[which][service]);
		if (fd >= 0)
			start_thread(run_listener, service, fd);
	}
	for (size_t i = 0; i < sizeof(udp_services); i++) {
		int service = udp_services[i];

		fd = open_port(family, SOCK_DGRAM, &shared->udp[which][service]);
		if (fd >= 0)
			start_thread(run_udp, service, fd);
	}
}

/* The same for paths of the guest, when it has some. */
static void open_path(const char *root, int service, const char *name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int size = snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", root, name);

	if (fd < 0 || size >= (int)sizeof(at.sun_path))
		return;
	unlink(at.sun_path);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, SOMAXCONN))
		close(fd);
	else
		start_thread(run_listener, service, fd);
}

int service_start(const char *control, const char *unix_root)
{
	int ready[2];
	char byte;
	pid_t pid;

	control_path = control;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || pipe(ready))
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGTERM, SIG_DFL);
		open_services(V4, AF_INET);
		open_services(V6, AF_INET6);
		if (unix_root) {
			open_path(unix_root, SERVICE_GREET, "greet");
			open_path(unix_root, SERVICE_BRIEF, "brief");
		}
		if (write(ready[1], "r", 1) != 1)
			_exit(1);
		while (true)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		return -ECHILD;
	close(ready[0]);
	return 0;
}

uint16_t service_real_port(uint16_t port, int family, int type)
{
	int which = family == AF_INET ? V4 : V6;
	uint16_t real;

	if (port >= SERVICES)
		return port;
	real = type == SOCK_STREAM ? shared->tcp[which][port] : shared->udp[which][port];
	return real ? real : port;
}

uint64_t service_halfclose_bytes(void)
{
	return __atomic_load_n(&shared->halfclose_bytes, __ATOMIC_RELAXED);
}

static char *read_environment(const struct host *host, size_t *ret_size)
{
	static const char nothing[] = "{\"env\":{},\"secrets\":{}}";
	FILE *file = host->environment ? fopen(host->environment, "r") : NULL;
	char *text = malloc(4 << 20);

	if (!text)
		abort();
	*ret_size = file ? fread(text, 1, 4 << 20, file) : sizeof(nothing) - 1;
	if (file)
		fclose(file);
	else
		memcpy(text, nothing, *ret_size);
	return text;
}

/*
 * Port 1026: RESPONSE, the whole text in one packet, SHUTDOWN of both directions, in one
 * batch and without a look at the guest's window. --env-mode makes it less kind.
 */
static void send_environment(struct stream *stream)
{
	const char *mode = stream->host->environment_mode;
	size_t size, at = 0, piece;
	char *text = read_environment(stream->host, &size);

	piece = size;
	if (!strcmp(mode, "torn"))
		size = piece = size / 2;
	else if (!strcmp(mode, "empty"))
		size = 0;
	else if (!strcmp(mode, "split"))
		piece = 64;
	stream_send(stream, OP_RESPONSE, 0, NULL, 0);
	if (strcmp(mode, "silent") != 0) {
		for (; at < size; at += piece)
			stream_send(stream, OP_RW, 0, text + at,
				(uint32_t)(piece < size - at ? piece : size - at));
		if (strcmp(mode, "open") != 0)
			stream_send(stream, OP_SHUTDOWN, SHUTDOWN_BOTH, NULL, 0);
	}
	free(text);
}

static int connect_service(uint32_t port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd;

	if (port >= SERVICES || !shared->tcp[V4][port])
		return -ECONNREFUSED;
	to.sin_port = htons(shared->tcp[V4][port]);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* Loopback: done by the kernel before connect() returns. */
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return -errno;
	return fd;
}

static void reset(struct host *host, const struct packet *request)
{
	struct packet rst = {
		.src_port = request->dst_port,
		.dst_port = request->src_port,
		.type = TYPE_STREAM,
		.op = OP_RST,
	};

	host_send(host, rst, NULL);
}

static bool environment_request(struct host *host, const struct packet *packet)
{
	struct stream *stream;

	if (!strcmp(host->environment_mode, "none"))
		return true;
	if (!strcmp(host->environment_mode, "refuse")) {
		reset(host, packet);
		return true;
	}
	stream = stream_create(host, packet->src_port, packet->dst_port);
	stream->state = STREAM_CLOSED;
	send_environment(stream);
	stream_release(stream);
	return true;
}

bool service_request(struct host *host, const struct packet *packet)
{
	struct stream *stream;
	int fd;

	if (packet->dst_port == PORT_ENVIRONMENT)
		return environment_request(host, packet);
	if (host->is.silent_services)
		return true;
	fd = connect_service(packet->dst_port);
	if (fd < 0)
		return false;
	stream = stream_create(host, packet->src_port, packet->dst_port);
	stream->socket.fd = fd;
	stream_open(stream, packet);
	return true;
}

void service_datagram(struct host *host, const struct packet *packet,
	const uint8_t *payload, size_t size)
{
	static uint8_t answer[PACKET_PAYLOAD_MAX];
	struct packet reply = {
		.src_port = packet->dst_port,
		.dst_port = packet->src_port,
		.type = TYPE_DATAGRAM,
		.op = OP_RW,
	};

	if (packet->dst_port != SERVICE_ECHO && packet->dst_port != SERVICE_SOURCE)
		return;
	reply.len =
		(uint32_t)datagram_answer((int)packet->dst_port, payload, size, answer);
	host_send(host, reply, answer);
}
