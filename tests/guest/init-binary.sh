#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that the installed init-oci is a program that every kernel of the runtime can start.
. "$SRCDIR/tests/lib.sh"
[ -f "$STAGE/share/supermachine/init-oci" ] || skip_all "no init-oci installed"
need readelf binutils
init_oci=$STAGE/share/supermachine/init-oci
readelf -hlW "$init_oci" >"$T/elf"

has() { grep -q -e "$1" "$T/elf" || { cat "$T/elf"; return 1; }; }
lacks() { ! grep -e "$1" "$T/elf"; }
aligned() {
	sed -n 's/^ *LOAD .* //p' "$T/elf" >"$T/align"
	[ -s "$T/align" ] || return
	while read -r align; do
		[ $((align)) -ge 65536 ] || return
	done <"$T/align"
}
check "item 41: for AArch64" has 'Machine: *AArch64'
check "item 41: static, no interpreter" lacks 'INTERP\|DYNAMIC'
check "item 41: no executable stack" has 'GNU_STACK .* RW '
check "item 41: segments aligned to 64 KiB" aligned
check "item 41: no segment both writable and executable" lacks ' RWE '
check "item 41: at most 64 KiB" [ "$(wc -c <"$init_oci")" -le 65536 ]
for pages in 4 16 64; do
	if command -v qemu-aarch64 >/dev/null; then
		status=0
		qemu-aarch64 -p $((pages * 1024)) "$init_oci" >"$T/out" 2>&1 || status=$?
		sed 's/^/# /' "$T/out"
		check "item 41: with pages of $pages KiB it runs and refuses to be a child" [ $status -eq 1 ]
	else
		skip "item 41: runs with pages of $pages KiB" "install the package qemu-user"
	fi
done
done_testing
