//! The boolean entropy decoder. RFC 6386, 7.

/// How many bits must be left after the last boolean of a row, else it was made up. Decoders look ahead, so encoders may leave
/// out two bytes that decide nothing; but where data has been cut off, a boolean counts only if all it was compared with is there.
const LEAST_LEFT: i64 = -16;
const LEAST_LEFT_OF_CUT: i64 = 8;

/// Reads booleans of given probabilities.
///
/// The value of RFC 6386 is at the top of a 64-bit window, so that bytes are fetched seven or eight at a time, and
/// normalising is one count of leading zeros.
#[derive(Clone, Copy, Debug)]
pub struct Bools<'a> {
    /// What has not been fetched.
    rest: &'a [u8],
    /// The window. Below the valid bits there may be more bits of the next byte, never others.
    value: u64,
    /// How many bits of the window are valid, zeros past the end included.
    bits: i64,
    /// How many of all bits were zeros past the end.
    past: i64,
    /// How many bits must be left.
    least: i64,
    /// 128 to 255; the one time it is 255 is before the first boolean.
    range: u32,
}

impl<'a> Bools<'a> {
    /// A decoder of `data`, which is `whole` unless its end has been cut off.
    pub fn new(data: &'a [u8], whole: bool) -> Self {
        let least = if whole { LEAST_LEFT } else { LEAST_LEFT_OF_CUT };
        Bools { rest: data, value: 0, bits: 0, past: 0, least, range: 255 }
    }

    /// Whether booleans were made up because the data ended.
    pub fn overran(&self) -> bool {
        self.rest.is_empty() && self.bits - self.past < self.least
    }

    /// The next boolean; it is false with a chance of `probability` in 256.
    #[inline(always)]
    pub fn bool(&mut self, probability: u8) -> bool {
        if self.bits < 8 {
            self.refill();
        }
        let split = 1 + (((self.range - 1) * u32::from(probability)) >> 8);
        let threshold = u64::from(split) << 56;
        let bit = self.value >= threshold;
        if bit {
            self.range -= split;
            self.value -= threshold;
        } else {
            self.range = split;
        }
        // The range is never 0, as the split is at least 1 and less than the range; saying so spares a test for it.
        let shift = (self.range | 1).leading_zeros() - 24;
        self.range <<= shift;
        self.value <<= shift;
        self.bits -= i64::from(shift);
        bit
    }

    /// `magnitude`, or its negative, at even odds. Not for the first boolean of a partition.
    ///
    /// From an even split of a range below 255 follows a shift by one either way, so this does not branch on what
    /// nothing predicts.
    #[inline(always)]
    pub fn signed(&mut self, magnitude: i16) -> i16 {
        if self.bits < 8 {
            self.refill();
        }
        let threshold = u64::from((self.range + 1) >> 1) << 56;
        let negative = self.value >= threshold;
        self.value = (self.value - if negative { threshold } else { 0 }) << 1;
        self.range = (self.range + u32::from(!negative)) & !1;
        self.bits -= 1;
        let mask = -i16::from(negative);
        (magnitude ^ mask) - mask
    }

    /// A boolean at even odds.
    pub fn flag(&mut self) -> bool {
        self.bool(128)
    }

    /// An unsigned number of `bits` bits, at most 8.
    pub fn number(&mut self, bits: u32) -> u8 {
        (0..bits).fold(0, |number, _| number << 1 | u8::from(self.flag()))
    }

    /// A magnitude of `bits` bits, at most 7, and a sign; `None` unless a flag before them is set.
    pub fn optional(&mut self, bits: u32) -> Option<i8> {
        if !self.flag() {
            return None;
        }
        let magnitude = self.number(bits).cast_signed();
        Some(if self.flag() { -magnitude } else { magnitude })
    }

    /// Fills the window. There are fewer than 8 bits in it.
    #[inline(always)]
    fn refill(&mut self) {
        if let Some((next, _)) = self.rest.split_first_chunk::<8>() {
            self.value |= u64::from_be_bytes(*next) >> self.bits;
            let (bytes, bits) = if self.bits == 0 { (8, 64) } else { (7, 56) };
            self.rest = &self.rest[bytes..];
            self.bits += bits;
        } else {
            self.refill_at_the_end();
        }
    }

    #[cold]
    #[inline(never)]
    fn refill_at_the_end(&mut self) {
        while self.bits <= 48 {
            if let Some((&next, rest)) = self.rest.split_first() {
                self.value |= u64::from(next) << (56 - self.bits);
                self.rest = rest;
            } else {
                self.past += 8;
            }
            self.bits += 8;
        }
    }
}
