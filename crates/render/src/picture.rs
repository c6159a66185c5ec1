//! A picture on its way to thumbnails: upright, in sRGB, no larger than the largest of them.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{MulDiv, PixelType, ResizeOptions, Resizer};

use super::color::{Space, Transform};
use super::error::RenderError;
use super::filter::lanczos;
use super::interleaved::Interleaved;
use super::orientation::Orientation;
use super::planar::{Plane, Ycc, halved};
use super::scale::in_proportion;

/// As its thumbnails will be encoded.
#[derive(Debug)]
pub(crate) enum Picture {
    /// Without transparent pixels: lossy.
    Opaque(Ycc),
    /// With some.
    Transparent(Rgba),
}

/// Red, green, blue, and straight alpha.
#[derive(Debug)]
pub(crate) struct Rgba {
    pub width: u32,
    pub height: u32,
    /// Row by row, four to a pixel.
    pub samples: Vec<u8>,
}

impl Picture {
    /// In pixels.
    pub fn size(&self) -> (u32, u32) {
        match self {
            Self::Opaque(picture) => picture.size(),
            Self::Transparent(picture) => (picture.width, picture.height),
        }
    }

    /// At a smaller size.
    pub fn rescale(&self, to: (u32, u32), resizer: &mut Resizer) -> Result<Self, RenderError> {
        Ok(match self {
            Self::Opaque(picture) => Self::Opaque(picture.rescale(to, resizer)?),
            Self::Transparent(picture) => {
                let options = lanczos().use_alpha(true);
                let samples = resize((picture.width, picture.height), &picture.samples, 4, to, &options, resizer)?;
                Self::Transparent(Rgba { width: to.0, height: to.1, samples: samples.into_vec() })
            }
        })
    }

    /// Row by row, four samples a pixel, straight alpha.
    pub fn to_rgba(&self) -> Vec<u8> {
        match self {
            Self::Opaque(picture) => with_alpha(&picture.to_rgb()),
            Self::Transparent(picture) => picture.samples.clone(),
        }
    }

    /// Without what was missing in the file: below these rows of the stored image it is transparent, as browsers show it.
    /// `to`: this picture's size, as stored; `rows`: at least one.
    pub fn cut(self, height: u32, rows: u32, to: (u32, u32), orientation: Orientation) -> Self {
        if rows >= height {
            return self;
        }
        let shown = in_proportion(to.1, rows, height) as usize * to.0 as usize;
        let mut opacity = vec![u8::MAX; shown];
        opacity.resize(to.0 as usize * to.1 as usize, 0);
        let opacity = orientation.apply::<1>(opacity, (to.0 as usize, to.1 as usize));
        let (width, height) = self.size();
        let mut samples = self.to_rgba();
        for (pixel, opacity) in samples.as_chunks_mut::<4>().0.iter_mut().zip(opacity) {
            pixel[3] = pixel[3].min(opacity);
        }
        Self::Transparent(Rgba { width, height, samples })
    }

    /// From a decoded picture at this size (as stored) or a larger one.
    pub fn from_interleaved(
        decoded: Interleaved,
        to: (u32, u32),
        orientation: Orientation,
        profile: Option<&[u8]>,
        resizer: &mut Resizer,
    ) -> Result<Self, RenderError> {
        let Interleaved { width, height, channels, samples, transparent, .. } = decoded;
        let scaled = if (width, height) == to {
            samples
        } else {
            // Premultiplied, so alpha is a sample like the others.
            let options = lanczos().use_alpha(false);
            resize((width, height), &samples, channels, to, &options, resizer)?.into_vec()
        };
        let size = (to.0 as usize, to.1 as usize);
        let (width, height) = orientation.turn(to);
        if transparent {
            let samples = orientation.apply::<4>(straight(scaled, channels, to)?, size);
            let samples = rgba_in_srgb(samples, channels == 2, profile);
            return Ok(Self::Transparent(Rgba { width, height, samples }));
        }
        Ok(Self::Opaque(match channels {
            1 | 2 => {
                let grey = if channels == 2 { scaled.into_iter().step_by(2).collect() } else { scaled };
                grey_in_srgb(orientation.apply::<1>(grey, size), (width, height), profile)
            }
            _ => {
                let rgb = if channels == 4 {
                    scaled.as_chunks::<4>().0.iter().flat_map(|&[red, green, blue, _]| [red, green, blue]).collect()
                } else {
                    scaled
                };
                rgb_in_srgb(&orientation.apply::<3>(rgb, size), (width, height), profile)
            }
        }))
    }
}

