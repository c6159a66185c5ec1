//! What is checked of every file, one check for each target. The tests of the pipeline include these too, to replay the corpus.
//!
//! A check gives back how many bytes of memory it was promised to need at the most.

pub mod jpeg;
pub mod render;
pub mod webp;

/// Larger pictures are only opened: they would make every run slow and show nothing new.
pub const MAX_PIXELS: u64 = 1_000_000;
