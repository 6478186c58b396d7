// SPDX-License-Identifier: Apache-2.0
/* Sockets, links and queues. What real tools configure is in network.sh. */
#include "probe.h"
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/errqueue.h>
#include <linux/genetlink.h>
#include <linux/icmp.h>
#include <linux/if.h>
#include <linux/if_alg.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/if_xdp.h>
#include <linux/inet_diag.h>
#include <linux/nbd-netlink.h>
#include <linux/nbd.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/taskstats.h>
#include <linux/tls.h>
#include <linux/unix_diag.h>
#include <linux/veth.h>
#include <linux/virtio_config.h>
#include <linux/vm_sockets.h>
#include <net/if_arp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/un.h>

/* <net/if.h> clashes with <linux/if.h>. */
unsigned if_nametoindex(const char *name);

/* One netlink request that is built up and sent. */
struct message {
	struct nlmsghdr head;
	char body[2048];
};

static void add(struct message *m, const void *data, size_t len)
{
	memcpy((char *)m + m->head.nlmsg_len, data, len);
	m->head.nlmsg_len += NLMSG_ALIGN(len);
}

static void attr(struct message *m, int type, const void *data, size_t len)
{
	add(m, &(struct rtattr){.rta_type = type, .rta_len = RTA_LENGTH(len)},
		sizeof(struct rtattr));
	add(m, data, len);
}

/* A nested attribute, until end() is given what begin() returned. */
static size_t begin(struct message *m, int type)
{
	size_t nest = m->head.nlmsg_len;

	add(m, &(struct rtattr){.rta_type = type}, sizeof(struct rtattr));
	return nest;
}

static void end(struct message *m, size_t nest)
{
	((struct rtattr *)((char *)m + nest))->rta_len = m->head.nlmsg_len - nest;
}

/* Sends the message and returns the error of its acknowledgement. */
static int talk_on(int protocol, struct message *m)
{
	struct message answer;
	int fd = try(socket(AF_NETLINK, SOCK_RAW, protocol));

	m->head.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	try(send(fd, m, m->head.nlmsg_len, 0));
	do
		try(recv(fd, &answer, sizeof(answer), 0));
	while (answer.head.nlmsg_type != NLMSG_ERROR);
	close(fd);
	errno = -((struct nlmsgerr *)answer.body)->error;
	return errno ? -1 : 0;
}

static int talk(struct message *m)
{
	return talk_on(NETLINK_ROUTE, m);
}

/* The first part of the answer to a generic netlink command of that family; its attributes begin at body + 4. */
static struct message genl(
	int family, int command, int type, const void *data, size_t len)
{
	struct message m = {.head = {.nlmsg_len = NLMSG_HDRLEN,
				    .nlmsg_type = family,
				    .nlmsg_flags = NLM_F_REQUEST}};
	int fd = try(socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC));

	add(&m, &(struct genlmsghdr){.cmd = command, .version = 1},
		sizeof(struct genlmsghdr));
	attr(&m, type, data, len);
	try(send(fd, &m, m.head.nlmsg_len, 0));
	try(recv(fd, &m, sizeof(m), 0));
	close(fd);
	return m;
}

/* The number of a generic netlink family, by the controller's first two attributes. */
static int genl_family(const char *name)
{
	struct message m = genl(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME,
		name, strlen(name) + 1);
	char *at = m.body + 4, *last = (char *)&m + m.head.nlmsg_len;

	if (m.head.nlmsg_type == NLMSG_ERROR)
		absent();
	for (; at < last; at += RTA_ALIGN(((struct rtattr *)at)->rta_len))
		if (((struct rtattr *)at)->rta_type == CTRL_ATTR_FAMILY_ID)
			return *(uint16_t *)(at + 4);
	fail(name);
}

/* Leaves the attribute IFLA_LINKINFO open. */
static struct message link_message(const char *name, const char *kind, size_t *ret_info)
{
	struct message m = {.head = {.nlmsg_len = NLMSG_HDRLEN,
				    .nlmsg_type = RTM_NEWLINK,
				    .nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL}};

	add(&m, &(struct ifinfomsg){0}, sizeof(struct ifinfomsg));
	attr(&m, IFLA_IFNAME, name, strlen(name) + 1);
	*ret_info = begin(&m, IFLA_LINKINFO);
	attr(&m, IFLA_INFO_KIND, kind, strlen(kind));
	return m;
}

/* A link of that kind, on another when LOWER is given, with one attribute of its own when DATA is. */
static void make_link(
	const char *kind, const char *lower, int type, const void *data, size_t len)
{
	size_t info, nest;
	struct message m = link_message(kind, kind, &info);

	if (data) {
		nest = begin(&m, IFLA_INFO_DATA);
		attr(&m, type, data, len);
		end(&m, nest);
	}
	end(&m, info);
	if (lower)
		attr(&m, IFLA_LINK, &(int){if_nametoindex(lower)}, sizeof(int));
	if (talk(&m) < 0 && nothing_there())
		absent();
	must(if_nametoindex(kind));
}

static void up(const char *name)
{
	struct ifreq r = {.ifr_flags = IFF_UP};
	int fd = try(socket(AF_INET, SOCK_DGRAM, 0));

	strcpy(r.ifr_name, name);
	try(ioctl(fd, SIOCSIFFLAGS, &r));
	close(fd);
}

static void address(const char *name, const char *ip)
{
	struct ifreq r = {.ifr_flags = 0};
	struct sockaddr_in *in = (void *)&r.ifr_addr;
	int fd = try(socket(AF_INET, SOCK_DGRAM, 0));

	strcpy(r.ifr_name, name);
	in->sin_family = AF_INET;
	inet_pton(AF_INET, ip, &in->sin_addr);
	try(ioctl(fd, SIOCSIFADDR, &r));
	inet_pton(AF_INET, "255.255.255.0", &in->sin_addr);
	try(ioctl(fd, SIOCSIFNETMASK, &r));
	close(fd);
	up(name);
}

