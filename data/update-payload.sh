#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# update-payload.sh DATADIR KERNEL INIT_OCI: make KERNEL and INIT_OCI the bundled payload of DATADIR:
# kernel.xz, init-oci.xz, SHA256SUMS and manifest, to be committed together with the recipe that made them.
# A new kernel has no features until make accept-features has seen them.

scripts=$(dirname "$0")
data=$1
. "$scripts/common.sh"

[ $# -eq 3 ] || die "usage: update-payload.sh DATADIR KERNEL INIT_OCI"
facts=$(describe "$2" "$3")
# shellcheck disable=SC2016 # dpkg-query expands these
toolchain=$(dpkg-query -W -f '${Package} ${Version}, ' gcc-12-aarch64-linux-gnu binutils-aarch64-linux-gnu \
	lld-14 musl-dev:arm64 2>/dev/null | sed 's/, $//') || die "dpkg does not know the tool chain of the recipe"

features=
[ "$(sha256 "$2")" != "$(fact kernel_sha256 "$data/manifest")" ] || features=$(fact features "$data/manifest")
# Two payloads never share a date, one payload never gets two.
date=$(fact payload_date "$data/manifest")
if [ "$(fact snapshot_id "$data/manifest")" != "$(echo "$facts" | sed -n 's/^snapshot_id=//p')" ]; then
	now=${SOURCE_DATE_EPOCH:-$(date +%s)}
	[ "$now" -gt "$date" ] || now=$((date + 1))
	date=$now
fi
manifest=$(
	cat <<-FACTS
		# SPDX-License-Identifier: Apache-2.0
		$facts
		payload_date=$date
		cmdline=$(fact cmdline "$data/manifest")
		tsi=$(fact tsi "$data/manifest")
		recipe_sha256=$(recipe_sha256)
		toolchain=$toolchain
		features=$features
	FACTS
)
sh "$scripts/compress.sh" "$2" >"$data/kernel.xz"
sh "$scripts/compress.sh" "$3" >"$data/init-oci.xz"
cat >"$data/SHA256SUMS" <<-SUMS
	# SPDX-License-Identifier: Apache-2.0
	$(sha256 "$2")  kernel
	$(sha256 "$3")  init-oci
SUMS
echo "$manifest" >"$data/manifest"
cat "$data/manifest"
