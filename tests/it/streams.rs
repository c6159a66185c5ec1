//! Answers as streams over HTTP: `text/event-stream` as graphql-sse has it, `multipart/mixed` as Apollo has it.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{
    Backend,
    app::{PATIENCE, TestApp, error_code, jpeg},
    client::Client,
};

const EVENTS: &str = "text/event-stream";
const MIXED: &str = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json";
/// A subscription that says nothing for as long as nobody uploads an image.
const SILENT: &str = "subscription { thumbnailReady { id } }";
const READY: &str = "subscription($id: ID!) { thumbnailReady(fileId: $id) { id thumbnailStatus } }";

/// A stream of answers, as it arrives.
struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    async fn open(client: &Client, accept: &str, query: &str, variables: Value) -> Self {
        let response = send(client, Method::POST, accept, query, variables).await;
        assert_eq!(response.status(), 200);
        Self { response, text: String::new() }
    }

    fn content_type(&self) -> &str {
        self.response.headers()["content-type"].to_str().unwrap()
    }

    /// Reads until this stands in what has come, and takes everything up to there.
    async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.text.find(end) {
                let rest = self.text.split_off(at + end.len());
                return std::mem::replace(&mut self.text, rest);
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await.expect("more in time").unwrap();
            let chunk = chunk.unwrap_or_else(|| panic!("the stream ended without {end:?}: {:?}", self.text));
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The rest of it.
    async fn rest(mut self) -> String {
        while let Some(chunk) = timeout(PATIENCE, self.response.chunk()).await.expect("the end in time").unwrap() {
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        self.text
    }
}

async fn send(client: &Client, method: Method, accept: &str, query: &str, variables: Value) -> Response {
    let mut url = url::Url::parse(&format!("{}/graphql", client.url)).unwrap();
    if method == Method::GET {
        url.query_pairs_mut().append_pair("query", query).append_pair("variables", &variables.to_string());
    }
    let request = client.http.request(method.clone(), url.as_str()).header("Accept", accept);
    let request = match &client.token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    let request =
        if method == Method::GET { request } else { request.json(&json!({ "query": query, "variables": variables })) };
    request.send().await.unwrap()
}

/// The results in an event stream, which has to end with `complete`.
fn results(text: &str) -> Vec<Value> {
    let events = text.split("\n\n").filter(|event| !event.is_empty() && *event != ":");
    let mut events: Vec<_> = events.collect();
    assert_eq!(events.pop(), Some("event: complete\ndata:"), "{text}");
    let data = events.iter().map(|event| event.strip_prefix("event: next\ndata: ").unwrap_or_else(|| panic!("{text}")));
    data.map(|json| serde_json::from_str(json).unwrap()).collect()
}

/// The parts of a multipart stream, which has to end with its closing boundary.
fn parts(text: &str) -> Vec<Value> {
    let text = text.strip_prefix("\r\n--graphql").unwrap_or_else(|| panic!("{text}"));
    let text = text.strip_suffix("\r\n--graphql--\r\n").unwrap_or_else(|| panic!("{text}"));
    let parts = text.split("\r\n--graphql").map(|part| part.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text}")));
    parts.map(|(_, json)| serde_json::from_str(json).unwrap()).filter(|part| *part != json!({})).collect()
}

async fn a_subscription_is_streamed_to_its_end(backend: Backend) {
    let app = TestApp::start(backend).await;
    let ada = app.user("ada").await;
    let image = ada.upload("a.jpg", jpeg(300, 200, 1)).await;
    let expected = json!({ "data": { "thumbnailReady": { "id": image["id"], "thumbnailStatus": "READY" } } });

    let events = Stream::open(&ada, EVENTS, READY, json!({ "id": image["id"] })).await;
    assert_eq!(events.content_type(), "text/event-stream; charset=utf-8");
    assert_eq!(events.response.headers()["cache-control"], "no-store");
    assert_eq!(results(&events.rest().await), std::slice::from_ref(&expected));

    let mixed = Stream::open(&ada, MIXED, READY, json!({ "id": image["id"] })).await;
    assert!(
        mixed.content_type().starts_with("multipart/mixed;boundary=graphql;subscriptionSpec"),
        "{}",
        mixed.content_type()
    );
    assert_eq!(parts(&mixed.rest().await), [json!({ "payload": expected })]);

    // `EventSource` can only GET.
    let response = send(&ada, Method::GET, EVENTS, READY, json!({ "id": image["id"] })).await;
    assert_eq!(results(&response.text().await.unwrap()), [expected]);
}

async fn events_come_as_they_happen(backend: Backend) {
    let app = TestApp::start(backend).await;
    let ada = app.user("ada").await;
    let mut events = Stream::open(&ada, EVENTS, SILENT, json!({})).await;
    let mut mixed = Stream::open(&ada, MIXED, SILENT, json!({})).await;
    // Both listen once they have begun to speak.
    assert_eq!(events.until(":\n\n").await, ":\n\n");
    assert_eq!(mixed.until("--graphql").await, "\r\n--graphql");
    for seed in 1..4 {
        let image = ada.upload("a.jpg", jpeg(60, 40, seed)).await;
        let id = image["id"].as_str().unwrap();
        let event = format!("event: next\ndata: {{\"data\":{{\"thumbnailReady\":{{\"id\":\"{id}\"}}}}}}\n\n");
        assert_eq!(events.until("}\n\n").await, event);
        // The boundary comes at once: without it the client does not know that the part is whole.
        let part = mixed.until("\r\n--graphql").await;
        let payload = format!("{{\"payload\":{{\"data\":{{\"thumbnailReady\":{{\"id\":\"{id}\"}}}}}}}}");
        assert_eq!(part, format!("\r\nContent-Type: application/json\r\n\r\n{payload}\r\n--graphql"));
    }
}

async fn queries_and_mutations_are_streams_of_one_answer(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let mutation = "mutation($n: String!) { createFolder(input: { name: $n }) { folder { name } } }";
    for accept in [EVENTS, "multipart/mixed;subscriptionSpec=\"1.0\""] {
        let read = async |query, variables| {
            let text = Stream::open(&ada, accept, query, variables).await.rest().await;
            let answers = if accept == EVENTS { results(&text) } else { parts(&text) };
            answers
                .into_iter()
                .map(|mut answer| if accept == EVENTS { answer } else { answer["payload"].take() })
                .collect()
        };
        let answers: Vec<Value> = read("{ __typename }", json!({})).await;
        assert_eq!(answers, [json!({ "data": { "__typename": "Query" } })]);
        let answers: Vec<Value> = read(mutation, json!({ "n": "f" })).await;
        assert_eq!(answers, [json!({ "data": { "createFolder": { "folder": { "name": "f" } } } })]);
        // What is refused is told in the stream, since that is what the client reads; it holds no `data`.
        for (query, code) in [("{", "GRAPHQL_PARSE_FAILED"), ("{ nothing }", "GRAPHQL_VALIDATION_FAILED")] {
            let answers: Vec<Value> = read(query, json!({})).await;
            assert_eq!((answers.len(), error_code(&answers[0])), (1, code));
            assert!(answers[0].get("data").is_none(), "{answers:?}");
            assert_eq!(answers[0]["errors"][0]["extensions"]["requestId"].as_str().unwrap().len(), 32);
        }
        let answers: Vec<Value> = read(READY, json!({ "id": "nothing" })).await;
        assert_eq!((answers.len(), error_code(&answers[0])), (1, "NOT_FOUND"));
    }
    assert_eq!(ada.names(None).await, ["f", "f"]);
    // Who takes documents too gets one.
    let response = send(&ada, Method::POST, MIXED, "{ __typename }", json!({})).await;
    assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
}

async fn a_subscription_needs_a_client_that_asks_for_a_stream(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    for accept in ["*/*", "application/json", "application/graphql-response+json"] {
        let response = send(&ada, Method::POST, accept, SILENT, json!({})).await;
        assert_eq!(response.status(), 406, "{accept}");
        assert_eq!(error_code(&response.json().await.unwrap()), "BAD_REQUEST");
    }
    let mutation = "mutation { logout { userErrors { code } } }";
    let response = send(&ada, Method::GET, EVENTS, mutation, json!({})).await;
    assert_eq!(
        (response.status(), &response.headers()["allow"]),
        (StatusCode::METHOD_NOT_ALLOWED, &"POST".parse().unwrap())
    );
    assert_eq!(ada.data("{ viewer { id } }", json!({})).await["viewer"]["id"], ada.id);
    let events = Stream::open(&app.anon(), EVENTS, SILENT, json!({})).await;
    assert_eq!(error_code(&results(&events.rest().await)[0]), "UNAUTHENTICATED");
}

async fn a_silent_stream_gives_signs_of_life(backend: Backend) {
    let app = TestApp::with(backend, &[("limits.stream_keep_alive", "100ms")]).await;
    let ada = app.user("ada").await;
    let mut events = Stream::open(&ada, EVENTS, SILENT, json!({})).await;
    let mut mixed = Stream::open(&ada, MIXED, SILENT, json!({})).await;
    mixed.until("\r\n--graphql").await;
    for _ in 0..3 {
        assert_eq!(events.until("\n\n").await, ":\n\n");
        let part = mixed.until("\r\n--graphql").await;
        assert_eq!(part, "\r\nContent-Type: application/json\r\n\r\n{}\r\n--graphql");
    }
}

async fn the_end_of_the_session_ends_its_streams(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let events = Stream::open(&ada, EVENTS, SILENT, json!({})).await;
    let mixed = Stream::open(&ada, MIXED, SILENT, json!({})).await;
    ada.data("mutation { logout { userErrors { code } } }", json!({})).await;
    let five_seconds = Duration::from_secs(5);
    let events = timeout(five_seconds, events.rest()).await.expect("it ends within 5 s");
    assert_eq!(error_code(&results(&events)[0]), "UNAUTHENTICATED");
    let mixed = timeout(five_seconds, mixed.rest()).await.expect("it ends within 5 s");
    let parts = parts(&mixed);
    assert_eq!((error_code(&parts[0]), &parts[0]["payload"]), ("UNAUTHENTICATED", &Value::Null));
}

async fn a_shutdown_ends_streams(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let events = Stream::open(&ada, EVENTS, SILENT, json!({})).await;
    let mixed = Stream::open(&ada, MIXED, SILENT, json!({})).await;
    app.stop().await;
    // Without `complete`: the client begins again elsewhere.
    assert_eq!(events.rest().await, ":\n\n");
    assert_eq!(error_code(&parts(&mixed.rest().await)[0]), "SERVICE_UNAVAILABLE");
}

async fn streams_are_limited_and_one_that_is_left_makes_room(backend: Backend) {
    let settings = [("limits.sockets_per_user", "2"), ("limits.stream_keep_alive", "100ms")];
    let app = TestApp::with(backend, &settings).await;
    let ada = app.user("ada").await;
    let stream = Stream::open(&ada, EVENTS, SILENT, json!({})).await;
    let socket = ada.socket().await;
    let response = send(&ada, Method::POST, EVENTS, SILENT, json!({})).await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "5");
    assert_eq!(error_code(&response.json().await.unwrap()), "RATE_LIMITED");
    // Somebody else is not concerned.
    drop(Stream::open(&app.user("bob").await, EVENTS, SILENT, json!({})).await);
    drop(stream);
    let next = async {
        loop {
            let response = send(&ada, Method::POST, EVENTS, SILENT, json!({})).await;
            if response.status() == 200 {
                return response;
            }
        }
    };
    let _next = timeout(PATIENCE, next).await.expect("there is room once the server has seen that the client left");
    drop(socket);
}

crate::on_both_back_ends!(
    a_subscription_is_streamed_to_its_end,
    events_come_as_they_happen,
    queries_and_mutations_are_streams_of_one_answer,
    a_subscription_needs_a_client_that_asks_for_a_stream,
    a_silent_stream_gives_signs_of_life,
    the_end_of_the_session_ends_its_streams,
    a_shutdown_ends_streams,
    streams_are_limited_and_one_that_is_left_makes_room,
);
