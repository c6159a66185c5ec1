//! A JPEG decoder that makes small pictures of large ones: at 1/8, 1/4, 1/2 or all of the size, and no more work than
//! that takes. ITU-T T.81.
//!
//! ```no_run
//! # fn main() -> Result<(), strongroom_jpeg::Error> {
//! # let bytes: Vec<u8> = Vec::new();
//! use strongroom_jpeg::{Decoder, Scale};
//!
//! let decoder = Decoder::new(&bytes)?;
//! // Luminance at 1/4 and colour at 1/8 of the size: at 4:4:4, half the samples of colour in each direction.
//! let scales = [Scale::Quarter, Scale::Eighth, Scale::Eighth];
//! if decoder.memory(&scales) < 64 << 20 {
//!     let picture = decoder.decode(&scales)?;
//!     println!("{} x {}", picture.planes[0].width, picture.planes[0].height);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it decodes
//!
//! Baseline, extended sequential and progressive DCT with Huffman coding and 8 bits (SOF0 to SOF2); 1, 3 or 4 components
//! in all sampling factors; any order of interleaved and other scans; restart intervals; tables that change between
//! scans. It tells EXIF orientation, the ICC profile and how the colours are coded, by the same conventions as libjpeg.
//!
//! It does not turn, upsample or convert: the planes come as they are coded. Arithmetic coding, lossless and
//! hierarchical modes, 12 bits, two components and a height that comes after the first scan (DNL) are
//! [`Error::Unsupported`], known from the header alone.
//!
//! # Why it is fast
//!
//! Nearly all the time of decoding a photo goes into its Huffman codes, of which a small picture needs few:
//!
//! - 1/8 needs the DC coefficient, 1/4 the lowest 2 x 2, 1/2 the lowest 4 x 4. An inverse DCT of that many points on just
//!   those (`idct`, A.3.3) is closer to a full decode that is resampled with Lanczos than the averages that libjpeg
//!   makes.
//! - All other symbols are skipped: one look into a table of 13 bits passes over several whole symbols with their
//!   values, up to and including the end of the block (`huffman`, F.2.2).
//! - Byte stuffing is undone in chunks beforehand (`bits`, F.2.2.5), so that the loops over symbols have neither a
//!   branch for it nor one for the end of the data: a load, a shift and an or refill the bits.
//! - In the progressive mode (`progressive`, G) only the scans are read that hold what is needed, and of the AC
//!   coefficients only the first scans, without refinements, unless the full size is asked for.
//! - The inverse DCT of 4 and 8 points is written with vectors (`idct`), and what decodes sequential scans and encodes is compiled a
//!   second time for processors with AVX2 (`avx2`).
//!
//! What remains is the delay from one look into a table to the next, and the ends of blocks, which no branch predictor
//! foresees.
//!
//! # Damage
//!
//! What can be decoded is; what is missing is mid-grey, and [`Picture::complete`] says so. A code that does not exist
//! ends its block. After damage decoding goes on at the next restart marker. The work is bounded whatever the file says:
//! no more than 500 scans are read, and no more blocks than some honest files of 64 megapixels have.

#![expect(
    clippy::inline_always,
    reason = "the loops over symbols keep their state in registers only if all is inlined"
)]

mod avx2;
mod bits;
mod component;
pub mod encode;
mod error;
mod huffman;
mod idct;
mod markers;
mod metadata;
mod progressive;
mod scan;
mod sequential;
mod standard;

use component::Geometry;
use markers::{Frame, Markers, Next, Scan};
use progressive::Coefficients;

pub use error::Error;

/// What part of the full size a component is decoded at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scale {
    /// One sample for each block of 8 x 8.
    Eighth,
    /// 2 x 2 samples for each block.
    Quarter,
    /// 4 x 4 samples for each block.
    Half,
    /// All samples.
    Full,
}

/// What the components are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Color {
    /// One: luminance.
    Grey,
    /// Three, as in JFIF: full range, BT.601.
    YCbCr,
    /// Three.
    Rgb,
    /// Four.
    Cmyk,
    /// Four: CMY as `YCbCr`, and K as it is.
    Ycck,
}

