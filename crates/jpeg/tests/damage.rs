//! What becomes of files that are cut, changed, or made to harm.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests, with small numbers")]

mod samples;

use jpeg_encoder::SamplingFactor;
use samples::{APART, Kind, REFINED, REFINED_RESTARTS, SCALES, decode};
use strongroom_jpeg::{Decoder, Error, Scale};

fn files() -> Vec<Vec<u8>> {
    let small = Kind { width: 40, height: 40, sampling: SamplingFactor::F_2_2, ..Kind::default() };
    vec![
        small.encode(),
        Kind { restarts: 2, ..small }.encode(),
        Kind { progressive: true, ..small }.encode(),
        REFINED.to_vec(),
        REFINED_RESTARTS.to_vec(),
        APART.to_vec(),
    ]
}

/// Where the marker is first.
fn position(bytes: &[u8], marker: u8) -> usize {
    bytes.windows(2).position(|pair| pair == [0xFF, marker]).unwrap()
}

#[test]
fn a_truncated_scan_keeps_what_was_decoded() {
    let bytes = Kind { sampling: SamplingFactor::F_2_2, ..Kind::default() }.encode();
    for scale in SCALES {
        let whole = decode(&bytes, scale).unwrap();
        let mut rows = 0;
        for end in 0..bytes.len() {
            let Ok(cut) = decode(&bytes[..end], scale) else { continue };
            assert!(cut.rows >= rows, "more data, fewer rows");
            rows = cut.rows;
            assert!(cut.complete == (cut.rows == 61));
            for (cut_plane, plane) in cut.planes.iter().zip(&whole.planes) {
                let kept = (plane.height * rows / 61) as usize * plane.stride;
                assert_eq!(cut_plane.samples[..kept], plane.samples[..kept]);
            }
        }
        assert!(rows > 0);
    }
}

#[test]
fn what_is_missing_is_grey() {
    let bytes = Kind { height: 160, ..Kind::default() }.encode();
    let cut = decode(&bytes[..bytes.len() / 2], Scale::Eighth).unwrap();
    assert!(!cut.complete && cut.rows > 0 && cut.rows < 160);
    assert!(cut.planes.iter().all(|plane| plane.samples.ends_with(&vec![128; plane.stride * 5])));
}

#[test]
fn a_missing_end_marker_is_no_loss() {
    for bytes in [Kind::default().encode(), APART.to_vec()] {
        assert!(decode(&bytes[..bytes.len() - 2], Scale::Full).unwrap().complete);
    }
}

#[test]
fn a_progressive_file_without_its_last_scans_is_shown_coarsely() {
    let whole = decode(REFINED, Scale::Quarter).unwrap();
    let cut = decode(&REFINED[..REFINED.len() * 2 / 3], Scale::Full).unwrap();
    assert!(!cut.complete && cut.rows == 61 && whole.rows == 61);
}

#[test]
fn no_cut_panics() {
    for bytes in files() {
        for end in 0..bytes.len() {
            for scale in SCALES {
                let _ = decode(&bytes[..end], scale);
            }
        }
    }
}

#[test]
fn no_changed_byte_panics() {
    for bytes in files() {
        for at in 0..bytes.len() {
            for change in [0xFF, 0x01, 0x80, 0x10] {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                // What claims to be large would be refused by the caller.
                let Ok(decoder) = Decoder::new(&changed) else { continue };
                let header = decoder.header();
                if header.width * header.height > 100_000 {
                    continue;
                }
                let _ = decoder.decode(&[SCALES[at % 4]; 4]);
            }
        }
    }
}

