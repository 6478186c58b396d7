#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves the conformance list of TSI against the newest libkrun host, whose end of data is a half-close.
# Four CPUs, but for the groups that accept connections of the host: see NEWS, Known limits. TSI_CPUS is theirs.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
. "$SRCDIR/tests/guest/tsi/lib.sh"
vcpus=4
family libkrun-1.19.7 stream,connect,udp,options,ioctl,hijack
vcpus=${TSI_CPUS:-1}
family libkrun-1.19.7 listen,names,poll,plain,unix
done_testing
