// SPDX-License-Identifier: GPL-2.0-only
/*
 * The datagram personality.
 *
 * Owns tsi_sock::flows: one host proxy per destination, because the wire never
 * says who sent a datagram. tsi_sock::lock guards the list; sending and
 * receiving happen outside of it.
 *
 * A datagram from the host is dressed as one from the flow's destination and
 * put into the receive queue of the native UDP socket. Everything on the
 * receiving side (blocking, polling, peeking, truncation, time stamps, buffer
 * limits) is therefore UDP's own, for guest and host traffic alike.
 *
 * Routing is decided for every datagram, so that a server keeps its clients
 * inside the guest whatever else it sends.
 */
#include <linux/filter.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/skbuff.h>
#include <linux/udp.h>
#include <net/inet_common.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/transp_v6.h>
#include <net/udp.h>
#include "tsi.h"

#define TSI_UDP_MAX		65507
/* A restored host has forgotten where a proxy sends to. */
#define TSI_REFRESH		HZ

static unsigned int flows = 32;
module_param(flows, uint, 0644);
MODULE_PARM_DESC(flows, "Host destinations a datagram socket keeps apart; the least recently used gives way");

/* A proxy and the only destination it ever has. */
struct tsi_flow {
	struct vsock_dgram_port	port;		/* P */
	struct list_head	node;
	struct sock		*sk;		/* outlives the binding of port */
	union tsi_addr		addr;
	bool			group;
	unsigned long		told;		/* jiffies of the last address */
};

/* --- From the host -------------------------------------------------------- */

/* Copies the payload into an skb of its own: vsock buffers may be large. */
static struct sk_buff *tsi_flow_copy(const struct sk_buff *from)
{
	const unsigned int head = LL_MAX_HEADER + sizeof(struct ipv6hdr) +
				  sizeof(struct udphdr);
	unsigned int len = from->len;
	unsigned int linear = min_t(unsigned int, len,
				    SKB_WITH_OVERHEAD(PAGE_SIZE) - head);
	struct sk_buff *skb;
	unsigned int at;
	int i, err;

	skb = alloc_skb_with_frags(head + linear, len - linear,
				   PAGE_ALLOC_COSTLY_ORDER, &err,
				   GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return NULL;

	skb_reserve(skb, head);
	skb_copy_bits(from, 0, skb_put(skb, linear), linear);
	at = linear;
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		skb_copy_bits(from, at, skb_frag_address(frag),
			      skb_frag_size(frag));
		at += skb_frag_size(frag);
	}
	skb->len += len - linear;
	skb->data_len = len - linear;
	return skb;
}

/* Headers that recvmsg() reads: who sent this, and to whom. */
static void tsi_flow_dress(const struct tsi_flow *flow, struct sk_buff *skb)
{
	const struct inet_sock *inet = inet_sk(flow->sk);
	const union tsi_addr *addr = &flow->addr;
	unsigned int len = skb->len;
	struct udphdr *uh;

	uh = skb_push(skb, sizeof(*uh));
	skb_reset_transport_header(skb);
	uh->source = addr->sa.sa_family == AF_INET ? addr->in.sin_port :
						     addr->in6.sin6_port;
	uh->dest = inet->inet_sport;
	uh->len = htons(len + sizeof(*uh));
	uh->check = 0;

	if (tsi_addr_family(addr) == AF_INET) {
		struct iphdr *iph = skb_push(skb, sizeof(*iph));

		skb_reset_network_header(skb);
		memset(iph, 0, sizeof(*iph));
		iph->version = 4;
		iph->ihl = 5;
		iph->ttl = IPDEFTTL;
		iph->protocol = IPPROTO_UDP;
		iph->saddr = addr->sa.sa_family == AF_INET ?
			     addr->in.sin_addr.s_addr :
			     addr->in6.sin6_addr.s6_addr32[3];
		iph->daddr = inet->inet_rcv_saddr;
		skb->protocol = htons(ETH_P_IP);
		skb_pull(skb, sizeof(*iph));
	} else {
		struct ipv6hdr *ip6h = skb_push(skb, sizeof(*ip6h));

		skb_reset_network_header(skb);
		memset(ip6h, 0, sizeof(*ip6h));
		ip6h->version = 6;
		ip6h->hop_limit = IPV6_DEFAULT_MCASTHOPS;
		ip6h->nexthdr = IPPROTO_UDP;
		ip6h->saddr = addr->in6.sin6_addr;
#if IS_ENABLED(CONFIG_IPV6)
		ip6h->daddr = flow->sk->sk_v6_rcv_saddr;
#endif
		skb->protocol = htons(ETH_P_IPV6);
		skb_pull(skb, sizeof(*ip6h));
	}
	skb->ip_summed = CHECKSUM_UNNECESSARY;
}

