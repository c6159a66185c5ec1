//! Processes that render, kept running: one for each slot, started when needed, replaced when anything went wrong.

use std::path::PathBuf;
use std::pin::pin;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use strongroom_render::{Encoded, Format, RenderLimits, Rendered, sniff};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::wire::{self, Answer, Job};
use crate::error::{Error, Result};
use crate::model::ThumbnailSize;

/// After so many images a process is replaced, and what it has hoarded is gone.
const JOBS: u32 = 500;

/// The most bytes that three thumbnails have: a transparent one of 500 x 16,384 pixels of noise comes close.
const MAX_ANSWER: usize = 64 << 20;

/// How long a process may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(1);

/// What holds for every image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenderOptions {
    /// How large an image may be.
    pub limits: RenderLimits,
    /// How long rendering may take, from the moment its last byte was sent.
    pub deadline: Duration,
    /// How many bytes of memory rendering may take.
    pub memory: u64,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self { limits: RenderLimits::default(), deadline: Duration::from_secs(10), memory: 1 << 30 }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// With thumbnails.
    Rendered(Rendered),
    /// The image is damaged or beyond the limits, and always will be. A sentence for people.
    Damaged(String),
    /// What rendered it failed, took too long, took too much memory, or died. For the log.
    Crashed(String),
}

/// The processes that render for this one.
#[derive(Debug)]
pub struct Renderers {
    program: PathBuf,
    options: RenderOptions,
    slots: Semaphore,
    idle: Mutex<Vec<Renderer>>,
}

impl Renderers {
    /// As many processes as there are slots, none of them started yet. `program` is this binary: it is started as
    /// `PROGRAM render MEMORY`.
    #[must_use]
    pub fn new(program: PathBuf, slots: usize, options: RenderOptions) -> Self {
        Self { program, options, slots: Semaphore::new(slots.max(1)), idle: Mutex::default() }
    }

    /// Makes the thumbnails of an image of this many bytes, waiting for a free slot.
    ///
    /// The source goes through piece by piece and is never whole in this process. The deadline is for rendering alone:
    /// a slow source does not use it up. Fails when the source fails or has another length, when no process can be
    /// started, and after [`Renderers::shutdown`]; none of that is the image's fault. Dropping the future ends the
    /// process that was at work.
    pub async fn render(&self, source: impl Stream<Item = Result<Bytes>> + Send, length: u64) -> Result<Outcome> {
        let _slot = self.slots.acquire().await.map_err(|closed| Error::unavailable("the renderer", closed))?;
        // It is ours until it has answered in full: on every other way out it is dropped, which kills it.
        let mut renderer = self.take()?;
        let outcome = match renderer.render(source, length, &self.options).await {
            Ok(outcome) => outcome,
            Err(Fault::Source(error)) => return Err(error),
            Err(Fault::Crash(what)) => Outcome::Crashed(what),
            Err(Fault::Broken(what)) => Outcome::Crashed(renderer.last_words(what).await),
        };
        match &outcome {
            Outcome::Crashed(what) => {
                tracing::warn!(what, "a renderer is replaced");
                renderer.kill().await;
            }
            _ => self.give_back(renderer),
        }
        Ok(outcome)
    }

    /// Ends the processes that wait, and starts no more. Those at work are ended when they are done or dropped.
    pub async fn shutdown(&self) {
        self.slots.close();
        let idle = std::mem::take(&mut *self.idle());
        let (inputs, children): (Vec<_>, Vec<_>) =
            idle.into_iter().map(|renderer| (renderer.input, renderer.child)).unzip();
        // The end of its input is what ends a process.
        drop(inputs);
        for mut child in children {
            if timeout(FAREWELL, child.wait()).await.is_err() {
                child.kill().await.ok();
            }
        }
    }

    /// A process that lives.
    fn take(&self) -> Result<Renderer> {
        while let Some(mut renderer) = self.idle().pop() {
            if matches!(renderer.child.try_wait(), Ok(None)) {
                return Ok(renderer);
            }
        }
        Renderer::start(&self.program, self.options.memory)
    }

