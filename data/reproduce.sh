#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# reproduce.sh WORKDIR: rebuild kernel and init-oci from the recipe, in an empty WORKDIR, and compare them
# with the payload. 0: same bytes. 1: not. 77: the pinned source or the tool chain is not on this machine.

data=$(cd "$(dirname "$0")" && pwd)
. "$data/common.sh"

skip() {
	cat >&2 <<-NOTE
		**********************************************************************
		NOT REPRODUCED: $*
		**********************************************************************
	NOTE
	exit 77
}

[ $# -eq 1 ] || die "usage: reproduce.sh WORKDIR"
. "$data/linux/source"
tarball=${LINUX_TARBALL:-/usr/src/linux-source-6.12.tar.xz}
[ -f "$tarball" ] || skip "$tarball is missing: install $LINUX_PACKAGE=$LINUX_VERSION, or set LINUX_TARBALL"
[ "$(sha256 "$tarball")" = "$LINUX_TARBALL_SHA256" ] ||
	skip "$tarball is not that of $LINUX_PACKAGE $LINUX_VERSION: set LINUX_TARBALL to it"
for pair in aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu ld.lld:lld bc:bc bison:bison flex:flex; do
	command -v "${pair%%:*}" >/dev/null || skip "no ${pair%%:*}: install ${pair##*:}"
done

rm -rf "$1"
mkdir -p "$1"
work=$(cd "$1" && pwd)
sh "$data/linux/build.sh" --work "$work/linux" --output "$work/kernel" --tarball "$tarball"
sh "$data/init/build.sh" --work "$work/init" --output "$work/init-oci"
status=0
for name in kernel init-oci; do
	want=$(sed -n "s/  $name\$//p" "$data/SHA256SUMS")
	have=$(sha256 "$work/$name")
	if [ "$have" = "$want" ]; then
		echo "$name: reproduced, $have"
	else
		echo "$name: DIFFERS, built $have, payload $want" >&2
		status=1
	fi
done
exit $status
