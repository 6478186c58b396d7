#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# In the guest: what real tools make of the network, between this namespace (left, 10.1.0.1) and another (right, 10.1.0.2).
# One line for each feature: "probe ok NAME" or "probe not ok NAME", after the output of what failed.

probe() {
	name=$1
	shift
	if output=$("$@" 2>&1); then
		echo "probe ok $name"
	else
		echo "$output" | sed 's/^/# /'
		echo "probe not ok $name"
	fi
}

# busybox's shell prefers its own.
ip() { /usr/bin/ip "$@"; }
unshare -n sleep 1000 &
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
	ruleset 'chain in { type filter hook input priority 0; tcp dport 7000 reject with tcp reset; udp dport 7 reject; }' || return
	b timeout 5 nc 10.1.0.1 7000 2>&1 </dev/null | grep refused
}
nft_ct() {
	ruleset 'chain in { type filter hook input priority 0; ct state established,related ct mark set 5 counter; ct state new ct mark set 4 counter accept; limit rate 100/second log prefix "probe" counter; }' || return
	reach && [ "$(nft list ruleset | grep -c 'packets [1-9]')" -ge 1 ]
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
	[ "$(ask 7005)" = 'here 7005' ] && nft list ruleset | grep 'counter packets [1-9]'
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
	[ "$(nft list chain inet t in | grep -c 'packets [1-9]')" -eq 3 ] && nft list set inet t seen | grep 10.1.0.2
}
nft_expressions() {
	ruleset '
	chain pre {
		type filter hook prerouting priority 0
		fib saddr . iif oif missing counter
		meta mark set numgen inc mod 2
		meta mark set jhash ip saddr mod 4
		fib daddr type local counter
	}' && reach && nft list ruleset | grep 'fib daddr type local counter packets [1-9]'
}
nft_families() {
	for family in ip ip6 inet; do
		ruleset 'chain c { type filter hook input priority 0; counter; }' || return
	done
}
tables() {
	for table in filter nat mangle raw; do
		"$1" -w -t $table -S || return
		"$1" -w -t $table -I OUTPUT -m comment --comment probe || return
		"$1" -w -t $table -S OUTPUT | grep probe || return
		"$1" -w -t $table -F || return
	done
}
matches() {
	tool=$1
	rule() { "$tool" -w -A "$@" || { echo "$tool $*"; return 1; }; }
	rule INPUT -m comment --comment x -m addrtype --dst-type LOCAL -j ACCEPT &&
	rule INPUT -m conntrack --ctstate NEW,ESTABLISHED &&
	rule INPUT -p tcp -m multiport --dports 1,2 -m tcp --syn &&
	rule INPUT -m mark --mark 1 -m connmark --mark 2 &&
	rule INPUT -m statistic --mode random --probability 0.5 &&
	rule FORWARD -m physdev --physdev-is-bridged &&
	rule INPUT -m recent --name x --set &&
	rule INPUT -p udp -m udp --dport 5 -j REJECT &&
	rule OUTPUT -t mangle -j MARK --set-mark 1 &&
	rule OUTPUT -t mangle -j CONNMARK --save-mark &&
	rule POSTROUTING -t nat -p tcp -j MASQUERADE &&
	rule PREROUTING -t nat -p tcp --dport 7 -j REDIRECT --to-ports 8 || return
	case $tool in
	ip6*)
		rule INPUT -p icmpv6 -m icmp6 --icmpv6-type 128
		;;
	*)
		rule INPUT -p icmp -m icmp --icmp-type 8 &&
		rule INPUT -m u32 --u32 '0&0xff=1' &&
		rule PREROUTING -t nat -p tcp --dport 7 -j DNAT --to-destination 10.1.0.9:9 &&
		rule POSTROUTING -t nat -p tcp --dport 7 -j SNAT --to-source 10.1.0.9
		;;
	esac
	status=$?
	for table in filter nat mangle; do "$tool" -w -t $table -F; done
	return $status
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
bridge() {
	ip link add br0 type bridge && ip link add port0 type veth peer name port1 && ip link set dev port0 master br0 && ip link set dev port0 up &&
		ip link set dev port1 up && ip link set dev br0 up || return
	ip tuntap add dev tap0 mode tap || return
	ip link set dev tap0 master br0 || return
	[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] && echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
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
	ip -6 rule add fwmark 7 table 100 && ip -6 rule del fwmark 7 table 100
}

probe 'nftables: drop and counters' nft_drop
probe 'nftables: reject' nft_reject
probe 'nftables: ct state and mark, limit, log' nft_ct
probe 'nftables: dnat and redirect' nft_dnat
probe 'nftables: snat and masquerade' nft_snat
probe 'nftables: hash, interval, concatenated, timeout, dynamic sets' nft_sets
probe 'nftables: fib, numgen, hash' nft_expressions
probe 'nftables: families ip, ip6, inet' nft_families
nft flush ruleset
for tool in iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy; do
	probe "$tool: filter, nat, mangle, raw" tables $tool
	probe "$tool: matches and targets" matches $tool
done
probe 'C4 NAT rule by iptables-nft, conntrack over netlink' masquerade
probe 'C4 bridge with netfilter, tap' bridge
probe 'WireGuard: handshake, TCP inside' wireguard
probe 'policy routing by mark' policy_routing
kill $other