/* A veth pair a (10.9.0.1) and b (10.9.0.2, in the namespace of process PID). */
static void veth(pid_t pid)
{
	size_t info, data, peer;
	struct message m = link_message("a", "veth", &info);

	data = begin(&m, IFLA_INFO_DATA);
	peer = begin(&m, VETH_INFO_PEER);
	add(&m, &(struct ifinfomsg){0}, sizeof(struct ifinfomsg));
	attr(&m, IFLA_IFNAME, "b", 2);
	if (pid)
		attr(&m, IFLA_NET_NS_PID, &(int){pid}, sizeof(int));
	end(&m, peer);
	end(&m, data);
	end(&m, info);
	if (talk(&m) < 0)
		fail("veth");
	address("a", "10.9.0.1");
}

static void in_net(void (*fn)(void))
{
	child(CLONE_NEWNET, fn);
}

/* A connection to ourselves. */
static void connection(
	int family, struct sockaddr *to, socklen_t len, int *client, int *peer)
{
	int server = try(socket(family, SOCK_STREAM, 0));

	*client = try(socket(family, SOCK_STREAM, 0));
	try(bind(server, to, len));
	try(listen(server, 1));
	try(getsockname(server, to, &len));
	try(connect(*client, to, len));
	*peer = try(accept(server, NULL, NULL));
	close(server);
}

static void tcp_over(int family, struct sockaddr *to, socklen_t len)
{
	int client, peer;
	char c;

	connection(family, to, len, &client, &peer);
	try(write(client, "x", 1));
	must(read(peer, &c, 1) == 1 && c == 'x');
}

static void tcp_pair(int *client, int *peer)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	up("lo");
	connection(AF_INET, (struct sockaddr *)&in, sizeof(in), client, peer);
}

static void inet4(void)
{
	up("lo");
	tcp_over(AF_INET,
		(struct sockaddr *)&(struct sockaddr_in){
			.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
		sizeof(struct sockaddr_in));
}

static void inet6(void)
{
	up("lo");
	tcp_over(AF_INET6,
		(struct sockaddr *)&(struct sockaddr_in6){
			.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT},
		sizeof(struct sockaddr_in6));
}

static void ipv4(void)
{
	in_net(inet4);
}

static void ipv6(void)
{
	in_net(inet6);
}

static void unix_sockets(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0probe"};

	tcp_over(AF_UNIX, (struct sockaddr *)&un, sizeof(un.sun_family) + 6);
	int pair[2];
	struct ucred cred;
	socklen_t len = sizeof(cred);
	try(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	try(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &cred, &len));
	must(cred.pid == getpid());
}

static void unix_rights(void)
{
	int pair[2], fd = -1;
	char control[CMSG_SPACE(sizeof(int))] = {0}, c = 'x';
	struct iovec iov = {&c, 1};
	struct msghdr message = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	try(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &(int){try(open("/proc/version", O_RDONLY))},
		sizeof(int));
	try(sendmsg(pair[0], &message, 0));
	try(recvmsg(pair[1], &message, 0));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	char text[16] = "";
	must(read(fd, text, 5) == 5 && !strcmp(text, "Linux"));
}

static void unix_pidfd(void)
{
	int pair[2], fd = -1;
	socklen_t len = sizeof(fd);

	try(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	if (getsockopt(pair[0], SOL_SOCKET, 77 /* SO_PEERPIDFD */, &fd, &len) < 0)
		absent();
	must(number(path("/proc/self/fdinfo/%d", fd), "Pid:") == getpid());
}

static void multicast_in_net(void)
{
	struct sockaddr_in group = {.sin_family = AF_INET, .sin_port = htons(4711)};
	struct ip_mreq join = {.imr_interface.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = try(socket(AF_INET, SOCK_DGRAM, 0));
	char c;

	up("lo");
	inet_pton(AF_INET, "239.1.2.3", &join.imr_multiaddr);
	group.sin_addr = join.imr_multiaddr;
	try(bind(fd, (struct sockaddr *)&group, sizeof(group)));
	try(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join)));
	try(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &join.imr_interface,
		sizeof(join.imr_interface)));
	try(sendto(fd, "x", 1, 0, (struct sockaddr *)&group, sizeof(group)));
	must(recv(fd, &c, 1, 0) == 1);
}

static void multicast(void)
{
	in_net(multicast_in_net);
}

