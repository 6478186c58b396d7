// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses, and who serves a destination: the guest or the host.
 *
 * The verdict is a pure function of what the routing tables say. The tables
 * are asked without touching the socket.
 */
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <net/addrconf.h>
#include <net/ip6_route.h>
#include <net/ip_fib.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/rtnetlink.h>
#include <net/udp.h>
#include "tsi.h"

enum tsi_route tsi_verdict(const struct tsi_path *path)
{
	if (!path->found)
		return TSI_ROUTE_HOST;
	if (path->local)
		return path->initial ? TSI_ROUTE_LOCAL : TSI_ROUTE_INET;
	if (path->dummy)
		return TSI_ROUTE_HOST;
	/* A container's bridge leads out only if the guest itself does. */
	if (path->gateway && !path->initial && !path->uplink)
		return TSI_ROUTE_HOST;
	return TSI_ROUTE_INET;
}

/* Anything unusual is left to the native socket, which has the right error. */
int tsi_addr_parse(const struct sock *sk, const struct sockaddr *sa, int len,
		   union tsi_addr *ret_addr)
{
	union tsi_addr addr = {};

	if (len < (int)sizeof(addr.in) || sa->sa_family != sk->sk_family)
		return -EINVAL;
	if (sk->sk_family == AF_INET) {
		memcpy(&addr.in, sa, offsetof(struct sockaddr_in, sin_zero));
		if (!addr.in.sin_port)
			return -EINVAL;
	} else {
		if (len < SIN6_LEN_RFC2133)
			return -EINVAL;
		memcpy(&addr.in6, sa, min_t(int, len, sizeof(addr.in6)));
		addr.in6.sin6_flowinfo = 0;
		if (!addr.in6.sin6_port)
			return -EINVAL;
		if (ipv6_addr_v4mapped(&addr.in6.sin6_addr) && ipv6_only_sock(sk))
			return -EINVAL;
	}
	*ret_addr = addr;
	return 0;
}

bool tsi_addr_equal(const union tsi_addr *a, const union tsi_addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_port == b->in.sin_port &&
		       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return a->in6.sin6_port == b->in6.sin6_port &&
	       a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
	       ipv6_addr_equal(&a->in6.sin6_addr, &b->in6.sin6_addr);
}

static bool tsi_addr_v4(const union tsi_addr *addr, __be32 *ret_v4)
{
	if (addr->sa.sa_family == AF_INET)
		*ret_v4 = addr->in.sin_addr.s_addr;
	else if (ipv6_addr_v4mapped(&addr->in6.sin6_addr))
		*ret_v4 = addr->in6.sin6_addr.s6_addr32[3];
	else
		return false;
	return true;
}

bool tsi_addr_broadcast(const union tsi_addr *addr)
{
	__be32 v4;

	return tsi_addr_v4(addr, &v4) && ipv4_is_lbcast(v4);
}

/* Answers to these come from other addresses. */
bool tsi_addr_group(const union tsi_addr *addr)
{
	__be32 v4;

	if (tsi_addr_v4(addr, &v4))
		return ipv4_is_multicast(v4) || tsi_addr_broadcast(addr);
	return ipv6_addr_is_multicast(&addr->in6.sin6_addr);
}

bool tsi_addr_any(const union tsi_addr *addr)
{
	__be32 v4;

	if (tsi_addr_v4(addr, &v4))
		return ipv4_is_zeronet(v4) && !v4;
	return ipv6_addr_any(&addr->in6.sin6_addr);
}

/* Linux connects the unspecified address to loopback. */
void tsi_addr_loopback(union tsi_addr *addr)
{
	if (addr->sa.sa_family == AF_INET)
		addr->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (ipv6_addr_v4mapped(&addr->in6.sin6_addr))
		addr->in6.sin6_addr.s6_addr32[3] = htonl(INADDR_LOOPBACK);
	else
		addr->in6.sin6_addr = in6addr_loopback;
}

static void tsi_path_dev(const struct net_device *dev, struct tsi_path *path)
{
	const struct rtnl_link_ops *ops = dev->rtnl_link_ops;

	path->local |= !!(dev->flags & IFF_LOOPBACK);
	path->dummy = ops && !strcmp(ops->kind, "dummy");
}

static void tsi_path_v4(struct net *net, const struct sock *sk, __be32 daddr,
			struct tsi_path *path)
{
	struct flowi4 fl4 = {
		.daddr = daddr,
		.saddr = inet_sk(sk)->inet_saddr,
		.flowi4_mark = READ_ONCE(sk->sk_mark),
		.flowi4_uid = sock_net_uid(net, sk),
		.flowi4_scope = RT_SCOPE_UNIVERSE,
	};
	struct fib_result res = {};
	int err;

	/* Loopback is the namespace's own even while lo is down. */
	if (ipv4_is_loopback(daddr) || !daddr) {
		path->found = true;
		path->local = true;
		return;
	}

