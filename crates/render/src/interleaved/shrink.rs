//! Averages boxes of pixels away, row by row.
//!
//! Rows are first added up one below the other, which is a plain loop over memory that compilers vectorise; only every
//! so many rows the sums are added up sideways.

use super::Interleaved;

/// No box is larger: so much fits into the sums.
const MAX_FACTOR: u32 = 256;

/// The largest factor that leaves a picture at least `min_width` wide.
pub(super) fn factor(width: u32, min_width: u32) -> u32 {
    (width / min_width.max(1)).clamp(1, MAX_FACTOR)
}

/// Samples of one row, interleaved, not premultiplied.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row<'a> {
    Eight(&'a [u8]),
    Sixteen(&'a [u16]),
}

/// How large a picture is before and after.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub width: u32,
    pub height: u32,
    /// 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
    pub channels: usize,
    pub factor: u32,
}

impl Shape {
    pub fn new(width: u32, height: u32, channels: usize, min_width: u32) -> Self {
        Self { width, height, channels, factor: factor(width, min_width) }
    }

    pub fn out_width(&self) -> u32 {
        self.width.div_ceil(self.factor)
    }

    pub fn out_height(&self) -> u32 {
        self.height.div_ceil(self.factor)
    }

    pub fn has_alpha(&self) -> bool {
        self.channels.is_multiple_of(2)
    }

    /// How many samples the shrunken picture has.
    pub fn out_samples(&self) -> u64 {
        u64::from(self.out_width()) * u64::from(self.out_height()) * self.channels as u64
    }

    /// How many bytes shrinking takes at the most, with the picture that comes of it.
    pub fn memory(&self) -> u64 {
        // An alpha channel is added to a picture that is not complete.
        let out = self.out_samples() + self.out_samples() / self.channels as u64;
        let sums = u64::from(self.width) * self.channels as u64 * (2 + 4);
        2 * out + sums + u64::from(self.out_height())
    }

    /// How many of the pixels of the box at `at` there are, along an axis of this length.
    pub fn extent(&self, at: u32, length: u32) -> u32 {
        self.factor.min(length - (at * self.factor).min(length))
    }
}

/// Takes rows from the top down or from the bottom up, and makes the small picture of them.
pub(super) struct Shrinker {
    shape: Shape,
    /// Sums of rows that count in full, 8 bits a sample.
    plain: Vec<u16>,
    /// Sums of rows that are weighted by alpha, in units of 1/255, or that have 16 bits a sample, in units of 1/257.
    weighted: Vec<u32>,
    /// How many rows are in each.
    counts: [u32; 2],
    unit: u32,
    /// Which row of boxes they belong to.
    current: u32,
    out: Vec<u8>,
    /// How many 255ths of each row of boxes there are.
    coverage: Vec<u8>,
    transparent: bool,
}

impl Shrinker {
    /// `None` when there is no memory for it.
    pub fn new(shape: Shape) -> Option<Self> {
        let length = usize::try_from(shape.out_samples()).ok()?;
        let row = shape.width as usize * shape.channels;
        Some(Self {
            shape,
            plain: zeros(row)?,
            weighted: Vec::new(),
            counts: [0; 2],
            unit: 1,
            current: 0,
            out: zeros(length)?,
            coverage: zeros(shape.out_height() as usize)?,
            transparent: false,
        })
    }

    /// Adds row `y`; no row twice, and boxes are left for good. Rows that are never added are transparent.
    pub fn add(&mut self, y: u32, row: Row<'_>) {
        let boxes = y / self.shape.factor;
        if boxes != self.current {
            self.flush();
            self.current = boxes;
        }
        let alpha = self.shape.channels;
        match row {
            Row::Eight(row) if !self.shape.has_alpha() || is_opaque(row, alpha) => {
                self.counts[0] += 1;
                for (sum, sample) in self.plain.iter_mut().zip(row) {
                    *sum += u16::from(*sample);
                }
            }
            Row::Eight(row) => {
                self.transparent = true;
                self.weigh(255);
                match alpha {
                    2 => add_weighted::<2>(&mut self.weighted, row),
                    _ => add_weighted::<4>(&mut self.weighted, row),
                }
            }
            Row::Sixteen(row) => {
                self.weigh(257);
                let transparent = match alpha {
                    2 => add_weighted_16::<2>(&mut self.weighted, row),
                    4 => add_weighted_16::<4>(&mut self.weighted, row),
                    _ => add_16(&mut self.weighted, row),
                };
                self.transparent |= transparent;
            }
        }
    }

