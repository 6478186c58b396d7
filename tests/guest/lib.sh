# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Guests under QEMU TCG, on the machine that specs of the runtime describe: PL011, GICv3, PSCI, virtio-mmio
# devices in slot order, and nothing else. . "$SRCDIR/tests/lib.sh" first, then this file.
#
#   layer NAME                 makes $T/NAME/, the content of a disk
#   delta NAME [ARG...]        the same with init-oci as /init and ARGs as the command
#   workload NAME <SCRIPT      the same with a shell script as the workload, its output on the console
#   pack NAME [OPTION...]      $T/NAME -> squashfs $T/NAME.img; options go to mksquashfs
#   boot [OPTION...] DISK...   starts a guest; its console goes to $console
#       -m MIB -c CPUS -i INITRD -a WORDS (more command line) -l CMDLINE (all of it) -v SOCKET (vsock)
#       -r (with RTC) -e (with EL2) -q 'QEMU OPTIONS'; a DISK "rw:FILE" is a volume
#   expect REGEX               waits for a line of the console; fails when the guest ends before
#   send TEXT                  types TEXT on the console
#   ended                      waits until the guest has ended by itself; fails when that was a failure or a time-out
#   halt                       ends the guest, if it still runs, and completes $console
#   has REGEX, lacks REGEX, exactly N REGEX   look at the lines of $console
#   guest_results END [PREFIX] lines "ok NAME" and "not ok NAME" of $console become results, "# TEXT" is shown; END must
#                              be its last line
#   item NUMBER NAME COMMAND...             a check named after init-oci's conformance list
#   before REGEX REGEX         the first match of one comes before the first of the other
#   done_testing               also fails when the kernel of any guest complained

# GUEST_KERNEL, GUEST_CPU, GUEST_CPUS, GUEST_MEMORY (MiB) and GUEST_TIMEOUT: another kernel, processor, number of
# processors, memory and limit in seconds for every guest, as make check-sanitized wants them.

payload=$STAGE/share/supermachine
kernel=${GUEST_KERNEL:-$payload/kernel}
init_oci=$payload/init-oci
initrd=$payload/oci/init-oci.cpio.gz
guest_src=$SRCDIR/tests/guest
guest_timeout=${GUEST_TIMEOUT:-400}
images=$BUILDDIR/tests/guest/images
# shellcheck disable=SC2034 # for the tests
base=$images/base
host_time=1800000000
bake="earlycon=pl011,mmio32,0x09000000 console=ttyAMA0 tsi_hijack supermachine.host_time=$host_time"
healthy='parking PID 1'
started='^init-oci: hello from pid 1'
# What a kernel says that has a fault.
# shellcheck disable=SC2034 # for the libraries of tests
splat='BUG:\|WARNING:\|KASAN\|UBSAN\|Oops\|Call trace\|INFO: task\|unreferenced object'
guest_pid=
psci=hvc
# More nodes for the device tree.
tree=

need qemu-system-aarch64 qemu-system-arm
need mksquashfs squashfs-tools
need dtc device-tree-compiler
need flock util-linux
[ -f "$kernel" ] || skip_all "there is no $kernel"
# The kernel's pages in KiB, from two bits of its header. Not every processor has those of 16 KiB.
granule=$((1 << ($(od -An -tu1 -j24 -N1 "$kernel") & 6)))
guest_cpu=${GUEST_CPU:-$([ $granule -eq 4 ] && echo cortex-a72 || echo cortex-a76)}

trap 'halt; chmod -R u+rwX "$T" 2>/dev/null || :; rm -rf "$T"' EXIT

# shared_image NAME FILE...: an image for all tests, by make_NAME in whichever test comes first, and again when one of
# the files it is made of is newer.
shared_image() {
	image=$1
	shift
	mkdir -p "$images"
	(
		flock 9
		[ -f "$images/$image" ] && [ -z "$(find "$@" -newer "$images/$image")" ] && exit
		rm -rf "${images:?}/$image" "$images/$image.dir"
		mkdir "$images/$image.dir"
		"make_$image" "$images/$image.dir" && mv "$images/$image.new" "$images/$image"
		rm -rf "$images/$image.dir"
	) 9>"$images/lock"
	[ -f "$images/$image" ]
}

