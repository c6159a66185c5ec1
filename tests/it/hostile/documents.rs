//! Documents that are too long, too deep, too many or wrong, on every way in: POST, GET, multipart, an event stream, a
//! WebSocket.

use serde_json::json;
use url::form_urlencoded::byte_serialize;

use super::{
    case::{Case, Expected, Way, over_http, table},
    frames,
    multipart::Form,
    wire::request,
    world::World,
};

const INVALID: &str = "GRAPHQL_VALIDATION_FAILED";
const UNREADABLE: &str = "GRAPHQL_PARSE_FAILED";
/// A field fails.
const WRONG_VALUE: &str = "BAD_USER_INPUT";
/// There is nothing wrong with it.
const FINE: &str = "";

/// What fits into the head of a request.
const URL_BYTES: usize = 60_000;
/// What fits into a message.
const MESSAGE_BYTES: usize = 64 * 1024;

/// `count` times what is made of each number.
fn many(count: usize, make: impl Fn(usize) -> String) -> String {
    (0..count).map(make).collect()
}

/// The middle in so many pairs of brackets.
fn nested(count: usize, open: &str, middle: &str, close: &str) -> String {
    open.repeat(count) + middle + &close.repeat(count)
}

fn documents() -> Vec<(&'static str, String, &'static str)> {
    let mut all = too_much();
    all.extend(unreadable());
    all.extend(against_the_rules());
    all.extend(strange_but_fine());
    all
}

fn too_much() -> Vec<(&'static str, String, &'static str)> {
    let doubling = |n: usize| format!("fragment F{n} on Query {{ ...F{next} ...F{next} }} ", next = n + 1);
    let cycle = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...C } fragment C on Query { ...A }";
    let relations = nested(8, "files { nodes { owner { ", "id", " } } }");
    vec![
        ("1,800 brackets", format!("{{ node(id: {}) {{ id }} }}", nested(1800, "[", "", "]")), INVALID),
        ("1,800 brackets that never close", format!("{{ node(id: {}", "[".repeat(1800)), INVALID),
        ("30,000 braces", "{".repeat(30_000), INVALID),
        ("30,000 parentheses", "(".repeat(30_000), INVALID),
        ("deep objects", format!("{{ node(id: {}) {{ id }} }}", nested(900, "{a:", "1", "}")), INVALID),
        ("a deep default", format!("query($a: [ID] = {}) {{ __typename }}", nested(600, "[", "", "]")), INVALID),
        ("a deep type", format!("query($a: {}) {{ __typename }}", nested(600, "[", "ID", "]")), INVALID),
        ("deep fields", format!("{{ {} }}", nested(13, "a { ", "b", " }")), INVALID),
        ("deep inline fragments", format!("{{ {} }}", nested(60, "... { ", "__typename", " }")), INVALID),
        (
            "27 fragments that double",
            many(27, doubling) + "fragment F27 on Query { __typename } query { ...F0 }",
            INVALID,
        ),
        ("200 fragments that double", many(200, doubling) + "fragment F200 on Query { __typename } { ...F0 }", INVALID),
        ("a fragment that spreads itself", "{ ...A } fragment A on Query { ...A }".to_owned(), INVALID),
        ("a cycle of three", cycle.to_owned(), INVALID),
        ("a cycle that nobody spreads", "{ __typename } fragment A on Query { ...A }".to_owned(), INVALID),
        (
            "a cycle through a field",
            "{ files { ...A } } fragment A on FileConnection { nodes { children { ...A } } }".to_owned(),
            INVALID,
        ),
        ("10,000 aliases", format!("{{ {} }}", many(10_000, |n| format!("a{n}:__typename "))), INVALID),
        ("600 aliases", format!("{{ {} }}", many(600, |n| format!("a{n}:__typename "))), INVALID),
        ("31 aliases", format!("{{ limits {{ {} }} }}", many(31, |n| format!("a{n}:pageSize "))), INVALID),
        ("21 fields at the root", format!("{{ {} }}", "__typename ".repeat(21)), INVALID),
        ("10,000 directives", format!("{{ __typename {} }}", "@skip(if:false)".repeat(10_000)), INVALID),
        ("900 directives", format!("{{ __typename {} }}", "@a ".repeat(900)), INVALID),
        ("900 directives of an operation", format!("query {} {{ __typename }}", "@a ".repeat(900)), INVALID),
        ("900 directives of a variable", format!("query($a: ID {}) {{ __typename }}", "@a ".repeat(900)), INVALID),
        ("1,900 fields", format!("{{ limits {{ {} }} }}", "pageSize ".repeat(1900)), INVALID),
        ("900 wrong fields", format!("{{ limits {{ {} }} }}", many(900, |n| format!("a{n} "))), INVALID),
        ("300 wrong arguments", format!("{{ node({}) {{ id }} }}", many(300, |n| format!("a{n}:1 "))), INVALID),
        ("400 unused variables", format!("query({}) {{ __typename }}", many(400, |n| format!("$a{n}:ID "))), INVALID),
        ("300 operations", many(300, |n| format!("query A{n} {{ __typename }} ")), INVALID),
        ("1 MiB of commas", ",".repeat(1_000_000), INVALID),
        ("a comment of 1 MiB", format!("#{}", "x".repeat(1_000_000)), INVALID),
        ("a string of 40 KiB", format!("{{ node(id: \"{}\") {{ id }} }}", "x".repeat(40_000)), INVALID),
        (
            "introspection in circles",
            format!("{{ __schema {{ types {{ {} }} }} }}", nested(9, "fields { type { ", "name", " } }")),
            INVALID,
        ),
        ("relations in circles", format!("{{ viewer {{ {relations} }} }}"), INVALID),
        (
            "pages of pages",
            "{ files(first: 100) { nodes { children(first: 100) { nodes { id } } } } }".to_owned(),
            INVALID,
        ),
        (
            "mutations by the dozen",
            format!("mutation {{ {} }}", many(21, |n| format!("a{n}: logout {{ userErrors {{ code }} }} "))),
            INVALID,
        ),
    ]
}

