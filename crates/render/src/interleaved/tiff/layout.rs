//! How the pixels of a TIFF are stored: what its tags say, checked.

use crate::error::{cannot_be_decoded, ends_too_early};
use crate::{Format, RenderError, RenderLimits};

use super::directory::Directory;

/// How many bytes more than the file has its chunks may have together: some writers store equal ones once. Each is unpacked
/// whenever it is named, so without this a small file could take for ever.
const SHARED: usize = 64 << 20;

/// Tags (TIFF 6.0, appendix A).
mod tag {
    pub const WIDTH: u16 = 256;
    pub const HEIGHT: u16 = 257;
    pub const BITS: u16 = 258;
    pub const COMPRESSION: u16 = 259;
    pub const PHOTOMETRIC: u16 = 262;
    pub const FILL_ORDER: u16 = 266;
    pub const STRIP_OFFSETS: u16 = 273;
    pub const ORIENTATION: u16 = 274;
    pub const SAMPLES: u16 = 277;
    pub const ROWS_PER_STRIP: u16 = 278;
    pub const STRIP_LENGTHS: u16 = 279;
    pub const PLANAR: u16 = 284;
    pub const T4_OPTIONS: u16 = 292;
    pub const PREDICTOR: u16 = 317;
    pub const COLOR_MAP: u16 = 320;
    pub const TILE_WIDTH: u16 = 322;
    pub const TILE_HEIGHT: u16 = 323;
    pub const TILE_OFFSETS: u16 = 324;
    pub const TILE_LENGTHS: u16 = 325;
    pub const INK_SET: u16 = 332;
    pub const EXTRA_SAMPLES: u16 = 338;
    pub const SAMPLE_FORMAT: u16 = 339;
    pub const JPEG_TABLES: u16 = 347;
    pub const SUBSAMPLING: u16 = 530;
    pub const ICC: u16 = 34675;
}

/// How a chunk is compressed (tag 259).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    /// ITU-T T.4, one dimension.
    Group3,
    /// ITU-T T.6.
    Group4,
    Lzw,
    Jpeg,
    Deflate,
    PackBits,
}

/// What the samples of a pixel say (tag 262).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Color {
    /// Grey, from black to white; or from white to black.
    Grey {
        white_is_zero: bool,
    },
    Rgb,
    /// An index.
    Palette(Vec<[u8; 3]>),
    /// Four inks; the most is full ink.
    Cmyk,
    /// Full range, BT.601.
    YCbCr,
    /// CIE L*a*b* (D50); whether a* and b* are signed.
    Lab {
        signed: bool,
    },
}

impl Color {
    /// How many samples of a pixel are its colour.
    pub fn samples(&self) -> usize {
        match self {
            Self::Grey { .. } | Self::Palette(_) => 1,
            Self::Rgb | Self::YCbCr | Self::Lab { .. } => 3,
            Self::Cmyk => 4,
        }
    }
}

/// What the first sample after the colour says about opacity (tag 338).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alpha {
    /// The colours are multiplied by it.
    Associated,
    Straight,
}

/// What is done to samples before they are compressed (tag 317).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Predictor {
    None,
    /// Differences to the sample on the left.
    Horizontal,
    /// The same byte by byte, the highest bytes of all floating-point numbers first.
    FloatingPoint,
}

/// What kind of numbers samples are (tag 339).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Unsigned,
    /// From 0 to 1 (IEEE 754).
    Float,
}

/// How the pixels are stored.
pub(super) struct Layout<'a> {
    pub width: u32,
    pub height: u32,
    /// Of a sample: 1 to 16, or 32.
    pub bits: usize,
    /// Of a pixel.
    pub samples: usize,
    pub number: Number,
    pub color: Color,
    pub alpha: Option<Alpha>,
    /// Whether each sample of a pixel is in chunks of its own.
    pub planar: bool,
    pub compression: Compression,
    pub predictor: Predictor,
    /// Whether the lowest bit of a byte is the leftmost.
    pub lowest_bit_first: bool,
    pub little_endian: bool,
    /// What all JPEG chunks share.
    pub jpeg_tables: &'a [u8],
    /// Of a strip or a tile.
    pub chunk_width: u32,
    /// Of a strip or a tile.
    pub chunk_height: u32,
    /// Plane by plane, row by row. Some may be missing.
    pub chunks: Vec<&'a [u8]>,
    pub orientation: u8,
    pub icc: Option<&'a [u8]>,
}