static void ping_in_net(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct icmphdr echo = {.type = ICMP_ECHO}, reply;

	up("lo");
	put("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
	int fd = try(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
	try(sendto(fd, &echo, sizeof(echo), 0, (struct sockaddr *)&to, sizeof(to)));
	must(recv(fd, &reply, sizeof(reply), 0) == sizeof(reply) &&
		reply.type == ICMP_ECHOREPLY);
}

static void ping(void)
{
	in_net(ping_in_net);
}

static void low_ports(void)
{
	put("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
	try(setresuid(1000, 1000, 1000));
	try(bind(try(socket(AF_INET, SOCK_DGRAM, 0)),
		(struct sockaddr *)&(struct sockaddr_in){
			.sin_family = AF_INET, .sin_port = htons(81)},
		sizeof(struct sockaddr_in)));
}

static void other_side(void)
{
	char c;
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(7)};
	socklen_t len = sizeof(from);
	int fd = try(socket(AF_INET, SOCK_DGRAM, 0));

	while (!if_nametoindex("b"))
		usleep(1000);
	address("b", "10.9.0.2");
	try(bind(fd, (struct sockaddr *)&from, sizeof(from)));
	try(recvfrom(fd, &c, 1, 0, (struct sockaddr *)&from, &len));
	try(sendto(fd, &c, 1, 0, (struct sockaddr *)&from, len));
	_exit(0);
}

static void veth_in_net(void)
{
	int ready[2];
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(7)};
	struct timeval limit = {.tv_usec = 200000};
	char c;

	try(pipe(ready));
	pid_t pid = try(fork());
	if (!pid) {
		try(unshare(CLONE_NEWNET));
		try(write(ready[1], "x", 1));
		other_side();
	}
	try(read(ready[0], &c, 1));
	veth(pid);
	inet_pton(AF_INET, "10.9.0.2", &to.sin_addr);
	int fd = try(socket(AF_INET, SOCK_DGRAM, 0));
	try(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	for (int i = 0; i < 100; i++) {
		sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
		if (recv(fd, &c, 1, 0) == 1)
			return;
	}
	fail("no answer over veth");
}

static void veth_pair(void)
{
	in_net(veth_in_net);
}

static void links_in_net(void)
{
	make_link("bridge", NULL, 0, NULL, 0);
	make_link("dummy", NULL, 0, NULL, 0);
	make_link("vlan", "dummy", IFLA_VLAN_ID, &(uint16_t){7}, sizeof(uint16_t));
	make_link("macvlan", "dummy", IFLA_MACVLAN_MODE, &(uint32_t){MACVLAN_MODE_BRIDGE},
		sizeof(uint32_t));
	/* A link carries macvlans or ipvlans, not both. */
	make_link("ipvlan", "bridge", IFLA_IPVLAN_MODE, &(uint16_t){IPVLAN_MODE_L2},
		sizeof(uint16_t));
	make_link("vxlan", NULL, IFLA_VXLAN_ID, &(uint32_t){42}, sizeof(uint32_t));
	make_link("wireguard", NULL, 0, NULL, 0);
}

static void links(void)
{
	in_net(links_in_net);
}

/* What is sent to an address of the device comes out of its descriptor. */
static void tun_or_tap(int kind)
{
	struct ifreq r = {.ifr_flags = kind | IFF_NO_PI, .ifr_name = "probe"};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	char packet[256];
	ssize_t n;
	int fd = try(open("/dev/net/tun", O_RDWR)),
	    udp = try(socket(AF_INET, SOCK_DGRAM, 0));

	try(ioctl(fd, TUNSETIFF, &r));
	put("/proc/sys/net/ipv6/conf/probe/disable_ipv6", "1");
	address("probe", "10.9.1.1");
	if (kind == IFF_TAP) {
		/* Nobody answers for that address: it is known. */
		struct arpreq arp = {.arp_flags = ATF_COM, .arp_dev = "probe"};
		struct sockaddr_in *in = (void *)&arp.arp_pa;
		in->sin_family = AF_INET;
		inet_pton(AF_INET, "10.9.1.2", &in->sin_addr);
		memcpy(arp.arp_ha.sa_data, "\2\0\0\0\0\2", 6);
		try(ioctl(udp, SIOCSARP, &arp));
	}
	inet_pton(AF_INET, "10.9.1.2", &to.sin_addr);
	try(sendto(udp, "tunneled", 8, 0, (struct sockaddr *)&to, sizeof(to)));
	n = try(read(fd, packet, sizeof(packet)));
	must(n == 28 + 8 + (kind == IFF_TAP ? 14 : 0));
	must(!memcmp(packet + n - 8, "tunneled", 8));
}

static void tun_in_net(void)
{
	tun_or_tap(IFF_TUN);
}

static void tun(void)
{
	in_net(tun_in_net);
}

static void tap_in_net(void)
{
	tun_or_tap(IFF_TAP);
}

static void tap(void)
{
	in_net(tap_in_net);
}

static struct message qdisc_message(const char *kind, uint32_t parent)
{
	struct message m = {.head = {.nlmsg_len = NLMSG_HDRLEN,
				    .nlmsg_type = RTM_NEWQDISC,
				    .nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE}};
	struct tcmsg t = {.tcm_ifindex = if_nametoindex("lo"),
		.tcm_parent = parent,
		.tcm_handle = parent == TC_H_ROOT ? 0x10000 : 0xffff0000};

	add(&m, &t, sizeof(t));
	attr(&m, TCA_KIND, kind, strlen(kind) + 1);
	return m;
}

static void drop_root(void)
{
	struct message m = {
		.head = {.nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = RTM_DELQDISC}};

	add(&m,
		&(struct tcmsg){
			.tcm_ifindex = if_nametoindex("lo"), .tcm_parent = TC_H_ROOT},
		sizeof(struct tcmsg));
	try(talk(&m));
}

static void qdiscs_in_net(void)
{
	struct message m;
	size_t nest;

	up("lo");
	m = qdisc_message("fq_codel", TC_H_ROOT);
	if (talk(&m) < 0)
		fail("fq_codel");
	drop_root();
	struct tc_htb_glob htb = {.version = 3, .rate2quantum = 10};
	m = qdisc_message("htb", TC_H_ROOT);
	nest = begin(&m, TCA_OPTIONS);
	attr(&m, TCA_HTB_INIT, &htb, sizeof(htb));
	end(&m, nest);
	if (talk(&m) < 0)
		fail("htb");
	drop_root();
	struct tc_tbf_qopt tbf = {
		.rate = {.rate = 1000000, .cell_log = 3, .linklayer = 1}, .limit = 10000};
	static uint32_t table[256];
	uint32_t burst = 10000;
	m = qdisc_message("tbf", TC_H_ROOT);
	nest = begin(&m, TCA_OPTIONS);
	attr(&m, TCA_TBF_PARMS, &tbf, sizeof(tbf));
	attr(&m, TCA_TBF_BURST, &burst, sizeof(burst));
	attr(&m, TCA_TBF_RTAB, table, sizeof(table));
	end(&m, nest);
	if (talk(&m) < 0)
		fail("tbf");
	drop_root();
	m = qdisc_message("ingress", TC_H_INGRESS);
	if (talk(&m) < 0)
		fail("ingress");
	m.head.nlmsg_type = RTM_DELQDISC;
	m.head.nlmsg_flags = 0;
	try(talk(&m));
	m = qdisc_message("clsact", TC_H_CLSACT);
	if (talk(&m) < 0)
		fail("clsact");
}

static void qdiscs(void)
{
	in_net(qdiscs_in_net);
}

static void netem_in_net(void)
{
	/* In ticks of 64 ns: 100 ms, for each way. */
	struct tc_netem_qopt qopt = {.latency = 100000000 / 64, .limit = 1000};
	struct message m;

	up("lo");
	m = qdisc_message("netem", TC_H_ROOT);
	attr(&m, TCA_OPTIONS, &qopt, sizeof(qopt));
	if (talk(&m) < 0)
		fail("netem");
	long start = milliseconds();
	ping_in_net();
	long ms = milliseconds() - start;
	/* 100 ms each way, on a host that is busy. */
	must(ms >= 200 && ms < 1000);
}

static void netem(void)
{
	in_net(netem_in_net);
}

static int load(enum bpf_prog_type type, int value)
{
	struct bpf_insn program[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = value},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr = {.prog_type = type,
		.insns = (long)program,
		.insn_cnt = 2,
		.license = (long)"GPL"};

	return try(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)));
}

