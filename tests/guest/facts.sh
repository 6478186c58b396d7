#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The workload of most guest tests: prints what a container sees, one fact a line.
# Run by "container-probe report", so it may be anyone's.

exists() { [ -e "$1" ] && echo yes || echo no; }

echo "cwd $(pwd)"
container-probe ids
container-probe env
echo "hostname $(uname -n)"
echo "date $(date +%s)"
echo "uptime $(cut -d' ' -f1 /proc/uptime)"
echo "cmdline $(cat /proc/cmdline)"
echo "layer $(cat /etc/layer)"
echo "available $(sed -n 's/^MemAvailable: *//p' /proc/meminfo)"
for file in /etc/hosts /etc/resolv.conf; do
	echo "$file $(stat -c '%F %a' $file 2>&1)"
	sed "s|^|$file: |" $file
done
for name in fd stdin stdout stderr; do
	echo "/dev/$name $(readlink /dev/$name)"
done
for dir in /dev/shm /tmp /run /run/app /tmp/kept /dev/pts /dev/mqueue; do
	echo "dir $dir $(stat -c '%a %u %g' $dir 2>&1)"
done
echo "stale $(exists /run/app/x.pid)"
while read -r source target type options _; do
	echo "mount $target $type $source $options"
done </proc/mounts
container-probe pty
container-probe bind 80
echo shm >/dev/shm/file && echo "shm writable"
ip -4 addr show dev lo | sed -n 's/^ *inet \([^ ]*\).*/lo \1/p; s/.*<\(.*\)>.*/lo flags \1/p'
