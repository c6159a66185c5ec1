//! The ports: what the product needs of a database, a queue, a message bus and a blob store, as promises.
//!
//! An adapter keeps these promises with one driver crate and never knows another adapter. [`Store`] is one of each.
//! The contract suite in `tests/it/contract` holds every adapter to what is written here.

pub mod blobs;
mod hub;
pub mod mongo;
pub mod redis;
pub mod sqlite;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::{
    error::Result,
    model::{
        BlobKey, File, FileFilter, FileId, FileScope, Generation, ListQuery, ProcessId, Session, SessionId, Settlement,
        Timestamp, TokenId, Usage, User, UserId,
    },
};

pub use blobs::Blobs;

/// Everything that is kept, whatever keeps it.
#[derive(Clone)]
pub struct Store {
    /// Accounts.
    pub users: Arc<dyn Users>,
    /// Files, images and folders.
    pub files: Arc<dyn Files>,
    /// Blobs that have no row yet, or none any more.
    pub reservations: Arc<dyn Reservations>,
    /// Logins.
    pub sessions: Arc<dyn Sessions>,
    /// Counters of tries.
    pub throttle: Arc<dyn Throttle>,
    /// The queue of images that wait for thumbnails.
    pub jobs: Arc<dyn Jobs>,
    /// News between processes.
    pub events: Arc<dyn Events>,
    /// Bytes.
    pub blobs: Blobs,
    /// Each server behind the ports, to ask whether it answers.
    pub pings: Vec<Arc<dyn Ping>>,
}

/// How deep folders may be nested. A folder in the root has depth 1.
pub const MAX_FOLDER_DEPTH: usize = 64;

/// The accounts.
#[async_trait]
pub trait Users: Send + Sync {
    /// Adds an account. Of several calls racing for one address (by [`crate::model::Email::key`]) exactly one
    /// succeeds; the others fail with `EMAIL_TAKEN` on `email`.
    async fn insert(&self, user: &User) -> Result<()>;

    /// Fetches an account.
    async fn get(&self, id: UserId) -> Result<Option<User>>;

    /// Fetches an account by [`crate::model::Email::key`].
    async fn by_email(&self, key: &str) -> Result<Option<User>>;

    /// Replaces the password hash if it still is `expected`. `false` when it is not, or when there is no such user.
    async fn replace_password_hash(&self, id: UserId, expected: &str, hash: &str) -> Result<bool>;

    /// A page of all accounts, ordered by e-mail key, after this key.
    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<User>>;
}

/// What the owner may change of a file in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Its name, checked already.
    Name(String),
    /// Who may see it. `privacy_version` grows by one if and only if this differs from what is stored.
    Public(bool),
}

/// A row that was deleted and whose bytes have yet to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// The deleted row.
    pub id: FileId,
    /// Whose it was.
    pub owner: UserId,
    /// Its blobs: the original and the thumbnails.
    pub blobs: Vec<BlobKey>,
}

/// A settlement that may not have been announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Settled {
    /// The image.
    pub file: FileId,
    /// Its owner.
    pub owner: UserId,
    /// Which request for thumbnails was answered.
    pub generation: Generation,
}

/// The files, images and folders.
///
/// A file *lives* when neither it nor a folder above it has been deleted. What does not live is invisible to every
/// method but [`Files::tombstones`], [`Files::purge`], [`Files::get_any`] and [`Files::rows`], from the moment
/// [`Files::delete`] returns.
/// Methods that change a file take its owner and match on it: another's file is as good as missing.
#[async_trait]
pub trait Files: Send + Sync {
    /// Adds a row.
    ///
    /// Fails with `NOT_FOUND` on `parentId` when the parent is missing, another's, or does not live; with
    /// `NOT_A_FOLDER` when it is no folder; with `BAD_USER_INPUT` on `parentId` when a folder would be deeper than
    /// [`MAX_FOLDER_DEPTH`]. If the parent or a folder above it is deleted while this runs, either this fails with
    /// `NOT_FOUND` and leaves no row, or the row is deleted with the folder. When a call fails in any other way, the
    /// row is there whole or not at all.
    async fn insert(&self, file: &File) -> Result<()>;

    /// Fetches a living file.
    async fn get(&self, id: FileId) -> Result<Option<File>>;

