"""A walk through Strongroom with gql, in Python 3.10 or later.

    pip install 'gql[requests,websockets]>=4,<5'
    EMAIL=ada@example.org PASSWORD='correct horse battery staple' python python.py photo.jpg

STRONGROOM_URL names the server.
"""

import asyncio
import hashlib
import io
import os
import sys
from pathlib import Path

import requests
from gql import Client, FileVar, GraphQLRequest
from gql.transport.exceptions import TransportError, TransportQueryError
from gql.transport.requests import RequestsHTTPTransport
from gql.transport.websockets import WebsocketsTransport

URL = os.environ.get("STRONGROOM_URL", "http://127.0.0.1:4000")

REGISTER = """
    mutation Register($input: RegisterInput!) {
      register(input: $input) { token expiresAt userErrors { code message field } }
    }
"""
LOGIN = """
    mutation Login($input: LoginInput!) {
      login(input: $input) { token expiresAt userErrors { code message field } }
    }
"""
REFRESH = "mutation Refresh { refresh { token expiresAt userErrors { code message field } } }"
UPLOAD = """
    mutation Upload($input: UploadInput!) {
      upload(input: $input) { file { id name size } userErrors { code message field } }
    }
"""
UPLOAD_MANY = """
    mutation UploadMany($input: UploadManyInput!) {
      uploadMany(input: $input) {
        results { file { id name } userErrors { code message field } }
        userErrors { code message field }
      }
    }
"""
THUMBNAIL_READY = """
    subscription ThumbnailReady($fileId: ID!) {
      thumbnailReady(fileId: $fileId) {
        thumbnailStatus thumbnailError width height thumbnails { width height url }
      }
    }
"""
FILES = """
    query Files($after: String) {
      files(first: 2, after: $after, orderBy: { field: NAME, direction: ASC }) {
        nodes { id name }
        pageInfo { hasNextPage endCursor }
      }
    }
"""
SET_PUBLIC = """
    mutation SetPublic($input: SetPublicInput!) {
      setPublic(input: $input) { file { id isPublic } userErrors { code message field } }
    }
"""
RENAME = """
    mutation Rename($input: RenameInput!) {
      rename(input: $input) { file { id name } userErrors { code message field } }
    }
"""
DELETE = """
    mutation Delete($input: DeleteInput!) {
      delete(input: $input) { deletedFileId userErrors { code message field } }
    }
"""
LINK = "query Link($id: ID!) { file(id: $id) { url(disposition: ATTACHMENT) } }"


class Refused(Exception):
    """What a user can put right, from `userErrors`: `code` for programs, `message` for people, `field` for the input."""

    def __init__(self, code, message, field):
        super().__init__(message)
        self.code, self.field = code, field


def done(payload):
    """The payload of a mutation that has done what it was asked."""
    if payload["userErrors"]:
        raise Refused(**payload["userErrors"][0])
    return payload


def code_of(error):
    """The code of an error, whichever way it came; None when the server has not answered at all."""
    match error:
        case Refused():
            return error.code
        case TransportQueryError():
            return error.errors[0]["extensions"]["code"]
    return None


def sha256_of(blocks):
    """As `File.sha256`."""
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()


