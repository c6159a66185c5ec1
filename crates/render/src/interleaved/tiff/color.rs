//! From the samples of a row to grey or RGB, with alpha where there is some (TIFF 6.0, sections 4 to 6, 16, 18, 20, 21, and 23).

use crate::color::{Space, Transform};

use super::layout::{Alpha, Color, Layout};
use super::samples::most;

/// Converts rows.
pub(super) struct Converter {
    /// The samples of a pixel before.
    samples: usize,
    /// The largest sample.
    most: u32,
    color: Color,
    alpha: Option<Alpha>,
    /// From inks.
    transform: Option<Transform>,
    /// From linear light, in 4096 steps, to sRGB.
    gamma: Vec<u8>,
    /// One byte a sample, where a conversion wants that.
    bytes: Vec<u8>,
}

impl Converter {
    pub fn new(layout: &Layout<'_>) -> Self {
        let is_cmyk = layout.color == Color::Cmyk;
        let gamma = if matches!(layout.color, Color::Lab { .. }) { gamma() } else { Vec::new() };
        Self {
            samples: layout.samples,
            most: u32::from(most(layout)),
            color: layout.color.clone(),
            alpha: layout.alpha,
            transform: is_cmyk.then(|| Transform::new(layout.icc, Space::Cmyk)).flatten(),
            gamma,
            bytes: Vec::new(),
        }
    }

    /// How many samples a pixel has afterwards.
    pub fn channels(&self) -> usize {
        let color = if matches!(self.color, Color::Grey { .. }) { 1 } else { 3 };
        color + usize::from(self.alpha.is_some())
    }

    /// Converts a row; the result has the full range of 16 bits.
    pub fn convert(&mut self, row: &[u16], out: &mut Vec<u16>) {
        out.clear();
        let count = self.color.samples();
        if self.color == Color::Cmyk {
            self.convert_inks(row);
        }
        let (inks, _) = self.bytes.as_chunks::<3>();
        for (at, pixel) in row.chunks_exact(self.samples).enumerate() {
            let (color, rest) = pixel.split_at(count);
            match (&self.color, color) {
                (Color::Grey { white_is_zero }, [grey]) => {
                    let grey = self.scale(*grey);
                    out.push(if *white_is_zero { u16::MAX - grey } else { grey });
                }
                (Color::Rgb, rgb) => out.extend(rgb.iter().map(|sample| self.scale(*sample))),
                (Color::Palette(colors), [index]) => {
                    let color = colors.get(usize::from(*index)).copied().unwrap_or_default();
                    out.extend(color.map(|sample| u16::from(sample) * 257));
                }
                (Color::YCbCr, &[y, blue, red]) => {
                    out.extend(ycbcr(y, blue, red).map(|sample| u16::from(sample) * 257));
                }
                (Color::Lab { signed }, &[l, a, b]) => {
                    out.extend(self.lab(*signed, [l, a, b]).map(|sample| u16::from(sample) * 257));
                }
                (Color::Cmyk, _) => {
                    let color = inks.get(at).copied().unwrap_or_default();
                    out.extend(color.map(|sample| u16::from(sample) * 257));
                }
                _ => {}
            }
            if let (Some(alpha), Some(opacity)) = (self.alpha, rest.first()) {
                let opacity = self.scale(*opacity);
                if alpha == Alpha::Associated {
                    let start = out.len() - (self.channels() - 1);
                    out[start..].iter_mut().for_each(|sample| *sample = divided(*sample, opacity));
                }
                out.push(opacity);
            }
        }
    }

    /// From the range of the file to that of 16 bits.
    fn scale(&self, sample: u16) -> u16 {
        match self.most {
            65_535 => sample,
            most => u16::try_from(u32::from(sample).min(most) * 65_535 / most).unwrap_or(u16::MAX),
        }
    }

