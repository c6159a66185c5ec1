//! Thumbnails.
pub mod render;
