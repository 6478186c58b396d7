#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves the conformance list of TSI against the oldest libkrun host: two descriptors, credit every 4 MiB, RST as the end.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
. "$SRCDIR/tests/guest/tsi/lib.sh"
family libkrun-1.18 "$everything"
done_testing