/* Is a datagram to ourselves over lo lost? */
static int lost(void)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	struct timeval limit = {.tv_usec = 300000};
	char c;
	int fd = try(socket(AF_INET, SOCK_DGRAM, 0));

	try(bind(fd, (struct sockaddr *)&in, sizeof(in)));
	try(getsockname(fd, (struct sockaddr *)&in, &len));
	try(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	sendto(fd, "x", 1, 0, (struct sockaddr *)&in, sizeof(in));
	return recv(fd, &c, 1, 0) < 0;
}

static void tc_bpf_in_net(void)
{
	struct message m;
	int fd = load(BPF_PROG_TYPE_SCHED_CLS, 2 /* TC_ACT_SHOT */);
	uint32_t flags = 1 /* TCA_BPF_FLAG_ACT_DIRECT */;

	up("lo");
	must(!lost());
	m = qdisc_message("clsact", TC_H_CLSACT);
	try(talk(&m));
	m = (struct message){.head = {.nlmsg_len = NLMSG_HDRLEN,
				     .nlmsg_type = RTM_NEWTFILTER,
				     .nlmsg_flags = NLM_F_CREATE}};
	struct tcmsg t = {.tcm_ifindex = if_nametoindex("lo"),
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
		.tcm_info = TC_H_MAKE(1 << 16, htons(ETH_P_ALL))};
	add(&m, &t, sizeof(t));
	attr(&m, TCA_KIND, "bpf", 4);
	size_t nest = begin(&m, TCA_OPTIONS);
	attr(&m, 6 /* TCA_BPF_FD */, &fd, sizeof(fd));
	attr(&m, 7 /* TCA_BPF_NAME */, "probe", 6);
	attr(&m, 8 /* TCA_BPF_FLAGS */, &flags, sizeof(flags));
	end(&m, nest);
	if (talk(&m) < 0)
		fail("cls_bpf");
	must(lost());
}

static void tc_bpf(void)
{
	in_net(tc_bpf_in_net);
}

static void attach_xdp(const char *name, int flags)
{
	struct message m = {
		.head = {.nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = RTM_SETLINK}};
	int fd = load(BPF_PROG_TYPE_XDP, XDP_DROP);

	add(&m, &(struct ifinfomsg){.ifi_index = if_nametoindex(name)},
		sizeof(struct ifinfomsg));
	size_t nest = begin(&m, IFLA_XDP | NLA_F_NESTED);
	attr(&m, IFLA_XDP_FD, &fd, sizeof(fd));
	attr(&m, IFLA_XDP_FLAGS, &flags, sizeof(flags));
	end(&m, nest);
	if (talk(&m) < 0)
		fail("XDP");
}

static void xdp_generic_in_net(void)
{
	up("lo");
	must(!lost());
	attach_xdp("lo", XDP_FLAGS_SKB_MODE);
	must(lost());
}

static void xdp_generic(void)
{
	in_net(xdp_generic_in_net);
}

/* Frames that a sends are counted by a capture at b, until the driver of b drops them. */
static void xdp_veth_in_net(void)
{
	char frame[64] = "\377\377\377\377\377\377\2\0\0\0\0\1\x88\xb5";
	struct timeval brief = {.tv_usec = 300000};
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_halen = 6};
	int tries = 0;
	int sender = try(socket(AF_PACKET, SOCK_RAW, 0)),
	    capture = try(socket(AF_PACKET, SOCK_RAW, 0));

	veth(0);
	up("b");
	to.sll_ifindex = if_nametoindex("b");
	to.sll_protocol = htons(0x88b5);
	try(bind(capture, (struct sockaddr *)&to, sizeof(to)));
	try(setsockopt(capture, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof(brief)));
	to.sll_ifindex = if_nametoindex("a");
	/* A link that has just come up may still lose frames. */
	do
		try(sendto(sender, frame, 60, 0, (struct sockaddr *)&to, sizeof(to)));
	while (recv(capture, frame, 60, 0) != 60 && ++tries < 50);
	must(tries < 50);
	attach_xdp("b", XDP_FLAGS_DRV_MODE);
	/* One that was late. */
	while (recv(capture, frame, 60, MSG_DONTWAIT) == 60)
		;
	try(sendto(sender, frame, 60, 0, (struct sockaddr *)&to, sizeof(to)));
	refuses(EAGAIN, recv(capture, frame, 60, 0));
}

static void xdp_veth(void)
{
	in_net(xdp_veth_in_net);
}

static void packet_in_net(void)
{
	struct tpacket_req req = {.tp_block_size = page_size(),
		.tp_block_nr = 2,
		.tp_frame_size = 2048,
		.tp_frame_nr = 2 * page_size() / 2048};
	int fd = try(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL))), version = TPACKET_V2;

	try(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)));
	try(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)));
	struct tpacket2_hdr *frame =
		mmap(NULL, 2 * page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(frame != MAP_FAILED);
	up("lo");
	must(!lost());
	must(frame->tp_status & TP_STATUS_USER);
}

static void packet(void)
{
	in_net(packet_in_net);
}

/* A digest and a ciphertext that are known from the standards. */
static int algorithm(const char *type, const char *name, const void *key, int key_size)
{
	struct sockaddr_alg alg = {.salg_family = AF_ALG};
	int fd = try(socket(AF_ALG, SOCK_SEQPACKET, 0));

	strcpy((char *)alg.salg_type, type);
	strcpy((char *)alg.salg_name, name);
	offered(bind(fd, (struct sockaddr *)&alg, sizeof(alg)));
	if (key)
		try(setsockopt(fd, SOL_ALG, ALG_SET_KEY, key, key_size));
	return try(accept(fd, NULL, NULL));
}

