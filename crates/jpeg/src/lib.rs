//! A JPEG decoder that makes small pictures of large ones: at 1/8, 1/4, 1/2 or all of the size, and no more work than
//! that takes. ITU-T T.81.

/// What part of the full size a component is decoded at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scale {
    /// One sample for each block of 8 x 8.
    Eighth,
    /// 2 x 2 samples for each block.
    Quarter,
    /// 4 x 4 samples for each block.
    Half,
    /// All samples.
    Full,
}
