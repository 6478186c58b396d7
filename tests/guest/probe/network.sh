#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# In the guest: what real tools make of the network, between this namespace (left, 10.1.0.1) and another (right, 10.1.0.2).
# One line for each feature whose name contains one of the arguments, as feature-probe prints it.

# maybe NAME COMMAND...: a kernel may be without it: then the tools say one of these.
lacking='No such file\|not supported\|Unknown device type\|not found\|missing kernel module'
maybe() {
	name=$1
	shift
	[ -z "$only" ] || echo "$name" | grep -q -F "$only" || return 0
	if output=$("$@" 2>&1); then
		echo "probe ok $name"
	elif echo "$output" | grep -q "$lacking"; then
		echo "probe absent $name"
	else
		echo "$output" | sed 's/^/# /'
		echo "probe not ok $name"
	fi
}
# probe NAME COMMAND...: what is required is never absent.
probe() {
	lacking='^$ no such line' maybe "$@"
}
# A line for each.
only=$(printf '%s\n' "$@")

# busybox's shell prefers its own.
ip() { /usr/bin/ip "$@"; }
# A connection may have to wait for a slow machine before anybody looks for it.
echo 600 >/proc/sys/net/netfilter/nf_conntrack_icmp_timeout
unshare -n sleep 10000 &
other=$!
b() { nsenter -t $other -n "$@"; }
ip link set dev lo up
ip link add left type veth peer name right
until b true 2>/dev/null && [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.1; done
ip link set dev right netns $other
ip addr add 10.1.0.1/24 dev left
ip -6 addr add fd00::1/64 dev left
ip link set dev left up
b /usr/bin/ip addr add 10.1.0.2/24 dev right
b /usr/bin/ip -6 addr add fd00::2/64 dev right
b /usr/bin/ip link set dev right up
b /usr/bin/ip link set dev lo up

reach() { b ping -c 1 -W 2 10.1.0.1; }
tries=0
until reach >/dev/null 2>&1 || [ $((tries += 1)) -gt 50 ]; do sleep 0.2; done
ruleset() {
	nft flush ruleset
	nft -f - <<EOF
table ${family:-inet} t {
	$1
}
EOF
}
# answer PORT: who connects hears it once.
answer() { timeout 20 nc -l -p "$1" -e echo "here $1" & sleep 0.3; }
ask() { b timeout 5 nc 10.1.0.1 "$1" </dev/null; }

nft_drop() {
	ruleset 'chain in { type filter hook input priority 0; icmp type echo-request counter drop; }' || return
	reach && return 1
	nft list ruleset | grep 'counter packets [1-9]' || return
	nft flush ruleset
	reach
}
nft_reject() {
	ruleset 'chain in { type filter hook input priority 0; tcp dport 7000 reject with tcp reset; icmp type echo-request reject with icmp admin-prohibited; }' || return
	b timeout 5 nc 10.1.0.1 7000 2>&1 </dev/null | grep refused
	! reach && nft flush ruleset && reach
}
nft_ct() {
	ruleset 'chain in { type filter hook input priority 0; ct state new ct mark set 4; ct state new ct mark 4 counter accept; }' || return
	reach && nft list ruleset | grep 'ct mark 0x00000004 counter packets [1-9]' || return
	conntrack -L -p icmp --mark 4 | grep 10.1.0.2
}
# Two of ten in an hour.
nft_limit() {
	ruleset 'chain in { type filter hook input priority 0; icmp type echo-request limit rate 2/hour burst 2 packets counter; }' || return
	for _ in 1 2 3 4 5; do reach; done
	nft list ruleset | grep 'counter packets 2 '
}
nft_log() {
	ruleset 'chain in { type filter hook input priority 0; icmp type echo-request log prefix "nft-probe "; }' || return
	reach && dmesg | grep 'nft-probe IN=left .*SRC=10.1.0.2'
}
nft_dnat() {
	family=ip
	ruleset 'chain pre { type nat hook prerouting priority -100; tcp dport 7001 dnat to 10.1.0.1:7002; tcp dport 7003 redirect to :7004; }' || return
	answer 7002
	[ "$(ask 7001)" = 'here 7002' ] || return
	answer 7004
	[ "$(ask 7003)" = 'here 7004' ]
}
nft_snat() {
	b /usr/bin/ip addr add 10.1.0.3/24 dev right
	b nft -f - <<-EOF || return
	table ip t {
		chain post {
			type nat hook postrouting priority 100
			tcp dport 7005 snat to 10.1.0.3
			tcp dport 7006 masquerade
		}
	}
	EOF
	ruleset 'chain in { type filter hook input priority 0; ip saddr 10.1.0.3 counter; }' || return
	answer 7005
	[ "$(ask 7005)" = 'here 7005' ] && nft list ruleset | grep 'counter packets [1-9]' && answer 7006 &&
		[ "$(ask 7006)" = 'here 7006' ] && b conntrack -L -p tcp --dport 7006 | grep 'dst=10.1.0.[23]'
	status=$?
	b nft flush ruleset
	return $status
}
nft_sets() {
	ruleset '
	set plain { type ipv4_addr; elements = { 10.1.0.2, 10.1.0.9 }; }
	set ranges { type ipv4_addr; flags interval; elements = { 10.1.0.0/24 }; }
	set pairs { type ipv4_addr . inet_proto; flags interval; elements = { 10.1.0.0/24 . icmp }; }
	set seen { type ipv4_addr; flags dynamic, timeout; timeout 1h; }
	chain in {
		type filter hook input priority 0
		ip saddr @plain counter
		ip saddr @ranges counter
		ip saddr . ip protocol @pairs counter
		add @seen { ip saddr }
	}' || return
	reach || return
	[ "$(nft list chain inet t in | grep -c 'packets [1-9]')" -eq 3 ] && nft list set inet t seen | grep 10.1.0.2 || return
	nft 'add set inet t short { type ipv4_addr; flags timeout; }; add element inet t short { 10.1.0.2 timeout 6s }' || return
	nft list set inet t short | grep 10.1.0.2 || return
	tries=0
	while nft list set inet t short | grep 10.1.0.2; do
		[ $((tries += 1)) -lt 60 ] && sleep 1 || return
	done
}
nft_expressions() {
	ruleset '
	chain pre {
		type filter hook prerouting priority 0
		fib saddr . iif oif missing counter drop
		fib daddr type local counter
		meta mark set numgen inc mod 2 offset 6 meta mark { 6, 7 } counter
		meta mark set jhash ip saddr mod 1 offset 9 meta mark 9 counter
		meta mark set symhash mod 1 offset 3 meta mark 3 counter
	}' && reach && [ "$(nft list ruleset | grep -c 'counter packets [1-9]')" -eq 4 ]
}
nft_families() {
	for family in ip ip6 inet; do
		ruleset 'chain c { type filter hook input priority 0; counter; }' || return
		if [ $family = ip6 ]; then b ping -6 -c 1 -W 2 fd00::1; else reach; fi || return
		nft list ruleset | grep 'counter packets [1-9]' || return
	done
}
nft_flowtable() {
	ruleset 'flowtable f { hook ingress priority 0; devices = { left }; }
		chain passing { type filter hook forward priority 0; ip protocol tcp flow add @f; }'
}
nft_proxy() {
	ruleset 'chain pre { type filter hook prerouting priority mangle; meta l4proto tcp socket transparent 1 mark set 1 accept; tcp dport 7100 tproxy ip to 127.0.0.1:7101 meta mark set 1 accept; }'
}
# A packet for a queue that nobody serves is lost.
nft_queue() {
	ruleset 'chain in { type filter hook input priority 0; icmp type echo-request counter queue num 9; }' || return
	! reach && nft list ruleset | grep 'packets [1-9]'
}
# The ping has 84 bytes.
nft_quota() {
	ruleset 'chain in { type filter hook input priority 0; icmp type echo-request quota over 100 bytes drop; }' || return
	reach && ! reach
}
nft_connlimit() {
	ruleset 'chain in { type filter hook input priority 0; tcp dport 7110 ct count over 1 counter reject with tcp reset; }' || return
	answer 7110
	ask 7110
}
nft_notrack() {
	ruleset 'chain pre { type filter hook prerouting priority raw; icmp type echo-request notrack; }
		chain in { type filter hook input priority 0; ct state untracked icmp type echo-request counter; }' || return
	reach && nft list ruleset | grep 'counter packets [1-9]'
}
nft_zone() {
	ruleset 'chain pre { type filter hook prerouting priority raw; icmp type echo-request ct zone set 77; }
		chain in { type filter hook input priority 0; ct state new accept; }' || return
	reach
	conntrack -L -p icmp | grep 'zone=77'
}
# nft_helper NAME PROTOCOL PORT
nft_helper() {
	ruleset "ct helper h { type \"$1\" protocol $2; }
		chain pre { type filter hook prerouting priority 0; $2 dport $3 ct helper set \"h\"; }"
}
nft_bridge() {
	family=bridge
	ruleset 'chain passing { type filter hook forward priority 0; ether type ip counter; }'
}
nft_netdev() {
	family=netdev
	ruleset 'chain ingress { type filter hook ingress device left priority 0; icmp type echo-request counter drop; }' || return
	! reach && nft list ruleset | grep 'counter packets [1-9]'
}
tables() {
	for table in filter nat mangle raw; do
		"$1" -w -t $table -S || return
		"$1" -w -t $table -I OUTPUT -m comment --comment probe || return
		"$1" -w -t $table -S OUTPUT | grep probe || return
		"$1" -w -t $table -F || return
	done
}
# rules TOOL: takes every line of the input as a rule.
rules() {
	status=0
	while read -r rule; do
		eval "$1 -w -A $rule" || { status=1; echo "$1 $rule"; }
	done
	for table in filter nat mangle raw; do "$1" -w -t $table -F; done
	return $status
}
# The options that only the newest revision of a match or target takes are there on purpose.
matches() {
	case $1 in
	ip6*) icmp='icmpv6 -m icmp6 --icmpv6-type 128' to='[fd00::9]' prohibited=icmp6-adm-prohibited ;;
	*) icmp='icmp -m icmp --icmp-type 8' to=10.1.0.9 prohibited=icmp-admin-prohibited ;;
	esac
	rules "$1" <<-EOF
	INPUT -m comment --comment x -m addrtype --dst-type LOCAL --limit-iface-in -j ACCEPT
	INPUT -m conntrack --ctstate NEW,ESTABLISHED --ctstatus SEEN_REPLY
	INPUT -p tcp -m multiport --dports 1,2,80:90 -m tcp --syn
	INPUT -m mark --mark 1/3 -m connmark --mark 2/3
	INPUT -m statistic --mode random --probability 0.5
	INPUT -m statistic --mode nth --every 3 --packet 0
	FORWARD -m physdev --physdev-is-bridged
	INPUT -m recent --name x --set
	INPUT -m recent --name x --update --seconds 60 --hitcount 4 --rttl
	INPUT -m u32 --u32 '0&0xff=1'
	INPUT -p $icmp
	INPUT -p udp -m udp --dport 5 -j REJECT
	INPUT -p tcp -j REJECT --reject-with tcp-reset
	INPUT -j REJECT --reject-with $prohibited
	OUTPUT -t mangle -j MARK --set-xmark 1/3
	OUTPUT -t mangle -j CONNMARK --save-mark --nfmask 3 --ctmask 3
	POSTROUTING -t nat -p tcp -j MASQUERADE --to-ports 1000-2000 --random-fully
	PREROUTING -t nat -p tcp --dport 7 -j REDIRECT --to-ports 8
	PREROUTING -t nat -p tcp --dport 7 -j DNAT --to-destination $to:9 --persistent
	POSTROUTING -t nat -p tcp --dport 7 -j SNAT --to-source $to:9
	EOF
}
# What the tools have beside these, as kube-proxy, CNI plug-ins and VPNs ask for it.
more_matches() {
	case $1 in
	ip6*) range=fd00::1-fd00::9 ;;
	*) range=10.0.0.1-10.0.0.9 ;;
	esac
	rules "$1" <<-EOF
	OUTPUT -m owner --uid-owner 1000-2000 --socket-exists
	PREROUTING -t mangle -p tcp -j TPROXY --on-port 7 --tproxy-mark 1
	PREROUTING -t mangle -m socket --transparent --nowildcard --restore-skmark
	PREROUTING -t raw -j CT --notrack
	PREROUTING -t raw -j CT --zone-orig 3 --ctevents new,destroy
	PREROUTING -t raw -p tcp --dport 21 -j CT --helper ftp
	FORWARD -t mangle -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu
	INPUT -m limit --limit 1/min -j LOG --log-prefix x
	INPUT -j NFLOG --nflog-group 3 --nflog-size 20
	INPUT -m state --state NEW
	PREROUTING -t raw -m rpfilter --invert --validmark
	INPUT -m hashlimit --hashlimit-name x --hashlimit-above 10/sec
	INPUT -m hashlimit --hashlimit-name y --hashlimit-above 512kb/s --hashlimit-mode srcip
	INPUT -p tcp -m connlimit --connlimit-above 2 --connlimit-mask 24
	INPUT -m iprange --src-range $range
	INPUT -m mac --mac-source 02:00:00:00:00:01
	INPUT -m string --algo bm --string probe
	INPUT -m string --algo kmp --string probe
	INPUT -m bpf --bytecode '1,6 0 0 1'
	OUTPUT -m cgroup --path leaf
	OUTPUT -m cgroup --cgroup 5
	INPUT -m policy --dir in --pol ipsec --proto esp --mode tunnel
	INPUT -m length --length 100:200
	INPUT -m time --timestart 01:00 --weekdays Mon
	INPUT -m ipvs --ipvs
	INPUT -p tcp -j NFQUEUE --queue-balance 3:4 --queue-bypass
	EOF
}
masquerade() {
	b iptables-nft -t nat -A POSTROUTING -p tcp -j MASQUERADE || return
	answer 7010
	[ "$(ask 7010)" = 'here 7010' ] || return
	b conntrack -L -p tcp --dport 7010 | grep 'dport=7010'
	status=$?
	b iptables-nft -t nat -F
	return $status
}
# Redirected and refused for real, by the old tables.
legacy_effect() {
	iptables-legacy -w -t nat -A PREROUTING -p tcp --dport 7200 -j REDIRECT --to-ports 7201 || return
	iptables-legacy -w -A INPUT -p tcp --dport 7202 -j REJECT --reject-with tcp-reset || return
	answer 7201
	[ "$(ask 7200)" = 'here 7201' ] && b timeout 5 nc 10.1.0.1 7202 2>&1 </dev/null | grep refused
	status=$?
	iptables-legacy -w -t nat -F
	iptables-legacy -w -F
	return $status
}
conntrack_sysctl() {
	echo 65536 >/proc/sys/net/netfilter/nf_conntrack_max 2>/dev/null
	[ "$(cat /proc/sys/net/netfilter/nf_conntrack_max)" -gt 0 ] && [ -f /proc/sys/net/netfilter/nf_conntrack_count ] || return
	iptables-nft -A INPUT -m conntrack --ctstate INVALID && reach && conntrack -L | grep 10.1.0.2
	status=$?
	iptables-nft -F
	return $status
}
sets() {
	ipset create probe hash:ip && ipset add probe 10.1.0.2 || return
	iptables-nft -A INPUT -p icmp -m set --match-set probe src -j DROP || return
	! reach
	status=$?
	iptables-nft -F
	ipset destroy probe
	[ $status -eq 0 ] || return
	for type in hash:net hash:ip,port hash:ip,port,ip hash:ip,port,net hash:net,port list:set 'bitmap:port range 1-9'; do
		# shellcheck disable=SC2086 # the type's options
		ipset create probe $type && ipset destroy probe || return
	done
}
# A virtual address that this side hands on to itself.
virtual_server() {
	ip addr add 10.6.0.1/32 dev lo
	ipvsadm -A -t 10.6.0.1:7300 -s rr && ipvsadm -a -t 10.6.0.1:7300 -r 10.1.0.1:7301 -m || return
	b /usr/bin/ip route add 10.6.0.1 via 10.1.0.1
	answer 7301
	[ "$(b timeout 5 nc 10.6.0.1 7300 </dev/null)" = 'here 7301' ]
	status=$?
	ipvsadm -C
	ip addr del 10.6.0.1/32 dev lo
	return $status
}
# Two ports of a bridge: a rule for IP sees what passes between them.
bridge() {
	ip link add br0 type bridge && ip link set dev br0 up || return
	for n in 1 2; do
		unshare -n sleep 10000 &
		eval "n$n=$!"
		ip link add port$n type veth peer name inner$n || return
		until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.1; done
		ip link set dev inner$n netns $! && ip link set dev port$n master br0 up || return
		nsenter -t $! -n /usr/bin/ip addr add 10.7.0.$n/24 dev inner$n || return
		nsenter -t $! -n /usr/bin/ip link set dev inner$n up || return
	done
	# shellcheck disable=SC2154 # by eval
	nsenter -t "$n1" -n ping -c 1 -W 5 10.7.0.2 || return
	echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables || return
	iptables-nft -A FORWARD -p icmp -m physdev --physdev-is-bridged --physdev-in port1 -j DROP || return
	! nsenter -t "$n1" -n ping -c 1 -W 2 10.7.0.2 || return
	ip tuntap add dev tap0 mode tap && ip link set dev tap0 master br0
	status=$?
	iptables-nft -F
	# shellcheck disable=SC2154
	kill "$n1" "$n2"
	return $status
}
vlan_filtering() {
	ip link add br1 type bridge vlan_filtering 1 && ip link add p1 type dummy && ip link set dev p1 master br1 || return
	/usr/sbin/bridge vlan add dev p1 vid 7 && /usr/sbin/bridge vlan show dev p1 | grep 7
}
# pair LEFT RIGHT ["NETWORK BITS FLAG"]: links with these options on both sides, and a ping between them.
pair() {
	# shellcheck disable=SC2086 # lists of options
	ip link add name top $1 && b /usr/bin/ip link add name top $2 && met ${3:-10.5.0. 24}
	status=$?
	ip link del top
	b /usr/bin/ip link del top
	return $status
}
met() {
	# shellcheck disable=SC2086 # no flag is no word
	ip addr add "${1}1/$2" dev top ${3-} && b /usr/bin/ip addr add "${1}2/$2" dev top ${3-} || return
	ip link set dev top up && b /usr/bin/ip link set dev top up && b ping -c 1 -W 5 "${1}1"
}
made() {
	ip link add made type "$@" && ip link show made && ip link del made
}
macvtap() {
	ip link add link left name made type macvtap && ip link del made
}
# esp LEFT RIGHT ALGORITHM...: a ping arrives, and as ESP.
esp() {
	left=$1 right=$2
	shift 2
	cat >/tmp/states <<-EOF
	xfrm state add src $left dst $right proto esp spi 7 mode transport $*
	xfrm state add src $right dst $left proto esp spi 8 mode transport $*
	EOF
	ip -batch /tmp/states && b /usr/bin/ip -batch /tmp/states &&
		ip xfrm policy add src "$left" dst "$right" dir out tmpl proto esp mode transport &&
		b /usr/bin/ip xfrm policy add src "$right" dst "$left" dir out tmpl proto esp mode transport &&
		ruleset 'chain in { type filter hook input priority 0; meta l4proto esp counter; }' &&
		b ping -c 1 -W 5 "$left" && nft list ruleset | grep 'counter packets [1-9]'
	status=$?
	for side in '' b; do
		$side /usr/bin/ip xfrm policy flush
		$side /usr/bin/ip xfrm state flush
	done
	nft flush ruleset
	return $status
}
ipsec() {
	key=0x000102030405060708090a0b0c0d0e0f
	esp 10.1.0.1 10.1.0.2 aead 'rfc4106(gcm(aes))' ${key}10111213 128 &&
		esp fd00::1 fd00::2 enc 'cbc(aes)' $key auth 'hmac(sha256)' $key
}
# The route of a dummy's network has two next hops: of many flows some take each.
multipath() {
	ip link add hop1 type dummy && ip link add hop2 type dummy || return
	for n in 1 2; do
		ip addr add 10.8.$n.1/24 dev hop$n && ip link set dev hop$n up || return
	done
	ip route add 10.9.0.0/16 nexthop via 10.8.1.2 nexthop via 10.8.2.2 || return
	for n in $(seq 1 40); do ip route get "10.9.0.$n"; done >/tmp/hops
	[ "$(grep -c hop1 /tmp/hops)" -gt 0 ] && [ "$(grep -c hop2 /tmp/hops)" -gt 0 ]
}
router_preference() {
	ip -6 route add fd07::/64 via fd00::2 dev left pref high && ip -6 route show fd07::/64 | grep 'pref high'
}
# tc NAME...: a discipline is taken by the other side's link.
disciplines() {
	for kind in fq prio sfq; do
		b /usr/sbin/tc qdisc replace dev right root $kind && reach || return
	done
	b /usr/sbin/tc qdisc del dev right root
}
# What arrives is dropped by a filter of that kind: every one counts as one that works.
tc_drops() {
	b /usr/sbin/tc qdisc add dev right clsact || return
	b /usr/sbin/tc filter add dev right egress "$@" || return
	! reach
	status=$?
	b /usr/sbin/tc -s filter show dev right egress
	b /usr/sbin/tc qdisc del dev right clsact
	[ $status -eq 0 ] && reach
}
tc_u32() { tc_drops protocol ip u32 match ip protocol 1 0xff action drop; }
tc_matchall() { tc_drops matchall action drop; }
tc_flower() { tc_drops protocol ip flower ip_proto icmp action drop; }
# The mark is from a rule.
tc_fw() {
	b nft -f - <<-EOF || return
	table ip t { chain out { type filter hook output priority 0; icmp type echo-request meta mark set 5; }; }
	EOF
	tc_drops protocol ip handle 5 fw action drop
	status=$?
	b nft flush ruleset
	return $status
}
tc_police() { tc_drops matchall action police rate 8bit burst 1 conform-exceed drop; }
# What goes out by one device makes a detour by another.
tc_mirred() {
	b /usr/bin/ip link add detour type ifb && b /usr/bin/ip link set dev detour up || return
	b /usr/sbin/tc qdisc add dev right clsact || return
	b /usr/sbin/tc filter add dev right egress matchall action mirred egress redirect dev detour || return
	reach && b /usr/bin/ip -s link show detour | grep -A 1 'RX:' | grep '^ *[1-9]'
	status=$?
	b /usr/sbin/tc qdisc del dev right clsact
	b /usr/bin/ip link del detour
	return $status
}
# 64 KiB at 256 kbit/s take two seconds.
htb_rate() {
	b /usr/sbin/tc qdisc replace dev right root handle 1: htb default 1 || return
	b /usr/sbin/tc class add dev right parent 1: classid 1:1 htb rate 256kbit burst 2k cburst 2k || return
	b timeout 60 nc -l -p 7400 -e head -c 65536 /dev/zero &
	sleep 0.3
	start=$(cut -d. -f1 /proc/uptime)
	received=$(timeout 60 nc 10.1.0.2 7400 </dev/null | wc -c)
	spent=$(($(cut -d. -f1 /proc/uptime) - start))
	echo "$received bytes in $spent s"
	b /usr/sbin/tc qdisc del dev right root
	[ "$received" -eq 65536 ] && [ $spent -ge 1 ] && [ $spent -le 8 ]
}
listed() {
	timeout 20 nc -l -p 7500 -e true &
	sleep 0.3
	ss -tln | grep ':7500 '
}
wireguard() {
	umask 077 && wg genkey >/tmp/key.a && wg genkey >/tmp/key.b || return
	ip link add wg0 type wireguard && b /usr/bin/ip link add wg0 type wireguard || return
	wg set wg0 listen-port 5000 private-key /tmp/key.a peer "$(wg pubkey </tmp/key.b)" allowed-ips 10.2.0.2/32 || return
	b wg set wg0 private-key /tmp/key.b peer "$(wg pubkey </tmp/key.a)" allowed-ips 10.2.0.1/32 endpoint 10.1.0.1:5000 || return
	ip addr add 10.2.0.1/24 dev wg0 && ip link set dev wg0 up || return
	b /usr/bin/ip addr add 10.2.0.2/24 dev wg0 && b /usr/bin/ip link set dev wg0 up || return
	b ping -c 1 -W 5 10.2.0.1 || return
	answer 7020
	[ "$(b timeout 5 nc 10.2.0.1 7020 </dev/null)" = 'here 7020' ]
}
policy_routing() {
	ip rule add fwmark 7 table 100 && ip route add blackhole default table 100 || return
	ping -c 1 -W 2 10.1.0.2 || return
	iptables-nft -t mangle -A OUTPUT -p icmp -j MARK --set-mark 7 || return
	! ping -c 1 -W 1 10.1.0.2 || return
	iptables-nft -t mangle -F
	ip rule del fwmark 7 table 100
	ip -6 rule add fwmark 7 table 100 && ip -6 route add blackhole default table 100 || return
	ping -6 -c 1 -W 2 fd00::2 || return
	ip6tables-nft -t mangle -A OUTPUT -p icmpv6 --icmpv6-type echo-request -j MARK --set-mark 7 || return
	! ping -6 -c 1 -W 1 fd00::2 || return
	ip6tables-nft -t mangle -F
	ip -6 rule del fwmark 7 table 100
}

