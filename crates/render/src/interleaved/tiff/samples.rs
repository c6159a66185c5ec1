//! From bits to samples: of any width, in any byte order, with predictors undone (TIFF 6.0, sections 3, 8, and 14).

use super::layout::{Layout, Number, Predictor};

/// Undoes what the predictor did, within the bytes of a row of a chunk.
pub(super) fn undo_predictor(layout: &Layout<'_>, row: &mut [u8]) {
    let step = layout.samples_in_chunk();
    match (layout.predictor, layout.bits) {
        (Predictor::Horizontal, 8) => add_up(row, step),
        (Predictor::Horizontal, 16) => {
            let (samples, _) = row.as_chunks_mut::<2>();
            let read = if layout.little_endian { u16::from_le_bytes } else { u16::from_be_bytes };
            let write = if layout.little_endian { u16::to_le_bytes } else { u16::to_be_bytes };
            for at in step..samples.len() {
                samples[at] = write(read(samples[at]).wrapping_add(read(samples[at - step])));
            }
        }
        (Predictor::Horizontal, 32) => {
            let (samples, _) = row.as_chunks_mut::<4>();
            let read = if layout.little_endian { u32::from_le_bytes } else { u32::from_be_bytes };
            let write = if layout.little_endian { u32::to_le_bytes } else { u32::to_be_bytes };
            for at in step..samples.len() {
                samples[at] = write(read(samples[at]).wrapping_add(read(samples[at - step])));
            }
        }
        (Predictor::FloatingPoint, _) => {
            add_up(row, step);
            let planes = row.to_vec();
            let (samples, _) = row.as_chunks_mut::<4>();
            let count = samples.len();
            for (at, sample) in samples.iter_mut().enumerate() {
                // The highest bytes come first, whatever the byte order of the file.
                let bytes = [0, 1, 2, 3].map(|byte| planes[byte * count + at]);
                let number = u32::from_be_bytes(bytes);
                *sample = if layout.little_endian { number.to_le_bytes() } else { bytes };
            }
        }
        // Nobody predicts what is packed more densely.
        _ => {}
    }
}

fn add_up(row: &mut [u8], step: usize) {
    for at in step..row.len() {
        row[at] = row[at].wrapping_add(row[at - step]);
    }
}

/// The largest value that [`unpack`] gives.
pub(super) fn most(layout: &Layout<'_>) -> u16 {
    match layout.bits {
        bits @ 1..16 => (1 << bits) - 1,
        _ => u16::MAX,
    }
}

/// The samples in the bytes of a row of a chunk, in order; those of 32 bits rounded to 16.
pub(super) fn unpack(layout: &Layout<'_>, row: &[u8], mut to: impl FnMut(usize, u16)) {
    let little = layout.little_endian;
    match layout.bits {
        8 => row.iter().enumerate().for_each(|(at, byte)| to(at, u16::from(*byte))),
        16 => {
            let read = if little { u16::from_le_bytes } else { u16::from_be_bytes };
            row.as_chunks().0.iter().enumerate().for_each(|(at, bytes)| to(at, read(*bytes)));
        }
        32 => {
            let read = if little { u32::from_le_bytes } else { u32::from_be_bytes };
            for (at, bytes) in row.as_chunks().0.iter().enumerate() {
                let number = read(*bytes);
                to(at, if layout.number == Number::Float { quantise(f32::from_bits(number)) } else { high(number) });
            }
        }
        bits => {
            let (mut held, mut count, mut at) = (0_u32, 0, 0);
            for byte in row {
                held = held << 8 | u32::from(*byte);
                count += 8;
                while count >= bits {
                    count -= bits;
                    to(at, low(held >> count) & most(layout));
                    at += 1;
                }
            }
        }
    }
}

fn high(number: u32) -> u16 {
    low(number >> 16)
}

fn low(number: u32) -> u16 {
    let [.., high, low] = number.to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 65,535")]
fn quantise(sample: f32) -> u16 {
    (sample.clamp(0.0, 1.0) * 65_535.0).round() as u16
}
