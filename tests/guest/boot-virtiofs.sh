#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that directories of the host are mounted where the image wants them, and behave like directories: the F5 item.
# The window for DAX is out of reach: QEMU's virtio-mmio has no shared memory regions.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
need_userland base
need mke2fs e2fsprogs
virtiofsd=
for file in /usr/lib/qemu/virtiofsd /usr/libexec/virtiofsd; do
	[ ! -x $file ] || virtiofsd=$file
done
[ "$virtiofsd" ] || skip_all "no virtiofsd: install the package qemu-system-common of Debian 12"
[ "$(id -u)" -eq 0 ] || skip_all "virtiofsd serves files of other owners: run this as root"
daemons=
trap 'halt; for pid in $daemons; do kill "$pid" 2>/dev/null || :; done; rm -rf "$T"' EXIT

# share TAG [OPTION...]: serves $T/TAG; adds to the options for QEMU.
share() {
	tag=$1
	shift
	mkdir "$T/$tag"
	timeout "$guest_timeout" $virtiofsd --socket-path="$T/$tag.socket" -o source="$T/$tag" -o xattr "$@" \
		>"$T/$tag.log" 2>&1 &
	daemons="$daemons $!"
	until [ -S "$T/$tag.socket" ]; do
		kill -0 $! || { sed 's/^/# /' "$T/$tag.log"; skip_all "virtiofsd does not start here"; }
		sleep 0.1
	done
	qemu="$qemu -chardev socket,id=$tag,path=$T/$tag.socket -device vhost-user-fs-device,chardev=$tag,tag=$tag"
}

qemu="-machine memory-backend=ram -object memory-backend-memfd,id=ram,size=${GUEST_MEMORY:-256}M,share=on"
share files -o cache=auto
share code -o cache=none
share spare -o cache=none
touch "$T/spare/empty"
echo 'from the host' >"$T/files/greeting"
head -c 20000000 "$kernel" >"$T/files/random"
mkdir "$T/code/bin" "$T/files/nested"
cat >"$T/code/bin/program" <<'EOF2'
#!/bin/sh
echo "a program of the host runs: $(id -u)"
EOF2
chmod 755 "$T/code/bin/program"
mke2fs -q -t ext4 "$T/volume" 8m >/dev/null

aarch64-linux-gnu-gcc -std=gnu11 -Wall -Wextra -static -s -O2 -o "$T/share" "$guest_src/share.c" ||
	{ echo "Bail out! share.c does not compile"; exit 1; }
workload virtiofs <<'EOF2'
grep -e virtiofs -e ext4 /proc/mounts | sed 's/^/mounted: /'
cat /host/greeting
echo "random $(md5sum </host/random)"
/code/bin/program
mkdir /host/work
share /host/work
cp /host/random /host/copy
echo volume >/host/nested/file
echo waiting >/dev/console
until [ -e /code/answer ]; do sleep 0.1; done
echo "answer $(cat /code/answer)"
mkdir /dax
mount -t virtiofs -o dax=always spare /dax 2>/dev/null || echo 'no window, no mount'
mount -t virtiofs -o dax=inode spare /dax && echo "per file $(ls /dax)"
mount -t virtiofs absent /dax 2>/dev/null || echo 'no such tag'
EOF2
mkdir "$T/virtiofs/bin"
cp "$T/share" "$T/virtiofs/bin/"
printf 'files\t/host\ncode\t/code\n' >"$T/virtiofs/.supermachine-virtiofs-binds"
echo /host/nested >"$T/virtiofs/.supermachine-volumes"
pack virtiofs
boot -c 2 -q "$qemu" "$base" "$T/virtiofs.img" "rw:$T/volume"
if expect '^waiting$'; then
	echo 'from outside' >"$T/code/.answer"
	mv "$T/code/.answer" "$T/code/answer"
	expect "$healthy" || :
fi
halt

work=$T/files/work
names_reach_the_host() {
	[ "$(cat "$work/moved/old" "$work/other" "$work/hard")" = othernewlinked ]
	[ "$(readlink "$work/soft")" = file ]
	[ ! -e "$work/removed" ]
}
big_files_reach_the_host() {
	head -c 8388608 "$work/big" | cmp - "$work/mapped"
	[ "$(stat -c %s "$work/big")" -eq 33554432 ]
}
check "F5 both are mounted" exactly 2 '^mounted: \(files /host\|code /code\) virtiofs rw'
check "F5 a volume lies inside" has '^mounted: /dev/vdc /host/nested ext4 rw'
check "F5 a file of the host" has '^from the host$'
check "F5 a big file of the host" has "^random $(md5sum <"$T/files/random")"
check "F5 a program of the host" has '^a program of the host runs: 0$'
while read -r name; do
	check "F5 $name" has "^ok $name\$"
done <<EOF2
$(sed -n 's/^	{"\(.*\)", .*/\1/p' "$guest_src/share.c")
EOF2
check "F5 the host has what the guest wrote" cmp "$T/files/random" "$T/files/copy"
check "F5 names, links and removals reach the host" names_reach_the_host
check "F5 mode, owner, size and time reach the host" \
	[ "$(stat -c '%a %u %g %s %Y' "$work/attributes")" = "751 12 34 12345 2000" ]
check "F5 big and mapped files reach the host" big_files_reach_the_host
check "F5 1500 files are there" [ "$(find "$work/many" -type f | wc -l)" -eq 1500 ]
check "F5 the volume's file stays on the volume" [ ! -e "$T/files/nested/file" ]
check "F5 a file that the host makes later" has '^answer from outside$'
check "F5 DAX for all files needs a window" has '^no window, no mount$'
check "F5 DAX where possible does without" has '^per file empty$'
check "F5 an unknown tag" has '^no such tag$'
check "F5 no line looks like a failure" looks_healthy
done_testing
