#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Debian arm64 root file system with the programs of the soak. apt resolves and fetches the packages, once.
set -eu

debs=${SOAK_DEBS:-${XDG_CACHE_HOME:-$HOME/.cache}/supermachine-kernel/soak}

packages='base-files base-passwd bash coreutils dash diffutils findutils gawk grep gzip hostname sed tar util-linux
apt bind9-dnsutils conntrack containernetworking-plugins crun curl dpkg fuse-overlayfs gcc git iperf3 iproute2 ipset
iptables iputils-ping ipvsadm kmod libc6-dev libpython3.11-testsuite netavark netcat-openbsd nftables nginx-light
nodejs openssh-client openssh-server openssl passwd podman postgresql-15 procps python3 python3-aiohttp python3-pip
python3-requests python3-uvicorn redis-server ruby runc slirp4netns socat sqlite3 stress-ng systemd-container uidmap
wget'

usage() {
	cat >&2 <<-EOF
	usage: debian.sh fetch    downloads the packages into $debs; apt must know the architecture arm64
	       debian.sh missing  fails, with what to do, unless they are there
	       debian.sh root TO  unpacks them
	EOF
	exit 2
}

# An apt of its own, for an empty arm64 system.
arm64_apt() {
	# shellcheck disable=SC2086 # a list of words
	apt-get -q -y -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Install-Recommends=0 \
		-o Debug::NoLocking=1 -o Dir::State::status="$debs/status" -o Dir::Cache::archives="$debs" "$@"
}

case ${1-}:$# in
fetch:1)
	! sh "$0" missing >/dev/null || exit 0
	mkdir -p "$debs/partial"
	: >"$debs/status"
	# shellcheck disable=SC2086 # a list of words
	arm64_apt --download-only install $packages
	arm64_apt autoclean
	echo "$packages" >"$debs/complete"
	;;
missing:1)
	echo "$packages" | cmp -s - "$debs/complete" || { echo "sh tests/guest/soak/debian.sh fetch downloads them"; exit 1; }
	;;
root:2)
	mkdir -p "$2"
	cd "$2"
	status=$PWD.status
	mkdir -p usr/bin usr/sbin usr/lib var/lib/dpkg/info
	ln -s usr/bin usr/sbin usr/lib .
	for deb in "$debs"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink --exclude='./usr/share/doc/*' \
			--exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' --exclude='*/gconv/*'
		dpkg-deb -f "$deb" | sed 's/^Package:.*/&\nStatus: install ok installed/'
		echo
	done >"$status"
	mv "$status" var/lib/dpkg/status
	# What the packages' scripts would do.
	cp usr/share/base-passwd/passwd.master etc/passwd
	cp usr/share/base-passwd/group.master etc/group
	cat >>etc/passwd <<-EOF
	web:x:1000:1000::/home/web:/bin/sh
	postgres:x:101:101::/var/lib/postgresql:/bin/sh
	sshd:x:102:65534::/run/sshd:/usr/sbin/nologin
	EOF
	printf '%s\n' web:x:1000: postgres:x:101: >>etc/group
	echo web:100000:65536 | tee etc/subuid >etc/subgid
	rm -rf var/run
	ln -s /run var/run
	ln -s /proc/self/mounts etc/mtab
	: >etc/ssh/sshd_config
	ln -s gawk usr/bin/awk
	ln -s nc.openbsd usr/bin/nc
	for family in iptables ip6tables; do
		for command in '' -save -restore; do
			ln -s $family-nft$command usr/sbin/$family$command
		done
	done
	;;
*)
	usage
	;;
esac
