//! Huffman codes made for the symbols there are (annex K.2; annex C).

/// How often each symbol occurs.
pub(super) struct Frequencies([u32; 256]);

/// The longest code that a file may have, in bits.
const MAX_LENGTH: usize = 16;

impl Frequencies {
    pub fn new() -> Self {
        Self([0; 256])
    }

    pub fn count(&mut self, symbol: u8) {
        self.0[usize::from(symbol)] += 1;
    }

    /// The best code.
    pub fn code(&self) -> Code {
        let mut counts = limit(&self.lengths());
        // The symbol that nobody uses had one of the longest codes: the code of ones alone must not be taken.
        if let Some(count) = counts.iter_mut().rev().find(|count| **count > 0) {
            *count -= 1;
        }
        let mut symbols: Vec<u8> = (0..=u8::MAX).filter(|symbol| self.0[usize::from(*symbol)] > 0).collect();
        symbols.sort_by_key(|symbol| std::cmp::Reverse(self.0[usize::from(*symbol)]));
        Code::new(counts, symbols)
    }

    /// How many codes there are of each length, one for a symbol that nobody uses included; lengths may be up to 256.
    fn lengths(&self) -> [u16; 257] {
        // Huffman's algorithm: the two rarest trees become one, until there is one. Each tree is a chain of symbols.
        let mut frequencies = [0_u64; 257];
        for (to, from) in frequencies.iter_mut().zip(self.0) {
            *to = from.into();
        }
        frequencies[256] = 1;
        let mut lengths = [0_usize; 257];
        let mut next: [Option<usize>; 257] = [None; 257];
        let mut alive: Vec<usize> = (0..257).filter(|symbol| frequencies[*symbol] > 0).collect();
        while alive.len() > 1 {
            let (rarest, other) = (take_rarest(&mut alive, &frequencies), take_rarest(&mut alive, &frequencies));
            frequencies[other] += frequencies[rarest];
            let mut last = other;
            loop {
                lengths[last] += 1;
                match next[last] {
                    Some(symbol) => last = symbol,
                    None => break,
                }
            }
            next[last] = Some(rarest);
            let mut symbol = Some(rarest);
            while let Some(at) = symbol {
                lengths[at] += 1;
                symbol = next[at];
            }
            alive.push(other);
        }
        let mut counts = [0; 257];
        for length in lengths.into_iter().filter(|length| *length > 0) {
            counts[length] += 1;
        }
        // A code needs a bit even where there is nothing to tell apart.
        if counts.iter().all(|count| *count == 0) {
            counts[1] = 1;
        }
        counts
    }
}

/// Of equals the one with the larger value, as figure K.1 has it.
fn take_rarest(alive: &mut Vec<usize>, frequencies: &[u64; 257]) -> usize {
    let rarest = (0..alive.len()).min_by_key(|at| (frequencies[alive[*at]], std::cmp::Reverse(alive[*at])));
    alive.swap_remove(rarest.unwrap_or_default())
}

/// Figure K.3: codes that are too long are shortened in pairs, for which one shorter code becomes longer.
fn limit(lengths: &[u16; 257]) -> [u16; MAX_LENGTH + 1] {
    let mut counts = *lengths;
    for long in (MAX_LENGTH + 1..counts.len()).rev() {
        while counts[long] > 0 {
            let Some(short) = (1..long - 1).rev().find(|length| counts[*length] > 0) else { break };
            counts[long] -= 2;
            counts[long - 1] += 1;
            counts[short + 1] += 2;
            counts[short] -= 1;
        }
    }
    let mut limited = [0; MAX_LENGTH + 1];
    limited.copy_from_slice(&counts[..=MAX_LENGTH]);
    limited
}

/// A code.
pub(super) struct Code {
    /// How many codes have each length, from 1 on.
    counts: [u8; MAX_LENGTH],
    /// The symbols by the length of their codes.
    symbols: Vec<u8>,
    /// For each symbol its code and its length in bits.
    codes: [(u16, u8); 256],
}

impl Code {
    /// C.2.
    fn new(counts: [u16; MAX_LENGTH + 1], symbols: Vec<u8>) -> Self {
        let mut codes = [(0, 0); 256];
        let (mut code, mut at) = (0_u32, symbols.iter());
        for (length, count) in (1..).zip(&counts[1..]) {
            for symbol in at.by_ref().take((*count).into()) {
                codes[usize::from(*symbol)] = (u16::try_from(code).unwrap_or_default(), length);
                code += 1;
            }
            code <<= 1;
        }
        let mut small = [0; MAX_LENGTH];
        for (to, count) in small.iter_mut().zip(&counts[1..]) {
            *to = u8::try_from(*count).unwrap_or(u8::MAX);
        }
        Self { counts: small, symbols, codes }
    }

    /// A symbol's code and how many bits it has.
    #[inline(always)]
    pub fn of(&self, symbol: u8) -> (u32, u32) {
        let (code, length) = self.codes[usize::from(symbol)];
        (code.into(), length.into())
    }

    /// As in a file (B.2.4.2).
    pub fn table(&self) -> Vec<u8> {
        [self.counts.as_slice(), &self.symbols].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(frequencies: &[u32]) -> Code {
        let mut all = Frequencies::new();
        all.0[..frequencies.len()].copy_from_slice(frequencies);
        all.code()
    }

    #[test]
    fn one_symbol_takes_one_bit_that_is_not_a_one() {
        assert_eq!(code(&[7]).of(0), (0, 1));
    }

    #[test]
    fn frequent_symbols_have_short_codes_and_none_is_the_beginning_of_another() {
        let code = code(&[1, 50, 3, 900, 7, 0, 20]);
        let lengths: Vec<u32> = [3, 1, 6, 4, 2, 0].iter().map(|symbol| code.of(*symbol).1).collect();
        assert!(lengths.is_sorted(), "{lengths:?}");
        for one in [0, 1, 2, 3, 4, 6] {
            for other in [0, 1, 2, 3, 4, 6] {
                let ((short, length), (long, longer)) = (code.of(one), code.of(other));
                assert!(one == other || length > longer || long >> (longer - length) != short, "{one} {other}");
            }
        }
    }

    #[test]
    fn no_code_is_longer_than_sixteen_bits_nor_of_ones_alone() {
        // Fibonacci: the worst there is.
        let (mut one, mut other) = (1, 1);
        let mut frequencies = Vec::new();
        for _ in 0..40 {
            frequencies.push(one);
            (one, other) = (other, one + other);
        }
        let code = code(&frequencies);
        assert_eq!(code.counts.iter().map(|count| u32::from(*count)).sum::<u32>(), 40);
        for symbol in 0..40 {
            let (code, length) = code.of(symbol);
            assert!((1..=16).contains(&length));
            assert_ne!(code, (1 << length) - 1);
        }
    }
}
