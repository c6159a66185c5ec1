//! The rows of a plane that a row of macroblocks lies in, with those above that the loop filter still changes.

use crate::filter::Rows;
use crate::shrink::Shrinker;

/// How many rows above a macroblock the filter reads; it changes three of them. RFC 6386, 15.3.
const ABOVE: usize = 4;

/// A row of macroblocks of one plane, on its way from reconstruction through the filter to the shrunken plane.
#[derive(Debug)]
pub struct Band {
    /// `ABOVE` rows of the band before, then those of this one.
    samples: Vec<u8>,
    stride: usize,
    /// Of a macroblock: 16 or 8.
    side: usize,
    /// Of the rows at the top, how many wait to be given away: none in the first band.
    waiting: usize,
}

impl Band {
    /// How many bytes it allocates.
    pub fn memory(columns: u64, side: u64) -> u64 {
        columns * side * (side + ABOVE as u64)
    }

    /// For `columns` macroblocks of `side` samples.
    pub fn new(columns: usize, side: usize) -> Self {
        let stride = columns * side;
        Band { samples: vec![0; stride * (side + ABOVE)], stride, side, waiting: 0 }
    }

    /// Where the samples of a macroblock begin.
    pub fn start(&self, column: usize) -> usize {
        ABOVE * self.stride + column * self.side
    }

    /// The samples, for the filter.
    pub fn rows(&mut self) -> Rows<'_> {
        Rows { samples: &mut self.samples, stride: self.stride }
    }

    /// Sets the samples of a macroblock of side `N`. They are in `work`, from column `x` and row 1 on.
    #[inline(always)]
    pub fn set<const N: usize>(&mut self, column: usize, work: &[u8], x: usize) {
        let start = self.start(column);
        let rows = work.chunks_exact(crate::work::STRIDE).skip(1);
        for (to, from) in self.samples[start..].chunks_mut(self.stride).zip(rows) {
            to[..N].copy_from_slice(&from[x..x + N]);
        }
    }

    /// Gives the rows away that nothing changes any more: all, or if they are `filtered`, not yet the last ones.
    pub fn give(&mut self, shrinker: &mut Shrinker, filtered: bool) {
        let kept = if filtered { ABOVE } else { 0 };
        let (first, end) = (ABOVE - self.waiting, ABOVE + self.side - kept);
        for row in self.samples[first * self.stride..end * self.stride].chunks_exact(self.stride) {
            shrinker.push(row);
        }
        if filtered {
            self.samples.copy_within(self.side * self.stride.., 0);
        }
        self.waiting = kept;
    }

    /// Gives away what waits, after the last band.
    pub fn give_last(&mut self, shrinker: &mut Shrinker) {
        for row in self.samples[(ABOVE - self.waiting) * self.stride..ABOVE * self.stride].chunks_exact(self.stride) {
            shrinker.push(row);
        }
        self.waiting = 0;
    }
}
