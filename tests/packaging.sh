#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The Debian packages build, and what they hold is the payload as it was installed; the Homebrew formula is Ruby.

. "$SRCDIR/tests/lib.sh"

tarball() {
	mkdir "$T/dist"
	cd "$T/dist"
	"$SRCDIR/configure" -q --disable-payload CC="$CC"
	"$MAKE" dist
}

source_tree() {
	tar -xf "$T/dist/supermachine-kernel-$VERSION.tar.xz" -C "$T"
	cd "$T/supermachine-kernel-$VERSION"
	cp -R packaging/debian .
}

packages() {
	cd "$T/supermachine-kernel-$VERSION"
	unset CC CFLAGS MAKEFLAGS MFLAGS MAKELEVEL MAKE
	DEB_BUILD_OPTIONS=nocheck dpkg-buildpackage -b -us -uc -d
}

payload() {
	dpkg-deb -x "$T/supermachine-kernel-data_$VERSION-1_all.deb" "$T/root"
	list='kernel init-oci oci/init-oci.c oci/init-oci oci/init-oci.cpio.gz'
	# shellcheck disable=SC2086 # a list of words
	(cd "$STAGE/share/supermachine" && stat -c '%n %a %s' $list && $SHA256 $list) >"$T/want"
	# shellcheck disable=SC2086 # a list of words
	(cd "$T/root/usr/share/supermachine" && stat -c '%n %a %s' $list && $SHA256 $list) | diff "$T/want" -
	# No file older than what it is made from
	cd "$T/root/usr/share/supermachine/oci"
	[ "$(stat -c %Y init-oci.c)" -le "$(stat -c %Y init-oci)" ]
	[ "$(stat -c %Y init-oci)" -le "$(stat -c %Y init-oci.cpio.gz)" ]
}

command_works() {
	dpkg-deb -x "$T/supermachine-kernel_$VERSION-1_$(dpkg --print-architecture).deb" "$T/root"
	"$T/root/usr/bin/supermachine-kernel" verify
}

formula() {
	sh "$SRCDIR/packaging/homebrew/formula.sh" "$T/dist/supermachine-kernel-$VERSION.tar.xz" \
		"https://example.org/supermachine-kernel-$VERSION.tar.xz" >"$T/supermachine-kernel.rb"
	grep "sha256 \"$($SHA256 "$T/dist/supermachine-kernel-$VERSION.tar.xz" | sed 's/ .*//')\"" "$T/supermachine-kernel.rb"
}

check 'a release tarball' tarball
check 'its Homebrew formula' formula
if command -v ruby >/dev/null; then
	check 'the formula is Ruby' ruby -c "$T/supermachine-kernel.rb"
else
	skip 'the formula is Ruby' 'install the package ruby'
fi
if command -v dh >/dev/null; then
	check 'Debian source tree' source_tree
	check 'Debian packages build' packages
	check 'they hold the installed payload' payload
	check 'the packaged command verifies it' command_works
else
	skip 'Debian packages build' 'install the package debhelper'
fi
done_testing
