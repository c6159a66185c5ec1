//! How each macroblock is coded: the modes and levels that cost least for what they are worth. RFC 6386, sections 5 and
//! 11 to 14.

use super::costs::Costs;
use super::modes::{Luma, ModeCosts, Modes};
use super::planes::Planes;
use super::predict::{self, Edges, Mode, submode};
use super::quantizer::{Quantizer, Quantizers};
use super::reconstruction::{Reconstruction, Workspace};
use super::tables::DEFAULTS;
use super::tokens::{Kind, Levels, Tokens};
use super::transform::{self, Block};

/// How many macroblock rows are coded by the same estimate of what levels cost.
const ROWS_PER_ESTIMATE: usize = 2;

type Square<const N: usize> = [[u8; N]; N];

/// A frame as it is coded.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    planes: &'a Planes,
    quantizers: &'a Quantizers,
    mode_costs: ModeCosts,
    costs: Costs,
    luma: Reconstruction,
    chroma: [Reconstruction; 2],
    above: Vec<Neighbour>,
    left: Neighbour,
    pub(super) modes: Vec<Modes>,
    pub(super) tokens: Tokens,
}

/// What a macroblock leaves to the one below or to its right, subblock by subblock. Sections 11.3 and 13.3.
#[derive(Debug, Clone, Default)]
struct Neighbour {
    submodes: [u8; 4],
    /// Which blocks had coefficients.
    luma: [bool; 4],
    chroma: [[bool; 2]; 2],
    /// That the last macroblock with a `Y2` block had coefficients in it.
    y2: bool,
}

/// A way of coding the luma of a macroblock.
struct CodedLuma {
    modes: Luma,
    y2: Levels,
    levels: [Levels; 16],
    square: Square<16>,
    score: u64,
}

/// A block's levels, and what decoders make of them.
struct CodedBlock {
    levels: Levels,
    block: Block,
    score: u64,
}

impl<'a> Frame<'a> {
    pub(super) fn new(planes: &'a Planes, quantizers: &'a Quantizers) -> Self {
        let chroma = || Reconstruction::new(planes.columns * 8, planes.rows * 8);
        Self {
            planes,
            quantizers,
            mode_costs: ModeCosts::new(),
            costs: Costs::new(&DEFAULTS),
            luma: Reconstruction::new(planes.columns * 16, planes.rows * 16),
            chroma: [chroma(), chroma()],
            above: vec![Neighbour::default(); planes.columns],
            left: Neighbour::default(),
            modes: Vec::with_capacity(planes.columns * planes.rows),
            tokens: Tokens::new(),
        }
    }

    /// Codes all macroblocks.
    pub(super) fn code(&mut self) {
        for row in 0..self.planes.rows {
            if row > 0 && row % ROWS_PER_ESTIMATE == 0 {
                self.costs = Costs::new(&self.tokens.probabilities());
            }
            self.left = Neighbour::default();
            for column in 0..self.planes.columns {
                if self.planes.invisible[self.modes.len()] {
                    self.pass_over(column, row);
                } else {
                    self.code_macroblock(column, row);
                }
            }
        }
    }

    /// A macroblock of which nothing is visible: the cheapest modes, no coefficients.
    fn pass_over(&mut self, column: usize, row: usize) {
        let luma = predict::square::<16>(Mode::Dc, &self.luma.edges(column, row));
        self.luma.store(column, row, &luma);
        for plane in &mut self.chroma {
            let square = predict::square::<8>(Mode::Dc, &plane.edges(column, row));
            plane.store(column, row, &square);
        }
        self.skip(column, Luma::Whole(Mode::Dc), Mode::Dc);
    }

    fn code_macroblock(&mut self, column: usize, row: usize) {
        let source = self.planes.luma.square::<16>(column, row);
        let edges = self.luma.edges::<16>(column, row);
        let mut luma = self.whole(&source, &edges, column);
        let above_right = self.luma.above_right(column, row);
        if let Some(subblocks) = self.subblocks(&source, Workspace::new(&edges, above_right), column, luma.score) {
            luma = subblocks;
        }
        self.luma.store(column, row, &luma.square);
        let (mode, chroma) = self.code_chroma(column, row);

        let empty = |levels: &[Levels]| levels.as_flattened().iter().all(|&level| level == 0);
        if empty(&[luma.y2]) && empty(&luma.levels) && empty(chroma.as_flattened()) {
            return self.skip(column, luma.modes, mode);
        }
        self.add_tokens(column, &luma, &chroma);
        self.finish(column, Modes { luma: luma.modes, chroma: mode, skipped: false });
    }

    /// Ends a macroblock without coefficients. One that could have had a `Y2` block counts as having had an empty one.
    fn skip(&mut self, column: usize, luma: Luma, chroma: Mode) {
        for neighbour in [&mut self.above[column], &mut self.left] {
            let y2 = neighbour.y2 && matches!(luma, Luma::Subblocks(_));
            *neighbour = Neighbour { y2, ..Neighbour::default() };
        }
        self.finish(column, Modes { luma, chroma, skipped: true });
    }

