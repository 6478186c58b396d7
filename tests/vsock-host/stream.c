// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service.h"
#include "stream.h"

static void stream_ready(void *arg, uint32_t events);
static void remove_late(void *arg);

static const char *const state_names[] = {
	"idle",
	"connecting",
	"connected",
	"listening",
	"offered",
	"open",
	"closed",
};

const char *stream_state_name(enum stream_state state)
{
	return state_names[state];
}

struct stream *stream_find(struct host *host, uint32_t guest_port, uint32_t host_port)
{
	struct stream *stream = host->streams;

	while (stream &&
		(stream->guest_port != guest_port || stream->host_port != host_port))
		stream = stream->next;
	return stream;
}

struct stream *stream_create(struct host *host, uint32_t guest_port, uint32_t host_port)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		abort();
	stream->host = host;
	stream->guest_port = guest_port;
	stream->host_port = host_port;
	stream->socket = (struct watch){.fd = -1, .ready = stream_ready, .arg = stream};
	stream->timer = (struct timer){.fire = remove_late, .arg = stream};
	stream->next = host->streams;
	host->streams = stream;
	return stream;
}

static void set_stall(struct stream *stream, bool stalls)
{
	if (stream->stalls == stalls)
		return;
	stream->stalls = stalls;
	if (stalls)
		host_stop_transmit(stream->host);
	else
		host_start_transmit(stream->host);
}

/* Give up the real socket, and whatever was still queued for it. */
static void close_socket(struct stream *stream)
{
	loop_watch(&stream->socket, 0);
	if (stream->socket.fd >= 0)
		close(stream->socket.fd);
	stream->socket.fd = -1;
	stream->queued_from = stream->queued_to = 0;
	set_stall(stream, false);
}

void stream_remove(struct stream *stream)
{
	struct stream **link = &stream->host->streams;

	while (*link != stream)
		link = &(*link)->next;
	*link = stream->next;
	timer_cancel(&stream->timer);
	close_socket(stream);
	free(stream->queued);
	free(stream);
}

static void remove_late(void *arg)
{
	stream_remove(arg);
}

void stream_release(struct stream *stream)
{
	stream->timer.fire = remove_late;
	timer_set(&stream->timer, stream->host->is.removal_delay);
}

static bool is_tsi(const struct stream *stream)
{
	return stream->host_port == PORT_PROXY || stream->listener;
}

void stream_forget(struct host *host, bool everything)
{
	struct stream *next;

	for (struct stream *stream = host->streams; stream; stream = next) {
		next = stream->next;
		/* Plain vsock services are no part of TSI: tests talk through them. */
		if (everything || (is_tsi(stream) && stream->state != STREAM_LISTENING))
			stream_remove(stream);
	}
}

void stream_send(struct stream *stream, uint16_t op, uint32_t flags, const void *payload,
	uint32_t size)
{
	struct host *host = stream->host;
	struct packet packet = {
		.src_port = stream->host_port,
		.dst_port = stream->guest_port,
		.type = TYPE_STREAM,
		.op = op,
		.flags = flags,
		.len = size,
	};

	if (op != OP_RST) {
		packet.buf_alloc = host->is.window;
		packet.fwd_cnt = stream->forwarded;
	}
	if (op == OP_RW && host->is.zero_fwd)
		packet.fwd_cnt = 0;
	host_send(host, packet, payload);
}

/* RST in answer to a packet that belongs to no stream. */
static void reset_unknown(struct host *host, const struct packet *packet)
{
	struct packet rst = {
		.src_port = packet->dst_port,
		.dst_port = packet->src_port,
		.type = TYPE_STREAM,
		.op = OP_RST,
	};

	host->count.unknown_stream++;
	host_send(host, rst, NULL);
}

static void update_watch(struct stream *stream)
{
	bool queued = stream->queued_from != stream->queued_to;
	uint32_t events = 0;

	switch (stream->state) {
	case STREAM_CONNECTING:
		events = EPOLLOUT;
		break;
	case STREAM_LISTENING:
		events = EPOLLIN;
		break;
	case STREAM_CONNECTED:
		if (stream->polls_early && !stream->needs_credit)
			events = EPOLLIN;
		break;
	case STREAM_OPEN:
		if (!stream->remote_ended && !stream->needs_credit &&
			!stream->needs_room && !(stream->guest_flags & SHUTDOWN_RECEIVE))
			events = EPOLLIN;
		/* fall through */
	case STREAM_CLOSED:
		if (queued)
			events |= EPOLLOUT;
		break;
	case STREAM_IDLE:
	case STREAM_OFFERED:
		break;
	}
	loop_watch(&stream->socket, events);
}