/* Called with BH off and the port table locked: the flow cannot go away. */
static void tsi_flow_rcv(struct vsock_dgram_port *port, struct sk_buff *from)
{
	struct tsi_flow *flow = container_of(port, struct tsi_flow, port);
	struct sock *sk = flow->sk;
	struct sk_buff *skb;

	/* Replies to CONNECT go to another port; nothing longer is UDP. */
	if (from->len > TSI_UDP_MAX || (sk->sk_shutdown & RCV_SHUTDOWN))
		goto out;
	skb = tsi_flow_copy(from);
	if (!skb) {
		atomic_inc(&sk->sk_drops);
		goto out;
	}
	tsi_flow_dress(flow, skb);
	if (sk_filter_trim_cap(sk, skb, sizeof(struct udphdr))) {
		atomic_inc(&sk->sk_drops);
		kfree_skb(skb);
		goto out;
	}
	skb_pull(skb, sizeof(struct udphdr));
	if (__udp_enqueue_schedule_skb(sk, skb) < 0)
		kfree_skb(skb);
out:
	kfree_skb(from);
}

/* --- Flows ---------------------------------------------------------------- */

static void tsi_flow_free(struct tsi_sock *tsi, struct tsi_flow *flow)
{
	lockdep_assert_held(&tsi->lock);
	if (tsi->peer_flow == flow)
		tsi->peer_flow = NULL;
	list_del(&flow->node);
	tsi->nr_flows--;
	vsock_dgram_unbind(&flow->port);
	tsi_tell_release(flow->port.port, TSI_PORT_STREAM);
	kfree(flow);
}

/* Makes room by letting the least recently used destination go. */
static void tsi_flow_evict(struct tsi_sock *tsi)
{
	struct tsi_flow *flow;

	lockdep_assert_held(&tsi->lock);
	list_for_each_entry_reverse(flow, &tsi->flows, node) {
		if (flow != tsi->peer_flow) {
			tsi_flow_free(tsi, flow);
			return;
		}
	}
}

/* A proxy for @addr that has not heard of it yet. */
static struct tsi_flow *tsi_flow_new(struct tsi_sock *tsi,
				     const union tsi_addr *addr)
{
	struct tsi_flow *flow;
	int err, tries;

	lockdep_assert_held(&tsi->lock);
	if (tsi_addr_broadcast(addr) &&
	    !sock_flag(tsi->sock->sk, SOCK_BROADCAST))
		return ERR_PTR(-EACCES);
	flow = kzalloc(sizeof(*flow), GFP_KERNEL_ACCOUNT);
	if (!flow)
		return ERR_PTR(-ENOMEM);
	flow->sk = tsi->sock->sk;
	flow->addr = *addr;
	flow->group = tsi_addr_group(addr);
	flow->port.cid = VMADDR_CID_ANY;
	flow->port.rcv = tsi_flow_rcv;
	for (tries = 0; tries < 16; tries++) {
		flow->port.port = tsi_next_port();
		err = vsock_dgram_bind(&flow->port);
		if (err != -EADDRINUSE)
			break;
	}
	if (err) {
		kfree(flow);
		return ERR_PTR(err);
	}
	if (tsi->nr_flows >= max(READ_ONCE(flows), 1U))
		tsi_flow_evict(tsi);
	list_add(&flow->node, &tsi->flows);
	tsi->nr_flows++;
	tsi_tell_create(flow->port.port, tsi_addr_family(addr), SOCK_DGRAM);
	return flow;
}

static void tsi_flow_tell(struct tsi_flow *flow, u32 host_port)
{
	struct tsi_msg_addr msg;

	tsi_encode_addr(&msg, flow->port.port, &flow->addr,
			tsi_addr_len(&flow->addr));
	tsi_tell(host_port, &msg, sizeof(msg));
	flow->told = jiffies;
}

/* connect(): hosts answer at once, and resolvers read meaning from errors. */
static int tsi_flow_connect(struct tsi_flow *flow)
{
	struct tsi_msg_addr msg;
	struct tsi_ctl ctl;
	int err;

	tsi_encode_addr(&msg, flow->port.port, &flow->addr,
			tsi_addr_len(&flow->addr));
	err = tsi_ctl_open(&ctl, TSI_PORT_CONNECT, NULL);
	if (err)
		return err;
	err = tsi_ctl_send(&ctl, TSI_PORT_CONNECT, &msg, sizeof(msg));
	if (err) {
		tsi_ctl_close(&ctl);
		return err;
	}
	flow->told = jiffies;
	err = tsi_ctl_wait(&ctl, TSI_REPLY_TIMEOUT);
	return err < 0 ? err : tsi_decode_result(ctl.reply.result);
}

