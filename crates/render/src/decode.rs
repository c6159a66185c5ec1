//! What the `image` crate decodes: BMP, icons, lossless and transparent WebP, and rare varieties of JPEG.

use std::error::Error as StdError;
use std::io::{self, Cursor};
use std::ops::Range;

use image::codecs::{bmp::BmpDecoder, ico::IcoDecoder, jpeg::JpegDecoder, webp::WebPDecoder};
use image::error::ImageFormatHint;
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageError, ImageResult, Limits};

use super::error::{RenderError, damaged, ends_too_early, too_much_memory};
use super::interleaved::Meta;
use super::{Format, RenderLimits, ico, webp};

/// What a decoder may take beside the pixels, in bytes.
const SCRATCH: u64 = 128 << 20;

/// A decoded image, as stored: not turned upright, not in sRGB.
pub(super) struct Source {
    pub width: u32,
    pub height: u32,
    /// How the samples of a pixel lie in `pixels`; native byte order.
    pub color: ColorType,
    pub pixels: Pixels,
    /// Rows that the data does not have.
    pub missing: Range<u32>,
}

/// The bytes of pixels, aligned for every kind of sample.
pub(super) struct Pixels {
    buffer: Vec<u8>,
    start: usize,
}

impl Pixels {
    /// Wide enough for 32-bit samples, four to a pixel.
    const ALIGNMENT: usize = 16;

    /// Zeros; `None` when there is no memory for so many.
    fn zeroed(length: usize) -> Option<Self> {
        let mut buffer = Vec::<u8>::new();
        buffer.try_reserve_exact(length.checked_add(Self::ALIGNMENT)?).ok()?;
        let start = buffer.as_ptr().align_offset(Self::ALIGNMENT);
        buffer.resize(length + start.min(Self::ALIGNMENT), 0);
        Some(Self { buffer, start })
    }

    /// Row by row, from the top.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Row by row, from the top.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.buffer.get_mut(self.start..).unwrap_or_default()
    }
}

/// An image whose header has been read.
pub(super) struct Opened<'a> {
    bytes: &'a [u8],
    format: Format,
    decoder: Box<dyn ImageDecoder + 'a>,
}

/// Reads the header of an image in this format and checks it against the limits.
pub(super) fn open<'a>(format: Format, bytes: &'a [u8], limits: &RenderLimits) -> Result<Opened<'a>, RenderError> {
    let explain = |error: ImageError| explain(format, bytes, &error);

    let mut decoder = decoder(format, bytes).map_err(explain)?;
    if let (Format::WebP, Some((width, height))) = (format, webp::first_frame(bytes)) {
        limits.check(width, height)?;
    }
    let (width, height) = decoder.dimensions();
    if format == Format::WebP && (width == 0 || height == 0) {
        // The decoder's arithmetic of lossless frames ends at 16,383.
        return Err(of_variety(format));
    }
    limits.check(width, height)?;
    let length = decoder.total_bytes();
    if length > limits.max_bytes() {
        return Err(too_much_memory());
    }
    let mut budget = Limits::no_limits();
    budget.max_alloc = Some(length.saturating_add(SCRATCH));
    decoder.set_limits(budget).map_err(explain)?;
    Ok(Opened { bytes, format, decoder })
}

impl Opened<'_> {
    /// How many bytes of memory decoding takes at the most: an estimate from above.
    pub fn memory(&self) -> u64 {
        // A bitmap is read right into its buffer. The others keep coefficients, a strip, or four samples for three.
        let times = if matches!(self.format, Format::Bmp | Format::Ico) { 1 } else { 3 };
        self.decoder.total_bytes().saturating_mul(times).saturating_add(16 << 20)
    }

    /// Width, height and kind of pixels.
    pub fn shape(&self) -> (u32, u32, ColorType) {
        let (width, height) = self.decoder.dimensions();
        (width, height, self.decoder.color_type())
    }

    /// What the header says.
    pub fn meta(&mut self) -> Meta {
        let (width, height, color) = self.shape();
        let orientation = orientation(self.decoder.as_mut()).to_exif();
        let icc = self.decoder.icc_profile().ok().flatten();
        Meta { width, height, orientation, icc, is_grey: !color.has_color() }
    }

    /// Decodes the first frame.
    pub fn decode(self) -> Result<Source, RenderError> {
        let format = self.format;
        let (width, height) = self.decoder.dimensions();
        let length = self.decoder.total_bytes();
        let color = self.decoder.color_type();
        let mut pixels = usize::try_from(length)
            .ok()
            .and_then(Pixels::zeroed)
            .ok_or_else(|| RenderError::Failed(format!("no memory for {length} bytes of pixels")))?;
        let missing = match self.decoder.read_image_boxed(pixels.bytes_mut()) {
            Ok(()) => {
                // The decoder applies the mask in any case.
                if let (Format::Ico, ColorType::Rgba8) = (format, color)
                    && let Some(alpha) = ico::alpha(self.bytes, (width, height))
                {
                    let pixels = pixels.bytes_mut().as_chunks_mut::<4>().0;
                    pixels.iter_mut().zip(alpha).for_each(|(pixel, alpha)| pixel[3] = alpha);
                }
                0..0
            }
            Err(error) => {
                // Like browsers: the rows of a bitmap that came before.
                let bitmap = matches!(format, Format::Bmp | Format::Ico);
                let missing = bitmap.then(|| read_again(format, self.bytes, height, &mut pixels)).flatten();
                missing.ok_or_else(|| explain(format, self.bytes, &error))?
            }
        };
        if format == Format::Jpeg && !has_scan(self.bytes) {
            return Err(ends_too_early());
        }
        Ok(Source { width, height, color, pixels, missing })
    }
}

