//! Files of every format, through the whole pipeline.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_fuzz_images::{ALLOWED, checks::render, run, within_promise};

fuzz_target!(|input: &[u8]| run(|input| within_promise(render::check, input), ALLOWED, input));
