// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stream personality.
 *
 * Owns tsi_sock::vs and the state machine:
 *
 *	NATIVE --connect, host's destination--> CALLING --reply 0--> OPENING
 *	   ^                                       |                    |
 *	   +------------- error, to SO_ERROR ------+--------------------+
 *	                                                                |
 *	                                         LINKED <---RESPONSE----+
 *
 * Progress is made by tsi_sock::work, which the control port and the inner
 * vsock queue; connect() only starts it and waits. tsi_sock::lock guards the
 * transitions. The inner vsock wakes the outer wait queue directly (they share
 * it), so that a linked stream costs one indirect call.
 */
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/poll.h>
#include <linux/splice.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <asm/ioctls.h>
#include <net/inet_common.h>
#include <net/tcp.h>
#include <net/tcp_states.h>
#include "tsi.h"

/* A connect that a host neither finishes nor refuses ends here. */
#define TSI_CALL_TIMEOUT	(300 * HZ)
/* The vsock handshake is local, but hosts may be busy. */
#define TSI_OPEN_TIMEOUT	(10 * HZ)
/* What a SYN over loopback may take when the softirq is deferred. */
#define TSI_LOOPBACK_TIMEOUT	(HZ / 50 + 1)

static unsigned int window = 4 << 20;
module_param(window, uint, 0644);
MODULE_PARM_DESC(window, "Receive window of host streams, bytes");

static unsigned int halfclose_ms = 30000;
module_param(halfclose_ms, uint, 0644);
MODULE_PARM_DESC(halfclose_ms,
		 "How long SHUT_WR is kept from hosts without half-close; 0 tells them at once");

static unsigned int probe_ms = 15000;
module_param(probe_ms, uint, 0644);
MODULE_PARM_DESC(probe_ms,
		 "How often streams are probed that a restored host may have forgotten; 0 never");

static void tsi_probe_work(struct work_struct *work);

/* Linked streams of hosts that forget, guarded by the mutex. */
static LIST_HEAD(tsi_probe_list);
static DEFINE_MUTEX(tsi_probe_mutex);
static DECLARE_DEFERRABLE_WORK(tsi_probes, tsi_probe_work);

/* --- The inner vsock and its way back ----------------------------------- */

/*
 * Hosts without half-close say SHUTDOWN of both directions when the remote has
 * only ended its own, and some still deliver what the guest sends.
 */
static bool tsi_ending(struct tsi_sock *tsi, const struct sock *vsk)
{
	return vsock_sk(vsk)->peer_means_send && tsi_linked(tsi) &&
	       READ_ONCE(vsock_sk(vsk)->peer_shutdown) == SEND_SHUTDOWN &&
	       !READ_ONCE(tsi->ending);
}

static void tsi_vs_kick(struct sock *vsk)
{
	struct tsi_sock *tsi;

	read_lock_bh(&vsk->sk_callback_lock);
	tsi = vsk->sk_user_data;
	if (tsi) {
		if (vsk->sk_err && tsi_linked(tsi))
			WRITE_ONCE(tsi->sock->sk->sk_err, vsk->sk_err);
		if (tsi_calling(tsi) || tsi_ending(tsi, vsk))
			mod_delayed_work(system_unbound_wq, &tsi->work, 0);
	}
	read_unlock_bh(&vsk->sk_callback_lock);
}