class Strongroom:
    """The API with a token. One connection is kept open; use it in a `with`."""

    def __init__(self, url):
        self.url = url
        self.token = None
        self.transport = RequestsHTTPTransport(f"{url}/graphql", headers={}, timeout=300)
        self.client = Client(transport=self.transport)

    def __enter__(self):
        self.session = self.client.connect_sync()
        return self

    def __exit__(self, *_):
        self.client.close_sync()

    def sign_in_with(self, token):
        self.token = token
        self.transport.headers["Authorization"] = f"Bearer {token}"

    def query(self, document, **variables):
        return self.session.execute(GraphQLRequest(document, variable_values=variables))

    def mutate(self, document, upload_files=False, **input):
        request = GraphQLRequest(document, variable_values={"input": input} if input else None)
        (payload,) = self.session.execute(request, upload_files=upload_files).values()
        return done(payload)

    def sign_in(self, email, password):
        """Opens the account, or logs in to it when there is one. The token is good for a day."""
        try:
            payload = self.mutate(REGISTER, email=email, password=password)
        except Refused as refused:
            if refused.code not in ("EMAIL_TAKEN", "REGISTRATION_CLOSED"):
                raise
            payload = self.mutate(LOGIN, email=email, password=password)
        self.sign_in_with(payload["token"])

    def refresh(self):
        """For what runs for days: changes the token for a fresh one. Do so in time; one that has expired is of no use."""
        payload = self.mutate(REFRESH)
        self.sign_in_with(payload["token"])
        return payload["expiresAt"]

    def files(self):
        """All files of the root, page by page."""
        after = None
        while True:
            page = self.query(FILES, after=after)["files"]
            yield from page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]

    async def thumbnails(self, file_id):
        """Waits until the thumbnails of an image are done: exactly one event, however late one asks."""
        transport = WebsocketsTransport(
            url=f"{self.url.replace('http', 'ws', 1)}/graphql",
            init_payload={"authorization": f"Bearer {self.token}"},
            # By itself gql offers an older protocol, too, and may think that it was chosen.
            subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        )
        request = GraphQLRequest(THUMBNAIL_READY, variable_values={"fileId": file_id})
        async with Client(transport=transport) as session:
            async for event in session.subscribe(request):
                return event["thumbnailReady"]


def main(path, email, password):
    with Strongroom(URL) as room:
        room.sign_in(email, password)
        print(f"signed in as {email}")
        print(f"the token is good until {room.refresh()}")

        # Uploads. The file is streamed; with a checksum, one that was damaged on the way is refused.
        with path.open("rb") as photo:
            sha256 = sha256_of(iter(lambda: photo.read(65536), b""))
        file = room.mutate(UPLOAD, upload_files=True, file=FileVar(str(path)), sha256=sha256)["file"]
        print(f"uploaded {file['name']}, {file['size']} bytes: {file['id']}")

        notes = [FileVar(io.BytesIO(word.encode()), filename=f"{word}.txt") for word in ("one", "two", "three")]
        answer = room.mutate(UPLOAD_MANY, upload_files=True, files=[{"file": note} for note in notes])
        # Of several files one may fail while the others are stored: each result has `userErrors` of its own.
        stored = [done(result)["file"] for result in answer["results"]]
        print("uploaded " + ", ".join(note["name"] for note in stored))

        image = asyncio.run(room.thumbnails(file["id"]))
        if image["thumbnailStatus"] == "FAILED":
            print(f"no thumbnails: {image['thumbnailError']}")
        else:
            sizes = ", ".join(f"{each['width']} x {each['height']}" for each in image["thumbnails"])
            print(f"{image['width']} x {image['height']}, thumbnails: {sizes}")

        print("files: " + ", ".join(each["name"] for each in room.files()))

        room.mutate(SET_PUBLIC, fileId=file["id"], isPublic=True)
        room.mutate(RENAME, fileId=file["id"], name=f"public {file['name']}")
        room.mutate(DELETE, fileId=stored[2]["id"])
        print("files: " + ", ".join(each["name"] for each in room.files()))

        # Errors: some are for the user to put right, some for the program.
        try:
            room.mutate(RENAME, fileId=file["id"], name="a/b")
        except Refused as refused:
            print(f"refused with {refused.code} at {'.'.join(refused.field)}: {refused}")
        try:
            room.query(FILES, after="no cursor")
        except TransportQueryError as error:
            print(f"failed with {code_of(error)}")

        # Downloads. A link needs no header; that of a private file works for an hour.
        link = room.query(LINK, id=file["id"])["file"]["url"]
        with requests.get(link, stream=True, timeout=300) as download:
            download.raise_for_status()
            if sha256_of(download.iter_content(65536)) != sha256:
                raise SystemExit("the download is damaged")
        print(f"downloaded {file['size']} bytes")


if __name__ == "__main__":
    try:
        arguments = Path(sys.argv[1]), os.environ["EMAIL"], os.environ["PASSWORD"]
    except (IndexError, KeyError):
        sys.exit("usage: EMAIL=... PASSWORD=... python python.py PHOTO")
    try:
        main(*arguments)
    except (Refused, TransportError, OSError) as error:
        sys.exit(f"{code_of(error) or 'error'}: {error}")
