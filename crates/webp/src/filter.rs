//! The loop filter. RFC 6386, 15.

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, u8x16, u32x4};

/// How the edges of a macroblock are filtered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strength {
    /// How large the step at a subblock edge may be; 0 if the macroblock is not filtered.
    pub limit: u8,
    /// How large differences beside the edge may be.
    pub interior: u8,
    /// From which difference beside the edge on there is high edge variance.
    pub variance: u8,
    /// Whether edges between subblocks are filtered too.
    pub inner: bool,
}

impl Strength {
    /// The strength by level and sharpness. RFC 6386, 15.2 to 15.4.
    pub fn new(level: i32, sharpness: u8, inner: bool) -> Self {
        let level = level.clamp(0, 63) as u8;
        if level == 0 {
            return Strength::default();
        }
        let mut interior = level;
        if sharpness > 0 {
            interior >>= if sharpness > 4 { 2 } else { 1 };
            interior = interior.min(9 - sharpness);
        }
        let interior = interior.max(1);
        let variance = match level {
            40.. => 2,
            15.. => 1,
            _ => 0,
        };
        Strength { limit: 2 * level + interior, interior, variance, inner }
    }
}

/// Rows of a plane, of which a macroblock is being filtered.
#[derive(Debug)]
pub struct Rows<'a> {
    pub samples: &'a mut [u8],
    pub stride: usize,
}

impl Rows<'_> {
    /// The `N` samples at `start`.
    #[inline(always)]
    fn get<const N: usize>(&self, start: usize) -> [u8; N] {
        *self.samples[start..].first_chunk().expect("a macroblock is in its plane")
    }

    #[inline(always)]
    fn set<const N: usize>(&mut self, start: usize, samples: [u8; N]) {
        *self.samples[start..].first_chunk_mut().expect("a macroblock is in its plane") = samples;
    }
}

/// What kind of edge there is, and so how many samples change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    Simple,
    Macroblock,
    Subblock,
}

#[derive(Clone, Copy)]
struct Thresholds {
    edge: i16,
    interior: i16,
    variance: i16,
}

/// How many samples of an edge are filtered at once: those of luma, or those of both chroma planes.
const LANES: usize = 16;

/// Rows, or columns, on either side of edges: four before the macroblock, then its own.
type Lanes = [[u8; LANES]; 20];

/// Four samples of each of sixteen rows.
type Quads<S> = [u8x16<S>; 4];

/// Filters the edges of a macroblock of `N` x `N` samples at `start` in each of `P` planes (where four rows and, unless it is the first,
/// four columns before it are there too): the left one, those to the right of it, the upper one, those below it. `P * N` is [`LANES`].
/// RFC 6386, 15.2 to 15.4.
#[inline(always)]
pub fn macroblock<const P: usize, const N: usize>(
    planes: &mut [Rows; P],
    start: usize,
    strength: Strength,
    simple: bool,
    left: bool,
    above: bool,
) {
    if strength.limit > 0 {
        dispatch!(Level::baseline(), simd => {
            let mut quads = [[u8x16::splat(simd, 0); 4]; 5];
            columns::<_, P, N>(simd, planes, start, &mut quads, strength, simple, left);
            rows::<_, P, N>(planes, start, &quads, strength, simple, above);
        });
    }
}

