//! Thumbnails: what makes them of an image, and where that runs.
//!
//! The crate `strongroom-render` is a pure function from bytes to thumbnails. Decoders of other people's files are no code
//! to trust, so it runs in child processes: [`child`] is their side of the pipes, [`pool`] is this process's side, and
//! `wire` is what goes through. A child that hangs, swells or dies takes nothing with it but its own image, and one that an
//! image has taken over finds nothing to take: `sandbox` has shut it in. `budget` bounds what all of them take together.

mod budget;
pub mod child;
pub mod pool;
pub mod probe;
pub mod repair;
mod sandbox;
mod wire;
pub mod worker;
