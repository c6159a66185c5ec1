//! TIFF (revision 6.0, and BigTIFF): its first image, row by row.
//!
//! Of strips and tiles only those are open that a row runs through.

mod chunk;
mod color;
mod directory;
mod layout;
mod samples;
#[cfg(test)]
mod tests;

use crate::error::{cannot_be_decoded, no_memory};
use crate::{RenderError, RenderLimits};

use super::shrink::{Row, Shape, Shrinker, zeros};
use super::{Interleaved, Meta};
use chunk::Chunk;
use color::Converter;
use layout::{Color, Compression, Layout};

/// A TIFF, read up to the pixels of its first image.
pub(super) struct Tiff<'a> {
    layout: Layout<'a>,
}

impl<'a> Tiff<'a> {
    /// Reads the tags of the first image.
    pub fn open(bytes: &'a [u8], limits: &RenderLimits) -> Result<(Self, Meta), RenderError> {
        let layout = Layout::read(bytes, limits)?;
        let is_grey = matches!(layout.color, Color::Grey { .. });
        let is_rgb = matches!(layout.color, Color::Rgb | Color::Palette(_) | Color::YCbCr);
        let meta = Meta {
            width: layout.width,
            height: layout.height,
            orientation: layout.orientation,
            // Of inks it is applied here; other colours know what they are.
            icc: layout.icc.filter(|_| is_grey || is_rgb).map(<[u8]>::to_vec),
            is_grey,
        };
        Ok((Self { layout }, meta))
    }

    fn shape(&self, converter: &Converter, min_width: u32) -> Shape {
        Shape::new(self.layout.width, self.layout.height, converter.channels(), min_width)
    }

    /// How many bytes decoding takes at the most.
    pub fn memory(&self, min_width: u32) -> u64 {
        let layout = &self.layout;
        let planes = if layout.planar { layout.samples } else { 1 };
        let open = (layout.chunks_across() * planes) as u64;
        let decoded = match layout.compression {
            // Whole blocks, and as much again where it is progressive, twice.
            Compression::Jpeg => {
                let side = |side: u32| u64::from(side.next_multiple_of(32));
                3 * side(layout.chunk_width) * side(layout.chunk_height) * layout.samples_in_chunk() as u64
            }
            _ => 0,
        };
        let copied = if layout.lowest_bit_first || layout.compression == Compression::Jpeg {
            layout.chunks.iter().map(|data| data.len() as u64).max().unwrap_or(0) + layout.jpeg_tables.len() as u64
        } else {
            0
        };
        let rows = u64::from(layout.width) * layout.samples as u64 * 4 + 4 * layout.row_bytes() as u64;
        let shape = Shape::new(layout.width, layout.height, 4, min_width);
        shape.memory()
            + open * (chunk::STATE + decoded + copied)
            + copied
            + rows
            + 8 * u64::from(layout.width)
            + (1 << 20)
    }

    /// Decodes as much as there is, shrunken.
    pub fn decode(self, min_width: u32) -> Result<Interleaved, RenderError> {
        let mut converter = Converter::new(&self.layout);
        let shape = self.shape(&converter, min_width);
        let layout = self.layout;
        let mut shrinker = Shrinker::new(shape).ok_or_else(no_memory)?;
        let mut row = zeros(layout.width as usize * layout.samples).ok_or_else(no_memory)?;
        let mut pixels = Vec::new();
        let mut found = 0;
        let mut first = 0;
        let mut band = Band::new(&layout);
        for number in 0..layout.chunks_down() {
            let end = (first + layout.chunk_height).min(layout.height);
            // What is damaged is missing; the next strips and tiles stand by themselves.
            if band.open(&layout, number).is_some() {
                for y in first..end {
                    if band.read(&layout, &mut row).is_none() {
                        break;
                    }
                    converter.convert(&row, &mut pixels);
                    shrinker.add(y, Row::Sixteen(&pixels));
                    found += 1;
                }
            }
            first = end;
        }
        if found == 0 {
            return Err(cannot_be_decoded());
        }
        let picture = shrinker.finish().ok_or_else(no_memory)?;
        Ok(Interleaved { complete: found == layout.height, ..picture })
    }
}

/// The chunks that lie side by side, of all planes.
struct Band<'a> {
    chunks: Vec<Chunk<'a>>,
    bytes: Vec<u8>,
}

impl<'a> Band<'a> {
    fn new(layout: &Layout<'a>) -> Self {
        Self { chunks: Vec::new(), bytes: vec![0; layout.row_bytes()] }
    }

    /// Opens the next; `None` where a chunk is missing or nothing of it can be unpacked.
    fn open(&mut self, layout: &Layout<'a>, number: usize) -> Option<()> {
        let (across, down) = (layout.chunks_across(), layout.chunks_down());
        let planes = if layout.planar { layout.samples } else { 1 };
        let numbers = (0..planes).flat_map(|plane| (0..across).map(move |x| (plane * down + number) * across + x));
        let mut used = std::mem::take(&mut self.chunks).into_iter();
        let chunks = numbers.map(|number| Chunk::open(layout, layout.chunks.get(number)?, used.next()));
        self.chunks = chunks.collect::<Option<_>>()?;
        Some(())
    }

    /// The next row of samples; `None` where a chunk has no more.
    fn read(&mut self, layout: &Layout<'_>, row: &mut [u16]) -> Option<()> {
        let across = layout.chunks_across();
        let length = layout.chunk_width as usize * layout.samples_in_chunk();
        for (number, chunk) in self.chunks.iter_mut().enumerate() {
            chunk.read(&mut self.bytes)?;
            samples::undo_predictor(layout, &mut self.bytes);
            let (plane, column) = (number / across, number % across);
            let start = column * length;
            // What a tile has beyond the right side is no part of the picture.
            if layout.planar {
                let row = row.get_mut(start * layout.samples..)?;
                samples::unpack(layout, &self.bytes, |at, sample| {
                    if at < length
                        && let Some(to) = row.get_mut(at * layout.samples + plane)
                    {
                        *to = sample;
                    }
                });
            } else {
                let row = row.get_mut(start..)?;
                samples::unpack(layout, &self.bytes, |at, sample| {
                    if at < length
                        && let Some(to) = row.get_mut(at)
                    {
                        *to = sample;
                    }
                });
            }
        }
        Some(())
    }
}