    fn finish(&mut self, column: usize, modes: Modes) {
        let submodes = modes.luma.submodes();
        self.above[column].submodes = [12, 13, 14, 15].map(|at| submodes[at]);
        self.left.submodes = [3, 7, 11, 15].map(|at| submodes[at]);
        self.modes.push(modes);
    }

    /// Adds the blocks of a macroblock in the order of section 13.
    fn add_tokens(&mut self, column: usize, luma: &CodedLuma, chroma: &[[Levels; 4]; 2]) {
        let (above, left) = (&mut self.above[column], &mut self.left);
        let mut add = |kind, above: &mut bool, left: &mut bool, levels| {
            let some = self.tokens.add(kind, usize::from(*above) + usize::from(*left), levels);
            (*above, *left) = (some, some);
        };
        let kind = match luma.modes {
            Luma::Whole(_) => {
                add(Kind::Y2, &mut above.y2, &mut left.y2, &luma.y2);
                Kind::LumaWithoutDc
            }
            Luma::Subblocks(_) => Kind::Luma,
        };
        for (at, levels) in luma.levels.iter().enumerate() {
            add(kind, &mut above.luma[at % 4], &mut left.luma[at / 4], levels);
        }
        for (plane, blocks) in chroma.iter().enumerate() {
            for (at, levels) in blocks.iter().enumerate() {
                add(Kind::Chroma, &mut above.chroma[plane][at % 2], &mut left.chroma[plane][at / 2], levels);
            }
        }
    }

    /// Weighs error against size: the lower, the better. The cost is in 256ths of a bit.
    fn score(&self, error: u32, cost: u32) -> u64 {
        (u64::from(error) << 16) + u64::from(self.quantizers.bit_value) * u64::from(cost)
    }

    /// The luma of a macroblock predicted as a whole, in the mode that predicts it best.
    fn whole(&self, source: &Square<16>, edges: &Edges<16>, column: usize) -> CodedLuma {
        let candidates = Mode::ALL.map(|mode| {
            let prediction = predict::square(mode, edges);
            let score = self.score(error(source, &prediction), self.mode_costs.luma[mode as usize]);
            (score, mode, prediction)
        });
        let (_, mode, prediction) = best(candidates);

        let mut blocks = [[0; 16]; 16];
        let mut dcs = [0; 16];
        for (at, (coefficients, dc)) in blocks.iter_mut().zip(&mut dcs).enumerate() {
            *coefficients = transform::forward(&block(source, at), &block(&prediction, at));
            *dc = coefficients[0];
            coefficients[0] = 0;
        }
        let Quantizers { y2: y2_quantizer, luma: quantizer, .. } = self.quantizers;
        let y2 = y2_quantizer.quantize(&transform::forward_dcs(&dcs));
        let dcs = transform::inverse_dcs(&y2_quantizer.dequantize(&y2));

        let (mut above, mut left) = (self.above[column].luma, self.left.luma);
        let y2_context = usize::from(self.above[column].y2) + usize::from(self.left.y2);
        let mut cost = self.mode_costs.luma[mode as usize] + self.costs.block(Kind::Y2, y2_context, &y2);
        let mut levels = [[0; 16]; 16];
        let mut square = [[0; 16]; 16];
        for (at, coefficients) in blocks.iter().enumerate() {
            let (above, left) = (&mut above[at % 4], &mut left[at / 4]);
            let context = usize::from(*above) + usize::from(*left);
            levels[at] = quantizer.quantize(coefficients);
            cost += self.costs.block(Kind::LumaWithoutDc, context, &levels[at]);
            let some = levels[at] != [0; 16];
            (*above, *left) = (some, some);
            let mut coefficients = quantizer.dequantize(&levels[at]);
            coefficients[0] = dcs[at];
            put_block(&mut square, at, &transform::inverse(&coefficients, &block(&prediction, at)));
        }
        let score = self.score(error(source, &square), cost);
        CodedLuma { modes: Luma::Whole(mode), y2, levels, square, score }
    }

