// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "address.h"
#include "host.h"
#include "service.h"

#define MAPS_MAX 16

struct ip {
	int family;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
};

static struct {
	struct ip guest;
	struct ip host;
} maps[MAPS_MAX];
static unsigned int map_count;

static int parse_ip(const char *text, struct ip *ret_ip)
{
	memset(ret_ip, 0, sizeof(*ret_ip));
	ret_ip->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	return inet_pton(ret_ip->family, text, &ret_ip->v6) == 1 ? 0 : -EINVAL;
}

int address_add_map(const char *text)
{
	const char *equals = strchr(text, '=');
	char guest[INET6_ADDRSTRLEN];

	if (!equals || equals - text >= (ptrdiff_t)sizeof(guest) || map_count == MAPS_MAX)
		return -EINVAL;
	snprintf(guest, sizeof(guest), "%.*s", (int)(equals - text), text);
	if (parse_ip(guest, &maps[map_count].guest) ||
		parse_ip(equals + 1, &maps[map_count].host))
		return -EINVAL;
	map_count++;
	return 0;
}

static enum reach map_v4(struct ip *ip)
{
	uint32_t address = ntohl(ip->v4.s_addr);

	if (address >> 24 == 127)
		return REACHABLE;
	if (address == 0x0a000202) { /* 10.0.2.2, as in QEMU's user network */
		ip->v4.s_addr = htonl(INADDR_LOOPBACK);
		return REACHABLE;
	}
	if (address >> 8 == 0xc00002) { /* 192.0.2.N: peer N */
		ip->v4.s_addr = htonl(0x7f000000 | (address & 0xff));
		return REACHABLE;
	}
	if (address == 0xc6336401) /* 198.51.100.1 */
		return BLACK_HOLE;
	return UNREACHABLE;
}

static enum reach map_v6(struct ip *ip)
{
	struct ip documentation;

	if (IN6_IS_ADDR_LOOPBACK(&ip->v6))
		return REACHABLE;
	parse_ip("2001:db8::1", &documentation);
	if (memcmp(&documentation.v6, &ip->v6, sizeof(ip->v6)))
		return UNREACHABLE;
	ip->v6 = in6addr_loopback;
	return REACHABLE;
}

static enum reach map_ip(struct ip *ip)
{
	for (unsigned int i = 0; i < map_count; i++)
		if (!memcmp(&maps[i].guest, ip, sizeof(*ip))) {
			*ip = maps[i].host;
			return REACHABLE;
		}
	return ip->family == AF_INET ? map_v4(ip) : map_v6(ip);
}

static void make_sockaddr(const struct ip *ip, uint16_t port, struct target *target)
{
	memset(&target->host, 0, sizeof(target->host));
	if (ip->family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)&target->host;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		in->sin_addr = ip->v4;
		target->length = sizeof(*in);
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&target->host;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		in6->sin6_addr = ip->v6;
		target->length = sizeof(*in6);
	}
}

bool address_is_mapped(const uint8_t *bytes, uint32_t length)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return length >= 28 && get_le16(bytes) == AF_INET6 &&
	       !memcmp(bytes + 8, prefix, sizeof(prefix));
}

uint16_t address_port(const uint8_t *bytes, uint32_t length)
{
	return length >= 4 ? (uint16_t)(bytes[2] << 8 | bytes[3]) : 0;
}

/* The Linux number of AF_INET6 is 10 on the wire; this program runs on Linux. */
static int read_ip(const uint8_t *bytes, uint32_t length, struct ip *ret_ip)
{
	uint16_t family;

	if (length < 2 || length > 128)
		return -EINVAL;
	family = get_le16(bytes);
	memset(ret_ip, 0, sizeof(*ret_ip));
	ret_ip->family = family;
	if (address_is_mapped(bytes, length)) {
		ret_ip->family = AF_INET;
		memcpy(&ret_ip->v4, bytes + 20, 4);
	} else if (family == AF_INET && length >= 16) {
		memcpy(&ret_ip->v4, bytes + 4, 4);
	} else if (family == AF_INET6 && length >= 28) {
		memcpy(&ret_ip->v6, bytes + 8, 16);
	} else {
		return family == AF_INET || family == AF_INET6 ? -EINVAL : -EAFNOSUPPORT;
	}
	return 0;
}

/* Unix paths live below --unix-root, so that a guest cannot reach sockets of the machine. */
static int unix_target(const struct host *host, const uint8_t *bytes, uint32_t length,
	struct target *target)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&target->host;
	int size;

	if (!host->is.unix_paths || !host->unix_root)
		return -EAFNOSUPPORT;
	if (length < 4 || length > 110)
		return -EINVAL;
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	target->length = sizeof(*un);
	target->reach = bytes[2] == '/' ? REACHABLE : UNREACHABLE;
	size = snprintf(un->sun_path, sizeof(un->sun_path), "%s%.*s", host->unix_root,
		(int)length - 2, (const char *)bytes + 2);
	return size < (int)sizeof(un->sun_path) ? 0 : -EINVAL;
}

int address_target(const struct host *host, const uint8_t *bytes, uint32_t length,
	int type, struct target *ret_target)
{
	uint16_t port = address_port(bytes, length), real_port;
	struct ip ip;
	int error;

	if (length >= 2 && get_le16(bytes) == AF_UNIX)
		return unix_target(host, bytes, length, ret_target);
	error = read_ip(bytes, length, &ip);
	if (error)
		return error;
	if (get_le16(bytes) == AF_INET6 &&
		!(ip.family == AF_INET ? host->is.unwrap_mapped : host->is.inet6))
		return -EAFNOSUPPORT;
	ret_target->reach = map_ip(&ip);
	real_port = service_real_port(port, ip.family, type);
	/* Every peer N has the same services. */
	if (real_port != port && ip.family == AF_INET)
		ip.v4.s_addr = htonl(INADDR_LOOPBACK);
	make_sockaddr(&ip, real_port, ret_target);
	return 0;
}

int address_local(const struct host *host, const uint8_t *bytes, uint32_t length,
	struct target *ret_target)
{
	uint16_t port = address_port(bytes, length);
	struct ip ip;
	in_addr_t v4;
	int error;

	if (length >= 2 && get_le16(bytes) == AF_UNIX)
		return unix_target(host, bytes, length, ret_target);
	error = read_ip(bytes, length, &ip);
	if (error)
		return error;
	/* The guest's choice of a port must not meet a client's of this machine. */
	v4 = htonl(host->loopback);
	for (unsigned int i = 0; i < host->port_count; i++)
		if (host->ports[i].guest == port) {
			port = host->ports[i].host;
			v4 = htonl(INADDR_LOOPBACK);
			break;
		}
	if (ip.family == AF_INET) {
		ip.v4.s_addr = v4;
	} else if (IN6_IS_ADDR_UNSPECIFIED(&ip.v6)) {
		/* Who listens on :: is there for IPv4, too. */
		ip.v6.s6_addr16[5] = 0xffff;
		ip.v6.s6_addr32[3] = v4;
	} else {
		ip.v6 = in6addr_loopback;
	}
	make_sockaddr(&ip, port, ret_target);
	ret_target->reach = REACHABLE;
	return 0;
}
