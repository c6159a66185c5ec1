//! What decoders of JPEG and lossy WebP give: components apart, each at a resolution of its own.

use fast_image_resize::Resizer;

use super::RenderError;
use super::color::{Space, Transform};
use super::orientation::Orientation;
use super::picture::{Picture, rgb_in_srgb};
use super::planar::{Plane, Region, Ycc, halved, ycc_to_rgb};

/// One component, decoded.
pub(crate) struct Component {
    /// Its samples.
    pub plane: Plane,
    /// What of the plane the image covers: the image's sides at this component's resolution, not rounded up.
    pub region: Region,
}

impl Component {
    /// As large as this.
    pub fn resize(&self, to: (u32, u32), resizer: &mut Resizer) -> Result<Plane, RenderError> {
        self.plane.resize(self.region, to, resizer)
    }

    /// As chroma of a picture as large as this, which is yet to be turned upright.
    fn halve(&self, to: (u32, u32), turn: Orientation, resizer: &mut Resizer) -> Result<Plane, RenderError> {
        let reversed = turn.turn((turn.flip_x, turn.flip_y));
        self.plane.resize(self.region.under_chroma(to, reversed), halved(to), resizer)
    }
}

/// From Y, Cb and Cr in full range: a picture of this size, as stored. They are kept apart unless a colour profile has to
/// be applied.
pub(crate) fn from_ycc(
    [y, cb, cr]: &[Component; 3],
    to: (u32, u32),
    orientation: Orientation,
    profile: Option<&[u8]>,
    resizer: &mut Resizer,
) -> Result<Picture, RenderError> {
    let luma = y.resize(to, resizer)?;
    if Transform::new(profile, Space::Rgb).is_none() {
        let chroma = Some([cb.halve(to, orientation, resizer)?, cr.halve(to, orientation, resizer)?]);
        return Ok(Picture::Opaque(Ycc { luma, chroma }.orient(orientation)));
    }
    let chroma = [cb.resize(to, resizer)?, cr.resize(to, resizer)?];
    let rgb = pixels([&luma, &chroma[0], &chroma[1]]).flat_map(|[y, cb, cr]| ycc_to_rgb(y, cb, cr)).collect();
    let upright = orientation.apply::<3>(rgb, (to.0 as usize, to.1 as usize));
    Ok(Picture::Opaque(rgb_in_srgb(&upright, orientation.turn(to), profile)))
}

/// The samples of planes of one size, pixel by pixel.
pub(crate) fn pixels<const N: usize>(planes: [&Plane; N]) -> impl Iterator<Item = [u8; N]> {
    let length = planes.iter().map(|plane| plane.samples.len()).min().unwrap_or_default();
    (0..length).map(move |at| planes.map(|plane| plane.samples[at]))
}