/// Reads the four columns to the left of a macroblock and its own, four samples of each row at a time, and filters the vertical edges.
///
/// Never more than four samples are read at once where less was written just before: a processor that has to put what it reads together
/// from several writes waits until these are done.
#[inline(always)]
fn columns<S: Simd, const P: usize, const N: usize>(
    simd: S,
    planes: &mut [Rows; P],
    start: usize,
    quads: &mut [Quads<S>; 5],
    strength: Strength,
    simple: bool,
    left: bool,
) {
    for (x, quads) in quads.iter_mut().enumerate().take(1 + N / 4) {
        for (group, quad) in quads.iter_mut().enumerate() {
            let plane = &planes[4 * group / N];
            let first = start + 4 * x - 4 + 4 * group % N * plane.stride;
            let rows: [u32; 4] = std::array::from_fn(|y| u32::from_ne_bytes(plane.get(first + y * plane.stride)));
            *quad = u32x4::from_slice(simd, &rows).bitcast();
        }
    }
    if !left && !strength.inner {
        return;
    }
    let mut lanes: Lanes = [[0; LANES]; 20];
    for (quads, lanes) in quads.iter().zip(lanes.as_chunks_mut::<4>().0) {
        for (column, lane) in interleaved(interleaved(interleaved(interleaved(*quads)))).iter().zip(lanes) {
            column.store_slice(lane);
        }
    }
    edges::<N>(&mut lanes, strength, simple, left);
    for (quads, lanes) in quads.iter_mut().zip(lanes.as_chunks::<4>().0) {
        *quads = interleaved(interleaved(std::array::from_fn(|i| u8x16::from_slice(simd, &lanes[i]))));
    }
    if left {
        for (group, quad) in quads[0].iter().enumerate() {
            let plane = &mut planes[4 * group / N];
            let first = start - 4 + 4 * group % N * plane.stride;
            let mut rows = [0; 4];
            quad.bitcast::<u32x4<S>>().store_slice(&mut rows);
            for (y, row) in rows.iter().enumerate() {
                plane.set(first + y * plane.stride, row.to_ne_bytes());
            }
        }
    }
}

/// Filters the horizontal edges of a macroblock that [`columns`] has read, and writes it.
#[inline(always)]
fn rows<S: Simd, const P: usize, const N: usize>(
    planes: &mut [Rows; P],
    start: usize,
    quads: &[Quads<S>; 5],
    strength: Strength,
    simple: bool,
    above: bool,
) {
    let mut lanes: Lanes = [[0; LANES]; 20];
    for (y, lane) in lanes.iter_mut().enumerate().take(4) {
        for (plane, lane) in planes.iter().zip(lane.as_chunks_mut::<N>().0) {
            *lane = plane.get(start - (4 - y) * plane.stride);
        }
    }
    for group in 0..N / 4 {
        // A row of all planes is in four quads, of a quarter each.
        let parts: [u32x4<S>; 4] =
            std::array::from_fn(|i| quads[1 + i % (N / 4)][4 * i / N * (N / 4) + group].bitcast());
        let once = interleaved_words(parts);
        for (row, lane) in interleaved_words(once).iter().zip(&mut lanes[4 + 4 * group..]) {
            row.bitcast::<u8x16<S>>().store_slice(lane);
        }
    }
    edges::<N>(&mut lanes, strength, simple, above);
    for (y, lane) in lanes.iter().enumerate().take(4 + N).skip(if above { 1 } else { 4 }) {
        for (plane, row) in planes.iter_mut().zip(lane.as_chunks::<N>().0) {
            plane.set(start + y * plane.stride - 4 * plane.stride, *row);
        }
    }
}

/// Samples of the first half in turns with those of the second. Numbered by six bits, each moves to where its number is rotated by one:
/// four times makes columns of quads, two times the reverse.
#[inline(always)]
fn interleaved<S: Simd>([a, b, c, d]: Quads<S>) -> Quads<S> {
    [a.zip_low(c), a.zip_high(c), b.zip_low(d), b.zip_high(d)]
}

/// The same with words. Two times transposes.
#[inline(always)]
fn interleaved_words<S: Simd>([a, b, c, d]: [u32x4<S>; 4]) -> [u32x4<S>; 4] {
    [a.zip_low(c), a.zip_high(c), b.zip_low(d), b.zip_high(d)]
}

/// Filters the edge between the fourth lane and the fifth, if `outer`, and unless the strength forbids it those between the subblocks that
/// follow, each of four lanes.
#[inline(always)]
fn edges<const N: usize>(lanes: &mut Lanes, strength: Strength, simple: bool, outer: bool) {
    let limit = i16::from(strength.limit);
    let at = |limit: i16| Thresholds {
        edge: 2 * limit + 1,
        interior: i16::from(strength.interior),
        variance: i16::from(strength.variance),
    };
    let mut edge = |first: usize, edge: Edge, thresholds: Thresholds| {
        let lanes = lanes[first..].first_chunk_mut().expect("there are four lanes on either side");
        filter(lanes, if simple { Edge::Simple } else { edge }, thresholds);
    };
    if outer {
        edge(0, Edge::Macroblock, at(limit + 4));
    }
    if strength.inner {
        for first in (4..N).step_by(4) {
            edge(first, Edge::Subblock, at(limit));
        }
    }
}