squash() {
	from=$1 to=$2
	shift 2
	rm -f "$to"
	mksquashfs "$from" "$to" -comp zstd -no-xattrs -no-progress -quiet "$@" >/dev/null
}

make_base() {
	sh "$guest_src/userland.sh" busybox "$1" || return
	aarch64-linux-gnu-gcc -static -s -O2 -o "$images/container-probe" "$guest_src/container-probe.c" || return
	cp "$images/container-probe" "$1/bin/"
	cp "$guest_src/facts.sh" "$1/bin/facts"
	chmod 4755 "$1/bin/container-probe"
	chmod 755 "$1/bin/facts"
	mkdir -p "$1/root" "$1/home/web" "$1/srv/dir" "$1/run/app" "$1/tmp/kept"
	chmod 2775 "$1/run/app"
	echo 12345 >"$1/run/app/x.pid"
	printf '%s\n' root:x:0:0:root:/root:/bin/sh web:x:1000:1000::/home/web:/bin/sh >"$1/etc/passwd"
	printf '%s\n' root:x:0: web:x:1000: extra:x:2000:web other:x:3000:root,web >"$1/etc/group"
	echo base >"$1/etc/layer"
	# -all-root would take these two from their owner.
	(cd "$1" && find . -mindepth 1 ! -type l -printf '%P m %m 0 0\n' |
		sed -e '/^run\/app/s/0 0$/1000 1000/' -e '/^tmp\/kept/s/.*/tmp\/kept m 700 1000 1000/') >"$1.owners"
	squash "$1" "${1%.dir}.new" -pf "$1.owners"
	rm "$1.owners"
}

make_debian() {
	sh "$guest_src/userland.sh" debian "$1" && squash "$1" "${1%.dir}.new" -all-root
}

# need_userland IMAGE...: the shared layers that a test boots from, as $images/IMAGE.
need_userland() {
	need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
	missing=$(sh "$guest_src/userland.sh" missing | tr '\n' ' ')
	[ -z "$missing" ] || skip_all "sh tests/guest/userland.sh fetch downloads what is missing for arm64: $missing"
	for userland; do
		shared_image "$userland" "$guest_src/userland.sh" "$guest_src/facts.sh" "$guest_src/container-probe.c" "$guest_src/lib.sh" ||
			{ echo "Bail out! cannot make the image $userland"; exit 1; }
	done
}

layer() { mkdir -p "$T/$1"; }

