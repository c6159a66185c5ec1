"""Uploads with gql: variables as its users write them, over each transport."""

import io
import os
from urllib.parse import quote

from gql import FileVar
from gql.transport.exceptions import TransportQueryError

from server import MIB, UPLOAD, noise, over_each_transport, png, sha256

UPLOAD_MANY = """
    mutation UploadMany($input: UploadManyInput!) {
      uploadMany(input: $input) {
        results { file { id name size sha256 isPublic } userErrors { code field } }
        userErrors { code field }
      }
    }
"""
# The upload alone is a variable, and the rest is written out.
UPLOAD_ONE_VARIABLE = """
    mutation($file: Upload!) {
      upload(input: { file: $file, isPublic: true }) { file { id name sha256 isPublic } userErrors { code } }
    }
"""


@over_each_transport
class Uploads:
    def upload(self, file, token=None, **input):
        return self.execute(UPLOAD, {"input": {"file": file, **input}}, token=token, upload_files=True)["upload"]

    def upload_many(self, *files, **input):
        variables = {"input": {"files": list(files), **input}}
        return self.execute(UPLOAD_MANY, variables, upload_files=True)["uploadMany"]

    def stored(self):
        return self.execute("{ files(first: 100) { nodes { id name sha256 } } }")["files"]["nodes"]

    def test_one_file_from_its_path(self):
        photo = png(30, 20)
        uploaded = self.assertDone(self.upload(FileVar(self.on_desk("photo.png", photo))))["file"]
        self.assertRegex(uploaded.pop("id"), "^f_")
        self.assertIn(uploaded.pop("thumbnailStatus"), ["PENDING", "READY"])
        self.assertEqual(uploaded, {
            "name": "photo.png", "kind": "IMAGE", "size": len(photo), "mediaType": "image/png", "sha256": sha256(photo),
            "isPublic": False, "parent": None,
        })

    def test_one_file_beside_literals(self):
        content = noise(1000)
        variables = {"file": FileVar(self.on_desk("notes.bin", content))}
        upload = self.execute(UPLOAD_ONE_VARIABLE, variables, upload_files=True)["upload"]
        self.assertDone(upload)
        self.assertEqual((upload["file"]["sha256"], upload["file"]["isPublic"]), (sha256(content), True))

    def arrives_as(self, name):
        """What a transport makes of a file's name. aiohttp percent-encodes it, which no server can tell from its own."""
        return quote(name, safe="") if self.transport == "aiohttp" else name.rpartition("/")[2]

    def test_an_open_file_and_bytes_in_memory(self):
        content, name = noise(1000), "öffnen 📂 100%.bin"
        with open(self.on_desk("notes.bin", content), "rb") as file:
            uploaded = self.assertDone(self.upload(FileVar(file, filename=name)))["file"]
        self.assertEqual((uploaded["name"], uploaded["sha256"]), (self.arrives_as(name), sha256(content)))
        uploaded = self.assertDone(self.upload(FileVar(io.BytesIO(content), filename="memory.bin")))["file"]
        self.assertEqual((uploaded["name"], uploaded["sha256"]), ("memory.bin", sha256(content)))

    def test_a_name_in_the_input_arrives_as_it_is_over_every_transport(self):
        name = 'öffnen 📂 100% "sicher".bin'
        uploaded = self.assertDone(self.upload(FileVar(self.on_desk("a b", b"")), name=name))["file"]
        self.assertEqual(uploaded["name"], name)

    def test_an_open_file_without_filevar_as_in_older_programs(self):
        content = noise(1000)
        with open(self.on_desk("notes.bin", content), "rb") as file, self.assertWarns(DeprecationWarning):
            uploaded = self.assertDone(self.upload(file))["file"]
            # Such a file goes by its whole path, of which the last segment counts.
            self.assertEqual((uploaded["name"], uploaded["sha256"]), (self.arrives_as(file.name), sha256(content)))

    def test_the_name_the_folder_and_the_checksum_of_the_input_hold(self):
        content, folder = noise(1000), self.ada.folder("letters")
        file = self.on_desk("draft.txt", content)
        uploaded = self.upload(FileVar(file), name="letter.txt", parentId=folder, isPublic=True, sha256=sha256(content))
        uploaded = self.assertDone(uploaded)["file"]
        self.assertEqual(
            (uploaded["name"], uploaded["parent"], uploaded["isPublic"]), ("letter.txt", {"id": folder}, True)
        )

    def test_the_type_is_found_whatever_the_client_claims(self):
        claimed = FileVar(self.on_desk("photo.txt", png(3, 2)), content_type="text/html")
        self.assertEqual(self.assertDone(self.upload(claimed))["file"]["mediaType"], "image/png")

    def test_an_empty_file(self):
        uploaded = self.assertDone(self.upload(FileVar(self.on_desk("empty", b""))))["file"]
        self.assertEqual((uploaded["size"], uploaded["sha256"]), (0, sha256(b"")))

    def test_many_files_come_back_in_their_order(self):
        contents = [noise(1000 + seed, seed) for seed in range(8)]
        files = [
            {"file": FileVar(self.on_desk(f"{number}.bin", content))} for number, content in enumerate(contents)
        ]
        files[3]["name"] = "three.bin"
        answer = self.assertDone(self.upload_many(*files, isPublic=True))
        uploaded = [self.assertDone(result)["file"] for result in answer["results"]]
        self.assertEqual([file["sha256"] for file in uploaded], [sha256(content) for content in contents])
        names = [f"{number}.bin" for number in range(8)]
        names[3] = "three.bin"
        self.assertEqual([file["name"] for file in uploaded], names)
        self.assertEqual({file["isPublic"] for file in uploaded}, {True})

    def test_a_list_of_files_as_a_variable_of_its_own(self):
        query = """
            mutation($files: [UploadManyItem!]!) {
              uploadMany(input: { files: $files }) { results { file { name } } userErrors { code } }
            }
        """
        files = [{"file": FileVar(self.on_desk(name, noise(10)))} for name in ["a", "b"]]
        answer = self.execute(query, {"files": files}, upload_files=True)["uploadMany"]
        self.assertEqual([result["file"]["name"] for result in answer["results"]], ["a", "b"])

    def test_one_bad_file_does_not_hold_back_the_others(self):
        paths = [self.on_desk(name, noise(1000)) for name in ["a", "b", "c"]]
        good, wrong, slash = [FileVar(path) for path in paths]
        answer = self.upload_many({"file": good}, {"file": wrong, "sha256": sha256(b"")}, {"file": slash, "name": "a/b"})
        self.assertEqual(answer["userErrors"], [])
        codes = [[error["code"] for error in result["userErrors"]] for result in answer["results"]]
        self.assertEqual(codes, [[], ["CHECKSUM_MISMATCH"], ["BAD_USER_INPUT"]])
        self.assertEqual([result["file"] is None for result in answer["results"]], [False, True, True])
        self.assertEqual([file["name"] for file in self.stored()], ["a"])

    def test_more_files_than_the_limit_are_refused_and_leave_nothing(self):
        limit = self.execute("{ limits { uploadFiles } }")["limits"]["uploadFiles"]
        files = [{"file": FileVar(self.on_desk(f"{number}", b"x"))} for number in range(limit + 1)]
        with self.refusedWith("BAD_REQUEST"):
            self.upload_many(*files)
        self.assertEqual(self.stored(), [])

    def test_a_large_file_is_streamed(self):
        content = noise(20 * MIB)
        file = FileVar(self.on_desk("film.bin", content))
        if self.transport == "aiohttp":
            # The transport with a stream of its own; its parts come without a length, and the name has to be told.
            file = FileVar(file.f, filename="film.bin", streaming=True)
        uploaded = self.assertDone(self.upload(file))["file"]
        self.assertEqual(
            (uploaded["name"], uploaded["size"], uploaded["sha256"]), ("film.bin", 20 * MIB, sha256(content))
        )

    def test_a_large_file_with_a_wrong_token_is_refused_in_a_way_that_can_be_read(self):
        path = self.on_desk("film.bin", noise(20 * MIB))
        with self.refusedWith("UNAUTHENTICATED"):
            self.upload(FileVar(path), token="nonsense")

    def test_a_file_over_the_limit_is_refused_in_a_way_that_can_be_read(self):
        limit = self.execute("{ limits { uploadBytes } }")["limits"]["uploadBytes"]
        for excess in [1, 3 * MIB]:
            path = self.on_desk("film.bin", b"")
            os.truncate(path, limit + excess)
            try:
                codes = [error["code"] for error in self.upload(FileVar(path))["userErrors"]]
            except TransportQueryError as error:
                codes = [error.errors[0]["extensions"]["code"]]
            self.assertEqual(codes, ["FILE_TOO_LARGE"], excess)
        self.assertEqual(self.stored(), [])

    def test_an_upload_without_a_token_has_to_show_that_no_browser_was_tricked_into_it(self):
        with self.refusedWith("BAD_REQUEST"):
            self.upload(FileVar(self.on_desk("a", b"a")), token="")

    def test_files_that_gql_was_not_told_to_upload_are_refused(self):
        with self.refusedWith("BAD_USER_INPUT"):
            self.execute(UPLOAD, {"input": {"file": "photo.png"}})
