// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_UNIX streams ("tsi_hijack_unix"), for guests that share the host's tree.
 *
 * Only connecting: a path that nobody serves in the guest is tried on the host.
 * Listeners stay in the guest, because a host would replace their node and
 * take the guest's own clients away. Abstract names and relative paths mean
 * nothing outside. Nothing but bytes crosses: rights and credentials are
 * refused.
 */
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/un.h>
#include <net/net_namespace.h>
#include "tsi.h"

static bool tsi_unix_outside(const struct sock *sk, const struct sockaddr *sa,
			     int len)
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

static int tsi_unix_getname(struct socket *sock, struct sockaddr *addr,
			    int peer)
{
	struct tsi_sock *tsi = tsi_sk(sock);

	if (!tsi)
		return tsi_native_ops(sock)->getname(sock, addr, peer);
	if (!peer || !tsi_linked(tsi))
		return tsi->native->getname(sock, addr, peer);
	memcpy(addr, &tsi->peer, tsi->peer_len);
	return tsi->peer_len;
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

static int tsi_unix_listen(struct socket *sock, int backlog)
{
	struct tsi_sock *tsi = tsi_sk(sock);

	if (READ_ONCE(tsi->state) != TSI_NATIVE)
		return -EINVAL;
	return tsi->native->listen(sock, backlog);
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
	.getname	= tsi_unix_getname,
	.poll		= tsi_stream_poll,
	.ioctl		= tsi_stream_ioctl,
	TSI_COMPAT_IOCTL
	.listen		= tsi_unix_listen,
	.shutdown	= tsi_stream_shutdown,
	.sendmsg	= tsi_unix_sendmsg,
	.recvmsg	= tsi_stream_recvmsg,
	.mmap		= sock_no_mmap,
	.splice_read	= tsi_stream_splice_read,
	.set_peek_off	= sk_set_peek_off,
};
