//! Blobs.
/// Placeholder.
#[derive(Clone)]
pub struct Blobs;
