//! The inverse transforms. RFC 6386, 14.3 and 14.4.

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, i16x8, u64x2};

use crate::work::STRIDE;

/// The four rows that a block lies in, from its first sample to its last.
pub const BLOCK: usize = 3 * STRIDE + 4;

/// The inverse Walsh-Hadamard transform: the DC coefficients of sixteen blocks. RFC 6386, 14.3.
pub fn walsh(input: &[i16; SPAN]) -> [i16; 16] {
    let at = |i: usize| i32::from(input[i / 4 * 8 + i % 4]);
    let mut rows = [[0i32; 4]; 4];
    for i in 0..4 {
        let (a, b) = (at(i) + at(12 + i), at(4 + i) + at(8 + i));
        let (c, d) = (at(4 + i) - at(8 + i), at(i) - at(12 + i));
        rows[0][i] = a + b;
        rows[1][i] = d + c;
        rows[2][i] = a - b;
        rows[3][i] = d - c;
    }
    let mut output = [0; 16];
    for (row, output) in rows.iter().zip(output.chunks_exact_mut(4)) {
        let (a, b) = (row[0] + row[3] + 3, row[1] + row[2]);
        let (c, d) = (row[1] - row[2], row[0] - row[3] + 3);
        output[0] = ((a + b) >> 3) as i16;
        output[1] = ((d + c) >> 3) as i16;
        output[2] = ((a - b) >> 3) as i16;
        output[3] = ((d - c) >> 3) as i16;
    }
    output
}

/// `x * sqrt(2) * cos(pi / 8)`, as RFC 6386 rounds it.
#[inline(always)]
fn cosine(x: i16) -> i16 {
    x.wrapping_add(high(x, 20091))
}

/// `x * sqrt(2) * sin(pi / 8)`: a factor of 35468 / 65536, which is one more than what fits.
#[inline(always)]
fn sine(x: i16) -> i16 {
    x.wrapping_add(high(x, -30068))
}

/// The upper half of a product.
#[inline(always)]
fn high(x: i16, factor: i16) -> i16 {
    ((i32::from(x) * i32::from(factor)) >> 16) as i16
}

/// Two blocks side by side: the first four of each eight are a row of the first one.
///
/// A row of one block alone would fill but half of a vector.
pub type Pair = [i16; 32];

/// From the first coefficient of a block to its last, in a pair.
pub const SPAN: usize = 3 * 8 + 4;

/// One of the two passes: all columns of both blocks at once. Apart, so that it is compiled to vectors and not taken to pieces.
#[inline(never)]
fn pass(input: &Pair, bias: i16, shift: u32, output: &mut Pair) {
    for i in 0..8 {
        let [first, second, third, fourth] = [input[i].wrapping_add(bias), input[8 + i], input[16 + i], input[24 + i]];
        let a = first.wrapping_add(third);
        let b = first.wrapping_sub(third);
        let c = sine(second).wrapping_sub(cosine(fourth));
        let d = cosine(second).wrapping_add(sine(fourth));
        output[i] = a.wrapping_add(d) >> shift;
        output[8 + i] = b.wrapping_add(c) >> shift;
        output[16 + i] = b.wrapping_sub(c) >> shift;
        output[24 + i] = a.wrapping_sub(d) >> shift;
    }
}

/// Transposes either block.
#[inline(always)]
fn transpose<S: Simd>(simd: S, pair: &mut Pair) {
    let row = |r: usize| i16x8::from_slice(simd, &pair[8 * r..8 * r + 8]);
    let (even, odd) = ((row(0), row(2)), (row(1), row(3)));
    let (left_even, left_odd) = (even.0.zip_low(even.1), odd.0.zip_low(odd.1));
    let (right_even, right_odd) = (even.0.zip_high(even.1), odd.0.zip_high(odd.1));
    // Of either block columns 0 and 1, then columns 2 and 3.
    let (left, right) = (left_even.zip_low(left_odd), right_even.zip_low(right_odd));
    let (left, right) = (left.bitcast::<u64x2<S>>(), right.bitcast::<u64x2<S>>());
    left.zip_low(right).bitcast::<i16x8<S>>().store_slice(&mut pair[..8]);
    left.zip_high(right).bitcast::<i16x8<S>>().store_slice(&mut pair[8..16]);
    let (left, right) = (left_even.zip_high(left_odd), right_even.zip_high(right_odd));
    let (left, right) = (left.bitcast::<u64x2<S>>(), right.bitcast::<u64x2<S>>());
    left.zip_low(right).bitcast::<i16x8<S>>().store_slice(&mut pair[16..24]);
    left.zip_high(right).bitcast::<i16x8<S>>().store_slice(&mut pair[24..]);
}

/// The inverse DCT of two blocks: what is to be added to their predictions. RFC 6386, 14.4.
pub fn inverse(pair: &mut Pair) {
    let mut middle = [0; 32];
    pass(pair, 0, 0, &mut middle);
    dispatch!(Level::baseline(), simd => transpose(simd, &mut middle));
    pass(&middle, 4, 3, pair);
    dispatch!(Level::baseline(), simd => transpose(simd, pair));
}

/// Adds what [`inverse`] made to a block, and makes it 0 for the next macroblock.
#[inline(always)]
pub fn add(residues: &mut [i16; SPAN], block: &mut [u8; BLOCK]) {
    for (r, residues) in residues.chunks_mut(8).enumerate() {
        for (c, residue) in residues[..4].iter_mut().enumerate() {
            let sample = &mut block[r * STRIDE + c];
            *sample = i16::from(*sample).wrapping_add(*residue).clamp(0, 255) as u8;
            *residue = 0;
        }
    }
}

/// Adds the residue of a block whose only coefficient is its DC.
#[inline(always)]
pub fn add_dc(dc: i16, block: &mut [u8; BLOCK]) {
    let residue = dc.wrapping_add(4) >> 3;
    for r in 0..4 {
        for sample in &mut block[r * STRIDE..r * STRIDE + 4] {
            *sample = (i16::from(*sample) + residue).clamp(0, 255) as u8;
        }
    }
}
