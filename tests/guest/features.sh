# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # variables of lib.sh
# Proves the features of the guest kernel one by one, by programs in the guest that use them, with every device that
# QEMU offers, on one processor and on four of the model $GUEST_CPU. All of them run on every model: memory order,
# atomics and page tables differ, and it is minutes. What they prove has to be what the manifest promises:
# accept=yes makes the manifest promise what they prove. FEATURES=WORDS: only those with one of
# the words in their names.
need_userland base debian
need mke2fs e2fsprogs
need mkfs.vfat dosfstools
need mcopy mtools
need genisoimage genisoimage
need mkfs.erofs erofs-utils
need sqfstar squashfs-tools
need cpio cpio
need python3 python3
need zstd zstd
need lz4 lz4
vsock_host=$BUILDDIR/tests/vsock-host/vsock-host
[ -x "$vsock_host" ] || skip_all "no vsock-host in the build tree (make check builds it)"
for virtiofsd in "$(command -v virtiofsd)" /usr/libexec/virtiofsd /usr/lib/qemu/virtiofsd; do
	[ ! -x "$virtiofsd" ] || break
done

# A few minutes of work, where it is not the only one.
guest_timeout=${GUEST_TIMEOUT:-900}
daemons=
seed=0
trap 'halt; kill $daemons 2>/dev/null || :; chmod -R u+rwX "$T" 2>/dev/null || :; rm -rf "$T"' EXIT

