// SPDX-License-Identifier: Apache-2.0
/* getsockname and getpeername never depend on what the host makes up. */
#include "test.h"

static bool name_is(const struct sockaddr_storage *name, const char *ip, uint16_t port)
{
	struct sockaddr_storage expected;
	socklen_t length = address(&expected, ip, port);

	if (name->ss_family != expected.ss_family)
		return false;
	if (length == sizeof(struct sockaddr_in))
		return !memcmp(name, &expected, 8);
	return !memcmp(&((const struct sockaddr_in6 *)name)->sin6_addr,
		       &((struct sockaddr_in6 *)&expected)->sin6_addr, 16) &&
	       ((const struct sockaddr_in6 *)name)->sin6_port ==
		       ((struct sockaddr_in6 *)&expected)->sin6_port;
}

static bool peer_is(int fd, const char *ip, uint16_t port)
{
	struct sockaddr_storage name = {0};
	socklen_t length = sizeof(name);

	return !getpeername(fd, (struct sockaddr *)&name, &length) &&
	       name_is(&name, ip, port);
}

static void client(void)
{
	struct sockaddr_storage name = {0};
	socklen_t length = 4;
	int fd = tcp(HOST, ECHO);

	ok(peer_is(fd, HOST, ECHO), "peer is what connect() was given");
	ok(local_port(fd) != 0, "local port is not 0");
	ok(!getsockname(fd, (struct sockaddr *)&name, &length) &&
			length == sizeof(struct sockaddr_in) && name.ss_family == AF_INET,
		"a short buffer is filled, the length is whole");
	close(fd);
	fd = tcp(HOST, BRIEF);
	text_is(fd, "bye\n");
	recv(fd, &name, 1, 0);
	ok(peer_is(fd, HOST, BRIEF) || errno == ENOTCONN, "after the peer has closed");
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ok(!peer_is(fd, HOST, 0) && errno == ENOTCONN, "ENOTCONN before connect");
	close(fd);
}

static void mapped(void)
{
	int fd = tcp(MAPPED, ECHO);

	ok(peer_is(fd, MAPPED, ECHO), "a v4-mapped peer stays mapped");
	close(fd);
	if (is("supermachine-0.1"))
		return;
	fd = tcp(HOST6, ECHO);
	ok(peer_is(fd, HOST6, ECHO), "an IPv6 peer");
	close(fd);
}

static void accepted(int domain, bool broken)
{
	struct sockaddr_storage name = {0};
	socklen_t length = sizeof(name);
	uint16_t port;
	int fd, outside, server = listener(domain, 8, &port);

	if (broken)
		host("quirk getname-fails");
	outside = host_enters(port);
	fd = accept(server, (struct sockaddr *)&name, &length);
	ok_errno(fd >= 0, "accept never fails for a name");
	ok(name.ss_family == domain, "the address has the socket's family");
	ok(length == (domain == AF_INET ? sizeof(struct sockaddr_in)
					: sizeof(struct sockaddr_in6)),
		"and its length (%u)", length);
	length = sizeof(name);
	ok_errno(!getpeername(fd, (struct sockaddr *)&name, &length) &&
			 name.ss_family == domain,
		"getpeername");
	ok(local_port(fd) == port, "getsockname has the listener's port");
	if (broken)
		host("unquirk getname-fails");
	close(outside);
	close(fd);
	close(server);
}

static void accepted_v4(void)
{
	accepted(AF_INET, false);
}

static void accepted_v6(void)
{
	accepted(AF_INET6, false);
}

static void nameless(void)
{
	accepted(AF_INET, true);
	accepted(AF_INET6, true);
}

static void bsd(void)
{
	host("quirk bsd-names");
	accepted(AF_INET, false);
	host("unquirk bsd-names");
}

static void datagram(void)
{
	int fd = udp(HOST, ECHO);

	ok(peer_is(fd, HOST, ECHO), "peer of a connected datagram socket");
	ok(local_port(fd) != 0, "its local port");
	close(fd);
}

const struct test name_tests[] = {
	{"4 T8 client", client, 0},
	{"4 T8 IPv6 client", mapped, 0},
	{"4 T8 Q17 accepted", accepted_v4, 0},
	{"4 T8 Q17 accepted, IPv6", accepted_v6, 0},
	{"4 GETNAME fails", nameless, 0},
	{"4 BSD names", bsd, 0},
	{"4 T8 datagram", datagram, 0},
	{NULL, NULL, 0},
};
