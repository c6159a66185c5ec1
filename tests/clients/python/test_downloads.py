"""Downloads by `File.url`, as scripts do them."""

from urllib.parse import unquote

import requests
from gql import FileVar

from server import DEADLINE, UPLOAD, URL, Account, Rules, noise


class Downloads(Rules):
    def setUp(self):
        super().setUp()
        self.content = noise(300_000)
        file = FileVar(self.on_desk("übung 1.bin", self.content))
        upload = self.execute(UPLOAD, {"input": {"file": file}}, upload_files=True)["upload"]
        self.id = self.assertDone(upload)["file"]["id"]

    def link(self, **arguments):
        query = "query($id: ID!, $how: Disposition! = ATTACHMENT) { file(id: $id) { url(disposition: $how) } }"
        return self.ada.execute(query, id=self.id, **arguments)["file"]["url"]

    def get(self, link, **headers):
        return requests.get(link, headers=headers, timeout=DEADLINE)

    def test_the_link_gives_the_bytes_under_their_name(self):
        answer = self.get(self.link())
        self.assertEqual((answer.status_code, answer.content), (200, self.content))
        self.assertEqual(answer.headers["Content-Length"], str(len(self.content)))
        disposition = answer.headers["Content-Disposition"]
        self.assertTrue(disposition.startswith("attachment"), disposition)
        self.assertEqual(unquote(disposition.split("filename*=UTF-8''")[1].split(";")[0]), "übung 1.bin")

    def test_a_download_goes_on_where_it_broke_off(self):
        link, half = self.link(), len(self.content) // 2
        first = self.get(link, Range=f"bytes=0-{half - 1}")
        rest = self.get(link, **{"Range": f"bytes={half}-", "If-Range": first.headers["ETag"]})
        self.assertEqual((first.status_code, rest.status_code), (206, 206))
        self.assertEqual(first.content + rest.content, self.content)
        self.assertEqual(
            rest.headers["Content-Range"], f"bytes {half}-{len(self.content) - 1}/{len(self.content)}"
        )
        self.assertEqual(self.get(link, Range="bytes=-5").content, self.content[-5:])

    def test_a_range_of_something_else_gives_the_whole_file(self):
        changed = self.get(self.link(), **{"Range": "bytes=5-", "If-Range": '"of another file"'})
        self.assertEqual((changed.status_code, changed.content), (200, self.content))

    def test_a_range_beyond_the_end_is_416(self):
        answer = self.get(self.link(), Range=f"bytes={len(self.content)}-")
        self.assertEqual(answer.status_code, 416)
        self.assertEqual(answer.headers["Content-Range"], f"bytes */{len(self.content)}")

    def test_what_a_client_has_already_is_not_sent_again(self):
        link = self.link()
        answer = self.get(link, **{"If-None-Match": self.get(link).headers["ETag"]})
        self.assertEqual((answer.status_code, answer.content), (304, b""))

    def test_head_tells_the_size_alone(self):
        answer = requests.head(self.link(), timeout=DEADLINE)
        self.assertEqual((answer.status_code, answer.content), (200, b""))
        self.assertEqual(answer.headers["Content-Length"], str(len(self.content)))

    def test_a_private_file_opens_by_link_or_token_alone(self):
        plain = f"{URL}/files/{self.id}"
        self.assertEqual(self.get(plain, **self.ada.headers).content, self.content)
        self.assertEqual(self.get(plain).status_code, 404)
        self.assertEqual(self.get(plain, **Account().headers).status_code, 404)
        link = self.link()
        self.assertEqual(self.get(link[:-1] + ("A" if link[-1] != "A" else "B")).status_code, 404)

    def test_a_public_file_opens_for_everybody_until_it_is_taken_back(self):
        plain, link = f"{URL}/files/{self.id}", self.link()
        publish = """
            mutation($id: ID!, $isPublic: Boolean!) {
              setPublic(input: { fileId: $id, isPublic: $isPublic }) { userErrors { code } }
            }
        """
        self.ada.execute(publish, id=self.id, isPublic=True)
        self.assertEqual(self.get(plain).content, self.content)
        self.ada.execute(publish, id=self.id, isPublic=False)
        self.assertEqual(self.get(plain).status_code, 404)
        # A link from before ends with the change of privacy.
        self.assertEqual(self.get(link).status_code, 404)
        self.assertEqual(self.get(self.link()).content, self.content)
