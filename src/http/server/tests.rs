//! The accept loop before real clients, most of them ill-mannered.

use axum::{
    http::StatusCode,
    routing::{get, post},
};
use http_body_util::BodyExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc,
    task::JoinHandle,
};

use super::*;
use crate::{
    config::{Config, Layers},
    http::request::{JSON, Problem},
};

const SHORT: Duration = Duration::from_millis(200);
/// Beyond which a test has failed.
const LONG: Duration = Duration::from_secs(20);

struct Running {
    address: SocketAddr,
    shutdown: Shutdown,
    server: JoinHandle<Result<()>>,
    /// Says when a request to `/slow` has begun.
    begun: mpsc::Receiver<()>,
    /// Lets it finish.
    finish: mpsc::Sender<()>,
}

/// A server of four routes; its time-outs are short.
async fn start() -> Running {
    let (started, begun) = mpsc::channel(1);
    let (finish, finished) = mpsc::channel(1);
    let finished = Arc::new(tokio::sync::Mutex::new(finished));
    let slow = async move || {
        started.send(()).await.unwrap();
        finished.lock().await.recv().await;
        "done"
    };
    let read = async |request: Request| match request.into_body().collect().await {
        Ok(body) => Response::new(Body::from(body.to_bytes())),
        Err(error) => Problem::body(&error).answer("r1", JSON),
    };
    let routes = Router::new()
        .route("/", get(async || "hello"))
        .route("/slow", get(slow))
        .route("/read", post(read))
        .route("/refuse", post(async || (StatusCode::PAYLOAD_TOO_LARGE, "too large")));
    let mut settings = Config::read(Layers::defaults()).unwrap().server;
    settings.header_timeout = SHORT;
    settings.body_idle_timeout = SHORT;
    settings.shutdown_grace = SHORT * 5;
    settings.max_connections = 3;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let server = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { serve(listener, routes, &settings, (Clock::system(), Random::system()), shutdown).await }
    });
    Running { address, shutdown, server, begun, finish }
}

impl Running {
    async fn send(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    async fn ends(self) {
        timeout(LONG, self.server).await.unwrap().unwrap().unwrap();
    }
}

/// Everything up to the end of the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    timeout(LONG, stream.read_to_end(&mut text)).await.expect("the connection should end").unwrap();
    String::from_utf8(text).unwrap()
}

/// One answer with this body, on a connection that stays.
async fn answer(stream: &mut TcpStream, body: &str) {
    let mut text = Vec::new();
    while !text.ends_with(body.as_bytes()) {
        assert_ne!(timeout(LONG, stream.read_buf(&mut text)).await.unwrap().unwrap(), 0, "{text:?}");
    }
}

const HELLO: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test]
async fn who_says_nothing_is_let_go_and_who_says_too_little_is_told() {
    let server = start().await;
    assert_eq!(rest(&mut server.send("").await).await, "");
    for beginning in ["G", "GET / HTTP/1.1\r\nHost: x\r\n", "\r\n"] {
        let text = rest(&mut server.send(beginning).await).await;
        assert!(text.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{beginning:?}: {text}");
    }
}

#[tokio::test]
async fn a_connection_may_rest_between_requests_for_longer_than_a_head_may_take() {
    let server = start().await;
    let mut stream = server.send(HELLO).await;
    answer(&mut stream, "hello").await;
    sleep(SHORT * 3).await;
    stream.write_all(HELLO.as_bytes()).await.unwrap();
    answer(&mut stream, "hello").await;
    // Once it has begun, the second head has to come as fast as the first.
    stream.write_all(b"GET").await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 408"));
}

#[tokio::test]
async fn a_body_that_stands_still_is_answered_with_408() {
    let server = start().await;
    let mut stream = server.send("POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf").await;
    let text = rest(&mut stream).await;
    assert!(text.starts_with("HTTP/1.1 408"), "{text}");
}

#[tokio::test]
async fn a_client_that_reads_only_after_sending_all_sees_an_early_answer() {
    let server = start().await;
    let mut stream = server.send("POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 33554432\r\n\r\n").await;
    let chunk = vec![0; 1 << 20];
    for _ in 0..32 {
        timeout(LONG, stream.write_all(&chunk)).await.unwrap().unwrap();
    }
    let text = rest(&mut stream).await;
    assert!(text.starts_with("HTTP/1.1 413"), "{text}");
    assert!(text.contains("connection: close"), "{text}");
    assert!(text.ends_with("too large"), "{text}");
}

#[tokio::test]
async fn who_asks_first_is_not_told_to_go_on_when_refused() {
    let server = start().await;
    let head = "POST /refuse HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n";
    let text = rest(&mut server.send(head).await).await;
    assert!(text.starts_with("HTTP/1.1 413"), "{text}");
}

#[tokio::test]
async fn a_connection_over_the_limit_waits_for_its_turn() {
    let mut server = start().await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(server.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await);
        server.begun.recv().await.unwrap();
    }
    let mut fourth = server.send(HELLO).await;
    assert!(timeout(SHORT * 3, fourth.read_u8()).await.is_err());
    server.finish.send(()).await.unwrap();
    answer(&mut fourth, "hello").await;
}

#[tokio::test]
async fn when_there_is_no_room_those_idle_for_longest_leave() {
    let mut server = start().await;
    let mut running = server.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
    server.begun.recv().await.unwrap();
    let mut idle = Vec::new();
    for _ in 0..2 {
        let mut stream = server.send(HELLO).await;
        answer(&mut stream, "hello").await;
        idle.push(stream);
    }
    let mut fourth = server.send(HELLO).await;
    answer(&mut fourth, "hello").await;
    assert_eq!(rest(&mut idle[0]).await, "");
    idle[1].write_all(HELLO.as_bytes()).await.unwrap();
    answer(&mut idle[1], "hello").await;
    server.finish.send(()).await.unwrap();
    answer(&mut running, "done").await;
}

#[tokio::test]
async fn a_shutdown_lets_requests_finish_and_sends_the_idle_home() {
    let mut server = start().await;
    let mut idle = server.send(HELLO).await;
    answer(&mut idle, "hello").await;
    let mut slow = server.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
    server.begun.recv().await.unwrap();
    server.shutdown.begin();
    assert_eq!(rest(&mut idle).await, "");
    let refused = async {
        while TcpStream::connect(server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, refused).await.expect("new connections should be refused");
    server.finish.send(()).await.unwrap();
    assert!(rest(&mut slow).await.ends_with("done"));
    server.ends().await;
}

#[tokio::test]
async fn what_does_not_finish_within_the_grace_is_cut_off() {
    let mut server = start().await;
    let mut slow = server.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
    server.begun.recv().await.unwrap();
    server.shutdown.begin();
    assert_eq!(rest(&mut slow).await, "");
    server.ends().await;
}
