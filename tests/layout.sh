#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The installed tree: the list of files, modes, times, the archive, the program, all as an unmodified 0.1
# runtime wants them, with nothing to configure.

. "$SRCDIR/tests/lib.sh"

guest=$STAGE/share/supermachine
date=$(sed -n 's/^payload_date=//p' "$BUILDDIR/data/payload.manifest")

mode() {
	[ -f "$1" ] && [ ! -L "$1" ] && [ "$(stat -c %a "$1")" = "$2" ]
}

same() {
	[ "$1" = "$2" ] || { echo "expected '$1', got '$2'"; return 1; }
}

# Libraries have a dozen names between systems, and documents are compressed by some.
listed() {
	(cd "$STAGE" && find . ! -type d | sed 's|^\./||' | grep -v -e '^lib/libsmkernel\.' | LC_ALL=C sort) |
		diff - "$SRCDIR/tests/manifest.installed"
}

archive() {
	mkdir "$T/archive"
	gzip -dc "$guest/oci/init-oci.cpio.gz" >"$T/cpio"
	[ "$(head -c 6 "$T/cpio")" = 070701 ] || return 1
	cpio -itvn --quiet <"$T/cpio" | awk '{ print $1, $3, $4, $NF }' >"$T/list"
	diff - "$T/list" <<-LIST
		-rwxr-xr-x 0 0 init
		drwxr-xr-x 0 0 proc
		drwxr-xr-x 0 0 sys
		drwxr-xr-x 0 0 dev
		drwxr-xr-x 0 0 newroot
	LIST
	(cd "$T/archive" && cpio -i --quiet init <"$T/cpio")
	cmp "$T/archive/init" "$guest/init-oci"
}

static() {
	readelf -hlW "$guest/init-oci" >"$T/elf"
	grep 'Machine: *AArch64' "$T/elf" && ! grep -e INTERP -e DYNAMIC "$T/elf" || return 1
	awk '$1 == "LOAD" { n++; if ($NF != "0x10000") exit 1 } END { exit !n }' "$T/elf"
}

not_first() {
	status=0
	qemu-aarch64 "$guest/init-oci" >"$T/out" 2>&1 </dev/null || status=$?
	cat "$T/out"
	[ "$status" -eq 1 ] && [ "$(wc -l <"$T/out")" -eq 1 ]
}

stripped() {
	! readelf -SW "$guest/init-oci" | grep -e '\.symtab' -e '\.debug'
}

moved() {
	cp -Rp "$STAGE" "$T/moved"
	same "$T/moved/share/supermachine/kernel" "$("$T/moved/bin/supermachine-kernel" path kernel)"
	same "$T/moved/share/supermachine/init-oci" "$("$T/moved/bin/supermachine-kernel" path init-oci)"
}

check 'the installed files are those of tests/manifest.installed' listed
check 'kernel is a regular file, 0644' mode "$guest/kernel" 644
check 'init-oci is a regular file, 0755' mode "$guest/init-oci" 755
check 'oci/init-oci.c is a regular file, 0644' mode "$guest/oci/init-oci.c" 644
check 'oci/init-oci is a regular file, 0755' mode "$guest/oci/init-oci" 755
check 'oci/init-oci.cpio.gz is a regular file, 0644' mode "$guest/oci/init-oci.cpio.gz" 644
check 'oci/init-oci is init-oci' cmp "$guest/init-oci" "$guest/oci/init-oci"
for file in kernel init-oci oci/init-oci.c oci/init-oci oci/init-oci.cpio.gz; do
	check "$file carries the date of the payload" same "$date" "$(stat -c %Y "$guest/$file")"
done
if command -v cpio >/dev/null; then
	check 'the archive holds init and four empty directories, owned by root' archive
else
	skip 'the archive holds init and four empty directories, owned by root' 'install the package cpio'
fi
if command -v readelf >/dev/null; then
	check 'init-oci is a static AArch64 program with segments aligned to 64 KiB' static
	check 'init-oci is stripped' stripped
else
	skip 'init-oci is a static AArch64 program with segments aligned to 64 KiB' 'install the package binutils'
fi
if command -v qemu-aarch64 >/dev/null; then
	check 'init-oci started as another process than 1 says so in one line and exits 1' not_first
else
	skip 'init-oci started as another process than 1 says so in one line and exits 1' 'install the package qemu-user'
fi
if [ -x "$STAGE/bin/supermachine-kernel" ]; then
	check 'a moved tree finds its own files' moved
else
	skip 'a moved tree finds its own files' 'configured with --disable-tools'
fi
done_testing
