//! What application segments tell: orientation (EXIF), the ICC profile, and how colours are coded (JFIF, Adobe).

/// ICC profiles beyond this are left out.
const MAX_ICC: usize = 4 << 20;

/// What the application segments before the first scan told.
#[derive(Default)]
pub struct Metadata<'a> {
    /// A JFIF APP0 was there.
    pub jfif: bool,
    /// The transform that Adobe's APP14 names.
    pub adobe: Option<u8>,
    /// From EXIF, 1 to 8.
    pub orientation: Option<u8>,
    /// The parts of the ICC profile: number, of how many, bytes.
    icc: Vec<(u8, u8, &'a [u8])>,
}

impl<'a> Metadata<'a> {
    /// Reads the body of the segment APP`n`. What is not understood is passed over.
    pub fn read(&mut self, n: u8, body: &'a [u8]) {
        match n {
            0 if body.starts_with(b"JFIF\0") => self.jfif = true,
            1 => {
                if let Some(tiff) = body.strip_prefix(b"Exif\0").and_then(|rest| rest.get(1..)) {
                    self.orientation = self.orientation.or_else(|| orientation(tiff));
                }
            }
            2 => {
                if let Some([number, of, rest @ ..]) = body.strip_prefix(b"ICC_PROFILE\0")
                    && self.icc.len() < 255
                {
                    self.icc.push((*number, *of, rest));
                }
            }
            14 if body.starts_with(b"Adobe") => self.adobe = self.adobe.or_else(|| body.get(11).copied()),
            _ => {}
        }
    }

    /// The ICC profile (ICC.1 B.4), if all of it is there.
    pub fn icc(&self) -> Option<Vec<u8>> {
        let of = self.icc.first()?.1;
        if self.icc.len() != usize::from(of) || self.icc.iter().any(|part| part.1 != of) {
            return None;
        }
        if self.icc.iter().map(|part| part.2.len()).sum::<usize>() > MAX_ICC {
            return None;
        }
        let mut parts = self.icc.clone();
        parts.sort_by_key(|part| part.0);
        let in_sequence = (1..=of).zip(&parts).all(|(number, part)| part.0 == number);
        in_sequence.then(|| parts.iter().flat_map(|part| part.2).copied().collect())
    }
}

/// Tag 0x0112 of the first directory of a TIFF header.
fn orientation(tiff: &[u8]) -> Option<u8> {
    let big = match tiff.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let bytes = [*tiff.get(at)?, *tiff.get(at.checked_add(1)?)?];
        Some(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let offset: [u8; 4] = tiff.get(4..8)?.try_into().ok()?;
    let directory = usize::try_from(if big { u32::from_be_bytes(offset) } else { u32::from_le_bytes(offset) }).ok()?;
    let entries = usize::from(u16_at(directory)?);
    for entry in 0..entries {
        let at = directory.checked_add(2 + 12 * entry)?;
        if u16_at(at)? != 0x0112 {
            continue;
        }
        // Of type SHORT; some writers say LONG.
        let value = match u16_at(at + 2)? {
            4 if big => u16_at(at + 10)?,
            _ => u16_at(at + 8)?,
        };
        return u8::try_from(value).ok().filter(|value| (1..=8).contains(value));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exif(big: bool, kind: u16, value: u16) -> Vec<u8> {
        let u16 = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        let u32 = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        let mut out = b"Exif\0\0".to_vec();
        out.extend(if big { b"MM\0*" } else { b"II*\0" });
        out.extend(u32(8));
        out.extend(u16(2));
        for (tag, kind, value) in [(0x0100, 3, 7), (0x0112, kind, value)] {
            out.extend(u16(tag));
            out.extend(u16(kind));
            out.extend(u32(1));
            if kind == 4 {
                out.extend(u32(u32::from(value)));
            } else {
                out.extend(u16(value));
                out.extend([0, 0]);
            }
        }
        out
    }

    #[test]
    fn orientation_is_read_in_both_byte_orders_and_as_short_or_long() {
        for big in [false, true] {
            for kind in [3, 4] {
                let mut metadata = Metadata::default();
                let body = exif(big, kind, 6);
                metadata.read(1, &body);
                assert_eq!(metadata.orientation, Some(6), "{big} {kind}");
            }
        }
    }

    #[test]
    fn an_orientation_that_is_none_is_not_there() {
        for value in [0, 9, 300] {
            let mut metadata = Metadata::default();
            let body = exif(true, 3, value);
            metadata.read(1, &body);
            assert_eq!(metadata.orientation, None);
        }
    }

    #[test]
    fn no_cut_of_exif_panics() {
        let body = exif(true, 4, 3);
        for end in 0..body.len() {
            Metadata::default().read(1, &body[..end]);
        }
    }

    #[test]
    fn an_icc_profile_is_put_together_in_sequence_or_not_at_all() {
        let part = |number: u8, of: u8, text: &str| [b"ICC_PROFILE\0", &[number, of][..], text.as_bytes()].concat();
        let joined = |parts: &[Vec<u8>]| {
            let mut metadata = Metadata::default();
            for part in parts {
                metadata.read(2, part);
            }
            metadata.icc()
        };
        assert_eq!(joined(&[part(2, 2, "b"), part(1, 2, "a")]), Some(b"ab".to_vec()));
        assert_eq!(joined(&[part(1, 2, "a")]), None);
        assert_eq!(joined(&[part(1, 2, "a"), part(1, 2, "b")]), None);
        assert_eq!(joined(&[]), None);
    }
}
