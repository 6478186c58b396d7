# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# TAP for shell tests: . "$SRCDIR/tests/lib.sh", then check, ok, skip; end with done_testing.
# $T is a scratch directory, removed on exit. The output of a failed check is shown as diagnostics.

set -eu
umask 022
unset SUPERMACHINE_KERNEL_PATH SUPERMACHINE_INIT_OCI_PATH SUPERMACHINE_ASSETS_DIR
count=0
T=$(mktemp -d "${TMPDIR:-/tmp}/smkernel-test.XXXXXX")
# Trees in $T may be read-only on purpose.
trap 'chmod -R u+rwX "$T" 2>/dev/null || :; rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM

# ok STATUS NAME: one result; STATUS 0 passes.
ok() {
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

# attempt NAME COMMAND...: sets check_name and check_status; what COMMAND prints is in $T/.check.
attempt() {
	check_name=$1
	shift
	set +e
	(set -e; "$@") >"$T/.check" 2>&1
	check_status=$?
	set -e
}

# check NAME COMMAND...: passes when COMMAND succeeds; a function stops at its first failing line.
check() {
	attempt "$@"
	ok "$check_status" "$check_name"
	[ "$check_status" -eq 0 ] || sed 's/^/# /' "$T/.check"
}

# check_fails NAME COMMAND...: passes when COMMAND fails, but not by a signal or a missing command.
check_fails() {
	attempt "$@"
	if [ "$check_status" -gt 0 ] && [ "$check_status" -lt 126 ]; then ok 0 "$check_name"; return; fi
	ok 1 "$check_name"
	sed 's/^/# /' "$T/.check"
	echo "# exit status $check_status"
}

# skip NAME REASON: one result that could not be had; REASON names the Debian package that provides it.
skip() {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

# skip_all REASON: nothing of this test can run here.
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# need COMMAND PACKAGE: skip the whole test when COMMAND is not installed.
need() {
	command -v "$1" >/dev/null 2>&1 || skip_all "$1: install the package $2"
}

# fake_kernel FILE [RELEASE]: the smallest file that passes for an arm64 Image: 4 KiB pages, little endian.
fake_kernel() {
	printf 'MZ\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\020\0\0\0\0\0\0\012\0\0\0\0\0\0\0' >"$1"
	printf '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0ARM\144\0\0\0\0' >>"$1"
	printf '\0Linux version %s (user@host) #1\n\0' "${2:-6.12.0}" >>"$1"
}

# fake_init FILE: the header of a static AArch64 program.
fake_init() {
	printf '\177ELF\002\001\001\0\0\0\0\0\0\0\0\0\002\0\267\0\001\0\0\0' >"$1"
}

# The plan comes at the end; this is here for tests that want to say so.
plan_later() { :; }

done_testing() {
	echo "1..$count"
}
