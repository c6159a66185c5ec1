//! Batches where a setting allows them: those that are none, and operations within them that are wrong.

use serde_json::{Value, json};

use super::{
    case::{
        Case,
        Expected::{self, Refused, RefusedInBatch},
        over_http,
    },
    multipart::{Form, one_file},
    world::World,
};

const BAD: Expected = Refused(400, "BAD_REQUEST");
const INVALID: Expected = RefusedInBatch("GRAPHQL_VALIDATION_FAILED");

/// Allows batches of [`MOST`] operations.
pub const SETTINGS: &[(&str, &str)] = &[("limits.batch_operations", "3")];
const MOST: usize = 3;

pub fn cases(world: &World) -> Vec<Case> {
    let bodies = bodies().into_iter().map(|(name, body, expected)| (name, world.json(body), expected));
    let mut cases = over_http("a batch", bodies);
    cases.extend(over_http("a batch with files", files(world)));
    cases
}

fn bodies() -> Vec<(&'static str, String, Expected)> {
    let of = |query: &str| json!({ "query": query });
    let good = of("{ __typename }");
    let batch = |operations: Vec<Value>| Value::Array(operations).to_string();
    let nested = format!("{}{}", "[".repeat(100), "]".repeat(100));
    vec![
        ("of nothing", batch(vec![]), BAD),
        ("of one too many", batch(vec![good.clone(); MOST + 1]), BAD),
        ("of 10,000", batch(vec![good.clone(); 10_000]), BAD),
        ("of null", batch(vec![json!(null)]), BAD),
        ("of numbers", batch(vec![json!(1), json!(2)]), BAD),
        ("of empty objects", batch(vec![json!({})]), BAD),
        ("of batches", json!([[good]]).to_string(), BAD),
        ("of batches 100 deep", nested, BAD),
        ("of batches 100,000 deep", "[".repeat(100_000), BAD),
        ("of a good one and none", batch(vec![good.clone(), json!("x")]), BAD),
        ("that does not end", format!("[{good}"), BAD),
        ("of an unreadable one", batch(vec![of("{"), good.clone()]), RefusedInBatch("GRAPHQL_PARSE_FAILED")),
        ("of an unknown field", batch(vec![of("{ nothing }"), good.clone()]), INVALID),
        ("of brackets", batch(vec![of(&"[".repeat(1800)), of(&"[".repeat(1800))]), INVALID),
        ("of aliases", batch(vec![of(&format!("{{ {} }}", "a:__typename ".repeat(600))); MOST]), INVALID),
        (
            "of a subscription",
            batch(vec![of("subscription { thumbnailReady { id } }"), good.clone()]),
            RefusedInBatch("BAD_REQUEST"),
        ),
        (
            "of a missing variable",
            batch(vec![of("query($i: ID!) { node(id: $i) { id } }"), good]),
            RefusedInBatch("BAD_USER_INPUT"),
        ),
    ]
}

fn files(world: &World) -> Vec<(String, Vec<u8>, Expected)> {
    let form = |operations: &str, path: &str| {
        let map = json!({ "0": [path] }).to_string();
        Form::new().field("operations", operations).field("map", &map).file("0", "x.txt", "x").request(world)
    };
    let batch = format!("[{0},{0}]", one_file());
    let mut rows: Vec<_> = [
        "variables.f",
        "2.variables.f",
        "4294967295.variables.f",
        "18446744073709551616.variables.f",
        "-1.variables.f",
        "00.variables.f",
        "0.0.variables.f",
        "0.variables",
        "0",
        "",
        "0.query",
        "0.variables.f.0",
        "__proto__.variables.f",
        "length",
        "0.variables.__proto__.f",
    ]
    .map(|path| (format!("at {path:?}"), form(&batch, path), BAD))
    .into();
    rows.push(("at a batch for one operation".to_owned(), form(&one_file(), "0.variables.f"), BAD));
    rows.push(("too many".to_owned(), form(&format!("[{0},{0},{0},{0}]", one_file()), "0.variables.f"), BAD));
    // The second has its file, the first none.
    rows.push(("one missing".to_owned(), form(&batch, "1.variables.f"), RefusedInBatch("BAD_USER_INPUT")));
    rows
}
