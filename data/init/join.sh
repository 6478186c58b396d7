#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints the sources of init-oci as one file, in the order of files.list: `cc -static` alone compiles it.

set -eu

dir=$(cd "$(dirname "$0")" && pwd)
echo '/* SPDX-License-Identifier: Apache-2.0 */'
while read -r file; do
	echo
	echo "/* ---- $file ---- */"
	sed -e '1{/SPDX-License-Identifier/d;}' -e '/^#include "/d' "$dir/$file"
done <"$dir/files.list"
