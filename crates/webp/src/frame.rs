//! The headers of a key frame. RFC 6386, 9 and 19.2.

use crate::Error;
use crate::bools::Bools;
use crate::filter::Strength;
use crate::probabilities::{DEFAULT, Probabilities, UPDATE};
use crate::tables::{AC_STEP, DC_STEP};
use crate::tokens::{ByPosition, Steps, by_position};

/// The fewest bits of the first partition that a macroblock can do with: even the likeliest modes take over three. RFC 6386, 11.
const LEAST_BITS: usize = 2;

/// A frame whose header has been read.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    pub width: u32,
    pub height: u32,
    /// The first partition, from the modes of the first macroblock on.
    pub modes: Bools<'a>,
    /// The partitions with the coefficients; rows of macroblocks take turns.
    pub partitions: Vec<Bools<'a>>,
    /// By type of block: luma without DC, DC of luma, chroma, luma.
    pub probabilities: Box<[ByPosition; 4]>,
    pub segments: [Segment; 4],
    /// The probabilities of the tree of segment numbers, if macroblocks have them.
    pub segment_tree: Option<[u8; 3]>,
    /// The chance that a macroblock is not marked as one without coefficients, if they are marked.
    pub skip: Option<u8>,
    pub filter: Filter,
}

/// Which loop filter there is. RFC 6386, 9.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    None,
    Simple,
    Normal,
}

/// What macroblocks of a segment have in common. RFC 6386, 9.3.
#[derive(Clone, Copy, Debug, Default)]
pub struct Segment {
    pub luma: Steps,
    /// Of the coefficients that the DCs of luma are transformed to.
    pub luma_dc: Steps,
    pub chroma: Steps,
    /// Of macroblocks whose luma is predicted as a whole, and in subblocks.
    pub strengths: [Strength; 2],
}

impl<'a> Frame<'a> {
    /// Reads the headers of the frame in `data`, which is `whole` unless its end has been cut off.
    pub fn new(data: &'a [u8], whole: bool) -> Result<Self, Error> {
        let Some((start, data)) = data.split_first_chunk::<10>() else {
            return Err(Error::Damaged("the frame ends in its header"));
        };
        // 9.1
        let tag = u32::from_le_bytes([start[0], start[1], start[2], 0]);
        if tag & 1 != 0 {
            return Err(Error::Damaged("the frame is not a key frame"));
        }
        if tag >> 1 & 7 > 3 || tag >> 4 & 1 == 0 || start[3..6] != [0x9d, 0x01, 0x2a] {
            return Err(Error::Damaged("the frame header is none"));
        }
        let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
        let (width, height) = (side(start[6], start[7]), side(start[8], start[9]));
        if width == 0 || height == 0 {
            return Err(Error::Damaged("a side of the frame is 0"));
        }
        let length = (tag >> 5) as usize;
        if length * 8 < LEAST_BITS * width.div_ceil(16) as usize * height.div_ceil(16) as usize {
            return Err(Error::Damaged("the frame is too short for its size"));
        }
        let Some((first, data)) = data.split_at_checked(length) else {
            return Err(Error::Damaged("the frame ends before its coefficients"));
        };
        let mut b = Bools::new(first, true);
        // Colour space and clamping: no decoder heeds them.
        b.number(2);
        let segmentation = Segmentation::read(&mut b);
        let filtering = Filtering::read(&mut b);
        let partitions = partitions(1 << b.number(2), data, whole)?;
        let quantisers = Quantisers::read(&mut b);
        // Whether the probabilities outlast this frame: there is no other.
        b.flag();
        let probabilities = Box::new(by_position(&probabilities(&mut b)));
        let skip = if b.flag() { Some(b.number(8)) } else { None };
        Ok(Frame {
            width,
            height,
            modes: b,
            partitions,
            probabilities,
            segments: std::array::from_fn(|number| Segment {
                strengths: filtering.strengths(&segmentation, number),
                ..quantisers.steps(&segmentation, number)
            }),
            segment_tree: segmentation.tree,
            skip,
            filter: filtering.filter,
        })
    }
}

/// Finds the partitions with coefficients. RFC 6386, 9.5.
fn partitions(count: usize, data: &[u8], whole: bool) -> Result<Vec<Bools<'_>>, Error> {
    let Some((sizes, mut data)) = data.split_at_checked(3 * (count - 1)) else {
        return Err(Error::Damaged("the frame ends before its coefficients"));
    };
    let mut partitions = Vec::with_capacity(count);
    for size in sizes.chunks_exact(3) {
        let size = u32::from_le_bytes([size[0], size[1], size[2], 0]) as usize;
        let (partition, rest) = data.split_at(size.min(data.len()));
        partitions.push(Bools::new(partition, partition.len() == size));
        data = rest;
    }
    partitions.push(Bools::new(data, whole));
    Ok(partitions)
}

