#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # scripts for the guest
# Proves that containers of an ordinary distribution run: busybox, then Debian's python3, redis-server and crun.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
need_userland base debian
debian=$images/debian

delta busybox container-probe report sh -c 'echo "hello from $(uname -m)"'
pack busybox
for cmdline in "$bake" 'console=ttyAMA0 reboot=t panic=-1' "$(echo "$bake" | sed 's/ttyAMA0/& quiet loglevel=4/')"; do
	run -l "$cmdline" "$base" "$T/busybox.img"
	check "busybox with '$cmdline'" has '^hello from aarch64$'
	check "and it ends with status 0" has '^init-oci: parking PID 1 (exit=0)$'
done

workload python <<'EOF'
python3 - <<'PY'
import socket, subprocess, threading
server = socket.create_server(("127.0.0.1", 0))
def answer():
    peer, _ = server.accept()
    peer.sendall(peer.recv(100).upper())
    peer.close()
threading.Thread(target=answer).start()
client = socket.create_connection(server.getsockname())
client.sendall(b"over tcp")
print("python", client.recv(100).decode(), subprocess.check_output(["cat", "/etc/layer"]).decode())
PY
EOF
run "$base" "$debian" "$T/python.img"
check "python3: threads, a child, TCP on loopback" has '^python OVER TCP base$'

workload redis <<'EOF'
redis-server --port 6379 --unixsocket /tmp/redis --daemonize yes --save '' >/dev/null
until redis-cli ping 2>/dev/null | grep -q PONG; do sleep 0.1; done
redis-cli set key 'a value' >/dev/null
echo "redis tcp $(redis-cli get key)"
echo "redis unix $(redis-cli -s /tmp/redis incrby n 42)"
redis-cli shutdown nosave
EOF
run "$base" "$debian" "$T/redis.img"
check "redis-server over TCP" has '^redis tcp a value$'
check "redis-server over a unix socket" has '^redis unix 42$'

workload crun <<'EOF'
mkdir -p /bundle/rootfs/bin /bundle/rootfs/proc /bundle/rootfs/sys /bundle/rootfs/dev
cp /bin/busybox /bin/sh /bundle/rootfs/bin/
cd /bundle
# inner SCRIPT [OPTION...]: a container whose command is SCRIPT.
inner() {
	script=$1
	shift
	rm -f config.json
	crun spec "$@"
	sed -i -e 's/"terminal": true/"terminal": false/' -e "s|\"sh\"|\"sh\", \"-c\", \"$script\"|" \
		-e 's/"resources": {/&"memory": {"limit": 33554432}, "pids": {"limit": 20},/' config.json
}
inner 'echo inner uid $(id -u) pid $$, memory $(cat /sys/fs/cgroup/memory.max)'
crun --cgroup-manager=cgroupfs run root
inner 'echo rootless uid $(id -u), hostname $(hostname)' --rootless
chown -R 1000 /bundle
su web -s /bin/sh -c 'XDG_RUNTIME_DIR=/tmp/web crun --root /tmp/web --cgroup-manager=disabled run user'
EOF
run "$base" "$debian" "$T/crun.img"
check "crun: a container with a limit inside" has '^inner uid 0 pid 1, memory 33554432$'
check "crun: a container of a user" has '^rootless uid 0, hostname crun$'
done_testing
