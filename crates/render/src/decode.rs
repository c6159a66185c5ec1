//! The source: from bytes to pixels, within limits that are checked before the pixels have memory.

use std::error::Error as StdError;
use std::io::{self, Cursor};
use std::ops::Range;

use image::codecs::{
    bmp::BmpDecoder, gif::GifDecoder, ico::IcoDecoder, jpeg::JpegDecoder, png::PngDecoder, tiff::TiffDecoder,
    webp::WebPDecoder,
};
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageError, ImageResult, Limits};

use super::interleaved::Meta;
use super::{Format, MAX_SIDE, RenderError, RenderLimits, ico, sniff, webp};

/// What a PNG's colour profile and texts may unfold to, in bytes. It also bounds one row.
const PNG_METADATA: u64 = 16 << 20;

/// What a decoder may take beside the pixels, in bytes: the compressed strips of a TIFF.
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
    /// What makes it upright.
    pub orientation: Orientation,
    /// The embedded colour profile.
    pub icc: Option<Vec<u8>>,
    /// Whether it has no colour.
    pub is_grey: bool,
}

impl Source {
    /// Whether any pixel is less than opaque.
    pub fn has_transparent_pixels(&self) -> bool {
        let bytes = self.pixels.bytes();
        match self.color {
            ColorType::La8 => bytes.chunks_exact(2).any(|pixel| pixel[1] != u8::MAX),
            ColorType::Rgba8 => bytes.chunks_exact(4).any(|pixel| pixel[3] != u8::MAX),
            ColorType::La16 => bytes.chunks_exact(4).any(|pixel| pixel[2..] != [u8::MAX; 2]),
            ColorType::Rgba16 => bytes.chunks_exact(8).any(|pixel| pixel[6..] != [u8::MAX; 2]),
            ColorType::Rgba32F => bytes.chunks_exact(16).any(|pixel| pixel[12..] != 1_f32.to_ne_bytes()),
            _ => false,
        }
    }
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

impl RenderLimits {
    /// Refuses what is too large to be scaled.
    pub(super) fn check(&self, width: u32, height: u32) -> Result<(), RenderError> {
        if width == 0 || height == 0 {
            return Err(RenderError::Damaged("The image is damaged: it has no pixels.".to_owned()));
        }
        let pixels = u64::from(width) * u64::from(height);
        if pixels > self.max_pixels {
            // Rounded away from each other, so that the two never read the same.
            let (has, may) = (count(pixels, u64::div_ceil), count(self.max_pixels, |pixels, unit| pixels / unit));
            return Err(RenderError::TooLarge(format!("The image has {has}; at most {may} can be scaled.")));
        }
        let side = self.max_side.min(MAX_SIDE);
        if width.max(height) > side {
            return Err(RenderError::TooLarge(format!(
                "The image is {width} x {height} pixels; a side of at most {side} can be scaled."
            )));
        }
        Ok(())
    }

    /// How many bytes the pixels may take: 16 bits for each of four samples.
    fn max_bytes(&self) -> u64 {
        self.max_pixels.saturating_mul(8)
    }
}

/// `4.3 gigapixels`, `64 megapixels`, `900 pixels`.
fn count(pixels: u64, divide: fn(u64, u64) -> u64) -> String {
    let (unit, name) = match pixels {
        0..1_000_000 => return format!("{pixels} pixels"),
        1_000_000..1_000_000_000 => (1_000_000, "megapixels"),
        _ => (1_000_000_000, "gigapixels"),
    };
    let tenths = divide(pixels, unit / 10);
    match tenths % 10 {
        0 => format!("{} {name}", tenths / 10),
        tenth => format!("{}.{tenth} {name}", tenths / 10),
    }
}

/// An image whose header has been read.
pub(super) struct Opened<'a> {
    bytes: &'a [u8],
    format: Format,
    decoder: Box<dyn ImageDecoder + 'a>,
}

/// Reads the header and checks it against the limits.
pub(super) fn open<'a>(bytes: &'a [u8], limits: &RenderLimits) -> Result<Opened<'a>, RenderError> {
    let format =
        sniff(bytes).ok_or_else(|| RenderError::Damaged("The file is no image that can be scaled.".to_owned()))?;
    open_as(format, bytes, limits)
}