/// Decodes a bitmap that is known to be damaged, and says which rows the decoder did not get to: at the top or at the
/// bottom. `None` when that is all of them.
fn read_again(format: Format, bytes: &[u8], height: u32, pixels: &mut Pixels) -> Option<Range<u32>> {
    // A row that still ends like this has not been decoded, or not to its end.
    let pattern = |length: usize| (0..length).map(|at| (at * at / 7).to_le_bytes()[0]);
    let length = pixels.bytes().len() / usize::try_from(height).ok()?;
    let row: Vec<u8> = pattern(length).collect();
    pixels.bytes_mut().chunks_exact_mut(length).for_each(|pixels| pixels.copy_from_slice(&row));
    decoder(format, bytes).ok()?.read_image_boxed(pixels.bytes_mut()).err()?;
    let untouched = |pixels: &[u8]| pixels.last_chunk::<3>() == row.last_chunk();
    let rows = || pixels.bytes().chunks_exact(length);
    let above = u32::try_from(rows().take_while(|row| untouched(row)).count()).ok()?;
    let below = u32::try_from(rows().rev().take_while(|row| untouched(row)).count()).ok()?;
    let missing = if above > 0 { 0..above } else { height - below..height };
    let bytes_of = |row: u32| usize::try_from(row).ok().map(|row| row * length);
    pixels.bytes_mut().get_mut(bytes_of(missing.start)?..bytes_of(missing.end)?)?.fill(0);
    (missing.len() < usize::try_from(height).ok()?).then_some(missing)
}

/// Reads the header.
fn decoder(format: Format, bytes: &[u8]) -> ImageResult<Box<dyn ImageDecoder + '_>> {
    let reader = Cursor::new(bytes);
    Ok(match format {
        Format::Jpeg => Box::new(JpegDecoder::new(reader)?),
        Format::WebP => Box::new(WebPDecoder::new(reader)?),
        Format::Bmp => Box::new(BmpDecoder::new(reader)?),
        Format::Ico => Box::new(IcoDecoder::new(reader)?),
        // They have decoders of their own.
        Format::Png | Format::Gif | Format::Tiff => {
            return Err(ImageError::Unsupported(ImageFormatHint::Unknown.into()));
        }
    })
}

/// What turns the image upright. Metadata that cannot be read says nothing.
fn orientation(decoder: &mut dyn ImageDecoder) -> Orientation {
    let exif = decoder.exif_metadata().ok().flatten();
    exif.and_then(|exif| {
        // Some writers of WebP and PNG keep the prefix that belongs to JPEG.
        Orientation::from_exif_chunk(exif.strip_prefix(b"Exif\0\0").unwrap_or(&exif))
    })
    .unwrap_or(Orientation::NoTransforms)
}

/// Whether anything follows the header of a JPEG's last scan. The decoder makes grey of what is missing, as browsers do;
/// but where everything is missing, they show nothing.
fn has_scan(jpeg: &[u8]) -> bool {
    let scan = jpeg.windows(2).rposition(|marker| marker == [0xff, 0xda]);
    scan.and_then(|at| {
        let length = jpeg.get(at + 2..)?.first_chunk().map(|two| u16::from_be_bytes(*two))?;
        let first = jpeg.get(at + 2 + usize::from(length)..)?.first_chunk::<2>()?;
        Some(*first != [0xff, 0xd9])
    })
    .unwrap_or(false)
}

/// What people are told, without a decoder's own words.
fn explain(format: Format, bytes: &[u8], error: &ImageError) -> RenderError {
    match error {
        ImageError::Limits(_) => too_much_memory(),
        ImageError::Unsupported(_) => of_variety(format),
        _ if ends_early(error) => ends_too_early(),
        // Only varieties that the own decoder does not know come here.
        _ if format == Format::Jpeg => of_variety(format),
        _ => damaged(format, bytes),
    }
}

fn of_variety(format: Format) -> RenderError {
    RenderError::Damaged(format!("This variety of {} cannot be scaled.", format.name()))
}

/// Whether the bytes ran out.
fn ends_early(error: &ImageError) -> bool {
    if let ImageError::IoError(error) = error {
        return error.kind() == io::ErrorKind::UnexpectedEof;
    }
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_aligned_for_every_kind_of_sample() {
        for length in [0, 1, 7, 100_000] {
            let pixels = Pixels::zeroed(length).unwrap();
            assert_eq!(pixels.bytes().len(), length);
            assert_eq!(pixels.bytes().as_ptr().align_offset(16), 0);
        }
        assert!(Pixels::zeroed(usize::MAX).is_none());
        assert!(Pixels::zeroed(isize::MAX.cast_unsigned()).is_none());
    }
}