# The layer with the probe; beside it the volume with the images that it mounts, and an initramfs of five archives.
make_features() {
	mkdir -p "$1/bin" "$1.more/images" "$1.more/content"
	aarch64-linux-gnu-gcc -static -s -O2 -Wall -Wextra -o "$1/bin/feature-probe" "$guest_src"/probe/*.c || return
	squash "$1" "${1%.dir}.new" -all-root
	(
		cd "$1.more"
		file='content/A long file näme'
		echo content >"$file"
		ln -s 'A long file näme' content/link
		LC_ALL=C.UTF-8 mkfs.vfat -C images/vfat 1024 >/dev/null
		LC_ALL=C.UTF-8 mcopy -i images/vfat "$file" ::
		genisoimage -quiet -input-charset utf-8 -R -J -o images/iso content
		seq 1 20000 >content/numbers
		# The value of both attributes is "value"; from an archive they need neither root nor this disk's help.
		(cd content && tar --owner=0 --group=0 --format=pax \
			--pax-option=LIBARCHIVE.xattr.user.probe:=dmFsdWU,LIBARCHIVE.xattr.security.probe:=dmFsdWU -cf ../layer.tar -- *)
		for compressor in gzip xz zstd lz4 lzo; do
			sqfstar -quiet -no-progress -comp $compressor images/squashfs-$compressor <layer.tar >/dev/null
		done
		for name in user nobody; do
			echo content >content/for-$name
			chmod 600 content/for-$name
		done
		# The second is an access list: the owner reads and writes, user 1000 reads, nobody else.
		python3 - "$file" content/for-user <<-'PYTHON'
		import os, struct, sys
		os.setxattr(sys.argv[1], "user.probe", b"value")
		entries = [(1, 6, -1), (2, 4, 1000), (4, 0, -1), (16, 4, -1), (32, 0, -1)]
		acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
		os.setxattr(sys.argv[2], "system.posix_acl_access", acl)
		PYTHON
		mkfs.erofs --quiet --all-root images/erofs content >/dev/null
		mkfs.erofs --quiet --all-root -zlz4 images/erofs-lz4 content >/dev/null
		mkfs.erofs --quiet --all-root --chunksize=4096 --blobdev=images/erofs-blob images/erofs-split content >/dev/null
		mke2fs -q -t ext4 images/ext4 2m 2>/dev/null
		mke2fs -q -t ext4 -O ^has_journal images/ext4-no-journal 2m 2>/dev/null
		mke2fs -q -t ext4 -O quota,project -E quotatype=usrquota:prjquota images/ext4-quota 2m 2>/dev/null
		mkdir volume
		mv images volume
		mke2fs -q -t ext4 -b 4096 -O verity,encrypt -d volume "$images/features.ext4" 64m 2>/dev/null

		mkdir gzip gzip/proc gzip/sys gzip/dev gzip/newroot
		cp "$1/bin/feature-probe" gzip/init
		cp "$init_oci" gzip/init-oci
		chmod 755 gzip/init gzip/init-oci
		for kind in 'plain cat' 'gzip gzip' 'zstd zstd -c' 'xz xz --check=crc32' 'lz4 lz4 -l -c'; do
			name=${kind%% *}
			mkdir -p "$name"
			: >"$name/from-$name"
			(cd "$name" && find . | cpio -o -H newc -R 0:0 --quiet) | ${kind#* }
		done >"$images/features.cpio"
	) || return
	rm -rf "$1.more"
}
shared_image features "$guest_src"/probe/*.[ch] "$guest_src/features.sh" || { echo 'Bail out! cannot make the images of the features'; exit 1; }

workload features <<'EOF'
# Control groups with controllers need their processes in a leaf.
mkdir /sys/fs/cgroup/leaf && echo $$ >/sys/fs/cgroup/leaf/cgroup.procs
mkdir /data && mount -t ext4 /dev/vde /data
feature-probe $(cat /only)
# Only this namespace has the switch that lets others write to the log.
echo 1 >/proc/sys/net/netfilter/nf_log_all_netns
unshare -n sh /network-probe $(cat /only)
# Warnings are too quiet for the console. Two groups run out of memory on purpose.
dmesg | sed '/invoked oom-killer/,/^Call trace/d' | grep -f /splat
echo "ports from $(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)"
echo "text at $(sed -n 's/.*[0-9] \(0xffff[0-9a-f]*\) .*vmalloc$/\1/p' /proc/vmallocinfo | sort | head -n 1)"
umount /data && container-probe power $(cat /how)
EOF
cp "$guest_src/probe/network.sh" "$T/features/network-probe"

monitor() { echo "$*" >&8; }
# What the guest asks for until it has done everything.
host_acts() {
	last=
	while expect '^probe asks\|^text at'; do
		asked=$(tr -d '\r' <"$console.raw" | sed -n 's/^probe asks //p' | tail -n 1)
		case $asked in
		"$last") return ;;
		'balloon small') monitor balloon $((memory - 100)) ;;
		'balloon large') monitor balloon "$memory" ;;
		esac
		last=$asked
	done
	return 1
}

await_socket() {
	tries=0
	until [ -S "$1" ] || [ $((tries += 1)) -gt 100 ]; do sleep 0.1; done
}

# features CPUS MEMORY HOW: boots with everything; the guest ends by HOW.
features() {
	echo "$3" >"$T/features/how"
	echo "${FEATURES-}" >"$T/features/only"
	echo "$splat" >"$T/features/splat"
	pack features
	cp --sparse=always "$images/features.ext4" "$T/data"
	rm -rf "$T/share" "$T/fs" "$T/vsock" "$T"/*.in "$T"/*.out
	mkdir "$T/share"
	echo content >"$T/share/from-host"
	mkfifo "$T/monitor.in" "$T/monitor.out" "$T/port.in" "$T/port.out"
	exec 8<>"$T/monitor.in" 9<>"$T/monitor.out"
	# The named port says what it hears.
	timeout "$guest_timeout" cat <"$T/port.out" >"$T/port.in" &
	daemons=$!
	head -c 8M /dev/zero | tr '\0' x >"$T/disk"
	rm -f "$T/swap"
	truncate -s 64M "$T/swap"
	timeout "$guest_timeout" "$vsock_host" --socket "$T/vsock" --control "$T/control" --family supermachine-0.7 \
		>"$T/vsock-log" 2>&1 &
	daemons="$daemons $!"
	await_socket "$T/vsock"
	devices='' fs=''
	if [ -x "$virtiofsd" ] && [ "$(id -u)" -eq 0 ]; then
		fs=$T/fs
		timeout "$guest_timeout" "$virtiofsd" --socket-path="$fs" -o source="$T/share" -o sandbox=chroot >"$T/fs-log" 2>&1 &
		daemons="$daemons $!"
		await_socket "$fs"
		devices="-chardev socket,id=fs,path=$fs -device vhost-user-fs-device,bus=virtio-mmio-bus.30,chardev=fs,tag=probe-share"
	fi
	seed=$((seed + 1))
	tree="chosen { kaslr-seed = <$((seed * 0x30000000)) $seed>; };
		vmgenid@4000000 { compatible = \"microsoft,vmgenid\"; reg = <0 0x4000000 0 0x1000>; interrupts = <0 60 1>; };"
	vcpus=$1
	boot -e -r -c "$vcpus" -m "$2" -a psi=1 -v "$T/vsock" -i "$images/features.cpio" -q "
		-global virtio-balloon-device.free-page-reporting=on -global virtio-balloon-device.deflate-on-oom=on
		-chardev pipe,id=monitor,path=$T/monitor -mon chardev=monitor
		-drive if=none,id=probe,format=raw,discard=unmap,file=$T/disk
		-device virtio-blk-device,bus=virtio-mmio-bus.20,drive=probe,serial=probe-disk,num-queues=4,discard=on,write-zeroes=on
		-drive if=none,id=swap,format=raw,file=$T/swap
		-device virtio-blk-device,bus=virtio-mmio-bus.21,drive=swap,serial=probe-swap
		-netdev user,id=net,restrict=on -device virtio-net-device,bus=virtio-mmio-bus.22,netdev=net
		-device virtio-serial-device,bus=virtio-mmio-bus.23,id=serial
		-chardev file,id=hvc,path=$T/hvc -device virtconsole,bus=serial.0,chardev=hvc
		-chardev pipe,id=port,path=$T/port -device virtserialport,bus=serial.0,chardev=port,name=probe-port
		-fsdev local,id=share,path=$T/share,security_model=none
		-device virtio-9p-device,bus=virtio-mmio-bus.25,fsdev=share,mount_tag=probe-share
		$devices" "$base" "$images/debian" "$images/features" "$T/features.img" "rw:$T/data"
	host_acts || :
	status=0
	ended || status=1
	# shellcheck disable=SC2086 # numbers
	kill $daemons 2>/dev/null || :
	exec 8<&- 9<&-
}

# What every line of the probes' tables is called.
{
	sed -n 's/^	{[RN], "\([^"]*\)",.*/\1/p' "$guest_src"/probe/*.c
	sed -n "s/^\(probe\|maybe\) '\([^']*\)' .*/\2/p" "$guest_src/probe/network.sh"
} >"$T/names"
# What is left out on purpose is no feature.
proven() { sed -n '/^probe ok left out/d; s/^probe ok //p' "$console"; }

