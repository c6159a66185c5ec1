"""GraphQL multipart requests without gql: with `requests`, and by hand with nothing but the standard library."""

import json
import urllib.error
import urllib.request

import requests

from server import DEADLINE, GRAPHQL, UPLOAD, Rules, noise, png, sha256

UPLOAD_MANY = """
    mutation($input: UploadManyInput!) {
      uploadMany(input: $input) { results { file { id name sha256 } userErrors { code } } userErrors { code } }
    }
"""


def by_hand(*parts):
    """The body and its type. A part is a name, a file name or None, and the bytes."""
    boundary = "a-line-that-is-nowhere-else"
    body = b""
    for name, filename, content in parts:
        disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
        body += f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


class Multipart(Rules):
    def send(self, *parts, headers=None):
        """The status and the answer, by urllib."""
        body, media_type = by_hand(*parts)
        headers = {"Content-Type": media_type, **(self.ada.headers if headers is None else headers)}
        asked = urllib.request.Request(GRAPHQL, data=body, headers=headers)
        try:
            with urllib.request.urlopen(asked, timeout=DEADLINE) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, json.load(answer)

    def operations(self, query, **variables):
        return ("operations", None, json.dumps({"query": query, "variables": variables}).encode())

    def map(self, **paths):
        return ("map", None, json.dumps(paths).encode())

    def count(self):
        return self.execute("{ files { totalCount } }")["files"]["totalCount"]

    def test_requests_uploads_with_data_and_files(self):
        photo = png(30, 20)
        with open(self.on_desk("photo.png", photo), "rb") as file:
            answer = requests.post(
                GRAPHQL,
                headers=self.ada.headers,
                data={
                    "operations": json.dumps({"query": UPLOAD, "variables": {"input": {"file": None}}}),
                    "map": json.dumps({"0": ["variables.input.file"]}),
                },
                files={"0": file},
                timeout=DEADLINE,
            ).json()
        self.assertEqual(self.assertDone(answer["data"]["upload"])["file"]["sha256"], sha256(photo))

    def test_one_file_at_two_paths_is_stored_twice(self):
        content = noise(1000)
        status, answer = self.send(
            self.operations(UPLOAD_MANY, input={"files": [{"file": None, "name": "a"}, {"file": None, "name": "b"}]}),
            self.map(photo=["variables.input.files.0.file", "variables.input.files.1.file"]),
            ("photo", "photo.bin", content),
        )
        self.assertEqual(status, 200)
        stored = [self.assertDone(result)["file"] for result in answer["data"]["uploadMany"]["results"]]
        self.assertEqual([(file["name"], file["sha256"]) for file in stored], [(name, sha256(content)) for name in "ab"])
        self.assertEqual(len({file["id"] for file in stored}), 2)

    def test_a_file_that_is_announced_but_does_not_come_is_refused(self):
        status, answer = self.send(
            self.operations(UPLOAD_MANY, input={"files": [{"file": None}, {"file": None}]}),
            self.map(a=["variables.input.files.0.file"], b=["variables.input.files.1.file"]),
            ("a", "a.bin", b"a"),
        )
        self.assertEqual((status, answer["errors"][0]["extensions"]["code"]), (400, "BAD_REQUEST"))
        self.assertEqual(self.count(), 0)

    def test_the_map_has_to_come_before_the_files_and_the_operations_before_the_map(self):
        operations, file = self.operations(UPLOAD, input={"file": None}), ("0", "a.bin", b"a")
        paths = self.map(**{"0": ["variables.input.file"]})
        for parts in [(paths, operations, file), (operations, file, paths), (file, operations, paths)]:
            status, answer = self.send(*parts)
            self.assertEqual((status, answer["errors"][0]["extensions"]["code"]), (400, "BAD_REQUEST"))
        self.assertEqual(self.count(), 0)

    def test_a_map_that_points_nowhere_is_refused(self):
        for path in ["variables.input.photo.0", "variables.nothing", "query", "", "variables.input.file.deeper"]:
            status, answer = self.send(
                self.operations(UPLOAD, input={"file": None}), self.map(**{"0": [path]}), ("0", "a.bin", b"a")
            )
            self.assertEqual((status, answer["errors"][0]["extensions"]["code"]), (400, "BAD_REQUEST"), path)
        self.assertEqual(self.count(), 0)

    def test_a_stranger_is_refused_with_401(self):
        parts = (
            self.operations(UPLOAD, input={"file": None}),
            self.map(**{"0": ["variables.input.file"]}),
            ("0", "a.bin", b"a"),
        )
        for headers in [{"GraphQL-Preflight": "1"}, {"Apollo-Require-Preflight": "true"}, {"Authorization": "Bearer no"}]:
            status, answer = self.send(*parts, headers=headers)
            self.assertEqual((status, answer["errors"][0]["extensions"]["code"]), (401, "UNAUTHENTICATED"))
        # What a page on another site can make a browser send.
        status, answer = self.send(*parts, headers={})
        self.assertEqual((status, answer["errors"][0]["extensions"]["code"]), (400, "BAD_REQUEST"))
