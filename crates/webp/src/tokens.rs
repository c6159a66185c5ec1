//! The coefficients of a macroblock. RFC 6386, 13.

use crate::bools::Bools;
use crate::probabilities::Probabilities;
use crate::tables::{BANDS, ZIGZAG};
use crate::transform::SPAN;

/// Probabilities by position instead of band: looking a band up for each coefficient would be in the way. The last is never
/// read from, only pointed at.
pub type ByPosition = [[[u8; 11]; 3]; 17];

/// The steps of DC and AC coefficients.
#[derive(Clone, Copy, Debug, Default)]
pub struct Steps {
    pub dc: i16,
    pub ac: i16,
}

/// Spreads probabilities out by position.
pub fn by_position(probabilities: &Probabilities) -> [ByPosition; 4] {
    probabilities.map(|bands| std::array::from_fn(|position| bands[usize::from(BANDS[position.min(15)])]))
}

/// Where coefficients belong, in the order of their coding: rows are eight apart.
static PLACES: [u8; 16] = {
    let mut places = ZIGZAG;
    let mut i = 0;
    while i < 16 {
        places[i] = ZIGZAG[i] / 4 * 8 + ZIGZAG[i] % 4;
        i += 1;
    }
    places
};

/// What precedes the extra bits of the four largest categories of coefficients: their probabilities. RFC 6386, 13.2.
static CATEGORIES: [&[u8]; 4] = [
    &[173, 148, 140],
    &[176, 155, 140, 135],
    &[180, 157, 141, 134, 130],
    &[254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129],
];

/// Reads the coefficients of a block from position `first` on and multiplies them by their steps. `context` says how many of the
/// blocks above and to the left have coefficients. Returns the position after the last coefficient, `first` if there are none.
#[inline(always)]
pub fn block(
    b: &mut Bools,
    probabilities: &ByPosition,
    context: usize,
    first: usize,
    steps: Steps,
    coefficients: &mut [i16; SPAN],
) -> usize {
    let mut position = first;
    let mut p = &probabilities[position][context];
    let mut step = if first == 0 { steps.dc } else { steps.ac };
    loop {
        // A zero is never followed by the end, so that is asked for only here.
        if !b.bool(p[0]) {
            return position;
        }
        while !b.bool(p[1]) {
            position += 1;
            step = steps.ac;
            if position == 16 {
                return 16;
            }
            p = &probabilities[position][0];
        }
        let (magnitude, context) = if b.bool(p[2]) { (large(b, p), 2) } else { (1, 1) };
        // Hostile streams overflow; everyone else's do not.
        coefficients[usize::from(PLACES[position])] = b.signed(magnitude).wrapping_mul(step);
        position += 1;
        step = steps.ac;
        if position == 16 {
            return 16;
        }
        p = &probabilities[position][context];
    }
}

/// A magnitude of 2 or more. RFC 6386, 13.2.
#[inline(always)]
fn large(b: &mut Bools, p: &[u8; 11]) -> i16 {
    if !b.bool(p[3]) {
        return if b.bool(p[4]) { 3 + i16::from(b.bool(p[5])) } else { 2 };
    }
    if !b.bool(p[6]) {
        return if b.bool(p[7]) {
            7 + 2 * i16::from(b.bool(165)) + i16::from(b.bool(145))
        } else {
            5 + i16::from(b.bool(159))
        };
    }
    let high = usize::from(b.bool(p[8]));
    let category = 2 * high + usize::from(b.bool(p[9 + high]));
    let extra = CATEGORIES[category].iter().fold(0, |extra, &p| extra << 1 | i16::from(b.bool(p)));
    extra + 3 + (8 << category)
}
