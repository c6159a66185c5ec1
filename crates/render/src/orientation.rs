//! How a stored picture is turned upright: EXIF 2.32, tag `Orientation` (274).

/// One of the eight orientations: first the axes are exchanged, then each may be reversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Orientation {
    /// Whether rows become columns.
    pub sideways: bool,
    /// Whether left and right are then exchanged.
    pub flip_x: bool,
    /// Whether top and bottom are then exchanged.
    pub flip_y: bool,
}

impl Orientation {
    /// By the number that EXIF has for it; what is none of them says nothing.
    pub fn from_exif(value: u8) -> Self {
        let (sideways, flip_x, flip_y) = match value {
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, true, false),
            7 => (true, true, true),
            8 => (true, false, true),
            _ => (false, false, false),
        };
        Self { sideways, flip_x, flip_y }
    }

    /// Width and height, exchanged where the axes are. Its own inverse.
    pub fn turn<T>(self, (width, height): (T, T)) -> (T, T) {
        if self.sideways { (height, width) } else { (width, height) }
    }

    /// Turns samples of `N` bytes upright, row by row; `size` is the stored one.
    pub fn apply<const N: usize>(self, samples: Vec<u8>, size: (usize, usize)) -> Vec<u8> {
        if self == Self::default() {
            return samples;
        }
        let (pixels, _) = samples.as_chunks::<N>();
        let (width, height) = self.turn(size);
        let mut upright = Vec::with_capacity(samples.len());
        for y in 0..height {
            let y = if self.flip_y { height - 1 - y } else { y };
            if self.sideways {
                let column = pixels.get(y..).unwrap_or_default().iter().step_by(size.0.max(1)).take(width);
                extend(&mut upright, column, self.flip_x);
            } else {
                let row = pixels.get(y * width..(y + 1) * width).unwrap_or_default();
                extend(&mut upright, row.iter(), self.flip_x);
            }
        }
        upright
    }
}

fn extend<'a, const N: usize>(
    upright: &mut Vec<u8>,
    pixels: impl DoubleEndedIterator<Item = &'a [u8; N]>,
    reversed: bool,
) {
    if reversed {
        upright.extend(pixels.rev().flatten());
    } else {
        upright.extend(pixels.flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_orientation_puts_the_first_row_and_column_where_exif_says() {
        // Stored, two rows of three: where row 0 and column 0 belong is in the name of each value in EXIF.
        let stored = vec![1, 2, 3, 4, 5, 6];
        let upright = |value| Orientation::from_exif(value).apply::<1>(stored.clone(), (3, 2));
        assert_eq!(upright(1), [1, 2, 3, 4, 5, 6]);
        assert_eq!(upright(2), [3, 2, 1, 6, 5, 4]);
        assert_eq!(upright(3), [6, 5, 4, 3, 2, 1]);
        assert_eq!(upright(4), [4, 5, 6, 1, 2, 3]);
        assert_eq!(upright(5), [1, 4, 2, 5, 3, 6]);
        assert_eq!(upright(6), [4, 1, 5, 2, 6, 3]);
        assert_eq!(upright(7), [6, 3, 5, 2, 4, 1]);
        assert_eq!(upright(8), [3, 6, 2, 5, 1, 4]);
        assert_eq!(upright(9), stored);
    }

    #[test]
    fn pixels_of_several_samples_stay_together() {
        let stored = vec![1, 10, 2, 20];
        assert_eq!(Orientation::from_exif(2).apply::<2>(stored.clone(), (2, 1)), [2, 20, 1, 10]);
        assert_eq!(Orientation::from_exif(8).apply::<2>(stored, (2, 1)), [2, 20, 1, 10]);
    }
}
