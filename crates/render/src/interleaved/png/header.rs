//! What stands before the pixels of a PNG: size, colours, palette, metadata.

use crate::error::{cannot_be_decoded, ends_too_early};
use crate::format::u32_at_be;
use crate::{RenderError, RenderLimits};

use super::chunks::{Chunk, SIGNATURE, chunk};

/// What a colour profile may unfold to, in bytes.
const MAX_PROFILE: usize = 16 << 20;

/// How the samples of a pixel are to be read (W3C PNG, table 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Color {
    Grey,
    Rgb,
    Indexed,
    GreyAlpha,
    Rgba,
}

/// Everything up to the first data chunk.
#[derive(Debug)]
pub(super) struct Header {
    pub width: u32,
    pub height: u32,
    /// Bits in a sample.
    pub depth: u8,
    pub color: Color,
    pub interlaced: bool,
    /// With alpha.
    pub palette: Vec<[u8; 4]>,
    /// The colour that is transparent; the first only in a grey image.
    pub key: Option<[u16; 3]>,
    pub icc: Option<Vec<u8>>,
    pub exif: Option<Vec<u8>>,
    /// Where the first data chunk begins.
    pub data: usize,
}

impl Header {
    /// Reads it. The size is checked before anything else is.
    pub fn read(bytes: &[u8], limits: &RenderLimits) -> Result<Self, RenderError> {
        let first = chunk(bytes, SIGNATURE).filter(|first| first.end <= bytes.len()).ok_or_else(ends_too_early)?;
        let (mut at, mut header) = (first.end, Self::first(&first)?);
        limits.check(header.width, header.height)?;
        let mut gamma = Gamma::default();
        let (mut opacities, mut icc, mut exif) = (None, None, None);
        loop {
            let chunk = chunk(bytes, at).ok_or_else(ends_too_early)?;
            if chunk.name == *b"IDAT" {
                break;
            }
            // Upper case: it cannot be decoded without.
            let critical = chunk.name[0] & 0x20 == 0;
            match &chunk.name {
                _ if chunk.end > bytes.len() => return Err(ends_too_early()),
                _ if !chunk.sound && critical => return Err(cannot_be_decoded()),
                _ if !chunk.sound => {}
                b"PLTE" => header.palette = palette(chunk.data)?,
                b"tRNS" => opacities = Some(chunk.data),
                // Unfolded once, however many there are.
                b"iCCP" => icc = icc.or(Some(chunk.data)),
                b"eXIf" => exif = exif.or(Some(chunk.data)),
                b"sRGB" => gamma.is_srgb = true,
                b"gAMA" => gamma.exponent = u32_at_be(chunk.data, 0),
                b"cHRM" => gamma.set_primaries(chunk.data),
                b"IEND" => return Err(ends_too_early()),
                _ if critical => return Err(cannot_be_decoded()),
                _ => {}
            }
            at = chunk.end;
        }
        header.data = at;
        header.icc = icc.and_then(profile);
        header.exif = exif.map(<[u8]>::to_vec);
        if let Some(opacities) = opacities {
            header.set_opacities(opacities);
        }
        if header.color == Color::Indexed && header.palette.is_empty() {
            return Err(cannot_be_decoded());
        }
        if header.icc.is_none() {
            header.icc = gamma.profile(header.is_grey());
        }
        Ok(header)
    }

    /// The first chunk (W3C PNG, section 11.2.1).
    fn first(chunk: &Chunk<'_>) -> Result<Self, RenderError> {
        let fields = (chunk.sound && chunk.name == *b"IHDR").then_some(chunk.data).ok_or_else(cannot_be_decoded)?;
        let fields: &[u8; 13] = fields.try_into().map_err(|_| cannot_be_decoded())?;
        let side = |at| u32_at_be(fields, at).unwrap_or(0);
        let color = match (fields[9], fields[8]) {
            (0, 1 | 2 | 4 | 8 | 16) => Color::Grey,
            (2, 8 | 16) => Color::Rgb,
            (3, 1 | 2 | 4 | 8) => Color::Indexed,
            (4, 8 | 16) => Color::GreyAlpha,
            (6, 8 | 16) => Color::Rgba,
            _ => return Err(cannot_be_decoded()),
        };
        let interlaced = match fields[10..] {
            [0, 0, interlaced @ 0..=1] => interlaced == 1,
            _ => return Err(cannot_be_decoded()),
        };
        Ok(Self {
            width: side(0),
            height: side(4),
            depth: fields[8],
            color,
            interlaced,
            palette: Vec::new(),
            key: None,
            icc: None,
            exif: None,
            data: 0,
        })
    }

