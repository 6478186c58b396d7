#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves the conformance list of TSI against libkrun on macOS: other errno values, another O_NONBLOCK.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
. "$SRCDIR/tests/guest/tsi/lib.sh"
family macos "$everything"
done_testing
