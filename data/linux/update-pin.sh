#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Move the pin to the newest version of the kernel source that apt knows and
# build it: how a security fix ships. Needs the network, unlike the build.
#
# usage: update-pin.sh --work DIR --output FILE
set -eu
export LC_ALL=C

die() {
	echo "update-pin.sh: $*" >&2
	exit 1
}

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/source"
work='' output=''
while [ $# -gt 1 ]; do
	case $1 in
	--work) work=$2 ;;
	--output) output=$2 ;;
	*) die "unknown argument: $1" ;;
	esac
	shift 2
done
if [ $# -gt 0 ] || [ -z "$work" ] || [ -z "$output" ]; then
	die "usage: update-pin.sh --work DIR --output FILE"
fi

newest=$(apt-cache policy "$LINUX_PACKAGE" |
	sed -n 's/^  Candidate: \([0-9].*\)/\1/p')
[ -n "$newest" ] ||
	die "apt knows no $LINUX_PACKAGE: add Debian's security archive, apt update"
if dpkg --compare-versions "$newest" le "$LINUX_VERSION"; then
	echo "update-pin.sh: $LINUX_VERSION is the newest" >&2
else
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	(cd "$tmp" && apt-get download "$LINUX_PACKAGE=$newest" && dpkg-deb -x ./*.deb .)
	tarball=$tmp/usr/src/$LINUX_PACKAGE.tar.xz
	sum=$(sha256sum <"$tarball")
	date=$(gzip -dc "$tmp/usr/share/doc/$LINUX_PACKAGE/changelog.Debian.gz" |
		sed -n 's/^ -- .*>  //p' | head -n 1)
	sed -e "s/^LINUX_VERSION=.*/LINUX_VERSION=$newest/" \
		-e "s/^LINUX_TARBALL_SHA256=.*/LINUX_TARBALL_SHA256=${sum%% *}/" \
		-e "s/^LINUX_RELEASE=.*/LINUX_RELEASE=${newest%%-*}-supermachine/" \
		-e "s/^EPOCH=.*/EPOCH=$(date -d "$date" +%s)/" \
		"$here/source" >"$tmp/source"
	cat "$tmp/source" >"$here/source"
	mkdir -p "$work"
	mv "$tarball" "$work/"
fi
if [ -f "$work/$LINUX_PACKAGE.tar.xz" ]; then
	export LINUX_TARBALL="$work/$LINUX_PACKAGE.tar.xz"
fi
sh "$here/build.sh" --work "$work" --output "$output" --accept-config
