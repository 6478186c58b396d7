#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The unit tests that are built into the kernel of make check-sanitized.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
. "$SRCDIR/tests/guest/tsi/lib.sh"
tsi_boot none none loglevel=7
guest_results 'tsi-guest: done'
check "the suite tsi passes" has '^ok [0-9]* tsi$'
done_testing