/* What sock_init_data() installs is all that vsock ever uses here. */
static void tsi_vs_state_change(struct sock *vsk)
{
	struct socket_wq *wq;

	tsi_vs_kick(vsk);
	rcu_read_lock();
	wq = rcu_dereference(vsk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_all(&wq->wait);
	rcu_read_unlock();
	sk_wake_async(vsk, SOCK_WAKE_IO, POLL_IN);
}

static void tsi_vs_error_report(struct sock *vsk)
{
	struct socket_wq *wq;

	tsi_vs_kick(vsk);
	rcu_read_lock();
	wq = rcu_dereference(vsk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_poll(&wq->wait, EPOLLERR);
	sk_wake_async_rcu(vsk, SOCK_WAKE_IO, POLL_ERR);
	rcu_read_unlock();
}

/* Lets @vs tell us what happens to it. */
void tsi_vs_attach(struct tsi_sock *tsi, struct socket *vs)
{
	struct sock *vsk = vs->sk;

	lock_sock(vsk);
	sock_set_flag(vsk, SOCK_FASYNC);
	write_lock_bh(&vsk->sk_callback_lock);
	vsk->sk_user_data = tsi;
	vsk->sk_state_change = tsi_vs_state_change;
	vsk->sk_error_report = tsi_vs_error_report;
	write_unlock_bh(&vsk->sk_callback_lock);
	release_sock(vsk);
}

/*
 * Lets @vs wake whoever waits on the outer socket: not before that is
 * connected or listens, as io_uring takes the waker's word for it.
 */
void tsi_vs_wakes(struct tsi_sock *tsi, struct socket *vs)
{
	struct sock *vsk = vs->sk;

	write_lock_bh(&vsk->sk_callback_lock);
	rcu_assign_pointer(vsk->sk_wq, &tsi->sock->wq);
	write_unlock_bh(&vsk->sk_callback_lock);
}

/*
 * After this the inner vsock knows neither us nor the outer wait queue; nobody
 * may be asleep inside.
 */
void tsi_vs_detach(struct socket *vs)
{
	struct sock *vsk = vs->sk;

	write_lock_bh(&vsk->sk_callback_lock);
	vsk->sk_user_data = NULL;
	rcu_assign_pointer(vsk->sk_wq, &vs->wq);
	write_unlock_bh(&vsk->sk_callback_lock);
}

/*
 * Puts the inner vsock aside until release: a concurrent reader may still
 * sleep inside, on the outer wait queue.
 */
static void tsi_vs_retire(struct tsi_sock *tsi)
{
	struct socket *vs = tsi->vs;

	lockdep_assert_held(&tsi->lock);
	if (!vs)
		return;
	write_lock_bh(&vs->sk->sk_callback_lock);
	vs->sk->sk_user_data = NULL;
	write_unlock_bh(&vs->sk->sk_callback_lock);
	kernel_sock_shutdown(vs, SHUT_RDWR);
	SOCK_INODE(vs)->i_private = tsi->old;
	tsi->old = vs;
	WRITE_ONCE(tsi->vs, NULL);
}

int tsi_vs_open(struct tsi_sock *tsi, struct socket **ret_vs)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
	};
	struct vsock_sock *vsk;
	struct socket *vs;
	int err, tries;

	err = sock_create_kern(&init_net, AF_VSOCK, SOCK_STREAM, 0, &vs);
	if (err)
		return err;

	for (tries = 0; tries < 16; tries++) {
		addr.svm_port = tsi_next_port();
		err = kernel_bind(vs, (struct sockaddr *)&addr, sizeof(addr));
		if (err != -EADDRINUSE)
			break;
	}
	if (err) {
		sock_release(vs);
		return err;
	}

	vsk = vsock_sk(vs->sk);
	vsk->connect_timeout = TSI_OPEN_TIMEOUT;
	vsk->peer_means_send = READ_ONCE(halfclose_ms) && !tsi_host_in_order();
	vsk->buffer_max_size = max_t(u64, READ_ONCE(window), PAGE_SIZE);
	vsk->buffer_size = vsk->buffer_max_size;

	tsi->port = addr.svm_port;
	tsi->host_port = TSI_PORT_STREAM;
	tsi_vs_attach(tsi, vs);
	*ret_vs = vs;
	return 0;
}

static void tsi_vs_release(struct socket *vs, const struct sock *sk)
{
	if (sock_flag(sk, SOCK_LINGER)) {
		lock_sock(vs->sk);
		vs->sk->sk_lingertime = sk->sk_lingertime;
		sock_set_flag(vs->sk, SOCK_LINGER);
		release_sock(vs->sk);
	}
	sock_release(vs);
}

/* Hosts that forget streams are asked as often as the caller asked for. */
static void tsi_keepalive_start(struct tsi_sock *tsi)
{
	const struct tcp_sock *tp = tcp_sk(tsi->sock->sk);

	if (tsi_host_in_order() || xchg(&tsi->keepalive, true))
		return;
	queue_delayed_work(system_unbound_wq, &tsi->work,
			   keepalive_time_when(tp));
}

/* Options that the native socket remembers and the inner one acts upon. */
static void tsi_vs_sync(struct tsi_sock *tsi, struct socket *vs)
{
	const struct sock *sk = tsi->sock->sk;
	struct sock *vsk = vs->sk;

	if (sock_flag(sk, SOCK_KEEPOPEN) && !READ_ONCE(tsi->keepalive) &&
	    sk->sk_protocol == IPPROTO_TCP)
		tsi_keepalive_start(tsi);

	WRITE_ONCE(vsk->sk_rcvtimeo, READ_ONCE(sk->sk_rcvtimeo));
	WRITE_ONCE(vsk->sk_sndtimeo, READ_ONCE(sk->sk_sndtimeo));
	WRITE_ONCE(vsk->sk_rcvlowat, READ_ONCE(sk->sk_rcvlowat));
}

/* Ends a direction for the guest only; nothing is sent. */
static void tsi_vs_mark_shutdown(struct socket *vs, int mask)
{
	struct sock *vsk = vs->sk;

	lock_sock(vsk);
	vsk->sk_shutdown |= mask;
	vsk->sk_state_change(vsk);
	release_sock(vsk);
}

/*
 * A host restored from a snapshot does not know the guest's streams. Writers
 * are told by a reset; a reader would wait for ever. The timer is deferrable:
 * an idle guest stays idle.
 */
