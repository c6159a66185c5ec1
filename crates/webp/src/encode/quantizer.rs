//! Steps of the quantisers, and rounding to them. RFC 6386, sections 9.6 and 14.1.

use super::tables::{AC_STEPS, DC_STEPS, ZIGZAG};
use super::tokens::{HIGHEST_LEVEL, Levels};
use super::transform::Coefficients;

/// What is added before rounding down, in 256ths of a step: so that levels are the nearest.
const HALF: u32 = 128;

/// So that they are a little nearer to 0, which saves more bits than the error is worth.
const LESS: u32 = 104;

/// The step of each coefficient of one type of block.
#[derive(Debug)]
pub(super) struct Quantizer {
    dc: Step,
    ac: Step,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    size: i32,
    /// 65536 / `size`.
    reciprocal: u32,
    /// What is added before rounding down.
    rounding: u32,
}

impl Step {
    fn new(size: u16, rounding: u32) -> Self {
        let size = u32::from(size);
        // At most 157 * 2.
        Self { size: size as i32, reciprocal: (1 << 16) / size, rounding: size * rounding / 256 }
    }

    #[inline]
    fn level(self, coefficient: i32) -> i16 {
        let magnitude = ((coefficient.unsigned_abs() + self.rounding) * self.reciprocal) >> 16;
        let level = magnitude.min(u32::from(HIGHEST_LEVEL)) as i16;
        if coefficient < 0 { -level } else { level }
    }
}

impl Quantizer {
    fn new(dc: u16, ac: u16, rounding: [u32; 2]) -> Self {
        Self { dc: Step::new(dc, rounding[0]), ac: Step::new(ac, rounding[1]) }
    }

    /// The nearest levels, or those a little nearer to 0.
    #[inline]
    pub(super) fn quantize(&self, coefficients: &Coefficients) -> Levels {
        let mut raster: Levels = coefficients.map(|coefficient| self.ac.level(coefficient));
        raster[0] = self.dc.level(coefficients[0]);
        ZIGZAG.map(|at| raster[at])
    }

    /// What decoders make of the levels.
    #[inline]
    pub(super) fn dequantize(&self, levels: &Levels) -> Coefficients {
        let mut coefficients = [0; 16];
        for (&level, at) in levels.iter().zip(ZIGZAG) {
            coefficients[at] = i32::from(level) * self.ac.size;
        }
        coefficients[0] = i32::from(levels[0]) * self.dc.size;
        coefficients
    }
}

/// The quantisers of a frame.
#[derive(Debug)]
pub(super) struct Quantizers {
    /// What the frame's header says.
    pub(super) index: u8,
    pub(super) luma: Quantizer,
    pub(super) y2: Quantizer,
    pub(super) chroma: Quantizer,
    /// What a bit is worth, in 256ths of a squared error of samples.
    pub(super) bit_value: u32,
    pub(super) filter_level: u8,
}

impl Quantizers {
    /// By a quality of 0 to 100, so that a JPEG of the same quality is on average larger and no closer to the picture.
    pub(super) fn new(quality: u8) -> Self {
        let quality = f64::from(quality.min(100)) / 100.0;
        // How large the file should be: below 75 a point of quality is worth a third of one above. The cube root makes
        // up for how much faster files grow as the index falls.
        let size = if quality < 0.75 { quality * 2.0 / 3.0 } else { quality * 2.0 - 1.0 };
        let index = (100.0 * (1.0 - size.cbrt())).round() as u8;
        let (dc, ac) = (DC_STEPS[usize::from(index)], AC_STEPS[usize::from(index)]);
        let step = f64::from(ac);
        Self {
            index,
            luma: Quantizer::new(dc, ac, [HALF, LESS]),
            y2: Quantizer::new(dc * 2, (ac * 155 / 100).max(8), [HALF, HALF]),
            chroma: Quantizer::new(dc.min(132), ac, [HALF, HALF]),
            bit_value: (step * step * 0.0234 * 256.0) as u32,
            filter_level: (ac / 3).min(63) as u8,
        }
    }
}
