#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A program that uses the library builds and finds the files: shared, with the archive, and fully static,
# in the prefix and after the tree has moved.
. "$SRCDIR/tests/lib.sh"
lib=$STAGE/lib
if grep -q __gcov_init "$lib/libsmkernel.a" 2>/dev/null; then CFLAGS="$CFLAGS --coverage"; fi

cat >"$T/app.c" <<'END'
#include <smkernel.h>
#include <stdio.h>

int main(void)
{
	enum smkernel_origin origin;
	char *path;
	int ret = smkernel_path(SMKERNEL_KERNEL, &path, &origin);

	if (ret == 0)
		printf("%s %d\n", path, (int)origin);
	return ret != 0;
}
END
build() {
	# shellcheck disable=SC2086 # lists of flags
	$CC $CFLAGS -I "$STAGE/include" -o "$1" "$T/app.c" $2
}

# finds NAME TREE PROGRAM: PROGRAM, run from another directory, finds the kernel of TREE.
finds() {
	check "$1" test "$(cd / && LD_LIBRARY_PATH="$2/lib" "$3")" = "$2/share/supermachine/kernel 3"
}

tree=$T/moved
mkdir -p "$tree/bin" "$tree/lib" "$tree/share/supermachine" "$T/elsewhere"
fake_kernel "$tree/share/supermachine/kernel"

if [ -f "$lib/libsmkernel.so" ]; then
	cp -P "$lib"/libsmkernel.so* "$tree/lib"
	check 'shared' build "$T/elsewhere/shared" "-L $lib -lsmkernel"
	finds 'the moved library finds its own tree, wherever the program is' "$tree" "$T/elsewhere/shared"
	ln -s "$tree" "$T/link"
	check 'a symbolic link on the way is resolved' test \
		"$(LD_LIBRARY_PATH="$T/link/lib" "$T/elsewhere/shared")" = "$tree/share/supermachine/kernel 3"
	rm "$T/link"
else
	skip 'shared' 'built with --disable-shared, or no ELF system'
fi
if [ -f "$lib/libsmkernel.a" ]; then
	check 'with the archive' build "$tree/bin/archive" "$lib/libsmkernel.a -llzma"
	finds '... the program finds the tree it is in' "$tree" "$tree/bin/archive"
	if build "$tree/bin/static" "-static $lib/libsmkernel.a -llzma -lpthread" 2>"$T/why"; then
		finds 'fully static: the program finds the tree it is in' "$tree" "$tree/bin/static"
	else
		skip 'fully static' "$(head -n 1 "$T/why")"
	fi
else
	skip 'with the archive' 'built with --disable-static'
fi

if command -v strip >/dev/null && [ -f "$lib/libsmkernel.so" ]; then
	strip -o "$T/stripped" "$lib/libsmkernel.so"
	size=$(wc -c <"$T/stripped")
	echo "# $size bytes stripped"
	case $CFLAGS in
	*sanitize* | *coverage* | *-O0*) skip 'at most 48 KiB' 'not an optimised build' ;;
	*) check 'at most 48 KiB' test "$size" -le 49152 ;;
	esac
else
	skip 'at most 48 KiB' 'install the package binutils'
fi
done_testing
