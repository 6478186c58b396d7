#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command says what it should on every sub-command, from a prefix of the test's own.
. "$SRCDIR/tests/host/common.sh"

expect 0 "$P/share/supermachine/kernel" 'path kernel' smk path kernel
expect 0 "$P/share/supermachine/init-oci" 'path init-oci' smk path init-oci
expect 0 'relocated$' 'path --origin' smk path --origin kernel
expect 0 'SUPERMACHINE_ASSETS_DIR: not set' 'path --explain: what was passed over' smk path --explain kernel
expect 0 'kernel: taken$' 'path --explain: what was taken' smk path --explain kernel
check 'path prints one line' test "$(smk path kernel | wc -l)" -eq 1

mkdir "$T/over"
fake_kernel "$T/over/kernel" 9.9.9-override
fake_init "$T/over/init-oci"
export SUPERMACHINE_KERNEL_PATH="$T/over/kernel"
expect 0 'env-file$' 'a file override' smk path --origin kernel
unset SUPERMACHINE_KERNEL_PATH
export SUPERMACHINE_ASSETS_DIR="$T/over"
expect 0 'env-dir$' 'a directory override' smk path --origin init-oci
unset SUPERMACHINE_ASSETS_DIR

# eval is what a user does with it
quoted="$T/a b'c\$d"
mkdir -p "$quoted"
cp -R "$P/." "$quoted"
eval "$("$quoted/bin/supermachine-kernel" env)"
check 'env survives a shell' test "$SUPERMACHINE_ASSETS_DIR" = "$quoted/share/supermachine"
unset SUPERMACHINE_ASSETS_DIR
eval "$(SUPERMACHINE_KERNEL_PATH="$T/over/kernel" smk env)"
check 'env with a file override: kernel' test "${SUPERMACHINE_KERNEL_PATH-}" = "$T/over/kernel"
check 'env with a file override: init-oci' test "${SUPERMACHINE_INIT_OCI_PATH-}" = "$P/share/supermachine/init-oci"
check 'env with a file override: no directory' test -z "${SUPERMACHINE_ASSETS_DIR-}"
unset SUPERMACHINE_KERNEL_PATH SUPERMACHINE_INIT_OCI_PATH

export SUPERMACHINE_KERNEL_PATH="$T/over/kernel"
expect 0 '^kernel release *9\.9\.9-override$' 'info tells the release of an override' smk info
expect 0 'env-file (not the packaged file)$' 'info says that it is one' smk info
expect 0 '^snapshot id *unknown$' 'info vouches for no snapshots then' smk info
expect 0 "^  sha256 *$(sha256 "$T/over/kernel")\$" 'info tells its digest' smk info
expect 0 '^version *'"$VERSION"'$' 'info tells the version' smk info
unset SUPERMACHINE_KERNEL_PATH

json() {
	python3 -c 'import json, sys
info = json.load(sys.stdin)
sys.exit(not eval(sys.argv[1], {"info": info}))' "$1"
}
if command -v python3 >/dev/null; then
	smk info --json >"$T/json"
	check 'info --json: version' json "info['version'] == '$VERSION'" <"$T/json"
	check 'info --json: release' json "info['kernel_release'] == '6.12.0'" <"$T/json"
	check 'info --json: sizes' json "info['kernel']['size'] > 64 and info['init_oci']['size'] == 24" <"$T/json"
	check 'info --json: digest' json "info['kernel']['sha256'] == '$(sha256 "$P/share/supermachine/kernel")'" <"$T/json"
	check 'info --json: what is not known' json "all(info[key] is None for key in ('snapshot_id', 'recipe_sha256', 'toolchain', 'cmdline', 'tsi', 'features'))" <"$T/json"
	check 'info --json: the rest' json "info['arch'] == 'aarch64' and info['page_size'] == 4096 and info['kernel']['origin'] == 'relocated' and info['kernel']['pinned'] is False" <"$T/json"
	odd=$(printf '%s/q"b\\t\tn\nu\303\244\360\237\220\247\377\355\240\200\300x' "$T")
	mkdir -p "$odd"
	cp "$T/over/kernel" "$odd/kernel"
	SUPERMACHINE_KERNEL_PATH="$odd/kernel" smk info --json >"$T/json"
	check 'info --json: a path that is not UTF-8' json \
		"info['kernel']['path'].endswith('/q\"b\\\\t\\tn\\nu\\u00e4\\U0001f427' + 5 * '\\ufffd' + 'x/kernel')" <"$T/json"
else
	skip 'info --json' 'install the package python3'
fi

expect 0 '^format *arm64-image$' 'probe: format' smk probe "$P/share/supermachine/kernel"
expect 0 '^release *6\.12\.0$' 'probe: release' smk probe "$P/share/supermachine/kernel"
expect 0 '^page size *4096$' 'probe: page size' smk probe "$P/share/supermachine/kernel"
expect 0 '^arch *aarch64$' 'probe: ELF' smk probe "$P/share/supermachine/init-oci"
gzip -c "$P/share/supermachine/kernel" >"$T/kernel.gz"
expect 0 '^format *gzip$' 'probe: gzip' smk probe "$T/kernel.gz"
expect 65 '^format *unknown$' 'probe: a shell script' smk probe "$0"
expect 66 "$T/none: No such file" 'probe: no file' smk probe "$T/none"
expect 66 "$T: Is a directory" 'probe: a directory' smk probe "$T"

expect 0 '^usage: ' '--help' smk --help
expect 0 "^supermachine-kernel $VERSION\$" '--version' smk --version
expect 64 '^usage: ' 'no command' smk
expect 64 "'fly' is no command" 'an unknown command' smk fly
expect 64 "'initrd' is no asset" 'an unknown asset' smk path initrd
for arguments in 'path' 'path kernel init-oci' 'path --none kernel' 'extract kernel' 'extract kernel a b' \
	'extract --none kernel a' 'verify kernel init-oci' 'verify --none' 'info kernel' 'info --none' 'env kernel' \
	'env --none' 'probe' 'probe a b' 'probe --none a'; do
	# shellcheck disable=SC2086 # a list of words
	expect 64 '^usage: ' "wrong use: $arguments" smk $arguments
done
if [ -e /dev/full ]; then
	expect 74 'standard output: No space left' 'a full disk behind standard output' sh -c "'$P/bin/supermachine-kernel' path kernel >/dev/full"
else
	skip 'a full disk behind standard output' 'this system has no /dev/full'
fi
done_testing
