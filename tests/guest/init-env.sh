#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that the environment arrives over vsock exactly, that nothing else does, and that the boot waits for nobody.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
need_userland base
vsock_host=$BUILDDIR/tests/vsock-host/vsock-host
[ -x "$vsock_host" ] || skip_all "no vsock-host in the build tree (make check builds it)"

# start_host MODE: $T/json is served on port 1026 of $T/vsock; the log becomes part of the console's.
start_host() {
	rm -f "$T/vsock"
	mkfifo "$T/started"
	timeout "$guest_timeout" "$vsock_host" --once --socket "$T/vsock" --env "$T/json" --env-mode "$1" \
		--log "$T/console.raw" >"$T/started" &
	host_pid=$!
	read -r _ <"$T/started"
	rm "$T/started"
}

stop_host() {
	kill "$host_pid" 2>/dev/null || :
	wait "$host_pid" || :
}

# with_host MODE [BOOT OPTION...] DISK...: as run, with a host.
with_host() {
	start_host "$1"
	shift
	run -v "$T/vsock" "$@"
	stop_host
}

delta env container-probe report container-probe env
pack env

cat >"$T/json" <<'EOF'
{"env":{"PLAIN":"value","BOTH":"env","":"SECRET-empty","A=B":"SECRET-equals","NUMBER":4711,"NULL":null,
"OBJECT":{"env":{"INNER":"SECRET-inner"},"X":"SECRET-x"},"LIST":["SECRET-list",{"env":{"L":"1"}}],"AFTER":"still here",
"QUOTE":"a\"b","BACK":"a\\b","LINE":"a\nb","LATIN":"é","EMOJI":"😀","ESCAPED":"\u00e9 \ud83d\ude00","COMMA":"a,b}c","INJECT":"x\",\"BAD\":\"y",
"SLASH":"a\/b\t\r\b\f","TEXT":"\"B\":\"C\""},
"other":{"env":{"NESTED":"SECRET-nested"}},"secrets":{"TOKEN":"s3cret","BOTH":"secrets"}}
EOF
with_host normal "$base" "$T/env.img"
item 2 "the host is asked before the heartbeat" before '1026' 'heartbeat counter='
item 13 "a variable" has '^env "PLAIN=value"$'
item 13 "a secret" has '^env "TOKEN=s3cret"$'
item 13 "secrets win" has '^env "BOTH=secrets"$'
item 14 "odd members are skipped, later ones apply" has '^env "AFTER=still here"$'
item 14 "no value of a skipped member, anywhere" lacks 'SECRET-\|4711'
item 14 "no variable of a nested object" lacks '^env "\(INNER\|NESTED\|L\|X\|OBJECT\|LIST\|NUMBER\|NULL\|A\|BAD\|B\)='
item 14 "a quote" has '^env "QUOTE=a\\"b"$'
item 14 "a backslash" has '^env "BACK=a\\\\b"$'
item 14 "a newline" has '^env "LINE=a\\x0ab"$'
item 14 "raw UTF-8" has '^env "LATIN=\\xc3\\xa9"$'
item 14 "raw UTF-8 of four bytes" has '^env "EMOJI=\\xf0\\x9f\\x98\\x80"$'
item 14 "escaped characters and surrogates" has '^env "ESCAPED=\\xc3\\xa9 \\xf0\\x9f\\x98\\x80"$'
item 14 "comma and brace in a string" has '^env "COMMA=a,b}c"$'
item 14 "a string cannot add variables" has '^env "INJECT=x\\",\\"BAD\\":\\"y"$'
item 14 "other escapes" has '^env "SLASH=a/b\\x09\\x0d\\x08\\x0c"$'
item 14 "JSON in a string" has '^env "TEXT=\\"B\\":\\"C\\""$'

