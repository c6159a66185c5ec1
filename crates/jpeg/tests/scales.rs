//! What comes out, compared with another decoder and with the definition of the DCT.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "small numbers")]

mod samples;

use jpeg_encoder::{ColorType, SamplingFactor};
use samples::{APART, Kind, REFINED, REFINED_RESTARTS, SCALES, TOGETHER, decode, low_frequencies, reference, sample};
use strongroom_jpeg::{Color, Decoder, Picture, Scale};

const SAMPLINGS: [SamplingFactor; 8] = [
    SamplingFactor::F_1_1,
    SamplingFactor::F_2_1,
    SamplingFactor::F_1_2,
    SamplingFactor::F_2_2,
    SamplingFactor::F_4_1,
    SamplingFactor::F_4_2,
    SamplingFactor::F_1_4,
    SamplingFactor::F_2_4,
];

/// Sequential and progressive, with and without restarts, in all samplings.
fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for sampling in SAMPLINGS {
        for progressive in [false, true] {
            for restarts in [0, 1, 5] {
                kinds.push(Kind { sampling, progressive, restarts, ..Kind::default() });
            }
        }
    }
    kinds
}

/// The largest and the mean difference in luminance to the `image` crate. It gives RGB, rounded.
fn difference(bytes: &[u8]) -> (f64, f64) {
    let picture = decode(bytes, Scale::Full).unwrap();
    assert!(picture.complete);
    let reference = reference(bytes);
    let plane = &picture.planes[0];
    assert_eq!((plane.width, plane.height), reference.dimensions());
    let differences: Vec<f64> = reference
        .enumerate_pixels()
        .map(|(x, y, pixel)| {
            let [r, g, b] = pixel.0.map(f64::from);
            (0.299 * r + 0.587 * g + 0.114 * b - sample(plane, x as usize, y as usize)).abs()
        })
        .collect();
    (differences.iter().copied().fold(0.0, f64::max), differences.iter().sum::<f64>() / differences.len() as f64)
}

#[test]
fn full_size_is_what_another_decoder_makes_of_it() {
    // That other decoder has faults with more than two samples to one.
    let small = |kind: &Kind| SAMPLINGS[..4].contains(&kind.sampling);
    for kind in kinds().into_iter().filter(small) {
        let (largest, mean) = difference(&kind.encode());
        assert!(largest < 2.0 && mean < 0.5, "{kind:?}: {largest}, {mean}");
    }
}

#[test]
fn full_size_is_close_to_what_was_encoded() {
    for kind in kinds() {
        let picture = decode(&kind.encode(), Scale::Full).unwrap();
        assert!(picture.complete && picture.rows == u32::from(kind.height), "{kind:?}");
        let plane = &picture.planes[0];
        let mut sum = 0.0;
        for (i, pixel) in kind.pixels().chunks_exact(3).enumerate() {
            let luma = 0.299 * f64::from(pixel[0]) + 0.587 * f64::from(pixel[1]) + 0.114 * f64::from(pixel[2]);
            sum += (luma - sample(plane, i % 83, i / 83)).abs();
        }
        assert!(sum / (83.0 * 61.0) < 2.5, "{kind:?}: {sum}");
    }
}

#[test]
fn refinements_are_read() {
    for bytes in [REFINED, REFINED_RESTARTS] {
        let (largest, mean) = difference(bytes);
        assert!(largest < 2.0 && mean < 0.5, "{largest}, {mean}");
    }
}

#[test]
fn scans_of_one_component_give_what_a_scan_of_all_gives() {
    for scale in SCALES {
        let [apart, together] = [APART, TOGETHER].map(|bytes| decode(bytes, scale).unwrap());
        assert!(apart.complete && together.complete);
        for (apart, together) in apart.planes.iter().zip(&together.planes) {
            assert_eq!((apart.width, apart.height), (together.width, together.height));
            let width = apart.width as usize;
            for (apart, together) in apart.samples.chunks(apart.stride).zip(together.samples.chunks(together.stride)) {
                assert_eq!(apart[..width], together[..width]);
            }
        }
    }
}

#[test]
fn grey_is_what_another_decoder_makes_of_it() {
    for progressive in [false, true] {
        let kind = Kind { color: ColorType::Luma, progressive, ..Kind::default() };
        let bytes = kind.encode();
        assert_eq!(Decoder::new(&bytes).unwrap().header().color, Color::Grey);
        let (largest, mean) = difference(&bytes);
        assert!(largest < 1.1 && mean < 0.05, "{kind:?}: {largest}, {mean}");
    }
}

#[test]
fn colours_are_what_another_decoder_makes_of_them() {
    for progressive in [false, true] {
        let bytes = Kind { progressive, ..Kind::default() }.encode();
        let picture = decode(&bytes, Scale::Full).unwrap();
        for (x, y, pixel) in reference(&bytes).enumerate_pixels() {
            let [luma, cb, cr] = [0, 1, 2].map(|i| sample(&picture.planes[i], x as usize, y as usize));
            let (cb, cr) = (cb - 128.0, cr - 128.0);
            let expected = [luma + 1.402 * cr, luma - 0.344_136 * cb - 0.714_136 * cr, luma + 1.772 * cb];
            for (expected, got) in expected.into_iter().zip(pixel.0) {
                assert!((expected.clamp(0.0, 255.0) - f64::from(got)).abs() < 3.5);
            }
        }
    }
}

