// SPDX-License-Identifier: Apache-2.0
/* Options are read back as set, tell what the socket claims to be, and hurt nobody. */
#include "test.h"

#define TCP_ULP_NAME 31

static int get(int fd, int level, int name)
{
	socklen_t length = sizeof(int);
	int value = -1;

	return getsockopt(fd, level, name, &value, &length) ? -errno : value;
}

static void symmetry(int fd, const char *what)
{
	static const struct {
		const char *name;
		int level, option, value;
	} options[] = {
		{"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 1},
		{"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 77},
		{"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 5000},
		{"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1},
		{"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1},
		{"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 1},
		{"SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE, 1},
		{"SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, 3},
		{"SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 1},
		{"IP_TOS", IPPROTO_IP, IP_TOS, 0x10},
		{"IP_TTL", IPPROTO_IP, IP_TTL, 33},
	};
	struct linger linger = {1, 5}, got = {0};
	socklen_t length = sizeof(got);
	unsigned int wrong = 0;
	int size = 100000;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (setsockopt(fd, options[i].level, options[i].option, &options[i].value,
			    sizeof(int)) ||
			get(fd, options[i].level, options[i].option) !=
				options[i].value) {
			printf("# %s: %s\n", what, options[i].name);
			wrong++;
		}
	ok(!wrong, "%s: options are read back as set", what);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	ok(get(fd, SOL_SOCKET, SO_RCVBUF) == 2 * size, "%s: SO_RCVBUF", what);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	ok(!getsockopt(fd, SOL_SOCKET, SO_LINGER, &got, &length) && got.l_linger == 5,
		"%s: SO_LINGER", what);
	linger.l_onoff = 0;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void identity(int fd, int domain, int type, const char *what)
{
	ok(get(fd, SOL_SOCKET, SO_DOMAIN) == domain, "%s: SO_DOMAIN", what);
	ok(get(fd, SOL_SOCKET, SO_TYPE) == type, "%s: SO_TYPE", what);
	ok(get(fd, SOL_SOCKET, SO_PROTOCOL) ==
			(type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP),
		"%s: SO_PROTOCOL", what);
	ok(get(fd, SOL_SOCKET, SO_ACCEPTCONN) == 0, "%s: SO_ACCEPTCONN", what);
}

/* Whatever a level and name answer, it fits, and the guest survives. */
static void sweep(int fd, const char *what)
{
	static const int levels[] = {
		SOL_SOCKET,
		IPPROTO_IP,
		IPPROTO_IPV6,
		IPPROTO_TCP,
		IPPROTO_UDP,
		IPPROTO_RAW,
		AF_VSOCK,
		282,
		287,
	};
	unsigned int overrun = 0;
	uint8_t value[256];

	for (size_t l = 0; l < sizeof(levels) / sizeof(levels[0]); l++)
		for (int name = 0; name < 128; name++) {
			for (socklen_t room = 4; room <= 128; room *= 2) {
				socklen_t length = room;

				memset(value, 0xa5, sizeof(value));
				getsockopt(fd, levels[l], name, value, &length);
				for (size_t i = room; i < sizeof(value); i++)
					overrun += value[i] != 0xa5;
			}
			memset(value, 0, sizeof(value));
			if (levels[l] != SOL_SOCKET)
				setsockopt(fd, levels[l], name, value, 4);
		}
	ok(!overrun, "%s: every level and name", what);
}

static void fresh(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	identity(fd, AF_INET, SOCK_STREAM, "fresh stream");
	symmetry(fd, "fresh stream");
	sweep(fd, "fresh stream");
	close(fd);
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	identity(fd, AF_INET6, SOCK_DGRAM, "fresh IPv6 datagram");
	sweep(fd, "fresh IPv6 datagram");
	close(fd);
}

static void stream(void)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);
	int fd = tcp(HOST, ECHO);

	identity(fd, AF_INET, SOCK_STREAM, "host stream");
	symmetry(fd, "host stream");
	ok_errno(!getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) &&
			 info.tcpi_state == TCP_ESTABLISHED,
		"TCP_INFO: established (%d)", info.tcpi_state);
	ok(setsockopt(fd, IPPROTO_TCP, TCP_ULP_NAME, "tls", 3) < 0 &&
			errno == ENOPROTOOPT,
		"TLS offload is refused (%d)", errno);
	ok(get(fd, SOL_SOCKET, SO_ERROR) == 0, "SO_ERROR");
	ok(get(fd, AF_VSOCK, 0) == -ENOPROTOOPT, "no vsock options");
	sweep(fd, "host stream");
	close(fd);
}

static void datagram(void)
{
	int fd = udp(HOST, ECHO);

	identity(fd, AF_INET, SOCK_DGRAM, "host datagram");
	sweep(fd, "host datagram");
	close(fd);
}

static void listening(void)
{
	static const struct {
		int level, option, value;
	} inherited[] = {
		{SOL_SOCKET, SO_KEEPALIVE, 1}, {SOL_SOCKET, SO_REUSEADDR, 1},
		{SOL_SOCKET, SO_OOBINLINE, 1}, {IPPROTO_TCP, TCP_NODELAY, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, 99}, {IPPROTO_TCP, TCP_KEEPINTVL, 9},
		{IPPROTO_TCP, TCP_KEEPCNT, 4}, {IPPROTO_TCP, TCP_USER_TIMEOUT, 7000},
		{IPPROTO_IP, IP_TOS, 0x10}, {IPPROTO_IP, IP_TTL, 44},
		{SOL_SOCKET, SO_PRIORITY, 2}, /* which IP_TOS sets, too */
	};
	uint16_t port;
	int fd, client, server = listener(AF_INET, 8, &port);

	ok(get(server, SOL_SOCKET, SO_ACCEPTCONN) == 1, "SO_ACCEPTCONN of a listener");
	for (size_t i = 0; i < sizeof(inherited) / sizeof(inherited[0]); i++)
		setsockopt(server, inherited[i].level, inherited[i].option,
			&inherited[i].value, sizeof(int));
	client = host_enters(port);
	fd = accept(server, NULL, NULL);
	for (size_t i = 0; i < sizeof(inherited) / sizeof(inherited[0]); i++)
		ok(get(fd, inherited[i].level, inherited[i].option) == inherited[i].value,
			"an accepted socket inherits option %d.%d", inherited[i].level,
			inherited[i].option);
	identity(fd, AF_INET, SOCK_STREAM, "accepted");
	symmetry(fd, "accepted");
	sweep(fd, "accepted");
	sweep(server, "listener");
	close(fd);
	close(client);
	close(server);
}

const struct test option_tests[] = {
	{"8 fresh sockets", fresh, 0},
	{"8 stream", stream, 0},
	{"8 datagram", datagram, 0},
	{"8 listener", listening, 0},
	{NULL, NULL, 0},
};