probe 'nftables: drop and counters' nft_drop
probe 'nftables: reject' nft_reject
probe 'nftables: ct state and mark' nft_ct
probe 'nftables: limit' nft_limit
probe 'nftables: log' nft_log
probe 'nftables: dnat and redirect' nft_dnat
probe 'nftables: snat and masquerade' nft_snat
probe 'nftables: hash, interval, concatenated, timeout, dynamic sets' nft_sets
probe 'nftables: fib, numgen, hash' nft_expressions
probe 'nftables: families ip, ip6, inet' nft_families
maybe 'nftables: flowtable' nft_flowtable
maybe 'nftables: tproxy, socket' nft_proxy
maybe 'nftables: queue' nft_queue
maybe 'nftables: quota' nft_quota
maybe 'nftables: connlimit' nft_connlimit
maybe 'nftables: notrack' nft_notrack
maybe 'nftables: ct zone' nft_zone
maybe 'nftables: ct helper ftp' nft_helper ftp tcp 21
maybe 'nftables: ct helper tftp' nft_helper tftp udp 69
maybe 'nftables: bridge family' nft_bridge
maybe 'nftables: netdev family' nft_netdev
nft flush ruleset
probe 'iptables-nft: filter, nat, mangle, raw' tables iptables-nft
probe 'iptables-nft: matches and targets' matches iptables-nft
maybe 'iptables-nft: more matches and targets' more_matches iptables-nft
probe 'ip6tables-nft: filter, nat, mangle, raw' tables ip6tables-nft
probe 'ip6tables-nft: matches and targets' matches ip6tables-nft
maybe 'ip6tables-nft: more matches and targets' more_matches ip6tables-nft
nft flush ruleset
probe 'iptables-legacy: filter, nat, mangle, raw' tables iptables-legacy
probe 'iptables-legacy: matches and targets' matches iptables-legacy
maybe 'iptables-legacy: more matches and targets' more_matches iptables-legacy
probe 'ip6tables-legacy: filter, nat, mangle, raw' tables ip6tables-legacy
probe 'ip6tables-legacy: matches and targets' matches ip6tables-legacy
maybe 'ip6tables-legacy: more matches and targets' more_matches ip6tables-legacy
probe 'iptables-legacy: redirect and reject' legacy_effect
probe 'iptables-nft: masquerade' masquerade
probe 'conntrack over netlink and sysctl' conntrack_sysctl
maybe 'ipset' sets
maybe 'IPVS' virtual_server
probe 'bridge with netfilter, tap as a port' bridge
maybe 'bridge VLAN filtering' vlan_filtering
probe 'vlan: traffic' pair 'link left type vlan id 7' 'link right type vlan id 7'
probe 'macvlan: traffic' pair 'link left type macvlan mode bridge' 'link right type macvlan mode bridge'
probe 'ipvlan: traffic' pair 'link left type ipvlan mode l2' 'link right type ipvlan mode l2'
probe 'vxlan: traffic' pair 'type vxlan id 7 local 10.1.0.1 remote 10.1.0.2 dstport 4789' 'type vxlan id 7 local 10.1.0.2 remote 10.1.0.1 dstport 4789'
maybe 'geneve: traffic' pair 'type geneve id 7 remote 10.1.0.2' 'type geneve id 7 remote 10.1.0.1'
maybe 'ipip: traffic' pair 'type ipip local 10.1.0.1 remote 10.1.0.2' 'type ipip local 10.1.0.2 remote 10.1.0.1'
maybe 'gre: traffic' pair 'type gre local 10.1.0.1 remote 10.1.0.2' 'type gre local 10.1.0.2 remote 10.1.0.1'
maybe 'sit: traffic' pair 'type sit local 10.1.0.1 remote 10.1.0.2' 'type sit local 10.1.0.2 remote 10.1.0.1' 'fd05:: 64 nodad'
maybe 'ip6tnl: traffic' pair 'type ip6tnl mode any local fd00::1 remote fd00::2' 'type ip6tnl mode any local fd00::2 remote fd00::1'
maybe 'link: bond' made bond
maybe 'link: vrf' made vrf table 10
maybe 'link: ifb' made ifb
maybe 'link: xfrm' made xfrm if_id 1
maybe 'link: macvtap' macvtap
maybe 'IPsec: ESP' ipsec
probe 'WireGuard: handshake, TCP inside' wireguard
probe 'policy routing v4 and v6 by mark' policy_routing
probe 'multipath routes' multipath
maybe 'IPv6 router preference' router_preference
probe 'tc: htb keeps its rate' htb_rate
probe 'tc: u32 drops' tc_u32
maybe 'tc: fq, prio, sfq' disciplines
maybe 'tc: matchall, gact' tc_matchall
maybe 'tc: flower' tc_flower
maybe 'tc: fw' tc_fw
maybe 'tc: mirred, ifb' tc_mirred
maybe 'tc: police' tc_police
probe 'ss lists sockets' listed
kill $other
