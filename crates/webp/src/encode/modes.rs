//! How macroblocks are predicted, as the first partition says it. RFC 6386, sections 11 and 19.3.

use super::bool_writer::BoolWriter;
use super::costs::bit_cost;
use super::predict::Mode;
use super::tables::{CHROMA_MODES, LUMA_MODES, Probability, SUBBLOCK_MODES};

/// How the luma of a macroblock is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Luma {
    Whole(Mode),
    /// Each subblock in its own mode. Section 11.2, `B_PRED`.
    Subblocks([u8; 16]),
}

impl Luma {
    /// The modes that neighbours take the subblocks to be in. Section 11.3.
    pub(super) const fn submodes(&self) -> [u8; 16] {
        match self {
            Self::Whole(mode) => [mode.as_submode(); 16],
            Self::Subblocks(modes) => *modes,
        }
    }
}

/// All that the first partition says about a macroblock.
#[derive(Debug)]
pub(super) struct Modes {
    pub(super) luma: Luma,
    pub(super) chroma: Mode,
    /// That it has no coefficients.
    pub(super) skipped: bool,
}

/// A way through a tree: at which node which branch is taken.
type Path = &'static [(usize, bool)];

/// Section 11.2.
const SUBBLOCKS_PATH: Path = &[(0, false)];

const fn luma_path(mode: Mode) -> Path {
    match mode {
        Mode::Dc => &[(0, true), (1, false), (2, false)],
        Mode::Vertical => &[(0, true), (1, false), (2, true)],
        Mode::Horizontal => &[(0, true), (1, true), (3, false)],
        Mode::TrueMotion => &[(0, true), (1, true), (3, true)],
    }
}

/// Section 11.4.
const fn chroma_path(mode: Mode) -> Path {
    match mode {
        Mode::Dc => &[(0, false)],
        Mode::Vertical => &[(0, true), (1, false)],
        Mode::Horizontal => &[(0, true), (1, true), (2, false)],
        Mode::TrueMotion => &[(0, true), (1, true), (2, true)],
    }
}

/// Section 11.2, by the number of the mode.
const SUBMODE_PATHS: [Path; 10] = [
    &[(0, false)],
    &[(0, true), (1, false)],
    &[(0, true), (1, true), (2, false)],
    &[(0, true), (1, true), (2, true), (3, false), (4, false)],
    &[(0, true), (1, true), (2, true), (3, true), (6, false)],
    &[(0, true), (1, true), (2, true), (3, false), (4, true), (5, false)],
    &[(0, true), (1, true), (2, true), (3, false), (4, true), (5, true)],
    &[(0, true), (1, true), (2, true), (3, true), (6, true), (7, false)],
    &[(0, true), (1, true), (2, true), (3, true), (6, true), (7, true), (8, false)],
    &[(0, true), (1, true), (2, true), (3, true), (6, true), (7, true), (8, true)],
];

fn cost(path: Path, probabilities: &[Probability]) -> u32 {
    path.iter().map(|&(node, branch)| bit_cost(branch, probabilities[node])).sum()
}

fn write(writer: &mut BoolWriter, path: Path, probabilities: &[Probability]) {
    for &(node, branch) in path {
        writer.put(branch, probabilities[node]);
    }
}

/// What modes cost, in 256ths of a bit.
#[derive(Debug)]
pub(super) struct ModeCosts {
    pub(super) luma: [u32; 4],
    pub(super) subblocks: u32,
    /// By the modes above and to the left.
    pub(super) submodes: [[[u32; 10]; 10]; 10],
    pub(super) chroma: [u32; 4],
}

impl ModeCosts {
    pub(super) fn new() -> Self {
        Self {
            luma: Mode::ALL.map(|mode| cost(luma_path(mode), &LUMA_MODES)),
            subblocks: cost(SUBBLOCKS_PATH, &LUMA_MODES),
            submodes: SUBBLOCK_MODES
                .map(|row| row.map(|probabilities| SUBMODE_PATHS.map(|path| cost(path, &probabilities)))),
            chroma: Mode::ALL.map(|mode| cost(chroma_path(mode), &CHROMA_MODES)),
        }
    }
}

/// Writes the macroblocks of a frame, `columns` to a row; `unskipped` is how probable it is that one has coefficients.
pub(super) fn write_all(writer: &mut BoolWriter, macroblocks: &[Modes], columns: usize, unskipped: Probability) {
    let mut above = vec![[0; 4]; columns];
    for row in macroblocks.chunks(columns) {
        let mut left = [0; 4];
        for (modes, above) in row.iter().zip(&mut above) {
            writer.put(modes.skipped, unskipped);
            match modes.luma {
                Luma::Whole(mode) => write(writer, luma_path(mode), &LUMA_MODES),
                Luma::Subblocks(_) => write(writer, SUBBLOCKS_PATH, &LUMA_MODES),
            }
            for (at, submode) in modes.luma.submodes().into_iter().enumerate() {
                let (above, left) = (&mut above[at % 4], &mut left[at / 4]);
                if matches!(modes.luma, Luma::Subblocks(_)) {
                    let probabilities = &SUBBLOCK_MODES[usize::from(*above)][usize::from(*left)];
                    write(writer, SUBMODE_PATHS[usize::from(submode)], probabilities);
                }
                (*above, *left) = (submode, submode);
            }
            write(writer, chroma_path(modes.chroma), &CHROMA_MODES);
        }
    }
}
