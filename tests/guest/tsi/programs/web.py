# SPDX-License-Identifier: Apache-2.0
"""A web server on loopback: GET /N gives N bytes, PUT gives their SHA-256. Prints its port."""
import hashlib
import http.server


def body(size):
    block = bytes(i * 7 & 0xFF for i in range(65521))
    while size > 0:
        yield block[:size]
        size -= len(block)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def start(self, size):
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def do_GET(self):
        size = int(self.path[1:])
        self.start(size)
        for block in body(size):
            self.wfile.write(block)

    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        digest = hashlib.sha256()
        while left:
            block = self.rfile.read(min(left, 65536))
            digest.update(block)
            left -= len(block)
        text = digest.hexdigest().encode()
        self.start(len(text))
        self.wfile.write(text)

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
