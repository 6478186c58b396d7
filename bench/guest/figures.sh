#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that no figure of the payload is worse than the accepted one, beyond its margin.
. "$SRCDIR/tests/lib.sh"
need python3 python3
need qemu-system-aarch64 qemu-system-arm
need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
need dtc device-tree-compiler
need zstd zstd
kernel=$STAGE/share/supermachine/kernel
accepted=$SRCDIR/bench/accepted
[ -f "$kernel" ] || skip_all "no kernel installed in $STAGE/share/supermachine"
grep -q "^$($SHA256 "$kernel" | cut -d' ' -f1) " "$SRCDIR/data/SHA256SUMS" ||
	skip_all "the kernel is not the payload, whose figures are known"
qemu=$(sed -n 's/^qemu //p' "$accepted")
qemu-system-aarch64 --version | grep -q "version $qemu\." || skip_all "the figures are those of QEMU $qemu"
exec python3 "$SRCDIR/bench/guest/measure.py" --vsock-host "$BUILDDIR/tests/vsock-host/vsock-host" \
	--check "$accepted" "$kernel"
