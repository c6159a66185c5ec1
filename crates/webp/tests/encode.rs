//! Encoded pictures, as a decoder that is not ours sees them.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::io::Cursor;

use strongroom_webp::encode::{Error, lossy};

const QUALITY: u8 = 80;

/// What is decoded, as RGBA.
fn decode(file: &[u8]) -> (Vec<u8>, u32, u32) {
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(file)).unwrap();
    let (width, height) = decoder.dimensions();
    let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
    decoder.read_image(&mut pixels).unwrap();
    if !decoder.has_alpha() {
        pixels = opaque(&pixels);
    }
    (pixels, width, height)
}

fn opaque(rgb: &[u8]) -> Vec<u8> {
    rgb.chunks_exact(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 255]).collect()
}

/// A picture by a function of the column and row.
fn picture(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Vec<u8> {
    (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect()
}

/// Bytes without any order that depend on the place alone.
fn noise(x: u32, y: u32) -> [u8; 4] {
    let mut state = x.wrapping_mul(0x9e37_79b9) ^ y.wrapping_mul(0x85eb_ca6b) ^ 0x1234_5678;
    for _ in 0..3 {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
    }
    state.to_le_bytes()
}

fn byte(value: f64) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is rounded to a byte")]
    let byte = value.round().clamp(0.0, 255.0) as u8;
    byte
}

/// Soft shapes, hard edges, some grain: what photographs are made of.
fn photograph(x: u32, y: u32) -> [u8; 4] {
    let (u, v) = (f64::from(x), f64::from(y));
    let soft = 110.0 + 60.0 * (u / 37.0).sin() + 50.0 * (v / 53.0 + u / 211.0).cos();
    let edge = if (u - 120.0).hypot(v - 90.0) < 60.0 { 70.0 } else { 0.0 };
    let grain = f64::from(noise(x, y)[0]) / 32.0;
    [byte(soft + edge + grain), byte(soft * 0.8 + 30.0 + grain), byte(200.0 - soft / 2.0 - edge / 2.0 + grain), 255]
}

/// Of the visible pixels, in decibels.
fn psnr(a: &[u8], b: &[u8]) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for (a, b) in a.chunks_exact(4).zip(b.chunks_exact(4)).filter(|(a, _)| a[3] != 0) {
        for (&a, &b) in a.iter().zip(b).take(3) {
            sum += (f64::from(a) - f64::from(b)).powi(2);
            count += 1.0;
        }
    }
    10.0 * (255.0 * 255.0 * count / sum).log10()
}

fn alphas(rgba: &[u8]) -> Vec<u8> {
    rgba.iter().skip(3).step_by(4).copied().collect()
}

/// Encodes and decodes; transparency must have stayed as it was.
fn round_trip(rgba: &[u8], width: u32, height: u32) -> (Vec<u8>, usize) {
    let file = lossy(rgba, width, height, QUALITY).unwrap();
    let (decoded, decoded_width, decoded_height) = decode(&file);
    assert_eq!((decoded_width, decoded_height), (width, height));
    assert!(alphas(&decoded) == alphas(rgba), "transparency changed at {width} x {height}");
    (decoded, file.len())
}

#[test]
fn every_size_decodes_to_what_was_encoded() {
    let sizes =
        [(1, 1), (1, 17), (17, 1), (2, 3), (15, 15), (16, 16), (17, 33), (33, 17), (500, 1), (1, 500), (250, 187)];
    for (width, height) in sizes {
        for alpha in [255, 128] {
            let rgba = picture(width, height, |x, y| [byte(f64::from(x) / 2.0), byte(f64::from(y)), 90, alpha]);
            let (decoded, _) = round_trip(&rgba, width, height);
            let quality = psnr(&rgba, &decoded);
            assert!(quality > 38.0, "{quality} dB at {width} x {height}");
        }
    }
}

#[test]
fn the_longest_sides_are_encoded_and_longer_ones_refused() {
    for (width, height) in [(16_383, 1), (1, 16_383)] {
        round_trip(&[10, 20, 30, 40].repeat(16_383), width, height);
    }
    let longer = [10, 20, 30, 40].repeat(16_384);
    assert_eq!(lossy(&longer, 16_384, 1, QUALITY), Err(Error::Size));
    assert_eq!(lossy(&longer, 1, 16_384, QUALITY), Err(Error::Size));
    assert_eq!(lossy(&[], u32::MAX, 1, QUALITY), Err(Error::Size));
    assert_eq!(lossy(&[], 0, 1, QUALITY), Err(Error::Size));
    assert_eq!(lossy(&[], 1, 0, QUALITY), Err(Error::Size));
}

