//! Formats other than PNG, against what another decoder makes of them and what browsers show.

use std::io::Cursor;
use std::time::{Duration, Instant};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

use super::{Interleaved, open};
use crate::{Format, RenderError, RenderLimits, sniff};

fn decoded(file: &[u8], min_width: u32) -> Result<Interleaved, RenderError> {
    let format = sniff(file).unwrap();
    open(file, format, &RenderLimits::default())?.decode(min_width)
}

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn noise(width: u32, height: u32) -> RgbaImage {
    let mut state = 7_u32;
    RgbaImage::from_fn(width, height, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Rgba(state.to_be_bytes())
    })
}

/// RGBA, premultiplied.
fn pixel(picture: &Interleaved, x: u32, y: u32) -> [u8; 4] {
    let channels = usize::from(picture.channels);
    let at = (y as usize * picture.width as usize + x as usize) * channels;
    match picture.samples[at..at + channels] {
        [grey] => [grey, grey, grey, 255],
        [grey, alpha] => [grey, grey, grey, alpha],
        [red, green, blue] => [red, green, blue, 255],
        [red, green, blue, alpha] => [red, green, blue, alpha],
        _ => unreachable!(),
    }
}

/// From the top, rows whose first pixel is opaque.
fn opaque_rows(picture: &Interleaved) -> usize {
    (0..picture.height).filter(|y| pixel(picture, 0, *y)[3] == 255).count()
}

/// A GIF of one frame at this place on a screen, with a table of 4 colours, whose pixels count from 0 to 3.
fn gif(screen: [u16; 2], frame: [u16; 4], interlaced: bool, transparent: Option<u8>) -> Vec<u8> {
    let indices: Vec<u8> =
        (0..frame[3]).flat_map(|y| (0..frame[2]).map(move |x| (x + y).to_le_bytes()[0] % 4)).collect();
    let rows = || indices.chunks(frame[2].into());
    let data: Vec<u8> = if interlaced {
        let passes = [(0, 8), (4, 8), (2, 4), (1, 2)];
        passes.into_iter().flat_map(|(first, step)| rows().skip(first).step_by(step).flatten().copied()).collect()
    } else {
        indices.clone()
    };
    let mut file = b"GIF89a".to_vec();
    file.extend(screen.iter().flat_map(|side| side.to_le_bytes()));
    file.extend([0x91, 0, 0, 9, 9, 9, 90, 0, 0, 0, 90, 0, 0, 0, 90]);
    if let Some(index) = transparent {
        file.extend([0x21, 0xf9, 4, 1, 0, 0, index, 0]);
    }
    file.push(0x2c);
    file.extend(frame.iter().flat_map(|side| side.to_le_bytes()));
    file.extend([u8::from(interlaced) << 6, 2]);
    let packed = weezl::encode::Encoder::new(weezl::BitOrder::Lsb, 2).encode(&data).unwrap();
    for block in packed.chunks(20) {
        file.push(u8::try_from(block.len()).unwrap());
        file.extend(block);
    }
    file.extend([0, 0x3b]);
    file
}

const COLORS: [[u8; 4]; 4] = [[9, 9, 9, 255], [90, 0, 0, 255], [0, 90, 0, 255], [0, 0, 90, 255]];

fn color(x: u32, y: u32) -> [u8; 4] {
    COLORS[(x + y) as usize % 4]
}

#[test]
fn a_gif_shows_its_frame_where_it_lies_on_the_screen() {
    for interlaced in [false, true] {
        let picture = decoded(&gif([30, 20], [5, 3, 11, 13], interlaced, Some(2)), 30).unwrap();
        assert!(picture.transparent && picture.complete && (picture.width, picture.height) == (30, 20));
        for (x, y) in (0..30).flat_map(|x| (0..20).map(move |y| (x, y))) {
            let inside = (5..16).contains(&x) && (3..16).contains(&y);
            let expected = if inside { color(x - 5, y - 3) } else { [0; 4] };
            let expected = if expected == COLORS[2] { [0; 4] } else { expected };
            assert_eq!(pixel(&picture, x, y), expected, "{x}, {y}");
        }
        let whole = decoded(&gif([30, 20], [0, 0, 30, 20], interlaced, None), 10).unwrap();
        assert!(!whole.transparent && (whole.width, whole.height, whole.channels) == (10, 7, 3));
    }
}

#[test]
fn the_screen_of_a_gif_grows_with_its_first_frame() {
    let picture = decoded(&gif([4, 4], [5, 3, 11, 13], false, None), 1_000).unwrap();
    assert_eq!((picture.width, picture.height), (16, 16));
    let file = gif([0, 0], [65_000, 65_000, 1, 1], false, None);
    assert!(matches!(decoded(&file, 9), Err(RenderError::TooLarge(_))));
}

