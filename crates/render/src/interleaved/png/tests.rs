//! Files of random rows, compared with what another decoder makes of them.

use super::super::{Interleaved, Opened, open};
use super::adam7::PASSES;
use crate::color::{Space, Transform};
use crate::{Format, RenderError, RenderLimits};

/// Numbers that are the same in every run.
struct Random(u32);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0.to_be_bytes()[0]
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte()).collect()
    }
}

/// A kind of PNG: bits a sample, number of the colour type, interlaced or not, chunks before the pixels.
#[derive(Debug, Clone)]
struct Kind {
    depth: u8,
    color: u8,
    interlaced: bool,
    chunks: Vec<([u8; 4], Vec<u8>)>,
}

impl Kind {
    fn plain(depth: u8, color: u8) -> Self {
        Self { depth, color, interlaced: false, chunks: Vec::new() }
    }

    fn row(&self, width: u32) -> usize {
        let samples = [1, 0, 3, 1, 2, 0, 4][usize::from(self.color)];
        (width as usize * samples * usize::from(self.depth)).div_ceil(8)
    }

    /// Rows of random bytes under random filters; whatever they are, they are an image.
    fn pixels(&self, width: u32, height: u32) -> Vec<u8> {
        let mut random = Random(u32::from(self.depth) * 100 + u32::from(self.color));
        let mut rows = Vec::new();
        let mut row = |length: usize| {
            rows.push(random.byte() % 5);
            rows.extend(random.bytes(length));
        };
        if self.interlaced {
            for pass in PASSES.iter().filter(|pass| pass.width(width) > 0) {
                pass.rows(height).for_each(|_| row(self.row(pass.width(width))));
            }
        } else {
            (0..height).for_each(|_| row(self.row(width)));
        }
        rows
    }

    /// A file, its pixels in data chunks of this length.
    fn file(&self, width: u32, height: u32, portion: usize) -> Vec<u8> {
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        let fields = [self.depth, self.color, 0, 0, u8::from(self.interlaced)];
        chunk(&mut file, *b"IHDR", &[&width.to_be_bytes()[..], &height.to_be_bytes(), &fields].concat());
        for (name, data) in &self.chunks {
            chunk(&mut file, *name, data);
        }
        for data in fdeflate::compress_to_vec(&self.pixels(width, height)).chunks(portion) {
            chunk(&mut file, *b"IDAT", data);
        }
        chunk(&mut file, *b"IEND", &[]);
        file
    }
}

fn chunk(file: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    file.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
    let start = file.len();
    file.extend(name);
    file.extend(data);
    file.extend(crc32fast::hash(&file[start..]).to_be_bytes());
}

fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for (color, depths) in [(0, &[1, 2, 4, 8, 16][..]), (2, &[8, 16]), (3, &[1, 2, 4, 8]), (4, &[8, 16]), (6, &[8, 16])]
    {
        for depth in depths {
            let mut kind = Kind::plain(*depth, color);
            if color == 3 {
                kind.chunks.push((*b"PLTE", Random(3).bytes(3 << depth)));
            }
            kinds.push(kind.clone());
            // Half of the palette, one grey, one colour.
            let opacities = match color {
                0 => vec![0, 1],
                2 => vec![0, 7, 0, 8, 0, 9],
                3 => Random(9).bytes(1 << (depth - 1)),
                _ => continue,
            };
            kind.chunks.push((*b"tRNS", opacities));
            kinds.push(kind);
        }
    }
    let interlaced = kinds.clone().into_iter().map(|kind| Kind { interlaced: true, ..kind });
    kinds.extend(interlaced);
    kinds
}

fn opened(file: &[u8]) -> Result<Opened<'_>, RenderError> {
    open(file, Format::Png, &RenderLimits::default())
}

fn decoded(file: &[u8], min_width: u32) -> Result<Interleaved, RenderError> {
    opened(file)?.decode(min_width)
}

/// RGBA, premultiplied.
fn rgba(picture: &Interleaved) -> Vec<[u8; 4]> {
    let pixels = picture.samples.chunks_exact(picture.channels.into());
    let rgba: Vec<_> = pixels
        .map(|pixel| match *pixel {
            [grey] => [grey, grey, grey, 255],
            [grey, alpha] => [grey, grey, grey, alpha],
            [red, green, blue] => [red, green, blue, 255],
            [red, green, blue, alpha] => [red, green, blue, alpha],
            _ => unreachable!(),
        })
        .collect();
    assert_eq!(rgba.len(), picture.width as usize * picture.height as usize);
    rgba
}

/// The same by another decoder, and without any cleverness.
fn reference(file: &[u8], factor: u32) -> Vec<[f64; 4]> {
    let image = image::load_from_memory(file).unwrap().into_rgba16();
    let mut averages = Vec::new();
    for top in (0..image.height()).step_by(factor as usize) {
        for left in (0..image.width()).step_by(factor as usize) {
            let (mut sums, mut count) = ([0.0; 4], 0.0);
            for y in top..(top + factor).min(image.height()) {
                for x in left..(left + factor).min(image.width()) {
                    let pixel = image.get_pixel(x, y).0.map(f64::from);
                    let alpha = pixel[3] / 65_535.0;
                    for (sum, sample) in sums.iter_mut().zip([pixel[0], pixel[1], pixel[2], 65_535.0]) {
                        *sum += sample * alpha / 257.0;
                    }
                    count += 1.0;
                }
            }
            averages.push(sums.map(|sum| sum / count));
        }
    }
    averages
}

