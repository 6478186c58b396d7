// SPDX-License-Identifier: Apache-2.0
/* The TSI control channel: datagrams to ports 1024 to 1031 (tsi.md 5, runtime.md 5.1). */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "dgram.h"
#include "service.h"
#include "stream.h"

struct request {
	struct host *host;
	uint32_t from; /* the guest's control port */
	uint32_t port; /* the proxy's, first field of every message */
	const uint8_t *body;
	size_t size;
};

static void reply_result(struct host *host, uint32_t port, uint32_t to, int result)
{
	uint8_t body[4];

	put_le32(body, (uint32_t)result);
	host_reply(host, port, to, body, sizeof(body));
}

static void reply(const struct request *request, uint32_t port, int result)
{
	reply_result(request->host, port, request->from, result);
}

static struct stream *find_proxy(const struct request *request)
{
	return stream_find(request->host, request->port, PORT_PROXY);
}

static bool reserved(uint32_t port)
{
	return port == PORT_TIME || port == PORT_PROXY ||
	       (port >= PORT_CREATE && port <= PORT_RELEASE);
}

static void create(const struct request *request)
{
	struct host *host = request->host;
	struct stream *stream = find_proxy(request);
	struct dgram *dgram = dgram_find(host, request->port);
	uint16_t family = get_le16(request->body + 4);
	uint16_t type = get_le16(request->body + 6);

	host->count.creates++;
	host->count.reserved_ports += reserved(request->port);
	/* Creating a listener's port again is how its entry is blanked, not a new one. */
	host->count.port_decreases += !stream && request->port < host->last_created;
	host->last_created = request->port;
	if (stream)
		stream_remove(stream);
	if (dgram)
		dgram_remove(dgram);
	if (!host->is.supermachine &&
		!(family == AF_INET || (family == AF_INET6 && host->is.inet6) ||
			(family == AF_UNIX && host->is.unix_paths)))
		return;
	if (type == SOCK_STREAM) {
		stream = stream_create(host, request->port, PORT_PROXY);
		stream->family = family;
		stream->control_port = request->from;
	} else if (type == SOCK_DGRAM) {
		dgram_create(host, request->port, family);
	}
}

/* The errno of a failed CONNECT as the guest sees it. */
static int connect_errno(const struct host *host, const struct target *target, int error)
{
	if (host->is.connect_errno)
		return (int)host->is.connect_errno;
	if (host->is.supermachine && target && target->host.ss_family == AF_INET6 &&
		(error == ENETUNREACH || error == EHOSTUNREACH))
		return EAFNOSUPPORT;
	return error;
}

static void connect_dgram(const struct request *request, struct dgram *dgram,
	const struct target *target, const uint8_t *address, uint32_t length)
{
	int result = 0;

	memcpy(dgram->address, address, length);
	dgram->address_length = length;
	/* Where a destination is only stored, nobody asks for a route. */
	if (target->reach == UNREACHABLE && !request->host->is.connect_errno)
		result = -connect_errno(request->host, target, ENETUNREACH);
	else if (target->reach == REACHABLE)
		result = dgram_destination(dgram, &target->host, target->length,
			!request->host->is.supermachine, true);
	reply(request, PORT_CONNECT, result);
}

static void connect_stream(const struct request *request, struct stream *stream,
	const struct target *target, const uint8_t *address, uint32_t length)
{
	struct host *host = request->host;

	if (!stream) {
		stream = stream_create(host, request->port, PORT_PROXY);
		stream->control_port = request->from;
	}
	stream->connect_reply_to =
		host->is.supermachine ? request->from : stream->control_port;
	memcpy(stream->address, address, length);
	stream->address_length = length;
	if (target->reach == UNREACHABLE)
		reply_result(host, PORT_CONNECT, stream->connect_reply_to,
			-connect_errno(host, target, ENETUNREACH));
	else
		stream_connect(stream, &target->host,
			target->reach == BLACK_HOLE ? 0 : target->length);
}

void control_connected(struct stream *stream, int error, bool at_once)
{
	struct host *host = stream->host;

	if (error && (host->is.supermachine || at_once)) {
		error = connect_errno(host, NULL, error);
	} else if (error) {
		/* libkrun learns of a hang-up, not of its reason. */
		error = (int)host->is.refused_errno;
		stream_release(stream);
	}
	reply_result(host, PORT_CONNECT, stream->connect_reply_to, -error);
}

static void connect_request(const struct request *request)
{
	struct host *host = request->host;
	struct stream *stream = find_proxy(request);
	struct dgram *dgram = dgram_find(host, request->port);
	uint32_t length = get_le32(request->body + 4);
	const uint8_t *address = request->body + 8;
	struct target target;
	int error;

	host->count.connects++;
	error = length <= request->size - 8 ? 0 : -EINVAL;
	if (!error)
		error = address_target(
			host, address, length, dgram ? SOCK_DGRAM : SOCK_STREAM, &target);
	if (error) {
		host->count.malformed += error == -EINVAL;
		/* libkrun drops what it cannot read, and never answers. */
		if (host->is.supermachine)
			reply(request, PORT_CONNECT, error);
		return;
	}
	if (!stream && !dgram && !host->is.supermachine)
		reply(request, PORT_CONNECT, -(int)host->is.refused_errno);
	else if (dgram)
		connect_dgram(request, dgram, &target, address, length);
	else
		connect_stream(request, stream, &target, address, length);
}

