#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# newc.sh INIT_OCI MANIFEST: on standard output, the uncompressed initramfs the runtime bakes from: /init and
# empty mount points, owned by root. The format is Documentation/driver-api/early-userspace/buffer-format.rst
# of Linux; writing it here spares the user cpio, and gives the same bytes everywhere.

data=$(dirname "$0")
. "$data/common.sh"

[ $# -eq 2 ] || die "usage: newc.sh INIT_OCI MANIFEST"
date=$(fact payload_date "$2")
inode=0

# entry NAME MODE NLINK [FILE]
entry() {
	size=0
	[ $# -lt 4 ] || size=$(($(wc -c <"$4")))
	inode=$((inode + 1))
	#      magic ino mode uid gid nlink mtime size dev rdev namesize check
	printf '070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x' \
		$inode "$2" 0 0 "$3" "$date" "$size" 0 0 0 0 $((${#1} + 1)) 0
	printf '%s\0' "$1"
	pad $((110 + ${#1} + 1))
	[ $# -lt 4 ] || cat "$4"
	pad "$size"
}

# pad LENGTH: NUL bytes up to the next multiple of four.
pad() {
	missing=$(((4 - $1 % 4) % 4))
	while [ $missing -gt 0 ]; do
		printf '\0'
		missing=$((missing - 1))
	done
}

entry init $((0100755)) 1 "$1"
for directory in proc sys dev newroot; do
	entry "$directory" $((040755)) 2
done
entry 'TRAILER!!!' 0 1