impl<'a> Layout<'a> {
    /// Reads the tags and checks the size against the limits.
    pub fn read(bytes: &'a [u8], limits: &RenderLimits) -> Result<Self, RenderError> {
        let directory = Directory::first(bytes)?;
        let side = |tag| match directory.number(tag) {
            Some(number) => u32::try_from(number).map_err(|_| cannot_be_decoded()),
            None => Err(ends_too_early()),
        };
        let (width, height) = (side(tag::WIDTH)?, side(tag::HEIGHT)?);
        limits.check(width, height)?;

        let value = |tag, default| directory.number(tag).unwrap_or(default);
        let samples = usize::try_from(value(tag::SAMPLES, 1)).ok().filter(|samples| (1..=64).contains(samples));
        let samples = samples.ok_or_else(cannot_be_decoded)?;
        let bits = same(&directory, tag::BITS, 1, samples).ok_or_else(unsupported)?;
        let number = match (same(&directory, tag::SAMPLE_FORMAT, 1, samples), bits) {
            // 4: nobody knows.
            (Some(1 | 4), 1..=16 | 32) => Number::Unsigned,
            (Some(3), 32) => Number::Float,
            _ => return Err(unsupported()),
        };
        let bits = usize::try_from(bits).map_err(|_| unsupported())?;
        let compression = compression(&directory).ok_or_else(unsupported)?;
        let color = color(&directory, bits, compression).ok_or_else(unsupported)?;
        let planar = value(tag::PLANAR, 1) == 2 && samples > 1;
        let predictor = match (value(tag::PREDICTOR, 1), compression) {
            // It belongs to these (section 14).
            (2, Compression::Lzw | Compression::Deflate) => Predictor::Horizontal,
            (3, Compression::Lzw | Compression::Deflate) if number == Number::Float => Predictor::FloatingPoint,
            (3, Compression::Lzw | Compression::Deflate) => return Err(unsupported()),
            _ => Predictor::None,
        };
        let extra = directory.numbers(tag::EXTRA_SAMPLES).and_then(|mut extra| extra.next());
        let has_extra = samples > color.samples();
        let alpha = match (extra, &color) {
            _ if !has_extra => None,
            (Some(1), _) => Some(Alpha::Associated),
            // Of old, RGB has it without the tag that says so.
            (Some(2), _) | (None, Color::Rgb) => Some(Alpha::Straight),
            _ => None,
        };
        if samples < color.samples()
            || (compression == Compression::Jpeg && (bits != 8 || !matches!(samples, 1 | 3 | 4)))
            || (matches!(compression, Compression::Group3 | Compression::Group4) && (bits != 1 || samples != 1))
        {
            return Err(unsupported());
        }
        let (chunk_width, chunk_height, chunks) = chunks(&directory, width, height, if planar { samples } else { 1 })?;
        let packed: usize = chunks.iter().map(|chunk| chunk.len()).sum();
        if compression != Compression::None && packed > directory.data(0, u64::MAX).len() + SHARED {
            return Err(cannot_be_decoded());
        }
        Ok(Self {
            width,
            height,
            bits,
            samples,
            number,
            color,
            alpha,
            planar,
            compression,
            predictor,
            lowest_bit_first: value(tag::FILL_ORDER, 1) == 2,
            little_endian: directory.is_little_endian(),
            jpeg_tables: directory.raw(tag::JPEG_TABLES).unwrap_or_default(),
            chunk_width,
            chunk_height,
            chunks,
            orientation: u8::try_from(value(tag::ORIENTATION, 1)).ok().filter(|o| (1..=8).contains(o)).unwrap_or(1),
            icc: directory.raw(tag::ICC),
        })
    }

    /// How many chunks lie side by side.
    pub fn chunks_across(&self) -> usize {
        self.width.div_ceil(self.chunk_width) as usize
    }

    /// How many chunks lie one below the other.
    pub fn chunks_down(&self) -> usize {
        self.height.div_ceil(self.chunk_height) as usize
    }

    /// How many samples of a pixel are in one chunk.
    pub fn samples_in_chunk(&self) -> usize {
        if self.planar { 1 } else { self.samples }
    }

    /// How many bytes a row of a chunk takes.
    pub fn row_bytes(&self) -> usize {
        (self.chunk_width as usize * self.samples_in_chunk() * self.bits).div_ceil(8)
    }
}

