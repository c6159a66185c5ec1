//! An encoder of lossy WebP with transparency, for thumbnails.
//!
//! The colours are a VP8 key frame (RFC 6386), the transparency is a chunk beside it that loses nothing (RFC 9649).

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "samples, coefficients and costs are clamped, or bounded by what they are computed from"
)]

mod alpha;
mod bool_writer;
mod costs;
mod frame;
mod macroblock;
mod modes;
mod planes;
mod predict;
mod quantizer;
mod reconstruction;
mod tables;
mod tokens;
mod transform;

use std::fmt;

use planes::Planes;

/// The longest side that a frame can state. RFC 6386, section 9.1.
const LONGEST_SIDE: u32 = (1 << 14) - 1;

/// That a picture has transparency. RFC 9649, section 2.7.1.
const ALPHA_FLAG: u32 = 0x10;

/// Why a picture could not be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// A side is 0 or over 16,383.
    Size,
    /// There are not four bytes for each pixel.
    Length,
    /// The picture takes more bytes than the format has room for: the modes of its macroblocks over 512 KiB, which can
    /// happen from about 10 megapixels on, or the whole over 4 GiB.
    TooLarge,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Size => "each side must be 1 to 16383 pixels",
            Self::Length => "there must be four bytes for each pixel",
            Self::TooLarge => "the picture is too large for lossy WebP",
        })
    }
}

impl std::error::Error for Error {}

/// Encodes straight RGBA. A quality of 0 to 100 (the most, and what is above) means about what it means to JPEG
/// encoders.
///
/// Transparency is kept exactly; colours of pixels that are wholly transparent are not kept. The file has no metadata.
/// Takes 5 to 40 bytes of memory a pixel, most of all for noise.
pub fn lossy(rgba: &[u8], width: u32, height: u32, quality: u8) -> Result<Vec<u8>, Error> {
    let side = |side: u32| {
        let narrow = u16::try_from(side).map_err(|_| Error::Size)?;
        if (1..=LONGEST_SIDE).contains(&side) { Ok(narrow) } else { Err(Error::Size) }
    };
    let (narrow_width, narrow_height) = (side(width)?, side(height)?);
    let (columns, rows) = (usize::from(narrow_width), usize::from(narrow_height));
    if columns.checked_mul(rows).and_then(|pixels| pixels.checked_mul(4)) != Some(rgba.len()) {
        return Err(Error::Length);
    }
    let frame = frame::key_frame(&Planes::new(rgba, columns, rows), narrow_width, narrow_height, quality)?;
    let mut file = b"RIFF\0\0\0\0WEBP".to_vec();
    if rgba.iter().skip(3).step_by(4).any(|&alpha| alpha != 255) {
        let mut header = ALPHA_FLAG.to_le_bytes().to_vec();
        header.extend(&(width - 1).to_le_bytes()[..3]);
        header.extend(&(height - 1).to_le_bytes()[..3]);
        put_chunk(&mut file, *b"VP8X", &header)?;
        put_chunk(&mut file, *b"ALPH", &alpha::chunk(rgba, width, height)?)?;
    }
    put_chunk(&mut file, *b"VP8 ", &frame)?;
    let length = u32::try_from(file.len() - 8).map_err(|_| Error::TooLarge)?;
    file[4..8].copy_from_slice(&length.to_le_bytes());
    Ok(file)
}

/// RFC 9649, section 2.3.
fn put_chunk(file: &mut Vec<u8>, name: [u8; 4], data: &[u8]) -> Result<(), Error> {
    let length = u32::try_from(data.len()).map_err(|_| Error::TooLarge)?;
    file.extend(name);
    file.extend(length.to_le_bytes());
    file.extend(data);
    if data.len() % 2 == 1 {
        file.push(0);
    }
    Ok(())
}