# Elements are written as they are, each followed by a newline.
delta() {
	name=$1
	shift
	layer "$name"
	cp "$init_oci" "$T/$name/init"
	chmod 755 "$T/$name/init"
	[ $# -eq 0 ] || printf '%s\n' "$@" >"$T/$name/.supermachine-cmd"
}

workload() {
	delta "$1" container-probe report sh /workload
	cat >"$T/$1/workload"
	pack "$1"
}

pack() {
	name=$1
	shift
	squash "$T/$name" "$T/$name.img" -all-root "$@"
}

# first_archive [FILE...]: $T/first.cpio.gz, an initramfs whose /init is the probe, which hands over to init-oci.
first_archive() {
	rm -rf "$T/first"
	mkdir -p "$T/first/proc" "$T/first/sys" "$T/first/dev" "$T/first/newroot"
	for file; do
		: >"$T/first/$file"
	done
	cp "$images/container-probe" "$T/first/init"
	cp "$init_oci" "$T/first/init-oci"
	chmod 755 "$T/first/init-oci"
	(cd "$T/first" && find . | cpio -o -H newc -R 0:0 --quiet | gzip -1) >"$T/first.cpio.gz"
}

# device_tree OUT CPUS RTC [MIB INITRD-START INITRD-END CMDLINE]: the runtime's tree at QEMU's addresses.
# QEMU adds memory and /chosen itself unless they are given.
device_tree() {
	{
		echo '/dts-v1/;'
		echo '/ { compatible = "linux,dummy-virt"; #address-cells = <2>; #size-cells = <2>; interrupt-parent = <1>;'
		echo 'cpus { #address-cells = <1>; #size-cells = <0>;'
		i=0
		while [ $i -lt "$2" ]; do
			method=
			[ "$2" -eq 1 ] || method='enable-method = "psci";'
			# A GICv3 has 16 CPUs in a cluster.
			reg=$(((i >> 4) * 256 + (i & 15)))
			echo "cpu@$i { device_type = \"cpu\"; compatible = \"arm,arm-v8\"; reg = <$reg>; $method };"
			i=$((i + 1))
		done
		cat <<-EOF
		};
		intc@8000000 { phandle = <1>; compatible = "arm,gic-v3"; #interrupt-cells = <3>; interrupt-controller;
			reg = <0 0x8000000 0 0x10000>, <0 0x80a0000 0 $(($2 * 0x20000))>; };
		timer { compatible = "arm,armv8-timer"; always-on; interrupts = <1 13 4>, <1 14 4>, <1 11 4>, <1 10 4>; };
		clock: apb-pclk { compatible = "fixed-clock"; #clock-cells = <0>; clock-frequency = <24000000>; };
		pl011@9000000 { compatible = "arm,pl011", "arm,primecell"; reg = <0 0x9000000 0 0x1000>;
			interrupts = <0 1 4>; clocks = <&clock>; clock-names = "apb_pclk"; };
		psci { compatible = "arm,psci-0.2"; method = "$psci"; };
		EOF
		if $3; then
			cat <<-EOF
			pl031@9010000 { compatible = "arm,pl031", "arm,primecell"; reg = <0 0x9010000 0 0x1000>;
				interrupts = <0 2 4>; clocks = <&clock>; clock-names = "apb_pclk"; };
			EOF
		fi
		i=0
		while [ $i -lt 32 ]; do
			printf 'virtio_mmio@%x { compatible = "virtio,mmio"; reg = <0 %d 0 0x200>; interrupts = <0 %d 1>; };\n' \
				$((0xa000000 + i * 0x200)) $((0xa000000 + i * 0x200)) $((16 + i))
			i=$((i + 1))
		done
		if [ $# -gt 3 ]; then
			echo "memory { device_type = \"memory\"; reg = <0 0x40000000 0 $(($4 * 0x100000))>; };"
			echo "chosen { bootargs = \"$7\"; linux,initrd-start = <0 $5>; linux,initrd-end = <0 $6>; };"
		fi
		echo "$tree };"
	} >"$1.dts"
	dtc -q -I dts -O dtb -o "$1" "$1.dts"
}

# start_qemu ARGS...: console on two pipes and in $console.raw, as QEMU writes it.
start_qemu() {
	console=$T/console
	rm -f "$T/to-guest" "$T/from-guest" "$console.shown"
	mkfifo "$T/to-guest" "$T/from-guest"
	: >"$console.raw"
	exec 5<>"$T/to-guest"
	timeout "$guest_timeout" qemu-system-aarch64 -nodefaults -no-user-config -display none -nic none \
		-no-reboot -global virtio-mmio.force-legacy=false -cpu "$guest_cpu" \
		-chardev "stdio,id=console,signal=off,logfile=$console.raw,logappend=on" -serial chardev:console \
		"$@" <"$T/to-guest" >"$T/from-guest" 2>"$T/qemu-errors" 5<&- &
	guest_pid=$!
	exec 6<"$T/from-guest"
}

boot() {
	halt
	memory=256 cpus=1 cmdline=$bake words='' archive=$initrd vsock='' rtc=false more='' psci=hvc machine=virt,gic-version=3
	OPTIND=1
	while getopts m:c:i:a:l:v:req: option; do
		case $option in
		m) memory=$OPTARG ;;
		c) cpus=$OPTARG ;;
		i) archive=$OPTARG ;;
		a) words=" $OPTARG" ;;
		l) cmdline=$OPTARG ;;
		v) vsock=$OPTARG ;;
		r) rtc=true ;;
		e) psci=smc machine=$machine,virtualization=on ;;
		q) more=$OPTARG ;;
		*) exit 1 ;;
		esac
	done
	shift $((OPTIND - 1))
	memory=${GUEST_MEMORY:-$memory} cpus=${GUEST_CPUS:-$cpus}
	disks=$#
	slot=1
	set -- "$@" -m "$memory" -initrd "$archive" -kernel "$kernel" -append "$cmdline$words"
	while [ "$slot" -le "$disks" ]; do
		case $1 in
		rw:*) file=${1#rw:} mode=off serial=$(printf '%20s' "vol$((slot - 1))") ;;
		*) file=$1 mode=on serial=$(printf '%20s' "blk$((slot - 1))") ;;
		esac
		shift
		set -- "$@" -drive "if=none,id=disk$slot,format=raw,readonly=$mode,file=$file" \
			-device "virtio-blk-device,bus=virtio-mmio-bus.$slot,drive=disk$slot,serial=$serial,indirect_desc=off,event_idx=off,config-wce=off,discard=off,write-zeroes=off"
		slot=$((slot + 1))
	done
	[ "$slot" -gt 31 ] || set -- "$@" -device virtio-rng-device,bus=virtio-mmio-bus.$slot
	slot=$((slot + 1))
	[ "$slot" -gt 31 ] || set -- "$@" -device virtio-balloon-device,bus=virtio-mmio-bus.$slot
	if [ -n "$vsock" ]; then
		set -- "$@" -object "memory-backend-memfd,id=ram,size=${memory}M,share=on" \
			-chardev "socket,id=vsock,path=$vsock" -device vhost-user-vsock-device,bus=virtio-mmio-bus.0,chardev=vsock
		machine=$machine,memory-backend=ram
		# TCG leaves out the guest's barriers where only one CPU is possible, and the host is another thread.
		[ "$cpus" -gt 1 ] || cpus=1,maxcpus=2
	fi
	device_tree "$T/dtb" "${cpus%,*}" $rtc
	# shellcheck disable=SC2086 # $more is a list of options
	start_qemu -machine "$machine" -smp "$cpus" -dtb "$T/dtb" "$@" $more
}

