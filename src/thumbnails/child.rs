//! A process that renders: one image after the other from its standard input, the answers to its standard output.
//!
//! It shuts itself in before it reads the first image: see [`sandbox`]. It ends with its standard input, and therefore
//! with its parent, however that ended and whatever it was doing.

use std::any::Any;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Barrier};
use std::{panic, process, thread};

use rustix::buffer::spare_capacity;
use rustix::fd::BorrowedFd;
use rustix::io::retry_on_intr;
use strongroom_render::{Image, RenderError, Rendered};

use super::sandbox;
use super::wire::{self, Announced, Answer, Hello, Job, Order};
use crate::model::ThumbnailSize;

/// The stack of the thread that reads: it holds no buffers.
const READER_STACK: usize = 256 << 10;

/// How far rendering stands back behind whatever else wants the processor, above all the API. On an idle machine it makes
/// no difference.
const NICENESS: i32 = 5;

/// An order that has arrived.
enum Arrived {
    /// With the source; `None` when there was no memory for it.
    Job(Job, Option<Vec<u8>>),
    Go,
}

/// Renders until standard input ends; then the process exits. `memory`: the bytes it may take beyond those it starts
/// with.
pub fn run(memory: u64) -> io::Result<()> {
    let (input, mut output) = (Pipe(rustix::stdio::stdin()), Pipe(rustix::stdio::stdout()));
    rustix::process::nice(NICENESS).ok();
    // A panic is an answer, not a message: nobody reads this process's standard error.
    panic::set_hook(Box::new(|_| {}));

    let mut hello = Hello::default();
    let mut note = |layer: sandbox::Layer| match layer {
        Ok(name) => hello.confined_by.push(name),
        Err(reason) => hello.missing.push(reason),
    };
    let address_space = sandbox::address_space();
    // It needs a file descriptor, which the limits take away; threads started from here on inherit it.
    let landlock = sandbox::landlock();
    sandbox::limit_resources(address_space.saturating_add(memory))?;
    note(Ok("resource limits".to_owned()));
    note(landlock);

    // A thread of its own reads, and so sees standard input end even while an image is being rendered. It is there before
    // seccomp takes away what starting a thread needs, and reads nothing until then.
    let barrier = Arc::new(Barrier::new(2));
    let (arrived, orders) = mpsc::sync_channel(1);
    let reader = Arc::clone(&barrier);
    thread::Builder::new().stack_size(READER_STACK).spawn(move || {
        reader.wait();
        reader.wait();
        loop {
            let Ok(order) = receive(&input) else { process::exit(1) };
            let Some(order) = order else { process::exit(0) };
            if arrived.send(order).is_err() {
                process::exit(1);
            }
        }
    })?;
    barrier.wait();
    note(sandbox::seccomp());
    barrier.wait();

    output.write_all(&wire::header(&hello)?)?;
    while let Ok(Arrived::Job(job, source)) = orders.recv() {
        let rendered = match source {
            Some(source) => work(&job, &source, memory, &orders, &mut output)?,
            None => Err(RenderError::Failed(format!("no memory for {} bytes of source", job.length))),
        };
        answer(&mut output, rendered)?;
    }
    Err(out_of_turn())
}

/// Opens the image, says what it needs, waits until it may go on, and renders it.
fn work(
    job: &Job,
    source: &[u8],
    memory: u64,
    orders: &Receiver<Arrived>,
    output: &mut impl Write,
) -> io::Result<Result<Rendered, RenderError>> {
    let widths = ThumbnailSize::ALL.map(ThumbnailSize::max_width);
    let opened = attempt(|| {
        let image = Image::open(source, &job.limits)?;
        let bytes = image.memory(&widths);
        if bytes.saturating_add(job.length) > memory {
            return Err(RenderError::TooLarge(wire::TOO_MUCH_MEMORY.to_owned()));
        }
        Ok((image, bytes))
    });
    let (image, bytes) = match opened {
        Ok(opened) => opened,
        Err(error) => return Ok(Err(error)),
    };
    output.write_all(&wire::header(&Answer::Needs { bytes })?)?;
    let Ok(Arrived::Go) = orders.recv() else { return Err(out_of_turn()) };
    Ok(attempt(|| image.render(&widths)))
}

fn out_of_turn() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "an order came out of turn")
}

/// The next order, a job with its source; `None` when there are no more.
fn receive(mut input: &Pipe) -> io::Result<Option<Arrived>> {
    let Some(order) = wire::read_header::<Order>(&mut input)? else { return Ok(None) };
    let Order::Render(job) = order else { return Ok(Some(Arrived::Go)) };
    let mut source = Vec::new();
    let fits = usize::try_from(job.length).is_ok_and(|length| source.try_reserve_exact(length).is_ok());
    if !fits {
        let length = io::copy(&mut input.take(job.length), &mut io::sink())?;
        return if length == job.length { Ok(Some(Arrived::Job(job, None))) } else { Err(breaks_off()) };
    }
    // Straight to where it stays, in pieces as large as the pipe; nothing is sent behind it before the answer.
    while source.len() as u64 != job.length {
        if retry_on_intr(|| rustix::io::read(input.0, spare_capacity(&mut source)))? == 0 {
            return Err(breaks_off());
        }
    }
    Ok(Some(Arrived::Job(job, Some(source))))
}

fn breaks_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "a source breaks off")
}

/// One end of a pipe, without a buffer in between.
struct Pipe(BorrowedFd<'static>);

impl Read for &Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(self.0, buffer)?)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(self.0, bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs this; a panic is a failure like any other.
fn attempt<T>(work: impl FnOnce() -> Result<T, RenderError>) -> Result<T, RenderError> {
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
    thumbnails.iter().try_for_each(|thumbnail| output.write_all(&thumbnail.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failed_attempt_and_says_why() {
        let outcome = attempt::<()>(|| panic!("the index was {}", 7));
        assert_eq!(outcome, Err(RenderError::Failed("panicked: the index was 7".to_owned())));
    }
}