static void tsi_probe_work(struct work_struct *work)
{
	unsigned int ms = READ_ONCE(probe_ms);
	struct tsi_sock *tsi;

	mutex_lock(&tsi_probe_mutex);
	list_for_each_entry(tsi, &tsi_probe_list, linked) {
		struct sock *vsk = tsi->vs->sk;

		lock_sock(vsk);
		vsock_stream_probe(vsk);
		release_sock(vsk);
	}
	if (ms && !list_empty(&tsi_probe_list))
		queue_delayed_work(system_wq, &tsi_probes, msecs_to_jiffies(ms));
	mutex_unlock(&tsi_probe_mutex);
}

static void tsi_probe_add(struct tsi_sock *tsi)
{
	unsigned int ms = READ_ONCE(probe_ms);

	if (!ms || tsi_host_in_order())
		return;
	mutex_lock(&tsi_probe_mutex);
	list_add(&tsi->linked, &tsi_probe_list);
	queue_delayed_work(system_wq, &tsi_probes, msecs_to_jiffies(ms));
	mutex_unlock(&tsi_probe_mutex);
}

static void tsi_probe_del(struct tsi_sock *tsi)
{
	mutex_lock(&tsi_probe_mutex);
	list_del_init(&tsi->linked);
	mutex_unlock(&tsi_probe_mutex);
}

/* --- Connecting through the host ----------------------------------------- */

static void tsi_call_end(struct tsi_sock *tsi)
{
	lockdep_assert_held(&tsi->lock);
	if (tsi->call) {
		tsi_ctl_close(tsi->call);
		kfree(tsi->call);
		tsi->call = NULL;
	}
}

/* A failed proxy is never used again: its port may die seconds later. */
static void tsi_call_abort(struct tsi_sock *tsi)
{
	struct socket *vs = tsi->vs;

	lockdep_assert_held(&tsi->lock);
	tsi_call_end(tsi);
	WRITE_ONCE(tsi->vs, NULL);
	tsi_vs_detach(vs);
	sock_release(vs);
	tsi_tell_release(tsi->port, tsi->host_port);
	WRITE_ONCE(tsi->state, TSI_NATIVE);
}

static int tsi_call_start(struct tsi_sock *tsi, const union tsi_addr *addr,
			  int addr_len)
{
	struct tsi_msg_create create;
	struct tsi_msg_addr connect;
	unsigned long timeout;
	struct socket *vs;
	int err;

	lockdep_assert_held(&tsi->lock);
	tsi_vs_retire(tsi);
	err = tsi_vs_open(tsi, &vs);
	if (err)
		return err;
	tsi->vs = vs;

	tsi->call = kmalloc(sizeof(*tsi->call), GFP_KERNEL);
	if (!tsi->call) {
		err = -ENOMEM;
		goto abort;
	}
	err = tsi_ctl_open(tsi->call, TSI_PORT_CONNECT, &tsi->work);
	if (err) {
		kfree(tsi->call);
		tsi->call = NULL;
		goto abort;
	}

	tsi->peer = *addr;
	tsi->peer_len = addr_len;
	tsi->announced = false;
	tsi->held = false;
	tsi->ending = false;
	tsi->keepalive = false;
	/* macOS hosts never answer for AF_UNIX, others at once. */
	timeout = addr->sa.sa_family == AF_UNIX ? TSI_REPLY_TIMEOUT :
						  TSI_CALL_TIMEOUT;
	tsi->deadline = jiffies + timeout;
	tsi->sock->sk->sk_err = 0;
	WRITE_ONCE(tsi->state, TSI_CALLING);

	/* Before the reply can come, whose callback makes it 0. */
	mod_delayed_work(system_unbound_wq, &tsi->work, timeout);

	/* The reply to CONNECT goes to the port that CREATE came from. */
	tsi_encode_create(&create, tsi->port, tsi_addr_family(addr),
			  SOCK_STREAM);
	tsi_encode_addr(&connect, tsi->port, addr, addr_len);
	err = tsi_ctl_send(tsi->call, TSI_PORT_CREATE, &create, sizeof(create));
	if (!err)
		err = tsi_ctl_send(tsi->call, TSI_PORT_CONNECT, &connect,
				   sizeof(connect));
	if (err)
		goto abort;
	return 0;

abort:
	tsi_call_abort(tsi);
	return err;
}

/* The host has answered: 0 opens the stream. */
static int tsi_call_answered(struct tsi_sock *tsi)
{
	struct sockaddr_vm host = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_HOST,
		.svm_port = TSI_PORT_STREAM,
	};
	int err;

	lockdep_assert_held(&tsi->lock);
	/* Pairs with tsi_ctl_rcv(). */
	if (!smp_load_acquire(&tsi->call->done))
		return time_before(jiffies, tsi->deadline) ? -EINPROGRESS :
							     -ETIMEDOUT;
	err = tsi_decode_result(tsi->call->reply.result);
	tsi_call_end(tsi);
	if (err)
		return err == -EINPROGRESS ? -EPROTO : err;

	WRITE_ONCE(tsi->state, TSI_OPENING);
	tsi->deadline = jiffies + 2 * TSI_OPEN_TIMEOUT;
	err = kernel_connect(tsi->vs, (struct sockaddr *)&host, sizeof(host),
			     O_NONBLOCK);
	return err ?: -EINPROGRESS;
}