#[test]
fn other_lengths_than_four_bytes_a_pixel_are_refused() {
    for length in [0, 3, 5, 8] {
        assert_eq!(lossy(&vec![0; length], 1, 1, QUALITY), Err(Error::Length));
    }
    assert_eq!(lossy(&[], 16_383, 16_383, QUALITY), Err(Error::Length));
}

#[test]
fn an_opaque_picture_is_as_good_as_a_jpeg_of_the_same_quality_and_smaller() {
    let rgba = picture(500, 375, photograph);
    let (decoded, size) = round_trip(&rgba, 500, 375);

    let mut jpeg = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, QUALITY);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
    encoder.encode(&rgba, 500, 375, jpeg_encoder::ColorType::Rgba).unwrap();
    let as_jpeg = opaque(&zune_jpeg::JpegDecoder::new(Cursor::new(&jpeg)).decode().unwrap());

    let (ours, theirs) = (psnr(&rgba, &decoded), psnr(&rgba, &as_jpeg));
    assert!(ours > theirs - 0.5, "{ours} dB, the JPEG {theirs}");
    assert!(size < jpeg.len() * 9 / 10, "{size} bytes, the JPEG {}", jpeg.len());
}

#[test]
fn gradients_of_transparency_are_exact_and_leave_the_colours_as_good() {
    let rgba = picture(300, 200, |x, y| {
        let [red, green, blue, _] = photograph(x, y);
        [red, green, blue, byte(f64::from(x) * 255.0 / 299.0)]
    });
    let (decoded, _) = round_trip(&rgba, 300, 200);
    let quality = psnr(&rgba, &decoded);
    assert!(quality > 36.0, "{quality} dB");
}

#[test]
fn a_cut_out_keeps_its_colours_up_to_the_edge() {
    let inside = |x: u32, y: u32| (f64::from(x) - 160.0).hypot(f64::from(y) - 120.0) < 100.0;
    // Garish where nobody sees it.
    let rgba = picture(320, 240, |x, y| if inside(x, y) { photograph(x, y) } else { [255, 0, 255, 0] });
    let (decoded, size) = round_trip(&rgba, 320, 240);
    let quality = psnr(&rgba, &decoded);
    assert!(quality > 36.0, "{quality} dB");
    let mut seen = rgba.clone();
    seen.iter_mut().skip(3).step_by(4).for_each(|alpha| *alpha = 255);
    let (_, size_of_all) = round_trip(&seen, 320, 240);
    assert!(size < size_of_all, "{size} bytes, {size_of_all} with the garish colour kept");
}

#[test]
fn what_nobody_sees_costs_nothing() {
    let rgba = picture(500, 375, |x, y| {
        let [red, green, blue, _] = noise(x, y);
        [red, green, blue, 0]
    });
    let (_, size) = round_trip(&rgba, 500, 375);
    // The modes of a macroblock take 3.3 bits at the least.
    assert!(size < 600, "{size} bytes for nothing");
}

#[test]
fn noise_is_encoded_at_every_quality() {
    let rgba = picture(67, 45, noise);
    let mut last = 0.0;
    for quality in [0, 25, 50, 75, 100] {
        let (decoded, ..) = decode(&lossy(&rgba, 67, 45, quality).unwrap());
        assert!(alphas(&decoded) == alphas(&rgba), "noisy transparency changed");
        let better = psnr(&rgba, &decoded);
        assert!(better > last, "{better} dB at quality {quality}, {last} below");
        last = better;
    }
    assert_eq!(lossy(&rgba, 67, 45, 255), lossy(&rgba, 67, 45, 100));
}

#[test]
fn extremes_do_not_overflow() {
    for side in [1, 2, 4, 5, 8, 16] {
        let rgba = picture(64, 64, |x, y| if (x / side + y / side) % 2 == 0 { [0, 0, 0, 255] } else { [255; 4] });
        for quality in [0, 80, 100] {
            let (decoded, ..) = decode(&lossy(&rgba, 64, 64, quality).unwrap());
            let reached = psnr(&rgba, &decoded);
            assert!(quality < 80 || reached > 35.0, "{reached} dB for checks of {side} at quality {quality}");
        }
    }
}

/// An encoder that predicts from anything but what decoders have built gets worse with every macroblock.
#[test]
fn errors_do_not_gather_towards_the_far_corner() {
    let rgba = picture(480, 480, |x, y| photograph(x % 96, y % 96));
    let (decoded, _) = round_trip(&rgba, 480, 480);
    let corner = |rgba: &[u8], start: usize| -> Vec<u8> {
        (start..start + 96).flat_map(|y| rgba[(y * 480 + start) * 4..][..96 * 4].to_vec()).collect()
    };
    let [near, far] = [0, 384].map(|start| psnr(&corner(&rgba, start), &corner(&decoded, start)));
    assert!(far > near - 1.0, "{near} dB at first, {far} in the end");
}
