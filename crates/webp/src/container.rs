//! The container: RIFF chunks. RFC 9649, 2.

use crate::Error;

/// The longest colour profile that is handed on, in bytes. Real ones have up to some hundred kilobytes.
const LONGEST_PROFILE: usize = 1 << 22;

/// What the chunks say.
#[derive(Debug)]
pub struct Container<'a> {
    /// The VP8 frame, as much of it as there is.
    pub frame: &'a [u8],
    /// Whether that is all of it.
    pub whole: bool,
    /// The size that the frame must have, where the container says it.
    pub size: Option<(u32, u32)>,
    pub orientation: u8,
    pub icc: Option<Vec<u8>>,
}

/// A chunk: RFC 9649, 2.3.
struct Chunk<'a> {
    name: [u8; 4],
    /// As much of it as there is.
    payload: &'a [u8],
    /// Whether that is all of it.
    whole: bool,
}

/// The chunks in `data`. Empty chunks take eight bytes too, so there cannot be many.
fn chunks(mut data: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    std::iter::from_fn(move || {
        let (name, rest) = data.split_first_chunk::<4>()?;
        let (size, rest) = rest.split_first_chunk::<4>()?;
        let size = u32::from_le_bytes(*size) as usize;
        let payload = &rest[..size.min(rest.len())];
        // Chunks begin at even offsets.
        data = rest.get(size.saturating_add(size & 1)..).unwrap_or_default();
        Some(Chunk { name: *name, payload, whole: payload.len() == size })
    })
}

fn number24(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte))
}

impl<'a> Container<'a> {
    /// Reads the chunks in `bytes`, which may be truncated.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        let Some((start, data)) = bytes.split_first_chunk::<12>() else {
            return Err(Error::Damaged("the file ends in its header"));
        };
        if start[..4] != *b"RIFF" || start[8..] != *b"WEBP" {
            return Err(Error::Damaged("the file is not WebP"));
        }
        // What is behind the RIFF chunk is not ours.
        let size = (u32::from_le_bytes([start[4], start[5], start[6], start[7]]) as usize).saturating_sub(4);
        let data = &data[..size.min(data.len())];

        let mut canvas = None;
        let mut orientation = 1;
        let mut icc = None;
        let mut frame = None;
        for (i, chunk) in chunks(data).enumerate() {
            match &chunk.name {
                b"VP8X" if i == 0 => {
                    let Some(size) = chunk.payload.get(4..10) else {
                        return Err(Error::Damaged("the VP8X chunk is too short"));
                    };
                    canvas = Some((number24(&size[..3]) + 1, number24(&size[3..]) + 1));
                }
                b"ICCP" if icc.is_none() && chunk.whole && chunk.payload.len() <= LONGEST_PROFILE => {
                    icc = Some(chunk.payload);
                }
                b"EXIF" if chunk.whole => orientation = orientation_in(chunk.payload).unwrap_or(1),
                b"ANMF" if frame.is_none() => frame = Some(animated(chunk.payload, canvas)?),
                _ if frame.is_none() => frame = frame_in(&chunk)?,
                _ => {}
            }
        }
        let Some((frame, whole)) = frame else {
            return Err(Error::Damaged("the file has no image"));
        };
        Ok(Container { frame, whole, size: canvas, orientation, icc: icc.map(<[u8]>::to_vec) })
    }
}

/// The frame and whether it is whole, if the chunk is one.
fn frame_in<'a>(chunk: &Chunk<'a>) -> Result<Option<(&'a [u8], bool)>, Error> {
    match &chunk.name {
        b"VP8 " => Ok(Some((chunk.payload, chunk.whole))),
        b"VP8L" => Err(Error::Unsupported("lossless compression")),
        b"ALPH" => Err(Error::Unsupported("an alpha channel")),
        _ => Ok(None),
    }
}

/// The first frame of an animation: RFC 9649, 2.7.1.1.
fn animated(payload: &[u8], canvas: Option<(u32, u32)>) -> Result<(&[u8], bool), Error> {
    let Some((header, data)) = payload.split_first_chunk::<16>() else {
        return Err(Error::Damaged("the ANMF chunk is too short"));
    };
    let place = [0, 3, 6, 9].map(|start| number24(&header[start..start + 3]));
    let Some((width, height)) = canvas else {
        return Err(Error::Damaged("an animation without a canvas"));
    };
    if place != [0, 0, width - 1, height - 1] {
        return Err(Error::Unsupported("an animation whose first frame does not cover its canvas"));
    }
    for chunk in chunks(data) {
        if let Some(frame) = frame_in(&chunk)? {
            return Ok(frame);
        }
    }
    Err(Error::Damaged("an animation frame without an image"))
}

/// The orientation in an EXIF chunk: tag 0x0112 of the first directory.
fn orientation_in(exif: &[u8]) -> Option<u8> {
    // Some writers keep the prefix that EXIF has in JPEG.
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    let big = match tiff.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let short = |at: usize| -> Option<u16> {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        Some(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let long = |at: usize| -> Option<u32> {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        Some(if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    let directory = long(4)? as usize;
    let entries = usize::from(short(directory)?);
    let entry = (0..entries).map(|i| directory + 2 + 12 * i).take_while(|&at| at < tiff.len());
    for at in entry {
        if short(at)? == 0x0112 {
            // A single SHORT stands at the start of the value.
            let is_short = short(at + 2)? == 3 && long(at + 4)? == 1;
            return u8::try_from(short(at + 8)?).ok().filter(|o| is_short && (1..=8).contains(o));
        }
    }
    None
}
