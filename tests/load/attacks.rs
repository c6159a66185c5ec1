//! The requests that cost the most: those that are just within the limits, and those that are far beyond.

use serde_json::json;

use crate::wire::{chunked, request};

/// What graphql-js's `getIntrospectionQuery()` asks for.
const INTROSPECTION: &str = include_str!("../../src/graphql/intake/introspection.graphql");

/// One kind of request.
pub struct Attack {
    pub name: &'static str,
    pub bytes: Vec<u8>,
}

/// `count` times what is made of each number.
fn many(count: usize, make: impl Fn(usize) -> String) -> String {
    (0..count).map(make).collect()
}

/// All of them, by somebody who is signed in.
pub fn attacks(token: &str) -> Vec<Attack> {
    let mut attacks = Vec::new();
    for (name, document) in accepted().into_iter().chain(refused()) {
        attacks.push(Attack { name, bytes: post(token, json!({ "query": document }).to_string()) });
    }
    for (name, body) in bodies() {
        attacks.push(Attack { name, bytes: post(token, body) });
    }
    attacks.push(Attack { name: "1 MiB in chunks of 10 bytes", bytes: in_small_chunks(token) });
    attacks.push(Attack { name: "multipart, 40,000 map entries", bytes: multipart(token) });
    attacks
}

/// Within the limits, as far as they go.
fn accepted() -> Vec<(&'static str, String)> {
    let rows = "ancestors { id } descendantCount children(first: 1) { nodes { id } totalCount }";
    let fields = "id name kind isPublic size mediaType sha256 url width height thumbnailStatus createdAt updatedAt \
                  owner { id } parent { id name url } thumbnails { url } a: url b: url c: url d: url";
    let depth = many(5, |n| format!("... on Query {{ a{n}: __typename "));
    vec![
        ("accepted: introspection", INTROSPECTION.to_owned()),
        ("accepted: a query for each of 75 rows", format!("{{ files(first: 75) {{ nodes {{ {rows} }} }} }}")),
        ("accepted: all of 100 rows", format!("{{ files(first: 100) {{ nodes {{ {fields} }} }} }}")),
        (
            "accepted: 20 lists of 100 rows",
            format!("{{ {} }}", many(20, |n| format!("a{n}: files(first: 100) {{ nodes {{ id }} }} "))),
        ),
        ("accepted: 990 selections", format!("{{ limits {{ {} }} }}", "pageSize ".repeat(985))),
        (
            "accepted: 510 selections of 8 fragments",
            many(8, |n| format!("fragment F{n} on Limits {{ ...F{m} ...F{m} }} ", m = n + 1))
                + "fragment F8 on Limits { pageSize } { limits { ...F0 } }",
        ),
        ("accepted: 30 aliases, deep", format!("{{ {depth} __typename {} }}", "} ".repeat(5))),
        ("accepted: a string of 30 KiB", format!("{{ node(id: \"{}\") {{ id }} }}", "\\u00e9".repeat(5_000))),
    ]
}

/// Beyond them.
fn refused() -> Vec<(&'static str, String)> {
    let doubling = |n: usize| format!("fragment F{n} on Query {{ ...F{next} ...F{next} }} ", next = n + 1);
    let list = |item: &str, count: usize| format!("[{}]", item.repeat(count));
    vec![
        ("refused: 27 fragments that double", many(27, doubling) + "fragment F27 on Query { __typename } { ...F0 }"),
        ("refused: 200 fragments that double", many(200, doubling) + "fragment F200 on Query { __typename } { ...F0 }"),
        ("refused: 1,800 brackets", format!("{{ node(id: {}", "[".repeat(1800))),
        ("refused: 10,000 aliases", format!("{{ {} }}", many(10_000, |n| format!("a{n}:__typename ")))),
        ("refused: 900 wrong fields", format!("{{ limits {{ {} }} }}", many(900, |n| format!("a{n} ")))),
        ("refused: 400 unused variables", format!("query({}) {{ __typename }}", many(400, |n| format!("$a{n}:ID ")))),
        (
            "refused: 240 fields that differ",
            format!("{{ limits {{ {} }} }}", many(240, |n| format!("a: {} ", ["pageSize", "queryDepth"][n % 2]))),
        ),
        ("refused: 1,900 values", format!("{{ node(id: {}) {{ id }} }}", list("1 ", 1900))),
        ("refused: 300 operations", many(300, |n| format!("query A{n} {{ __typename }} "))),
        ("refused: 1 MB of commas", ",".repeat(1_000_000)),
        (
            "refused: pages of pages",
            "{ files(first: 100) { nodes { children(first: 100) { nodes { id } } } } }".to_owned(),
        ),
    ]
}

/// JSON that takes long to read, or much memory.
fn bodies() -> Vec<(&'static str, String)> {
    let with = |value: &str| format!(r#"{{"query":"query($a: [ID!]) {{ __typename }}","variables":{{"a":{value}}}}}"#);
    let keys = many(80_000, |n| format!("\"k{n}\":0,"));
    vec![
        ("1 MB of numbers", with(&format!("[{}0]", "0,".repeat(500_000)))),
        ("1 MB of empty lists", with(&format!("[{}0]", "[],".repeat(340_000)))),
        ("1 MB of keys", format!("{{{keys}\"query\":\"{{ __typename }}\"}}")),
        ("1 MB of brackets", with(&"[".repeat(1_000_000))),
        ("1 MB of a name", json!({ "query": "{ __typename }", "operationName": "x".repeat(1_000_000) }).to_string()),
        ("a batch of 40,000", format!("[{}0]", r#"{"query":"{a}"},"#.repeat(40_000))),
        ("2 MB", " ".repeat(2_000_000)),
    ]
}

fn post(token: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let bearer = format!("Bearer {token}");
    request("POST /graphql", &[("Content-Type", "application/json"), ("Authorization", &bearer)], body)
}

fn in_small_chunks(token: &str) -> Vec<u8> {
    let bearer = format!("Bearer {token}");
    let headers = [("Content-Type", "application/json"), ("Authorization", &bearer), ("Transfer-Encoding", "chunked")];
    request("POST /graphql", &headers, chunked(&vec![b' '; 1 << 20], 10))
}

fn multipart(token: &str) -> Vec<u8> {
    let bearer = format!("Bearer {token}");
    let operations = json!({ "query": "mutation($f: Upload!) { __typename }", "variables": { "f": null } });
    let map = format!("{{{}\"x\":[]}}", many(40_000, |n| format!("\"{n}\":[\"v.{n}\"],")));
    let part =
        |name: &str, text: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
    let body = part("operations", &operations.to_string()) + &part("map", &map) + "--b--\r\n";
    let headers = [("Content-Type", "multipart/form-data; boundary=b"), ("Authorization", &bearer)];
    request("POST /graphql", &headers, body)
}
