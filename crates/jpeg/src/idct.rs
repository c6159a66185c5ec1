//! From coefficients to samples (T.81 A.3.3, A.3.4): the inverse DCT of 8, 4, 2 or 1 points in each direction, of as
//! many low frequencies.
//!
//! The transforms of fewer points take the lowest coefficients as they are: with the normalisation of A.3.3, all of them
//! are `1/8 * sum of F(u) * b(u, x)` with `b(0, x) = 1` and `b(u, x) = sqrt(2) * cos((2 x + 1) u pi / 2 N)`.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "samples are clamped first, the rest are small constants"
)]

use fearless_simd::prelude::*;
use fearless_simd::{f32x4, i16x8, u32x4};

use crate::{Scale, markers::ZIGZAG};

/// Coefficients of a block, in rows of as many as the scale has points; the rest is for those that are not needed.
pub type Block = [i16; 128];

/// Where coefficients are stored that are not needed.
const UNUSED: u8 = 64;

impl Scale {
    /// Samples of a block in each direction.
    #[inline(always)]
    pub(crate) fn points(self) -> usize {
        match self {
            Self::Eighth => 1,
            Self::Quarter => 2,
            Self::Half => 4,
            Self::Full => 8,
        }
    }

    /// The last coefficient in zig-zag sequence that is needed.
    #[inline(always)]
    pub(crate) const fn last(self) -> u32 {
        match self {
            Self::Eighth => 0,
            Self::Quarter => 4,
            Self::Half => 24,
            Self::Full => 63,
        }
    }

    /// Where in a `Block` coefficients go, by their zig-zag number. Runs of zeros may lead beyond 63.
    pub(crate) fn slots(self) -> &'static [u8; 128] {
        const SLOTS: [[u8; 128]; 4] = [slots(1), slots(2), slots(4), slots(8)];
        &SLOTS[self as usize]
    }
}

const fn slots(points: u8) -> [u8; 128] {
    let mut slots = [UNUSED; 128];
    let mut k = 0;
    while k < 64 {
        let (row, column) = (ZIGZAG[k] / 8, ZIGZAG[k] % 8);
        if row < points && column < points {
            slots[k] = row * points + column;
        }
        k += 1;
    }
    slots
}

/// Quantisation steps, prepared for the transform of a scale.
#[derive(Clone)]
pub struct Dequantiser {
    scale: Scale,
    whole: [i32; 4],
    factors: [f32; 64],
    /// Coefficients are counted in halves.
    halves: bool,
}

impl Dequantiser {
    /// `table` is in zig-zag sequence. With `halves`, 2 stands for one step in blocks that are not flat.
    pub fn new(scale: Scale, table: &[u16; 64], halves: bool) -> Self {
        let mut whole = [0; 4];
        let mut factors = [0.0; 64];
        let points = scale.points();
        // The transform of 8 points leaves these to the quantisation steps.
        let prescale = |u: usize| match (points, u) {
            (8, 1..) => std::f64::consts::SQRT_2 * (u as f64 * std::f64::consts::PI / 16.0).cos(),
            _ => 1.0,
        };
        for (&slot, &step) in scale.slots().iter().zip(table) {
            if slot == UNUSED {
                continue;
            }
            let slot = usize::from(slot);
            let unit = if halves { 16.0 } else { 8.0 };
            let factor = f64::from(step) / unit * prescale(slot / points) * prescale(slot % points);
            factors[slot] = factor as f32;
            if let Some(whole) = whole.get_mut(slot) {
                *whole = i32::from(step);
            }
        }
        Self { scale, whole, factors, halves }
    }

    /// The sample of a block that is all one, from its DC coefficient.
    #[inline(always)]
    pub fn flat(&self, dc: i16) -> u8 {
        clamp((i32::from(dc).wrapping_mul(self.whole[0]).wrapping_add(4) >> 3).wrapping_add(128))
    }

