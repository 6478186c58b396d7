// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which sockets become TSI sockets, their operations, names, and what the
 * guest can read about all this.
 *
 * A new socket of user space is taken over after its own family has set it
 * up: its proto_ops are replaced by those of net/tsi.
 */
#include <linux/init.h>
#include <linux/moduleparam.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <net/inet_common.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/transp_v6.h>
#include "tsi.h"

bool tsi_hijack __read_mostly;
core_param(tsi_hijack, tsi_hijack, bool, 0644);

bool tsi_hijack_unix __read_mostly;
core_param(tsi_hijack_unix, tsi_hijack_unix, bool, 0644);

/* Of AF_UNIX streams, which that family does not export. */
static const struct proto_ops *tsi_unix_native;

static bool netns = true;
module_param(netns, bool, 0644);
MODULE_PARM_DESC(netns, "Also for sockets outside of the initial network namespace");

/* What the socket would have been without us. */
const struct proto_ops *tsi_native_ops(const struct socket *sock)
{
	const struct proto_ops *ops = READ_ONCE(sock->ops);

	if (ops == &tsi_stream_ops)
		return &inet_stream_ops;
	if (ops == &tsi_dgram_ops)
		return &inet_dgram_ops;
#if IS_ENABLED(CONFIG_IPV6)
	if (ops == &tsi_stream6_ops)
		return &inet6_stream_ops;
	if (ops == &tsi_dgram6_ops)
		return &inet6_dgram_ops;
#endif
	if (IS_ENABLED(CONFIG_UNIX) && ops == &tsi_unix_ops)
		return tsi_unix_native;
	return ops;
}

/* Protocols with the same operations (MPTCP, UDP-Lite, ping) stay native. */
static const struct proto_ops *tsi_ops(const struct socket *sock)
{
	const struct proto_ops *ops = sock->ops;
	int protocol = sock->sk->sk_protocol;

	if (IS_ENABLED(CONFIG_UNIX) && READ_ONCE(tsi_hijack_unix) &&
	    ops->family == PF_UNIX && sock->type == SOCK_STREAM) {
		WRITE_ONCE(tsi_unix_native, ops);
		return &tsi_unix_ops;
	}
	if (!READ_ONCE(tsi_hijack))
		return NULL;
	if (ops == &inet_stream_ops && protocol == IPPROTO_TCP)
		return &tsi_stream_ops;
	if (ops == &inet_dgram_ops && protocol == IPPROTO_UDP)
		return &tsi_dgram_ops;
#if IS_ENABLED(CONFIG_IPV6)
	if (ops == &inet6_stream_ops && protocol == IPPROTO_TCP)
		return &tsi_stream6_ops;
	if (ops == &inet6_dgram_ops && protocol == IPPROTO_UDP)
		return &tsi_dgram6_ops;
#endif
	return NULL;
}

struct tsi_sock *tsi_alloc(struct socket *sock)
{
	struct tsi_sock *tsi = kzalloc(sizeof(*tsi), GFP_KERNEL_ACCOUNT);

	if (!tsi)
		return NULL;
	tsi->sock = sock;
	tsi->native = tsi_native_ops(sock);
	mutex_init(&tsi->lock);
	INIT_LIST_HEAD(&tsi->flows);
	tsi_stream_init(tsi);
	SOCK_INODE(sock)->i_private = tsi;
	return tsi;
}

/* Without a host that could be asked, nothing changes. */
int __tsi_attach(struct socket *sock)
{
	const struct proto_ops *ops = sock->sk ? tsi_ops(sock) : NULL;

	if (!ops || (!READ_ONCE(netns) &&
		     !net_eq(sock_net(sock->sk), &init_net)) || !tsi_usable())
		return 0;
	if (!tsi_alloc(sock))
		return -ENOMEM;
	sock->ops = ops;
	return 0;
}

/* A port for a client that has none in the guest; never 0. */
static __be16 tsi_name_port(const struct tsi_sock *tsi)
{
	return htons(32768 + tsi->port % 28232);
}

static int tsi_copy_name(struct sockaddr *to, const union tsi_addr *addr)
{
	int len = tsi_addr_len(addr);

	memcpy(to, addr, len);
	return len;
}

/* The guest's end of a host connection. */
static int tsi_local_name(struct socket *sock, struct tsi_sock *tsi,
			  const union tsi_addr *peer, struct sockaddr *to)
{
	struct sockaddr_storage name = {};
	union tsi_addr addr;

	if (tsi->local)
		return tsi_copy_name(to, tsi->local);
	tsi->native->getname(sock, (struct sockaddr *)&name, 0);
	memcpy(&addr, &name, sizeof(addr));
	tsi_addr_source(sock->sk, peer, &addr);
	/* sin_port and sin6_port are in the same place. */
	if (!addr.in.sin_port)
		addr.in.sin_port = tsi_name_port(tsi);
	return tsi_copy_name(to, &addr);
}

int tsi_getname(struct socket *sock, struct sockaddr *to, int peer)
{
	struct tsi_sock *tsi = tsi_sk(sock);
	union tsi_addr addr;
	bool host;

	if (!tsi)
		return tsi_native_ops(sock)->getname(sock, to, peer);

	if (sock->type == SOCK_DGRAM) {
		host = tsi_dgram_peer(tsi, &addr);
	} else {
		host = tsi_linked(tsi);
		if (host)
			addr = tsi->peer;
	}
	if (!host || (!peer && sock->sk->sk_family == AF_UNIX)) {
		if (!peer)
			WRITE_ONCE(tsi->named, true);
		return tsi->native->getname(sock, to, peer);
	}
	if (sock->sk->sk_family == AF_UNIX) {
		memcpy(to, &addr, tsi->peer_len);
		return tsi->peer_len;
	}
	return peer ? tsi_copy_name(to, &addr) :
		      tsi_local_name(sock, tsi, &addr, to);
}

static int tsi_proc_show(struct seq_file *m, void *v)
{
	seq_printf(m, "family %d\n", AF_TSI);
	seq_printf(m, "impersonates %d %d %d\n", AF_UNIX, AF_INET, AF_INET6);
	seq_printf(m, "revision %d\n", TSI_REVISION);
	seq_printf(m, "features stream dgram token%s\n",
		   IS_ENABLED(CONFIG_UNIX) ? " unix" : "");
	seq_printf(m, "hijack %d\n", READ_ONCE(tsi_hijack));
	seq_printf(m, "hijack_unix %d\n", READ_ONCE(tsi_hijack_unix));
	seq_printf(m, "host %s\n", !tsi_usable() ? "none" :
				   tsi_host_ready() ? "ready" : "silent");
	return 0;
}

static int __init tsi_init(void)
{
	int err = tsi_control_init();

	if (err)
		return err;
	proc_create_single("tsi", 0444, init_net.proc_net, tsi_proc_show);
	return 0;
}

/* After vsock's own device_initcall, before user space. */
late_initcall(tsi_init);
