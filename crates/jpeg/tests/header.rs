//! What headers tell.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests, with small numbers")]

mod samples;

use jpeg_encoder::{ColorType, SamplingFactor};
use samples::{Kind, REFINED};
use strongroom_jpeg::{Color, Component, Decoder, Header};

fn header(bytes: &[u8]) -> Header {
    Decoder::new(bytes).unwrap().header().clone()
}

#[test]
fn size_sampling_and_mode_are_told() {
    let bytes = Kind { sampling: SamplingFactor::F_2_1, ..Kind::default() }.encode();
    let header = header(&bytes);
    assert_eq!((header.width, header.height, header.progressive, header.color), (83, 61, false, Color::YCbCr));
    let one = Component { h: 1, v: 1 };
    assert_eq!(header.components, [Component { h: 2, v: 1 }, one, one]);
    assert!(self::header(REFINED).progressive);
}

#[test]
fn a_grey_image_has_blocks_for_mcus_whatever_its_factors() {
    let bytes = Kind { color: ColorType::Luma, ..Kind::default() }.encode();
    let frame = bytes.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    let mut changed = bytes.clone();
    changed[frame + 11] = 0x22;
    let [plain, doubled] =
        [&bytes, &changed].map(|bytes| samples::decode(bytes, strongroom_jpeg::Scale::Quarter).unwrap());
    assert_eq!(plain, doubled);
}

#[test]
fn orientation_and_profile_are_handed_on() {
    let profile: Vec<u8> = (0..150_000u32).map(|i| (i % 251) as u8).collect();
    let exif = [b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0", &[0; 4][..]].concat();
    let bytes = Kind::default().encode_with(|encoder| {
        encoder.add_exif_metadata(&exif).unwrap();
        encoder.add_icc_profile(&profile).unwrap();
    });
    let header = header(&bytes);
    assert_eq!((header.orientation, header.icc), (6, Some(profile)));
    let plain = self::header(&Kind::default().encode());
    assert_eq!((plain.orientation, plain.icc), (1, None));
}

#[test]
fn adobe_and_identifiers_tell_the_colours() {
    let bytes = Kind::default().encode();
    // Without JFIF, of which libjpeg thinks more.
    let length = usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
    assert_eq!(bytes[3], 0xE0);
    let plain = [&bytes[..2], &bytes[4 + length..]].concat();
    assert_eq!(header(&plain).color, Color::YCbCr);
    let adobe = |transform: u8| {
        let segment = [&b"\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0"[..], &[transform]].concat();
        [&plain[..2], &segment, &plain[2..]].concat()
    };
    assert_eq!(header(&adobe(0)).color, Color::Rgb);
    assert_eq!(header(&adobe(1)).color, Color::YCbCr);
    let mut named = plain.clone();
    let frame = named.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    let scan = named.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
    for (i, id) in b"RGB".iter().enumerate() {
        named[frame + 10 + 3 * i] = *id;
        named[scan + 5 + 2 * i] = *id;
    }
    assert_eq!(header(&named).color, Color::Rgb);
}