fn same(ours: &[[u8; 4]], expected: &[[f64; 4]], what: &str) {
    assert_eq!(ours.len(), expected.len(), "{what}");
    for (at, (ours, expected)) in ours.iter().zip(expected).enumerate() {
        let off = ours.iter().zip(expected).map(|(ours, expected)| (f64::from(*ours) - expected).abs());
        assert!(off.fold(0.0, f64::max) < 0.52, "{what}: pixel {at} is {ours:?}, not {expected:?}");
    }
}

#[test]
fn every_kind_of_image_is_what_another_decoder_makes_of_it_at_every_factor() {
    for kind in kinds() {
        for (width, height) in [(37, 23), (8, 8), (3, 2), (1, 1), (1, 40), (300, 2)] {
            let file = kind.file(width, height, 50);
            for min_width in [width, width / 2, width / 3, width / 7, 1] {
                let picture = decoded(&file, min_width).unwrap();
                let factor = (width / min_width.max(1)).min(256);
                assert!(picture.complete && picture.width == width.div_ceil(factor));
                let what = format!("{kind:?}, {width} x {height} / {factor}");
                same(&rgba(&picture), &reference(&file, factor), &what);
            }
        }
    }
}

#[test]
fn what_is_in_memory_at_once_does_not_show() {
    // Rows longer than what is inflated ahead, and many short ones.
    for (width, height) in [(16_384, 9), (40, 9_000)] {
        let file = Kind::plain(16, 6).file(width, height, 65_536);
        let picture = decoded(&file, width).unwrap();
        same(&rgba(&picture), &reference(&file, 1), "large");
    }
}

#[test]
fn an_opaque_picture_has_no_alpha_channel() {
    let mut kind = Kind::plain(8, 3);
    kind.chunks = vec![(*b"PLTE", vec![9; 768]), (*b"tRNS", vec![255; 256])];
    let picture = decoded(&kind.file(20, 20, 99), 5).unwrap();
    assert_eq!((picture.channels, picture.transparent), (3, false));
    assert!(picture.samples.iter().all(|sample| *sample == 9));
}

#[test]
fn a_truncated_file_shows_the_rows_that_there_are() {
    let kind = Kind::plain(8, 2);
    let file = kind.file(40, 30, 500);
    let whole = rgba(&decoded(&file, 40).unwrap());
    let mut least = 0;
    for length in 0..file.len() - 16 {
        match decoded(&file[..length], 40) {
            Ok(picture) => {
                let pixels = rgba(&picture);
                let rows = pixels.chunks(40).take_while(|row| row[0][3] == 255).count();
                assert!(rows >= least && rows > 0 && picture.complete == (rows == 30));
                assert_eq!(pixels[..rows * 40], whole[..rows * 40]);
                assert!(pixels[rows * 40..].iter().all(|pixel| *pixel == [0; 4]));
                least = rows;
            }
            Err(error) => {
                assert_eq!(least, 0);
                assert_eq!(error.to_string(), "The image is damaged: its data ends too early.", "{length}");
            }
        }
    }
    assert!(least >= 29);
    // In a small picture, a row of boxes that is there in part is as transparent as it lacks rows.
    let few = kind.pixels(40, 10);
    let mut short = file[..33].to_vec();
    chunk(&mut short, *b"IDAT", &fdeflate::compress_to_vec(&few));
    let picture = decoded(&short, 10).unwrap();
    let alphas: Vec<_> = rgba(&picture).chunks(10).map(|row| row[0][3]).collect();
    assert_eq!(alphas, [255, 255, 127, 0, 0, 0, 0, 0]);
    assert!(picture.transparent && !picture.complete);
}

#[test]
fn a_truncated_interlaced_file_shows_the_pixels_of_earlier_passes() {
    let kind = Kind { interlaced: true, ..Kind::plain(8, 2) };
    let rows = kind.pixels(16, 16);
    // One row of two pixels of the first pass; both; all of the first pass and of the second.
    for (rows_there, opaque) in [(1, 8), (2, 16)] {
        let data = &rows[..rows_there * 7];
        let mut file = kind.file(16, 16, 50)[..33].to_vec();
        chunk(&mut file, *b"IDAT", &fdeflate::compress_to_vec(data));
        let picture = decoded(&file, 16).unwrap();
        let pixels = rgba(&picture);
        assert!(!picture.complete && picture.transparent == (opaque < 16));
        for (at, pixel) in pixels.iter().enumerate() {
            let (x, y) = (at % 16, at / 16);
            let source = if y < opaque { pixels[y / 8 * 8 * 16 + x / 8 * 8] } else { [0; 4] };
            assert_eq!(*pixel, source, "{x}, {y}");
        }
        assert_eq!(pixels[0][3], 255);
    }
}

