//! Bytes in, thumbnails out: a pure function, without I/O, clock or configuration of its own.
//!
//! Whatever costs time or memory in proportion to the source happens once, in the source's own pixel format: decoding
//! and shrinking to the largest thumbnail. Orientation, colour and the smaller sizes work on that.

mod color;
mod decode;
mod encode;
mod format;
mod ico;
#[allow(dead_code)]
mod interleaved;
mod scale;
mod webp;

use image::metadata::Orientation;
use serde::{Deserialize, Serialize};

pub use format::{Format, sniff};

/// The most pixels that a side of a WebP image can have; a side may never be longer, whatever the limits say.
const MAX_SIDE: u32 = 16_384;

/// How large an image may be. Checked against its header, before anything is allocated for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderLimits {
    /// Width times height.
    pub max_pixels: u64,
    /// Of the longer side, in pixels. More than 16,384 counts as 16,384.
    pub max_side: u32,
}

impl Default for RenderLimits {
    fn default() -> Self {
        Self { max_pixels: 64_000_000, max_side: MAX_SIDE }
    }
}

/// An image's thumbnails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Of the image itself, in pixels, after orientation.
    pub width: u32,
    /// Of the image itself, in pixels, after orientation.
    pub height: u32,
    /// A `ThumbHash` in standard base64.
    pub thumbhash: String,
    /// One for each width that was asked for, in that order.
    pub thumbnails: Vec<Encoded>,
}

/// One encoded thumbnail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// JPEG, or WebP where the image has transparent pixels.
    pub format: Format,
    /// The file.
    pub bytes: Vec<u8>,
}

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

/// An image whose header has been read, and found to be within the limits.
pub struct Image<'a> {
    source: decode::Opened<'a>,
}

impl<'a> Image<'a> {
    /// Reads the header. Nothing is allocated in proportion to what it claims.
    pub fn open(bytes: &'a [u8], limits: &RenderLimits) -> Result<Self, RenderError> {
        Ok(Self { source: decode::open(bytes, limits)? })
    }

    /// How many bytes of memory [`Image::render`] takes at the most, beyond the file itself: an estimate from above.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.source.memory()
    }

    /// Makes the thumbnails: one for each of these widths in pixels, which ascend.
    ///
    /// They show the first frame, upright (all 8 orientations of EXIF), in sRGB, in its proportions, never larger than
    /// it is, and carry no metadata.
    pub fn render(self, widths: &[u32]) -> Result<Rendered, RenderError> {
        let mut source = self.source.decode()?;
        let transparent = source.has_transparent_pixels();
        let sideways = matches!(
            source.orientation,
            Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
        );
        let swap = |(width, height)| if sideways { (height, width) } else { (width, height) };
        let (width, height) = swap((source.width, source.height));

        let largest = scale::fit(width, height, widths.iter().copied().max().unwrap_or(1));
        let mut picture = scale::shrink(&mut source, swap(largest), transparent)?;
        let decode::Source { orientation, icc, is_grey, .. } = source;
        picture = scale::orient(picture, orientation);
        if let Some(profile) = icc {
            color::to_srgb(&mut picture, &profile, is_grey);
        }

        let mut thumbnails: Vec<Encoded> = Vec::with_capacity(widths.len());
        for max_width in widths.iter().rev() {
            let fitting = scale::fit(width, height, *max_width);
            let thumbnail = match thumbnails.last() {
                Some(larger) if (larger.width, larger.height) == fitting => larger.clone(),
                _ => {
                    if picture.dimensions() != fitting {
                        picture = scale::rescale(&picture, fitting, transparent)?;
                    }
                    encode::thumbnail(&picture, transparent)?
                }
            };
            thumbnails.push(thumbnail);
        }
        thumbnails.reverse();

        let thumbhash = encode::thumbhash(&picture, transparent)?;
        Ok(Rendered { width, height, thumbhash, thumbnails })
    }
}

/// Opens an image and renders it: see [`Image`].
pub fn render(bytes: &[u8], limits: &RenderLimits, widths: &[u32]) -> Result<Rendered, RenderError> {
    Image::open(bytes, limits)?.render(widths)
}
