/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Transparent socket impersonation: shared by the files of net/tsi.
 *
 * A TSI socket is an ordinary INET, INET6 or UNIX socket whose proto_ops have
 * been replaced. The native socket stays in charge of everything that the
 * guest can do by itself (loopback, bridges, names, options, datagram receive
 * queues); a host proxy, reached over AF_VSOCK, is added when a destination is
 * out of the guest's reach or when the socket listens.
 *
 * Lock order, outermost first:
 *
 *	tsi_sock::lock		(mutex) state, proxies; never held while waiting
 *				for a peer, only for replies the host gives at
 *				once (bounded by TSI_REPLY_TIMEOUT)
 *	tsi_probe_mutex		linked streams, see stream.c
 *	lock_sock(native)	taken by native operations
 *	lock_sock(vsock)	taken by vsock operations
 *	sk_callback_lock	of the inner vsock: guards its way back to tsi_sock
 *	port table of vsock	around tsi_ctl and tsi_flow receive callbacks
 *
 * Callbacks never take tsi_sock::lock; they queue tsi_sock::work. The data
 * path of a connected stream takes none of ours: tsi_sock::state is read with
 * acquire semantics, and what TSI_LINKED promises stays until release.
 */
#ifndef _TSI_H
#define _TSI_H

#include <linux/completion.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/workqueue.h>
#include <net/af_vsock.h>
#include <net/sock.h>
#include <net/tcp_states.h>
#include <net/tsi.h>
#include "proto.h"

/* For messages that a host answers at once. */
#define TSI_REPLY_TIMEOUT	(5 * HZ)

/* Stream states; datagram sockets stay TSI_NATIVE. */
enum tsi_state {
	TSI_NATIVE,	/* fresh, connected inside the guest, or listening */
	TSI_CALLING,	/* CONNECT sent, the host connects */
	TSI_OPENING,	/* host connected, vsock REQUEST sent */
	TSI_LINKED,	/* bytes go through the inner vsock */
};

struct tsi_ctl;
struct tsi_flow;

struct tsi_sock {
	struct socket		*sock;
	const struct proto_ops	*native;
	struct mutex		lock;	/* guards all below, see the top */
	enum tsi_state		state;
	bool			announced;	/* connect() has returned 0 */
	bool			failed;		/* connect() will say so */
	bool			listening;	/* known to the host */
	bool			named;		/* its port has been asked for */
	bool			inet_only;
	bool			held;		/* half-close not told the host */
	bool			ending;		/* host has ended, sends go on */
	bool			keepalive;	/* work sends probes */

	/* Streams */
	u32			port;		/* P, or V of an accepted one */
	u32			host_port;
	struct socket		*vs;
	struct socket		*old;		/* abandoned, until release */
	struct list_head	linked;		/* tsi_probe_list */
	struct tsi_ctl		*call;
	struct delayed_work	work;
	unsigned long		deadline;
	unsigned long		ended;
	union tsi_addr		peer;
	int			peer_len;
	union tsi_addr		*local;		/* of an accepted connection */

	/* Datagrams */
	struct list_head	flows;		/* most recently used first */
	unsigned int		nr_flows;
	struct tsi_flow		*peer_flow;
};

/* NULL for what was accepted from inside the guest: a purely native socket. */
static inline struct tsi_sock *tsi_sk(struct socket *sock)
{
	return SOCK_INODE(sock)->i_private;
}

static inline bool tsi_calling(const struct tsi_sock *tsi)
{
	enum tsi_state state = READ_ONCE(tsi->state);

	return state == TSI_CALLING || state == TSI_OPENING;
}

static inline bool tsi_linked(const struct tsi_sock *tsi)
{
	enum tsi_state state;

	/* Pairs with tsi_link(): vs and names are valid when true. */
	state = smp_load_acquire(&tsi->state);
	return state == TSI_LINKED;
}

/* A shut down UNIX listener keeps its state. */
static inline bool tsi_listening(const struct sock *sk)
{
	return READ_ONCE(sk->sk_state) == TCP_LISTEN &&
	       !(READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN);
}

/* af_tsi.c */
struct tsi_sock *tsi_alloc(struct socket *sock);
const struct proto_ops *tsi_native_ops(const struct socket *sock);
int tsi_getname(struct socket *sock, struct sockaddr *addr, int peer);

/* control.c */

/* A guest control port, good for one request. */
struct tsi_ctl {
	struct vsock_dgram_port	port;
	u32			want;		/* host port of the reply */
	bool			done;
	bool			padded;		/* longer than any reply */
	struct completion	answered;
	struct delayed_work	*work;		/* queued instead, if set */
	size_t			size;
	union {
		__le32			result;
		struct tsi_reply_name	name;
	} reply;
};

int tsi_ctl_open(struct tsi_ctl *ctl, u32 want, struct delayed_work *work);
void tsi_ctl_close(struct tsi_ctl *ctl);
int tsi_ctl_send(struct tsi_ctl *ctl, u32 host_port, const void *body,
		 size_t size);
