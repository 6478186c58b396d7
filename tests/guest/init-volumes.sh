#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that volumes are mounted where they belong, late, and never elsewhere.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
need_userland base
need mke2fs e2fsprogs

# volume NAME: an ext4 file system that knows its name.
volume() {
	mkdir -p "$T/content"
	echo "$1" >"$T/content/name"
	rm -f "$T/$1"
	mke2fs -q -t ext4 -L supermachine-vol -d "$T/content" "$T/$1" 8m >/dev/null
}

set --
: >"$T/paths"
for n in $(seq 1 20); do
	volume "volume$n"
	set -- "$@" "rw:$T/volume$n"
	echo "/data/$n/deep" >>"$T/paths"
done
workload twenty <<'EOF'
for n in $(seq 1 20); do
	echo "volume $n is $(cat /data/$n/deep/name), has '$(cat /data/$n/deep/kept 2>/dev/null)'"
done
echo 'from the first boot' >/data/1/deep/kept
grep ' /data/1/deep ' /proc/mounts
EOF
cp "$T/paths" "$T/twenty/.supermachine-volumes"
pack twenty
run "$base" "$T/twenty.img" "$@"
item 33 "20 volumes, all in order" [ "$(grep -c '^volume \([0-9]*\) is volume\1,' "$console")" -eq 20 ]
item 33 "20 lines say so" exactly 20 '^init-oci: mounted /dev/vd[a-z]* -> /data/[0-9]*/deep (ext4, rw)$'
item 33 "ext4, writable" has '^/dev/vdc /data/1/deep ext4 rw'
item 33 "mounted after the heartbeat" before 'heartbeat counter=' '^init-oci: mounted'
item 2 "no volume before the heartbeat" before 'heartbeat counter=' '^init-oci: mounted'
run "$base" "$T/twenty.img" "$@"
item 33 "data survives" has "^volume 1 is volume1, has 'from the first boot'"

layer links
mkdir "$T/links/srv"
ln -s /etc "$T/links/data"
ln -s ../../../../etc "$T/links/srv/up"
pack links
workload escape <<'EOF'
echo "at /etc/one $(cat /etc/one/name), /etc/two $(cat /etc/two/name), /dots $(cat /dots/name)"
grep ext4 /proc/mounts
echo "raw $(cat /srv/raw/name 2>/dev/null)."
EOF
printf '%s\n' /data/one /srv/up/two /srv/../../../dots /srv/raw >"$T/escape/.supermachine-volumes"
pack escape
head -c 1048576 /dev/zero >"$T/raw"
run "$base" "$T/links.img" "$T/escape.img" "rw:$T/volume1" "rw:$T/volume2" "rw:$T/volume3" "rw:$T/raw"
item 35 "links of the image lead inside its root" has '^at /etc/one volume1, /etc/two volume2'
item 35 "dots cannot leave the root" has '/dots volume3$'
item 34 "an unformatted volume: a line with device and reason" has '^init-oci: .*/dev/vdg.*: '
item 34 "an unformatted volume: the workload runs" has '^raw \.$'

printf '%s\n' /one /two /three >"$T/escape/.supermachine-volumes"
pack escape
run "$base" "$T/links.img" "$T/escape.img" "rw:$T/volume1"
item 34 "more paths than disks: a line with both numbers" has '^init-oci: .*3.*1\|^init-oci: .*1.*3'
item 34 "more paths than disks: none mounted" lacks ' ext4 '
item 34 "more paths than disks: the workload runs" has '^raw \.$'

done_testing
