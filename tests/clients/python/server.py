"""What the tests share: the server under test, accounts on it, clients for it, and files to store."""

import hashlib
import os
import random
import struct
import sys
import tempfile
import unittest
import uuid
import zlib
from contextlib import contextmanager
from pathlib import Path

import requests
from gql import Client, GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport, HTTPXTransport
from gql.transport.requests import RequestsHTTPTransport

ROOT = Path(__file__).resolve().parents[3]
URL = os.environ["STRONGROOM_URL"].rstrip("/")
GRAPHQL = f"{URL}/graphql"
SOCKET = f"ws{GRAPHQL.removeprefix('http')}"
# Nothing takes nearly as long; it only ends what would hang.
DEADLINE = 60
PASSWORD = "correct horse battery staple"
MIB = 1024 * 1024

HTTP_TRANSPORTS = {
    "requests": RequestsHTTPTransport,
    "aiohttp": AIOHTTPTransport,
    "httpx": HTTPXTransport,
    "async httpx": HTTPXAsyncTransport,
}

UPLOAD = """
    mutation Upload($input: UploadInput!) {
      upload(input: $input) {
        file { id name kind size mediaType sha256 isPublic thumbnailStatus parent { id } }
        userErrors { code message field }
      }
    }
"""


def over_http(body, token=None, **headers):
    """A request of its own, without gql: the answer as `requests` has it."""
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return requests.post(GRAPHQL, json=body, headers=headers, timeout=DEADLINE)


class Account:
    """A new account, signed in."""

    def __init__(self):
        self.email = f"{uuid.uuid4().hex}@example.org"
        answer = over_http({
            "query": "mutation($input: RegisterInput!) { register(input: $input) { token user { id } userErrors { message } } }",
            "variables": {"input": {"email": self.email, "password": PASSWORD}},
        })
        opened = answer.json()["data"]["register"]
        assert opened["userErrors"] == [], opened
        self.token = opened["token"]
        self.id = opened["user"]["id"]

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.token}"}

    def execute(self, query, **variables):
        """The data of an operation that has to succeed."""
        answer = over_http({"query": query, "variables": variables}, self.token).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def folder(self, name):
        """The ID of a new folder."""
        query = "mutation($name: String!) { createFolder(input: { name: $name }) { folder { id } } }"
        return self.execute(query, name=name)["createFolder"]["folder"]["id"]


def client(transport, token=None, **options):
    """A gql client as people set it up: the address, and the token in a header."""
    headers = {"Authorization": f"Bearer {token}"} if token else None
    return Client(transport=HTTP_TRANSPORTS[transport](url=GRAPHQL, headers=headers, timeout=DEADLINE), **options)


def sha256(content):
    """As `File.sha256`."""
    return hashlib.sha256(content).hexdigest()


def noise(size, seed=7):
    """Bytes that no compression and no mix-up of blocks leaves unchanged, the same in every run."""
    return random.Random(seed).randbytes(size)


def png(width, height):
    """A picture, every one of its rows different."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + b"".join(bytes((x % 256, y % 256, 99)) for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Rules(unittest.TestCase):
    """A test case with an account of its own and a folder on this machine."""

    maxDiff = None
    transport = "requests"

    def setUp(self):
        self.ada = Account()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.desk = Path(folder.name)

    def on_desk(self, name, content):
        """The path of a new file."""
        path = self.desk / name
        path.write_bytes(content)
        return str(path)

    def execute(self, document, variables=None, token=None, **options):
        """What gql answers, asked with the token of the test's own account unless another is given."""
        asking = client(self.transport, self.ada.token if token is None else token)
        return asking.execute(GraphQLRequest(document, variable_values=variables), **options)

    @contextmanager
    def refusedWith(self, code):
        """The block fails with one GraphQL error of this code, and with what an operator needs to find it in the log."""
        # Not assertRaises: it clears the frames it has caught, and with them gql's loop that reads from the socket.
        try:
            yield
        except TransportQueryError as error:
            errors = error.errors
        else:
            self.fail(f"this was answered, not refused with {code}")
        self.assertEqual([error["extensions"]["code"] for error in errors], [code], errors)
        self.assertRegex(errors[0]["extensions"]["requestId"], r"^[0-9a-f]{32}$")

    def assertDone(self, payload):
        """A mutation has done what it was asked; its payload."""
        self.assertEqual(payload["userErrors"], [])
        return payload


def over_each_transport(rules):
    """Makes a test case of these rules for each transport: `Uploads` becomes `UploadsOverAiohttp` and so on."""
    module = sys.modules[rules.__module__]
    for transport in HTTP_TRANSPORTS:
        name = f"{rules.__name__}Over{transport.title().replace(' ', '')}"
        setattr(module, name, type(name, (rules, Rules), {"transport": transport, "__module__": rules.__module__}))
    return rules
