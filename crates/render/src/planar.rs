//! Pictures whose components lie apart: luma and, at half of its size, chroma. As JPEG has them inside (JFIF 1.02).

use std::iter::repeat_n;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{PixelType, Resizer};

use super::RenderError;
use super::filter::lanczos;
use super::orientation::Orientation;

/// One component, 8 bits a sample, row by row without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plane {
    pub width: u32,
    pub height: u32,
    pub samples: Vec<u8>,
}

impl Plane {
    /// From rows that lie `stride` samples apart.
    pub fn from_rows(width: u32, height: u32, stride: usize, mut samples: Vec<u8>) -> Self {
        let row = width as usize;
        if stride > row {
            for y in 1..height as usize {
                samples.copy_within(y * stride..y * stride + row, y * row);
            }
            samples.truncate(row * height as usize);
        }
        Self { width, height, samples }
    }

    /// The part of it that this region covers, at another size.
    pub fn resize(&self, region: Region, to: (u32, u32), resizer: &mut Resizer) -> Result<Self, RenderError> {
        let Region { left, top, width, height } = region;
        if (self.width, self.height) == to && region == Region::whole(to.0.into(), to.1.into()) {
            return Ok(self.clone());
        }
        let over = |begin: f64, length: f64, side: u32| (round_up(-begin), round_up(begin + length - f64::from(side)));
        let (across, down) = (over(left, width, self.width), over(top, height, self.height));
        let padded = if across == (0, 0) && down == (0, 0) { None } else { Some(self.pad(across, down)) };
        let plane = padded.as_ref().unwrap_or(self);
        let from =
            ImageRef::new(plane.width, plane.height, &plane.samples, PixelType::U8).map_err(RenderError::failed)?;
        let mut small = Image::new(to.0, to.1, PixelType::U8);
        let (left, top) = (left + f64::from(across.0), top + f64::from(down.0));
        // A rounding error must not reach over the edge.
        let (width, height) = (width.min(f64::from(plane.width) - left), height.min(f64::from(plane.height) - top));
        let options = lanczos().crop(left, top, width, height);
        resizer.resize(&from, &mut small, &options).map_err(RenderError::failed)?;
        Ok(Self { width: to.0, height: to.1, samples: small.into_vec() })
    }

    /// With so many columns more before and after it, and so many rows, that repeat those at its edges.
    fn pad(&self, across: (u32, u32), down: (u32, u32)) -> Self {
        let (width, height) = (self.width + across.0 + across.1, self.height + down.0 + down.1);
        let mut samples = Vec::with_capacity(width as usize * height as usize);
        for y in 0..height {
            let row = self.row(y.saturating_sub(down.0).min(self.height - 1) as usize);
            let (Some(first), Some(last)) = (row.first(), row.last()) else { continue };
            samples.extend(repeat_n(*first, across.0 as usize));
            samples.extend_from_slice(row);
            samples.extend(repeat_n(*last, across.1 as usize));
        }
        Self { width, height, samples }
    }

    /// As the encoder takes it.
    pub fn borrow(&self) -> strongroom_jpeg::encode::Plane<'_> {
        strongroom_jpeg::encode::Plane { width: self.width, height: self.height, samples: &self.samples }
    }

    fn orient(self, orientation: Orientation) -> Self {
        let size = (self.width as usize, self.height as usize);
        let (width, height) = orientation.turn((self.width, self.height));
        Self { width, height, samples: orientation.apply::<1>(self.samples, size) }
    }

    fn row(&self, y: usize) -> &[u8] {
        let width = self.width as usize;
        self.samples.get(y * width..(y + 1) * width).unwrap_or_default()
    }
}

/// A part of a plane, in samples: not always whole ones, and it may reach over the edges by one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Region {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Region {
    /// From the first sample on.
    pub fn whole(width: f64, height: f64) -> Self {
        Self { left: 0.0, top: 0.0, width, height }
    }

    /// What chroma covers whose luma, of this size, covers this region: where a side is odd, the last column or row
    /// reaches half over the edge. `reversed`: for each axis, whether the last one is the first here.
    pub fn under_chroma(self, luma: (u32, u32), reversed: (bool, bool)) -> Self {
        let reach = |begin: f64, length: f64, side: u32, reversed: bool| {
            let more = if side % 2 == 1 { length / f64::from(side) } else { 0.0 };
            (if reversed { begin - more } else { begin }, length + more)
        };
        let (left, width) = reach(self.left, self.width, luma.0, reversed.0);
        let (top, height) = reach(self.top, self.height, luma.1, reversed.1);
        Self { left, top, width, height }
    }
}

/// Up to a whole number of samples, at least 0; without the noise of the last bits.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the side of an image")]
fn round_up(samples: f64) -> u32 {
    (samples - 1e-6).ceil().max(0.0) as u32
}

/// Luma, and chroma unless the picture is grey: Cb and Cr, each sample over 2 x 2 pixels (4:2:0). Full range.
#[derive(Debug, Clone)]
pub(crate) struct Ycc {
    pub luma: Plane,
    pub chroma: Option<[Plane; 2]>,
}

/// How many chroma samples lie over so many pixels.
pub(crate) fn halved((width, height): (u32, u32)) -> (u32, u32) {
    (width.div_ceil(2), height.div_ceil(2))
}

