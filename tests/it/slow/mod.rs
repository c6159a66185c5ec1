//! Clients that HTTP libraries do not make: malformed heads, slow ones, too many of them.

mod clients;
mod heads;

use std::time::Duration;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::support::app::PATIENCE;

/// The promise is one second, with a threefold margin.
const PROMPT: Duration = Duration::from_secs(3);

/// A request that is always answered.
const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

/// One answer: its status, its head in lower case, its body.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_default().trim()
    }

    /// An error of GraphQL's shape that names the request, on a connection that ends with it.
    fn is_readable_refusal(&self) {
        assert!(self.header("content-type").starts_with("application/json"), "{self:?}");
        assert_eq!(self.header("connection"), "close", "{self:?}");
        let body: Value = serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        let error = &body["errors"][0];
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
        assert_eq!(error["extensions"]["code"], "BAD_REQUEST", "{body}");
        assert_eq!(error["extensions"]["requestId"], self.header("x-request-id"), "{body}");
        assert_eq!(self.header("x-request-id").len(), 32, "{self:?}");
    }
}

/// Every answer in what a connection brought.
fn answers(mut text: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !text.is_empty() {
        let end = text.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head: {}", String::from_utf8_lossy(text))) + 4;
        let head = String::from_utf8_lossy(&text[..end]).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut answer =
            Answer { status: status.unwrap_or_else(|| panic!("no status: {head}")), head, body: String::new() };
        let length: usize = answer.header("content-length").parse().unwrap_or(0);
        assert!(text.len() >= end + length, "cut short: {answer:?}");
        answer.body = String::from_utf8_lossy(&text[end..end + length]).into_owned();
        text = &text[end + length..];
        answers.push(answer);
    }
    answers
}

async fn connect(url: &str) -> TcpStream {
    TcpStream::connect(url.trim_start_matches("http://")).await.unwrap()
}

/// What the server says until it ends the connection. Fails if it resets it instead.
async fn rest(stream: &mut TcpStream) -> Vec<Answer> {
    let mut text = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut text)).await.expect("the connection should end").unwrap();
    answers(&text)
}

/// Sends all of it, and only then reads.
async fn exchange(url: &str, text: &[u8]) -> Vec<Answer> {
    let mut stream = connect(url).await;
    timeout(PATIENCE, stream.write_all(text)).await.expect("the server should read on").unwrap();
    rest(&mut stream).await
}

/// One answer on a connection that stays.
async fn one(stream: &mut TcpStream) -> Answer {
    let mut text = Vec::new();
    loop {
        let read = timeout(PATIENCE, stream.read_buf(&mut text)).await.expect("an answer should come").unwrap();
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&text));
        let end = text.windows(4).position(|window| window == b"\r\n\r\n");
        let head = end.map(|end| String::from_utf8_lossy(&text[..end]).to_lowercase());
        let length = head.and_then(|head| head.split("content-length: ").nth(1)?.lines().next()?.parse::<usize>().ok());
        if let (Some(end), Some(length)) = (end, length)
            && text.len() >= end + 4 + length
        {
            return answers(&text).remove(0);
        }
    }
}
