"""The recipes, each copied into an empty project and run as it stands: what they print, and what is on the server then."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import uuid
from pathlib import Path

import requests
from graphql import build_schema, is_object_type

from server import DEADLINE, PASSWORD, ROOT, URL, over_http, png, sha256

RECIPES = ROOT / "docs/recipes"
NODE = os.environ.get("NODE", "node")
PHOTO = png(600, 400)
REGISTER = "mutation($input: RegisterInput!) { register(input: $input) { token userErrors { code } } }"
LOGIN = "mutation($input: LoginInput!) { login(input: $input) { token userErrors { code } } }"
FILES = """
    { viewer { files(orderBy: { field: NAME, direction: ASC }) { nodes { id name sha256 isPublic thumbnailStatus } } } }
"""


class Project(unittest.TestCase):
    """Somebody's folder with a copy of docs/recipes, the packages they installed, and a photo."""

    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.desk = Path(folder.name) / "my project"
        shutil.copytree(RECIPES, self.desk)
        (self.desk / "node_modules").symlink_to(Path(os.environ["NODE_MODULES"]).resolve())
        (self.desk / "my photo.png").write_bytes(PHOTO)
        self.input = {"email": f"{uuid.uuid4().hex}@example.org", "password": PASSWORD + ' "\\ü'}

    def run_program(self, *command, **environment):
        """A program in this folder, with no more of this environment than it needs."""
        return subprocess.run(
            command, cwd=self.desk, env={"PATH": os.environ["PATH"], **environment}, timeout=DEADLINE,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )


class Walk:
    """Rules for every walk."""

    def walk(self, photo="my photo.png", **changes):
        """The recipe, run as its first lines say."""
        environment = {"STRONGROOM_URL": URL, "EMAIL": self.input["email"], "PASSWORD": self.input["password"], **changes}
        return self.run_program(*self.command, self.recipe, photo, **environment)

    def files(self):
        """What the person of the recipe has on the server."""
        login = over_http({"query": LOGIN, "variables": {"input": self.input}}).json()["data"]["login"]
        self.assertEqual(login["userErrors"], [])
        return over_http({"query": FILES}, login["token"]).json()["data"]["viewer"]["files"]["nodes"]

    def assertWalked(self, walked):
        self.assertEqual((walked.returncode, walked.stderr), (0, ""), walked.stdout)
        for line in self.prints:
            self.assertRegex(walked.stdout, re.compile(f"^{line}$", re.MULTILINE))

    def test_it_does_what_it_says(self):
        self.assertWalked(self.walk())
        one, photo, two = self.files()
        self.assertEqual([file["name"] for file in (one, photo, two)], ["one.txt", "public my photo.png", "two.txt"])
        self.assertEqual(
            {key: photo[key] for key in ["sha256", "isPublic", "thumbnailStatus"]},
            {"sha256": sha256(PHOTO), "isPublic": True, "thumbnailStatus": "READY"},
        )
        # Anybody may have it now, and nobody the others.
        self.assertEqual(requests.get(f"{URL}/files/{photo['id']}", timeout=DEADLINE).content, PHOTO)
        self.assertEqual(requests.get(f"{URL}/files/{one['id']}", timeout=DEADLINE).status_code, 404)

    def test_it_logs_in_where_there_is_an_account(self):
        over_http({"query": REGISTER, "variables": {"input": self.input}}).raise_for_status()
        self.assertWalked(self.walk())
        self.assertEqual(len(self.files()), 3)

    def test_a_wrong_password_ends_it_with_the_code(self):
        over_http({"query": REGISTER, "variables": {"input": self.input}}).raise_for_status()
        walked = self.walk(PASSWORD="some other password")
        self.assertNotEqual(walked.returncode, 0)
        self.assertRegex(walked.stderr, "^INVALID_CREDENTIALS")
        self.assertEqual((walked.stdout, self.files()), ("", []))

    def test_a_short_password_ends_it_with_the_code(self):
        walked = self.walk(PASSWORD="short")
        self.assertNotEqual(walked.returncode, 0)
        self.assertRegex(walked.stderr, "^BAD_USER_INPUT")

    def test_a_server_that_does_not_answer_ends_it(self):
        # Nobody listens on the port of the discard service.
        walked = self.walk(STRONGROOM_URL="http://127.0.0.1:9")
        self.assertNotEqual(walked.returncode, 0)
        self.assertNotEqual(walked.stderr, "")

    def test_a_photo_that_there_is_not_ends_it(self):
        walked = self.walk(photo="nothing.png")
        self.assertNotEqual(walked.returncode, 0)
        self.assertNotEqual(walked.stderr, "")
        self.assertEqual(self.files(), [])

    def test_a_damaged_image_is_said_to_have_no_thumbnails(self):
        (self.desk / "my photo.png").write_bytes(PHOTO[:100])
        self.assertIn("FAILED" if self.recipe == "curl.sh" else "no thumbnails: ", self.walk().stdout)
        self.assertIn("FAILED", [file["thumbnailStatus"] for file in self.files()])


SIGNED_IN = ["signed in as [0-9a-f]{32}@example.org", r"the token is good until 2\d{3}-\d\d-\d\dT\S+Z"]
THUMBNAILS = "600 x 400, thumbnails: 100 x 67, 250 x 167, 500 x 333"
REFUSED = r"refused with BAD_USER_INPUT at input\.name: A name .*"
DOWNLOADED = f"downloaded {len(PHOTO)} bytes"
FRONT_END = [
    *SIGNED_IN,
    f"uploaded my photo.png, {len(PHOTO)} bytes: f_.*",
    "uploaded three.txt: f_.*",
    THUMBNAILS,
    # Page by page, from the cache, which mutations keep up to date.
    "4 files: my photo.png, one.txt, three.txt, two.txt",
    "after renaming one: public my photo.png, one.txt, three.txt, two.txt",
    "after deleting one: public my photo.png, one.txt, two.txt",
    REFUSED,
    "failed with BAD_USER_INPUT: .*",
    DOWNLOADED,
]