static void digest(const char *name, const char *wanted, int size)
{
	char result[32];
	int fd = algorithm("hash", name, NULL, 0);

	must(write(fd, "abc", 3) == 3 && read(fd, result, size) == size);
	must(!memcmp(result, wanted, size));
}

static void alg_sha256(void)
{
	digest("sha256",
		"\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
		"\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad",
		32);
}

/* tc names BPF maps by it. */
static void alg_sha1(void)
{
	digest("sha1",
		"\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e"
		"\x25\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d",
		20);
}

static void alg_cipher(void)
{
	/* FIPS 197, appendix C.1. */
	static const unsigned char key[] = "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17";
	static const unsigned char wanted[] =
		"\x69\xc4\xe0\xd8\x6a\x7b\x04\x30\xd8\xcd\xb7\x80\x70\xb4\xc5\x5a";
	unsigned char text[17] =
		"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
	char control[CMSG_SPACE(4) + CMSG_SPACE(20)] = {0};
	struct iovec iov = {text, 16};
	struct msghdr message = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	int fd = algorithm("skcipher", "cbc(aes)", key, 16);

	*head = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(4), .cmsg_level = SOL_ALG, .cmsg_type = ALG_SET_OP};
	*(uint32_t *)CMSG_DATA(head) = ALG_OP_ENCRYPT;
	head = CMSG_NXTHDR(&message, head);
	*head = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(20), .cmsg_level = SOL_ALG, .cmsg_type = ALG_SET_IV};
	*(uint32_t *)CMSG_DATA(head) = 16;
	must(sendmsg(fd, &message, 0) == 16 && read(fd, text, 16) == 16);
	must(!memcmp(text, wanted, 16));
}

static void diag_of(int family, const void *request, size_t len)
{
	char buf[8192];
	int fd = try(socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG));
	struct message m = {.head = {.nlmsg_len = NLMSG_HDRLEN,
				    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
				    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};

	add(&m, request, len);
	try(send(fd, &m, m.head.nlmsg_len, 0));
	try(recv(fd, buf, sizeof(buf), 0));
	must(((struct nlmsghdr *)buf)->nlmsg_type == SOCK_DIAG_BY_FAMILY);
	must(*(unsigned char *)NLMSG_DATA((struct nlmsghdr *)buf) == family);
}

static void diag_in_net(void)
{
	struct inet_diag_req_v2 inet = {.sdiag_family = AF_INET,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = ~0U};
	struct unix_diag_req un = {.sdiag_family = AF_UNIX, .udiag_states = ~0U};
	struct sockaddr_in in = {.sin_family = AF_INET};
	int pair[2], fd = try(socket(AF_INET, SOCK_STREAM, 0));

	try(bind(fd, (struct sockaddr *)&in, sizeof(in)));
	try(listen(fd, 1));
	try(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	diag_of(AF_INET, &inet, sizeof(inet));
	diag_of(AF_UNIX, &un, sizeof(un));
}

static void diag(void)
{
	in_net(diag_in_net);
}

static void diag_other_in_net(void)
{
	/* struct packet_diag_req, netlink_diag_req, vsock_diag_req, xdp_diag_req: family, protocol, states or show. */
	static const struct {
		unsigned char family, protocol;
		uint16_t pad;
		uint32_t words[5];
	} packet_request = {AF_PACKET, 0, 0, {0, 1}},
	  netlink = {AF_NETLINK, 255, 0, {0, 1}}, vsock = {AF_VSOCK, 0, 0, {~0U}},
	  xdp = {AF_XDP, 0, 0, {0, 1}};
	struct sockaddr_vm vm = {
		.svm_family = AF_VSOCK, .svm_port = 4712, .svm_cid = VMADDR_CID_ANY};

	try(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
	try(bind(try(socket(AF_VSOCK, SOCK_STREAM, 0)), (struct sockaddr *)&vm,
		sizeof(vm)));
	try(socket(AF_XDP, SOCK_RAW, 0));
	diag_of(AF_PACKET, &packet_request, 20);
	diag_of(AF_NETLINK, &netlink, 20);
	diag_of(AF_VSOCK, &vsock, 24);
	diag_of(AF_XDP, &xdp, 20);
}

static void diag_other(void)
{
	in_net(diag_other_in_net);
}

/* One end of a connection is shot by its address, as "ss --kill" does. */
static void destroy_in_net(void)
{
	struct inet_diag_req_v2 request = {.sdiag_family = AF_INET,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = ~0U};
	struct message m = {
		.head = {.nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = 21 /* SOCK_DESTROY */}};
	int client, peer;
	char c;

	tcp_pair(&client, &peer);
	struct sockaddr_in own, other;
	socklen_t len = sizeof(own);
	try(getsockname(client, (struct sockaddr *)&own, &len));
	try(getpeername(client, (struct sockaddr *)&other, &len));
	request.id.idiag_sport = own.sin_port;
	request.id.idiag_dport = other.sin_port;
	request.id.idiag_src[0] = own.sin_addr.s_addr;
	request.id.idiag_dst[0] = other.sin_addr.s_addr;
	request.id.idiag_cookie[0] = request.id.idiag_cookie[1] = ~0U;
	add(&m, &request, sizeof(request));
	offered(talk_on(NETLINK_SOCK_DIAG, &m));
	refuses(ECONNABORTED, read(client, &c, 1));
}

static void destroy(void)
{
	in_net(destroy_in_net);
}

static void vsock(void)
{
	struct sockaddr_vm vm = {
		.svm_family = AF_VSOCK, .svm_port = 4711, .svm_cid = VMADDR_CID_ANY};
	int fd = try(socket(AF_VSOCK, SOCK_STREAM, 0));

	try(bind(fd, (struct sockaddr *)&vm, sizeof(vm)));
	try(listen(fd, 1));
}

static void vsock_loopback(void)
{
	struct sockaddr_vm vm = {
		.svm_family = AF_VSOCK, .svm_port = 4713, .svm_cid = VMADDR_CID_LOCAL};
	int server = try(socket(AF_VSOCK, SOCK_STREAM, 0)),
	    client = try(socket(AF_VSOCK, SOCK_STREAM, 0));
	char c;

	offered(bind(server, (struct sockaddr *)&vm, sizeof(vm)));
	try(listen(server, 1));
	offered(connect(client, (struct sockaddr *)&vm, sizeof(vm)));
	int peer = try(accept(server, NULL, NULL));
	try(write(client, "x", 1));
	must(read(peer, &c, 1) == 1 && c == 'x');
}

/* A frame that the ring of an AF_XDP socket sends is seen at the other end of the pair. */
static void xdp_socket_in_net(void)
{
	struct xdp_umem_reg umem = {.len = 16 * 4096, .chunk_size = 4096};
	struct xdp_mmap_offsets at;
	struct sockaddr_xdp to = {.sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY};
	socklen_t len = sizeof(at);
	char frame[64] = "\377\377\377\377\377\377\2\0\0\0\0\1\x88\xb5", got[256];
	int fd = offered(socket(AF_XDP, SOCK_RAW, 0)), size = 16,
	    capture = try(socket(AF_PACKET, SOCK_RAW, htons(0x88b5)));

	veth(0);
	up("b");
	char *memory = mmap(NULL, umem.len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(memory != MAP_FAILED);
	umem.addr = (long)memory;
	try(setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &umem, sizeof(umem)));
	try(setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &size, sizeof(size)));
	try(setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &size, sizeof(size)));
	try(setsockopt(fd, SOL_XDP, XDP_TX_RING, &size, sizeof(size)));
	try(getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &len));
	char *ring = mmap(NULL, at.tx.desc + size * sizeof(struct xdp_desc),
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, XDP_PGOFF_TX_RING);
	must(ring != MAP_FAILED);
	to.sxdp_ifindex = if_nametoindex("a");
	try(bind(fd, (struct sockaddr *)&to, sizeof(to)));
	strcpy(frame + 14, "by AF_XDP");
	memcpy(memory, frame, sizeof(frame));
	*(struct xdp_desc *)(ring + at.tx.desc) = (struct xdp_desc){.len = sizeof(frame)};
	__atomic_store_n((uint32_t *)(ring + at.tx.producer), 1, __ATOMIC_RELEASE);
	try(sendto(fd, NULL, 0, MSG_DONTWAIT, NULL, 0));
	do
		try(recv(capture, got, sizeof(got), 0));
	while (strcmp(got + 14, "by AF_XDP"));
}

