//! Icons that hold a PNG.
//!
//! Since Windows Vista the larger images of an icon are whole PNG files. Read as such, they may have any colours and
//! stand under a PNG's limits.

use super::format::{Format, sniff, u16_at, u32_at};

/// The best image of an icon (most colours, then largest), if it is a PNG.
pub(super) fn embedded_png(bytes: &[u8]) -> Option<&[u8]> {
    let count = usize::from(u16_at(bytes, 4)?);
    let entries = bytes.get(6..)?.chunks_exact(16).take(count);
    let best = entries.max_by_key(|entry| {
        // A side of 256 is written as 0.
        let side = |side: u8| if side == 0 { 256 } else { u32::from(side) };
        (u16_at(entry, 6), side(entry[0]) * side(entry[1]))
    })?;
    let png = bytes.get(usize::try_from(u32_at(best, 12)?).ok()?..)?;
    (sniff(png) == Some(Format::Png)).then_some(png)
}
