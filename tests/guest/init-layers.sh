#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # scripts for the guest
# Proves how init-oci makes a root file system of the disks, and what it does when it cannot.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
need_userland base

for name in middle top; do
	layer $name
	mkdir -p "$T/$name/etc"
	echo $name >"$T/$name/etc/layer"
	echo $name >"$T/$name/etc/only-$name"
	pack $name
done
workload order <<'EOF'
echo "layers $(cat /etc/layer /etc/only-* /etc/of-delta | tr '\n' ' ')"
[ ! -e /etc/written ] || echo "it is still there"
echo x >/etc/written && echo "written $(cat /etc/written)"
EOF
mkdir "$T/order/etc"
echo delta >"$T/order/etc/of-delta"
echo delta >"$T/order/etc/only-top"
pack order
sum() { cat "$base" "$T/middle.img" "$T/top.img" "$T/order.img" | md5sum; }
was=$(sum)
run "$base" "$T/middle.img" "$T/top.img" "$T/order.img"
item 3 "the topmost layer wins, the delta over all" has '^layers top middle delta delta $'
item 3 "the root is writable" has '^written x$'
run "$base" "$T/middle.img" "$T/top.img" "$T/order.img"
item 3 "what was written is gone after a reboot" lacks 'still there'
item 3 "the second boot works as the first" has '^written x$'
item 3 "disks are unchanged" [ "$was" = "$(sum)" ]

set --
for n in $(seq 1 29); do
	layer "layer$n"
	echo "$n" >"$T/layer$n/file$n"
	pack "layer$n"
	set -- "$@" "$T/layer$n.img"
done
delta thirty container-probe report sh -c 'echo "files $(cat /file* | sort -n | tr "\n" " ")"'
pack thirty
run "$base" "$@" "$T/thirty.img"
item 4 "30 layers and the delta" has "^files $(seq -s ' ' 1 29) \$"

cp "$T/middle.img" "$T/broken.img"
chmod u+w "$T/broken.img"
# All but the magic number of the superblock.
head -c 92 /dev/zero | dd of="$T/broken.img" bs=1 seek=4 conv=notrunc 2>/dev/null
boot "$base" "$T/broken.img" "$T/order.img"
item 5 "a broken layer is fatal, by name" expect '^FATAL: init-oci: .*vdb'
halt
item 5 "the workload does not run" lacks '^layers\|init-oci: exec'

delta nothing
cat >"$T/nothing/supermachine-agent" <<'EOF'
#!/bin/sh
while [ ! -s /run/supermachine-workload.exit ]; do sleep 0.1; done
sleep 1
echo "agent sees $(grep -c ' / overlay ' /proc/1/mounts) roots, $(grep -c ' overlay ' /proc/1/mounts) overlays" >/dev/console
EOF
chmod 755 "$T/nothing/supermachine-agent"
pack nothing
boot "$base" "$T/nothing.img"
expect '^agent sees' || :
halt
item 6 "no command: one overlay" has '^agent sees 1 roots, 1 overlays$'
item 6 "no command: the shell" has '^init-oci: exec /bin/sh'
item 6 "no command: a line says so" has '^init-oci: .*/.supermachine-cmd'
item 6 "no command: the shell ends" has '^init-oci: parking PID 1 (exit=0)$'

boot
item 39 "no disk at all is fatal" expect '^FATAL: init-oci: '
ticks() { sed 's/.*) //' "/proc/$qemu/stat" | cut -d' ' -f12-13 | tr ' ' + ; }
qemu=$(tr -d ' ' <"/proc/$guest_pid/task/$guest_pid/children")
was=$(($(ticks)))
sleep 3
used=$(($(ticks) - was))
halt
item 39 "then the CPU is idle: $used of 300 ticks" [ $used -lt 100 ]
item 39 "and the console silent" [ "$(wc -l <"$console")" -lt 100 ]

first_archive bare
run -i "$T/first.cpio.gz" "$base" "$T/order.img"
item 40 "started with nothing open and no console node" has '^init-oci: parking PID 1 (exit=0)$'
item 40 "the workload's output too" has '^written x$'

# 16 MiB of padding are gone from the file systems' memory. (MemFree does not say: freed pages stay with their CPU.)
workload memory <<'EOF'
sed -n 's/^\(Cached\|AnonPages\|Unevictable\): *\(.*\) kB/\2/p' /proc/meminfo | { read a; read b; read c; echo "held $((a + b + c))"; }
EOF
first_archive bare
head -c 16777216 /dev/zero >"$T/first/padding"
(cd "$T/first" && find . | cpio -o -H newc -R 0:0 --quiet | gzip -1) >"$T/first.cpio.gz"
run -i "$T/first.cpio.gz" "$base" "$T/memory.img"
held=$(sed -n 's/^held //p' "$console")
echo "# held in file systems and by programs: $held KiB"
item 42 "files of the initramfs are freed" [ "${held:-99999}" -lt 8192 ]

layer image
cat >"$T/image/init" <<'EOF'
#!/bin/sh
[ $$ -ne 1 ] && echo "the image's own init, child of $PPID, $# argument $1" >/dev/console
EOF
chmod 755 "$T/image/init"
pack image
delta own /init argument
pack own
run "$base" "$T/image.img" "$T/own.img"
item 44 "an image's own /init is the command" has "^the image's own init, child of 1, 1 argument argument\$"
done_testing
