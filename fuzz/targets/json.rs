//! JSON bodies, through decoding and the whole intake.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use strongroom_fuzz::{Allowed, checks::json, run, tokens};

/// Instrumented, and with checks for overflow, everything takes about four times as long as in the server.
const ALLOWED: Allowed = Allowed { base: Duration::from_millis(20), per_byte: Duration::from_nanos(2000) };

fuzz_target!(|input: &[u8]| run(json::check, ALLOWED, input));

fuzz_mutator!(|input: &mut [u8], size: usize, most: usize, seed: u32| {
    if seed % 2 == 0 { fuzzer_mutate(input, size, most) } else { tokens::change(&mut input[..most], size, seed) }
});
