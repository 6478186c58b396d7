#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# describe.sh KERNEL INIT_OCI [OVERRIDE...]: the manifest of these files: the bundled one when they are the
# bundled files, else one made from their bytes, dated by the newest override.

data=$(dirname "$0")
. "$data/common.sh"

[ $# -ge 2 ] || die "usage: describe.sh KERNEL INIT_OCI [OVERRIDE...]"
facts=$(describe "$1" "$2")
if [ "$(echo "$facts" | sed -n 's/^snapshot_id=//p')" = "$(fact snapshot_id "$data/manifest")" ]; then
	cat "$data/manifest"
	exit
fi
[ $# -eq 2 ] || shift 2
date=$(fact payload_date "$data/manifest")
for file; do
	mtime=$(date -r "$file" +%s)
	[ "$mtime" -le "$date" ] || date=$mtime
done
cat <<-FACTS
	$facts
	payload_date=$date
	cmdline=$(fact cmdline "$data/manifest")
	tsi=
	recipe_sha256=none
	toolchain=unknown
	features=
FACTS