    /// The opacity of palette entries, or the one colour that is transparent.
    fn set_opacities(&mut self, data: &[u8]) {
        match self.color {
            Color::Indexed => {
                for (entry, opacity) in self.palette.iter_mut().zip(data) {
                    entry[3] = *opacity;
                }
            }
            Color::Grey | Color::Rgb => {
                let (samples, _) = data.as_chunks::<2>();
                self.key = match (self.color, samples) {
                    (Color::Rgb, [red, green, blue, ..]) => Some([*red, *green, *blue].map(u16::from_be_bytes)),
                    (Color::Grey, [grey, ..]) => Some([u16::from_be_bytes(*grey), 0, 0]),
                    _ => None,
                };
            }
            Color::GreyAlpha | Color::Rgba => {}
        }
    }

    pub fn is_grey(&self) -> bool {
        matches!(self.color, Color::Grey | Color::GreyAlpha)
    }

    /// How many bits a pixel takes.
    fn bits(&self) -> u64 {
        let samples = match self.color {
            Color::Grey | Color::Indexed => 1,
            Color::GreyAlpha => 2,
            Color::Rgb => 3,
            Color::Rgba => 4,
        };
        samples * u64::from(self.depth)
    }

    /// How many bytes a row of this many pixels takes, without its filter.
    pub fn row_length(&self, width: u32) -> u64 {
        (u64::from(width) * self.bits()).div_ceil(8)
    }

    /// The distance of neighbouring pixels in bytes, 1 at least.
    pub fn step(&self) -> usize {
        usize::try_from(self.bits() / 8).unwrap_or(1).max(1)
    }
}

fn palette(data: &[u8]) -> Result<Vec<[u8; 4]>, RenderError> {
    match data.as_chunks::<3>() {
        (colors, []) => Ok(colors.iter().take(256).map(|[red, green, blue]| [*red, *green, *blue, u8::MAX]).collect()),
        _ => Err(cannot_be_decoded()),
    }
}

/// A name, a zero, the way of compression (0), and the compressed profile.
fn profile(data: &[u8]) -> Option<Vec<u8>> {
    let end = data.iter().position(|byte| *byte == 0)?;
    let (method, profile) = data.get(end + 1..)?.split_first()?;
    (*method == 0).then_some(())?;
    fdeflate::decompress_to_vec_bounded(profile, MAX_PROFILE).ok()
}

/// Colours as they were stated before there were profiles (W3C PNG, sections 11.3.2.1 and 11.3.2.2).
#[derive(Default)]
struct Gamma {
    is_srgb: bool,
    /// In 1/100,000.
    exponent: Option<u32>,
    /// White, red, green and blue, x and y each.
    primaries: Option<[f64; 8]>,
}

impl Gamma {
    fn set_primaries(&mut self, data: &[u8]) {
        let (numbers, _) = data.as_chunks::<4>();
        let numbers = numbers.first_chunk::<8>();
        self.primaries = numbers.map(|numbers| numbers.map(|number| f64::from(u32::from_be_bytes(number)) / 100_000.0));
    }

    /// The profile that says the same. Where it is all but sRGB, none.
    fn profile(&self, is_grey: bool) -> Option<Vec<u8>> {
        use moxcms::{Chromaticity, ColorPrimaries, ColorProfile, ToneReprCurve, XyY};
        // Like browsers: without a gamma, the rest does not count.
        let gamma = self.exponent.filter(|gamma| !self.is_srgb && (1_000..10_000_000).contains(gamma))?;
        let usual = [0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06];
        let primaries = self.primaries.unwrap_or(usual);
        let is_usual = primaries.iter().zip(usual).all(|(a, b)| (a - b).abs() < 0.01);
        if gamma.abs_diff(45_455) < 2_300 && (is_usual || is_grey) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a few digits are enough")]
        let exponent = (100_000.0 / f64::from(gamma)) as f32;
        if is_grey {
            return ColorProfile::new_gray_with_gamma(exponent).encode().ok();
        }
        let mut profile = ColorProfile::new_srgb();
        profile.cicp = None;
        if !is_usual {
            let [white_x, white_y, red_x, red_y, green_x, green_y, blue_x, blue_y] = primaries;
            if [white_y, red_y, green_y, blue_y].iter().any(|y| *y <= 0.0) {
                return None;
            }
            #[expect(clippy::cast_possible_truncation, reason = "a few digits are enough")]
            let at = |x: f64, y: f64| Chromaticity { x: x as f32, y: y as f32 };
            let primaries =
                ColorPrimaries { red: at(red_x, red_y), green: at(green_x, green_y), blue: at(blue_x, blue_y) };
            profile.update_rgb_colorimetry(XyY { x: white_x, y: white_y, yb: 1.0 }, primaries);
        }
        let curve = ToneReprCurve::Parametric(vec![exponent]);
        profile.red_trc = Some(curve.clone());
        profile.green_trc = Some(curve.clone());
        profile.blue_trc = Some(curve);
        profile.encode().ok()
    }
}
