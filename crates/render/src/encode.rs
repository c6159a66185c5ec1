//! Thumbnails as files, without any metadata.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fast_image_resize::Resizer;
use image::ExtendedColorType;
use image::codecs::webp::WebPEncoder;
use strongroom_jpeg::encode::encode;

use super::picture::{Picture, Rgba};
use super::planar::Ycc;
use super::scale::in_proportion;
use super::{Encoded, Format, RenderError};

/// Where artefacts do not show yet at these sizes.
const QUALITY: u8 = 80;

/// The longest side that a `ThumbHash` is made of: it keeps seven waves at most.
const THUMBHASH_SIDE: u32 = 32;

/// JPEG; WebP where there are transparent pixels to keep.
pub(crate) fn thumbnail(picture: &Picture) -> Result<Encoded, RenderError> {
    let (width, height) = picture.size();
    let (format, bytes) = match picture {
        Picture::Opaque(Ycc { luma, chroma }) => {
            let chroma = chroma.as_ref().map(|[cb, cr]| [cb.borrow(), cr.borrow()]);
            (Format::Jpeg, encode(luma.borrow(), chroma, QUALITY).map_err(RenderError::failed)?)
        }
        Picture::Transparent(picture) => (Format::WebP, transparent(picture)?),
    };
    Ok(Encoded { width, height, format, bytes })
}

/// Lossless WebP, unless lossy takes less than half of the room: that is so for photographs, not for drawings.
fn transparent(picture: &Rgba) -> Result<Vec<u8>, RenderError> {
    let Rgba { width, height, samples } = picture;
    let mut lossless = Vec::new();
    WebPEncoder::new_lossless(&mut lossless)
        .encode(samples, *width, *height, ExtendedColorType::Rgba8)
        .map_err(RenderError::failed)?;
    // Lossy files have room for one pixel less on a side; what has no room in them stays as it is.
    let lossy = strongroom_webp::encode::lossy(samples, *width, *height, QUALITY);
    Ok(lossy.ok().filter(|lossy| lossy.len() < lossless.len() / 2).unwrap_or(lossless))
}

/// The `ThumbHash` of a picture, in standard base64.
pub(crate) fn thumbhash(picture: &Picture, resizer: &mut Resizer) -> Result<String, RenderError> {
    let (width, height) = picture.size();
    let longer = width.max(height);
    let hash = |picture: &Picture| {
        let (width, height) = picture.size();
        STANDARD.encode(thumbhash::rgba_to_thumb_hash(width as usize, height as usize, &picture.to_rgba()))
    };
    if longer <= THUMBHASH_SIDE {
        return Ok(hash(picture));
    }
    let within = (in_proportion(width, THUMBHASH_SIDE, longer), in_proportion(height, THUMBHASH_SIDE, longer));
    Ok(hash(&picture.rescale(within, resizer)?))
}
