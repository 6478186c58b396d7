#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install-modes.sh GUESTDIR MANIFEST: modes and times of the installed files. The runtime takes size and
# mtime in seconds for a file's identity, and rebuilds oci/ when the archive is older than the binary or the
# binary than its source: so all of them carry the date of the payload.

data=$(dirname "$0")
. "$data/common.sh"

[ $# -eq 2 ] || die "usage: install-modes.sh GUESTDIR MANIFEST"
date=$(fact payload_date "$2")
# GNU date, else BSD date
stamp=$(date -u -d "@$date" +%Y%m%d%H%M.%S 2>/dev/null || date -u -r "$date" +%Y%m%d%H%M.%S)
cd "$1" || exit
chmod 755 init-oci oci/init-oci
TZ=UTC0 touch -t "$stamp" kernel* init-oci oci/init-oci.c oci/init-oci oci/init-oci.cpio.gz