/// RFC 6386, 9.3.
struct Segmentation {
    used: bool,
    /// Whether what segments have replaces what the frame has, or adds to it.
    absolute: bool,
    quantisers: [i8; 4],
    levels: [i8; 4],
    tree: Option<[u8; 3]>,
}

impl Segmentation {
    fn read(b: &mut Bools) -> Self {
        let mut s = Segmentation { used: b.flag(), absolute: true, quantisers: [0; 4], levels: [0; 4], tree: None };
        if !s.used {
            return s;
        }
        let (map, data) = (b.flag(), b.flag());
        if data {
            s.absolute = b.flag();
            s.quantisers = std::array::from_fn(|_| b.optional(7).unwrap_or(0));
            s.levels = std::array::from_fn(|_| b.optional(6).unwrap_or(0));
        }
        if map {
            s.tree = Some(std::array::from_fn(|_| if b.flag() { b.number(8) } else { 255 }));
        }
        s
    }

    /// What a segment has, given what it has and what the frame has.
    fn apply(&self, segment: i8, frame: i32) -> i32 {
        match (self.used, self.absolute) {
            (false, _) => frame,
            (true, true) => i32::from(segment),
            (true, false) => frame + i32::from(segment),
        }
    }
}

/// RFC 6386, 9.3 and 9.6.
struct Filtering {
    filter: Filter,
    level: u8,
    sharpness: u8,
    /// What is added for intra prediction, and for prediction in subblocks.
    deltas: [i8; 2],
}

impl Filtering {
    fn read(b: &mut Bools) -> Self {
        let simple = b.flag();
        let (level, sharpness) = (b.number(6), b.number(3));
        let mut deltas = [0; 2];
        if b.flag() && b.flag() {
            // Four by reference frame, four by mode; of either the first alone matters to key frames.
            let all: [i8; 8] = std::array::from_fn(|_| b.optional(6).unwrap_or(0));
            deltas = [all[0], all[4]];
        }
        let filter = match (level, simple) {
            (0, _) => Filter::None,
            (_, true) => Filter::Simple,
            (_, false) => Filter::Normal,
        };
        Filtering { filter, level, sharpness, deltas }
    }

    fn strengths(&self, segmentation: &Segmentation, number: usize) -> [Strength; 2] {
        let level = segmentation.apply(segmentation.levels[number], i32::from(self.level)) + i32::from(self.deltas[0]);
        [
            Strength::new(level, self.sharpness, false),
            Strength::new(level + i32::from(self.deltas[1]), self.sharpness, true),
        ]
    }
}

/// RFC 6386, 9.6.
struct Quantisers {
    base: u8,
    luma_dc: i8,
    second_dc: i8,
    second_ac: i8,
    chroma_dc: i8,
    chroma_ac: i8,
}

impl Quantisers {
    fn read(b: &mut Bools) -> Self {
        let base = b.number(7);
        let mut delta = || b.optional(4).unwrap_or(0);
        Quantisers {
            base,
            luma_dc: delta(),
            second_dc: delta(),
            second_ac: delta(),
            chroma_dc: delta(),
            chroma_ac: delta(),
        }
    }

    /// RFC 6386, 14.1.
    fn steps(&self, segmentation: &Segmentation, number: usize) -> Segment {
        let index = segmentation.apply(segmentation.quantisers[number], i32::from(self.base));
        let step = |table: &[u16; 128], delta: i8, most: i32| {
            i32::from(table[(index + i32::from(delta)).clamp(0, most) as usize])
        };
        let steps = |dc: i32, ac: i32| Steps { dc: dc as i16, ac: ac as i16 };
        Segment {
            luma: steps(step(&DC_STEP, self.luma_dc, 127), step(&AC_STEP, 0, 127)),
            luma_dc: steps(
                step(&DC_STEP, self.second_dc, 127) * 2,
                (step(&AC_STEP, self.second_ac, 127) * 155 / 100).max(8),
            ),
            chroma: steps(step(&DC_STEP, self.chroma_dc, 117), step(&AC_STEP, self.chroma_ac, 127)),
            strengths: <[Strength; 2]>::default(),
        }
    }
}

/// RFC 6386, 13.4.
fn probabilities(b: &mut Bools) -> Probabilities {
    let mut probabilities = DEFAULT;
    let all = probabilities.as_flattened_mut().as_flattened_mut().as_flattened_mut();
    for (probability, &update) in all.iter_mut().zip(UPDATE.as_flattened().as_flattened().as_flattened()) {
        if b.bool(update) {
            *probability = b.number(8);
        }
    }
    probabilities
}