/// Reads the header of an image in this format and checks it against the limits.
pub(super) fn open_as<'a>(format: Format, bytes: &'a [u8], limits: &RenderLimits) -> Result<Opened<'a>, RenderError> {
    let explain = |error: ImageError| explain(format, &error);

    let mut decoder = decoder(format, bytes).map_err(explain)?;
    let (width, height) = decoder.dimensions();
    limits.check(width, height)?;
    if let (Format::WebP, Some((width, height))) = (format, webp::first_frame(bytes)) {
        limits.check(width, height)?;
    }
    let length = decoder.total_bytes();
    if length > limits.max_bytes() {
        return Err(too_much_memory());
    }
    decoder.set_limits(budget(format, length, limits)).map_err(explain)?;
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
        let orientation = orientation(self.decoder.as_mut(), self.format).to_exif();
        let icc = self.decoder.icc_profile().ok().flatten();
        Meta { width, height, orientation, icc, is_grey: !color.has_color() }
    }

    /// Decodes the first frame.
    pub fn decode(mut self) -> Result<Source, RenderError> {
        let format = self.format;
        let (width, height) = self.decoder.dimensions();
        let length = self.decoder.total_bytes();
        let orientation = orientation(self.decoder.as_mut(), format);
        let icc = self.decoder.icc_profile().ok().flatten();
        let color = self.decoder.color_type();
        let is_grey = !color.has_color();
        let mut pixels = usize::try_from(length)
            .ok()
            .and_then(Pixels::zeroed)
            .ok_or_else(|| RenderError::Failed(format!("no memory for {length} bytes of pixels")))?;
        let missing = match self.decoder.read_image_boxed(pixels.bytes_mut()) {
            Ok(()) => 0..0,
            Err(error) => {
                // Like browsers: the rows of a bitmap that came before.
                let bitmap = matches!(format, Format::Bmp | Format::Ico);
                let missing = bitmap.then(|| read_again(format, self.bytes, height, &mut pixels)).flatten();
                missing.ok_or_else(|| explain(format, &error))?
            }
        };
        if format == Format::Jpeg && !has_scan(self.bytes) {
            return Err(ends_too_early());
        }
        Ok(Source { width, height, color, pixels, missing, orientation, icc, is_grey })
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
        Format::Png => {
            // A PNG's limits must be there before its header is read: it may hold a compressed colour profile.
            let mut limits = Limits::no_limits();
            limits.max_alloc = Some(PNG_METADATA);
            Box::new(PngDecoder::with_limits(reader, limits)?)
        }
        Format::Gif => Box::new(GifDecoder::new(reader)?),
        Format::WebP => Box::new(WebPDecoder::new(reader)?),
        Format::Bmp => Box::new(BmpDecoder::new(reader)?),
        Format::Tiff => Box::new(TiffDecoder::new(reader)?),
        Format::Ico => match ico::embedded_png(bytes) {
            Some(png) => decoder(Format::Png, png)?,
            None => Box::new(IcoDecoder::new(reader)?),
        },
    })
}

/// What the decoder may allocate while it decodes.
fn budget(format: Format, length: u64, limits: &RenderLimits) -> Limits {
    let mut budget = Limits::no_limits();
    budget.max_alloc = Some(match format {
        // A frame may be larger than the screen that it is drawn on.
        Format::Gif => limits.max_pixels.saturating_mul(4),
        _ => length.saturating_add(SCRATCH),
    });
    budget
}

/// What turns the image upright. Metadata that cannot be read says nothing.
fn orientation(decoder: &mut dyn ImageDecoder, format: Format) -> Orientation {
    if format == Format::Tiff {
        return decoder.orientation().unwrap_or(Orientation::NoTransforms);
    }
    let exif = decoder.exif_metadata().ok().flatten();
    exif.and_then(|exif| {
        // Some writers of WebP and PNG keep the prefix that belongs to JPEG.
        Orientation::from_exif_chunk(exif.strip_prefix(b"Exif\0\0").unwrap_or(&exif))
    })
    .unwrap_or(Orientation::NoTransforms)
}

pub(super) fn too_much_memory() -> RenderError {
    RenderError::TooLarge("The image needs more memory than there is for one.".to_owned())
}

pub(super) fn ends_too_early() -> RenderError {
    RenderError::Damaged("The image is damaged: its data ends too early.".to_owned())
}

pub(super) fn cannot_be_decoded() -> RenderError {
    RenderError::Damaged("The image is damaged: it cannot be decoded.".to_owned())
}

pub(super) fn no_memory() -> RenderError {
    RenderError::Failed("no memory for the picture".to_owned())
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
fn explain(format: Format, error: &ImageError) -> RenderError {
    match error {
        ImageError::Limits(_) => too_much_memory(),
        ImageError::Unsupported(_) => {
            RenderError::Damaged(format!("This variety of {} cannot be scaled.", format.name()))
        }
        _ if ends_early(error) => ends_too_early(),
        _ => cannot_be_decoded(),
    }
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
    fn a_refusal_says_how_large_the_image_is_and_how_large_it_may_be() {
        let limits = RenderLimits::default();
        let sentence = |width, height| limits.check(width, height).unwrap_err().to_string();
        assert_eq!(sentence(65_000, 65_000), "The image has 4.3 gigapixels; at most 64 megapixels can be scaled.");
        assert_eq!(sentence(8_001, 8_000), "The image has 64.1 megapixels; at most 64 megapixels can be scaled.");
        assert_eq!(sentence(16_385, 1), "The image is 16385 x 1 pixels; a side of at most 16384 can be scaled.");
        assert_eq!(limits.check(8_000, 8_000), Ok(()));
        assert_eq!(limits.check(16_384, 3_906), Ok(()));
    }

    #[test]
    fn an_image_without_pixels_is_damaged() {
        assert!(matches!(RenderLimits::default().check(0, 7), Err(RenderError::Damaged(_))));
    }

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
