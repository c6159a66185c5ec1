//! GraphQL over HTTP: methods, media types, statuses, CORS.

use std::{
    io::{Read as _, Write as _},
    time::{Duration, Instant},
};

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::support::{
    Backend,
    app::{TestApp, error_code},
    client::raw_connection,
};

const NEW: &str = "application/graphql-response+json";
const TYPENAME: &str = r#"{"query":"{ __typename }"}"#;

fn request(app: &TestApp, method: Method, query: &[(&str, &str)]) -> RequestBuilder {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    app.anon().http.request(method, format!("{}/graphql?{query}", app.url))
}

async fn post(app: &TestApp, content_type: &str, accept: &str, body: &str) -> Response {
    let request = request(app, Method::POST, &[]).header("Content-Type", content_type).header("Accept", accept);
    request.body(body.to_owned()).send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn an_answer_comes_in_the_media_type_asked_for(backend: Backend) {
    let app = TestApp::idle(backend).await;
    for (accept, media) in [
        (NEW, "application/graphql-response+json; charset=utf-8"),
        ("application/json", "application/json; charset=utf-8"),
        ("*/*", "application/json; charset=utf-8"),
    ] {
        let response = post(&app, "application/json; charset=utf-8", accept, TYPENAME).await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "content-type"), media);
        assert_eq!(header(&response, "cache-control"), "no-store");
        assert_eq!(header(&response, "x-request-id").len(), 32);
        assert_eq!(response.json::<Value>().await.unwrap(), json!({ "data": { "__typename": "Query" } }));
    }
    let response = post(&app, "application/json", "text/html", TYPENAME).await;
    assert_eq!(response.status(), 406);
}

