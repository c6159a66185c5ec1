//! TIFF in its varieties, written here, against the pixels they were made of.

use std::io::Write;

use flate2::Compression as Level;
use flate2::write::ZlibEncoder;
use weezl::BitOrder;

use crate::interleaved::{Interleaved, open};
use crate::{Format, RenderError, RenderLimits};

/// What a file is written from.
struct File {
    big_endian: bool,
    width: u32,
    height: u32,
    entries: Vec<(u16, Vec<u32>)>,
    chunks: Vec<Vec<u8>>,
    raw: Vec<(u16, Vec<u8>)>,
    /// How often the first chunk is named instead of each once.
    shared: Option<usize>,
}

impl File {
    fn new(width: u32, height: u32, photometric: u32, bits: &[u32], chunks: Vec<Vec<u8>>) -> Self {
        let samples = u32::try_from(bits.len()).unwrap();
        let entries = vec![(258, bits.to_vec()), (262, vec![photometric]), (277, vec![samples])];
        Self { big_endian: false, width, height, entries, chunks, raw: Vec::new(), shared: None }
    }

    fn with(mut self, tag: u16, values: &[u32]) -> Self {
        self.entries.push((tag, values.to_vec()));
        self
    }

    fn big_endian(mut self) -> Self {
        self.big_endian = true;
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let two = |number: u16| if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
        let four = |number: u32| if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
        let mut file = if self.big_endian { b"MM".to_vec() } else { b"II".to_vec() };
        file.extend(two(42));
        file.extend([0; 4]);
        let place = |file: &Vec<u8>| u32::try_from(file.len()).unwrap();
        let mut offsets = Vec::new();
        for chunk in &self.chunks {
            offsets.push(place(&file));
            file.extend(chunk);
        }
        let mut lengths: Vec<u32> = self.chunks.iter().map(|chunk| u32::try_from(chunk.len()).unwrap()).collect();
        if let Some(times) = self.shared {
            (offsets, lengths) = (vec![offsets[0]; times], vec![lengths[0]; times]);
        }
        let is_tiled = self.entries.iter().any(|(tag, _)| *tag == 322);
        let mut entries = self.entries.clone();
        entries.extend([(256, vec![self.width]), (257, vec![self.height])]);
        entries.extend([(if is_tiled { 324 } else { 273 }, offsets), (if is_tiled { 325 } else { 279 }, lengths)]);
        let mut directory = Vec::new();
        for (tag, values) in entries {
            directory.extend([two(tag), two(4)].concat());
            directory.extend(four(u32::try_from(values.len()).unwrap()));
            if let [value] = values[..] {
                directory.extend(four(value));
            } else {
                directory.extend(four(place(&file)));
                file.extend(values.into_iter().flat_map(four));
            }
        }
        for (tag, bytes) in &self.raw {
            directory.extend([two(*tag), two(7)].concat());
            directory.extend(four(u32::try_from(bytes.len()).unwrap()));
            directory.extend(four(place(&file)));
            file.extend(bytes);
        }
        let at = four(place(&file));
        file[4..8].copy_from_slice(&at);
        file.extend(two(u16::try_from(directory.len() / 12).unwrap()));
        file.extend(directory);
        file.extend([0; 4]);
        file
    }

    fn decode(&self) -> Result<Interleaved, RenderError> {
        open(&self.bytes(), Format::Tiff, &RenderLimits::default())?.decode(self.width)
    }

    fn pixels(&self) -> Vec<u8> {
        self.decode().unwrap().samples
    }
}

/// RGB that differs everywhere.
fn colors(width: u32, height: u32) -> Vec<u8> {
    (0..width * height * 3).map(|at| (at * 7 + at / width).to_le_bytes()[0]).collect()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Level::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn lzw(bytes: &[u8]) -> Vec<u8> {
    weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8).encode(bytes).unwrap()
}

/// Runs and literals.
fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packed = vec![128];
    for part in bytes.chunks(100) {
        if part.iter().all(|byte| *byte == part[0]) {
            packed.extend([(257 - part.len()).to_le_bytes()[0], part[0]]);
        } else {
            packed.push((part.len() - 1).to_le_bytes()[0]);
            packed.extend(part);
        }
    }
    packed
}

