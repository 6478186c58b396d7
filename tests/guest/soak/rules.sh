# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2016,SC2034 # scripts for another shell
# In the guest: rule sets as docker, kube-proxy and firewalls write them, through every tool that loads them.
ip link add docker0 type bridge
ip link set docker0 up
mkdir /sys/fs/cgroup/group
for family in inet inet6; do
	ipset create hosts-$family hash:net family $family
	ipset create bridges-$family hash:net family $family
done
for type in hash:ip hash:net hash:ip,port hash:ip,port,ip hash:ip,port,net hash:net,port list:set; do
	try "ipset $type" 20 "ipset create set-$type $type"
done
try 'ipset bitmap:port' 20 'ipset create ports bitmap:port range 0-65535'
try 'ipset with time-out, counters, comments, marks' 20 'ipset create rich hash:ip timeout 300 counters comment skbinfo'

cat >/tmp/docker <<'RULES'
*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -d @CONTAINER@ ! -i docker0 -j DROP
-A PREROUTING -m rpfilter --invert -j DROP
-A OUTPUT -p udp --dport 9 -j CT --notrack
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
-A OUTPUT -p udp -m udp --dport 4789 -m u32 --u32 "0x0>>0x16&0x3c@0xc&0xffffff00=0x100100" -j MARK --set-xmark 0xd0c4e3/0xffffffff
-A PREROUTING -p tcp -m set --match-set hosts-@FAMILY@ src -j MARK --set-xmark 0x1/0x1
-A PREROUTING -p tcp -m socket --transparent -j MARK --set-mark 1
-A PREROUTING -p tcp --dport 80 -j TPROXY --tproxy-mark 0x1/0x1 --on-port 50080
-A PREROUTING -j CONNMARK --restore-mark
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d @LOOPBACK@ -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s @NETWORK@ ! -o docker0 -j MASQUERADE
-A POSTROUTING -s @CONTAINER@ -d @CONTAINER@ -p tcp -m tcp --dport 80 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination @TARGET@
-A OUTPUT -p udp -m udp --dport 53 -j REDIRECT --to-ports 5353
-A POSTROUTING -p tcp -m tcp --sport 36153 -j SNAT --to-source :53
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-FORWARD - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-FORWARD
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A DOCKER -d @CONTAINER@ ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-FORWARD -m set --match-set bridges-@FAMILY@ dst -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p udp -m policy --dir in --pol ipsec -m udp --dport 4789 -j ACCEPT
-A INPUT -p tcp --dport 22 -m recent --set --name ssh
-A INPUT -p tcp --dport 22 -m recent --update --seconds 60 --hitcount 4 --name ssh -j DROP
-A INPUT -m limit --limit 5/min -j LOG --log-prefix "dropped: "
-A INPUT -m hashlimit --hashlimit-name @FAMILY@ --hashlimit-above 10/sec --hashlimit-mode srcip -j DROP
-A INPUT -p tcp -m connlimit --connlimit-above 100 -j REJECT --reject-with tcp-reset
-A INPUT -p tcp -m multiport --dports 80,443 -m comment --comment "web" -j ACCEPT
-A INPUT -m mac --mac-source 00:11:22:33:44:55 -j DROP
-A INPUT -m string --string attack --algo bm -j DROP
-A INPUT -m length --length 1000:2000 -j ACCEPT
-A INPUT -m time --timestart 01:00 --timestop 02:00 -j ACCEPT
-A OUTPUT -m owner --uid-owner 1000 -j ACCEPT
-A OUTPUT -m cgroup --path group -j ACCEPT
-A FORWARD -m physdev --physdev-is-bridged -j ACCEPT
-A INPUT -p @ICMP@ -j ACCEPT
-A INPUT -m state --state NEW -j NFLOG --nflog-group 3
-A FORWARD -j NFQUEUE --queue-num 1 --queue-bypass
COMMIT
RULES
cat >/tmp/kubernetes <<'RULES'
*mangle
:KUBE-KUBELET-CANARY - [0:0]
COMMIT
*filter
:KUBE-FIREWALL - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-SERVICES - [0:0]
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
-A KUBE-FIREWALL ! -s @LOOPBACK@ -d @LOOPBACK@ -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-SERVICES -d @CONTAINER@ -p tcp -m comment --comment "no endpoints" -m tcp --dport 443 -j REJECT
COMMIT
*nat
:KUBE-MARK-MASQ - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SEP-AAAAAAAAAAAAAAAA - [0:0]
:KUBE-SEP-BBBBBBBBBBBBBBBB - [0:0]
:KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -j MASQUERADE --random-fully
-A KUBE-SEP-AAAAAAAAAAAAAAAA -s @CONTAINER@ -j KUBE-MARK-MASQ
-A KUBE-SEP-AAAAAAAAAAAAAAAA -p tcp -m tcp -m recent --set --name KUBE-SEP-AAAAAAAAAAAAAAAA --rsource -j DNAT --to-destination @TARGET@
-A KUBE-SEP-BBBBBBBBBBBBBBBB -p tcp -m tcp -j DNAT --to-destination @TARGET@
-A KUBE-SERVICES -d @CONTAINER@ -p tcp -m tcp --dport 443 -j KUBE-SVC-AAAAAAAAAAAAAAAA
-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-SVC-AAAAAAAAAAAAAAAA -m recent --name KUBE-SEP-AAAAAAAAAAAAAAAA --rcheck --seconds 10800 --reap --rsource -j KUBE-SEP-AAAAAAAAAAAAAAAA
-A KUBE-SVC-AAAAAAAAAAAAAAAA -m statistic --mode random --probability 0.5 -j KUBE-SEP-AAAAAAAAAAAAAAAA
-A KUBE-SVC-AAAAAAAAAAAAAAAA -j KUBE-SEP-BBBBBBBBBBBBBBBB
COMMIT
RULES
functions='
# restore TOOL FILE: every rule of FILE is there afterwards.
restore() {
	$1-restore --noflush <"$2"
	[ "$($1-save | grep -c "^-A")" -ge "$(grep -c "^-A" "$2")" ]
}'
for family in inet inet6; do
	if [ $family = inet ]; then
		tools=iptables container=172.17.0.2/32 network=172.17.0.0/16 loopback=127.0.0.0/8 target=172.17.0.2:80 icmp=icmp
	else
		tools=ip6tables container=fd00::2/128 network=fd00::/64 loopback=::1/128 target='[fd00::2]:80' icmp=ipv6-icmp
	fi
	for rules in docker kubernetes; do
		sed -e "s|@CONTAINER@|$container|g; s|@NETWORK@|$network|; s|@LOOPBACK@|$loopback|g; s|@TARGET@|$target|" \
			-e "s|@FAMILY@|$family|; s|@ICMP@|$icmp|" "/tmp/$rules" >"/tmp/$rules.$family"
		for tool in $tools-legacy $tools-nft; do
			try "$tool: rules of $rules" 60 "restore $tool /tmp/$rules.$family"
			for table in filter nat mangle raw; do
				$tool -t $table -F
				$tool -t $table -X
			done
		done
	done
