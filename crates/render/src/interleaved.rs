//! Pictures with interleaved samples, decoded straight to about the size that is needed.
//!
//! Every format but those with a scaled decoder of their own (JPEG, lossy WebP). Rows are averaged away as they are
//! decoded, so that the whole picture need not be in memory where its format can be read row by row.

use super::{Format, RenderError, RenderLimits};

/// A picture decoded to at least the size that is needed, shrunken by a whole factor; 8 bits a sample.
pub(crate) struct Interleaved {
    /// In pixels, as stored: not turned upright.
    pub width: u32,
    /// In pixels, as stored: not turned upright.
    pub height: u32,
    /// 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
    pub channels: u8,
    /// Row by row, from the top.
    pub samples: Vec<u8>,
    /// Whether any pixel is less than opaque; then the colours are premultiplied by alpha, and there is a channel of it.
    pub transparent: bool,
    /// Whether everything was there. What is missing is shown as browsers show it.
    pub complete: bool,
}

/// What the header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meta {
    /// Of the image as stored, in pixels.
    pub width: u32,
    /// Of the image as stored, in pixels.
    pub height: u32,
    /// What EXIF says, 1 to 8.
    pub orientation: u8,
    /// The embedded colour profile.
    pub icc: Option<Vec<u8>>,
    /// Whether it has no colour.
    pub is_grey: bool,
}

/// An image whose header has been read and is within the limits. Nothing is allocated in proportion to its size.
pub(crate) struct Opened<'a> {
    meta: Meta,
    bytes: &'a [u8],
}

/// Reads the header and checks it against the limits.
pub(crate) fn open<'a>(bytes: &'a [u8], format: Format, limits: &RenderLimits) -> Result<Opened<'a>, RenderError> {
    let _ = (format, limits);
    Ok(Opened { meta: Meta { width: 0, height: 0, orientation: 1, icc: None, is_grey: false }, bytes })
}

impl Opened<'_> {
    /// What the header says.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// How many bytes [`Self::decode`] takes at the most, with what it returns: an estimate from above.
    pub fn memory(&self, min_width: u32) -> u64 {
        let _ = min_width;
        0
    }

    /// Decodes the first frame, shrunken by the largest whole factor that leaves it at least `min_width` wide.
    pub fn decode(self, min_width: u32) -> Result<Interleaved, RenderError> {
        let _ = (min_width, self.bytes);
        Err(RenderError::Failed("not there yet".to_owned()))
    }
}
