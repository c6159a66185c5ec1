//! The size that the first frame of a WebP file claims for itself.
//!
//! The container states a size, and the frame in it states its own: the decoder allocates by that of a lossy one before it
//! compares the two.

use super::format::{u16_at, u32_at};

/// How many bytes of an animation's frame stand before its chunks.
const FRAME_HEADER: usize = 16;

/// Width and height of the first frame, if there is one.
pub(super) fn first_frame(bytes: &[u8]) -> Option<(u32, u32)> {
    in_chunks(bytes.get(12..)?)
}

fn in_chunks(mut chunks: &[u8]) -> Option<(u32, u32)> {
    loop {
        let name = chunks.get(..4)?;
        let length = usize::try_from(u32_at(chunks, 4)?).ok()?;
        let rest = chunks.get(8..)?;
        match name {
            b"VP8 " => return keyframe(rest),
            b"VP8L" => return lossless(rest),
            b"ANMF" => return in_chunks(rest.get(FRAME_HEADER..)?),
            _ => chunks = rest.get(length.checked_add(length % 2)?..)?,
        }
    }
}

/// RFC 6386, section 9.1: three bytes, a start code, 14 bits of width, 14 bits of height.
fn keyframe(frame: &[u8]) -> Option<(u32, u32)> {
    (frame.get(3..6)? == [0x9d, 0x01, 0x2a]).then_some(())?;
    let side = |at| u16_at(frame, at).map(|side| u32::from(side & 0x3fff));
    Some((side(6)?, side(8)?))
}

/// RFC 9649, section 3.4: a signature, 14 bits of width less one, 14 bits of height less one.
fn lossless(frame: &[u8]) -> Option<(u32, u32)> {
    (*frame.first()? == 0x2f).then_some(())?;
    let sides = u32_at(frame, 1)?;
    Some(((sides & 0x3fff) + 1, (sides >> 14 & 0x3fff) + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_found_behind_other_chunks_and_inside_an_animation() {
        let frame = b"VP8 \x0a\0\0\0\x10\0\0\x9d\x01\x2a\xff\x3f\x10\x00";
        let still = [b"RIFF\0\0\0\0WEBPVP8X\x03\0\0\0abc\0".as_slice(), frame].concat();
        assert_eq!(first_frame(&still), Some((16_383, 16)));
        let animation = [b"RIFF\0\0\0\0WEBPANMF\x22\0\0\0-a frame header-".as_slice(), frame].concat();
        assert_eq!(first_frame(&animation), Some((16_383, 16)));
    }

    #[test]
    fn a_lossless_frame_has_up_to_16384_pixels_on_a_side() {
        assert_eq!(first_frame(b"RIFF\0\0\0\0WEBPVP8L\x05\0\0\0\x2f\xff\x3f\0\0"), Some((16_384, 1)));
        assert_eq!(first_frame(b"RIFF\0\0\0\0WEBPVP8L\x05\0\0\0\x2f\x0f\xc0\xff\x0f"), Some((16, 16_384)));
    }

    #[test]
    fn what_has_no_frame_claims_nothing() {
        assert_eq!(first_frame(b"RIFF\0\0\0\0WEBPVP8L\x02\0\0\0ab"), None);
        assert_eq!(first_frame(b"RIFF\0\0\0\0WEBPVP8X\xff\xff\xff\xffab"), None);
        assert_eq!(first_frame(b"RIFF"), None);
    }
}