static int tsi_call_opened(struct tsi_sock *tsi)
{
	struct sock *vsk = tsi->vs->sk;
	int err;

	lockdep_assert_held(&tsi->lock);
	lock_sock(vsk);
	if (vsk->sk_state == TCP_ESTABLISHED || vsk->sk_state == TCP_CLOSING)
		err = 0;
	else if (vsk->sk_err)
		err = vsk->sk_err == ECONNRESET ? -ECONNREFUSED : -vsk->sk_err;
	else if (vsk->sk_state == TCP_SYN_SENT &&
		 time_before(jiffies, tsi->deadline))
		err = -EINPROGRESS;
	else
		err = -ETIMEDOUT;
	release_sock(vsk);
	return err;
}

/* Nothing is delivered any more: writers shall know. */
static void tsi_vs_peer_gone(struct socket *vs)
{
	struct sock *vsk = vs->sk;

	lock_sock(vsk);
	WRITE_ONCE(vsock_sk(vsk)->peer_shutdown, SHUTDOWN_MASK);
	vsk->sk_state_change(vsk);
	release_sock(vsk);
}

/* What a linked stream does by time: end a held half-close, keep alive. */
static void tsi_linked_work(struct tsi_sock *tsi)
{
	const struct sock *sk = tsi->sock->sk;
	unsigned long delay = MAX_JIFFY_OFFSET, now = jiffies;

	lockdep_assert_held(&tsi->lock);
	if (tsi->held && time_after_eq(now, tsi->deadline)) {
		tsi->held = false;
		kernel_sock_shutdown(tsi->vs, SHUT_RDWR);
	}
	if (tsi_ending(tsi, tsi->vs->sk)) {
		WRITE_ONCE(tsi->ending, true);
		tsi->ended = now + msecs_to_jiffies(READ_ONCE(halfclose_ms));
	}
	if (tsi->ending) {
		if (time_before(now, tsi->ended))
			delay = tsi->ended - now;
		else
			tsi_vs_peer_gone(tsi->vs);
	}
	if (tsi->held)
		delay = min(delay, tsi->deadline - now);
	if (tsi->keepalive && sock_flag(sk, SOCK_KEEPOPEN)) {
		lock_sock(tsi->vs->sk);
		if (vsock_stream_probe(tsi->vs->sk) != -ENOTCONN)
			delay = min_t(unsigned long, delay,
				      keepalive_time_when(tcp_sk(sk)));
		release_sock(tsi->vs->sk);
	} else {
		WRITE_ONCE(tsi->keepalive, false);
	}
	if (delay != MAX_JIFFY_OFFSET)
		mod_delayed_work(system_unbound_wq, &tsi->work, delay);
}

/* Publishes vs, peer and local to readers that do not hold the lock. */
void tsi_link(struct tsi_sock *tsi)
{
	struct sock *sk = tsi->sock->sk;

	lockdep_assert_held(&tsi->lock);
	tsi_probe_add(tsi);
	tsi_vs_wakes(tsi, tsi->vs);
	tsi->sock->state = SS_CONNECTED;
	/* Pairs with tsi_linked(). */
	smp_store_release(&tsi->state, TSI_LINKED);
	sk->sk_state_change(sk);
	sk_wake_async(sk, SOCK_WAKE_IO, POLL_OUT);
	/* What came before could not queue the work. */
	tsi_linked_work(tsi);
}

/* As TCP leaves a socket whose connect has failed, until connect() is called. */
static void tsi_failed(struct tsi_sock *tsi, int err)
{
	struct sock *sk = tsi->sock->sk;

	lockdep_assert_held(&tsi->lock);
	tsi->failed = true;
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	WRITE_ONCE(sk->sk_err, err);
	sk_error_report(sk);
}

void tsi_forgive(struct tsi_sock *tsi)
{
	lockdep_assert_held(&tsi->lock);
	if (tsi->failed)
		WRITE_ONCE(tsi->sock->sk->sk_shutdown, 0);
	tsi->failed = false;
}

