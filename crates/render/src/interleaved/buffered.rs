//! What is only decoded as a whole: its pixels in one buffer, shrunken from there.

use image::ColorType;

use crate::decode::Source;
use crate::error::no_memory;
use crate::{RenderError, decode};

use super::Interleaved;
use super::shrink::{Row, Shape, Shrinker, zeros};

/// Shrinks a decoded image.
pub(super) fn shrink(source: &Source, min_width: u32) -> Result<Interleaved, RenderError> {
    let channels = usize::from(source.color.channel_count());
    let shape = Shape::new(source.width, source.height, channels, min_width);
    let mut shrinker = Shrinker::new(shape).ok_or_else(no_memory)?;
    let row = source.width as usize * usize::from(source.color.bytes_per_pixel());
    let rows = source.pixels.bytes().chunks_exact(row).zip(0..);
    match source.color {
        ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8 => {
            for (row, y) in rows.filter(|(_, y)| !source.missing.contains(y)) {
                shrinker.add(y, Row::Eight(row));
            }
        }
        _ => {
            let mut samples = zeros(source.width as usize * channels).ok_or_else(no_memory)?;
            for (row, y) in rows {
                if row.len() == samples.len() * 2 {
                    for (out, sample) in samples.iter_mut().zip(row.as_chunks().0) {
                        *out = u16::from_ne_bytes(*sample);
                    }
                } else {
                    for (out, sample) in samples.iter_mut().zip(row.as_chunks().0) {
                        *out = quantise(f32::from_ne_bytes(*sample));
                    }
                }
                shrinker.add(y, Row::Sixteen(&samples));
            }
        }
    }
    shrinker.finish().ok_or_else(no_memory)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 65,535")]
fn quantise(sample: f32) -> u16 {
    (sample.clamp(0.0, 1.0) * 65_535.0).round() as u16
}

/// How many bytes shrinking takes beyond the decoded image.
pub(super) fn memory(opened: &decode::Opened<'_>, min_width: u32) -> u64 {
    let (width, height, color) = opened.shape();
    let samples = u64::from(width) * u64::from(color.channel_count());
    Shape::new(width, height, usize::from(color.channel_count()), min_width).memory() + 2 * samples
}
