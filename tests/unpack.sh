#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Unpacking the payload: a damaged or exchanged .xz is refused by name and leaves nothing behind.

. "$SRCDIR/tests/lib.sh"

cd "$T"
head -c 100000 /dev/urandom >kernel
printf 'the end\n' >>kernel
"$XZ" -kc kernel >kernel.xz
$SHA256 kernel >sums
mv kernel good

unpack() {
	sh "$SRCDIR/data/unpack.sh" "$@"
}

# refused PATTERN FILE.xz SUMS: an error that matches, and neither output nor temporary file.
refused() {
	status=0
	unpack "$2" "$3" "$T/out/kernel" >"$T/message" 2>&1 || status=$?
	cat "$T/message"
	[ "$status" -eq 1 ] && grep -q "$1" "$T/message" && [ -z "$(ls -A "$T/out")" ]
}

overwrites() {
	echo old >out/kernel
	unpack kernel.xz sums out/kernel
	cmp good out/kernel && rm out/kernel
}

mkdir out truncated corrupt other none
head -c 80 kernel.xz >truncated/kernel.xz
{ head -c 60 kernel.xz; printf 'XX'; tail -c +63 kernel.xz; } >corrupt/kernel.xz
echo other | "$XZ" -c >other/kernel.xz

check 'a good file is decoded over an old one' overwrites
check 'a truncated file is refused' refused 'truncated/kernel.xz: xz cannot decode it' truncated/kernel.xz sums
check 'a corrupt file is refused' refused 'corrupt/kernel.xz: xz cannot decode it' corrupt/kernel.xz sums
check 'another file is refused' refused 'other/kernel.xz: sha256 of the decoded file is ' other/kernel.xz sums
check 'a missing file is refused' refused 'none/kernel.xz: xz cannot decode it' none/kernel.xz sums
check 'a file without a sum is refused' refused 'no sum for kernel' kernel.xz /dev/null
# A file may not grow beyond 32 KiB: as on a full disk, writing fails half-way.
full() {
	trap '' XFSZ
	ulimit -f 64
	refused 'kernel.xz: xz cannot decode it' kernel.xz sums
}
check 'a full disk leaves nothing' full
done_testing
