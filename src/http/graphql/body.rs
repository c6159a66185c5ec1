//! Small bodies, and parts of bodies, that are read as a whole.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use crate::{
    error::Result as Answer,
    http::{
        memory::{Budget, FREE, Reserved},
        request::Problem,
    },
};

/// In what steps memory is asked for.
const STEP: usize = 64 * 1024;

/// How long a small body may take as a whole: it is held in memory for as long.
const WHOLE: Duration = Duration::from_secs(60);

/// What the client says the body takes, in bytes.
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Bytes that are gathered up to a limit. What they take of memory is counted as they come, from the moment they are many.
#[derive(Debug)]
pub struct Buffer<'m> {
    read: BytesMut,
    limit: usize,
    memory: &'m Budget,
    reserved: Vec<Reserved>,
    /// For how many bytes there is room.
    room: usize,
}

impl<'m> Buffer<'m> {
    /// An empty one, of at most so many bytes.
    #[must_use]
    pub fn new(limit: usize, memory: &'m Budget) -> Self {
        Self { read: BytesMut::new(), limit, memory, reserved: Vec::new(), room: FREE }
    }

    /// Adds bytes; `false` if they would be too many.
    pub async fn add(&mut self, bytes: &[u8]) -> Answer<bool> {
        let length = self.read.len() + bytes.len();
        if length > self.limit {
            return Ok(false);
        }
        if length > self.room {
            let more = (length - self.room).next_multiple_of(STEP);
            self.reserved.push(self.memory.reserve(more).await?);
            self.room += more;
        }
        self.read.extend_from_slice(bytes);
        Ok(true)
    }
}

impl AsRef<[u8]> for Buffer<'_> {
    fn as_ref(&self) -> &[u8] {
        &self.read
    }
}

/// Reads a small body.
pub async fn read(
    mut body: Body,
    announced: Option<u64>,
    limit: usize,
    memory: &Budget,
) -> Result<Buffer<'_>, Problem> {
    let too_large = || {
        let message = format!("The body of a GraphQL request may take at most {limit} bytes.");
        Problem::refused(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    if announced.is_some_and(|bytes| bytes > limit as u64) {
        return Err(too_large());
    }
    let gather = async {
        let mut buffer = Buffer::new(limit, memory);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Problem::body(&error))?;
            let bytes = frame.data_ref().map_or(&[][..], Bytes::as_ref);
            if !buffer.add(bytes).await? {
                return Err(too_large());
            }
        }
        Ok(buffer)
    };
    timeout(WHOLE, gather).await.unwrap_or_else(|_| Err(Problem::late_body()))
}