	rcu_read_lock();
	err = fib_lookup(net, &fl4, &res, 0);
	/* "prohibit" and "blackhole" are somebody's decision, not a gap. */
	path->found = err != -ENETUNREACH && err != -ESRCH && err != -EAGAIN;
	if (!err) {
		path->local = res.type == RTN_LOCAL;
		if (res.nhc) {
			path->gateway = res.nhc->nhc_gw_family;
			if (res.nhc->nhc_dev)
				tsi_path_dev(res.nhc->nhc_dev, path);
		}
	}
	rcu_read_unlock();
}

#if IS_ENABLED(CONFIG_IPV6)
static void tsi_path_v6(struct net *net, const struct sock *sk,
			const struct sockaddr_in6 *in6, struct tsi_path *path)
{
	struct flowi6 fl6 = {
		.daddr = in6->sin6_addr,
		.flowi6_oif = in6->sin6_scope_id,
		.flowi6_mark = READ_ONCE(sk->sk_mark),
		.flowi6_uid = sock_net_uid(net, sk),
	};
	struct dst_entry *dst;

	if (ipv6_addr_loopback(&in6->sin6_addr) ||
	    ipv6_addr_any(&in6->sin6_addr)) {
		path->found = true;
		path->local = true;
		return;
	}

	dst = ip6_route_output(net, NULL, &fl6);
	path->found = dst->error != -ENETUNREACH;
	if (!dst->error) {
		const struct rt6_info *rt = dst_rt6_info(dst);

		path->local = rt->rt6i_flags & RTF_LOCAL;
		path->gateway = rt->rt6i_flags & RTF_GATEWAY;
		tsi_path_dev(dst->dev, path);
	}
	dst_release(dst);
}
#else
static void tsi_path_v6(struct net *net, const struct sock *sk,
			const struct sockaddr_in6 *in6, struct tsi_path *path)
{
}
#endif

static void tsi_path(struct net *net, const struct sock *sk,
		     const union tsi_addr *addr, struct tsi_path *path)
{
	__be32 v4;

	if (tsi_addr_v4(addr, &v4))
		tsi_path_v4(net, sk, v4, path);
	else
		tsi_path_v6(net, sk, &addr->in6, path);
}

enum tsi_route tsi_route(const struct sock *sk, const union tsi_addr *addr)
{
	struct net *net = sock_net(sk);
	struct tsi_path path = { .initial = net_eq(net, &init_net) };

	/* The caller chose a device: only the guest has it. */
	if (READ_ONCE(sk->sk_bound_dev_if))
		return TSI_ROUTE_INET;

	tsi_path(net, sk, addr, &path);
	if (path.gateway && !path.initial) {
		struct tsi_path out = { .initial = true };

		tsi_path(&init_net, sk, addr, &out);
		path.uplink = out.found && !out.local && !out.dummy;
	}
	return tsi_verdict(&path);
}

/* Would a datagram from @sk to @addr find a guest socket other than @sk? */
bool tsi_udp_bound(struct sock *sk, const union tsi_addr *addr)
{
	const struct inet_sock *inet = inet_sk(sk);
	struct net *net = sock_net(sk);
	int dif = net->loopback_dev->ifindex;
	struct sock *other = NULL;
	__be32 v4;

	rcu_read_lock();
	/* sin_port and sin6_port are in the same place. */
	if (tsi_addr_v4(addr, &v4)) {
		other = __udp4_lib_lookup(net, inet->inet_saddr ?: v4,
					  inet->inet_sport, v4,
					  addr->in.sin_port, dif, 0,
					  net->ipv4.udp_table, NULL);
	} else if (IS_ENABLED(CONFIG_IPV6)) {
		const struct in6_addr *src = &inet6_sk(sk)->saddr;

		if (ipv6_addr_any(src))
			src = &addr->in6.sin6_addr;
		other = __udp6_lib_lookup(net, src, inet->inet_sport,
					  &addr->in6.sin6_addr,
					  addr->in6.sin6_port, dif, 0,
					  net->ipv4.udp_table, NULL);
	}
	rcu_read_unlock();
	return other && other != sk;
}

/*
 * Gives a name to the guest's end of a host connection where the native
 * socket has none: an address the guest would use towards @peer. The port is
 * the caller's.
 */
void tsi_addr_source(const struct sock *sk, const union tsi_addr *peer,
		     union tsi_addr *addr)
{
	struct net *net = sock_net(sk);
	__be32 v4, src;

	if (!tsi_addr_any(addr))
		return;
	if (tsi_addr_v4(peer, &v4)) {
		rcu_read_lock();
		src = ipv4_is_loopback(v4) ? v4 :
		      inet_select_addr(net->loopback_dev, v4, RT_SCOPE_UNIVERSE);
		rcu_read_unlock();
		if (!src)
			src = htonl(INADDR_LOOPBACK);
		if (sk->sk_family == AF_INET)
			addr->in.sin_addr.s_addr = src;
		else
			ipv6_addr_set_v4mapped(src, &addr->in6.sin6_addr);
		return;
	}
#if IS_ENABLED(CONFIG_IPV6)
	if (ipv6_dev_get_saddr(net, NULL, &peer->in6.sin6_addr, 0,
			       &addr->in6.sin6_addr))
		addr->in6.sin6_addr = in6addr_loopback;
#endif
}
