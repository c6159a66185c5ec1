//! Huffman tables (T.81 C and F.2.2.3), as tables to look symbols up in, and as tables to skip several at once.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "codes and values have 16 bits at the most"
)]

use crate::{Error, bits::Bits};

/// Longer codes are searched for.
const LOOKUP_BITS: u32 = 11;
/// How many bits at once are looked at when skipping.
const SKIP_BITS: u32 = 13;

/// A symbol without a value: the end of the block, or a number of blocks.
pub const END: u16 = 1 << 14;
/// In lookup tables: the code is longer than the index. Returned: there is no such code.
const LONG: u16 = 1 << 15;

/// A table as it is in the file (B.2.4.2).
#[derive(Clone, PartialEq, Eq)]
pub struct Spec {
    counts: [u8; 16],
    values: Vec<u8>,
}

impl Spec {
    /// `values` are as many as the sum of `counts`.
    pub fn new(counts: [u8; 16], values: &[u8]) -> Result<Self, Error> {
        let mut free = 1i32;
        for &count in &counts {
            free = free * 2 - i32::from(count);
            if free < 0 {
                return Err(Error::Damaged("a Huffman table has more codes than fit"));
            }
        }
        Ok(Self { counts, values: values.to_vec() })
    }

    /// Calls `each(code, length, symbol)`.
    fn codes(&self, mut each: impl FnMut(u32, u32, u8)) {
        let mut values = self.values.iter();
        let mut code = 0;
        for (length, &count) in (1..).zip(&self.counts) {
            for &value in values.by_ref().take(usize::from(count)) {
                each(code, length, value);
                code += 1;
            }
            code <<= 1;
        }
    }
}

/// A symbol: how many bits code and value have, the run (or, for DC, nothing), the size of the value.
///
/// Bits 0 to 5 are code and value together, so that they can be shifted by without a mask; 6 to 9 are the run, 10 to 13
/// the size, then `END` and `LONG`.
#[derive(Debug, Clone, Copy)]
pub struct Symbol(u16);

/// No code begins like this: 17 bits go, and the block ends, as in libjpeg.
const NO_CODE: Symbol = Symbol(LONG | END | 0x11);

impl Symbol {
    fn new(length: u32, value: u8) -> Self {
        let (run, size) = (u16::from(value >> 4), u16::from(value & 15));
        let end = if size == 0 && run != 15 { END } else { 0 };
        Self((length as u16 + size) | (run << 6) | (size << 10) | end)
    }

    /// Code and value.
    #[inline(always)]
    pub fn bits(self) -> u32 {
        u32::from(self.0)
    }

    /// The upper half of the symbol: a run of zeros.
    #[inline(always)]
    pub fn run(self) -> u32 {
        u32::from(self.0 >> 6 & 15)
    }

    /// The symbol is no run and value.
    #[inline(always)]
    pub fn is_end(self) -> bool {
        self.0 & END != 0
    }

    /// The value, extended (F.2.2.1). `word` begins with the code.
    #[inline(always)]
    pub fn value(self, word: u64) -> i32 {
        let size = u32::from(self.0 >> 10 & 15);
        let word = word.wrapping_shl(u32::from(self.0 & 31).wrapping_sub(size));
        let raw = ((word >> 1) >> (63 - size)) as i32;
        // Negative values are coded less 2^size - 1: those that begin with a 0.
        let negative = ((word as i64) >> 63) as i32 + 1;
        raw - (((1 << size) - 1) & -negative)
    }
}

/// A table to look symbols up in.
pub struct Table {
    lookup: Box<[u16; 1 << LOOKUP_BITS]>,
    /// For codes that are longer: by length, the first number of 16 bits that is beyond them, and the index of the
    /// symbol of the first code less that code.
    limits: [(u32, i32); 17],
    values: Vec<u8>,
}

impl Table {
    /// Takes some microseconds.
    pub fn new(spec: &Spec) -> Self {
        let mut lookup = Box::new([LONG; 1 << LOOKUP_BITS]);
        let mut limits = [(0, 0); 17];
        let mut index = 0;
        spec.codes(|code, length, value| {
            if length <= LOOKUP_BITS {
                let shift = LOOKUP_BITS - length;
                let first = (code << shift) as usize;
                lookup[first..first + (1 << shift)].fill(Symbol::new(length, value).0);
            }
            let limit = &mut limits[length as usize];
            if limit.0 == 0 {
                limit.1 = index - code as i32;
            }
            limit.0 = (code + 1) << (16 - length);
            index += 1;
        });
        Self { lookup, limits, values: spec.values.clone() }
    }

    /// The symbol that `bits` begins with. Where there is none, the block ends, as in libjpeg.
    #[inline(always)]
    pub fn symbol(&self, bits: &mut Bits) -> Symbol {
        let symbol = self.lookup[(bits.peek() >> (64 - LOOKUP_BITS)) as usize];
        if symbol & LONG == 0 {
            return Symbol(symbol);
        }
        let symbol = self.long(bits.peek());
        bits.damaged |= symbol.0 & LONG != 0;
        Symbol(symbol.0 & !LONG)
    }

