//! A decoder of lossy WebP (VP8 key frames) that makes small pictures of large ones. RFC 6386, RFC 9649.

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
        let frame = frame::Frame::new(container.frame)?;
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
