"""The walk-through of README.md, pasted into a shell as it stands, against the program as a newcomer starts it."""

import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest
import zlib
from pathlib import Path

from project import ROOT, program, run

DEADLINE = 60


def png(width, height):
    """A photo of sorts."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + b"".join(bytes((x % 256, y % 256, 99)) for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def walk_through():
    (walk,) = re.findall(
        r"<!-- walk-through -->(.*?)<!-- /walk-through -->", (ROOT / "README.md").read_text(), re.DOTALL
    )
    return "".join(re.findall(r"^```sh\n(.*?)^```$", walk, re.MULTILINE | re.DOTALL))


class WalkThrough(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.bind = f"127.0.0.1:{listener.getsockname()[1]}"
        settings = {"STRONGROOM__SERVER__BIND": self.bind, "STRONGROOM__SERVER__METRICS_BIND": ""}
        self.log = (self.folder / "log").open("w+")
        self.addCleanup(self.log.close)
        # Without a command and in an empty folder, as `cargo run --release` does it in a fresh one.
        self.server = subprocess.Popen(
            [program()], cwd=self.folder, env={"PATH": os.environ["PATH"], **settings}, stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=subprocess.STDOUT,
        )
        self.addCleanup(self.stop)
        deadline = time.monotonic() + DEADLINE
        while run(program(), "health", environment=settings).returncode != 0:
            self.assertIsNone(self.server.poll(), self.said())
            self.assertLess(time.monotonic(), deadline, self.said())
            time.sleep(0.1)

    def stop(self):
        if self.server.poll() is None:
            self.server.send_signal(signal.SIGKILL)
        self.server.wait()

    def said(self):
        return (self.folder / "log").read_text()

    def test_it_works_as_it_stands(self):
        photo = self.folder / "photo.png"
        photo.write_bytes(png(600, 400))
        desk = self.folder / "desk"
        desk.mkdir()
        pasted = run(
            "sh", "-eu", "-c", walk_through(), cwd=desk, timeout=DEADLINE,
            environment={"URL": f"http://{self.bind}", "PHOTO": str(photo)},
        )
        told = f"{pasted.stdout}\n{pasted.stderr}\n{self.said()}"
        self.assertEqual(pasted.returncode, 0, told)
        self.assertEqual(pasted.stderr, "", told)
        self.assertNotIn('"errors":', pasted.stdout, told)
        # register, upload, setPublic, logout (login's answer goes into a variable)
        self.assertEqual(pasted.stdout.count('"userErrors":[]'), 4, told)
        self.assertIn('"thumbnailStatus":"READY"', pasted.stdout, told)
        self.assertEqual(pasted.stdout.count("the same bytes"), 2, told)
        self.assertIn('"name":"photo.png"', pasted.stdout, told)
        self.assertEqual((desk / "thumbnail").read_bytes()[:3], b"\xff\xd8\xff", "a JPEG")

    def test_the_server_says_how_to_go_on_and_stops_when_told(self):
        self.assertIn(f"http://{self.bind}/graphql", self.said())
        self.server.send_signal(signal.SIGTERM)
        self.assertEqual(self.server.wait(DEADLINE), 0, self.said())
        self.assertTrue((self.folder / "data").is_dir())