# With this condition the clients warn, as they do on their users' machines: nothing may be on standard error.
DEVELOPMENT = [NODE, "--conditions=development"]


class ApolloWalk(Walk, Project):
    recipe, command, prints = "apollo.mjs", DEVELOPMENT, FRONT_END


class UrqlWalk(Walk, Project):
    recipe, command, prints = "urql.mjs", DEVELOPMENT, FRONT_END


class PythonWalk(Walk, Project):
    recipe, command = "python.py", [sys.executable, "-B"]
    prints = [
        *SIGNED_IN,
        f"uploaded my photo.png, {len(PHOTO)} bytes: f_.*",
        "uploaded one.txt, two.txt, three.txt",
        THUMBNAILS,
        "files: my photo.png, one.txt, three.txt, two.txt",
        "files: one.txt, public my photo.png, two.txt",
        REFUSED,
        "failed with BAD_USER_INPUT",
        DOWNLOADED,
    ]


class CurlWalk(Walk, Project):
    recipe, command = "curl.sh", ["sh"]
    prints = [
        *SIGNED_IN,
        "uploaded my photo.png: f_.*",
        "uploaded three more, the last of them three.txt",
        "thumbnails: READY",
        "downloaded a thumbnail: image/jpeg",
        'a page: "my photo.png","one.txt"',
        'a page: "three.txt","two.txt"',
        "published and renamed my photo.png, deleted three.txt",
        r"BAD_USER_INPUT \(HTTP 200\): .*",
        "an upload without a token: HTTP 401, UNAUTHENTICATED",
        DOWNLOADED,
        "downloaded the rest: HTTP 206",
    ]

    def test_a_file_that_changes_on_the_way_is_refused(self):
        # Its checksum is that of another file.
        bin = self.desk / "bin"
        bin.mkdir()
        (bin / "sha256sum").write_text(f'#!/bin/sh\necho "{sha256(b"")}  $1"\n')
        (bin / "sha256sum").chmod(0o755)
        walked = self.walk(PATH=f"{bin}:{os.environ['PATH']}")
        self.assertNotEqual(walked.returncode, 0)
        self.assertRegex(walked.stderr, "^CHECKSUM_MISMATCH")
        self.assertEqual(self.files(), [])


class FrontEnds(Project):
    """The set-up of the clients, which goes into front ends."""

    def settings(self, client):
        """Its cacheSettings; functions are `true`."""
        code = f"""
            const {{ cacheSettings }} = await import('./{client}');
            console.log(JSON.stringify(cacheSettings, (_, value) => typeof value === 'function' ? true : value));
        """
        shown = self.run_program(NODE, "--input-type=module", "--eval", code)
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        return json.loads(shown.stdout)

    def types(self):
        """The types that are kept in caches: those with an ID, and those without."""
        schema = build_schema((ROOT / "schema.graphql").read_text())
        passing = re.compile(r"__.*|Query|Mutation|Subscription|UserError|.*Payload")
        kept = [each for each in schema.type_map.values() if is_object_type(each) and not passing.fullmatch(each.name)]
        return (
            sorted(each.name for each in kept if "id" in each.fields),
            sorted(each.name for each in kept if "id" not in each.fields),
        )

    def test_the_settings_for_apollo_name_every_type_without_an_id(self):
        with_id, without_id = self.types()
        settings = self.settings("apollo-client.mjs")
        self.assertEqual(sorted(settings["possibleTypes"]["Node"]), with_id)
        policies = settings["typePolicies"]
        merged = [name for name, policy in policies.items() if policy.get("merge")]
        # A connection is merged by the field that it stands in, edges and page info with it.
        self.assertEqual(sorted([*merged, "FileConnection", "FileEdge", "PageInfo"]), without_id)
        for type, field in [("Query", "files"), ("User", "files"), ("File", "children"), ("File", "thumbnails")]:
            self.assertIn("merge", policies[type]["fields"][field])

    def test_the_settings_for_urql_name_every_type_without_an_id(self):
        settings = self.settings("urql-client.mjs")
        self.assertEqual(sorted(settings["keys"]), self.types()[1])

    def test_the_clients_need_nothing_of_node(self):
        for client in ["apollo-client.mjs", "urql-client.mjs"]:
            code = re.sub(r"//.*|/\*.*?\*/", "", (RECIPES / client).read_text(), flags=re.DOTALL)
            self.assertNotRegex(code, r"node:|\bprocess\b|\bBuffer\b|\brequire\b|\bglobal\b")

    def test_a_session_that_ends_is_told_to_the_front_end(self):
        shutil.copy(Path(__file__).with_name("session_ends.mjs"), self.desk)
        for client in ["apollo", "urql"]:
            self.input["email"] = f"{uuid.uuid4().hex}@example.org"
            register = over_http({"query": REGISTER, "variables": {"input": self.input}}).json()["data"]["register"]
            told = self.run_program(NODE, "session_ends.mjs", client, register["token"], STRONGROOM_URL=URL)
            self.assertEqual((told.returncode, told.stderr), (0, ""), told.stdout)
            self.assertEqual(told.stdout.splitlines(), [
                "a query with a wrong token: ended",
                "a subscription with a wrong token: ended",
                "a logout while a subscription is open: ended",
            ])
