# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# In the guest: clients of the web server on the host's $port.
web=http://10.0.2.2:$port
for size in 1 65537 67108864; do
	echo "curl down $size $(curl -s "$web/$size" | sha256sum)"
	head -c "$size" /dev/zero >/tmp/zeros
	echo "curl up $size $(curl -s -T /tmp/zeros "$web/")"
done
rm /tmp/zeros
echo "wget 65537 $(busybox wget -q -O - "$web/65537" | sha256sum)"
echo "curl parallel $(curl -s --no-progress-meter -Z "$web/1" "$web/1" "$web/1" "$web/1" "$web/1" "$web/1" "$web/1" "$web/1" | wc -c)"
status=0
curl -s http://10.0.2.2:25/ || status=$?
echo "curl refused $status"
echo "curl by name $(curl -s "http://some.host:$port/65537" | sha256sum)"
python3 - "$port" <<'EOF'
import hashlib, socket, sys

def ask(head, size):
    with socket.create_connection(("192.0.2.1", int(sys.argv[1]))) as server:
        server.sendall((head + "\r\nConnection: close\r\n\r\n").encode())
        while size:
            size -= server.send(bytes(min(size, 1 << 20)))
        data = b"".join(iter(lambda: server.recv(1 << 20), b""))
    return data.split(b"\r\n\r\n", 1)[1]

for size in 1, 65537, 64 << 20:
    print("python3 down", size, hashlib.sha256(ask(f"GET /{size} HTTP/1.1", 0)).hexdigest())
    print("python3 up", size, ask(f"PUT / HTTP/1.1\r\nContent-Length: {size}", size).decode())
print("python3 name", socket.gethostbyname("another.host"))
EOF
# Of the host's network, of its loopback (as systemd-resolved's), and over IPv6.
for server in 192.0.2.1 127.0.0.53 2001:db8::1; do
	echo "nameserver $server" >/etc/resolv.conf
	for library in glibc musl cares go; do
		[ -x /resolver-$library ] || continue
		# shellcheck disable=SC2046 # on one line
		echo $server $library $(/resolver-$library plain.host | sort)
	done
done
echo 'nameserver 192.0.2.1' >/etc/resolv.conf
for library in glibc musl cares go; do
	[ -x /resolver-$library ] || continue
	for name in big.host nx.host; do
		# shellcheck disable=SC2046 # on one line
		echo $library $name $(/resolver-$library $name | sort)
	done
done
[ ! -x /program-go ] || echo "go get $(/program-go get "some.host:$port" /67108864)"
