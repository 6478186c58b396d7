# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# In the guest, before every class. try NAME SECONDS SCRIPT is one result on the console; SCRIPT has the functions that
# $functions defines, and ends at its first failure. On a busy machine every limit is $patience times as long.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
dmesg -w -l emerg,alert,crit,err,warn | sed -u 's/^/kernel: /' &
functions=
try() {
	start=$(date +%s)
	status=0
	timeout -k 5 $(($2 * patience)) sh -ec "$functions
$3" </dev/null >/tmp/.log 2>&1 || status=$?
	if [ $status -eq 0 ]; then
		# What stress-ng cannot try here has not passed.
		skipped=$(sed -n '/skipping stressor\|will be skipped/{s/^.*\] //p;q}' /tmp/.log)
		echo "ok $1 # ${skipped:+SKIP $skipped, }$(($(date +%s) - start)) s"
	else
		echo "not ok $1"
		{ tail -n 12 /tmp/.log; echo "status $status"; } | cut -c-200 | sed 's/^/# /'
	fi
}
