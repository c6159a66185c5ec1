//! Heads that are no heads of HTTP/1.1 requests, and bodies whose ends cannot be told: a readable answer for each, no
//! request read where there is none, and the next connection is served.

use std::time::{Duration, Instant};

use tokio::{
    io::AsyncWriteExt as _,
    time::{interval, timeout},
};

use super::{Answer, HEALTH, PROMPT, answers, connect, exchange, one, rest};
use crate::support::{Backend, app::TestApp};

/// The one answer to this, which came promptly.
async fn only(app: &TestApp, text: &[u8]) -> Answer {
    let begun = Instant::now();
    let mut answers = exchange(&app.url, text).await;
    let shown = String::from_utf8_lossy(&text[..text.len().min(200)]).into_owned();
    assert!(begun.elapsed() < PROMPT, "{:?}: {shown:?}", begun.elapsed());
    assert_eq!(answers.len(), 1, "{shown:?}: {answers:?}");
    let health = one(&mut {
        let mut next = connect(&app.url).await;
        next.write_all(HEALTH.as_bytes()).await.unwrap();
        next
    })
    .await;
    assert_eq!(health.status, 200, "after {shown:?}");
    answers.remove(0)
}

/// Each of these is refused with this status, in words.
async fn refused(app: &TestApp, status: u16, texts: &[impl AsRef<[u8]>]) {
    for text in texts {
        let answer = only(app, text.as_ref()).await;
        let text = text.as_ref();
        let shown = String::from_utf8_lossy(&text[..text.len().min(200)]).into_owned();
        assert_eq!(answer.status, status, "{shown:?}: {answer:?}");
        answer.is_readable_refusal();
    }
}

async fn a_malformed_head_is_answered_in_words(backend: Backend) {
    let app = TestApp::idle(backend).await;
    refused(
        &app,
        400,
        &[
            "nonsense\r\n\r\n",
            "\u{0}\u{1}\u{2}\r\n\r\n",
            // A TLS ClientHello.
            "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}",
            "GET /healthz\r\n",
            "GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /healthz HTTP/1.1 x\r\nHost: x\r\n\r\n",
            "GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n",
            "GET /healthz HTCPCP/1.0\r\nHost: x\r\n\r\n",
            "GET /\u{0} HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\u{0}b\r\n\r\n",
            "GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n",
            "GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
            "GET /healthz HTTP/1.1\r\nHost: x\r\nX y: a\r\n\r\n",
            "GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n",
            "GET /healthz HTTP/1.1\r\nHost: x\r\nX\r\n\r\n",
            "GET /healthz HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n",
        ],
    )
    .await;
    refused(&app, 505, &["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u{0}\u{0}\u{0}\u{4}\u{0}\u{0}\u{0}\u{0}\u{0}"]).await;
}

async fn a_head_that_is_too_large_is_answered_with_431_and_a_long_url_with_414(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let headers: String = (0..10_000).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let long = "x".repeat(1 << 20);
    refused(
        &app,
        431,
        &[
            format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{headers}\r\n"),
            format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n"),
            format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{long}: x\r\n\r\n"),
            format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(101)),
        ],
    )
    .await;
    let url = |length: usize| format!("GET /healthz?{} HTTP/1.1\r\nHost: x\r\n\r\n", &long[..length]);
    refused(&app, 414, &[url(70_000), url(1 << 20)]).await;
    // What is long, and still allowed.
    let mut stream = connect(&app.url).await;
    stream.write_all(url(60_000).as_bytes()).await.unwrap();
    assert_eq!(one(&mut stream).await.status, 200);
    let headers = "X: y\r\n".repeat(99);
    stream.write_all(format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes()).await.unwrap();
    assert_eq!(one(&mut stream).await.status, 200);
}

