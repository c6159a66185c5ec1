//! JPEG files: decoded no larger than their thumbnails need, with luma and chroma apart all the way.

use fast_image_resize::Resizer;
use strongroom_jpeg::{Color, Decoder, Error, Header, Scale};

use super::Format;
use super::components::{Component, from_ycc, pixels};
use super::error::{RenderError, damaged};
use super::orientation::Orientation;
use super::picture::{Picture, cmyk_in_srgb, grey_in_srgb, rgb_in_srgb};
use super::planar::{Plane, Region, halved, ycc_to_rgb};

/// How much larger than the largest thumbnail luma is decoded at the least. From here on, Lanczos has what it needs.
const LUMA_MARGIN: f64 = 1.5;

/// The same for chroma, whose fine detail nobody sees: thumbnails have it at half of their size.
const CHROMA_MARGIN: f64 = 1.0;

/// An image whose header has been read.
pub(crate) struct Jpeg<'a> {
    bytes: &'a [u8],
    decoder: Box<Decoder<'a>>,
}

/// Reads the header. `None` for the varieties that are left to another decoder.
pub(crate) fn open(bytes: &[u8]) -> Result<Option<Jpeg<'_>>, RenderError> {
    match Decoder::new(bytes) {
        Ok(decoder) => Ok(Some(Jpeg { bytes, decoder: Box::new(decoder) })),
        Err(Error::Unsupported(_)) => Ok(None),
        Err(Error::Damaged(_)) => Err(damaged(Format::Jpeg, bytes)),
    }
}

impl Jpeg<'_> {
    /// As stored, in pixels.
    pub fn size(&self) -> (u32, u32) {
        let header = self.decoder.header();
        (header.width, header.height)
    }

    pub fn orientation(&self) -> Orientation {
        Orientation::from_exif(self.decoder.header().orientation)
    }

    /// How many bytes it takes to decode it for thumbnails of this size (as stored).
    pub fn memory(&self, to: (u32, u32)) -> u64 {
        self.decoder.memory(&scales(self.decoder.header(), to))
    }

    /// Decodes it for thumbnails of this size (as stored).
    pub fn picture(self, to: (u32, u32), resizer: &mut Resizer) -> Result<Picture, RenderError> {
        let header = self.decoder.header().clone();
        let scales = scales(&header, to);
        let decoded = self.decoder.decode(&scales).ok().filter(|decoded| decoded.rows > 0);
        let decoded = decoded.ok_or_else(|| damaged(Format::Jpeg, self.bytes))?;
        let rows = decoded.rows;
        let picture = picture(&header, &scales, decoded, to, resizer)?;
        Ok(picture.cut(header.height, rows, to, Orientation::from_exif(header.orientation)))
    }
}

/// All of the picture, missing rows included.
fn picture(
    header: &Header,
    scales: &[Scale],
    decoded: strongroom_jpeg::Picture,
    to: (u32, u32),
    resizer: &mut Resizer,
) -> Result<Picture, RenderError> {
    let parts = header.components.iter().zip(scales).zip(decoded.planes);
    let components: Vec<Component> = parts
        .map(|((factors, scale), plane)| {
            let (width, height) = extent(header, *factors, *scale);
            let plane = Plane::from_rows(plane.width, plane.height, plane.stride, plane.samples);
            Component { plane, region: Region::whole(width, height) }
        })
        .collect();
    let orientation = Orientation::from_exif(header.orientation);
    let icc = header.icc.as_deref();
    if let (Color::YCbCr, Some(components)) = (header.color, components.first_chunk()) {
        return from_ycc(components, to, orientation, icc, resizer);
    }

    let planes: Vec<Plane> =
        components.iter().map(|component| component.resize(to, resizer)).collect::<Result<_, _>>()?;
    let (stored, upright) = ((to.0 as usize, to.1 as usize), orientation.turn(to));
    // As Adobe's programs write it, 255 is no ink; browsers take it so whether or not Adobe's marker is there.
    Ok(Picture::Opaque(match (header.color, planes.as_slice()) {
        (Color::Grey, [grey]) => grey_in_srgb(orientation.apply::<1>(grey.samples.clone(), stored), upright, icc),
        (Color::Rgb, [red, green, blue]) => {
            let rgb = pixels([red, green, blue]).flatten().collect();
            rgb_in_srgb(&orientation.apply::<3>(rgb, stored), upright, icc)
        }
        (Color::Cmyk, [cyan, magenta, yellow, black]) => {
            let inks = pixels([cyan, magenta, yellow, black]).flatten().map(|ink| !ink).collect();
            cmyk_in_srgb(&orientation.apply::<4>(inks, stored), upright, icc)
        }
        (Color::Ycck, [y, cb, cr, black]) => {
            let inks = pixels([y, cb, cr, black]).flat_map(|[y, cb, cr, black]| {
                // The conversion gives red, green and blue, of which the inks are the complement.
                let [red, green, blue] = ycc_to_rgb(y, cb, cr);
                [!red, !green, !blue, black]
            });
            let inks = inks.map(|ink| !ink).collect();
            cmyk_in_srgb(&orientation.apply::<4>(inks, stored), upright, icc)
        }
        _ => return Err(RenderError::failed("not as many components as the colours need")),
    }))
}

/// The least scale for each component that leaves enough for thumbnails of this size.
fn scales(header: &Header, to: (u32, u32)) -> Vec<Scale> {
    let is_chroma = |at| matches!(header.color, Color::YCbCr | Color::Ycck) && (at == 1 || at == 2);
    let scale = |(at, factors): (usize, &strongroom_jpeg::Component)| {
        let needed = if is_chroma(at) {
            let (width, height) = halved(to);
            (CHROMA_MARGIN * f64::from(width), CHROMA_MARGIN * f64::from(height))
        } else {
            (LUMA_MARGIN * f64::from(to.0), LUMA_MARGIN * f64::from(to.1))
        };
        let enough = |scale: &Scale| {
            let (width, height) = extent(header, *factors, *scale);
            width >= needed.0 && height >= needed.1
        };
        [Scale::Eighth, Scale::Quarter, Scale::Half].into_iter().find(enough).unwrap_or(Scale::Full)
    };
    header.components.iter().enumerate().map(scale).collect()
}

/// The sides of the image at a component's resolution and scale, in samples (T.81, A.1.1), not rounded up.
fn extent(header: &Header, factors: strongroom_jpeg::Component, scale: Scale) -> (f64, f64) {
    let (mut across, mut down) = (1, 1);
    for other in &header.components {
        (across, down) = (across.max(other.h), down.max(other.v));
    }
    let part = match scale {
        Scale::Eighth => 0.125,
        Scale::Quarter => 0.25,
        Scale::Half => 0.5,
        Scale::Full => 1.0,
    };
    (
        f64::from(header.width) * f64::from(factors.h) / f64::from(across) * part,
        f64::from(header.height) * f64::from(factors.v) / f64::from(down) * part,
    )
}
