//! Production: one setting, and there is no introspection, no suggestion and no explorer, whichever way one asks.

use serde_json::{Value, json};

use crate::support::{
    Backend,
    app::{TestApp, error_code},
    client::Client,
};

/// The ways in that every operation can take.
const WAYS: [&str; 4] = ["POST", "GET", "multipart", "WebSocket"];

async fn ask(client: &Client, way: &str, query: &str) -> Value {
    match way {
        "POST" => client.gql(query, json!({})).await,
        "GET" => {
            let url = url::Url::parse_with_params(&format!("{}/graphql", client.url), [("query", query)]).unwrap();
            client.get(url.as_str()).await.json().await.unwrap()
        }
        "multipart" => {
            let (map, part) = (json!({ "0": ["variables.f"] }), ("0", ("x", b"x".to_vec())));
            client.multipart(query, json!({ "f": null }), map, vec![part]).await.json().await.unwrap()
        }
        _ => {
            let mut socket = client.socket().await;
            socket.subscribe("1", query, json!({})).await;
            let message = socket.next().await;
            let refused = message["type"] == "error";
            if refused { json!({ "errors": message["payload"] }) } else { message["payload"].clone() }
        }
    }
}

async fn in_production_nobody_can_ask_for_the_schema_on_any_way(backend: Backend) {
    let app = TestApp::with(backend, &[("server.mode", "production")]).await;
    let ada = app.user("ada").await;
    for query in [
        "{ __schema { queryType { name } } }",
        "{ __type(name: \"File\") { name } }",
        "{ a: __schema { queryType { name } } }",
        "{ __typename b: __type(name: \"File\") { name } }",
        "{ ... { __schema { queryType { name } } } }",
        "{ ... on Query { __type(name: \"File\") { name } } }",
        "query { ...F } fragment F on Query { __schema { queryType { name } } }",
        "query { ...F } fragment F on Query { ...G } fragment G on Query { a: __type(name: \"File\") { name } }",
        "{ __schema @skip(if: true) { queryType { name } } }",
        "query A { __typename } query B { __schema { queryType { name } } }",
        "{ __schema { __typename } }",
    ] {
        for way in WAYS {
            let answer = ask(&ada, way, query).await;
            assert_eq!(error_code(&answer), "GRAPHQL_VALIDATION_FAILED", "{query} by {way}: {answer}");
            assert!(answer.get("data").is_none_or(Value::is_null), "{query} by {way}: {answer}");
        }
    }
    for way in WAYS {
        let answer = ask(&ada, way, "{ __typename viewer { __typename } }").await;
        assert_eq!(answer["data"]["viewer"]["__typename"], "User", "{way}: {answer}");
    }
}

async fn in_production_errors_suggest_nothing(backend: Backend) {
    let app = TestApp::with(backend, &[("server.mode", "production")]).await;
    let open = TestApp::idle(backend).await;
    let (ada, developer) = (app.user("ada").await, open.user("ada").await);
    let mut suggested = 0;
    for (query, hidden) in [
        ("{ viewr { id } }", "viewer"),
        ("{ limits { pageSise } }", "pageSize"),
        ("{ viewer { emial } }", "email"),
        ("mutation { logut { userErrors { code } } }", "logout"),
        ("{ node(idd: \"x\") { id } }", "\"id\""),
        ("{ __typename @skp(if: true) }", "\"skip\""),
        ("query($a: Fil) { __typename }", "File"),
        ("{ node(id: \"x\") { ... on Usr { id } } }", "User"),
    ] {
        for way in WAYS {
            let answer = ask(&ada, way, query).await;
            assert!(answer["errors"].is_array(), "{query} by {way}: {answer}");
            let text = answer["errors"].to_string();
            assert!(!text.contains("mean"), "{query} by {way}: {text}");
            let messages: Vec<_> = answer["errors"].as_array().unwrap().iter().map(|error| &error["message"]).collect();
            let message = format!("{messages:?}").replace(query, "");
            assert!(!message.contains(hidden), "{query} by {way}: {message}");
        }
        let told = developer.gql(query, json!({})).await;
        suggested += usize::from(told.to_string().contains("Did you mean"));
    }
    // The others could not tell otherwise.
    assert!(suggested >= 3, "in development something is suggested");
}

async fn in_production_there_is_no_page(backend: Backend) {
    let app = TestApp::with(backend, &[("server.mode", "production")]).await;
    let anon = app.anon();
    for path in ["/", "/?query=%7B__typename%7D", "/graphql"] {
        let asked = anon.http.get(format!("{}{path}", app.url)).header("Accept", "text/html,*/*;q=0.8");
        let response = asked.send().await.unwrap();
        assert!([404, 400].contains(&response.status().as_u16()), "{path}: {}", response.status());
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/json"), "{path}");
        let answer: Value = response.json().await.unwrap();
        assert!(["NOT_FOUND", "BAD_REQUEST"].contains(&error_code(&answer)), "{path}: {answer}");
    }
    let posted = anon.http.post(format!("{}/", app.url)).send().await.unwrap();
    assert_eq!(posted.status(), 404);
}

crate::on_both_back_ends!(
    in_production_nobody_can_ask_for_the_schema_on_any_way,
    in_production_errors_suggest_nothing,
    in_production_there_is_no_page,
);
