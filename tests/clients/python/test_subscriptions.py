"""Subscriptions with gql: over WebSockets by either library, and as multipart responses over HTTP."""

import asyncio

from gql import Client, FileVar, GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.aiohttp_websockets import AIOHTTPWebsocketsTransport
from gql.transport.exceptions import TransportConnectionFailed, TransportServerError
from gql.transport.websockets import WebsocketsTransport

from server import DEADLINE, GRAPHQL, SOCKET, UPLOAD, Account, Rules, png

READY = """
    subscription Ready($id: ID) {
      thumbnailReady(fileId: $id) { id name thumbnailStatus thumbnailError width height thumbnails { size width url } }
    }
"""
RETRY = "mutation($id: ID!) { retryThumbnails(input: { fileId: $id }) { userErrors { code } } }"
LOGOUT = "mutation { logout { userErrors { code } } }"
TRANSPORT_WS = WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL


def ready(id=None):
    return GraphQLRequest(READY, variable_values={"id": id} if id else None)


async def whole(stream):
    """Every event until the stream completes."""
    return [event["thumbnailReady"] async for event in stream]


class Events(Rules):
    """What the transports have in common."""

    def upload(self, content, name="photo.png"):
        file = FileVar(self.on_desk(name, content))
        return self.assertDone(self.execute(UPLOAD, {"input": {"file": file}}, upload_files=True)["upload"])["file"]["id"]

    def run_async(self, coroutine):
        return asyncio.run(asyncio.wait_for(coroutine, DEADLINE))

    async def heard_with_others(self, subscribing, asking):
        """
        What a subscription to all images hears first. Nothing says when it begins to listen: the thumbnails of `id` are
        made again and again until it has heard.
        """
        id = self.upload(png(60, 40))
        async with subscribing as listening, asking as session:
            stream = listening.subscribe(ready())
            hearing = asyncio.ensure_future(anext(stream))
            retry = GraphQLRequest(RETRY, variable_values={"id": id})
            try:
                while not hearing.done():
                    self.assertDone((await session.execute(retry))["retryThumbnails"])
                    # Ends when they have been made.
                    await whole(session.subscribe(ready(id)))
                heard = (await hearing)["thumbnailReady"]
            finally:
                hearing.cancel()
                await asyncio.gather(hearing, return_exceptions=True)
                await stream.aclose()
        self.assertEqual((heard["id"], heard["thumbnailStatus"]), (id, "READY"))

    def assertReady(self, events, id):
        """There was exactly one event, and it has everything."""
        (file,) = events
        self.assertEqual((file["id"], file["thumbnailStatus"]), (id, "READY"))
        self.assertEqual((file["width"], file["height"]), (600, 400))
        sizes = [(thumbnail["size"], thumbnail["width"]) for thumbnail in file["thumbnails"]]
        self.assertEqual(sizes, [("SMALL", 100), ("MEDIUM", 250), ("LARGE", 500)])


