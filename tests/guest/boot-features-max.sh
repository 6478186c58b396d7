#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves the features of the guest kernel on a processor that has everything.
# The cheap signature of pointers: any other takes most of the time.
export GUEST_CPU=max,pauth-impdef=on
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
. "$SRCDIR/tests/guest/features.sh"
