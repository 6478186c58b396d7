#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # scripts for the guest
# Proves that a command line arrives as it was given, and that its end is told truthfully.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
need_userland base

tab=$(printf '\t') cr=$(printf '\r')
# shellcheck disable=SC2046 # 60 words
delta odd container-probe report container-probe args "  lead" "" "tab$tab" "cr${cr}x" $(seq 5 65)
pack odd
run "$base" "$T/odd.img"
item 8 "leading blanks" has '^arg 1 "  lead"$'
item 8 "an empty argument" has '^arg 2 ""$'
item 8 "a tab" has '^arg 3 "tab\\x09"$'
item 8 "a carriage return" has '^arg 4 "cr\\x0dx"$'
item 7 "the 65th argument" has '^arg 65 "65"$'
item 7 "and no other" exactly 65 '^arg '

sum='echo "count $# $(printf "%s\0" "$@" | md5sum)"'
seq 1 2000 | sed "s/\$/ $(printf '%.95d' 0)/; s/^.*\(.\{100\}\)\$/\1/" >"$T/long"
delta many container-probe report sh -c "$sum" sh
cat "$T/long" >>"$T/many/.supermachine-cmd"
pack many
run "$base" "$T/many.img"
item 7 "2000 arguments of 100 bytes" has "^count 2000 $(tr '\n' '\0' <"$T/long" | md5sum | cut -c1-32)"

delta lines
printf '%s\0' container-probe report container-probe args 'two
lines' "  $tab" '' >"$T/lines/.supermachine-argv"
echo /nonexistent >"$T/lines/.supermachine-cmd"
pack lines
run "$base" "$T/lines.img"
item 8 "an argument with a newline" has '^arg 1 "two\\x0alines"$'
item 8 "blanks beside it" has '^arg 2 "  \\x09"$'
item 8 "an empty last argument" has '^arg 3 ""$'

# The limit of execve for one string is 32 pages.
delta huge container-probe "$(head -c $((granule * 50000)) /dev/zero | tr '\0' x)"
pack huge
run "$base" "$T/huge.img"
check "an argument that the kernel refuses: status 126" has '(exit=126)$'

# ends CODE LINE COMMAND...
ends() {
	code=$1 line=$2
	shift 2
	delta end "$@"
	pack end
	run "$base" "$T/end.img"
	item 28 "$*: the line" has "^init-oci: child $line\$"
	item 28 "$*: the parking line" has "^init-oci: parking PID 1 (exit=$code)\$"
}
ends 7 'exited 7' sh -c 'exit 7'
ends 137 'killed by signal 9' container-probe die 9
ends 0 'exited 0' true

delta fifty container-probe report sh -c '[ ! -e /inner ] || exit 7; : >/inner; exec container-probe inits 50'
pack fifty
run "$base" "$T/fifty.img"
item 28 "50 commands that exit at once with 7" has '^inits 50 right 50$'

delta missing no-such-program
pack missing
run "$base" "$T/missing.img"
item 29 "an unknown program: a line" has '^init-oci: child execvp(no-such-program): '
item 29 "an unknown program: status 127" has '^init-oci: parking PID 1 (exit=127)$'

for kind in plain directory nonsense; do
	delta bad /srv/bad
	mkdir -p "$T/bad/srv"
	rm -rf "$T/bad/srv/bad"
	case $kind in
	plain) echo text >"$T/bad/srv/bad" ;;
	directory) mkdir "$T/bad/srv/bad" ;;
	nonsense) head -c 100 /dev/zero >"$T/bad/srv/bad" && chmod 755 "$T/bad/srv/bad" ;;
	esac
	pack bad
	run "$base" "$T/bad.img"
	item 29 "not a program ($kind): a line" has '^init-oci: child execvp(/srv/bad): '
	item 29 "not a program ($kind): status 126" has '^init-oci: parking PID 1 (exit=126)$'
done

delta script /srv/script
mkdir -p "$T/script/srv"
cat >"$T/script/srv/script" <<'EOF'
#!/bin/sh
exec container-probe report sh -c 'echo "a script of $PATH"'
EOF
chmod 755 "$T/script/srv/script"
pack script
run "$base" "$T/script.img"
check "an entry point that is a script" has '^a script of /usr/local/sbin:'
done_testing
