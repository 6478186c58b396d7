# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154 # $class, $seconds, $limit
# In the guest: every stressor of one class of stress-ng, one after the other on all CPUs.
# Left out, because what they need is absent on purpose: binderfs (Android), efivar (EFI), pci, rtc, l1cache and
# llc-affinity (no cache description in the device tree), netlink-proc (process events), quota (no quota on the volume).
exclude=binderfs,efivar,pci,rtc,l1cache,llc-affinity,netlink-proc,quota
# Only what the class has may be excluded.
stressors=$(stress-ng --class "$class?" | sed 's/.*: //')
left_out=
for name in $(echo $exclude | tr , ' '); do
	case " $stressors " in *" $name "*) left_out=$left_out,$name ;; esac
done
mkdir /data/work
try "stress-ng $class" "$limit" "stress-ng --class $class ${left_out:+--exclude ${left_out#,}} --sequential 1 \
	--timeout $seconds --temp-path /data/work --iomix-bytes 64m --hdd-bytes 64m"
