// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listening and accepting.
 *
 * A listener listens in the guest as if there were no host, and in addition
 * on vsock port V == P, where the host delivers its connections. accept()
 * takes from both queues, which share one wait queue.
 */
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/tcp.h>
#include <net/inet_connection_sock.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/tcp_states.h>
#include "tsi.h"

/* A host that did not name a client is not asked for others so long. */
#define TSI_SILENT_TIME		(60 * HZ)
/* How often an automatic port may turn out to be taken on the host. */
#define TSI_PORT_TRIES		16
/* A refused vsock REQUEST leaves hosts with a silent client. */
#define TSI_BACKLOG		4096

static bool unix_listen = true;
module_param(unix_listen, bool, 0644);
MODULE_PARM_DESC(unix_listen, "With tsi_hijack_unix, also listen on the host's path");

/* The address as the host should hear it; returns its length. */
static int tsi_listen_addr(struct socket *sock, union tsi_addr *addr)
{
	struct sockaddr_storage name = {};
	int len;

	len = tsi_native_ops(sock)->getname(sock, (struct sockaddr *)&name, 0);
	memset(addr, 0, sizeof(*addr));
	memcpy(addr, &name, min_t(int, len, sizeof(*addr)));
	/*
	 * Hosts of the supermachine family take any address but prefer
	 * listeners of family 2: a dual-stack listener is one.
	 */
	if (addr->sa.sa_family == AF_INET6 && tsi_addr_any(addr) &&
	    !ipv6_only_sock(sock->sk) && !tsi_host_in_order())
		ipv6_addr_set_v4mapped(0, &addr->in6.sin6_addr);
	return len;
}

/* Is there anything to tell the host? */
static bool tsi_listen_outside(struct tsi_sock *tsi)
{
	const struct sock *sk = tsi->sock->sk;
	union tsi_addr addr;
	int len;

	if (tsi->listening || tsi->inet_only ||
	    !net_eq(sock_net(sk), &init_net) || !tsi_host_ready())
		return false;
	if (!IS_ENABLED(CONFIG_UNIX) || sk->sk_family != AF_UNIX)
		return true;
	/* Hosts of the supermachine family would make it a TCP listener. */
	if (!READ_ONCE(unix_listen) || !tsi_host_in_order())
		return false;
	len = tsi_listen_addr(tsi->sock, &addr);
	return tsi_unix_outside(sk, &addr.sa, len);
}

/* Must be there before the guest can accept. */
static int tsi_listen_open(struct tsi_sock *tsi)
{
	struct socket *vs;
	int err;

	lockdep_assert_held(&tsi->lock);
	if (tsi->vs)
		return 0;
	err = tsi_vs_open(tsi, &vs);
	if (err)
		return err;
	tsi_vs_wakes(tsi, vs);
	err = kernel_listen(vs, TSI_BACKLOG);
	if (err) {
		tsi_vs_detach(vs);
		sock_release(vs);
		return err;
	}
	/* Pairs with the acquire in tsi_listener(). */
	smp_store_release(&tsi->vs, vs);
	return 0;
}

/* Only a port that is taken is an error: whatever else, the guest listens. */
static int tsi_listen_host(struct tsi_sock *tsi, int backlog)
{
	struct tsi_msg_create create;
	struct tsi_msg_listen listen;
	union tsi_addr addr;
	struct tsi_ctl ctl;
	int len;

	lockdep_assert_held(&tsi->lock);
	len = tsi_listen_addr(tsi->sock, &addr);
	tsi_encode_create(&create, tsi->port, tsi_addr_family(&addr),
			  SOCK_STREAM);
	tsi_encode_listen(&listen, tsi->port, max(backlog, 0), &addr,
			  len);
	if (tsi_ctl_open(&ctl, TSI_PORT_LISTEN, NULL))
		return 0;
	if (tsi_ctl_send(&ctl, TSI_PORT_CREATE, &create, sizeof(create)) ||
	    tsi_ctl_send(&ctl, TSI_PORT_LISTEN, &listen, sizeof(listen))) {
		tsi_ctl_close(&ctl);
		return 0;
	}
	tsi->listening = true;
	if (tsi_ctl_wait(&ctl, TSI_REPLY_TIMEOUT) < 0)
		return 0;
	return tsi_decode_result(ctl.reply.result) == -EADDRINUSE ?
	       -EADDRINUSE : 0;
}

