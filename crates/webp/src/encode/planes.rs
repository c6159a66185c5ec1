//! A picture as luma and chroma, whole macroblocks of it. RFC 6386, section 2; ITU-R BT.601, limited range.

/// The side of the squares that are filled where part of them is transparent: macroblocks.
const LARGEST_SQUARE: usize = 16;

/// One component, extended to whole macroblocks by repeating its last column and row.
#[derive(Debug)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) samples: Vec<u8>,
}

impl Plane {
    fn new(width: usize, height: usize) -> Self {
        Self { width, samples: vec![0; width * height] }
    }

    /// The square of `N` by `N` in a column and row of such.
    pub(super) fn square<const N: usize>(&self, column: usize, row: usize) -> [[u8; N]; N] {
        std::array::from_fn(|y| {
            let start = (row * N + y) * self.width + column * N;
            std::array::from_fn(|x| self.samples[start + x])
        })
    }
}

/// A picture that is ready to be coded.
#[derive(Debug)]
pub(super) struct Planes {
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) luma: Plane,
    pub(super) chroma: [Plane; 2],
    /// Macroblocks of which nothing is visible, row by row.
    pub(super) invisible: Vec<bool>,
}

impl Planes {
    /// Of straight RGBA with `width * height` pixels, neither side 0.
    pub(super) fn new(rgba: &[u8], width: usize, height: usize) -> Self {
        let (columns, rows) = (width.div_ceil(16), height.div_ceil(16));
        let mut luma = Plane::new(columns * 16, rows * 16);
        let mut chroma = [(); 2].map(|()| Plane::new(columns * 8, rows * 8));
        let mut seen = vec![true; luma.samples.len()];
        let mut seen_pairs = vec![true; chroma[0].samples.len()];
        for pair in 0..rows * 8 {
            let line = |y: usize| &rgba[y.min(height - 1) * width * 4..][..width * 4];
            let lines = [line(pair * 2), line(pair * 2 + 1)];
            for (line, y) in lines.into_iter().zip([pair * 2, pair * 2 + 1]) {
                let start = y * luma.width;
                let samples = &mut luma.samples[start..start + columns * 16];
                let seen = &mut seen[start..start + columns * 16];
                for ((sample, seen), pixel) in samples.iter_mut().zip(&mut *seen).zip(line.as_chunks().0) {
                    *sample = luma_of(*pixel);
                    *seen = pixel[3] != 0;
                }
                let last = samples[width - 1];
                samples[width..].fill(last);
                let last = seen[width - 1];
                seen[width..].fill(last);
            }
            let start = pair * columns * 8;
            let [us, vs] = &mut chroma;
            for x in 0..columns * 8 {
                let (left, right) = ((x * 2).min(width - 1), (x * 2 + 1).min(width - 1));
                let pixel = |line: usize, x: usize| [0, 1, 2, 3].map(|at| lines[line][x * 4 + at]);
                let pixels = [pixel(0, left), pixel(0, right), pixel(1, left), pixel(1, right)];
                let mean = visible_mean(&pixels);
                [us.samples[start + x], vs.samples[start + x]] = chroma_of(mean.unwrap_or_default());
                seen_pairs[start + x] = mean.is_some();
            }
        }
        let mut planes = Self { columns, rows, luma, chroma, invisible: Vec::new() };
        planes.fill_transparent(&seen, &seen_pairs);
        planes
    }

    /// Finds the macroblocks that are transparent, and smooths those that are so in part.
    fn fill_transparent(&mut self, seen: &[bool], seen_pairs: &[bool]) {
        for row in 0..self.rows {
            for column in 0..self.columns {
                let stride = self.luma.width;
                let start = row * 16 * stride + column * 16;
                let count: usize =
                    (0..16).map(|y| seen[start + y * stride..][..16].iter().filter(|&&seen| seen).count()).sum();
                self.invisible.push(count == 0);
                if (1..256).contains(&count) {
                    fill(&mut self.luma, seen, (column * 16, row * 16), LARGEST_SQUARE, 0);
                    for plane in &mut self.chroma {
                        fill(plane, seen_pairs, (column * 8, row * 8), LARGEST_SQUARE / 2, 0);
                    }
                }
            }
        }
    }
}

