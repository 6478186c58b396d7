#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that the programs that people run in containers work, for as long as one likes, without a complaint of the
# kernel: Debian's arm64 packages in guests of 1 GiB. SOAK names the classes (all), SOAK_SECONDS says how long each
# stressor of stress-ng runs (1); GUEST_PATIENCE multiplies every limit.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
. "$SRCDIR/tests/guest/tsi/lib.sh"
need mke2fs e2fsprogs
soak=$guest_src/soak
missing=$(sh "$soak/debian.sh" missing) || skip_all "$missing"
# shellcheck disable=SC2034 # for the libraries
started='^init-oci: hello from pid 1' guest_timeout=${GUEST_TIMEOUT:-7200}
seconds=${SOAK_SECONDS:-1}

make_soak() {
	sh "$soak/debian.sh" root "$1" || return
	aarch64-linux-gnu-gcc -static -s -O2 -o "$1/usr/bin/container-probe" "$guest_src/container-probe.c" || return
	squash "$1" "${1%.dir}.new" -Xcompression-level 3 -all-root
}

# soak CLASS SCRIPT CPUS SECONDS [BOOT OPTION...]: SCRIPT with an empty volume at /data; each of its results is ours.
soak() {
	class=$1 script=$2 cpus=$3 limit=$4
	shift 4
	delta work container-probe report sh /work
	{
		echo "patience=${GUEST_PATIENCE:-1}"
		cat "$soak/prelude.sh"
		echo "class=${class#stress-} seconds=$seconds limit=$limit"
		cat "$soak/$script.sh"
		echo 'sleep 1; echo "soak: done"'
	} >"$T/work/work"
	cp -r "$T"/add/* "$T/work/"
	echo /data >"$T/work/.supermachine-volumes"
	pack work
	rm -f "$T/volume"
	mke2fs -q -t ext4 "$T/volume" 2g >/dev/null
	boot -m 1024 -c "$cpus" "$@" "$images/soak" "$T/work.img" "rw:$T/volume"
	expect '^soak: done$' || :
	halt
	while IFS= read -r line; do
		case $line in
		'ok '*) ok 0 "$class: ${line#ok }" ;;
		'not ok '*) ok 1 "$class: ${line#not ok }" ;;
		'# '*) echo "$line" ;;
		esac
	done <"$console"
	check "$class: ran to its end" has '^soak: done$'
	check "$class: the kernel has nothing to complain about" lacks "$splat"
}

# tsi FAMILY IN-ORDER CPUS: programs that talk to each other through a host of that family.
tsi() {
	set -- "$@" --family "$1"
	for port in 2222 4433 5201 5432 6379 8000 8001 8002 8003 9001 9418; do
		set -- "$@" --port $port=0
	done
	family=$1 in_order=$2 cpus=$3
	shift 3
	start_host "$@"
	soak "tsi-$family" tsi "$cpus" 3000 -v "$T/vsock" -a "vmw_vsock_virtio_transport.dgram=1 tsi.in_order=$in_order"
	stop_host
}

shared_image soak || { echo "Bail out! cannot make the root file system"; exit 1; }
mkdir -p "$T/add/usr/bin"
cp "${SOAK_DEBS:-${XDG_CACHE_HOME:-$HOME/.cache}/supermachine-kernel/soak}"/hostname_*_arm64.deb "$T/add/package.deb"
# For the programs of TSI; without Go they leave its two out.
! command -v go >/dev/null || GOARCH=arm64 CGO_ENABLED=0 GO111MODULE=off GOCACHE=$T/go go build -o "$T/add/usr/bin/fetch" "$soak/fetch.go"
for class in ${SOAK:-stress-cpu stress-cpu-cache stress-device stress-filesystem stress-interrupt stress-io stress-memory \
	stress-network stress-os stress-pipe stress-scheduler stress-vm rules programs python containers \
	tsi-supermachine-0.7 tsi-libkrun-1.19.7}; do
	case $class in
	stress-*) soak "$class" stress 4 $((300 + 300 * seconds)) ;;
	rules) soak "$class" rules 1 0 ;;
	programs | python) soak "$class" "$class" 4 0 ;;
	containers) soak "$class" containers 2 0 ;;
	tsi-supermachine-*) tsi "${class#tsi-}" 0 2 ;;
	tsi-libkrun-*) tsi "${class#tsi-}" 1 2 ;;
	*) echo "Bail out! no class $class"; exit 1 ;;
	esac
done
done_testing
