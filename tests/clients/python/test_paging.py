"""Paging with gql, forwards and backwards, as its users write the loop."""

from server import over_each_transport

PAGE = """
    query Page($first: Int, $after: String, $last: Int, $before: String, $orderBy: FileOrder, $filter: FileFilter) {
      files(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy, filter: $filter) {
        totalCount
        edges { cursor node { id } }
        nodes { id name }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }
"""
BY_NAME = {"field": "NAME", "direction": "ASC"}
NAMES = [f"folder {number:02}" for number in range(23)]


@over_each_transport
class Paging:
    def setUp(self):
        super().setUp()
        folders = " ".join(
            f'f{number}: createFolder(input: {{ name: "{name}" }}) {{ folder {{ id }} }}'
            for number, name in enumerate(NAMES[:20])
        )
        self.ada.execute(f"mutation {{ {folders} }}")
        for name in NAMES[20:]:
            self.ada.folder(name)

    def page(self, **variables):
        return self.execute(PAGE, variables)["files"]

    def test_every_file_comes_once_and_then_there_is_no_next_page(self):
        names, after, sizes = [], None, []
        while True:
            page = self.page(first=10, after=after, orderBy=BY_NAME)
            self.assertEqual(page["totalCount"], len(NAMES))
            self.assertEqual([edge["node"]["id"] for edge in page["edges"]], [node["id"] for node in page["nodes"]])
            self.assertEqual(page["pageInfo"]["endCursor"], page["edges"][-1]["cursor"])
            self.assertEqual(page["pageInfo"]["startCursor"], page["edges"][0]["cursor"])
            names += [node["name"] for node in page["nodes"]]
            sizes.append(len(page["nodes"]))
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
        self.assertEqual((names, sizes), (NAMES, [10, 10, 3]))

    def test_backwards_the_pages_are_the_same_list_from_its_end(self):
        names, before = [], None
        while True:
            page = self.page(last=10, before=before, orderBy=BY_NAME)
            names = [node["name"] for node in page["nodes"]] + names
            if not page["pageInfo"]["hasPreviousPage"]:
                break
            before = page["pageInfo"]["startCursor"]
        self.assertEqual(names, NAMES)

    def test_without_variables_the_defaults_hold(self):
        page = self.page()
        # The newest twenty: those made one by one came last.
        self.assertEqual([node["name"] for node in page["nodes"]][:3], NAMES[:-4:-1])
        self.assertEqual((len(page["nodes"]), page["totalCount"]), (20, len(NAMES)))

    def test_filters_hold_on_every_page(self):
        page = self.page(first=2, orderBy=BY_NAME, filter={"nameContains": "FOLDER 1"})
        self.assertEqual(page["totalCount"], 10)
        page = self.page(first=50, after=page["pageInfo"]["endCursor"], orderBy=BY_NAME, filter={"nameContains": "FOLDER 1"})
        self.assertEqual([node["name"] for node in page["nodes"]], NAMES[12:20])

    def test_a_page_after_the_last_is_empty(self):
        last = self.page(last=1, orderBy=BY_NAME)
        page = self.page(first=10, after=last["pageInfo"]["endCursor"], orderBy=BY_NAME)
        self.assertEqual((page["nodes"], page["pageInfo"]["endCursor"]), ([], None))
        self.assertFalse(page["pageInfo"]["hasNextPage"])

    def test_a_cursor_that_was_tampered_with_is_refused(self):
        cursor = self.page(first=1)["pageInfo"]["endCursor"]
        middle = len(cursor) // 2
        other = "A" if cursor[middle] != "A" else "B"
        for tampered in [cursor[:middle] + other + cursor[middle + 1:], cursor[:-3], "nonsense", ""]:
            with self.refusedWith("BAD_USER_INPUT"):
                self.page(first=1, after=tampered)

    def test_pages_are_at_most_as_long_as_the_limits_say(self):
        limit = self.execute("{ limits { pageSize } }")["limits"]["pageSize"]
        self.assertEqual(len(self.page(first=limit)["nodes"]), len(NAMES))
        for first in [limit + 1, 0, -1]:
            with self.refusedWith("BAD_USER_INPUT"):
                self.page(first=first)
        with self.refusedWith("BAD_USER_INPUT"):
            self.page(first=1, last=1)
