#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run-all.sh: every test, in stages, in ./_check. Each stage has a time limit. What failed is said once more at the
# end; the last line counts results. Exit status 0 only when nothing failed.
# shellcheck disable=SC2016 # stages are scripts for another shell
set -eu
unset SUPERMACHINE_KERNEL_PATH SUPERMACHINE_INIT_OCI_PATH SUPERMACHINE_ASSETS_DIR CFLAGS CPPFLAGS LDFLAGS CC
cd "$(dirname "$0")/.."
top=$PWD
check=$top/_check
chmod -R u+w "$check" 2>/dev/null || :
rm -rf "$check"
mkdir "$check"
: >"$check/failures"
passed=0
failed=0
skipped=0

# stage MINUTES NAME SCRIPT: SCRIPT runs in ./_check. One without test summaries counts as one result.
stage() {
	start=$(date +%s)
	echo "== $2"
	touch "$check/start"
	{
		status=0
		(cd "$check" && timeout -k 30 "$1m" sh -euc "$3") || status=$?
		echo "exit status $status"
	} 2>&1 | tee "$check/log"
	status=$(sed -n '$s/^exit status //p' "$check/log")
	pass=$(count PASS)
	skip=$(count SKIP)
	fail=$(($(count FAIL) + $(count ERROR) + $(count XPASS)))
	case $status in
	0) [ $((pass + fail + skip)) -gt 0 ] || pass=1 ;;
	77) skip=$((skip + 1)) ;;
	*) [ "$fail" -gt 0 ] || { fail=1 && echo "FAIL: exit status $status" >>"$check/log"; } ;;
	esac
	if [ "$fail" -gt 0 ]; then
		find "$check" -name test-suite.log -newer "$check/start" -exec cat {} + | tee "$check/suite.log"
		failures "$2" >>"$check/failures"
	fi
	echo "== $2: $pass passed, $fail failed, $skip skipped in $(($(date +%s) - start)) s"
	passed=$((passed + pass))
	failed=$((failed + fail))
	skipped=$((skipped + skip))
}

# count RESULT: the sum of automake's "# RESULT: n" lines in the log of a stage.
count() {
	sed -n "s/^# $1: *//p" "$check/log" | awk '{ n += $1 } END { print n + 0 }'
}

# failures STAGE: what failed in it, each with the diagnostics that follow it in automake's test-suite.log.
failures() {
	cat "$check/suite.log" "$check/log" | awk -v stage="$1" '
		/^(FAIL|ERROR|XPASS): / { shown = !seen[$0]++ }
		/^[^#FEX]/ { shown = 0 }
		shown { print stage ": " $0 }'
}

# The longest stage only compiles: it has what the others leave idle, and is reported last.
nice -n 19 timeout -k 30 80m sh data/reproduce.sh "$check/reproduce" >"$check/reproduce.log" 2>&1 </dev/null &
reproduce=$!
trap 'kill $reproduce 2>/dev/null || :' EXIT
trap 'exit 1' HUP INT TERM

stage 20 'host tests, gcc' '
	mkdir gcc
	cd gcc
	../../configure --prefix="$PWD/../prefix" CC=gcc
	make -j2
	make -j2 check guest_tests=
'
stage 40 'guest tests' '
	cd gcc
	make -j2 check host_tests= package_tests=
'
stage 20 'host tests, address and undefined behaviour sanitizers' '
	mkdir sanitizers
	cd sanitizers
	../../configure --disable-shared CC=gcc CFLAGS="-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all"
	make -j2
	make -j2 check guest_tests= package_tests=
'
stage 20 'host tests, clang, warnings are errors' '
	mkdir clang
	cd clang
	../../configure --enable-werror CC=clang
	make -j2
	make -j2 check guest_tests= package_tests=
'
stage 20 'installcheck' '
	cd gcc
	make install
	make installcheck
'
stage 20 'distcheck' '
	cd gcc
	make -j2 distcheck guest_tests= package_tests=
'
status=0
wait $reproduce || status=$?
stage 1 'make reproduce' "tail -n 40 reproduce.log; exit $status"

cat "$check/failures"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