/* The proxy for @addr, told where to send by whatever means it needs. */
static struct tsi_flow *tsi_flow_get(struct tsi_sock *tsi,
				     const union tsi_addr *addr)
{
	struct tsi_flow *flow;

	lockdep_assert_held(&tsi->lock);
	list_for_each_entry(flow, &tsi->flows, node) {
		if (!tsi_addr_equal(&flow->addr, addr))
			continue;
		list_move(&flow->node, &tsi->flows);
		/* libkrun would unbind a connected proxy, and never forgets. */
		if (!tsi_host_in_order() &&
		    time_after(jiffies, flow->told + TSI_REFRESH))
			tsi_flow_tell(flow, TSI_PORT_SENDTO_ADDR);
		return flow;
	}

	flow = tsi_flow_new(tsi, addr);
	if (!IS_ERR(flow))
		tsi_flow_tell(flow, flow->group ? TSI_PORT_SENDTO_ADDR :
						  TSI_PORT_CONNECT);
	return flow;
}

/* --- Socket operations ---------------------------------------------------- */

/* Is a datagram of @tsi to @addr one for the host? */
static bool tsi_dgram_routed(struct tsi_sock *tsi, union tsi_addr *addr)
{
	struct sock *sk = tsi->sock->sk;
	enum tsi_route route;

	if (READ_ONCE(tsi->inet_only))
		return false;
	route = tsi_route(sk, addr);
	if (route == TSI_ROUTE_INET)
		return false;
	if (tsi_addr_any(addr))
		tsi_addr_loopback(addr);
	if (route == TSI_ROUTE_LOCAL && tsi_udp_bound(sk, addr))
		return false;
	return tsi_host_ready();
}

static int tsi_dgram_connect(struct socket *sock, struct sockaddr *uaddr,
			     int len, int flags)
{
	struct tsi_sock *tsi = tsi_sk(sock);
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	struct sock *sk = sock->sk;
	struct tsi_flow *flow;
	union tsi_addr addr;
	int err;

	mutex_lock(&tsi->lock);
	if (tsi_addr_parse(sk, uaddr, len, &addr) ||
	    !tsi_dgram_routed(tsi, &addr)) {
		err = tsi->native->connect(sock, uaddr, len, flags);
		if (!err && tsi->peer_flow)
			tsi_flow_free(tsi, tsi->peer_flow);
		goto unlock;
	}

	if (sk->sk_state == TCP_ESTABLISHED)
		tsi->native->connect(sock, &unspec, sizeof(unspec), flags);
	err = inet_send_prepare(sk);
	if (err)
		goto unlock;

	flow = tsi_flow_new(tsi, &addr);
	if (IS_ERR(flow)) {
		err = PTR_ERR(flow);
		goto unlock;
	}
	if (flow->group)
		tsi_flow_tell(flow, TSI_PORT_SENDTO_ADDR);
	else
		err = tsi_flow_connect(flow);
	if (err) {
		tsi_flow_free(tsi, flow);
		goto unlock;
	}
	if (tsi->peer_flow)
		tsi_flow_free(tsi, tsi->peer_flow);
	tsi->peer_flow = flow;
unlock:
	mutex_unlock(&tsi->lock);
	return err;
}

/* Segmentation would leave as one giant datagram; the rest may be ignored. */
static int tsi_dgram_cmsgs(struct msghdr *msg)
{
	struct cmsghdr *cmsg;

	for_each_cmsghdr(cmsg, msg) {
		if (!CMSG_OK(msg, cmsg))
			return -EINVAL;
		if (cmsg->cmsg_level == SOL_UDP)
			return -EINVAL;
	}
	return 0;
}

