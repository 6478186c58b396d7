// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control channel: small datagrams to fixed ports of the host.
 *
 * Replies carry no identity, only (host port, guest port). Every request
 * therefore has a guest port of its own, which is closed with the request:
 * a late or repeated reply finds nobody. Messages without a reply leave from
 * one common port, whose incoming datagrams are dropped.
 */
#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/skbuff.h>
#include <linux/uio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_vsock.h>
#include "tsi.h"

/* A host that did not answer is not asked again for this long. */
#define TSI_DEAF_TIME		(10 * HZ)
/* For each of the two questions that decide whether a host listens. */
#define TSI_PROBE_TIMEOUT	HZ
/* Ports of proxies; vsock's own automatic ports stay below. */
#define TSI_PORT_BASE		0x80000000U

static bool loopback;
module_param(loopback, bool, 0444);
MODULE_PARM_DESC(loopback, "Accept vsock_loopback in place of a host (for tests)");

static int in_order = -1;
module_param(in_order, int, 0644);
MODULE_PARM_DESC(in_order,
		 "Host honours half-close and keeps proxies: 1 yes, 0 no, -1 find out");

static struct vsock_dgram_port tsi_mute;
VISIBLE_IF_KUNIT atomic_t tsi_ports = ATOMIC_INIT(0);

static DEFINE_MUTEX(tsi_probe_lock);
static bool tsi_ready;			/* sticky */
static bool tsi_pads;			/* host fills reply buffers */
static bool tsi_deaf;			/* until tsi_deaf_until */
static unsigned long tsi_deaf_until;	/* jiffies */

/* Strictly increasing (some hosts prefer the highest); wraps after 2^31. */
u32 tsi_next_port(void)
{
	u32 port = TSI_PORT_BASE | (u32)atomic_inc_return(&tsi_ports);

	return port == VMADDR_PORT_ANY ? tsi_next_port() : port;
}

/* The host's ports speak for themselves only when they come from the host. */
static void tsi_ctl_rcv(struct vsock_dgram_port *port, struct sk_buff *skb)
{
	struct tsi_ctl *ctl = container_of(port, struct tsi_ctl, port);
	const struct sockaddr_vm *src = vsock_dgram_src(skb);

	if (!ctl->done && src->svm_port == ctl->want &&
	    (src->svm_cid == VMADDR_CID_HOST || loopback) &&
	    skb->len >= sizeof(ctl->reply.result)) {
		ctl->size = min_t(size_t, skb->len, sizeof(ctl->reply));
		ctl->padded = skb->len > sizeof(ctl->reply);
		if (!skb_copy_bits(skb, 0, &ctl->reply, ctl->size)) {
			/* Pairs with tsi_call_answered(). */
			smp_store_release(&ctl->done, true);
			if (ctl->work)
				mod_delayed_work(system_unbound_wq, ctl->work, 0);
			else
				complete(&ctl->answered);
		}
	}
	kfree_skb(skb);
}

static void tsi_mute_rcv(struct vsock_dgram_port *port, struct sk_buff *skb)
{
	kfree_skb(skb);
}

int tsi_ctl_open(struct tsi_ctl *ctl, u32 want, struct delayed_work *work)
{
	memset(ctl, 0, sizeof(*ctl));
	init_completion(&ctl->answered);
	ctl->want = want;
	ctl->work = work;
	ctl->port.cid = VMADDR_CID_ANY;
	ctl->port.port = VMADDR_PORT_ANY;
	ctl->port.rcv = tsi_ctl_rcv;
	return vsock_dgram_bind(&ctl->port);
}

void tsi_ctl_close(struct tsi_ctl *ctl)
{
	vsock_dgram_unbind(&ctl->port);
}

static int tsi_send(u32 from, u32 host_port, const void *body, size_t size)
{
	struct sockaddr_vm host = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_HOST,
		.svm_port = host_port,
	};
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT };
	const u8 *token = tsi_token();
	struct kvec vec[2] = {
		{ .iov_base = (void *)token, .iov_len = token ? TSI_TOKEN_SIZE : 0 },
		{ .iov_base = (void *)body, .iov_len = size },
	};
	int err;

	iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, vec, ARRAY_SIZE(vec),
		      vec[0].iov_len + size);
	err = vsock_dgram_send(NULL, from, &host, &msg, vec[0].iov_len + size);
	return err < 0 ? err : 0;
}

