"""What gql's aiohttp transport has beyond files: generators, and downloads passed on."""

import asyncio

import aiohttp
from gql import Client, FileVar, GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport

from server import DEADLINE, GRAPHQL, MIB, UPLOAD, Rules, noise, sha256


class Streams(Rules):
    def upload(self, file, **input):
        async def uploading():
            transport = AIOHTTPTransport(url=GRAPHQL, headers=self.ada.headers, timeout=DEADLINE)
            async with Client(transport=transport) as session:
                request = GraphQLRequest(UPLOAD, variable_values={"input": {"file": file, **input}})
                return (await session.execute(request, upload_files=True))["upload"]

        return uploading()

    def test_a_generator_is_uploaded_as_it_goes(self):
        blocks = [noise(MIB, seed) for seed in range(3)]

        async def generate():
            for block in blocks:
                yield block

        uploaded = self.assertDone(asyncio.run(self.upload(FileVar(generate(), filename="log.bin"))))["file"]
        self.assertEqual((uploaded["size"], uploaded["sha256"]), (3 * MIB, sha256(b"".join(blocks))))

    def test_a_stream_that_has_no_name_is_named_by_the_input(self):
        async def generate():
            yield b"some words"

        nameless = asyncio.run(self.upload(FileVar(generate())))
        self.assertEqual([error["code"] for error in nameless["userErrors"]], ["BAD_USER_INPUT"])
        self.assertIn("name", nameless["userErrors"][0]["message"])
        uploaded = self.assertDone(asyncio.run(self.upload(FileVar(generate()), name="words.txt")))["file"]
        self.assertEqual((uploaded["name"], uploaded["mediaType"]), ("words.txt", "text/plain"))

    def test_a_download_is_passed_on_as_an_upload(self):
        content = noise(5 * MIB)
        path = self.on_desk("film.bin", content)

        async def copying():
            file = self.assertDone(await self.upload(FileVar(path)))["file"]
            link = self.ada.execute("query($id: ID!) { file(id: $id) { url } }", id=file["id"])["file"]["url"]
            async with aiohttp.ClientSession() as http, http.get(link) as download:
                return await self.upload(FileVar(download.content, filename="copy.bin"))

        self.assertEqual(self.assertDone(asyncio.run(copying()))["file"]["sha256"], sha256(content))

    def test_uploads_at_once_keep_apart(self):
        contents = [noise(MIB, seed) for seed in range(8)]

        async def uploading():
            transport = AIOHTTPTransport(url=GRAPHQL, headers=self.ada.headers, timeout=DEADLINE)
            async with Client(transport=transport) as session:
                return await asyncio.gather(*[
                    session.execute(
                        GraphQLRequest(UPLOAD, variable_values={
                            "input": {"file": FileVar(self.on_desk(f"{number}", content)), "sha256": sha256(content)}
                        }),
                        upload_files=True,
                    )
                    for number, content in enumerate(contents)
                ])

        for number, answer in enumerate(asyncio.run(uploading())):
            file = self.assertDone(answer["upload"])["file"]
            self.assertEqual((file["name"], file["sha256"]), (f"{number}", sha256(contents[number])))
