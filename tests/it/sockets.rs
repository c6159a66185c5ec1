//! `graphql-transport-ws` to the letter, over real sockets: the handshake, the close codes, the limits, the session.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    Backend,
    app::{PATIENCE, TestApp},
    client::{Client, Socket},
};

const TYPENAME: &str = "{ __typename }";
/// A subscription that says nothing for as long as nobody uploads an image.
const SILENT: &str = "subscription { thumbnailReady { id } }";

/// The status of a handshake with these headers.
async fn handshake(client: &Client, headers: &[(&str, &str)]) -> StatusCode {
    let mut all = HeaderMap::new();
    let usual = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for (name, value) in usual.iter().chain(headers) {
        all.insert(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    let request = client.http.get(format!("{}/graphql", client.url)).headers(all);
    request.send().await.unwrap().status()
}

async fn closed(socket: &mut Socket, code: u16) {
    assert_eq!(socket.next().await, json!({ "close": code }));
}

async fn init(client: &Client, payload: Value) -> Socket {
    let mut socket = client.raw_socket().await;
    socket.send(json!({ "type": "connection_init", "payload": payload })).await;
    socket
}

async fn the_handshake_needs_the_subprotocol_and_a_known_origin(backend: Backend) {
    let app = TestApp::with(backend, &[("server.cors_origins", "https://app.example.org")]).await;
    let (anon, protocol) = (app.anon(), ("Sec-WebSocket-Protocol", "graphql-transport-ws"));
    assert_eq!(handshake(&anon, &[]).await, 400);
    assert_eq!(handshake(&anon, &[("Sec-WebSocket-Protocol", "graphql-ws")]).await, 400);
    for origin in [app.url.as_str(), "https://app.example.org"] {
        assert_eq!(handshake(&anon, &[protocol, ("Origin", origin)]).await, 101, "{origin}");
    }
    for origin in ["https://evil.example.org", "null", "https://app.example.org.evil.org", "http://app.example.org"] {
        assert_eq!(handshake(&anon, &[protocol, ("Origin", origin)]).await, 403, "{origin}");
    }
    assert_eq!(handshake(&anon, &[protocol, ("Sec-WebSocket-Version", "8")]).await, 400);
}

async fn queries_and_mutations_run_too(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let mut socket = ada.socket().await;
    socket.subscribe("q", "{ viewer { id } }", json!({})).await;
    let next = json!({ "type": "next", "id": "q", "payload": { "data": { "viewer": { "id": ada.id } } } });
    assert_eq!(socket.next().await, next);
    assert_eq!(socket.next().await, json!({ "type": "complete", "id": "q" }));
    let query = "mutation { createFolder(input: { name: \"f\" }) { folder { name } } }";
    socket.subscribe("q", query, json!({})).await;
    assert_eq!(socket.next().await["payload"]["data"]["createFolder"]["folder"]["name"], "f");
    assert_eq!(socket.next().await["type"], "complete");
    assert_eq!(ada.names(None).await, ["f"]);
}

async fn a_request_error_is_an_error_message_and_the_socket_lives_on(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let mut socket = app.anon().socket().await;
    for (payload, code) in [
        (json!({ "query": "{" }), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": "{ nothing }" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": 1 }), "BAD_REQUEST"),
        (json!({}), "BAD_REQUEST"),
    ] {
        socket.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
        let error = socket.next().await;
        assert_eq!((error["type"].as_str(), error["id"].as_str()), (Some("error"), Some("1")), "{error}");
        assert_eq!(error["payload"][0]["extensions"]["code"], code, "{error}");
        assert!(error["payload"][0]["extensions"]["requestId"].is_string(), "{error}");
    }
    socket.subscribe("1", TYPENAME, json!({})).await;
    assert_eq!(socket.next().await["type"], "next");
}

async fn who_strays_from_the_protocol_is_told_by_the_close_code(backend: Backend) {
    let app = TestApp::with(backend, &[("limits.socket_message_bytes", "2000")]).await;
    let anon = app.anon();
    for text in ["", "x", "{}", r#"{"type":"start"}"#, r#"{"type":"subscribe","id":"1"}"#] {
        let mut socket = anon.socket().await;
        socket.send_text(text).await;
        closed(&mut socket, 4400).await;
    }
    let mut early = anon.raw_socket().await;
    early.subscribe("1", TYPENAME, json!({})).await;
    closed(&mut early, 4401).await;
    let mut twice = anon.socket().await;
    twice.send(json!({ "type": "connection_init" })).await;
    closed(&mut twice, 4429).await;
    let ada = app.user("ada").await;
    let mut duplicate = ada.socket().await;
    duplicate.subscribe("1", SILENT, json!({})).await;
    duplicate.subscribe("1", TYPENAME, json!({})).await;
    closed(&mut duplicate, 4409).await;
    let mut large = anon.socket().await;
    large.send(json!({ "type": "ping", "payload": { "x": "x".repeat(2000) } })).await;
    closed(&mut large, 1009).await;
}

