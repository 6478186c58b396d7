#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves the features of the guest kernel one by one, by programs in the guest that use them.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
need_userland base debian
need mke2fs e2fsprogs
need mkfs.vfat dosfstools
need mcopy mtools
need genisoimage genisoimage
need mkfs.erofs erofs-utils

layer probe
mkdir -p "$T/probe/bin" "$T/volume/images" "$T/content"
aarch64-linux-gnu-gcc -static -s -O2 -o "$T/probe/bin/feature-probe" "$guest_src"/probe/*.c ||
	{ echo "Bail out! the feature probe does not compile"; exit 1; }
cp "$guest_src/probe/network.sh" "$T/probe/bin/network-probe"
chmod 755 "$T/probe/bin/network-probe"
echo content >"$T/content/A long file name"
mkfs.vfat -C "$T/volume/images/vfat" 1024 >/dev/null
mcopy -i "$T/volume/images/vfat" "$T/content/A long file name" ::
genisoimage -quiet -R -J -o "$T/volume/images/iso" "$T/content"
mkfs.erofs --quiet "$T/volume/images/erofs" "$T/content" >/dev/null
seq 1 20000 >"$T/content/compressible"
mkfs.erofs --quiet -zlz4 "$T/volume/images/erofs-lz4" "$T/content" >/dev/null
mke2fs -q -t ext4 "$T/volume/images/ext4" 2m >/dev/null
pack probe

workload features <<'EOF'
# Control groups with controllers need their processes in a leaf.
mkdir /sys/fs/cgroup/leaf && echo $$ >/sys/fs/cgroup/leaf/cgroup.procs
feature-probe
unshare -n network-probe
echo "ports from $(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)"
EOF
echo /data >"$T/features/.supermachine-volumes"
pack features
mke2fs -q -t ext4 -b 4096 -O verity -d "$T/volume" "$T/data" 64m >/dev/null
# A CPU with large atomics and pointer authentication, which has no known weakness left without mitigation.
# shellcheck disable=SC2034 # for boot
guest_cpu=cortex-a76
run -e -c 2 -m 512 -a psi=1 "$base" "$images/debian" "$T/probe.img" "$T/features.img" "rw:$T/data"

# Every name in the sources must have answered.
{
	sed -n 's/^	{ *"\([^"]*\)",.*/\1/p' "$guest_src"/probe/*.c
	sed -n "s/^probe '\(.*\)' .*/\1/p" "$guest_src/probe/network.sh"
	for tool in iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy; do
		printf '%s\n' "$tool: filter, nat, mangle, raw" "$tool: matches and targets"
	done
} >"$T/names"
while read -r name; do
	status=0
	grep -q -x -F "probe ok $name" "$console" || status=1
	ok $status "$name"
	[ $status -eq 0 ] || grep -x -F -B 6 "probe not ok $name" "$console" | sed -n 's/^#/#  /p'
done <"$T/names"
check "C2 users may bind every port" has '^ports from 0$'
check "no line looks like a failure" looks_healthy
done_testing
