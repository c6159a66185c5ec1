//! The five filters of PNG (W3C PNG, section 9.2), undone.

#![expect(clippy::inline_always, reason = "what works with vectors has to be compiled for those of its caller")]

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, i16x8, u8x16, u16x8, u64x2};

/// Undoes a row's filter: `row` becomes what `raw` stands for, below `above`. `false` when there is no such filter.
///
/// All three have the same length; `step` is the distance to the pixel on the left in bytes, 1 to 8.
pub(super) fn unfilter(filter: u8, step: usize, raw: &[u8], above: &[u8], row: &mut [u8]) -> bool {
    match filter {
        0 => row.copy_from_slice(raw),
        2 => {
            for ((row, raw), above) in row.iter_mut().zip(raw).zip(above) {
                *row = raw.wrapping_add(*above);
            }
        }
        1 | 3 | 4 => match step {
            1 => sequential::<1>(filter, raw, above, row),
            2 => sequential::<2>(filter, raw, above, row),
            3 => sequential::<3>(filter, raw, above, row),
            4 => sequential::<4>(filter, raw, above, row),
            6 => sequential::<6>(filter, raw, above, row),
            _ => sequential::<8>(filter, raw, above, row),
        },
        _ => return false,
    }
    true
}

/// The filters for which a pixel needs the one on its left.
fn sequential<const STEP: usize>(filter: u8, raw: &[u8], above: &[u8], row: &mut [u8]) {
    let (raw, _) = raw.as_chunks::<STEP>();
    let (above, _) = above.as_chunks::<STEP>();
    let (row, _) = row.as_chunks_mut::<STEP>();
    let pixels = row.iter_mut().zip(raw).zip(above);
    let mut left = [0_u8; STEP];
    match filter {
        1 => {
            for ((pixel, raw), _) in pixels {
                for at in 0..STEP {
                    left[at] = raw[at].wrapping_add(left[at]);
                }
                *pixel = left;
            }
        }
        3 => {
            for ((pixel, raw), above) in pixels {
                for at in 0..STEP {
                    left[at] = raw[at].wrapping_add(left[at].midpoint(above[at]));
                }
                *pixel = left;
            }
        }
        _ => dispatch!(level(), simd => paeth_row(simd, raw, above, row)),
    }
}

/// The best vectors here. Not AVX-512: each pixel waits for the one before, and there comparisons take longer.
fn level() -> Level {
    let level = Level::new();
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if let Some(avx2) = level.as_avx2() {
        return avx2.level();
    }
    level
}

/// Undoes the filter that takes most, all channels of a pixel at once; for the others that would be slower.
#[inline(always)]
fn paeth_row<S: Simd, const STEP: usize>(simd: S, raw: &[[u8; STEP]], above: &[[u8; STEP]], row: &mut [[u8; STEP]]) {
    let zero = u8x16::splat(simd, 0);
    let wide = |pixel: &[u8; STEP]| -> i16x8<S> {
        let mut word = [0; 8];
        word[..STEP].copy_from_slice(pixel);
        let word = u64x2::from_slice(simd, &[u64::from_ne_bytes(word), 0]);
        word.bitcast::<u8x16<S>>().zip_low(zero).bitcast()
    };
    let (mut left, mut corner) = (i16x8::splat(simd, 0), i16x8::splat(simd, 0));
    for ((pixel, raw), above) in row.iter_mut().zip(raw).zip(above) {
        let above = wide(above);
        // Byte by byte, so that what does not fit a sample is gone.
        let sum = wide(raw).bitcast::<u8x16<S>>() + paeth(left, above, corner).bitcast::<u8x16<S>>();
        left = sum.bitcast();
        corner = above;
        let samples = left.bitcast::<u16x8<S>>();
        let mut words = [0; 2];
        samples.saturating_narrow(samples).bitcast::<u64x2<S>>().store_slice(&mut words);
        pixel.copy_from_slice(&words[0].to_ne_bytes()[..STEP]);
    }
}

/// Whichever of the three is nearest to `left + above - corner`; in doubt the first.
///
/// With the two neighbours sorted, and the estimate at `low + high - corner`: the corner is nearest unless the estimate
/// lies so far out that an end is; comparing `3 * corner` with the sum of the neighbours tells, without any distance.
#[inline(always)]
fn paeth<S: Simd>(left: i16x8<S>, above: i16x8<S>, corner: i16x8<S>) -> i16x8<S> {
    let threshold = corner * 3 - above - left;
    let (low, high) = (left.min(above), left.max(above));
    let low_or_corner = high.simd_gt(threshold).select(corner, low);
    threshold.simd_gt(low).select(low_or_corner, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As section 9.4 defines it.
    fn nearest(left: i16, above: i16, corner: i16) -> i16 {
        let estimate = left + above - corner;
        [left, above, corner].into_iter().min_by_key(|sample| (estimate - *sample).abs()).unwrap()
    }

    #[test]
    fn the_predictor_is_that_of_the_standard() {
        for left in 0..=255_i16 {
            for above in 0..=255 {
                for corner in (0..=255).step_by(5) {
                    for level in [Level::baseline(), level()] {
                        let predicted = dispatch!(level, simd => {
                            paeth(i16x8::splat(simd, left), i16x8::splat(simd, above), i16x8::splat(simd, corner))[0]
                        });
                        assert_eq!(predicted, nearest(left, above, corner), "{left} {above} {corner}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_filter_is_undone_at_every_step() {
        for step in [1, 2, 3, 4, 6, 8] {
            let above: Vec<u8> = (0..48).map(|at: u8| at.wrapping_mul(37)).collect();
            let plain: Vec<u8> = (0..48).map(|at: u8| at.wrapping_mul(101).wrapping_add(7)).collect();
            for filter in 0..5 {
                let raw: Vec<u8> = (0..48_usize)
                    .map(|at| {
                        let before = |row: &[u8]| at.checked_sub(step).map_or(0, |at| row[at]);
                        let (left, corner) = (before(&plain), before(&above));
                        let predicted = match filter {
                            0 => 0,
                            1 => left,
                            2 => above[at],
                            3 => left.midpoint(above[at]),
                            _ => u8::try_from(nearest(left.into(), above[at].into(), corner.into())).unwrap(),
                        };
                        plain[at].wrapping_sub(predicted)
                    })
                    .collect();
                let mut row = vec![0; 48];
                assert!(unfilter(filter, step, &raw, &above, &mut row));
                assert_eq!(row, plain, "filter {filter}, step {step}");
            }
        }
        assert!(!unfilter(5, 1, &[1], &[1], &mut [0]));
    }
}
