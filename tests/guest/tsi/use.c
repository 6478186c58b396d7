// SPDX-License-Identifier: Apache-2.0
/* The many ways in which programs handle their sockets: all as on a stock kernel. */
#include <linux/io_uring.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "test.h"

static int connect_to(int fd, const char *ip, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t length = address(&to, ip, port);

	return connect(fd, (struct sockaddr *)&to, length) ? errno : 0;
}

static int bind_to(int fd, const char *ip, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t length = address(&to, ip, port);

	return bind(fd, (struct sockaddr *)&to, length) ? errno : 0;
}

static bool echoes(int fd, const char *text)
{
	return send_all(fd, text, strlen(text)) && text_is(fd, text);
}

static void shared(void)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = {0};
	char byte = 'x';
	struct iovec part = {&byte, 1};
	struct msghdr msg = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.space),
	};
	int fd = tcp(HOST, ECHO), twin = dup(fd), pair[2], passed = -1;
	pid_t pid;
	int status;

	close(fd);
	ok(echoes(twin, "dup"), "a duplicate outlives the original");
	pid = fork();
	if (!pid)
		_exit(!echoes(twin, "child"));
	waitpid(pid, &status, 0);
	ok(!status && echoes(twin, "parent"), "a child and its parent use it in turn");
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &twin, sizeof(twin));
	sendmsg(pair[0], &msg, 0);
	close(twin);
	if (recvmsg(pair[1], &msg, 0) == 1 && msg.msg_controllen)
		memcpy(&passed, CMSG_DATA(&control.header), sizeof(passed));
	ok(passed >= 0 && echoes(passed, "passed"), "it can be passed on");
	close(passed);
}

static void again(void)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	int fd = tcp(HOST, ECHO);

	ok(echoes(fd, "one"), "connected");
	ok_errno(!connect(fd, &none, sizeof(none)), "connect to AF_UNSPEC");
	ok(send(fd, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "no peer any more (%d)",
		errno);
	ok(getpeername(fd, &none, &(socklen_t){sizeof(none)}) < 0 && errno == ENOTCONN,
		"nor its name");
	ok(!connect_to(fd, HOST, ECHO) && echoes(fd, "two"), "connect again");
	close(fd);
}

static void bound(void)
{
	struct sockaddr_in name;
	socklen_t length = 4;
	uint16_t port;
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0), other;

	ok(!bind_to(fd, "0.0.0.0", 0) && local_port(fd), "bind before connect");
	port = local_port(fd);
	ok(!connect_to(fd, HOST, ECHO) && local_port(fd) == port, "keeps its port");
	memset(&name, 0x55, sizeof(name));
	ok(!getsockname(fd, (struct sockaddr *)&name, &length) &&
			length == sizeof(name) && name.sin_family == AF_INET &&
			name.sin_addr.s_addr == 0x55555555,
		"a short buffer for a name");
	length = 4;
	ok(!getpeername(fd, (struct sockaddr *)&name, &length) &&
			length == sizeof(name) && name.sin_addr.s_addr == 0x55555555,
		"and for the peer's");
	ok(bind_to(fd, "0.0.0.0", 0) == EINVAL, "no second bind");
	other = socket(AF_INET, SOCK_STREAM, 0);
	ok(bind_to(other, "0.0.0.0", port) == EADDRINUSE, "the port is taken");
	close(fd);
	close(other);

	fd = listener(AF_INET, 8, &port);
	other = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	ok(bind_to(other, "0.0.0.0", port) == EADDRINUSE, "also with SO_REUSEADDR");
	close(other);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	other = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	setsockopt(other, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	ok(!bind_to(fd, "0.0.0.0", 0) && !bind_to(other, "0.0.0.0", local_port(fd)) &&
			!listen(fd, 8) && !listen(other, 8),
		"SO_REUSEPORT");
	port = local_port(fd);
	one = host_enters(port);
	ok(one >= 0 && (wait_for(fd, POLLIN, 2000) || wait_for(other, POLLIN, 2000)),
		"one of two listeners gets the connection");
	close(one);
	close(fd);
	close(other);
	ok(listen(tcp(HOST, ECHO), 1) < 0 && errno == EINVAL, "a client cannot listen");
	fd = listener(AF_INET, 8, &port);
	ok(!listen(fd, 16), "listen again");
	ok(connect_to(fd, HOST, ECHO) == EISCONN, "a listener cannot connect");
	close(fd);
}

