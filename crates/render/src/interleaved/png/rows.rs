//! The rows of a PNG: its data chunks, inflated and unfiltered, one after the other.

use fdeflate::Decompressor;

use super::super::shrink::zeros;
use super::chunks::chunk;
use super::unfilter::unfilter;

/// How far back deflated data may refer.
const LOOKBACK: usize = 32 << 10;

/// What is inflated ahead, at least; small enough for the cache.
const AHEAD: usize = 64 << 10;

/// How much is handed to the decompressor at once. When it fails, it does not tell how much it had made by then.
const PORTION: usize = 4 << 10;

/// How many bytes reading rows of this length takes.
pub(super) fn memory(row: u64) -> u64 {
    let decompressor = 64 << 10;
    decompressor + (LOOKBACK + AHEAD) as u64 + row.max(AHEAD as u64) + 2 * row
}

/// Reads rows.
pub(super) struct Rows<'a> {
    bytes: &'a [u8],
    /// Where the next chunk begins; `None` after the last data chunk, or a bad one.
    next: Option<usize>,
    /// What is left of the current one.
    data: &'a [u8],
    inflate: Box<Decompressor>,
    /// What has been inflated: what deflated data may refer back to, and what no row has been made of.
    window: Vec<u8>,
    filled: usize,
    taken: usize,
    above: Vec<u8>,
    row: Vec<u8>,
    /// The distance of neighbouring pixels in bytes.
    step: usize,
    /// Whether the data was wrong, rather than too short.
    pub corrupt: bool,
}

impl<'a> Rows<'a> {
    /// Reads from the data chunk at `at`. `None` when there is no memory for rows of `length` bytes.
    pub fn new(bytes: &'a [u8], at: usize, length: usize, step: usize) -> Option<Self> {
        let mut inflate = Box::new(Decompressor::new());
        // The check sums of the chunks say the same.
        inflate.ignore_adler32();
        Some(Self {
            bytes,
            next: Some(at),
            data: &[],
            inflate,
            window: zeros(LOOKBACK + AHEAD + AHEAD.max(length + 1))?,
            filled: 0,
            taken: 0,
            above: zeros(length)?,
            row: zeros(length)?,
            step,
            corrupt: false,
        })
    }

    /// The next row has none above it.
    pub fn start_pass(&mut self) {
        self.above.fill(0);
    }

    /// The next row, of this length; `None` when there is no more that can be decoded.
    pub fn next(&mut self, length: usize) -> Option<&[u8]> {
        while self.filled - self.taken <= length {
            self.inflate()?;
        }
        let (filter, raw) = self.window.get(self.taken..=self.taken + length)?.split_first()?;
        if !unfilter(*filter, self.step, raw, self.above.get(..length)?, self.row.get_mut(..length)?) {
            self.corrupt = true;
            return None;
        }
        self.taken += length + 1;
        std::mem::swap(&mut self.row, &mut self.above);
        self.above.get(..length)
    }

    /// Makes more of the window, if there is more.
    fn inflate(&mut self) -> Option<()> {
        if self.filled == self.window.len() {
            let keep = self.taken.min(self.filled - LOOKBACK);
            self.window.copy_within(keep.., 0);
            self.filled -= keep;
            self.taken -= keep;
        }
        while self.data.is_empty() {
            let Some(chunk) = self.next.and_then(|at| chunk(self.bytes, at)).filter(|chunk| chunk.name == *b"IDAT")
            else {
                self.next = None;
                break;
            };
            self.data = chunk.data;
            // Like browsers: what is in a bad chunk still counts.
            self.next = chunk.sound.then_some(chunk.end);
        }
        let portion = self.data.get(..PORTION).unwrap_or(self.data);
        match self.inflate.read(portion, &mut self.window, self.filled, false) {
            Ok((0, 0)) => None,
            Ok((consumed, produced)) => {
                self.data = self.data.get(consumed..)?;
                self.filled += produced;
                Some(())
            }
            Err(_) => {
                self.corrupt = true;
                (self.data, self.next) = (&[], None);
                None
            }
        }
    }
}
