//! Runs a check on a thread with a small stack, and within a time.

use std::{
    sync::{
        Mutex, OnceLock,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

/// Half of what tokio gives its workers; what stands above a check there has the other half.
const STACK: usize = 1 << 20;

/// What a check may take: a constant, and a time for each byte of the input.
#[derive(Clone, Copy)]
pub struct Allowed {
    /// For the smallest input.
    pub base: Duration,
    /// For each byte more.
    pub per_byte: Duration,
}

struct Worker {
    inputs: SyncSender<Vec<u8>>,
    times: Receiver<Duration>,
    slowest: Duration,
}

impl Worker {
    fn time(&self, input: &[u8]) -> Duration {
        self.inputs.send(input.to_vec()).expect("the worker waits");
        self.times.recv().expect("the worker answers")
    }
}

/// Runs the check, and panics when it took too long. Panics of the check end the process.
pub fn run(check: fn(&[u8]), allowed: Allowed, input: &[u8]) {
    static WORKER: OnceLock<Mutex<Worker>> = OnceLock::new();
    let mut worker = WORKER.get_or_init(|| Mutex::new(start(check, input))).lock().expect("a panic ends the process");
    let most = allowed.base + allowed.per_byte * u32::try_from(input.len()).expect("inputs are small");
    let mut took = worker.time(input);
    // A machine that has other work is slow now and then; what is slow by itself is slow again.
    for _ in 0..3 {
        if took > most {
            took = took.min(worker.time(input));
        }
    }
    assert!(took <= most, "{} bytes took {took:?} of the processor, more than {most:?}", input.len());
    if took > worker.slowest * 5 / 4 {
        worker.slowest = took;
        eprintln!("the slowest so far: {} bytes took {took:?} of the processor; {most:?} are allowed", input.len());
    }
}

/// The first input goes through what is made once, and is not measured for that.
fn start(check: fn(&[u8]), first: &[u8]) -> Worker {
    let first = first.to_vec();
    let (inputs, todo) = sync_channel::<Vec<u8>>(0);
    let (done, times) = sync_channel(0);
    let work = move || {
        check(&first);
        for input in todo {
            let begun = processor_time();
            check(&input);
            let took = processor_time() - begun;
            if done.send(took).is_err() {
                break;
            }
        }
    };
    thread::Builder::new().stack_size(STACK).spawn(work).expect("a thread can be started");
    Worker { inputs, times, slowest: Duration::ZERO }
}

/// Of this thread: other load on the machine does not count.
fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs().try_into().expect("below a second"))
}
