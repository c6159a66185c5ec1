//! The worker: reserves jobs, renders, stores, settles, announces.
//!
//! Only the settlement counts: it is a compare-and-set on the row, so a job that is delivered twice, or whose lease was
//! lost on the way, makes one set of thumbnails and one event.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use strongroom_render::Rendered;
use tokio::{
    sync::{RwLock, Semaphore, SemaphorePermit},
    time::Instant,
};

use super::{
    pool::{Outcome, Renderers},
    repair,
};
use crate::{
    config::ThumbnailsConfig,
    error::{Error, Result},
    model::{Clock, Content, File, Random, Settlement, Thumbnail, ThumbnailSize, Thumbnails},
    service::{Leftovers, Noted},
    shutdown::Shutdown,
    store::{Event, Reserved, Settled, Store},
    telemetry::{Metrics, ThumbnailOutcome},
};

/// How long one look into the queue waits.
const QUEUE_WAIT: Duration = Duration::from_secs(5);
/// The longest pause after a store has failed.
const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// How many images the worker remembers store failures of.
const SETBACKS: usize = 10_000;

/// The worker. One for each process; it renders as many images at once as it has slots, and stores the thumbnails of as
/// many others meanwhile.
pub struct Worker {
    store: Store,
    renderers: Renderers,
    leftovers: Arc<Leftovers>,
    settings: ThumbnailsConfig,
    clock: Clock,
    random: Random,
    metrics: Metrics,
    /// The slots. One is taken before a job is, and given back as soon as the image has been rendered.
    slots: Semaphore,
    /// Held for reading by every render, for writing by one that has to be alone.
    alone: RwLock<()>,
    /// How often a store has failed in the middle of each image.
    setbacks: Mutex<HashMap<crate::store::JobKey, u32>>,
}

/// What is to be done with a job after the work on it.
enum Verdict {
    /// The thumbnails are there.
    Ready,
    /// The image was deleted meanwhile, or somebody else settled it.
    Superseded,
    /// Again after this, as a failed attempt.
    Retry(Duration),
    /// Given up on.
    Bury(String),
}

impl Worker {
    /// Over these stores.
    #[must_use]
    pub fn new(
        store: Store,
        renderers: Renderers,
        leftovers: Arc<Leftovers>,
        settings: ThumbnailsConfig,
        clock: Clock,
        random: Random,
        metrics: Metrics,
    ) -> Self {
        let (slots, alone, setbacks) = (Semaphore::new(settings.slots), RwLock::default(), Mutex::default());
        Self { store, renderers, leftovers, settings, clock, random, metrics, slots, alone, setbacks }
    }

    /// Starts to work, until the shutdown begins; jobs in hand are then given back.
    pub fn start(self: Arc<Self>, shutdown: &Shutdown) {
        // Twice as many as slots: of each two, one may store while the other renders.
        for _ in 0..2 * self.settings.slots {
            let (worker, signal) = (Arc::clone(&self), shutdown.signal());
            shutdown.spawn(async move {
                let mut failures = 0;
                while !signal.is_cancelled() {
                    let taken = tokio::select! {
                        () = signal.cancelled() => break,
                        taken = worker.take() => taken,
                    };
                    match taken {
                        Ok(None) => failures = 0,
                        Ok(Some((job, slot))) => {
                            failures = 0;
                            tokio::select! {
                                () = signal.cancelled() => worker.give_back(&job).await,
                                () = worker.handle(&job, slot) => {}
                            }
                        }
                        Err(error) => {
                            error.log();
                            failures += 1;
                            tokio::select! {
                                () = signal.cancelled() => break,
                                () = tokio::time::sleep(worker.delay(failures).min(Duration::from_secs(2))) => {}
                            }
                        }
                    }
                }
                worker.renderers.shutdown().await;
            });
        }
        repair::start(&self.store, &self.settings, &self.clock, &self.metrics, shutdown);
    }

    /// A job, with a slot to render it in.
    async fn take(&self) -> Result<Option<(Reserved, SemaphorePermit<'_>)>> {
        let slot = self.slots.acquire().await.map_err(Error::internal)?;
        Ok(self.store.jobs.reserve(QUEUE_WAIT).await?.map(|job| (job, slot)))
    }

    async fn give_back(&self, job: &Reserved) {
        if let Err(error) = self.store.jobs.release(job).await {
            error.log();
        }
    }

