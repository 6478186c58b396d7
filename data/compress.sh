#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# compress.sh FILE: FILE as xz on standard output, the way the payload is kept.
# Plain LZMA2: BCJ filters for arm64 need xz 5.4. Blocks that carry their sizes (hence -T2, whatever the
# machine) let two threads decode.

exec "${XZ:-xz}" -T2 --check=crc64 --block-size=6MiB --lzma2=preset=9e,dict=6MiB -c "$1"
