//! HTTP/1.1 by hand, for requests that no client library would send, and as a blocking client has it: everything is
//! written before anything is read.

use std::{io, net::SocketAddr};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// No answer of the server to bad input is longer.
const LONGEST: usize = 1 << 20;
/// How much is read at once.
const CHUNK: usize = 16 << 10;

/// One connection.
pub struct Connection {
    pub stream: TcpStream,
    read: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
    /// Whether another request may follow.
    pub stays: bool,
}

impl Response {
    /// The value of the header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// A request: its first line without the version, header lines beside `Host`, the body. `Content-Length` is added
/// unless there is one, or a `Transfer-Encoding`.
pub fn request(line: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut head = format!("{line} HTTP/1.1\r\nHost: strongroom.test\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let is_framed = headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding"));
    if !is_framed && (!body.is_empty() || line.starts_with("POST")) {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

/// A body in chunks of this size.
pub fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut text = Vec::new();
    for chunk in body.chunks(size) {
        text.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        text.extend_from_slice(chunk);
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"0\r\n\r\n");
    text
}

impl Connection {
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::new() })
    }

    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Exactly so many bytes.
    pub async fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.read.len() < count {
            self.fill().await?;
        }
        Ok(self.read.drain(..count).collect())
    }

    /// The next answer that is not an interim one (1xx), but for the one that switches protocols.
    pub async fn answer(&mut self, to_head: bool) -> io::Result<Response> {
        loop {
            let response = self.any_answer(to_head).await?;
            if !(100..200).contains(&response.status) || response.status == 101 {
                return Ok(response);
            }
        }
    }

    async fn any_answer(&mut self, to_head: bool) -> io::Result<Response> {
        let end = self.find(b"\r\n\r\n").await?;
        let head = String::from_utf8_lossy(&self.take(end + 4).await?).into_owned();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
        let status: u16 = status.ok_or_else(|| io::Error::other(format!("no status: {head}")))?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut response = Response { status, headers, body: String::new(), stays: true };
        response.stays = response.header("connection") != "close";
        let is_bare = to_head || status < 200 || status == 204 || status == 304;
        let body = if is_bare {
            Vec::new()
        } else if response.header("transfer-encoding") == "chunked" {
            self.chunks().await?
        } else if let Ok(length) = response.header("content-length").parse() {
            self.take(length).await?
        } else {
            response.stays = false;
            self.rest().await?
        };
        response.body = String::from_utf8_lossy(&body).into_owned();
        Ok(response)
    }

    async fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = self.find(b"\r\n").await?;
            let line = self.take(end + 2).await?;
            let size = std::str::from_utf8(&line).ok().and_then(|line| usize::from_str_radix(line.trim(), 16).ok());
            let size = size.ok_or_else(|| io::Error::other("no size of a chunk"))?;
            body.extend(self.take(size + 2).await?);
            body.truncate(body.len() - 2);
            if size == 0 {
                return Ok(body);
            }
        }
    }

    /// Everything up to the end of the connection.
    pub async fn rest(&mut self) -> io::Result<Vec<u8>> {
        while self.read.len() < LONGEST {
            self.read.reserve(CHUNK);
            if self.stream.read_buf(&mut self.read).await? == 0 {
                break;
            }
        }
        Ok(std::mem::take(&mut self.read))
    }

    async fn find(&mut self, wanted: &[u8]) -> io::Result<usize> {
        loop {
            if let Some(at) = self.read.windows(wanted.len()).position(|window| window == wanted) {
                return Ok(at);
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> io::Result<()> {
        if self.read.len() > LONGEST {
            return Err(io::Error::other("a very long answer"));
        }
        self.read.reserve(CHUNK);
        if self.stream.read_buf(&mut self.read).await? == 0 {
            let end = format!("the connection ended after {:?}", String::from_utf8_lossy(&self.read));
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, end));
        }
        Ok(())
    }
}
