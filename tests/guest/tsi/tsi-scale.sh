#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves the long transfers and the large numbers of the conformance lists. TSI_SCALE=all (make check-scale) has all of
# them against three hosts, else each only where hosts are worst at it.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
. "$SRCDIR/tests/guest/tsi/lib.sh"
case ${TSI_SCALE-} in
all)
	for name in supermachine-0.1 supermachine-0.7 libkrun-1.19.7; do
		echo "# $name"
		family $name scale,many
	done
	;;
*)
	family supermachine-0.1 scale/T
	family supermachine-0.7 scale/T9
	;;
esac
done_testing
