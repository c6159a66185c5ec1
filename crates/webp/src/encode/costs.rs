//! What coefficients will cost, estimated before the probabilities are final. RFC 6386, section 13.

use super::tables::{CATEGORIES, NODES, Probability, ROWS};
use super::tokens::{Kind, Levels};

/// Levels whose cost is told apart; those above cost as much as this one, which differs only in fixed bits.
const HIGHEST: usize = 67;

/// What a decision costs by the probability of its outcome, in 256ths of a bit. No probability is 0.
const BIT_COSTS: [u16; 257] = bit_costs();

/// -log2(p / 256) * 256, by squaring: each squaring gives one more bit of the logarithm.
const fn bit_costs() -> [u16; 257] {
    let mut costs = [8 * 256; 257];
    let mut probability = 1;
    while probability <= 256 {
        // 1.30 fixed point, in [1, 2).
        let whole = (probability as u64).ilog2();
        let mut mantissa = (probability as u64) << (30 - whole);
        let mut logarithm = whole as u16;
        let mut bit = 0;
        while bit < 8 {
            mantissa = (mantissa * mantissa) >> 30;
            logarithm *= 2;
            if mantissa >= 2 << 30 {
                mantissa >>= 1;
                logarithm += 1;
            }
            bit += 1;
        }
        costs[probability] = 8 * 256 - logarithm;
        probability += 1;
    }
    costs
}

/// What a decision costs in 256ths of a bit.
#[inline]
pub(super) const fn bit_cost(outcome: bool, zero: Probability) -> u32 {
    let probability = if outcome { 256 - zero as usize } else { zero as usize };
    BIT_COSTS[probability] as u32
}

/// What the bits cost whose probabilities are fixed: those within a category, and the sign.
const FIXED_COSTS: [u16; HIGHEST + 1] = fixed_costs();

const fn fixed_costs() -> [u16; HIGHEST + 1] {
    let mut costs = [256; HIGHEST + 1];
    costs[0] = 0;
    let mut category = 0;
    while category < 6 {
        let (lowest, probabilities) = CATEGORIES[category];
        let bits = probabilities.len();
        let mut added = 0;
        while added < 1 << bits && lowest as usize + added <= HIGHEST {
            let mut bit = 0;
            while bit < bits {
                let outcome = added >> (bits - 1 - bit) & 1 == 1;
                costs[lowest as usize + added] += bit_cost(outcome, probabilities[bit]) as u16;
                bit += 1;
            }
            added += 1;
        }
        category += 1;
    }
    costs
}

/// Costs of everything that a block is made of.
#[derive(Debug)]
pub(super) struct Costs {
    /// By row of probabilities and level, with the decision that the block goes on where that is asked.
    levels: Vec<[u16; HIGHEST + 1]>,
    /// That a block goes on, and that it ends.
    ends: [[u16; 2]; ROWS],
}

impl Costs {
    pub(super) fn new(probabilities: &[[Probability; NODES]; ROWS]) -> Self {
        let mut costs = Self { levels: vec![[0; HIGHEST + 1]; ROWS], ends: [[0; 2]; ROWS] };
        for (row, nodes) in probabilities.iter().enumerate() {
            let bit = |node: usize, outcome| bit_cost(outcome, nodes[node]) as u16;
            costs.ends[row] = [bit(0, true), bit(0, false)];
            // After a 0 nobody asks whether the block goes on.
            let goes_on = if row % 3 == 0 { 0 } else { bit(0, true) };
            let nonzero = goes_on + bit(1, true);
            let small = nonzero + bit(2, true) + bit(3, false);
            let large = nonzero + bit(2, true) + bit(3, true);
            let tree = |level: usize| match level {
                0 => goes_on + bit(1, false),
                1 => nonzero + bit(2, false),
                2 => small + bit(4, false),
                3 => small + bit(4, true) + bit(5, false),
                4 => small + bit(4, true) + bit(5, true),
                5..7 => large + bit(6, false) + bit(7, false),
                7..11 => large + bit(6, false) + bit(7, true),
                11..19 => large + bit(6, true) + bit(8, false) + bit(9, false),
                19..35 => large + bit(6, true) + bit(8, false) + bit(9, true),
                35..67 => large + bit(6, true) + bit(8, true) + bit(10, false),
                _ => large + bit(6, true) + bit(8, true) + bit(10, true),
            };
            for (level, (cost, fixed)) in costs.levels[row].iter_mut().zip(FIXED_COSTS).enumerate() {
                *cost = tree(level) + fixed;
            }
        }
        costs
    }

    /// What a block costs in 256ths of a bit; `context` as in [`super::tokens::Tokens::add`].
    #[inline]
    pub(super) fn block(&self, kind: Kind, context: usize, levels: &Levels) -> u32 {
        let first = kind.first();
        let Some(last) = levels.iter().rposition(|&level| level != 0) else {
            return u32::from(self.ends[kind.row(first, context)][1]);
        };
        let mut context = context;
        let mut cost = if context == 0 { u32::from(self.ends[kind.row(first, 0)][0]) } else { 0 };
        for (place, &level) in levels.iter().enumerate().take(last + 1).skip(first) {
            let level = usize::from(level.unsigned_abs());
            cost += u32::from(self.levels[kind.row(place, context)][level.min(HIGHEST)]);
            context = level.min(2);
        }
        if last < 15 {
            cost += u32::from(self.ends[kind.row(last + 1, context)][1]);
        }
        cost
    }
}
