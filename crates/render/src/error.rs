//! Why there are no thumbnails, in sentences for people and without a decoder's own words.

use std::error::Error;

use super::Format;

/// Why there are no thumbnails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The bytes are no image that can be decoded, and never will be. A sentence for people.
    #[error("{0}")]
    Damaged(String),
    /// The image is beyond the limits. A sentence for people.
    #[error("{0}")]
    TooLarge(String),
    /// Rendering failed, maybe for no fault of the image: memory ran out. For the log.
    #[error("{0}")]
    Failed(String),
}

impl RenderError {
    /// An attempt that failed for this reason.
    pub(crate) fn failed(why: impl Into<Box<dyn Error>>) -> Self {
        Self::Failed(why.into().to_string())
    }
}

pub(crate) fn too_much_memory() -> RenderError {
    RenderError::TooLarge("The image needs more memory than there is for one.".to_owned())
}

pub(crate) fn ends_too_early() -> RenderError {
    RenderError::Damaged("The image is damaged: its data ends too early.".to_owned())
}

/// The bytes of an image in this format are none that can be decoded.
pub(crate) fn damaged(format: Format, bytes: &[u8]) -> RenderError {
    if format.is_cut(bytes) { ends_too_early() } else { cannot_be_decoded() }
}

pub(crate) fn cannot_be_decoded() -> RenderError {
    RenderError::Damaged("The image is damaged: it cannot be decoded.".to_owned())
}

pub(crate) fn no_memory() -> RenderError {
    RenderError::failed("no memory for the picture")
}
