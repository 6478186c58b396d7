# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2016,SC2034 # scripts for another shell
# In the guest, with tsi_hijack: servers and their clients. The clients go by way of the host, at 10.0.2.2, where the
# host's service 29 tells the port at which a listener of this guest can be had.
# Servers listen where they do unasked: most on ::, sshd, redis and postgres on that and on 0.0.0.0.
cd /tmp || exit
: >/etc/ssh/sshd_config
mkdir -p /run/sshd ~/.ssh /data/www
chmod 700 ~ ~/.ssh
head -c 3000000 /dev/urandom >/data/www/blob
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519
cp ~/.ssh/id_ed25519.pub ~/.ssh/authorized_keys
printf 'Host *\n StrictHostKeyChecking no\n BatchMode yes\n' >~/.ssh/config
cat >app.py <<'PYTHON'
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [[b"content-type", b"text/plain"]]})
        await send({"type": "http.response.body", "body": b"asgi " * 1000})
PYTHON
cat >count.js <<'JAVASCRIPT'
require("http").createServer((request, response) => {
	let count = 0;
	request.on("data", data => count += data.length);
	request.on("end", () => response.end(`got ${count}\n`));
}).listen(8002);
JAVASCRIPT
git config --global user.name name
git config --global user.email name@example.com
git config --global --add safe.directory '*'
git init -q --bare /data/www/repository.git
python3 -m http.server --directory /data/www 8000 >/dev/null 2>&1 &
python3 -m uvicorn --host 0.0.0.0 --port 8001 app:app >/dev/null 2>&1 &
node count.js &
[ ! -x /usr/bin/fetch ] || fetch serve :8003 >/dev/null 2>&1 &
git daemon --base-path=/data/www --export-all --enable=receive-pack >/dev/null 2>&1 &
socat TCP-LISTEN:9001,fork,reuseaddr EXEC:cat 2>/dev/null &
/usr/sbin/sshd -p 2222 -o UsePAM=no -o 'Subsystem=sftp internal-sftp'
redis-server --port 6379 --protected-mode no --daemonize yes --save '' >/dev/null
iperf3 -s -D -p 5201

functions='
host=10.0.2.2
# port LISTENER: where the host has it, as soon as it has.
port() {
	while :; do
		outside=$(printf "port %s\n" "$1" | timeout 10 nc -N $host 29 | tr -dc 0-9)
		[ "${outside:-0}" -eq 0 ] || break
		sleep 0.5
	done
	echo $outside
}
# same COMMAND...: it prints the blob.
same() { "$@" | cmp - /data/www/blob; }
'
web='web=http://$host:$(port 8000)
'
try 'curl: once, twice, eight at once' 200 "$web"'
	same curl -sS $web/blob
	curl -sS $web/blob $web/blob | tail -c 3000000 | cmp - /data/www/blob
	set -- $web/blob $web/blob $web/blob $web/blob $web/blob $web/blob $web/blob $web/blob
	[ "$(curl -sS -Z "$@" | wc -c)" -eq 24000000 ]'
try 'curl: not through the host' 60 'same curl -sS http://127.0.0.1:8000/blob'
try 'wget' 60 "$web"'same wget -q -O - $web/blob'
try 'python3: requests' 200 "$web"'same python3 -c "
import requests, sys
with requests.Session() as session:
    for n in range(3):
        body = session.get(sys.argv[1]).content
sys.stdout.buffer.write(body)" $web/blob'
try 'python3: aiohttp, eight at once' 200 "$web"'python3 -c "
import aiohttp, asyncio, sys
async def main():
    async with aiohttp.ClientSession() as session:
        async def one():
            async with session.get(sys.argv[1]) as response:
                return len(await response.read())
        assert sum(await asyncio.gather(*[one() for n in range(8)])) == 24000000
asyncio.run(main())" $web/blob'
try 'python3: uvicorn' 100 '[ "$(curl -sS http://$host:$(port 8001)/ | wc -c)" -eq 5000 ]'
try 'node: fetch' 200 "$web"'node -e "
	fetch(process.argv[1]).then(r => r.arrayBuffer()).then(b => process.exit(b.byteLength == 3000000 ? 0 : 1))" $web/blob'
try 'node: server' 100 'curl -sS -T /data/www/blob http://$host:$(port 8002)/ | grep -x "got 3000000"'
try 'ruby: net/http' 100 "$web"'same ruby -rnet/http -e "STDOUT.write Net::HTTP.get(URI(ARGV[0]))" $web/blob'
[ ! -x /usr/bin/fetch ] || {
	try 'go: 20 at once, and a connect that times out' 100 "$web"'fetch get $web/blob | grep -x "60000000 timeout"'
	try 'go: server' 100 'curl -sS -T /data/www/blob http://$host:$(port 8003)/ | grep -x 3000000'
}
try 'ssh: command, data, port forwarding' 300 '
	outside=$(port 2222)
	[ "$(ssh -p $outside $host id -u)" = 0 ]
	same ssh -p $outside $host cat /data/www/blob
	ssh -p $outside $host "cat >/tmp/copy" </data/www/blob
	cmp /tmp/copy /data/www/blob
	ssh -p $outside -f -N -o ExitOnForwardFailure=yes -L 7001:127.0.0.1:8000 $host
	same curl -sS http://127.0.0.1:7001/blob'
try 'scp and sftp' 200 '
	outside=$(port 2222)
	scp -q -P $outside $host:/data/www/blob /tmp/scp
	echo "get /data/www/blob /tmp/sftp" | sftp -q -P $outside $host
	cmp /tmp/scp /tmp/sftp'
