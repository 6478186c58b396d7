#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make install: DESTDIR, a prefix given late, a changed umask, twice; make uninstall takes everything away.

. "$SRCDIR/tests/lib.sh"

payload() {
	(cd "$1" && stat -c '%n %a %s %Y' kernel init-oci oci/*)
}

same_payload() {
	payload "$STAGE/share/supermachine" >"$T/want"
	payload "$1" | diff "$T/want" -
}

install_into() {
	"$MAKE" -C "$BUILDDIR" install "$@" >"$T/log" 2>&1 || { tail -n 20 "$T/log"; return 1; }
}

destdir() {
	install_into DESTDIR="$T/d" prefix=/usr guestdir=/opt/guest exec_prefix=/usr
	same_payload "$T/d/opt/guest"
}

late_prefix() {
	umask 077
	install_into DESTDIR= prefix="$T/late" exec_prefix="$T/late"
	same_payload "$T/late/share/supermachine"
	"$T/late/bin/supermachine-kernel" verify
	[ "$T/late/share/supermachine/kernel" = "$("$T/late/bin/supermachine-kernel" path kernel)" ]
}

twice() {
	install_into DESTDIR= prefix="$T/late" exec_prefix="$T/late"
	same_payload "$T/late/share/supermachine"
}

uninstalls() {
	"$MAKE" -C "$BUILDDIR" uninstall DESTDIR= prefix="$T/late" exec_prefix="$T/late" >/dev/null
	[ -z "$(find "$T/late" ! -type d)" ]
}

check 'DESTDIR and another guestdir' destdir
check 'a late prefix under umask 077' late_prefix
check 'the same a second time' twice
check 'uninstall leaves no file' uninstalls
done_testing
