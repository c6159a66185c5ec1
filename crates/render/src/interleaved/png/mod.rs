//! PNG (W3C Portable Network Graphics, third edition), row by row.
//!
//! Of an animation it is the picture that is shown where nothing moves.

mod adam7;
mod chunks;
mod expand;
mod header;
mod rows;
#[cfg(test)]
mod tests;
mod unfilter;

use crate::error::{cannot_be_decoded, ends_too_early, no_memory};
use crate::{RenderError, RenderLimits};

use super::shrink::{Shape, Shrinker};
use super::{Interleaved, Meta, orientation};
use adam7::{Boxes, PASSES};
use expand::Expander;
use header::Header;
use rows::Rows;

/// A PNG whose header has been read.
pub(super) struct Png<'a> {
    bytes: &'a [u8],
    header: Header,
}

impl<'a> Png<'a> {
    /// Reads everything up to the pixels.
    pub fn open(bytes: &'a [u8], limits: &RenderLimits) -> Result<(Self, Meta), RenderError> {
        let mut header = Header::read(bytes, limits)?;
        let meta = Meta {
            width: header.width,
            height: header.height,
            orientation: header.exif.take().map_or(1, |exif| orientation(&exif)),
            icc: header.icc.take(),
            is_grey: header.is_grey(),
        };
        Ok((Self { bytes, header }, meta))
    }

    fn shape(&self, min_width: u32) -> Shape {
        Shape::new(self.header.width, self.header.height, expand::channels(&self.header), min_width)
    }

    /// How many bytes decoding takes at the most.
    pub fn memory(&self, min_width: u32) -> u64 {
        let shape = self.shape(min_width);
        let row = self.header.row_length(self.header.width);
        let picture = if self.header.interlaced { adam7::memory(&shape) } else { shape.memory() };
        picture + rows::memory(row) + expand::memory(&self.header)
    }

    /// Decodes as much as there is.
    pub fn decode(self, min_width: u32) -> Result<Interleaved, RenderError> {
        let header = &self.header;
        let shape = self.shape(min_width);
        let length = usize::try_from(header.row_length(header.width)).map_err(|_| no_memory())?;
        let mut rows = Rows::new(self.bytes, header.data, length, header.step()).ok_or_else(no_memory)?;
        let mut expander = Expander::new(header).ok_or_else(no_memory)?;
        let picture = if header.interlaced {
            interlaced(header, &mut rows, &mut expander, shape)
        } else {
            sequential(&mut rows, &mut expander, shape, length)
        };
        match picture? {
            Some(picture) => Ok(picture),
            None if rows.corrupt => Err(cannot_be_decoded()),
            None => Err(ends_too_early()),
        }
    }
}

/// Rows from the top; `None` when there is not one.
fn sequential(
    rows: &mut Rows<'_>,
    expander: &mut Expander,
    shape: Shape,
    length: usize,
) -> Result<Option<Interleaved>, RenderError> {
    let mut shrinker = Shrinker::new(shape).ok_or_else(no_memory)?;
    for y in 0..shape.height {
        match rows.next(length) {
            Some(row) => shrinker.add(y, expander.expand(row, shape.width as usize)),
            None if y == 0 => return Ok(None),
            None => break,
        }
    }
    shrinker.finish().map(Some).ok_or_else(no_memory)
}

/// Seven passes; `None` when there is not one row.
fn interlaced(
    header: &Header,
    rows: &mut Rows<'_>,
    expander: &mut Expander,
    shape: Shape,
) -> Result<Option<Interleaved>, RenderError> {
    let mut boxes = Boxes::new(shape).ok_or_else(no_memory)?;
    let mut any = false;
    for pass in &PASSES {
        let width = pass.width(shape.width);
        let length = usize::try_from(header.row_length(width)).map_err(|_| no_memory())?;
        if length == 0 {
            continue;
        }
        rows.start_pass();
        for y in pass.rows(shape.height) {
            match rows.next(length) {
                Some(row) => boxes.add(pass, y, expander.expand(row, width as usize)),
                None if any => return boxes.finish(false).map(Some).ok_or_else(no_memory),
                None => return Ok(None),
            }
            any = true;
        }
    }
    boxes.finish(true).map(Some).ok_or_else(no_memory)
}
