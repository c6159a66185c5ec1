//! Bytes in, thumbnails out: a pure function, without I/O, clock or configuration of its own.
//!
//! Whatever costs time or memory in proportion to the source happens once: decoding, no larger than the largest thumbnail
//! needs. What is decoded is scaled to that thumbnail, turned upright and brought to sRGB, and each smaller thumbnail is
//! made of the next larger one. `source` chooses the decoder; JPEG and lossy WebP keep luma and chroma apart all the way
//! (`components`, `planar`), the other formats come as pixels (`interleaved`).

mod color;
mod components;
mod decode;
mod encode;
mod error;
mod filter;
mod format;
mod ico;
mod interleaved;
mod jpeg;
mod limits;
mod lossy_webp;
mod orientation;
mod picture;
mod planar;
mod scale;
mod source;
mod webp;

use fast_image_resize::Resizer;

pub use error::RenderError;
pub use format::{Format, sniff};
pub use limits::RenderLimits;

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

/// An image whose header has been read, and found to be within the limits.
pub struct Image<'a> {
    source: source::Source<'a>,
}

impl<'a> Image<'a> {
    /// Reads the header. Nothing is allocated in proportion to what it claims.
    pub fn open(bytes: &'a [u8], limits: &RenderLimits) -> Result<Self, RenderError> {
        Ok(Self { source: source::open(bytes, limits)? })
    }

    /// How many bytes of memory [`Image::render`] takes at the most for these widths, beyond the file itself: an estimate
    /// from above.
    #[must_use]
    pub fn memory(&self, widths: &[u32]) -> u64 {
        let (width, height) = self.largest(widths);
        // The largest thumbnail and its successor, in several guises, and what every image takes.
        let thumbnails = 32 * u64::from(width) * u64::from(height);
        self.source.memory((width, height)).saturating_add(thumbnails).saturating_add(2 << 20)
    }

    /// Makes the thumbnails: one for each of these widths in pixels, which ascend.
    ///
    /// They show the first frame, upright (all 8 orientations of EXIF), in sRGB, in its proportions, never larger than
    /// it is, and carry no metadata.
    pub fn render(self, widths: &[u32]) -> Result<Rendered, RenderError> {
        let mut resizer = Resizer::new();
        let (width, height) = self.source.orientation().turn(self.source.size());
        let largest = self.largest(widths);
        let mut picture = self.source.picture(largest, &mut resizer)?;

        let mut thumbnails: Vec<Encoded> = Vec::with_capacity(widths.len());
        for max_width in widths.iter().rev() {
            let fitting = scale::fit(width, height, *max_width);
            let thumbnail = match thumbnails.last() {
                Some(larger) if (larger.width, larger.height) == fitting => larger.clone(),
                _ => {
                    if picture.size() != fitting {
                        picture = picture.rescale(fitting, &mut resizer)?;
                    }
                    encode::thumbnail(&picture)?
                }
            };
            thumbnails.push(thumbnail);
        }
        thumbnails.reverse();

        let thumbhash = encode::thumbhash(&picture, &mut resizer)?;
        Ok(Rendered { width, height, thumbhash, thumbnails })
    }

    /// The size of the largest thumbnail, as the image is stored.
    fn largest(&self, widths: &[u32]) -> (u32, u32) {
        let orientation = self.source.orientation();
        let (width, height) = orientation.turn(self.source.size());
        orientation.turn(scale::fit(width, height, widths.iter().copied().max().unwrap_or(1)))
    }
}

/// Opens an image and renders it: see [`Image`].
pub fn render(bytes: &[u8], limits: &RenderLimits, widths: &[u32]) -> Result<Rendered, RenderError> {
    Image::open(bytes, limits)?.render(widths)
}