/* Nothing is left to do for a closed stream but to remember it until it is released. */
static void settle(struct stream *stream)
{
	close_socket(stream);
	if (stream->host_port != PORT_PROXY || stream->host->is.supermachine)
		stream_release(stream);
}

/* The connection is over for the guest; what it sent before still goes out. */
static void finish(struct stream *stream, uint16_t op, uint32_t flags)
{
	if (op)
		stream_send(stream, op, flags, NULL, 0);
	stream->state = STREAM_CLOSED;
	if (stream->host->is.guest_end == GUEST_END_DROPS)
		stream->queued_from = stream->queued_to = 0;
	if (stream->queued_to)
		update_watch(stream);
	else
		settle(stream);
}

static void remote_failed(struct stream *stream)
{
	if (stream->host->is.remote_end == END_SHUTDOWN_BOTH)
		finish(stream, OP_SHUTDOWN, SHUTDOWN_BOTH);
	else
		finish(stream, OP_RST, 0);
}

/* The remote has sent FIN, and all its data has gone to the guest. */
static void remote_ended(struct stream *stream)
{
	struct host *host = stream->host;

	stream->remote_ended = true;
	switch ((enum remote_end)host->is.remote_end) {
	case END_RST:
		finish(stream, OP_RST, 0);
		return;
	case END_SHUTDOWN_SEND:
		if (stream->guest_flags & SHUTDOWN_SEND)
			finish(stream, OP_RST, 0);
		else
			stream_send(stream, OP_SHUTDOWN, SHUTDOWN_SEND, NULL, 0);
		break;
	case END_SHUTDOWN_BOTH:
		/* The guest's data is still delivered by hosts that drain. */
		stream_send(stream, OP_SHUTDOWN, SHUTDOWN_BOTH, NULL, 0);
		if (host->is.guest_end == GUEST_END_DROPS)
			finish(stream, 0, 0);
		break;
	}
	if (stream->state == STREAM_OPEN)
		update_watch(stream);
}

/* What the guest's window and the family allow to be sent now. */
static size_t credit(const struct stream *stream)
{
	uint32_t in_flight = stream->sent - stream->peer_fwd;

	if (stream->host->is.ignore_credit)
		return PACKET_PAYLOAD_MAX;
	return in_flight < stream->peer_alloc ? stream->peer_alloc - in_flight : 0;
}

static void ask_for_credit(struct stream *stream)
{
	stream->needs_credit = true;
	stream_send(stream, OP_CREDIT_REQUEST, 0, NULL, 0);
	update_watch(stream);
}

static void read_remote(struct stream *stream, uint32_t events)
{
	static uint8_t buffer[PACKET_PAYLOAD_MAX];
	struct host *host = stream->host;
	size_t room = host_room(host);
	size_t want = credit(stream);
	ssize_t got;

	if (host->is.hangup_first && events & EPOLLHUP) {
		remote_failed(stream);
		return;
	}
	if (!want) {
		ask_for_credit(stream);
		return;
	}
	if (!room) {
		stream->needs_room = true;
		update_watch(stream);
		return;
	}
	if (host->is.max_packet && want > host->is.max_packet)
		want = host->is.max_packet;
	if (host->is.oversize != OVERSIZE_LOST && want > room)
		want = room;
	if (want > sizeof(buffer))
		want = sizeof(buffer);
	got = recv(stream->socket.fd, buffer, want, MSG_DONTWAIT);
	if (got > 0) {
		stream->sent += (uint32_t)got;
		stream->to_guest += (uint64_t)got;
		stream_send(stream, OP_RW, 0, buffer, (uint32_t)got);
	} else if (!got) {
		remote_ended(stream);
	} else if (errno != EAGAIN) {
		remote_failed(stream);
	}
}

/* Before the guest's REQUEST, with a window of nothing: what libkrun does when a connect
 * is done at once. */
