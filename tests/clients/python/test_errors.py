"""Errors as gql's users meet them: by code, over each transport."""

from gql import GraphQLRequest
from gql.transport.exceptions import TransportQueryError, TransportServerError

from server import client, over_each_transport, over_http


@over_each_transport
class Errors:
    def test_what_the_schema_does_not_know_is_a_validation_error(self):
        with self.refusedWith("GRAPHQL_VALIDATION_FAILED"):
            self.execute("{ viewer { shoeSize } }")

    def test_a_missing_variable_is_user_input(self):
        with self.refusedWith("BAD_USER_INPUT"):
            self.execute("query($id: ID!) { file(id: $id) { id } }")

    def test_a_variable_of_the_wrong_type_is_user_input(self):
        with self.refusedWith("BAD_USER_INPUT"):
            self.execute("query($first: Int) { files(first: $first) { totalCount } }", {"first": "ten"})

    def test_a_field_that_fails_leaves_the_data_beside_it(self):
        with self.assertRaises(TransportQueryError) as caught:
            self.execute("{ limits { pageSize } files(first: 0) { totalCount } }")
        self.assertEqual(caught.exception.data, {"limits": {"pageSize": 100}, "files": None})
        (error,) = caught.exception.errors
        self.assertEqual((error["path"], error["extensions"]["code"]), (["files"], "BAD_USER_INPUT"))

    def test_what_is_missing_and_what_is_hidden_are_null_alike(self):
        query = "query($id: ID!) { file(id: $id) { id } node(id: $id) { id } }"
        hidden = self.ada.folder("letters")
        stranger = client(self.transport)
        for id in [hidden, "f_AAAAAAAAAAAAAAAAAAAAAA", "no ID at all"]:
            answer = stranger.execute(GraphQLRequest(query, variable_values={"id": id}))
            self.assertEqual(answer, {"file": None, "node": None})

    def test_what_a_user_can_put_right_is_in_the_payload(self):
        query = """
            mutation($input: RenameInput!) {
              rename(input: $input) { file { id } userErrors { code message field } }
            }
        """
        folder = self.ada.folder("letters")
        for variables, code, field in [
            ({"fileId": folder, "name": "a/b"}, "BAD_USER_INPUT", ["input", "name"]),
            ({"fileId": "f_AAAAAAAAAAAAAAAAAAAAAA", "name": "b"}, "NOT_FOUND", ["input", "fileId"]),
        ]:
            rename = self.execute(query, {"input": variables})["rename"]
            self.assertIsNone(rename["file"])
            (error,) = rename["userErrors"]
            self.assertEqual((error["code"], error["field"]), (code, field))
            self.assertTrue(error["message"].endswith("."), error)

    def test_a_batch_is_refused_clearly(self):
        batch = [GraphQLRequest("{ viewer { id } }"), GraphQLRequest("{ limits { pageSize } }")]
        with self.assertRaises(TransportServerError) as caught:
            client(self.transport, self.ada.token).execute_batch(batch)
        self.assertEqual(caught.exception.code, 400)
        # gql keeps the reason to itself. This is the same request, as it went over the wire.
        answer = over_http([entry.payload for entry in batch], self.ada.token)
        self.assertEqual(answer.status_code, 400)
        (error,) = answer.json()["errors"]
        self.assertEqual(error["extensions"]["code"], "BAD_REQUEST")
        self.assertRegex(error["message"], "(?i)batch|one operation|array|list")
