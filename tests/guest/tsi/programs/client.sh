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
with socket.create_connection(("192.0.2.1", int(sys.argv[1]))) as server:
    server.sendall(b"GET /65537 HTTP/1.1\r\nConnection: close\r\n\r\n")
    data = b"".join(iter(lambda: server.recv(65536), b""))
print("python3 65537", hashlib.sha256(data.split(b"\r\n\r\n", 1)[1]).hexdigest())
print("python3 name", socket.gethostbyname("another.host"))
EOF
for library in glibc musl; do
	[ -x /resolver-$library ] || continue
	for name in plain.host big.host nx.host; do
		# shellcheck disable=SC2046 # on one line
		echo $library $name $(/resolver-$library $name | sort)
	done
done
