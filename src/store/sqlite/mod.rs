//! The embedded back end's database: one SQLite file, several connections, and the adapters over them.
//!
//! One connection writes, a few read; all run on blocking threads. WAL lets other processes (`strongroom user add`)
//! open the file at the same time. A commit survives a power cut (`synchronous=FULL`), unless it is of something that can
//! be made again ([`Sqlite::write_soon`]).

mod events;
mod files;
mod jobs;
mod reservations;
mod sessions;
mod throttle;
mod users;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::Semaphore;

use super::{Ping, Pool};
use crate::error::{Error, Result};

pub use events::LocalEvents;
pub use files::SqliteFiles;
pub use jobs::SqliteJobs;
pub use reservations::SqliteReservations;
pub use sessions::SqliteSessions;
pub use throttle::SqliteThrottle;
pub use users::SqliteUsers;

/// How long a statement waits for another process's write before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Readers run beside each other and beside the writer; more than cores would only queue elsewhere.
const READERS: usize = 4;
/// How many faults of a damaged file are listed.
const FAULTS: usize = 20;

/// The steps that brought the tables to what they are, in order. `user_version` counts those that were taken.
/// A step that has been released is never changed.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql"), include_str!("schema_queue.sql")];

/// An open database. Cloned freely.
#[derive(Clone)]
pub struct Sqlite(Arc<Inner>);

struct Inner {
    path: PathBuf,
    writer: Mutex<Writer>,
    /// One permit for the writer, so that waiting for it holds no blocking thread.
    write_turn: Arc<Semaphore>,
    readers: Mutex<Vec<Connection>>,
    read_turn: Arc<Semaphore>,
    /// Whether anything has come upon damage. It stays so until the file is opened again: damage is not mended.
    damaged: AtomicBool,
}

/// The file is no whole database.
#[derive(Debug, thiserror::Error)]
#[error("the database is damaged ({0}): stop the server, keep a copy, and restore a backup")]
struct Damage(String);

impl Inner {
    /// Remembers damage that a call came upon.
    fn watch<T>(&self, answer: Result<T>) -> Result<T> {
        if let Err(Error::Internal(cause)) = &answer
            && cause.is::<Damage>()
        {
            self.damaged.store(true, Ordering::Relaxed);
        }
        answer
    }
}

/// The connection that writes.
struct Writer {
    connection: Connection,
    /// What `synchronous` is set to.
    synced: Synced,
}

/// When a commit is to be on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Synced {
    /// Before the call returns.
    Now,
    /// With the next commit that is synced, or the next checkpoint.
    Soon,
}

impl Writer {
    fn set(&mut self, synced: Synced) -> rusqlite::Result<()> {
        if self.synced != synced {
            let mode = match synced {
                Synced::Now => "FULL",
                Synced::Soon => "NORMAL",
            };
            self.connection.pragma_update(None, "synchronous", mode)?;
            self.synced = synced;
        }
        Ok(())
    }

    fn run<T>(&mut self, synced: Synced, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.set(synced).map_err(failed)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let answer = work(&transaction)?;
        transaction.commit().map_err(failed)?;
        Ok(answer)
    }
}