    /// Writes the samples of a block.
    #[inline(always)]
    pub fn write<S: Simd>(&self, simd: S, block: &Block, out: &mut [u8], stride: usize) {
        match self.scale {
            Scale::Eighth => self.write_flat(if self.halves { block[0] >> 1 } else { block[0] }, out, stride),
            Scale::Quarter if self.halves => self.write_2::<4>(block, out, stride),
            Scale::Quarter => self.write_2::<3>(block, out, stride),
            Scale::Half => self.write_4(simd, block, out, stride),
            Scale::Full => self.write_8(simd, block, out, stride),
        }
    }

    /// Writes a block that is all one.
    #[inline(always)]
    pub fn write_flat(&self, dc: i16, out: &mut [u8], stride: usize) {
        let sample = self.flat(dc);
        let points = self.scale.points();
        for row in out.chunks_mut(stride).take(points) {
            row[..points].fill(sample);
        }
    }

    /// Writes 2 x 2 samples: sums of coefficients without their lowest `SHIFT` bits.
    #[inline(always)]
    pub fn write_2<const SHIFT: u32>(&self, block: &Block, out: &mut [u8], stride: usize) {
        let at = |slot: usize| i32::from(block[slot]).wrapping_mul(self.whole[slot]);
        let (mean, across, down, both) = (at(0).wrapping_add((257 << SHIFT) / 2), at(1), at(2), at(3));
        let (left, right) = (mean.wrapping_add(across), mean.wrapping_sub(across));
        let (left_down, right_down) = (down.wrapping_add(both), down.wrapping_sub(both));
        let sample = |sum: i32| clamp(sum >> SHIFT);
        let (top, bottom) = out.split_at_mut(stride);
        top[..2].copy_from_slice(&[sample(left.wrapping_add(left_down)), sample(right.wrapping_add(right_down))]);
        bottom[..2].copy_from_slice(&[sample(left.wrapping_sub(left_down)), sample(right.wrapping_sub(right_down))]);
    }

    #[inline(always)]
    fn write_4<S: Simd>(&self, simd: S, block: &Block, out: &mut [u8], stride: usize) {
        let rows = [0, 1, 2, 3].map(|y| 4 * y);
        let rows = transpose(points_4(transpose(points_4(self.dequantised(simd, block, rows)))));
        let samples = samples(rows);
        for (row, out) in samples.as_chunks::<4>().0.iter().zip(out.chunks_mut(stride)) {
            out[..4].copy_from_slice(row);
        }
    }

    #[inline(always)]
    fn write_8<S: Simd>(&self, simd: S, block: &Block, out: &mut [u8], stride: usize) {
        let half = |x: usize| -> [f32x4<S>; 8] {
            let [upper, lower] = [[0, 8, 16, 24], [32, 40, 48, 56]];
            let [upper, lower] = [upper, lower].map(|rows| self.dequantised(simd, block, rows.map(|row| row + x)));
            points_8([upper[0], upper[1], upper[2], upper[3], lower[0], lower[1], lower[2], lower[3]])
        };
        let [left, right] = transpose_8([half(0), half(4)]);
        let [left, right] = transpose_8([points_8(left), points_8(right)]);
        let quarter = |half: &[f32x4<S>; 8], y: usize| samples([half[y], half[y + 1], half[y + 2], half[y + 3]]);
        for y in [0, 4] {
            let (left, right) = (quarter(&left, y), quarter(&right, y));
            let rows = left.as_chunks::<4>().0.iter().zip(right.as_chunks::<4>().0);
            for ((left, right), out) in rows.zip(out[y * stride..].chunks_mut(stride)) {
                out[..4].copy_from_slice(left);
                out[4..8].copy_from_slice(right);
            }
        }
    }

