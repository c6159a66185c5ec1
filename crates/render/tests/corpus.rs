//! What fuzzing of images has found, and what it began with (`fuzz/images/`): every file once more, on a small stack and against a
//! deadline.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

#[path = "../../../fuzz/images/src/checks/mod.rs"]
mod checks;

/// Half of what tokio gives its workers, and an eighth of what a process has.
const STACK: usize = 1 << 20;
/// Each takes milliseconds; this is for a slow machine.
const DEADLINE: Duration = Duration::from_secs(3);

fn replay(target: &str, check: fn(&[u8]) -> u64) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/images/corpus").join(target);
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 10, "{} in {}", files.len(), folder.display());
    let work = move || {
        check(b"");
        for path in files {
            let input = fs::read(&path).unwrap();
            // Shown when the check panics, or the stack does not suffice.
            println!("{}", path.display());
            let begun = Instant::now();
            check(&input);
            assert!(begun.elapsed() < DEADLINE, "{} took {:?}", path.display(), begun.elapsed());
        }
    };
    thread::Builder::new().stack_size(STACK).spawn(work).unwrap().join().unwrap();
}

#[test]
fn jpeg_files_are_decoded_to_planes_of_the_sizes_that_their_headers_lead_to() {
    replay("jpeg", checks::jpeg::check);
}

#[test]
fn webp_files_are_decoded_to_planes_that_are_averages_of_the_full_ones() {
    replay("webp", checks::webp::check);
}

#[test]
fn files_of_every_kind_become_thumbnails_or_a_reason_for_people() {
    replay("render", checks::render::check);
}
