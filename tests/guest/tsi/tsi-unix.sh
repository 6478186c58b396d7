#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that AF_UNIX streams reach the host where tsi_hijack_unix asks for it, and stay inside where they can.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
. "$SRCDIR/tests/guest/tsi/lib.sh"
mkdir "$T/tmp"
append=tsi_hijack_unix
family libkrun-1.19.7 unix-host,stream/IPv4 --unix-root "$T"
done_testing
