#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves what needs a machine of its own: initramfs formats, seeds, a clock, a virtio console, features of balloon
# and block devices, legacy virtio-mmio, many CPUs, a console without interrupts.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
need_userland base
need cpio cpio
need zstd zstd
need lz4 lz4
need python3 python3

# archive NAME FILE...: a newc archive of files below $T/tree.
archive() {
	out=$1
	shift
	(cd "$T/tree" && printf '%s\n' "$@" | cpio -o -H newc -R 0:0 --quiet) >"$T/$out.cpio"
}
sh "$guest_src/userland.sh" busybox "$T/tree"
cp "$images/container-probe" "$T/tree/init"
# The probe says first what it finds, and runs this.
cat >"$T/tree/init-oci" <<'EOS'
#!/bin/sh
export PATH=/bin
busybox mkdir -p /proc /sys /dev /tmp
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
echo "archives $(echo /of-*)"
echo "stdio $(busybox readlink /proc/self/fd/0)"
echo "processors $(busybox grep -c ^processor /proc/cpuinfo)"
for disk in /sys/block/vd*; do
	name=${disk##*/}
	echo "disk $name $(cat $disk/serial) readonly $(cat $disk/ro) queues $(busybox ls $disk/mq | busybox wc -l)" \
		"discard $(cat $disk/queue/discard_max_bytes) zeroes $(cat $disk/queue/write_zeroes_max_bytes)"
	echo "content $name $(busybox head -c 7 /dev/$name)"
done
[ ! -e /dev/hvc0 ] || echo "written to hvc0" >/dev/hvc0
for port in /sys/class/virtio-ports/*; do
	[ ! -e $port/name ] || { echo "port $(cat $port/name)"; echo "written to a port" >/dev/${port##*/}; }
done
for driver in virtio_mem virtio_pmem; do
	[ ! -d /sys/bus/virtio/drivers/$driver ] || echo "driver $driver"
done
for device in /sys/bus/virtio/drivers/virtio_balloon/virtio*; do
	[ ! -e $device ] || echo "balloon $(cat $device/features)"
done
for disk in /sys/block/vd*; do
	[ "$(cat $disk/serial)" = named ] || continue
	busybox blkdiscard /dev/${disk##*/} && echo "discarded"
done
[ ! -e /dev/vdb ] || busybox dd if=/dev/zero of=/dev/vda bs=512 count=1 2>/dev/null || echo "write refused"
available() { busybox sed -n 's/^MemFree: *\([0-9]*\).*/\1/p' /proc/meminfo; }
# within COMMAND...
within() { for i in 1 2 3 4 5 6 7 8 9 10; do "$@" && return; busybox sleep 1; done; return 1; }
less() { [ $(available) -lt 60000 ]; }
more() { [ $(available) -gt 140000 ]; }
case $(cat /proc/cmdline) in
*read*) busybox dd if=/dev/vda of=/dev/null bs=1M && echo "read to the end" ;;
esac
echo "idle"
if read -r line && [ "$line" = balloon ]; then
	within less && echo "balloon took"
	busybox mount -t tmpfs -o size=200m tmpfs /tmp
	busybox dd if=/dev/zero of=/tmp/file bs=1M count=120 2>/dev/null && echo "memory found"
	busybox rm /tmp/file
	echo "wanted back"
	read -r line
	within more && echo "balloon gave"
fi
echo "end"
busybox poweroff -f
EOS
chmod 755 "$T/tree/init-oci"
for format in plain gzip zstd xz lz4; do
	echo $format >"$T/tree/of-$format"
	archive $format of-$format
done
gzip -f "$T/gzip.cpio"
zstd -q -19 "$T/zstd.cpio"
xz -k --check=crc32 "$T/xz.cpio"
lz4 -q -l -c "$T/lz4.cpio" >"$T/lz4.cpio.lz4"
archive first init init-oci bin bin/busybox bin/sh bin/cat bin/true bin/echo bin/sleep
# Archives after one that is not compressed begin at a multiple of 4.
joined() {
	for part; do
		cat "$T/$part"
		head -c $((-$(wc -c <"$T/$part") & 3)) /dev/zero
	done
}
joined first.cpio plain.cpio gzip.cpio.gz zstd.cpio.zst xz.cpio.xz lz4.cpio.lz4 >"$T/joined"

printf 'content' | dd of="$T/disk" bs=1M seek=0 conv=notrunc status=none
truncate -s 8M "$T/disk"
cp "$T/disk" "$T/other"
monitor() { python3 "$guest_src/snapshot.py" tell "$T/monitor" "$1" | tr -d '\r'; }
pc() { monitor 'info registers' | sed -n 's/.*PC=\([0-9a-f]*\).*/\1/p'; }

# QEMU's own tree: seeds and a PL031 are in it.
start_qemu -machine virt,gic-version=3 -m 256 -smp 2 -kernel "$kernel" -initrd "$T/joined" \
	-append 'console=ttyAMA0 quiet reboot=t panic=-1' -qmp "unix:$T/monitor,server=on,wait=off" \
	-drive "if=none,id=disk,format=raw,file=$T/disk,discard=unmap" \
	-device virtio-blk-device,drive=disk,serial=named,num-queues=2,discard=on,write-zeroes=on \
	-drive "if=none,id=other,format=raw,readonly=on,file=$T/other" -device virtio-blk-device,drive=other \
	-device virtio-balloon-device,free-page-reporting=on,deflate-on-oom=on,id=balloon \
	-device virtio-serial-device -chardev "file,id=hvc,path=$T/hvc" -device virtconsole,chardev=hvc \
	-chardev "file,id=port,path=$T/port" -device virtserialport,chardev=port,name=org.example.agent