#[test]
fn a_bad_check_sum_ends_the_pixels_like_in_browsers() {
    let mut file = Kind::plain(8, 2).file(40, 30, 1000);
    let second = file.windows(4).enumerate().filter(|(_, name)| name == b"IDAT").map(|(at, _)| at).nth(1).unwrap();
    file[second + 4 + 1000] ^= 1;
    let picture = decoded(&file, 40).unwrap();
    let rows = rgba(&picture).chunks(40).take_while(|row| row[0][3] == 255).count();
    assert!(!picture.complete && (10..20).contains(&rows), "{rows}");
    // Before the pixels, it is the end, unless the image can do without.
    let mut file = Kind::plain(8, 2).file(4, 3, 1000);
    file[30] ^= 1;
    assert_eq!(decoded(&file, 4).err().unwrap().to_string(), "The image is damaged: it cannot be decoded.");
    let mut kind = Kind::plain(8, 2);
    kind.chunks.push((*b"tEXt", b"a\0b".to_vec()));
    let mut file = kind.file(4, 3, 1000);
    file[33 + 8 + 3] ^= 1;
    assert!(decoded(&file, 4).unwrap().complete);
}

#[test]
fn flipped_bits_and_missing_bytes_never_panic() {
    for kind in kinds() {
        let good = kind.file(13, 9, 40);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            drop(decoded(&bad, 4));
            drop(decoded(&good[..at], 4));
            // The same with sound chunks: the damage reaches what is inside.
            drop(decoded(&repaired(&bad), 4));
        }
    }
}

/// With check sums that are right.
fn repaired(file: &[u8]) -> Vec<u8> {
    let mut out = file[..8].to_vec();
    let mut at = 8;
    while let Some(read) = super::chunks::chunk(file, at) {
        chunk(&mut out, read.name, read.data);
        at = read.end;
    }
    out
}

#[test]
fn a_gamma_counts_unless_it_is_that_of_srgb() {
    let icc = |chunks: &[([u8; 4], Vec<u8>)], color| {
        let mut kind = Kind::plain(8, color);
        kind.chunks = chunks.to_vec();
        opened(&kind.file(4, 4, 99)).unwrap().meta().icc.clone()
    };
    let gamma = |gamma: u32| (*b"gAMA", gamma.to_be_bytes().to_vec());
    for color in [0, 2] {
        assert!(icc(&[gamma(45_455)], color).is_none());
        assert!(icc(&[gamma(100_000), (*b"sRGB", vec![0])], color).is_none());
        assert!(icc(&[gamma(0)], color).is_none());
        let linear = icc(&[gamma(100_000)], color).unwrap();
        let (space, samples) = if color == 0 { (Space::Grey, &[55][..]) } else { (Space::Rgb, &[55; 3][..]) };
        let pixel = Transform::new(Some(&linear), space).unwrap().apply(samples).unwrap();
        assert!(pixel[0].abs_diff(128) < 4, "{pixel:?}");
    }
    let wide: Vec<u8> = [31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000_u32]
        .into_iter()
        .flat_map(u32::to_be_bytes)
        .collect();
    let icc = icc(&[gamma(45_455), (*b"cHRM", wide)], 2).unwrap();
    let pixel = Transform::new(Some(&icc), Space::Rgb).unwrap().apply(&[180, 120, 90]).unwrap();
    // As in Display P3, but for the curve.
    assert!(pixel[0].abs_diff(188) < 6 && pixel[1].abs_diff(118) < 6 && pixel[2].abs_diff(86) < 6, "{pixel:?}");
}

#[test]
fn what_is_enormous_or_not_allowed_is_refused_by_its_header() {
    let file = Kind::plain(1, 0).file(8, 8, 99);
    let with = |at: usize, bytes: &[u8]| {
        let mut file = file.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        opened(&repaired(&file)).err().map(|error| error.to_string())
    };
    let large = "The image has 4.3 gigapixels; at most 64 megapixels can be scaled.";
    assert_eq!(with(16, &[0, 0, 0xfd, 0xe8, 0, 0, 0xfd, 0xe8]).as_deref(), Some(large));
    assert!(with(16, &[0; 8]).unwrap().contains("no pixels"));
    for (at, value) in [(24, 3), (24, 0), (25, 1), (25, 3), (25, 6), (26, 1), (27, 1), (28, 2)] {
        assert!(with(at, &[value]).unwrap().contains("cannot be decoded"), "{at} {value}");
    }
    assert_eq!(with(24, &[8]), None);
}

#[test]
fn memory_does_not_grow_with_the_height_of_what_is_averaged_away() {
    let limits = RenderLimits::default();
    let kind = Kind::plain(8, 2);
    let mut file = kind.file(8, 8, 99);
    file[16..24].copy_from_slice(&[0, 0, 0x1f, 0x40, 0, 0, 0x1f, 0x40]);
    let file = repaired(&file);
    let opened = open(&file, Format::Png, &limits).unwrap();
    assert!(opened.memory(1000) < 12 << 20, "{}", opened.memory(1000));
}
