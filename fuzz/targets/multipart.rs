//! Multipart bodies, cut in pieces.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use strongroom_fuzz::{Allowed, checks::multipart, run};

/// Instrumented, and with checks for overflow, everything takes about four times as long as in the server.
const ALLOWED: Allowed = Allowed { base: Duration::from_millis(20), per_byte: Duration::from_nanos(4000) };

fuzz_target!(|input: &[u8]| run(multipart::check, ALLOWED, input));
