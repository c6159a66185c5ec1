//! GIF (version 89a): its first frame, row by row.

use weezl::decode::Decoder;
use weezl::{BitOrder, LzwStatus};

use crate::error::{cannot_be_decoded, ends_too_early, no_memory};
use crate::format::u16_at;
use crate::{RenderError, RenderLimits};

use super::shrink::{Row, Shape, Shrinker, zeros};
use super::{Interleaved, Meta};

/// What comes before the colour table of a file: signature and logical screen (section 18).
const SCREEN: usize = 13;

/// A GIF, read up to the pixels of its first frame.
pub(super) struct Gif<'a> {
    width: u32,
    height: u32,
    frame: Frame,
    /// What of 256 colours the file does not have is black.
    palette: Box<[[u8; 4]; 256]>,
    code_size: u8,
    blocks: Blocks<'a>,
}

/// Where the frame lies on the screen (section 20).
struct Frame {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    interlaced: bool,
}

impl<'a> Gif<'a> {
    /// Reads everything up to the pixels.
    pub fn open(bytes: &'a [u8], limits: &RenderLimits) -> Result<(Self, Meta), RenderError> {
        let side = |at| u16_at(bytes, at).map(u32::from).ok_or_else(ends_too_early);
        let (screen_width, screen_height) = (side(6)?, side(8)?);
        let flags = *bytes.get(10).ok_or_else(ends_too_early)?;
        let mut at = SCREEN;
        let screen_colors = colors(bytes, &mut at, flags)?;
        let mut transparent = None;
        loop {
            match bytes.get(at).ok_or_else(ends_too_early)? {
                0x2c => break,
                0x21 => {
                    // Graphic control (section 23): only the last one before the frame counts.
                    if let Some([0xf9, 4..=255, flags, _, _, index]) =
                        bytes.get(at + 1..).and_then(|bytes| bytes.first_chunk())
                    {
                        transparent = (flags & 1 != 0).then_some(*index);
                    }
                    let mut blocks = Blocks { bytes, at: at + 2 };
                    while blocks.next().is_some() {}
                    at = blocks.at;
                }
                0x3b => return Err(ends_too_early()),
                _ => return Err(cannot_be_decoded()),
            }
        }
        let flags = *bytes.get(at + 9).ok_or_else(ends_too_early)?;
        let frame = Frame {
            left: side(at + 1)?,
            top: side(at + 3)?,
            width: side(at + 5)?,
            height: side(at + 7)?,
            interlaced: flags & 0x40 != 0,
        };
        // Like browsers: the screen grows with a first frame that is larger.
        let width = screen_width.max(frame.left + frame.width);
        let height = screen_height.max(frame.top + frame.height);
        limits.check(width, height)?;

        at += 10;
        let frame_colors = colors(bytes, &mut at, flags)?;
        let mut palette = Box::new([[0, 0, 0, u8::MAX]; 256]);
        let colors = if flags & 0x80 == 0 { screen_colors } else { frame_colors };
        for (entry, [red, green, blue]) in palette.iter_mut().zip(colors) {
            *entry = [*red, *green, *blue, u8::MAX];
        }
        if let Some(index) = transparent {
            palette[usize::from(index)] = [0; 4];
        }
        let code_size = *bytes.get(at).ok_or_else(ends_too_early)?;
        if !(1..=11).contains(&code_size) {
            return Err(cannot_be_decoded());
        }
        let meta = Meta { width, height, orientation: 1, icc: None, is_grey: false };
        Ok((Self { width, height, frame, palette, code_size, blocks: Blocks { bytes, at: at + 1 } }, meta))
    }

    fn shape(&self, min_width: u32) -> Shape {
        Shape::new(self.width, self.height, 4, min_width)
    }

    /// How many bytes decoding takes at the most.
    pub fn memory(&self, min_width: u32) -> u64 {
        let rows = if self.frame.interlaced { self.frame.height } else { 1 };
        let indices = u64::from(self.frame.width) * u64::from(rows);
        self.shape(min_width).memory() + indices + 4 * u64::from(self.width) + (64 << 10)
    }

