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

/// The longer side that a `ThumbHash` is made of, in pixels: it keeps seven waves at most.
const THUMBHASH_LONGER: u32 = 32;

/// The shorter one at the least: it keeps up to five waves of that one, too, which fewer pixels cannot tell apart.
const THUMBHASH_SHORTER: u32 = 8;

/// The longest side that the library takes. From there on it keeps a single wave of the shorter one.
const THUMBHASH_LONGEST: u32 = 100;

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
    let (size, to) = (picture.size(), thumbhash_size(picture.size()));
    let within = (size.0.min(to.0), size.1.min(to.1));
    let rgba = if within == size { picture.to_rgba() } else { picture.rescale(within, resizer)?.to_rgba() };
    let rgba = if within == to { rgba } else { repeat(&rgba, within, to) };
    Ok(STANDARD.encode(thumbhash::rgba_to_thumb_hash(to.0 as usize, to.1 as usize, &rgba)))
}

/// How large a picture of this size is made for its `ThumbHash`.
fn thumbhash_size((width, height): (u32, u32)) -> (u32, u32) {
    let (longer, shorter) = (width.max(height), width.min(height));
    let side = longer.min(THUMBHASH_LONGER);
    let side = if in_proportion(shorter, side, longer) < THUMBHASH_SHORTER {
        in_proportion(longer, THUMBHASH_SHORTER, shorter).min(THUMBHASH_LONGEST)
    } else {
        side
    };
    let other = in_proportion(shorter, side, longer).max(THUMBHASH_SHORTER);
    if width < height { (other, side) } else { (side, other) }
}

/// Enlarged by repeating pixels of four bytes.
fn repeat(rgba: &[u8], (width, height): (u32, u32), to: (u32, u32)) -> Vec<u8> {
    let pixels = rgba.as_chunks::<4>().0;
    let place = |x: u32, y: u32| (y * height / to.1 * width + x * width / to.0) as usize;
    (0..to.1).flat_map(|y| (0..to.0).flat_map(move |x| pixels.get(place(x, y)).copied().unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbhash_of_one_colour_is_that_colour_whatever_the_size() {
        let sides = [1, 2, 3, 4, 5, 7, 8, 9, 15, 31, 32, 33, 60, 99, 100];
        for (width, height) in sides.iter().flat_map(|width| sides.map(|height| (*width, height))) {
            for colour in [[200, 100, 50, 255], [200, 100, 50, 136], [20, 40, 240, 60]] {
                let samples = colour.repeat(width as usize * height as usize);
                let picture = Picture::Transparent(Rgba { width, height, samples });
                let hash = STANDARD.decode(thumbhash(&picture, &mut Resizer::new()).unwrap()).unwrap();
                let (_, _, shown) = thumbhash::thumb_hash_to_rgba(&hash).unwrap();
                for pixel in shown.as_chunks::<4>().0 {
                    let far = pixel.iter().zip(colour).map(|(shown, sample)| shown.abs_diff(sample)).max();
                    assert!(far < Some(14), "{width} x {height}: {pixel:?} for {colour:?}");
                }
            }
        }
    }

    #[test]
    fn a_thumbhash_keeps_proportions_as_far_as_it_can() {
        for (width, height) in [(100, 75), (75, 100), (100, 40), (100, 12), (100, 2), (3, 100), (20, 15), (9, 3)] {
            let samples = vec![128; width as usize * height as usize * 4];
            let picture = Picture::Transparent(Rgba { width, height, samples });
            let hash = STANDARD.decode(thumbhash(&picture, &mut Resizer::new()).unwrap()).unwrap();
            // With alpha, it counts in fifths of the longer side, and has one at the least.
            let part = |side: u32| (f64::from(5 * side) / f64::from(width.max(height))).round().max(1.0);
            let ratio = f64::from(thumbhash::thumb_hash_to_approximate_aspect_ratio(&hash).unwrap());
            assert!((ratio - part(width) / part(height)).abs() < 1e-3, "{width} x {height}: {ratio}");
        }
    }

    #[test]
    fn a_picture_is_enlarged_by_repeating_its_pixels() {
        let pixels = |shades: &[u8]| shades.iter().flat_map(|shade| [*shade; 4]).collect::<Vec<_>>();
        assert_eq!(repeat(&pixels(&[1, 2]), (2, 1), (4, 2)), pixels(&[1, 1, 2, 2, 1, 1, 2, 2]));
        assert_eq!(repeat(&pixels(&[1, 2, 3]), (1, 3), (1, 4)), pixels(&[1, 1, 2, 3]));
    }
}
