//! Coefficients as decisions of the token tree, kept until their probabilities are known. RFC 6386, section 13.

use super::bool_writer::BoolWriter;
use super::costs::bit_cost;
use super::tables::{BANDS, CATEGORIES, DEFAULTS, NODES, Probability, ROWS, UNCHANGED};

/// Quantised coefficients in the order of coding.
pub(super) type Levels = [i16; 16];

/// The highest level that the last category reaches, rounded down to what decoders multiply without overflow.
pub(super) const HIGHEST_LEVEL: u16 = 2047;

/// The type of a block, as the token probabilities tell it apart. Section 13.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Luma whose DC is in the `Y2` block: its coefficients start at 1.
    LumaWithoutDc,
    /// The DCs of the luma blocks.
    Y2,
    Chroma,
    Luma,
}

impl Kind {
    /// Where the coefficients start.
    pub(super) const fn first(self) -> usize {
        matches!(self, Self::LumaWithoutDc) as usize
    }

    /// The row of probabilities for a place in the order of coding.
    #[inline]
    pub(super) const fn row(self, place: usize, context: usize) -> usize {
        (self as usize * 8 + BANDS[place]) * 3 + context
    }
}

/// A decision with a fixed probability; otherwise the index of one of `ROWS * NODES`.
const FIXED: u16 = 1 << 14;

/// The outcome of a decision.
const YES: u16 = 1 << 15;

/// The decisions of a frame, and how often each went which way.
#[derive(Debug)]
pub(super) struct Tokens {
    decisions: Vec<u16>,
    counts: [[[u32; 2]; NODES]; ROWS],
}

impl Tokens {
    pub(super) fn new() -> Self {
        Self { decisions: Vec::new(), counts: [[[0; 2]; NODES]; ROWS] }
    }

    #[inline]
    fn decide(&mut self, row: usize, node: usize, outcome: bool) -> bool {
        self.counts[row][node][usize::from(outcome)] += 1;
        // Below 1056.
        let index = (row * NODES + node) as u16;
        self.decisions.push(index | if outcome { YES } else { 0 });
        outcome
    }

    fn add_fixed(&mut self, outcome: bool, zero: Probability) {
        self.decisions.push(FIXED | u16::from(zero) | if outcome { YES } else { 0 });
    }

    /// Adds a block; `context` is how many of its two neighbours had coefficients. Says whether it has any.
    pub(super) fn add(&mut self, kind: Kind, context: usize, levels: &Levels) -> bool {
        let first = kind.first();
        let end = levels.iter().rposition(|&level| level != 0).map_or(first, |last| last + 1);
        let mut context = context;
        let mut after_zero = false;
        for (place, &level) in levels.iter().enumerate().take(end).skip(first) {
            let row = kind.row(place, context);
            if !after_zero {
                self.decide(row, 0, true);
            }
            after_zero = level == 0;
            context = if self.decide(row, 1, level != 0) {
                self.add_level(row, level.unsigned_abs());
                self.add_fixed(level < 0, 128);
                1 + usize::from(level.unsigned_abs() > 1)
            } else {
                0
            };
        }
        if end < 16 {
            self.decide(kind.row(end, context), 0, false);
        }
        end > first
    }

    /// A level other than 0 without its sign.
    fn add_level(&mut self, row: usize, level: u16) {
        if !self.decide(row, 2, level > 1) {
            return;
        }
        if !self.decide(row, 3, level > 4) {
            if self.decide(row, 4, level > 2) {
                self.decide(row, 5, level > 3);
            }
            return;
        }
        let category = CATEGORIES.iter().rposition(|&(lowest, _)| level >= lowest).unwrap_or(0);
        if self.decide(row, 6, category > 1) {
            if self.decide(row, 8, category > 3) {
                self.decide(row, 10, category == 5);
            } else {
                self.decide(row, 9, category == 3);
            }
        } else {
            self.decide(row, 7, category == 1);
        }
        let (lowest, probabilities) = CATEGORIES[category];
        for (bit, &zero) in (0..probabilities.len()).rev().zip(probabilities) {
            self.add_fixed((level - lowest) >> bit & 1 == 1, zero);
        }
    }

    /// The probabilities that make the frame smallest: the counted ones where they save more than telling them costs.
    /// Section 13.4.
    pub(super) fn probabilities(&self) -> [[Probability; NODES]; ROWS] {
        let mut probabilities = DEFAULTS;
        for (row, counts) in self.counts.iter().enumerate() {
            for (node, &[no, yes]) in counts.iter().enumerate() {
                let cost = |zero| {
                    u64::from(no) * u64::from(bit_cost(false, zero)) + u64::from(yes) * u64::from(bit_cost(true, zero))
                };
                let counted = counted_probability(no, yes);
                let unchanged = UNCHANGED[row][node];
                let telling = u64::from(bit_cost(true, unchanged) + 8 * 256);
                let silence = u64::from(bit_cost(false, unchanged));
                let old = &mut probabilities[row][node];
                if cost(counted) + telling < cost(*old) + silence {
                    *old = counted;
                }
            }
        }
        probabilities
    }

    /// Writes the partition of coefficients.
    pub(super) fn write(&self, probabilities: &[[Probability; NODES]; ROWS]) -> Vec<u8> {
        let mut writer = BoolWriter::new();
        let probabilities = probabilities.as_flattened();
        for &decision in &self.decisions {
            let zero = if decision & FIXED == 0 { probabilities[usize::from(decision & !YES)] } else { decision as u8 };
            writer.put(decision & YES != 0, zero);
        }
        writer.finish()
    }
}

/// How probable a 0 is by counts, in 256ths.
pub(super) fn counted_probability(no: u32, yes: u32) -> Probability {
    let total = (u64::from(no) + u64::from(yes)).max(1);
    // At most 255.
    ((u64::from(no) * 256 + total / 2) / total).clamp(1, 255) as Probability
}

/// Writes which of the token probabilities differ from those that every key frame starts from. Section 13.4.
pub(super) fn write_probabilities(writer: &mut BoolWriter, probabilities: &[[Probability; NODES]; ROWS]) {
    let rows = probabilities.as_flattened().iter().zip(DEFAULTS.as_flattened()).zip(UNCHANGED.as_flattened());
    for ((&probability, &default), &unchanged) in rows {
        writer.put(probability != default, unchanged);
        if probability != default {
            writer.put_number(u32::from(probability), 8);
        }
    }
}