/* Has the guest chosen the port, and told nobody yet? */
static bool tsi_listen_movable(const struct tsi_sock *tsi)
{
	return tsi->sock->sk->sk_family != AF_UNIX && !READ_ONCE(tsi->named) &&
	       !(tsi->sock->sk->sk_userlocks & SOCK_BINDPORT_LOCK);
}

static int tsi_listen_elsewhere(struct tsi_sock *tsi, int backlog)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	struct sockaddr_storage name = {};
	struct socket *sock = tsi->sock;
	int len, err;

	lockdep_assert_held(&tsi->lock);
	len = tsi->native->getname(sock, (struct sockaddr *)&name, 0);
	/* sin_port and sin6_port are in the same place. */
	((struct sockaddr_in *)&name)->sin_port = 0;
	err = tsi->native->connect(sock, &unspec, sizeof(unspec), 0);
	if (!err)
		err = tsi->native->bind(sock, (struct sockaddr *)&name, len);
	return err ?: tsi->native->listen(sock, backlog);
}

/* Some hosts keep released listeners and prefer them: blank the entry first. */
void tsi_unlisten_host(struct tsi_sock *tsi)
{
	if (!tsi->listening)
		return;
	tsi->listening = false;
	if (!tsi_host_in_order())
		tsi_tell_create(tsi->port, tsi->sock->sk->sk_family,
				SOCK_STREAM);
	tsi_tell_release(tsi->port, TSI_PORT_STREAM);
}

int tsi_stream_listen(struct socket *sock, int backlog)
{
	struct tsi_sock *tsi = tsi_sk(sock);
	int err, tries = TSI_PORT_TRIES;
	bool host;

	mutex_lock(&tsi->lock);
	if (tsi->state != TSI_NATIVE) {
		err = -EINVAL;
		goto unlock;
	}
	tsi_forgive(tsi);
	host = tsi_listen_outside(tsi) && !tsi_listen_open(tsi);
	err = tsi->native->listen(sock, backlog);
	while (!err && host && tsi_listen_host(tsi, backlog) &&
	       tsi_listen_movable(tsi) && tries--)
		err = tsi_listen_elsewhere(tsi, backlog);
unlock:
	mutex_unlock(&tsi->lock);
	return err;
}

/* The inner listener, whose pointer stays until release once it is there. */
static struct socket *tsi_listener(struct tsi_sock *tsi)
{
	if (!tsi_listening(tsi->sock->sk))
		return NULL;
	/* Pairs with tsi_listen_open(). */
	return smp_load_acquire(&tsi->vs);
}

static bool tsi_guest_waiting(const struct sock *sk)
{
	if (sk->sk_family == AF_UNIX)
		return !skb_queue_empty_lockless(&sk->sk_receive_queue);
	return !reqsk_queue_empty(&inet_csk(sk)->icsk_accept_queue);
}

static bool tsi_host_waiting(struct socket *vs)
{
	return !list_empty_careful(&vsock_sk(vs->sk)->accept_queue);
}

/* Who is it? Hosts may not know or not say; the socket has a name anyway. */
static void tsi_accept_peer(struct tsi_sock *tsi)
{
	struct tsi_msg_getname msg = {
		.port = cpu_to_le32(tsi->port),
		.host_port = cpu_to_le32(tsi->host_port),
		.peer = cpu_to_le32(1),
	};
	static unsigned long silent_until = INITIAL_JIFFIES;
	int family = tsi->sock->sk->sk_family;
	struct tsi_ctl ctl;
	int size = -1;

	memset(&tsi->peer, 0, sizeof(tsi->peer));
	if (family == AF_UNIX) {
		tsi->peer.sa.sa_family = family;
		tsi->peer_len = sizeof(tsi->peer.sa.sa_family);
		return;
	}
	if (time_after_eq(jiffies, READ_ONCE(silent_until)) &&
	    !tsi_ctl_open(&ctl, TSI_PORT_GETNAME, NULL)) {
		if (!tsi_ctl_send(&ctl, TSI_PORT_GETNAME, &msg, sizeof(msg)))
			size = tsi_ctl_wait(&ctl, TSI_REPLY_TIMEOUT);
		else
			tsi_ctl_close(&ctl);
		/* A host that does not say must not hold up every accept. */
		if (size == -ETIMEDOUT)
			WRITE_ONCE(silent_until, jiffies + TSI_SILENT_TIME);
	}
	if (size < 0 || tsi_decode_name(&ctl.reply.name, size, family,
					&tsi->peer))
		tsi->peer.sa.sa_family = family;
	tsi->peer_len = tsi_addr_len(&tsi->peer);
}

