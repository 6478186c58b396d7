#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that unchanged programs work in a container: curl, wget, python3, nginx and redis of Debian, the resolvers of
# glibc, musl, c-ares and Go, a client and a server in Go.
. "$SRCDIR/tests/lib.sh"
. "$SRCDIR/tests/guest/lib.sh"
. "$SRCDIR/tests/guest/tsi/lib.sh"
need python3 python3
need curl curl
need_userland base debian
web_pid=
trap 'halt; stop_host; [ -z "$web_pid" ] || kill "$web_pid"; chmod -R u+rwX "$T" 2>/dev/null || :; rm -rf "$T"' EXIT

mkfifo "$T/port"
python3 "$guest_src/tsi/programs/web.py" >"$T/port" &
web_pid=$!
read -r port <"$T/port"

# Against musl, as data/init/build.sh does it.
musl=/usr/lib/aarch64-linux-musl
resolver_musl() {
	aarch64-linux-gnu-gcc -std=gnu11 -O2 -s -nostdinc -isystem /usr/include/aarch64-linux-musl \
		-isystem "$(aarch64-linux-gnu-gcc -print-file-name=include)" -fno-stack-protector -mno-outline-atomics \
		-nostdlib -static -no-pie -o "$1" $musl/crt1.o "$guest_src/tsi/programs/resolver.c" $musl/libc.a -lgcc
}

resolver_cares() {
	dpkg-deb --extract "$1" "$T/cares"
	aarch64-linux-gnu-gcc -O2 -s -I "$T/cares/usr/include" -o "$2" "$guest_src/tsi/programs/resolver-cares.c" \
		"$T/cares/usr/lib/aarch64-linux-gnu/libcares.a"
}

program_go() {
	HOME=${HOME:-$T} GOOS=linux GOARCH=arm64 CGO_ENABLED=0 GO111MODULE=off GOTOOLCHAIN=local \
		go build -trimpath -ldflags '-s -w' -o "$1" "$guest_src/tsi/programs/program.go"
}

layer client
layer servers
[ ! -f $musl/libc.a ] || resolver_musl "$T/client/resolver-musl"
aarch64-linux-gnu-gcc -O2 -s -o "$T/client/resolver-glibc" "$guest_src/tsi/programs/resolver.c"
cares=$(sh "$guest_src/userland.sh" file libc-ares-dev)
[ ! -f "$cares" ] || resolver_cares "$cares" "$T/client/resolver-cares"
if command -v go >/dev/null; then
	program_go "$T/servers/program-go"
	cp "$T/servers/program-go" "$T/client/"
	cat >"$T/client/resolver-go" <<-'EOF'
	#!/bin/sh
	exec /program-go name "$1"
	EOF
	chmod 755 "$T/client/resolver-go"
fi
mkdir "$T/client/etc"
echo 'nameserver 192.0.2.1' >"$T/client/etc/resolv.conf"
workload client <<EOF
port=$port
$(cat "$guest_src/tsi/programs/client.sh")
EOF

# SHA-256 of the server's first N bytes, and of N zeros.
body() {
	python3 - "$1" <<-EOF
	import hashlib, sys
	block, size = bytes(i * 7 & 255 for i in range(65521)), int(sys.argv[1])
	print(hashlib.sha256((block * (size // 65521 + 1))[:size]).hexdigest())
	EOF
}
zeros() { head -c "$1" /dev/zero | sha256sum | cut -d' ' -f1; }

start_host --family supermachine-0.7
boot -v "$T/vsock" -a 'vmw_vsock_virtio_transport.dgram=1' "$base" "$images/debian" "$T/client.img"
expect "$healthy" || :
halt
stop_host
for size in 1 65537 67108864; do
	check "curl fetches $size bytes" has "^curl down $size $(body $size)"
	check "curl sends $size bytes" has "^curl up $size $(zeros $size)"
	check "python3 fetches $size bytes" has "^python3 down $size $(body $size)"
	check "python3 sends $size bytes" has "^python3 up $size $(zeros $size)"
done
check "wget" has "^wget 65537 $(body 65537)"
check "eight transfers at once" has '^curl parallel 8$'
check "a refused connection" has '^curl refused 7$'
check "by name" has "^curl by name $(body 65537)"
check "python3's resolver" has '^python3 name 192.0.2.1$'
# has_program FILE NAME PACKAGE
has_program() { [ -f "$T/client/$1" ] || { skip "$2" "$3"; return 1; }; }
while read -r library package; do
	has_program "resolver-$library" "$library's resolver" "$package" || continue
	for server in 192.0.2.1 127.0.0.53 2001:db8::1; do
		check "$library's resolver: both families, from $server" has "^$server $library 192.0.2.1 2001:db8::1$"
	done
	check "$library's resolver: no such name" has "^$library nx.host no address$"
	# musl asks over TCP since 1.2.4.
	[ "$library" = musl ] ||
		check "$library's resolver: over TCP when truncated" has "^$library big.host 192.0.2.1 2001:db8::1$"
done <<'EOF'
glibc libc6
musl musl-dev:arm64
cares libc-ares-dev:arm64
go golang-go
EOF
! has_program program-go "Go fetches 64 MiB" golang-go || check "Go fetches 64 MiB" has "^go get $(body 67108864)"

workload servers <"$guest_src/tsi/programs/servers.sh"
zeros=$(zeros 1000000)
start_host --family libkrun-1.19.7 --port 8080=0 --port 6379=0
boot -v "$T/vsock" -a 'vmw_vsock_virtio_transport.dgram=1' "$base" "$images/debian" "$T/servers.img"
fetch() { [ "$(curl -s --max-time 60 "http://127.0.0.1:$(ask port 8080)/zeros" | sha256sum | cut -d' ' -f1)" = "$zeros" ]; }
redis() { printf '%s\r\nQUIT\r\n' "$1" | timeout 60 "$vsock_host" --ask "$T/control" tcp 6379 | tr -d '\r'; }
count() { ask state | sed "s/.*\"$1\":\([0-9]*\).*/\1/"; }
echoed() { [ "$(printf 'hello\n' | timeout 60 "$vsock_host" --ask "$T/control" tcp 9090 | head -n1)" = hello ]; }
if expect 'servers ready'; then
	check "what guests say to themselves stays inside: the host has accepted nothing" [ "$(count accepted)" -eq 0 ]
	check "and connected nothing" [ "$(count connects)" -eq 0 ]
	check "but knows the listeners" [ "$(count listens)" -ge 2 ]
	! has_program program-go "Go's listener of both families" golang-go ||
		check "Go's listener of both families, from the host" echoed
	check "nginx in the guest, from the host" fetch
	check "and again" fetch
	check "redis in the guest, from the host" [ "$(redis 'SET key hello' | head -n1)" = +OK ]
	redis 'SET stop now' >/dev/null
	expect "$healthy" || :
fi
halt
stop_host
check "curl and nginx inside the guest" has "^inside $zeros"
check "redis-benchmark inside the guest" has '^benchmark 2$'
check "redis keeps what the host said" has '^key hello$'
done_testing
