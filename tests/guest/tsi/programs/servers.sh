# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# In the guest: nginx and redis-server, for clients here and outside.
mkdir -p /tmp/nginx/logs /tmp/www
head -c 1000000 /dev/zero >/tmp/www/zeros
cat >/tmp/nginx.conf <<'EOF'
user root; worker_processes 2; pid /tmp/nginx/pid; error_log /tmp/nginx/error;
events { worker_connections 64; }
http {
	access_log off; sendfile on;
	client_body_temp_path /tmp/nginx/body; proxy_temp_path /tmp/nginx/proxy;
	fastcgi_temp_path /tmp/nginx/fastcgi; uwsgi_temp_path /tmp/nginx/uwsgi; scgi_temp_path /tmp/nginx/scgi;
	server { listen 8080; root /tmp/www; }
}
EOF
nginx -p /tmp/nginx -e /tmp/nginx/error -c /tmp/nginx.conf
redis-server --port 6379 --bind 0.0.0.0 --protected-mode no --daemonize yes --save '' >/dev/null
until redis-cli ping 2>/dev/null | grep -q PONG; do sleep 0.1; done
[ ! -x /program-go ] || /program-go serve 9090 &
echo "inside $(curl -s http://127.0.0.1:8080/zeros | sha256sum)"
redis-benchmark -t set,get -n 2000 -c 20 -q >/tmp/benchmark
echo "benchmark $(grep -c 'requests per second' /tmp/benchmark)"
echo 'servers ready'
until redis-cli get stop | grep -q now; do sleep 0.2; done
echo "key $(redis-cli get key)"
