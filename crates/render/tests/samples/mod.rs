//! Images, made here: by encoders where there are any, byte by byte where there are none.

use image::codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder};
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage};
use std::io::Cursor;

pub const RED: [u8; 3] = [255, 0, 0];
pub const GREEN: [u8; 3] = [0, 255, 0];
pub const BLUE: [u8; 3] = [0, 0, 255];
pub const WHITE: [u8; 3] = [255, 255, 255];

/// Red and green above blue and white.
pub fn quadrants(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb(match (x < width / 2, y < height / 2) {
            (true, true) => RED,
            (false, true) => GREEN,
            (true, false) => BLUE,
            (false, false) => WHITE,
        })
    })
}

/// Something like a photograph: smooth, with noise.
pub fn photograph(width: u32, height: u32) -> RgbImage {
    let mut noise = 1_u32;
    RgbImage::from_fn(width, height, |x, y| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let grain = u8::try_from(noise >> 28).unwrap();
        let slope = |at: u32, of: u32| u8::try_from(at * 200 / of).unwrap() + grain;
        Rgb([slope(x, width), slope(y, height), slope(x + y, width + height)])
    })
}

pub fn encode(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// What a camera writes beside the pixels.
#[derive(Default)]
pub struct Metadata {
    pub exif: Option<Vec<u8>>,
    pub icc: Option<Vec<u8>>,
}

impl Metadata {
    pub fn orientation(orientation: u16) -> Self {
        Self { exif: Some(exif(orientation)), icc: None }
    }

    pub fn profile(profile: &moxcms::ColorProfile) -> Self {
        Self { exif: None, icc: Some(profile.encode().unwrap()) }
    }
}

pub fn encode_with(image: &RgbImage, format: ImageFormat, metadata: Metadata) -> Vec<u8> {
    fn write(mut encoder: impl ImageEncoder, image: &RgbImage, metadata: Metadata) {
        if let Some(exif) = metadata.exif {
            encoder.set_exif_metadata(exif).unwrap();
        }
        if let Some(icc) = metadata.icc {
            encoder.set_icc_profile(icc).unwrap();
        }
        encoder.write_image(image, image.width(), image.height(), ExtendedColorType::Rgb8).unwrap();
    }
    let mut bytes = Vec::new();
    match format {
        ImageFormat::Jpeg => write(JpegEncoder::new_with_quality(&mut bytes, 95), image, metadata),
        ImageFormat::Png => write(PngEncoder::new(&mut bytes), image, metadata),
        ImageFormat::WebP => write(WebPEncoder::new_lossless(&mut bytes), image, metadata),
        other => panic!("no metadata in {other:?}"),
    }
    bytes
}

/// EXIF with one entry, 0x0112, and one text behind it that must not come out again.
pub fn exif(orientation: u16) -> Vec<u8> {
    let mut exif = b"II\x2a\0\x08\0\0\0\x01\0".to_vec();
    exif.extend(entry(0x112, 3, 1, u32::from(orientation)));
    exif.extend([0; 4]);
    exif.extend(b"GPS 52.5 N 13.4 E");
    exif
}

/// An entry of a TIFF directory.
fn entry(tag: u16, kind: u16, count: u32, value: u32) -> Vec<u8> {
    [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
}

/// An uncompressed TIFF with an orientation.
pub fn tiff(image: &RgbImage, orientation: u16) -> Vec<u8> {
    let pixels = image.as_raw();
    let entries = [
        entry(0x100, 4, 1, image.width()),
        entry(0x101, 4, 1, image.height()),
        entry(0x102, 3, 1, 8),
        entry(0x103, 3, 1, 1),
        entry(0x106, 3, 1, 2),
        entry(0x111, 4, 1, 8),
        entry(0x112, 3, 1, u32::from(orientation)),
        entry(0x115, 3, 1, 3),
        entry(0x116, 4, 1, image.height()),
        entry(0x117, 4, 1, u32::try_from(pixels.len()).unwrap()),
    ];
    let directory = u32::try_from(8 + pixels.len()).unwrap();
    let count = u16::try_from(entries.len()).unwrap();
    [b"II\x2a\0", &directory.to_le_bytes()[..], pixels, &count.to_le_bytes(), &entries.concat(), &[0; 4]].concat()
}

/// A PNG of these chunks, with IHDR in front and IEND behind. `kind`: bit depth and colour type.
pub fn png(width: u32, height: u32, kind: [u8; 2], chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &kind, &[0; 3]].concat();
    let all = [(b"IHDR", header)].into_iter().chain(chunks.iter().cloned()).chain([(b"IEND", Vec::new())]);
    for (name, data) in all {
        let body = [&name[..], &data].concat();
        png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        png.extend(&body);
        png.extend(crc32(&body).to_be_bytes());
    }
    png
}

/// A zlib stream that stores, and does not compress, fewer than 65,536 bytes.
pub fn zlib(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in data {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    let sum = (b << 16 | a).to_be_bytes();
    [&[0x78, 1, 1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), data, &sum].concat()
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

/// A CMYK JPEG of one 8 x 8 block as Adobe writes it: 255 is no ink. Each ink is none (`false`) or full (`true`).
pub fn cmyk_jpeg(inks: [bool; 4]) -> Vec<u8> {
    let mut jpeg = vec![0xff, 0xd8];
    let mut segment = |marker: u8, data: &[u8]| {
        jpeg.extend([0xff, marker]);
        jpeg.extend(u16::try_from(data.len() + 2).unwrap().to_be_bytes());
        jpeg.extend(data);
    };
    segment(0xee, b"Adobe\0\x64\0\0\0\0\0");
    segment(0xdb, &[&[0][..], &[8; 64]].concat());
    segment(0xc0, &[8, 0, 8, 0, 8, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0]);
    // DC: 00 is category 7, 01 is category 8. AC: 0 ends a block.
    let mut lengths = [0; 16];
    lengths[1] = 2;
    segment(0xc4, &[&[0x00][..], &lengths, &[7, 8]].concat());
    lengths = [0; 16];
    lengths[0] = 1;
    segment(0xc4, &[&[0x10][..], &lengths, &[0]].concat());
    segment(0xda, &[4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0]);
    // 127 in seven bits, or -128 in eight.
    let mut bits = inks.map(|full| if full { "01011111110" } else { "0011111110" }).concat();
    while bits.len() % 8 > 0 {
        bits.push('1');
    }
    for byte in bits.as_bytes().chunks(8) {
        let byte = byte.iter().fold(0, |byte, bit| byte << 1 | (bit - b'0'));
        jpeg.push(byte);
        if byte == 0xff {
            jpeg.push(0);
        }
    }
    jpeg.extend([0xff, 0xd9]);
    jpeg
}

/// A bitmap of one colour in run-length encoding: 64 bytes whatever its sides, and decoded as a whole.
pub fn bare_bitmap(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"BM".to_vec();
    for field in [64, 0, 62, 40, width, height, 1 | 8 << 16, 1, 2, 0, 0, 2, 0, 0x0020_3040, 0x00ff_ffff] {
        bytes.extend(u32::to_le_bytes(field));
    }
    // The end of the bitmap.
    bytes.extend([0, 1]);
    bytes
}