impl Sqlite {
    /// Opens the file, making it and its tables where they are missing. Blocks.
    ///
    /// Fails when it cannot be opened, is no database, or was written by a later version of the program.
    pub fn open(path: &Path) -> Result<Self> {
        let mut writer = connect(path)?;
        migrate(&mut writer)?;
        let readers = (0..READERS).map(|_| connect(path)).collect::<Result<Vec<_>>>()?;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            writer: Mutex::new(Writer { connection: writer, synced: Synced::Now }),
            write_turn: Arc::new(Semaphore::new(1)),
            readers: Mutex::new(readers),
            read_turn: Arc::new(Semaphore::new(READERS)),
            damaged: AtomicBool::new(false),
        })))
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Runs `work` in a transaction that is committed, durably, when it answers `Ok`, and rolled back otherwise.
    /// Once started it runs to its end even when the caller no longer waits.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        self.commit(Synced::Now, work).await
    }

    /// As [`Sqlite::write`], without waiting for the disk: for what can be made again. Nothing that others see in the
    /// database depends on it, and a crash of this process loses none of it. A power cut loses what no later
    /// [`Sqlite::write`] has taken to the disk: commits are lost from the latest backwards, so what is left is always a
    /// state that there was.
    pub async fn write_soon<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        self.commit(Synced::Soon, work).await
    }

    async fn commit<T, F>(&self, synced: Synced, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        let turn = Arc::clone(&self.0.write_turn).acquire_owned().await.map_err(Error::internal)?;
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let mut writer = inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
            inner.watch(writer.run(synced, work))
        })
        .await
        .map_err(Error::internal)?
    }

    /// Runs `work` on a consistent snapshot.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        let turn = Arc::clone(&self.0.read_turn).acquire_owned().await.map_err(Error::internal)?;
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let reader = inner.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            // A reader that a panic took with it is replaced.
            let mut reader = reader.map_or_else(|| connect(&inner.path), Ok)?;
            let answer = reader.transaction().map_err(failed).and_then(|transaction| work(&transaction));
            inner.readers.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
            inner.watch(answer)
        })
        .await
        .map_err(Error::internal)?
    }
}

#[async_trait]
impl Ping for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    async fn ping(&self) -> Result<()> {
        if self.0.damaged.load(Ordering::Relaxed) {
            return Err(Error::unavailable("SQLite", Damage("as was seen earlier".to_owned())));
        }
        self.read(|transaction| transaction.query_row("SELECT 1", [], |_| Ok(())).map_err(failed)).await
    }

    /// Reads all of the file, without comparing each index with its table (<https://sqlite.org/pragma.html#pragma_quick_check>).
    async fn faults(&self) -> Result<Vec<String>> {
        let found = self.read(|transaction| {
            let mut check = transaction.prepare(&format!("PRAGMA quick_check({FAULTS})")).map_err(failed)?;
            let lines = check.query_map([], |row| row.get::<_, String>(0)).map_err(failed)?;
            lines.collect::<rusqlite::Result<Vec<_>>>().map_err(failed)
        });
        match found.await {
            Ok(texts) => {
                let lines = texts.iter().flat_map(|text| text.lines()).map(str::trim);
                let faults = lines.filter(|line| *line != "ok" && !line.starts_with("***") && !line.is_empty());
                Ok(faults.take(FAULTS).map(str::to_owned).collect())
            }
            // So much that it cannot be looked at.
            Err(Error::Internal(cause)) => match cause.downcast::<Damage>() {
                Ok(damage) => Ok(vec![damage.0]),
                Err(cause) => Err(Error::Internal(cause)),
            },
            Err(error) => Err(error),
        }
    }

    fn pools(&self) -> Vec<Pool> {
        let pool = |name, turns: &Semaphore, limit| Pool { name, in_use: limit - turns.available_permits(), limit };
        vec![pool("sqlite_readers", &self.0.read_turn, READERS), pool("sqlite_writer", &self.0.write_turn, 1)]
    }
}

fn connect(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    connection
        .execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;")
        .map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

fn migrate(connection: &mut Connection) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let done: usize = transaction.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    if done > MIGRATIONS.len() {
        return Err(Error::internal(format!(
            "the database was written by a later version of strongroom (format {done}, this one knows {})",
            MIGRATIONS.len()
        )));
    }
    for step in &MIGRATIONS[done..] {
        transaction.execute_batch(step).map_err(failed)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len()).map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// What a driver's error means to the product.
#[allow(clippy::needless_pass_by_value, reason = "it is used as `map_err(failed)`")]
pub(super) fn failed(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::storage_full(),
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::OperationInterrupted
            | ErrorCode::SystemIoFailure,
        ) => Error::unavailable("SQLite", error),
        Some(ErrorCode::ReadOnly) => Error::unavailable(
            "SQLite",
            format!(
                "the database cannot be written ({error}): look at the owner and the permissions of its file and folder"
            ),
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::internal(Damage(error.to_string())),
        _ => Error::internal(error),
    }
}