/// From grey samples with this profile, which may be one for RGB.
pub(crate) fn grey_in_srgb(samples: Vec<u8>, size: (u32, u32), profile: Option<&[u8]>) -> Ycc {
    if let Some(rgb) = Transform::new(profile, Space::Grey).and_then(|transform| transform.apply(&samples)) {
        return rgb_to_ycc(&rgb, size);
    }
    if let Some(transform) = Transform::new(profile, Space::Rgb) {
        let rgb: Vec<u8> = samples.iter().flat_map(|sample| [*sample; 3]).collect();
        return rgb_to_ycc(&transform.apply(&rgb).unwrap_or(rgb), size);
    }
    Ycc { luma: Plane { width: size.0, height: size.1, samples }, chroma: None }
}

/// From RGB with this profile.
pub(crate) fn rgb_in_srgb(samples: &[u8], size: (u32, u32), profile: Option<&[u8]>) -> Ycc {
    match Transform::new(profile, Space::Rgb).and_then(|transform| transform.apply(samples)) {
        Some(rgb) => rgb_to_ycc(&rgb, size),
        None => rgb_to_ycc(samples, size),
    }
}

/// From CMYK (255 is full ink) with this profile; without one each ink takes its own colour away, as in browsers.
pub(crate) fn cmyk_in_srgb(samples: &[u8], size: (u32, u32), profile: Option<&[u8]>) -> Ycc {
    let converted = Transform::new(profile, Space::Cmyk).and_then(|transform| transform.apply(samples));
    let rgb = converted.unwrap_or_else(|| {
        let inks = samples.as_chunks::<4>().0.iter();
        inks.flat_map(|&[cyan, magenta, yellow, black]| [cyan, magenta, yellow].map(|ink| product(!ink, !black)))
            .collect()
    });
    rgb_to_ycc(&rgb, size)
}

/// Of two parts of 255.
#[expect(clippy::cast_possible_truncation, reason = "at most 255")]
fn product(one: u8, other: u8) -> u8 {
    ((u32::from(one) * u32::from(other) + 127) / 255) as u8
}

/// JFIF 1.02, "Conversion to and from RGB", in 16-bit fixed point; chroma averaged over 2 x 2 pixels.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "weights add up to 1, or to 0 around 128")]
pub(crate) fn rgb_to_ycc(rgb: &[u8], (width, height): (u32, u32)) -> Ycc {
    let (pixels, _) = rgb.as_chunks::<3>();
    let weigh = |&[red, green, blue]: &[u8; 3], [r, g, b]: [i32; 3]| {
        r * i32::from(red) + g * i32::from(green) + b * i32::from(blue)
    };
    let luma = pixels.iter().map(|pixel| ((weigh(pixel, [19_595, 38_470, 7_471]) + (1 << 15)) >> 16) as u8).collect();
    let (columns, lines) = halved((width, height));
    let row = width as usize;
    let mut chroma = [(); 2].map(|()| Vec::with_capacity(columns as usize * lines as usize));
    for pair in pixels.chunks(row.max(1) * 2) {
        let (above, below) = pair.split_at(row.min(pair.len()));
        // At an odd end the last row or column counts twice.
        let below = if below.is_empty() { above } else { below };
        for (above, below) in above.chunks(2).zip(below.chunks(2)) {
            let four = [above.first(), above.last(), below.first(), below.last()];
            let mut sums = [0_i32; 3];
            for pixel in four.into_iter().flatten() {
                for (sum, sample) in sums.iter_mut().zip(pixel) {
                    *sum += i32::from(*sample);
                }
            }
            let [red, green, blue] = sums;
            let [cb, cr] = &mut chroma;
            // Four pixels and 16 bits: half of a step is 1 << 17, and just below it, so that 255.5 stays 255.
            let fixed = |sum: i32| (((sum + (128 << 18) + (1 << 17) - 1) >> 18).clamp(0, 255)) as u8;
            cb.push(fixed(-11_058 * red - 21_710 * green + 32_768 * blue));
            cr.push(fixed(32_768 * red - 27_439 * green - 5_329 * blue));
        }
    }
    let plane = |samples| Plane { width: columns, height: lines, samples };
    Ycc { luma: Plane { width, height, samples: luma }, chroma: Some(chroma.map(plane)) }
}

