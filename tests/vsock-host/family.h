/* SPDX-License-Identifier: Apache-2.0 */
/* How hosts differ. A family is a filled-in struct behaviour; a quirk overrides one field.
 * Everything else in this program is common to all hosts. */
#ifndef FAMILY_H
#define FAMILY_H

#include <stdint.h>

enum oversize {
	OVERSIZE_CUT,	/* the payload is cut, the header says so */
	OVERSIZE_LOST,	/* the payload is cut, the header's len is not */
	OVERSIZE_SPLIT, /* the rest follows in further packets */
};

enum remote_end {
	END_RST,	   /* no half-close: RST */
	END_SHUTDOWN_SEND, /* FIN becomes SHUTDOWN(2), a reset RST */
	END_SHUTDOWN_BOTH, /* everything is SHUTDOWN(3) */
};

enum guest_end {
	GUEST_END_APPLIED, /* shutdown(2) per packet, RST once the socket is hung up */
	GUEST_END_SUMMED,  /* the same, flags add up, RST at once when both are set */
	GUEST_END_DROPS,   /* any SHUTDOWN drops the connection with what is queued */
	GUEST_END_DRAINS,  /* any SHUTDOWN ends it after what is queued */
};

enum names {
	NAMES_PEER,    /* GETNAME gives the peer of the real socket */
	NAMES_FICTION, /* always 127.0.0.1:0 */
	NAMES_PENDING, /* as PEER, but outbound only until the stream is up */
};

/* All fields are uint32_t so that a quirk is a name and an offset. */
struct behaviour {
	/* Device. */
	uint32_t in_order;	  /* offers VIRTIO_F_IN_ORDER, as libkrun does */
	uint32_t two_descriptors; /* only header + one payload descriptor accepted */
	uint32_t partial_headers; /* leaves header fields of RX buffers untouched */
	uint32_t one_rx_segment;  /* fills only one payload descriptor */
	uint32_t no_interrupt;	  /* none for transmit completions */
	uint32_t parked_max;	  /* control packets waiting for RX buffers, 0 = any */
	uint32_t oversize;	  /* enum oversize */

	/* Streams. */
	uint32_t window;	/* buf_alloc */
	uint32_t update_after;	/* bytes per CREDIT_UPDATE, 0 = half the guest's window */
	uint32_t max_packet;	/* payload of one RW, 0 = what the buffer takes */
	uint32_t ignore_credit; /* sends as fast as the remote delivers */
	uint32_t rw_credit;	/* learns credit from RW headers too */
	uint32_t zero_fwd;	/* fwd_cnt of RW is always 0 */
	uint32_t answer_credit; /* CREDIT_REQUEST is answered */
	uint32_t credit_starts; /* reads a connected socket only after CREDIT_UPDATE */
	uint32_t early_credit;	/* CREDIT_REQUEST before RESPONSE if the remote speaks */
	uint32_t early_data;	/* data may overtake RESPONSE */
	uint32_t hangup_first;	/* hang-up is looked at before pending data */
	uint32_t remote_end;	/* enum remote_end */
	uint32_t guest_end;	/* enum guest_end */
	uint32_t reset_unknown; /* REQUEST to an unknown port: RST, not silence */
	uint32_t keep_refused;	/* a client whose REQUEST got RST stays open and silent */
	uint32_t blocking_send; /* one full remote socket stalls the transmit queue */
	uint32_t removal_delay; /* ms between release and removal */
	uint32_t rst_all;	/* answers every stream packet with RST */

	/* Datagrams. */
	uint32_t swapped_cids;	/* data comes from guest CID to CID 2, source port 0 */
	uint32_t any_data_port; /* connected data may go to any free port, not only P */
	uint32_t inet6_deaf;	/* replies to SENDTO over IPv6 never arrive */
	uint32_t flows_max;	/* UDP sockets at once, oldest goes; 0 = any */
	uint32_t big_udp;	/* every reply is extended to this many bytes */

	/* Control channel. */
	uint32_t supermachine;	/* stateless proxies: create, listen, accept, release */
	uint32_t inet6;		/* IPv6 destinations are taken */
	uint32_t unwrap_mapped; /* v4-mapped destinations are taken as IPv4 */
	uint32_t unix_paths;	/* AF_UNIX proxies work */
	uint32_t connect_limit; /* ms after which CONNECT fails; blocks the device */
	uint32_t connect_errno; /* every failed connect is this one, 0 = the real one */
	uint32_t refused_errno; /* of asynchronous failures and unknown proxies */
	uint32_t again_errno;
	uint32_t nonblock;  /* the flag of ACCEPT that means O_NONBLOCK */
	uint32_t bsd_names; /* sockaddr of GETNAME starts with a length byte */
	uint32_t names;	    /* enum names */
	uint32_t pad;	    /* replies fill the buffer */

	/* Misbehaviour, only by quirk. */
	uint32_t pad_a5; /* ... with 0xa5 instead of what was there */
	uint32_t connect_delay;
	uint32_t never_reply;
	uint32_t reply_twice;
	uint32_t reply_late;
	uint32_t wrong_port;
	uint32_t listen_errno;
	uint32_t listen_busy; /* so many times the port is in use */
	uint32_t getname_fails;
	uint32_t drop_reply;  /* every n-th */
	uint32_t drop_packet; /* every n-th, if a large one: control goes on */
	uint32_t duplicate;   /* every n-th is sent twice */
	uint32_t truncate;    /* every n-th, if a large one, loses half but not in its header */
	uint32_t silent_services;
};

struct family {
	const char *name;
	struct behaviour behaviour;
};

/* NULL: no such family. */
const struct family *family_find(const char *name);

extern const struct family families[];

/* Apply "name" (= 1) or "name=value". 0, or -EINVAL. */
int quirk_set(struct behaviour *behaviour, const char *text);

/* Put the family's own value back. */
int quirk_unset(
	struct behaviour *behaviour, const struct family *family, const char *name);

#endif