static void tsi_accept_options(const struct sock *from, struct sock *to)
{
	static const u8 flags[] = {
		SOCK_LINGER, SOCK_KEEPOPEN, SOCK_URGINLINE, SOCK_BROADCAST,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		sock_valbool_flag(to, flags[i], sock_flag(from, flags[i]));
	to->sk_lingertime = READ_ONCE(from->sk_lingertime);
	to->sk_rcvtimeo = READ_ONCE(from->sk_rcvtimeo);
	to->sk_sndtimeo = READ_ONCE(from->sk_sndtimeo);
	to->sk_rcvlowat = READ_ONCE(from->sk_rcvlowat);
	to->sk_rcvbuf = READ_ONCE(from->sk_rcvbuf);
	to->sk_sndbuf = READ_ONCE(from->sk_sndbuf);
	to->sk_userlocks = from->sk_userlocks &
			   (SOCK_SNDBUF_LOCK | SOCK_RCVBUF_LOCK);
	to->sk_reuse = from->sk_reuse;
	to->sk_reuseport = from->sk_reuseport;
	to->sk_priority = READ_ONCE(from->sk_priority);
	to->sk_mark = READ_ONCE(from->sk_mark);
	if (to->sk_protocol != IPPROTO_TCP)
		return;

	tcp_sk(to)->nonagle = tcp_sk(from)->nonagle;
	tcp_sk(to)->keepalive_time = tcp_sk(from)->keepalive_time;
	tcp_sk(to)->keepalive_intvl = tcp_sk(from)->keepalive_intvl;
	tcp_sk(to)->keepalive_probes = tcp_sk(from)->keepalive_probes;
	tcp_sk(to)->linger2 = tcp_sk(from)->linger2;
	inet_csk(to)->icsk_user_timeout = inet_csk(from)->icsk_user_timeout;
	inet_sk(to)->tos = READ_ONCE(inet_sk(from)->tos);
	inet_sk(to)->uc_ttl = READ_ONCE(inet_sk(from)->uc_ttl);
#if IS_ENABLED(CONFIG_IPV6)
	to->sk_ipv6only = from->sk_ipv6only;
	if (from->sk_family == AF_INET6)
		inet6_sk(to)->tclass = READ_ONCE(inet6_sk(from)->tclass);
#endif
}

/* A native socket for @newsock that carries the options of @parent. */
static int tsi_accept_native(struct sock *parent, struct socket *newsock)
{
	struct socket *tmp;
	struct sock *sk;
	int err;

	err = __sock_create(sock_net(parent), parent->sk_family,
			    parent->sk_type, parent->sk_protocol, &tmp, 0);
	if (err)
		return err;

	/* tmp may or may not have become a TSI socket: hijack can be off by now */
	sk = tmp->sk;
	kfree(tsi_sk(tmp));
	SOCK_INODE(tmp)->i_private = NULL;
	tmp->ops = tsi_native_ops(tmp);
	tmp->sk = NULL;
	sock_graft(sk, newsock);
	sock_release(tmp);

	tsi_accept_options(parent, sk);
	return 0;
}

/* The accepted end is called like the listener. */
static int tsi_accept_local(struct tsi_sock *listener, struct tsi_sock *tsi)
{
	struct sock *parent = listener->sock->sk;
	struct sockaddr_storage name = {};

	if (IS_ENABLED(CONFIG_UNIX) && parent->sk_family == AF_UNIX) {
		tsi_unix_accepted(parent, tsi->sock->sk);
		return 0;
	}
	tsi->local = kmalloc(sizeof(*tsi->local), GFP_KERNEL);
	if (!tsi->local)
		return -ENOMEM;
	listener->native->getname(listener->sock, (struct sockaddr *)&name, 0);
	memcpy(tsi->local, &name, sizeof(*tsi->local));
	return 0;
}

/* Turns @child, a host connection, into @newsock. Consumes @child. */
static int tsi_accept_host(struct tsi_sock *listener, struct socket *child,
			   struct socket *newsock)
{
	struct sock *parent = listener->sock->sk;
	struct tsi_msg_accept msg = {
		.port = cpu_to_le32(listener->port),
		.flags = cpu_to_le32(TSI_ACCEPT_NONBLOCK),
	};
	struct vsock_sock *vsk = vsock_sk(child->sk);
	u32 host_port = vsk->remote_addr.svm_port;
	struct tsi_sock *tsi;
	int err;

	/* Bookkeeping of the host; the connection is ours already. */
	tsi_tell(TSI_PORT_ACCEPT, &msg, sizeof(msg));

	err = tsi_accept_native(parent, newsock);
	if (err)
		goto release;
	tsi = tsi_alloc(newsock);
	if (!tsi) {
		err = -ENOMEM;
		goto release;
	}
	err = tsi_accept_local(listener, tsi);
	if (err) {
		tsi_stream_destroy(tsi);
		goto release;
	}

	mutex_lock(&tsi->lock);
	tsi->port = listener->port;
	tsi->host_port = host_port;
	tsi->vs = child;
	tsi_vs_attach(tsi, child);
	tsi_accept_peer(tsi);
	if (tsi->local)
		tsi_addr_source(parent, &tsi->peer, tsi->local);
	tsi->announced = true;
	tsi_link(tsi);
	mutex_unlock(&tsi->lock);
	return 0;

release:
	sock_release(child);
	tsi_tell_release(listener->port, host_port);
	return err;
}

/* One attempt at either queue. */
static int tsi_accept_try(struct tsi_sock *tsi, struct socket *vs,
			  struct socket *newsock, struct proto_accept_arg *arg)
{
	struct proto_accept_arg once = *arg;
	struct socket *child;
	int err = -EAGAIN;

	once.flags |= O_NONBLOCK;
	if (tsi_guest_waiting(tsi->sock->sk) ||
	    !tsi_listening(tsi->sock->sk)) {
		err = tsi->native->accept(tsi->sock, newsock, &once);
		arg->is_empty = once.is_empty;
		if (!err)
			newsock->ops = tsi->native;
		if (err != -EAGAIN)
			return err;
	}
	if (tsi_host_waiting(vs)) {
		err = kernel_accept(vs, &child, O_NONBLOCK);
		if (!err)
			err = tsi_accept_host(tsi, child, newsock);
	}
	return err;
}

int tsi_stream_accept(struct socket *sock, struct socket *newsock,
		      struct proto_accept_arg *arg)
{
	struct tsi_sock *tsi = tsi_sk(sock);
	struct socket *vs = tsi_listener(tsi);
	struct sock *sk = sock->sk;
	DEFINE_WAIT(wait);
	long timeo;
	int err;

	if (!vs) {
		err = tsi->native->accept(sock, newsock, arg);
		if (!err)
			newsock->ops = tsi->native;
		return err;
	}

	timeo = sock_rcvtimeo(sk, arg->flags & O_NONBLOCK);
	for (;;) {
		err = tsi_accept_try(tsi, vs, newsock, arg);
		if (err != -EAGAIN || !timeo)
			return err;

		prepare_to_wait_exclusive(sk_sleep(sk), &wait,
					  TASK_INTERRUPTIBLE);
		if (!tsi_guest_waiting(sk) && !tsi_host_waiting(vs) &&
		    tsi_listening(sk))
			timeo = schedule_timeout(timeo);
		finish_wait(sk_sleep(sk), &wait);
		if (signal_pending(current))
			return sock_intr_errno(timeo);
	}
}

/* Is there a connection of the host's to accept? */
bool tsi_accept_ready(struct tsi_sock *tsi)
{
	struct socket *vs = tsi_listener(tsi);

	return vs && tsi_host_waiting(vs);
}
