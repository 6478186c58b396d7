// SPDX-License-Identifier: GPL-2.0-only
/*
 * TSI control messages: encoding and decoding.
 *
 * Pure functions, no sockets and no state. All integers are little endian;
 * addresses are Linux sockaddrs whatever the host is.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <net/ipv6.h>
#include "proto.h"

/* Errno of macOS for a refused connection, which hosts do not translate. */
#define TSI_MACOS_ECONNREFUSED	61

int tsi_addr_len(const union tsi_addr *addr)
{
	return addr->sa.sa_family == AF_INET6 ? sizeof(addr->in6) :
						sizeof(addr->in);
}

/* The family a proxy for @addr has: v4-mapped destinations are plain IPv4. */
int tsi_addr_family(const union tsi_addr *addr)
{
	if (addr->sa.sa_family == AF_INET6 &&
	    ipv6_addr_v4mapped(&addr->in6.sin6_addr))
		return AF_INET;
	return addr->sa.sa_family;
}

/* Writes @addr in the form the proxy's family asks for; returns its length. */
static u32 tsi_encode_sockaddr(u8 *out, const union tsi_addr *addr,
			       int addr_len)
{
	memset(out, 0, TSI_ADDR_SIZE);
	if (addr->sa.sa_family == AF_INET6 &&
	    tsi_addr_family(addr) == AF_INET) {
		put_unaligned_le16(AF_INET, out);
		memcpy(out + 2, &addr->in6.sin6_port, 2);
		memcpy(out + 4, &addr->in6.sin6_addr.s6_addr32[3], 4);
		return sizeof(struct sockaddr_in);
	}
	memcpy(out, addr, addr_len);
	put_unaligned_le16(addr->sa.sa_family, out);
	return addr_len;
}

void tsi_encode_create(struct tsi_msg_create *msg, u32 port, int family,
		       int type)
{
	msg->port = cpu_to_le32(port);
	msg->family = cpu_to_le16(family);
	msg->type = cpu_to_le16(type);
}

void tsi_encode_addr(struct tsi_msg_addr *msg, u32 port,
		     const union tsi_addr *addr, int addr_len)
{
	msg->port = cpu_to_le32(port);
	msg->addr_len = cpu_to_le32(tsi_encode_sockaddr(msg->addr, addr,
							addr_len));
}

void tsi_encode_listen(struct tsi_msg_listen *msg, u32 port, u32 backlog,
		       const union tsi_addr *addr, int addr_len)
{
	msg->port = cpu_to_le32(port);
	msg->vm_port = cpu_to_le32(port);
	msg->backlog = cpu_to_le32(backlog);
	msg->addr_len = cpu_to_le32(tsi_encode_sockaddr(msg->addr, addr,
							addr_len));
}

/* A host may send anything: what is not 0 or an errno becomes -EPROTO. */
int tsi_decode_result(__le32 result)
{
	int err = (int)le32_to_cpu(result);

	if (err == -TSI_MACOS_ECONNREFUSED)
		return -ECONNREFUSED;
	if (err > 0 || err < -MAX_ERRNO)
		return -EPROTO;
	return err;
}

/*
 * Reads a name for a socket of @family. The family in the reply is not
 * trusted (some hosts write the BSD layout, whose second byte is the family),
 * nor is the length (128 for every datagram proxy).
 */
int tsi_decode_name(const struct tsi_reply_name *reply, size_t size,
		    int family, union tsi_addr *ret_addr)
{
	union tsi_addr name = {};
	u32 len;
	int err;

	if (size < sizeof(*reply))
		return -EPROTO;
	err = tsi_decode_result(reply->result);
	if (err)
		return err;

	len = le32_to_cpu(reply->addr_len);
	if (family == AF_INET) {
		if (len < sizeof(name.in))
			return -EPROTO;
		memcpy(&name.in, reply->addr, sizeof(name.in));
		memset(name.in.sin_zero, 0, sizeof(name.in.sin_zero));
		name.in.sin_family = AF_INET;
	} else if (len >= sizeof(name.in6)) {
		memcpy(&name.in6, reply->addr, sizeof(name.in6));
		name.in6.sin6_family = AF_INET6;
	} else if (len >= sizeof(name.in)) {
		name.in6.sin6_family = AF_INET6;
		memcpy(&name.in6.sin6_port, reply->addr + 2, 2);
		ipv6_addr_set_v4mapped(get_unaligned((__be32 *)(reply->addr + 4)),
				       &name.in6.sin6_addr);
	} else {
		return -EPROTO;
	}
	*ret_addr = name;
	return 0;
}