    /// Works on a job, keeping its lease, and says in the queue how it ended.
    async fn handle(&self, job: &Reserved, slot: SemaphorePermit<'_>) {
        let begun = Instant::now();
        let worked = tokio::select! {
            worked = self.work(job, slot) => worked,
            () = self.keep_lease(job) => return,
        };
        let outcome = match &worked {
            Ok(Verdict::Ready) => ThumbnailOutcome::Ready,
            Ok(Verdict::Superseded) => ThumbnailOutcome::Superseded,
            Ok(Verdict::Bury(_)) => ThumbnailOutcome::Failed,
            Ok(Verdict::Retry(_)) | Err(_) => ThumbnailOutcome::Retried,
        };
        self.metrics.thumbnail(outcome, begun.elapsed());
        let reason = if let Ok(Verdict::Bury(reason)) = &worked { Some(reason.as_str()) } else { None };
        tracing::info!(
            file = %job.key.file,
            outcome = outcome.as_str(),
            reason,
            attempt = job.attempts + 1,
            latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            "worked on an image"
        );
        let told = match worked {
            Ok(Verdict::Ready | Verdict::Superseded) => {
                self.forget(job);
                self.store.jobs.complete(job).await
            }
            Ok(Verdict::Retry(delay)) => self.store.jobs.retry(job, delay, true).await,
            Ok(Verdict::Bury(reason)) => {
                self.forget(job);
                self.store.jobs.bury(job, &reason).await
            }
            Err(error) => {
                error.log();
                self.store.jobs.retry(job, self.delay(self.remember(job)), false).await
            }
        };
        // The lease ends by itself, and the job comes back.
        if let Err(error) = told {
            error.log();
        }
    }

