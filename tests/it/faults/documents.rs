//! GraphQL by its specification where the library strays from it, and documents that would take the process down, end to
//! end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    Backend,
    app::{TestApp, error_code},
    client::Client,
};

/// A hostile document is refused within this; three times that on a slow machine.
const REFUSED: Duration = Duration::from_secs(3);

async fn a_variable_that_is_left_out_lets_the_default_apply(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let file = ada.upload("a.txt", "a").await;
    let query = "query($id: ID!, $e: Int) { file(id: $id) { default: url  url(expiresIn: $e) } }";
    let answer = ada.data(query, json!({ "id": file["id"] })).await;
    assert_eq!(answer["file"]["url"], answer["file"]["default"]);
    let now = app.clock.now().seconds();
    let expires = |url: &Value| -> i64 {
        let url = url::Url::parse(url.as_str().unwrap()).unwrap();
        url.query_pairs().find(|(name, _)| name == "expires").unwrap().1.parse().unwrap()
    };
    // An hour, or up to a quarter longer.
    assert!((3590..=4510).contains(&(expires(&answer["file"]["url"]) - now)));
    let answer = ada.data(query, json!({ "id": file["id"], "e": 600 })).await;
    assert!((590..=760).contains(&(expires(&answer["file"]["url"]) - now)));
    // A null that is given is none that is left out: the argument takes no null.
    let answer = ada.gql(query, json!({ "id": file["id"], "e": null })).await;
    assert_eq!((error_code(&answer), &answer["data"]["file"]["url"]), ("BAD_USER_INPUT", &Value::Null), "{answer}");
    // Input fields too.
    let query = "mutation($p: ID, $b: Boolean) { createFolder(input: { name: \"f\", parentId: $p, isPublic: $b }) { \
                 folder { isPublic } userErrors { code } } }";
    assert_eq!(ada.data(query, json!({})).await["createFolder"]["folder"]["isPublic"], false);
}

async fn a_variable_that_is_needed_and_missing_is_a_request_error(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let query = "query($x: Int!) { files(first: $x) { nodes { id } } }";
    for variables in [json!({}), json!({ "x": null }), json!({ "x": "1" }), json!({ "x": 1.5 })] {
        let answer = ada.gql(query, variables.clone()).await;
        assert!(answer.get("data").is_none(), "{variables}: {answer}");
        assert_eq!(error_code(&answer), "BAD_USER_INPUT", "{variables}: {answer}");
        assert!(answer["errors"][0].get("path").is_none(), "{answer}");
    }
    assert_eq!(ada.data(query, json!({ "x": 1 })).await["files"]["nodes"], json!([]));
}

async fn a_variable_that_only_a_directive_uses_is_used(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let query = "query($a: Boolean!) { __typename @include(if: $a) limits @skip(if: $a) { pageSize } }";
    let anon = app.anon();
    assert_eq!(anon.data(query, json!({ "a": true })).await, json!({ "__typename": "Query" }));
    assert_eq!(anon.data(query, json!({ "a": false })).await, json!({ "limits": { "pageSize": 100 } }));
    let alone = "query($a: Boolean!) { __typename @include(if: $a) }";
    assert_eq!(anon.data(alone, json!({ "a": true })).await, json!({ "__typename": "Query" }));
    assert_eq!(anon.data(alone, json!({ "a": false })).await, json!({}));
}