int tsi_ctl_send(struct tsi_ctl *ctl, u32 host_port, const void *body,
		 size_t size)
{
	return tsi_send(ctl->port.port, host_port, body, size);
}

/*
 * Waits for the reply and closes @ctl. Only a fatal signal ends the wait
 * early: an interrupted caller would have to tell the host, and cannot.
 * Returns the size of the reply.
 */
int tsi_ctl_wait(struct tsi_ctl *ctl, long timeout)
{
	long left = wait_for_completion_killable_timeout(&ctl->answered, timeout);

	tsi_ctl_close(ctl);
	if (ctl->done)
		return ctl->size;
	return left < 0 ? left : -ETIMEDOUT;
}

/* A message without a reply; what cannot be sent is lost like a datagram. */
void tsi_tell(u32 host_port, const void *body, size_t size)
{
	tsi_send(tsi_mute.port, host_port, body, size);
}

void tsi_tell_create(u32 port, int family, int type)
{
	struct tsi_msg_create msg;

	tsi_encode_create(&msg, port, family, type);
	tsi_tell(TSI_PORT_CREATE, &msg, sizeof(msg));
}

void tsi_tell_release(u32 port, u32 host_port)
{
	struct tsi_msg_release msg = {
		.port = cpu_to_le32(port),
		.host_port = cpu_to_le32(host_port),
	};

	tsi_tell(TSI_PORT_RELEASE, &msg, sizeof(msg));
}

/* Is there a device, and does it carry datagrams? */
bool tsi_usable(void)
{
	return (loopback || virtio_vsock_host_features()) &&
	       vsock_dgram_allowed(VMADDR_CID_HOST);
}

/*
 * libkrun offers IN_ORDER, the supermachine host does not. What stands between
 * device and guest may hide that, but libkrun also fills the buffers of its
 * replies to the end.
 */
bool tsi_host_in_order(void)
{
	int forced = READ_ONCE(in_order);

	if (forced >= 0)
		return forced;
	return READ_ONCE(tsi_pads) ||
	       (virtio_vsock_host_features() & BIT_ULL(VIRTIO_F_IN_ORDER));
}

/* GETNAME of a port without a proxy: every host answers, with an error. */
static bool tsi_probe(void)
{
	struct tsi_msg_getname msg = {
		.port = cpu_to_le32(tsi_next_port()),
		.host_port = cpu_to_le32(TSI_PORT_STREAM),
		.peer = cpu_to_le32(1),
	};
	struct tsi_ctl ctl;

	if (tsi_ctl_open(&ctl, TSI_PORT_GETNAME, NULL))
		return false;
	if (tsi_ctl_send(&ctl, TSI_PORT_GETNAME, &msg, sizeof(msg))) {
		tsi_ctl_close(&ctl);
		return false;
	}
	if (tsi_ctl_wait(&ctl, TSI_PROBE_TIMEOUT) < 0)
		return false;
	WRITE_ONCE(tsi_pads, ctl.padded);
	return true;
}

/*
 * Does the host answer control messages? Asked before the first proxy is
 * made, so that a host which has no TSI leaves every socket as on a stock
 * kernel. May sleep for two seconds, once in TSI_DEAF_TIME.
 */
bool tsi_host_ready(void)
{
	bool ready;

	if (likely(READ_ONCE(tsi_ready)))
		return true;
	if (!tsi_usable())
		return false;

	mutex_lock(&tsi_probe_lock);
	if (!tsi_ready && (!tsi_deaf || time_after(jiffies, tsi_deaf_until))) {
		ready = tsi_probe() || tsi_probe();
		/* A killed caller has learnt nothing about the host. */
		if (ready || !fatal_signal_pending(current)) {
			WRITE_ONCE(tsi_ready, ready);
			tsi_deaf = !ready;
			tsi_deaf_until = jiffies + TSI_DEAF_TIME;
		}
	}
	ready = tsi_ready;
	mutex_unlock(&tsi_probe_lock);
	return ready;
}

int __init tsi_control_init(void)
{
	tsi_mute.cid = VMADDR_CID_ANY;
	tsi_mute.port = VMADDR_PORT_ANY;
	tsi_mute.rcv = tsi_mute_rcv;
	return vsock_dgram_bind(&tsi_mute);
}
