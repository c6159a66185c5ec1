//! What comes of which image.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, GrayImage, ImageBuffer, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use moxcms::ColorProfile;
use strongroom_render::{Encoded, Format, RenderError, RenderLimits, Rendered, render, sniff};

#[expect(dead_code, reason = "the tests of rendering processes need more of it")]
mod samples;
use samples::*;

/// The widths that are asked for.
const WIDTHS: [u32; 3] = [100, 250, 500];

fn rendered(bytes: &[u8]) -> Rendered {
    let rendered = render(bytes, &RenderLimits::default(), &WIDTHS).unwrap();
    assert_eq!(rendered.thumbnails.len(), WIDTHS.len());
    for thumbnail in &rendered.thumbnails {
        let format = sniff(&thumbnail.bytes).unwrap();
        assert_eq!(format, thumbnail.format);
        assert_eq!(decoded(thumbnail).dimensions(), (thumbnail.width, thumbnail.height));
    }
    rendered
}

fn refused(bytes: &[u8]) -> RenderError {
    render(bytes, &RenderLimits::default(), &WIDTHS).unwrap_err()
}

fn decoded(thumbnail: &Encoded) -> RgbaImage {
    image::load_from_memory(&thumbnail.bytes).unwrap().into_rgba8()
}

/// The colours near the four corners, in reading order.
fn corners(thumbnail: &Encoded) -> [[u8; 3]; 4] {
    let picture = decoded(thumbnail);
    let (right, bottom) = (picture.width() - 3, picture.height() - 3);
    [(2, 2), (right, 2), (2, bottom), (right, bottom)].map(|(x, y)| {
        let [red, green, blue, _] = picture.get_pixel(x, y).0;
        [red, green, blue].map(|sample| if sample < 128 { 0 } else { 255 })
    })
}

fn near(thumbnail: &Encoded, x: u32, y: u32, expected: [u8; 4]) {
    let pixel = decoded(thumbnail).get_pixel(x, y).0;
    let off = pixel.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max().unwrap();
    assert!(off <= 6, "{pixel:?} is not near {expected:?}");
}

fn large(bytes: &[u8]) -> Encoded {
    rendered(bytes).thumbnails.pop().unwrap()
}

#[test]
fn every_format_is_known_by_its_bytes_and_rendered() {
    for (format, ours, media_type) in [
        (ImageFormat::Jpeg, Format::Jpeg, "image/jpeg"),
        (ImageFormat::Png, Format::Png, "image/png"),
        (ImageFormat::Gif, Format::Gif, "image/gif"),
        (ImageFormat::WebP, Format::WebP, "image/webp"),
        (ImageFormat::Bmp, Format::Bmp, "image/bmp"),
        (ImageFormat::Tiff, Format::Tiff, "image/tiff"),
        (ImageFormat::Ico, Format::Ico, "image/vnd.microsoft.icon"),
    ] {
        let bytes = encode(quadrants(120, 80), format);
        assert_eq!(sniff(&bytes[..bytes.len().min(512)]), Some(ours), "{format:?}");
        assert_eq!(ours.media_type(), media_type);
        let image = rendered(&bytes);
        assert_eq!((image.width, image.height), (120, 80), "{format:?}");
        assert_eq!(corners(&image.thumbnails[0]), [RED, GREEN, BLUE, WHITE], "{format:?}");
    }
}

#[test]
fn thumbnails_keep_the_proportions_and_are_at_most_so_wide() {
    let image = rendered(&encode(photograph(1200, 900), ImageFormat::Jpeg));
    let sizes: Vec<_> = image.thumbnails.iter().map(|thumbnail| (thumbnail.width, thumbnail.height)).collect();
    assert_eq!(sizes, [(100, 75), (250, 188), (500, 375)]);
    assert!(image.thumbnails.iter().all(|thumbnail| thumbnail.format == Format::Jpeg));
    assert!(image.thumbhash.len() < 48 && !image.thumbhash.is_empty());
}

