#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The installed header compiles alone as C11 and C++17, is documented in full, and names what the library
# exports, no more and no less.
. "$SRCDIR/tests/lib.sh"
header=$STAGE/include/smkernel.h
strict='-Wall -Wextra -Wpedantic -Werror'

echo '#include <smkernel.h>' >"$T/alone.c"
cp "$T/alone.c" "$T/alone.cc"
# shellcheck disable=SC2086 # lists of flags
check 'C11' $CC $CFLAGS -std=c11 $strict -Wstrict-prototypes -I "$STAGE/include" -fsyntax-only "$T/alone.c"
found=
for cxx in "${CXX-}" c++ g++ clang++; do
	if command -v "$cxx" >/dev/null; then found=$cxx; break; fi
done
if [ "$found" ]; then
	# shellcheck disable=SC2086 # lists of flags
	check 'C++17' $found -std=c++17 $strict -I "$STAGE/include" -fsyntax-only "$T/alone.cc"
else
	skip 'C++17' 'install the package g++'
fi
check 'every symbol is documented in full' awk -f "$SRCDIR/tests/host/header-doc.awk" "$header"
for section in Errors: Thread: Source: Since: '@ret_path: \[out\]' '@format:' 'Returns the version'; do
	sed "1,/$section/s/$section/gone/" "$header" >"$T/smkernel.h"
	check_fails "... which a missing '$section' spoils" awk -f "$SRCDIR/tests/host/header-doc.awk" "$T/smkernel.h"
done

tr '\n' ' ' <"$header" | tr ';' '\n' | sed -n 's/.*SMKERNEL_API [^(]*[ *]\(smkernel_[a-z0-9_]*\)(.*/\1/p' | sort >"$T/declared"
sed -n 's/^	\(smkernel_[a-z0-9_]*\);$/\1/p' "$SRCDIR/lib/libsmkernel.map" | sort >"$T/listed"
check 'the version script lists what the header declares' diff "$T/declared" "$T/listed"
check '... fifteen functions' test "$(wc -l <"$T/declared")" -eq 15
library=$STAGE/lib/libsmkernel.so
if ! command -v nm >/dev/null; then
	skip 'exported symbols' 'install the package binutils'
elif [ ! -f "$library" ]; then
	skip 'exported symbols' 'built with --disable-shared, or no ELF system'
else
	nm -D --defined-only "$library" | sed -n 's/.* T //p' | sort >"$T/exported"
	sed 's/$/@@SMKERNEL_0.1/' "$T/declared" >"$T/versioned"
	check 'the library exports these, with their version, and nothing else' diff "$T/versioned" "$T/exported"
	check '... no data' test "$(nm -D --defined-only "$library" | grep -c ' [BDRV] ')" -eq 0
fi
done_testing
