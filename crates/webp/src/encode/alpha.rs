//! Transparency as a chunk of its own, without loss. RFC 9649, section 2.7.1.2.

use image_webp::{ColorType, EncoderParams, WebPEncoder};

use super::Error;

/// The chunk's data for straight RGBA.
pub(super) fn chunk(rgba: &[u8], width: u32, height: u32) -> Result<Vec<u8>, Error> {
    let alphas: Vec<u8> = rgba.iter().skip(3).step_by(4).copied().collect();
    let mut smallest = alphas.clone();
    smallest.insert(0, 0);
    for predict in [true, false] {
        let mut file = Vec::new();
        let mut encoder = WebPEncoder::new(&mut file);
        let mut params = EncoderParams::default();
        params.use_predictor_transform = predict;
        encoder.set_params(params);
        encoder.encode(&alphas, width, height, ColorType::L8).map_err(|_| Error::TooLarge)?;
        // What comes before the pixels: the headers of the file and of the chunk, 8 bits of signature, 14 bits for each
        // side, alpha, version.
        let stream = &file[12 + 8 + 5..];
        if 1 + stream.len() < smallest.len() {
            smallest = [&[1], stream].concat();
        }
    }
    Ok(smallest)
}
