//! A macroblock: its coefficients and its reconstruction. RFC 6386, 13 and 14.5.

use crate::bools::Bools;
use crate::frame::Segment;
use crate::modes::{Luma, Mode};
use crate::predict::{self, Neighbours};
use crate::tokens::{self, ByPosition};
use crate::transform::{self, BLOCK};
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
    blocks: [[i16; 16]; 24],
    residues: [Residue; 24],
    /// Whether there is any residue.
    pub any: bool,
}

impl Coefficients {
    pub fn new() -> Self {
        Coefficients { blocks: [[0; 16]; 24], residues: [Residue::None; 24], any: false }
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
            let mut second = [0; 16];
            let context = usize::from(above[8] + left[8]);
            let end = tokens::block(&mut b, &probabilities[1], context, 0, segment.luma_dc, &mut second);
            let exist = u8::from(end > 0);
            (above[8], left[8]) = (exist, exist);
            if end > 0 {
                for (block, dc) in self.blocks.iter_mut().zip(transform::walsh(&second)) {
                    block[0] = dc;
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
                    let block = &mut self.blocks[i];
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

    /// Adds the residue of block `i`, which begins at `start`.
    #[inline(always)]
    fn add(&mut self, i: usize, samples: &mut [u8], start: usize) {
        let residue = self.residues[i];
        if residue == Residue::None {
            return;
        }
        let coefficients = &mut self.blocks[i];
        let block: &mut [u8; BLOCK] = samples[start..].first_chunk_mut().expect("a block is in its macroblock");
        if residue == Residue::All {
            transform::add(coefficients, block);
            *coefficients = [0; 16];
        } else {
            transform::add_dc(coefficients[0], block);
            coefficients[0] = 0;
        }
    }
}
