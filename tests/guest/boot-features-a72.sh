#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves the features of the guest kernel on a processor that has neither large atomics nor pointer authentication.
export GUEST_CPU=cortex-a72
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
[ "$granule" -eq 4 ] || skip_all "a Cortex-A72 has no pages of $granule KiB"
. "$SRCDIR/tests/guest/features.sh"