fn unreadable() -> Vec<(&'static str, String, &'static str)> {
    let rows: [(&str, &str); 25] = [
        ("nothing", ""),
        ("blanks", " \t\r\n,,,"),
        ("a comment", "# nothing"),
        ("an open brace", "{"),
        ("a closed brace", "}"),
        ("no fields", "{ }"),
        ("no arguments", "{ files() { totalCount } }"),
        ("an open string", "{ node(id: \"x) { id } }"),
        ("an open block string", "{ node(id: \"\"\"x\"\") { id } }"),
        ("an open block string that ends in a quote", "{ node(id: \"\"\"\\\"\"\"\") { id } }"),
        ("a string over two lines", "{ node(id: \"x\ny\") { id } }"),
        ("an unknown escape", "{ node(id: \"\\x\") { id } }"),
        ("half an escape", "{ node(id: \"\\u12\") { id } }"),
        ("a lone surrogate", "{ node(id: \"\\uD800\") { id } }"),
        ("an escape beyond Unicode", "{ node(id: \"\\u{110000}\") { id } }"),
        ("a NUL", "{ __type\0name }"),
        ("a letter beyond ASCII", "{ größe }"),
        ("JSON", "{\"query\": \"{ __typename }\"}"),
        ("a number that begins with 0", "{ files(first: 007) { totalCount } }"),
        ("a number that ends in a dot", "{ files(first: 1.) { totalCount } }"),
        ("a number beyond everything", "{ files(first: 1e999999) { totalCount } }"),
        ("two dots", "{ ..A }"),
        ("an unknown keyword", "query: { __typename }"),
        ("two anonymous words", "query query query { __typename }"),
        ("a variable in a default", "query($a: ID, $b: ID = $a) { node(id: $b) { id } }"),
    ];
    rows.map(|(name, text)| (name, text.to_owned(), UNREADABLE)).into()
}