static void ended(void)
{
	struct linger abort = {1, 0};
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);
	unsigned long before;
	char byte;
	int fd = tcp(HOST, BRIEF);

	ok(text_is(fd, "bye\n") && recv(fd, &byte, 1, 0) == 0 &&
			recv(fd, &byte, 1, 0) == 0,
		"the end, twice");
	ok(!getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) &&
			info.tcpi_state != TCP_ESTABLISHED,
		"TCP_INFO knows (%d)", info.tcpi_state);
	ok(wait_for(fd, POLLIN | POLLRDHUP, 0) == (POLLIN | POLLRDHUP) ||
			wait_for(fd, POLLIN | POLLRDHUP, 0) & POLLHUP,
		"poll knows");
	ok(!shutdown(fd, SHUT_RDWR) || errno == ENOTCONN, "shutdown");
	ok(wait_for(fd, POLLIN, 0) & POLLHUP, "hang-up after both ends");
	ok(send(fd, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "EPIPE");
	close(fd);
	fd = tcp(HOST, ECHO);
	ok(!shutdown(fd, SHUT_RD) && recv(fd, &byte, 1, 0) == 0, "SHUT_RD ends reading");
	ok(send(fd, "x", 1, MSG_NOSIGNAL) == 1, "but not sending");
	close(fd);
	fd = tcp(HOST, ECHO);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
	before = host_count("tx_packets");
	ok(!close(fd) && host_count("tx_packets") > before, "SO_LINGER 0 closes at once");
	abort.l_linger = 2;
	fd = tcp(HOST, SINK);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
	send_all(fd, "10\n", 3);
	ok(!close(fd), "SO_LINGER");
	fd = tcp(HOST, SINK);
	send_all(fd, "3\nabc", 5);
	ok(recv(fd, &byte, 1, MSG_WAITALL) == 1, "an answer");
	close(fd);
}

static void broken_pipe(void)
{
	int status, fd = tcp(HOST, ECHO);
	pid_t pid;

	shutdown(fd, SHUT_WR);
	pid = fork();
	if (!pid) {
		signal(SIGPIPE, SIG_DFL);
		send(fd, "x", 1, 0);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE, "SIGPIPE");
	close(fd);
}

static void vectors(void)
{
	char a[4] = "", b[4] = "";
	struct iovec out[2] = {{"abc", 3}, {"def", 3}}, in[2] = {{a, 3}, {b, 3}};
	struct mmsghdr many[2] = {
		{.msg_hdr = {.msg_iov = &out[0], .msg_iovlen = 1}},
		{.msg_hdr = {.msg_iov = &out[1], .msg_iovlen = 1}},
	};
	fd_set read_set, write_set, except_set;
	struct timeval second = {2, 0};
	int fd = tcp(HOST, ECHO);

	ok(writev(fd, out, 2) == 6 && wait_for(fd, POLLIN, 2000), "writev");
	pause_ms(50);
	ok(readv(fd, in, 2) == 6 && !strcmp(a, "abc") && !strcmp(b, "def"), "readv");
	ok(sendmmsg(fd, many, 2, 0) == 2 && text_is(fd, "abcdef"), "sendmmsg");
	send_all(fd, "xyz", 3);
	FD_ZERO(&read_set);
	FD_SET(fd, &read_set);
	write_set = except_set = read_set;
	wait_for(fd, POLLIN, 2000);
	ok(select(fd + 1, &read_set, &write_set, &except_set, &second) == 2 &&
			FD_ISSET(fd, &read_set) && !FD_ISSET(fd, &except_set),
		"select");
	many[0].msg_hdr.msg_iov = &in[0];
	many[1].msg_hdr.msg_iov = &in[1];
	in[0].iov_len = 1;
	in[1].iov_len = 2;
	ok(recvmmsg(fd, many, 2, 0, NULL) == 2 && *a == 'x' && !memcmp(b, "yz", 2),
		"recvmmsg");
	ok(recv(fd, a, 0, 0) == 0 && send(fd, "", 0, 0) == 0, "nothing at all");
	ok(recv(fd, a, 1, MSG_ERRQUEUE) < 0 && errno == EAGAIN, "an empty error queue");
	ok(send(fd, "ab", 2, MSG_MORE) == 2 && send(fd, "c", 1, 0) == 1 &&
			text_is(fd, "abc"),
		"MSG_MORE");
	ok(send(fd, "ab", 2, MSG_DONTROUTE | MSG_CONFIRM | MSG_EOR) == 2 &&
			text_is(fd, "ab"),
		"flags that mean nothing");
	ok(send(fd, (void *)8, 3, 0) < 0 && errno == EFAULT, "EFAULT");
	close(fd);
}

