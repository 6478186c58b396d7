#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that the installed kernel boots as the runtime boots it: the K items of its conformance list.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
need_userland base

# The bytes OFFSET COUNT of the kernel as one number.
number() { od -An -v -t "u$2" -j "$1" -N "$2" "$kernel" | tr -d ' '; }

magic() { [ "$(dd if="$kernel" bs=1 skip=56 count=4 2>/dev/null)" = "ARMd" ]; }
check "K1 Image magic" magic
check "K1 text_offset is 0" [ "$(number 8 8)" -eq 0 ]
check "K1 little endian, anywhere in memory" [ $(($(number 24 8) & ~6)) -eq 8 ]
if [ "${GUEST_KERNEL-}" ] && [ "$granule" -ne 4 ]; then
	skip "K1 4 KiB pages" "this kernel has pages of $granule KiB on purpose"
else
	check "K1 4 KiB pages" [ "$granule" -eq 4 ]
fi
check "K1 at most 16 MiB" [ "$(wc -c <"$kernel")" -le 16777216 ]

# shellcheck disable=SC2059 # made of octal digits
bytes() { for byte; do printf "\\$(printf %03o "$byte")"; done; }
le64() {
	n=$1
	for _ in 1 2 3 4 5 6 7 8; do
		bytes $((n & 255))
		n=$((n >> 8))
	done
}

# The runtime's loader: no fixing up by QEMU; Image 0x80000 above a 2 MiB boundary (QEMU keeps RAM + 0 for
# itself, so the next one), device tree 2 MiB below the end of RAM, initrd below it.
raw_boot() {
	memory=$1 cpus=$2
	halt
	ram=$((0x40000000)) entry=$((0x40280000)) stub=$((0x40100000))
	fdt=$((ram + memory * 0x100000 - 0x200000))
	size=$(wc -c <"$initrd")
	start=$(((fdt - size) & ~4095))
	device_tree "$T/raw.dtb" "$cpus" false "$memory" "$start" $((start + size)) "console=ttyAMA0 reboot=t panic=-1"
	{
		# ldr x0, =fdt; mov x1-x3, #0; ldr x4, =entry; br x4
		bytes 0xc0 0 0 0x58 1 0 0x80 0xd2 2 0 0x80 0xd2 3 0 0x80 0xd2 0x84 0 0 0x58 0x80 0 0x1f 0xd6
		le64 $fdt
		le64 $entry
	} >"$T/stub"
	start_qemu -machine virt,gic-version=3 -m "$memory" -smp "$cpus" \
		-device "loader,file=$T/stub,addr=$stub,cpu-num=0,force-raw=on" \
		-device "loader,file=$kernel,addr=$entry,force-raw=on" \
		-device "loader,file=$T/raw.dtb,addr=$fdt,force-raw=on" \
		-device "loader,file=$initrd,addr=$start,force-raw=on" \
		-drive "if=none,id=d1,format=raw,readonly=on,file=$base" -device virtio-blk-device,bus=virtio-mmio-bus.1,drive=d1 \
		-drive "if=none,id=d2,format=raw,readonly=on,file=$T/cpus.img" -device virtio-blk-device,bus=virtio-mmio-bus.2,drive=d2
}

workload cpus <<'EOF'
echo "processors $(grep -c ^processor /proc/cpuinfo) memory $(sed -n "s/MemTotal: *//p" /proc/meminfo)"
EOF
for case in 128:1 256:4 3072:1; do
	raw_boot "${case%:*}" "${case#*:}"
	check "K2 boots at 0x80000 above 2 MiB: ${case%:*} MiB, ${case#*:} vCPU" expect "^processors ${case#*:} memory"
	halt
done

