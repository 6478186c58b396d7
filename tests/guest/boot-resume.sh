#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that two resumed copies of one guest read different random bytes: S3 of the runtime's list.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
need cpio cpio
need python3 python3

mkdir "$T/clone"
aarch64-linux-gnu-gcc -static -s -O2 -o "$T/clone/init" "$guest_src/clone.c" ||
	{ echo "Bail out! clone.c does not compile"; exit 1; }
(cd "$T/clone" && echo init | cpio -o -H newc -R 0:0 --quiet | gzip -1) >"$T/clone.cpio.gz"
# What the host's random devices deliver: to the guest that is captured, and to each copy.
for name in first a b; do
	head -c 1000000 /dev/urandom >"$T/random-$name"
done

# Enters the kernel at EL1, as a hypervisor does that lets its guests read the physical counter.
cat >"$T/stub.S" <<'EOS'
	mov	x0, #0x80000000			// HCR_EL2.RW
	msr	hcr_el2, x0
	mov	x0, #3				// EL1PCTEN, EL1PCEN
	msr	cnthctl_el2, x0
	msr	cntvoff_el2, xzr
	mov	x0, #0xf			// ICC_SRE_EL2
	msr	s3_4_c12_c9_5, x0
	ldr	x0, =0x30d00800
	msr	sctlr_el1, x0
	mov	x0, #0x3c5			// EL1h, DAIF
	msr	spsr_el2, x0
	ldr	x0, =ENTRY
	msr	elr_el2, x0
	ldr	x0, =TREE
	mov	x1, xzr
	mov	x2, xzr
	mov	x3, xzr
	eret
EOS
memory=${GUEST_MEMORY:-64} ram=$((0x40000000)) entry=$((0x40280000)) stub=$((0x40100000))
generation=$((ram + (memory - 1) * 0x100000)) fdt=$((ram + (memory - 3) * 0x100000))
aarch64-linux-gnu-gcc -c -DENTRY=$entry -DTREE=$fdt -o "$T/stub.o" "$T/stub.S" &&
	aarch64-linux-gnu-objcopy -O binary "$T/stub.o" "$T/stub"

# The last MiB is the hypervisor's: the generation id. Its interrupt is the console's, so that typing raises it.
# shellcheck disable=SC2034 # for device_tree
psci=smc
size=$(wc -c <"$T/clone.cpio.gz")
start=$(((fdt - size) & ~4095))
tree() {
	device_tree "$T/dtb" 1 false $((memory - 1)) "$start" $((start + size)) "console=ttyAMA0 quiet reboot=t panic=-1 ${1:-}"
	sed -i "\$s|.*|generation { compatible = \"microsoft,vmgenid\"; reg = <0 $generation 0 16>; interrupts = <0 1 4>; }; };|" "$T/dtb.dts"
	dtc -q -I dts -O dtb -o "$T/dtb" "$T/dtb.dts"
}

# machine RAM RANDOM [OPTION...]
machine() {
	rm -f "$T/monitor"
	file=$1 random=$2
	shift 2
	start_qemu -machine virt,gic-version=3,virtualization=on,memory-backend=ram -m "$memory" \
		-object "memory-backend-file,id=ram,size=${memory}M,share=on,mem-path=$file" \
		-device "loader,file=$T/stub,addr=$stub,cpu-num=0,force-raw=on" \
		-device "loader,file=$kernel,addr=$entry,force-raw=on" \
		-device "loader,file=$T/dtb,addr=$fdt,force-raw=on" \
		-device "loader,file=$T/clone.cpio.gz,addr=$start,force-raw=on" \
		-object "rng-random,id=random,filename=$T/random-$random" \
		-device virtio-rng-device,rng=random,bus=virtio-mmio-bus.0 \
		-qmp "unix:$T/monitor,server=on,wait=off" "$@"
}

