// SPDX-License-Identifier: GPL-2.0-only
/*
 * Socket options.
 *
 * The native socket stores and reports them all, SOL_SOCKET included; what
 * must also act on the host path is copied at use (tsi_vs_sync()). Only
 * options that promise something the host path cannot keep are refused.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/tcp.h>
#include <linux/uaccess.h>
#include <linux/udp.h>
#include <net/tcp_states.h>
#include "tsi.h"

/* Silence here would send plaintext, or one giant datagram. */
static bool tsi_option_refused(const struct tsi_sock *tsi, int level, int name)
{
	/* A stream that lives inside the guest keeps what TCP can do. */
	if (level == SOL_TCP && READ_ONCE(tsi->state) == TSI_NATIVE &&
	    READ_ONCE(tsi->sock->sk->sk_state) == TCP_ESTABLISHED)
		return false;

	switch (level) {
	case SOL_TCP:
		switch (name) {
		case TCP_ULP:
		case TCP_MD5SIG:
		case TCP_MD5SIG_EXT:
		case TCP_AO_ADD_KEY:
		case TCP_AO_DEL_KEY:
		case TCP_AO_INFO:
		case TCP_AO_GET_KEYS:
		case TCP_AO_REPAIR:
		case TCP_REPAIR:
		case TCP_ZEROCOPY_RECEIVE:
			return true;
		}
		return false;
	case SOL_UDP:
		switch (name) {
		case UDP_CORK:
		case UDP_SEGMENT:
		case UDP_GRO:
		case UDP_ENCAP:
			return true;
		}
		return false;
	case SOL_IPV6:
		/* Would replace our operations. */
		return name == IPV6_ADDRFORM;
	case SOL_TLS:
	case AF_VSOCK:
		return true;
	}
	return false;
}

static bool tsi_option_joins(int level, int name)
{
	switch (level) {
	case SOL_IP:
		return name == IP_ADD_MEMBERSHIP ||
		       name == IP_ADD_SOURCE_MEMBERSHIP ||
		       name == MCAST_JOIN_GROUP ||
		       name == MCAST_JOIN_SOURCE_GROUP;
	case SOL_IPV6:
		return name == IPV6_ADD_MEMBERSHIP ||
		       name == MCAST_JOIN_GROUP ||
		       name == MCAST_JOIN_SOURCE_GROUP;
	}
	return false;
}

int tsi_setsockopt(struct socket *sock, int level, int name,
		   sockptr_t val, unsigned int len)
{
	struct tsi_sock *tsi = tsi_sk(sock);
	int err;

	if (tsi_option_refused(tsi, level, name))
		return -ENOPROTOOPT;
	err = tsi->native->setsockopt(sock, level, name, val, len);
	/* Groups are joined on the guest's devices: stay with them. */
	if (!err && tsi_option_joins(level, name))
		WRITE_ONCE(tsi->inet_only, true);
	return err;
}

/* The native socket is idle: say what the connection is. */
static int tsi_tcp_info(struct tsi_sock *tsi, char __user *val)
{
	struct socket *vs = READ_ONCE(tsi->vs);
	u8 state = TCP_SYN_SENT;

	if (tsi_linked(tsi) && vs) {
		u32 gone = READ_ONCE(vsock_sk(vs->sk)->peer_shutdown);
		u32 shut = READ_ONCE(vs->sk->sk_shutdown);

		if (gone & SEND_SHUTDOWN)
			state = shut & SEND_SHUTDOWN ? TCP_CLOSE :
						       TCP_CLOSE_WAIT;
		else
			state = shut & SEND_SHUTDOWN ? TCP_FIN_WAIT2 :
						       TCP_ESTABLISHED;
	}
	return put_user(state, (u8 __user *)val +
			       offsetof(struct tcp_info, tcpi_state));
}

int tsi_getsockopt(struct socket *sock, int level, int name,
		   char __user *val, int __user *len)
{
	struct tsi_sock *tsi = tsi_sk(sock);
	int err, size;

	if (tsi_option_refused(tsi, level, name))
		return -ENOPROTOOPT;
	err = tsi->native->getsockopt(sock, level, name, val, len);
	if (err || level != SOL_TCP || name != TCP_INFO ||
	    READ_ONCE(tsi->state) == TSI_NATIVE)
		return err;
	if (get_user(size, len))
		return -EFAULT;
	return size > 0 ? tsi_tcp_info(tsi, val) : 0;
}

#ifdef CONFIG_COMPAT
int tsi_compat_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	return tsi_sk(sock)->native->compat_ioctl(sock, cmd, arg);
}
#endif