    /// Fetches a row, living or not, as long as it is there.
    async fn get_any(&self, id: FileId) -> Result<Option<File>>;

    /// Changes a living file of this owner and answers it as it is now; `None` when there is none. `updated_at`
    /// becomes `now`, unless nothing changes.
    async fn change(&self, owner: UserId, id: FileId, change: &Change, now: Timestamp) -> Result<Option<File>>;

    /// Puts a living file or folder of this owner into another folder of theirs, or into the root, and answers it as
    /// it is now; `None` when there is no such file. A move to where it is already changes nothing.
    ///
    /// Fails with `NOT_FOUND` on `parentId`, `NOT_A_FOLDER`, `FOLDER_CYCLE` on `parentId`, or `BAD_USER_INPUT` on
    /// `parentId` for the depth. Whatever runs at the same time, no folder ends up inside itself: of two moves that
    /// together would close a cycle at most one succeeds.
    async fn relocate(&self, owner: UserId, id: FileId, parent: Option<FileId>, now: Timestamp)
    -> Result<Option<File>>;

    /// Deletes a living file of this owner, or a folder with everything in it; `false` when there is none. Work does
    /// not grow with what a folder holds on the servers back end: the rest is left to [`Files::tombstones`].
    async fn delete(&self, owner: UserId, id: FileId, now: Timestamp) -> Result<bool>;

    /// Rows that are deleted, oldest first, folders among them once nothing is left below. While a deleted folder
    /// holds anything, this deletes what it holds, a bounded step at a time, so that calling this and
    /// [`Files::purge`] in turn until this is empty clears everything. Any number of processes may do so at once.
    async fn tombstones(&self, limit: usize) -> Result<Vec<Tombstone>>;

    /// Removes rows whose blobs are gone. Living rows stay.
    async fn purge(&self, ids: &[FileId]) -> Result<()>;

    /// A page of all rows, living or not, ordered by ID, after this ID: for whoever compares them with what is stored. A
    /// row that cannot be read is there with the reason: one does not hide the others.
    async fn rows(&self, after: Option<FileId>, limit: usize) -> Result<Vec<(FileId, Result<File>)>>;

    /// A page of living files, in the order asked for. Costs what the page costs, however deep in the list it is
    /// (a filter may scan the owner's part of an index).
    async fn list(&self, query: &ListQuery) -> Result<Vec<File>>;

    /// How many living files match; `None` when counting would take too long.
    async fn count(&self, scope: FileScope, filter: &FileFilter) -> Result<Option<u64>>;

    /// The folders that a living file of this owner is in, from the root down. Empty at the root, and where there is
    /// no such file.
    async fn ancestors(&self, owner: UserId, id: FileId) -> Result<Vec<File>>;

    /// How many files and folders a living folder of this owner holds at any depth.
    async fn descendant_count(&self, owner: UserId, id: FileId) -> Result<u64>;

    /// What this owner stores.
    async fn usage(&self, owner: UserId) -> Result<Usage>;

    /// Writes how the making of thumbnails ended, if the image lives and is still pending in this generation. Of
    /// several calls exactly one wins and gets the row as it is now; the others get `None`. The winner announces.
    /// `updated_at` stays.
    ///
    /// A power cut may undo it on the embedded back end, but never while something that was written later stays: the
    /// image is pending again, its job is in the queue, and its thumbnails are noted.
    async fn settle(
        &self,
        id: FileId,
        generation: Generation,
        settlement: &Settlement,
        now: Timestamp,
    ) -> Result<Option<File>>;

    /// Notes that a settlement has been announced.
    async fn announced(&self, id: FileId, generation: Generation) -> Result<()>;

    /// Settlements older than this that nobody noted as announced; oldest first.
    async fn unannounced(&self, before: Timestamp, limit: usize) -> Result<Vec<Settled>>;

    /// Living images of this owner settled at or after `since`; oldest first.
    async fn settled_since(&self, owner: UserId, since: Timestamp, limit: usize) -> Result<Vec<File>>;

    /// Living images that have been pending since before this instant, ordered by ID, after this ID.
    async fn pending(
        &self,
        before: Timestamp,
        after: Option<FileId>,
        limit: usize,
    ) -> Result<Vec<(FileId, Generation)>>;

