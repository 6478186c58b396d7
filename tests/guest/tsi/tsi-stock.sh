#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that INET sockets are those of a stock kernel where there is no TSI host to take them over.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
. "$SRCDIR/tests/guest/tsi/lib.sh"
for case in 'no device' 'no datagrams' 'hijack off' 'deaf host'; do
	echo "# $case"
	device="-v $T/vsock" extra='' groups=stock
	case $case in
	'no device') device= ;;
	'no datagrams') extra=vmw_vsock_virtio_transport.dgram=0 ;;
	'hijack off') extra=tsi_hijack=0 groups=stock,plain ;; # T12
	'deaf host') start_host --family libkrun-1.19.7 --quirk never-reply ;;
	esac
	[ -z "$device" ] || [ -n "$host_pid" ] || start_host --family libkrun-1.19.7
	# shellcheck disable=SC2086 # two words or none
	tsi_boot $device libkrun-1.19.7 $groups "$extra"
	guest_results 'tsi-guest: done'
	stop_host
done
done_testing
