# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The probe of plain AF_VSOCK and its host. . tests/lib.sh and tests/guest/lib.sh first, then this file.
#
#   start_host FAMILY [OPTION...]   tests/vsock-host for the guests to come, until stop_probe
#   start_probe WORDS               boots the probe, WORDS on the command line
#   answers REGEX COMMAND...        what the probe answers to COMMAND is REGEX
#   host COMMAND...                 a command for the host
#   raw SRC-PORT DST-PORT TYPE OP LEN FLAGS [PAYLOAD]   a packet from CID 2, PAYLOAD in hexadecimal
#   fuzzed                          the host has no hostile packet left

vsock_host=$BUILDDIR/tests/vsock-host/vsock-host
host_pid=

trap 'stop_probe; chmod -R u+rwX "$T" 2>/dev/null || :; rm -rf "$T"' EXIT

need_probe() {
	need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
	need cpio cpio
	mkdir "$T/probe"
	aarch64-linux-gnu-gcc -static -s -O2 -pthread -o "$T/probe/init" "$guest_src/vsock/vsock-probe.c" ||
		{ echo "Bail out! cannot compile the probe"; exit 1; }
	(cd "$T/probe" && echo init | cpio -o -H newc --quiet | gzip -1) >"$T/probe.cpio.gz"
}

# As large as the runtime's can become.
environment() {
	awk 'BEGIN {
		printf "{\"env\":{"
		for (i = 0; i < 135; i++)
			printf "%s\"K%03d\":\"%0100d\"", i ? "," : "", i, i
		printf "},\"secrets\":{}}"
	}' >"$1"
}

start_host() {
	family=$1
	shift
	rm -f "$T/ready"
	mkfifo "$T/ready"
	"$vsock_host" --socket "$T/vsock" --control "$T/control" --family "$family" "$@" >"$T/ready" &
	host_pid=$!
	read -r _ <"$T/ready"
}

start_probe() {
	set -- -c 2 -i "$T/probe.cpio.gz" -l "console=ttyAMA0 loglevel=5 $1"
	[ -z "$host_pid" ] || set -- "$@" -v "$T/vsock"
	boot "$@"
	expect '^vsock-probe ready' || { echo "Bail out! the guest does not boot"; exit 1; }
}

stop_probe() {
	halt
	[ -n "$host_pid" ] || return 0
	kill "$host_pid" 2>/dev/null || :
	wait "$host_pid" || :
	host_pid=
}

host() { "$vsock_host" --ask "$T/control" "$@" </dev/null >/dev/null; }

answers() {
	want=$1
	shift
	send "$*\n"
	expect "^$1 " || return
	answer=$(tr -d '\r' <"$console.raw" | grep "^$1 " | tail -n 1)
	printf '%s\n' "$answer" | grep -qx -e "$want" || { echo "'$*' gives '$answer', not '$want'"; return 1; }
}

le16() { printf '%02x%02x' $(($1 & 255)) $(($1 >> 8 & 255)); }
le32() { le16 $(($1 & 65535)); le16 $(($1 >> 16)); }

raw() {
	case $3 in stream) type=1 ;; datagram) type=3 ;; *) type=$3 ;; esac
	case $4 in request) op=1 ;; rst) op=3 ;; rw) op=5 ;; *) op=$4 ;; esac
	host raw "$(
		le32 2; le32 0; le32 3; le32 0; le32 "$1"; le32 "$2"; le32 "$5"; le16 "$type"; le16 "$op"
		le32 "$6"; le32 1048576; le32 0; printf %s "${7-}"
	)"
}

fuzzed() {
	tries=$guest_timeout
	until "$vsock_host" --ask "$T/control" state </dev/null | grep -q '"fuzz_left":0'; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || { echo "the guest takes no packets"; return 1; }
		sleep 1
	done
}
