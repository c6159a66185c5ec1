//! Runs a check as a rendering process would run what it checks: within a time and within the memory that was promised.

pub mod checks;
mod memory;
#[path = "../../src/timed.rs"]
mod timed;

use std::time::Duration;

pub use memory::within_promise;
pub use timed::{Allowed, run};

/// Whatever the file, as all are of at most [`checks::MAX_PIXELS`]. Instrumented, and with checks for overflow, everything takes
/// about four times as long as in a release.
pub const ALLOWED: Allowed = Allowed { base: Duration::from_secs(2), per_byte: Duration::ZERO };
