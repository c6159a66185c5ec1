//! What the encoder writes, read by a decoder that is not ours.

use image::ImageFormat;
use strongroom_jpeg::encode::{Plane, encode};

/// Smooth waves with some noise.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 to 255")]
fn samples(width: u32, height: u32) -> Vec<u8> {
    let mut noise = 1_u32;
    let mut plane = Vec::new();
    for y in 0..height {
        for x in 0..width {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let wave = (f64::from(x) / 9.0).sin() * 60.0 + (f64::from(y) / 14.0).cos() * 50.0;
            plane.push((128.0 + wave + f64::from(noise >> 29)) as u8);
        }
    }
    plane
}

#[test]
fn every_size_is_read_back_as_it_was() {
    for (width, height) in [(1, 1), (8, 8), (16, 16), (17, 15), (31, 33), (500, 1), (1, 500), (120, 77)] {
        let luma = samples(width, height);
        let (columns, rows) = (width.div_ceil(2), height.div_ceil(2));
        let grey = vec![128; (columns * rows) as usize];
        let chroma = Plane { width: columns, height: rows, samples: &grey };
        let plane = Plane { width, height, samples: &luma };
        for chroma in [None, Some([chroma; 2])] {
            let file = encode(plane, chroma, 95).unwrap();
            let read = image::load_from_memory_with_format(&file, ImageFormat::Jpeg).unwrap().into_luma8();
            assert_eq!(read.dimensions(), (width, height));
            let error: u64 = read.as_raw().iter().zip(&luma).map(|(one, other)| u64::from(one.abs_diff(*other))).sum();
            assert!(error <= 3 * luma.len() as u64, "{width} x {height}: {error} over {}", luma.len());
        }
    }
}

#[test]
fn colours_are_read_back_as_they_were() {
    for ([y, cb, cr], expected) in
        [([76, 85, 255], [254, 0, 0]), ([150, 44, 21], [0, 255, 1]), ([29, 255, 107], [0, 0, 254])]
    {
        let (luma, cb, cr) = ([y; 40 * 30], [cb; 20 * 15], [cr; 20 * 15]);
        let chroma = [&cb, &cr].map(|samples| Plane { width: 20, height: 15, samples });
        let file = encode(Plane { width: 40, height: 30, samples: &luma }, Some(chroma), 90).unwrap();
        let read = image::load_from_memory(&file).unwrap().into_rgb8();
        let pixel = read.get_pixel(20, 15).0;
        assert!(pixel.iter().zip(expected).all(|(one, other)| one.abs_diff(other) <= 4), "{pixel:?} {expected:?}");
    }
}

#[test]
fn extremes_do_not_overflow() {
    // A checkerboard has the largest coefficients there are.
    let board: Vec<u8> = (0..64 * 64).map(|at| if (at + at / 64) % 2 == 0 { 0 } else { 255 }).collect();
    let file = encode(Plane { width: 64, height: 64, samples: &board }, None, 100).unwrap();
    let read = image::load_from_memory(&file).unwrap().into_luma8();
    assert!(read.as_raw().iter().zip(&board).all(|(one, other)| one.abs_diff(*other) <= 4));
}
