//! What truncated, damaged and lying files get.

use crate::common::{FILES, file, frame, riff};
use strongroom_webp::{Decoder, Error, Picture};

fn decode(bytes: &[u8], factor: u32) -> Result<Picture, Error> {
    Decoder::new(bytes)?.decode(factor, factor)
}

#[test]
fn a_file_cut_anywhere_keeps_the_rows_that_were_there() {
    for (name, bytes) in FILES {
        let whole = decode(bytes, 1).unwrap();
        let mut most = 0;
        for end in 0..bytes.len() {
            for factor in [1, 3] {
                match decode(&bytes[..end], factor) {
                    Ok(picture) => {
                        assert_eq!(picture.complete, picture.rows == whole.rows, "{name} cut at {end}");
                        assert!(picture.rows >= most, "{name} cut at {end}: fewer rows from more data");
                        most = picture.rows;
                        // The filter of the row below, which is missing, would still change three rows, and of chroma too.
                        let same = whole.planes[0].stride * picture.rows.saturating_sub(8) as usize;
                        if factor == 1 {
                            assert!(picture.planes[0].samples[..same] == whole.planes[0].samples[..same]);
                        }
                    }
                    Err(Error::Damaged(_)) => assert_eq!(most, 0, "{name} cut at {end}"),
                    Err(Error::Unsupported(what)) => panic!("{name} cut at {end}: {what}"),
                }
            }
        }
    }
}

#[test]
fn a_file_cut_in_half_has_some_rows_and_grey_below() {
    let bytes = file("strong");
    let picture = decode(&bytes[..bytes.len() * 3 / 4], 1).unwrap();
    assert!(!picture.complete);
    assert!((16..67).contains(&picture.rows), "{}", picture.rows);
    let below = picture.planes[0].stride * picture.rows as usize;
    assert!(picture.planes[0].samples[below..].iter().all(|&sample| sample == 128));
}

#[test]
fn a_row_without_its_partition_ends_the_picture() {
    let bytes = file("partitions");
    // Only the last of the eight partitions is cut, so the last row of the first eight is missing, and all below.
    let picture = decode(&bytes[..bytes.len() - 8], 1).unwrap();
    assert!(!picture.complete);
    assert_eq!(picture.rows, 7 * 16);
}

#[test]
fn flipped_bits_never_panic() {
    for (_, bytes) in FILES {
        for at in 0..bytes.len() {
            for bit in [at % 8, (at / 8 + 3) % 8] {
                let mut bytes = bytes.to_vec();
                bytes[at] ^= 1 << bit;
                // A size may have become huge; that is for the caller to judge.
                let Ok(decoder) = Decoder::new(&bytes) else { continue };
                let factor = [1, 2, 3, 4][bit % 4];
                if decoder.memory(factor, factor) < 1 << 20 {
                    let _ = decoder.decode(factor, factor);
                }
            }
        }
    }
}

#[test]
fn noise_behind_a_good_header_never_panics() {
    let mut state = 1u32;
    for round in 0..300 {
        let mut bytes = file(if round % 2 == 0 { "strong" } else { "partitions" }).to_vec();
        let start = bytes.len() * (round % 10) / 10;
        for byte in bytes.iter_mut().skip(start.max(30)) {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = state.to_be_bytes()[0];
        }
        let _ = decode(&bytes, 1);
    }
}

#[test]
fn a_large_size_without_the_bytes_for_it_is_refused() {
    let mut chunk = frame(file("pixel"));
    chunk[14..18].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
    assert_eq!(
        Decoder::new(&riff(&[chunk.clone()])).err(),
        Some(Error::Damaged("the frame is too short for its size"))
    );
    // A first partition of the greatest size that can be claimed.
    let tag = u32::from_le_bytes([chunk[8], chunk[9], chunk[10], 0]) | 0x7ffff << 5;
    chunk[8..11].copy_from_slice(&tag.to_le_bytes()[..3]);
    assert_eq!(Decoder::new(&riff(&[chunk])).err(), Some(Error::Damaged("the frame ends before its coefficients")));
}

#[test]
fn frames_that_are_no_picture_are_damage() {
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut chunk = frame(file("odd"));
        change(&mut chunk);
        matches!(Decoder::new(&riff(&[chunk])), Err(Error::Damaged(_)))
    };
    assert!(!damaged(&|_| ()));
    assert!(damaged(&|chunk| chunk[8] |= 1), "not a key frame");
    assert!(damaged(&|chunk| chunk[8] |= 0x0e), "an unknown version");
    assert!(damaged(&|chunk| chunk[8] &= !0x10), "not shown");
    assert!(damaged(&|chunk| chunk[11] = 0), "no start code");
    assert!(damaged(&|chunk| chunk[14..16].fill(0)), "no width");
    assert!(damaged(&|chunk| chunk[16..18].fill(0)), "no height");
}

#[test]
fn what_is_not_webp_is_damage() {
    for bytes in [&b""[..], b"RIFF", b"RIFF\xff\xff\xff\xffWAVEfmt ", b"RIFF\xff\xff\xff\xffWEBP", &[0; 64]] {
        assert!(matches!(Decoder::new(bytes), Err(Error::Damaged(_))));
    }
}