static void zerocopy(void)
{
	int one = 1, fd = tcp(HOST, ECHO);

	ok(send(fd, "abc", 3, MSG_ZEROCOPY) == 3 && text_is(fd, "abc"),
		"MSG_ZEROCOPY without the option");
	setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one));
	if (send(fd, "abc", 3, MSG_ZEROCOPY) == 3)
		ok(wait_for(fd, POLLERR, 2000) & POLLERR, "MSG_ZEROCOPY is announced");
	else
		ok(errno == EOPNOTSUPP, "MSG_ZEROCOPY is refused (%d)", errno);
	ok(echoes(fd, "def"), "and the stream goes on");
	close(fd);
}

static void queues(void)
{
	int value = -1, fd = tcp(HOST, ECHO);
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	send_all(fd, "abcdef", 6);
	wait_for(fd, POLLIN, 2000);
	pause_ms(50);
	ok(!ioctl(fd, FIONREAD, &value) && value == 6, "FIONREAD (%d)", value);
	text_is(fd, "abc");
	ok(!ioctl(fd, FIONREAD, &value) && value == 3, "after a read (%d)", value);
	text_is(fd, "def");
	for (unsigned int i = 0; i < 50 && value; i++) {
		ioctl(fd, TIOCOUTQ, &value);
		pause_ms(10);
	}
	ok(!value, "SIOCOUTQ ends at 0 (%d)", value);
	value = 4;
	setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value));
	send_all(fd, "ab", 2);
	ok(!wait_for(fd, POLLIN, 200), "SO_RCVLOWAT: not yet");
	send_all(fd, "cd", 2);
	ok(wait_for(fd, POLLIN, 2000) == POLLIN, "now");
	value = 1;
	setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value));
	ok(text_is(fd, "abcd"), "the bytes");
	ok(!getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) && cookie,
		"SO_COOKIE");
	ok(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cookie, &length) == 0, "SO_PEERCRED");
	value = 1;
	ok(!ioctl(fd, FIONBIO, &value) && recv(fd, &value, 1, 0) < 0 && errno == EAGAIN,
		"FIONBIO");
	close(fd);
}

static void odd_addresses(void)
{
	int one = 1, fd = socket(AF_INET6, SOCK_STREAM, 0), pair[2], error;

	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	error = connect_to(fd, MAPPED, ECHO);
	ok(error == ENETUNREACH || error == EAFNOSUPPORT,
		"v4-mapped with IPV6_V6ONLY (%d)", error);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	error = connect_to(fd, "224.0.0.1", 80);
	ok(error == ENETUNREACH || error == EINVAL, "a stream to a group (%d)", error);
	error = connect_to(fd, "255.255.255.255", 80);
	ok(error == ENETUNREACH || error == EACCES, "to everybody (%d)", error);
	close(fd);
	ok(socketpair(AF_INET, SOCK_STREAM, 0, pair) < 0 && errno == EOPNOTSUPP,
		"no socketpair (%d)", errno);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	error = connect_to(fd, "255.255.255.255", 80);
	ok(error == EACCES, "datagrams to everybody want SO_BROADCAST (%d)", error);
	ok(sendto(fd, "x", 1, 0,
		   (struct sockaddr *)&(struct sockaddr_in){.sin_family = AF_INET,
			   .sin_port = htons(9),
			   .sin_addr.s_addr = INADDR_BROADCAST},
		   sizeof(struct sockaddr_in)) < 0 &&
			errno == EACCES,
		"and each of them (%d)", errno);
	ok(listen(fd, 1) < 0 && errno == EOPNOTSUPP, "datagrams cannot listen");
	ok(accept(fd, NULL, NULL) < 0 && errno == EOPNOTSUPP, "nor accept");
	close(fd);
	ok(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP) < 0 && errno == EPROTONOSUPPORT,
		"protocols that do not fit");
}

