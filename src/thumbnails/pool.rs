//! Processes that render, kept running: one for each slot, started when needed, replaced when anything went wrong.
//!
//! What one needs of memory it says itself once it has the image's header; it goes on when there is as much.

use std::path::PathBuf;
use std::pin::pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use strongroom_render::{Encoded, Format, RenderLimits, Rendered, sniff};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::budget::Budget;
use super::wire::{self, Announced, Answer, Hello, Job, Order};
use crate::error::{Error, Result};
use crate::model::ThumbnailSize;

/// After so many images a process is replaced, and what it has hoarded is gone.
const JOBS: u32 = 500;

/// The most bytes that three thumbnails have: a transparent one of 500 x 16,384 pixels of noise comes close.
const MAX_ANSWER: usize = 64 << 20;

/// How much of a source waits in the pipe at the most: a source of 5 MB then crosses in a few pieces. It is as much as
/// Linux allows those without privileges.
#[cfg(target_os = "linux")]
const PIPE: usize = 1 << 20;

/// How long a process may take to start, at the least.
const START: Duration = Duration::from_secs(2);

/// How long a process may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(1);

/// What holds for every image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenderOptions {
    /// How large an image may be.
    pub limits: RenderLimits,
    /// How long rendering may take, from the moment its last byte was sent. Waiting for memory is not counted.
    pub deadline: Duration,
    /// How many bytes of memory a process may take.
    pub memory: u64,
    /// How many all of them together should take while they are at work.
    pub memory_budget: u64,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self {
            limits: RenderLimits::default(),
            deadline: Duration::from_secs(10),
            memory: 1 << 30,
            memory_budget: 1 << 30,
        }
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

/// The processes that render for this one. Clones share them.
#[derive(Debug, Clone)]
pub struct Renderers {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    program: PathBuf,
    options: RenderOptions,
    slots: Semaphore,
    budget: Budget,
    idle: Mutex<Vec<Renderer>>,
    /// Whether the log has been told what they are shut in by.
    told: Once,
}