static void xdp_socket(void)
{
	in_net(xdp_socket_in_net);
}

static void ethtool_in_net(void)
{
	int family = genl_family("ethtool"), index;

	veth(0);
	index = if_nametoindex("a");
	/* ETHTOOL_MSG_LINKSTATE_GET of a header with the index of the device. */
	struct {
		struct rtattr head;
		int index;
	} device = {{8, 1}, index};
	struct message m = genl(family, 6, 1 | NLA_F_NESTED, &device, sizeof(device));
	must(m.head.nlmsg_type == family);
}

static void ethtool(void)
{
	in_net(ethtool_in_net);
}

/* A disk whose every byte is an n, until it is disconnected. */
static void nbd_server(int fd)
{
	static struct {
		struct nbd_reply head;
		char bytes[1 << 16];
	} reply;
	struct nbd_request request;

	reply.head.magic = htonl(NBD_REPLY_MAGIC);
	memset(reply.bytes, 'n', sizeof(reply.bytes));
	while (recv(fd, &request, sizeof(request), MSG_WAITALL) == sizeof(request) &&
		request.type == htonl(NBD_CMD_READ)) {
		memcpy(reply.head.handle, request.handle, sizeof(request.handle));
		must(ntohl(request.len) <= sizeof(reply.bytes));
		try(send(fd, &reply, sizeof(reply.head) + ntohl(request.len), 0));
	}
}

static void nbd(void)
{
	uint32_t index = 3;
	uint64_t size = 1 << 16;
	char byte;
	int sockets[2];
	struct message m = {.head = {.nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = genl_family("nbd")}},
		       gone = m;

	try(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	pid_t server = try(fork());
	if (!server) {
		nbd_server(sockets[1]);
		_exit(0);
	}
	add(&m, &(struct genlmsghdr){.cmd = NBD_CMD_CONNECT, .version = 1}, sizeof(struct genlmsghdr));
	attr(&m, NBD_ATTR_INDEX, &index, sizeof(index));
	attr(&m, NBD_ATTR_SIZE_BYTES, &size, sizeof(size));
	size_t list = begin(&m, NBD_ATTR_SOCKETS), item = begin(&m, NBD_SOCK_ITEM);
	attr(&m, NBD_SOCK_FD, sockets, sizeof(*sockets));
	end(&m, item);
	end(&m, list);
	try(talk_on(NETLINK_GENERIC, &m));
	int fd = try(open("/dev/nbd3", O_RDONLY));
	must(pread(fd, &byte, 1, size - 1) == 1 && byte == 'n');
	close(fd);
	add(&gone, &(struct genlmsghdr){.cmd = NBD_CMD_DISCONNECT, .version = 1}, sizeof(struct genlmsghdr));
	attr(&gone, NBD_ATTR_INDEX, &index, sizeof(index));
	try(talk_on(NETLINK_GENERIC, &gone));
	await(server);
}

static void taskstats(void)
{
	int pid = getpid();
	struct message m = genl(genl_family(TASKSTATS_GENL_NAME), TASKSTATS_CMD_GET,
		TASKSTATS_CMD_ATTR_PID, &pid, sizeof(pid));

	/* In an aggregate behind the process's number. */
	must(m.head.nlmsg_type != NLMSG_ERROR);
	struct taskstats *stats = (void *)(m.body + 4 + 4 + 8 + 4);
	must(stats->version >= 8);
	must(memmem(&m, sizeof(m), "feature-probe", 13));
}

static void congestion_in_net(void)
{
	static const char *const algorithms[] = {"bbr", "cubic"};
	static char block[100000];
	char name[16];
	int client, peer;
	socklen_t len;

	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		tcp_pair(&client, &peer);
		try(setsockopt(client, IPPROTO_TCP, TCP_CONGESTION, algorithms[i],
			strlen(algorithms[i])));
		len = sizeof(name);
		try(getsockopt(client, IPPROTO_TCP, TCP_CONGESTION, name, &len));
		must(!strcmp(name, algorithms[i]));
		for (size_t sent = 0, got = 0; got < sizeof(block);) {
			if (sent < sizeof(block))
				sent += try(write(client, block, sizeof(block) - sent));
			got += try(read(peer, block, sizeof(block)));
		}
	}
}

