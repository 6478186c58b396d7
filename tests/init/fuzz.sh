#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Replays the corpus of the parsers of init-oci and two seconds of mutations of it. For a real campaign:
# configure --enable-fuzzing, make tests/init/fuzz-init,
# sh tests/init/corpus.sh DIRECTORY, tests/init/fuzz-init DIRECTORY
# shellcheck source=tests/lib.sh
. "$SRCDIR/tests/lib.sh"
# shellcheck source=tests/init/build.sh
. "$SRCDIR/tests/init/build.sh"

# shellcheck disable=SC2046 # a list of flags
build fuzz $(sanitizers)
mkdir "$T/corpus"
sh "$SRCDIR/tests/init/corpus.sh" "$T/corpus"
check "the corpus and its mutations" env TMPDIR="$T" "$T/fuzz" "${FUZZ_SECONDS:-2}" "$T/corpus"/*
done_testing
