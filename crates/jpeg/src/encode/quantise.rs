//! Quantisation (A.3.4), with the tables of annex K.1 scaled by a quality.

use super::dct::{Block, SCALES};

/// K.1, table K.1: luma.
const LUMA: [u8; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
];

/// K.1, table K.2: chroma.
const CHROMA: [u8; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99,
];

/// Figure A.6: where in the block, row by row, each coefficient of the zig-zag sequence is.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// Added to a number below 2^22, it leaves the whole part in the low bits, rounded.
const ROUND: f32 = 12_582_912.0;

/// A table, and its inverse as the transform needs it.
pub(super) struct Quantiser {
    steps: [u8; 64],
    /// Transposed, as the transform is.
    factors: Block<f32>,
}

impl Quantiser {
    pub fn luma(quality: u8) -> Self {
        Self::new(&LUMA, quality)
    }

    pub fn chroma(quality: u8) -> Self {
        Self::new(&CHROMA, quality)
    }

    fn new(table: &[u8; 64], quality: u8) -> Self {
        let quality = u32::from(quality.clamp(1, 100));
        let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
        let steps =
            table.map(|step| u8::try_from(((u32::from(step) * percent + 50) / 100).clamp(1, 255)).unwrap_or(u8::MAX));
        let mut factors = [[0.0; 8]; 8];
        for (at, step) in steps.iter().enumerate() {
            let (v, u) = (at / 8, at % 8);
            factors[u][v] = 1.0 / (f32::from(*step) * SCALES[u] * SCALES[v] * 8.0);
        }
        Self { steps, factors }
    }

    /// The steps in zig-zag order.
    pub fn table(&self) -> [u8; 64] {
        ZIGZAG.map(|at| self.steps[usize::from(at) & 63])
    }

    /// In zig-zag order. 8-bit samples give at most 11 bits.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are the number")]
    pub fn quantise(&self, block: &Block<f32>) -> [i16; 64] {
        let mut whole = [0_i16; 64];
        for ((to, row), factors) in whole.as_chunks_mut::<8>().0.iter_mut().zip(block).zip(&self.factors) {
            for ((to, sample), factor) in to.iter_mut().zip(row).zip(factors) {
                *to = (sample * factor + ROUND).to_bits() as i16;
            }
        }
        // The block is transposed, so rows and columns change places.
        ZIGZAG.map(|at| whole[usize::from(at % 8 * 8 + at / 8) & 63])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_the_range_are_rounded_to_the_nearest_step() {
        let quantiser = Quantiser::luma(50);
        let mut block = [[0.0; 8]; 8];
        block[0][0] = 8.0 * 16.0 * 3.4;
        block[1][0] = -8.0 * SCALES[1] * 11.0 * 2.6;
        let coefficients = quantiser.quantise(&block);
        // The second of the sequence is the first horizontal frequency, the third the first vertical one.
        assert_eq!(coefficients[..4], [3, -3, 0, 0]);
    }

    #[test]
    fn a_quality_of_fifty_is_the_table_itself() {
        assert_eq!(Quantiser::luma(50).steps, LUMA);
        assert_eq!(Quantiser::luma(100).steps, [1; 64]);
        assert_eq!(Quantiser::chroma(80).table()[..4], [7, 7, 7, 10]);
    }
}