int tsi_ctl_wait(struct tsi_ctl *ctl, long timeout);

void tsi_tell(u32 host_port, const void *body, size_t size);
void tsi_tell_create(u32 port, int family, int type);
void tsi_tell_release(u32 port, u32 host_port);

bool tsi_usable(void);
bool tsi_host_ready(void);
bool tsi_host_in_order(void);
u32 tsi_next_port(void);
#if IS_ENABLED(CONFIG_KUNIT)
extern atomic_t tsi_ports;
#endif
int tsi_control_init(void);

/* policy.c */
enum tsi_route {
	TSI_ROUTE_INET,		/* the guest's business */
	TSI_ROUTE_LOCAL,	/* the guest first, then the host */
	TSI_ROUTE_HOST,
};

/* What the routing tables say about a destination. */
struct tsi_path {
	bool	found;
	bool	local;		/* an address of the namespace, or loopback */
	bool	dummy;		/* through a device that leads nowhere */
	bool	gateway;
	bool	initial;	/* namespace */
	bool	uplink;		/* the initial namespace has a real route */
};

enum tsi_route tsi_verdict(const struct tsi_path *path);
int tsi_addr_parse(const struct sock *sk, const struct sockaddr *sa, int len,
		   union tsi_addr *ret_addr);
bool tsi_addr_equal(const union tsi_addr *a, const union tsi_addr *b);
bool tsi_addr_broadcast(const union tsi_addr *addr);
bool tsi_addr_group(const union tsi_addr *addr);
bool tsi_addr_any(const union tsi_addr *addr);
void tsi_addr_loopback(union tsi_addr *addr);
enum tsi_route tsi_route(const struct sock *sk, const union tsi_addr *addr);
bool tsi_udp_bound(struct sock *sk, const union tsi_addr *addr);
void tsi_addr_source(const struct sock *sk, const union tsi_addr *peer,
		     union tsi_addr *addr);

/* stream.c */
int tsi_vs_open(struct tsi_sock *tsi, struct socket **ret_vs);
void tsi_vs_attach(struct tsi_sock *tsi, struct socket *vs);
void tsi_vs_wakes(struct tsi_sock *tsi, struct socket *vs);
void tsi_vs_detach(struct socket *vs);
void tsi_link(struct tsi_sock *tsi);
void tsi_forgive(struct tsi_sock *tsi);
void tsi_stream_init(struct tsi_sock *tsi);
void tsi_stream_destroy(struct tsi_sock *tsi);
int tsi_stream_call(struct tsi_sock *tsi, const union tsi_addr *addr,
		    int addr_len);
int tsi_stream_release(struct socket *sock);
int tsi_stream_bind(struct socket *sock, struct sockaddr *addr, int len);
int tsi_stream_shutdown(struct socket *sock, int how);
int tsi_stream_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg);
int tsi_stream_sendmsg(struct socket *sock, struct msghdr *msg, size_t size);
int tsi_stream_recvmsg(struct socket *sock, struct msghdr *msg, size_t size,
		       int flags);
ssize_t tsi_stream_splice_read(struct socket *sock, loff_t *ppos,
			       struct pipe_inode_info *pipe, size_t len,
			       unsigned int flags);
__poll_t tsi_stream_poll(struct file *file, struct socket *sock,
			 poll_table *wait);
extern const struct proto_ops tsi_stream_ops;
extern const struct proto_ops tsi_stream6_ops;

/* listen.c */
int tsi_stream_listen(struct socket *sock, int backlog);
void tsi_unlisten_host(struct tsi_sock *tsi);
int tsi_stream_accept(struct socket *sock, struct socket *newsock,
		      struct proto_accept_arg *arg);
bool tsi_accept_ready(struct tsi_sock *tsi);

/* dgram.c */
void tsi_dgram_destroy(struct tsi_sock *tsi);
extern const struct proto_ops tsi_dgram_ops;
extern const struct proto_ops tsi_dgram6_ops;
bool tsi_dgram_peer(struct tsi_sock *tsi, union tsi_addr *ret_addr);

/* unix.c */
bool tsi_unix_outside(const struct sock *sk, const struct sockaddr *sa, int len);
void tsi_unix_accepted(const struct sock *listener, struct sock *sk);
extern const struct proto_ops tsi_unix_ops;

/* options.c */
int tsi_setsockopt(struct socket *sock, int level, int name, sockptr_t val,
		   unsigned int len);
int tsi_getsockopt(struct socket *sock, int level, int name, char __user *val,
		   int __user *len);
#ifdef CONFIG_COMPAT
int tsi_compat_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg);
#define TSI_COMPAT_IOCTL	.compat_ioctl = tsi_compat_ioctl,
#else
#define TSI_COMPAT_IOCTL
#endif

/* token.c */
const u8 *tsi_token(void);
bool tsi_token_mask(char *args, int size, u8 *ret_token, bool *ret_valid);

#endif /* _TSI_H */