if [ "${accept-}" ]; then
	manifest=$SRCDIR/data/manifest
	features 4 512 off
	while read -r name; do
		grep -q -x -e "probe ok $name" -e "probe absent $name" "$console" && continue
		grep -x -F -B 6 "probe not ok $name" "$console" || echo "no answer: $name"
		status=1
	done <"$T/names"
	[ $status -eq 0 ] || { echo "Not all required features work: $manifest stays as it is."; exit 1; }
	{
		grep -v '^features=' "$manifest"
		echo "features=$(proven | sed -e ':join' -e '$!N; s/\n/; /; t join')"
	} >"$T/manifest"
	cat "$T/manifest" >"$manifest"
	echo "$manifest: $(proven | wc -l) features, without $(grep -c '^probe absent' "$console"):"
	sed -n 's/^probe absent /  /p' "$console"
	exit
fi

sed -n 's/^features=//p' "$SRCDIR/data/manifest" | sed 's/; /\n/g' >"$T/promised"
# answer NAME: one result. The manifest promises it, or it is absent, or this cannot be tried here.
answer() {
	wanted='ok' note=
	if ! grep -q -x -F "$1" "$T/promised"; then wanted='absent' note=': absent, as in the manifest'; fi
	case $1 in
	'left out: '*) wanted='ok' note= ;;
	'CPU: '*)
		if grep -q -x -F "probe absent $1" "$console"; then
			skip "$1, $vcpus CPUs" "$guest_cpu has none"
			return
		fi ;;
	virtio-fs:*)
		if [ -z "$fs" ]; then
			skip "$1, $vcpus CPUs" 'as root, with the virtiofsd of the package qemu-system-common'
			return
		fi ;;
	esac
	# Some are items of the runtime's conformance list.
	case $1 in
	'all eight namespaces'* | 'a pty pair' | 'seccomp filter'* | 'cgroup cpu:'*) item='C1 ' ;;
	'veth between'*) item='C3 ' ;;
	'links:'* | tun | tap | 'iptables-nft: masquerade' | 'bridge with'*) item='C4 ' ;;
	'overlayfs of 1'*) item='F2 ' ;;
	*) item= ;;
	esac
	result=0
	grep -q -x -F "probe $wanted $1" "$console" || result=1
	ok $result "$item$1, $vcpus CPUs$note"
	[ $result -eq 0 ] || grep -x -F -B 6 "probe not ok $1" "$console" | sed -n 's/^#/#  /p'
}
listed() { "$STAGE/bin/supermachine-kernel" info | sed -e '1,/^features/d' -e 's/^  //' | diff "$T/promised" -; }
check "the command lists the features of the manifest" listed
given_back() { [ "$(du -k "$T/disk" | cut -f 1)" -lt 6000 ]; }
text=
for case in 1:256:off 4:512:restart; do
	how=${case##*:}
	features "${case%%:*}" "$(echo "$case" | cut -d: -f2)" "$how"
	ok "$status" "$vcpus CPUs: $how ends the machine"
	while read -r name; do
		answer "$name"
	done <"$T/names"
	check "$vcpus CPUs: /dev/hvc0 reaches the host" grep -q '^hvc0 speaking' "$T/hvc"
	check "$vcpus CPUs: discarded blocks are given back" given_back
	check "$vcpus CPUs: shared files reach the host" grep -q content "$T/share/from-9p"
	check "C2 users may bind every port" has '^ports from 0$'
	check "no line looks like a failure" looks_healthy
	text="$text $(sed -n 's/^text at //p' "$console")"
done
moved() {
	echo "the text is at $*"
	[ $# -eq 2 ] && [ "$1" != "$2" ]
}
# shellcheck disable=SC2086 # two words
check "KASLR: another seed, another place" moved $text
done_testing
