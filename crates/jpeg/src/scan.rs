//! What all scans have in common: MCUs in rows, restart intervals, and going on after damage (T.81 E.2, F.2).

use crate::{
    bits::{Bits, Segment},
    markers::{find_marker, marker},
};

/// Of a part of a scan: a row of MCUs or a restart interval, next to a visit to a block.
const PART_COST: u64 = 16;

/// Decodes the MCUs of a kind of scan.
pub trait Decode {
    /// What a restart sets back.
    fn restart(&mut self);

    /// Decodes `count` MCUs of row `row` from `column` on. How many there was data for.
    fn decode(&mut self, reader: &mut Reader<'_>, row: usize, column: usize, count: usize) -> usize;
}

/// Reads the entropy-coded segments of a scan.
pub struct Reader<'a> {
    data: &'a [u8],
    /// The segment at hand.
    pub segment: Segment<'a>,
    /// Where in it we are.
    pub bits: Bits,
    /// MCUs between restarts, or 0.
    interval: usize,
    /// The number of the restart marker that comes next.
    next: u8,
}

/// What a scan had.
pub struct Outcome {
    /// All MCUs, without damage.
    pub complete: bool,
    /// Behind the last MCU that there was data for.
    pub reached: usize,
    /// Where the next marker is to be looked for.
    pub position: usize,
    /// What it took, in units of a simple visit to a block.
    pub cost: u64,
}

/// What comes after a restart interval.
enum Restart {
    /// The next one.
    Next,
    /// One after the next: that is lost.
    Later,
    /// None.
    None,
}

impl<'a> Reader<'a> {
    /// Of the scan whose header ends at `start`.
    pub fn new(data: &'a [u8], start: usize, interval: usize) -> Self {
        let (segment, bits) = Segment::new(data, start);
        Self { data, segment, bits, interval, next: 0 }
    }

    /// Decodes all MCUs of a scan. `cost` is that of an MCU.
    pub fn read(mut self, columns: usize, rows: usize, cost: u64, scan: &mut impl Decode) -> Outcome {
        let total = columns * rows;
        let interval = if self.interval == 0 { total } else { self.interval };
        let (mut mcu, mut reached, mut left, mut complete) = (0, 0, interval, true);
        let mut spent = 0;
        while mcu < total {
            let (row, column) = (mcu / columns, mcu % columns);
            let count = left.min(columns - column);
            let done = scan.decode(&mut self, row, column, count);
            spent += done as u64 * cost + PART_COST;
            if done > 0 {
                reached = mcu + done;
            }
            if done < count {
                complete = false;
                mcu += left;
                left = 0;
            } else {
                mcu += count;
                left -= count;
            }
            while left == 0 && mcu < total {
                scan.restart();
                match self.restart() {
                    Restart::Next => left = interval,
                    Restart::Later => {
                        complete = false;
                        mcu += interval;
                    }
                    Restart::None => {
                        complete = false;
                        mcu = total;
                    }
                }
            }
        }
        Outcome { complete: complete && !self.bits.damaged, reached, position: self.segment.position(), cost: spent }
    }

    /// Finds the next restart marker. What to do when it is not the one expected is as in libjpeg.
    fn restart(&mut self) -> Restart {
        if self.interval == 0 {
            return Restart::None;
        }
        let mut from = self.segment.position();
        loop {
            let Some((at, code)) = find_marker(self.data, from) else { return Restart::None };
            match code {
                marker::RST0..=marker::RST7 => {
                    let ahead = code.wrapping_sub(marker::RST0).wrapping_sub(self.next) & 7;
                    match ahead {
                        // Late: from before damage.
                        6 | 7 => from = at + 2,
                        1 | 2 => {
                            // What was passed over is not looked at again.
                            self.segment.end_at(at);
                            self.next = (self.next + 1) & 7;
                            return Restart::Later;
                        }
                        _ => {
                            self.next = (self.next + 1) & 7;
                            let damaged = self.bits.damaged || ahead != 0;
                            self.bits = self.segment.restart(at + 2, damaged);
                            return Restart::Next;
                        }
                    }
                }
                // No marker that may be here: damage.
                ..marker::SOF0 => from = at + 2,
                _ => return Restart::None,
            }
        }
    }
}
