#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves the features of the guest kernel on a processor that has large atomics.
export GUEST_CPU=cortex-a76
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
. "$SRCDIR/tests/guest/features.sh"
