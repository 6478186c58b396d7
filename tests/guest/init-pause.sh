#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves the points at which later runtimes hold the boot until they type a line.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
need_userland base

workload reader <<'EOF'
container-probe input
echo "/proc/mounts has $(grep -c . /proc/mounts) lines"
EOF
boot -a supermachine.pre_exec_sync=1 "$base" "$T/reader.img"
item 37 "pre_exec_sync: the ready line" expect '^\[SUPERMACHINE-PRE-EXEC\] ready$'
sleep 1
tr -d '\r' <"$console.raw" >"$console"
item 37 "pre_exec_sync: nothing runs meanwhile" lacks '^input'
item 37 "pre_exec_sync: the line before" has '^init-oci: workload-pre-exec$'
send 'P\nP\nP\nP\nP\nP\n'
item 37 "pre_exec_sync: the resumed line" expect '^\[SUPERMACHINE-PRE-EXEC\] resumed token=P$'
expect "$healthy" || :
halt
item 37 "pre_exec_sync: no token reaches the workload" has '^input 0$'

# Virtual time jumps to the next timer when the guest is idle.
run -a supermachine.pre_exec_sync=1 -q '-icount shift=0,sleep=off' "$base" "$T/reader.img"
item 37 "no token: the timeout line" has '^\[SUPERMACHINE-PRE-EXEC\] timeout rn=-*[0-9]* errno=[0-9]*$'
item 37 "no token: the workload runs" has '^input 0$'

run -a xsupermachine.pre_exec_sync=1 "$base" "$T/reader.img"
item 37 "another word: no pause" lacks 'PRE-EXEC'
item 37 "another word: the workload runs" has '^input 0$'

delta before container-probe report echo "disk of before"
delta after container-probe report echo "disk of after"
pack before
pack after
[ "$(wc -c <"$T/before.img")" -eq "$(wc -c <"$T/after.img")" ] || echo "# images differ in size"
boot -a supermachine.kcache=1 "$base" "$T/before.img"
item 38 "kcache: the ready line" expect '^\[SUPERMACHINE-KCACHE\] ready$'
cat "$T/after.img" 1<>"$T/before.img"
send 'R\n'
item 38 "kcache: the resumed line" expect '^\[SUPERMACHINE-KCACHE\] resumed token=R$'
expect "$healthy" || :
halt
item 38 "kcache: once a boot" exactly 1 '^\[SUPERMACHINE-KCACHE\] ready$'
item 38 "kcache: disks exchanged meanwhile are read anew" has '^disk of after$'
done_testing
