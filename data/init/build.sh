#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds init-oci for aarch64 against musl, static and stripped. The bytes depend on the sources and
# the toolchain only, not on paths, user, time or locale.

set -eu
export LC_ALL=C

usage() {
	echo "usage: build.sh --work DIR --output FILE" >&2
	exit 2
}

fail() {
	echo "build.sh: $*" >&2
	exit 1
}

work='' output=''
while [ $# -gt 0 ]; do
	[ $# -ge 2 ] || usage
	case $1 in
	--work) work=$2 ;;
	--output) output=$2 ;;
	*) usage ;;
	esac
	shift 2
done
if [ -z "$work" ] || [ -z "$output" ]; then usage; fi

dir=$(cd "$(dirname "$0")" && pwd)
target=aarch64-linux-gnu
musl=/usr/lib/aarch64-linux-musl
headers=/usr/include/aarch64-linux-musl
command -v $target-gcc >/dev/null || fail "no $target-gcc: apt install gcc-$target"
[ -f $musl/libc.a ] || fail "no musl for aarch64: dpkg --add-architecture arm64 && apt update && apt install musl-dev:arm64"
[ -d /usr/$target/include/linux ] || fail "no kernel headers: apt install linux-libc-dev-arm64-cross"

mkdir -p "$work"
sh "$dir/join.sh" >"$work/init-oci.c"
cd "$work"

compile='-std=gnu11 -Wall -Wextra -Os -fwhole-program -ffunction-sections -fdata-sections -fomit-frame-pointer
	-fno-pie -fno-stack-protector -fno-unwind-tables -fno-asynchronous-unwind-tables -fno-ident -mno-outline-atomics'
# Segments of 64 KiB suit kernels of every page size.
link='-nostdlib -static -no-pie -Wl,--gc-sections,--build-id=none,-s,-znoexecstack,-znorelro,-znoseparate-code,-zmax-page-size=65536'
gcc_headers=$($target-gcc -print-file-name=include)
# shellcheck disable=SC2086 # the flags are lists
$target-gcc $compile -nostdinc -isystem $headers -isystem "$gcc_headers" -idirafter /usr/$target/include \
	$link -o init-oci $musl/crt1.o $musl/crti.o init-oci.c $musl/libc.a -lgcc $musl/crtn.o
$target-strip --strip-all --remove-section=.comment --remove-section=.note.gnu.property init-oci
chmod 0755 init-oci
cd "$OLDPWD"
cp "$work/init-oci" "$output"
