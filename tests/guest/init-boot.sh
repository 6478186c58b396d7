#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves what every container gets from init-oci in one boot with everything at its default, an agent included.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
need_userland base

token=$(printf '%.64d' 0 | tr 0 7)
delta plain sh -c 'echo LEAK; echo LEAK >&2; exec container-probe report sh /workload'
echo /srv/dir >"$T/plain/.supermachine-workdir"
mkdir "$T/plain/bin"
cp "$init_oci" "$T/plain/bin/init-copy"
cat >"$T/plain/workload" <<'EOF'
facts
echo "pid file $(cat /run/supermachine-workload.pid) $(stat -c %a /run/supermachine-workload.pid) self $$"
echo "workload parent $PPID group $(cut -d' ' -f5 /proc/$$/stat)"
sum() { md5sum </proc/mounts; }
was=$(sum)
status=0
init-copy || status=$?
echo "copy $status mounts $([ "$was" = "$(sum)" ] && echo same || echo changed)"
echo "PID 1 in $(readlink /proc/1/cwd)"
echo "modes" $(stat -c %a /dev/fuse /dev/net/tun)
echo "mtab $(readlink /etc/mtab)"
echo "private mounts: $(grep -vc ' shared:' /proc/self/mountinfo)"
container-probe orphans 1000
exec container-probe signals
EOF
cat >"$T/plain/supermachine-agent" <<'EOF'
#!/bin/sh
exec >/dev/console 2>&1
echo "agent pid $$ parent $PPID uid $(id -u) cwd $(pwd) environ $(wc -c </proc/1/environ)"
: >/run/supermachine-agent-ready
while [ ! -s /run/supermachine-workload.exit ]; do sleep 0.1; done
sleep 10
container-probe zombies
[ -e /run/supermachine-workload.pid ] || echo "agent: pid file gone"
echo "agent: exit file $(cat /run/supermachine-workload.exit)"
echo "agent: still here"
EOF
chmod 755 "$T/plain/supermachine-agent" "$T/plain/bin/init-copy"
pack plain
boot -a "supermachine.tsi_token=$token" "$base" "$T/plain.img"
check "the boot runs to the end" expect 'agent: still here'
halt

workload_pid=$(sed -n 's/^pid file .* self //p' "$console")
item 1 "one complete heartbeat line" exactly 1 '^\[SUPERMACHINE-INIT\] heartbeat counter=1$'
item 1 "one heartbeat of any kind" exactly 1 heartbeat
item 1 "hello is followed by a newline" has '^init-oci: hello from pid 1$'
item 1 "every hello is" lacks 'hello from pid 1.'
item 2 "heartbeat before the workload" before 'heartbeat counter=1' '^init-oci: exec sh'
item 9 "an existing working directory" has '^cwd /srv/dir$'
item 9 "PID 1 itself is in /" has '^PID 1 in /$'
item 12 "a hostname without a file" has '^hostname localhost$'
item 18 "PATH" has '^env "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"'
item 18 "HOME of root" has '^env "HOME=/root"'
item 18 "HOSTNAME" has '^env "HOSTNAME=localhost"'
item 18 "no variable of the runtime's" lacks '^env "SUPERMACHINE_KCACHE_DONE'
near() {
	date=$(sed -n 's/^date //p' "$console")
	[ "$date" -ge "$host_time" ] && [ "$date" -lt $((host_time + guest_timeout)) ]
}
item 19 "the clock is host_time" near
for name in fd: stdin:/0 stdout:/1 stderr:/2; do
	item 20 "/dev/${name%:*}" has "^/dev/${name%:*} /proc/self/fd${name#*:}\$"
done
item 20 "FUSE and tunnels for everybody" has '^modes 666 666$'
item 20 "/etc/mtab" has '^mtab /proc/mounts$'
item 20 "mounts are shared" has '^private mounts: 0$'
item 20 "a pty pair" has '^pty ok$'
item 20 "/dev/shm is 1777" has '^dir /dev/shm 1777 0 0$'
item 20 "/dev/shm is writable" has '^shm writable$'
for mount in /proc:proc /sys:sysfs /dev:devtmpfs /dev/pts:devpts /dev/shm:tmpfs /run:tmpfs /tmp:tmpfs /sys/fs/cgroup:cgroup2; do
	item 20 "${mount%:*} is mounted once" exactly 1 "^mount ${mount%:*} ${mount#*:} "
done
item 20 "/proc without setuid, devices, programs" has '^mount /proc proc .*nosuid,nodev,noexec'
item 21 "/tmp is 1777" has '^dir /tmp 1777 0 0$'
item 21 "/run is 0755" has '^dir /run 755 0 0$'
item 21 "the image's /run/app keeps owner and mode" has '^dir /run/app 2775 1000 1000$'
item 21 "the image's /tmp/kept keeps owner and mode" has '^dir /tmp/kept 700 1000 1000$'
item 21 "a stale pid file of the image is gone" has '^stale no$'
item 22 "resolv.conf absent: a regular file" has '^/etc/resolv.conf regular file 644$'
item 22 "resolv.conf absent: 1.1.1.1" has '^/etc/resolv.conf: nameserver 1.1.1.1$'
item 23 "hosts absent: localhost" has '^/etc/hosts: 127.0.0.1[[:space:]].*localhost'
item 23 "hosts absent: localhost v6" has '^/etc/hosts: ::1[[:space:]].*localhost'
item 24 "lo has 127.0.0.1" has '^lo 127.0.0.1/8$'
item 24 "lo is up" has '^lo flags .*UP'
item 25 "the agent: child of PID 1, root, in /; environment of PID 1 empty" \
	has '^agent pid [0-9]* parent 1 uid 0 cwd / environ 0$'
item 25 "the agent's start is told" has '^init-oci: exec-agent: spawned pid=[0-9]*$\|^exec-agent: spawned pid=[0-9]*$'
item 2 "the agent starts before the heartbeat" before 'exec-agent: spawned' 'heartbeat counter=1'
item 26 "the pid file" has "^pid file $workload_pid 644 self $workload_pid\$"
item 26 "the pid file is gone after the end" has '^agent: pid file gone$'
item 27 "no output of the workload by default" lacks LEAK
item 30 "1000 orphans leave no zombie" has '^orphans 1000 zombies 0$'
item 30 "no zombie after the end" has '^zombies 0$'
for signal in 0:SIGTERM 1:SIGHUP 2:SIGUSR1 3:SIGRTMIN+3; do
	item 31 "${signal#*:} reaches the workload" has "^signal ${signal%:*} came\$"
done
item 31 "SIGKILL and SIGSTOP do not hurt PID 1" has '^PID 1 survives$'
item 28 "exit status on the console" has '^init-oci: child exited 0$'
item 28 "exit status in a file" has '^agent: exit file 0$'
item 32 "after parking the VM is up for ten seconds" before '^init-oci: parking PID 1 (exit=0)$' 'agent: still here'
item 43 "the workload's command line hides the token" lacks "$token"
item 43 "its other words are unchanged" has "^cmdline $(echo "$bake" | sed 's/\./\\./g') supermachine.tsi_token="
item 44 "a copy started as a child exits 1, mounts unchanged" has '^copy 1 mounts same$'
item 45 "no line looks like a failure" looks_healthy
check "workload: child of PID 1, in a process group of its own" has "^workload parent 1 group $workload_pid\$"
available=$(sed -n 's/^available \([0-9]*\) kB/\1/p' "$console")
echo "# MemAvailable of 256 MiB: $available KiB"
item 42 "memory left to the workload" [ "${available:-0}" -ge 200000 ]
done_testing
