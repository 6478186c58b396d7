#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that the kernel reads every kind of layer and writes every kind of volume: the F items of the runtime's list.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
need_userland base
need mke2fs e2fsprogs
need sqfstar squashfs-tools

# Layers of every compressor and block size, from that of a page on, squashfs's smallest; the file has compressible and incompressible parts and a short tail.
{ head -c 300000 "$base"; head -c 300000 /dev/zero; seq 1 50000; } >"$T/content"
set --
while read -r name options; do
	layer "$name"
	cp "$T/content" "$T/$name/of-$name"
	echo "short" >"$T/$name/fragment-$name"
	rm -f "$T/$name.img"
	# shellcheck disable=SC2086 # options
	mksquashfs "$T/$name" "$T/$name.img" $options -all-root -no-progress -quiet >/dev/null
	set -- "$@" "$T/$name.img"
done <<EOF
zstd3 -comp zstd -Xcompression-level 3 -b ${granule}K
zstd15 -comp zstd -no-xattrs
zstd22 -comp zstd -Xcompression-level 22 -b 1M -no-fragments
gzip -comp gzip
xz -comp xz -b 1M
lz4 -comp lz4
lzo -comp lzo
EOF
# A file capability needs no root this way: from a tar file with the attribute (VFS_CAP_REVISION_2, CAP_NET_BIND_SERVICE).
mkdir "$T/capable"
cp "$images/container-probe" "$T/capable/binder"
tar -C "$T/capable" --owner=0 --group=0 --mode=755 --format=pax \
	--pax-option=LIBARCHIVE.xattr.security.capability:=AQAAAgAEAAAAAAAAAAAAAAAAAAA -c binder |
	sqfstar -quiet -no-progress -comp zstd "$T/capable.img" >/dev/null
workload read <<'EOF'
for file in /of-*; do
	echo "${file#/of-} $(md5sum <$file) $(cat /fragment-${file#/of-})"
done
echo 1024 >/proc/sys/net/ipv4/ip_unprivileged_port_start
cp /binder /plain
echo "without $(su web -s /bin/sh -c '/plain bind 81')"
echo "with $(su web -s /bin/sh -c '/binder bind 81')"
EOF
pack read
run "$base" "$@" "$T/capable.img" "$T/read.img"
sum=$(md5sum <"$T/content" | cut -c1-32)
for name in zstd3 zstd15 zstd22 gzip xz lz4 lzo; do
	check "F1 squashfs $name" has "^$name $sum  - short\$"
done
check "F4 a port below 1024 is refused" has '^without probe: bind: Permission denied$'
check "F4 a file capability of a layer is honoured" has '^with bind 81 ok$'

for kind in '-O ^has_journal' '-O ^has_journal,^metadata_csum,^64bit' ''; do
	rm -f "$T/image"
	# shellcheck disable=SC2086 # options
	mke2fs -q -t ext4 $kind "$T/image" 16m >/dev/null
	workload ext4 <<'EOF'
cp /bin/busybox /data/busybox && mkdir /data/d && mv /data/busybox /data/d/moved && ln -s x /data/link
umount /data && echo "unmounted"
EOF
	echo /data >"$T/ext4/.supermachine-volumes"
	pack ext4
	run "$base" "$T/ext4.img" "rw:$T/image"
	check "F3 ext4 ($kind): written and unmounted" has '^unmounted$'
	check "F3 ext4 ($kind): clean" e2fsck -fn "$T/image"
done
done_testing
