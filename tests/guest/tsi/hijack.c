// SPDX-License-Identifier: Apache-2.0
/* What is taken over and what is not, and a guest without a host. */
#include <sched.h>
#include <sys/klog.h>

#include "test.h"

static bool file_has(const char *path, const char *text)
{
	FILE *file = fopen(path, "r");
	char bytes[65536];
	size_t size = file ? fread(bytes, 1, sizeof(bytes), file) : 0;
	bool found = memmem(bytes, size, text, strlen(text));

	if (file)
		fclose(file);
	return found;
}

static bool klog_has(const char *text)
{
	static char log[1 << 20];
	int size = klogctl(3, log, sizeof(log)); /* SYSLOG_ACTION_READ_ALL */

	return size <= 0 || memmem(log, (size_t)size, text, strlen(text));
}

static void natives(void)
{
	static const struct {
		const char *name;
		int domain, type, protocol;
	} native[] = {
		{"ping", AF_INET, SOCK_DGRAM, IPPROTO_ICMP},
		{"raw", AF_INET, SOCK_RAW, IPPROTO_ICMP},
		{"unix", AF_UNIX, SOCK_STREAM, 0},
		{"netlink", AF_NETLINK, SOCK_RAW, 0},
		{"packet", AF_PACKET, SOCK_RAW, 0},
		{"MPTCP", AF_INET, SOCK_STREAM, 262},
		{"UDP-Lite", AF_INET, SOCK_DGRAM, 136},
	};
	unsigned long before = host_count("creates");
	struct sockaddr_storage to;
	socklen_t length = address(&to, HOST, ECHO);
	int pair[2];

	for (size_t i = 0; i < sizeof(native) / sizeof(native[0]); i++) {
		int fd = socket(native[i].domain, native[i].type, native[i].protocol);

		if (fd < 0) {
			ok(errno == EACCES || errno == EPROTONOSUPPORT, "%s: %s",
				native[i].name, strerror(errno));
			continue;
		}
		if (native[i].domain == AF_INET)
			connect(fd, (struct sockaddr *)&to, length);
		ok(host_count("creates") == before, "%s is native", native[i].name);
		close(fd);
	}
	ok(socket(46, SOCK_STREAM, 0) < 0 && errno == EAFNOSUPPORT,
		"the private family cannot be opened");
	ok(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
}

static void lazy(void)
{
	unsigned long before = host_count("creates");
	int fd[50];

	for (unsigned int i = 0; i < 50; i++)
		fd[i] = socket(AF_INET, i % 2 ? SOCK_STREAM : SOCK_DGRAM, 0);
	ok(host_count("creates") == before, "Q13 a socket alone costs the host nothing");
	for (unsigned int i = 0; i < 50; i++)
		close(fd[i]);
	ok(host_count("creates") == before, "nor does its close");
}

static void shown(void)
{
	ok(file_has("/proc/net/tsi", "revision 3"), "/proc/net/tsi: revision");
	ok(file_has("/proc/net/tsi", "family 46"), "/proc/net/tsi: family");
	ok(file_has("/proc/net/tsi", "host ready"), "/proc/net/tsi: host");
}

static void namespaces(void)
{
	unsigned long before = host_count("connects");
	int fd;

	if (unshare(CLONE_NEWNET)) {
		ok(false, "unshare: %s", strerror(errno));
		return;
	}
	fd = tcp("127.0.0.1", ECHO);
	ok(fd < 0 && host_count("connects") == before,
		"loopback of another network namespace stays there");
	close(fd);
	fd = tcp(HOST, ECHO);
	ok_errno(fd >= 0 && send_all(fd, "x", 1) && text_is(fd, "x"),
		"and what leaves it goes to the host");
	close(fd);
}

static void switched(void)
{
	static const char parameter[] = "/sys/module/kernel/parameters/tsi_hijack";
	unsigned long before = host_count("creates");
	int off = open(parameter, O_WRONLY), old = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_storage to;
	socklen_t length = address(&to, HOST, ECHO);

	ok_errno(write(off, "N", 1) == 1, "tsi_hijack can be written");
	ok(tcp(HOST, ECHO) < 0 && errno == ENETUNREACH, "off: no way out (%d)", errno);
	ok(host_count("creates") == before, "and the host knows nothing of it");
	ok_errno(!connect(old, (struct sockaddr *)&to, length),
		"sockets from before go on");
	ok_errno(write(off, "Y", 1) == 1 && tcp(HOST, ECHO) >= 0, "on again");
	close(off);
	close(old);
}

/* The token is never readable. The command line says it backwards, for us to know it. */
static void token(void)
{
	static const char *const file[] = {
		"/proc/cmdline",
		"/sys/firmware/devicetree/base/chosen/bootargs",
		"/sys/firmware/fdt",
		"/proc/self/environ",
	};
	const char *backwards = getenv("nekot");
	char token[65] = "";

	if (!backwards) {
		skip("no token given");
		return;
	}
	for (size_t i = 0, n = strlen(backwards); i < n && i < 64; i++)
		token[i] = backwards[n - 1 - i];
	for (size_t i = 0; i < sizeof(file) / sizeof(file[0]); i++)
		ok(!file_has(file[i], token), "T13 not in %s", file[i]);
	ok(!klog_has(token), "T13 not in the kernel's log");
	ok(host_count("bad_token") == 0, "T13 every control message carries it");
	ok(tcp(HOST, ECHO) >= 0, "T13 and is taken");
}

static void stock(void)
{
	struct sockaddr_storage to;
	socklen_t length = address(&to, HOST, ECHO);
	uint64_t begun = now();
	uint16_t port;
	int fd, client, server;

	fd = tcp(HOST, ECHO);
	ok(fd < 0 && errno == ENETUNREACH, "no route is ENETUNREACH (%d)", errno);
	fd = udp(HOST, ECHO);
	ok(fd < 0 && errno == ENETUNREACH, "for datagrams too (%d)", errno);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ok(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, length) < 0 &&
			errno == ENETUNREACH,
		"and for sendto (%d)", errno);
	fd = tcp("127.0.0.1", 1);
	ok(fd < 0 && errno == ECONNREFUSED, "a closed port is ECONNREFUSED (%d)", errno);
	server = listener(AF_INET, 8, &port);
	client = tcp("127.0.0.1", port);
	fd = accept(server, NULL, NULL);
	ok(fd >= 0 && send_all(client, "x", 1) && text_is(fd, "x"), "loopback");
	ok(within(begun, 15000), "in bounded time (%llu ms)",
		(unsigned long long)(now() - begun));
}

const struct test hijack_tests[] = {
	{"12 natives", natives, 0},
	{"12 Q13 lazy", lazy, 0},
	{"12 shown", shown, 0},
	{"12 switched", switched, 0},
	{"12 namespaces", namespaces, 0},
	{"12 T13 token", token, 0},
	{NULL, NULL, 0},
};

const struct test stock_tests[] = {
	{"12 stock", stock, 60},
	{NULL, NULL, 0},
};