# capture WORDS: a guest that waits, as $T/ram and $T/state.
capture() {
	rm -f "$T/ram"
	tree "${1:-}"
	machine "$T/ram" first
	expect '^waiting$' && python3 "$guest_src/snapshot.py" save "$T/monitor" "$T/state"
	ended
	cp "$console" "$T/console-first"
}

# resume COPY: its console goes to $T/console-COPY; $T/ram-COPY and $T/state-COPY are there already.
resume() {
	machine "$T/ram-$1" "$1" -incoming defer
	python3 "$guest_src/snapshot.py" load "$T/monitor" "$T/state-$1"
	send '\n'
	ended
	cp "$console" "$T/console-$1"
}

# copies [REGISTER VALUE-A VALUE-B]: both copies, with a register that differs from the state's.
copies() {
	rm -f "$T/console-a" "$T/console-b"
	for copy in a b; do
		cp --sparse=always "$T/ram" "$T/ram-$copy"
		cp "$T/state" "$T/state-$copy"
		if [ $# -gt 0 ]; then
			python3 "$guest_src/snapshot.py" set "$T/state-$copy" "$1" "$2" || return
			[ $# -lt 3 ] || set -- "$1" "$3"
		fi
		[ ! -f "$T/generation-$copy" ] ||
			dd if="$T/generation-$copy" of="$T/ram-$copy" bs=1M seek=$((memory - 1)) conv=notrunc status=none
		resume $copy || return
	done
}

# values NUMBER COPY: what it read the NUMBERth time.
values() {
	for source in vdso getrandom random urandom uuid exec; do
		sed -n "s/^\($source [0-9a-f-]\{32,36\}\)\$/\1/p" "$T/console-$2" | sed -n "${1}p"
	done
}
both_read() {
	for copy in a b; do
		values "$1" $copy >"$T/values-$copy"
		[ "$(wc -l <"$T/values-$copy")" -eq 6 ] || { cat "$T/console-$copy"; return 1; }
	done
}
same() { both_read "$1" && cmp "$T/values-a" "$T/values-b"; }
differ() { both_read "$1" && cat "$T/values-a" "$T/values-b" && [ -z "$(sort "$T/values-a" "$T/values-b" | uniq -d)" ]; }
both_say() { grep -H "${1%% *}" "$T/console-a" "$T/console-b" && grep -q "^$1\$" "$T/console-a" && grep -q "^$1\$" "$T/console-b"; }
# alike WORDS: the copies are the same where nothing tells them apart; unless the RNG reseeds itself just then.
alike() {
	for _ in 1 2 3; do
		capture "$1" && copies && same 1 && return
	done
	return 1
}

check "S3 two copies without a hint read the same" alike 'vmfork.detect=0 -- parked'
check "S3 but from the host's device each reads its own" \
	[ "$(sed -n 's/^hwrng //p' "$T/console-a")" != "$(sed -n 's/^hwrng //p' "$T/console-b")" ]
check "S3 unparked: they read different bytes" differ 2
check "S3 unparked: one fork is counted" both_say 'count 1'

check "S3 two copies in which nothing has moved read the same" alike ''
check "S3 nothing moved: no fork is counted" both_say 'count 0'
check "S3 the physical counter has moved on" copies CNTVOFF_EL2 -1000000 -2000000
check "S3 the physical counter has moved on: different bytes" differ 1
check "S3 the physical counter has moved on: one fork is counted" both_say 'count 1'
check "S3 the timer fires at once" copies CNTV_CVAL_EL0 0 0
check "S3 the timer fires at once: different bytes" differ 1
check "S3 the timer fires at once: no fork is counted" both_say 'count 0'
printf 'generation 0000a' >"$T/generation-a"
printf 'generation 0000b' >"$T/generation-b"
check "S3 new generation ids" copies
check "S3 new generation ids: different bytes" differ 1
check "S3 new generation ids: one fork is counted" both_say 'count 1'
done_testing
