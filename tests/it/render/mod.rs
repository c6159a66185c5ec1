//! Thumbnails: what comes of which image, and the processes that make them.

mod images;
mod renderers;
mod samples;
