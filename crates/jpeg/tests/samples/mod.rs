//! Pictures, encoders for them and a reference to compare with.
#![allow(dead_code, reason = "each test uses some")]
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "small numbers"
)]

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use strongroom_jpeg::{Decoder, Error, Picture, Plane, Scale};

/// Progressive 4:2:0 with refinements, by libjpeg.
pub const REFINED: &[u8] = include_bytes!("refined.jpg");
/// Progressive 4:2:2 with refinements and a restart every 3 MCUs, by libjpeg.
pub const REFINED_RESTARTS: &[u8] = include_bytes!("refined_restarts.jpg");
/// Sequential 4:2:0, each component in a scan of its own, by libjpeg.
pub const APART: &[u8] = include_bytes!("apart.jpg");

/// The same coefficients in one scan.
pub const TOGETHER: &[u8] = include_bytes!("together.jpg");

pub const SCALES: [Scale; 4] = [Scale::Eighth, Scale::Quarter, Scale::Half, Scale::Full];

/// How a sample is encoded.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    pub width: u16,
    pub height: u16,
    pub color: ColorType,
    pub sampling: SamplingFactor,
    pub progressive: bool,
    pub restarts: u16,
    pub quality: u8,
}

impl Default for Kind {
    fn default() -> Self {
        Self {
            width: 83,
            height: 61,
            color: ColorType::Rgb,
            sampling: SamplingFactor::F_1_1,
            progressive: false,
            restarts: 0,
            quality: 90,
        }
    }
}

impl Kind {
    /// A picture with all frequencies, and far from black and white.
    pub fn pixels(self) -> Vec<u8> {
        let channels = match self.color {
            ColorType::Luma => 1,
            ColorType::Cmyk | ColorType::CmykAsYcck => 4,
            _ => 3,
        };
        let mut pixels = Vec::new();
        for y in 0..u32::from(self.height) {
            for x in 0..u32::from(self.width) {
                for channel in 0..channels {
                    let (xf, yf, c) = (f64::from(x), f64::from(y), f64::from(channel));
                    let waves = 35.0 * (xf / (5.0 + 4.0 * c) + c).sin() + 25.0 * (xf * yf / (90.0 + 100.0 * c)).cos();
                    let noise = f64::from((x * 7919 + y * 104_729) % 13) - 6.0;
                    pixels.push((125.0 + waves + noise) as u8);
                }
            }
        }
        pixels
    }

    pub fn encode(self) -> Vec<u8> {
        self.encode_with(|_| {})
    }

    pub fn encode_with(self, change: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, self.quality);
        encoder.set_sampling_factor(self.sampling);
        encoder.set_progressive(self.progressive);
        encoder.set_restart_interval(self.restarts);
        change(&mut encoder);
        encoder.encode(&self.pixels(), self.width, self.height, self.color).unwrap();
        bytes
    }
}

pub fn decode(bytes: &[u8], scale: Scale) -> Result<Picture, Error> {
    Decoder::new(bytes)?.decode(&[scale; 4])
}

pub fn sample(plane: &Plane, x: usize, y: usize) -> f64 {
    f64::from(plane.samples[y * plane.stride + x])
}

/// By the `image` crate.
pub fn reference(bytes: &[u8]) -> image::RgbImage {
    image::load_from_memory_with_format(bytes, image::ImageFormat::Jpeg).unwrap().to_rgb8()
}

/// A block of 8 x 8 samples, and what the lowest `points` frequencies in each direction say in as many samples
/// (T.81 A.3.3, in floating point).
pub fn low_frequencies(plane: &Plane, column: usize, row: usize, points: usize) -> Vec<f64> {
    let basis = |n: usize, u: usize, x: usize| {
        let angle = ((2 * x + 1) * u) as f64 * std::f64::consts::PI / (2 * n) as f64;
        if u == 0 { 1.0 } else { std::f64::consts::SQRT_2 * angle.cos() }
    };
    let mut out = vec![0.0; points * points];
    for v in 0..points {
        for u in 0..points {
            let mut coefficient = 0.0;
            for y in 0..8 {
                for x in 0..8 {
                    let value = sample(plane, column * 8 + x, row * 8 + y) - 128.0;
                    coefficient += value * basis(8, u, x) * basis(8, v, y) / 64.0;
                }
            }
            for (i, out) in out.iter_mut().enumerate() {
                *out += coefficient * basis(points, u, i % points) * basis(points, v, i / points);
            }
        }
    }
    out.iter().map(|value| (value + 128.0).clamp(0.0, 255.0)).collect()
}
