//! Small bodies, and parts of bodies, that are read as a whole.

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;

use crate::{
    error::Result as Answer,
    http::{
        memory::{Budget, FREE, Reserved},
        request::Problem,
    },
};

/// What the client says the body takes, in bytes.
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Bytes that are gathered up to a limit. What they may take of memory is counted from the moment they are many.
#[derive(Debug)]
pub struct Buffer<'m> {
    read: BytesMut,
    limit: usize,
    memory: &'m Budget,
    reserved: Option<Reserved>,
}

impl<'m> Buffer<'m> {
    /// An empty one, of at most so many bytes.
    #[must_use]
    pub fn new(limit: usize, memory: &'m Budget) -> Self {
        Self { read: BytesMut::new(), limit, memory, reserved: None }
    }

    /// Makes room for so many bytes, where that is known before they come.
    pub async fn expect(&mut self, bytes: usize) -> Answer<()> {
        self.reserved = Some(self.memory.reserve(bytes.min(self.limit)).await?);
        Ok(())
    }

    /// Adds bytes; `false` if they would be too many.
    pub async fn add(&mut self, bytes: &[u8]) -> Answer<bool> {
        let length = self.read.len() + bytes.len();
        if length > self.limit {
            return Ok(false);
        }
        if length > FREE && self.reserved.is_none() {
            self.expect(self.limit).await?;
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
    let mut buffer = Buffer::new(limit, memory);
    if let Some(announced) = announced {
        let announced = usize::try_from(announced).ok().filter(|announced| *announced <= limit);
        buffer.expect(announced.ok_or_else(too_large)?).await?;
    }
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Problem::body(&error))?;
        let bytes = frame.data_ref().map_or(&[][..], Bytes::as_ref);
        if !buffer.add(bytes).await? {
            return Err(too_large());
        }
    }
    Ok(buffer)
}