static void congestion(void)
{
	in_net(congestion_in_net);
}

/* The second connection's first byte comes with its SYN. */
static void fast_open_in_net(void)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int server = try(socket(AF_INET, SOCK_STREAM, 0));
	char c;

	up("lo");
	put("/proc/sys/net/ipv4/tcp_fastopen", "3");
	try(bind(server, (struct sockaddr *)&in, len));
	try(setsockopt(server, IPPROTO_TCP, TCP_FASTOPEN, &(int){5}, sizeof(int)));
	try(listen(server, 5));
	try(getsockname(server, (struct sockaddr *)&in, &len));
	for (int i = 0; i < 2; i++) {
		struct tcp_info info;
		socklen_t size = sizeof(info);
		int client = try(socket(AF_INET, SOCK_STREAM, 0));
		try(sendto(client, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&in, len));
		int peer = try(accept(server, NULL, NULL));
		must(read(peer, &c, 1) == 1);
		try(getsockopt(client, IPPROTO_TCP, TCP_INFO, &info, &size));
		must(!!(info.tcpi_options & TCPI_OPT_SYN_DATA) == i);
		close(client);
		close(peer);
	}
}

static void fast_open(void)
{
	in_net(fast_open_in_net);
}

static void zerocopy_in_net(void)
{
	static char block[32768];
	char control[128], sink[4096];
	struct msghdr message = {
		.msg_control = control, .msg_controllen = sizeof(control)};
	int client, peer;

	tcp_pair(&client, &peer);
	try(setsockopt(client, SOL_SOCKET, SO_ZEROCOPY, &(int){1}, sizeof(int)));
	must(send(client, block, sizeof(block), MSG_ZEROCOPY) == sizeof(block));
	for (size_t n = 0; n < sizeof(block);)
		n += try(read(peer, sink, sizeof(sink)));
	struct pollfd p = {.fd = client};
	must(poll(&p, 1, 10000) == 1 && p.revents & POLLERR);
	try(recvmsg(client, &message, MSG_ERRQUEUE));
	struct sock_extended_err *error = (void *)CMSG_DATA(CMSG_FIRSTHDR(&message));
	must(error->ee_origin == SO_EE_ORIGIN_ZEROCOPY);
}

static void zerocopy(void)
{
	in_net(zerocopy_in_net);
}

/* With 2 every connection is made by a cookie. */
static void cookies_in_net(void)
{
	static char text[65536];
	int client, peer;
	long values[2] = {0, 0};

	must(atoi(get("/proc/sys/net/ipv4/tcp_syncookies")) == 1);
	put("/proc/sys/net/ipv4/tcp_syncookies", "2");
	tcp_pair(&client, &peer);
	/* The first two columns of the second line. */
	strcpy(text, get("/proc/net/netstat"));
	must(sscanf(strchr(text, '\n') + 1, "TcpExt: %ld %ld", &values[0], &values[1]) ==
		2);
	must(values[0] >= 1 && values[1] >= 1);
}

static void cookies(void)
{
	in_net(cookies_in_net);
}

static void udp_offload_in_net(void)
{
	static char buf[8192];
	char control[64];
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr message = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = try(socket(AF_INET, SOCK_DGRAM, 0)),
	    to = try(socket(AF_INET, SOCK_DGRAM, 0)), segment = 1000, on = 1;

	up("lo");
	try(bind(to, (struct sockaddr *)&in, sizeof(in)));
	try(getsockname(to, (struct sockaddr *)&in, &len));
	try(setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)));
	must(sendto(fd, buf, 3000, 0, (struct sockaddr *)&in, sizeof(in)) == 3000);
	for (int i = 0; i < 3; i++)
		must(recv(to, buf, sizeof(buf), 0) == 1000);
	try(setsockopt(to, SOL_UDP, UDP_GRO, &on, sizeof(on)));
	must(sendto(fd, buf, 3000, 0, (struct sockaddr *)&in, sizeof(in)) == 3000);
	must(recvmsg(to, &message, 0) == 3000);
	must(CMSG_FIRSTHDR(&message) && CMSG_FIRSTHDR(&message)->cmsg_type == UDP_GRO);
	must(*(int *)CMSG_DATA(CMSG_FIRSTHDR(&message)) == 1000);
}

static void udp_offload(void)
{
	in_net(udp_offload_in_net);
}

static void mptcp_in_net(void)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	unsigned char info[256] = {0};
	char c;
	int server = offered(socket(AF_INET, SOCK_STREAM, 262 /* IPPROTO_MPTCP */)),
	    client = try(socket(AF_INET, SOCK_STREAM, 262));

	up("lo");
	try(bind(server, (struct sockaddr *)&in, len));
	try(listen(server, 1));
	try(getsockname(server, (struct sockaddr *)&in, &len));
	try(connect(client, (struct sockaddr *)&in, len));
	int peer = try(accept(server, NULL, NULL));
	try(write(client, "x", 1));
	must(read(peer, &c, 1) == 1);
	/* MPTCP_INFO: the fallback to TCP is bit 0 of the flags at 8. */
	len = sizeof(info);
	try(getsockopt(client, 284 /* SOL_MPTCP */, 1, info, &len));
	must(!(info[8] & 1));
}