#[test]
fn nothing_is_ever_enlarged() {
    let image = rendered(&encode(quadrants(180, 1000), ImageFormat::Png));
    let sizes: Vec<_> = image.thumbnails.iter().map(|thumbnail| (thumbnail.width, thumbnail.height)).collect();
    assert_eq!(sizes, [(100, 556), (180, 1000), (180, 1000)]);
    let image = rendered(&encode(quadrants(1, 1), ImageFormat::Png));
    assert!(image.thumbnails.iter().all(|thumbnail| (thumbnail.width, thumbnail.height) == (1, 1)));
}

#[test]
fn thin_images_have_no_side_of_nothing() {
    let wide = rendered(&encode(RgbImage::from_pixel(16_384, 1, Rgb(RED)), ImageFormat::Png));
    let sizes: Vec<_> = wide.thumbnails.iter().map(|thumbnail| (thumbnail.width, thumbnail.height)).collect();
    assert_eq!(sizes, [(100, 1), (250, 1), (500, 1)]);
    near(&wide.thumbnails[2], 250, 0, [255, 0, 0, 255]);
    let tall = rendered(&encode(RgbImage::from_pixel(1, 16_384, Rgb(RED)), ImageFormat::Png));
    assert!(tall.thumbnails.iter().all(|thumbnail| (thumbnail.width, thumbnail.height) == (1, 16_384)));
    let tall = rendered(&encode(RgbaImage::from_pixel(1, 16_383, Rgba([0, 9, 0, 99])), ImageFormat::Png));
    near(&tall.thumbnails[0], 0, 9_999, [0, 9, 0, 99]);
}

#[test]
fn all_eight_orientations_are_turned_upright_in_every_format_that_has_them() {
    let stored = quadrants(60, 40);
    for (orientation, upright) in [
        (1, [RED, GREEN, BLUE, WHITE]),
        (2, [GREEN, RED, WHITE, BLUE]),
        (3, [WHITE, BLUE, GREEN, RED]),
        (4, [BLUE, WHITE, RED, GREEN]),
        (5, [RED, BLUE, GREEN, WHITE]),
        (6, [BLUE, RED, WHITE, GREEN]),
        (7, [WHITE, GREEN, BLUE, RED]),
        (8, [GREEN, WHITE, RED, BLUE]),
    ] {
        let size = if orientation < 5 { (60, 40) } else { (40, 60) };
        for (name, bytes) in [
            ("JPEG", encode_with(&stored, ImageFormat::Jpeg, Metadata::orientation(orientation))),
            ("PNG", encode_with(&stored, ImageFormat::Png, Metadata::orientation(orientation))),
            ("WebP", encode_with(&stored, ImageFormat::WebP, Metadata::orientation(orientation))),
            ("TIFF", tiff(&stored, orientation)),
        ] {
            let image = rendered(&bytes);
            assert_eq!((image.width, image.height), size, "{name}, {orientation}");
            assert_eq!(corners(&image.thumbnails[2]), upright, "{name}, {orientation}");
        }
    }
}

#[test]
fn the_width_is_that_of_the_upright_image() {
    let bytes = encode_with(&quadrants(1000, 600), ImageFormat::Jpeg, Metadata::orientation(6));
    let image = rendered(&bytes);
    let sizes: Vec<_> = image.thumbnails.iter().map(|thumbnail| (thumbnail.width, thumbnail.height)).collect();
    assert_eq!((image.width, image.height), (600, 1000));
    assert_eq!(sizes, [(100, 167), (250, 417), (500, 833)]);
}

#[test]
fn an_embedded_profile_is_applied() {
    let mut swapped = ColorProfile::new_srgb();
    std::mem::swap(&mut swapped.red_colorant, &mut swapped.green_colorant);
    let red = RgbImage::from_pixel(30, 30, Rgb(RED));
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        near(&large(&encode_with(&red, format, Metadata::profile(&swapped))), 9, 9, [0, 255, 0, 255]);
        near(&large(&encode_with(&red, format, Metadata::default())), 9, 9, [255, 0, 0, 255]);
        let bad = Metadata { exif: None, icc: Some(b"no profile at all".to_vec()) };
        near(&large(&encode_with(&red, format, bad)), 9, 9, [255, 0, 0, 255]);
    }
    // Known values: this colour of Display P3 is that one of sRGB.
    let muted = RgbImage::from_pixel(30, 30, Rgb([180, 120, 90]));
    let wide = Metadata::profile(&ColorProfile::new_display_p3());
    near(&large(&encode_with(&muted, ImageFormat::Png, wide)), 9, 9, [188, 118, 86, 255]);
}

