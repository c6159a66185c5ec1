//! Lossy WebP files without transparency: shrunken as they are decoded, with luma and chroma apart all the way.

use fast_image_resize::Resizer;
use strongroom_webp::{Decoder, Error};

use super::Format;
use super::components::{Component, from_ycc};
use super::error::{RenderError, damaged};
use super::orientation::Orientation;
use super::picture::Picture;
use super::planar::{Plane, Region, halved};

/// How much larger than the largest thumbnail luma is at the least when it is handed to Lanczos.
const LUMA_MARGIN: u32 = 2;

/// An image whose header has been read.
pub(crate) struct LossyWebP<'a> {
    bytes: &'a [u8],
    decoder: Decoder<'a>,
}

/// Reads the header. `None` for the varieties that are left to another decoder.
pub(crate) fn open(bytes: &[u8]) -> Result<Option<LossyWebP<'_>>, RenderError> {
    match Decoder::new(bytes) {
        Ok(decoder) => Ok(Some(LossyWebP { bytes, decoder })),
        Err(Error::Unsupported(_)) => Ok(None),
        Err(Error::Damaged(_)) => Err(damaged(Format::WebP, bytes)),
    }
}

impl LossyWebP<'_> {
    /// As stored, in pixels.
    pub fn size(&self) -> (u32, u32) {
        let header = self.decoder.header();
        (header.width, header.height)
    }

    pub fn orientation(&self) -> Orientation {
        Orientation::from_exif(self.decoder.header().orientation)
    }

    /// How many bytes it takes to decode it for thumbnails of this size (as stored).
    pub fn memory(&self, to: (u32, u32)) -> u64 {
        let (luma, chroma) = self.factors(to);
        self.decoder.memory(luma, chroma)
    }

    /// Decodes it for thumbnails of this size (as stored).
    pub fn picture(self, to: (u32, u32), resizer: &mut Resizer) -> Result<Picture, RenderError> {
        let header = self.decoder.header().clone();
        let (luma, chroma) = self.factors(to);
        let decoded = self.decoder.decode(luma, chroma).ok().filter(|decoded| decoded.rows > 0);
        let decoded = decoded.ok_or_else(|| damaged(Format::WebP, self.bytes))?;
        let rows = decoded.rows;
        let size = (f64::from(header.width), f64::from(header.height));
        let factors = [luma, 2 * chroma, 2 * chroma].map(f64::from);
        // BT.601 as video has it: 16 to 235, and 224 steps around 128.
        let ranges = [(16, 219), (128, 224), (128, 224)];
        let mut parts = decoded.planes.into_iter().zip(factors).zip(ranges);
        let components = [(); 3].map(|()| {
            let ((plane, factor), (zero, steps)) = parts.next()?;
            let mut plane = Plane::from_rows(plane.width, plane.height, plane.stride, plane.samples);
            stretch(&mut plane.samples, zero, steps);
            Some(Component { plane, region: Region::whole(size.0 / factor, size.1 / factor) })
        });
        let [Some(y), Some(cb), Some(cr)] = components else { return Err(RenderError::failed("no components")) };
        let orientation = Orientation::from_exif(header.orientation);
        let picture = from_ycc(&[y, cb, cr], to, orientation, header.icc.as_deref(), resizer)?;
        Ok(picture.cut(header.height, rows, to, orientation))
    }

    /// The whole factors by which luma and chroma are shrunken while they are decoded.
    fn factors(&self, to: (u32, u32)) -> (u32, u32) {
        let (width, height) = self.size();
        let factor = |size: (u32, u32), to: (u32, u32)| (size.0 / to.0).min(size.1 / to.1).max(1);
        (factor((width / LUMA_MARGIN, height / LUMA_MARGIN), to), factor(halved((width, height)), halved(to)))
    }
}

/// To full range: the sample that stands for `zero` keeps its place (128), or becomes 0 (16), and so many steps become
/// 255.
#[expect(clippy::cast_sign_loss, reason = "clamped to 0 to 255")]
fn stretch(samples: &mut [u8], zero: u8, steps: i32) {
    let base = if zero == 128 { 128 } else { 0 };
    let mut table = [0; 256];
    for (full, limited) in table.iter_mut().zip(0..) {
        let stretched = (limited - i32::from(zero)) * 255 * 2 + steps;
        *full = (base + stretched.div_euclid(steps * 2)).clamp(0, 255) as u8;
    }
    for sample in samples {
        *sample = table[usize::from(*sample)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limited_range_becomes_full_range() {
        let mut luma = [0, 16, 126, 235, 255];
        stretch(&mut luma, 16, 219);
        assert_eq!(luma, [0, 0, 128, 255, 255]);
        let mut chroma = [16, 128, 240, 255];
        stretch(&mut chroma, 128, 224);
        assert_eq!(chroma, [1, 128, 255, 255]);
    }
}
