//! Notes of this process: which blobs it is writing, and what becomes of those that lose their purpose.
//!
//! A blob is noted before its first byte is written. From then on a [`Noted`] stands for it, and whatever happens to
//! the request or job that holds it (an error, a panic, a client that goes away), it ends in one of three ways: a row
//! owns the blob, the blob is removed, or it is decided later. The last is for writes of a row that were given up on
//! without a clear answer: the row may still appear, so its bytes are left alone until the write can no longer be under
//! way, and only then the row decides.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use uuid::Uuid;

use crate::{
    error::{Error, Result},
    model::{BlobKey, Clock, FileId, ProcessId, Random},
    store::{Reservation, Store},
};

/// How long an answer waits for the clearing up after it; the rest is done later.
pub const CLEARING: Duration = Duration::from_secs(1);
/// Longer than any write can still be under way after it was given up on.
const UNDECIDED: Duration = Duration::from_secs(120);

/// The notes. One for each process.
pub struct Leftovers {
    store: Store,
    process: ProcessId,
    /// After how long a silent process is taken for dead; `None` when nobody else could.
    grace: Option<Duration>,
    clock: Clock,
    random: Random,
    /// By [`Clock::elapsed`], as the times of what is decided later.
    last_beat: Mutex<Duration>,
    later: Mutex<Vec<(Duration, Reservation)>>,
}

/// A blob that is noted and that no row owns yet. Dropped, it is decided later what becomes of it.
pub struct Noted {
    leftovers: Arc<Leftovers>,
    reservation: Option<Reservation>,
    blob: BlobKey,
    file: FileId,
}

impl Noted {
    /// Which blob.
    #[must_use]
    pub fn blob(&self) -> BlobKey {
        self.blob
    }

    /// The row that may come to own it.
    #[must_use]
    pub fn file(&self) -> FileId {
        self.file
    }

    /// Through which S3 multipart upload it is coming, so that it can be ended.
    pub fn set_multipart(&mut self, upload: Option<String>) {
        if let Some(reservation) = &mut self.reservation {
            reservation.multipart = upload;
        }
    }

    /// The note has been struck out.
    fn forget(mut self) {
        self.reservation = None;
    }

    /// Certainly no row owns the blob, nor will: removes it, then its note. What fails is tried again later.
    pub async fn remove(mut self) {
        let Some(reservation) = &self.reservation else { return };
        let leftovers = Arc::clone(&self.leftovers);
        let removed = async {
            leftovers.store.blobs.discard(reservation).await?;
            leftovers.store.reservations.release(&[reservation.blob]).await
        };
        match removed.await {
            Ok(()) => self.reservation = None,
            Err(error) => {
                error.log();
                if let Some(reservation) = self.reservation.take() {
                    self.leftovers.put_off(reservation, self.leftovers.clock.elapsed());
                }
            }
        }
    }

    /// Writing the blob has failed with this. Without a clear answer the bytes may still appear after they were removed,
    /// so they are removed once no write can be under way any more.
    pub async fn undo(self, error: &Error) {
        if matches!(error, Error::User(_)) {
            self.remove().await;
        }
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        if let Some(reservation) = self.reservation.take() {
            let at = self.leftovers.clock.elapsed() + UNDECIDED;
            self.leftovers.put_off(reservation, at);
        }
    }
}

impl Leftovers {
    /// No notes yet. `grace`: after how long other processes take a silent one for dead; zero when there are no others.
    #[must_use]
    pub fn new(store: Store, process: ProcessId, grace: Duration, clock: Clock, random: Random) -> Self {
        let last_beat = Mutex::new(clock.elapsed());
        let grace = (!grace.is_zero()).then_some(grace);
        Self { store, process, grace, clock, random, last_beat, later: Mutex::default() }
    }

    /// Notes new blobs of a file, durably. Their keys begin alike, so that they share a folder on disk: one fsync makes
    /// the names of all durable.
    pub async fn reserve(self: &Arc<Self>, file: FileId, count: usize) -> Result<Vec<Noted>> {
        let [first] = self.random.bytes();
        let fresh = || {
            let mut key = self.random.uuid().into_bytes();
            key[0] = first;
            Reservation { blob: BlobKey(Uuid::from_bytes(key)), file, multipart: None }
        };
        self.note(std::iter::repeat_with(fresh).take(count).collect()).await
    }

    /// Notes blobs that are about to lose their row, durably.
    pub async fn note(self: &Arc<Self>, reservations: Vec<Reservation>) -> Result<Vec<Noted>> {
        // Guarded before the first step: a note whose writing was given up on may still appear.
        let noted = |reservation: &Reservation| Noted {
            leftovers: Arc::clone(self),
            blob: reservation.blob,
            file: reservation.file,
            reservation: Some(reservation.clone()),
        };
        let all: Vec<_> = reservations.iter().map(noted).collect();
        if !reservations.is_empty() {
            self.store.reservations.reserve(self.process, &reservations).await?;
        }
        Ok(all)
    }

    /// Strikes out notes of blobs that a row owns, or that nobody has begun to write. Nobody waits long for this: what stays is struck out later.
    pub async fn release(&self, notes: Vec<Noted>) {
        let blobs: Vec<_> = notes.iter().map(Noted::blob).collect();
        if blobs.is_empty() {
            return;
        }
        match tokio::time::timeout(CLEARING, self.store.reservations.release(&blobs)).await {
            Ok(Ok(())) => notes.into_iter().for_each(Noted::forget),
            Ok(Err(error)) => error.log(),
            Err(_) => tracing::info!(
                "the database is busy: what was noted of {} finished files while they were uploaded is removed later; nothing is lost",
                blobs.len()
            ),
        }
    }

    /// Says that this process lives, so that nobody sweeps what it is writing.
    pub async fn beat(&self) -> Result<()> {
        // Heard at the earliest now.
        let now = self.clock.elapsed();
        self.store.reservations.beat(self.process).await?;
        *self.last_beat.lock().unwrap_or_else(PoisonError::into_inner) = now;
        Ok(())
    }

    /// Fails when this process has been silent for so long that others may sweep its blobs: a row must then not be made
    /// of them.
    pub fn check_pulse(&self) -> Result<()> {
        let Some(grace) = self.grace else { return Ok(()) };
        let last = *self.last_beat.lock().unwrap_or_else(PoisonError::into_inner);
        if self.clock.elapsed().saturating_sub(last) > grace / 2 {
            return Err(Error::unavailable("the store of notes", "this process could not say for long that it lives"));
        }
        Ok(())
    }

    /// Decides on everything whose time has come.
    pub async fn settle_due(&self) {
        let now = self.clock.elapsed();
        let due: Vec<_> = {
            let mut later = self.later.lock().unwrap_or_else(PoisonError::into_inner);
            later.extract_if(.., |(at, _)| *at <= now).collect()
        };
        for (at, reservation) in due {
            if let Err(error) = self.settle(&reservation).await {
                error.log();
                self.put_off(reservation, at);
            }
        }
    }

    /// Bytes that a row owns stay, others go; then the note goes.
    pub async fn settle(&self, reservation: &Reservation) -> Result<()> {
        let row = self.store.files.get_any(reservation.file).await?;
        if row.is_none_or(|file| file.blobs().all(|blob| blob != reservation.blob)) {
            self.store.blobs.discard(reservation).await?;
            tracing::info!(blob = %reservation.blob, "removed bytes that belong to no file");
        }
        self.store.reservations.release(&[reservation.blob]).await
    }

    fn put_off(&self, reservation: Reservation, until: Duration) {
        self.later.lock().unwrap_or_else(PoisonError::into_inner).push((until, reservation));
    }
}
