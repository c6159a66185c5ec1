//! How macroblocks are predicted: the modes, and reading them. RFC 6386, 8, 10 and 11.

use crate::bools::Bools;
use crate::tables::SUBBLOCK_MODES;

/// How a macroblock's luma, or its chroma, is predicted as a whole. RFC 6386, 8.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Dc,
    Vertical,
    Horizontal,
    TrueMotion,
}

/// How a subblock of luma is predicted, in the order of the tables. RFC 6386, 11.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submode {
    Dc,
    TrueMotion,
    Vertical,
    Horizontal,
    LeftDown,
    RightDown,
    VerticalRight,
    VerticalLeft,
    HorizontalDown,
    HorizontalUp,
}

/// How luma is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Luma {
    Whole(Mode),
    Subblocks([Submode; 16]),
}

/// The contexts of a row of four subblocks outside the picture.
pub const OUTSIDE: [Submode; 4] = [Submode::Dc; 4];

/// Reads the prediction modes of luma. `above` and `left` are the modes of the subblocks there, and become those of this
/// macroblock. RFC 6386, 11.2 and 11.3.
#[inline(always)]
pub fn luma(b: &mut Bools, above: &mut [Submode; 4], left: &mut [Submode; 4]) -> Luma {
    if !b.bool(145) {
        let mut modes = [Submode::Dc; 16];
        for (modes, left) in modes.chunks_exact_mut(4).zip(left) {
            for (mode, above) in modes.iter_mut().zip(above.iter_mut()) {
                *mode = submode(b, &SUBBLOCK_MODES[*above as usize][*left as usize]);
                *above = *mode;
                *left = *mode;
            }
        }
        return Luma::Subblocks(modes);
    }
    let (mode, implied) = match b.bool(156) {
        false if b.bool(163) => (Mode::Vertical, Submode::Vertical),
        false => (Mode::Dc, Submode::Dc),
        true if b.bool(128) => (Mode::TrueMotion, Submode::TrueMotion),
        true => (Mode::Horizontal, Submode::Horizontal),
    };
    *above = [implied; 4];
    *left = [implied; 4];
    Luma::Whole(mode)
}

/// Reads the prediction mode of chroma. RFC 6386, 11.4.
#[inline(always)]
pub fn chroma(b: &mut Bools) -> Mode {
    if !b.bool(142) {
        Mode::Dc
    } else if !b.bool(114) {
        Mode::Vertical
    } else if b.bool(183) {
        Mode::TrueMotion
    } else {
        Mode::Horizontal
    }
}

#[inline(always)]
fn submode(b: &mut Bools, p: &[u8; 9]) -> Submode {
    if !b.bool(p[0]) {
        Submode::Dc
    } else if !b.bool(p[1]) {
        Submode::TrueMotion
    } else if !b.bool(p[2]) {
        Submode::Vertical
    } else if !b.bool(p[3]) {
        if !b.bool(p[4]) {
            Submode::Horizontal
        } else if b.bool(p[5]) {
            Submode::VerticalRight
        } else {
            Submode::RightDown
        }
    } else if !b.bool(p[6]) {
        Submode::LeftDown
    } else if !b.bool(p[7]) {
        Submode::VerticalLeft
    } else if b.bool(p[8]) {
        Submode::HorizontalUp
    } else {
        Submode::HorizontalDown
    }
}