/// Gives every sample that nobody sees the mean of the smallest square around it of which something is seen: little to
/// code, and no edge where the visible part ends. The sides of squares are powers of 2; `outer` is the mean of the
/// square around.
fn fill(plane: &mut Plane, seen: &[bool], (x, y): (usize, usize), side: usize, outer: u8) {
    let width = plane.width;
    let (mut sum, mut count) = (0, 0);
    for start in (y..y + side).map(|y| y * width + x) {
        for (&sample, &seen) in plane.samples[start..start + side].iter().zip(&seen[start..start + side]) {
            sum += u32::from(sample) * u32::from(seen);
            count += u32::from(seen);
        }
    }
    if count == 0 {
        for start in (y..y + side).map(|y| y * width + x) {
            plane.samples[start..start + side].fill(outer);
        }
    } else if count as usize != side * side {
        // A mean of bytes.
        let mean = ((sum + count / 2) / count) as u8;
        let half = side / 2;
        for quarter in [(x, y), (x + half, y), (x, y + half), (x + half, y + half)] {
            fill(plane, seen, quarter, half, mean);
        }
    }
}

/// The mean colour of four pixels, times 4, each counting for as much as it is seen.
fn visible_mean(pixels: &[[u8; 4]; 4]) -> Option<[u32; 3]> {
    let alphas = pixels.map(|pixel| u32::from(pixel[3]));
    let total: u32 = alphas.iter().sum();
    let sums = |weights: [u32; 4]| {
        [0, 1, 2].map(|at| pixels.iter().zip(weights).map(|(pixel, weight)| u32::from(pixel[at]) * weight).sum::<u32>())
    };
    match total {
        0 => None,
        1020 => Some(sums([1; 4])),
        _ => Some(sums(alphas).map(|sum| (sum * 4 + total / 2) / total)),
    }
}

/// Y' of a pixel: 16 to 235.
fn luma_of([red, green, blue, _]: [u8; 4]) -> u8 {
    let sum = 16_829 * u32::from(red) + 33_039 * u32::from(green) + 6_416 * u32::from(blue);
    ((sum + (16 << 16) + (1 << 15)) >> 16) as u8
}

/// Cb and Cr of a colour times 4: 16 to 240.
fn chroma_of(colour: [u32; 3]) -> [u8; 2] {
    // At most 1020 each.
    let [red, green, blue] = colour.map(|value| value as i32);
    [-9_714 * red - 19_070 * green + 28_784 * blue, 28_784 * red - 24_103 * green - 4_681 * blue]
        .map(|sum| ((sum + (128 << 18) + (1 << 17)) >> 18) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_limited() {
        assert_eq!([luma_of([0; 4]), luma_of([255; 4])], [16, 235]);
        assert_eq!(chroma_of([0; 3]), [128, 128]);
        assert_eq!(chroma_of([1020; 3]), [128, 128]);
        assert_eq!(chroma_of([0, 0, 1020]), [240, 110]);
        assert_eq!(chroma_of([1020, 0, 0]), [90, 240]);
    }

    #[test]
    fn colours_count_for_as_much_as_they_are_seen() {
        let pixels = [[255, 0, 0, 0], [0, 255, 0, 0], [10, 20, 30, 1], [10, 20, 30, 1]];
        assert_eq!(visible_mean(&pixels), Some([40, 80, 120]));
        assert_eq!(visible_mean(&[[9, 9, 9, 0]; 4]), None);
    }

    #[test]
    fn what_nobody_sees_takes_the_mean_of_what_is_seen_around_it() {
        let mut rgba = [255, 0, 255, 0].repeat(256);
        for pixel in rgba.chunks_exact_mut(4).take(8) {
            pixel.copy_from_slice(&[100, 100, 100, 255]);
        }
        let planes = Planes::new(&rgba, 16, 16);
        let grey = luma_of([100; 4]);
        assert!(planes.luma.samples.iter().all(|&sample| sample == grey));
        assert!(planes.chroma.iter().all(|plane| plane.samples.iter().all(|&sample| sample == 128)));
        assert_eq!(planes.invisible, [false]);
    }
}
