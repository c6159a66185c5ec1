//! WebP files, through the decoder at several sizes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_fuzz_images::{ALLOWED, checks::webp, run, within_promise};

fuzz_target!(|input: &[u8]| run(|input| within_promise(webp::check, input), ALLOWED, input));
