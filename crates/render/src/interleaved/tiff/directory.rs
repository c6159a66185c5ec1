//! The first image file directory of a TIFF: tags and their values (TIFF 6.0, section 2; `BigTIFF`).

use crate::RenderError;
use crate::error::{cannot_be_decoded, ends_too_early};

/// The tags of the first image. Values stay in the file until they are asked for.
pub(super) struct Directory<'a> {
    bytes: &'a [u8],
    little_endian: bool,
    entries: Vec<Entry>,
}

struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// Where the values are.
    at: usize,
}

/// How many bytes the fields of a directory take.
struct Widths {
    count: usize,
    /// Of an offset, and of values that stand in the entry itself.
    offset: usize,
}

impl<'a> Directory<'a> {
    /// Reads header and tags.
    pub fn first(bytes: &'a [u8]) -> Result<Self, RenderError> {
        let little_endian = match bytes.get(..2) {
            Some(b"II") => true,
            Some(b"MM") => false,
            _ => return Err(cannot_be_decoded()),
        };
        let mut directory = Self { bytes, little_endian, entries: Vec::new() };
        let (widths, at) = match directory.unsigned(2, 2).ok_or_else(ends_too_early)? {
            43 => (Widths { count: 8, offset: 8 }, directory.unsigned(8, 8)),
            _ => (Widths { count: 2, offset: 4 }, directory.unsigned(4, 4)),
        };
        directory.entries = at.and_then(|at| directory.entries(&widths, at)).ok_or_else(ends_too_early)?;
        Ok(directory)
    }

    /// As many of the entries as there are; `None` when there is not even their number.
    fn entries(&self, widths: &Widths, at: u64) -> Option<Vec<Entry>> {
        let at = usize::try_from(at).ok()?;
        let count = usize::try_from(self.unsigned(at, widths.count)?).ok()?;
        let start = at.checked_add(widths.count)?;
        let length = 4 + 2 * widths.offset;
        let entry = |number: usize| {
            let at = number.checked_mul(length).and_then(|offset| start.checked_add(offset))?;
            let (tag, kind) = (self.unsigned(at, 2)?, self.unsigned(at + 2, 2)?);
            let count = self.unsigned(at + 4, widths.offset)?;
            let (tag, kind) = (u16::try_from(tag).ok()?, u16::try_from(kind).ok()?);
            let inside = at + 4 + widths.offset;
            let fits = count.checked_mul(size(kind) as u64).is_some_and(|size| size <= widths.offset as u64);
            let at = if fits { inside } else { usize::try_from(self.unsigned(inside, widths.offset)?).ok()? };
            Some(Entry { tag, kind, count, at })
        };
        Some((0..count).map_while(entry).collect())
    }

    /// Whether numbers are stored with the lowest byte first.
    pub fn is_little_endian(&self) -> bool {
        self.little_endian
    }

    /// The first value of a tag, where that is a whole number.
    pub fn number(&self, tag: u16) -> Option<u64> {
        self.numbers(tag)?.next()
    }

    /// The values of a tag, where those are whole numbers; as many as the file has.
    pub fn numbers(&self, tag: u16) -> Option<impl Iterator<Item = u64> + '_> {
        let entry = self.entry(tag)?;
        // BYTE, SHORT, LONG, and IFD; LONG8 and IFD8.
        let size = size(entry.kind);
        matches!(entry.kind, 1 | 3 | 4 | 13 | 16 | 18).then_some(())?;
        let numbers = (0..entry.count).map_while(move |number| {
            let offset = usize::try_from(number).ok()?.checked_mul(size)?;
            self.unsigned(entry.at.checked_add(offset)?, size)
        });
        Some(numbers)
    }

    /// The values of a tag as they stand in the file, where all of them do.
    pub fn raw(&self, tag: u16) -> Option<&'a [u8]> {
        let entry = self.entry(tag)?;
        let length = usize::try_from(entry.count).ok()?.checked_mul(size(entry.kind))?;
        self.bytes.get(entry.at..entry.at.checked_add(length)?)
    }

    /// What stands between here and there; less where the file ends before.
    pub fn data(&self, offset: u64, length: u64) -> &'a [u8] {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.bytes.get(offset..)).unwrap_or_default();
        usize::try_from(length).ok().and_then(|length| rest.get(..length)).unwrap_or(rest)
    }

    fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    fn unsigned(&self, at: usize, size: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(size)?)?;
        let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if self.little_endian { bytes.iter().rev().fold(0, join) } else { bytes.iter().fold(0, join) })
    }
}

/// How many bytes a value of this type takes.
fn size(kind: u16) -> usize {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 | 17 | 18 => 8,
        _ => 1,
    }
}
