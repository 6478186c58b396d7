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

boot -c 4 -m 64 -i "$T/park.cpio.gz"
ended || :
halt
check "P1 four CPUs" has '^cpus 4$'
check "P1 the state page is an address" has '^state_gpa 0x[0-9a-f]*000$'
check "P1 the device opens" has '^open 0$'
check "P1 an unknown request gets ENOTTY" has '^unknown 25$'
check "P1 park and unpark, fifty times under load" has '^cycles failed 0$'
check "P1 parked CPUs stand still, parking twice is fine" has '^park 0 again 0 standing 1$'
check "P1 unparked CPUs go on" has '^unpark 0 standing 0$'
check "P1 the guest ends" has '^end$'

boot -m 64 -i "$T/park.cpio.gz"
ended || :
halt
check "P1 one CPU parks at once" has '^park 0 again 0 standing 0$'
check "P1 and unparks" has '^unpark 0 standing 0$'
done_testing