class OverSockets:
    def socket(self, token=None):
        payload = {"authorization": f"Bearer {token}"} if token else {}
        return Client(transport=self.library(url=SOCKET, init_payload=payload, **self.options))

    def test_one_image_is_one_event_and_then_the_end(self):
        async def watching():
            async with self.socket(self.ada.token) as session:
                id = self.upload(png(600, 400))
                self.assertReady(await whole(session.subscribe(ready(id))), id)
                # Late as well: it has settled already.
                self.assertReady(await whole(session.subscribe(ready(id))), id)

        self.run_async(watching())

    def test_the_protocol_is_graphql_transport_ws(self):
        async def connecting():
            async with (client := self.socket(self.ada.token)):
                return client.transport.subprotocol

        self.assertEqual(self.run_async(connecting()), TRANSPORT_WS)

    def test_all_images_are_listened_to_without_an_id(self):
        self.run_async(self.heard_with_others(self.socket(self.ada.token), self.socket(self.ada.token)))

    def test_a_damaged_image_says_why(self):
        async def watching():
            async with self.socket(self.ada.token) as session:
                id = self.upload(png(600, 400)[:60])
                return await whole(session.subscribe(ready(id)))

        (file,) = self.run_async(watching())
        self.assertEqual((file["thumbnailStatus"], file["thumbnails"]), ("FAILED", []))
        self.assertTrue(file["thumbnailError"])

    def test_queries_and_mutations_go_over_the_socket_too(self):
        async def asking():
            async with self.socket(self.ada.token) as session:
                create = 'mutation { createFolder(input: { name: "letters" }) { folder { id } userErrors { code } } }'
                self.assertDone((await session.execute(GraphQLRequest(create)))["createFolder"])
                answers = await asyncio.gather(*[
                    session.execute(GraphQLRequest("{ viewer { id } files { totalCount } }")) for _ in range(20)
                ])
                self.assertEqual(answers, 20 * [{"viewer": {"id": self.ada.id}, "files": {"totalCount": 1}}])
                with self.refusedWith("BAD_USER_INPUT"):
                    await session.execute(GraphQLRequest("{ files(first: 0) { totalCount } }"))
                with self.refusedWith("GRAPHQL_VALIDATION_FAILED"):
                    await session.execute(GraphQLRequest("{ shoeSize }"))
                # Errors end neither the socket nor what else runs on it.
                return await session.execute(GraphQLRequest("{ viewer { id } }"))

        self.assertEqual(self.run_async(asking()), {"viewer": {"id": self.ada.id}})

    def test_the_schema_is_fetched_over_the_socket(self):
        async def asking():
            client = self.socket(self.ada.token)
            client.fetch_schema_from_transport = True
            async with client:
                return client.schema.subscription_type.fields

        self.assertEqual(list(self.run_async(asking())), ["thumbnailReady"])

    def test_what_is_missing_anothers_or_no_image_is_not_found(self):
        async def watching():
            others = Account().folder("letters")
            async with self.socket(self.ada.token) as session:
                for id in [others, self.ada.folder("letters"), "f_AAAAAAAAAAAAAAAAAAAAAA", "nonsense"]:
                    with self.refusedWith("NOT_FOUND"):
                        await whole(session.subscribe(ready(id)))

        self.run_async(watching())

    def test_without_a_token_a_subscription_is_unauthenticated(self):
        async def watching():
            async with self.socket() as session:
                self.assertEqual(await session.execute(GraphQLRequest("{ viewer { id } }")), {"viewer": None})
                with self.refusedWith("UNAUTHENTICATED"):
                    await whole(session.subscribe(ready()))

        self.run_async(watching())

    def test_a_wrong_token_closes_the_socket_with_4403(self):
        async def connecting():
            client = self.socket("nonsense")
            websocket = None
            connect = client.transport.adapter.connect

            async def connecting_to():
                nonlocal websocket
                await connect()
                websocket = client.transport.adapter.websocket

            client.transport.adapter.connect = connecting_to
            with self.assertRaises(TransportConnectionFailed):
                async with client:
                    self.fail("the socket was acknowledged")
            return websocket.close_code

        self.assertEqual(self.run_async(connecting()), 4403)

    def test_a_logout_ends_the_sockets_of_its_session(self):
        async def watching():
            async with self.socket(self.ada.token) as session:
                id = self.upload(png(600, 400))
                await whole(session.subscribe(ready(id)))
                waiting = asyncio.ensure_future(whole(session.subscribe(ready())))
                # The answer shows that the socket has read the subscription before it.
                await session.execute(GraphQLRequest("{ viewer { id } }"))
                self.assertDone(self.execute(LOGOUT)["logout"])
                with self.assertRaises(TransportConnectionFailed):
                    await waiting

        self.run_async(watching())

    def test_a_stream_can_be_left_and_the_socket_goes_on(self):
        async def watching():
            async with self.socket(self.ada.token) as session:
                leaving = session.subscribe(ready())
                waiting = asyncio.ensure_future(anext(leaving))
                await session.execute(GraphQLRequest("{ viewer { id } }"))
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
                id = self.upload(png(600, 400))
                self.assertReady(await whole(session.subscribe(ready(id))), id)

        self.run_async(watching())


class SubscriptionsOverWebsockets(OverSockets, Events):
    """
    gql 4.4 offers an older protocol, too, and looks for the server's choice under `Sec-WebSocket-Protocol` in just these
    letters; header names have no case, and ours are lower. So its users name the protocol.
    """

    library, options = WebsocketsTransport, {"subprotocols": [TRANSPORT_WS]}


class SubscriptionsOverAiohttp(OverSockets, Events):
    library, options = AIOHTTPWebsocketsTransport, {}


class SubscriptionsOverMultipart(Events):
    """gql's AIOHTTPTransport asks for `multipart/mixed;boundary=graphql;subscriptionSpec=1.0`."""

    def http(self, token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return Client(transport=AIOHTTPTransport(url=GRAPHQL, headers=headers, timeout=DEADLINE))

    def test_one_image_is_one_event_and_then_the_end(self):
        async def watching():
            async with self.http(self.ada.token) as session:
                id = self.upload(png(600, 400))
                self.assertReady(await whole(session.subscribe(ready(id))), id)
                self.assertReady(await whole(session.subscribe(ready(id))), id)

        self.run_async(watching())

    def test_all_images_are_listened_to_without_an_id(self):
        self.run_async(self.heard_with_others(self.http(self.ada.token), self.http(self.ada.token)))

    def test_what_is_missing_is_not_found(self):
        async def watching():
            async with self.http(self.ada.token) as session:
                with self.refusedWith("NOT_FOUND"):
                    await whole(session.subscribe(ready("f_AAAAAAAAAAAAAAAAAAAAAA")))

        self.run_async(watching())

    def test_without_a_token_it_is_unauthenticated(self):
        async def watching(token):
            async with self.http(token) as session:
                # As a result with an error, or as the status 401, which gql shows without what stands beneath.
                try:
                    with self.refusedWith("UNAUTHENTICATED"):
                        await whole(session.subscribe(ready()))
                except TransportServerError as error:
                    self.assertEqual(error.code, 401)

        for token in [None, "nonsense"]:
            self.run_async(watching(token))

    def test_a_query_is_answered_as_json(self):
        async def asking():
            async with self.http(self.ada.token) as session:
                return await session.execute(GraphQLRequest("{ viewer { id } }"))

        self.assertEqual(self.run_async(asking()), {"viewer": {"id": self.ada.id}})
