//! The bits of entropy-coded segments (T.81 F.2.2.5): byte stuffing is undone a chunk at a time, so that the loops that
//! decode read plain big-endian words, without a branch for 0xFF or for the end.

/// Plain bytes at hand; a power of two, as positions are masked with it.
const CHUNK: usize = 8192;
/// From here on the chunk is refilled before a block is decoded. No block is longer than 64 symbols of 31 bits.
const LOW: usize = CHUNK - 512;

/// Where the decoder is within the chunk. Small and `Copy`, so that it lives in registers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bits {
    /// The next bits, the first of them at the top. Below the valid ones may be more that are right.
    word: u64,
    /// How many bits of `word` are valid, 0 to 63.
    count: u32,
    /// Of the first byte in the chunk that is not wholly counted.
    pos: usize,
    /// A code that no table has was met.
    pub damaged: bool,
}

/// The chunk that `Bits` reads.
pub type Chunk = [u8; CHUNK + 8];

impl Bits {
    /// Makes at least 56 bits valid. There is no branch in it, and only its last step is on the path that
    /// decoding waits for.
    #[inline(always)]
    pub fn refill(&mut self, chunk: &Chunk) {
        let at = self.pos & (CHUNK - 1);
        let mut next = [0; 8];
        next.copy_from_slice(&chunk[at..at + 8]);
        self.word |= u64::from_be_bytes(next).wrapping_shr(self.count);
        self.pos += ((63 - (self.count & 63)) >> 3) as usize;
        self.count |= 0x38;
    }

    /// The next bits, the first of them at the top.
    #[inline(always)]
    pub fn peek(self) -> u64 {
        self.word
    }

    /// Those of a word, for tests.
    #[cfg(test)]
    pub fn of(word: u64) -> Self {
        Self { word, count: 63, ..Self::default() }
    }

    /// Leaves as many bits behind as the lowest 6 bits of `n` say, 31 at the most.
    #[inline(always)]
    pub fn consume(&mut self, n: u32) {
        self.word = self.word.wrapping_shl(n);
        // The shift takes the lowest 6 bits by itself. A mask of 5 is another value, so that it is not computed first
        // and waited for.
        self.count = self.count.wrapping_sub(n & 31);
    }

    /// The next `n` bits, 1 to 16.
    #[inline(always)]
    pub fn take(&mut self, n: u32) -> u32 {
        let value = (self.word >> 1).wrapping_shr(63 - n);
        self.consume(n);
        u32::try_from(value & 0xFFFF).unwrap_or(0)
    }

    /// The next bit.
    #[inline(always)]
    pub fn bit(&mut self) -> bool {
        let bit = self.word >> 63 != 0;
        self.consume(1);
        bit
    }

    /// Whether the chunk should be refilled before the next block.
    #[inline(always)]
    pub fn is_low(self) -> bool {
        self.pos > LOW
    }
}

/// An entropy-coded segment: from behind a header or a restart marker to the next marker.
pub struct Segment<'a> {
    data: &'a [u8],
    /// Of the next stuffed byte in `data`.
    next: usize,
    chunk: Box<Chunk>,
    /// How many bytes of the chunk come from the data. Zeros follow.
    filled: usize,
    /// The chunk is all zeros from here on.
    dirty: usize,
    /// `next` is at a marker, or at the end of the data.
    ended: bool,
}

impl<'a> Segment<'a> {
    /// The segment that begins at `start`, and the state to read it with.
    pub fn new(data: &'a [u8], start: usize) -> (Self, Bits) {
        let mut segment = Self {
            data,
            next: start.min(data.len()),
            chunk: Box::new([0; CHUNK + 8]),
            filled: 0,
            dirty: 0,
            ended: false,
        };
        let bits = segment.more(Bits::default());
        (segment, bits)
    }

    /// What `Bits` reads.
    pub fn chunk(&self) -> &Chunk {
        &self.chunk
    }

    /// Starts anew at `start`.
    pub fn restart(&mut self, start: usize, damaged: bool) -> Bits {
        self.next = start.min(self.data.len());
        self.filled = 0;
        self.ended = false;
        self.more(Bits { damaged, ..Bits::default() })
    }

