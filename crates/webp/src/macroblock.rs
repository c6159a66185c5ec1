//! A macroblock: its coefficients and its reconstruction. RFC 6386, 13 and 14.5.

use crate::bools::Bools;
use crate::frame::Segment;
use crate::modes::{Luma, Mode};
use crate::predict::{self, Neighbours};
use crate::tokens::{self, ByPosition};
use crate::transform::{self, BLOCK, Pair, SPAN};
use crate::work::{CR, LEFT, STRIDE, Work};

/// Which blocks above, or to the left, have coefficients: four of luma, two of Cb, two of Cr, the one of luma's DCs.
pub type Contexts = [u8; 9];

/// What is to be added to a block's prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Residue {
    None,
    Dc,
    All,
}

/// The coefficients of a macroblock: 16 blocks of luma, 4 of Cb, 4 of Cr. All 0 between macroblocks.
#[derive(Clone, Debug)]
pub struct Coefficients {
    pairs: [Pair; 12],
    residues: [Residue; 24],
    /// Whether there is any residue.
    pub any: bool,
}

impl Coefficients {
    pub fn new() -> Self {
        Coefficients { pairs: [[0; 32]; 12], residues: [Residue::None; 24], any: false }
    }

    /// Notes that a macroblock has no coefficients. Its contexts are those of a macroblock whose blocks are empty, except that
    /// where there is no block of luma's DCs, the context of that stays. RFC 6386, 13.3.
    pub fn skip(&mut self, whole: bool, above: &mut Contexts, left: &mut Contexts) {
        let end = if whole { 9 } else { 8 };
        above[..end].fill(0);
        left[..end].fill(0);
        self.any = false;
    }

    /// Reads the coefficients of a macroblock. RFC 6386, 13.
    pub fn read(
        &mut self,
        bools: &mut Bools,
        probabilities: &[ByPosition; 4],
        segment: &Segment,
        whole: bool,
        above: &mut Contexts,
        left: &mut Contexts,
    ) {
        // In registers while it lasts.
        let mut b = *bools;
        let mut any = false;
        let (first, kind) = if whole {
            let mut second = [0; SPAN];
            let context = usize::from(above[8] + left[8]);
            let end = tokens::block(&mut b, &probabilities[1], context, 0, segment.luma_dc, &mut second);
            let exist = u8::from(end > 0);
            (above[8], left[8]) = (exist, exist);
            if end > 0 {
                for (i, dc) in transform::walsh(&second).into_iter().enumerate() {
                    self.block(i)[0] = dc;
                }
            }
            (1, 0)
        } else {
            (0, 3)
        };
        let groups =
            [(0, 4, 0, first, kind, segment.luma), (16, 2, 4, 0, 2, segment.chroma), (20, 2, 6, 0, 2, segment.chroma)];
        for (start, side, context, first, kind, steps) in groups {
            for y in 0..side {
                for x in 0..side {
                    let i = start + y * side + x;
                    let (above, left) = (&mut above[context + x], &mut left[context + y]);
                    let block = self.block(i);
                    let end =
                        tokens::block(&mut b, &probabilities[kind], usize::from(*above + *left), first, steps, block);
                    let exist = u8::from(end > first);
                    (*above, *left) = (exist, exist);
                    let residue = match end {
                        2.. => Residue::All,
                        _ if block[0] != 0 => Residue::Dc,
                        _ => Residue::None,
                    };
                    self.residues[i] = residue;
                    any |= residue != Residue::None;
                }
            }
        }
        self.any = any;
        *bools = b;
    }

    /// Predicts a macroblock and adds its residue, whose coefficients become 0 again.
    pub fn reconstruct(&mut self, work: &mut Work, luma: &Luma, chroma: Mode, neighbours: Neighbours) {
        if self.any {
            self.transform();
        }
        match luma {
            Luma::Whole(mode) => {
                predict::square::<16>(&mut work.luma, LEFT, *mode, neighbours);
                if self.any {
                    for i in 0..16 {
                        self.add(i, &mut work.luma, STRIDE * (1 + i / 4 * 4) + LEFT + i % 4 * 4);
                    }
                }
            }
            Luma::Subblocks(modes) => {
                for (i, mode) in modes.iter().enumerate() {
                    let corner = STRIDE * (i / 4 * 4) + LEFT + i % 4 * 4 - 1;
                    let span = work.luma[corner..].first_chunk_mut().expect("a subblock is in its macroblock");
                    predict::subblock(span, *mode);
                    if self.any {
                        self.add(i, &mut work.luma, corner + STRIDE + 1);
                    }
                }
            }
        }
        for x in [LEFT, CR] {
            predict::square::<8>(&mut work.chroma, x, chroma, neighbours);
        }
        if self.any {
            for i in 0..4 {
                let start = STRIDE * (1 + i / 2 * 4) + i % 2 * 4;
                self.add(16 + i, &mut work.chroma, start + LEFT);
                self.add(20 + i, &mut work.chroma, start + CR);
            }
        }
    }

    /// The coefficients of a block.
    #[inline(always)]
    fn block(&mut self, i: usize) -> &mut [i16; SPAN] {
        self.pairs[i / 2][i % 2 * 4..].first_chunk_mut().expect("a block spans that much")
    }

    /// Makes residues of coefficients, except in pairs of blocks where DC is the only one.
    fn transform(&mut self) {
        let (residues, _) = self.residues.as_chunks_mut::<2>();
        for (pair, residues) in self.pairs.iter_mut().zip(residues) {
            if residues.contains(&Residue::All) {
                transform::inverse(pair);
                for residue in residues {
                    if *residue == Residue::Dc {
                        *residue = Residue::All;
                    }
                }
            }
        }
    }

    /// Adds the residue of block `i`, which begins at `start`.
    #[inline(always)]
    fn add(&mut self, i: usize, samples: &mut [u8], start: usize) {
        let residue = self.residues[i];
        if residue == Residue::None {
            return;
        }
        let block: &mut [u8; BLOCK] = samples[start..].first_chunk_mut().expect("a block is in its macroblock");
        let residues = self.block(i);
        if residue == Residue::All {
            transform::add(residues, block);
        } else {
            transform::add_dc(residues[0], block);
            residues[0] = 0;
        }
    }
}
