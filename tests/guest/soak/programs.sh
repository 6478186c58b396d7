# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2016 # scripts for another shell
# In the guest: servers, databases, compilers and package managers on their own.
cd /tmp || exit
redis-server --port 6379 --unixsocket /tmp/redis --daemonize yes --save '' --appendonly yes --dir /data >/dev/null
try 'redis-benchmark' 300 '
	redis-benchmark -q -n 2000 -c 30 -t ping,set,get,incr,lpush,rpop,sadd,hset,zpopmin,lrange_100,mset
	redis-benchmark -q -s /tmp/redis -n 5000 -P 16 -t set,get'
try 'redis: log rewritten by a forked child' 100 '
	redis-cli bgrewriteaof
	until redis-cli info persistence | grep aof_last_bgrewrite_status:ok; do sleep 1; done
	redis-cli shutdown
	[ -s /data/appendonlydir/*.base.rdb ]'
mkdir -p /data/www /var/log/nginx /var/lib/nginx
head -c 5000000 /dev/urandom >/data/www/blob
cat >/tmp/nginx.conf <<'CONF'
user web; worker_processes 4; pid /tmp/nginx.pid;
events { worker_connections 256; }
http {
	access_log off; sendfile on; aio threads; directio 1m;
	server { listen 8080 reuseport; listen [::]:8080; root /data/www; }
	server { listen 8081; location / { proxy_pass http://127.0.0.1:8080; } }
	server { listen unix:/tmp/nginx.sock; root /data/www; }
}
CONF
try 'nginx starts' 30 'nginx -c /tmp/nginx.conf'
try 'curl: IPv4, IPv6, unix, proxied, 20 at once' 100 '
	for to in "http://127.0.0.1:8080" "http://[::1]:8080" "http://127.0.0.1:8081" "--unix-socket /tmp/nginx.sock http://any"; do
		curl -sS $to/blob | cmp - /data/www/blob
	done
	urls=$(for n in $(seq 20); do echo "-o /data/copy$n http://127.0.0.1:8080/blob"; done)
	curl -sS -Z $urls
	for n in $(seq 20); do cmp /data/www/blob /data/copy$n; done'
try 'sqlite3: writers and readers in WAL mode' 200 '
	sqlite3 /data/db "pragma journal_mode=wal; create table t(a integer primary key, b blob);"
	for n in 1 2 3 4; do
		sqlite3 -cmd ".timeout 100000" /data/db "with recursive c(x) as (select 1 union all select x+1 from c limit 3000)
			insert into t(b) select randomblob(200) from c;" &
	done
	wait
	[ "$(sqlite3 /data/db "pragma integrity_check; select count(*) from t;" | tr "\n" " ")" = "ok 12000 " ]'
install -d -o postgres /tmp/pg /run/postgresql
postgres='setpriv --reuid 101 --regid 101 --clear-groups'
try 'postgres: initdb' 400 "$postgres /usr/lib/postgresql/15/bin/initdb -D /tmp/pg/data -A trust"
try 'postgres: pgbench' 400 "
	$postgres /usr/lib/postgresql/15/bin/pg_ctl -w -t 100 -D /tmp/pg/data -l /tmp/pg/log start
	$postgres /usr/lib/postgresql/15/bin/pgbench -i -s 1 -q postgres
	$postgres /usr/lib/postgresql/15/bin/pgbench -c 8 -j 4 -T 10 postgres
	$postgres /usr/lib/postgresql/15/bin/pg_ctl -w -D /tmp/pg/data stop"
try 'openssl speed' 100 'openssl speed -seconds 1 -evp aes-256-gcm && openssl speed -seconds 1 ed25519'
try 'git: commit, pack, clone' 200 '
	git init -q /data/repository && cd /data/repository
	git config user.name name && git config user.email name@example.com
	for n in $(seq 200); do head -c 2000 /dev/urandom | base64 >file$n; done
	git add . && git commit -q -m first && git gc -q && git fsck
	git clone -q /data/repository /data/clone && cmp file7 /data/clone/file7'
try 'gcc: hello world' 100 '
	printf "#include <stdio.h>\nint main(void) { puts(\"hello\"); }\n" >hello.c
	gcc -O2 -o hello hello.c && [ "$(./hello)" = hello ]'
try 'node: worker threads and child processes' 100 'node -e "
	const { Worker } = require(\"worker_threads\"), { execFileSync } = require(\"child_process\");
	for (let n = 0; n < 4; n++) new Worker(\"for (let i = 0; i < 1e6; i++);\", { eval: true });
	if (execFileSync(\"/bin/echo\", [\"child\"]) != \"child\\n\") process.exit(1)"'
try 'ruby: threads and fork' 100 'ruby -e "
	exit 1 unless 4.times.map { Thread.new { Process.wait fork { exit! 0 }; true } }.map(&:value).all?"'
mkdir -p /data/packages
mv /package.deb /data/packages/
try 'apt and dpkg: install, list, remove' 200 '
	cd /data/packages
	{ dpkg-deb -f package.deb; echo "Filename: ./package.deb"; echo "Size: $(stat -c %s package.deb)"
		echo "SHA256: $(sha256sum package.deb | cut -d" " -f1)"; } >Packages
	echo "deb [trusted=yes] file:/data/packages ./" >/etc/apt/sources.list
	apt-get -q update
	apt-get -q -y --allow-downgrades install --reinstall hostname
	dpkg -V hostname'
try 'tar, gzip, find, sort over a thousand files' 100 '
	tar -C /usr/lib/python3.11 -cz . | tar -C /data/packages -xz
	[ "$(cd /usr/lib/python3.11 && find . -type f | sort | md5sum)" = "$(cd /data/packages && find . -type f |
		grep -v -e ./Packages -e ./package.deb | sort | md5sum)" ]'
try 'unshare: all namespaces as a user' 60 '
	setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user --map-root-user --mount --pid --fork --net --ipc --uts \
		--cgroup --time --mount-proc sh -c "[ \$\$ = 1 ] && mount -t tmpfs none /tmp && ip link set lo up && ping -c 1 127.0.0.1"'
mkdir /data/container
mount --bind / /data/container
try 'systemd-nspawn' 100 'systemd-nspawn --register=no --keep-unit -q -D /data/container --read-only --resolv-conf=off --timezone=off --link-journal=no \
	--private-network --as-pid2 ping -c 1 127.0.0.1'
