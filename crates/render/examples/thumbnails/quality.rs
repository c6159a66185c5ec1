//! How near a thumbnail comes to the best there is: the whole picture, reduced with Lanczos3 in floating point.
//!
//! Like all contenders it reduces the values as they are, encoded with gamma, and takes colours to sRGB afterwards.

use std::io::Cursor;

use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images::Image};
use image::{ImageDecoder as _, ImageReader, RgbImage};
use moxcms::{ColorProfile, Layout, TransformOptions};

use crate::Answer;

/// How many rows are repeated above and below: more than a pixel of the smallest thumbnail is high.
const MARGIN: u32 = 128;

/// A picture at its full size.
pub struct Reference {
    width: u32,
    height: u32,
    /// With its first and last row repeated [`MARGIN`] times.
    picture: Image<'static>,
    profile: Option<Vec<u8>>,
}

/// How alike two pictures are: the more the better, in each.
pub struct Likeness {
    /// Peak signal-to-noise ratio over red, green and blue, in dB.
    pub psnr: f64,
    /// The same of the luma.
    pub luma: f64,
    /// Structural similarity of the luma, between 0 and 1.
    pub ssim: f64,
}

impl Reference {
    pub fn open(bytes: &[u8]) -> Answer<Self> {
        let mut decoder = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?.into_decoder()?;
        let profile = decoder.icc_profile()?;
        let picture = image::DynamicImage::from_decoder(decoder)?.into_rgb8();
        let (width, height) = picture.dimensions();
        let rows: Vec<_> =
            picture.rows().map(|row| row.flat_map(|pixel| pixel.0).flat_map(floating).collect()).collect();
        let repeated = |row: &Vec<u8>| row.repeat(MARGIN as usize);
        let ends = rows.first().zip(rows.last()).ok_or("an empty picture")?;
        let values = [repeated(ends.0), rows.concat(), repeated(ends.1)].concat();
        let picture = Image::from_vec_u8(width, height + 2 * MARGIN, values, PixelType::F32x3)?;
        Ok(Self { width, height, picture, profile })
    }

    /// Compares a thumbnail with what it should be at its size.
    ///
    /// Its height is seldom whole. Some then stretch the picture, others keep its proportions and show half a row
    /// more or less of it. Both are right: the better result counts.
    pub fn compare(&self, file: &[u8]) -> Answer<Likeness> {
        let thumbnail = image::load_from_memory(file)?.into_rgb8();
        let real = thumbnail.iter().map(|value| f32::from(*value)).collect::<Vec<_>>();
        let real_luma = luma(&real);
        let proportional = f64::from(thumbnail.height()) * f64::from(self.width) / f64::from(thumbnail.width());
        let compare = |shown| -> Answer<Likeness> {
            let ideal = self.at(thumbnail.width(), thumbnail.height(), shown)?;
            let ideal_luma = luma(&ideal);
            Ok(Likeness {
                psnr: psnr(&ideal, &real),
                luma: psnr(&ideal_luma, &real_luma),
                ssim: ssim(&ideal_luma, &real_luma, &thumbnail),
            })
        };
        let (stretched, kept) = (compare(f64::from(self.height))?, compare(proportional)?);
        Ok(if kept.luma > stretched.luma { kept } else { stretched })
    }

    /// The middle of the picture, so high, at this size, in sRGB, from 0 to 255.
    fn at(&self, width: u32, height: u32, shown: f64) -> Answer<Vec<f32>> {
        let mut small = Image::new(width, height, PixelType::F32x3);
        let top = f64::from(MARGIN) + (f64::from(self.height) - shown) / 2.0;
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).crop(
            0.0,
            top,
            f64::from(self.width),
            shown,
        );
        Resizer::new().resize(&self.picture, &mut small, &options)?;
        let values: Vec<_> =
            small.buffer().as_chunks().0.iter().map(|bytes| f32::from_ne_bytes(*bytes).clamp(0.0, 255.0)).collect();
        let Some(profile) = &self.profile else { return Ok(values) };
        let profile = ColorProfile::new_from_slice(profile)?;
        let srgb = ColorProfile::new_srgb();
        let transform = profile.create_transform_f32(Layout::Rgb, &srgb, Layout::Rgb, TransformOptions::default())?;
        let from: Vec<_> = values.iter().map(|value| value / 255.0).collect();
        let mut to = vec![0.0; from.len()];
        transform.transform(&from, &mut to)?;
        Ok(to.iter().map(|value| (value * 255.0).clamp(0.0, 255.0)).collect())
    }
}

fn floating(value: u8) -> [u8; 4] {
    f32::from(value).to_ne_bytes()
}

/// Of pixels of red, green and blue.
fn luma(values: &[f32]) -> Vec<f32> {
    values.as_chunks::<3>().0.iter().map(|[red, green, blue]| 0.299 * red + 0.587 * green + 0.114 * blue).collect()
}

fn psnr(one: &[f32], other: &[f32]) -> f64 {
    let mean = mean(one.iter().zip(other).map(|(a, b)| f64::from(a - b).powi(2)));
    10.0 * (255.0 * 255.0 / mean).log10()
}

#[allow(clippy::cast_precision_loss, reason = "a thumbnail has few pixels")]
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    sum / count as f64
}

/// As in Wang et al., "Image quality assessment: from error visibility to structural similarity" (2004): Gaussian windows
/// of 11 x 11 pixels with a deviation of 1.5.
fn ssim(one: &[f32], other: &[f32], size: &RgbImage) -> f64 {
    let (width, height) = (size.width() as usize, size.height() as usize);
    let blurred = |value: &dyn Fn(f64, f64) -> f64| {
        let values: Vec<_> = one.iter().zip(other).map(|(a, b)| value(f64::from(*a), f64::from(*b))).collect();
        blur(&values, width, height)
    };
    let (mean_a, mean_b) = (blurred(&|a, _| a), blurred(&|_, b| b));
    let (square_a, square_b, product) = (blurred(&|a, _| a * a), blurred(&|_, b| b * b), blurred(&|a, b| a * b));
    let (c1, c2) = ((0.01_f64 * 255.0).powi(2), (0.03_f64 * 255.0).powi(2));
    mean((0..mean_a.len()).map(|at| {
        let (a, b) = (mean_a[at], mean_b[at]);
        let (variance_a, variance_b) = (square_a[at] - a * a, square_b[at] - b * b);
        let covariance = product[at] - a * b;
        (2.0 * a * b + c1) * (2.0 * covariance + c2) / ((a * a + b * b + c1) * (variance_a + variance_b + c2))
    }))
}

/// The mean of every whole window.
fn blur(values: &[f64], width: usize, height: usize) -> Vec<f64> {
    const RADIUS: usize = 5;
    let weights = [5.0_f64, 4.0, 3.0, 2.0, 1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0].map(|x| (-x * x / 4.5).exp());
    let sum: f64 = weights.iter().sum();
    let weighted = |values: &[f64], start: usize, step: usize| {
        weights.iter().enumerate().map(|(index, weight)| weight * values[start + index * step]).sum::<f64>() / sum
    };
    let (inner_width, inner_height) = (width.saturating_sub(2 * RADIUS), height.saturating_sub(2 * RADIUS));
    let rows: Vec<_> = (0..height)
        .flat_map(|y| (0..inner_width).map(move |x| y * width + x))
        .map(|start| weighted(values, start, 1))
        .collect();
    (0..inner_height * inner_width).map(|start| weighted(&rows, start, inner_width)).collect()
}
