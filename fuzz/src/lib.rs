//! Runs a check as the server would run what it checks: on a thread with a small stack, and within a time.

pub mod checks;
mod timed;
pub mod tokens;

pub use timed::{Allowed, run};