fn against_the_rules() -> Vec<(&'static str, String, &'static str)> {
    let rows: [(&str, &str); 25] = [
        ("an unknown field", "{ nothing }"),
        ("an unknown argument", "{ node(id: \"x\", b: 1) { id } }"),
        ("an argument twice", "{ node(id: \"x\", id: \"y\") { id } }"),
        ("a missing argument", "{ node { id } }"),
        ("a null for a non-null", "{ node(id: null) { id } }"),
        ("an integer beyond 64 bits", "{ files(first: 99999999999999999999999999) { totalCount } }"),
        ("a string for an integer", "{ files(first: \"1\") { totalCount } }"),
        ("an unknown value of an enumeration", "{ files(orderBy: { field: X, direction: ASC }) { totalCount } }"),
        ("an unknown input field", "{ files(filter: { __proto__: 1 }) { totalCount } }"),
        ("an object for an ID", "{ node(id: { a: 1 }) { id } }"),
        ("no selection", "{ viewer }"),
        ("a selection of a scalar", "{ limits { pageSize { a } } }"),
        ("an unknown fragment", "{ ...A }"),
        ("a fragment on a scalar", "{ __typename ...A } fragment A on Int { a }"),
        ("a fragment on nothing", "{ __typename ... on Nothing { a } }"),
        ("a fragment that can never be", "{ limits { ... on User { id } } }"),
        ("an unused fragment", "{ __typename } fragment A on Query { __typename }"),
        ("fragments only", "fragment A on Query { __typename }"),
        ("two fragments of one name", "{ ...A } fragment A on Query { __typename } fragment A on Query { __typename }"),
        ("two operations", "query A { __typename } query B { __typename }"),
        ("two operations of one name", "query A { __typename } query A { __typename }"),
        ("an unknown directive", "{ __typename @nothing }"),
        ("an undefined variable", "{ node(id: $a) { id } }"),
        ("fields that are not the same", "{ viewer { a: id a: email } }"),
        ("an output type for a variable", "query($a: File) { __typename }"),
    ];
    rows.map(|(name, text)| (name, text.to_owned(), INVALID)).into()
}

fn strange_but_fine() -> Vec<(&'static str, String, &'static str)> {
    vec![
        ("an integer beyond 32 bits", "{ files(first: 4294967296) { totalCount } }".to_owned(), WRONG_VALUE),
        ("a byte order mark", "\u{feff}{ __typename }".to_owned(), FINE),
        ("commas everywhere", ",,{,,__typename,,},,".to_owned(), FINE),
        ("30,000 commas", format!("{{ __typename {} }}", ",".repeat(30_000)), FINE),
        ("a name of 30 KiB", format!("query {} {{ __typename }}", "a".repeat(30_000)), INVALID),
        ("a string of 30 KiB", format!("{{ node(id: \"{}\") {{ id }} }}", "x".repeat(30_000)), FINE),
        ("one field 900 times", format!("{{ limits {{ {} }} }}", "pageSize ".repeat(900)), FINE),
        ("inline fragments 45 deep", format!("{{ {} }}", nested(45, "... { ", "__typename", " }")), FINE),
        ("a NUL in a string", "{ node(id: \"\\u0000\") { id } }".to_owned(), FINE),
    ]
}

/// Each document on each way that it fits through.
pub fn cases(world: &World) -> Vec<Case> {
    let bearer = world.bearer();
    let mut cases = Vec::new();
    for (name, document, code) in documents() {
        let body = json!({ "query": document }).to_string();
        let refused = |status| match code {
            FINE => Expected::Served,
            WRONG_VALUE => Expected::Refused(200, code),
            code => Expected::Refused(status, code),
        };
        cases.extend(over_http("a document by POST", [(name, world.json(&body), refused(400))]));
        let streamed =
            [("Content-Type", "application/json"), ("Accept", "text/event-stream"), ("Authorization", &bearer)];
        let streamed = request("POST /graphql", &streamed, &body);
        let in_stream = if code == FINE { Expected::Status(200) } else { Expected::RefusedInStream(code) };
        cases.extend(over_http("a document for a stream", [(name, streamed, in_stream)]));
        let operations = json!({ "query": document, "variables": { "f": null } }).to_string();
        let form = Form::new().field("operations", &operations).field("map", r#"{"0":["variables.f"]}"#);
        let form = form.file("0", "x.txt", "x").request(world);
        cases.extend(over_http("a document with a file", [(name, form, refused(400))]));
        let query: String = byte_serialize(document.as_bytes()).collect();
        if query.len() < URL_BYTES && !document.starts_with("mutation") {
            let headers = [("Authorization", bearer.as_str()), ("Accept", "application/json")];
            let get = request(&format!("GET /graphql?query={query}"), &headers, "");
            cases.extend(over_http("a document by GET", [(name, get, refused(200))]));
        }
        let message = frames::subscribe("1", &document);
        let expected = match code {
            _ if message.len() > MESSAGE_BYTES => Expected::Closed(1009),
            FINE | WRONG_VALUE => refused(200),
            code => Expected::OperationRefused(code),
        };
        cases.extend(table("a document by WebSocket", [(name, Way::socket(message), expected)]));
    }
    cases
}