    /// Four times four coefficients, from these slots on.
    #[inline(always)]
    fn dequantised<S: Simd>(&self, simd: S, block: &Block, slots: [usize; 4]) -> [f32x4<S>; 4] {
        let [a, b, c, d] = slots;
        let pair = |first: usize, second: usize| {
            let (mut both, halves) = ([0; 8], [first, second]);
            for (to, from) in both.as_chunks_mut::<4>().0.iter_mut().zip(halves) {
                to.copy_from_slice(&block[from..from + 4]);
            }
            i16x8::from_slice(simd, &both).widen()
        };
        let ((a, b), (c, d)) = (pair(a, b), pair(c, d));
        let factor = |at: usize| f32x4::from_slice(simd, &self.factors[slots[at]..slots[at] + 4]);
        [
            f32x4::float_from(a) * factor(0),
            f32x4::float_from(b) * factor(1),
            f32x4::float_from(c) * factor(2),
            f32x4::float_from(d) * factor(3),
        ]
    }
}

/// To the range of samples, rounded.
#[inline(always)]
fn samples<S: Simd>([a, b, c, d]: [f32x4<S>; 4]) -> [u8; 16] {
    // Adding 1.5 * 2^23 leaves the nearest whole number in the lowest bits.
    let whole = |values: f32x4<S>| -> u32x4<S> { ((values + 128.0).max(0.0).min(255.0) + 12_582_912.0).bitcast() };
    let mut samples = [0; 16];
    whole(a).narrow(whole(b)).narrow(whole(c).narrow(whole(d))).store_slice(&mut samples);
    samples
}