/// How often a component is sampled, relative to the others (A.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Component {
    /// Across, 1 to 4.
    pub h: u8,
    /// Down, 1 to 4.
    pub v: u8,
}

/// What is known before anything is decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// In pixels, before orientation.
    pub width: u32,
    /// In pixels, before orientation.
    pub height: u32,
    /// What the components are.
    pub color: Color,
    /// CMYK and YCCK as Adobe writes them: 255 is no ink.
    pub inverted: bool,
    /// One for each plane.
    pub components: Vec<Component>,
    /// Coded progressively.
    pub progressive: bool,
    /// From EXIF, 1 to 8: how to turn the picture. 1 if nothing is said.
    pub orientation: u8,
    /// The ICC profile, if all of it is there.
    pub icc: Option<Vec<u8>>,
}

/// A decoded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// One for each component, neither upsampled nor converted.
    pub planes: Vec<Plane>,
    /// Everything that was needed was there and without damage that shows in the coding.
    pub complete: bool,
    /// Rows of the full-size image from the top that were decoded from data. Those below are mid-grey.
    pub rows: u32,
}

/// The samples of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plane {
    /// In samples.
    pub width: u32,
    /// In samples.
    pub height: u32,
    /// From row to row. The samples beyond the width are decoded, too.
    pub stride: usize,
    /// `height` rows.
    pub samples: Vec<u8>,
}

/// A file, read up to the first scan.
pub struct Decoder<'a> {
    data: &'a [u8],
    markers: Markers<'a>,
    frame: Frame,
    first: Scan,
    header: Header,
}

/// More than any encoder makes; hostile files have thousands.
const MAX_SCANS: usize = 500;
/// What all scans together may take, in visits to blocks: some times what honest files of 64 megapixels do.
const MAX_COST: u64 = 100_000_000;

const NO_DATA: Error = Error::Damaged("there is no data in the first scan");