static void read_early(struct stream *stream)
{
	char byte;

	if (recv(stream->socket.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT)) {
		ask_for_credit(stream);
		return;
	}
	stream->needs_credit = true;
	stream_send(stream, OP_RST, 0, NULL, 0);
	update_watch(stream);
}

static uint32_t update_threshold(const struct stream *stream)
{
	uint32_t after = stream->host->is.update_after;

	return after ? after : stream->peer_alloc / 2;
}

/* Apply the guest's half-closes once everything before them has been written. */
static void apply_guest_flags(struct stream *stream)
{
	struct host *host = stream->host;

	if (!stream->guest_flags || stream->socket.fd < 0)
		return;
	if (host->is.guest_end == GUEST_END_DRAINS) {
		finish(stream, 0, 0);
		return;
	}
	if (stream->guest_flags != SHUTDOWN_BOTH) {
		shutdown(stream->socket.fd,
			stream->guest_flags == SHUTDOWN_SEND ? SHUT_WR : SHUT_RD);
		if (stream->remote_ended && stream->guest_flags & SHUTDOWN_SEND)
			finish(stream, OP_RST, 0);
		return;
	}
	shutdown(stream->socket.fd, SHUT_RDWR);
	/* A host that has stopped polling, for want of credit, never sees the hang-up. */
	if (host->is.guest_end == GUEST_END_APPLIED && stream->needs_credit)
		finish(stream, 0, 0);
	else
		finish(stream, OP_RST, 0);
}

static void write_remote(struct stream *stream)
{
	while (stream->queued_from != stream->queued_to) {
		ssize_t put =
			send(stream->socket.fd, stream->queued + stream->queued_from,
				stream->queued_to - stream->queued_from,
				MSG_DONTWAIT | MSG_NOSIGNAL);

		if (put < 0 && errno == EAGAIN)
			break;
		if (put < 0) {
			/* What the remote refuses is lost without a word (tsi.md 9.2). */
			stream->queued_from = stream->queued_to = 0;
			break;
		}
		stream->queued_from += (size_t)put;
		stream->forwarded += (uint32_t)put;
	}
	if (stream->queued_from == stream->queued_to)
		stream->queued_from = stream->queued_to = 0;
	if (stream->host->is.blocking_send)
		set_stall(stream, stream->queued_to);
	if (stream->forwarded - stream->reported >= update_threshold(stream) &&
		stream->state == STREAM_OPEN) {
		stream->reported = stream->forwarded;
		stream_send(stream, OP_CREDIT_UPDATE, 0, NULL, 0);
	}
	if (!stream->queued_to && stream->state == STREAM_CLOSED)
		settle(stream);
	else if (!stream->queued_to)
		apply_guest_flags(stream);
	update_watch(stream);
}

static void queue_bytes(struct stream *stream, const uint8_t *bytes, size_t size)
{
	if (stream->queued_to + size > stream->queued_size) {
		size_t length = stream->queued_to - stream->queued_from;

		if (stream->queued_from)
			memmove(stream->queued, stream->queued + stream->queued_from,
				length);
		stream->queued_from = 0;
		stream->queued_to = length;
		if (length + size > stream->queued_size) {
			stream->queued_size = 2 * (length + size);
			stream->queued = realloc(stream->queued, stream->queued_size);
			if (!stream->queued)
				abort();
		}
	}
	memcpy(stream->queued + stream->queued_to, bytes, size);
	stream->queued_to += size;
}

