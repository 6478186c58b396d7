#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints what init-oci costs, in guest instructions, and holds it to accepted figures: with -icount shift=0 a
# nanosecond of CPU time is one instruction, so the figure is the same on every machine.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
need_userland base
# From init-oci's exec to the entry point, kernel included; raise it with a reason. Layout of the disks moves it by 5%.
accepted=6100000
limit=$((accepted * 115 / 100))

first_archive
icount='-icount shift=0,sleep=off'
# number WORDS: the number after them.
number() { sed -n "s/^$1 \([0-9]*\).*/\1/p" "$console" | tail -n 1; }

# entry NAME: the next delta, with the smallest entry point.
entry() {
	delta "$1" /entry
	aarch64-linux-gnu-gcc -O2 -s -static -nostdlib -ffreestanding -Wl,-z,max-page-size=4096 -o "$T/$1/entry" \
		"$guest_src/cost-entry.c"
}
entry cost
pack cost
run -i "$T/first.cpio.gz" -q "$icount" "$base" "$T/cost.img"
instructions=$(($(number 'cost pid1') + $(number 'cost pid1 [0-9]* own') - $(number 'first .* cost')))
echo "# guest instructions from /init to the entry point: $instructions (accepted: $accepted, limit: $limit)"
check "instructions are counted" [ $instructions -gt 100000 ]
check "no more than 15% above the accepted figure" [ $instructions -le $limit ]

# PID 1 waits a second for an agent's ready file, but not when the agent has ended: it is on its way before the
# agent's orphan is, which sleeps half of that.
waited='^init-oci: /supermachine-agent: no /run/supermachine-agent-ready$'
entry brief
printf '#!/bin/sh\n(sleep 0.5; echo orphan >/dev/console) &\n' >"$T/brief/supermachine-agent"
chmod 755 "$T/brief/supermachine-agent"
pack brief
boot "$base" "$T/brief.img"
item 25 "an agent that ends at once: its orphan lives" expect '^orphan$'
halt
item 25 "an agent that ends at once is not waited for" before "$waited" '^orphan$'

delta idle container-probe report container-probe idle 60
printf '#!/bin/sh\nexec sleep 1000\n' >"$T/idle/supermachine-agent"
chmod 755 "$T/idle/supermachine-agent"
pack idle
run -q "$icount" "$base" "$T/idle.img"
item 25 "an agent that lives is waited for" has "$waited"
check "PID 1 does not run in 60 idle seconds" has '^idle wake-ups 0$'
rss=$(number 'idle rss')
echo "# resident memory of PID 1: $rss KiB"
check "PID 1 holds at most 256 KiB" [ "${rss:-9999}" -le 256 ]
done_testing
