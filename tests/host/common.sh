# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the tests of the command share: $P is a prefix with the command and a fake payload, smk runs it.
. "$SRCDIR/tests/lib.sh"

[ -x "$STAGE/bin/supermachine-kernel" ] || skip_all 'built with --disable-tools'
# The user nobody must get there too.
chmod 755 "$T"
P=$T/prefix
mkdir -p "$P/bin" "$P/share/supermachine"
cp "$STAGE/bin/supermachine-kernel" "$P/bin"
fake_kernel "$P/share/supermachine/kernel"
fake_init "$P/share/supermachine/init-oci"

smk() {
	"$P/bin/supermachine-kernel" "$@"
}

sha256() {
	$SHA256 "$1" | cut -c1-64
}

# expect STATUS PATTERN NAME COMMAND...: the exit status, and a line that matches in what it says; '' is nothing.
expect() {
	want=$1 pattern=$2 name=$3
	shift 3
	status=0
	"$@" >"$T/.said" 2>&1 || status=$?
	if [ -z "$pattern" ] && [ -s "$T/.said" ]; then status=unexpected-output; fi
	if [ "$status" = "$want" ] && { [ -z "$pattern" ] || grep -q -e "$pattern" "$T/.said"; }; then
		ok 0 "$name"
	else
		ok 1 "$name"
		sed 's/^/# /' "$T/.said"
		echo "# exit status $status, want $want and '$pattern'"
	fi
}