done

cat >/tmp/firewall <<'RULES'
table inet firewall {
	set blocked { type ipv4_addr; flags interval, timeout; elements = { 10.1.0.0/16 timeout 1h }; }
	set pairs { type ipv4_addr . inet_service; flags dynamic, timeout; size 1000; }
	map ports { type inet_service : verdict; elements = { 22 : accept, 80 : jump web }; }
	counter hits { }
	quota much { over 10 mbytes }
	limit slow { rate 10/second }
	ct helper ftp { type "ftp" protocol tcp; }
	flowtable fast { hook ingress priority 0; devices = { lo, docker0 }; }
	chain web { counter name hits accept; }
	chain input {
		type filter hook input priority 0; policy accept;
		ct state established,related accept
		ct state invalid drop
		iif lo accept
		ip saddr @blocked drop
		tcp dport vmap @ports
		add @pairs { ip saddr . tcp dport timeout 1m limit rate 5/second } accept
		meta l4proto icmp limit name slow accept
		fib saddr . iif oif missing drop
		tcp dport 21 ct helper set "ftp"
		ct count over 10 reject with tcp reset
		ip saddr 10.0.0.0/8 meta mark set numgen inc mod 2
		meta mark set jhash ip saddr mod 4
		log prefix "seen" group 1
		quota name "much" drop
		meta skuid 1000 accept
		socket cgroupv2 level 1 "group" accept
		queue num 1 bypass
		reject with icmpx type port-unreachable
	}
	chain forward {
		type filter hook forward priority 0;
		ip protocol tcp flow add @fast
		tcp flags syn tcp option maxseg size set rt mtu
	}
	chain prerouting {
		type nat hook prerouting priority -100;
		tcp dport 8080 dnat ip to 172.17.0.2:80
		tcp dport 81 redirect to :8081
		dnat ip to numgen inc mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }
	}
	chain postrouting {
		type nat hook postrouting priority 100;
		oif docker0 masquerade random
		ip saddr 10.2.0.1 snat ip to 10.3.0.1
	}
	chain proxy {
		type filter hook prerouting priority mangle;
		tcp dport 90 tproxy ip to 127.0.0.1:9090 meta mark set 1 accept
		socket transparent 1 accept
	}
	chain first {
		type filter hook prerouting priority raw;
		udp dport 53 notrack
		ct zone set 3
	}
	chain output {
		type route hook output priority mangle;
		meta mark set 5
		ip dscp set cs1
	}
}
table bridge switch {
	chain forward {
		type filter hook forward priority 0;
		ether type arp accept
		meta ibrname "docker0" accept
	}
}
table netdev edge {
	chain ingress {
		type filter hook ingress device lo priority 0;
		ip saddr 10.9.9.9 drop
	}
	chain egress {
		type filter hook egress device docker0 priority 0;
		ip daddr 10.9.9.9 drop
	}
}
RULES
try 'nft: a firewall with every kind of object' 60 'nft -f /tmp/firewall; [ "$(nft list ruleset | wc -l)" -gt 90 ]'
try 'nft: ten times over' 300 'for n in $(seq 10); do nft flush ruleset; nft -f /tmp/firewall; done'
nft flush ruleset
try 'connection tracking, listed and emptied' 20 'conntrack -L && conntrack -F && conntrack -S'
try 'IPVS service' 20 'ipvsadm -A -t 10.43.0.1:443 -s rr && ipvsadm -a -t 10.43.0.1:443 -r 172.17.0.2:80 -m && ipvsadm -Ln | grep 172.17'