try 'redis-cli: pipe of 5000' 100 'seq 5000 | sed "s/.*/SET key& value&/" |
	redis-cli -h $host -p $(port 6379) --pipe | grep "replies: 5000"'
try 'redis-benchmark' 200 'redis-benchmark -h $host -p $(port 6379) -q -n 3000 -c 20 -P 10 -t set,get,lpush'
try 'redis: publish, subscribe' 100 '
	outside=$(port 6379)
	timeout 60 redis-cli -h $host -p $outside subscribe channel >/tmp/subscriber &
	until grep -q subscribe /tmp/subscriber; do sleep 1; done
	redis-cli -h $host -p $outside publish channel hello
	until grep -q hello /tmp/subscriber; do sleep 1; done'
try 'git: push, clone, over http, over ssh' 400 "$web"'
	outside=$(port 9418)
	git init -q /data/work && cd /data/work && cp /data/www/blob . && git add . && git commit -q -m blob
	git push -q git://$host:$outside/repository.git HEAD
	git -C /data/www/repository.git update-server-info
	for from in git://$host:$outside $web ssh://root@$host:$(port 2222)/data/www; do
		rm -rf /data/clone
		git clone -q $from/repository.git /data/clone
		cmp /data/clone/blob /data/www/blob
	done'
# Its server listens anew for each client: the host has it elsewhere then.
try 'iperf3: up, down, four both ways' 200 '
	last=
	for options in "" -R "-P 4 --bidir"; do
		while outside=$(port 5201); [ $outside = "$last" ]; do sleep 0.5; done
		iperf3 -c $host -p $outside -t 2 $options
		last=$outside
	done'
try 'socat and nc: an echo' 100 '
	outside=$(port 9001)
	same socat -t 20 - TCP:$host:$outside </data/www/blob
	same nc -N $host $outside </data/www/blob'
try 'nc: UDP, open and closed ports' 100 '
	echo hello | timeout 20 nc -u -w 2 $host 7 | grep hello
	nc -z -w 5 $host 29
	! nc -z -w 5 $host 25'
try 'dig: UDP, TCP, truncated' 100 '
	dig @$host some.name +short | grep -x 192.0.2.1
	dig @$host +tcp some.name +short | grep -x 192.0.2.1
	dig @$host big.name +short | grep -x 192.0.2.1
	for n in 1 2 3 4 5; do dig @$host AAAA name$n +short | grep -x 2001:db8::1; done'
try 'ping: loopback by root and a user, no way out' 60 '
	ping -c 1 127.0.0.1
	setpriv --reuid 1000 --regid 1000 --clear-groups ping -c 1 127.0.0.1
	! ping -c 1 -W 2 8.8.8.8'
mkdir -p /data/www/simple/own /data/www/debian
python3 - <<'PYTHON'
import zipfile
with zipfile.ZipFile("/data/www/simple/own/own-1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr("own/__init__.py", "")
    wheel.writestr("own-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: own\nVersion: 1.0\n")
    wheel.writestr("own-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr("own-1.0.dist-info/RECORD", "")
PYTHON
try 'pip: install from an index' 300 "$web"'
	python3 -m pip install -q --target /data/site --index-url $web/simple --trusted-host $host own
	[ -f /data/site/own/__init__.py ]'
try 'apt: update and install from a mirror' 300 "$web"'
	cd /data/www/debian
	cp /package.deb .
	{ dpkg-deb -f package.deb; echo "Filename: ./package.deb"; echo "Size: $(stat -c %s package.deb)"
		echo "SHA256: $(sha256sum package.deb | cut -d" " -f1)"; } >Packages
	echo "deb [trusted=yes] $web/debian ./" >/etc/apt/sources.list
	apt-get -q update
	apt-get -q -y install --reinstall hostname'
openssl req -x509 -newkey ed25519 -nodes -subj /CN=localhost -keyout key -out certificate -days 9 2>/dev/null
openssl s_server -accept 4433 -key key -cert certificate -www -quiet >/dev/null 2>&1 &
try 'TLS: openssl and curl' 100 'curl -sS --cacert certificate --connect-to localhost:443:$host:$(port 4433) https://localhost/ | grep -i cipher'
install -d -o postgres /data/pg /run/postgresql
postgres='setpriv --reuid 101 --regid 101 --clear-groups /usr/lib/postgresql/15/bin'
try 'postgres: starts' 600 "
	$postgres/initdb -D /data/pg/data -A trust --no-sync
	echo 'host all all 0.0.0.0/0 trust' >>/data/pg/data/pg_hba.conf
	$postgres/pg_ctl -w -t 300 -D /data/pg/data -o '-c listen_addresses=* -c fsync=off' -l /data/pg/log start"
try 'postgres: psql, pgbench, cancel' 400 '
	set -- -h $host -p $(port 5432) -U postgres
	psql "$@" -c "create table t as select generate_series(1, 20000) n, repeat(chr(65), 100) text"
	[ "$(psql "$@" -Atc "select * from t" | wc -l)" -eq 20000 ]
	/usr/lib/postgresql/15/bin/pgbench "$@" -i -s 1 -q postgres
	/usr/lib/postgresql/15/bin/pgbench "$@" -c 4 -T 5 postgres
	timeout -s INT 10 psql "$@" -c "select pg_sleep(1000)" 2>&1 | grep "canceling statement"'
try 'ss: listeners as programs made them' 60 'ss -ltnp | grep "0.0.0.0:8000.*python3"'
try 'stress-ng network' 600 "stress-ng --class network --sequential 1 --timeout $seconds --temp-path /data"
