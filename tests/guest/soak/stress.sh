# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154 # $class, $seconds, $stressed
# In the guest: the stressors of one class of stress-ng that no class before it had, two of a kind at once.
# Left out, because what they need is absent on purpose: binderfs (Android), efivar (EFI), pci, rtc, l1cache and
# llc-affinity (no cache description in the device tree), netlink-proc (process events), quota (no quota on the volume),
# uprobe (uprobe events); and what stress-ng itself leaves out, because it may hang or reboot any machine.
left_out='binderfs efivar pci rtc l1cache llc-affinity netlink-proc quota uprobe'
left_out="$left_out bind-mount cpu-online mlockmany oom-pipe smi sysinval watchdog"
mkdir /data/work
for name in $(stress-ng --class "$class?" | sed 's/.*: //'); do
	case " $left_out $stressed " in *" $name "*) continue ;; esac
	# Status 7: nothing is wrong but the count of what it did in the time.
	try "stress-ng $name" $((120 + seconds)) "
		stress-ng --$name 2 --timeout $seconds --temp-path /data/work --iomix-bytes 64m --hdd-bytes 64m || [ \$? -eq 7 ]"
done