async fn a_head_without_end_is_ended(backend: Backend) {
    let app = TestApp::with(backend, &[("server.header_timeout", "1s")]).await;
    let mut stream = connect(&app.url).await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ").await.unwrap();
    let begun = Instant::now();
    let (mut read, mut write) = stream.split();
    let mut ticks = interval(Duration::from_millis(1));
    let drip = async {
        loop {
            ticks.tick().await;
            if write.write_all(b"x").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let mut text = Vec::new();
    tokio::select! {
        () = drip => unreachable!("it does not end"),
        read = tokio::io::AsyncReadExt::read_to_end(&mut read, &mut text) => { read.unwrap(); }
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let answer = &answers(&text)[0];
    assert_eq!(answer.status, 408, "{answer:?}");
    answer.is_readable_refusal();
}

async fn a_request_names_its_host_once(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let heads = ["", "Host: x\r\nHost: x\r\n", "Host: x\r\nhost: y\r\n", "Host: x y\r\n", "Host: u@x\r\n"];
    refused(&app, 400, &heads.map(|host| format!("GET /healthz HTTP/1.1\r\n{host}\r\n"))).await;
    refused(&app, 400, &["GET /healthz HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n"]).await;
    for text in [
        "GET /healthz HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
        "GET /healthz HTTP/1.1\nHost: [::1]:4000\nConnection: close\n\n",
        "\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /healthz HTTP/1.0\r\n\r\n",
        "GET http://elsewhere.example.org/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ] {
        let answer = only(&app, text.as_bytes()).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"status":"ok"}"#), "{text:?}");
    }
}

async fn methods_and_targets_that_mean_nothing_here_are_refused(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let heads = ["GET healthz", "GET *", "GET example.org:80", "GET ftp://x/healthz", "GET file:///etc/passwd"];
    refused(&app, 400, &heads.map(|head| format!("{head} HTTP/1.1\r\nHost: x\r\n\r\n"))).await;
    refused(&app, 405, &["CONNECT example.org:80 HTTP/1.1\r\nHost: x\r\n\r\n"]).await;
    for (head, status) in
        [("get /healthz", 405), ("TRACE /healthz", 405), ("BREW /graphql", 405), ("OPTIONS *", 404), ("GET //", 404)]
    {
        let text = format!("{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert_eq!(only(&app, text.as_bytes()).await.status, status, "{head}");
    }
}

/// A request to `/graphql` with these headers, and what comes behind them.
fn post(headers: &str, rest: &str) -> String {
    format!("POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{headers}\r\n{rest}")
}

async fn a_request_has_one_length(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let chunked = "Transfer-Encoding: chunked\r\n";
    let heads = [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\ncontent-length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Content-Length:\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: chunked\r\n x\r\n",
        "Transfer-Encoding: \u{b}chunked\r\n",
    ];
    // If a request were read from it, the second would be answered, too.
    refused(&app, 400, &heads.map(|head| post(head, &format!("0\r\n\r\n{HEALTH}")))).await;
    refused(&app, 400, &[format!("POST /graphql HTTP/1.0\r\n{chunked}\r\n0\r\n\r\n{HEALTH}")]).await;
    let heads =
        ["Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"];
    refused(&app, 501, &heads.map(|head| post(head, &format!("0\r\n\r\n{HEALTH}")))).await;
    // Behind another request in one packet, too, nothing is read from what follows.
    let both = post(heads_of_both(), &format!("0\r\n\r\n{HEALTH}"));
    let answers = exchange(&app.url, format!("{HEALTH}{both}").as_bytes()).await;
    assert_eq!(answers.len(), 2, "{answers:?}");
    assert_eq!((answers[0].status, answers[1].status), (200, 400), "{answers:?}");
    assert_eq!(answers[1].header("connection"), "close");
}

fn heads_of_both() -> &'static str {
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
}

async fn a_malformed_chunk_ends_the_connection(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let chunked = "Transfer-Encoding: chunked\r\n";
    let long = "x".repeat(1 << 20);
    let bodies = [
        format!("zz\r\n{HEALTH}"),
        format!("-1\r\n{HEALTH}"),
        format!("fffffffffffffffff\r\n{HEALTH}"),
        format!("2\r\n{{}}x\r\n0\r\n\r\n{HEALTH}"),
        format!("2\n{{}}\r\n0\r\n\r\n{HEALTH}"),
        format!("2;{long}"),
        format!("2;{long}\r\n{{}}\r\n0\r\n\r\n{HEALTH}"),
        format!("2\r\n{{}}\r\n0\r\nX: {long}\r\n\r\n{HEALTH}"),
        format!("2\r\n{{}}\r\n0\r\n{}\r\n{HEALTH}", "X: y\r\n".repeat(10_000)),
    ];
    refused(&app, 400, &bodies.map(|body| post(chunked, &body))).await;
}

async fn requests_in_one_packet_are_answered_in_order(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let body = r#"{"query":"{ __typename }"}"#;
    let query = post(&format!("Content-Length: {}\r\n", body.len()), body);
    let chunked = post("Transfer-Encoding: chunked\r\n", &format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()));
    let last = "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let text = [HEALTH, &query, HEALTH, &chunked, &query, HEALTH, last, HEALTH].concat();
    let statuses: Vec<_> = exchange(&app.url, text.as_bytes()).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 404]);
    // A head that cannot be read is the last thing that is read.
    let text = [HEALTH, &query, "nonsense\r\n\r\n", HEALTH].concat();
    let answers = exchange(&app.url, text.as_bytes()).await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 400]);
    answers[2].is_readable_refusal();
}

