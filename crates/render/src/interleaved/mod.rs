//! Pictures with interleaved samples, decoded straight to about the size that is needed.
//!
//! Every format but those with a scaled decoder of their own (JPEG, lossy WebP). Rows are averaged away as they are
//! decoded, so that the whole picture need not be in memory where its format can be read row by row.

mod buffered;
mod gif;
mod png;
mod shrink;
#[cfg(test)]
mod tests;
mod tiff;

use image::metadata::Orientation;

use super::{Format, RenderError, RenderLimits, decode, ico};
use gif::Gif;
use png::Png;
use tiff::Tiff;

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
    /// Whether there is a channel of alpha: any pixel is less than opaque. Then the colours are premultiplied by it.
    pub transparent: bool,
    /// Whether everything was there. What is missing is shown as browsers show it.
    #[cfg_attr(not(test), expect(dead_code, reason = "what is missing is transparent already"))]
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
    source: Source<'a>,
}

enum Source<'a> {
    Png(Png<'a>),
    Gif(Gif<'a>),
    Tiff(Tiff<'a>),
    Buffered(decode::Opened<'a>),
}

/// Reads the header and checks it against the limits.
pub(crate) fn open<'a>(bytes: &'a [u8], format: Format, limits: &RenderLimits) -> Result<Opened<'a>, RenderError> {
    let png = match format {
        Format::Png => Some(bytes),
        Format::Ico => ico::embedded_png(bytes),
        _ => None,
    };
    let (source, meta) = if let Some(png) = png {
        let (png, meta) = Png::open(png, limits)?;
        (Source::Png(png), meta)
    } else if format == Format::Gif {
        let (gif, meta) = Gif::open(bytes, limits)?;
        (Source::Gif(gif), meta)
    } else if format == Format::Tiff {
        let (tiff, meta) = Tiff::open(bytes, limits)?;
        (Source::Tiff(tiff), meta)
    } else {
        let mut opened = decode::open(format, bytes, limits)?;
        let meta = opened.meta();
        (Source::Buffered(opened), meta)
    };
    Ok(Opened { meta, source })
}

impl Opened<'_> {
    /// What the header says.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// How many bytes [`Self::decode`] takes at the most, with what it returns: an estimate from above.
    pub fn memory(&self, min_width: u32) -> u64 {
        let icc = self.meta.icc.as_ref().map_or(0, Vec::len) as u64;
        icc + match &self.source {
            Source::Png(png) => png.memory(min_width),
            Source::Gif(gif) => gif.memory(min_width),
            Source::Tiff(tiff) => tiff.memory(min_width),
            Source::Buffered(opened) => opened.memory() + buffered::memory(opened, min_width),
        }
    }

    /// Decodes the first frame, shrunken by the largest whole factor that leaves it at least `min_width` wide.
    pub fn decode(self, min_width: u32) -> Result<Interleaved, RenderError> {
        match self.source {
            Source::Png(png) => png.decode(min_width),
            Source::Gif(gif) => gif.decode(min_width),
            Source::Tiff(tiff) => tiff.decode(min_width),
            Source::Buffered(opened) => buffered::shrink(&opened.decode()?, min_width),
        }
    }
}

/// The orientation in EXIF data, 1 when there is none.
fn orientation(exif: &[u8]) -> u8 {
    // Some writers keep the prefix that belongs to JPEG.
    Orientation::from_exif_chunk(exif.strip_prefix(b"Exif\0\0").unwrap_or(exif)).map_or(1, Orientation::to_exif)
}