    /// The luma of a macroblock with each subblock in its own mode, unless that scores no better than `limit`.
    fn subblocks(&self, source: &Square<16>, mut space: Workspace, column: usize, limit: u64) -> Option<CodedLuma> {
        let mut score = self.score(0, self.mode_costs.subblocks);
        let mut levels = [[0; 16]; 16];
        let mut submodes = [0; 16];
        let (mut above, mut left) = (self.above[column].luma, self.left.luma);
        let (mut above_modes, mut left_modes) = (self.above[column].submodes, self.left.submodes);
        for at in 0..16 {
            let (x, y) = (at % 4, at / 4);
            let source = block(source, at);
            let mode_costs = &self.mode_costs.submodes[usize::from(above_modes[x])][usize::from(left_modes[y])];
            let context = usize::from(above[x]) + usize::from(left[y]);
            let predictions = predict::subblocks(&space.edge(x, y));

            let mut ranked = [(0, 0); submode::COUNT];
            for (mode, (rank, prediction)) in ranked.iter_mut().zip(&predictions).enumerate() {
                *rank = (self.score(squares(&source, prediction), mode_costs[mode]), mode);
            }
            ranked.sort_unstable();
            let candidates = [0, 1].map(|rank: usize| {
                let mode = ranked[rank].1;
                let coded = self.code_block(&self.quantizers.luma, Kind::Luma, context, &source, &predictions[mode]);
                (coded.score + self.score(0, mode_costs[mode]), mode, coded)
            });
            let (block_score, mode, coded) = best(candidates);
            score += block_score;
            if score >= limit {
                return None;
            }
            space.store(x, y, &coded.block);
            let some = coded.levels != [0; 16];
            (above[x], left[y]) = (some, some);
            // Below 10.
            submodes[at] = mode as u8;
            (above_modes[x], left_modes[y]) = (submodes[at], submodes[at]);
            levels[at] = coded.levels;
        }
        Some(CodedLuma { modes: Luma::Subblocks(submodes), y2: [0; 16], levels, square: space.square(), score })
    }

    /// Codes and stores the chroma of a macroblock, both planes in the mode that predicts them best.
    fn code_chroma(&mut self, column: usize, row: usize) -> (Mode, [[Levels; 4]; 2]) {
        let sources = [0, 1].map(|plane: usize| self.planes.chroma[plane].square::<8>(column, row));
        let edges = [0, 1].map(|plane: usize| self.chroma[plane].edges::<8>(column, row));
        let candidates = Mode::ALL.map(|mode| {
            let predictions = [0, 1].map(|plane: usize| predict::square(mode, &edges[plane]));
            let error = error(&sources[0], &predictions[0]) + error(&sources[1], &predictions[1]);
            (self.score(error, self.mode_costs.chroma[mode as usize]), mode, predictions)
        });
        let (_, mode, predictions) = best(candidates);

        let mut levels = [[[0; 16]; 4]; 2];
        for plane in 0..2 {
            let (mut above, mut left) = (self.above[column].chroma[plane], self.left.chroma[plane]);
            let mut square = [[0; 8]; 8];
            for (at, levels) in levels[plane].iter_mut().enumerate() {
                let (above, left) = (&mut above[at % 2], &mut left[at / 2]);
                let context = usize::from(*above) + usize::from(*left);
                let (source, prediction) = (block(&sources[plane], at), block(&predictions[plane], at));
                let coded = self.code_block(&self.quantizers.chroma, Kind::Chroma, context, &source, &prediction);
                put_block(&mut square, at, &coded.block);
                *levels = coded.levels;
                let some = *levels != [0; 16];
                (*above, *left) = (some, some);
            }
            self.chroma[plane].store(column, row, &square);
        }
        (mode, levels)
    }

    fn code_block(
        &self,
        quantizer: &Quantizer,
        kind: Kind,
        context: usize,
        source: &Block,
        prediction: &Block,
    ) -> CodedBlock {
        let levels = quantizer.quantize(&transform::forward(source, prediction));
        let block = transform::inverse(&quantizer.dequantize(&levels), prediction);
        let score = self.score(squares(source, &block), self.costs.block(kind, context, &levels));
        CodedBlock { levels, block, score }
    }
}

/// The candidate with the lowest score, the first of equals.
#[inline]
fn best<M, T, const N: usize>(candidates: [(u64, M, T); N]) -> (u64, M, T) {
    let mut candidates = candidates.into_iter();
    let first = candidates.next().expect("there is always a candidate");
    candidates.fold(first, |best, next| if next.0 < best.0 { next } else { best })
}

/// A block of a square, by its number in rows of blocks.
#[inline]
fn block<const N: usize>(square: &Square<N>, at: usize) -> Block {
    let (x, y) = (at % (N / 4) * 4, at / (N / 4) * 4);
    let mut block = [0; 16];
    for (samples, row) in block.chunks_exact_mut(4).zip(&square[y..y + 4]) {
        samples.copy_from_slice(&row[x..x + 4]);
    }
    block
}

#[inline]
fn put_block<const N: usize>(square: &mut Square<N>, at: usize, block: &Block) {
    let (x, y) = (at % (N / 4) * 4, at / (N / 4) * 4);
    for (row, samples) in square[y..y + 4].iter_mut().zip(block.chunks_exact(4)) {
        row[x..x + 4].copy_from_slice(samples);
    }
}

/// The sum of squared differences.
fn error<const N: usize>(a: &Square<N>, b: &Square<N>) -> u32 {
    a.iter().zip(b).map(|(a, b)| squares(a, b)).sum()
}

#[inline]
fn squares<const N: usize>(a: &[u8; N], b: &[u8; N]) -> u32 {
    let difference = |(&a, &b)| i32::from(i16::from(a) - i16::from(b));
    a.iter().zip(b).map(difference).map(|difference| (difference * difference).unsigned_abs()).sum()
}
