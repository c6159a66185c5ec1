//! Interlaced pictures (W3C PNG, section 8.1), averaged as their pixels come in.
//!
//! An average does not care about the order, so the sums of the small picture's boxes are all that is kept. What a file
//! that ends early does not have is filled with the pixels of earlier passes, as browsers do.

use super::super::Interleaved;
use super::super::shrink::{Row, Shape, premultiplied_16, without_alpha, zeros};

/// First column and row of a pass, and the distances of its columns and rows.
pub(super) struct Pass {
    x: u32,
    y: u32,
    dx: u32,
    dy: u32,
}

pub(super) const PASSES: [Pass; 7] = [
    Pass { x: 0, y: 0, dx: 8, dy: 8 },
    Pass { x: 4, y: 0, dx: 8, dy: 8 },
    Pass { x: 0, y: 4, dx: 4, dy: 8 },
    Pass { x: 2, y: 0, dx: 4, dy: 4 },
    Pass { x: 0, y: 2, dx: 2, dy: 4 },
    Pass { x: 1, y: 0, dx: 2, dy: 2 },
    Pass { x: 0, y: 1, dx: 1, dy: 2 },
];

impl Pass {
    /// How many pixels a row of it has.
    pub fn width(&self, width: u32) -> u32 {
        width.saturating_sub(self.x).div_ceil(self.dx)
    }

    /// Which rows it has pixels in.
    pub fn rows(&self, height: u32) -> impl Iterator<Item = u32> + use<> {
        (self.y..height).step_by(self.dy as usize)
    }
}

/// Sums of boxes.
pub(super) struct Boxes {
    shape: Shape,
    /// In units of `unit`, weighted by alpha.
    sums: Vec<u32>,
    /// How many pixels each box has got.
    counts: Vec<u32>,
    /// 255 for 8 bits a sample, 257 for 16.
    unit: u32,
    transparent: bool,
}

/// How many bytes the boxes take, with the picture that comes of them.
pub(super) fn memory(shape: &Shape) -> u64 {
    let pixels = shape.out_samples() / shape.channels as u64;
    4 * shape.out_samples() + 4 * pixels + (shape.out_samples() + pixels)
}

impl Boxes {
    /// `None` when there is no memory for them.
    pub fn new(shape: Shape) -> Option<Self> {
        let samples = usize::try_from(shape.out_samples()).ok()?;
        let (sums, counts) = (zeros(samples)?, zeros(samples / shape.channels)?);
        Some(Self { shape, sums, counts, unit: 255, transparent: false })
    }

    /// Adds what `pass` has in row `y`.
    pub fn add(&mut self, pass: &Pass, y: u32, row: Row<'_>) {
        let (channels, factor) = (self.shape.channels, self.shape.factor);
        let alpha = self.shape.has_alpha().then_some(channels - 1);
        let start = (y / factor) as usize * self.shape.out_width() as usize;
        let columns = (pass.x..self.shape.width).step_by(pass.dx as usize).map(|x| start + (x / factor) as usize);
        let mut add = |at: usize, channel: usize, value: u32| self.sums[at * channels + channel] += value;
        match row {
            Row::Eight(row) => {
                for (at, pixel) in columns.zip(row.chunks_exact(channels)) {
                    self.counts[at] += 1;
                    let opacity = alpha.map_or(u8::MAX, |alpha| pixel[alpha]);
                    self.transparent |= opacity != u8::MAX;
                    for (channel, sample) in pixel.iter().enumerate() {
                        let sample = if Some(channel) == alpha { u8::MAX } else { *sample };
                        add(at, channel, u32::from(sample) * u32::from(opacity));
                    }
                }
            }
            Row::Sixteen(row) => {
                self.unit = 257;
                for (at, pixel) in columns.zip(row.chunks_exact(channels)) {
                    self.counts[at] += 1;
                    let opacity = alpha.map_or(u16::MAX, |alpha| pixel[alpha]);
                    self.transparent |= opacity != u16::MAX;
                    for (channel, sample) in pixel.iter().enumerate() {
                        let sample = if Some(channel) == alpha { u16::MAX } else { *sample };
                        add(at, channel, premultiplied_16(sample, opacity));
                    }
                }
            }
        }
    }

    /// The small picture; `None` when there is no memory for it.
    pub fn finish(self, complete: bool) -> Option<Interleaved> {
        let Shape { channels, .. } = self.shape;
        let (width, height) = (self.shape.out_width(), self.shape.out_height());
        let has_alpha = self.shape.has_alpha();
        // Boxes that nothing is known of need an alpha channel.
        let holes = !complete && self.counts.iter().zip(0..).any(|(_, at)| self.known(at).is_none());
        let out_channels = channels + usize::from(holes && !has_alpha);
        let mut samples = Vec::new();
        samples.try_reserve_exact(self.counts.len() * out_channels).ok()?;
        for at in 0..self.counts.len() {
            match self.known(at) {
                None => samples.extend(std::iter::repeat_n(0, out_channels)),
                Some(known) => {
                    let divisor = u64::from(self.counts[known]) * u64::from(self.unit);
                    let sums = self.sums.get(known * channels..(known + 1) * channels)?;
                    samples.extend(
                        sums.iter()
                            .map(|sum| u8::try_from((u64::from(*sum) + divisor / 2) / divisor).unwrap_or(u8::MAX)),
                    );
                    samples.extend(std::iter::repeat_n(u8::MAX, out_channels - channels));
                }
            }
        }
        let transparent = self.transparent || holes;
        let (samples, out_channels) = if has_alpha && !transparent {
            (without_alpha(samples, channels), channels - 1)
        } else {
            (samples, out_channels)
        };
        Some(Interleaved { width, height, channels: u8::try_from(out_channels).ok()?, samples, transparent, complete })
    }

    /// The box whose pixels stand for this one: itself, or where it has none, that of the pixel of the pass before.
    fn known(&self, at: usize) -> Option<usize> {
        if self.counts[at] > 0 {
            return Some(at);
        }
        let (width, factor) = (self.shape.out_width() as usize, self.shape.factor as usize);
        let (x, y) = (at % width * factor, at / width * factor);
        let blocks = [(1, 2), (2, 2), (2, 4), (4, 4), (4, 8), (8, 8)];
        blocks
            .into_iter()
            .map(|(across, down)| (x / across * across / factor) + (y / down * down / factor) * width)
            .find(|at| self.counts[*at] > 0)
    }
}