async fn who_asks_before_sending_a_body_is_told_at_once(backend: Backend) {
    let app = TestApp::with(backend, &[("limits.upload_bytes", "1000")]).await;
    let token = app.user("ada").await.token.unwrap();
    let multipart = "Content-Type: multipart/form-data; boundary=b\r\nGraphQL-Preflight: 1\r\n";
    let head = |headers: &str| format!("POST /graphql HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n{headers}\r\n");
    for (headers, status) in [
        (format!("{multipart}Content-Length: 5000\r\n"), 401),
        (format!("{multipart}Transfer-Encoding: chunked\r\n"), 401),
        (format!("{multipart}Authorization: Bearer {token}\r\nContent-Length: 900000000\r\n"), 413),
        ("Content-Type: application/json\r\nContent-Length: 900000000\r\n".to_owned(), 413),
        ("Content-Type: text/plain\r\nContent-Length: 10\r\n".to_owned(), 415),
    ] {
        // No 100 comes first: the client has not sent its body, and is not asked for it.
        let answer = only(&app, head(&headers).as_bytes()).await;
        assert_eq!(answer.status, status, "{headers}");
        assert_eq!(answer.header("connection"), "close", "{headers}");
    }
    let body = r#"{"query":"{ __typename }"}"#;
    let mut stream = connect(&app.url).await;
    let length = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    stream.write_all(head(&length).as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    timeout(PROMPT, tokio::io::AsyncReadExt::read_exact(&mut stream, &mut go_on)).await.unwrap().unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).await.unwrap();
    assert_eq!(one(&mut stream).await.body, r#"{"data":{"__typename":"Query"}}"#);
}

async fn no_other_expectation_is_met(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let expectations = ["Expect: tea\r\n", "Expect: 100-continue, tea\r\n", "Expect: 100-continue\r\nExpect: tea\r\n"];
    let body = r#"{"query":"{ __typename }"}"#;
    let length = format!("Content-Length: {}\r\n", body.len());
    refused(&app, 417, &expectations.map(|expect| post(&format!("{expect}{length}"), body))).await;
    // HTTP/1.0 has no expectations: there the header means nothing.
    let old = post(&format!("Expect: 100-continue\r\n{length}"), body).replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(only(&app, old.as_bytes()).await.status, 200);
}

async fn a_refusal_is_read_by_who_sends_everything_first(backend: Backend) {
    let app = TestApp::idle(backend).await;
    // 32 MiB behind a head that is refused by hyper, by the accept loop, and by a route.
    let rest_of_it = vec![b'x'; 1 << 20];
    for (head, status) in [
        ("nonsense\r\n\r\n".to_owned(), 400),
        (post("Content-Length: 33554432\r\nTransfer-Encoding: chunked\r\n", ""), 400),
        (post("Content-Length: 33554432\r\n", ""), 413),
        (post("Content-Length: 33554432\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n", ""), 413),
    ] {
        let mut stream = connect(&app.url).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..32 {
            timeout(PROMPT, stream.write_all(&rest_of_it)).await.unwrap().unwrap();
        }
        let answers = rest(&mut stream).await;
        assert_eq!(answers.len(), 1, "{head}");
        assert_eq!(answers[0].status, status, "{head}");
    }
}

crate::on_both_back_ends!(
    a_malformed_head_is_answered_in_words,
    a_head_that_is_too_large_is_answered_with_431_and_a_long_url_with_414,
    a_head_without_end_is_ended,
    a_request_names_its_host_once,
    methods_and_targets_that_mean_nothing_here_are_refused,
    a_request_has_one_length,
    a_malformed_chunk_ends_the_connection,
    requests_in_one_packet_are_answered_in_order,
    who_asks_before_sending_a_body_is_told_at_once,
    no_other_expectation_is_met,
    a_refusal_is_read_by_who_sends_everything_first,
);
