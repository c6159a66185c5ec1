//! The inverse transforms. RFC 6386, 14.3 and 14.4.

use crate::work::STRIDE;

/// The four rows that a block lies in, from its first sample to its last.
pub const BLOCK: usize = 3 * STRIDE + 4;

/// The inverse Walsh-Hadamard transform: the DC coefficients of sixteen blocks. RFC 6386, 14.3.
pub fn walsh(input: &[i16; 16]) -> [i16; 16] {
    let at = |i: usize| i32::from(input[i]);
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

type Square = [[i16; 4]; 4];

/// One of the two passes: all four columns at once.
#[inline(always)]
fn pass(input: &Square) -> Square {
    let mut output = [[0; 4]; 4];
    for i in 0..4 {
        let a = input[0][i].wrapping_add(input[2][i]);
        let b = input[0][i].wrapping_sub(input[2][i]);
        let c = sine(input[1][i]).wrapping_sub(cosine(input[3][i]));
        let d = cosine(input[1][i]).wrapping_add(sine(input[3][i]));
        output[0][i] = a.wrapping_add(d);
        output[1][i] = b.wrapping_add(c);
        output[2][i] = b.wrapping_sub(c);
        output[3][i] = a.wrapping_sub(d);
    }
    output
}

#[inline(always)]
fn transposed(x: &Square) -> Square {
    std::array::from_fn(|i| std::array::from_fn(|j| x[j][i]))
}

/// Adds the inverse DCT of `coefficients` to a block. RFC 6386, 14.4.
#[inline(always)]
pub fn add(coefficients: &[i16; 16], block: &mut [u8; BLOCK]) {
    let input: Square = std::array::from_fn(|i| std::array::from_fn(|j| coefficients[4 * i + j]));
    let mut middle = transposed(&pass(&input));
    for dc in &mut middle[0] {
        *dc = dc.wrapping_add(4);
    }
    let residue = transposed(&pass(&middle));
    for (r, residue) in residue.iter().enumerate() {
        for (c, residue) in residue.iter().enumerate() {
            let sample = &mut block[r * STRIDE + c];
            *sample = (i16::from(*sample).wrapping_add(residue >> 3)).clamp(0, 255) as u8;
        }
    }
}

/// The same for a block whose only coefficient is its DC.
#[inline(always)]
pub fn add_dc(dc: i16, block: &mut [u8; BLOCK]) {
    let residue = dc.wrapping_add(4) >> 3;
    for r in 0..4 {
        for sample in &mut block[r * STRIDE..r * STRIDE + 4] {
            *sample = (i16::from(*sample) + residue).clamp(0, 255) as u8;
        }
    }
}