static void accept_remote(struct stream *listener)
{
	int fd = accept4(listener->socket.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct stream *stream;

	if (fd < 0)
		return;
	listener->host->count.accepted++;
	stream = stream_offer(listener->host, listener->vsock_port, fd);
	stream->listener = listener->guest_port;
	stream->family = listener->family;
}

static void connect_done(struct stream *stream, int error, bool at_once)
{
	const struct behaviour *is = &stream->host->is;

	stream->polls_early = is->early_credit || (at_once && !is->supermachine);
	timer_cancel(&stream->timer);
	stream->state = error ? STREAM_CLOSED : STREAM_CONNECTED;
	if (error)
		close_socket(stream);
	else
		update_watch(stream);
	control_connected(stream, error, at_once);
	set_stall(stream, false);
}

static void limit_reached(void *arg)
{
	connect_done(arg, ETIMEDOUT, false);
}

static void stream_ready(void *arg, uint32_t events)
{
	struct stream *stream = arg;
	socklen_t length = sizeof(int);
	int error = 0;

	switch (stream->state) {
	case STREAM_CONNECTING:
		getsockopt(stream->socket.fd, SOL_SOCKET, SO_ERROR, &error, &length);
		connect_done(stream, error, false);
		break;
	case STREAM_CONNECTED:
		read_early(stream);
		break;
	case STREAM_LISTENING:
		accept_remote(stream);
		break;
	case STREAM_OPEN:
		if (events & EPOLLOUT)
			write_remote(stream);
		if (stream->state == STREAM_OPEN && stream->socket.events & EPOLLIN &&
			events & ~(uint32_t)EPOLLOUT)
			read_remote(stream, events);
		break;
	case STREAM_CLOSED:
		write_remote(stream);
		break;
	case STREAM_IDLE:
	case STREAM_OFFERED:
		break;
	}
}

void stream_connect(
	struct stream *stream, const struct sockaddr_storage *to, socklen_t length)
{
	struct host *host = stream->host;
	int error = 0;

	close_socket(stream);
	stream->state = STREAM_CONNECTING;
	if (host->is.connect_limit) {
		stream->timer.fire = limit_reached;
		timer_set(&stream->timer, host->is.connect_limit);
		set_stall(stream, true);
	}
	if (!length) /* a black hole: nothing will ever happen */
		return;
	stream->socket.fd =
		socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (stream->socket.fd < 0 ||
		connect(stream->socket.fd, (const struct sockaddr *)to, length))
		error = errno;
	if (error == EINPROGRESS)
		update_watch(stream);
	else
		connect_done(stream, error, true);
}

int stream_listen(struct stream *stream, const struct sockaddr_storage *at,
	socklen_t length, int backlog)
{
	int one = 1;
	int fd = socket(at->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (at->ss_family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)at, length) || listen(fd, backlog)) {
		int error = errno;

		close(fd);
		return -error;
	}
	close_socket(stream);
	stream->socket.fd = fd;
	stream->state = STREAM_LISTENING;
	update_watch(stream);
	return 0;
}

static uint32_t new_host_port(struct host *host, uint32_t guest_port)
{
	uint32_t port;

	if (host->is.supermachine)
		return host->next_dialled++;
	do {
		port = host_random(host);
	} while (
		port < 1024 || port == UINT32_MAX || stream_find(host, guest_port, port));
	return port;
}

struct stream *stream_offer(struct host *host, uint32_t guest_port, int fd)
{
	struct stream *stream =
		stream_create(host, guest_port, new_host_port(host, guest_port));

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	stream->socket.fd = fd;
	stream->state = STREAM_OFFERED;
	stream_send(stream, OP_REQUEST, 0, NULL, 0);
	return stream;
}

static void take_credit(struct stream *stream, const struct packet *packet)
{
	stream->peer_alloc = packet->buf_alloc;
	stream->peer_fwd = packet->fwd_cnt;
}

void stream_open(struct stream *stream, const struct packet *request)
{
	struct host *host = stream->host;

	take_credit(stream, request);
	/* In CONNECTING too: the host does not look, and the guest must not do this. */
	stream->state = STREAM_OPEN;
	timer_cancel(&stream->timer);
	if (host->is.early_data)
		read_remote(stream, 0);
	if (stream->state != STREAM_OPEN)
		return;
	stream_send(stream, OP_RESPONSE, 0, NULL, 0);
	if (host->is.credit_starts && stream->host_port == PORT_PROXY)
		stream->needs_credit = true;
	update_watch(stream);
}

static void handle_request(
	struct host *host, struct stream *stream, const struct packet *packet)
{
	if (stream &&
		(stream->state == STREAM_CONNECTING || stream->state == STREAM_CONNECTED))
		stream_open(stream, packet);
	else if (stream && !host->is.supermachine)
		stream_send(stream, OP_RESPONSE, 0, NULL, 0);
	else if (!service_request(host, packet) && host->is.reset_unknown)
		reset_unknown(host, packet);
}