static void datagrams(void)
{
	struct sockaddr_in name;
	socklen_t length = sizeof(name);
	char a[8] = "", b[8] = "";
	struct iovec part[2] = {{a, 8}, {b, 8}};
	struct mmsghdr many[2] = {
		{.msg_hdr = {.msg_iov = &part[0], .msg_iovlen = 1}},
		{.msg_hdr = {.msg_iov = &part[1], .msg_iovlen = 1}},
	};
	int value = 1, fd = udp(HOST, ECHO);

	ok(!getsockname(fd, (struct sockaddr *)&name, &length) && name.sin_port &&
			name.sin_addr.s_addr,
		"a connected one has a name");
	setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &value, sizeof(value));
	setsockopt(fd, IPPROTO_IP, IP_RECVERR, &value, sizeof(value));
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &value, sizeof(value));
	send(fd, "one", 3, 0);
	send(fd, "four", 4, 0);
	wait_for(fd, POLLIN, 2000);
	pause_ms(100);
	ok(!ioctl(fd, FIONREAD, &value) && value == 3, "FIONREAD is the first (%d)",
		value);
	ok(recv(fd, a, 8, MSG_PEEK) == 3, "MSG_PEEK");
	ok(recvmmsg(fd, many, 2, 0, NULL) == 2 && many[0].msg_len == 3 &&
			many[1].msg_len == 4 && !memcmp(b, "four", 4),
		"recvmmsg");
	ok(recv(fd, a, 8, MSG_ERRQUEUE) < 0 && errno == EAGAIN, "an empty error queue");
	ok(!wait_for(fd, POLLIN | POLLERR, 0), "no event");
	ok(!connect_to(fd, HOST_TOO, ECHO), "another peer");
	send(fd, "two", 3, 0);
	length = sizeof(name);
	ok(wait_for(fd, POLLIN, 2000) &&
			recvfrom(fd, a, 8, 0, (struct sockaddr *)&name, &length) == 3 &&
			name.sin_addr.s_addr == inet_addr(HOST_TOO),
		"answers");
	ok(!shutdown(fd, SHUT_RD) && wait_for(fd, POLLIN | POLLRDHUP, 0) & POLLIN,
		"shutdown");
	ok(!shutdown(fd, SHUT_WR) && send(fd, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE,
		"EPIPE after SHUT_WR (%d)", errno);
	close(fd);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ok(!bind_to(fd, "127.0.0.1", 0) && !connect_to(fd, HOST, ECHO) &&
			send(fd, "abc", 3, 0) == 3 && wait_for(fd, POLLIN, 2000),
		"bound to loopback");
	ok(sendto(fd, "x", 1, 0, (struct sockaddr *)&name, 4) < 0 && errno == EINVAL,
		"a short address");
	ok(recv(fd, (void *)8, 3, 0) < 0 && errno == EFAULT, "EFAULT");
	close(fd);
}

/* io_uring, with one request at a time. */
static struct {
	int fd;
	unsigned char *sq, *cq;
	struct io_uring_sqe *entries;
	struct io_uring_params params;
} ring;

static int ring_open(void)
{
	ring.fd = (int)syscall(SYS_io_uring_setup, 4, &ring.params);
	if (ring.fd < 0)
		return -1;
	ring.sq = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd,
		IORING_OFF_SQ_RING);
	ring.cq = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd,
		IORING_OFF_CQ_RING);
	ring.entries = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQES);
	return 0;
}