#[test]
fn cmyk_is_converted() {
    for (inks, expected) in [
        ([false, false, false, false], [255, 255, 255, 255]),
        ([true, false, false, false], [0, 255, 255, 255]),
        ([false, true, true, false], [255, 0, 0, 255]),
        ([false, false, false, true], [0, 0, 0, 255]),
    ] {
        near(&large(&cmyk_jpeg(inks)), 4, 4, expected);
    }
}

#[test]
fn metadata_stays_behind() {
    let metadata = || Metadata { exif: Some(exif(6)), icc: Some(ColorProfile::new_srgb().encode().unwrap()) };
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let bytes = encode_with(&quadrants(300, 200), format, metadata());
        let holds = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        assert!(holds(&bytes, b"GPS 52.5 N"), "the sample is no sample");
        for thumbnail in rendered(&bytes).thumbnails {
            for text in [b"GPS 52.5 N".as_slice(), b"Exif", b"EXIF", b"ICC_PROFILE", b"ICCP", b"acsp"] {
                assert!(!holds(&thumbnail.bytes, text));
            }
        }
    }
}

#[test]
fn transparency_is_kept_and_hidden_colours_do_not_bleed() {
    // Opaque blue on the left; on the right red that nobody can see.
    let image =
        RgbaImage::from_fn(900, 300, |x, _| if x < 450 { Rgba([0, 0, 255, 255]) } else { Rgba([255, 0, 0, 0]) });
    let image = rendered(&encode(image, ImageFormat::Png));
    for thumbnail in &image.thumbnails {
        assert_eq!(thumbnail.format, Format::WebP);
        near(thumbnail, 3, 3, [0, 0, 255, 255]);
        let picture = decoded(thumbnail);
        assert_eq!(picture.get_pixel(picture.width() - 3, 3).0[3], 0);
        assert!(picture.pixels().all(|pixel| pixel.0[3] < 16 || pixel.0[0] < 16), "red bleeds");
    }
}

#[test]
fn an_alpha_channel_without_transparency_needs_no_webp() {
    let opaque = RgbaImage::from_pixel(300, 300, Rgba([10, 200, 30, 255]));
    let thumbnail = large(&encode(opaque.clone(), ImageFormat::Png));
    assert_eq!(thumbnail.format, Format::Jpeg);
    near(&thumbnail, 99, 99, [10, 200, 30, 255]);
    let mut pricked = opaque;
    pricked.put_pixel(299, 0, Rgba([0, 0, 0, 254]));
    assert_eq!(large(&encode(pricked, ImageFormat::Png)).format, Format::WebP);
}

#[test]
fn sixteen_bits_and_floats_and_greys_become_eight() {
    let deep = ImageBuffer::<Rgb<u16>, _>::from_pixel(600, 40, Rgb([65_535, 32_896, 257]));
    near(&large(&encode(deep, ImageFormat::Png)), 250, 9, [255, 128, 1, 255]);
    let deep = ImageBuffer::<Rgba<u16>, _>::from_pixel(600, 40, Rgba([65_535, 32_896, 257, 32_896]));
    near(&large(&encode(deep.clone(), ImageFormat::Png)), 250, 9, [255, 128, 1, 128]);
    near(&large(&encode(deep, ImageFormat::Tiff)), 250, 9, [255, 128, 1, 128]);
    let float = ImageBuffer::<Rgb<f32>, _>::from_pixel(600, 40, Rgb([1.5, 0.5, 0.0]));
    near(&large(&encode(DynamicImage::ImageRgb32F(float), ImageFormat::Tiff)), 250, 9, [255, 128, 0, 255]);
    let grey = GrayImage::from_pixel(600, 40, Luma([77]));
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Tiff] {
        near(&large(&encode(grey.clone(), format)), 250, 9, [77, 77, 77, 255]);
    }
}

