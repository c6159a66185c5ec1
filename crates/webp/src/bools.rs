//! The boolean entropy decoder. RFC 6386, 7.

/// How many bits must be left after the last boolean of a row, else it was made up. Decoders look ahead, so encoders may leave
/// out two bytes that decide nothing; but where data has been cut off, a boolean counts only if all it was compared with is there.
const LEAST_LEFT: i64 = -16;
const LEAST_LEFT_OF_CUT: i64 = 8;

/// Reads booleans of given probabilities.
///
/// The value of RFC 6386 is at the top of a 64-bit window, so that bytes are fetched seven at a time. What a processor waits for are the
/// range, from one boolean to the next, and which way branches go: the range is looked up instead of computed, and a branch depends on as
/// little as can be.
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
    /// One less than the range: 127 to 254. The one time it is 254 is before the first boolean.
    last: u32,
}

/// How many times what a boolean has left of the range has to be doubled to be 128 or more. The index is one less than what is left.
static SHIFTS: [u8; 256] = {
    let mut shifts = [0; 256];
    let mut last = 0;
    while last < 127 {
        shifts[last] = (last as u8 + 1).leading_zeros() as u8;
        last += 1;
    }
    shifts
};

/// What it then is. The index and the values are one less than the ranges.
static DOUBLED: [u8; 256] = {
    let mut doubled = [0; 256];
    let mut last = 0;
    while last < 256 {
        doubled[last] = (((last + 1) << SHIFTS[last]) - 1) as u8;
        last += 1;
    }
    doubled
};

impl<'a> Bools<'a> {
    /// A decoder of `data`, which is `whole` unless its end has been cut off.
    pub fn new(data: &'a [u8], whole: bool) -> Self {
        let least = if whole { LEAST_LEFT } else { LEAST_LEFT_OF_CUT };
        Bools { rest: data, value: 0, bits: 0, past: 0, least, last: 254 }
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
        let split = (self.last * u32::from(probability)) >> 8;
        if (self.value >> 56) as u32 > split {
            self.value -= u64::from(split + 1) << 56;
            self.normalise((self.last - split - 1) as u8);
            true
        } else {
            self.normalise(split as u8);
            false
        }
    }

    /// Goes on with what a boolean has left of the range. Once for either outcome, so that the caller's branch is the only one.
    #[inline(always)]
    fn normalise(&mut self, last: u8) {
        let shift = SHIFTS[usize::from(last)];
        self.last = u32::from(DOUBLED[usize::from(last)]);
        self.value <<= shift;
        self.bits -= i64::from(shift);
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
        let split = self.last >> 1;
        let negative = (self.value >> 56) as u32 > split;
        self.value = (self.value - if negative { u64::from(split + 1) << 56 } else { 0 }) << 1;
        self.last = (self.last - u32::from(negative)) | 1;
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
            self.rest = &self.rest[7..];
            self.bits += 56;
        } else {
            *self = self.refilled_at_the_end();
        }
    }

    /// By value: what has its address taken would not stay in registers.
    #[cold]
    #[inline(never)]
    fn refilled_at_the_end(mut self) -> Self {
        while self.bits <= 48 {
            if let Some((&next, rest)) = self.rest.split_first() {
                self.value |= u64::from(next) << (56 - self.bits);
                self.rest = rest;
            } else {
                self.past += 8;
            }
            self.bits += 8;
        }
        self
    }
}