#[inline(always)]
fn clamp(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

#[inline(always)]
fn transpose<S: Simd>([a, b, c, d]: [f32x4<S>; 4]) -> [f32x4<S>; 4] {
    let (upper, lower) = ((a.zip_low(c), a.zip_high(c)), (b.zip_low(d), b.zip_high(d)));
    [upper.0.zip_low(lower.0), upper.0.zip_high(lower.0), upper.1.zip_low(lower.1), upper.1.zip_high(lower.1)]
}

/// Of the left and the right half of eight rows.
#[inline(always)]
fn transpose_8<S: Simd>([left, right]: [[f32x4<S>; 8]; 2]) -> [[f32x4<S>; 8]; 2] {
    let quarter = |half: &[f32x4<S>; 8], y: usize| transpose([half[y], half[y + 1], half[y + 2], half[y + 3]]);
    let join = |upper: [f32x4<S>; 4], lower: [f32x4<S>; 4]| {
        [upper[0], upper[1], upper[2], upper[3], lower[0], lower[1], lower[2], lower[3]]
    };
    [join(quarter(&left, 0), quarter(&right, 0)), join(quarter(&left, 4), quarter(&right, 4))]
}

/// The transform of 4 points, of all columns at once.
#[inline(always)]
fn points_4<S: Simd>([f0, f1, f2, f3]: [f32x4<S>; 4]) -> [f32x4<S>; 4] {
    // sqrt(2) * cos(pi / 8) and sqrt(2) * cos(3 pi / 8).
    const C1: f32 = 1.306_563;
    const C3: f32 = 0.541_196_1;
    let (even_0, even_1) = (f0 + f2, f0 - f2);
    let (odd_0, odd_1) = (f1 * C1 + f3 * C3, f1 * C3 - f3 * C1);
    [even_0 + odd_0, even_1 + odd_1, even_1 - odd_1, even_0 - odd_0]
}

/// The transform of 8 points, of four columns at once, after Arai, Agui and Nakajima ("A fast DCT-SQ scheme for images",
/// 1988): its input is scaled.
#[inline(always)]
fn points_8<S: Simd>([f0, f1, f2, f3, f4, f5, f6, f7]: [f32x4<S>; 8]) -> [f32x4<S>; 8] {
    const SQRT_2: f32 = std::f32::consts::SQRT_2;
    // 2 cos(pi / 8), 2 (cos(pi / 8) - cos(3 pi / 8)), 2 (cos(pi / 8) + cos(3 pi / 8)).
    const C2: f32 = 1.847_759_1;
    const C2_LESS_C6: f32 = 1.082_392_2;
    const C2_AND_C6: f32 = 2.613_126;

    let (sum_04, difference_04) = (f0 + f4, f0 - f4);
    let sum_26 = f2 + f6;
    let difference_26 = (f2 - f6) * SQRT_2 - sum_26;
    let even_0 = sum_04 + sum_26;
    let even_1 = difference_04 + difference_26;
    let even_2 = difference_04 - difference_26;
    let even_3 = sum_04 - sum_26;

    let (sum_53, difference_53) = (f5 + f3, f5 - f3);
    let (sum_17, difference_17) = (f1 + f7, f1 - f7);
    let odd_0 = sum_17 + sum_53;
    let turned = (difference_53 + difference_17) * C2;
    let odd_1 = turned - difference_53 * C2_AND_C6 - odd_0;
    let odd_2 = (sum_17 - sum_53) * SQRT_2 - odd_1;
    let odd_3 = turned - difference_17 * C2_LESS_C6 - odd_2;

    [
        even_0 + odd_0,
        even_1 + odd_1,
        even_2 + odd_2,
        even_3 + odd_3,
        even_3 - odd_3,
        even_2 - odd_2,
        even_1 - odd_1,
        even_0 - odd_0,
    ]
}

#[cfg(test)]
mod tests {
    use fearless_simd::{Level, dispatch};

    use super::*;
    use crate::avx2::with_avx2;

    /// What is written with the instructions that all processors have, which is what is written with the best here.
    fn written(dequantiser: &Dequantiser, block: &Block) -> [u8; 64] {
        let (mut plain, mut best) = ([0; 64], [0; 64]);
        dispatch!(Level::baseline(), simd => dequantiser.write(simd, block, &mut plain, 8));
        with_avx2!(simd => dequantiser.write(simd, block, &mut best, 8));
        assert_eq!(plain, best);
        plain
    }

    /// The definition, for any number of points.
    fn reference(points: usize, block: &Block, steps: &[u16; 64]) -> Vec<f64> {
        let basis = |u: usize, x: usize| {
            let angle = ((2 * x + 1) * u) as f64 * std::f64::consts::PI / (2 * points) as f64;
            if u == 0 { 1.0 } else { std::f64::consts::SQRT_2 * angle.cos() }
        };
        let step = |row: usize, column: usize| {
            f64::from(steps[ZIGZAG.iter().position(|&at| usize::from(at) == row * 8 + column).unwrap()])
        };
        let sample = |x: usize, y: usize| {
            let mut sum = 0.0;
            for v in 0..points {
                for u in 0..points {
                    sum += f64::from(block[v * points + u]) * step(v, u) * basis(u, x) * basis(v, y);
                }
            }
            (sum / 8.0 + 128.0).clamp(0.0, 255.0)
        };
        (0..points * points).map(|i| sample(i % points, i / points)).collect()
    }

    #[test]
    fn every_size_is_the_inverse_dct_of_its_low_frequencies() {
        let mut seed = 1u32;
        let mut random = |range: i32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            i32::try_from(seed >> 8).unwrap() % range - range / 2
        };
        for scale in [Scale::Eighth, Scale::Quarter, Scale::Half, Scale::Full] {
            let points = scale.points();
            for _ in 0..200 {
                let steps: [u16; 64] = std::array::from_fn(|_| (random(60) + 31) as u16);
                let mut block = [0; 128];
                for slot in &mut block[..points * points] {
                    *slot = random(9) as i16;
                }
                let out = written(&Dequantiser::new(scale, &steps, false), &block);
                for (i, expected) in reference(points, &block, &steps).iter().enumerate() {
                    let got = f64::from(out[i / points * 8 + i % points]);
                    assert!((got - expected).abs() < 0.51, "{scale:?}: {got} for {expected}");
                }
            }
        }
    }

    #[test]
    fn a_flat_block_is_what_its_dc_coefficient_gives() {
        for scale in [Scale::Eighth, Scale::Quarter, Scale::Half, Scale::Full] {
            let dequantiser = Dequantiser::new(scale, &[3; 64], false);
            for dc in (-400..400).step_by(8) {
                let mut block = [0; 128];
                block[0] = dc;
                let mut flat = [0; 64];
                dequantiser.write_flat(dc, &mut flat, 8);
                assert_eq!(written(&dequantiser, &block), flat);
            }
        }
    }
}