async fn a_socket_has_to_be_initialised_in_time(backend: Backend) {
    let app = TestApp::with(backend, &[("limits.socket_init_timeout", "300ms")]).await;
    closed(&mut app.anon().raw_socket().await, 4408).await;
    let mut socket = app.anon().socket().await;
    assert!(socket.is_silent_for(Duration::from_millis(600)).await);
}

async fn a_token_is_taken_from_where_front_ends_put_it(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let token = ada.token.clone().unwrap();
    let bearer = format!("Bearer {token}");
    for payload in [
        json!({ "Authorization": bearer }),
        json!({ "authorization": bearer }),
        json!({ "token": token }),
        json!({ "headers": { "Authorization": bearer } }),
    ] {
        let mut socket = init(&ada, payload).await;
        assert_eq!(socket.next().await, json!({ "type": "connection_ack" }));
        socket.subscribe("1", "{ viewer { id } }", json!({})).await;
        assert_eq!(socket.next().await["payload"]["data"]["viewer"]["id"], ada.id.as_str());
    }
    for payload in [json!({ "token": "forged" }), json!({ "Authorization": "Bearer forged" }), json!({ "token": 1 })] {
        closed(&mut init(&ada, payload).await, 4403).await;
    }
    let mut anonymous = init(&ada, json!({ "authorization": "" })).await;
    assert_eq!(anonymous.next().await["type"], "connection_ack");
    anonymous.subscribe("1", "{ viewer { id } }", json!({})).await;
    assert_eq!(anonymous.next().await["payload"]["data"], json!({ "viewer": null }));
}

async fn the_end_of_the_session_ends_its_sockets(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let other = ada.login().await;
    let (mut mine, mut others) = (ada.socket().await, other.socket().await);
    mine.subscribe("1", SILENT, json!({})).await;
    ada.data("mutation { logout { userErrors { code } } }", json!({})).await;
    let ended = tokio::time::timeout(Duration::from_secs(15), mine.next()).await.unwrap();
    assert_eq!(ended, json!({ "close": 4403 }));
    others.send(json!({ "type": "ping" })).await;
    assert!(others.is_silent_for(Duration::from_secs(3)).await);
}

async fn a_completed_operation_is_over_and_its_id_is_free(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let mut socket = ada.socket().await;
    for _ in 0..3 {
        socket.subscribe("1", SILENT, json!({})).await;
        socket.send(json!({ "type": "complete", "id": "1" })).await;
    }
    socket.subscribe("1", TYPENAME, json!({})).await;
    assert_eq!(socket.next().await["type"], "next");
    assert_eq!(socket.next().await["type"], "complete");
}

async fn operations_and_sockets_are_limited(backend: Backend) {
    let app = TestApp::with(backend, &[("limits.socket_operations", "2"), ("limits.sockets_per_user", "2")]).await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let mut socket = ada.socket().await;
    for id in ["1", "2", "3"] {
        socket.subscribe(id, SILENT, json!({})).await;
    }
    let error = socket.next().await;
    assert_eq!((error["type"].as_str(), error["id"].as_str()), (Some("error"), Some("3")), "{error}");
    let second = ada.socket().await;
    let payload = json!({ "token": ada.token });
    closed(&mut init(&ada, payload.clone()).await, 1013).await;
    bob.socket().await;
    drop(second);
    let start = std::time::Instant::now();
    while init(&ada, payload.clone()).await.next().await["type"] != "connection_ack" {
        assert!(start.elapsed() < PATIENCE, "a place becomes free");
    }
}

async fn sockets_of_nobody_are_limited_by_address(backend: Backend) {
    let app = TestApp::with(backend, &[("limits.sockets_per_address", "2")]).await;
    let anon = app.anon();
    let (_first, second) = (anon.socket().await, anon.socket().await);
    closed(&mut init(&anon, json!({})).await, 1013).await;
    // Who signs in is counted elsewhere.
    app.user("ada").await.socket().await;
    drop(second);
    let start = std::time::Instant::now();
    while init(&anon, json!({})).await.next().await["type"] != "connection_ack" {
        assert!(start.elapsed() < PATIENCE, "a place becomes free");
    }
}

async fn a_shutdown_closes_sockets_with_1001(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let (mut silent, mut busy) = (app.anon().raw_socket().await, ada.socket().await);
    busy.subscribe("1", SILENT, json!({})).await;
    app.instance.app.shutdown.begin();
    closed(&mut silent, 1001).await;
    closed(&mut busy, 1001).await;
    app.stop().await;
}

crate::on_both_back_ends!(
    the_handshake_needs_the_subprotocol_and_a_known_origin,
    queries_and_mutations_run_too,
    a_request_error_is_an_error_message_and_the_socket_lives_on,
    who_strays_from_the_protocol_is_told_by_the_close_code,
    a_socket_has_to_be_initialised_in_time,
    a_token_is_taken_from_where_front_ends_put_it,
    the_end_of_the_session_ends_its_sockets,
    a_completed_operation_is_over_and_its_id_is_free,
    operations_and_sockets_are_limited,
    sockets_of_nobody_are_limited_by_address,
    a_shutdown_closes_sockets_with_1001,
);
