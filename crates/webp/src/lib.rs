//! A decoder of lossy WebP (VP8 key frames) that makes small pictures of large ones. RFC 6386, RFC 9649.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bytes = std::fs::read("photo.webp")?;
//! let decoder = strongroom_webp::Decoder::new(&bytes)?;
//! // Nothing has been allocated for samples so far: sizes and memory can be judged first.
//! println!("{} x {}", decoder.header().width, decoder.header().height);
//! let picture = decoder.decode(4, 2)?;
//! # Ok(())
//! # }
//! ```
//!
//! # What it does, and what not
//!
//! It decodes the frame of a still image, and the first frame of an animation if that covers the canvas: all prediction modes, segments,
//! partitions and both loop filters. Orientation and colour profile are handed on, as are Y, Cb and Cr; nothing is converted. Without
//! shrinking the samples are those of libwebp, bit for bit.
//!
//! Lossless images (`VP8L`), alpha channels (`ALPH`) and animations that begin with a smaller frame are [`Error::Unsupported`]: [`Decoder::new`]
//! says so, [`Decoder::decode`] never does on account of the file.
//!
//! Of truncated files the rows of macroblocks are kept whose data are there: [`Picture::rows`]. Sizes are believed only if the first partition,
//! which has to be there as a whole, is long enough for them; one of some bytes cannot claim 268 megapixels.
//!
//! # Where what is
//!
//! | module | RFC |
//! | --- | --- |
//! | `container`: chunks, orientation, profile | 9649, 2 |
//! | `frame`: frame header, segments, quantisers | 6386, 9, 14.1 and 19.2 |
//! | `bools`: the entropy decoder | 6386, 7 |
//! | `modes`: prediction modes | 6386, 8 and 11 |
//! | `tokens`, `probabilities`: coefficients | 6386, 13 |
//! | `transform`: inverse DCT and WHT | 6386, 14.3 and 14.4 |
//! | `predict`, `work`: intra prediction | 6386, 12 |
//! | `macroblock`, `picture`: all that, by macroblock and by row | 6386, 14.5 and 19.3 |
//! | `filter`, `band`: the loop filter, and rows that wait for it | 6386, 15 |
//! | `shrink`: averages of squares | |
//!
//! # Why it is fast
//!
//! * Rows are shrunken as soon as they are decoded, while they are in the cache: what is kept are one row of macroblocks, four rows above it, and the
//!   small planes.
//! * Within a frame samples are predicted from what the loop filter has not touched (RFC 6386, 15), so it can be left out without errors
//!   adding up. Luma is filtered only if it is not shrunken: averaging smooths too, and thumbnails without it are as close to the original, or
//!   closer. Chroma is always filtered; leaving that out is visible at low qualities.
//! * The entropy decoder has a window of 64 bits, looks up what is left of the range, branches once for a boolean and stays in registers for a
//!   macroblock; probabilities are laid out by position, not by band; signs do not branch.
//! * A macroblock is reconstructed in an array of known size with a border. Prediction, transforms and filters are loops over arrays of 4, 8 or 16
//!   without branches, which the compiler turns into vector instructions; what it does not see, transposing, is written with vectors. The inverse
//!   DCT takes two blocks at once, the filter both chroma planes. Pairs of blocks with DC alone, or without coefficients, skip the transform.
//!
//! `cargo run --release -p strongroom-webp --example time -- photo.webp 4 2` measures.

#![expect(
    clippy::inline_always,
    reason = "what is called for every boolean, block or edge has to be specialised where it is called"
)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides are 14 bits, samples and indices are clamped before they are cast, and coefficients are 16 bits by definition"
)]
#![expect(clippy::needless_range_loop, reason = "the index goes through several arrays at once")]

mod band;
mod bools;
mod container;
pub mod encode;
mod filter;
mod frame;
mod macroblock;
mod modes;
mod picture;
mod predict;
mod probabilities;
mod shrink;
mod tables;
mod tokens;
mod transform;
mod work;

/// What the container and the frame header say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Width in pixels, before orientation.
    pub width: u32,
    /// Height in pixels, before orientation.
    pub height: u32,
    /// EXIF orientation, 1 to 8; 1 where there is none.
    pub orientation: u8,
    /// The embedded colour profile, unless it is too large to be one.
    pub icc: Option<Vec<u8>>,
}

/// One component of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plane {
    /// Samples in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Samples from one row to the next.
    pub stride: usize,
    /// The samples, `stride * height` of them.
    pub samples: Vec<u8>,
}

/// A decoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Y, Cb and Cr as they are coded (BT.601, limited range). At equal factors chroma has half of luma's size, rounded up.
    pub planes: [Plane; 3],
    /// Whether all of the picture came from data.
    pub complete: bool,
    /// How many rows of the full-size image came from data; the samples of those below are 128.
    pub rows: u32,
}

/// Why there is no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The bytes are not what RFC 9649 or RFC 6386 demand, or end before the first row of macroblocks does.
    Damaged(&'static str),
    /// Something that this crate does not do; another decoder may.
    Unsupported(&'static str),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Damaged(what) => write!(f, "damaged WebP: {what}"),
            Error::Unsupported(what) => write!(f, "unsupported WebP: {what}"),
        }
    }
}

impl std::error::Error for Error {}

/// A picture whose headers have been read.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    header: Header,
    frame: frame::Frame<'a>,
}

impl<'a> Decoder<'a> {
    /// Reads the container and the frame header.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        let container = container::Container::new(bytes)?;
        let frame = frame::Frame::new(container.frame, container.whole)?;
        let (width, height) = (frame.width, frame.height);
        if container.size.is_some_and(|size| size != (width, height)) {
            return Err(Error::Damaged("the sizes of container and frame differ"));
        }
        Ok(Decoder { header: Header { width, height, orientation: container.orientation, icc: container.icc }, frame })
    }

    /// What the headers say.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// An upper estimate of the bytes that [`Decoder::decode`] allocates with the same factors.
    #[must_use]
    pub fn memory(&self, luma: u32, chroma: u32) -> u64 {
        let factor = |factor: u32| factor.clamp(1, shrink::MOST);
        picture::memory(self.header.width, self.header.height, factor(luma), factor(chroma))
    }

    /// Decodes, and averages `luma` x `luma` samples of luma and `chroma` x `chroma` samples of either chroma plane into one.
    ///
    /// The factors are 1 to 64; [`Error::Unsupported`] otherwise. Squares at the right and the bottom are of what there is.
    pub fn decode(self, luma: u32, chroma: u32) -> Result<Picture, Error> {
        if [luma, chroma].iter().any(|factor| !(1..=shrink::MOST).contains(factor)) {
            return Err(Error::Unsupported("a factor that is not 1 to 64"));
        }
        picture::decode(self.frame, luma, chroma)
    }
}