/// Compares whole blocks of all planes with the low frequencies of the full size.
fn compare(small: &Picture, full: &Picture, points: usize) -> (f64, f64) {
    let (mut largest, mut sum, mut count) = (0.0f64, 0.0, 0.0);
    for (small, full) in small.planes.iter().zip(&full.planes) {
        assert_eq!(small.width as usize, (full.width as usize * points).div_ceil(8));
        assert_eq!(small.height as usize, (full.height as usize * points).div_ceil(8));
        assert_eq!(small.samples.len(), small.stride * small.height as usize);
        for row in 0..full.height as usize / 8 {
            for column in 0..full.width as usize / 8 {
                for (i, expected) in low_frequencies(full, column, row, points).into_iter().enumerate() {
                    let got = sample(small, column * points + i % points, row * points + i / points);
                    let difference = (got - expected).abs();
                    largest = largest.max(difference);
                    sum += difference;
                    count += 1.0;
                }
            }
        }
    }
    (largest, sum / count)
}

#[test]
fn smaller_sizes_are_the_low_frequencies_of_the_full_size() {
    let files = kinds().into_iter().map(Kind::encode).chain([APART.to_vec()]);
    for bytes in files {
        let full = decode(&bytes, Scale::Full).unwrap();
        for (scale, points) in SCALES.into_iter().zip([1, 2, 4]) {
            let (largest, mean) = compare(&decode(&bytes, scale).unwrap(), &full, points);
            assert!(largest < 1.6 && mean < 0.35, "{scale:?}: {largest}, {mean}");
        }
    }
}

#[test]
fn smaller_sizes_do_without_refinements_at_a_small_loss() {
    for bytes in [REFINED, REFINED_RESTARTS] {
        let full = decode(bytes, Scale::Full).unwrap();
        for (scale, points, most) in [(Scale::Eighth, 1, 0.35), (Scale::Quarter, 2, 1.5), (Scale::Half, 4, 2.5)] {
            let small = decode(bytes, scale).unwrap();
            let (_, mean) = compare(&small, &full, points);
            assert!(small.complete && mean < most, "{scale:?}: {mean}");
        }
    }
}

#[test]
fn each_component_has_a_scale_of_its_own() {
    for progressive in [false, true] {
        let bytes = Kind { sampling: SamplingFactor::F_2_2, progressive, ..Kind::default() }.encode();
        let alike = SCALES.map(|scale| decode(&bytes, scale).unwrap());
        let mixed = Decoder::new(&bytes).unwrap().decode(&[Scale::Quarter, Scale::Eighth, Scale::Full]).unwrap();
        assert_eq!(mixed.planes[0], alike[1].planes[0]);
        assert_eq!(mixed.planes[1], alike[0].planes[1]);
        assert_eq!(mixed.planes[2], alike[3].planes[2]);
    }
}

#[test]
fn all_small_sizes_are_decoded() {
    for sampling in SAMPLINGS {
        for size in 1..=33 {
            for progressive in [false, true] {
                let kind = Kind { width: size, height: 34 - size, sampling, progressive, ..Kind::default() };
                let bytes = kind.encode();
                if SAMPLINGS[..4].contains(&sampling) {
                    let (largest, _) = difference(&bytes);
                    assert!(largest < 2.0, "{kind:?}: {largest}");
                }
                for scale in SCALES {
                    let picture = decode(&bytes, scale).unwrap();
                    assert!(picture.complete && picture.rows == u32::from(kind.height), "{kind:?}");
                }
            }
        }
    }
}

#[test]
fn highest_quality_fills_blocks_to_the_last_coefficient() {
    for progressive in [false, true] {
        let bytes = Kind { quality: 100, progressive, ..Kind::default() }.encode();
        assert!(difference(&bytes).0 < 2.0);
        let full = decode(&bytes, Scale::Full).unwrap();
        for (scale, points) in SCALES.into_iter().zip([1, 2, 4]) {
            assert!(compare(&decode(&bytes, scale).unwrap(), &full, points).0 < 1.6);
        }
    }
}

#[test]
fn cmyk_and_ycck_come_as_four_planes_that_are_inverted() {
    for (color, expected) in [(ColorType::Cmyk, Color::Cmyk), (ColorType::CmykAsYcck, Color::Ycck)] {
        let kind = Kind { color, ..Kind::default() };
        let bytes = kind.encode();
        let decoder = Decoder::new(&bytes).unwrap();
        assert_eq!((decoder.header().color, decoder.header().inverted), (expected, true));
        let picture = decoder.decode(&[Scale::Full; 4]).unwrap();
        // Black is coded alike in both.
        let black = kind.pixels().into_iter().skip(3).step_by(4).map(|ink| 255.0 - f64::from(ink));
        let mean = black.enumerate().map(|(i, k)| (sample(&picture.planes[3], i % 83, i / 83) - k).abs()).sum::<f64>();
        assert!(mean / (83.0 * 61.0) < 4.0, "{mean}");
    }
}

#[test]
fn memory_is_not_underestimated() {
    for kind in kinds() {
        let bytes = kind.encode();
        for scale in SCALES {
            let decoder = Decoder::new(&bytes).unwrap();
            let estimate = decoder.memory(&[scale; 3]);
            let picture = decoder.decode(&[scale; 3]).unwrap();
            let used: usize = picture.planes.iter().map(|plane| plane.samples.capacity()).sum();
            assert!(estimate > used as u64 * if kind.progressive { 3 } else { 1 });
        }
    }
}
