#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves the parking of CPUs for a snapshot: /dev/smpark, with four busy CPUs and with one.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
need cpio cpio

mkdir "$T/park"
aarch64-linux-gnu-gcc -static -s -O2 -o "$T/park/init" "$guest_src/park.c" ||
	{ echo "Bail out! park.c does not compile"; exit 1; }
(cd "$T/park" && echo init | cpio -o -H newc -R 0:0 --quiet | gzip -1) >"$T/park.cpio.gz"

# Memory is a file, so that a byte can be written from outside.
size=${GUEST_MEMORY:-32} cycles=${PARK_CYCLES:-100}
boot -c 4 -m "$size" -i "$T/park.cpio.gz" -a "-- $cycles" \
	-q "-object memory-backend-file,id=ram,size=${size}M,share=on,mem-path=$T/ram -machine memory-backend=ram"
woken=1
if expect '^byte 0$'; then
	gpa=$(tr -d '\r' <"$console.raw" | sed -n 's/^state_gpa //p')
	printf '\001' | dd of="$T/ram" bs=1 seek=$((gpa - 0x40000000)) conv=notrunc status=none
	woken=0
fi
ended || :
halt
check "P1 four CPUs" has '^cpus 4$'
check "P1 the state page is an address" has '^state_gpa 0x[0-9a-f]*000$'
check "P1 the device opens" has '^open 0$'
check "P1 an unknown request gets ENOTTY" has '^unknown 25$'
check "P1 park and unpark under load, times: $cycles" has "^cycles $cycles failed 0\$"
check "P1 parked CPUs stand still, parking twice is fine" has '^park 0 again 0 standing 1$'
check "P1 unparked CPUs go on" has '^unpark 0 standing 0$'
check "P1 devices answer meanwhile" has '^device 0 8$'
ok $woken "P1 the state page is found from outside"
check "P1 a byte written from outside wakes" has '^woken 1$'
check "P1 parking after that works" has '^anew 0 standing 1 unpark 0$'
check "P1 the guest ends" has '^end$'

boot -m "$size" -i "$T/park.cpio.gz"
ended || :
halt
check "P1 one CPU parks at once" has '^park 0 again 0 standing 0$'
check "P1 and unparks" has '^unpark 0 standing 0$'
check "P1 devices answer meanwhile, with one CPU" has '^device 0 8$'
done_testing
