#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# unpack.sh FILE.xz SHA256SUMS OUTPUT: decode, check against the pinned sum, and only then show OUTPUT.

data=$(dirname "$0")
. "$data/common.sh"

[ $# -eq 3 ] || die "usage: unpack.sh FILE.xz SHA256SUMS OUTPUT"
name=${1##*/}
name=${name%.xz}
trap 'rm -f "$3.tmp"' EXIT
trap 'exit 1' HUP INT TERM

want=$(sed -n "s/  $name\$//p" "$2")
[ "$want" ] || die "$2: no sum for $name"
${XZ:-xz} -dc "$1" >"$3.tmp" || die "$1: xz cannot decode it"
have=$(sha256 "$3.tmp")
[ "$have" = "$want" ] || die "$1: sha256 of the decoded file is $have, $2 says $want"
mv -f "$3.tmp" "$3"
