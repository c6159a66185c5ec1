//! Pictures whose components lie apart: luma and, at half of its size, chroma. As JPEG has them inside (JFIF 1.02).

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{PixelType, ResizeOptions, Resizer};

use super::RenderError;
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

    /// At another size. `extent`: how much of this plane, from its first sample on, that size shows; in samples, and not
    /// always a whole number.
    pub fn resize(&self, extent: (f64, f64), to: (u32, u32), resizer: &mut Resizer) -> Result<Self, RenderError> {
        let extent = (extent.0.min(self.width.into()), extent.1.min(self.height.into()));
        if (self.width, self.height) == to && extent == (to.0.into(), to.1.into()) {
            return Ok(self.clone());
        }
        let from = ImageRef::new(self.width, self.height, &self.samples, PixelType::U8).map_err(RenderError::failed)?;
        let mut small = Image::new(to.0, to.1, PixelType::U8);
        let options = ResizeOptions::new().crop(0.0, 0.0, extent.0, extent.1);
        resizer.resize(&from, &mut small, &options).map_err(RenderError::failed)?;
        Ok(Self { width: to.0, height: to.1, samples: small.into_vec() })
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
        let from = self.size();
        let luma = self.luma.resize((from.0.into(), from.1.into()), to, resizer)?;
        let small = halved(to);
        // A last column of chroma may reach half over the edge, here as well as there.
        let extent = |from: u32, small: u32, to: u32| f64::from(from) * f64::from(small) / f64::from(to);
        let extent = (extent(from.0, small.0, to.0), extent(from.1, small.1, to.1));
        let chroma = match &self.chroma {
            Some([cb, cr]) => Some([cb.resize(extent, small, resizer)?, cr.resize(extent, small, resizer)?]),
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
                    let twice = |plane: &'_ Plane| {
                        plane.row(y / 2).iter().flat_map(|sample| [*sample; 2]).collect::<Vec<_>>()
                    };
                    let chroma = twice(cb).into_iter().zip(twice(cr));
                    rgb.extend(luma.iter().zip(chroma).flat_map(|(y, (cb, cr))| ycc_to_rgb(*y, cb, cr)));
                }
            }
        }
        rgb
    }
}

/// JFIF 1.02, "Conversion to and from RGB", in 16-bit fixed point.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 to 255")]
pub(crate) fn ycc_to_rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = ((i32::from(y) << 16) + (1 << 15), i32::from(cb) - 128, i32::from(cr) - 128);
    [y + 91_881 * cr, y - 22_554 * cb - 46_802 * cr, y + 116_130 * cb].map(|sample| (sample >> 16).clamp(0, 255) as u8)
}

impl jpeg_encoder::ImageBuffer for &Ycc {
    fn get_jpeg_color_type(&self) -> jpeg_encoder::JpegColorType {
        if self.chroma.is_some() { jpeg_encoder::JpegColorType::Ycbcr } else { jpeg_encoder::JpegColorType::Luma }
    }

    fn width(&self) -> u16 {
        u16::try_from(self.luma.width).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        u16::try_from(self.luma.height).unwrap_or(u16::MAX)
    }

    /// The encoder wants chroma at full size, and then averages it: that gives back the very samples there are.
    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let [luma, cb, cr, _] = buffers;
        luma.extend_from_slice(self.luma.row(y.into()));
        for (plane, buffer) in self.chroma.iter().flatten().zip([cb, cr]) {
            let twice = plane.row(usize::from(y) / 2).iter().flat_map(|sample| [*sample; 2]);
            buffer.extend(twice.take(self.luma.width as usize));
        }
    }
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
        assert_eq!(plane.resize((7.0, 5.0), (7, 5), &mut Resizer::new()).unwrap(), plane);
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
