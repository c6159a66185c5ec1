//! What a check takes of memory, as the kernel counts it: without an allocator of our own, which would have to be `unsafe`.

use std::fs;

/// What the counting of resident pages and an allocator's own books may add, in bytes.
const SLACK: u64 = 4 << 20;

/// Runs the check, and panics when the process grew by more than the check says that it was promised.
///
/// Large buffers must come from the kernel anew each time, or one that an earlier input left behind is not seen:
/// `MALLOC_MMAP_THRESHOLD_` sees to that.
pub fn within_promise(check: fn(&[u8]) -> u64, input: &[u8]) {
    let before = field("VmRSS:");
    // Sets the peak to what there is now (proc_pid_clear_refs(5)).
    fs::write("/proc/self/clear_refs", "5").expect("this runs on Linux");
    let promised = check(input);
    let grown = field("VmHWM:").saturating_sub(before);
    assert!(grown <= promised + SLACK, "{promised} bytes were promised, {grown} were taken");
}

/// A line of `/proc/self/status`, in bytes.
fn field(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("this runs on Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel counts it");
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("it is a number");
    kibibytes << 10
}
