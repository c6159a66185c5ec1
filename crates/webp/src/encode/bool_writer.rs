//! The boolean entropy encoder. RFC 6386, section 7.

use super::tables::Probability;

/// How many finished bits are held back before they go out as bytes.
const HELD_BITS: u32 = 40;

/// Writes decisions, each at a cost that follows from how probable it was said to be.
#[derive(Debug)]
pub(super) struct BoolWriter {
    bytes: Vec<u8>,
    /// The lower end of the interval: 8 bits that are still narrowed down, above them `finished` bits that only a carry
    /// can change, and above those that carry.
    low: u64,
    /// How wide the interval is, 128 to 255.
    range: u32,
    finished: u32,
}

impl BoolWriter {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::new(), low: 0, range: 255, finished: 0 }
    }

    /// Writes a decision; `zero` is how probable it was that it is false.
    #[inline]
    pub(super) fn put(&mut self, decision: bool, zero: Probability) {
        let split = 1 + (((self.range - 1) * u32::from(zero)) >> 8);
        if decision {
            self.low += u64::from(split);
            self.range -= split;
        } else {
            self.range = split;
        }
        let shift = self.range.leading_zeros() - 24;
        self.range <<= shift;
        self.low <<= shift;
        self.finished += shift;
        if self.finished >= HELD_BITS {
            self.send();
        }
    }

    /// Writes the lowest `count` bits of a number, the highest of them first.
    pub(super) fn put_number(&mut self, number: u32, count: u32) {
        for bit in (0..count).rev() {
            self.put(number >> bit & 1 == 1, 128);
        }
    }

    /// Turns whole bytes of finished bits into output.
    fn send(&mut self) {
        if self.low >> (self.finished + 8) != 0 {
            for byte in self.bytes.iter_mut().rev() {
                *byte = byte.wrapping_add(1);
                if *byte != 0 {
                    break;
                }
            }
        }
        while self.finished >= 8 {
            // The carry, if any, lies above the eight bits that the cast keeps.
            self.bytes.push((self.low >> self.finished) as u8);
            self.finished -= 8;
        }
        self.low &= (1 << (self.finished + 8)) - 1;
    }

    /// The partition. Beyond its end decoders read zeros, so what follows the lower end need not be written.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let padding = 8 + (8 - self.finished % 8) % 8;
        self.low <<= padding;
        self.finished += padding;
        self.send();
        self.bytes
    }
}
