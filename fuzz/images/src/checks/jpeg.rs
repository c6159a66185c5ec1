//! What holds whatever JPEG comes: planes of the sizes that the header leads to, the same at a scale whatever the scales of the
//! others.

use strongroom_jpeg::{Color, Component, Decoder, Error, Header, Picture, Plane, Scale};

use super::MAX_PIXELS;

const SCALES: [(Scale, u32); 4] = [(Scale::Eighth, 1), (Scale::Quarter, 2), (Scale::Half, 4), (Scale::Full, 8)];

/// Decodes it at every scale, and once with the scales mixed.
pub fn check(input: &[u8]) -> u64 {
    let Ok(decoder) = Decoder::new(input) else { return 0 };
    let header = decoder.header().clone();
    judge_header(&header);
    if u64::from(header.width) * u64::from(header.height) > MAX_PIXELS {
        return 0;
    }
    let count = header.components.len();
    let mut promised = 0;
    let mut outcomes = Vec::new();
    for (scale, _) in SCALES {
        let (outcome, memory) = decode(input, &vec![scale; count]);
        if let Ok(picture) = &outcome {
            judge(&header, picture, &vec![scale; count]);
        }
        // All pictures are kept.
        promised += memory;
        outcomes.push(outcome);
    }
    // The first component and the last at other scales than those between.
    let mixed: Vec<_> = (0..count).map(|index| (count + 2 - index) % 4).collect();
    let scales: Vec<_> = mixed.iter().map(|&at| SCALES[at].0).collect();
    let (outcome, memory) = decode(input, &scales);
    if let Ok(picture) = &outcome {
        judge(&header, picture, &scales);
        // Damage may stand where only some scales look; and what refines others may come with scans that refine one.
        for (index, &at) in mixed.iter().enumerate().filter(|_| !header.progressive) {
            let Some(alone) = outcomes[at].as_ref().ok().filter(|alone| alone.complete && picture.complete) else {
                continue;
            };
            assert!(alone.planes[index] == picture.planes[index], "component {index} depends on the scales of others");
        }
    }
    promised + memory
}

fn decode(input: &[u8], scales: &[Scale]) -> (Result<Picture, Error>, u64) {
    let decoder = Decoder::new(input).expect("it could be opened before");
    let memory = decoder.memory(scales);
    (decoder.decode(scales), memory)
}

fn judge_header(header: &Header) {
    assert!(header.width > 0 && header.height > 0, "{header:?}");
    assert!((1..=8).contains(&header.orientation), "{header:?}");
    let count = match header.color {
        Color::Grey => 1,
        Color::YCbCr | Color::Rgb => 3,
        Color::Cmyk | Color::Ycck => 4,
    };
    assert_eq!(header.components.len(), count);
    assert!(header.components.iter().all(|factors| (1..=4).contains(&factors.h) && (1..=4).contains(&factors.v)));
}

/// Sizes by A.1.1, scaled as they round up.
fn judge(header: &Header, picture: &Picture, scales: &[Scale]) {
    let most =
        |factor: fn(&Component) -> u8| u32::from(header.components.iter().map(factor).max().expect("one at least"));
    let (h_max, v_max) = (most(|factors| factors.h), most(|factors| factors.v));
    assert_eq!(picture.planes.len(), header.components.len());
    for ((plane, factors), scale) in picture.planes.iter().zip(&header.components).zip(scales) {
        let (_, points) = SCALES.iter().find(|(known, _)| known == scale).expect("there are no more");
        let width = (header.width * u32::from(factors.h)).div_ceil(h_max);
        let height = (header.height * u32::from(factors.v)).div_ceil(v_max);
        let Plane { stride, samples, .. } = plane;
        assert_eq!((plane.width, plane.height), ((width * points).div_ceil(8), (height * points).div_ceil(8)));
        assert!(*stride >= plane.width as usize && samples.len() == stride * plane.height as usize);
    }
    assert!(picture.rows <= header.height);
    assert!(!picture.complete || picture.rows == header.height);
}