    fn weigh(&mut self, unit: u32) {
        if self.weighted.is_empty() {
            self.weighted.resize(self.plain.len(), 0);
        }
        self.unit = unit;
        self.counts[1] += 1;
    }

    /// Sums the current rows up sideways.
    fn flush(&mut self) {
        let count = self.counts[0] + self.counts[1];
        if count == 0 || self.current >= self.shape.out_height() {
            return;
        }
        let rows = self.shape.extent(self.current, self.shape.height);
        let at = self.current as usize;
        self.coverage[at] = share(count, rows);
        let stride = self.shape.out_width() as usize * self.shape.channels;
        let out = &mut self.out[at * stride..][..stride];
        if self.counts[1] == 0 {
            across(&self.plain, out, &self.shape, rows);
        } else {
            for (weighted, plain) in self.weighted.iter_mut().zip(&self.plain) {
                *weighted += u32::from(*plain) * self.unit;
            }
            across(&self.weighted, out, &self.shape, rows * self.unit);
            self.weighted.fill(0);
        }
        self.plain.fill(0);
        self.counts = [0; 2];
    }

    /// The small picture; `None` when there is no memory for it.
    pub fn finish(mut self) -> Option<Interleaved> {
        self.flush();
        let Self { shape, out, coverage, transparent, .. } = self;
        let complete = coverage.iter().all(|share| *share == u8::MAX);
        let (channels, samples) = match (shape.has_alpha(), transparent || !complete) {
            (true, false) => (shape.channels - 1, without_alpha(out, shape.channels)),
            (false, true) => (shape.channels + 1, with_alpha(&out, &shape, &coverage)?),
            _ => (shape.channels, out),
        };
        Some(Interleaved {
            width: shape.out_width(),
            height: shape.out_height(),
            channels: u8::try_from(channels).ok()?,
            samples,
            transparent: transparent || !complete,
            complete,
        })
    }
}

/// Zeros; `None` when there is no memory for so many.
pub(super) fn zeros<T: Clone + Default>(length: usize) -> Option<Vec<T>> {
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(length).ok()?;
    zeros.resize(length, T::default());
    Some(zeros)
}

fn is_opaque(row: &[u8], channels: usize) -> bool {
    // `&` instead of a branch for each: it vectorises.
    let least =
        |pixels: &[u8]| pixels.iter().skip(channels - 1).step_by(channels).fold(u8::MAX, |all, alpha| all & alpha);
    row.chunks(channels * 256).all(|pixels| least(pixels) == u8::MAX)
}

fn add_weighted<const CHANNELS: usize>(sums: &mut [u32], row: &[u8]) {
    let (pixels, _) = row.as_chunks::<CHANNELS>();
    let (sums, _) = sums.as_chunks_mut::<CHANNELS>();
    for (sums, pixel) in sums.iter_mut().zip(pixels) {
        *sums = std::array::from_fn(|channel| {
            let sample = if channel == CHANNELS - 1 { u8::MAX } else { pixel[channel] };
            sums[channel] + u32::from(sample) * u32::from(pixel[CHANNELS - 1])
        });
    }
}

fn add_16(sums: &mut [u32], row: &[u16]) -> bool {
    for (sum, sample) in sums.iter_mut().zip(row) {
        *sum += u32::from(*sample);
    }
    false
}

/// Whether any pixel is less than opaque.
fn add_weighted_16<const CHANNELS: usize>(sums: &mut [u32], row: &[u16]) -> bool {
    let (pixels, _) = row.as_chunks::<CHANNELS>();
    let (sums, _) = sums.as_chunks_mut::<CHANNELS>();
    let mut least = u16::MAX;
    for (sums, pixel) in sums.iter_mut().zip(pixels) {
        let alpha = pixel[CHANNELS - 1];
        least &= alpha;
        for channel in 0..CHANNELS {
            let sample = if channel == CHANNELS - 1 { u16::MAX } else { pixel[channel] };
            sums[channel] += premultiplied_16(sample, alpha);
        }
    }
    least != u16::MAX
}

/// `sample * alpha / 65535`, rounded.
pub(super) fn premultiplied_16(sample: u16, alpha: u16) -> u32 {
    let product = u32::from(sample) * u32::from(alpha) + 0x8000;
    // At most 65535 * 65535 + 32768 + 65534, which is below 2 to the 32nd.
    (product + (product >> 16)) >> 16
}

