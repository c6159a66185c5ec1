//! Why a file cannot be decoded.

use std::fmt;

/// Why a file cannot be decoded. The texts are for logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The file breaks the rules of its format in a way that leaves nothing to show.
    Damaged(&'static str),
    /// The file is in order, as far as it was read, but of a kind that this crate does not decode.
    Unsupported(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(what) => write!(f, "damaged JPEG: {what}"),
            Self::Unsupported(what) => write!(f, "JPEG of a kind that is not supported: {what}"),
        }
    }
}

impl std::error::Error for Error {}
