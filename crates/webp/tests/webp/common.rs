//! The test files, and ways to put them into other containers.

/// The files in `data`, by name.
pub const FILES: [(&str, &[u8]); 8] = [
    ("pixel", include_bytes!("../data/pixel.webp")),
    ("column", include_bytes!("../data/column.webp")),
    ("odd", include_bytes!("../data/odd.webp")),
    ("simple", include_bytes!("../data/simple.webp")),
    ("strong", include_bytes!("../data/strong.webp")),
    ("unfiltered", include_bytes!("../data/unfiltered.webp")),
    ("fine", include_bytes!("../data/fine.webp")),
    ("partitions", include_bytes!("../data/partitions.webp")),
];

/// The file of that name.
pub fn file(name: &str) -> &'static [u8] {
    FILES.iter().find(|(other, _)| *other == name).expect("there is such a file").1
}

/// The `VP8 ` chunk of a file without any other.
pub fn frame(bytes: &[u8]) -> Vec<u8> {
    bytes[12..].to_vec()
}

/// A chunk.
pub fn chunk(name: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut chunk = name.to_vec();
    chunk.extend(u32::try_from(payload.len()).expect("tests are small").to_le_bytes());
    chunk.extend(payload);
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

/// A file of chunks.
pub fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut payload = b"WEBP".to_vec();
    payload.extend(chunks.concat());
    chunk(*b"RIFF", &payload)
}

/// The `VP8X` chunk for a canvas.
pub fn canvas(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let mut payload = vec![flags, 0, 0, 0];
    payload.extend(&(width - 1).to_le_bytes()[..3]);
    payload.extend(&(height - 1).to_le_bytes()[..3]);
    chunk(*b"VP8X", &payload)
}

/// An EXIF chunk with an orientation, in either order of bytes.
pub fn exif(orientation: u16, big: bool, prefix: &[u8]) -> Vec<u8> {
    let short = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let long = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let mut tiff = prefix.to_vec();
    tiff.extend(if big { b"MM" } else { b"II" });
    tiff.extend(short(42));
    tiff.extend(long(8));
    tiff.extend(short(2));
    for (tag, value) in [(0x0100, 640), (0x0112, orientation)] {
        tiff.extend(short(tag));
        tiff.extend(short(3));
        tiff.extend(long(1));
        tiff.extend(short(value));
        tiff.extend(short(0));
    }
    tiff.extend(long(0));
    chunk(*b"EXIF", &tiff)
}

/// An `ANMF` chunk at (0, 0).
pub fn animation_frame(width: u32, height: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut payload = vec![0; 6];
    payload.extend(&(width - 1).to_le_bytes()[..3]);
    payload.extend(&(height - 1).to_le_bytes()[..3]);
    payload.extend([100, 0, 0, 0]);
    payload.extend(chunks.concat());
    chunk(*b"ANMF", &payload)
}