#[test]
fn a_palette_with_a_transparent_colour_keeps_it() {
    let rows = zlib(&[0, 0, 1, 0, 1, 0]);
    let chunks = [(b"PLTE", [RED, BLUE].concat()), (b"tRNS", vec![255, 0]), (b"IDAT", rows)];
    let thumbnail = large(&png(2, 2, [8, 3], &chunks));
    assert_eq!(thumbnail.format, Format::WebP);
    let picture = decoded(&thumbnail);
    assert_eq!(picture.get_pixel(0, 0).0, [255, 0, 0, 255]);
    assert_eq!(picture.get_pixel(1, 0).0[3], 0);
    assert_eq!(picture.get_pixel(0, 1).0[3], 0);
}

#[test]
fn an_animation_gives_its_first_frame() {
    let mut bytes = Vec::new();
    let frames =
        [[9, 200, 9, 255], [200, 9, 9, 255]].map(|color| Frame::new(RgbaImage::from_pixel(40, 30, Rgba(color))));
    GifEncoder::new(&mut bytes).encode_frames(frames).unwrap();
    let thumbnail = large(&bytes);
    assert_eq!(thumbnail.format, Format::Jpeg);
    near(&thumbnail, 20, 15, [9, 200, 9, 255]);
}

#[test]
fn an_icon_may_hold_a_png_of_any_colours() {
    let png = encode(RgbImage::from_pixel(64, 64, Rgb(GREEN)), ImageFormat::Png);
    let length = u32::try_from(png.len()).unwrap().to_le_bytes();
    let icon = [&[0, 0, 1, 0, 1, 0, 64, 64, 0, 0, 1, 0, 24, 0][..], &length, &22_u32.to_le_bytes(), &png].concat();
    assert_eq!(sniff(&icon), Some(Format::Ico));
    near(&large(&icon), 32, 32, [0, 255, 0, 255]);
}

/// An icon of one bitmap with 32 bits, from the bottom up, and a mask.
fn icon(width: u8, height: u8, pixels: &[[u8; 4]], mask: &[[u8; 4]]) -> Vec<u8> {
    let mut bitmap = [40_u32, width.into(), u32::from(height) * 2].map(u32::to_le_bytes).concat();
    bitmap.extend([1, 0, 32, 0]);
    bitmap.extend([0; 24]);
    bitmap.extend(pixels.concat());
    bitmap.extend(mask.concat());
    let length = u32::try_from(bitmap.len()).unwrap().to_le_bytes();
    [&[0, 0, 1, 0, 1, 0, width, height, 0, 0, 1, 0, 32, 0][..], &length, &22_u32.to_le_bytes(), &bitmap].concat()
}

#[test]
fn the_alpha_of_an_icon_counts_and_its_mask_where_there_is_none() {
    // Blue, green, red, alpha. The mask hides the left half, and what is behind the last column.
    let mask = [[0xf0, 0, 0, 0]; 8];
    let half = |alpha| [[0, 0, 255, alpha]; 64];
    let soft = large(&icon(8, 8, &half(128), &mask));
    near(&soft, 1, 4, [255, 0, 0, 128]);
    near(&soft, 6, 4, [255, 0, 0, 128]);
    let old = decoded(&large(&icon(8, 8, &half(0), &mask)));
    assert_eq!([old.get_pixel(1, 4).0[3], old.get_pixel(6, 4).0[3]], [0, 255]);
}

#[test]
fn an_icon_whose_rows_come_from_the_top_keeps_colours_and_alpha_together() {
    let pixels: Vec<_> = (0..64).map(|at| if at < 32 { [0, 0, 255, 255] } else { [255, 0, 0, 0] }).collect();
    let mut icon = icon(8, 8, &pixels, &[[0; 4]; 8]);
    icon[22 + 8..22 + 12].copy_from_slice(&(-16_i32).to_le_bytes());
    let large = large(&icon);
    near(&large, 4, 1, [255, 0, 0, 255]);
    assert_eq!(decoded(&large).get_pixel(4, 6).0[3], 0);
}