#[test]
fn pixels_are_the_same_however_they_are_compressed() {
    let pixels = [colors(20, 10), vec![9; 300]].concat();
    let file = |compression, data| File::new(20, 15, 2, &[8; 3], vec![data]).with(259, &[compression]);
    for (compression, data) in [
        (1, pixels.clone()),
        (5, lzw(&pixels)),
        (8, deflated(&pixels)),
        (32_946, deflated(&pixels)),
        (32_773, packed(&pixels)),
    ] {
        assert_eq!(file(compression, data).pixels(), pixels, "{compression}");
    }
}

#[test]
fn strips_and_tiles_are_put_together_with_planes_and_without() {
    let (width, height) = (20, 18);
    let pixels = colors(width, height);
    let strips = pixels.chunks(20 * 3 * 7).map(lzw).collect();
    let striped = File::new(width, height, 2, &[8; 3], strips).with(259, &[5]).with(278, &[7]);
    assert_eq!(striped.pixels(), pixels);

    let sample = |x: u32, y: u32, s: u32| {
        if x < width && y < height { pixels[((y * width + x) * 3 + s) as usize] } else { 77 }
    };
    let tile = |left: u32, top: u32, samples: std::ops::Range<u32>| -> Vec<u8> {
        let rows = (top..top + 16).flat_map(|y| (left..left + 16).map(move |x| (x, y)));
        rows.flat_map(|(x, y)| samples.clone().map(move |s| sample(x, y, s))).collect()
    };
    let corners = [(0, 0), (16, 0), (0, 16), (16, 16)];
    let chunky = corners.iter().map(|(x, y)| tile(*x, *y, 0..3)).collect();
    let planes = (0..3).flat_map(|s| corners.iter().map(move |(x, y)| (*x, *y, s)));
    let by_plane = planes.map(|(x, y, s)| tile(x, y, s..s + 1)).collect();
    for (configuration, tiles) in [(1, chunky), (2, by_plane)] {
        let file = File::new(width, height, 2, &[8; 3], tiles);
        let file = file.with(322, &[16]).with(323, &[16]).with(284, &[configuration]);
        assert_eq!(file.pixels(), pixels, "{configuration}");
    }
}

#[test]
fn predictors_are_undone_in_both_byte_orders() {
    let values: Vec<u16> = (0..12 * 8 * 3).map(|at: u16| at.wrapping_mul(40_503)).collect();
    let expected: Vec<u8> = values.iter().map(|value| ((u32::from(*value) + 128) / 257).to_le_bytes()[0]).collect();
    let differences: Vec<u16> = values
        .chunks(36)
        .flat_map(|row| (0..36).map(|at| if at < 3 { row[at] } else { row[at].wrapping_sub(row[at - 3]) }))
        .collect();
    let file = |bytes: Vec<u8>| File::new(12, 8, 2, &[16; 3], vec![deflated(&bytes)]).with(259, &[8]).with(317, &[2]);
    let little = file(differences.iter().flat_map(|value| value.to_le_bytes()).collect());
    let big = file(differences.iter().flat_map(|value| value.to_be_bytes()).collect()).big_endian();
    for pixels in [little.pixels(), big.pixels()] {
        assert!(pixels.iter().zip(&expected).all(|(one, other)| one.abs_diff(*other) <= 1), "{pixels:?}");
    }

    // Grey numbers, the bytes of each significance together, as differences.
    let floats: Vec<f32> = (0..16_u8).map(|at| f32::from(at) / 15.0).collect();
    let planes: Vec<u8> = (0..4).flat_map(|byte| floats.iter().map(move |float| float.to_be_bytes()[byte])).collect();
    let differences: Vec<u8> =
        (0..64).map(|at| if at == 0 { planes[0] } else { planes[at].wrapping_sub(planes[at - 1]) }).collect();
    let file = File::new(16, 1, 1, &[32], vec![deflated(&differences)]);
    let file = file.with(259, &[8]).with(317, &[3]).with(339, &[3]);
    assert_eq!(file.pixels(), (0..16).map(|at| at * 17).collect::<Vec<u8>>());
}