expect() {
	found=0
	sed -u -n "s/\r\$//; /$1/q7" <&6 || found=$?
	[ $found -eq 7 ] && return
	echo "# no line '$1' on the console, which ends with:"
	tail -n 15 "$console.raw" | tr -d '\r' | sed 's/^/#   /' | cat - "$T/qemu-errors"
	return 1
}

send() { printf %b "$1" >&5; }

ended() {
	cat <&6 >/dev/null
	qemu_status=0
	wait "$guest_pid" || qemu_status=$?
	guest_pid=
	tr -d '\r' <"$console.raw" >"$console"
	# That PID 1 ended is not the kernel's fault.
	sed '/Attempted to kill init\|No working init/q' "$console" | grep -A 30 -e "$splat" >>"$T/complaints" || :
	return $qemu_status
}

halt() {
	[ -n "$guest_pid" ] || return 0
	kill "$guest_pid" 2>/dev/null || :
	ended || :
	exec 5<&- 6<&-
}

# run [BOOT OPTION...] DISK...: boots until PID 1 parks.
run() {
	boot "$@"
	expect "$healthy" || :
	halt
}

# Lines of the console; a failure shows what was looked for.
has() {
	if grep -q -e "$1" "$console"; then return; fi
	echo "no line '$1'"
	# The console itself only once.
	[ -f "$console.shown" ] || tail -n 25 "$console" | tee "$console.shown"
	return 1
}
# What is not there counts only where a guest has started.
lacks() { has "$started" && ! grep -e "$1" "$console"; }
exactly() { [ "$(grep -c -e "$2" "$console")" -eq "$1" ] || { echo "not $1 lines '$2':"; grep -e "$2" "$console"; return 1; }; }
# Nothing that a bake takes for a failed boot.
looks_healthy() { lacks 'panic\|^FATAL:\|^error:\|snapshot.*ERR\|ERR.*snapshot'; }
guest_results() {
	while IFS= read -r line; do
		case $line in
		'ok '*) ok 0 "${2-}${line#ok }" ;;
		'not ok '*) ok 1 "${2-}${line#not ok }" ;;
		'# '*) echo "$line" ;;
		esac
	done <"$console"
	check "${2-}the guest's tests ran to their end" has "^$1\$"
}
# item NUMBER NAME COMMAND...: a check of the init-oci specification's conformance list.
item() {
	name="item $1: $2"
	shift 2
	check "$name" "$@"
}
before() {
	has "$1" && has "$2" || return
	[ "$(grep -n -m1 -e "$1" "$console" | cut -d: -f1)" -lt "$(grep -n -m1 -e "$2" "$console" | cut -d: -f1)" ] ||
		{ echo "'$2' comes before '$1'"; return 1; }
}

no_complaints() { [ -f "$T/complaints" ] && ! grep "" "$T/complaints"; }
done_testing() {
	halt
	check "no kernel complained" no_complaints
	echo "1..$count"
}