static int tsi_flow_send(struct tsi_sock *tsi, const union tsi_addr *addr,
			 struct msghdr *msg, size_t size)
{
	struct sockaddr_vm host = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_HOST,
	};
	struct msghdr out = {
		.msg_iter = msg->msg_iter,
		.msg_flags = msg->msg_flags & (MSG_DONTWAIT | MSG_NOSIGNAL),
	};
	struct sock *sk = tsi->sock->sk;
	struct tsi_flow *flow;
	u32 port;
	int err;

	if (msg->msg_flags & (MSG_OOB | MSG_MORE))
		return -EOPNOTSUPP;
	if (sk->sk_shutdown & SEND_SHUTDOWN)
		return -EPIPE;
	if (size > TSI_UDP_MAX)
		return -EMSGSIZE;
	err = tsi_dgram_cmsgs(msg);
	if (err)
		return err;
	err = inet_send_prepare(sk);
	if (err)
		return err;

	mutex_lock(&tsi->lock);
	flow = tsi_flow_get(tsi, addr);
	if (IS_ERR(flow)) {
		mutex_unlock(&tsi->lock);
		return PTR_ERR(flow);
	}
	port = flow->port.port;
	/* A proxy that is not connected takes data on the common port only. */
	host.svm_port = flow->group ? TSI_PORT_SENDTO_DATA : port;
	mutex_unlock(&tsi->lock);

	/* Hosts drop empty datagrams; UDP may lose them, too. */
	if (!size)
		return 0;
	return vsock_dgram_send(sk, port, &host, &out, size);
}

static int tsi_dgram_sendmsg(struct socket *sock, struct msghdr *msg,
			     size_t size)
{
	struct tsi_sock *tsi = tsi_sk(sock);
	union tsi_addr addr;
	bool host;

	if (msg->msg_name) {
		host = !tsi_addr_parse(sock->sk, msg->msg_name, msg->msg_namelen,
				       &addr) &&
		       tsi_dgram_routed(tsi, &addr);
	} else {
		host = tsi_dgram_peer(tsi, &addr);
	}
	if (!host)
		return tsi->native->sendmsg(sock, msg, size);
	return tsi_flow_send(tsi, &addr, msg, size);
}

static int tsi_dgram_shutdown(struct socket *sock, int how)
{
	struct tsi_sock *tsi = tsi_sk(sock);
	int err = tsi->native->shutdown(sock, how);

	/* The native socket is not connected, but the caller's is. */
	if (err == -ENOTCONN && READ_ONCE(tsi->peer_flow))
		err = 0;
	return err;
}

/* The host destination of a connected socket. */
bool tsi_dgram_peer(struct tsi_sock *tsi, union tsi_addr *ret_addr)
{
	bool connected;

	if (!READ_ONCE(tsi->peer_flow))
		return false;
	mutex_lock(&tsi->lock);
	connected = tsi->peer_flow;
	if (connected)
		*ret_addr = tsi->peer_flow->addr;
	mutex_unlock(&tsi->lock);
	return connected;
}

static int tsi_dgram_release(struct socket *sock)
{
	struct tsi_sock *tsi = tsi_sk(sock);
	const struct proto_ops *native = tsi_native_ops(sock);

	if (tsi)
		tsi_dgram_destroy(tsi);
	return native->release(sock);
}

void tsi_dgram_destroy(struct tsi_sock *tsi)
{
	struct tsi_flow *flow, *next;

	mutex_lock(&tsi->lock);
	list_for_each_entry_safe(flow, next, &tsi->flows, node)
		tsi_flow_free(tsi, flow);
	mutex_unlock(&tsi->lock);
	SOCK_INODE(tsi->sock)->i_private = NULL;
	kfree(tsi);
}

/* What is not here is the native family's own. */
#define TSI_DGRAM_OPS						\
	.owner		= THIS_MODULE,				\
	.release	= tsi_dgram_release,			\
	.connect	= tsi_dgram_connect,			\
	.socketpair	= sock_no_socketpair,			\
	.accept		= sock_no_accept,			\
	.getname	= tsi_getname,				\
	.poll		= udp_poll,				\
	TSI_COMPAT_IOCTL					\
	.gettstamp	= sock_gettstamp,			\
	.listen		= sock_no_listen,			\
	.shutdown	= tsi_dgram_shutdown,			\
	.setsockopt	= tsi_setsockopt,			\
	.getsockopt	= tsi_getsockopt,			\
	.sendmsg	= tsi_dgram_sendmsg,			\
	.mmap		= sock_no_mmap,				\
	.read_skb	= udp_read_skb,				\
	.set_peek_off	= udp_set_peek_off

const struct proto_ops tsi_dgram_ops = {
	.family		= PF_INET,
	.bind		= inet_bind,
	.ioctl		= inet_ioctl,
	.recvmsg	= inet_recvmsg,
	.splice_eof	= inet_splice_eof,
	TSI_DGRAM_OPS,
};

#if IS_ENABLED(CONFIG_IPV6)
const struct proto_ops tsi_dgram6_ops = {
	.family		= PF_INET6,
	.bind		= inet6_bind,
	.ioctl		= inet6_ioctl,
	.recvmsg	= inet6_recvmsg,
	TSI_DGRAM_OPS,
};
#endif
