#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# source-bundle.sh OUTPUT.tar: the complete corresponding source of the kernel (GPL-2.0 section 3) and of
# init-oci as one archive: the pinned tarball, the recipe, the licences.

data=$(cd "$(dirname "$0")" && pwd)
. "$data/common.sh"

[ $# -eq 1 ] || die "usage: source-bundle.sh OUTPUT.tar"
. "$data/linux/source"
tarball=${LINUX_TARBALL:-/usr/src/linux-source-6.12.tar.xz}
[ -f "$tarball" ] || die "$tarball is missing: install $LINUX_PACKAGE=$LINUX_VERSION, or set LINUX_TARBALL"
[ "$(sha256 "$tarball")" = "$LINUX_TARBALL_SHA256" ] || die "$tarball is not that of $LINUX_PACKAGE $LINUX_VERSION"

name=$(basename "$1" .tar)
trap 'rm -rf "$1.tmp" "$1.dir"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$1.dir/$name/data"
cp "$tarball" "$1.dir/$name/"
cp -p "$data"/*.sh "$data/SHA256SUMS" "$data/manifest" "$1.dir/$name/data"
sh "$data/recipe.sh" --copy "$1.dir/$name/data"
cp -p "$data"/../NOTICE "$data"/../COPYING.* "$1.dir/$name"
tar -C "$1.dir" --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
	--mtime="@$(fact payload_date "$data/manifest")" -cf "$1.tmp" "$name"
mv -f "$1.tmp" "$1"
echo "$1: build it with LINUX_TARBALL=${tarball##*/} sh data/linux/build.sh --work DIR --output kernel"