    /// Moves what is left to the front of the chunk, and fills the rest.
    #[inline(never)]
    pub fn more(&mut self, mut bits: Bits) -> Bits {
        let done = bits.pos.min(self.filled);
        self.chunk.copy_within(done..self.filled, 0);
        self.filled -= done;
        bits.pos -= done;
        if !self.ended {
            self.unstuff();
            // A byte that turned out to begin a marker is behind those that count.
            self.dirty = self.dirty.max(self.filled + 1);
        }
        if self.ended && self.filled < self.dirty {
            self.chunk[self.filled..self.dirty].fill(0);
            self.dirty = self.filled;
        }
        if self.ended {
            bits.pos = bits.pos.min(LOW);
        }
        bits
    }

    fn unstuff(&mut self) {
        const STEP: usize = 16;
        while self.filled + STEP <= CHUNK {
            let plain = self.data.get(self.next..self.next + STEP);
            if let Some(plain) = plain.filter(|plain| !has_ff(plain)) {
                self.chunk[self.filled..self.filled + STEP].copy_from_slice(plain);
                self.filled += STEP;
                self.next += STEP;
                continue;
            }
            // At most STEP bytes, up to the first 0xFF.
            for _ in 0..STEP {
                let Some(&byte) = self.data.get(self.next) else {
                    self.ended = true;
                    return;
                };
                self.chunk[self.filled] = byte;
                if byte == 0xFF {
                    // Fill bytes may precede what follows (B.1.1.2).
                    let mut after = self.next + 1;
                    while self.data.get(after) == Some(&0xFF) {
                        after += 1;
                    }
                    if self.data.get(after) != Some(&0) {
                        self.ended = true;
                        return;
                    }
                    self.next = after;
                }
                self.filled += 1;
                self.next += 1;
                if byte == 0xFF {
                    break;
                }
            }
        }
    }

    /// Whether more was read than there is.
    #[inline(always)]
    pub fn is_over(&self, bits: Bits) -> bool {
        self.ended && bits.pos * 8 > self.filled * 8 + bits.count as usize
    }

    /// Passes over all up to `position`, where a marker is.
    pub fn end_at(&mut self, position: usize) {
        self.next = position;
        self.ended = true;
    }

    /// Where in the data the next marker is to be looked for.
    pub fn position(&self) -> usize {
        self.next
    }
}

/// Whether a byte is 0xFF.
#[inline(always)]
fn has_ff(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |found, &byte| found | u8::from(byte == 0xFF)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(data: &[u8], n: usize) -> Vec<u8> {
        let (mut segment, mut bits) = Segment::new(data, 0);
        (0..n)
            .map(|_| {
                if bits.is_low() {
                    bits = segment.more(bits);
                }
                bits.refill(segment.chunk());
                u8::try_from(bits.take(8)).unwrap()
            })
            .collect()
    }

    #[test]
    fn stuffed_zeros_and_fill_bytes_are_dropped() {
        assert_eq!(bytes_of(&[1, 0xFF, 0, 2, 0xFF, 0xFF, 0, 3, 0xFF, 0xD9], 6), [1, 0xFF, 2, 0xFF, 3, 0]);
    }

    #[test]
    fn long_segments_are_read_whole() {
        let plain: Vec<u8> = (0..100_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let stuffed: Vec<u8> =
            plain.iter().flat_map(|&b| if b == 0xFF { vec![b, 0] } else { vec![b] }).chain([0xFF, 0xD9]).collect();
        assert_eq!(bytes_of(&stuffed, plain.len()), plain);
    }

    #[test]
    fn reading_past_the_end_gives_zeros_and_is_noticed() {
        let (segment, mut bits) = Segment::new(&[0xAA, 0xBB], 0);
        for (n, value, over) in [(8, 0xAA, false), (8, 0xBB, false), (1, 0, true), (16, 0, true)] {
            bits.refill(segment.chunk());
            assert_eq!((bits.take(n), segment.is_over(bits)), (value, over));
        }
    }
}