static void tsi_stream_work(struct work_struct *work)
{
	struct tsi_sock *tsi = container_of(to_delayed_work(work),
					    struct tsi_sock, work);
	unsigned long now = jiffies;
	int err = 0;

	mutex_lock(&tsi->lock);
	if (tsi->state == TSI_LINKED)
		tsi_linked_work(tsi);
	if (tsi->state == TSI_CALLING)
		err = tsi_call_answered(tsi);
	if (tsi->state == TSI_OPENING) {
		if (!err || err == -EINPROGRESS)
			err = tsi_call_opened(tsi);
		if (!err)
			tsi_link(tsi);
	}
	if (tsi_calling(tsi)) {
		if (err == -EINPROGRESS) {
			/* An event may already have queued us again: keep it. */
			queue_delayed_work(system_unbound_wq, &tsi->work,
					   time_before(now, tsi->deadline) ?
					   tsi->deadline - now : 1);
		} else {
			tsi_call_abort(tsi);
			tsi_failed(tsi, -err);
		}
	}
	mutex_unlock(&tsi->lock);
}

/*
 * Waits for a connect to end, as TCP does: 0 when it has ended, else what a
 * caller gets whose patience (or whose signal) came first.
 */
static int tsi_stream_wait(struct tsi_sock *tsi, long timeo, int err)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct sock *sk = tsi->sock->sk;

	add_wait_queue(sk_sleep(sk), &wait);
	while (tsi_calling(tsi) && timeo) {
		timeo = wait_woken(&wait, TASK_INTERRUPTIBLE, timeo);
		if (tsi_calling(tsi) && signal_pending(current)) {
			err = sock_intr_errno(timeo);
			break;
		}
	}
	remove_wait_queue(sk_sleep(sk), &wait);
	return tsi_calling(tsi) ? err : 0;
}

/* The outcome, for connect() */
static int tsi_stream_outcome(struct tsi_sock *tsi)
{
	int err = 0;

	mutex_lock(&tsi->lock);
	tsi_forgive(tsi);
	if (tsi->state == TSI_LINKED)
		tsi->announced = true;
	else
		err = sock_error(tsi->sock->sk) ?: -ECONNABORTED;
	mutex_unlock(&tsi->lock);
	return err;
}

/* Connects through the host and waits for it, whatever the caller's flags. */
int tsi_stream_call(struct tsi_sock *tsi, const union tsi_addr *addr,
		    int addr_len)
{
	int err;

	mutex_lock(&tsi->lock);
	err = tsi->state == TSI_NATIVE ? tsi_call_start(tsi, addr, addr_len) :
					 -EALREADY;
	mutex_unlock(&tsi->lock);
	if (!err)
		err = tsi_stream_wait(tsi, MAX_SCHEDULE_TIMEOUT, -EINPROGRESS);
	return err ?: tsi_stream_outcome(tsi);
}

/* connect(AF_UNSPEC) */
static void tsi_stream_disconnect(struct tsi_sock *tsi)
{
	lockdep_assert_held(&tsi->lock);
	if (tsi->state != TSI_LINKED) {
		tsi_call_abort(tsi);
	} else {
		WRITE_ONCE(tsi->state, TSI_NATIVE);
		tsi_probe_del(tsi);
		tsi_vs_retire(tsi);
		tsi_tell_release(tsi->port, tsi->host_port);
	}
	tsi->sock->state = SS_UNCONNECTED;
	tsi->sock->sk->sk_state_change(tsi->sock->sk);
}

/* May the host be tried after the guest itself has failed like this? */
static bool tsi_try_host(int err)
{
	switch (err) {
	case -ECONNREFUSED:
	case -ENETUNREACH:
	case -EHOSTUNREACH:
	case -EADDRNOTAVAIL:
	case -EACCES:
		return true;
	}
	return false;
}

/*
 * Connects to an address of the guest. Loopback answers within the call, or
 * nearly; what stays unanswered (a full backlog, a filter) is the guest's own.
 */
static int tsi_connect_local(struct tsi_sock *tsi, struct sockaddr *uaddr,
			     int len)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct socket *sock = tsi->sock;
	struct sock *sk = sock->sk;
	long timeo = TSI_LOOPBACK_TIMEOUT;
	int err;

	err = tsi->native->connect(sock, uaddr, len, O_NONBLOCK);
	if (err != -EINPROGRESS)
		return err;

	add_wait_queue(sk_sleep(sk), &wait);
	while (READ_ONCE(sk->sk_state) == TCP_SYN_SENT && timeo)
		timeo = wait_woken(&wait, TASK_UNINTERRUPTIBLE, timeo);
	remove_wait_queue(sk_sleep(sk), &wait);

	if (READ_ONCE(sk->sk_state) != TCP_CLOSE)
		return -EINPROGRESS;
	return tsi->native->connect(sock, uaddr, len, O_NONBLOCK);
}

