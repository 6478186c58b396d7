#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What style every tracked file keeps: licence line, plain shell, no binaries, no leftovers, no trace of a machine.

. "$SRCDIR/tests/lib.sh"
git -C "$SRCDIR" ls-files --error-unmatch configure.ac >/dev/null 2>&1 ||
	skip_all 'no git checkout, or install the package git'
cd "$SRCDIR"

# none COMMAND...: it prints nothing.
none() {
	set +e
	"$@" >"$T/found"
	set -e
	cat "$T/found"
	[ ! -s "$T/found" ]
}

licences() {
	for file in $(git ls-files | grep -v -e '\.xz$' -e '^COPYING\.' -e '\.list$' -e '^tests/manifest\.' -e /corpus/ -e /debian/changelog -e /debian/source/format); do
		head -n 3 "$file" | grep -Eq 'SPDX-License-Identifier: .*(Apache-2\.0|GPL-2\.0|MIT)' || echo "$file"
	done
}

# The kernel's code is the kernel's; everything else is ours.
kernel_licences() {
	for file in $(git ls-files 'data/linux/*' | grep -v -e '\.md$' -e Makefile.inc); do
		head -n 3 "$file" | grep -q 'SPDX-License-Identifier: .*GPL-2\.0' || echo "$file"
	done
}

scripts() {
	git grep -lE '^#! ?/bin/(ba)?sh' | grep -v '\.patch$'
	git ls-files '*.sh'
}

binaries() {
	git ls-files | sort >"$T/all"
	git grep -Il '' | sort >"$T/text"
	for file in $(comm -23 "$T/all" "$T/text" | grep -v '^data/[a-z-]*\.xz$'); do
		[ ! -s "$file" ] || echo "$file"
	done
}

# In pieces, so that this file does not find itself. Of a patch only what it adds is ours.
leftovers() {
	marks='TO''DO|FIX''ME|XX''X|HA''CK|W''IP'
	git grep -InwE "$marks" -- ':!*.patch'
	git grep -InE "^\+.*\b($marks)\b" -- '*.patch'
}
machine() {
	git grep -InE '(^|[^A-Za-z0-9._$})-])/(wo''rk|ro''ot|home/[a-z]+|us''r/src/linux-6)/'
}
endings() {
	git grep -InE '[[:blank:]]+$' -- ':!*.patch' ':!COPYING.*' ':!*/corpus/*'
}

check 'every file says its licence in the first lines' none licences
check 'kernel recipe and code are GPL-2.0' none kernel_licences
check 'no binary but the payload' none binaries
check 'no leftovers' none leftovers
check 'no path of a machine' none machine
check 'no blanks at line ends' none endings
check 'no bash' none git grep -lE '^#! ?(/usr)?/bin/(env )?bash'
if command -v shellcheck >/dev/null; then
	# shellcheck disable=SC2046 # names without blanks
	check 'shellcheck finds nothing' shellcheck -s sh $(scripts | sort -u)
else
	skip 'shellcheck finds nothing' 'install the package shellcheck'
fi
done_testing