    /// Decodes as much as there is.
    pub fn decode(self, min_width: u32) -> Result<Interleaved, RenderError> {
        let shape = self.shape(min_width);
        let Self { width, height, frame, palette, code_size, blocks } = self;
        let mut lzw = Lzw { decoder: Decoder::new(BitOrder::Lsb, code_size), blocks, block: &[], over: false };
        let mut canvas = Canvas {
            shrinker: Shrinker::new(shape).ok_or_else(no_memory)?,
            row: zeros(width as usize * 4).ok_or_else(no_memory)?,
            left: frame.left as usize,
            palette,
        };
        for y in 0..frame.top {
            canvas.add_empty(y);
        }
        let length = frame.width as usize;
        let rows = if frame.interlaced {
            // The passes are rows of one frame: all of it has to be there.
            let mut indices: Vec<u8> = zeros(length * frame.height as usize).ok_or_else(no_memory)?;
            let mut filled = vec![false; frame.height as usize];
            let passes = [(0, 8), (4, 8), (2, 4), (1, 2)];
            let order = passes.into_iter().flat_map(|(first, step)| (first..frame.height as usize).step_by(step));
            for y in order {
                if !lzw.read(&mut indices[y * length..][..length]) {
                    break;
                }
                filled[y] = true;
            }
            for y in 0..frame.height {
                // Like browsers: a row that is missing looks like the one above it that came before it.
                let source = [1, 2, 4, 8].map(|step| y as usize / step * step).into_iter().find(|y| filled[*y]);
                if let Some(source) = source {
                    canvas.add(frame.top + y, &indices[source * length..][..length]);
                }
            }
            filled.iter().filter(|filled| **filled).count()
        } else {
            let mut indices: Vec<u8> = zeros(length).ok_or_else(no_memory)?;
            let whole = (0..frame.height).take_while(|y| {
                let read = lzw.read(&mut indices);
                if read {
                    canvas.add(frame.top + y, &indices);
                }
                read
            });
            whole.count()
        };
        if rows == 0 {
            return Err(ends_too_early());
        }
        for y in frame.top + frame.height..height {
            canvas.add_empty(y);
        }
        let picture = canvas.shrinker.finish().ok_or_else(no_memory)?;
        Ok(Interleaved { complete: rows == frame.height as usize, ..picture })
    }
}

/// The colour table at `at`, if the flags say that there is one (sections 19 and 21).
fn colors<'a>(bytes: &'a [u8], at: &mut usize, flags: u8) -> Result<&'a [[u8; 3]], RenderError> {
    if flags & 0x80 == 0 {
        return Ok(&[]);
    }
    let length = 3 << ((flags & 7) + 1);
    let table = bytes.get(*at..*at + length).ok_or_else(ends_too_early)?;
    *at += length;
    Ok(table.as_chunks().0)
}

/// Data in blocks of up to 255 bytes (section 15).
struct Blocks<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Blocks<'a> {
    type Item = &'a [u8];

    /// The next block, as much of it as there is; `None` after the last.
    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.bytes.get(self.at..)?.split_first()?;
        self.at += 1 + usize::from(*length);
        (*length > 0).then(|| rest.get(..usize::from(*length)).unwrap_or(rest))
    }
}

/// The compressed pixels.
struct Lzw<'a> {
    decoder: Decoder,
    blocks: Blocks<'a>,
    block: &'a [u8],
    over: bool,
}

impl Lzw<'_> {
    /// Whether there was enough to fill this.
    fn read(&mut self, mut indices: &mut [u8]) -> bool {
        while !indices.is_empty() && !self.over {
            if self.block.is_empty() {
                self.block = self.blocks.next().unwrap_or_default();
            }
            let result = self.decoder.decode_bytes(self.block, indices);
            self.block = self.block.get(result.consumed_in..).unwrap_or_default();
            indices = indices.get_mut(result.consumed_out..).unwrap_or_default();
            let stuck = result.consumed_in == 0 && result.consumed_out == 0 && self.block.is_empty();
            self.over = match result.status {
                Ok(LzwStatus::Ok) => false,
                Ok(LzwStatus::NoProgress) => stuck,
                Ok(LzwStatus::Done) | Err(_) => true,
            };
        }
        indices.is_empty()
    }
}

/// Lays rows of the frame onto the screen.
struct Canvas {
    shrinker: Shrinker,
    row: Vec<u8>,
    left: usize,
    palette: Box<[[u8; 4]; 256]>,
}

impl Canvas {
    fn add(&mut self, y: u32, indices: &[u8]) {
        let (pixels, _) = self.row.as_chunks_mut::<4>();
        for (pixel, index) in pixels.iter_mut().skip(self.left).zip(indices) {
            *pixel = self.palette[usize::from(*index)];
        }
        self.shrinker.add(y, Row::Eight(&self.row));
    }

    fn add_empty(&mut self, y: u32) {
        self.row.fill(0);
        self.shrinker.add(y, Row::Eight(&self.row));
    }
}
