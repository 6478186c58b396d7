#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The payload in data/ is what manifest, SHA256SUMS and recipe say: a recipe changed without its payload, or
# the reverse, ends here and not on a user's machine.

. "$SRCDIR/tests/lib.sh"

data=$SRCDIR/data

fact() {
	sed -n "s/^$1=//p" "$data/manifest"
}

same() {
	[ "$1" = "$2" ] || { echo "expected $1, got $2"; return 1; }
}

# decoded NAME KEY: the .xz holds what both lists promise.
decoded() {
	"$XZ" -dc "$data/$1.xz" >"$T/$1"
	same "$(fact "$2_size")" "$(($(wc -c <"$T/$1")))"
	same "$(fact "$2_sha256")  $1" "$(cd "$T" && $SHA256 "$1")"
	grep -x "$(fact "$2_sha256")  $1" "$data/SHA256SUMS"
}

described() {
	(. "$data/common.sh" && describe "$T/kernel" "$T/init-oci") >"$T/facts"
	[ -s "$T/facts" ] && ! grep -vxFf "$data/manifest" "$T/facts" || return 1
	same "$(fact kernel_release)" "$(sed -n 's/^LINUX_RELEASE=//p' "$data/linux/source")"
}

# Every xz since 5.0 reads LZMA2 without filters; threads need sizes in the block headers.
plain_xz() {
	"$XZ" --robot -lvv "$data/$1.xz" >"$T/list"
	awk -F '\t' '$1 == "block" { n++; if ($10 != "CRC64" || $16 !~ /^--lzma2=dict=[0-9]+MiB$/) bad = 1 }
		$1 == "summary" && $3 != "yes" { bad = 1 }
		END { exit bad || !n }' "$T/list" || { cat "$T/list"; return 1; }
}

check 'kernel.xz decodes to the pinned kernel' decoded kernel kernel
check 'init-oci.xz decodes to the pinned init-oci' decoded init-oci init_oci
check 'the manifest describes these very files, built from the pinned source' described
check 'kernel.xz is plain LZMA2 in blocks' plain_xz kernel
check 'init-oci.xz is plain LZMA2 in blocks' plain_xz init-oci
check 'the payload was built from this recipe (else: make update-payload)' \
	same "$(fact recipe_sha256)" "$(sh "$data/recipe.sh")"
check 'programs in a guest have proved the features of this kernel (else: make accept-features)' [ "$(fact features)" ]
done_testing
