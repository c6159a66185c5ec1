//! What is decoded: the samples that a full decoder finds, and averages of them.

use crate::common::{FILES, file};
use image_webp::{UpsamplingMethod, WebPDecoder};
use std::io::Cursor;
use strongroom_webp::{Decoder, Picture, Plane};

fn decode(bytes: &[u8], luma: u32, chroma: u32) -> Picture {
    Decoder::new(bytes).unwrap().decode(luma, chroma).unwrap()
}

/// The RGB samples that another decoder finds, every sample of chroma standing for four pixels.
fn decoded_elsewhere(bytes: &[u8]) -> Vec<u8> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).unwrap();
    decoder.set_lossy_upsampling(UpsamplingMethod::Simple);
    let mut rgb = vec![0; decoder.output_buffer_size().unwrap()];
    decoder.read_image(&mut rgb).unwrap();
    rgb
}

/// The same from planes, with the factors that libwebp has for BT.601.
fn rgb(picture: &Picture) -> Vec<u8> {
    let [luma, cb, cr] = &picture.planes;
    let at = |plane: &Plane, x: u32, y: u32| i32::from(plane.samples[y as usize * plane.stride + x as usize]);
    let mut rgb = Vec::new();
    for (x, y) in (0..luma.height).flat_map(|y| (0..luma.width).map(move |x| (x, y))) {
        let light = (at(luma, x, y) * 19077) >> 8;
        let (u, v) = (at(cb, x / 2, y / 2), at(cr, x / 2, y / 2));
        let red = light + ((v * 26149) >> 8) - 14234;
        let green = light - ((u * 6419) >> 8) - ((v * 13320) >> 8) + 8708;
        let blue = light + ((u * 33050) >> 8) - 17685;
        rgb.extend([red, green, blue].map(|value| u8::try_from((value >> 6).clamp(0, 255)).unwrap()));
    }
    rgb
}

/// Averages of squares, of what there is of them.
fn averages(plane: &Plane, factor: u32) -> Vec<u8> {
    let mut averages = Vec::new();
    for top in (0..plane.height).step_by(factor as usize) {
        for left in (0..plane.width).step_by(factor as usize) {
            let samples: Vec<u32> = (top..(top + factor).min(plane.height))
                .flat_map(|y| (left..(left + factor).min(plane.width)).map(move |x| (x, y)))
                .map(|(x, y)| u32::from(plane.samples[y as usize * plane.stride + x as usize]))
                .collect();
            let count = u32::try_from(samples.len()).unwrap();
            averages.push(u8::try_from((samples.iter().sum::<u32>() + count / 2) / count).unwrap());
        }
    }
    averages
}

#[test]
fn every_sample_is_what_another_decoder_finds() {
    for (name, bytes) in FILES {
        let picture = decode(bytes, 1, 1);
        assert!(picture.complete, "{name}");
        assert_eq!(picture.rows, picture.planes[0].height, "{name}");
        assert!(rgb(&picture) == decoded_elsewhere(bytes), "{name}");
    }
}

#[test]
fn shrunken_chroma_is_averages_of_the_whole() {
    for (name, bytes) in FILES {
        let whole = decode(bytes, 1, 1);
        for factor in [2, 3, 4, 7, 8, 16, 64] {
            let picture = decode(bytes, 1, factor);
            assert_eq!(picture.planes[0], whole.planes[0], "{name}");
            for (shrunken, whole) in picture.planes[1..].iter().zip(&whole.planes[1..]) {
                assert_eq!(shrunken.width, whole.width.div_ceil(factor), "{name} by {factor}");
                assert_eq!(shrunken.height, whole.height.div_ceil(factor), "{name} by {factor}");
                assert!(shrunken.samples == averages(whole, factor), "{name} by {factor}");
            }
        }
    }
}

#[test]
fn shrunken_luma_is_averages_of_the_whole_without_the_loop_filter() {
    let bytes = file("unfiltered");
    let whole = decode(bytes, 1, 1);
    for factor in [2, 3, 4, 7, 8, 16, 64] {
        let picture = decode(bytes, factor, 1);
        assert!(picture.planes[0].samples == averages(&whole.planes[0], factor), "by {factor}");
    }
}

#[test]
fn shrunken_luma_without_the_loop_filter_is_close_to_the_filtered() {
    for (name, bytes) in FILES {
        let whole = decode(bytes, 1, 1);
        for factor in [2, 4, 8] {
            let shrunken = decode(bytes, factor, factor);
            let expected = averages(&whole.planes[0], factor);
            let difference: u64 =
                shrunken.planes[0].samples.iter().zip(&expected).map(|(&a, &b)| u64::from(a.abs_diff(b))).sum();
            assert!(difference < 3 * expected.len() as u64, "{name} by {factor}: {difference}");
        }
    }
}

#[test]
fn luma_and_chroma_have_their_own_factors() {
    let picture = decode(file("odd"), 4, 2);
    let sizes = picture.planes.each_ref().map(|plane| (plane.width, plane.height));
    assert_eq!(sizes, [(10, 8), (10, 8), (10, 8)]);
}

#[test]
fn factors_out_of_range_are_unsupported() {
    for (luma, chroma) in [(0, 1), (1, 0), (65, 1), (1, 65), (u32::MAX, 1)] {
        let decoder = Decoder::new(file("odd")).unwrap();
        assert!(decoder.memory(luma, chroma) > 0);
        assert!(matches!(decoder.decode(luma, chroma), Err(strongroom_webp::Error::Unsupported(_))));
    }
}

#[test]
fn the_estimate_of_memory_covers_the_planes_and_falls_with_the_factor() {
    let decoder = Decoder::new(file("strong")).unwrap();
    let estimates = [1, 2, 4, 8].map(|factor| decoder.memory(factor, factor));
    assert!(estimates.is_sorted_by(|larger, smaller| larger > smaller), "{estimates:?}");
    let planes: usize = decode(file("strong"), 1, 1).planes.iter().map(|plane| plane.samples.capacity()).sum();
    assert!(estimates[0] > planes as u64);
}
