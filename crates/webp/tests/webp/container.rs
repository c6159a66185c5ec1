//! What is read from containers, and what is left to others.

use crate::common::{animation_frame, canvas, chunk, exif, file, frame, riff};
use strongroom_webp::{Decoder, Error};

#[test]
fn a_bare_frame_has_neither_orientation_nor_profile() {
    let decoder = Decoder::new(file("odd")).unwrap();
    let header = decoder.header();
    assert_eq!((header.width, header.height, header.orientation, &header.icc), (37, 29, 1, &None));
}

#[test]
fn orientations_are_read_in_either_order_of_bytes() {
    for (orientation, big, prefix) in [(1, true, &b""[..]), (6, true, b""), (8, false, b""), (3, false, b"Exif\0\0")] {
        let bytes = riff(&[canvas(0x08, 37, 29), frame(file("odd")), exif(orientation, big, prefix)]);
        assert_eq!(u16::from(Decoder::new(&bytes).unwrap().header().orientation), orientation);
    }
}

#[test]
fn an_orientation_that_is_none_is_1() {
    for orientation in [0, 9, 262] {
        let bytes = riff(&[canvas(0x08, 37, 29), frame(file("odd")), exif(orientation, true, b"")]);
        assert_eq!(Decoder::new(&bytes).unwrap().header().orientation, 1);
    }
}

#[test]
fn a_cut_or_looping_exif_chunk_is_orientation_1() {
    let whole = exif(6, true, b"");
    for end in 8..whole.len() - 6 {
        let bytes = riff(&[canvas(0x08, 37, 29), chunk(*b"EXIF", &whole[8..end]), frame(file("odd"))]);
        let orientation = Decoder::new(&bytes).unwrap().header().orientation;
        assert!(orientation == 1 || end >= whole.len() - 8, "{end}: {orientation}");
    }
    let hostile = [b"MM\0*", &u32::MAX.to_be_bytes()[..], &[0xff; 40]].concat();
    let bytes = riff(&[canvas(0x08, 37, 29), chunk(*b"EXIF", &hostile), frame(file("odd"))]);
    assert_eq!(Decoder::new(&bytes).unwrap().header().orientation, 1);
}

#[test]
fn a_profile_is_handed_on_unless_it_is_huge() {
    let with = |profile: &[u8]| {
        let bytes = riff(&[canvas(0x20, 37, 29), chunk(*b"ICCP", profile), frame(file("odd"))]);
        Decoder::new(&bytes).unwrap().header().icc.clone()
    };
    assert_eq!(with(b"profile"), Some(b"profile".to_vec()));
    assert_eq!(with(&vec![1; 5 << 20]), None);
}

#[test]
fn the_first_frame_of_an_animation_is_decoded_if_it_covers_the_canvas() {
    let animation = |width, height, chunks: &[Vec<u8>]| {
        riff(&[
            canvas(0x02, 37, 29),
            chunk(*b"ANIM", &[0; 6]),
            animation_frame(width, height, chunks),
            animation_frame(83, 50, &[frame(file("simple"))]),
        ])
    };
    let bytes = animation(37, 29, &[frame(file("odd"))]);
    let still = Decoder::new(file("odd")).unwrap().decode(1, 1);
    assert_eq!(Decoder::new(&bytes).unwrap().decode(1, 1), still);

    let smaller = animation(35, 29, &[frame(file("odd"))]);
    assert!(matches!(Decoder::new(&smaller), Err(Error::Unsupported(_))));
    let transparent = animation(37, 29, &[chunk(*b"ALPH", &[0]), frame(file("odd"))]);
    assert!(matches!(Decoder::new(&transparent), Err(Error::Unsupported(_))));
    let lossless = animation(37, 29, &[chunk(*b"VP8L", &[0x2f, 0, 0, 0, 0])]);
    assert!(matches!(Decoder::new(&lossless), Err(Error::Unsupported(_))));
    let empty = animation(37, 29, &[]);
    assert!(matches!(Decoder::new(&empty), Err(Error::Damaged(_))));
}

#[test]
fn lossless_files_and_alpha_channels_are_unsupported() {
    let lossless = riff(&[chunk(*b"VP8L", &[0x2f, 0, 0, 0, 0])]);
    assert!(matches!(Decoder::new(&lossless), Err(Error::Unsupported(_))));
    let transparent = riff(&[canvas(0x10, 37, 29), chunk(*b"ALPH", &[0]), frame(file("odd"))]);
    assert!(matches!(Decoder::new(&transparent), Err(Error::Unsupported(_))));
}

#[test]
fn unknown_chunks_are_passed_over() {
    let bytes = riff(&[canvas(0, 37, 29), chunk(*b"ODD ", &[1, 2, 3]), frame(file("odd")), chunk(*b"XMP ", b"<x/>")]);
    assert!(Decoder::new(&bytes).unwrap().decode(1, 1).unwrap().complete);
}

#[test]
fn sizes_that_differ_are_damage() {
    for (width, height) in [(36, 29), (37, 30), (1 << 24, 1 << 24)] {
        let bytes = riff(&[canvas(0, width, height), frame(file("odd"))]);
        assert!(matches!(Decoder::new(&bytes), Err(Error::Damaged(_))));
    }
    let bytes = riff(&[canvas(0x02, 83, 50), animation_frame(83, 50, &[frame(file("odd"))])]);
    assert!(matches!(Decoder::new(&bytes), Err(Error::Damaged(_))));
}
