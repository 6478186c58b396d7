#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves the conformance list of TSI against the supermachine host, with its control token.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
. "$SRCDIR/tests/guest/tsi/lib.sh"
family supermachine-0.7 "$everything,many,restore"
done_testing
