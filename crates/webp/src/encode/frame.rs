//! A key frame: its headers and its two partitions. RFC 6386, sections 9 and 19.2.

use super::Error;
use super::bool_writer::BoolWriter;
use super::macroblock::Frame;
use super::modes;
use super::planes::Planes;
use super::quantizer::Quantizers;
use super::tokens::{counted_probability, write_probabilities};

/// The longest first partition that a frame can state.
const LONGEST_PARTITION: usize = (1 << 19) - 1;

/// Codes a picture of the given size, at most 16,383 a side.
pub(super) fn key_frame(planes: &Planes, width: u16, height: u16, quality: u8) -> Result<Vec<u8>, Error> {
    let quantizers = Quantizers::new(quality);
    let mut frame = Frame::new(planes, &quantizers);
    frame.code();

    let probabilities = frame.tokens.probabilities();
    let mut writer = BoolWriter::new();
    // YUV as in BT.601; samples have to be clamped.
    writer.put_number(0, 2);
    // No segments.
    writer.put_number(0, 1);
    // The normal loop filter, its level, no sharpness, no adjustments.
    writer.put_number(0, 1);
    writer.put_number(u32::from(quantizers.filter_level), 6);
    writer.put_number(0, 3 + 1);
    // One partition of coefficients.
    writer.put_number(0, 2);
    // The quantiser, without deviations.
    writer.put_number(u32::from(quantizers.index), 7);
    writer.put_number(0, 5);
    // The probabilities need not be kept for a frame to come.
    writer.put_number(0, 1);
    write_probabilities(&mut writer, &probabilities);
    let skipped = frame.modes.iter().filter(|modes| modes.skipped).count();
    let unskipped = counted_probability(count(frame.modes.len() - skipped)?, count(skipped)?);
    writer.put_number(1, 1);
    writer.put_number(u32::from(unskipped), 8);
    modes::write_all(&mut writer, &frame.modes, planes.columns, unskipped);

    let first = writer.finish();
    let second = frame.tokens.write(&probabilities);
    if first.len() > LONGEST_PARTITION {
        return Err(Error::TooLarge);
    }
    // A key frame, version 0, shown.
    let tag = count(first.len())? << 5 | 1 << 4;
    let mut bytes = tag.to_le_bytes()[..3].to_vec();
    bytes.extend([0x9d, 0x01, 0x2a]);
    bytes.extend(width.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.extend(first);
    bytes.extend(second);
    Ok(bytes)
}

fn count(length: usize) -> Result<u32, Error> {
    u32::try_from(length).map_err(|_| Error::TooLarge)
}
