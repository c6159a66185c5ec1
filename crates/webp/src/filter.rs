//! The loop filter. RFC 6386, 15.

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

/// Filters the edges of the macroblock of `N` x `N` samples at `start` (where four rows and, unless it is the first, four columns
/// before it are there too): the left one, those to the right of it, the upper one, those below it. RFC 6386, 15.2 to 15.4.
#[inline(always)]
pub fn macroblock<const N: usize>(
    rows: &mut Rows,
    start: usize,
    strength: Strength,
    simple: bool,
    left: bool,
    above: bool,
) {
    if strength.limit == 0 {
        return;
    }
    let at = |limit: i16| Thresholds {
        edge: 2 * limit + 1,
        interior: i16::from(strength.interior),
        variance: i16::from(strength.variance),
    };
    let (outer, inner) = (at(i16::from(strength.limit) + 4), at(i16::from(strength.limit)));
    let (outer_edge, inner_edge) =
        if simple { (Edge::Simple, Edge::Simple) } else { (Edge::Macroblock, Edge::Subblock) };
    if left {
        vertical::<N>(rows, start, outer_edge, outer);
    }
    if strength.inner {
        for x in (4..N).step_by(4) {
            vertical::<N>(rows, start + x, inner_edge, inner);
        }
    }
    if above {
        horizontal::<N>(rows, start, outer_edge, outer);
    }
    if strength.inner {
        for y in (4..N).step_by(4) {
            horizontal::<N>(rows, start + y * rows.stride, inner_edge, inner);
        }
    }
}

/// Filters the edge above the `N` samples at `start`.
#[inline(always)]
fn horizontal<const N: usize>(rows: &mut Rows, start: usize, edge: Edge, thresholds: Thresholds) {
    let stride = rows.stride;
    let first = start - 4 * stride;
    let mut lanes = [[0; N]; 8];
    for (i, lane) in lanes.iter_mut().enumerate() {
        lane.copy_from_slice(&rows.samples[first + i * stride..][..N]);
    }
    filter(&mut lanes, edge, thresholds);
    for (i, lane) in lanes.iter().enumerate().take(7).skip(1) {
        rows.samples[first + i * stride..][..N].copy_from_slice(lane);
    }
}

/// Filters the edge to the left of the `N` samples from `start` downwards.
#[inline(always)]
fn vertical<const N: usize>(rows: &mut Rows, start: usize, edge: Edge, thresholds: Thresholds) {
    let stride = rows.stride;
    let first = start - 4;
    let mut lanes = [[0; N]; 8];
    for part in (0..N).step_by(8) {
        let square = transposed(std::array::from_fn(|i| {
            let row = rows.samples[first + (part + i) * stride..].first_chunk().expect("an edge is in the plane");
            u64::from_le_bytes(*row)
        }));
        for (lane, column) in lanes.iter_mut().zip(square) {
            lane[part..part + 8].copy_from_slice(&column.to_le_bytes());
        }
    }
    filter(&mut lanes, edge, thresholds);
    for part in (0..N).step_by(8) {
        let square = transposed(std::array::from_fn(|i| {
            u64::from_le_bytes(*lanes[i][part..].first_chunk().expect("lanes are of whole parts"))
        }));
        for (i, row) in square.iter().enumerate() {
            rows.samples[first + (part + i) * stride..][..8].copy_from_slice(&row.to_le_bytes());
        }
    }
}

/// Transposes eight rows of eight bytes: swaps squares of four, then of two, then single ones.
#[inline(always)]
fn transposed(mut rows: [u64; 8]) -> [u64; 8] {
    for (distance, mask) in [(4, 0x0000_0000_ffff_ffff), (2, 0x0000_ffff_0000_ffff), (1, 0x00ff_00ff_00ff_00ff)] {
        for i in (0..8).filter(|i| i & distance == 0) {
            let changed = ((rows[i] >> (8 * distance)) ^ rows[i + distance]) & mask;
            rows[i] ^= changed << (8 * distance);
            rows[i + distance] ^= changed;
        }
    }
    rows
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