#[test]
fn damage_ends_with_its_restart_interval() {
    let kind = Kind { width: 128, height: 128, restarts: 16, ..Kind::default() };
    let bytes = kind.encode();
    let whole = decode(&bytes, Scale::Full).unwrap();
    let markers: Vec<_> =
        (0..bytes.len() - 1).filter(|&at| bytes[at] == 0xFF && (0xD0..=0xD7).contains(&bytes[at + 1])).collect();
    assert_eq!(markers.len(), 15);
    let row = |n: usize| n * 8 * 128..(n + 1) * 8 * 128;

    // An interval that is cut short.
    let mut changed = bytes[..markers[4] - 40].to_vec();
    changed.extend(&bytes[markers[4]..]);
    let picture = decode(&changed, Scale::Full).unwrap();
    assert!(!picture.complete);
    for n in (0..16).filter(|&n| n != 4) {
        assert_eq!(picture.planes[0].samples[row(n)], whole.planes[0].samples[row(n)], "{n}");
    }

    // An interval that is not there at all.
    let mut changed = bytes[..markers[4]].to_vec();
    changed.extend(&bytes[markers[5]..]);
    let picture = decode(&changed, Scale::Full).unwrap();
    assert!(!picture.complete);
    assert!(picture.planes[0].samples[row(5)].iter().all(|&sample| sample == 128));
    for n in (0..16).filter(|&n| n != 5) {
        assert_eq!(picture.planes[0].samples[row(n)], whole.planes[0].samples[row(n)], "{n}");
    }
}

#[test]
fn a_file_without_data_is_damaged() {
    let bytes = Kind::default().encode();
    let scan = position(&bytes, 0xDA);
    for end in 0..scan + 12 {
        assert!(matches!(decode(&bytes[..end], Scale::Full), Err(Error::Damaged(_))), "{end}");
    }
    let (empty, mut other) = (decode(&[], Scale::Full), bytes.clone());
    other[1] = 0xD9;
    assert!(matches!((empty, decode(&other, Scale::Full)), (Err(Error::Damaged(_)), Err(Error::Damaged(_)))));
}

#[test]
fn what_is_not_supported_is_known_from_the_header() {
    let bytes = Kind::default().encode();
    let frame = position(&bytes, 0xC0);
    let unsupported = |at: usize, value: u8| {
        let mut changed = bytes.clone();
        changed[frame + at] = value;
        matches!(Decoder::new(&changed), Err(Error::Unsupported(_)))
    };
    for code in [0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF] {
        assert!(unsupported(1, code), "{code:x}");
    }
    assert!(unsupported(4, 12), "12 bits");
    assert!(unsupported(9, 2), "two components");
    let mut changed = bytes.clone();
    changed[frame + 5..frame + 7].fill(0);
    assert!(matches!(Decoder::new(&changed), Err(Error::Unsupported(_))), "no height");
    let mut extended = bytes.clone();
    extended[frame + 1] = 0xC1;
    assert_eq!(decode(&extended, Scale::Full), decode(&bytes, Scale::Full));
}

#[test]
fn files_with_thousands_of_scans_are_given_up() {
    // The first scan, again and again: it leaves the lowest bit open.
    let first = position(REFINED, 0xDA);
    let end = first + 14 + position(&REFINED[first + 14..], 0xC4);
    let mut hostile = REFINED[..first].to_vec();
    for _ in 0..100_000 {
        hostile.extend(&REFINED[first..end]);
    }
    let picture = decode(&hostile, Scale::Full).unwrap();
    assert!(!picture.complete && picture.rows == 61);
}

#[test]
fn rubbish_between_segments_and_tables_given_twice_do_no_harm() {
    let bytes = Kind::default().encode();
    let expected = decode(&bytes, Scale::Full).unwrap();
    let frame = position(&bytes, 0xC0);
    let table = position(&bytes, 0xDB);
    let length = usize::from(u16::from_be_bytes([bytes[table + 2], bytes[table + 3]]));
    let mut padded = bytes[..frame].to_vec();
    // Bytes that are no marker, fill bytes, a comment, a table.
    padded.extend([0x12, 0x00, 0xFF, 0xFF, 0xFF, 0xFE, 0x00, 0x04, 0xFF, 0xDA]);
    padded.extend(&bytes[table..table + 2 + length]);
    padded.extend(&bytes[frame..]);
    assert_eq!(decode(&padded, Scale::Full).unwrap(), expected);
}

#[test]
fn files_without_huffman_tables_have_those_of_motion_jpeg() {
    let bytes = Kind::default().encode();
    let mut without = bytes.clone();
    while let Some(at) = without.windows(2).position(|pair| pair == [0xFF, 0xC4]) {
        let length = usize::from(u16::from_be_bytes([without[at + 2], without[at + 3]]));
        without.drain(at..at + 2 + length);
    }
    assert!(without.len() < bytes.len());
    assert_eq!(decode(&without, Scale::Full).unwrap(), decode(&bytes, Scale::Full).unwrap());
}