static int ring_do(struct io_uring_sqe request, unsigned int completions)
{
	unsigned int *tail = (unsigned int *)(ring.sq + ring.params.sq_off.tail);
	unsigned int *head = (unsigned int *)(ring.cq + ring.params.cq_off.head);
	unsigned int *array = (unsigned int *)(ring.sq + ring.params.sq_off.array);
	unsigned int mask = *(unsigned int *)(ring.cq + ring.params.cq_off.ring_mask);
	struct io_uring_cqe *done =
		(struct io_uring_cqe *)(ring.cq + ring.params.cq_off.cqes);
	int result;

	ring.entries[0] = request;
	array[*tail & *(unsigned int *)(ring.sq + ring.params.sq_off.ring_mask)] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring.fd, 1, completions, IORING_ENTER_GETEVENTS,
		    NULL, 0) != 1)
		return -EIO;
	result = done[*head & mask].res;
	__atomic_store_n(head, *head + completions, __ATOMIC_RELEASE);
	return result;
}

static void uring(void)
{
	struct sockaddr_storage to;
	socklen_t length = address(&to, HOST, ECHO);
	int fd = socket(AF_INET, SOCK_STREAM, 0), server, client, result;
	char text[8] = "";
	unsigned int i;
	uint16_t port;

	if (ring_open()) {
		skip("no io_uring (%d)", errno);
		return;
	}
	for (i = 0, result = 0; i < 50 && !result; i++) {
		close(fd);
		fd = socket(AF_INET, SOCK_STREAM, 0);
		result = ring_do((struct io_uring_sqe){.opcode = IORING_OP_CONNECT,
					 .fd = fd,
					 .addr = (uintptr_t)&to,
					 .off = length},
			1);
	}
	ok(!result, "connect, fifty times (%d, %u)", result, i);
	result = ring_do((struct io_uring_sqe){.opcode = IORING_OP_SEND,
				 .fd = fd,
				 .addr = (uintptr_t) "ring",
				 .len = 4},
		1);
	ok(result == 4, "send (%d)", result);
	result = ring_do((struct io_uring_sqe){.opcode = IORING_OP_RECV,
				 .fd = fd,
				 .addr = (uintptr_t)text,
				 .len = 4,
				 .msg_flags = MSG_WAITALL},
		1);
	ok(result == 4 && !strcmp(text, "ring"), "recv (%d)", result);
	result = ring_do((struct io_uring_sqe){.opcode = IORING_OP_SEND_ZC,
				 .fd = fd,
				 .addr = (uintptr_t) "zero",
				 .len = 4},
		2);
	ok(result == 4 && text_is(fd, "zero"), "send without copying (%d)", result);
	send_all(fd, "poll", 4);
	result = ring_do(
		(struct io_uring_sqe){
			.opcode = IORING_OP_POLL_ADD, .fd = fd, .poll32_events = POLLIN},
		1);
	ok(result & POLLIN && text_is(fd, "poll"), "poll (%d)", result);
	server = listener(AF_INET, 8, &port);
	client = host_enters(port);
	result = ring_do(
		(struct io_uring_sqe){.opcode = IORING_OP_ACCEPT, .fd = server}, 1);
	ok(result >= 0 && send_all(client, "in", 2) && text_is(result, "in"),
		"accept (%d)", result);
	close(result);
	close(client);
	close(server);
	result = ring_do(
		(struct io_uring_sqe){
			.opcode = IORING_OP_SHUTDOWN, .fd = fd, .len = SHUT_RDWR},
		1);
	ok(!result, "shutdown (%d)", result);
	close(fd);
	/* An accept that has to wait. */
	server = listener(AF_INET, 8, &port);
	if (!fork()) {
		pause_ms(200);
		client = host_enters(port);
		_exit(!text_is(client, "late"));
	}
	result = ring_do(
		(struct io_uring_sqe){.opcode = IORING_OP_ACCEPT, .fd = server}, 1);
	ok(result >= 0 && send_all(result, "late", 4), "accept later (%d)", result);
	wait(&result);
	ok(!result, "and it is the client");
	close(ring.fd);
}

const struct test use_tests[] = {
	{"2 dup, fork and pass", shared, 0},
	{"2 connect again", again, 0},
	{"3 bind", bound, 0},
	{"1 ends", ended, 0},
	{"1 SIGPIPE", broken_pipe, 0},
	{"9 vectors", vectors, 0},
	{"9 zero copy", zerocopy, 0},
	{"9 queues", queues, 0},
	{"2 odd addresses", odd_addresses, 0},
	{"5 datagrams", datagrams, 0},
	{"9 io_uring", uring, 0},
	{NULL, NULL, 0},
};
