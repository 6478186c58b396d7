#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that the programs that people run in containers work, for as long as one likes, without a complaint of the
# kernel: Debian's arm64 packages in guests of 1 GiB. SOAK names the classes (all), SOAK_SECONDS says how long each
# stressor of stress-ng runs (1). All of it takes two idle cores an hour or more; where other work takes a share of
# them, GUEST_PATIENCE multiplies every limit.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
. "$SRCDIR/tests/guest/tsi/lib.sh"
need mke2fs e2fsprogs
soak=$guest_src/soak
missing=$(sh "$soak/debian.sh" missing) || skip_all "$missing"
# shellcheck disable=SC2034 # for the libraries
started='^init-oci: hello from pid 1' guest_timeout=${GUEST_TIMEOUT:-$((7200 * patience))} stressed=

make_soak() {
	sh "$soak/debian.sh" root "$1" || return
	aarch64-linux-gnu-gcc -static -s -O2 -o "$1/usr/bin/container-probe" "$guest_src/container-probe.c" || return
	squash "$1" "${1%.dir}.new" -Xcompression-level 3 -all-root
}

# soak CLASS SCRIPT CPUS [BOOT OPTION...]: SCRIPT with an empty volume at /data; each of its results is ours.
soak() {
	class=$1 script=$2 cpus=$3
	shift 3
	delta work container-probe report sh /work
	{
		echo "patience=$patience class=${class#stress-} seconds=${SOAK_SECONDS:-1} stressed='$stressed'"
		cat "$soak/prelude.sh"
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
	guest_results 'soak: done' "$class: "
	stressed="$stressed $(sed -n 's/^.*ok stress-ng \([^ ]*\).*/\1/p' "$console" | tr '\n' ' ')"
}

# tsi FAMILY: programs that talk to each other through a host of that family. Without Go its two are left out.
tsi() {
	! command -v go >/dev/null || HOME=${HOME:-$T} GOARCH=arm64 CGO_ENABLED=0 GO111MODULE=off GOTOOLCHAIN=local \
		go build -o "$T/add/usr/bin/fetch" "$soak/fetch.go"
	set -- --family "$1"
	for port in 2222 4433 5201 5432 6379 8000 8001 8002 8003 9001 9418; do
		set -- "$@" --port $port=0
	done
	start_host "$@"
	soak "$class" tsi 2 -v "$T/vsock" -a vmw_vsock_virtio_transport.dgram=1
	stop_host
}

# What the image is made of: the packages are whole when debian.sh has written this.
debs=${SOAK_DEBS:-${XDG_CACHE_HOME:-$HOME/.cache}/supermachine-kernel/soak}
shared_image soak "$debs/complete" "$soak/debian.sh" "$guest_src/container-probe.c" || { echo "Bail out! cannot make the root file system"; exit 1; }
mkdir -p "$T/add/usr/bin"
cp "$debs"/hostname_*_arm64.deb "$T/add/package.deb"
for class in ${SOAK:-stress-cpu stress-cpu-cache stress-device stress-filesystem stress-interrupt stress-io stress-memory \
	stress-network stress-os stress-pipe stress-scheduler stress-security stress-vm rules programs python containers \
	tsi-supermachine-0.7 tsi-libkrun-1.19.7}; do
	case $class in
	stress-*) soak "$class" stress 4 ;;
	rules) soak "$class" rules 1 ;;
	programs | python) soak "$class" "$class" 4 ;;
	containers) soak "$class" containers 2 ;;
	tsi-*) tsi "${class#tsi-}" ;;
	*) echo "Bail out! no class $class"; exit 1 ;;
	esac
done
done_testing