/// `part` of `whole` in 255ths; 255 only when it is all.
fn share(part: u32, whole: u32) -> u8 {
    u8::try_from(255 * u64::from(part) / u64::from(whole.max(1))).unwrap_or(u8::MAX)
}

/// Division by a number that stays the same, rounded.
#[derive(Clone, Copy)]
struct Divisor {
    half: u64,
    reciprocal: u64,
}

impl Divisor {
    fn new(divisor: u32) -> Self {
        let divisor = u64::from(divisor.max(1));
        Self { half: divisor / 2, reciprocal: (1_u64 << 40).div_ceil(divisor) }
    }

    /// The quotient is at most 255 for what is summed up here.
    fn divide(self, sum: u32) -> u8 {
        u8::try_from(((u64::from(sum) + self.half) * self.reciprocal) >> 40).unwrap_or(u8::MAX)
    }
}

/// Sums up boxes of one row of sums. `rows` is what a sum has to be divided by for one column.
fn across<T: Copy + Into<u32>>(sums: &[T], out: &mut [u8], shape: &Shape, rows: u32) {
    match shape.channels {
        1 => across_pixels::<T, 1>(sums, out, shape, rows),
        2 => across_pixels::<T, 2>(sums, out, shape, rows),
        3 => across_pixels::<T, 3>(sums, out, shape, rows),
        _ => across_pixels::<T, 4>(sums, out, shape, rows),
    }
}

fn across_pixels<T: Copy + Into<u32>, const CHANNELS: usize>(sums: &[T], out: &mut [u8], shape: &Shape, rows: u32) {
    let (sums, _) = sums.as_chunks::<CHANNELS>();
    let (out, _) = out.as_chunks_mut::<CHANNELS>();
    let factor = shape.factor as usize;
    let whole = sums.len() / factor;
    let (sums, rest) = sums.split_at(whole * factor);
    let divisor = Divisor::new(rows * shape.factor);
    // The common factors have loops without a count.
    match factor {
        1 => boxes::<T, CHANNELS, 1>(sums, out, divisor),
        2 => boxes::<T, CHANNELS, 2>(sums, out, divisor),
        3 => boxes::<T, CHANNELS, 3>(sums, out, divisor),
        4 => boxes::<T, CHANNELS, 4>(sums, out, divisor),
        5 => boxes::<T, CHANNELS, 5>(sums, out, divisor),
        _ => {
            for (sums, out) in sums.chunks_exact(factor).zip(out.iter_mut()) {
                *out = average(sums, divisor);
            }
        }
    }
    if let (Some(out), Ok(columns @ 1..)) = (out.get_mut(whole), u32::try_from(rest.len())) {
        *out = average(rest, Divisor::new(rows * columns));
    }
}

fn boxes<T: Copy + Into<u32>, const CHANNELS: usize, const FACTOR: usize>(
    sums: &[[T; CHANNELS]],
    out: &mut [[u8; CHANNELS]],
    divisor: Divisor,
) {
    let (sums, _) = sums.as_chunks::<FACTOR>();
    for (sums, out) in sums.iter().zip(out) {
        *out = average(sums, divisor);
    }
}

#[inline]
fn average<T: Copy + Into<u32>, const CHANNELS: usize>(sums: &[[T; CHANNELS]], divisor: Divisor) -> [u8; CHANNELS] {
    let mut total = [0_u32; CHANNELS];
    for sums in sums {
        for (total, sum) in total.iter_mut().zip(sums) {
            *total += (*sum).into();
        }
    }
    total.map(|total| divisor.divide(total))
}

/// The samples of an opaque picture without its alpha channel.
pub(super) fn without_alpha(mut samples: Vec<u8>, channels: usize) -> Vec<u8> {
    let pixels = samples.len() / channels;
    let colors = channels - 1;
    for pixel in 1..pixels {
        samples.copy_within(pixel * channels..pixel * channels + colors, pixel * colors);
    }
    samples.truncate(pixels * colors);
    samples.shrink_to_fit();
    samples
}

/// The samples of a picture that misses rows, with an alpha channel that says so.
fn with_alpha(samples: &[u8], shape: &Shape, coverage: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    out.try_reserve_exact(samples.len() / shape.channels * (shape.channels + 1)).ok()?;
    for (row, alpha) in samples.chunks_exact(shape.out_width() as usize * shape.channels).zip(coverage) {
        for pixel in row.chunks_exact(shape.channels) {
            out.extend_from_slice(pixel);
            out.push(*alpha);
        }
    }
    Some(out)
}
