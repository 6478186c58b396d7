#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves the conformance list of TSI against the newest libkrun host, whose end of data is a half-close. Four CPUs.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
. "$SRCDIR/tests/guest/tsi/lib.sh"
vcpus=4
family libkrun-1.19.7 "$everything"
done_testing