/* Guest or host? Starts one of them; *ret_native asks for a native finish. */
static int tsi_connect_start(struct tsi_sock *tsi, struct sockaddr *uaddr,
			     int len, int flags, bool *ret_native)
{
	struct sock *sk = tsi->sock->sk;
	union tsi_addr addr;
	enum tsi_route route;
	int err = 0;

	lockdep_assert_held(&tsi->lock);
	*ret_native = true;
	if (READ_ONCE(sk->sk_state) != TCP_CLOSE || tsi->inet_only ||
	    tsi->sock->state != SS_UNCONNECTED ||
	    tsi_addr_parse(sk, uaddr, len, &addr) || tsi_addr_group(&addr))
		return 0;

	route = tsi_route(sk, &addr);
	if (route == TSI_ROUTE_INET)
		return 0;
	if (route == TSI_ROUTE_LOCAL) {
		err = tsi_connect_local(tsi, uaddr, len);
		if (err == -EINPROGRESS && !(flags & O_NONBLOCK))
			return 0;
		if (!tsi_try_host(err)) {
			*ret_native = false;
			return err;
		}
		*ret_native = false;
	}
	if (!tsi_host_ready())
		return err;

	*ret_native = false;
	if (tsi_addr_any(&addr))
		tsi_addr_loopback(&addr);
	return tsi_call_start(tsi, &addr, tsi_addr_len(&addr)) ?: -EINPROGRESS;
}

static int tsi_stream_connect(struct socket *sock, struct sockaddr *uaddr,
			      int len, int flags)
{
	struct tsi_sock *tsi = tsi_sk(sock);
	struct sock *sk = sock->sk;
	bool native = false;
	int err;

	if (len < (int)sizeof(uaddr->sa_family))
		return -EINVAL;

	mutex_lock(&tsi->lock);
	if (tsi->state == TSI_NATIVE) {
		/* The outcome of the last attempt, if nobody has heard it. */
		err = tsi->failed && uaddr->sa_family != AF_UNSPEC ?
		      sock_error(sk) : 0;
		tsi_forgive(tsi);
		if (!err)
			err = tsi_connect_start(tsi, uaddr, len, flags,
						&native);
	} else if (uaddr->sa_family == AF_UNSPEC) {
		tsi_stream_disconnect(tsi);
		err = 0;
	} else if (tsi->state == TSI_LINKED) {
		err = tsi->announced ? -EISCONN : 0;
		tsi->announced = true;
	} else {
		err = -EALREADY;
	}
	mutex_unlock(&tsi->lock);

	if (native)
		return tsi->native->connect(sock, uaddr, len, flags);
	if (err != -EINPROGRESS && err != -EALREADY)
		return err;
	/* In the guest, and non-blocking. */
	if (READ_ONCE(sk->sk_state) != TCP_CLOSE)
		return err;
	err = tsi_stream_wait(tsi, sock_sndtimeo(sk, flags & O_NONBLOCK), err);
	return err ?: tsi_stream_outcome(tsi);
}

/* --- Data ----------------------------------------------------------------- */

/* 0: linked. 1: native. Else what a caller gets who will not wait. */
static int tsi_stream_ready(struct tsi_sock *tsi, long timeo)
{
	if (likely(tsi_linked(tsi)))
		return 0;
	if (tsi_calling(tsi)) {
		int err = tsi_stream_wait(tsi, timeo, -EAGAIN);

		if (err)
			return err;
	}
	return tsi_linked(tsi) ? 0 : 1;
}

int tsi_stream_sendmsg(struct socket *sock, struct msghdr *msg,
		       size_t size)
{
	struct tsi_sock *tsi = tsi_sk(sock);
	struct sock *sk = sock->sk;
	struct socket *vs;
	int err;

	err = tsi_stream_ready(tsi, sock_sndtimeo(sk, msg->msg_flags &
						      MSG_DONTWAIT));
	if (err > 0) {
		/* A SYN with data cannot go by way of the host. */
		if ((msg->msg_flags & MSG_FASTOPEN) && msg->msg_name) {
			union tsi_addr addr;

			if (!tsi_addr_parse(sk, msg->msg_name,
					    msg->msg_namelen, &addr) &&
			    tsi_route(sk, &addr) == TSI_ROUTE_HOST &&
			    tsi_host_ready())
				return -EOPNOTSUPP;
		}
		return tsi->native->sendmsg(sock, msg, size);
	}
	if (err)
		return err;

	vs = READ_ONCE(tsi->vs);
	if (!vs)
		return -EPIPE;
	if (unlikely(msg->msg_flags & MSG_ZEROCOPY)) {
		/* Nobody would announce the completion. */
		if (sock_flag(sk, SOCK_ZEROCOPY))
			return -EOPNOTSUPP;
		msg->msg_flags &= ~MSG_ZEROCOPY;
	}
	msg->msg_name = NULL;
	msg->msg_namelen = 0;
	tsi_vs_sync(tsi, vs);
	err = READ_ONCE(vs->ops)->sendmsg(vs, msg, size);
	/* vsock takes memory that cannot be read for want of memory. */
	if (unlikely(err == -ENOMEM) &&
	    fault_in_iov_iter_readable(&msg->msg_iter, 1))
		err = -EFAULT;
	return err;
}

