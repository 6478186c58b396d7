#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual pages are clean mdoc and name every function, command, option, variable and exit status.
# shellcheck disable=SC2013 # the lists are of words
. "$SRCDIR/tests/lib.sh"
man=$SRCDIR/man

if command -v mandoc >/dev/null; then
	for page in "$man"/*.[138]; do
		check "${page##*/} is clean" test -z "$(mandoc -T lint -W warning "$page" 2>&1 | tee "$T/lint")"
		sed 's/^/# /' "$T/lint"
	done
else
	skip 'the pages are clean' 'install the package mandoc'
fi

sed -n 's/^	\(smkernel_[a-z0-9_]*\);$/\1/p' "$SRCDIR/lib/libsmkernel.map" >"$T/functions"
check 'libsmkernel(3) has functions to name' test -s "$T/functions"
while read -r function; do
	check "libsmkernel(3): $function" grep -q "^\.Fn $function " "$man/libsmkernel.3"
done <"$T/functions"
for name in $(grep -o 'SMKERNEL_ORIGIN_[A-Z_]*\|SMKERNEL_PARENTS' "$STAGE/include/smkernel.h" | sort -u); do
	check "libsmkernel(3): $name" grep -q "$name" "$man/libsmkernel.3"
done

tool=$SRCDIR/tools/supermachine-kernel.c
for command in $(sed -n 's/^		{"\([a-z]*\)", cmd_.*/\1/p' "$tool"); do
	check "supermachine-kernel(1): $command" grep -q "^\.It Cm $command" "$man/supermachine-kernel.1"
done
for option in $(sed -n 's/^		{"\([a-z]*\)", no_argument.*/\1/p' "$tool"); do
	check "supermachine-kernel(1): --$option" grep -q "Fl -$option" "$man/supermachine-kernel.1"
done
for origin in $(sed -n '/origins\[\] = {/,/};/s/^	\(".*\)};$/\1/p' "$tool" | tr -d '",'); do
	check "supermachine-kernel(1): $origin" grep -q "Cm $origin" "$man/supermachine-kernel.1"
done
for variable in $(sed -n 's/.*"\(SUPERMACHINE_[A-Z_]*\)".*/\1/p' "$SRCDIR"/lib/*.c | sort -u); do
	check "both pages: $variable" test "$(grep -l "Ev $variable" "$man/libsmkernel.3" "$man/supermachine-kernel.1" | wc -l)" -eq 2
done
for name in $(grep -o 'EX_[A-Z]*' "$tool" | sort -u); do
	status=$(printf '#include <sysexits.h>\n%s\n' "$name" | $CC -E -P - | tail -n 1)
	check "supermachine-kernel(1): exit status $status" grep -q "^\.It $status\$" "$man/supermachine-kernel.1"
done
check "nothing was overlooked" test "$count" -ge 46
done_testing
