#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every system call of PID 1 fails once: see fault.c. FAULT_STEP=1 tries all of them, the default every 32nd.
# shellcheck source=tests/lib.sh
. "$SRCDIR/tests/lib.sh"
# shellcheck source=tests/init/build.sh
. "$SRCDIR/tests/init/build.sh"

need mksquashfs squashfs-tools
need mke2fs e2fsprogs
need losetup mount
[ "$(id -u)" -eq 0 ] || skip_all "needs root for loop devices and mounts"
mountpoint -q / || skip_all "needs a root that is a mount point, which a chroot has not"

sh "$SRCDIR/data/init/join.sh" >"$T/init-oci.c"
${CC:-cc} -std=gnu11 -g -O1 -static -o "$T/init" "$T/init-oci.c" || skip_all "no static C library: libc6-dev"
build fault -static

mkdir -p "$T/base/etc" "$T/base/run/app" "$T/middle" "$T/delta"
cd "$T" || exit 1
echo base >base/base
echo '#!/nowhere' >base/init
printf 'root:x:0:0::/root:/bin/sh\nweb:x:1000:1001::/srv/web:/bin/sh\n' >base/etc/passwd
printf 'web:x:1001:\nextra:x:2000:web\n' >base/etc/group
echo middle >middle/file
echo middle >middle/middle
echo delta >delta/file
printf 'workload\n' >delta/.supermachine-cmd
mkdir -p base/usr/bin
cp fault base/usr/bin/workload
cp fault delta/supermachine-agent
cp init delta/init
echo web >delta/.supermachine-user
echo /srv/dir >delta/.supermachine-workdir
echo box >delta/.supermachine-hostname
echo /data/volume >delta/.supermachine-volumes
truncate -s 8M volume.img
mke2fs -q -F -t ext4 -E root_owner=0:0 volume.img

minors=
detach() {
	for minor in $minors; do losetup -d "/dev/loop$minor" || :; done
}
trap 'detach; rm -rf "$T"' EXIT
attach() {
	device=$(losetup --find --show "$@" 2>/dev/null) || skip_all "no loop device to be had"
	minors="$minors ${device#/dev/loop}"
}
for layer in base middle delta; do
	mksquashfs "$layer" "$layer.squashfs" -all-root -quiet -no-progress >/dev/null
	attach --read-only "$layer.squashfs"
done
attach volume.img

# shellcheck disable=SC2086 # a list of numbers
./fault init "${FAULT_STEP:-32}" $minors
