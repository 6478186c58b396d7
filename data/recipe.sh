#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# recipe.sh: the hash of everything that decides the bytes of kernel and init-oci, as the manifest records it.
# recipe.sh --copy DIR: the recipe's files, copied into DIR.

data=$(dirname "$0")
. "$data/common.sh"

case $# in
0) recipe_sha256 ;;
2)
	destination=$(cd "$2" && pwd)
	cd "$data" || exit
	recipe_files | while IFS= read -r file; do
		mkdir -p "$destination/${file%/*}"
		cp -p "$file" "$destination/$file"
	done ;;
*) die "usage: recipe.sh [--copy DIR]" ;;
esac