impl Renderers {
    /// As many processes as there are slots, none of them started yet. `program` is this binary: it is started as
    /// `PROGRAM render MEMORY`.
    #[must_use]
    pub fn new(program: PathBuf, slots: usize, options: RenderOptions) -> Self {
        let (slots, budget) = (Semaphore::new(slots.max(1)), Budget::new(options.memory_budget));
        let shared = Shared { program, options, slots, budget, idle: Mutex::default(), told: Once::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Starts a process ahead, so that the first image does not wait for it, and the log says at once how it is shut in.
    pub async fn start_one(&self) {
        let Ok(_slot) = self.shared.slots.acquire().await else { return };
        let Ok(mut renderer) = self.shared.take().inspect_err(Error::log) else { return };
        let what = match renderer.greet(&self.shared).await {
            Ok(()) => return self.shared.give_back(renderer),
            Err(Fault::Source(error)) => error.to_string(),
            Err(Fault::Crash(what)) => what,
            Err(Fault::Broken(error)) => renderer.last_words(error).await,
        };
        tracing::warn!(what, "a renderer does not start");
    }

    /// Makes the thumbnails of an image of this many bytes, waiting for a free slot.
    ///
    /// The source goes through piece by piece and is never whole in this process. The deadline is for rendering alone:
    /// a slow source does not use it up. Fails when the source fails or has another length, when no process can be
    /// started, and after [`Renderers::shutdown`]; none of that is the image's fault. Dropping the future ends the
    /// process that was at work.
    pub async fn render(&self, source: impl Stream<Item = Result<Bytes>> + Send, length: u64) -> Result<Outcome> {
        let shared = self.shared.as_ref();
        let _slot = shared.slots.acquire().await.map_err(|closed| Error::unavailable("the renderer", closed))?;
        if length > shared.options.memory {
            return Ok(Outcome::Damaged(wire::TOO_MUCH_MEMORY.to_owned()));
        }
        let _memory = shared.budget.files.take(length).await;
        // It is ours until it has answered in full: on every other way out it is dropped, which kills it.
        let mut renderer = shared.take()?;
        let outcome = match renderer.render(source, length, shared).await {
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
            _ => shared.give_back(renderer),
        }
        Ok(outcome)
    }

    /// Ends the processes that wait, and starts no more. Those at work are ended when they are done or dropped.
    pub async fn shutdown(&self) {
        self.shared.slots.close();
        let idle = std::mem::take(&mut *self.shared.idle());
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
}

impl Shared {
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
    /// Whether it has said that it is ready.
    greeted: bool,
    jobs: u32,
}

impl Renderer {
    fn start(program: &PathBuf, memory: u64) -> Result<Self> {
        let mut child = Command::new(program)
            .arg("render")
            .arg(memory.to_string())
            // It gets no secrets. One heap is all it needs: its large blocks go back at once, and up to 4 MiB of small ones stay for the
            // next image, as getting them anew took 4 % of the time for one of 2 megapixels.
            .env_clear()
            .env("MALLOC_ARENA_MAX", "1")
            .env("MALLOC_MMAP_THRESHOLD_", "1048576")
            .env("MALLOC_TRIM_THRESHOLD_", "4194304")
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
        // Where it may not be larger it is as large as ever.
        #[cfg(target_os = "linux")]
        rustix::pipe::fcntl_setpipe_size(&input, PIPE).ok();
        Ok(Self { child, input, output, greeted: false, jobs: 0 })
    }

    /// Waits until it is ready. The log learns of the first one how it is shut in; the others are no different.
    async fn greet(&mut self, shared: &Shared) -> Result<(), Fault> {
        if self.greeted {
            return Ok(());
        }
        let deadline = shared.options.deadline.max(START);
        let too_slow = |_| Err(Fault::Crash(format!("the renderer did not start within {deadline:?}")));
        let hello: Hello = timeout(deadline, self.header()).await.unwrap_or_else(too_slow)?;
        self.greeted = true;
        shared.told.call_once(|| {
            let (by, missing) = (hello.confined_by.join(", "), hello.missing.join(", "));
            if missing.is_empty() {
                tracing::info!("rendering processes are shut in by {by}");
            } else {
                tracing::warn!("rendering processes are shut in by {by} only; missing: {missing}");
            }
        });
        Ok(())
    }

    async fn render(
        &mut self,
        source: impl Stream<Item = Result<Bytes>> + Send,
        length: u64,
        shared: &Shared,
    ) -> Result<Outcome, Fault> {
        let options = &shared.options;
        self.jobs += 1;
        self.greet(shared).await?;
        let job = Order::Render(Job { limits: options.limits, length });
        self.send(&wire::header(&job)?, options.deadline).await?;
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

        // The clock stands still while the image waits for memory.
        let (deadline, begun) = (options.deadline, Instant::now());
        let opened = timeout(deadline, self.header()).await.unwrap_or_else(|_| Err(too_slow(deadline)))?;
        let left = deadline.saturating_sub(begun.elapsed());
        let memory = match &opened {
            Answer::Needs { bytes } => Some(shared.budget.work.take(*bytes).await),
            _ => None,
        };
        let finish = async {
            let answer = if memory.is_some() {
                self.input.write_all(&wire::header(&Order::Go)?).await?;
                self.header().await?
            } else {
                opened
            };
            self.outcome(answer).await
        };
        timeout(left, finish).await.unwrap_or_else(|_| Err(too_slow(deadline)))
    }

    /// A process reads as fast as it is sent; one that does not has hung.
    async fn send(&mut self, bytes: &[u8], deadline: Duration) -> Result<(), Fault> {
        let sent = timeout(deadline, self.input.write_all(bytes)).await;
        Ok(sent.map_err(|_| too_slow(deadline))??)
    }

    /// The header of the next message. What a process says is trusted no more than the image.
    async fn header<T: DeserializeOwned>(&mut self) -> Result<T, Fault> {
        let mut prefix = [0; 4];
        self.output.read_exact(&mut prefix).await?;
        let mut header = vec![0; wire::header_length(prefix)?];
        self.output.read_exact(&mut header).await?;
        serde_json::from_slice(&header).map_err(|error| nonsense(&error.to_string()))
    }

    /// How a job ended that ended with this answer.
    async fn outcome(&mut self, answer: Answer) -> Result<Outcome, Fault> {
        match answer {
            Answer::Needs { .. } => Err(nonsense("it was let go already")),
            Answer::Damaged { reason } => Ok(Outcome::Damaged(reason)),
            Answer::Failed { what } => Err(Fault::Crash(what)),
            Answer::Rendered { width, height, thumbhash, thumbnails } => {
                let thumbnails = self.thumbnails(thumbnails).await?;
                Ok(Outcome::Rendered(Rendered { width, height, thumbhash, thumbnails }))
            }
        }
    }

    /// The thumbnails that were announced.
    async fn thumbnails(&mut self, announced: Vec<Announced>) -> Result<Vec<Encoded>, Fault> {
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
        Ok(thumbnails)
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

fn nonsense(what: &str) -> Fault {
    Fault::Crash(format!("the answer makes no sense: {what}"))
}
