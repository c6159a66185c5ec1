//! What goes through the pipes between this process and one that renders.
//!
//! Each message is the length of a header (four bytes, little-endian), the header (JSON), and the bytes that it
//! announces: the source behind an [`Order::Render`], the thumbnails in their order behind an [`Answer::Rendered`].
//!
//! The process that renders begins with a [`Hello`]. A job goes like this: [`Order::Render`]; [`Answer::Needs`], once the
//! image's header has been read; [`Order::Go`], once there is that much memory; [`Answer::Rendered`]. Any other answer
//! ends a job early. There is no job before the last one has ended.

use std::io::{self, Read};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use strongroom_render::RenderLimits;

/// The most bytes a header has.
pub(super) const MAX_HEADER: u32 = 64 << 10;

/// Why an image is refused that needs more memory than a process may take: for people.
pub(super) const TOO_MUCH_MEMORY: &str = "The image needs more memory to scale than this server allows.";

/// A process is ready to render.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Hello {
    /// What it is shut in by.
    pub confined_by: Vec<String>,
    /// What it should be shut in by and is not, and why.
    pub missing: Vec<String>,
}

/// What a process is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub(super) enum Order {
    /// Open an image.
    Render(Job),
    /// Render it: there is memory for it.
    Go,
}

/// An image to be rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The image is open. Rendering takes at most so many bytes of memory beyond the source's.
    Needs { bytes: u64 },
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
        let orders = [Order::Render(Job { limits: RenderLimits::default(), length: 7 }), Order::Go];
        let written = orders.map(|order| header(&order).unwrap()).concat();
        let mut pipe = written.as_slice();
        let mut read = || read_header::<Order>(&mut pipe).unwrap();
        assert_eq!([read(), read(), read()], [Some(orders[0]), Some(orders[1]), None]);
    }

    #[test]
    fn a_header_that_claims_to_be_endless_is_refused() {
        assert!(read_header::<Order>(&mut [0xff; 8].as_slice()).is_err());
    }
}
