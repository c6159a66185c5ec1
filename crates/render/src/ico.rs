//! What icons have of their own: images that are whole PNG files, and bitmaps of 32 bits with two kinds of transparency.
//!
//! Since Windows Vista the larger images of an icon are PNG files. Read as such, they may have any colours and stand under a
//! PNG's limits. A bitmap of 32 bits has alpha in its pixels, and a mask behind them for programs that know no alpha; what
//! such programs wrote has a mask alone.

use super::format::{Format, sniff, u16_at, u32_at};

/// The best image of an icon, if it is a PNG.
pub(super) fn embedded_png(bytes: &[u8]) -> Option<&[u8]> {
    let png = best(bytes)?;
    (sniff(png) == Some(Format::Png)).then_some(png)
}

/// The alpha of the best image of an icon, row by row from the top, as browsers take it: that of its pixels, or where all of
/// that is 0, its mask. `None` unless it is a whole bitmap of 32 bits of this size.
pub(super) fn alpha(bytes: &[u8], (width, height): (u32, u32)) -> Option<Vec<u8>> {
    let bitmap = best(bytes)?;
    // BITMAPINFOHEADER: biSize, biBitCount, biCompression, which is 0 or 3. With 3 there are masks behind the header.
    let (header, bits, compression) = (u32_at(bitmap, 0)?, u16_at(bitmap, 14)?, u32_at(bitmap, 16)?);
    // A height below 0 would mean rows from the top down, which icons do not have.
    let is_upside_down = u32_at(bitmap, 8)? > i32::MAX.unsigned_abs();
    if bits != 32 || !matches!(compression, 0 | 3) || is_upside_down {
        return None;
    }
    let colours = usize::try_from(header).ok()? + if compression == 3 && header == 40 { 12 } else { 0 };
    let (width, height) = (usize::try_from(width).ok()?, usize::try_from(height).ok()?);
    let pixels = bitmap.get(colours..)?.get(..width.checked_mul(height)?.checked_mul(4)?)?;
    // Rows come from the bottom up.
    let rows = || pixels.chunks_exact(width * 4).rev();
    let alpha: Vec<u8> = rows().flat_map(|row| row.as_chunks::<4>().0).map(|&[.., alpha]| alpha).collect();
    if alpha.iter().any(|alpha| *alpha > 0) {
        return Some(alpha);
    }
    let stride = width.div_ceil(32) * 4;
    let Some(mask) = bitmap.get(colours + pixels.len()..).and_then(|rest| rest.get(..stride * height)) else {
        return Some(vec![u8::MAX; alpha.len()]);
    };
    let is_masked = |row: &[u8], x: usize| row[x / 8] & (0x80 >> (x % 8)) != 0;
    let row = |row| (0..width).map(move |x| if is_masked(row, x) { 0 } else { u8::MAX });
    Some(mask.chunks_exact(stride).rev().flat_map(row).collect())
}

/// The best image of an icon: most colours, then largest.
fn best(bytes: &[u8]) -> Option<&[u8]> {
    let count = usize::from(u16_at(bytes, 4)?);
    let entries = bytes.get(6..)?.chunks_exact(16).take(count);
    let best = entries.max_by_key(|entry| {
        // A side of 256 is written as 0.
        let side = |side: u8| if side == 0 { 256 } else { u32::from(side) };
        (u16_at(entry, 6), side(entry[0]) * side(entry[1]))
    })?;
    bytes.get(usize::try_from(u32_at(best, 12)?).ok()?..)
}
