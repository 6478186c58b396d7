// SPDX-License-Identifier: Apache-2.0
/*
 * Loopback, and a veth pair that carries nothing: resolvers that ask for configured
 * address families (AI_ADDRCONFIG) must see an IPv4 interface. No AF_INET socket is
 * opened, for TSI would take it over.
 */
#include "init.h"

static const char PROBE[] = "smnet0", PEER[] = "smnet0p";

static int ask_interface(const char *name, unsigned long what, struct ifreq *request)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	stpcpy(request->ifr_name, name);
	int error = ioctl(fd, what, request) ? -errno : 0;
	close(fd);
	return error;
}

static int raise_interface(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_UP};
	return ask_interface(name, SIOCSIFFLAGS, &request);
}

void raise_loopback(void)
{
	int error = raise_interface("lo");
	if (error)
		complain(-error, "raise lo");
}

struct netlink_request {
	struct nlmsghdr header;
	char body[256];
};

static void *reserve(struct netlink_request *r, size_t len)
{
	void *at = (char *)r + NLMSG_ALIGN(r->header.nlmsg_len);
	r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + len;
	return at;
}

static struct rtattr *attribute(
	struct netlink_request *r, int type, const void *data, size_t len)
{
	struct rtattr *a = reserve(r, RTA_LENGTH(len));
	a->rta_type = (unsigned short)type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	return a;
}

static void end_nested(struct netlink_request *r, struct rtattr *a)
{
	a->rta_len = (unsigned short)((char *)r + r->header.nlmsg_len - (char *)a);
}

static void begin_request(
	struct netlink_request *r, int type, const void *body, size_t len)
{
	*r = (struct netlink_request){.header = {.nlmsg_len = NLMSG_HDRLEN,
					      .nlmsg_type = (unsigned short)type,
					      .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK |
							     NLM_F_CREATE | NLM_F_EXCL}};
	memcpy(reserve(r, len), body, len);
}

/* The kernel answers before send(2) returns. */
static int exchange(struct netlink_request *r)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[512];
	} answer = {.error = {.error = -EBADMSG}};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	int error = -EBADMSG;
	if (send(fd, r, r->header.nlmsg_len, 0) < 0 ||
		recv(fd, &answer, sizeof(answer), MSG_DONTWAIT) < 0)
		error = -errno;
	else if (answer.header.nlmsg_type == NLMSG_ERROR)
		error = answer.error.error;
	close(fd);
	return error;
}

static int add_pair(void)
{
	struct netlink_request r;
	struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
	begin_request(&r, RTM_NEWLINK, &link, sizeof(link));
	attribute(&r, IFLA_IFNAME, PROBE, sizeof(PROBE));
	struct rtattr *info = attribute(&r, IFLA_LINKINFO, NULL, 0);
	attribute(&r, IFLA_INFO_KIND, "veth", 4);
	struct rtattr *data = attribute(&r, IFLA_INFO_DATA, NULL, 0);
	struct rtattr *peer = attribute(&r, VETH_INFO_PEER, &link, sizeof(link));
	attribute(&r, IFLA_IFNAME, PEER, sizeof(PEER));
	end_nested(&r, peer);
	end_nested(&r, data);
	end_nested(&r, info);
	return exchange(&r);
}

static int add_address(void)
{
	static const unsigned char address[] = {198, 18, 0, 1};
	struct netlink_request r;
	struct ifreq interface = {.ifr_ifindex = 0};
	struct ifaddrmsg body = {
		.ifa_family = AF_INET, .ifa_prefixlen = 30, .ifa_scope = RT_SCOPE_LINK};
	int error = ask_interface(PROBE, SIOCGIFINDEX, &interface);
	if (error)
		return error;
	body.ifa_index = (unsigned)interface.ifr_ifindex;
	begin_request(&r, RTM_NEWADDR, &body, sizeof(body));
	attribute(&r, IFA_LOCAL, address, sizeof(address));
	attribute(&r, IFA_ADDRESS, address, sizeof(address));
	return exchange(&r);
}

void add_probe_interface(void)
{
	int error = add_pair();
	if (!error)
		error = add_address();
	if (!error)
		error = raise_interface(PROBE);
	if (error)
		complain(-error, PROBE);
}
