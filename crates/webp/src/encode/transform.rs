//! The transforms of blocks of 4 x 4, and those of the DCs of a macroblock. RFC 6386, section 14.

/// Samples of a block, row by row.
pub(super) type Block = [u8; 16];

/// Coefficients of a block, row by row.
pub(super) type Coefficients = [i32; 16];

/// sqrt(2) * cos(pi / 8) and sqrt(2) * sin(pi / 8) in 4096ths.
const FORWARD_COSINE: i32 = 5352;
const FORWARD_SINE: i32 = 2217;

/// sqrt(2) * cos(pi / 8) - 1 and sqrt(2) * sin(pi / 8) in 65536ths, exactly as decoders have them. Section 14.3.
const COSINE_LESS_ONE: i32 = 20_091;
const SINE: i32 = 35_468;

/// The DCT of what the prediction leaves, at the scale that [`inverse`] undoes: twice the orthonormal one.
#[inline]
pub(super) fn forward(source: &Block, prediction: &Block) -> Coefficients {
    let mut residual = [0; 16];
    for (residual, (&source, &prediction)) in residual.iter_mut().zip(source.iter().zip(prediction)) {
        *residual = i32::from(source) - i32::from(prediction);
    }
    let mut columns = [0; 16];
    for x in 0..4 {
        let [even, odd, far, near] = butterfly(residual[x], residual[x + 4], residual[x + 8], residual[x + 12]);
        // Three bits more than they need, to round only once.
        columns[x] = even << 3;
        columns[x + 4] = (far * FORWARD_COSINE + near * FORWARD_SINE + (1 << 8)) >> 9;
        columns[x + 8] = odd << 3;
        columns[x + 12] = (far * FORWARD_SINE - near * FORWARD_COSINE + (1 << 8)) >> 9;
    }
    let mut coefficients = [0; 16];
    for (row, out) in columns.chunks_exact(4).zip(coefficients.chunks_exact_mut(4)) {
        let [even, odd, far, near] = butterfly(row[0], row[1], row[2], row[3]);
        out[0] = (even + (1 << 3)) >> 4;
        out[1] = (far * FORWARD_COSINE + near * FORWARD_SINE + (1 << 15)) >> 16;
        out[2] = (odd + (1 << 3)) >> 4;
        out[3] = (far * FORWARD_SINE - near * FORWARD_COSINE + (1 << 15)) >> 16;
    }
    coefficients
}

/// Sum and difference of the two sums, then the difference of the outer and that of the inner samples.
#[inline]
const fn butterfly(a: i32, b: i32, c: i32, d: i32) -> [i32; 4] {
    let (outer, inner) = (a + d, b + c);
    [outer + inner, outer - inner, a - d, b - c]
}

/// A block as decoders build it, to the last bit. Section 14.3.
#[inline]
pub(super) fn inverse(coefficients: &Coefficients, prediction: &Block) -> Block {
    let mut columns = [0; 16];
    for x in 0..4 {
        let [a, b, c, d] = unbutterfly(coefficients[x], coefficients[x + 4], coefficients[x + 8], coefficients[x + 12]);
        columns[x] = a;
        columns[x + 4] = b;
        columns[x + 8] = c;
        columns[x + 12] = d;
    }
    let mut residual = [0; 16];
    for y in 0..4 {
        let row = &columns[y * 4..y * 4 + 4];
        residual[y * 4..y * 4 + 4].copy_from_slice(&unbutterfly(row[0], row[1], row[2], row[3]));
    }
    let mut block = [0; 16];
    for (sample, (&residual, &prediction)) in block.iter_mut().zip(residual.iter().zip(prediction)) {
        *sample = (i32::from(prediction) + ((residual + 4) >> 3)).clamp(0, 255) as u8;
    }
    block
}

#[inline]
const fn unbutterfly(a: i32, b: i32, c: i32, d: i32) -> [i32; 4] {
    let (even, odd) = (a + c, a - c);
    let near = ((b * SINE) >> 16) - d - ((d * COSINE_LESS_ONE) >> 16);
    let far = b + ((b * COSINE_LESS_ONE) >> 16) + ((d * SINE) >> 16);
    [even + far, odd + near, odd - near, even - far]
}

/// The Walsh-Hadamard transform of the DCs of a macroblock, at the scale that [`inverse_dcs`] undoes.
pub(super) fn forward_dcs(dcs: &Coefficients) -> Coefficients {
    hadamard(dcs).map(|sum| (sum + 1) >> 1)
}

/// The DCs of a macroblock as decoders build them. Section 14.3.
pub(super) fn inverse_dcs(coefficients: &Coefficients) -> Coefficients {
    hadamard(coefficients).map(|sum| (sum + 3) >> 3)
}

/// Its matrix is symmetric: it is its own inverse but for the scale.
fn hadamard(input: &Coefficients) -> Coefficients {
    let one = |a, b, c, d| {
        let [even, odd, far, near] = butterfly(a, b, c, d);
        [even, far + near, odd, far - near]
    };
    let mut columns = [0; 16];
    for x in 0..4 {
        let column = one(input[x], input[x + 4], input[x + 8], input[x + 12]);
        for (y, value) in column.into_iter().enumerate() {
            columns[y * 4 + x] = value;
        }
    }
    let mut output = [0; 16];
    for (row, out) in columns.chunks_exact(4).zip(output.chunks_exact_mut(4)) {
        out.copy_from_slice(&one(row[0], row[1], row[2], row[3]));
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples without any order, from a linear congruential generator.
    fn noise(seed: u32) -> Block {
        let mut state = seed;
        std::array::from_fn(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
    }

    #[test]
    fn what_is_not_quantised_comes_back_but_for_rounding() {
        for seed in 0..1000 {
            let (source, prediction) = (noise(seed), noise(seed + 5000));
            let back = inverse(&forward(&source, &prediction), &prediction);
            for (a, b) in source.iter().zip(back) {
                assert!(a.abs_diff(b) <= 1, "{source:?} came back as {back:?}");
            }
        }
    }

    #[test]
    fn dcs_come_back_but_for_rounding() {
        for seed in 0..1000 {
            let dcs = noise(seed).map(|sample| (i32::from(sample) - 128) * 16);
            let back = inverse_dcs(&forward_dcs(&dcs));
            for (a, b) in dcs.iter().zip(back) {
                assert!(a.abs_diff(b) <= 1, "{dcs:?} came back as {back:?}");
            }
        }
    }
}
