//! JPEG files, through the decoder at all its scales.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_fuzz_images::{ALLOWED, checks::jpeg, run, within_promise};

fuzz_target!(|input: &[u8]| run(|input| within_promise(jpeg::check, input), ALLOWED, input));
