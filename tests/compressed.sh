#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --enable-compressed-payload: kernel.xz is installed in place of kernel, and every reader gets the kernel.

. "$SRCDIR/tests/lib.sh"

fake_kernel "$T/image" 6.12.1-mine
fake_init "$T/init"
mkdir "$T/build"
guest=$T/prefix/share/supermachine

installs() {
	cd "$T/build"
	"$SRCDIR/configure" -q CC="$CC" --prefix="$T/prefix" --enable-compressed-payload \
		SUPERMACHINE_KERNEL_PATH="$T/image" SUPERMACHINE_INIT_OCI_PATH="$T/init"
	"$MAKE" install
	[ -f "$guest/init-oci" ] && [ ! -e "$guest/kernel" ]
	"$XZ" -dc "$guest/kernel.xz" | cmp - "$T/image"
	[ "$(stat -c %Y "$guest/kernel.xz")" = "$(sed -n 's/^payload_date=//p' data/payload.manifest)" ]
}

reads() {
	[ "$("$command" path kernel)" = "$guest/kernel.xz" ]
	"$command" verify
	"$command" extract kernel "$T/copy"
	cmp "$T/copy" "$T/image"
}

names() {
	grep "^kernel=\${guestdir}/kernel.xz$" "$T/prefix/share/pkgconfig/supermachine-kernel.pc"
}

refuses_a_cut_one() {
	head -c 60 "$guest/kernel.xz" >"$T/cut"
	cat "$T/cut" >"$guest/kernel.xz"
	! "$command" extract kernel "$T/other" || return 1
	[ ! -e "$T/other" ] && ! "$command" verify
}

command=$T/prefix/bin/supermachine-kernel
check 'kernel.xz is installed, dated and alone' installs
check 'path, verify and extract' reads
check 'pkg-config names the file that is there' names
check 'a damaged file is refused and leaves nothing' refuses_a_cut_one
done_testing