static void mptcp(void)
{
	in_net(mptcp_in_net);
}

/* Both ends have the key: what one writes the other reads, and what passes between them is something else. */
static void kernel_tls_in_net(void)
{
	struct tls12_crypto_info_aes_gcm_128 key = {
		.info = {TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128},
		.key = "0123456789abcde"};
	char text[64] = "";
	int client, peer;

	tcp_pair(&client, &peer);
	offered(setsockopt(client, SOL_TCP, TCP_ULP, "tls", 4));
	try(setsockopt(client, 282 /* SOL_TLS */, TLS_TX, &key, sizeof(key)));
	try(write(client, "secret", 6));
	/* A record's head, the explicit nonce, the ciphertext and its tag. */
	must(recv(peer, text, sizeof(text), MSG_PEEK) == 5 + 8 + 6 + 16);
	must(text[0] == 23 && !memmem(text, sizeof(text), "secret", 6));
	try(setsockopt(peer, SOL_TCP, TCP_ULP, "tls", 4));
	try(setsockopt(peer, 282, TLS_RX, &key, sizeof(key)));
	must(read(peer, text, sizeof(text)) == 6 && !memcmp(text, "secret", 6));
}

static void kernel_tls(void)
{
	in_net(kernel_tls_in_net);
}

static void sctp(void)
{
	offered(socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP));
}

static void ppp(void)
{
	int unit = -1, fd = offered(open("/dev/ppp", O_RDWR));

	try(ioctl(fd, _IOWR('t', 62, int) /* PPPIOCNEWUNIT */, &unit));
	must(unit >= 0 && if_nametoindex(path("ppp%d", unit)));
}

static void vhost(const char *device)
{
	uint64_t features = 0;
	int fd = offered(open(device, O_RDWR));

	try(ioctl(fd, _IO(0xaf, 1) /* VHOST_SET_OWNER */));
	try(ioctl(fd, _IOR(0xaf, 0, uint64_t) /* VHOST_GET_FEATURES */, &features));
	must(features >> VIRTIO_F_VERSION_1 & 1);
}

static void vhost_net(void)
{
	vhost("/dev/vhost-net");
}

static void vhost_vsock(void)
{
	vhost("/dev/vhost-vsock");
}

/* The queue's program refuses the packet: a datagram to ourselves is lost. */
static void queue_in_net(void)
{
	struct nfqnl_msg_config_cmd bind_it = {
		.command = NFQNL_CFG_CMD_BIND, .pf = htons(AF_INET)};
	struct message m = {
		.head = {.nlmsg_len = NLMSG_HDRLEN,
			.nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG}};

	add(&m, &(struct nfgenmsg){.res_id = htons(7)}, sizeof(struct nfgenmsg));
	attr(&m, NFQA_CFG_CMD, &bind_it, sizeof(bind_it));
	offered(talk_on(NETLINK_NETFILTER, &m));
}

static void nfqueue(void)
{
	in_net(queue_in_net);
}

static void log_in_net(void)
{
	struct nfulnl_msg_config_cmd bind_it = {.command = NFULNL_CFG_CMD_BIND};
	struct message m = {
		.head = {.nlmsg_len = NLMSG_HDRLEN,
			.nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG}};

	add(&m, &(struct nfgenmsg){.res_id = htons(7)}, sizeof(struct nfgenmsg));
	attr(&m, NFULA_CFG_CMD, &bind_it, sizeof(bind_it));
	offered(talk_on(NETLINK_NETFILTER, &m));
}

static void nflog(void)
{
	in_net(log_in_net);
}

static void netkit_in_net(void)
{
	make_link("netkit", NULL, 0, NULL, 0);
}

static void netkit(void)
{
	in_net(netkit_in_net);
}

const struct probe network_probes[] = {
	{R, "IPv4 TCP on loopback", ipv4},
	{R, "IPv6 TCP on loopback", ipv6},
	{R, "unix sockets: abstract names, credentials", unix_sockets},
	{R, "unix sockets: rights", unix_rights},
	{N, "unix sockets: SO_PEERPIDFD", unix_pidfd},
	{R, "multicast", multicast},
	{R, "ping sockets", ping},
	{R, "low ports for users", low_ports},
	{R, "veth between two network namespaces", veth_pair},
	{R, "links: bridge, dummy, vlan, macvlan, ipvlan, vxlan, wireguard", links},
	{N, "link: netkit", netkit},
	{R, "tun", tun},
	{R, "tap", tap},
	{R, "tc: htb, tbf, fq_codel, clsact, ingress", qdiscs},
	{R, "tc: netem delays by what it was told", netem},
	{R, "tc: cls_bpf drops", tc_bpf},
	{R, "XDP drops, generic", xdp_generic},
	{R, "XDP drops on veth", xdp_veth},
	{R, "AF_PACKET with a ring", packet},
	{R, "AF_ALG: SHA-256", alg_sha256},
	{N, "AF_ALG: SHA-1", alg_sha1},
	{N, "AF_ALG: AES", alg_cipher},
	{R, "diag: inet, unix", diag},
	{N, "diag: packet, netlink, vsock, xdp", diag_other},
	{N, "socket destroy", destroy},
	{R, "AF_VSOCK", vsock},
	{N, "AF_VSOCK loopback", vsock_loopback},
	{N, "AF_XDP sends", xdp_socket},
	{N, "ethtool by netlink", ethtool},
	{N, "taskstats", taskstats},
	{N, "nbd", nbd},
	{R, "BBR, cubic", congestion},
	{R, "TCP fast open", fast_open},
	{R, "zerocopy", zerocopy},
	{R, "SYN cookies", cookies},
	{R, "UDP segmentation and coalescing", udp_offload},
	{N, "MPTCP", mptcp},
	{N, "kernel TLS", kernel_tls},
	{N, "SCTP", sctp},
	{N, "PPP", ppp},
	{N, "nfqueue", nfqueue},
	{N, "nflog", nflog},
	{N, "vhost-net", vhost_net},
	{N, "vhost-vsock", vhost_vsock},
	{R, NULL, NULL},
};