static uint32_t inet_name(uint8_t *name, const struct sockaddr_storage *address)
{
	socklen_t length = address->ss_family == AF_INET ? sizeof(struct sockaddr_in)
							 : sizeof(struct sockaddr_in6);

	memcpy(name, address, length);
	put_le16(name, address->ss_family);
	return length;
}

/* An IPv4 name in the clothes of a v6 socket. */
static uint32_t map_name(uint8_t *name)
{
	uint8_t mapped[28] = {AF_INET6, 0, name[2], name[3], [18] = 0xff, [19] = 0xff};

	memcpy(mapped + 20, name + 4, 4);
	memcpy(name, mapped, sizeof(mapped));
	return sizeof(mapped);
}

static int stream_name(const struct stream *stream, uint8_t *name, uint32_t *ret_length)
{
	const struct host *host = stream->host;
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);

	if (host->is.names == NAMES_PENDING && stream->host_port == PORT_PROXY &&
		stream->state == STREAM_OPEN)
		return -EINVAL;
	if (stream->address_length && stream->state != STREAM_LISTENING) {
		/* The real peer is a mapped address; the guest's own is what it asks for. */
		memcpy(name, stream->address, stream->address_length);
		*ret_length = stream->address_length;
		return stream->socket.fd >= 0 ? 0 : -ENOTCONN;
	}
	if (stream->socket.fd < 0 ||
		getpeername(stream->socket.fd, (struct sockaddr *)&peer, &length))
		return -ENOTCONN;
	if (peer.ss_family != AF_INET && peer.ss_family != AF_INET6)
		return -EINVAL;
	*ret_length = inet_name(name, &peer);
	if (host->is.supermachine && stream->family == AF_INET6 &&
		peer.ss_family == AF_INET)
		*ret_length = map_name(name);
	return 0;
}

static int find_name(const struct request *request, uint8_t *name, uint32_t *ret_length)
{
	struct host *host = request->host;
	struct stream *stream =
		stream_find(host, request->port, get_le32(request->body + 4));
	struct dgram *dgram = dgram_find(host, request->port);

	if (host->is.getname_fails)
		return -(int)host->is.getname_fails;
	if (host->is.names == NAMES_FICTION) {
		static const uint8_t loopback[16] = {AF_INET, [4] = 127, [7] = 1};

		memcpy(name, loopback, sizeof(loopback));
		*ret_length = sizeof(loopback);
		return 0;
	}
	if (stream)
		return stream_name(stream, name, ret_length);
	if (!dgram)
		return -EINVAL;
	if (!dgram->connected)
		return -ENOTCONN;
	memcpy(name, dgram->address, dgram->address_length);
	*ret_length = sizeof(dgram->address);
	return 0;
}

static void getname(const struct request *request)
{
	struct host *host = request->host;
	uint8_t body[136] = {0};
	uint32_t length = 0;
	int result = find_name(request, body + 8, &length);

	host->count.getnames++;
	put_le32(body, (uint32_t)result);
	put_le32(body + 4, length);
	if (host->is.bsd_names) {
		body[9] = body[8];
		body[8] = (uint8_t)length;
	}
	host_reply(host, PORT_GETNAME, request->from, body, sizeof(body));
}

static void sendto_addr(const struct request *request)
{
	struct host *host = request->host;
	struct dgram *dgram = dgram_find(host, request->port);
	uint32_t length = get_le32(request->body + 4);
	struct target target;

	host->count.sendto_addrs++;
	if (!dgram && host->is.supermachine)
		dgram = dgram_create(host, request->port, AF_INET);
	if (!dgram || length > request->size - 8)
		return;
	/* An address that cannot be used must not leave the last one in place. */
	dgram->has_destination = false;
	if (!address_target(host, request->body + 8, length, SOCK_DGRAM, &target) &&
		target.reach == REACHABLE)
		dgram_destination(dgram, &target.host, target.length, false,
			target.host.ss_family != AF_INET6 || !host->is.inet6_deaf);
}

static void sendto_data(const struct request *request)
{
	struct dgram *dgram = dgram_find(request->host, request->from);

	request->host->count.sendto_datas++;
	if (dgram)
		dgram_data(dgram, request->body, request->size);
}

