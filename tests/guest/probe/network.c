// SPDX-License-Identifier: Apache-2.0
/* Sockets, links and queues: features.md 4. What real tools configure is in network.sh. */
#include "probe.h"
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/icmp.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <linux/veth.h>
#include <linux/vm_sockets.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <time.h>

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
static int talk(struct message *m)
{
	struct message answer;
	int fd = try(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));

	m->head.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	try(send(fd, m, m->head.nlmsg_len, 0));
	try(recv(fd, &answer, sizeof(answer), 0));
	close(fd);
	must(answer.head.nlmsg_type == NLMSG_ERROR);
	errno = -((struct nlmsgerr *)answer.body)->error;
	return errno ? -1 : 0;
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
	if (talk(&m) < 0)
		fail(kind);
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

static void tcp_over(int family, struct sockaddr *to, socklen_t len)
{
	char c;
	int server = try(socket(family, SOCK_STREAM, 0)),
	    client = try(socket(family, SOCK_STREAM, 0));

	try(bind(server, to, len));
	try(listen(server, 1));
	try(getsockname(server, to, &len));
	try(connect(client, to, len));
	int peer = try(accept(server, NULL, NULL));
	try(write(client, "x", 1));
	must(read(peer, &c, 1) == 1 && c == 'x');
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

static void tun_in_net(void)
{
	struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI, .ifr_name = "probe"};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	char packet[256];
	int fd = try(open("/dev/net/tun", O_RDWR)),
	    udp = try(socket(AF_INET, SOCK_DGRAM, 0));

	try(ioctl(fd, TUNSETIFF, &r));
	put("/proc/sys/net/ipv6/conf/probe/disable_ipv6", "1");
	address("probe", "10.9.1.1");
	inet_pton(AF_INET, "10.9.1.2", &to.sin_addr);
	try(sendto(udp, "tunneled", 8, 0, (struct sockaddr *)&to, sizeof(to)));
	ssize_t n = try(read(fd, packet, sizeof(packet)));
	must(memmem(packet, n, "tunneled", 8));
	r.ifr_flags = IFF_TAP | IFF_NO_PI;
	strcpy(r.ifr_name, "tap");
	try(ioctl(try(open("/dev/net/tun", O_RDWR)), TUNSETIFF, &r));
}

static void tun(void)
{
	in_net(tun_in_net);
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
	struct timespec before, after;

	up("lo");
	m = qdisc_message("netem", TC_H_ROOT);
	attr(&m, TCA_OPTIONS, &qopt, sizeof(qopt));
	if (talk(&m) < 0)
		fail("netem");
	clock_gettime(CLOCK_MONOTONIC, &before);
	ping_in_net();
	clock_gettime(CLOCK_MONOTONIC, &after);
	must((after.tv_sec - before.tv_sec) * 1000 +
			(after.tv_nsec - before.tv_nsec) / 1000000 >=
		190);
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

static void xdp_in_net(void)
{
	up("lo");
	must(!lost());
	attach_xdp("lo", XDP_FLAGS_SKB_MODE);
	must(lost());
	veth(0);
	attach_xdp("a", XDP_FLAGS_DRV_MODE);
}

static void xdp(void)
{
	in_net(xdp_in_net);
}

static void packet_in_net(void)
{
	struct tpacket_req req = {.tp_block_size = 4096,
		.tp_block_nr = 2,
		.tp_frame_size = 2048,
		.tp_frame_nr = 4};
	int fd = try(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL))), version = TPACKET_V2;

	try(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)));
	try(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)));
	struct tpacket2_hdr *frame =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(frame != MAP_FAILED);
	up("lo");
	must(!lost());
	must(frame->tp_status & TP_STATUS_USER);
}

static void packet(void)
{
	in_net(packet_in_net);
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

static void vsock(void)
{
	struct sockaddr_vm vm = {
		.svm_family = AF_VSOCK, .svm_port = 4711, .svm_cid = VMADDR_CID_ANY};
	int fd = try(socket(AF_VSOCK, SOCK_STREAM, 0));

	try(bind(fd, (struct sockaddr *)&vm, sizeof(vm)));
	try(listen(fd, 1));
}

static void tcp_features_in_net(void)
{
	static const char *const algorithms[] = {"bbr", "cubic"};
	char name[16];
	int on = 1;
	socklen_t len;

	up("lo");
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		int fd = try(socket(AF_INET, SOCK_STREAM, 0));
		try(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, algorithms[i],
			strlen(algorithms[i])));
		len = sizeof(name);
		try(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
		must(!strcmp(name, algorithms[i]));
	}
	put("/proc/sys/net/ipv4/tcp_fastopen", "3");
	int fd = try(socket(AF_INET, SOCK_STREAM, 0));
	try(setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &on, sizeof(on)));
	try(setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)));
	must(atoi(get("/proc/sys/net/ipv4/tcp_syncookies")) == 1);
}

static void tcp_features(void)
{
	in_net(tcp_features_in_net);
}

static void udp_offload_in_net(void)
{
	static char buf[4096];
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
	must(recv(to, buf, sizeof(buf), 0) == 1000);
	try(setsockopt(to, SOL_UDP, UDP_GRO, &on, sizeof(on)));
}

static void udp_offload(void)
{
	in_net(udp_offload_in_net);
}

const struct probe network_probes[] = {
	{"IPv4 TCP on loopback", ipv4},
	{"IPv6 TCP on loopback", ipv6},
	{"unix sockets: abstract names, credentials", unix_sockets},
	{"multicast", multicast},
	{"ping sockets", ping},
	{"low ports for users", low_ports},
	{"C3 veth between two network namespaces", veth_pair},
	{"links: bridge, dummy, vlan, macvlan, ipvlan, vxlan, wireguard", links},
	{"tun and tap", tun},
	{"qdiscs: htb, tbf, fq_codel, clsact, ingress", qdiscs},
	{"netem delays", netem},
	{"cls_bpf drops", tc_bpf},
	{"XDP generic and on veth", xdp},
	{"AF_PACKET with a ring", packet},
	{"inet and unix diag", diag},
	{"AF_VSOCK", vsock},
	{"BBR, cubic, fast open, zerocopy, SYN cookies", tcp_features},
	{"UDP segmentation and coalescing", udp_offload},
	{NULL, NULL},
};