    fn give_back(&self, renderer: Renderer) {
        let mut idle = self.idle();
        // Asked under the lock, so that `shutdown` misses none.
        if renderer.jobs < JOBS && !self.slots.is_closed() {
            idle.push(renderer);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Renderer>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a process must not be used again.
enum Fault {
    /// The source broke off: the process has half an image.
    Source(Error),
    /// It failed, or was too slow.
    Crash(String),
    /// Its pipes broke: it is dead, or as good as that.
    Broken(std::io::Error),
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error)
    }
}

/// One process. Killed when dropped.
#[derive(Debug)]
struct Renderer {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    jobs: u32,
}

impl Renderer {
    fn start(program: &PathBuf, memory: u64) -> Result<Self> {
        let mut child = Command::new(program)
            .arg("render")
            .arg(memory.to_string())
            // It gets no secrets. One heap, whose large blocks go back at once, is all it needs.
            .env_clear()
            .env("MALLOC_ARENA_MAX", "1")
            .env("MALLOC_MMAP_THRESHOLD_", "1048576")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl+C is for this process alone, which still has images to finish.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::internal)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::internal("a renderer has no pipes"));
        };
        Ok(Self { child, input, output, jobs: 0 })
    }

    async fn render(
        &mut self,
        source: impl Stream<Item = Result<Bytes>> + Send,
        length: u64,
        options: &RenderOptions,
    ) -> Result<Outcome, Fault> {
        self.jobs += 1;
        self.send(&wire::header(&Job { limits: options.limits, length })?, options.deadline).await?;
        let mut missing = length;
        let mut source = pin!(source);
        while let Some(chunk) = source.next().await {
            let chunk = chunk.map_err(Fault::Source)?;
            missing = u64::try_from(chunk.len())
                .ok()
                .and_then(|sent| missing.checked_sub(sent))
                .ok_or_else(|| Fault::Source(Error::internal("a source is longer than it should be")))?;
            self.send(&chunk, options.deadline).await?;
        }
        if missing > 0 {
            return Err(Fault::Source(Error::internal(format!("a source ends {missing} bytes too early"))));
        }
        timeout(options.deadline, self.receive()).await.unwrap_or_else(|_| Err(too_slow(options.deadline)))
    }

    /// A process reads as fast as it is sent; one that does not has hung.
    async fn send(&mut self, bytes: &[u8], deadline: Duration) -> Result<(), Fault> {
        let sent = timeout(deadline, self.input.write_all(bytes)).await;
        Ok(sent.map_err(|_| too_slow(deadline))??)
    }

    /// The answer, which is trusted no more than the image.
    async fn receive(&mut self) -> Result<Outcome, Fault> {
        let mut prefix = [0; 4];
        self.output.read_exact(&mut prefix).await?;
        let mut header = vec![0; wire::header_length(prefix)?];
        self.output.read_exact(&mut header).await?;
        let nonsense = |what: &str| Fault::Crash(format!("the answer makes no sense: {what}"));
        let answer = serde_json::from_slice(&header).map_err(|error| nonsense(&error.to_string()))?;
        let (width, height, thumbhash, announced) = match answer {
            Answer::Damaged { reason } => return Ok(Outcome::Damaged(reason)),
            Answer::Failed { what } => return Err(Fault::Crash(what)),
            Answer::Rendered { width, height, thumbhash, thumbnails } => (width, height, thumbhash, thumbnails),
        };
        if announced.len() != ThumbnailSize::ALL.len() {
            return Err(nonsense("not one thumbnail of each size"));
        }
        let mut thumbnails = Vec::with_capacity(announced.len());
        let mut room = MAX_ANSWER;
        for thumbnail in announced {
            room = room.checked_sub(thumbnail.length).ok_or_else(|| nonsense("too many bytes"))?;
            let mut bytes = vec![0; thumbnail.length];
            self.output.read_exact(&mut bytes).await?;
            // Downloads will bear this type, so it is what the bytes say.
            let format = sniff(&bytes).filter(|format| matches!(format, Format::Jpeg | Format::WebP));
            let format = format.ok_or_else(|| nonsense("neither JPEG nor WebP"))?;
            thumbnails.push(Encoded { width: thumbnail.width, height: thumbnail.height, format, bytes });
        }
        Ok(Outcome::Rendered(Rendered { width, height, thumbhash, thumbnails }))
    }

    /// What became of a process whose pipes broke.
    async fn last_words(&mut self, error: std::io::Error) -> String {
        match timeout(FAREWELL, self.child.wait()).await {
            Ok(Ok(status)) => format!("the renderer died ({status})"),
            _ => format!("the renderer closed its pipes ({error})"),
        }
    }

    async fn kill(mut self) {
        timeout(FAREWELL, self.child.kill()).await.ok();
    }
}

fn too_slow(deadline: Duration) -> Fault {
    Fault::Crash(format!("rendering took longer than {deadline:?}"))
}