/* Any family, address and port: a wildcard-like listener on an ephemeral port. */
static void listen_supermachine(const struct request *request)
{
	struct stream *stream = find_proxy(request);
	struct sockaddr_in any = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_storage at = {0};
	uint32_t length = request->size >= 16 ? get_le32(request->body + 12) : 0;

	if (!stream)
		stream = stream_create(request->host, request->port, PORT_PROXY);
	stream->vsock_port = get_le32(request->body + 4);
	if (length >= 2 && length <= 128 && request->size >= 16 + (size_t)length) {
		memcpy(stream->address, request->body + 16, length);
		stream->address_length = length;
	}
	memcpy(&at, &any, sizeof(any));
	reply(request, PORT_LISTEN,
		stream->state == STREAM_LISTENING
			? 0
			: stream_listen(stream, &at, sizeof(any), SOMAXCONN));
}

static int listen_libkrun(const struct request *request, struct stream *stream)
{
	uint32_t length = get_le32(request->body + 12);
	int backlog = (int)get_le32(request->body + 8);
	struct target target;
	int error;

	if (!stream)
		return -EPERM;
	stream->vsock_port = get_le32(request->body + 4);
	if (stream->state == STREAM_LISTENING)
		return 0;
	if (length > request->size - 16)
		return -EINVAL;
	error = address_local(request->host, request->body + 16, length, &target);
	if (error)
		return error;
	memcpy(stream->address, request->body + 16, length);
	stream->address_length = length;
	if (backlog < 0 || backlog > SOMAXCONN)
		backlog = SOMAXCONN;
	return stream_listen(stream, &target.host, target.length, backlog);
}

static void listen_request(const struct request *request)
{
	struct host *host = request->host;

	host->count.listens++;
	if (dgram_find(host, request->port) && !host->is.supermachine)
		return;
	if (host->is.listen_busy) {
		host->is.listen_busy--;
		reply(request, PORT_LISTEN, -EADDRINUSE);
	} else if (host->is.listen_errno) {
		reply(request, PORT_LISTEN, -(int)host->is.listen_errno);
	} else if (host->is.supermachine) {
		listen_supermachine(request);
	} else {
		reply(request, PORT_LISTEN, listen_libkrun(request, find_proxy(request)));
	}
}

void control_accepted(struct stream *listener)
{
	if (!listener->accept_pending) {
		listener->completed++;
		return;
	}
	listener->accept_pending = false;
	reply_result(listener->host, PORT_ACCEPT, listener->control_port, 0);
}

static void accept_request(const struct request *request)
{
	struct host *host = request->host;
	struct stream *stream = find_proxy(request);
	uint32_t flags = request->size >= 8 ? get_le32(request->body + 4) : 0;

	host->count.accepts++;
	if (dgram_find(host, request->port) && !host->is.supermachine)
		return;
	if (!stream) {
		reply(request, PORT_ACCEPT, -EINVAL);
	} else if (host->is.supermachine) {
		reply(request, PORT_ACCEPT, 0);
	} else if (stream->completed) {
		stream->completed--;
		reply_result(host, PORT_ACCEPT, stream->control_port, 0);
	} else if (flags & host->is.nonblock) {
		reply_result(host, PORT_ACCEPT, stream->control_port,
			-(int)host->is.again_errno);
	} else {
		stream->accept_pending = true;
	}
}

static void release(const struct request *request)
{
	struct host *host = request->host;
	struct stream *stream =
		stream_find(host, request->port, get_le32(request->body + 4));
	struct dgram *dgram = dgram_find(host, request->port);

	host->count.releases++;
	if (host->is.supermachine)
		return;
	if (stream && stream->state == STREAM_LISTENING && !stream->accept_pending)
		stream_remove(stream);
	else if (stream)
		stream_release(stream);
	if (dgram)
		dgram_remove(dgram);
}

static const struct {
	size_t minimum;
	void (*handle)(const struct request *request);
} requests[] = {
	{8, create},
	{8, connect_request},
	{12, getname},
	{8, sendto_addr},
	{0, sendto_data},
	{8, listen_request},
	{4, accept_request},
	{8, release},
};

void control_packet(struct host *host, const struct packet *packet,
	const uint8_t *payload, size_t size)
{
	unsigned int index = packet->dst_port - PORT_CREATE;
	size_t minimum = requests[index].minimum;
	struct request request = {
		.host = host,
		.from = packet->src_port,
		.body = payload,
		.size = size,
	};

	if (host->has_token && packet->dst_port != PORT_SENDTO_DATA) {
		if (size < TOKEN_SIZE || memcmp(payload, host->token, TOKEN_SIZE)) {
			host->count.bad_token++;
			return;
		}
		request.body += TOKEN_SIZE;
		request.size -= TOKEN_SIZE;
	}
	/* libkrun's LISTEN has no length check of its own worth imitating. */
	if (packet->dst_port == PORT_LISTEN && !host->is.supermachine)
		minimum = 16;
	if (request.size < minimum) {
		host->count.malformed++;
		return;
	}
	if (minimum)
		request.port = get_le32(request.body);
	requests[index].handle(&request);
}
