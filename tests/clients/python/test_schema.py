"""The schema as gql fetches it: for validation, for scalars and enums, for its DSL and its command line."""

import re
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

from gql import Client, GraphQLRequest
from gql.dsl import DSLMutation, DSLQuery, DSLSchema, dsl_gql
from gql.transport.requests import RequestsHTTPTransport
from gql.utilities import update_schema_scalar
from graphql import GraphQLError, GraphQLScalarType, build_schema, lexicographic_sort_schema, print_schema

from server import DEADLINE, GRAPHQL, ROOT, Rules, client, over_each_transport


def printed(schema, with_addresses=True):
    """A schema as text, the same for schemas that are the same."""
    text = print_schema(lexicographic_sort_schema(schema))
    return text if with_addresses else re.sub(r" @specifiedBy\(.*\)", "", text)


PUBLISHED = build_schema((ROOT / "schema.graphql").read_text())
# What gql asks for only when told.
EVERYTHING = {"specified_by_url": True, "directive_is_repeatable": True, "input_value_deprecation": True}


@over_each_transport
class Schema:
    def test_introspection_shows_the_published_schema(self):
        for options, with_addresses in [({}, False), ({"introspection_args": EVERYTHING}, True)]:
            asking = client(self.transport, fetch_schema_from_transport=True, **options)
            asking.execute(GraphQLRequest("{ __typename }"))
            self.assertEqual(printed(asking.schema), printed(PUBLISHED, with_addresses))

    def test_with_the_schema_a_wrong_document_is_not_even_sent(self):
        asking = client(self.transport, self.ada.token, fetch_schema_from_transport=True)
        self.assertEqual(asking.execute(GraphQLRequest("{ viewer { id } }")), {"viewer": {"id": self.ada.id}})
        with self.assertRaisesRegex(GraphQLError, "Cannot query field 'shoeSize' on type 'User'"):
            asking.execute(GraphQLRequest("{ viewer { shoeSize } }"))


class Types(Rules):
    def test_enums_and_scalars_become_values_of_python(self):
        asking = client("requests", self.ada.token, fetch_schema_from_transport=True, parse_results=True)
        with asking as session:
            update_schema_scalar(asking.schema, "DateTime", GraphQLScalarType(
                "DateTime",
                serialize=lambda moment: moment.isoformat(),
                parse_value=lambda text: datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z"),
            ))
            moment = session.execute(GraphQLRequest("{ viewer { createdAt } }"))["viewer"]["createdAt"]
            self.assertEqual(moment.tzinfo, timezone.utc)
            # And back: any form of RFC 3339 is taken, here with six digits and +00:00.
            self.ada.folder("letters")
            query = GraphQLRequest(
                "query($after: DateTime) { files(filter: { createdAfter: $after }) { totalCount } }",
                variable_values={"after": moment},
            )
            self.assertEqual(session.execute(query, serialize_variables=True)["files"]["totalCount"], 1)

    def test_the_dsl_writes_documents_that_the_server_takes(self):
        asking = client("requests", self.ada.token, fetch_schema_from_transport=True)
        with asking as session:
            ds = DSLSchema(asking.schema)
            created = session.execute(dsl_gql(DSLMutation(
                ds.Mutation.createFolder(input={"name": "letters"}).select(
                    ds.CreateFolderPayload.folder.select(ds.File.id, ds.File.kind),
                    ds.CreateFolderPayload.userErrors.select(ds.UserError.code),
                )
            )))["createFolder"]
            self.assertDone(created)
            found = session.execute(dsl_gql(DSLQuery(
                ds.Query.files(first=10, filter={"kinds": ["FOLDER"]}, orderBy={"field": "NAME", "direction": "ASC"})
                .select(ds.FileConnection.nodes.select(ds.File.id, ds.File.name))
            )))
            self.assertEqual(found["files"]["nodes"], [{"id": created["folder"]["id"], "name": "letters"}])

    def test_the_command_line_prints_the_schema_and_sends_queries(self):
        program = Path(sys.executable).with_name("gql-cli")
        shown = subprocess.run(
            [program, GRAPHQL, "--print-schema"], capture_output=True, text=True, timeout=DEADLINE
        )
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertEqual(printed(build_schema(shown.stdout)), printed(PUBLISHED, with_addresses=False))
        asked = subprocess.run(
            [program, GRAPHQL, "-H", f"Authorization:Bearer {self.ada.token}"],
            input="{ viewer { email } }", capture_output=True, text=True, timeout=DEADLINE,
        )
        self.assertIn(self.ada.email, asked.stdout, asked.stderr)

    def test_a_query_by_get_answers_and_a_mutation_by_get_does_nothing(self):
        def by_get(document):
            transport = RequestsHTTPTransport(GRAPHQL, method="GET", use_json=False, headers=self.ada.headers)
            # gql has no GET of its own: it sends what it has as a form, which belongs into the URL here.
            transport.kwargs = {"params": {"query": document}, "data": None}
            return Client(transport=transport).execute(GraphQLRequest(document))

        self.assertEqual(by_get("{ viewer { id } }"), {"viewer": {"id": self.ada.id}})
        with self.refusedWith("BAD_REQUEST"):
            by_get('mutation { createFolder(input: { name: "letters" }) { folder { id } } }')
        self.assertEqual(self.execute("{ files { totalCount } }"), {"files": {"totalCount": 0}})
