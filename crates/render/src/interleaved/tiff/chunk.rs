//! A strip or a tile, unpacked row by row (TIFF 6.0, sections 9 to 11, 13, and 22; the supplement 2 for JPEG and Deflate).

use std::borrow::Cow;
use std::io::{self, Cursor, Read};

use fax::decoder::{DecodeStatus, Group3Decoder, Group4Decoder};
use flate2::bufread::ZlibDecoder;
use strongroom_jpeg::Plane;
use weezl::{BitOrder, LzwStatus};

use super::layout::{Compression, Layout};

/// What a chunk takes while it is unpacked, at the most, beside the pixels of JPEG.
pub(super) const STATE: u64 = 96 << 10;

type Input<'a> = Cursor<Cow<'a, [u8]>>;

/// A strip or a tile that is being unpacked.
pub(super) enum Chunk<'a> {
    Plain(Input<'a>),
    PackBits(PackBits<'a>),
    Lzw(Box<weezl::decode::Decoder>, Input<'a>),
    Deflate(Box<ZlibDecoder<Input<'a>>>),
    /// With the length of a line.
    Group3(Box<Group3Decoder<io::Bytes<Input<'a>>>>, u16),
    Group4(Box<Group4Decoder<io::Bytes<Input<'a>>>>),
    Jpeg(Jpeg),
}

impl<'a> Chunk<'a> {
    /// `None` where nothing of it can be unpacked. A chunk that is read to its end lends its decoder: to make one takes
    /// longer than to unpack a small tile.
    pub fn open(layout: &Layout<'_>, data: &'a [u8], used: Option<Self>) -> Option<Self> {
        let is_jpeg = layout.compression == Compression::Jpeg;
        if data.is_empty() {
            return None;
        }
        let mut data = if layout.lowest_bit_first && !is_jpeg {
            Cow::Owned(data.iter().map(|byte| byte.reverse_bits()).collect())
        } else {
            Cow::Borrowed(data)
        };
        if layout.compression == Compression::Group3 {
            // The decoder looks further than the last code is long.
            data.to_mut().extend([0; 4]);
        }
        if is_jpeg {
            drop(used);
            return Jpeg::decode(layout, &data).map(Self::Jpeg);
        }
        let input = Cursor::new(data);
        Some(match (layout.compression, used) {
            (Compression::None | Compression::Jpeg, _) => Self::Plain(input),
            (Compression::PackBits, _) => Self::PackBits(PackBits { input, run: Run::Literal(0) }),
            (Compression::Lzw, Some(Self::Lzw(mut decoder, _))) => {
                decoder.reset();
                Self::Lzw(decoder, input)
            }
            (Compression::Lzw, _) => {
                Self::Lzw(Box::new(weezl::decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8)), input)
            }
            (Compression::Deflate, Some(Self::Deflate(mut decoder))) => {
                decoder.reset(input);
                Self::Deflate(decoder)
            }
            (Compression::Deflate, _) => Self::Deflate(Box::new(ZlibDecoder::new(input))),
            (Compression::Group3, _) => {
                let width = u16::try_from(layout.chunk_width).ok()?;
                Self::Group3(Box::new(Group3Decoder::new(input.bytes()).ok()?), width)
            }
            (Compression::Group4, _) => {
                let width = u16::try_from(layout.chunk_width).ok()?;
                Self::Group4(Box::new(Group4Decoder::new(input.bytes(), width).ok()?))
            }
        })
    }

    /// Unpacks the next row into these bytes. `None` where the chunk has no more, or is damaged.
    pub fn read(&mut self, row: &mut [u8]) -> Option<()> {
        match self {
            Self::Plain(input) => input.read_exact(row).ok(),
            Self::PackBits(packed) => packed.read(row),
            Self::Lzw(decoder, input) => read_lzw(decoder, input, row),
            Self::Deflate(decoder) => decoder.read_exact(row).ok(),
            Self::Group3(decoder, width) => {
                let status = decoder.advance();
                let changes = decoder.transitions();
                let is_line = match status {
                    Ok(DecodeStatus::Incomplete) => true,
                    // The end has a line of its own only where something stands before it.
                    Ok(DecodeStatus::End) => !changes.is_empty(),
                    // Most programs write nothing behind the last line of a strip.
                    Err(_) => changes.last() == Some(width),
                };
                draw(changes, row);
                is_line.then_some(())
            }
            Self::Group4(decoder) => {
                let status = decoder.advance().ok()?;
                draw(decoder.transition(), row);
                (status == DecodeStatus::Incomplete).then_some(())
            }
            Self::Jpeg(jpeg) => jpeg.read(row),
        }
    }
}

/// Section 9.
pub(super) struct PackBits<'a> {
    input: Input<'a>,
    run: Run,
}

/// So many bytes still, as they are; or so many times this one.
#[derive(Clone, Copy)]
enum Run {
    Literal(usize),
    Repeat(usize, u8),
}

impl PackBits<'_> {
    fn read(&mut self, mut row: &mut [u8]) -> Option<()> {
        while !row.is_empty() {
            let taken = match &mut self.run {
                Run::Literal(0) | Run::Repeat(0, _) => {
                    self.run = match self.byte()? {
                        count @ 0..128 => Run::Literal(usize::from(count) + 1),
                        // Nothing.
                        128 => Run::Literal(0),
                        count => Run::Repeat(257 - usize::from(count), self.byte()?),
                    };
                    0
                }
                Run::Literal(left) => {
                    let taken = row.len().min(*left);
                    self.input.read_exact(row.get_mut(..taken)?).ok()?;
                    *left -= taken;
                    taken
                }
                Run::Repeat(left, byte) => {
                    let taken = row.len().min(*left);
                    row.get_mut(..taken)?.fill(*byte);
                    *left -= taken;
                    taken
                }
            };
            row = row.get_mut(taken..)?;
        }
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        self.input.read_exact(&mut byte).ok()?;
        Some(byte[0])
    }
}

/// Section 13.
fn read_lzw(decoder: &mut weezl::decode::Decoder, input: &mut Input<'_>, mut row: &mut [u8]) -> Option<()> {
    while !row.is_empty() {
        let at = input.position();
        let rest = usize::try_from(at).ok().and_then(|at| input.get_ref().get(at..)).unwrap_or_default();
        let result = decoder.decode_bytes(rest, row);
        input.set_position(at + result.consumed_in as u64);
        row = row.get_mut(result.consumed_out..)?;
        let is_over = result.consumed_in == 0 && result.consumed_out == 0;
        if !row.is_empty() && (is_over || !matches!(result.status, Ok(LzwStatus::Ok | LzwStatus::NoProgress))) {
            return None;
        }
    }
    Some(())
}

/// Draws a line of a fax: white (0) to begin with, changing at each of these places.
fn draw(changes: &[u16], row: &mut [u8]) {
    row.fill(0);
    let end = row.len() * 8;
    let mut changes = changes.iter().map(|at| usize::from(*at).min(end));
    while let Some(start) = changes.next() {
        for at in start..changes.next().unwrap_or(end) {
            row[at / 8] |= 0x80 >> (at % 8);
        }
    }
}

/// A picture of its own, whose components are not converted.
pub(super) struct Jpeg {
    planes: Vec<Plane>,
    /// How often each is sampled, across and down, and the most of these.
    sampling: Vec<(usize, usize)>,
    most: (usize, usize),
    width: usize,
    height: usize,
    y: usize,
}

impl Jpeg {
    fn decode(layout: &Layout<'_>, data: &[u8]) -> Option<Self> {
        // The tables are a file without a picture: without its end, and before the picture without its start.
        let tables = layout.jpeg_tables.strip_suffix(&[0xff, 0xd9]).unwrap_or(layout.jpeg_tables);
        let picture = if tables.is_empty() { data } else { data.strip_prefix(&[0xff, 0xd8]).unwrap_or(data) };
        let file = [tables, picture].concat();
        let decoder = strongroom_jpeg::Decoder::new(&file).ok()?;
        let header = decoder.header();
        let fits = header.width == layout.chunk_width
            && header.height <= layout.chunk_height
            && header.components.len() == layout.samples_in_chunk();
        if !fits {
            return None;
        }
        let (width, height) = (header.width as usize, header.height as usize);
        let sampling: Vec<_> =
            header.components.iter().map(|component| (usize::from(component.h), usize::from(component.v))).collect();
        let most = sampling.iter().fold((1, 1), |most, one| (one.0.max(most.0), one.1.max(most.1)));
        let planes = decoder.decode(&[]).ok()?.planes;
        Some(Self { planes, sampling, most, width, height, y: 0 })
    }

    fn read(&mut self, row: &mut [u8]) -> Option<()> {
        if self.y == self.height {
            return None;
        }
        let count = self.planes.len();
        for (index, (plane, (h, v))) in self.planes.iter().zip(&self.sampling).enumerate() {
            let samples = plane.samples.get(self.y * v / self.most.1 * plane.stride..)?;
            let out = row.iter_mut().skip(index).step_by(count).take(self.width);
            for (x, out) in out.enumerate() {
                *out = *samples.get(x * h / self.most.0)?;
            }
        }
        self.y += 1;
        Some(())
    }
}