boot -c 4 "$base" "$T/cpus.img"
check "K4 four vCPUs come up" expect '^processors 4 '
halt
run "$base" "$T/cpus.img"
check "K4 one vCPU without enable-method" has '^processors 1 '
total=$(sed -n 's/^processors .* memory \([0-9]*\) kB/\1/p' "$console")
echo "# usable of 256 MiB: $total KiB; console lines: $(wc -l <"$console")"
check "K9b at least 230000 KiB of 256 MiB are usable" [ "${total:-0}" -ge 230000 ]
check "K9 at most 60 console lines" [ "$(wc -l <"$console")" -le 60 ]

workload writers <<'EOF'
for writer in 1 2 3 4; do
	(i=0; while [ $i -lt 50 ]; do i=$((i + 1)); echo "writer $writer line $i of fifty whole"; done) &
done
wait
EOF
run -c 4 "$base" "$T/writers.img"
check "K3 200 lines of four writers arrive whole" exactly 200 '^writer [1-4] line [0-9]* of fifty whole$'
check "K3 the marker line is whole" exactly 1 '^\[SUPERMACHINE-INIT\] heartbeat counter=1$'

for how in off restart; do
	delta $how container-probe power $how
	pack $how
	boot -l 'console=ttyAMA0 reboot=t panic=-1' "$base" "$T/$how.img"
	status=0
	ended || status=$?
	ok $status "K5 power $how ends the machine"
done

first_archive
workload devices <<'EOF'
for disk in $(ls /sys/block | grep ^vd); do
	echo "disk $disk $(cat /sys/block/$disk/serial)"
done
ls -l /proc/1/fd
cat /proc/cmdline
echo tsi $(sed '1,3s/$/,/; 4q' /proc/net/tsi)
echo "rng $(cat /sys/class/misc/hw_random/rng_current)"
for driver in virtio_blk virtio_rng virtio_balloon; do
	echo "driver $driver $(ls -d /sys/bus/virtio/drivers/$driver/virtio* | wc -l)"
done
EOF
run -a loglevel=7 -i "$T/first.cpio.gz" "$base" "$T/devices.img"
check "K6 PID 1 has the console as descriptors 0-2" exactly 3 ' [012] -> /dev/console$'
check "K7 disks bear their serial numbers" has '^disk vdb  *blk1$'
check "K7 block, rng and balloon drivers are bound" has '^driver virtio_balloon 1$'
check "K7 the rng is the source" has '^rng virtio_rng'
check "K10 the clock says 1970 before init acts" has '^first realtime [0-9]\{1,8\} '
check "K10 host_time is in /proc/cmdline" has "host_time=$host_time"
check "K11 random numbers without blocking before init" has '^first .* random 1 '
check "K12 block and balloon devices without features" has '^driver virtio_blk 2$'
tsi=$("$STAGE/bin/supermachine-kernel" info | sed -n 's/^tsi *//p')
check "the guest's TSI is what the command says: $tsi" has "^tsi $tsi\$"
check "K8 no line of a boot at loglevel 7 looks like a failure" looks_healthy

set --
for n in $(seq 1 25); do
	layer "layer$n"
	echo "$n" >"$T/layer$n/file$n"
	pack "layer$n"
	set -- "$@" "$T/layer$n.img"
done
run "$@" "$base" "$T/devices.img" || :
order() {
	sed -n 's/^disk \(vd[a-z]*\)  *\(blk[0-9]*\)$/\1 \2/p' "$console" >"$T/order"
	i=0
	for letter in a b c d e f g h i j k l m n o p q r s t u v w x y z aa; do
		grep -q "^vd$letter blk$i\$" "$T/order" || { echo "vd$letter is not blk$i"; cat "$T/order"; return 1; }
		i=$((i + 1))
	done
}
check "K7 27 disks are named in slot order" order

: >"$T/nothing"
# shellcheck disable=SC2034 # for first_archive
init_oci=$T/nothing
first_archive
boot -l 'console=ttyAMA0 reboot=t panic=-1' -i "$T/first.cpio.gz" "$base"
status=0
ended || status=$?
ok $status "K5 the machine ends after a panic"
check "K5 it was a panic" has 'Kernel panic'
done_testing
