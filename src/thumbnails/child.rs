//! A process that renders: one image after the other from its standard input, the answers to its standard output.
//!
//! It binds itself first: so much memory and no more, no new files, no core dumps. It ends with its standard input, and
//! therefore with its parent, however that ended and whatever it was doing.

use std::any::Any;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::{fs, panic, process, thread};

use rustix::process::{Resource, Rlimit, setrlimit};
use strongroom_render::{RenderError, Rendered, render};

use super::wire::{self, Announced, Answer, Job};
use crate::model::ThumbnailSize;

/// The stack of the thread that reads: it holds no buffers.
const READER_STACK: usize = 256 << 10;

/// A job whose source has arrived; `None` when there was no memory for it.
type Arrived = (Job, Option<Vec<u8>>);

/// Renders until standard input ends; then the process exits. `memory`: the bytes it may take beyond those it starts
/// with.
pub fn run(memory: u64) -> io::Result<()> {
    confine(memory)?;
    // A panic is an answer, not a message: nobody reads this process's standard error.
    panic::set_hook(Box::new(|_| {}));

    // A thread of its own reads, and so sees standard input end even while an image is being rendered.
    let (arrived, jobs) = mpsc::sync_channel::<Arrived>(1);
    thread::Builder::new().stack_size(READER_STACK).spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let Ok(job) = receive(&mut input) else { process::exit(1) };
            let Some(job) = job else { process::exit(0) };
            if arrived.send(job).is_err() {
                process::exit(1);
            }
        }
    })?;

    let mut output = io::stdout().lock();
    for (job, source) in jobs {
        let rendered = match &source {
            Some(source) => attempt(|| render(source, &job.limits, &ThumbnailSize::ALL.map(ThumbnailSize::max_width))),
            None => Err(RenderError::Failed(format!("no memory for {} bytes of source", job.length))),
        };
        drop(source);
        answer(&mut output, rendered)?;
    }
    Ok(())
}

/// Gives up what rendering does not need.
fn confine(memory: u64) -> io::Result<()> {
    let limit = |resource, most| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    limit(Resource::As, address_space().saturating_add(memory))?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nofile, 3)?;
    Ok(())
}

/// How many bytes of address space this process has; it counts the program itself, so what is allowed comes on top.
fn address_space() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes =
        status.lines().find_map(|line| line.strip_prefix("VmSize:")?.split_whitespace().next()?.parse().ok());
    kibibytes.unwrap_or(0_u64).saturating_mul(1024)
}

/// The next job with its source; `None` when there are no more.
fn receive(input: &mut impl Read) -> io::Result<Option<Arrived>> {
    let Some(job) = wire::read_header::<Job>(input)? else { return Ok(None) };
    let mut source = Vec::new();
    let fits = usize::try_from(job.length).is_ok_and(|length| source.try_reserve_exact(length).is_ok());
    let mut input = input.take(job.length);
    if fits {
        input.read_to_end(&mut source)?;
    } else {
        io::copy(&mut input, &mut io::sink())?;
    }
    if input.limit() > 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some((job, fits.then_some(source))))
}

/// Runs this; a panic is a failure like any other.
fn attempt(work: impl FnOnce() -> Result<Rendered, RenderError>) -> Result<Rendered, RenderError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(RenderError::Failed(format!("panicked: {}", message(panic.as_ref())))))
}

/// What a panic says, shortened to what a header holds.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a word").chars().take(500).collect()
}

fn answer(output: &mut impl Write, rendered: Result<Rendered, RenderError>) -> io::Result<()> {
    let (answer, thumbnails) = match rendered {
        Ok(Rendered { width, height, thumbhash, thumbnails }) => {
            let announced = thumbnails.iter().map(|thumbnail| Announced {
                width: thumbnail.width,
                height: thumbnail.height,
                length: thumbnail.bytes.len(),
            });
            (Answer::Rendered { width, height, thumbhash, thumbnails: announced.collect() }, thumbnails)
        }
        Err(RenderError::Damaged(reason) | RenderError::TooLarge(reason)) => (Answer::Damaged { reason }, Vec::new()),
        Err(RenderError::Failed(what)) => (Answer::Failed { what }, Vec::new()),
    };
    output.write_all(&wire::header(&answer)?)?;
    for thumbnail in thumbnails {
        output.write_all(&thumbnail.bytes)?;
    }
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failed_attempt_and_says_why() {
        let outcome = attempt(|| panic!("the index was {}", 7));
        assert_eq!(outcome, Err(RenderError::Failed("panicked: the index was 7".to_owned())));
    }

    #[test]
    fn a_source_that_breaks_off_is_no_job() {
        let mut bytes = wire::header(&Job { limits: strongroom_render::RenderLimits::default(), length: 9 }).unwrap();
        bytes.extend(b"12345");
        assert!(receive(&mut bytes.as_slice()).is_err());
    }
}
