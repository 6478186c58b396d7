/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TSI revision 3 on the wire: bodies of the control datagrams.
 */
#ifndef _TSI_PROTO_H
#define _TSI_PROTO_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/socket.h>
#include <linux/types.h>
#include <linux/un.h>

#define TSI_REVISION		3
#define TSI_TOKEN_SIZE		32
#define TSI_ADDR_SIZE		128

/* Host ports of control messages (datagrams) and of proxied streams. */
enum tsi_port {
	TSI_PORT_STREAM		= 620,
	TSI_PORT_CREATE		= 1024,
	TSI_PORT_CONNECT	= 1025,
	TSI_PORT_GETNAME	= 1026,
	TSI_PORT_SENDTO_ADDR	= 1027,
	TSI_PORT_SENDTO_DATA	= 1028,
	TSI_PORT_LISTEN		= 1029,
	TSI_PORT_ACCEPT		= 1030,
	TSI_PORT_RELEASE	= 1031,
};

/* O_NONBLOCK of Linux and of macOS hosts: each looks for its own bit only. */
#define TSI_ACCEPT_NONBLOCK	0x804

/* An address in either form the wire knows. */
union tsi_addr {
	struct sockaddr		sa;
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
	struct sockaddr_un	un;
};

struct tsi_msg_create {
	__le32	port;
	__le16	family;
	__le16	type;
} __packed;

/* Of CONNECT and of SENDTO_ADDR. */
struct tsi_msg_addr {
	__le32	port;
	__le32	addr_len;
	u8	addr[TSI_ADDR_SIZE];
} __packed;

struct tsi_msg_getname {
	__le32	port;
	__le32	host_port;
	__le32	peer;
} __packed;

struct tsi_msg_listen {
	__le32	port;
	__le32	vm_port;
	__le32	backlog;
	__le32	addr_len;
	u8	addr[TSI_ADDR_SIZE];
} __packed;

struct tsi_msg_accept {
	__le32	port;
	__le32	flags;
} __packed;

struct tsi_msg_release {
	__le32	port;
	__le32	host_port;
} __packed;

struct tsi_reply_name {
	__le32	result;
	__le32	addr_len;
	u8	addr[TSI_ADDR_SIZE];
} __packed;

int tsi_addr_len(const union tsi_addr *addr);
int tsi_addr_family(const union tsi_addr *addr);

void tsi_encode_create(struct tsi_msg_create *msg, u32 port, int family,
		       int type);
void tsi_encode_addr(struct tsi_msg_addr *msg, u32 port,
		     const union tsi_addr *addr, int addr_len);
void tsi_encode_listen(struct tsi_msg_listen *msg, u32 port, u32 backlog,
		       const union tsi_addr *addr, int addr_len);
int tsi_decode_result(__le32 result);
int tsi_decode_name(const struct tsi_reply_name *reply, size_t size,
		    int family, union tsi_addr *ret_addr);

#endif /* _TSI_PROTO_H */
