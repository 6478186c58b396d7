# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2016,SC2034 # scripts for another shell
# In the guest: containers inside, by podman with crun and runc, by root and by a user.
mkdir -p /etc/containers /data/tmp /data/web /run/user/1000
chown web /data/web /run/user/1000
export TMPDIR=/data/tmp
printf '[storage]\ndriver = "overlay"\nrunroot = "/run/containers"\ngraphroot = "/data/containers"\n' >/etc/containers/storage.conf
image=/data/image
mkdir -p $image/bin $image/etc $image/tmp $image/proc $image/sys $image/dev
for program in dash cat id ip mount nc sleep; do
	file=$(command -v $program)
	cp "$file" $image/bin/
	for library in $(ldd "$file" | grep -o '/lib[^ ]*'); do
		mkdir -p "$image${library%/*}"
		cp -L "$library" "$image$library"
	done
done
ln -s dash $image/bin/sh
echo root:x:0:0:root:/:/bin/sh >$image/etc/passwd

try 'podman: an image' 200 "tar -C $image -c . | podman import - image"
try 'podman: a container with a network' 400 'podman run --rm image sh -c "id; ip addr show eth0"'
try 'podman: limits of memory, CPU, processes' 400 '
	podman run --rm --memory 64m --cpus 0.5 --pids-limit 20 --cpuset-cpus 0 --read-only --tmpfs /tmp image \
		cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max /sys/fs/cgroup/pids.max >/tmp/limits
	[ "$(tr "\n" " " </tmp/limits)" = "67108864 50000 100000 20 " ]'
try 'podman: runc instead of crun' 400 'podman --runtime runc run --rm image id'
try 'podman: a published port' 400 '
	podman run -d --name server -p 8080:80 image sh -c "while echo hello | nc -l -p 80 -N; do :; done"
	until [ "$(nc -N -w 5 127.0.0.1 8080 </dev/null)" = hello ]; do sleep 1; done
	podman rm -f -t 0 server'
try 'podman: two containers on a network of their own' 400 '
	podman network create own
	podman run -d --name peer --network own --ip 10.89.0.9 image sh -c "while echo peer | nc -l -p 80 -N; do :; done"
	podman run --rm --network own image sh -c "sleep 1; nc -N -w 5 10.89.0.9 80 </dev/null" | grep peer
	podman rm -f -t 0 peer'
try 'podman: exec, statistics, pause' 400 '
	podman run -d --name paused image sleep 1000
	podman exec paused id
	podman stats --no-stream paused
	podman pause paused
	podman unpause paused
	podman rm -f -t 0 paused'
try 'podman: networks of CNI' 400 'podman --network-backend cni run --rm image ip addr show eth0'
try 'podman: privileged' 400 'podman run --rm --privileged image mount -t tmpfs none /tmp'

mkdir /data/bundle
cp -a $image /data/bundle/rootfs
# specification OPTION...: /data/bundle/config.json, to run id.
functions='
specification() {
	cd /data/bundle
	rm -f config.json
	crun spec "$@"
	sed -i "s/\"terminal\": true/\"terminal\": false/; s/\"sh\"/\"id\"/" config.json
}
# as_user COMMAND...
as_user() {
	cd /data/web
	setpriv --reuid 1000 --regid 1000 --clear-groups env HOME=/data/web XDG_RUNTIME_DIR=/run/user/1000 TMPDIR=/data/web "$@"
}'
try 'crun' 60 'specification; crun run one'
try 'runc' 60 'specification; runc run two'
try 'crun by a user' 60 '
	specification --rootless
	chown -R web .
	cd /data/web
	as_user crun run --bundle /data/bundle three'
try 'podman by a user: overlay' 400 "
	tar -C $image -c . | as_user podman --root /data/web/overlay import - image
	as_user podman --root /data/web/overlay run --rm image id"
try 'podman by a user: fuse-overlayfs' 400 "
	set -- --root /data/web/fuse --storage-opt overlay.mount_program=/usr/bin/fuse-overlayfs
	tar -C $image -c . | as_user podman \"\$@\" import - image
	as_user podman \"\$@\" run --rm --network none image id"