    /// Since when a living image has been pending in this generation; `None` when it is not, or there is none.
    async fn pending_since(&self, id: FileId, generation: Generation) -> Result<Option<Timestamp>>;

    /// Makes a settled image of this owner pending again, in the next generation: of several calls exactly one does.
    /// Answers the row as it was before and as it is now; the two are the same when it was pending already. `None`
    /// when there is no such living file; the row twice, unchanged, when it is no image.
    async fn retry_thumbnails(&self, owner: UserId, id: FileId, now: Timestamp) -> Result<Option<(File, File)>>;
}

/// A blob that has no row yet, or none any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Which blob.
    pub blob: BlobKey,
    /// The row that may own it.
    pub file: FileId,
    /// The S3 multipart upload it is coming through, if any.
    pub multipart: Option<String>,
}

/// What is in flight: every blob is noted here before its first byte is written and until its row has been written
/// (or until its bytes are gone). So a crash leaves nothing behind that is not noted, and nobody has to walk a tree.
#[async_trait]
pub trait Reservations: Send + Sync {
    /// Notes blobs, durably, for this process.
    async fn reserve(&self, process: ProcessId, blobs: &[Reservation]) -> Result<()>;

    /// Notes the S3 multipart upload of a reserved blob.
    async fn note_multipart(&self, blob: BlobKey, upload: &str) -> Result<()>;

    /// Strikes notes out. A note that is not there is no error.
    async fn release(&self, blobs: &[BlobKey]) -> Result<()>;

    /// Which of these blobs are noted, by whatever process.
    async fn noted(&self, blobs: &[BlobKey]) -> Result<Vec<BlobKey>>;

    /// Says that this process lives. Its notes are left alone while it does.
    async fn beat(&self, process: ProcessId) -> Result<()>;

    /// Notes of processes other than `me` that have not said for this long that they live, by the store's clock: the
    /// processes' own may differ, and one that is ahead must not take the others for dead.
    async fn abandoned(&self, me: ProcessId, silent_for: Duration, limit: usize) -> Result<Vec<Reservation>>;
}

/// The logins.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Adds a session. It vanishes by itself once it has expired.
    async fn insert(&self, session: &Session) -> Result<()>;

    /// Fetches a session that has been neither removed nor forgotten. Whether it accepts a token is for
    /// [`Session::accepts`] to say.
    async fn get(&self, id: SessionId) -> Result<Option<Session>>;

    /// Replaces a session if its token still is `expected`: of several calls exactly one succeeds.
    async fn replace(&self, expected: TokenId, session: &Session) -> Result<bool>;

    /// Ends a session, at once and everywhere.
    async fn remove(&self, id: SessionId) -> Result<()>;

    /// Ends every session of a user, but for one if given, at once and everywhere.
    async fn remove_all(&self, user: UserId, except: Option<SessionId>) -> Result<()>;
}

/// One counter of tries, and how many it allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// Names it. Any text.
    pub key: String,
    /// How many tries it allows in a window.
    pub limit: u32,
}

/// Counts tries, over all processes.
#[async_trait]
pub trait Throttle: Send + Sync {
    /// Counts one try on each of these counters, if all of them allow it; otherwise counts nothing and answers how long
    /// to wait. A counter's window begins with its first try. However many calls race, no more get through than a
    /// counter allows.
    async fn hit(&self, counters: &[Counter], window: Duration, now: Timestamp) -> Result<Option<Duration>>;

    /// Takes one try back from each of these counters.
    async fn undo(&self, keys: &[String]) -> Result<()>;

    /// Sets a counter to nothing.
    async fn clear(&self, key: &str) -> Result<()>;
}

/// The name of a job: one image, in one generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobKey {
    /// The image.
    pub file: FileId,
    /// Which request for thumbnails.
    pub generation: Generation,
}

/// A job in the hands of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserved {
    /// Which job.
    pub key: JobKey,
    /// Proves who holds it. A job that is reserved anew has a new one.
    pub lease: uuid::Uuid,
    /// How many attempts have failed so far.
    pub attempts: u32,
    /// How often a worker was lost with it so far.
    pub losses: u32,
}

