//! The five filters of PNG (W3C PNG, section 9.2), undone.

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
        _ => {
            let (mut left, mut corner) = ([0_i16; STEP], [0_i16; STEP]);
            for ((pixel, raw), above) in pixels {
                for at in 0..STEP {
                    let above = i16::from(above[at]);
                    let predicted = paeth(left[at], above, corner[at]);
                    pixel[at] = raw[at].wrapping_add(predicted);
                    left[at] = i16::from(pixel[at]);
                    corner[at] = above;
                }
            }
        }
    }
}

/// Whichever of the three is nearest to `left + above - corner`; in doubt the first.
///
/// With the two neighbours sorted, and the estimate at `low + high - corner`: the corner is nearest unless the estimate
/// lies so far out that an end is; comparing `3 * corner` with the sum of the neighbours tells, without any distance.
fn paeth(left: i16, above: i16, corner: i16) -> u8 {
    let threshold = 3 * corner - (left + above);
    let (low, high) = (left.min(above), left.max(above));
    let low_or_corner = if high <= threshold { low } else { corner };
    let nearest = if threshold <= low { high } else { low_or_corner };
    nearest.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_predictor_is_that_of_the_standard() {
        for left in 0..=255_i16 {
            for above in 0..=255 {
                for corner in (0..=255).step_by(5) {
                    let estimate = left + above - corner;
                    let distance = |sample: i16| (estimate - sample).abs();
                    let expected = [left, above, corner].into_iter().min_by_key(|sample| distance(*sample)).unwrap();
                    assert_eq!(i16::from(paeth(left, above, corner)), expected, "{left} {above} {corner}");
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
                            _ => paeth(left.into(), above[at].into(), corner.into()),
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