int tsi_stream_recvmsg(struct socket *sock, struct msghdr *msg,
		       size_t size, int flags)
{
	struct tsi_sock *tsi = tsi_sk(sock);
	struct sock *sk = sock->sk;
	struct socket *vs;
	int err;

	err = tsi_stream_ready(tsi, sock_rcvtimeo(sk, flags & MSG_DONTWAIT));
	if (err > 0)
		return tsi->native->recvmsg(sock, msg, size, flags);
	if (err)
		return err;

	vs = READ_ONCE(tsi->vs);
	if (!vs)
		return 0;
	/* To TCP this means: take the bytes, do not copy them. */
	if (unlikely(flags & MSG_TRUNC) && sk->sk_protocol == IPPROTO_TCP)
		iov_iter_discard(&msg->msg_iter, ITER_DEST, size);
	tsi_vs_sync(tsi, vs);
	return READ_ONCE(vs->ops)->recvmsg(vs, msg, size, flags);
}

ssize_t tsi_stream_splice_read(struct socket *sock, loff_t *ppos,
			       struct pipe_inode_info *pipe,
			       size_t len, unsigned int flags)
{
	struct tsi_sock *tsi = tsi_sk(sock);

	if (tsi->state != TSI_NATIVE || !tsi->native->splice_read)
		return copy_splice_read(sock->file, ppos, pipe, len, flags);
	return tsi->native->splice_read(sock, ppos, pipe, len, flags);
}

static void tsi_stream_splice_eof(struct socket *sock)
{
	struct tsi_sock *tsi = tsi_sk(sock);

	if (tsi->state == TSI_NATIVE && tsi->native->splice_eof)
		tsi->native->splice_eof(sock);
}

__poll_t tsi_stream_poll(struct file *file, struct socket *sock,
			 poll_table *wait)
{
	struct tsi_sock *tsi = tsi_sk(sock);
	struct socket *vs;
	__poll_t mask;

	/* Read once: a connection may complete between two looks. */
	switch (smp_load_acquire(&tsi->state)) {
	case TSI_LINKED:
		sock_poll_wait(file, sock, wait);
		vs = READ_ONCE(tsi->vs);
		if (!vs)
			return EPOLLHUP;
		tsi_vs_sync(tsi, vs);
		mask = READ_ONCE(vs->ops)->poll(file, vs, NULL);
		if (READ_ONCE(sock->sk->sk_err))
			mask |= EPOLLERR;
		return mask;
	case TSI_CALLING:
	case TSI_OPENING:
		sock_poll_wait(file, sock, wait);
		/* Or has it just ended? */
		return tsi_calling(tsi) ? 0 : tsi_stream_poll(file, sock, NULL);
	case TSI_NATIVE:
		break;
	}
	mask = tsi->native->poll(file, sock, wait);
	if (tsi_accept_ready(tsi))
		mask |= EPOLLIN | EPOLLRDNORM;
	return mask;
}

/*
 * Hosts of the supermachine family take any SHUTDOWN for the end of both
 * directions: SHUT_WR is kept back while the answer may still come. SHUT_RD
 * means nothing to a TCP peer, and is told to no host.
 */
static int tsi_linked_shutdown(struct tsi_sock *tsi, int how)
{
	struct socket *vs = tsi->vs;
	unsigned int hold = READ_ONCE(halfclose_ms);
	u32 gone = READ_ONCE(vsock_sk(vs->sk)->peer_shutdown);
	bool halves = tsi_host_in_order();
	bool done = (vs->sk->sk_shutdown & RCV_SHUTDOWN) ||
		    (!halves && (gone & SEND_SHUTDOWN));

	lockdep_assert_held(&tsi->lock);
	if (how == SHUT_RD && !(vs->sk->sk_shutdown & SEND_SHUTDOWN)) {
		tsi_vs_mark_shutdown(vs, RCV_SHUTDOWN);
		return 0;
	}
	if (how == SHUT_WR && !done && hold && !halves) {
		if (!tsi->held && !(vs->sk->sk_shutdown & SEND_SHUTDOWN)) {
			tsi->held = true;
			tsi->deadline = jiffies + msecs_to_jiffies(hold);
			mod_delayed_work(system_unbound_wq, &tsi->work,
					 msecs_to_jiffies(hold));
		}
		tsi_vs_mark_shutdown(vs, SEND_SHUTDOWN);
		return 0;
	}
	if (how != SHUT_WR || done)
		how = SHUT_RDWR;
	tsi->held = false;
	return kernel_sock_shutdown(vs, how);
}

int tsi_stream_shutdown(struct socket *sock, int how)
{
	struct tsi_sock *tsi = tsi_sk(sock);
	int err;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;

	mutex_lock(&tsi->lock);
	if (tsi->state == TSI_LINKED) {
		err = tsi_linked_shutdown(tsi, how);
	} else if (tsi_calling(tsi)) {
		/* As TCP in SYN_SENT: the attempt is over. */
		tsi_stream_disconnect(tsi);
		err = 0;
	} else {
		err = tsi->native->shutdown(sock, how);
		if (!tsi_listening(sock->sk))
			tsi_unlisten_host(tsi);
	}
	mutex_unlock(&tsi->lock);
	return err;
}

