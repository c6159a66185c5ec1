//! What decoders will have built so far, which is what they predict from. RFC 6386, section 12.

use super::predict::Edges;
use super::transform::Block;

/// One component as decoded, before the loop filter: prediction within a key frame does not see it. A row of 127 lies
/// above the picture, a column of 129 to its left. Section 12.2.
#[derive(Debug)]
pub(super) struct Reconstruction {
    stride: usize,
    samples: Vec<u8>,
}

impl Reconstruction {
    pub(super) fn new(width: usize, height: usize) -> Self {
        let stride = width + 1;
        let mut samples = vec![129; stride * (height + 1)];
        samples[..stride].fill(127);
        Self { stride, samples }
    }

    /// Where a square starts, its edges left out.
    fn start<const N: usize>(&self, column: usize, row: usize) -> usize {
        (row * N + 1) * self.stride + column * N + 1
    }

    pub(super) fn edges<const N: usize>(&self, column: usize, row: usize) -> Edges<N> {
        let start = self.start::<N>(column, row);
        let above = start - self.stride;
        Edges {
            above: std::array::from_fn(|x| self.samples[above + x]),
            left: std::array::from_fn(|y| self.samples[start + y * self.stride - 1]),
            corner: self.samples[above - 1],
            has_above: row > 0,
            has_left: column > 0,
        }
    }

    /// The four samples that follow the edge above a macroblock, which its right-hand subblocks see as well, all of
    /// them the same. Right of the picture the last sample is repeated. Section 12.3.
    pub(super) fn above_right(&self, column: usize, row: usize) -> [u8; 4] {
        let end = self.start::<16>(column + 1, row) - self.stride;
        let last = (column + 1) * 16 + 1 == self.stride;
        match (row, last) {
            (0, _) => [127; 4],
            (_, true) => [self.samples[end - 1]; 4],
            _ => std::array::from_fn(|x| self.samples[end + x]),
        }
    }

    pub(super) fn store<const N: usize>(&mut self, column: usize, row: usize, square: &[[u8; N]; N]) {
        let start = self.start::<N>(column, row);
        for (y, line) in square.iter().enumerate() {
            self.samples[start + y * self.stride..][..N].copy_from_slice(line);
        }
    }
}

/// A luma macroblock that is built one subblock after the other, with its edges.
#[derive(Debug)]
pub(super) struct Workspace {
    samples: [u8; WORKSPACE_STRIDE * 17],
}

/// The corner, 16 samples, and the 4 above to the right.
const WORKSPACE_STRIDE: usize = 21;

impl Workspace {
    pub(super) fn new(edges: &Edges<16>, above_right: [u8; 4]) -> Self {
        let mut samples = [0; WORKSPACE_STRIDE * 17];
        samples[0] = edges.corner;
        samples[1..17].copy_from_slice(&edges.above);
        for row in [0, 4, 8, 12] {
            samples[row * WORKSPACE_STRIDE + 17..][..4].copy_from_slice(&above_right);
        }
        for (y, &left) in edges.left.iter().enumerate() {
            samples[(y + 1) * WORKSPACE_STRIDE] = left;
        }
        Self { samples }
    }

    /// The edge of a subblock in the order of [`super::predict::subblocks`].
    pub(super) fn edge(&self, x: usize, y: usize) -> [u8; 13] {
        let corner = y * 4 * WORKSPACE_STRIDE + x * 4;
        let mut edge = [0; 13];
        for (at, sample) in edge[..4].iter_mut().enumerate() {
            *sample = self.samples[corner + (4 - at) * WORKSPACE_STRIDE];
        }
        edge[4..].copy_from_slice(&self.samples[corner..corner + 9]);
        edge
    }

    pub(super) fn store(&mut self, x: usize, y: usize, block: &Block) {
        let start = (y * 4 + 1) * WORKSPACE_STRIDE + x * 4 + 1;
        for (line, row) in block.chunks_exact(4).enumerate() {
            self.samples[start + line * WORKSPACE_STRIDE..][..4].copy_from_slice(row);
        }
    }

    /// The finished macroblock.
    pub(super) fn square(&self) -> [[u8; 16]; 16] {
        std::array::from_fn(|y| std::array::from_fn(|x| self.samples[(y + 1) * WORKSPACE_STRIDE + x + 1]))
    }
}
