#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every failure names the file, has the documented exit status, and leaves no partial or temporary file.
. "$SRCDIR/tests/host/common.sh"
K=$P/share/supermachine/kernel

# as_nobody COMMAND...: without root's right to everything.
as_nobody() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}

# same_files DIR LIST: DIR holds these names and no others.
same_files() {
	# shellcheck disable=SC2012 # the names are ours
	test "$(ls -A "$1" | tr '\n' ' ')" = "$2"
}

# Overrides
export SUPERMACHINE_KERNEL_PATH=
expect 0 "^$K\$" 'an empty override is none' smk path kernel
SUPERMACHINE_KERNEL_PATH=kernel
expect 66 'SUPERMACHINE_KERNEL_PATH: kernel: not an absolute path' 'a relative override' smk path kernel
SUPERMACHINE_KERNEL_PATH=$T/none
expect 66 "SUPERMACHINE_KERNEL_PATH: $T/none: No such file" 'a missing override' smk path kernel
expect 66 "$T/none: No such file" '... for extract' smk extract kernel "$T/out"
check '... which makes nothing' test ! -e "$T/out"
expect 66 "$T/none: No such file" '... for verify' smk verify
expect 66 "$T/none: No such file" '... for info' smk info
expect 66 "$T/none: No such file" '... for env' smk env
expect 65 'init-oci: DIFFERS .* sha256 ' '... not for verify of the other asset' smk verify init-oci
expect 66 'init-oci: DIFFERS .* sha256 ' '... and verify goes on to it' smk verify
SUPERMACHINE_KERNEL_PATH=$T
expect 66 "$T: Is a directory" 'a directory as override' smk path kernel
SUPERMACHINE_KERNEL_PATH=$T/secret
fake_kernel "$T/secret"
chmod 0 "$T/secret"
expect 66 "$T/secret: Permission denied" 'an unreadable override' as_nobody "$P/bin/supermachine-kernel" path kernel
unset SUPERMACHINE_KERNEL_PATH
export SUPERMACHINE_ASSETS_DIR="$T/none"
expect 66 "SUPERMACHINE_ASSETS_DIR: $T/none/kernel" 'a missing directory override' smk path kernel
SUPERMACHINE_ASSETS_DIR=none
expect 66 'SUPERMACHINE_ASSETS_DIR: none: not an absolute path' 'a relative directory override' smk path kernel
unset SUPERMACHINE_ASSETS_DIR

# AT_SECURE: a set-id copy that changes our identity
raise() {
	if [ "$(id -u)" -eq 0 ]; then
		chown 65534 "$1" && chmod 4755 "$1"
		return
	fi
	for group in $(id -G); do
		[ "$group" -eq "$(id -g)" ] || { chgrp "$group" "$1" && chmod 2755 "$1" && return; }
	done
	return 1
}
cp "$P/bin/supermachine-kernel" "$P/bin/raised"
fake_kernel "$T/evil"
if ! raise "$P/bin/raised"; then
	skip 'raised privileges' 'needs root or a second group'
elif ! "$P/bin/raised" --version >/dev/null 2>&1; then
	skip 'raised privileges' 'LeakSanitizer cannot work in such a program'
else
	expect 0 "^$K\$" 'raised privileges: overrides are ignored' \
		env SUPERMACHINE_KERNEL_PATH="$T/evil" SUPERMACHINE_ASSETS_DIR="$T" "$P/bin/raised" path kernel
	expect 0 "SUPERMACHINE_KERNEL_PATH: $T/evil: ignored" '... and explained' \
		env SUPERMACHINE_KERNEL_PATH="$T/evil" "$P/bin/raised" path --explain kernel
fi

# Destinations
mkdir "$T/to"
expect 73 "$T/to/none/kernel: No such file" 'a missing parent' smk extract kernel "$T/to/none/kernel"
expect 73 "$T/to: Is a directory" 'a directory as destination' smk extract kernel "$T/to"
expect 73 "$K/kernel: Not a directory" 'a file as parent' smk extract --parents kernel "$K/kernel"
check 'nothing was left' same_files "$T/to" ''
mkdir -m 555 "$T/closed"
chmod 555 "$T/closed"
expect 73 "$T/closed/kernel: Permission denied" 'a directory that may not be written' \
	as_nobody "$P/bin/supermachine-kernel" extract kernel "$T/closed/kernel"
