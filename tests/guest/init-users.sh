#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves who the workload is, and what init-oci does to an image's own files, one combination a boot.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
need_userland base

# user NAME SPEC: the next delta, run by that user.
user() {
	delta "$1" container-probe report facts
	echo "$2" >"$T/$1/.supermachine-user"
	mkdir "$T/$1/etc"
}

user web web
echo box-1 >"$T/web/.supermachine-hostname"
echo /srv/new/deep >"$T/web/.supermachine-workdir"
: >"$T/web/etc/resolv.conf"
: >"$T/web/etc/hosts"
pack web
run "$base" "$T/web.img"
item 10 "user web: uid, gid and groups of the files" has '^ids uid 1000 gid 1000 groups.* 2000 3000$'
item 18 "HOME of web" has '^env "HOME=/home/web"'
item 20 "a pty for an ordinary user" has '^pty ok$'
item 24 "port 80 for an ordinary user" has '^bind 80 ok$'
item 9 "a missing working directory is created" has '^cwd /srv/new/deep$'
item 12 "the hostname file" has '^hostname box-1$'
item 12 "the hostname in /etc/hosts" has '^/etc/hosts: 127.0.1.1[[:space:]].*box-1'
item 22 "resolv.conf empty: 1.1.1.1" has '^/etc/resolv.conf: nameserver 1.1.1.1$'
item 23 "hosts empty: localhost" has '^/etc/hosts: 127.0.0.1[[:space:]].*localhost'
check "workload: no signal blocked or ignored, only standard descriptors open" lacks '^report:'

user number 1000
echo /etc/passwd/under >"$T/number/.supermachine-workdir"
echo 'nameserver 127.0.0.11' >"$T/number/etc/resolv.conf"
printf '10.0.0.9 db\n# mine' >"$T/number/etc/hosts"
pack number
run -l "$(echo "$bake" | sed "s/$host_time/junk/")" "$base" "$T/number.img"
item 10 "user 1000: the same as web" has '^ids uid 1000 gid 1000 groups.* 2000 3000$'
item 9 "a working directory that cannot be: a line" has '^init-oci: .*/etc/passwd/under'
item 9 "a working directory that cannot be: /" has '^cwd /$'
item 19 "host_time=junk: the year 2025" has '^date 17356896\|^date 17356897\|^date 17356898'
item 22 "resolv.conf of a container engine: 1.1.1.1" has '^/etc/resolv.conf: nameserver 1.1.1.1$'
item 23 "hosts of one's own: localhost" has '^/etc/hosts: 127.0.0.1[[:space:]].*localhost'
item 23 "hosts of one's own: lines are kept" has '^/etc/hosts: 10.0.0.9 db$'
item 23 "hosts of one's own: the last line too" has '^/etc/hosts: # mine$'

user group web:extra
ln -s ../run/systemd/resolve/stub-resolv.conf "$T/group/etc/resolv.conf"
pack group
run "$base" "$T/group.img"
item 10 "user web:extra: the group stands alone" has '^ids uid 1000 gid 2000 groups 2000$'
item 22 "resolv.conf a dangling link: a regular file" has '^/etc/resolv.conf regular file 644$'
item 22 "resolv.conf a dangling link: 1.1.1.1" has '^/etc/resolv.conf: nameserver 1.1.1.1$'

user numbers 1000:2000
echo 'nameserver 10.1.2.3' >"$T/numbers/etc/resolv.conf"
pack numbers
first_archive clock
run -i "$T/first.cpio.gz" "$base" "$T/numbers.img"
item 10 "user 1000:2000" has '^ids uid 1000 gid 2000 groups 2000$'
item 22 "a nameserver of one's own is kept" has '^/etc/resolv.conf: nameserver 10.1.2.3$'
item 22 "and stays the only one" exactly 1 '^/etc/resolv.conf: nameserver'
item 19 "a clock that runs is left alone" has '^date 19042[0-9]*$'

user root :extra
echo 'name with spaces' >"$T/root/.supermachine-hostname"
pack root
run "$base" "$T/root.img"
item 10 "user :extra: root with that group" has '^ids uid 0 gid 2000 groups 2000$'
item 12 "an invalid hostname: a line" has '^init-oci: .*hostname'
item 12 "an invalid hostname: the default" has '^hostname localhost$'

n=0
for spec in nosuch 4294967296 -1 web:nogroup; do
	n=$((n + 1))
	user "bad$n" "$spec"
	pack "bad$n"
	run "$base" "$T/bad$n.img"
	item 11 "user $spec: the workload does not run" lacks '^ids'
	item 11 "user $spec: status 126" has '^init-oci: parking PID 1 (exit=126)$'
done
done_testing
