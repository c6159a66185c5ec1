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
    pub fn write(&self, block: &Block, out: &mut [u8], stride: usize) {
        match self.scale {
            Scale::Eighth => self.write_flat(if self.halves { block[0] >> 1 } else { block[0] }, out, stride),
            Scale::Quarter if self.halves => self.write_2::<4>(block, out, stride),
            Scale::Quarter => self.write_2::<3>(block, out, stride),
            Scale::Half => self.write_4(block, out, stride),
            Scale::Full => self.write_8(block, out, stride),
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

    fn write_4(&self, block: &Block, out: &mut [u8], stride: usize) {
        let mut rows = [[0.0f32; 4]; 4];
        for (row, (coefficients, factors)) in
            rows.iter_mut().zip(block.chunks_exact(4).zip(self.factors.chunks_exact(4)))
        {
            for (to, (&coefficient, &factor)) in row.iter_mut().zip(coefficients.iter().zip(factors)) {
                *to = f32::from(coefficient) * factor;
            }
        }
        let rows = transpose(points_4(transpose(points_4(rows))));
        for (row, out) in rows.iter().zip(out.chunks_mut(stride)) {
            out[..4].copy_from_slice(&row.map(sample));
        }
    }

    fn write_8(&self, block: &Block, out: &mut [u8], stride: usize) {
        let mut rows = [[0.0f32; 8]; 8];
        for (row, (coefficients, factors)) in
            rows.iter_mut().zip(block.chunks_exact(8).zip(self.factors.chunks_exact(8)))
        {
            for (to, (&coefficient, &factor)) in row.iter_mut().zip(coefficients.iter().zip(factors)) {
                *to = f32::from(coefficient) * factor;
            }
        }
        let rows = transpose(points_8(transpose(points_8(rows))));
        for (row, out) in rows.iter().zip(out.chunks_mut(stride)) {
            out[..8].copy_from_slice(&row.map(sample));
        }
    }
}

/// To the range of samples, rounded.
#[inline(always)]
fn sample(value: f32) -> u8 {
    // Adding 1.5 * 2^23 leaves the nearest whole number in the lowest bits.
    ((value + 128.0).clamp(0.0, 255.0) + 12_582_912.0).to_bits() as u8
}

#[inline(always)]
fn clamp(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

#[inline(always)]
fn transpose<const N: usize>(rows: [[f32; N]; N]) -> [[f32; N]; N] {
    let mut out = [[0.0; N]; N];
    for (y, row) in rows.iter().enumerate() {
        for (x, &value) in row.iter().enumerate() {
            out[x][y] = value;
        }
    }
    out
}

#[inline(always)]
fn add<const N: usize>(a: [f32; N], b: [f32; N]) -> [f32; N] {
    std::array::from_fn(|i| a[i] + b[i])
}

#[inline(always)]
fn sub<const N: usize>(a: [f32; N], b: [f32; N]) -> [f32; N] {
    std::array::from_fn(|i| a[i] - b[i])
}

#[inline(always)]
fn mul<const N: usize>(a: [f32; N], factor: f32) -> [f32; N] {
    a.map(|a| a * factor)
}

/// The transform of 4 points, of all columns at once.
#[inline(always)]
fn points_4([f0, f1, f2, f3]: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    // sqrt(2) * cos(pi / 8) and sqrt(2) * cos(3 pi / 8).
    const C1: f32 = 1.306_563;
    const C3: f32 = 0.541_196_1;
    let (even_0, even_1) = (add(f0, f2), sub(f0, f2));
    let odd_0 = add(mul(f1, C1), mul(f3, C3));
    let odd_1 = sub(mul(f1, C3), mul(f3, C1));
    [add(even_0, odd_0), add(even_1, odd_1), sub(even_1, odd_1), sub(even_0, odd_0)]
}

/// The transform of 8 points, of all columns at once, after Arai, Agui and Nakajima ("A fast DCT-SQ scheme for images",
/// 1988): its input is scaled.
#[inline(always)]
fn points_8([f0, f1, f2, f3, f4, f5, f6, f7]: [[f32; 8]; 8]) -> [[f32; 8]; 8] {
    const SQRT_2: f32 = std::f32::consts::SQRT_2;
    // 2 cos(pi / 8), 2 (cos(pi / 8) - cos(3 pi / 8)), 2 (cos(pi / 8) + cos(3 pi / 8)).
    const C2: f32 = 1.847_759_1;
    const C2_LESS_C6: f32 = 1.082_392_2;
    const C2_AND_C6: f32 = 2.613_126;

    let (sum_04, difference_04) = (add(f0, f4), sub(f0, f4));
    let sum_26 = add(f2, f6);
    let difference_26 = sub(mul(sub(f2, f6), SQRT_2), sum_26);
    let even = [
        add(sum_04, sum_26),
        add(difference_04, difference_26),
        sub(difference_04, difference_26),
        sub(sum_04, sum_26),
    ];

    let (sum_53, difference_53) = (add(f5, f3), sub(f5, f3));
    let (sum_17, difference_17) = (add(f1, f7), sub(f1, f7));
    let odd_0 = add(sum_17, sum_53);
    let turned = mul(add(difference_53, difference_17), C2);
    let odd_1 = sub(sub(turned, mul(difference_53, C2_AND_C6)), odd_0);
    let odd_2 = sub(mul(sub(sum_17, sum_53), SQRT_2), odd_1);
    let odd_3 = sub(sub(turned, mul(difference_17, C2_LESS_C6)), odd_2);
    let odd = [odd_0, odd_1, odd_2, odd_3];

    std::array::from_fn(|x| if x < 4 { add(even[x], odd[x]) } else { sub(even[7 - x], odd[7 - x]) })
}

#[cfg(test)]
mod tests {
    use super::*;

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
                let mut out = vec![0; 8 * 8];
                Dequantiser::new(scale, &steps, false).write(&block, &mut out, 8);
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
                let (mut out, mut flat) = ([0; 64], [0; 64]);
                dequantiser.write(&block, &mut out, 8);
                dequantiser.write_flat(dc, &mut flat, 8);
                assert_eq!(out, flat);
            }
        }
    }
}
