#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SUPERMACHINE_KERNEL_PATH and SUPERMACHINE_INIT_OCI_PATH at configure time: what is packaged, what is
# refused, and that a changed file is packaged again.

. "$SRCDIR/tests/lib.sh"

mkdir "$T/build" "$T/x"
cd "$T/build"
fake_kernel "$T/x/kernel" 6.12.1-mine
fake_init "$T/x/init"

# The answers of the first run serve the others, but for those that the arguments give.
configure() {
	[ ! -f "$T/cache" ] || sed '/^ac_cv_env_/d; /^ac_cv_prog_XZ=/d' "$T/cache" >config.cache
	"$SRCDIR/configure" -q -C CC="$CC" "$@" >"$T/log" 2>&1
}

# stops PATTERN ARGUMENT...: configure fails with that message.
stops() {
	pattern=$1
	shift
	! configure "$@" || return 1
	tail -n 3 "$T/log"
	grep -q "$pattern" "$T/log"
}

fact() {
	sed -n "s/^$1=//p" data/payload.manifest
}

packaged() {
	configure SUPERMACHINE_KERNEL_PATH=../x/kernel SUPERMACHINE_INIT_OCI_PATH="$T/x/init"
	cp config.cache "$T/cache"
	touch -t 203001020304.05 "$T/x/init"
	"$MAKE" data/payload.manifest pkgconfig/supermachine-kernel.pc
	cmp "$T/x/kernel" data/kernel && cmp "$T/x/init" data/init-oci
	[ "$(fact kernel_release)" = 6.12.1-mine ]
	[ "$(fact payload_date)" = "$(stat -c %Y "$T/x/init")" ]
	[ "$(fact recipe_sha256)" = none ]
	grep '^kernel_release=6.12.1-mine$' pkgconfig/supermachine-kernel.pc
}

# The file behind the path is compared, not its date: an older one counts as well.
follows() {
	id=$(fact snapshot_id)
	fake_kernel "$T/x/kernel" 6.12.2-mine
	touch -t 200001020304 "$T/x/kernel"
	"$MAKE" data/payload.manifest
	[ "$(fact kernel_release)" = 6.12.2-mine ] && [ "$(fact snapshot_id)" != "$id" ]
}

settled() {
	before=$(stat -c %y data/payload.manifest)
	"$MAKE" data/payload.manifest
	[ "$before" = "$(stat -c %y data/payload.manifest)" ]
}

# refuses PATTERN: make fails with that message and leaves no manifest.
refuses() {
	! "$MAKE" data/payload.manifest >"$T/log" 2>&1 || return 1
	cat "$T/log"
	grep -q "$1" "$T/log" && [ ! -e data/payload.manifest ]
}

check 'both files are packaged and described' packaged
check 'an older file in its place is packaged again' follows
check 'nothing changed, nothing made' settled
gzip -c "$T/x/init" >"$T/x/kernel"
rm data/payload.manifest
check_fails 'a compressed kernel is not packaged' "$MAKE" data/payload.manifest
check 'and the message says what was expected' refuses 'not an uncompressed arm64 Image'
fake_kernel "$T/x/kernel"
cp /bin/sh "$T/x/init"
case $(uname -m) in
aarch64) skip 'a program of another machine is not packaged' 'this machine is aarch64' ;;
*) check 'a program of another machine is not packaged' refuses 'not an AArch64 ELF program' ;;
esac
rm "$T/x/init"
check_fails 'a file that vanished stops make' "$MAKE" data/payload.manifest
check 'a missing file stops configure' \
	stops "SUPERMACHINE_INIT_OCI_PATH: '$T/x/init' is not a regular file" SUPERMACHINE_INIT_OCI_PATH="$T/x/init"
check 'a directory stops configure' \
	stops "SUPERMACHINE_KERNEL_PATH: '$T/x' is not a regular file" SUPERMACHINE_KERNEL_PATH="$T/x"
check 'a missing xz stops configure with the line that installs it' stops 'apt install xz-utils' XZ= ac_cv_prog_XZ=
done_testing