static void handle_response(struct stream *stream, const struct packet *packet)
{
	struct host *host = stream->host;
	struct stream *listener = stream_find(host, stream->listener, PORT_PROXY);

	if (stream->state != STREAM_OFFERED)
		return;
	take_credit(stream, packet);
	stream->state = STREAM_OPEN;
	if (stream->dialled && send(stream->socket.fd, "ok\n", 3, MSG_NOSIGNAL) < 0)
		remote_failed(stream);
	if (stream->listener && listener)
		control_accepted(listener);
	update_watch(stream);
}

static void handle_shutdown(struct stream *stream, uint32_t flags)
{
	struct host *host = stream->host;

	if (stream->state != STREAM_OPEN)
		return;
	switch ((enum guest_end)host->is.guest_end) {
	case GUEST_END_DROPS:
		finish(stream, 0, 0);
		return;
	case GUEST_END_DRAINS:
		stream->guest_flags = SHUTDOWN_BOTH;
		break;
	case GUEST_END_APPLIED:
	case GUEST_END_SUMMED:
		stream->guest_flags |= flags & SHUTDOWN_BOTH;
		break;
	}
	write_remote(stream);
}

static void handle_reset(struct stream *stream)
{
	struct host *host = stream->host;

	if (stream->state == STREAM_OFFERED) {
		host->count.refused_offers++;
		if (stream->dialled)
			(void)!send(
				stream->socket.fd, "error refused\n", 14, MSG_NOSIGNAL);
		else if (host->is.keep_refused)
			return;
		stream->state = STREAM_CLOSED;
		if (stream->dialled)
			stream_remove(stream);
		else
			stream_release(stream);
		return;
	}
	if (stream->state == STREAM_LISTENING)
		return;
	finish(stream, 0, 0);
}

static void handle_credit_update(struct stream *stream, const struct packet *packet)
{
	struct host *host = stream->host;

	host->count.guest_credit_updates++;
	take_credit(stream, packet);
	if (stream->state == STREAM_CLOSED && host->is.remote_end == END_RST) {
		stream_send(stream, OP_RST, 0, NULL, 0);
	} else if (stream->state == STREAM_OPEN && credit(stream)) {
		stream->needs_credit = false;
		update_watch(stream);
	}
}

static void handle_data(struct stream *stream, const struct packet *packet,
	const uint8_t *payload, size_t size)
{
	if (stream->host->is.rw_credit) {
		take_credit(stream, packet);
		if (stream->needs_credit && credit(stream))
			stream->needs_credit = false;
	}
	if (stream->state != STREAM_OPEN) {
		if (stream->state == STREAM_CLOSED && !stream->host->is.supermachine)
			stream_send(stream, OP_RST, 0, NULL, 0);
		return;
	}
	stream->from_guest += size;
	queue_bytes(stream, payload, size);
	write_remote(stream);
}

void stream_packet(struct host *host, const struct packet *packet, const uint8_t *payload,
	size_t size)
{
	struct stream *stream = stream_find(host, packet->src_port, packet->dst_port);

	host->count.guest_rst += packet->op == OP_RST;
	host->count.guest_shutdown += packet->op == OP_SHUTDOWN;
	if (host->is.rst_all && packet->op != OP_RST && (!stream || is_tsi(stream)) &&
		packet->dst_port != SERVICE_CONTROL) {
		reset_unknown(host, packet);
		return;
	}
	if (packet->op == OP_REQUEST) {
		handle_request(host, stream, packet);
		return;
	}
	if (!stream) {
		if (packet->op == OP_RW)
			reset_unknown(host, packet);
		return;
	}
	switch (packet->op) {
	case OP_RESPONSE:
		handle_response(stream, packet);
		break;
	case OP_RST:
		handle_reset(stream);
		break;
	case OP_SHUTDOWN:
		handle_shutdown(stream, packet->flags);
		break;
	case OP_RW:
		handle_data(stream, packet, payload, size);
		break;
	case OP_CREDIT_UPDATE:
		handle_credit_update(stream, packet);
		break;
	case OP_CREDIT_REQUEST:
		if (host->is.answer_credit && stream->state == STREAM_OPEN)
			stream_send(stream, OP_CREDIT_UPDATE, 0, NULL, 0);
		break;
	}
}

void stream_room(struct host *host)
{
	for (struct stream *stream = host->streams; stream; stream = stream->next)
		if (stream->needs_room) {
			stream->needs_room = false;
			update_watch(stream);
		}
}