impl<'a> Decoder<'a> {
    /// Reads all up to the first scan. Allocates nothing in proportion to the size that is claimed.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut markers = Markers::new(bytes)?;
        let Next::Scan(first) = markers.next_scan()? else {
            return Err(Error::Damaged("there is no scan"));
        };
        let frame = markers.frame.clone().ok_or(Error::Damaged("there is no frame header"))?;
        let metadata = &markers.metadata;
        let header = Header {
            width: u32::from(frame.width),
            height: u32::from(frame.height),
            color: color(&frame, metadata.jfif, metadata.adobe),
            inverted: frame.components.len() == 4 && metadata.adobe.is_some(),
            components: frame
                .components
                .iter()
                .map(|&markers::FrameComponent { h, v, .. }| Component { h, v })
                .collect(),
            progressive: frame.progressive,
            orientation: metadata.orientation.unwrap_or(1),
            icc: metadata.icc(),
        };
        Ok(Self { data: bytes, markers, frame, first, header })
    }

    /// What is known before anything is decoded.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How many bytes `decode` allocates at the most.
    #[must_use]
    pub fn memory(&self, scales: &[Scale]) -> u64 {
        const TABLES: u64 = 512 << 10;
        let geometry = Geometry::new(&self.frame);
        let samples: u64 = self
            .header
            .components
            .iter()
            .zip(scales.iter().chain(std::iter::repeat(&Scale::Full)))
            .map(|(&component, &scale)| geometry.padded_samples(component, scale))
            .sum();
        TABLES + samples * if self.frame.progressive { 3 } else { 1 }
    }

    /// Decodes each component at its scale; those that have none, at full size.
    pub fn decode(mut self, scales: &[Scale]) -> Result<Picture, Error> {
        let geometry = Geometry::new(&self.frame);
        let mut components: Vec<_> = (0..self.frame.components.len())
            .map(|index| {
                let scale = scales.get(index).copied().unwrap_or(Scale::Full);
                component::Component::new(&self.frame, &geometry, index, scale)
            })
            .collect();
        let complete = if self.frame.progressive {
            self.progressive(&geometry, &mut components)?
        } else {
            self.sequential(&geometry, &mut components)?
        };
        let rows = components.iter().map(|component| component.decoded_rows * 8 * geometry.v_max / component.v).min();
        let rows = u32::try_from(rows.unwrap_or(0)).unwrap_or(u32::MAX).min(self.header.height);
        let complete = complete && rows == self.header.height;
        Ok(Picture { planes: components.into_iter().map(component::Component::finish).collect(), complete, rows })
    }

    /// Decodes scans until each component had one.
    fn sequential(&mut self, geometry: &Geometry, components: &mut [component::Component]) -> Result<bool, Error> {
        let mut complete = true;
        let mut cost = 0;
        let mut missing: Vec<_> = (0..components.len()).collect();
        let mut scan = self.first.clone();
        for number in 0..MAX_SCANS {
            let (start, tables) = (self.markers.position, &self.markers.tables);
            match sequential::decode(self.data, start, &scan, tables, geometry, components) {
                Ok(outcome) if number == 0 && outcome.reached == 0 => return Err(NO_DATA),
                Ok(outcome) => {
                    complete &= outcome.complete;
                    self.markers.position = outcome.position;
                    cost += outcome.cost;
                }
                Err(error) if number == 0 => return Err(error),
                Err(_) => return Ok(false),
            }
            missing.retain(|index| scan.components.iter().all(|(of, ..)| of != index));
            if missing.is_empty() {
                return Ok(complete);
            }
            if cost > MAX_COST {
                return Ok(false);
            }
            match self.markers.next_scan() {
                Ok(Next::Scan(next)) => scan = next,
                _ => return Ok(false),
            }
        }
        Ok(false)
    }

    /// Decodes scans until all that is needed is there.
    fn progressive(&mut self, geometry: &Geometry, components: &mut [component::Component]) -> Result<bool, Error> {
        let mut coefficients: Vec<_> = components.iter().map(Coefficients::new).collect();
        let complete = self.progressive_scans(geometry, components, &mut coefficients)?;
        for (component, coefficients) in components.iter_mut().zip(coefficients) {
            coefficients.transform(component);
        }
        Ok(complete)
    }

    fn progressive_scans(
        &mut self,
        geometry: &Geometry,
        components: &mut [component::Component],
        coefficients: &mut [Coefficients],
    ) -> Result<bool, Error> {
        let mut complete = true;
        let mut cost = 0;
        let mut scan = self.first.clone();
        for number in 0..MAX_SCANS {
            let (start, tables) = (self.markers.position, &self.markers.tables);
            match progressive::decode(self.data, start, &scan, tables, geometry, components, coefficients) {
                Ok(Some(outcome)) if number == 0 && outcome.reached == 0 => return Err(NO_DATA),
                Ok(Some(outcome)) => {
                    complete &= outcome.complete;
                    self.markers.position = outcome.position;
                    cost += outcome.cost;
                }
                Ok(None) => {}
                Err(error) if number == 0 => return Err(error),
                Err(_) => return Ok(false),
            }
            if coefficients.iter().all(Coefficients::is_enough) {
                return Ok(complete);
            }
            if cost > MAX_COST {
                return Ok(false);
            }
            match self.markers.next_scan() {
                Ok(Next::Scan(next)) => scan = next,
                Ok(Next::End { marked }) => return Ok(complete && marked),
                Err(_) => return Ok(false),
            }
        }
        Ok(false)
    }
}

/// As libjpeg decides it.
fn color(frame: &Frame, jfif: bool, adobe: Option<u8>) -> Color {
    let ids: Vec<u8> = frame.components.iter().map(|component| component.id).collect();
    match (&*ids, adobe) {
        ([_], _) => Color::Grey,
        ([_, _, _], _) if jfif => Color::YCbCr,
        ([_, _, _], Some(0)) | (b"RGB", None) => Color::Rgb,
        ([_, _, _], _) => Color::YCbCr,
        (_, None | Some(0)) => Color::Cmyk,
        _ => Color::Ycck,
    }
}