    #[cold]
    #[inline(never)]
    fn long(&self, word: u64) -> Symbol {
        let top = (word >> 48) as u32;
        for length in LOOKUP_BITS + 1..=16 {
            let (limit, offset) = self.limits[length as usize];
            if top < limit {
                let index = (top >> (16 - length)) as i32 + offset;
                let value = usize::try_from(index).ok().and_then(|index| self.values.get(index));
                return value.map_or(NO_CODE, |&value| Symbol::new(length, value));
            }
        }
        NO_CODE
    }
}

/// A table to skip AC symbols with, several at a time with their values.
pub struct Skip(Box<[u16; 1 << SKIP_BITS]>);

/// Added to an index of a coefficient: the block has ended.
const ENDED: u32 = 0x80;
/// The bit of an index beyond the block, ended or not.
const BEYOND: u32 = 0x40;

impl Skip {
    /// `progressive`: symbols that end several blocks (G.1.2.2) are left to the caller.
    pub fn new(spec: &Spec, progressive: bool) -> Self {
        // The tables for 0, 1, 2, ... bits, each twice as long as the one before. In each, the indices that begin with
        // a code are together; behind code and value, the table for the bits that are left is repeated.
        let mut tables = vec![0u16; 2 << SKIP_BITS];
        let mut advances = [0; SKIP_BITS as usize + 1];
        for width in 1..=SKIP_BITS {
            let (narrower, table) = tables.split_at_mut(1 << width);
            let mut most = 0;
            spec.codes(|code, length, value| {
                let (run, size) = (u32::from(value >> 4), u32::from(value & 15));
                let is_end = size == 0 && run != 15;
                if length > width || progressive && is_end && run > 0 {
                    return;
                }
                let left = width - length;
                let range = &mut table[(code << left) as usize..][..1 << left];
                let advance = if is_end { ENDED } else { run + 1 };
                let entry = ((length + size) | (advance << 6)) as u16;
                if is_end || size >= left || advance + advances[(left - size) as usize] >= BEYOND {
                    range.fill(entry);
                    most = most.max(advance & !ENDED);
                    return;
                }
                let rest = left - size;
                most = most.max(advance + advances[rest as usize]);
                for range in range.chunks_exact_mut(1 << rest) {
                    for (to, from) in range.iter_mut().zip(&narrower[1 << rest..]) {
                        *to = from + entry;
                    }
                }
            });
            advances[width as usize] = most;
        }
        let (_, table) = tables.split_at(1 << SKIP_BITS);
        let mut last = Box::new([0; 1 << SKIP_BITS]);
        last.copy_from_slice(&table[..1 << SKIP_BITS]);
        Self(last)
    }

    /// Skips symbols from coefficient `k` on, up to the end of the block. If it is not reached (a long code, a symbol
    /// that ends several blocks, symbols that may belong to the next block), the coefficient that a single symbol has
    /// to be decoded for; at the end 64.
    #[inline(always)]
    pub fn skip(&self, bits: &mut Bits, chunk: &crate::bits::Chunk, mut k: u32) -> u32 {
        loop {
            bits.refill(chunk);
            // Two are 2 * (13 + 15) bits at most.
            for _ in 0..2 {
                let entry = u32::from(self.0[(bits.peek() >> (64 - SKIP_BITS)) as usize]);
                let next = k + (entry >> 6);
                if next >= BEYOND {
                    // Exactly at the end, or an end within the block; else some of it may not belong to this block.
                    if next == BEYOND || next & BEYOND == 0 {
                        bits.consume(entry);
                        return 64;
                    }
                    return k;
                }
                if entry == 0 {
                    return k;
                }
                bits.consume(entry);
                k = next;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standard;

    /// Entry `index`, symbol by symbol.
    fn expected(table: &Table, index: u64, progressive: bool) -> u32 {
        let word = index << (64 - SKIP_BITS);
        let (mut used, mut advance) = (0, 0);
        while used < SKIP_BITS {
            let mut bits = Bits::of(word << used);
            let symbol = table.symbol(&mut bits);
            let length = (symbol.bits() & 63) - u32::from(symbol.0 >> 10 & 15);
            if bits.damaged || used + length > SKIP_BITS || progressive && symbol.is_end() && symbol.run() > 0 {
                break;
            }
            used += symbol.bits() & 63;
            if symbol.is_end() {
                advance += ENDED;
                break;
            }
            advance += symbol.run() + 1;
        }
        used | (advance << 6)
    }

    #[test]
    fn skipping_is_as_symbol_by_symbol() {
        for spec in standard::ac().iter().flatten() {
            for progressive in [false, true] {
                let (table, skip) = (Table::new(spec), Skip::new(spec, progressive));
                for (index, &entry) in (0..).zip(skip.0.iter()) {
                    assert_eq!(u32::from(entry), expected(&table, index, progressive), "{index:b}");
                }
            }
        }
    }

    #[test]
    fn long_runs_are_not_counted_beyond_a_block() {
        // Runs of 16 zeros with a code of one bit.
        let mut counts = [0; 16];
        counts[0] = 1;
        let skip = Skip::new(&Spec::new(counts, &[0xF0]).unwrap(), false);
        assert!(skip.0.iter().all(|entry| u32::from(entry >> 6) < BEYOND));
        assert!(skip.0[0] > 0);
    }
}