#[test]
fn bits_are_read_from_the_highest_or_the_lowest_and_white_may_be_zero() {
    let expected = [255, 0, 255, 255, 0, 0, 0, 255, 255, 0];
    let bits = File::new(10, 1, 1, &[1], vec![vec![0b1011_0001, 0b1000_0000]]);
    assert_eq!(bits.pixels(), expected);
    let reversed = File::new(10, 1, 1, &[1], vec![vec![0b1000_1101, 0b0000_0001]]).with(266, &[2]);
    assert_eq!(reversed.pixels(), expected);
    let inverted = File::new(10, 1, 0, &[1], vec![vec![0b0100_1110, 0b0100_0000]]);
    assert_eq!(inverted.pixels(), expected);
    let twelve = File::new(3, 1, 1, &[12], vec![vec![0x00, 0x0f, 0xff, 0x80, 0x00]]);
    assert_eq!(twelve.pixels(), [0, 255, 128]);
}

#[test]
fn a_palette_has_16_bits_or_8() {
    let wide: Vec<u32> = [[0xff00, 0, 0x8000, 0], [0, 0xff00, 0x8000, 0], [0, 0, 0x8000, 0xff00]].concat();
    let narrow: Vec<u32> = wide.iter().map(|value| value >> 8).collect();
    for map in [wide, narrow] {
        let file = File::new(4, 1, 3, &[2], vec![vec![0b0001_1011]]).with(320, &map);
        assert_eq!(file.pixels(), [255, 0, 0, 0, 255, 0, 128, 128, 128, 0, 0, 255]);
    }
}

#[test]
fn alpha_is_straight_or_associated_and_other_samples_are_left_out() {
    let premultiplied = [100, 50, 0, 128];
    let associated = File::new(1, 1, 2, &[8; 4], vec![vec![100, 50, 0, 128]]).with(338, &[1]);
    assert_eq!(associated.pixels(), premultiplied);
    let straight = File::new(1, 1, 2, &[8; 4], vec![vec![199, 100, 0, 128]]).with(338, &[2]);
    assert_eq!(straight.pixels(), premultiplied);
    let depth = File::new(1, 1, 2, &[8; 4], vec![vec![199, 100, 0, 128]]).with(338, &[0]);
    assert_eq!(depth.pixels(), [199, 100, 0]);
}

#[test]
fn inks_and_lab_become_colours() {
    let inks = [[0, 0, 0, 0], [0, 255, 255, 0], [0, 0, 0, 255], [128, 0, 0, 0]].concat();
    let file = File::new(4, 1, 5, &[8; 4], vec![inks]);
    assert_eq!(file.pixels(), [[255; 3], [255, 0, 0], [0; 3], [127, 255, 255]].concat());

    // White, black, and the red of sRGB: L* 54.29, a* 80.81, b* 69.89 by D50.
    let signed = File::new(3, 1, 8, &[8; 3], vec![vec![255, 0, 0, 0, 0, 0, 138, 81, 70]]);
    let unsigned = File::new(3, 1, 9, &[8; 3], vec![vec![255, 128, 128, 0, 128, 128, 138, 209, 198]]);
    for pixels in [signed.pixels(), unsigned.pixels()] {
        let expected = [255, 255, 255, 0, 0, 0, 255, 0, 0];
        assert!(pixels.iter().zip(expected).all(|(one, other)| one.abs_diff(other) <= 6), "{pixels:?}");
    }
}

#[test]
fn a_fax_is_drawn_in_black_on_white() {
    // T.6: a line of 8 white, then one of 3 white, 2 black, 3 white; then the end of the block.
    let bytes = of_bits(&["1", "001", "1000", "11", "1", "000000000001000000000001"]);
    let file = File::new(8, 2, 0, &[1], vec![bytes]).with(259, &[4]);
    assert_eq!(file.pixels(), [[255; 8], [255, 255, 255, 0, 0, 255, 255, 255]].concat());
}

#[test]
fn the_last_line_of_a_fax_needs_no_end() {
    // T.4, one-dimensional: the end of a line before each, as libtiff writes it; 3 white, 5 black; 8 white, the second strip
    // 2 white, 2 black, 4 white.
    let end = "000000000001";
    let strips = [of_bits(&[end, "1000", "0011", end, "10011"]), of_bits(&[end, "0111", "11", "1011"])];
    let file = File::new(8, 3, 0, &[1], strips.to_vec()).with(259, &[3]).with(278, &[2]);
    let [black, white] = [0, 255];
    let lines = [
        [white, white, white, black, black, black, black, black],
        [white; 8],
        [white, white, black, black, white, white, white, white],
    ];
    assert_eq!(file.pixels(), lines.concat());
}