async fn a_field_that_fails_takes_nothing_with_it_that_may_stay(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let file = ada.upload("a.txt", "a").await;
    let run = async |query: &str| ada.gql(query, json!({ "id": file["id"] })).await;
    let paths = |answer: &Value| -> Vec<Value> {
        answer["errors"].as_array().unwrap().iter().map(|error| error["path"].clone()).collect()
    };

    let answer = run("query($id: ID!) { file(id: $id) { name url(expiresIn: 1) size } }").await;
    assert_eq!(answer["data"]["file"], json!({ "name": "a.txt", "url": null, "size": 1 }), "{answer}");
    assert_eq!((error_code(&answer), paths(&answer)), ("BAD_USER_INPUT", vec![json!(["file", "url"])]));

    let answer = run("query($id: ID!) { file(id: $id) { bad: url(expiresIn: 1) good: url name } }").await;
    assert_eq!(answer["data"]["file"]["bad"], Value::Null, "{answer}");
    assert!(answer["data"]["file"]["good"].is_string());
    assert_eq!(answer["data"]["file"]["name"], "a.txt");
    assert_eq!(paths(&answer), [json!(["file", "bad"])]);

    let answer = run("query($id: ID!) { files(first: 0) { nodes { id } } file(id: $id) { name } }").await;
    assert_eq!(answer["data"], json!({ "files": null, "file": { "name": "a.txt" } }), "{answer}");
    assert_eq!(paths(&answer), [json!(["files"])]);

    // In a list: each item has its own null.
    let answer = run("query { files { nodes { name url(expiresIn: 1) } } }").await;
    assert_eq!(answer["data"]["files"]["nodes"], json!([{ "name": "a.txt", "url": null }]), "{answer}");
    assert_eq!(paths(&answer), [json!(["files", "nodes", 0, "url"])]);

    // The order is that of the document, whatever was done first.
    let answer = ada.post("{ limits { pageSize } viewer { id } files { totalCount } __typename }", json!({})).await;
    let text = answer.text().await.unwrap();
    let at = |name: &str| text.find(&format!("\"{name}\"")).unwrap_or_else(|| panic!("{text}"));
    assert!(at("limits") < at("viewer") && at("viewer") < at("files") && at("files") < at("__typename"), "{text}");
}

/// 1,800 brackets, which overflow a stack; 27 fragments of which each spreads the next twice, which fill the memory.
fn hostile_documents() -> [(&'static str, String); 3] {
    let brackets = format!("{{ node(id: {}{}) {{ id }} }}", "[".repeat(1800), "]".repeat(1800));
    let braces = format!("{{ node(id: {}1{}) {{ id }} }}", "{a:".repeat(900), "}".repeat(900));
    let doubling = |n: usize| format!("fragment F{n} on Query {{ ...F{next} ...F{next} }}", next = n + 1);
    let mut fragments: Vec<_> = (0..27).map(doubling).collect();
    fragments.push("fragment F27 on Query { __typename } query { ...F0 }".to_owned());
    [("brackets", brackets), ("braces", braces), ("fragments", fragments.join(" "))]
}

async fn over_post(client: &Client, query: &str) -> Value {
    client.gql(query, json!({})).await
}

async fn over_get(client: &Client, query: &str) -> Value {
    let url = url::Url::parse_with_params(&format!("{}/graphql", client.url), [("query", query)]).unwrap();
    client.get(url.as_str()).await.json().await.unwrap()
}

async fn over_multipart(client: &Client, query: &str) -> Value {
    let query = query.replacen("query {", "query($f: Upload) {", 1);
    let map = json!({ "0": ["variables.f"] });
    let parts = vec![("0", ("x", b"x".to_vec()))];
    client.multipart(&query, json!({ "f": null }), map, parts).await.json().await.unwrap()
}

async fn over_web_socket(client: &Client, query: &str) -> Value {
    let mut socket = client.socket().await;
    socket.subscribe("1", query, json!({})).await;
    let message = socket.next().await;
    if message["type"] == "error" { json!({ "errors": message["payload"] }) } else { message["payload"].clone() }
}

async fn hostile_documents_are_refused_on_every_way_in(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let mut slowest = Duration::ZERO;
    for (name, document) in hostile_documents() {
        for way in ["POST", "GET", "multipart", "WebSocket"] {
            let begun = Instant::now();
            let answer = match way {
                "POST" => over_post(&ada, &document).await,
                "GET" => over_get(&ada, &document).await,
                "multipart" => over_multipart(&ada, &document).await,
                _ => over_web_socket(&ada, &document).await,
            };
            slowest = slowest.max(begun.elapsed());
            assert!(begun.elapsed() < REFUSED, "{name} over {way}: {:?}", begun.elapsed());
            let code = error_code(&answer);
            assert!(code.starts_with("GRAPHQL_"), "{name} over {way}: {answer}");
            assert!(answer.get("data").is_none_or(Value::is_null), "{name} over {way}: {answer}");
            assert_eq!(ada.data("{ __typename }", json!({})).await["__typename"], "Query", "after {name} over {way}");
        }
    }
    println!("the slowest refusal of a hostile document: {slowest:.2?}");
    assert_eq!(ada.names(None).await, [""; 0]);
}

crate::on_both_back_ends!(
    a_variable_that_is_left_out_lets_the_default_apply,
    a_variable_that_is_needed_and_missing_is_a_request_error,
    a_variable_that_only_a_directive_uses_is_used,
    a_field_that_fails_takes_nothing_with_it_that_may_stay,
    hostile_documents_are_refused_on_every_way_in,
);
