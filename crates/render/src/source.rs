//! The source: which decoder an image goes to.

use fast_image_resize::Resizer;

use super::interleaved::{self, Opened};
use super::jpeg::{self, Jpeg};
use super::lossy_webp::{self, LossyWebP};
use super::orientation::Orientation;
use super::picture::Picture;
use super::{Format, RenderError, RenderLimits, sniff};

/// How much larger than the largest thumbnail a picture is at the least when it is handed to Lanczos.
const MARGIN: f64 = 2.0;

/// An image whose header has been read, with the decoder for it.
pub(crate) enum Source<'a> {
    Jpeg(Jpeg<'a>),
    LossyWebP(LossyWebP<'a>),
    /// Everything else.
    Interleaved(Opened<'a>),
}

/// Reads the header and checks it against the limits. Which decoder is for the image is decided here, not by trying.
pub(crate) fn open<'a>(bytes: &'a [u8], limits: &RenderLimits) -> Result<Source<'a>, RenderError> {
    let format =
        sniff(bytes).ok_or_else(|| RenderError::Damaged("The file is no image that can be scaled.".to_owned()))?;
    let own = match format {
        Format::Jpeg => jpeg::open(bytes)?.map(Source::Jpeg),
        Format::WebP => lossy_webp::open(bytes)?.map(Source::LossyWebP),
        _ => None,
    };
    match own {
        Some(source) => {
            let (width, height) = source.size();
            limits.check(width, height)?;
            Ok(source)
        }
        None => interleaved::open(bytes, format, limits).map(Source::Interleaved),
    }
}

impl Source<'_> {
    /// As stored, in pixels.
    pub fn size(&self) -> (u32, u32) {
        match self {
            Self::Jpeg(jpeg) => jpeg.size(),
            Self::LossyWebP(webp) => webp.size(),
            Self::Interleaved(opened) => (opened.meta().width, opened.meta().height),
        }
    }

    /// What turns it upright.
    pub fn orientation(&self) -> Orientation {
        match self {
            Self::Jpeg(jpeg) => jpeg.orientation(),
            Self::LossyWebP(webp) => webp.orientation(),
            Self::Interleaved(opened) => Orientation::from_exif(opened.meta().orientation),
        }
    }

    /// How many bytes it takes to decode it for thumbnails of this size (as stored): an estimate from above.
    pub fn memory(&self, to: (u32, u32)) -> u64 {
        match self {
            Self::Jpeg(jpeg) => jpeg.memory(to),
            Self::LossyWebP(webp) => webp.memory(to),
            Self::Interleaved(opened) => opened.memory(min_width(to)),
        }
    }

    /// Decodes it for thumbnails of this size (as stored), and turns it upright.
    pub fn picture(self, to: (u32, u32), resizer: &mut Resizer) -> Result<Picture, RenderError> {
        match self {
            Self::Jpeg(jpeg) => jpeg.picture(to, resizer),
            Self::LossyWebP(webp) => webp.picture(to, resizer),
            Self::Interleaved(opened) => {
                let meta = opened.meta().clone();
                let decoded = opened.decode(min_width(to))?;
                let orientation = Orientation::from_exif(meta.orientation);
                Picture::from_interleaved(decoded, to, orientation, meta.icc.as_deref(), resizer)
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 32,768")]
fn min_width(to: (u32, u32)) -> u32 {
    (f64::from(to.0) * MARGIN) as u32
}