/// The size of strips or tiles, and the data of each.
fn chunks<'a>(
    directory: &Directory<'a>,
    width: u32,
    height: u32,
    planes: usize,
) -> Result<(u32, u32, Vec<&'a [u8]>), RenderError> {
    let number = |tag| directory.number(tag).and_then(|number| u32::try_from(number).ok());
    let (across, down, offsets, lengths) = if directory.number(tag::TILE_WIDTH).is_some() {
        let sides = number(tag::TILE_WIDTH).zip(number(tag::TILE_HEIGHT));
        // No tile that anybody makes is smaller, or much larger than the largest picture.
        let sensible = |(across, down): &(u32, u32)| (8..=32_768).contains(across) && (8..=32_768).contains(down);
        let (across, down) = sides.filter(sensible).ok_or_else(unsupported)?;
        (across, down, tag::TILE_OFFSETS, tag::TILE_LENGTHS)
    } else {
        let rows = number(tag::ROWS_PER_STRIP).filter(|rows| *rows > 0).unwrap_or(height);
        (width, rows.min(height), tag::STRIP_OFFSETS, tag::STRIP_LENGTHS)
    };
    let count = width.div_ceil(across) as usize * height.div_ceil(down) as usize * planes;
    let offsets = directory.numbers(offsets).ok_or_else(ends_too_early)?.take(count);
    let data = match directory.numbers(lengths) {
        Some(lengths) => offsets.zip(lengths).map(|(offset, length)| directory.data(offset, length)).collect(),
        // Where nothing is packed, some writers leave them out.
        None => offsets.map(|offset| directory.data(offset, u64::MAX)).collect(),
    };
    Ok((across, down, data))
}

/// What people are told of a variety that is not decoded.
pub(super) fn unsupported() -> RenderError {
    RenderError::Damaged(format!("This variety of {} cannot be scaled.", Format::Tiff.name()))
}

/// The value that a tag has for each of the samples; `None` where they differ. Some writers give one for all.
fn same(directory: &Directory<'_>, tag: u16, default: u64, samples: usize) -> Option<u64> {
    let Some(mut numbers) = directory.numbers(tag) else { return Some(default) };
    let first = numbers.next()?;
    numbers.take(samples - 1).all(|number| number == first).then_some(first)
}

fn compression(directory: &Directory<'_>) -> Option<Compression> {
    Some(match directory.number(tag::COMPRESSION).unwrap_or(1) {
        1 => Compression::None,
        3 if directory.number(tag::T4_OPTIONS).unwrap_or(0) & 1 == 0 => Compression::Group3,
        4 => Compression::Group4,
        5 => Compression::Lzw,
        7 => Compression::Jpeg,
        8 | 32_946 => Compression::Deflate,
        32_773 => Compression::PackBits,
        _ => return None,
    })
}

fn color(directory: &Directory<'_>, bits: usize, compression: Compression) -> Option<Color> {
    let photometric = directory.number(tag::PHOTOMETRIC);
    Some(match photometric? {
        0 => Color::Grey { white_is_zero: true },
        1 => Color::Grey { white_is_zero: false },
        2 => Color::Rgb,
        3 if bits <= 16 => Color::Palette(palette(directory, bits)?),
        // Inks by other names have no colours that are known.
        5 if directory.number(tag::INK_SET).unwrap_or(1) == 1 => Color::Cmyk,
        6 if bits == 8 => {
            // JPEG says itself how it is sampled. What else is sampled less than in full comes in units of its own
            // (section 21).
            let mut sampling = directory.numbers(tag::SUBSAMPLING).into_iter().flatten();
            let full = sampling.next() == Some(1) && sampling.next() == Some(1);
            (compression == Compression::Jpeg || full).then_some(Color::YCbCr)?
        }
        8 if matches!(bits, 8 | 16) => Color::Lab { signed: true },
        9 if matches!(bits, 8 | 16) => Color::Lab { signed: false },
        _ => return None,
    })
}

/// All red, all green, all blue; 16 bits each (tag 320).
fn palette(directory: &Directory<'_>, bits: usize) -> Option<Vec<[u8; 3]>> {
    let length = 1 << bits;
    let numbers: Vec<_> = directory.numbers(tag::COLOR_MAP)?.take(3 * length).collect();
    // Some writers fill 8 bits only.
    let shift = if numbers.iter().any(|number| *number > 255) { 8 } else { 0 };
    let at = |index: usize| numbers.get(index).map_or(0, |number| (number >> shift).to_le_bytes()[0]);
    Some((0..length).map(|index| [at(index), at(index + length), at(index + 2 * length)]).collect())
}
