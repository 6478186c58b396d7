#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The guests' user land: arm64 packages of Debian, fetched once, unpacked as root file systems.
set -eu

# Where the packages are kept.
debs=${GUEST_DEBS:-${XDG_CACHE_HOME:-$HOME/.cache}/supermachine-kernel/debs}

usage() {
	cat >&2 <<-EOF
	usage: userland.sh packages     the packages, one a line
	       userland.sh missing      those that $debs lacks
	       userland.sh fetch        download those; apt must know the architecture arm64
	       userland.sh file PACKAGE where that one is kept
	       userland.sh busybox TO   a busybox root file system
	       userland.sh debian TO    what a Debian image adds: glibc, python3, redis, curl, nginx, nftables, crun and more
	EOF
	exit 2
}

packages='busybox-static
libc6 libgcc-s1 libstdc++6 zlib1g libexpat1 libssl3
python3.11-minimal libpython3.11-minimal
redis-server redis-tools libatomic1 libjemalloc2 liblzf1 libsystemd0 libcap2 libgcrypt20
libgpg-error0 liblz4-1 liblzma5 libzstd1
iptables libxtables12 libip4tc2 libip6tc2 libnftnl11 libmnl0 libnfnetlink0 libnetfilter-conntrack3
wireguard-tools conntrack iproute2 libbpf1 libelf1 libselinux1
ipset libipset13 ipvsadm libnl-3-200 libnl-genl-3-200 libpopt0 libtirpc3
curl libcurl4 libbrotli1 libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0 libcom-err2 libkeyutils1 libidn2-0
libunistring2 libldap-2.5-0 libsasl2-2 libnghttp2-14 libpsl5 librtmp1 libgnutls30 libhogweed6 libnettle8 libp11-kit0
libtasn1-6 libffi8 libssh2-1
nginx libcrypt1 libpcre2-8-0
nftables libnftables1 libjansson4 libgmp10 libedit2 libbsd0 libmd0 libtinfo6
crun libseccomp2 libyajl2'

# To compile with, in no image.
development=libc-ares-dev

missing() {
	for package in $packages $development; do
		set -- "$debs/${package}"_*_arm64.deb
		[ -f "$1" ] || echo "$package"
	done
}

unpack() {
	to=$1
	shift
	mkdir -p "$to"
	for package; do
		set -- "$debs/${package}"_*_arm64.deb
		dpkg-deb --extract "$1" "$to"
	done
}

case ${1-}:$# in
packages:1)
	echo "$packages $development" | tr ' ' '\n'
	;;
missing:1)
	missing
	;;
fetch:1)
	mkdir -p "$debs"
	cd "$debs"
	missing | sed 's/$/:arm64/' | xargs -r apt-get download
	;;
file:2)
	echo "$debs/$2"_*_arm64.deb
	;;
busybox:2)
	unpack "$2" busybox-static
	cd "$2"
	rm -rf usr/share
	mkdir -p dev etc proc root run srv sys tmp usr/bin usr/sbin var
	# Its shell finds every other applet by itself (FEATURE_SH_STANDALONE).
	for applet in sh true cat echo sleep; do
		ln -sf busybox "bin/$applet"
	done
	;;
debian:2)
	# shellcheck disable=SC2046 # a list of words
	unpack "$2" $(echo "$packages" | sed 's/^busybox-static//')
	cd "$2"
	rm -rf usr/share usr/lib/*/gconv
	ln -sf python3.11 usr/bin/python3
	# The base layer has real /bin and /sbin: everything Debian puts there lives under /usr.
	for dir in bin sbin; do
		[ ! -d $dir ] || cp -a $dir/. usr/$dir/
		rm -rf $dir
	done
	;;
*)
	usage
	;;
esac
