//! Sizes: the one jump down from the source, and the small steps after it.

use std::error::Error;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{MulDiv, PixelType, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, RgbaImage};

use super::RenderError;
use super::decode::Source;

/// The size of an image of this width and height at no more than `max_width`: in proportion, never larger, no side 0.
pub(super) fn fit(width: u32, height: u32, max_width: u32) -> (u32, u32) {
    if width <= max_width {
        return (width, height);
    }
    (max_width, in_proportion(height, max_width, width))
}

/// `length * part / whole`, rounded, at least 1. `part` is at most `whole`.
pub(super) fn in_proportion(length: u32, part: u32, whole: u32) -> u32 {
    let (length, part, whole) = (u64::from(length), u64::from(part), u64::from(whole).max(1));
    u32::try_from((2 * length * part + whole) / (2 * whole)).unwrap_or(u32::MAX).max(1)
}

/// The source at this size, with 8 bits a sample. Spoils the source's pixels: there is no memory for a second copy.
pub(super) fn shrink(source: &mut Source, size: (u32, u32), transparent: bool) -> Result<RgbaImage, RenderError> {
    let kind = pixel_type(source.color).ok_or_else(|| failed(format!("no scaling of {:?}", source.color)))?;
    let (width, height, color) = (source.width, source.height, source.color);
    let mut full = Image::from_slice_u8(width, height, source.pixels.bytes_mut(), kind).map_err(failed)?;
    let mut small = Image::new(size.0, size.1, kind);
    // Colours of transparent pixels must not bleed into their neighbours: they count as much as they are opaque.
    if transparent {
        MulDiv::new().multiply_alpha_inplace(&mut full).map_err(failed)?;
    }
    Resizer::new().resize(&full, &mut small, &ResizeOptions::new().use_alpha(false)).map_err(failed)?;
    if transparent {
        MulDiv::new().divide_alpha_inplace(&mut small).map_err(failed)?;
    }
    let mut rgba = to_rgba(usize::from(color.channel_count()), &to_8_bits(color, small.buffer()));
    if !transparent {
        rgba.chunks_exact_mut(4).for_each(|pixel| pixel[3] = u8::MAX);
    }
    RgbaImage::from_raw(size.0, size.1, rgba).ok_or_else(|| failed("pixels got lost"))
}

/// A picture at a smaller size.
pub(super) fn rescale(picture: &RgbaImage, size: (u32, u32), transparent: bool) -> Result<RgbaImage, RenderError> {
    let (width, height) = picture.dimensions();
    let source = ImageRef::new(width, height, picture.as_raw(), PixelType::U8x4).map_err(failed)?;
    let mut small = Image::new(size.0, size.1, PixelType::U8x4);
    Resizer::new().resize(&source, &mut small, &ResizeOptions::new().use_alpha(transparent)).map_err(failed)?;
    RgbaImage::from_raw(size.0, size.1, small.into_vec()).ok_or_else(|| failed("pixels got lost"))
}

/// The picture, turned upright.
pub(super) fn orient(picture: RgbaImage, orientation: Orientation) -> RgbaImage {
    let mut picture = DynamicImage::ImageRgba8(picture);
    picture.apply_orientation(orientation);
    picture.into_rgba8()
}

fn failed(error: impl Into<Box<dyn Error>>) -> RenderError {
    RenderError::Failed(error.into().to_string())
}

fn pixel_type(color: ColorType) -> Option<PixelType> {
    Some(match color {
        ColorType::L8 => PixelType::U8,
        ColorType::La8 => PixelType::U8x2,
        ColorType::Rgb8 => PixelType::U8x3,
        ColorType::Rgba8 => PixelType::U8x4,
        ColorType::L16 => PixelType::U16,
        ColorType::La16 => PixelType::U16x2,
        ColorType::Rgb16 => PixelType::U16x3,
        ColorType::Rgba16 => PixelType::U16x4,
        ColorType::Rgb32F => PixelType::F32x3,
        ColorType::Rgba32F => PixelType::F32x4,
        _ => return None,
    })
}

/// The samples, however wide, in 8 bits each.
fn to_8_bits(color: ColorType, samples: &[u8]) -> Vec<u8> {
    match color.bytes_per_pixel() / color.channel_count() {
        1 => samples.to_vec(),
        2 => {
            let (samples, _) = samples.as_chunks::<2>();
            samples.iter().map(|sample| narrow(u16::from_ne_bytes(*sample))).collect()
        }
        _ => {
            let (samples, _) = samples.as_chunks::<4>();
            samples.iter().map(|sample| quantise(f32::from_ne_bytes(*sample))).collect()
        }
    }
}

fn narrow(sample: u16) -> u8 {
    u8::try_from((u32::from(sample) + 128) / 257).unwrap_or(u8::MAX)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 255")]
fn quantise(sample: f32) -> u8 {
    (sample.clamp(0.0, 1.0) * 255.0).round() as u8
}

fn to_rgba(channels: usize, samples: &[u8]) -> Vec<u8> {
    let pixels = samples.chunks_exact(channels.max(1));
    pixels
        .flat_map(|pixel| match *pixel {
            [grey] => [grey, grey, grey, u8::MAX],
            [grey, alpha] => [grey, grey, grey, alpha],
            [red, green, blue] => [red, green, blue, u8::MAX],
            [red, green, blue, alpha, ..] => [red, green, blue, alpha],
            [] => [0; 4],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_their_proportions_and_never_reach_zero() {
        assert_eq!(fit(4_000, 3_000, 500), (500, 375));
        assert_eq!(fit(3_000, 4_000, 100), (100, 133));
        assert_eq!(fit(501, 333, 500), (500, 332));
        assert_eq!(fit(16_384, 1, 100), (100, 1));
        assert_eq!(fit(1, 16_384, 100), (1, 16_384));
        assert_eq!(fit(100, 7, 100), (100, 7));
    }

    #[test]
    fn wider_samples_keep_their_ends_and_their_middle() {
        assert_eq!([0, 128, 129, 32_896, 65_407, 65_535].map(narrow), [0, 0, 1, 128, 255, 255]);
        assert_eq!([-1.0, 0.0, 0.5, 1.0, 7.0, f32::NAN].map(quantise), [0, 0, 128, 255, 255, 0]);
    }
}