#[test]
fn a_jpeg_of_a_rare_variety_is_not_called_damaged() {
    let mut arithmetic = encode(quadrants(64, 64), ImageFormat::Jpeg);
    let frame = arithmetic.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    arithmetic[frame + 1] = 0xc9;
    assert_eq!(refused(&arithmetic), RenderError::Damaged("This variety of JPEG cannot be scaled.".to_owned()));
}

#[test]
fn a_profile_for_grey_holds_for_grey_with_alpha() {
    // Linear light: 64 of 255 is 137 in sRGB.
    let row = [[0].as_slice(), &[64, 200].repeat(60)].concat();
    let chunks = [(b"gAMA", 100_000_u32.to_be_bytes().to_vec()), (b"IDAT", zlib(&row.repeat(60)))];
    near(&large(&png(60, 60, [8, 4], &chunks)), 30, 30, [137, 137, 137, 200]);
}

#[test]
fn what_claims_to_be_enormous_is_refused_before_it_has_memory() {
    let begun = Instant::now();
    let mut bombs = vec![png(65_000, 65_000, [8, 2], &[(b"IDAT", zlib(&[0; 99]))])];
    let mut bmp = encode(quadrants(2, 2), ImageFormat::Bmp);
    bmp[18..22].copy_from_slice(&65_000_u32.to_le_bytes());
    bmp[22..26].copy_from_slice(&65_000_u32.to_le_bytes());
    bombs.push(bmp);
    let mut gif = encode(quadrants(2, 2), ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0xe8, 0xfd, 0xe8, 0xfd]);
    bombs.push(gif);
    let mut jpeg = encode(quadrants(2, 2), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xfd, 0xe8, 0xfd, 0xe8]);
    bombs.push(jpeg);
    for bomb in bombs {
        let sentence = "The image has 4.3 gigapixels; at most 64 megapixels can be scaled.";
        assert_eq!(refused(&bomb), RenderError::TooLarge(sentence.to_owned()));
    }
    let ribbon = png(20_000, 10, [8, 2], &[(b"IDAT", zlib(&[0; 99]))]);
    let sentence = "The image is 20000 x 10 pixels; a side of at most 16384 can be scaled.";
    assert_eq!(refused(&ribbon), RenderError::TooLarge(sentence.to_owned()));
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_frame_that_claims_more_than_its_file_is_refused() {
    // A lossy WebP of 16 x 16 whose frame says 16,383 x 16,383.
    let frame = b"\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x3f\0\0";
    let canvas = b"\0\0\0\0\x0f\0\0\x0f\0\0";
    let length = u32::try_from(4 + 8 + canvas.len() + 8 + frame.len()).unwrap().to_le_bytes();
    let bomb = [b"RIFF", &length[..], b"WEBPVP8X\x0a\0\0\0", canvas, b"VP8 \x0c\0\0\0", frame].concat();
    assert!(matches!(refused(&bomb), RenderError::TooLarge(_) | RenderError::Damaged(_)));
    // A GIF of 2 x 2 whose frame says 65,000 x 65,000.
    let mut gif = encode(quadrants(2, 2), ImageFormat::Gif);
    let frame = gif.windows(10).position(|bytes| bytes == [0x2c, 0, 0, 0, 0, 2, 0, 2, 0, bytes[9]]).unwrap();
    gif[frame + 5..frame + 9].copy_from_slice(&[0xe8, 0xfd, 0xe8, 0xfd]);
    assert!(matches!(refused(&gif), RenderError::TooLarge(_)));
}

