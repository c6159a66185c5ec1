//! What goes through the pipes between this process and one that renders.
//!
//! Each message is the length of a header (four bytes, little-endian), the header (JSON), and the bytes that it
//! announces: the source behind a [`Job`], the thumbnails in their order behind an [`Answer::Rendered`]. There is one
//! answer to a job, and no job before the last one's answer.

use std::io::{self, Read};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use strongroom_render::RenderLimits;

/// The most bytes a header has.
pub(super) const MAX_HEADER: u32 = 64 << 10;

/// An image to be rendered.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    /// How large it may be.
    pub limits: RenderLimits,
    /// How many bytes it has; they follow.
    pub length: u64,
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(super) enum Answer {
    /// The thumbnails, whose bytes follow.
    Rendered { width: u32, height: u32, thumbhash: String, thumbnails: Vec<Announced> },
    /// The image can never be rendered: for people.
    Damaged { reason: String },
    /// The attempt failed: for the log.
    Failed { what: String },
}

/// A thumbnail whose bytes follow.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Announced {
    pub width: u32,
    pub height: u32,
    /// How many bytes it has.
    pub length: usize,
}

/// The header of a message, with its length in front.
pub(super) fn header(header: &impl Serialize) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(header)?;
    let length = u32::try_from(json.len()).ok().filter(|length| *length <= MAX_HEADER).ok_or_else(too_long)?;
    Ok([length.to_le_bytes().as_slice(), &json].concat())
}

/// How long the header is that these four bytes announce.
pub(super) fn header_length(prefix: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(prefix);
    if length > MAX_HEADER {
        return Err(too_long());
    }
    usize::try_from(length).map_err(io::Error::other)
}

/// Reads a header, waiting for it. `None` when the messages have ended.
pub(super) fn read_header<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut prefix = [0; 4];
    match from.read_exact(&mut prefix) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let mut json = vec![0; header_length(prefix)?];
    from.read_exact(&mut json)?;
    Ok(Some(serde_json::from_slice(&json)?))
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the header is too long")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_as_it_was_written() {
        let written = header(&Job { limits: RenderLimits::default(), length: 7 }).unwrap();
        let mut pipe = written.as_slice();
        let job: Job = read_header(&mut pipe).unwrap().unwrap();
        assert_eq!((job.limits, job.length), (RenderLimits::default(), 7));
        assert!(read_header::<Job>(&mut pipe).unwrap().is_none());
    }

    #[test]
    fn a_header_that_claims_to_be_endless_is_refused() {
        assert!(read_header::<Job>(&mut [0xff; 8].as_slice()).is_err());
    }
}
