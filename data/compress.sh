#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# compress.sh FILE: FILE as xz on standard output, the way the payload is kept.
# Plain LZMA2: BCJ filters for arm64 need xz 5.4. Two equal blocks that carry their sizes (hence -T2, whatever
# the machine) let two threads decode; below 1 MiB they would only cost bytes.
set -eu

block=$(($(wc -c <"$1") / 2 + 1))
[ "$block" -gt 1048576 ] || block=1048576
exec "${XZ:-xz}" -T2 --check=crc64 --block-size="$block" --lzma2=preset=9e,dict=6MiB -c "$1"
