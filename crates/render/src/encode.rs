//! Thumbnails as files, without any metadata.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::{jpeg::JpegEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, RgbaImage};

use super::scale::{in_proportion, rescale};
use super::{Encoded, Format, RenderError};

/// Where artefacts do not show yet at these sizes.
const JPEG_QUALITY: u8 = 80;

/// The longest side that a `ThumbHash` is made of.
const THUMBHASH_SIDE: u32 = 100;

/// JPEG; lossless WebP where there are transparent pixels to keep.
pub(super) fn thumbnail(picture: &RgbaImage, transparent: bool) -> Result<Encoded, RenderError> {
    let (width, height) = picture.dimensions();
    let mut bytes = Vec::new();
    let (format, outcome) = if transparent {
        let encoder = WebPEncoder::new_lossless(&mut bytes);
        (Format::WebP, encoder.encode(picture, width, height, ExtendedColorType::Rgba8))
    } else {
        let rgb: Vec<u8> = picture.pixels().flat_map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2]]).collect();
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
        (Format::Jpeg, encoder.encode(&rgb, width, height, ExtendedColorType::Rgb8))
    };
    outcome.map_err(|error| RenderError::Failed(error.to_string()))?;
    Ok(Encoded { width, height, format, bytes })
}

/// The `ThumbHash` of a picture, in standard base64.
pub(super) fn thumbhash(picture: &RgbaImage, transparent: bool) -> Result<String, RenderError> {
    let (width, height) = picture.dimensions();
    let longer = width.max(height);
    let hash = |picture: &RgbaImage| {
        let (width, height) = picture.dimensions();
        STANDARD.encode(thumbhash::rgba_to_thumb_hash(width as usize, height as usize, picture))
    };
    if longer <= THUMBHASH_SIDE {
        return Ok(hash(picture));
    }
    let within = (in_proportion(width, THUMBHASH_SIDE, longer), in_proportion(height, THUMBHASH_SIDE, longer));
    Ok(hash(&rescale(picture, within, transparent)?))
}