/// From straight RGBA with this profile, which may be one for grey where all of it is grey.
fn rgba_in_srgb(samples: Vec<u8>, is_grey: bool, profile: Option<&[u8]>) -> Vec<u8> {
    let pixels = samples.as_chunks::<4>().0;
    if let Some(transform) = is_grey.then(|| Transform::new(profile, Space::Grey)).flatten() {
        let grey: Vec<u8> = pixels.iter().map(|&[grey, ..]| grey).collect();
        let Some(rgb) = transform.apply(&grey) else { return samples };
        let with_alpha = rgb.as_chunks::<3>().0.iter().zip(pixels);
        return with_alpha.flat_map(|(&[red, green, blue], &[.., alpha])| [red, green, blue, alpha]).collect();
    }
    let converted = Transform::new(profile, Space::Rgba).and_then(|transform| transform.apply(&samples));
    converted.unwrap_or(samples)
}

/// Straight RGBA of premultiplied grey and alpha or RGBA.
fn straight(samples: Vec<u8>, channels: u8, size: (u32, u32)) -> Result<Vec<u8>, RenderError> {
    let rgba = match channels {
        2 => samples.as_chunks::<2>().0.iter().flat_map(|&[grey, alpha]| [grey, grey, grey, alpha]).collect(),
        _ => samples,
    };
    let mut image = Image::from_vec_u8(size.0, size.1, rgba, PixelType::U8x4).map_err(RenderError::failed)?;
    MulDiv::new().divide_alpha_inplace(&mut image).map_err(RenderError::failed)?;
    Ok(image.into_vec())
}

fn with_alpha(rgb: &[u8]) -> Vec<u8> {
    rgb.as_chunks::<3>().0.iter().flat_map(|&[red, green, blue]| [red, green, blue, u8::MAX]).collect()
}

fn resize(
    from: (u32, u32),
    samples: &[u8],
    channels: u8,
    to: (u32, u32),
    options: &ResizeOptions,
    resizer: &mut Resizer,
) -> Result<Image<'static>, RenderError> {
    let kind = match channels {
        1 => PixelType::U8,
        2 => PixelType::U8x2,
        3 => PixelType::U8x3,
        _ => PixelType::U8x4,
    };
    let from = ImageRef::new(from.0, from.1, samples, kind).map_err(RenderError::failed)?;
    let mut small = Image::new(to.0, to.1, kind);
    resizer.resize(&from, &mut small, options).map_err(RenderError::failed)?;
    Ok(small)
}

#[cfg(test)]
mod tests {
    use super::super::planar::ycc_to_rgb;
    use super::*;

    #[test]
    fn colours_come_back_from_luma_and_chroma() {
        for colour in [[255, 0, 0], [0, 255, 0], [0, 0, 255], [0; 3], [255; 3], [12, 200, 99]] {
            let picture = rgb_to_ycc(&colour.repeat(6), (3, 2));
            let [cb, cr] = picture.chroma.as_ref().unwrap();
            assert_eq!((cb.width, cb.height), (2, 1));
            let back = ycc_to_rgb(picture.luma.samples[0], cb.samples[1], cr.samples[1]);
            assert!(back.iter().zip(colour).all(|(one, other)| one.abs_diff(other) <= 2), "{colour:?} {back:?}");
        }
    }

    #[test]
    fn inks_without_a_profile_take_their_colours_away() {
        let inks = [[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 0, 0], [0, 0, 0, 255], [0, 0, 0, 128]];
        let colours = [[255, 255, 255], [0, 255, 255], [255, 0, 255], [0, 0, 0], [127, 127, 127]];
        for (inks, colour) in inks.into_iter().zip(colours) {
            let rgb = cmyk_in_srgb(&inks, (1, 1), None).to_rgb();
            assert!(rgb.iter().zip(colour).all(|(one, other)| one.abs_diff(other) <= 2), "{inks:?} {rgb:?}");
        }
    }
}
