//! Intra prediction. RFC 6386, section 12.

use super::transform::Block;

/// How a whole luma or chroma square is predicted. Sections 12.2 and 12.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Dc,
    Vertical,
    Horizontal,
    TrueMotion,
}

impl Mode {
    pub(super) const ALL: [Self; 4] = [Self::Dc, Self::Vertical, Self::Horizontal, Self::TrueMotion];

    /// The subblock mode that a macroblock in this mode is to its neighbours. Section 11.3.
    pub(super) const fn as_submode(self) -> u8 {
        match self {
            Self::Dc => submode::DC,
            Self::Vertical => submode::VERTICAL,
            Self::Horizontal => submode::HORIZONTAL,
            Self::TrueMotion => submode::TRUE_MOTION,
        }
    }
}

/// What lies around a square: 127 above the picture, 129 to the left of it.
#[derive(Debug)]
pub(super) struct Edges<const N: usize> {
    pub(super) above: [u8; N],
    pub(super) left: [u8; N],
    pub(super) corner: u8,
    pub(super) has_above: bool,
    pub(super) has_left: bool,
}

/// Predicts a square of samples.
pub(super) fn square<const N: usize>(mode: Mode, edges: &Edges<N>) -> [[u8; N]; N] {
    match mode {
        Mode::Dc => [[dc(edges); N]; N],
        Mode::Vertical => [edges.above; N],
        Mode::Horizontal => edges.left.map(|sample| [sample; N]),
        Mode::TrueMotion => edges.left.map(|left| true_motion(left, edges.corner, edges.above)),
    }
}

fn dc<const N: usize>(edges: &Edges<N>) -> u8 {
    let sum = |samples: &[u8; N]| samples.iter().map(|&sample| u32::from(sample)).sum::<u32>();
    let n = N as u32;
    // Means of bytes.
    (match (edges.has_above, edges.has_left) {
        (true, true) => (sum(&edges.above) + sum(&edges.left) + n) / (2 * n),
        (true, false) => (sum(&edges.above) + n / 2) / n,
        (false, true) => (sum(&edges.left) + n / 2) / n,
        (false, false) => 128,
    }) as u8
}

fn true_motion<const N: usize>(left: u8, corner: u8, above: [u8; N]) -> [u8; N] {
    let slope = i16::from(left) - i16::from(corner);
    above.map(|above| (i16::from(above) + slope).clamp(0, 255) as u8)
}

/// How a subblock of 4 x 4 is predicted, by the numbers that probabilities go by. Section 11.2.
pub(super) mod submode {
    pub(crate) const DC: u8 = 0;
    pub(crate) const TRUE_MOTION: u8 = 1;
    pub(crate) const VERTICAL: u8 = 2;
    pub(crate) const HORIZONTAL: u8 = 3;
    pub(crate) const COUNT: usize = 10;
}

/// Where the directional modes, from the vertical one on, take each sample from: 0 to 10 are the smoothed samples of
/// the edge (three each, from the second on), 11 the left end and 12 the right end of it smoothed, 16 to 27 means of
/// two, 28 the left end. Section 12.3.
#[rustfmt::skip]
const DIRECTIONS: [[u8; 16]; 8] = [
    // Vertical, smoothed.
    [4, 5, 6, 7,  4, 5, 6, 7,  4, 5, 6, 7,  4, 5, 6, 7],
    // Horizontal, smoothed.
    [2, 2, 2, 2,  1, 1, 1, 1,  0, 0, 0, 0,  11, 11, 11, 11],
    // Left and down.
    [5, 6, 7, 8,  6, 7, 8, 9,  7, 8, 9, 10,  8, 9, 10, 12],
    // Right and down.
    [3, 4, 5, 6,  2, 3, 4, 5,  1, 2, 3, 4,  0, 1, 2, 3],
    // Vertical to the right.
    [20, 21, 22, 23,  3, 4, 5, 6,  2, 20, 21, 22,  1, 3, 4, 5],
    // Vertical to the left.
    [21, 22, 23, 24,  5, 6, 7, 8,  22, 23, 24, 9,  6, 7, 8, 10],
    // Horizontal down.
    [19, 3, 4, 5,  18, 2, 19, 3,  17, 1, 18, 2,  16, 0, 17, 1],
    // Horizontal up.
    [18, 1, 17, 0,  17, 0, 16, 11,  16, 11, 28, 28,  28, 28, 28, 28],
];

/// Predicts a subblock in all modes. The edge runs from the lowest sample on the left over the corner to the eighth
/// sample above.
pub(super) fn subblocks(edge: &[u8; 13]) -> [Block; submode::COUNT] {
    let e = edge.map(u16::from);
    let mut sources = [0; 32];
    for at in 0..11 {
        sources[at] = ((e[at] + 2 * e[at + 1] + e[at + 2] + 2) >> 2) as u8;
    }
    sources[11] = ((e[1] + 3 * e[0] + 2) >> 2) as u8;
    sources[12] = ((e[11] + 3 * e[12] + 2) >> 2) as u8;
    for at in 0..12 {
        sources[16 + at] = ((e[at] + e[at + 1] + 1) >> 1) as u8;
    }
    sources[28] = edge[0];

    let mut blocks = [[0; 16]; submode::COUNT];
    let sum: u16 = e[..4].iter().chain(&e[5..9]).sum();
    blocks[0] = [((sum + 4) >> 3) as u8; 16];
    let above = [edge[5], edge[6], edge[7], edge[8]];
    for (row, &left) in blocks[1].chunks_exact_mut(4).zip(edge[..4].iter().rev()) {
        row.copy_from_slice(&true_motion(left, edge[4], above));
    }
    for (block, directions) in blocks[2..].iter_mut().zip(&DIRECTIONS) {
        *block = directions.map(|source| sources[usize::from(source & 31)]);
    }
    blocks
}