#[inline(always)]
fn filter<const N: usize>(lanes: &mut [[u8; N]; 8], edge: Edge, thresholds: Thresholds) {
    match edge {
        Edge::Simple => simple(lanes, thresholds),
        Edge::Macroblock => normal::<N, true>(lanes, thresholds),
        Edge::Subblock => normal::<N, false>(lanes, thresholds),
    }
}

fn clamp_sample(x: i16) -> u8 {
    x.clamp(0, 255) as u8
}

/// The filter of RFC 6386, 15.2. Free of branches, so that it becomes vector instructions.
#[inline(always)]
fn simple<const N: usize>(lanes: &mut [[u8; N]; 8], thresholds: Thresholds) {
    for i in 0..N {
        let [_, _, p1, p0, q0, q1, _, _] = lanes.map(|lane| i16::from(lane[i]));
        let applies = 4 * (p0 - q0).abs() + (p1 - q1).abs() <= thresholds.edge;
        let mask = -i16::from(applies);
        let a = 3 * (q0 - p0) + (p1 - q1).clamp(-128, 127);
        lanes[3][i] = clamp_sample(p0 + (((a + 3) >> 3).clamp(-16, 15) & mask));
        lanes[4][i] = clamp_sample(q0 - (((a + 4) >> 3).clamp(-16, 15) & mask));
    }
}

/// The filters of RFC 6386, 15.3, for the edges of macroblocks or of subblocks.
#[inline(always)]
fn normal<const N: usize, const MACROBLOCK: bool>(lanes: &mut [[u8; N]; 8], thresholds: Thresholds) {
    for i in 0..N {
        let [p3, p2, p1, p0, q0, q1, q2, q3] =
            [lanes[0][i], lanes[1][i], lanes[2][i], lanes[3][i], lanes[4][i], lanes[5][i], lanes[6][i], lanes[7][i]]
                .map(i16::from);
        let within = thresholds.interior;
        let applies = (4 * (p0 - q0).abs() + (p1 - q1).abs() <= thresholds.edge)
            & ((p3 - p2).abs() <= within)
            & ((p2 - p1).abs() <= within)
            & ((p1 - p0).abs() <= within)
            & ((q3 - q2).abs() <= within)
            & ((q2 - q1).abs() <= within)
            & ((q1 - q0).abs() <= within);
        let mask = -i16::from(applies);
        let varies = -i16::from(((p1 - p0).abs() > thresholds.variance) | ((q1 - q0).abs() > thresholds.variance));
        let step = 3 * (q0 - p0);
        let outer = (p1 - q1).clamp(-128, 127);
        if MACROBLOCK {
            // Where the variance is high only the two samples at the edge change, otherwise three on either side.
            let a = step + outer;
            let (near_p, near_q) = (((a + 3) >> 3).clamp(-16, 15) & varies, ((a + 4) >> 3).clamp(-16, 15) & varies);
            let w = a.clamp(-128, 127) & !varies;
            let [w0, w1, w2] = [27, 18, 9].map(|weight| (weight * w + 63) >> 7);
            lanes[1][i] = clamp_sample(p2 + (w2 & mask));
            lanes[2][i] = clamp_sample(p1 + (w1 & mask));
            lanes[3][i] = clamp_sample(p0 + ((w0 + near_p) & mask));
            lanes[4][i] = clamp_sample(q0 - ((w0 + near_q) & mask));
            lanes[5][i] = clamp_sample(q1 - (w1 & mask));
            lanes[6][i] = clamp_sample(q2 - (w2 & mask));
        } else {
            let a = step + (outer & varies);
            let (near_p, near_q) = (((a + 3) >> 3).clamp(-16, 15), ((a + 4) >> 3).clamp(-16, 15));
            let far = ((near_q + 1) >> 1) & !varies;
            lanes[2][i] = clamp_sample(p1 + (far & mask));
            lanes[3][i] = clamp_sample(p0 + (near_p & mask));
            lanes[4][i] = clamp_sample(q0 - (near_q & mask));
            lanes[5][i] = clamp_sample(q1 - (far & mask));
        }
    }
}
