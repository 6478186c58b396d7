#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# reproduce-twice.sh WORKDIR: build the payload twice, with as little in common as one machine allows (path,
# user, time zone, locale, umask, number of jobs, no compiler cache), and compare them with each other and the payload.

data=$(cd "$(dirname "$0")" && pwd)
. "$data/common.sh"

[ $# -eq 1 ] || die "usage: reproduce-twice.sh WORKDIR"
rm -rf "$1"
mkdir -p "$1"
work=$(cd "$1" && pwd)

# build DIR JOBS [PREFIX COMMAND...]
build() {
	dir=$1
	jobs=$2
	shift 2
	# shellcheck disable=SC2016 # expanded by the inner shell
	"$@" sh -euc '
		sh "$1/linux/build.sh" --work "$2/linux" --output "$2/kernel" --jobs "$3"
		sh "$1/init/build.sh" --work "$2/init" --output "$2/init-oci"
	' sh "$data" "$dir" "$jobs"
}

export CCACHE_DISABLE=1
first=$work/a
second=$work/second/with/a/longer/path
mkdir -p "$first" "$second"
(
	umask 022
	TZ=UTC0 LC_ALL=C build "$first" "$(getconf _NPROCESSORS_ONLN)"
)
(
	umask 077
	other=
	if [ "$(id -u)" -eq 0 ]; then
		chown nobody "$second"
		other='setpriv --reuid=nobody --regid=nogroup --clear-groups'
		# shellcheck disable=SC2016 # expanded by the inner shell
		$other sh -c 'test -r "$1/linux/source" && test -w "$2"' sh "$data" "$second" ||
			die "nobody must be able to read $data and to write below $work"
	fi
	# shellcheck disable=SC2086 # a command in words
	TZ=Pacific/Chatham LC_ALL=C.UTF-8 LANG=tr_TR.UTF-8 HOME=/nonexistent build "$second" $(($(getconf _NPROCESSORS_ONLN) + 1)) $other
)
for name in kernel init-oci; do
	cmp "$first/$name" "$second/$name"
	sum=$(sha256 "$first/$name")
	echo "$name: the same twice, $sum"
	grep -qx "$sum  $name" "$data/SHA256SUMS" || die "the payload's $name is another"
done