impl Ycc {
    /// In pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.luma.width, self.luma.height)
    }

    /// At a smaller size.
    pub fn rescale(&self, to: (u32, u32), resizer: &mut Resizer) -> Result<Self, RenderError> {
        let (width, height) = self.size();
        let luma = self.luma.resize(Region::whole(width.into(), height.into()), to, resizer)?;
        let region = Region::whole(f64::from(width) / 2.0, f64::from(height) / 2.0).under_chroma(to, (false, false));
        let mut resize = |plane: &Plane| plane.resize(region, halved(to), resizer);
        let chroma = match &self.chroma {
            Some([cb, cr]) => Some([resize(cb)?, resize(cr)?]),
            None => None,
        };
        Ok(Self { luma, chroma })
    }

    /// Turned upright.
    pub fn orient(self, orientation: Orientation) -> Self {
        Self {
            luma: self.luma.orient(orientation),
            chroma: self.chroma.map(|planes| planes.map(|plane| plane.orient(orientation))),
        }
    }

    /// Row by row, three samples a pixel.
    pub fn to_rgb(&self) -> Vec<u8> {
        let (width, height) = self.size();
        let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
        for y in 0..height as usize {
            let luma = self.luma.row(y);
            match &self.chroma {
                None => rgb.extend(luma.iter().flat_map(|sample| [*sample; 3])),
                Some([cb, cr]) => {
                    let twice =
                        |plane: &'_ Plane| plane.row(y / 2).iter().flat_map(|sample| [*sample; 2]).collect::<Vec<_>>();
                    let chroma = twice(cb).into_iter().zip(twice(cr));
                    rgb.extend(luma.iter().zip(chroma).flat_map(|(y, (cb, cr))| ycc_to_rgb(*y, cb, cr)));
                }
            }
        }
        rgb
    }
}

/// JFIF 1.02, "Conversion to and from RGB", in 16-bit fixed point.
#[expect(clippy::cast_sign_loss, reason = "clamped to 0 to 255")]
pub(crate) fn ycc_to_rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = ((i32::from(y) << 16) + (1 << 15), i32::from(cb) - 128, i32::from(cr) - 128);
    [y + 91_881 * cr, y - 22_554 * cb - 46_802 * cr, y + 116_130 * cb].map(|sample| (sample >> 16).clamp(0, 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(width: u32, height: u32) -> Plane {
        Plane { width, height, samples: (0..width * height).map(|at| u8::try_from(at % 251).unwrap()).collect() }
    }

    #[test]
    fn rows_are_closed_up() {
        let plane = Plane::from_rows(2, 2, 3, vec![1, 2, 0, 3, 4, 0]);
        assert_eq!(plane.samples, [1, 2, 3, 4]);
    }

    #[test]
    fn the_same_size_is_the_same_plane() {
        let plane = plane(7, 5);
        assert_eq!(plane.resize(Region::whole(7.0, 5.0), (7, 5), &mut Resizer::new()).unwrap(), plane);
    }

    #[test]
    fn a_region_over_the_edge_repeats_the_edge() {
        let plane = Plane { width: 2, height: 1, samples: vec![10, 20] };
        assert_eq!(plane.pad((1, 2), (0, 1)).samples, [10, 10, 20, 20, 20, 10, 10, 20, 20, 20]);
        let over = Region::whole(2.0, 1.0).under_chroma((1, 1), (true, false));
        assert_eq!(over, Region { left: -2.0, top: 0.0, width: 4.0, height: 2.0 });
    }

    #[test]
    fn chroma_stays_in_place_where_a_side_is_odd() {
        // A ramp: whatever the size, the sample over the middle of the picture says the middle.
        let ramp: Vec<u8> = (0..200).collect();
        let plane = Plane { width: 1, height: 200, samples: ramp };
        let [odd, even] = [(1, 51), (1, 50)].map(|to| {
            let region = Region::whole(1.0, 200.0).under_chroma(to, (false, false));
            plane.resize(region, halved(to), &mut Resizer::new()).unwrap().samples
        });
        // Samples lie over rows 2n and 2n + 1 of 51, that is 200 / 51 apart.
        assert!(odd[12].abs_diff(97) <= 1, "{odd:?}");
        assert!(even[12].abs_diff(99) <= 1, "{even:?}");
    }

    #[test]
    fn chroma_is_half_as_large_whatever_the_size() {
        let picture = Ycc { luma: plane(501, 375), chroma: Some([plane(251, 188), plane(251, 188)]) };
        for to in [(250, 187), (99, 75), (1, 1), (500, 375)] {
            let small = picture.rescale(to, &mut Resizer::new()).unwrap();
            let [cb, cr] = small.chroma.as_ref().unwrap();
            assert_eq!(small.size(), to);
            assert_eq!((cb.width, cb.height), halved(to));
            assert_eq!((cr.width, cr.height), halved(to));
        }
    }

    #[test]
    fn primary_colours_come_out_of_their_components() {
        assert_eq!(ycc_to_rgb(255, 128, 128), [255; 3]);
        assert_eq!(ycc_to_rgb(76, 85, 255), [254, 0, 0]);
        assert_eq!(ycc_to_rgb(29, 255, 107), [0, 0, 254]);
    }
}
