//! The decoder against another one, containers, and hostile files.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;
mod container;
mod decode;
mod hostile;