for text in '{"env":{},"secrets":{"S":"1"}}' '{
  "env" : { } ,
  "secrets" : {
    "S" : "1"
  }
}
'; do
	printf '%s' "$text" >"$T/json"
	with_host normal "$base" "$T/env.img"
	item 15 "an empty env: the secret" has '^env "S=1"$'
	item 15 "an empty env: nothing else" lacks '^env "secrets'
done

long=$(printf '%.60000d' 0)
printf '{"env":{"FIRST":"1","LONG":"%s","LAST":"1"},"secrets":{}}' "$long" >"$T/json"
workload long <<'EOF'
echo "long ${#LONG} first $FIRST last $LAST"
EOF
with_host normal "$base" "$T/long.img"
item 16 "60 KB are complete" has '^long 60000 first 1 last 1$'

printf '{"env":{"WHOLE":"SECRET-whole","TORN":"SECRET-to' >"$T/json"
with_host normal "$base" "$T/env.img"
item 16 "torn text: nothing of it applies" lacks '^env "WHOLE\|^env "TORN'
item 14 "torn text: no value on the console" lacks 'SECRET-'
item 16 "torn text: one line" has '^init-oci: .*environment\|^init-oci: .*JSON\|^init-oci: env'
item 16 "torn text: the boot continues" has '^init-oci: parking PID 1 (exit=0)$'

echo '{"env":{},"secrets":{}}' >"$T/json"
with_host refuse "$base" "$T/env.img"
item 17 "nobody on the port: a line, and no time is lost" has '^init-oci: environment: .*Connection re'
item 17 "nobody on the port: the boot continues" has '^init-oci: parking PID 1 (exit=0)$'
with_host silent "$base" "$T/env.img"
item 17 "a silent host: a line" has '^init-oci: environment: .*timed out'
item 17 "a silent host: the boot continues" has '^init-oci: parking PID 1 (exit=0)$'
# From the connection to its end, by the host's clock; 5 s are the limit.
waited=$(sed -n 's/^> \([0-9]*\)\.\([0-9]*\) stream \(REQUEST\|SHUTDOWN\) .*:1026 .*/\1\2/p' "$console" | sed 's/^0*//' | head -n 2 | tr '\n' ' ')
waited=$((${waited#* } - ${waited%% *}))
echo "# waited for a silent host: $waited ms"
item 17 "a silent host: the boot continues within 6 s" [ $waited -lt 6000 ]

delta stdio sh -c 'echo "on standard output"; echo "on standard error" >&2; env | grep GUEST_STDIO'
pack stdio
for how in console:has Console:lacks; do
	printf '{"env":{"SUPERMACHINE_GUEST_STDIO":"%s"},"secrets":{}}' "${how%:*}" >"$T/json"
	with_host normal "$base" "$T/stdio.img"
	item 27 "GUEST_STDIO=${how%:*}: ${how#*:} output" "${how#*:}" '^on standard output$'
	item 27 "GUEST_STDIO=${how%:*}: ${how#*:} errors" "${how#*:}" '^on standard error$'
done

# A silent host holds the boot before the heartbeat: a restore would put other content behind the volume there.
if command -v mke2fs >/dev/null; then
	for name in first other; do
		mkdir "$T/$name"
		echo $name >"$T/$name/name"
		mke2fs -q -t ext4 -d "$T/$name" "$T/$name.volume" 8m >/dev/null
	done
	delta swap container-probe report cat /data/name
	echo /data >"$T/swap/.supermachine-volumes"
	pack swap
	start_host silent
	boot -v "$T/vsock" "$base" "$T/swap.img" "rw:$T/first.volume"
	tries=0
	until grep -q '1026' "$T/console.raw" || [ $((tries += 1)) -gt $((guest_timeout * 10)) ]; do sleep 0.1; done
	cat "$T/other.volume" 1<>"$T/first.volume"
	expect "$healthy" || :
	halt
	stop_host
	item 36 "the volume is read after the heartbeat only" has '^other$'
else
	skip "item 36: the volume is read after the heartbeat only" "install the package e2fsprogs"
fi
done_testing
