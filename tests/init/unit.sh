#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The parsers and pure functions of init-oci, natively, under the sanitizers where the compiler has them.
# shellcheck source=tests/lib.sh
. "$SRCDIR/tests/lib.sh"
# shellcheck source=tests/init/build.sh
. "$SRCDIR/tests/init/build.sh"

# shellcheck disable=SC2046 # a list of flags
build unit $(sanitizers)
# What is allocated once and kept until the end is no leak here.
ASAN_OPTIONS=detect_leaks=0 "$T/unit" </dev/null
