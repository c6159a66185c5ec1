"""deploy/Caddyfile, by Caddy itself: valid, and passing on what it should as it should."""

import http.client
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from project import ROOT, run, tool

CADDYFILE = ROOT / "deploy/Caddyfile"
DEADLINE = 10


class Upstream(BaseHTTPRequestHandler):
    """Stands behind the proxy. What it is asked decides what it does."""

    protocol_version = "HTTP/1.1"
    first_bytes = threading.Event()

    def do_GET(self):
        if self.headers.get("Upgrade") == "websocket":
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.end_headers()
            self.wfile.write(self.rfile.read(4).upper())
            self.close_connection = True
        elif self.path == "/stream":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"5\r\nfirst\r\n")
            # Not ended before the client has had the first.
            self.rfile.raw._sock.settimeout(DEADLINE)
            Upstream.first_bytes.wait(DEADLINE)
            self.wfile.write(b"4\r\nlast\r\n0\r\n\r\n")
        else:
            seen = "\n".join(f"{name}: {value}" for name, value in self.headers.items()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(seen)))
            self.end_headers()
            self.wfile.write(seen)

    def do_POST(self):
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 4096)))
            Upstream.first_bytes.set()
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Proxy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
        cls.upstream.daemon_threads = True
        threading.Thread(target=cls.upstream.serve_forever, daemon=True).start()
        cls.port = free_port()
        # The file as it is, but for where it listens and where the API is.
        text = CADDYFILE.read_text()
        for pattern, replacement in [
            (r"(?m)^:8080 \{", f":{cls.port} {{\n\tbind 127.0.0.1"),
            (r"name api\b", "name localhost"),
            (r"port 4000\b", f"port {cls.upstream.server_port}"),
        ]:
            text, changed = re.subn(pattern, replacement, text)
            assert changed == 1, pattern
        cls.folder = tempfile.TemporaryDirectory()
        file = Path(cls.folder.name) / "Caddyfile"
        file.write_text(text)
        home = {"PATH": os.environ["PATH"], "HOME": cls.folder.name}
        cls.log = (Path(cls.folder.name) / "log").open("w")
        cls.caddy = subprocess.Popen(
            [tool("caddy"), "run", "--config", file, "--adapter", "caddyfile"], env=home,
            stdout=subprocess.DEVNULL, stderr=cls.log,
        )
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                socket.create_connection(("127.0.0.1", cls.port), 1).close()
                return
            except OSError:
                if cls.caddy.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError((Path(cls.folder.name) / "log").read_text()) from None
                time.sleep(0.05)

    @classmethod
    def tearDownClass(cls):
        cls.caddy.send_signal(signal.SIGKILL)
        cls.caddy.wait()
        cls.log.close()
        cls.upstream.shutdown()
        cls.upstream.server_close()
        cls.folder.cleanup()

    def setUp(self):
        Upstream.first_bytes.clear()

    def connect(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        self.addCleanup(connection.close)
        return connection

    def test_caddy_accepts_the_file_and_would_not_format_it_otherwise(self):
        checked = run(tool("caddy"), "validate", "--adapter", "caddyfile", "--config", CADDYFILE)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        formatted = run(tool("caddy"), "fmt", CADDYFILE)
        self.assertEqual(formatted.stdout, CADDYFILE.read_text())

    def test_the_client_s_address_is_told_and_what_the_client_claims_is_not(self):
        connection = self.connect()
        connection.request("GET", "/", headers={"X-Forwarded-For": "203.0.113.7"})
        seen = connection.getresponse().read().decode()
        self.assertIn("X-Forwarded-For: 127.0.0.1", seen.splitlines())
        self.assertNotIn("203.0.113.7", seen)

    def test_an_upload_reaches_the_api_while_it_is_being_sent(self):
        connection = self.connect()
        connection.putrequest("POST", "/graphql")
        connection.putheader("Content-Length", str(64 * 1024))
        connection.endheaders()
        connection.send(b"x" * 32 * 1024)
        self.assertTrue(Upstream.first_bytes.wait(DEADLINE), "the proxy holds the body back")
        connection.send(b"x" * 32 * 1024)
        self.assertEqual(connection.getresponse().read(), b"ok")

    def test_an_answer_reaches_the_client_while_it_is_being_sent(self):
        connection = self.connect()
        connection.request("GET", "/stream")
        answer = connection.getresponse()
        self.assertEqual(answer.read(5), b"first")
        Upstream.first_bytes.set()
        self.assertEqual(answer.read(), b"last")

    def test_a_large_body_passes(self):
        connection = self.connect()
        connection.request("POST", "/graphql", body=b"x" * (24 << 20))
        self.assertEqual(connection.getresponse().status, 200)

    def test_web_sockets_pass(self):
        with socket.create_connection(("127.0.0.1", self.port), DEADLINE) as client:
            client.sendall(
                b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            )
            answer = b""
            while b"\r\n\r\n" not in answer:
                received = client.recv(4096)
                self.assertTrue(received, answer)
                answer += received
            self.assertTrue(answer.startswith(b"HTTP/1.1 101"), answer)
            client.sendall(b"ping")
            answer = answer.partition(b"\r\n\r\n")[2]
            while len(answer) < 4:
                received = client.recv(4096)
                self.assertTrue(received, "the socket was closed")
                answer += received
            self.assertEqual(answer, b"PING")