#[test]
fn a_truncated_image_is_damaged_or_shows_what_there_is_of_it() {
    let sentence = "The image is damaged: its data ends too early.";
    // Nothing is shown of a lossless WebP, nor of a TIFF.
    let webp = encode(photograph(400, 300), ImageFormat::WebP);
    assert_eq!(refused(&webp[..webp.len() / 2]), RenderError::Damaged(sentence.to_owned()));
    let tiff = encode(photograph(400, 300), ImageFormat::Tiff);
    assert!(matches!(refused(&tiff[..tiff.len() / 2]), RenderError::Damaged(_)));
    // A bitmap begins at the bottom.
    let bytes = encode(quadrants(400, 300), ImageFormat::Bmp);
    let [.., left, right] = corners(&large(&bytes[..bytes.len() / 3]));
    assert_eq!([left, right], [BLUE, WHITE]);
    // The upper part, and nothing below it.
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif] {
        let bytes = encode(photograph(400, 300), format);
        let image = rendered(&bytes[..bytes.len() * 2 / 3]);
        assert_eq!((image.width, image.height), (400, 300), "{format:?}");
        let thumbnail = image.thumbnails.last().unwrap();
        assert_eq!(thumbnail.format, Format::WebP, "{format:?}");
        let (shown, whole) = (decoded(thumbnail), photograph(400, 300));
        assert_eq!([shown.get_pixel(200, 20).0[3], shown.get_pixel(200, 290).0[3]], [255, 0], "{format:?}");
        let (seen, is) = (shown.get_pixel(200, 20).0, whole.get_pixel(200, 20).0);
        assert!(seen.iter().zip(is).all(|(one, other)| one.abs_diff(other) < 40), "{format:?}: {seen:?} {is:?}");
    }
    let bytes = encode(quadrants(400, 300), ImageFormat::Jpeg);
    assert!(matches!(refused(&bytes[..100]), RenderError::Damaged(_)));
    let scan = bytes.windows(2).position(|marker| marker == [0xff, 0xda]).unwrap();
    assert_eq!(refused(&bytes[..scan + 14]), RenderError::Damaged(sentence.to_owned()));
}

#[test]
fn a_whole_file_that_is_wrong_is_not_said_to_end_too_early() {
    let sentence = "The image is damaged: it cannot be decoded.";
    let mut jpeg = encode(quadrants(2, 2), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    jpeg[frame + 7..frame + 9].fill(0);
    let frame = b"\x10\0\0\x9d\x01\x2a\0\0\0\0\0\0";
    let webp = [b"RIFF\x18\0\0\0WEBPVP8 \x0c\0\0\0".as_slice(), frame].concat();
    // It says that restart markers follow (T.81, B.2.4.4), and there are none.
    let whole = encode(photograph(400, 300), ImageFormat::Jpeg);
    let scan = whole.windows(2).position(|marker| marker == [0xff, 0xda]).unwrap();
    let no_markers = [&whole[..scan], &[0xff, 0xdd, 0, 4, 0, 1], &whole[scan..]].concat();
    for file in [jpeg, webp, no_markers] {
        assert_eq!(refused(&file), RenderError::Damaged(sentence.to_owned()));
    }
}

#[test]
fn a_lossless_webp_that_is_too_long_for_its_decoder_is_not_called_damaged() {
    let frame = b"\x2f\xff\x3f\0\0\0\0\0\0\0";
    let file = [b"RIFF\x16\0\0\0WEBPVP8L\x0a\0\0\0".as_slice(), frame].concat();
    assert_eq!(refused(&file), RenderError::Damaged("This variety of WebP cannot be scaled.".to_owned()));
}

#[test]
fn damaged_bytes_never_panic() {
    let mut seed = 7_u32;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        usize::try_from(seed >> 8).unwrap() % below
    };
    for format in [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::Gif,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
        ImageFormat::Ico,
    ] {
        let good = encode(photograph(48, 32), format);
        for _ in 0..100 {
            let mut bytes = good.clone();
            for _ in 0..=next(4) {
                let at = next(bytes.len());
                bytes[at] = u8::try_from(next(256)).unwrap();
            }
            bytes.truncate(bytes.len() - next(bytes.len() / 4));
            drop(render(&bytes, &RenderLimits::default(), &WIDTHS));
        }
    }
}

#[test]
fn a_text_is_no_image() {
    for text in
        [b"".as_slice(), b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"\xff\xd8\xff\xe0"]
    {
        assert!(matches!(refused(text), RenderError::Damaged(_)));
    }
}
