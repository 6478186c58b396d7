#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Build the guest kernel from the pinned source, out of tree, with the same
# bytes on every machine that has the same compiler.
set -eu
umask 022
export LC_ALL=C

usage() {
	cat <<'EOF'
usage: build.sh --work DIR [--output FILE] [option...]

  --work DIR       tree and objects; kept, and used again by the next build
  --output FILE    write the Image here; without it only the source tree and
                   the configuration are made
  --tarball FILE   source (default: $LINUX_TARBALL, or where Debian's package
                   puts it)
  --jobs N         compile jobs (default: the number of processors)
  --variant NAME   with variants/NAME.config as the last fragment, in a build
                   directory of its own
  --menu           edit the configuration; saved as config/90-local.config
  --accept-config  write resolved.config instead of comparing with it
EOF
}

die() {
	echo "build.sh: $*" >&2
	exit 1
}

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/source"
tarball=${LINUX_TARBALL:-/usr/src/$LINUX_PACKAGE.tar.xz}
work='' output='' variant='' jobs=$(getconf _NPROCESSORS_ONLN) menu=false accept=false

while [ $# -gt 0 ]; do
	case $1 in
	--work | --output | --tarball | --jobs | --variant)
		[ $# -gt 1 ] || die "$1 needs a value"
		case $1 in
		--work) work=$2 ;;
		--output) output=$2 ;;
		--tarball) tarball=$2 ;;
		--jobs) jobs=$2 ;;
		--variant) variant=$2 ;;
		esac
		shift ;;
	--menu) menu=true ;;
	--accept-config) accept=true ;;
	--help) usage; exit ;;
	*) usage >&2; die "unknown argument: $1" ;;
	esac
	shift
done
[ -n "$work" ] || die "--work is missing"
fragment=${variant:+$here/variants/$variant.config}
if [ -n "$variant" ]; then
	[ -f "$fragment" ] || die "there is no variant $variant"
	if $menu || $accept; then die "a variant has no resolved.config"; fi
fi

need() {
	command -v "$1" >/dev/null || die "$1 is missing: apt install $2"
}
need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
need ld.lld lld
need gcc gcc
need make make
need bc bc
need bison bison
need flex flex
need patch patch
need xz xz-utils

mkdir -p "$work"
work=$(cd "$work" && pwd)
src=$work/linux
# Directly below the source, so that kbuild names every file relative to "..":
# no path of this machine reaches the Image or the compiler cache.
obj=$src/build${variant:+-$variant}

# Source: unpacked, patched and overlaid once per state of the recipe.
recipe=$(cd "$here" && {
	cat source
	find patches overlay -type f 2>/dev/null | sort | xargs -r sha256sum
} | sha256sum)
if [ "$(cat "$work/recipe" 2>/dev/null)" != "$recipe" ]; then
	[ -f "$tarball" ] || die "$tarball is missing:" \
		"apt install $LINUX_PACKAGE=$LINUX_VERSION, or set LINUX_TARBALL"
	sum=$(sha256sum <"$tarball")
	[ "${sum%% *}" = "$LINUX_TARBALL_SHA256" ] ||
		die "$tarball is not $LINUX_VERSION: sha256 ${sum%% *}," \
			"expected $LINUX_TARBALL_SHA256"
	rm -rf "$src" "$work/recipe"
	mkdir "$src"
	xz -dc "$tarball" | tar -x -C "$src" --strip-components=1
	for p in "$here"/patches/*.patch; do
		patch -d "$src" -p1 -F0 -N -s --no-backup-if-mismatch <"$p" >&2 ||
			die "$p does not apply"
	done
	[ ! -d "$here/overlay" ] || cp -R "$here/overlay/." "$src"
	echo "$recipe" >"$work/recipe"
fi

# Only what is named here may steer the build. Debian 12's GNU ld cannot pack
# relocations (RELR), lld can. pahole and rustc are not used, but found they
# would show in the configuration.
kmake() {
	env -i PATH="$PATH" HOME="${HOME:-/}" TERM="${TERM:-dumb}" LC_ALL=C TZ=UTC0 \
		CCACHE_DIR="${CCACHE_DIR:-${HOME:-$work}/.cache/ccache}" CCACHE_NOHASHDIR=1 \
		KBUILD_BUILD_USER=supermachine KBUILD_BUILD_HOST=kernel \
		KBUILD_BUILD_VERSION=1 \
		KBUILD_BUILD_TIMESTAMP="$(date -u -d "@$EPOCH")" \
		make -C "$src" O="${obj##*/}" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- \
		CC="${ccache}aarch64-linux-gnu-gcc" HOSTCC="${ccache}gcc" LD=ld.lld \
		PAHOLE=false RUSTC=false "$@"
}
ccache=''
if [ -z "${CCACHE_DISABLE-}" ] && command -v ccache >/dev/null; then
	ccache='ccache '
fi

# Configuration: the fragments over allnoconfig, the last value of an option
# wins. Kconfig drops what it cannot satisfy without a word: compare.
configure() {
	cat "$here"/config/*.config ${fragment:+"$fragment"} |
		awk -F= '/^CONFIG_/ { v[$1] = $0 } END { for (n in v) print v[n] }' |
		sort >"$obj/requested"
	kmake -s KCONFIG_ALLCONFIG="${obj##*/}/requested" allnoconfig
	# "=n" is satisfied by a line "is not set" and by no line at all.
	dropped=$(awk -F= 'NR == FNR { if (/^CONFIG_/) have[$1] = $0; next }
		/=n$/ ? $1 in have : have[$1] != $0' "$obj/.config" "$obj/requested")
	[ -z "$dropped" ] || die "options that Kconfig did not accept: $dropped"
}

mkdir -p "$obj"
configure
if $menu; then
	mine=$here/config/90-local.config
	cp "$obj/.config" "$obj/before"
	kmake menuconfig
	{
		echo "# SPDX-License-Identifier: GPL-2.0-only"
		echo "# What build.sh --menu changed; wins over the other fragments."
		{
			grep -s '^CONFIG_' "$mine" || :
			grep CONFIG_ "$obj/.config" | grep -vxFf "$obj/before" |
				sed 's/^# \(.*\) is not set$/\1=n/'
		} | awk -F= '{ v[$1] = $0 } END { for (n in v) print v[n] }' | sort
	} >"$obj/local"
	cp "$obj/local" "$mine"
	configure
	accept=true
fi

# The resolved configuration of the payload is part of the recipe.
{
	echo "# SPDX-License-Identifier: GPL-2.0-only"
	cat "$obj/.config"
} >"$obj/resolved.config"
if $accept; then
	cp "$obj/resolved.config" "$here/resolved.config"
elif [ -z "$variant" ] && ! cmp -s "$obj/resolved.config" "$here/resolved.config"; then
	diff -u "$here/resolved.config" "$obj/resolved.config" >&2 || :
	die "the configuration is not resolved.config (--accept-config takes it)"
fi
[ -n "$output" ] || exit 0

kmake -j"$jobs" Image
# kbuild asks the compiler what it can do once more.
tail -n +2 "$obj/resolved.config" | cmp - "$obj/.config" ||
	die "the configuration changed during the build"
release=$(cat "$obj/include/config/kernel.release")
[ "$release" = "$LINUX_RELEASE${variant:+-$variant}" ] ||
	die "release is $release, source says $LINUX_RELEASE"
cp "$obj/arch/arm64/boot/Image" "$output.tmp"
mv "$output.tmp" "$output"
