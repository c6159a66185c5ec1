//! Which raster format a file is in, by its first bytes alone.

/// A raster format that can be scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Format {
    Jpeg,
    Png,
    Gif,
    WebP,
    Bmp,
    Tiff,
    Ico,
}

impl Format {
    /// As IANA registers it.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Bmp => "image/bmp",
            Self::Tiff => "image/tiff",
            Self::Ico => "image/vnd.microsoft.icon",
        }
    }

    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Gif => "GIF",
            Self::WebP => "WebP",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Ico => "ICO",
        }
    }

    /// Whether the end of a file in this format is known to be missing: a WebP says how long it is (RFC 9649, 2.4), a JPEG has
    /// a marker at its end (T.81, B.2.1; some cameras write zeros behind it). Of the others it is not known.
    pub(crate) fn is_cut(self, bytes: &[u8]) -> bool {
        match self {
            Self::Jpeg => {
                let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                !bytes.get(..end).is_some_and(|bytes| bytes.ends_with(&[0xff, 0xd9]))
            }
            Self::WebP => u32_at(bytes, 4)
                .and_then(|length| usize::try_from(length).ok())
                .is_none_or(|length| length > bytes.len() - 8),
            Self::Png | Self::Gif | Self::Bmp | Self::Tiff | Self::Ico => false,
        }
    }
}

/// Which format these are the first bytes of; 64 are enough. Names and headers have no say.
///
/// Where the magic number is short enough to open a text or another format (BMP, ICO), the fields behind it must make
/// sense too.
#[must_use]
pub fn sniff(head: &[u8]) -> Option<Format> {
    match head {
        [0xff, 0xd8, 0xff, 0xc0..=0xfe, ..] => Some(Format::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Format::Png),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', b'V', b'P', b'8', b' ' | b'L' | b'X', ..] => {
            Some(Format::WebP)
        }
        // Canon's raw photographs open like a TIFF.
        [b'I', b'I', 42, 0, _, _, _, _, b'C', b'R', ..] => None,
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Format::Tiff),
        [b'B', b'M', ..] if has_bmp_header(head) => Some(Format::Bmp),
        [0, 0, 1, 0, ..] if has_icon_entry(head) => Some(Format::Ico),
        _ => None,
    }
}

/// Whether the second header has one of the lengths that there are.
fn has_bmp_header(head: &[u8]) -> bool {
    matches!(u32_at(head, 14), Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// Whether the first entry of the directory could be one.
fn has_icon_entry(head: &[u8]) -> bool {
    let entry = || {
        let count = u32::from(u16_at(head, 4)?);
        let planes = u16_at(head, 10)?;
        let depth = u16_at(head, 12)?;
        let (length, offset) = (u32_at(head, 14)?, u32_at(head, 18)?);
        Some(
            count > 0
                && planes <= 1
                && matches!(depth, 0 | 1 | 4 | 8 | 16 | 24 | 32)
                && length > 0
                && offset >= 6 + 16 * count,
        )
    };
    entry().unwrap_or(false)
}

/// The little-endian number at this place.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|two| u16::from_le_bytes(*two))
}

/// The little-endian number at this place.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}

/// The big-endian number at this place.
pub(super) fn u32_at_be(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_be_bytes(*four))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_image_whatever_it_opens_with() {
        for text in [
            "BMW makes cars, and this is a text about them that is long enough to be a header.",
            "II. Of the second part, which is long",
            "MM, that was good",
            "RIFF of the year: WEBP or not",
            "PNG is a format",
            "\u{feff}GIF89a",
            "",
            "B",
            "BM",
        ] {
            assert_eq!(sniff(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn documents_that_browsers_draw_are_no_images() {
        for text in [
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
            "<?xml version='1.0'?><svg/>",
            "%PDF-1.7",
            "<!doctype html><title>x</title>",
        ] {
            assert_eq!(sniff(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn files_whose_end_is_missing_are_told_from_whole_ones() {
        assert!(Format::Jpeg.is_cut(&[0xff, 0xd8, 0xff, 0xe0, 0, 0]));
        assert!(!Format::Jpeg.is_cut(&[0xff, 0xd8, 0xff, 0xd9]));
        assert!(!Format::Jpeg.is_cut(&[0xff, 0xd8, 0xff, 0xd9, 0, 0]));
        assert!(Format::WebP.is_cut(b"RIFF\x0c\0\0\0WEBPVP8 ..."));
        assert!(!Format::WebP.is_cut(b"RIFF\x0b\0\0\0WEBPVP8 ..."));
        assert!(Format::WebP.is_cut(b"RIFF"));
    }

    #[test]
    fn neighbours_of_the_magic_numbers_are_no_images() {
        // A TrueType font, an MPEG stream, a cursor, a raw photograph, a WAVE file, half a PNG signature.
        assert_eq!(sniff(&[0, 1, 0, 0, 0, 12, 0, 128, 0, 3, 0, 64, 71, 83, 85, 66, 0, 0, 0, 1, 0, 0]), None);
        assert_eq!(sniff(&[0, 0, 1, 0xba, 0x44, 0, 4, 0, 4, 1, 0, 0, 1, 0xff, 0xf8, 0, 0, 1, 0xbb, 0, 0, 1]), None);
        assert_eq!(sniff(&[0, 0, 2, 0, 1, 0, 32, 32, 0, 0, 1, 0, 32, 0, 9, 0, 0, 0, 22, 0, 0, 0]), None);
        assert_eq!(sniff(b"II\x2a\0\x10\0\0\0CR\x02\0"), None);
        assert_eq!(sniff(b"RIFF\x24\0\0\0WAVEfmt "), None);
        assert_eq!(sniff(b"\x89PNG"), None);
    }
}
