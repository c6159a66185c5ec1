//! What fuzzing has found, and what it began with (`fuzz/`): every input once more, on a stack smaller than a worker's and
//! against a deadline.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

#[path = "../../fuzz/src/checks/mod.rs"]
mod checks;

/// Half of what tokio gives its workers.
const STACK: usize = 1 << 20;
/// Each takes milliseconds; this is for a slow machine.
const DEADLINE: Duration = Duration::from_secs(3);

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let inputs: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(inputs.len() > 10, "{} in {}", inputs.len(), folder.display());
    let work = move || {
        check(b"");
        for path in inputs {
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
fn documents_are_accepted_or_refused_in_bounds() {
    replay("document", checks::document::check);
}

#[test]
fn json_is_accepted_or_refused_in_bounds() {
    replay("json", checks::json::check);
}

#[test]
fn heads_of_parts_are_read_as_they_were_written() {
    replay("head", checks::head::check);
}

#[test]
fn multipart_bodies_are_read_the_same_however_they_are_cut() {
    replay("multipart", checks::multipart::check);
}
