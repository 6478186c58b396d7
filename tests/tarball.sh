#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make dist: the same bytes wherever it runs, holding every tracked file and what autotools makes, no more.

. "$SRCDIR/tests/lib.sh"

# dist DIR: the tarball as made in DIR.
dist() {
	mkdir -p "$T/$1"
	cd "$T/$1"
	"$SRCDIR/configure" -q --disable-payload CC="$CC" && "$MAKE" dist
}

name=supermachine-kernel-$VERSION
tarball=$name.tar.xz

# Two calls with nothing in common but the source.
here() {
	umask 022
	TZ=UTC0 LC_ALL=C dist a
}
there() {
	umask 077
	TZ=Pacific/Chatham LC_ALL=C.UTF-8 dist another/place
}

listed() {
	{
		git -C "$SRCDIR" ls-files | grep -v -e '^\.gitignore$' -e '^\.ci/'
		printf '%s\n' Makefile.in aclocal.m4 config.h.in configure
		for file in ar-lib compile config.guess config.sub depcomp install-sh ltmain.sh missing tap-driver.sh; do
			echo build-aux/$file
		done
	} | LC_ALL=C sort >"$T/want"
	tar -tf "$T/a/$tarball" | sed -n "s|^$name/\(.*[^/]\)\$|\1|p" | LC_ALL=C sort >"$T/have"
	diff "$T/want" "$T/have"
}

# nobody's files, readable, none writable for others, one date
plain() {
	tar -tvf "$T/a/$tarball" --numeric-owner | awk '
		$2 != "0/0" || $1 !~ /^[-d]rw[-x]r-[-x]r-[-x]$/ { print; bad = 1 }
		{ date[$4 $5] } END { for (d in date) n++; exit bad || n != 1 }'
}

check 'make dist' here
check 'make dist elsewhere, another umask, zone and locale' there
check 'both tarballs are the same' cmp "$T/a/$tarball" "$T/another/place/$tarball"
check 'owner, modes and dates tell nothing about the machine' plain
if git -C "$SRCDIR" ls-files --error-unmatch configure.ac >/dev/null 2>&1; then
	check 'every tracked file is in it, and nothing else' listed
else
	skip 'every tracked file is in it, and nothing else' 'no git checkout, or install the package git'
fi
done_testing
