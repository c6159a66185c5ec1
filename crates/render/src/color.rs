//! Embedded colour profiles, applied.

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::RgbaImage;
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// Takes a picture from the colours of its ICC profile to sRGB.
///
/// A profile that cannot be read, or that is for another kind of image (a CMYK profile after the decoder has made RGB of
/// it, a grey one in a coloured image), is ignored, as browsers do.
pub(super) fn to_srgb(picture: &mut RgbaImage, profile: &[u8], is_grey: bool) {
    // The profile is as much a stranger's as the image; but a bad one must not cost the image its thumbnails.
    let converted = catch_unwind(AssertUnwindSafe(|| convert(picture, profile, is_grey))).ok().flatten();
    if let Some(converted) = converted {
        *picture = converted;
    }
}

fn convert(picture: &RgbaImage, profile: &[u8], is_grey: bool) -> Option<RgbaImage> {
    let profile = ColorProfile::new_from_slice(profile).ok()?;
    let (layout, source) = match profile.color_space {
        DataColorSpace::Rgb => (Layout::Rgba, picture.as_raw().clone()),
        DataColorSpace::Gray if is_grey => {
            (Layout::GrayAlpha, picture.pixels().flat_map(|pixel| [pixel.0[0], pixel.0[3]]).collect())
        }
        _ => return None,
    };
    let transform = profile
        .create_transform_8bit(layout, &ColorProfile::new_srgb(), Layout::Rgba, TransformOptions::default())
        .ok()?;
    let mut converted = vec![0; picture.as_raw().len()];
    transform.transform(&source, &mut converted).ok()?;
    RgbaImage::from_raw(picture.width(), picture.height(), converted)
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    #[test]
    fn a_bad_profile_changes_nothing() {
        let good = ColorProfile::new_display_p3().encode().unwrap();
        let truncated = &good[..good.len() / 2];
        let grey = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
        for profile in [b"".as_slice(), b"rubbish", truncated, &grey] {
            let mut picture = RgbaImage::from_pixel(2, 2, Rgba([200, 100, 50, 9]));
            let before = picture.clone();
            to_srgb(&mut picture, profile, false);
            assert_eq!(picture, before);
        }
    }

    #[test]
    fn a_profile_leaves_opacity_alone() {
        let wide = ColorProfile::new_display_p3().encode().unwrap();
        let mut picture = RgbaImage::from_pixel(2, 2, Rgba([200, 100, 50, 9]));
        to_srgb(&mut picture, &wide, false);
        assert_eq!(picture.get_pixel(1, 1).0[3], 9);
        assert_ne!(picture.get_pixel(1, 1).0[0], 200);
    }

    #[test]
    fn a_grey_profile_brightens_a_grey_image() {
        let linear = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
        let mut picture = RgbaImage::from_pixel(2, 2, Rgba([55, 55, 55, 200]));
        to_srgb(&mut picture, &linear, true);
        let [red, green, blue, alpha] = picture.get_pixel(0, 0).0;
        assert!(red.abs_diff(128) < 4 && red == green && green == blue, "{red} {green} {blue}");
        assert_eq!(alpha, 200);
    }
}
