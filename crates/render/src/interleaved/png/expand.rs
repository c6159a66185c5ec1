//! From a PNG's samples to interleaved samples of 8 or 16 bits: palettes, few bits, transparent colours.

use super::super::shrink::{Row, zeros};
use super::header::{Color, Header};

/// Makes rows of samples of rows of bytes.
pub(super) struct Expander {
    how: How,
    depth: u8,
    /// Indices with a byte each.
    indices: Vec<u8>,
    eight: Vec<u8>,
    sixteen: Vec<u16>,
}

enum How {
    /// They are what is wanted.
    Direct,
    /// The samples are indices: of a palette, or greys that need more bits or have a transparent one.
    Table { table: Box<[[u8; 4]; 256]>, channels: usize },
    /// 16 bits.
    Wide,
    /// RGB with a transparent colour.
    Keyed([u8; 3]),
    /// 16 bits a sample, with a transparent colour.
    KeyedWide { key: [u16; 3], channels: usize },
}

/// How many samples a pixel has once it is expanded.
pub(super) fn channels(header: &Header) -> usize {
    let keyed = usize::from(header.key.is_some());
    match header.color {
        Color::Grey => 1 + keyed,
        Color::GreyAlpha => 2,
        Color::Rgb => 3 + keyed,
        Color::Indexed => 3 + usize::from(header.palette.iter().any(|entry| entry[3] != u8::MAX)),
        Color::Rgba => 4,
    }
}

/// How many bytes of memory expanding a row takes at the most.
pub(super) fn memory(header: &Header) -> u64 {
    u64::from(header.width) * (1 + 2 * 4)
}

impl Expander {
    /// For rows of up to the header's width; `None` when there is no memory for them.
    pub fn new(header: &Header) -> Option<Self> {
        let samples = channels(header);
        let how = match (header.color, header.depth, header.key) {
            (Color::Indexed, ..) => How::Table { table: palette(header), channels: samples },
            (Color::Grey, 16, Some(key)) => How::KeyedWide { key, channels: 1 },
            (Color::Rgb, 16, Some(key)) => How::KeyedWide { key, channels: 3 },
            (_, 16, _) => How::Wide,
            // Only the bits that a sample has are compared.
            (Color::Rgb, _, Some(key)) => How::Keyed(key.map(|sample| sample.to_le_bytes()[0])),
            (Color::Grey, 8, None) => How::Direct,
            (Color::Grey, ..) => How::Table { table: greys(header), channels: samples },
            _ => How::Direct,
        };
        let width = header.width as usize;
        let (eight, sixteen) = match how {
            How::Direct => (0, 0),
            How::Table { .. } | How::Keyed(_) => (width * samples, 0),
            How::Wide | How::KeyedWide { .. } => (0, width * samples),
        };
        let indices = if header.depth < 8 { width + 7 } else { 0 };
        Some(Self {
            how,
            depth: header.depth,
            indices: zeros(indices)?,
            eight: zeros(eight)?,
            sixteen: zeros(sixteen)?,
        })
    }

    /// The samples of a row of that many pixels.
    pub fn expand<'a>(&'a mut self, raw: &'a [u8], width: usize) -> Row<'a> {
        match &self.how {
            How::Direct => Row::Eight(raw),
            How::Table { table, channels } => {
                let indices = match self.depth {
                    8 => raw,
                    depth => {
                        unpack(raw, depth, &mut self.indices);
                        &self.indices
                    }
                };
                let (indices, out) = (indices.get(..width).unwrap_or(indices), &mut self.eight);
                match channels {
                    1 => look_up::<1>(indices, table, out),
                    2 => look_up::<2>(indices, table, out),
                    3 => look_up::<3>(indices, table, out),
                    _ => look_up::<4>(indices, table, out),
                }
                Row::Eight(self.eight.get(..width * channels).unwrap_or_default())
            }
            How::Keyed(key) => {
                let ((pixels, _), (out, _)) = (raw.as_chunks::<3>(), self.eight.as_chunks_mut::<4>());
                for (out, pixel) in out.iter_mut().zip(pixels) {
                    let alpha = if pixel == key { 0 } else { u8::MAX };
                    *out = [pixel[0], pixel[1], pixel[2], alpha];
                }
                Row::Eight(self.eight.get(..width * 4).unwrap_or_default())
            }
            How::Wide => {
                let (samples, _) = raw.as_chunks::<2>();
                for (out, sample) in self.sixteen.iter_mut().zip(samples) {
                    *out = u16::from_be_bytes(*sample);
                }
                Row::Sixteen(self.sixteen.get(..samples.len()).unwrap_or_default())
            }
            How::KeyedWide { key, channels } => {
                let (samples, _) = raw.as_chunks::<2>();
                let pixels = samples.chunks_exact(*channels);
                for (out, pixel) in self.sixteen.chunks_exact_mut(channels + 1).zip(pixels) {
                    let mut is_key = true;
                    for ((out, sample), key) in out.iter_mut().zip(pixel).zip(key) {
                        *out = u16::from_be_bytes(*sample);
                        is_key &= *out == *key;
                    }
                    out[*channels] = if is_key { 0 } else { u16::MAX };
                }
                Row::Sixteen(self.sixteen.get(..width * (channels + 1)).unwrap_or_default())
            }
        }
    }
}

/// What the palette lacks is black, as in libpng.
fn palette(header: &Header) -> Box<[[u8; 4]; 256]> {
    let mut table = Box::new([[0, 0, 0, u8::MAX]; 256]);
    for (entry, color) in table.iter_mut().zip(&header.palette) {
        *entry = *color;
    }
    table
}

/// Greys of up to 8 bits in 8 bits; with an alpha after it that is only used where there is a transparent grey.
fn greys(header: &Header) -> Box<[[u8; 4]; 256]> {
    let highest = u8::MAX >> (8 - header.depth);
    let transparent = header.key.map(|[grey, ..]| grey.to_le_bytes()[0] & highest);
    let mut table = Box::new([[0; 4]; 256]);
    for (grey, entry) in (0..=highest).zip(table.iter_mut()) {
        let alpha = if transparent == Some(grey) { 0 } else { u8::MAX };
        *entry = [grey * (u8::MAX / highest), alpha, 0, 0];
    }
    table
}

/// Samples of 1, 2 or 4 bits, the leftmost in the highest bits.
fn unpack(raw: &[u8], depth: u8, out: &mut [u8]) {
    let mask = u8::MAX >> (8 - depth);
    let shifts = (0..8).step_by(depth.into()).map(|bits| 8 - depth - bits);
    for (out, byte) in out.chunks_mut(usize::from(8 / depth)).zip(raw) {
        for (out, shift) in out.iter_mut().zip(shifts.clone()) {
            *out = byte >> shift & mask;
        }
    }
}

fn look_up<const CHANNELS: usize>(indices: &[u8], table: &[[u8; 4]; 256], out: &mut [u8]) {
    let (out, _) = out.as_chunks_mut::<CHANNELS>();
    for (out, index) in out.iter_mut().zip(indices) {
        let entry = &table[usize::from(*index)];
        *out = std::array::from_fn(|channel| entry[channel]);
    }
}
