//! The chunks of a PNG (W3C PNG, section 5), up to the pixels and of the pixels.

use crate::format::u32_at_be;

/// What stands before the first chunk.
pub(super) const SIGNATURE: usize = 8;

/// A chunk that begins within the file.
pub(super) struct Chunk<'a> {
    pub name: [u8; 4],
    /// As much of it as there is.
    pub data: &'a [u8],
    /// Whether its check sum is there and right.
    pub sound: bool,
    /// Where the next one begins.
    pub end: usize,
}

/// The chunk at `at`, if its name and length are there.
pub(super) fn chunk(bytes: &[u8], at: usize) -> Option<Chunk<'_>> {
    let length = usize::try_from(u32_at_be(bytes, at)?).ok()?;
    let name = *bytes.get(at + 4..)?.first_chunk()?;
    let from = at + 8;
    let to = from.checked_add(length)?;
    let checked = bytes.get(at + 4..to).zip(u32_at_be(bytes, to));
    let sound = checked.is_some_and(|(checked, sum)| crc32fast::hash(checked) == sum);
    let data = bytes.get(from..to.min(bytes.len()))?;
    Some(Chunk { name, data, sound, end: to.saturating_add(4) })
}