#[test]
fn a_fax_may_end_with_the_last_bit_of_its_last_code() {
    // 21 white, 3 black.
    let file = File::new(24, 1, 0, &[1], vec![of_bits(&["000000000001", "0010111", "10"])]).with(259, &[3]);
    assert_eq!(file.pixels(), [[255; 21].as_slice(), &[0; 3]].concat());
}

#[test]
fn chunks_that_share_their_data_are_no_bomb() {
    // An empty block of Deflate, again and again, for each of 250,000 tiles.
    let blocks = [[0x78, 0x01].as_slice(), &[0, 0, 0, 0xff, 0xff].repeat(20_000)].concat();
    let file = File::new(8000, 8000, 1, &[8], vec![blocks]).with(259, &[8]).with(322, &[16]).with(323, &[16]);
    let file = File { shared: Some(250_000), ..file };
    let begun = std::time::Instant::now();
    assert!(matches!(file.decode(), Err(RenderError::Damaged(_))));
    assert!(begun.elapsed() < std::time::Duration::from_secs(2));
}

/// Bytes of these bits, the first of them highest.
fn of_bits(bits: &[&str]) -> Vec<u8> {
    let byte = |bits: &[u8]| bits.iter().enumerate().fold(0, |byte, (at, bit)| byte | (bit - b'0') << (7 - at));
    bits.concat().as_bytes().chunks(8).map(byte).collect()
}

#[test]
fn jpeg_shares_its_tables_and_is_upsampled() {
    let grey: Vec<u8> = (0..16 * 16).map(|at: u32| (at % 16 * 16).to_le_bytes()[0]).collect();
    let mut jpeg = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 95);
    encoder.encode(&grey, 16, 16, image::ExtendedColorType::L8).unwrap();
    // Quantisation and Huffman tables into a file of their own.
    let (mut tables, mut picture) = (vec![0xff, 0xd8], vec![0xff, 0xd8]);
    let mut at = 2;
    while jpeg[at + 1] != 0xda {
        let length = usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]])) + 2;
        let to = if matches!(jpeg[at + 1], 0xdb | 0xc4) { &mut tables } else { &mut picture };
        to.extend(&jpeg[at..at + length]);
        at += length;
    }
    picture.extend(&jpeg[at..]);
    tables.extend([0xff, 0xd9]);
    let mut file = File::new(16, 16, 1, &[8], vec![picture]).with(259, &[7]);
    file.raw.push((347, tables));
    let pixels = file.pixels();
    assert!(pixels.iter().zip(&grey).all(|(one, other)| one.abs_diff(*other) < 9), "{pixels:?}");
}

#[test]
fn strips_that_are_missing_leave_the_others() {
    let pixels = colors(8, 8);
    let mut strips: Vec<_> = pixels.chunks(8 * 3 * 2).map(deflated).collect();
    strips[1] = b"rubbish".to_vec();
    let file = File::new(8, 8, 2, &[8; 3], strips).with(259, &[8]).with(278, &[2]);
    let picture = file.decode().unwrap();
    assert!(!picture.complete && picture.transparent);
    let row = |y: usize| picture.samples[y * 8 * 4..][..4].to_vec();
    assert_eq!([row(0)[3], row(2)[3], row(4)[3]], [255, 0, 255]);

    let nothing = File::new(8, 8, 2, &[8; 3], vec![b"rubbish".to_vec()]).with(259, &[8]);
    assert!(matches!(nothing.decode(), Err(RenderError::Damaged(_))));
}

#[test]
fn what_the_tags_claim_costs_nothing() {
    let file = |tag, value| File::new(8, 8, 2, &[8; 3], vec![colors(8, 8)]).with(tag, &[value]);
    // More samples, rows and tiles than there are, and tiles of no size.
    for (tag, value) in [(277, u32::MAX), (278, u32::MAX), (322, 0), (322, u32::MAX), (259, 99), (317, 9)] {
        let file = file(tag, value).bytes();
        if let Ok(opened) = open(&file, Format::Tiff, &RenderLimits::default()) {
            assert!(opened.memory(8) < 2 << 20, "{tag} {value}");
            let _ = opened.decode(8);
        }
    }
    let huge = File::new(60_000, 60_000, 2, &[8; 3], vec![Vec::new()]).bytes();
    let refused = open(&huge, Format::Tiff, &RenderLimits::default()).err();
    assert!(matches!(refused, Some(RenderError::TooLarge(_))), "{refused:?}");
}
