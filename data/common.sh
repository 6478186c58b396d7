# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the scripts of this folder share; they set $data to this folder first.

set -eu
LC_ALL=C
export LC_ALL

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# sha256 [FILE]: the hash alone, of FILE or standard input.
sha256() {
	${SHA256:-sha256sum} "$@" | sed 's/ .*//'
}

# fact KEY MANIFEST: the value of one line.
fact() {
	sed -n "s/^$1=//p" "$2"
}

# bytes FILE OFFSET COUNT: lower-case hex of COUNT bytes.
bytes() {
	od -An -v -tx1 -j "$2" -N "$3" "$1" | tr -d ' \n'
}

# recipe_files: what the recipe consists of, without what editors, patch and builds leave behind.
recipe_files() {
	find linux init \( -name .deps -o -name .libs \) -prune -o -type f ! -name '*.o' ! -name '*.lo' \
		! -name .dirstamp ! -name '*~' ! -name '.*.sw?' ! -name '*.orig' ! -name '*.rej' -print | sort
}

# recipe_sha256: the hash of everything that decides the bytes of kernel and init-oci: no variants.
recipe_sha256() {
	(
		cd "$data" || exit
		recipe_files | grep -v -e '\.md$' -e /variants/ -e /Makefile.inc -e /update-pin.sh |
			while IFS= read -r file; do
				echo "$(sha256 "$file") $file"
			done
	) | sha256
}

# describe KERNEL INIT_OCI: the manifest lines that follow from the bytes; refuses what a guest cannot boot.
describe() {
	[ "$(bytes "$1" 56 4)" = 41524d64 ] || die "$1: not an uncompressed arm64 Image"
	case $(bytes "$2" 0 20) in
	7f454c460201????????????????????0[23]00b700) ;;
	*) die "$2: not an AArch64 ELF program" ;;
	esac
	case $(bytes "$1" 24 1) in
	?[23ab]) page_size=4096 ;;
	?[45cd]) page_size=16384 ;;
	?[67ef]) page_size=65536 ;;
	*) die "$1: the Image header names no page size" ;;
	esac
	release=$(tr -c '[:print:]' '\n' <"$1" | sed -n 's/.*Linux version \([0-9][^ ]*\) .*/\1/p' | sed -n 1p)
	[ "$release" ] || die "$1: no kernel release in it"
	kernel_sha256=$(sha256 "$1")
	init_oci_sha256=$(sha256 "$2")
	cat <<-FACTS
		arch=aarch64
		kernel_release=$release
		kernel_size=$(($(wc -c <"$1")))
		kernel_sha256=$kernel_sha256
		page_size=$page_size
		init_oci_size=$(($(wc -c <"$2")))
		init_oci_sha256=$init_oci_sha256
		snapshot_id=$(echo "$kernel_sha256 $init_oci_sha256" | sha256 | cut -c1-16)
	FACTS
}