    /// Returns when the lease has been lost: somebody else has the job.
    async fn keep_lease(&self, job: &Reserved) {
        let mut ticks = tokio::time::interval(self.settings.lease / 3);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            match self.store.jobs.renew(job).await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!(file = %job.key.file, "lost the lease of a thumbnail job");
                    return;
                }
                // The lease may still hold; the settlement decides in any case.
                Err(error) => error.log(),
            }
        }
    }

    async fn work(&self, job: &Reserved, slot: SemaphorePermit<'_>) -> Result<Verdict> {
        let Some(file) = self.pending(job).await? else { return Ok(Verdict::Superseded) };
        let Some(content) = &file.content else { return Ok(Verdict::Superseded) };
        if job.losses >= self.settings.losses_failed {
            return self.fail(job, "The programs that scale images were lost with this one again and again.").await;
        }
        let turn = if job.losses >= self.settings.losses_alone {
            (None, Some(self.alone.write().await))
        } else {
            (Some(self.alone.read().await), None)
        };
        // The thumbnails are noted while they are being made: nobody waits for the disk then.
        let reserving = self.leftovers.reserve(job.key.file, ThumbnailSize::ALL.len());
        let (outcome, notes) = tokio::join!(self.render(content), reserving);
        drop((turn, slot));
        let notes = if matches!(outcome, Ok(Some(Outcome::Rendered(_)))) {
            notes?
        } else {
            self.leftovers.release(notes.unwrap_or_default()).await;
            Vec::new()
        };
        match outcome? {
            Some(Outcome::Rendered(rendered)) => self.ready(job, rendered, notes).await,
            None => self.missing(job).await,
            Some(Outcome::Damaged(reason)) => self.fail(job, &reason).await,
            Some(Outcome::Crashed(what)) => {
                tracing::warn!(file = %job.key.file, attempt = job.attempts + 1, %what, "rendering failed");
                if job.attempts + 1 < self.settings.max_attempts {
                    return Ok(Verdict::Retry(Duration::ZERO));
                }
                self.fail(job, "This image takes more time or memory to scale than this server allows.").await
            }
        }
    }

    /// The row, if it still waits for this very job.
    async fn pending(&self, job: &Reserved) -> Result<Option<File>> {
        let file = self.store.files.get(job.key.file).await?;
        Ok(file.filter(|file| {
            file.image.as_ref().is_some_and(|image| !image.is_settled() && image.generation == job.key.generation)
        }))
    }

    /// `None` when the bytes are missing, or some of them.
    async fn render(&self, content: &Content) -> Result<Option<Outcome>> {
        let Some(source) = self.store.blobs.read_ahead(content.blob, 0..content.size).await? else { return Ok(None) };
        self.renderers.render(source, content.size).await.map(Some)
    }

    /// Bytes first, then the row, then the news.
    async fn ready(&self, job: &Reserved, mut rendered: Rendered, notes: Vec<Noted>) -> Result<Verdict> {
        let pairs = notes.iter().zip(&mut rendered.thumbnails);
        let (blobs, set): (Vec<_>, Vec<_>) = ThumbnailSize::ALL
            .into_iter()
            .zip(pairs)
            .map(|(size, (note, encoded))| {
                let bytes = Bytes::from(std::mem::take(&mut encoded.bytes));
                let thumbnail = Thumbnail {
                    size,
                    blob: note.blob(),
                    width: encoded.width,
                    height: encoded.height,
                    media_type: encoded.format.media_type().to_owned(),
                    bytes: bytes.len() as u64,
                };
                ((note.blob(), bytes), thumbnail)
            })
            .unzip();
        if let Err(error) = self.store.blobs.put(blobs).await {
            for note in notes {
                note.undo(&error).await;
            }
            return Err(error);
        }
        let settlement = Settlement {
            width: Some(rendered.width),
            height: Some(rendered.height),
            thumbnails: Thumbnails::Ready { set, thumbhash: rendered.thumbhash },
        };
        self.leftovers.check_pulse()?;
        let settled = self.settle(job, &settlement, notes).await?;
        Ok(if settled { Verdict::Ready } else { Verdict::Superseded })
    }

    /// The row is there and its bytes are not: the file was just deleted, or this worker looks in the wrong place.
    async fn missing(&self, job: &Reserved) -> Result<Verdict> {
        if self.pending(job).await?.is_none() {
            return Ok(Verdict::Superseded);
        }
        tracing::error!(
            file = %job.key.file,
            "the bytes of an image are missing; do all processes use the same blobs.dir or bucket?"
        );
        if job.attempts + 1 < self.settings.max_attempts {
            return Ok(Verdict::Retry(self.delay(job.attempts + 2)));
        }
        self.fail(job, "The bytes of this image are missing.").await
    }

    async fn fail(&self, job: &Reserved, reason: &str) -> Result<Verdict> {
        let thumbnails = Thumbnails::Failed { reason: reason.to_owned() };
        let settlement = Settlement { width: None, height: None, thumbnails };
        let settled = self.settle(job, &settlement, Vec::new()).await?;
        Ok(if settled { Verdict::Bury(reason.to_owned()) } else { Verdict::Superseded })
    }

    /// Writes the end to the row, which then owns the noted blobs; the winner announces. Whether this was it.
    async fn settle(&self, job: &Reserved, settlement: &Settlement, notes: Vec<Noted>) -> Result<bool> {
        let (id, generation) = (job.key.file, job.key.generation);
        // Without a clear answer the notes are dropped, and the row decides later.
        let Some(file) = self.store.files.settle(id, generation, settlement, self.clock.now()).await? else {
            remove(notes).await;
            return Ok(false);
        };
        let settled = Settled { file: id, owner: file.owner, generation };
        let (announced, ()) = tokio::join!(announce(&self.store, settled), self.leftovers.release(notes));
        // The repair round announces it.
        if let Err(error) = announced {
            error.log();
        }
        Ok(true)
    }

    fn remember(&self, job: &Reserved) -> u32 {
        let mut setbacks = self.setbacks.lock().unwrap_or_else(PoisonError::into_inner);
        if setbacks.len() >= SETBACKS {
            setbacks.clear();
        }
        let count = setbacks.entry(job.key).or_default();
        *count += 1;
        *count
    }

    fn forget(&self, job: &Reserved) {
        self.setbacks.lock().unwrap_or_else(PoisonError::into_inner).remove(&job.key);
    }

    /// Twice as long each time, from half a second, and up to a half longer, so that workers do not come all at once.
    fn delay(&self, failures: u32) -> Duration {
        let base = Duration::from_millis(250).saturating_mul(1 << failures.min(16)).min(LONGEST_DELAY);
        let [spread] = self.random.bytes::<1>();
        base + base.mul_f64(f64::from(spread) / 512.0)
    }
}

async fn remove(notes: Vec<Noted>) {
    for note in notes {
        note.remove().await;
    }
}

/// Tells listeners of a settlement, and notes that they were told.
pub(super) async fn announce(store: &Store, settled: Settled) -> Result<()> {
    store.events.publish(&Event::Settled(settled)).await?;
    store.files.announced(settled.file, settled.generation).await
}
