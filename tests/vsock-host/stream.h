/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: a vsock connection on one side, a real socket on the other. */
#ifndef STREAM_H
#define STREAM_H

#include <sys/socket.h>

#include "host.h"

enum stream_state {
	STREAM_IDLE,	   /* created, no socket yet */
	STREAM_CONNECTING, /* the real socket is */
	STREAM_CONNECTED,  /* real socket up, guest's REQUEST awaited */
	STREAM_LISTENING,
	STREAM_OFFERED, /* our REQUEST sent, guest's RESPONSE awaited */
	STREAM_OPEN,
	STREAM_CLOSED, /* over, but still known */
};

struct stream {
	struct stream *next;
	struct host *host;
	uint32_t guest_port;
	uint32_t host_port;
	enum stream_state state;
	struct watch socket;
	struct timer timer;

	/* Proxies. */
	uint16_t family;
	uint32_t control_port; /* of the guest, known since PROXY_CREATE */
	uint32_t connect_reply_to;
	uint8_t address[128]; /* as the guest gave it to CONNECT or LISTEN */
	uint32_t address_length;

	/* Listeners. */
	uint32_t vsock_port; /* where the guest takes connections */
	uint32_t completed;  /* connections that no ACCEPT has asked for */
	bool accept_pending;

	/* Accepted connections: the listener's P. Dialled ones say "ok" when open. */
	uint32_t listener;
	bool dialled;

	/* Credit towards the guest ... */
	uint32_t peer_alloc;
	uint32_t peer_fwd;
	uint32_t sent;
	bool needs_credit;
	bool needs_room;
	bool polls_early; /* connected at once: read before the guest's REQUEST */
	/* ... and from it. */
	uint32_t forwarded;
	uint32_t reported;

	/* Bytes of the guest that the real socket has not taken yet. */
	uint8_t *queued;
	size_t queued_from, queued_to, queued_size;
	bool stalls;

	uint32_t guest_flags; /* of its SHUTDOWNs */
	bool remote_ended;
	uint64_t to_guest, from_guest;
};

struct stream *stream_find(struct host *host, uint32_t guest_port, uint32_t host_port);
struct stream *stream_create(struct host *host, uint32_t guest_port, uint32_t host_port);
void stream_remove(struct stream *stream);

/* Remove it in the family's time. */
void stream_release(struct stream *stream);

/* Connect the real socket; reports through control_connected(). */
void stream_connect(
	struct stream *stream, const struct sockaddr_storage *to, socklen_t length);

int stream_listen(struct stream *stream, const struct sockaddr_storage *at,
	socklen_t length, int backlog);

/* Offer the connected socket @fd to the guest at @guest_port. */
struct stream *stream_offer(struct host *host, uint32_t guest_port, int fd);

/* Start a stream whose real socket is @fd after the guest's REQUEST. */
void stream_open(struct stream *stream, const struct packet *request);

void stream_send(struct stream *stream, uint16_t op, uint32_t flags, const void *payload,
	uint32_t size);

/* Drop all TSI streams but listeners, silently: what a restored host knows. */
void stream_forget(struct host *host, bool everything);

const char *stream_state_name(enum stream_state state);

/* The part that knows the control messages: the outcome of stream_connect(), 0 or an
 * errno, known at once or later, and that a listener of P has one more connection. */
void control_connected(struct stream *stream, int error, bool at_once);
void control_accepted(struct stream *listener);

#endif
