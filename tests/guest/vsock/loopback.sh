#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# AF_VSOCK within one guest: datagrams, and what streams promise, without a device.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
. "$SRCDIR/tests/guest/vsock/lib.sh"

need_probe
start_probe ''
send 'loopback\n'
check "the probe comes to its end" expect '^loopback done'
check "a search for leaks" answers "leaks done" leaks
stop_probe
# One result here for each of the probe's.
tr -d '\r' <"$console.raw" | grep -e '^ok - ' -e '^not ok - ' >"$T/results" || :
while read -r line; do
	status=0
	case $line in not*) status=1 ;; esac
	ok $status "${line#*ok - }"
done <"$T/results"
check "there were results" [ -s "$T/results" ]

done_testing
