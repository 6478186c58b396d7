#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves the conformance list of TSI against the first supermachine host: no credit, no interrupts, no IPv6.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
. "$SRCDIR/tests/guest/tsi/lib.sh"
family supermachine-0.1 "$everything,restore"
done_testing