if expect '^idle$'; then
	sleep 1
	pc >"$T/pc-seed"
	monitor 'balloon 64' >/dev/null
	send 'balloon\n'
	expect '^wanted back$' || :
	monitor 'info balloon' >"$T/balloon"
	monitor 'balloon 256' >/dev/null
	send '\n'
fi
ended || :
check "initramfs: joined archives: plain, gzip, zstd, xz, lz4" has '^archives /of-gzip /of-lz4 /of-plain /of-xz /of-zstd$'
check "initramfs without /dev/console" has '^stdio /dev/console$'
check "K6 PID 1 reads from the console" has '^wanted back$'
check "a seed in the device tree: random numbers at once" has '^first .* random 1 '
check "a PL031 sets the clock before init runs" has '^first realtime [1-9][0-9]\{9\} '
check "virtio console" grep -q 'written to hvc0' "$T/hvc"
check "virtio console: a port by its name" has '^port org.example.agent$'
check "virtio console: what is written there" grep -q '^written to a port$' "$T/port"
check "block: serial number, queues, discard, write zeroes" has '^disk vd[ab] named readonly 0 queues 2 discard [1-9][0-9]* zeroes [1-9]'
check "block: discard" has '^discarded$'
check "block: the host got the space back" [ "$(du -k "$T/disk" | cut -f1)" -eq 0 ]
check "block: a read-only disk refuses writes" has '^write refused$'
check "virtio-mem is there" has '^driver virtio_mem$'
check "virtio-pmem is there" has '^driver virtio_pmem$'
check "balloon: deflate on OOM and free page reporting are negotiated" has '^balloon ..1..1'
check "balloon: takes" has '^balloon took$'
check "balloon: gives back when memory runs out" has '^memory found$'
check "balloon: the host sees it" [ "$(sed -n 's/.*actual=\([0-9]*\).*/\1/p' "$T/balloon")" -gt 64 ]
check "balloon: gives back when told to" has '^balloon gave$'

# The runtime's tree, with legacy devices, 32 CPUs, no seed, and a console whose interrupt leads nowhere.
slow_console() {
	device_tree "$T/dtb" "$1" false
	sed -i '/interrupts = <0 1 4>/s//interrupts = <0 9 4>/' "$T/dtb.dts"
	dtc -q -I dts -O dtb -o "$T/dtb" "$T/dtb.dts"
	start_qemu -machine virt,gic-version=3 -m 256 -smp "$1" -dtb "$T/dtb" -kernel "$kernel" -initrd "$2" \
		-append 'console=ttyAMA0 quiet reboot=t panic=-1' -qmp "unix:$T/monitor,server=on,wait=off" \
		-global virtio-mmio.force-legacy=true \
		-drive "if=none,id=other,format=raw,readonly=on,file=$T/other" -device virtio-blk-device,drive=other
}
for case in gzip:32 zstd:1; do
	format=${case%:*} cpus=${case#*:}
	$format -c "$T/first.cpio" >"$T/archive"
	slow_console "$cpus" "$T/archive"
	if expect '^idle$'; then
		sleep 1
		pc >"$T/pc-$cpus"
	fi
	halt
	check "initramfs: $format alone" has '^stdio /dev/console$'
	check "CPUs come up: $cpus" has "^processors $cpus\$"
	check "K3 the console needs no interrupt, $cpus CPUs" has '^idle$'
	check "legacy virtio-mmio: a disk is read, $cpus CPUs" has '^content vda content$'
done
# A disk like the runtime's, which offers no feature at all.
host=$BUILDDIR/tests/vsock-host/disk-host
if [ -x "$host" ]; then
	head -c 16M /dev/urandom >"$T/featureless"
	for words in '' virtio_blk.default_seg_max=1; do
		: >"$T/requests-$words"
		timeout "$guest_timeout" "$host" "$T/disk-socket" "$T/featureless" >"$T/requests-$words" &
		pid=$!
		while kill -0 $pid && ! grep -q ready "$T/requests-$words"; do sleep 0.1; done
		device_tree "$T/dtb" 2 false
		start_qemu -machine virt,gic-version=3,memory-backend=ram -m 128 -smp 2 -dtb "$T/dtb" -kernel "$kernel" \
			-initrd "$T/archive" -append "console=ttyAMA0 quiet reboot=t panic=-1 read $words" \
			-object memory-backend-memfd,id=ram,size=128M,share=on \
			-chardev "socket,id=disk,path=$T/disk-socket" \
			-device vhost-user-blk,chardev=disk,num-queues=1,queue-size=256,bus=virtio-mmio-bus.0
		expect '^idle$' || :
		halt
		wait $pid || :
	done
	requests() { sed -n "s/^reads \([0-9]*\) segments \([0-9]*\) .*/\\$2/p" "$T/requests-$1"; }
	echo "# requests for 16 MiB: $(requests '' 1), of one segment each: $(requests virtio_blk.default_seg_max=1 1)"
	check "K12 a block device without FLUSH and SEG_MAX is read" has '^read to the end$'
	check "K12 its requests are of more than one segment" [ "$(requests '' 2)" -gt 1 ]
	check "K12 or of one, when asked for" [ "$(requests virtio_blk.default_seg_max=1 2)" -eq 1 ]
else
	skip "K12 a block device without features" "no disk-host in the build tree (make check builds it)"
fi

moved() { [ -s "$T/pc-seed" ] && ! cmp -s "$T/pc-seed" "$T/pc-1"; }
echo "# idle at $(cat "$T/pc-seed") with a seed, at $(cat "$T/pc-1") without"
check "KASLR: a seed in the device tree moves the kernel" moved
check "KASLR: without one it stays where it is" cmp "$T/pc-1" "$T/pc-32"
done_testing
