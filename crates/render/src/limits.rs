//! How large an image may be.

use serde::{Deserialize, Serialize};

use super::RenderError;

/// The most pixels that a side of a WebP image can have; a side may never be longer, whatever the limits say.
const MAX_SIDE: u32 = 16_384;

/// How large an image may be. Checked against its header, before anything is allocated for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderLimits {
    /// Width times height.
    pub max_pixels: u64,
    /// Of the longer side, in pixels. More than 16,384 counts as 16,384.
    pub max_side: u32,
}

impl Default for RenderLimits {
    fn default() -> Self {
        Self { max_pixels: 64_000_000, max_side: MAX_SIDE }
    }
}

impl RenderLimits {
    /// Refuses what is too large to be scaled.
    pub(crate) fn check(&self, width: u32, height: u32) -> Result<(), RenderError> {
        if width == 0 || height == 0 {
            return Err(RenderError::Damaged("The image is damaged: it has no pixels.".to_owned()));
        }
        let pixels = u64::from(width) * u64::from(height);
        // Beyond that, only the sides make a number that people can read.
        if pixels > self.max_pixels && pixels < 1_000_000_000_000 {
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
    pub(crate) fn max_bytes(&self) -> u64 {
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
        let sides = "The image is 2147483647 x 2147483647 pixels; a side of at most 16384 can be scaled.";
        assert_eq!(sentence(i32::MAX.unsigned_abs(), i32::MAX.unsigned_abs()), sides);
        assert_eq!(limits.check(8_000, 8_000), Ok(()));
        assert_eq!(limits.check(16_384, 3_906), Ok(()));
    }

    #[test]
    fn an_image_without_pixels_is_damaged() {
        assert!(matches!(RenderLimits::default().check(0, 7), Err(RenderError::Damaged(_))));
    }
}