    /// Leaves RGB of all pixels in `bytes`.
    fn convert_inks(&mut self, row: &[u16]) {
        let mut inks = std::mem::take(&mut self.bytes);
        inks.clear();
        for pixel in row.chunks_exact(self.samples) {
            inks.extend(pixel.iter().take(4).map(|ink| self.scale(*ink).to_be_bytes()[0]));
        }
        self.bytes = self.transform.as_ref().and_then(|transform| transform.apply(&inks)).unwrap_or_else(|| {
            let (pixels, _) = inks.as_chunks::<4>();
            let mixed = |ink: u8, black: u8| {
                let light = u32::from(u8::MAX - ink) * u32::from(u8::MAX - black);
                ((light + 127) / 255).to_le_bytes()[0]
            };
            pixels
                .iter()
                .flat_map(|&[cyan, magenta, yellow, black]| [cyan, magenta, yellow].map(|ink| mixed(ink, black)))
                .collect()
        });
    }

    /// L* from 0 to the most; a* and b* as two's complement, or with 128 (of 8 bits) for 0. D50, as in ICC.1, to sRGB.
    fn lab(&self, signed: bool, [l, a, b]: [u16; 3]) -> [u8; 3] {
        let unit = if self.most == 255 { 1.0 } else { 256.0 };
        let centred = |sample: u16| {
            let offset = if signed { 0 } else { i32::midpoint(self.most.cast_signed(), 1) };
            let sample = i32::from(sample) - offset;
            let half = self.most.cast_signed() / 2;
            let sample = if signed && sample > half { sample - self.most.cast_signed() - 1 } else { sample };
            f64::from(sample) / unit
        };
        let f_y = (f64::from(l) / f64::from(self.most) * 100.0 + 16.0) / 116.0;
        let (f_x, f_z) = (f_y + centred(a) / 500.0, f_y - centred(b) / 200.0);
        let light = |f: f64| if f > 6.0 / 29.0 { f * f * f } else { (f - 4.0 / 29.0) * 108.0 / 841.0 };
        let xyz = [0.9642 * light(f_x), light(f_y), 0.8249 * light(f_z)];
        XYZ_TO_RGB
            .map(|row| row.iter().zip(xyz).map(|(factor, light)| factor * light).sum())
            .map(|light| self.gamma.get(step(light)).copied().unwrap_or_default())
    }
}

/// From XYZ of D50 to linear light of sRGB.
const XYZ_TO_RGB: [[f64; 3]; 3] =
    [[3.133_856, -1.616_867, -0.490_615], [-0.978_768, 1.916_141, 0.033_454], [0.071_945, -0.228_991, 1.405_243]];

/// A colour that was multiplied by its opacity, as it is without.
fn divided(sample: u16, opacity: u16) -> u16 {
    let whole = (u32::from(sample) * 65_535).checked_div(u32::from(opacity)).unwrap_or(0);
    u16::try_from(whole).unwrap_or(u16::MAX)
}

/// 8 bits, full range, BT.601 (JFIF).
fn ycbcr(y: u16, blue: u16, red: u16) -> [u8; 3] {
    let (y, blue, red) = (i32::from(y) << 16, i32::from(blue) - 128, i32::from(red) - 128);
    [y + 91_881 * red, y - 22_554 * blue - 46_802 * red, y + 116_130 * blue]
        .map(|sample| ((sample + (1 << 15)) >> 16).clamp(0, 255).to_le_bytes()[0])
}

const STEPS: u16 = 4096;

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 4,096")]
fn step(light: f64) -> usize {
    (light.clamp(0.0, 1.0) * f64::from(STEPS) + 0.5) as usize
}

/// IEC 61966-2-1.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 255")]
fn gamma() -> Vec<u8> {
    (0..=STEPS)
        .map(|step| f64::from(step) / f64::from(STEPS))
        .map(|light| if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 })
        .map(|sample| (sample * 255.0).round() as u8)
        .collect()
}