check 'nothing was left in it' same_files "$T/closed" ''
echo old >"$T/to/file"
ln -s file "$T/to/link"
expect 0 '' 'a symbolic link as destination' smk extract kernel "$T/to/link"
check '... is followed' cmp -s "$T/to/file" "$K"
check '... and stays a link' test -L "$T/to/link"
ln -s loop "$T/to/loop"
expect 73 "$T/to/loop: Too many levels" 'a link to itself' smk extract kernel "$T/to/loop"
check 'nothing else was left' same_files "$T/to" 'file link loop '

# Disk full: a small tmpfs in a mount namespace of our own
cat >"$T/full.sh" <<-'END'
	mount -t tmpfs -o size=64k none "$1" || exit 99
	echo old >"$1/kernel"
	head -c 40000 /dev/zero >"$1/ballast"
	status=0
	"$2" extract kernel "$1/kernel" || status=$?
	[ "$(cat "$1/kernel")" = old ] && [ "$(ls -A "$1" | tr '\n' ' ')" = 'ballast kernel ' ] || exit 98
	exit $status
END
mkdir "$T/full"
head -c 200000 /dev/zero >"$T/large"
namespace='unshare -m'
[ "$(id -u)" -eq 0 ] || namespace='unshare -rm'
if $namespace true 2>/dev/null; then
	# shellcheck disable=SC2086 # a command and its option
	expect 74 "$T/full/kernel: No space left" 'a full disk leaves the old file and nothing else' \
		env SUPERMACHINE_KERNEL_PATH="$T/large" $namespace sh "$T/full.sh" "$T/full" "$P/bin/supermachine-kernel"
else
	skip 'a full disk' 'needs root or user namespaces'
fi
if [ -e /dev/full ]; then
	expect 74 '/dev/full: No space left' 'a full device' as_nobody "$P/bin/supermachine-kernel" extract kernel /dev/full
else
	skip 'a full device' 'this system has no /dev/full'
fi

# Compressed files
refuse_xz() {
	expect 65 "$1: " "$2" env SUPERMACHINE_KERNEL_PATH="$1" "$P/bin/supermachine-kernel" extract kernel "$T/to/kernel"
	check '... with nothing left' same_files "$T/to" 'file link loop '
}
$XZ -c "$T/large" >"$T/large.xz"
size=$(wc -c <"$T/large.xz")
head -c $((size - 1)) "$T/large.xz" >"$T/cut.xz"
refuse_xz "$T/cut.xz" 'a truncated .xz'
head -c 3 "$T/large.xz" >"$T/stump.xz"
refuse_xz "$T/stump.xz" 'a .xz cut within its magic number'
: >"$T/empty.xz"
refuse_xz "$T/empty.xz" 'an empty .xz'
{ cat "$T/large.xz"; echo more; } >"$T/trailing"
refuse_xz "$T/trailing" 'bytes after the end, whatever the name'
{ head -c 40 "$T/large.xz"; printf '\377\377\377\377'; tail -c +45 "$T/large.xz"; } >"$T/corrupt.xz"
refuse_xz "$T/corrupt.xz" 'a corrupt .xz'
expect 0 '' 'an intact .xz' env SUPERMACHINE_KERNEL_PATH="$T/large.xz" "$P/bin/supermachine-kernel" extract kernel "$T/to/kernel"
check '... is decoded' cmp -s "$T/to/kernel" "$T/large"
expect 65 "sha256 $(sha256 "$T/large")" '... and hashed decoded' \
	env SUPERMACHINE_KERNEL_PATH="$T/large.xz" "$P/bin/supermachine-kernel" verify kernel
rm "$T/to/kernel"

# What the package pins
expect 65 "$K: sha256 is $(sha256 "$K"), the package pins" 'a kernel that is not the packaged one' smk verify kernel
if [ -f "$STAGE/share/supermachine/kernel" ]; then
	expect 0 "kernel: OK .* sha256 $(sha256 "$STAGE/share/supermachine/kernel")" 'the packaged one verifies' \
		"$STAGE/bin/supermachine-kernel" verify
	cp "$STAGE/share/supermachine/kernel" "$K"
	printf x | dd of="$K" bs=1 seek=4000 conv=notrunc 2>/dev/null
	expect 65 "kernel: DIFFERS $K sha256 $(sha256 "$K")" 'one byte changed in it' smk verify kernel
	# as --enable-compressed-payload installs it
	{ cat "$K"; echo more; } | $XZ -0 >"$K.xz"
	rm "$K"
	expect 65 "$K.xz: .*more than the package says" 'an oversized .xz' smk extract kernel "$T/to/kernel"
	check '... with nothing left' same_files "$T/to" 'file link loop '
else
	skip 'the packaged one verifies' 'no uncompressed kernel is installed'
fi
done_testing
