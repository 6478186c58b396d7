#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Both .pc files: facts, places, a moved tree, a sysroot, and a program built with nothing else.

. "$SRCDIR/tests/lib.sh"
need pkg-config pkg-config

cp -Rp "$STAGE" "$T/moved"
unset PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
PKG_CONFIG_LIBDIR=$T/moved/lib/pkgconfig:$T/moved/share/pkgconfig
export PKG_CONFIG_LIBDIR

same() {
	[ "$1" = "$2" ] || { echo "expected '$1', got '$2'"; return 1; }
}

variable() {
	pkg-config --define-prefix --variable="$1" supermachine-kernel
}

# fact VARIABLE: the same as in the manifest of what was built.
fact() {
	same "$(sed -n "s/^$1=//p" "$BUILDDIR/data/payload.manifest")" "$(variable "$1")"
}

sum() {
	same "$(variable "$2")" "$($SHA256 "$(variable "$1")" | sed 's/ .*//')"
}

sysroot() {
	prefix=$(sed -n 's/^prefix=//p' "$T/moved/share/pkgconfig/supermachine-kernel.pc")
	PKG_CONFIG_SYSROOT_DIR=$T/root
	export PKG_CONFIG_SYSROOT_DIR
	same "$T/root$prefix/share/supermachine/kernel" "$(pkg-config --variable=kernel supermachine-kernel)"
	pkg-config --cflags --libs libsmkernel | grep -e "-I$T/root$prefix/include"
}

program() {
	cat >"$T/app.c" <<-'C'
		#include <smkernel.h>
		#include <stdio.h>
		int main(void) { return puts(smkernel_version()) < 0; }
	C
	# shellcheck disable=SC2046,SC2086 # words are wanted
	$CC $CFLAGS -o "$T/app" "$T/app.c" $(pkg-config --define-prefix "$@" --cflags --libs libsmkernel)
	same "$VERSION" "$(LD_LIBRARY_PATH=$T/moved/lib "$T/app")"
}

check 'both files are valid' pkg-config --validate libsmkernel supermachine-kernel
check 'both carry the version of the package' pkg-config --exact-version="$VERSION" libsmkernel supermachine-kernel
for name in arch kernel_release kernel_sha256 init_oci_sha256 snapshot_id cmdline; do
	check "$name is a fact" fact $name
done
check 'kernel is in the moved tree' same "$T/moved/share/supermachine/kernel" "$(variable kernel)"
check 'init_oci is in the moved tree' same "$T/moved/share/supermachine/init-oci" "$(variable init_oci)"
check 'guestdir is in the moved tree' same "$T/moved/share/supermachine" "$(variable guestdir)"
check 'assetsdir is guestdir' same "$T/moved/share/supermachine" "$(variable assetsdir)"
check 'kernel_sha256 is that of the file' sum kernel kernel_sha256
check 'init_oci_sha256 is that of the file' sum init_oci init_oci_sha256
check 'a sysroot is put in front' sysroot
if [ -e "$T/moved/lib/libsmkernel.so" ] || [ -e "$T/moved/lib/libsmkernel.dylib" ]; then
	check 'a program builds and runs with the shared library' program
else
	skip 'a program builds and runs with the shared library' 'configured with --disable-shared'
fi
rm -f "$T"/moved/lib/libsmkernel.so* "$T"/moved/lib/libsmkernel*.dylib
check 'a program builds and runs with the static library' program --static
done_testing
