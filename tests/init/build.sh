# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# For the tests of init-oci: . "$SRCDIR/tests/lib.sh" first.

[ "$(uname -s)" = Linux ] || skip_all "init-oci is a Linux program"

# build NAME [FLAG...]: $T/NAME from NAME.c, which includes the joined sources.
build() {
	program=$1
	shift
	sh "$SRCDIR/data/init/join.sh" >"$T/init-oci.c"
	${CC:-cc} -std=gnu11 -g -O1 -Wall -Wextra "$@" -I"$T" -o "$T/$program" "$SRCDIR/tests/init/$program.c"
}

# The sanitizers, if this compiler has their libraries.
sanitizers() {
	echo 'int main(void) { return 0; }' >"$T/probe.c"
	flags='-fsanitize=address,undefined -fno-sanitize-recover=all'
	# shellcheck disable=SC2086 # a list of flags
	if ${CC:-cc} $flags -o "$T/probe" "$T/probe.c" 2>/dev/null && "$T/probe"; then echo "$flags"; fi
}
