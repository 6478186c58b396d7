#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that no host can hang, crash or confuse the guest: every quirk, and hostile packets.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
. "$SRCDIR/tests/guest/tsi/lib.sh"
# FUZZ_PACKETS and FUZZ_SEED: more packets, or others; the same seed gives the same packets.
append="fuzz=${FUZZ_PACKETS:-10000} seed=${FUZZ_SEED:-24}"
family libkrun-1.19.7 hostile
family supermachine-0.7 hostile
done_testing
