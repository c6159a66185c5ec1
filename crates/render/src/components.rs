//! What decoders of JPEG and lossy WebP give: components apart, each at a resolution of its own.

use fast_image_resize::Resizer;

use super::RenderError;
use super::color::{Space, Transform};
use super::orientation::Orientation;
use super::picture::{Picture, rgb_in_srgb};
use super::planar::{Plane, Ycc, halved, ycc_to_rgb};

/// One component, decoded.
pub(crate) struct Component {
    /// Its samples.
    pub plane: Plane,
    /// How much of the plane the image covers: the image's sides at this component's resolution, not rounded up.
    pub extent: (f64, f64),
}

impl Component {
    /// As large as this.
    pub fn resize(&self, to: (u32, u32), resizer: &mut Resizer) -> Result<Plane, RenderError> {
        self.plane.resize(self.extent, to, resizer)
    }

    /// As chroma of a picture as large as this.
    fn halve(&self, to: (u32, u32), resizer: &mut Resizer) -> Result<Plane, RenderError> {
        let small = halved(to);
        // The last column and row of chroma may reach half over the edge.
        let beyond = |extent: f64, small: u32, to: u32| extent * f64::from(2 * small) / f64::from(to);
        let extent = (beyond(self.extent.0, small.0, to.0), beyond(self.extent.1, small.1, to.1));
        self.plane.resize(extent, small, resizer)
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
        let chroma = Some([cb.halve(to, resizer)?, cr.halve(to, resizer)?]);
        return Ok(Picture::Opaque(Ycc { luma, chroma }.orient(orientation)));
    }
    let chroma = [cb.resize(to, resizer)?, cr.resize(to, resizer)?];
    let rgb = pixels([&luma, &chroma[0], &chroma[1]]).flat_map(|[y, cb, cr]| ycc_to_rgb(y, cb, cr)).collect();
    let rgb = orientation.apply::<3>(rgb, (to.0 as usize, to.1 as usize));
    Ok(Picture::Opaque(rgb_in_srgb(rgb, orientation.turn(to), profile)))
}

/// The samples of planes of one size, pixel by pixel.
pub(crate) fn pixels<const N: usize>(planes: [&Plane; N]) -> impl Iterator<Item = [u8; N]> {
    let length = planes.iter().map(|plane| plane.samples.len()).min().unwrap_or_default();
    (0..length).map(move |at| planes.map(|plane| plane.samples[at]))
}
