//! What holds whatever lossy WebP comes: planes of the sizes that the header leads to, and small ones that are averages of the
//! large.

use strongroom_webp::{Decoder, Picture, Plane};

use super::MAX_PIXELS;

/// Luma and chroma; the second is the one that the others' luma is compared with.
const FACTORS: [(u32, u32); 6] = [(1, 1), (2, 1), (4, 2), (8, 4), (8, 8), (64, 64)];

/// Decodes it at its size, and shrunk.
pub fn check(input: &[u8]) -> u64 {
    let Ok(decoder) = Decoder::new(input) else { return 0 };
    let (width, height) = (decoder.header().width, decoder.header().height);
    assert!(width > 0 && height > 0);
    assert!((1..=8).contains(&decoder.header().orientation));
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return 0;
    }
    let promised = FACTORS.map(|(luma, chroma)| decoder.memory(luma, chroma)).iter().sum();
    let outcomes = FACTORS.map(|(luma, chroma)| Decoder::new(input)?.decode(luma, chroma));
    let [full, halved, ..] = &outcomes;
    for (outcome, (luma, chroma)) in outcomes.iter().zip(FACTORS) {
        match (full, halved, outcome) {
            (Ok(full), Ok(halved), Ok(picture)) => {
                assert_eq!((full.complete, full.rows), (picture.complete, picture.rows));
                judge(picture, width, height, luma, chroma);
                // Where the rows end within a square, it is the average of those that there are.
                if !full.complete {
                    continue;
                }
                for (full, plane) in full.planes.iter().zip(&picture.planes).skip(1) {
                    judge_average(full, plane, chroma, true);
                }
                // Shrunken luma has not been through the loop filter, which the full one has.
                if luma > 1 {
                    judge_average(&halved.planes[0], &picture.planes[0], luma / 2, false);
                }
            }
            (Err(full), Err(_), Err(error)) => assert_eq!(full, error),
            _ => panic!("it can be decoded at one size and not at another"),
        }
    }
    promised
}

fn judge(picture: &Picture, width: u32, height: u32, luma: u32, chroma: u32) {
    let (half_width, half_height) = (width.div_ceil(2).div_ceil(chroma), height.div_ceil(2).div_ceil(chroma));
    let sizes = [(width.div_ceil(luma), height.div_ceil(luma)), (half_width, half_height), (half_width, half_height)];
    for (plane, size) in picture.planes.iter().zip(sizes) {
        assert_eq!((plane.width, plane.height), size);
        assert!(plane.stride >= plane.width as usize && plane.samples.len() == plane.stride * plane.height as usize);
    }
    assert!(picture.rows <= height && (!picture.complete || picture.rows == height));
}

/// Every sample of the small plane is the average of a square of the large one. At the edges, of what there is of it: if `edges`, as
/// that does not hold for averages of averages.
fn judge_average(large: &Plane, small: &Plane, factor: u32, edges: bool) {
    let square = |at: u32, most: u32| (at * factor) as usize..((at + 1) * factor).min(most) as usize;
    let most = |large: u32, small: u32| if edges { small } else { (large / factor).min(small).saturating_sub(1) };
    for y in 0..most(large.height, small.height) {
        for x in 0..most(large.width, small.width) {
            let (rows, columns) = (square(y, large.height), square(x, large.width));
            let count = u32::try_from(rows.len() * columns.len()).expect("at most 64 x 64");
            let row = |y: usize| &large.samples[y * large.stride..][columns.clone()];
            let sum: u32 = rows.flat_map(row).map(|&sample| u32::from(sample)).sum();
            let sample = u32::from(small.samples[y as usize * small.stride + x as usize]);
            assert!((sample * count).abs_diff(sum) <= count, "{sample} at {x}, {y} for {sum} / {count}");
        }
    }
}
