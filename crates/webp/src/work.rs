//! The macroblock that is being reconstructed, with the samples around it that it is predicted from.

/// Samples from one row to the next.
pub const STRIDE: usize = 32;

/// Where luma and Cb begin in a row.
pub const LEFT: usize = 8;

/// Where Cr begins in a row.
pub const CR: usize = 24;

/// The samples of a macroblock. Row 0 is the one above it; the column before `LEFT` (for Cr, before `CR`) is the one to its left.
///
/// To the right of luma, in the rows before each row of subblocks, are the four samples above and to the right of the
/// macroblock: what the subblocks at the right edge are predicted from, however far down they are. RFC 6386, 12.3.
#[derive(Clone, Debug)]
pub struct Work {
    pub luma: [u8; STRIDE * 17],
    pub chroma: [u8; STRIDE * 9],
}

/// Samples of the row above, as they were before the loop filter. RFC 6386, 15.
#[derive(Clone, Copy, Debug)]
pub struct Above {
    pub luma: [u8; 16],
    pub cb: [u8; 8],
    pub cr: [u8; 8],
}

impl Above {
    /// What is above the first row.
    pub const OUTSIDE: Above = Above { luma: [127; 16], cb: [127; 8], cr: [127; 8] };
}

impl Work {
    /// What surrounds the first macroblock of a row, the first row or not.
    pub fn start_of_row(first: bool) -> Self {
        let mut work = Work { luma: [129; STRIDE * 17], chroma: [129; STRIDE * 9] };
        if first {
            work.luma[LEFT - 1] = 127;
            work.chroma[LEFT - 1] = 127;
            work.chroma[CR - 1] = 127;
        }
        work
    }

    /// Sets what is above, and above to the right.
    #[inline(always)]
    pub fn set_above(&mut self, above: &Above, right: [u8; 4]) {
        self.luma[LEFT..LEFT + 16].copy_from_slice(&above.luma);
        self.chroma[LEFT..LEFT + 8].copy_from_slice(&above.cb);
        self.chroma[CR..CR + 8].copy_from_slice(&above.cr);
        for row in [0, 4, 8, 12] {
            let start = row * STRIDE + LEFT + 16;
            self.luma[start..start + 4].copy_from_slice(&right);
        }
    }

    /// The bottom row, for the macroblock below.
    #[inline(always)]
    pub fn bottom(&self) -> Above {
        let mut above = Above::OUTSIDE;
        above.luma.copy_from_slice(&self.luma[16 * STRIDE + LEFT..][..16]);
        above.cb.copy_from_slice(&self.chroma[8 * STRIDE + LEFT..][..8]);
        above.cr.copy_from_slice(&self.chroma[8 * STRIDE + CR..][..8]);
        above
    }

    /// Makes the right column the left one of the next macroblock. Also does so with the row above, for the corner.
    #[inline(always)]
    pub fn move_right(&mut self) {
        for row in self.luma.chunks_exact_mut(STRIDE) {
            row[LEFT - 1] = row[LEFT + 15];
        }
        for row in self.chroma.chunks_exact_mut(STRIDE) {
            row[LEFT - 1] = row[LEFT + 7];
            row[CR - 1] = row[CR + 7];
        }
    }
}
