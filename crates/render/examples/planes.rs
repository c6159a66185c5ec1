//! What our own decoders make of files, before it becomes thumbnails: to be compared with other decoders.
//!
//! Reads names of files from standard input, one a line. For each it answers a line, with tabs between: the name, `jpeg`, `webp`, or
//! `none` with a reason, and a description of each plane: what it is, width, height and samples a pixel, with colons between. The samples
//! of these planes follow, row by row, without gaps.

use std::{
    env, fs,
    io::{self, BufRead as _, Write},
};

use image::ImageFormat;
use strongroom_jpeg::Scale;
use strongroom_render::{Format, sniff};

/// Fewer than any picture has that is worth comparing; larger ones take too long.
const MAX_PIXELS: u64 = 20_000_000;

/// A plane: what it is, width, height, samples a pixel, and the samples.
type Plane = (String, u32, u32, u32, Vec<u8>);

fn main() -> io::Result<()> {
    let mut output = io::BufWriter::new(io::stdout().lock());
    assert!(env::args().len() == 1, "the names come from standard input");
    for name in io::stdin().lock().lines() {
        let name = name?;
        let bytes = fs::read(&name)?;
        let planes = match sniff(&bytes) {
            Some(Format::Jpeg) => jpeg(&bytes).map(|planes| ("jpeg", planes)),
            Some(Format::WebP) => webp(&bytes).map(|planes| ("webp", planes)),
            _ => Err("another format".to_owned()),
        };
        match planes {
            Ok((kind, planes)) => write(&mut output, &name, kind, &planes)?,
            Err(reason) => writeln!(output, "{name}\tnone\t{reason}")?,
        }
        output.flush()?;
    }
    Ok(())
}

fn write(output: &mut impl Write, name: &str, kind: &str, planes: &[Plane]) -> io::Result<()> {
    write!(output, "{name}\t{kind}")?;
    for (what, width, height, channels, _) in planes {
        write!(output, "\t{what}:{width}:{height}:{channels}")?;
    }
    writeln!(output)?;
    planes.iter().try_for_each(|(.., samples)| output.write_all(samples))
}

/// Every component at every scale, and the whole picture by another decoder.
fn jpeg(bytes: &[u8]) -> Result<Vec<Plane>, String> {
    let mut planes = Vec::new();
    for (name, scale) in
        [("full", Scale::Full), ("half", Scale::Half), ("quarter", Scale::Quarter), ("eighth", Scale::Eighth)]
    {
        let decoder = strongroom_jpeg::Decoder::new(bytes).map_err(|error| error.to_string())?;
        let header = decoder.header().clone();
        limit(header.width, header.height)?;
        let scales = vec![scale; header.components.len()];
        let picture = decoder.decode(&scales).map_err(|error| error.to_string())?;
        for (index, plane) in picture.planes.iter().enumerate() {
            let what = format!("{name}-{index}-{:?}", header.color);
            planes.push((what, plane.width, plane.height, 1, compact(&plane.samples, plane.stride, plane.width)));
        }
    }
    planes.extend(other(bytes, ImageFormat::Jpeg));
    Ok(planes)
}

/// Luma and chroma at several sizes, and the whole picture by another decoder.
fn webp(bytes: &[u8]) -> Result<Vec<Plane>, String> {
    let mut planes = Vec::new();
    for (name, luma, chroma) in [("full", 1, 1), ("half", 2, 1), ("quarter", 4, 2), ("eighth", 8, 4)] {
        let decoder = strongroom_webp::Decoder::new(bytes).map_err(|error| error.to_string())?;
        limit(decoder.header().width, decoder.header().height)?;
        let picture = decoder.decode(luma, chroma).map_err(|error| error.to_string())?;
        for (index, plane) in picture.planes.iter().enumerate() {
            let what = format!("{name}-{index}-YCbCr");
            planes.push((what, plane.width, plane.height, 1, compact(&plane.samples, plane.stride, plane.width)));
        }
    }
    planes.extend(other(bytes, ImageFormat::WebP));
    Ok(planes)
}

fn limit(width: u32, height: u32) -> Result<(), String> {
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        Err("it is too large to be compared".to_owned())
    } else {
        Ok(())
    }
}

/// Without what stands beyond the width.
fn compact(samples: &[u8], stride: usize, width: u32) -> Vec<u8> {
    samples.chunks_exact(stride.max(1)).flat_map(|row| &row[..width as usize]).copied().collect()
}

/// By the crate `image`, unless it cannot.
fn other(bytes: &[u8], format: ImageFormat) -> Option<Plane> {
    let picture = image::load_from_memory_with_format(bytes, format).ok()?;
    let name = "image".to_owned();
    Some(match picture.color().channel_count() {
        1 | 2 => (name, picture.width(), picture.height(), 1, picture.into_luma8().into_raw()),
        _ => (name, picture.width(), picture.height(), 3, picture.into_rgb8().into_raw()),
    })
}
