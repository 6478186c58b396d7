#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The host side of the figures in README: run by `make bench`, in a directory beside the build.
set -eu
T=$(mktemp -d "$BUILDDIR/bench.XXXXXX")
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM
unset SUPERMACHINE_KERNEL_PATH SUPERMACHINE_INIT_OCI_PATH SUPERMACHINE_ASSETS_DIR

if [ ! -f "$STAGE/share/supermachine/kernel" ]; then
	echo "bench: built with --disable-payload: nothing to measure" >&2
	exit 1
fi
LD_LIBRARY_PATH=$STAGE/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
sh "$SRCDIR/data/compress.sh" "$STAGE/share/supermachine/kernel" >"$T/kernel.xz"
"$BUILDDIR/bench/.libs/bench" "$STAGE/share/supermachine/kernel" "$T/kernel.xz" "$T"
strip -o "$T/stripped" "$STAGE/lib/libsmkernel.so"
printf '%-58s %6d  %6d\n' 'library, stripped, bytes' "$(wc -c <"$T/stripped")" 49152