async fn the_status_of_a_request_error_goes_by_the_media_type(backend: Backend) {
    let app = TestApp::idle(backend).await;
    for (body, code) in [
        (r#"{"query":"{"}"#, "GRAPHQL_PARSE_FAILED"),
        (r#"{"query":"{ nothing }"}"#, "GRAPHQL_VALIDATION_FAILED"),
        (r#"{"query":"query($id: ID!) { node(id: $id) { id } }"}"#, ""),
    ] {
        for (accept, status) in [(NEW, 400), ("application/json", 200)] {
            let response = post(&app, "application/json", accept, body).await;
            assert_eq!(response.status(), status, "{body}");
            let id = header(&response, "x-request-id").to_owned();
            let answer: Value = response.json().await.unwrap();
            assert!(answer.get("data").is_none(), "{answer}");
            assert_eq!(answer["errors"][0]["extensions"]["requestId"], id, "{answer}");
            assert!(code.is_empty() || error_code(&answer) == code, "{answer}");
        }
    }
    for body in ["", "{", "[]", "{}", r#"[{"query":"{ __typename }"}]"#, r#"{"query":1}"#] {
        for accept in [NEW, "application/json"] {
            let response = post(&app, "application/json", accept, body).await;
            assert_eq!(response.status(), 400, "{body}");
            assert_eq!(error_code(&response.json().await.unwrap()), "BAD_REQUEST");
        }
    }
    // A field that fails is no request error.
    for accept in [NEW, "application/json"] {
        let body = r#"{"query":"{ files { totalCount } __typename }"}"#;
        let response = post(&app, "application/json", accept, body).await;
        assert_eq!(response.status(), 200);
        let answer: Value = response.json().await.unwrap();
        assert_eq!(error_code(&answer), "UNAUTHENTICATED");
        assert_eq!(answer["data"], json!({ "files": null, "__typename": "Query" }));
    }
}

async fn what_a_browser_sends_without_asking_is_not_executed(backend: Backend) {
    let app = TestApp::idle(backend).await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "", "application/graphql", "text/json"] {
        let response = post(&app, content_type, "*/*", TYPENAME).await;
        assert_eq!(response.status(), 415, "{content_type:?}");
    }
    let response = post(&app, "application/json; charset=utf-16", "*/*", TYPENAME).await;
    assert_eq!(response.status(), 415);
    let compressed = request(&app, Method::POST, &[]).header("Content-Type", "application/json");
    let response = compressed.header("Content-Encoding", "gzip").body("x").send().await.unwrap();
    assert_eq!(response.status(), 415);
}

async fn get_is_for_queries(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let query = "query($id: ID!) { node(id: $id) { id } }";
    let response =
        request(&app, Method::GET, &[("query", query), ("variables", r#"{"id":"x"}"#)]).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.json::<Value>().await.unwrap(), json!({ "data": { "node": null } }));
    let mutation = "mutation { register(input: { email: \"a@example.org\", password: \"long enough a password\" }) \
                    { token } }";
    let response = request(&app, Method::GET, &[("query", mutation)]).send().await.unwrap();
    assert_eq!((response.status().as_u16(), header(&response, "allow")), (405, "POST"));
    assert_eq!(request(&app, Method::GET, &[]).send().await.unwrap().status(), 400);
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS, Method::HEAD] {
        let response = request(&app, method.clone(), &[("query", "{ __typename }")]).send().await.unwrap();
        assert_eq!((response.status().as_u16(), header(&response, "allow")), (405, "GET, POST"), "{method}");
    }
    // The mutation was not executed: the address is free.
    app.anon().register("a@example.org").await;
}

async fn a_body_over_the_limit_is_refused_whether_announced_or_not(backend: Backend) {
    let app = TestApp::with(backend, &[("limits.operations_bytes", "5000")]).await;
    let body = format!(r#"{{"query":"{{ __typename }}","x":"{}"}}"#, "x".repeat(5000));
    assert_eq!(post(&app, "application/json", "*/*", &body).await.status(), 413);
    let chunks: Vec<std::io::Result<Vec<u8>>> = body.as_bytes().chunks(1000).map(|chunk| Ok(chunk.to_vec())).collect();
    let stream = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    let chunked = request(&app, Method::POST, &[]).header("Content-Type", "application/json").body(stream);
    assert_eq!(chunked.send().await.unwrap().status(), 413);
}

async fn only_listed_origins_may_call(backend: Backend) {
    let app = TestApp::with(backend, &[("server.cors_origins", "https://app.example.org")]).await;
    for (origin, allowed) in [("https://app.example.org", true), ("https://evil.example.org", false)] {
        let preflight = request(&app, Method::OPTIONS, &[])
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization,content-type");
        let response = preflight.send().await.unwrap();
        let expected = if allowed { origin } else { "" };
        assert_eq!(response.status() == 204, allowed);
        assert_eq!(header(&response, "access-control-allow-origin"), expected);
        assert_eq!(header(&response, "access-control-allow-headers").contains("apollo-require-preflight"), allowed);
        let call = request(&app, Method::POST, &[]).header("Origin", origin).header("Content-Type", "application/json");
        let response = call.body(TYPENAME).send().await.unwrap();
        assert_eq!(header(&response, "access-control-allow-origin"), expected);
        assert_eq!(header(&response, "access-control-expose-headers").contains("x-request-id"), allowed);
        let vary: Vec<_> = response.headers().get_all("vary").iter().filter_map(|value| value.to_str().ok()).collect();
        assert!(vary.join(",").contains("origin"));
    }
    let none = TestApp::idle(backend).await;
    let call = request(&none, Method::POST, &[]).header("Origin", "https://app.example.org");
    let response = call.header("Content-Type", "application/json").body(TYPENAME).send().await.unwrap();
    assert_eq!(header(&response, "access-control-allow-origin"), "");
}

async fn an_upload_far_over_the_limit_ends_soon_and_its_client_reads_why(backend: Backend) {
    let app = TestApp::with(backend, &[("limits.upload_bytes", "1000")]).await;
    let token = app.user("ada").await.token.unwrap();
    let url = app.url.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let query = "mutation($f: Upload!) { upload(input: { file: $f }) { userErrors { code } } }";
        let operations = json!({ "query": query, "variables": { "f": null } });
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{operations}\r\n\
             --b\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n{{\"0\":[\"variables.f\"]}}\r\n\
             --b\r\nContent-Disposition: form-data; name=\"0\"; filename=\"x\"\r\n\r\n"
        );
        let head = format!(
            "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 2000000\r\n\r\n{body}"
        );
        let mut stream = raw_connection(&url);
        stream.write_all(head.as_bytes()).unwrap();
        // A little over the limit, then silence: the answer does not wait for the rest.
        stream.write_all(&[0; 2000]).unwrap();
        let start = Instant::now();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(start.elapsed() < Duration::from_secs(15));
        String::from_utf8(answer).unwrap()
    })
    .await
    .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(answer.contains(r#"{"userErrors":[{"code":"FILE_TOO_LARGE"}]}"#), "{answer}");
    assert!(app.home.blob_files().is_empty());
}

async fn an_answer_has_a_largest_size(backend: Backend) {
    let app = TestApp::with(backend, &[("limits.answer_bytes", "70000")]).await;
    let ada = app.user("ada").await;
    let name = "x".repeat(250);
    let query = |aliases: usize| {
        let fields: String = (0..aliases).map(|n| format!("{name}{n}: name ")).collect();
        format!("{{ __schema {{ types {{ {fields} }} }} }}")
    };
    let answer = ada.gql(&query(20), json!({})).await;
    assert_eq!(error_code(&answer), "GRAPHQL_VALIDATION_FAILED", "{answer}");
    assert!(answer.get("data").is_none());
    // A socket says so too, and lives on.
    let mut socket = ada.socket().await;
    socket.subscribe("1", &query(20), json!({})).await;
    assert_eq!(error_code(&socket.next().await["payload"]), "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(socket.next().await, json!({ "type": "complete", "id": "1" }));
    assert!(ada.data(&query(1), json!({})).await["__schema"]["types"].is_array());
    // A name cannot be as long as the document.
    let long = format!("{{ {}: __typename }}", "x".repeat(256));
    assert_eq!(error_code(&ada.gql(&long, json!({})).await), "GRAPHQL_VALIDATION_FAILED");
}

crate::on_both_back_ends!(
    an_answer_has_a_largest_size,
    an_answer_comes_in_the_media_type_asked_for,
    the_status_of_a_request_error_goes_by_the_media_type,
    what_a_browser_sends_without_asking_is_not_executed,
    get_is_for_queries,
    a_body_over_the_limit_is_refused_whether_announced_or_not,
    only_listed_origins_may_call,
    an_upload_far_over_the_limit_ends_soon_and_its_client_reads_why,
);
