//! Thumbnails as files, without any metadata.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fast_image_resize::Resizer;
use image::ExtendedColorType;
use image::codecs::webp::WebPEncoder;
use strongroom_jpeg::encode::encode;

use super::picture::Picture;
use super::scale::in_proportion;
use super::{Encoded, Format, RenderError};

/// Where artefacts do not show yet at these sizes.
const JPEG_QUALITY: u8 = 80;

/// The longest side that a `ThumbHash` is made of: it keeps seven waves at most.
const THUMBHASH_SIDE: u32 = 50;

/// JPEG; lossless WebP where there are transparent pixels to keep.
pub(crate) fn thumbnail(picture: &Picture) -> Result<Encoded, RenderError> {
    let (width, height) = picture.size();
    let mut bytes = Vec::new();
    let format = match picture {
        Picture::Opaque(picture) => {
            bytes = encode(
                picture.luma.borrow(),
                picture.chroma.as_ref().map(|[cb, cr]| [cb.borrow(), cr.borrow()]),
                JPEG_QUALITY,
            )
            .map_err(RenderError::failed)?;
            Format::Jpeg
        }
        Picture::Transparent(picture) => {
            let encoder = WebPEncoder::new_lossless(&mut bytes);
            encoder.encode(&picture.samples, width, height, ExtendedColorType::Rgba8).map_err(RenderError::failed)?;
            Format::WebP
        }
    };
    Ok(Encoded { width, height, format, bytes })
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