/// A job that was given up on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buried {
    /// Which job.
    pub key: JobKey,
    /// Why, for people.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// Connections, or places, that calls to a store share. Who finds all of them taken waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// Its name, as `/metrics` shows it.
    pub name: &'static str,
    /// How many are taken now.
    pub in_use: usize,
    /// How many there can be.
    pub limit: usize,
}

/// How full the queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueDepth {
    /// Waiting for a worker.
    pub queued: u64,
    /// In the hands of workers.
    pub reserved: u64,
    /// Waiting for their next attempt.
    pub delayed: u64,
    /// Given up on.
    pub buried: u64,
}

/// The queue of images that wait for thumbnails. Every job is in one place: queued, reserved, delayed or buried. It may
/// lose everything: the repair round queues again what the database knows to be pending.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Adds a job at the end of the queue, unless it is queued, reserved or delayed already; `true` if it was added. A
    /// buried one is dug up.
    async fn enqueue(&self, job: JobKey) -> Result<bool>;

    /// Takes the first job of the queue and leases it, waiting this long for one. No two callers get the same job.
    /// Cancelling this call loses no job: at worst it comes back when its lease would have ended.
    async fn reserve(&self, wait: Duration) -> Result<Option<Reserved>>;

    /// Extends the lease; `false` when it has been lost.
    async fn renew(&self, job: &Reserved) -> Result<bool>;

    /// The job is done. Nothing happens if the lease has been lost; so with the next three.
    async fn complete(&self, job: &Reserved) -> Result<()>;

    /// Gives the job back to the front of the queue, uncounted.
    async fn release(&self, job: &Reserved) -> Result<()>;

    /// Queues the job again after a delay. `counted`: as a failed attempt.
    async fn retry(&self, job: &Reserved, delay: Duration, counted: bool) -> Result<()>;

    /// Gives the job up. The newest 10,000 are kept to be looked at.
    async fn bury(&self, job: &Reserved, reason: &str) -> Result<()>;

    /// Jobs that were given up on, newest first.
    async fn buried(&self, limit: usize) -> Result<Vec<Buried>>;

    /// Queues again, at the front and with one loss more, what expired leases held; what was taken from the queue and
    /// never leased, after the length of a lease; and what has waited for its next attempt long enough (no loss).
    /// Answers how many leases had expired. To be called about once a second, by any number of processes.
    async fn reap(&self) -> Result<u64>;

    /// The job that would be reserved next.
    async fn first(&self) -> Result<Option<JobKey>>;

    /// How full the queue is.
    async fn depth(&self) -> Result<QueueDepth>;
}

/// News about a user's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// An image's thumbnails are `READY` or `FAILED`.
    Settled(Settled),
    /// Something of this user was deleted.
    Deleted {
        /// Whose.
        owner: UserId,
        /// What: a file, or a folder with everything in it.
        file: FileId,
    },
}

impl Event {
    /// Whom it concerns.
    #[must_use]
    pub fn owner(&self) -> UserId {
        match self {
            Self::Settled(settled) => settled.owner,
            Self::Deleted { owner, .. } => *owner,
        }
    }
}

/// What a listener hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Something happened.
    Event(Event),
    /// Something may have been missed since this instant (a lost connection, a slow listener): look again.
    Missed(Timestamp),
}

/// News between processes.
#[async_trait]
pub trait Events: Send + Sync {
    /// Tells every listener of the event's owner, in every process.
    async fn publish(&self, event: &Event) -> Result<()>;

    /// Starts to listen. What is published after this returns is heard, or there is a [`News::Missed`] instead. The
    /// stream ends only with the process. Memory is bounded: who listens too slowly gets a [`News::Missed`].
    async fn listen(&self, owner: UserId) -> Result<BoxStream<'static, News>>;
}

/// Asks one back end whether it answers.
#[async_trait]
pub trait Ping: Send + Sync {
    /// Its name, as `/readyz` shows it.
    fn name(&self) -> &'static str;

    /// Whether it answers.
    async fn ping(&self) -> Result<()>;

    /// What is wrong within what it keeps, in the words of the store, where it can tell. Takes as long as reading all of it.
    async fn faults(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// What calls to it share and wait for, and how much of that is taken.
    fn pools(&self) -> Vec<Pool> {
        Vec::new()
    }

    /// Ends the connections in order. Nothing is asked of it afterwards.
    async fn close(&self) {}
}
