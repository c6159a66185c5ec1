//! Intra prediction. RFC 6386, 12.

use crate::modes::{Mode, Submode};
use crate::work::STRIDE;

/// Which neighbours there are; without them DC prediction does not count their samples.
#[derive(Clone, Copy, Debug)]
pub struct Neighbours {
    pub above: bool,
    pub left: bool,
}

/// Predicts a square of `N` x `N` samples (16 of luma, 8 of chroma) that begins in column `x` of `samples`, whose row 0 is the
/// one above. RFC 6386, 12.2 and 12.3.
#[inline(always)]
pub fn square<const N: usize>(samples: &mut [u8], x: usize, mode: Mode, neighbours: Neighbours) {
    let above: [u8; N] = std::array::from_fn(|i| samples[x + i]);
    let corner = i16::from(samples[x - 1]);
    let rows = samples.chunks_exact_mut(STRIDE).skip(1);
    match mode {
        Mode::Dc => {
            let dc = dc::<N>(samples, x, neighbours);
            for row in samples.chunks_exact_mut(STRIDE).skip(1) {
                row[x..x + N].fill(dc);
            }
        }
        Mode::Vertical => {
            for row in rows {
                row[x..x + N].copy_from_slice(&above);
            }
        }
        Mode::Horizontal => {
            for row in rows {
                let left = row[x - 1];
                row[x..x + N].fill(left);
            }
        }
        Mode::TrueMotion => {
            for row in rows {
                let change = i16::from(row[x - 1]) - corner;
                for (sample, above) in row[x..x + N].iter_mut().zip(above) {
                    *sample = (i16::from(above) + change).clamp(0, 255) as u8;
                }
            }
        }
    }
}

/// The average of what is above and to the left.
fn dc<const N: usize>(samples: &[u8], x: usize, neighbours: Neighbours) -> u8 {
    let above = || samples[x..x + N].iter().map(|&s| u32::from(s)).sum::<u32>();
    let left = || samples.chunks_exact(STRIDE).skip(1).map(|row| u32::from(row[x - 1])).sum::<u32>();
    let n = N as u32;
    let average = match (neighbours.above, neighbours.left) {
        (true, true) => (above() + left() + n) / (2 * n),
        (true, false) => (above() + n / 2) / n,
        (false, true) => (left() + n / 2) / n,
        (false, false) => 128,
    };
    average as u8
}

/// The samples that a subblock with what surrounds it spans, from the one above to the left.
pub const SPAN: usize = 4 * STRIDE + 5;

/// Predicts a subblock of 4 x 4 samples. `samples` begins with the one above and to the left of it, and has eight above.
/// RFC 6386, 12.3.
#[inline(always)]
pub fn subblock(samples: &mut [u8; SPAN], mode: Submode) {
    let left: [u8; 4] = std::array::from_fn(|i| samples[(i + 1) * STRIDE]);
    // The edge, from the bottom of the left column over the corner to what is above to the right; both ends doubled.
    let mut edge = [0; 16];
    edge[0] = left[3];
    for i in 0..4 {
        edge[1 + i] = left[3 - i];
    }
    edge[5..14].copy_from_slice(&samples[..9]);
    edge[14] = edge[13];
    edge[15] = edge[13];

    let rows: [[u8; 4]; 4] = match mode {
        Submode::Dc => {
            let sum: u16 = edge[1..5].iter().chain(&edge[6..10]).map(|&s| u16::from(s)).sum();
            [[((sum + 4) >> 3) as u8; 4]; 4]
        }
        Submode::TrueMotion => std::array::from_fn(|r| {
            let change = i16::from(left[r]) - i16::from(edge[5]);
            std::array::from_fn(|c| (i16::from(edge[6 + c]) + change).clamp(0, 255) as u8)
        }),
        _ => directional(&edge, mode),
    };
    for (r, row) in rows.iter().enumerate() {
        samples[(r + 1) * STRIDE + 1..][..4].copy_from_slice(row);
    }
}

/// The modes that are averages of two or three neighbours on the edge: all of them are computed once, and each mode is a
/// matter of which go where.
#[inline(always)]
fn directional(edge: &[u8; 16], mode: Submode) -> [[u8; 4]; 4] {
    let mut two = [0; 16];
    let mut three = [0; 16];
    for i in 0..14 {
        let [a, b, c] = [edge[i], edge[i + 1], edge[i + 2]].map(u16::from);
        two[i] = ((a + b + 1) >> 1) as u8;
        three[i] = ((a + 2 * b + c + 2) >> 2) as u8;
    }
    let run = |from: &[u8; 16], start: usize| -> [u8; 4] { std::array::from_fn(|i| from[start + i]) };
    match mode {
        Submode::Vertical => [run(&three, 5); 4],
        Submode::Horizontal => [[three[3]; 4], [three[2]; 4], [three[1]; 4], [three[0]; 4]],
        Submode::LeftDown => [run(&three, 6), run(&three, 7), run(&three, 8), run(&three, 9)],
        Submode::RightDown => [run(&three, 4), run(&three, 3), run(&three, 2), run(&three, 1)],
        Submode::VerticalRight => {
            [run(&two, 5), run(&three, 4), [three[3], two[5], two[6], two[7]], [three[2], three[4], three[5], three[6]]]
        }
        Submode::VerticalLeft => [
            run(&two, 6),
            run(&three, 6),
            [two[7], two[8], two[9], three[10]],
            [three[7], three[8], three[9], three[11]],
        ],
        Submode::HorizontalDown => [
            [two[4], three[4], three[5], three[6]],
            [two[3], three[3], two[4], three[4]],
            [two[2], three[2], two[3], three[3]],
            [two[1], three[1], two[2], three[2]],
        ],
        Submode::HorizontalUp | Submode::Dc | Submode::TrueMotion => [
            [two[3], three[2], two[2], three[1]],
            [two[2], three[1], two[1], three[0]],
            [two[1], three[0], edge[0], edge[0]],
            [edge[0]; 4],
        ],
    }
}
