// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_UNIX streams ("tsi_hijack_unix"), for guests that share the host's tree.
 *
 * A path that nobody serves in the guest is tried on the host, and a listener
 * is announced there: the host puts a node of its own in place of the guest's.
 * Where both are one tree the guest's clients then come by way of the host,
 * too. Abstract names and relative paths mean nothing outside. Nothing but
 * bytes crosses: rights and credentials are refused.
 */
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/un.h>
#include <net/af_unix.h>
#include <net/net_namespace.h>
#include "tsi.h"

bool tsi_unix_outside(const struct sock *sk, const struct sockaddr *sa, int len)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)sa;
	const int head = offsetof(struct sockaddr_un, sun_path);

	return len > head && len <= (int)sizeof(*un) &&
	       un->sun_path[0] == '/' && net_eq(sock_net(sk), &init_net);
}

/* SO_PEERCRED cannot name a process of the host: it names the caller. */
static void tsi_unix_peercred(struct sock *sk)
{
	const struct cred *old_cred;
	struct pid *old_pid;

	spin_lock(&sk->sk_peer_lock);
	old_pid = sk->sk_peer_pid;
	old_cred = sk->sk_peer_cred;
	sk->sk_peer_pid = get_pid(task_tgid(current));
	sk->sk_peer_cred = get_current_cred();
	spin_unlock(&sk->sk_peer_lock);
	put_pid(old_pid);
	put_cred(old_cred);
}

/* @sk has been accepted from the host by @listener. */
void tsi_unix_accepted(const struct sock *listener, struct sock *sk)
{
	/* Set for good: an unbound socket does not listen. */
	struct unix_address *addr = READ_ONCE(unix_sk(listener)->addr);

	refcount_inc(&addr->refcnt);
	/* Pairs with the native getname(). */
	smp_store_release(&unix_sk(sk)->addr, addr);
	tsi_unix_peercred(sk);
}

static int tsi_unix_connect(struct socket *sock, struct sockaddr *uaddr,
			    int len, int flags)
{
	struct tsi_sock *tsi = tsi_sk(sock);
	union tsi_addr addr = {};
	int err;

	if (tsi_linked(tsi))
		return -EISCONN;
	if (tsi_calling(tsi))
		return -EALREADY;
	err = tsi->native->connect(sock, uaddr, len, flags);
	if ((err != -ECONNREFUSED && err != -ENOENT) ||
	    !tsi_unix_outside(sock->sk, uaddr, len) || !tsi_host_ready())
		return err;

	memcpy(&addr.un, uaddr, len);
	/* Hosts connect at once; callers do not expect EINPROGRESS here. */
	if (tsi_stream_call(tsi, &addr, len))
		return err;
	tsi_unix_peercred(sock->sk);
	return 0;
}

static int tsi_unix_sendmsg(struct socket *sock, struct msghdr *msg,
			    size_t size)
{
	if (tsi_linked(tsi_sk(sock))) {
		if (msg->msg_namelen)
			return -EISCONN;
		if (msg->msg_controllen)
			return -EOPNOTSUPP;
	}
	return tsi_stream_sendmsg(sock, msg, size);
}

static int tsi_unix_socketpair(struct socket *one, struct socket *two)
{
	return tsi_sk(one)->native->socketpair(one, two);
}

const struct proto_ops tsi_unix_ops = {
	.family		= PF_UNIX,
	.owner		= THIS_MODULE,
	.release	= tsi_stream_release,
	.bind		= tsi_stream_bind,
	.connect	= tsi_unix_connect,
	.socketpair	= tsi_unix_socketpair,
	.accept		= tsi_stream_accept,
	.getname	= tsi_getname,
	.poll		= tsi_stream_poll,
	.ioctl		= tsi_stream_ioctl,
	TSI_COMPAT_IOCTL
	.listen		= tsi_stream_listen,
	.shutdown	= tsi_stream_shutdown,
	.sendmsg	= tsi_unix_sendmsg,
	.recvmsg	= tsi_stream_recvmsg,
	.mmap		= sock_no_mmap,
	.splice_read	= tsi_stream_splice_read,
	.set_peek_off	= sk_set_peek_off,
};
