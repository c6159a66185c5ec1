//! Decoding a frame, row of macroblocks by row of macroblocks. RFC 6386, 19.3.

use crate::band::Band;
use crate::bools::Bools;
use crate::filter::{self, Strength};
use crate::frame::{Filter, Frame};
use crate::macroblock::{Coefficients, Contexts};
use crate::modes::{self, Luma, Submode};
use crate::predict::Neighbours;
use crate::shrink::Shrinker;
use crate::work::{Above, CR, LEFT, Work};
use crate::{Error, Picture};

/// What a macroblock leaves to the one below.
#[derive(Clone, Copy, Debug)]
struct Column {
    samples: Above,
    contexts: Contexts,
    submodes: [Submode; 4],
    strength: Strength,
}

/// The picture on its way.
struct Canvas {
    bands: [Band; 3],
    shrinkers: [Shrinker; 3],
}

/// An upper estimate of what [`decode`] allocates, in bytes.
pub fn memory(width: u32, height: u32, luma: u32, chroma: u32) -> u64 {
    let columns = u64::from(width.div_ceil(16));
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let planes = Shrinker::memory(width, height, luma) + 2 * Shrinker::memory(half_width, half_height, chroma);
    let bands = Band::memory(columns, 16) + 2 * Band::memory(columns, 8);
    planes + bands + columns * size_of::<Column>() as u64
}

/// Decodes a frame.
pub fn decode(mut frame: Frame, luma: u32, chroma: u32) -> Result<Picture, Error> {
    let (width, height) = (frame.width, frame.height);
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let columns = width.div_ceil(16) as usize;
    let mut canvas = Canvas {
        bands: [Band::new(columns, 16), Band::new(columns, 8), Band::new(columns, 8)],
        shrinkers: [
            Shrinker::new(width, height, luma),
            Shrinker::new(half_width, half_height, chroma),
            Shrinker::new(half_width, half_height, chroma),
        ],
    };
    let mut above = vec![
        Column {
            samples: Above::OUTSIDE,
            contexts: [0; 9],
            submodes: modes::OUTSIDE,
            strength: Strength::default()
        };
        columns
    ];
    // The simple filter leaves chroma as it is. RFC 6386, 15.2.
    let chroma_filtered = frame.filter == Filter::Normal;
    let filtered = [luma == 1 && frame.filter != Filter::None, chroma_filtered, chroma_filtered];
    let count = height.div_ceil(16);
    let mut done = 0;
    let mut partitions = std::mem::take(&mut frame.partitions);
    let number = partitions.len();
    for row in 0..count {
        let bools = &mut partitions[row as usize % number];
        if !macroblocks(&mut frame, bools, row == 0, &mut above, &mut canvas) {
            break;
        }
        let [luma, chroma @ ..] = &mut canvas.bands;
        for (x, column) in above.iter().enumerate() {
            let simple = frame.filter == Filter::Simple;
            if filtered[0] {
                let start = luma.start(x);
                filter::macroblock::<1, 16>(&mut [luma.rows()], start, column.strength, simple, x > 0, row > 0);
            }
            if filtered[1] {
                let start = chroma[0].start(x);
                let mut planes = chroma.each_mut().map(Band::rows);
                filter::macroblock::<2, 8>(&mut planes, start, column.strength, false, x > 0, row > 0);
            }
        }
        for ((band, shrinker), filtered) in canvas.bands.iter_mut().zip(&mut canvas.shrinkers).zip(filtered) {
            band.give(shrinker, filtered);
        }
        done += 1;
    }
    if done == 0 {
        return Err(Error::Damaged("the frame ends in its first row"));
    }
    for (band, shrinker) in canvas.bands.iter_mut().zip(&mut canvas.shrinkers) {
        band.give_last(shrinker);
    }
    Ok(Picture {
        planes: canvas.shrinkers.map(Shrinker::finish),
        complete: done == count,
        rows: (16 * done).min(height),
    })
}

/// Decodes a row of macroblocks. Returns whether all of them came from data.
fn macroblocks(frame: &mut Frame, bools: &mut Bools, first: bool, above: &mut [Column], canvas: &mut Canvas) -> bool {
    let mut work = Work::start_of_row(first);
    let mut coefficients = Coefficients::new();
    let mut contexts = [0; 9];
    let mut submodes = modes::OUTSIDE;
    let mut b = frame.modes;
    for x in 0..above.len() {
        // RFC 6386, 19.3.
        let number = match frame.segment_tree {
            Some(tree) if b.bool(tree[0]) => 2 + usize::from(b.bool(tree[2])),
            Some(tree) => usize::from(b.bool(tree[1])),
            None => 0,
        };
        let segment = &frame.segments[number];
        let skip = frame.skip.is_some_and(|probability| b.bool(probability));
        let right = match above.get(x + 1) {
            Some(next) => std::array::from_fn(|i| next.samples.luma[i]),
            None => [above[x].samples.luma[15]; 4],
        };
        let column = &mut above[x];
        let luma = modes::luma(&mut b, &mut column.submodes, &mut submodes);
        let chroma = modes::chroma(&mut b);
        let whole = matches!(luma, Luma::Whole(_));
        if skip {
            coefficients.skip(whole, &mut column.contexts, &mut contexts);
        } else {
            let probabilities = &frame.probabilities;
            coefficients.read(bools, probabilities, segment, whole, &mut column.contexts, &mut contexts);
        }
        column.strength = segment.strengths[usize::from(!whole)];
        column.strength.inner |= coefficients.any;

        work.set_above(&column.samples, right);
        coefficients.reconstruct(&mut work, &luma, chroma, Neighbours { above: !first, left: x > 0 });
        column.samples = work.bottom();
        canvas.bands[0].set::<16>(x, &work.luma, LEFT);
        canvas.bands[1].set::<8>(x, &work.chroma, LEFT);
        canvas.bands[2].set::<8>(x, &work.chroma, CR);
        work.move_right();
    }
    frame.modes = b;
    !b.overran() && !bools.overran()
}