int tsi_stream_bind(struct socket *sock, struct sockaddr *addr, int len)
{
	struct tsi_sock *tsi = tsi_sk(sock);
	int err = -EINVAL;

	mutex_lock(&tsi->lock);
	if (tsi->state == TSI_NATIVE)
		err = tsi->native->bind(sock, addr, len);
	mutex_unlock(&tsi->lock);
	return err;
}

int tsi_stream_ioctl(struct socket *sock, unsigned int cmd,
		     unsigned long arg)
{
	struct tsi_sock *tsi = tsi_sk(sock);
	struct socket *vs = READ_ONCE(tsi->vs);

	if (tsi_linked(tsi) && vs) {
		switch (cmd) {
		case SIOCINQ:
		case SIOCOUTQ:
			return READ_ONCE(vs->ops)->ioctl(vs, cmd, arg);
		case SIOCATMARK:
			return put_user(0, (int __user *)arg);
		}
	}
	return tsi->native->ioctl(sock, cmd, arg);
}

int tsi_stream_release(struct socket *sock)
{
	struct tsi_sock *tsi = tsi_sk(sock);
	const struct proto_ops *native = tsi_native_ops(sock);

	if (tsi)
		tsi_stream_destroy(tsi);
	return native->release(sock);
}

/* --- Life ----------------------------------------------------------------- */

void tsi_stream_init(struct tsi_sock *tsi)
{
	INIT_LIST_HEAD(&tsi->linked);
	INIT_DELAYED_WORK(&tsi->work, tsi_stream_work);
}

/* Nobody else has @tsi any more, except the work item and callbacks. */
void tsi_stream_destroy(struct tsi_sock *tsi)
{
	struct sock *sk = tsi->sock->sk;
	struct socket *vs;
	bool proxy;

	/* No event can queue the work any more when the lock is dropped. */
	mutex_lock(&tsi->lock);
	tsi_probe_del(tsi);
	tsi_unlisten_host(tsi);
	tsi_call_end(tsi);
	proxy = tsi->state != TSI_NATIVE;
	WRITE_ONCE(tsi->state, TSI_NATIVE);
	vs = tsi->vs;
	tsi->vs = NULL;
	if (vs)
		tsi_vs_detach(vs);
	mutex_unlock(&tsi->lock);
	cancel_delayed_work_sync(&tsi->work);

	if (vs) {
		/* The stream's SHUTDOWN goes first: one queue for both. */
		tsi_vs_release(vs, sk);
		if (proxy)
			tsi_tell_release(tsi->port, tsi->host_port);
	}
	while ((vs = tsi->old)) {
		tsi->old = SOCK_INODE(vs)->i_private;
		tsi_vs_detach(vs);
		sock_release(vs);
	}
	SOCK_INODE(tsi->sock)->i_private = NULL;
	kfree(tsi->local);
	kfree(tsi);
}

#define TSI_STREAM_OPS(_family)				\
{								\
	.family		= _family,				\
	.owner		= THIS_MODULE,				\
	.release	= tsi_stream_release,			\
	.bind		= tsi_stream_bind,			\
	.connect	= tsi_stream_connect,			\
	.socketpair	= sock_no_socketpair,			\
	.accept		= tsi_stream_accept,			\
	.getname	= tsi_getname,				\
	.poll		= tsi_stream_poll,			\
	.ioctl		= tsi_stream_ioctl,			\
	TSI_COMPAT_IOCTL					\
	.gettstamp	= sock_gettstamp,			\
	.listen		= tsi_stream_listen,			\
	.shutdown	= tsi_stream_shutdown,			\
	.setsockopt	= tsi_setsockopt,			\
	.getsockopt	= tsi_getsockopt,			\
	.sendmsg	= tsi_stream_sendmsg,			\
	.recvmsg	= tsi_stream_recvmsg,			\
	.mmap		= tcp_mmap,				\
	.splice_eof	= tsi_stream_splice_eof,		\
	.splice_read	= tsi_stream_splice_read,		\
	.set_peek_off	= sk_set_peek_off,			\
	.read_sock	= tcp_read_sock,			\
	.read_skb	= tcp_read_skb,				\
	.sendmsg_locked	= tcp_sendmsg_locked,			\
	.peek_len	= tcp_peek_len,				\
	.set_rcvlowat	= tcp_set_rcvlowat,			\
}

const struct proto_ops tsi_stream_ops = TSI_STREAM_OPS(PF_INET);
const struct proto_ops tsi_stream6_ops = TSI_STREAM_OPS(PF_INET6);