#[test]
fn a_truncated_gif_shows_the_rows_that_there_are() {
    let file = gif([40, 40], [0, 0, 40, 40], false, None);
    let mut least = 0;
    for length in 0..file.len() {
        if let Ok(picture) = sniff(&file[..length]).map_or(Err(None), |_| decoded(&file[..length], 40).map_err(Some)) {
            let rows = opaque_rows(&picture);
            assert!(rows >= least.max(1) && picture.complete == (rows == 40));
            assert!((0..u32::try_from(rows).unwrap()).all(|y| pixel(&picture, 7, y) == color(7, y)));
            least = rows;
        }
    }
    assert_eq!(least, 40);
    // Interlaced: what is missing looks like the row above it of an earlier pass.
    let file = gif([40, 40], [0, 0, 40, 40], true, None);
    let picture = decoded(&file[..36 + (file.len() - 36) * 40 / 100], 40).unwrap();
    assert!(opaque_rows(&picture) == 40 && !picture.complete);
    assert_eq!(pixel(&picture, 7, 7), color(7, 4));
    let picture = decoded(&file[..36 + (file.len() - 36) * 15 / 100], 40).unwrap();
    assert!((8..40).contains(&opaque_rows(&picture)));
    assert_eq!(pixel(&picture, 7, 7), color(7, 0));
}

#[test]
fn a_truncated_bitmap_shows_the_rows_that_there_are() {
    let image = RgbImage::from_fn(30, 20, |x, y| Rgb([x.to_le_bytes()[0], y.to_le_bytes()[0], 0]));
    let file = encoded(image.clone(), ImageFormat::Bmp);
    let picture = decoded(&file[..54 + 92 * 5 + 3], 30).unwrap();
    assert!(!picture.complete && picture.transparent);
    for y in 0..20_u32 {
        let expected = if y < 15 { [0; 4] } else { [7, y.to_le_bytes()[0], 0, 255] };
        assert_eq!(pixel(&picture, 7, y), expected, "{y}");
    }
    let mut upside_down = file.clone();
    upside_down[22..26].copy_from_slice(&(-20_i32).to_le_bytes());
    let picture = decoded(&upside_down[..54 + 92 * 5 + 3], 30).unwrap();
    assert_eq!([4, 5].map(|y| pixel(&picture, 7, y)[3]), [255, 0]);
    assert!(matches!(decoded(&file[..60], 30), Err(RenderError::Damaged(_))));
    assert!(decoded(&file, 30).unwrap().complete);
}

#[test]
fn other_formats_are_decoded_as_a_whole_and_averaged() {
    let image = noise(45, 31);
    for (format, file) in [
        (Format::Bmp, encoded(image.clone(), ImageFormat::Bmp)),
        (Format::Tiff, encoded(image.clone(), ImageFormat::Tiff)),
        (Format::WebP, encoded(image.clone(), ImageFormat::WebP)),
        (Format::Ico, encoded(image.clone(), ImageFormat::Ico)),
    ] {
        assert_eq!(sniff(&file), Some(format));
        let picture = decoded(&file, 45).unwrap();
        assert!(picture.transparent && picture.complete, "{format:?}");
        for (x, y, expected) in image.enumerate_pixels() {
            let [red, green, blue, alpha] = expected.0;
            let times = |sample: u8| u8::try_from((u16::from(sample) * u16::from(alpha) + 127) / 255).unwrap();
            assert_eq!(pixel(&picture, x, y), [times(red), times(green), times(blue), alpha], "{format:?}");
        }
        let small = decoded(&file, 20).unwrap();
        assert_eq!((small.width, small.height), (23, 16), "{format:?}");
    }
}

#[test]
fn what_browsers_show_nothing_of_is_damaged() {
    for format in [ImageFormat::WebP, ImageFormat::Tiff] {
        let file = encoded(noise(45, 31), format);
        let error = decoded(&file[..file.len() / 2], 45).err().unwrap();
        assert!(matches!(error, RenderError::Damaged(_)), "{format:?}: {error}");
    }
}

#[test]
fn damaged_files_of_every_format_end_soon() {
    let begun = Instant::now();
    let mut files: Vec<_> = [ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP, ImageFormat::Jpeg]
        .map(|format| encoded(DynamicImage::from(noise(13, 9)).into_rgb8(), format))
        .into();
    files.push(encoded(noise(13, 9), ImageFormat::Ico));
    files.extend([false, true].map(|interlaced| gif([15, 10], [1, 1, 13, 9], interlaced, Some(1))));
    for file in files {
        let format = sniff(&file).unwrap();
        let limits = RenderLimits { max_pixels: 1_000_000, ..RenderLimits::default() };
        let decode = |file: &[u8]| open(file, format, &limits).and_then(|opened| opened.decode(5)).map(drop);
        for at in 0..file.len() {
            drop(decode(&file[..at]));
            for bit in [1, 8, 128] {
                let mut bad = file.clone();
                bad[at] ^= bit;
                drop(decode(&bad));
            }
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(60));
}
