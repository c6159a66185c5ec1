//! Shrinks a plane while its rows arrive: averages of squares of samples.

use crate::Plane;

/// The most samples on a side of a square: the sums of a column fit 16 bits.
pub const MOST: u32 = 64;

/// A plane that is being shrunken.
#[derive(Debug)]
pub struct Shrinker {
    factor: usize,
    /// Before shrinking.
    width: usize,
    /// How many more rows there are, before shrinking.
    left: u32,
    /// The sums of columns, over the rows since the last one that was finished.
    sums: Vec<u16>,
    summed: usize,
    plane: Plane,
    /// Rows that are finished.
    rows: usize,
}

impl Shrinker {
    /// How many bytes it allocates.
    pub fn memory(width: u32, height: u32, factor: u32) -> u64 {
        let plane = u64::from(width.div_ceil(factor)) * u64::from(height.div_ceil(factor));
        plane + 2 * u64::from(width)
    }

    /// For a plane of `width` x `height`, before shrinking by `factor`, which is 1 to `MOST`.
    pub fn new(width: u32, height: u32, factor: u32) -> Self {
        let (across, down) = (width.div_ceil(factor), height.div_ceil(factor));
        let stride = across as usize;
        Shrinker {
            factor: factor as usize,
            width: width as usize,
            left: height,
            sums: if factor == 1 { Vec::new() } else { vec![0; width as usize] },
            summed: 0,
            plane: Plane { width: across, height: down, stride, samples: vec![128; stride * down as usize] },
            rows: 0,
        }
    }

    /// Takes the next row; what is beyond the width, or beyond the height, is ignored.
    pub fn push(&mut self, row: &[u8]) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        let row = &row[..self.width];
        if self.factor == 1 {
            let start = self.rows * self.plane.stride;
            if let Some(to) = self.plane.samples.get_mut(start..start + self.width) {
                to.copy_from_slice(row);
                self.rows += 1;
            }
            return;
        }
        if self.summed == 0 {
            for (sum, &sample) in self.sums.iter_mut().zip(row) {
                *sum = u16::from(sample);
            }
        } else {
            for (sum, &sample) in self.sums.iter_mut().zip(row) {
                *sum += u16::from(sample);
            }
        }
        self.summed += 1;
        if self.summed == self.factor {
            self.average();
        }
    }

    /// The plane; a last row of squares that has not all its rows is of what it has.
    pub fn finish(mut self) -> Plane {
        if self.summed > 0 {
            self.average();
        }
        self.plane
    }

    fn average(&mut self) {
        let start = self.rows * self.plane.stride;
        if let Some(to) = self.plane.samples.get_mut(start..start + self.plane.stride) {
            let average = match (self.factor, self.summed) {
                (2, 2) => average::<2>,
                (3, 3) => average::<3>,
                (4, 4) => average::<4>,
                (5, 5) => average::<5>,
                (6, 6) => average::<6>,
                (7, 7) => average::<7>,
                (8, 8) => average::<8>,
                _ => average_any,
            };
            average(&self.sums, to, self.factor, self.summed);
            self.rows += 1;
        }
        self.summed = 0;
    }
}

/// [`average_any`] for whole squares of `N` x `N`: dividing by what is known beforehand is fast. `factor` and `summed` are `N`, too.
fn average<const N: usize>(sums: &[u16], to: &mut [u8], factor: usize, summed: usize) {
    let (squares, rest) = sums.as_chunks::<N>();
    for (to, square) in to.iter_mut().zip(squares) {
        let sum: u16 = square.iter().sum();
        *to = ((sum + (N * N / 2) as u16) / (N * N) as u16) as u8;
    }
    if !rest.is_empty() {
        average_any(rest, &mut to[squares.len()..], factor, summed);
    }
}

fn average_any(sums: &[u16], to: &mut [u8], factor: usize, summed: usize) {
    for (to, square) in to.iter_mut().zip(sums.chunks(factor)) {
        let samples = (square.len() * summed) as u32;
        let sum: u32 = square.iter().map(|&sum| u32::from(sum)).sum();
        *to = ((sum + samples / 2) / samples) as u8;
    }
}
