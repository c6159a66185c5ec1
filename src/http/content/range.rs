//! `Range` (RFC 9110 section 14.2): which bytes are asked for.

use std::ops::Range;

/// What to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Everything: 200. Also where the header is malformed, names another unit, or asks for several ranges at once: a
    /// server may ignore it, and nobody needs what several would cost.
    Whole,
    /// These bytes: 206. Never empty.
    Bytes(Range<u64>),
    /// Nothing: 416.
    Unsatisfiable,
}

/// Reads the header for a representation of this length.
pub fn parse(header: &str, length: u64) -> Part {
    let Some((unit, set)) = header.split_once('=') else { return Part::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Part::Whole;
    }
    // Empty members of a list count for nothing (RFC 9110 section 5.6.1.2).
    let mut specs = set.split(',').map(|spec| spec.trim_matches([' ', '\t'])).filter(|spec| !spec.is_empty());
    match (specs.next(), specs.next()) {
        (Some(spec), None) => single(spec, length).unwrap_or(Part::Whole),
        _ => Part::Whole,
    }
}

/// `first-last`, `first-` or `-suffix`. `None` when malformed.
fn single(spec: &str, length: u64) -> Option<Part> {
    let (first, last) = spec.split_once('-')?;
    if first.is_empty() {
        return Some(match number(last)? {
            0 => Part::Unsatisfiable,
            // The last bytes of nothing are nothing, which a 206 cannot say.
            _ if length == 0 => Part::Whole,
            suffix => Part::Bytes(length.saturating_sub(suffix)..length),
        });
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    if first >= length {
        return Some(Part::Unsatisfiable);
    }
    Some(Part::Bytes(first..last.saturating_add(1).min(length)))
}

/// Digits alone. What is too large for 64 bits lies beyond every file all the same.
fn number(digits: &str) -> Option<u64> {
    let well_formed = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    well_formed.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{Part::*, *};

    #[test]
    fn the_examples_of_the_rfc_are_understood() {
        // RFC 9110 section 14.1.2, of 10,000 bytes.
        for (header, part) in [
            ("bytes=0-499", Bytes(0..500)),
            ("bytes=500-999", Bytes(500..1000)),
            ("bytes=-500", Bytes(9500..10000)),
            ("bytes=9500-", Bytes(9500..10000)),
            ("bytes=0-0", Bytes(0..1)),
            ("bytes=-1", Bytes(9999..10000)),
            ("bytes=0-0,-1", Whole),
            ("bytes= 0-999, 4500-5499, -1000", Whole),
            ("bytes=500-600,601-999", Whole),
        ] {
            assert_eq!(parse(header, 10_000), part, "{header}");
        }
    }

    #[test]
    fn a_range_is_cut_off_at_the_end() {
        assert_eq!(parse("bytes=9999-10000", 10_000), Bytes(9999..10000));
        assert_eq!(parse("bytes=1-99999999999999999999999", 10), Bytes(1..10));
        assert_eq!(parse(&format!("bytes=0-{}", u64::MAX), 10), Bytes(0..10));
        assert_eq!(parse("bytes=-99999999999999999999999", 10), Bytes(0..10));
    }

    #[test]
    fn a_range_beyond_the_end_cannot_be_satisfied() {
        for header in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(parse(header, 10), Unsatisfiable, "{header}");
        }
        assert_eq!(parse("bytes=0-", 0), Unsatisfiable);
        assert_eq!(parse("bytes=-5", 0), Whole);
    }

    #[test]
    fn what_is_malformed_is_ignored() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=,",
            "bytes=5",
            "bytes=5-4",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=1-+2",
            "bytes=1--2",
            "bytes=0x1-2",
            "bytes 0-1",
            "lines=0-1",
            "bytes=0 -1",
            "bytes=--1",
            "=0-1",
        ] {
            assert_eq!(parse(header, 10), Whole, "{header:?}");
        }
    }

    #[test]
    fn units_have_no_case_and_empty_members_do_not_count() {
        assert_eq!(parse("BYTES=0-1", 10), Bytes(0..2));
        assert_eq!(parse("bytes=,0-1, ,", 10), Bytes(0..2));
    }
}
