//! The forward DCT (A.3.3), by the factorisation of Arai, Agui and Nakajima: five multiplications for eight samples, and
//! factors that are left to the quantiser.

/// Eight rows of eight.
pub(super) type Block<T> = [[T; 8]; 8];

/// What each row and column is too large by, beside 8: `SCALES[v] * SCALES[u] * 8` for the coefficient at row v and
/// column u. cos(k pi / 16) * sqrt(2) but for k = 0.
pub(super) const SCALES: [f32; 8] =
    [1.0, 1.387_039_8, 1.306_562_9, 1.175_875_6, 1.0, 0.785_694_95, 0.541_196_1, 0.275_899_38];

/// Transformed, level-shifted by 128, and larger than the coefficients by what [`SCALES`] tells; transposed: the rows are
/// horizontal frequencies.
#[inline(always)]
pub(super) fn forward(samples: &Block<u8>) -> Block<f32> {
    let mut block = samples.map(|row| row.map(|sample| f32::from(sample) - 128.0));
    // Vertically, all columns at once; then the same on its transpose.
    pass(&mut block);
    block = transpose(&block);
    pass(&mut block);
    block
}

#[inline(always)]
fn transpose(block: &Block<f32>) -> Block<f32> {
    let mut transposed = [[0.0; 8]; 8];
    for (y, row) in block.iter().enumerate() {
        for (x, sample) in row.iter().enumerate() {
            transposed[x][y] = *sample;
        }
    }
    transposed
}

/// One dimension, of eight columns side by side.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "each step takes a sample of every row")]
fn pass(rows: &mut Block<f32>) {
    for x in 0..8 {
        let at = |y: usize| rows[y][x];
        let (sum0, sum1, sum2, sum3) = (at(0) + at(7), at(1) + at(6), at(2) + at(5), at(3) + at(4));
        let (dif0, dif1, dif2, dif3) = (at(0) - at(7), at(1) - at(6), at(2) - at(5), at(3) - at(4));

        let (even0, even1, even2, even3) = (sum0 + sum3, sum1 + sum2, sum1 - sum2, sum0 - sum3);
        let rotated = (even2 + even3) * std::f32::consts::FRAC_1_SQRT_2;

        let (odd0, odd1, odd2) = (dif3 + dif2, dif2 + dif1, dif1 + dif0);
        let shared = (odd0 - odd2) * 0.382_683_43;
        let (low, high) = (0.541_196_1 * odd0 + shared, 1.306_562_9 * odd2 + shared);
        let middle = odd1 * std::f32::consts::FRAC_1_SQRT_2;
        let (plus, minus) = (dif0 + middle, dif0 - middle);

        rows[0][x] = even0 + even1;
        rows[4][x] = even0 - even1;
        rows[2][x] = even3 + rotated;
        rows[6][x] = even3 - rotated;
        rows[5][x] = minus + low;
        rows[3][x] = minus - low;
        rows[1][x] = plus + high;
        rows[7][x] = plus - high;
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    #[test]
    fn it_is_the_transform_of_the_standard() {
        let mut noise = 1_u32;
        let samples = [[(); 8]; 8].map(|row| {
            row.map(|()| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                u8::try_from(noise >> 24).unwrap()
            })
        });
        let fast = forward(&samples);
        for v in 0..8_u8 {
            for u in 0..8_u8 {
                let weight = |k: u8| if k == 0 { 0.5_f64.sqrt() } else { 1.0 };
                let wave = |k: u8, at: u8| (f64::from(2 * at + 1) * f64::from(k) * PI / 16.0).cos();
                let mut sum = 0.0;
                for (y, row) in (0..).zip(&samples) {
                    for (x, sample) in (0..).zip(row) {
                        sum += (f64::from(*sample) - 128.0) * wave(u, x) * wave(v, y);
                    }
                }
                let (v, u, exact) = (usize::from(v), usize::from(u), sum * weight(u) * weight(v) / 4.0);
                let ours = f64::from(fast[u][v] / (SCALES[u] * SCALES[v] * 8.0));
                assert!((exact - ours).abs() < 1e-3, "{u} {v}: {exact} {ours}");
            }
        }
    }
}
