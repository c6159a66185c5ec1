//! Embedded colour profiles (ICC.1), applied: from the colours of the image to sRGB.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformExecutor, TransformOptions};

/// What a pixel's samples say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    /// Grey.
    Grey,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, and straight alpha, which stays as it is.
    Rgba,
    /// Cyan, magenta, yellow, black: 255 is full ink.
    Cmyk,
}

/// The way from a profile's colours to sRGB.
pub(crate) struct Transform {
    executor: Arc<dyn TransformExecutor<u8> + Send + Sync>,
    from: Space,
}

impl Transform {
    /// `None` where there is nothing to do: the profile is sRGB itself, cannot be read, or is for another kind of image,
    /// and browsers ignore it then.
    pub fn new(profile: Option<&[u8]>, from: Space) -> Option<Self> {
        let profile = profile?;
        // The profile is as much a stranger's as the image; but a bad one must not cost the image its thumbnails.
        catch_unwind(AssertUnwindSafe(|| Self::read(profile, from))).ok().flatten()
    }

    fn read(profile: &[u8], from: Space) -> Option<Self> {
        let profile = ColorProfile::new_from_slice(profile).ok()?;
        let (layout, to) = match (profile.color_space, from) {
            (DataColorSpace::Gray, Space::Grey) => (Layout::Gray, Layout::Rgb),
            (DataColorSpace::Rgb, Space::Rgb) => (Layout::Rgb, Layout::Rgb),
            // Four samples, whatever they are called.
            (DataColorSpace::Cmyk, Space::Cmyk) => (Layout::Rgba, Layout::Rgb),
            (DataColorSpace::Rgb, Space::Rgba) => (Layout::Rgba, Layout::Rgba),
            _ => return None,
        };
        let srgb = ColorProfile::new_srgb();
        let executor = profile.create_transform_8bit(layout, &srgb, to, TransformOptions::default()).ok()?;
        let transform = Self { executor, from };
        (!transform.changes_nothing()).then_some(transform)
    }

    /// Whether it leaves a lattice of colours as they are, but for a rounding or two. That is cheaper than to apply it,
    /// and knows sRGB by its colours, not by one of its many names.
    fn changes_nothing(&self) -> bool {
        let steps = || (0..=u8::MAX).step_by(51);
        let colours: Vec<u8> = match self.from {
            Space::Cmyk => return false,
            Space::Grey => steps().collect(),
            Space::Rgb | Space::Rgba => steps()
                .flat_map(|red| steps().flat_map(move |green| steps().flat_map(move |blue| [red, green, blue])))
                .collect(),
        };
        let samples = match self.from {
            Space::Rgba => colours.as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [r, g, b, u8::MAX]).collect(),
            _ => colours.clone(),
        };
        let Some(converted) = self.apply(&samples) else { return true };
        let expected: Vec<u8> = match self.from {
            Space::Grey => colours.iter().flat_map(|grey| [*grey; 3]).collect(),
            _ => samples,
        };
        converted.iter().zip(&expected).all(|(one, other)| one.abs_diff(*other) <= 2)
    }

    /// RGB, or RGBA of RGBA; `None` when the profile turns out to be of no use.
    pub fn apply(&self, samples: &[u8]) -> Option<Vec<u8>> {
        let (from, to) = match self.from {
            Space::Grey => (1, 3),
            Space::Rgb => (3, 3),
            Space::Rgba => (4, 4),
            Space::Cmyk => (4, 3),
        };
        let mut converted = vec![0; samples.len() / from * to];
        catch_unwind(AssertUnwindSafe(|| self.executor.transform(samples, &mut converted))).ok()?.ok()?;
        Some(converted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_profile_is_ignored() {
        let good = ColorProfile::new_display_p3().encode().unwrap();
        let truncated = &good[..good.len() / 2];
        let grey = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
        for profile in [b"".as_slice(), b"rubbish", truncated, &grey] {
            assert!(Transform::new(Some(profile), Space::Rgb).is_none());
        }
        assert!(Transform::new(Some(&good), Space::Grey).is_none());
        assert!(Transform::new(Some(&good), Space::Cmyk).is_none());
        assert!(Transform::new(None, Space::Rgb).is_none());
    }

    #[test]
    fn srgb_is_known_by_its_colours() {
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        assert!(Transform::new(Some(&srgb), Space::Rgb).is_none());
        assert!(Transform::new(Some(&srgb), Space::Rgba).is_none());
    }

    #[test]
    fn a_profile_leaves_opacity_alone() {
        let wide = ColorProfile::new_display_p3().encode().unwrap();
        let transform = Transform::new(Some(&wide), Space::Rgba).unwrap();
        let converted = transform.apply(&[200, 100, 50, 9]).unwrap();
        assert_eq!(converted[3], 9);
        assert_ne!(converted[0], 200);
    }

    #[test]
    fn a_grey_profile_brightens_a_grey_image() {
        let linear = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
        let converted = Transform::new(Some(&linear), Space::Grey).unwrap().apply(&[55]).unwrap();
        let [red, green, blue] = converted[..] else { panic!("{converted:?}") };
        assert!(red.abs_diff(128) < 4 && red == green && green == blue, "{red} {green} {blue}");
    }
}
