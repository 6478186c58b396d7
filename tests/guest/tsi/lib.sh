# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Guests whose PID 1 is tsi-guest, against a vsock-host. . "$SRCDIR/tests/lib.sh", ../lib.sh, then this file.
#
#   start_host OPTION...   starts vsock-host on $T/vsock and $T/control
#   ask COMMAND...         a command for it
#   stop_host              ends it
#   tsi_boot [-v SOCKET] FAMILY GROUPS [WORDS]   boots tsi-guest, with more words on the command line
#   family FAMILY GROUPS [HOST OPTION...]        all of that, with the family's host; $append is more command line,
#                          $vcpus the number of CPUs

vsock_host=$BUILDDIR/tests/vsock-host/vsock-host
host_pid=
append=
# shellcheck disable=SC2034 # for ../lib.sh
started='^tsi-guest: '
vcpus=1
guest_timeout=${GUEST_TIMEOUT:-1200} # one guest has all tests of a family
# What every host is tested with.
# shellcheck disable=SC2034 # for the tests
everything=stream,use,connect,listen,names,udp,poll,options,ioctl,hijack,plain,unix
# For slow kernels: how many times as long everything inside may take.
patience=${GUEST_PATIENCE:-1}
need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
need cpio cpio
[ -x "$vsock_host" ] || skip_all "no vsock-host in the build tree (make check builds it)"

trap 'halt; stop_host; chmod -R u+rwX "$T" 2>/dev/null || :; rm -rf "$T"' EXIT

make_tsi() {
	mkdir "$1/proc" "$1/sys" "$1/dev" "$1/tmp"
	aarch64-linux-gnu-gcc -static -s -O2 -D_GNU_SOURCE -Wall -Wextra -pthread -o "$1/init" "$guest_src"/tsi/*.c &&
		(cd "$1" && find . | cpio -o -H newc -R 0:0 --quiet) >"${1%.dir}.new"
}

start_host() {
	rm -f "$T/started"
	mkfifo "$T/started"
	timeout "$guest_timeout" "$vsock_host" --socket "$T/vsock" --control "$T/control" --log "$T/packets" "$@" \
		>"$T/started" 2>"$T/host-errors" &
	host_pid=$!
	read -r _ <"$T/started"
}

ask() { "$vsock_host" --ask "$T/control" "$@" </dev/null; }

stop_host() {
	[ -n "$host_pid" ] || return 0
	kill "$host_pid" 2>/dev/null || :
	wait "$host_pid" || :
	host_pid=
}

tsi_boot() {
	device=
	if [ "$1" = -v ]; then
		device=$2
		shift 2
	fi
	shared_image tsi "$guest_src"/tsi/*.[ch] "$guest_src/leaks.h" || { echo "Bail out! cannot build tsi-guest"; exit 1; }
	# QEMU's front end hides feature bit 3 of the host. Bit 35, too: the guest finds out by itself.
	parameters=vmw_vsock_virtio_transport.dgram=1
	[ "$1" != none ] || parameters=
	boot ${device:+-v "$device"} -c "$vcpus" -i "$images/tsi" \
		-l "console=ttyAMA0 loglevel=5 panic=-1 rdinit=/init tsi_hijack $parameters family=$1 groups=$2 patience=$patience tsi.probe_ms=1000 ${3-}"
	expect 'tsi-guest: done' || :
	halt
}

family() {
	name=$1 groups=$2
	shift 2
	token=
	case $name in supermachine-0.7)
		token=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
		set -- "$@" --token "$token"
		token="supermachine.tsi_token=$token nekot=$(echo "$token" | awk '{ for (i = length; i; i--) printf "%s", substr($0, i, 1) }')"
		;;
	esac
	start_host --family "$name" "$@"
	tsi_boot -v "$T/vsock" "$name" "$groups" "$token $append"
	guest_results 'tsi-guest: done'
	stop_host
}
