//! The end of a connection whose client may not be listening yet: it gets to see why.
//!
//! A connection that is closed on unread bytes is reset, and the reset overtakes the answer. So our side ends first, and
//! for a moment what the client still sends is read and forgotten.

use std::{net::SocketAddr, time::Duration};

use http_body_util::BodyExt as _;
use jiff::fmt::rfc2822::DateTimePrinter;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    http::request::{JSON, Problem},
    model::{Clock, Random},
};

/// How long the rest of what a client sends is read.
const LINGER: Duration = Duration::from_secs(2);

/// How much of it. Beyond, the connection is only held open.
const LINGER_BYTES: usize = 64 << 20;

/// Where last words get their date and their name from.
#[derive(Debug, Clone)]
pub struct Farewell {
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
}

impl Farewell {
    /// Says this, if there is something to say, ends our side, and waits for the client to end its own.
    pub async fn say(self, mut stream: TcpStream, peer: SocketAddr, words: Option<Problem>) {
        let goodbye = async {
            if let Some(problem) = words {
                stream.write_all(&self.text(problem, peer).await).await?;
            }
            stream.shutdown().await?;
            let (mut rest, mut total) = ([0; 8 << 10], 0);
            loop {
                match stream.read(&mut rest).await? {
                    0 => return Ok(()),
                    bytes => total += bytes,
                }
                if total > LINGER_BYTES {
                    std::future::pending::<()>().await;
                }
            }
        };
        // A client that is gone cannot be told anything.
        let _: Result<Result<(), std::io::Error>, _> = timeout(LINGER, goodbye).await;
    }

    /// A whole HTTP/1.1 answer, the last of its connection.
    async fn text(&self, problem: Problem, peer: SocketAddr) -> Vec<u8> {
        let id = self.random.uuid().simple().to_string();
        let (head, body) = problem.answer(&id, JSON).into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        tracing::info!(request_id = id, status = head.status.as_u16(), %peer, "refused the head of a request");
        let mut text = format!("HTTP/1.1 {}\r\n", head.status).into_bytes();
        let mut line = |name: &str, value: &[u8]| {
            for piece in [name.as_bytes(), b": ", value, b"\r\n"] {
                text.extend_from_slice(piece);
            }
        };
        for (name, value) in &head.headers {
            line(name.as_str(), value.as_bytes());
        }
        line("x-request-id", id.as_bytes());
        line("content-length", body.len().to_string().as_bytes());
        line("connection", b"close");
        let now = jiff::Timestamp::from_millisecond(self.clock.now().0).ok();
        if let Some(date) = now.and_then(|now| DateTimePrinter::new().timestamp_to_rfc9110_string(&now).ok()) {
            line("date", date.as_bytes());
        }
        text.extend_from_slice(b"\r\n");
        text.extend_from_slice(&body);
        text
    }
}
