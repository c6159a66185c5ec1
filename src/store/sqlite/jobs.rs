//! The queue in SQLite. It outlives a restart; what a dead process had reserved comes back when its leases end. Nothing
//! here waits for the disk: what a power cut takes is queued again by the repair round.

use std::{pin::pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use rusqlite::{OptionalExtension as _, Params, Row, Transaction, named_params};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};
use uuid::Uuid;

use super::{Sqlite, failed};
use crate::{
    error::Result,
    model::{Clock, FileId, Random, Timestamp},
    store::{Buried, JobKey, Jobs, QueueDepth, Reserved},
};

/// How many buried jobs are kept.
const BURIED: usize = 10_000;
/// Places are unique among what is queued: behind the last, before the first.
const END: &str = "(SELECT coalesce(max(place), 0) + 1 FROM jobs WHERE state = 'queued')";
const FRONT: &str = "(SELECT coalesce(min(place), 0) - 1 FROM jobs WHERE state = 'queued')";
/// Only who holds a job may say what becomes of it.
const HELD: &str = "file = :file AND generation = :generation AND state = 'reserved' AND lease = :lease";

/// [`Jobs`] in SQLite.
#[derive(Clone)]
pub struct SqliteJobs {
    sqlite: Sqlite,
    lease: Duration,
    clock: Clock,
    random: Random,
    /// Rung when something was queued.
    queued: Arc<Notify>,
}

impl SqliteJobs {
    /// In this database. Those who share the queue within a process have to be clones, to hear of each other's jobs at
    /// once; what another process queues is found by the next [`Jobs::reap`].
    #[must_use]
    pub fn new(sqlite: Sqlite, lease: Duration, clock: Clock, random: Random) -> Self {
        Self { sqlite, lease, clock, random, queued: Arc::default() }
    }

    /// Ends every lease: to be called by the one process that serves, before it does, since no other can live. The next
    /// [`Jobs::reap`] takes the jobs back.
    pub async fn end_leases(&self) -> Result<()> {
        self.sqlite
            .write_soon(|transaction| {
                transaction.execute("UPDATE jobs SET at = 0 WHERE state = 'reserved'", []).map_err(failed).map(drop)
            })
            .await
    }

    /// Leases the first job of the queue.
    async fn take(&self) -> Result<Option<Reserved>> {
        let (lease, until) = (self.random.uuid(), self.clock.now().plus(self.lease));
        self.sqlite
            .write_soon(move |transaction| {
                transaction
                    .prepare_cached(
                        "UPDATE jobs SET state = 'reserved', lease = ?, at = ?
                         WHERE rowid = (SELECT rowid FROM jobs WHERE state = 'queued' ORDER BY place LIMIT 1)
                         RETURNING file, generation, attempts, losses",
                    )
                    .and_then(|mut query| {
                        let reserved = |row: &Row<'_>| {
                            Ok(Reserved {
                                key: key(row)?,
                                lease,
                                attempts: row.get("attempts")?,
                                losses: row.get("losses")?,
                            })
                        };
                        query.query_row((lease.as_bytes(), until.0), reserved).optional()
                    })
                    .map_err(failed)
            })
            .await
    }

    /// Changes a job in a worker's hands; whether it still was.
    async fn change(&self, job: &Reserved, statement: String, more: Vec<(&'static str, Value)>) -> Result<bool> {
        let job = *job;
        self.sqlite
            .write_soon(move |transaction| {
                let (file, lease) = (job.key.file.0.as_bytes(), job.lease.as_bytes());
                let held = named_params! { ":file": file, ":generation": job.key.generation, ":lease": lease };
                let more = more.iter().map(|(name, value)| (*name, value as &dyn rusqlite::ToSql));
                let parameters: Vec<_> = held.iter().copied().chain(more).collect();
                Ok(execute(transaction, &statement, parameters.as_slice())? > 0)
            })
            .await
    }
}

type Value = rusqlite::types::Value;

#[async_trait]
impl Jobs for SqliteJobs {
    async fn enqueue(&self, job: JobKey) -> Result<bool> {
        let added = self
            .sqlite
            .write_soon(move |transaction| {
                let statement = format!(
                    "INSERT INTO jobs (file, generation, state, place) VALUES (?, ?, 'queued', {END})
                     ON CONFLICT (file, generation) DO UPDATE
                     SET state = 'queued', place = excluded.place, attempts = 0, losses = 0, at = NULL, reason = NULL
                     WHERE jobs.state = 'buried'"
                );
                Ok(execute(transaction, &statement, (job.file.0.as_bytes(), job.generation))? > 0)
            })
            .await?;
        if added {
            self.queued.notify_waiters();
        }
        Ok(added)
    }

    async fn reserve(&self, wait: Duration) -> Result<Option<Reserved>> {
        let deadline = Instant::now() + wait;
        loop {
            // Listening before looking: what is queued in between rings.
            let mut rung = pin!(self.queued.notified());
            rung.as_mut().enable();
            if let Some(job) = self.take().await? {
                return Ok(Some(job));
            }
            if timeout_at(deadline, rung).await.is_err() {
                return Ok(None);
            }
        }
    }

    async fn renew(&self, job: &Reserved) -> Result<bool> {
        let until = self.clock.now().plus(self.lease);
        self.change(job, format!("UPDATE jobs SET at = :at WHERE {HELD}"), vec![(":at", until.0.into())]).await
    }

    async fn complete(&self, job: &Reserved) -> Result<()> {
        self.change(job, format!("DELETE FROM jobs WHERE {HELD}"), vec![]).await.map(drop)
    }

    async fn release(&self, job: &Reserved) -> Result<()> {
        let statement =
            format!("UPDATE jobs SET state = 'queued', place = {FRONT}, lease = NULL, at = NULL WHERE {HELD}");
        if self.change(job, statement, vec![]).await? {
            self.queued.notify_waiters();
        }
        Ok(())
    }

    async fn retry(&self, job: &Reserved, delay: Duration, counted: bool) -> Result<()> {
        let statement = format!(
            "UPDATE jobs SET state = 'delayed', lease = NULL, at = :at, attempts = attempts + :counted WHERE {HELD}"
        );
        let due = self.clock.now().plus(delay);
        let more = vec![(":at", due.0.into()), (":counted", i64::from(counted).into())];
        self.change(job, statement, more).await.map(drop)
    }

    async fn bury(&self, job: &Reserved, reason: &str) -> Result<()> {
        let statement = format!(
            "UPDATE jobs SET state = 'buried', lease = NULL, at = :at, reason = :reason,
                 place = (SELECT coalesce(max(place), 0) + 1 FROM jobs WHERE state = 'buried')
             WHERE {HELD}"
        );
        let more = vec![(":at", self.clock.now().0.into()), (":reason", reason.to_owned().into())];
        if self.change(job, statement, more).await? {
            let statement = "DELETE FROM jobs WHERE state = 'buried' AND place <= (
                 SELECT place FROM jobs WHERE state = 'buried' ORDER BY place DESC LIMIT 1 OFFSET ?)";
            self.sqlite.write_soon(move |transaction| execute(transaction, statement, [BURIED])).await?;
        }
        Ok(())
    }

    async fn first(&self) -> Result<Option<JobKey>> {
        let sql = "SELECT file, generation FROM jobs WHERE state = 'queued' ORDER BY place LIMIT 1";
        self.sqlite
            .read(move |transaction| {
                let mut query = transaction.prepare_cached(sql).map_err(failed)?;
                query.query_row([], key).optional().map_err(failed)
            })
            .await
    }

    async fn buried(&self, limit: usize) -> Result<Vec<Buried>> {
        self.sqlite
            .read(move |transaction| {
                transaction
                    .prepare_cached(
                        "SELECT file, generation, reason, at FROM jobs WHERE state = 'buried'
                         ORDER BY place DESC LIMIT ?",
                    )
                    .and_then(|mut query| {
                        query
                            .query_map([limit.min(BURIED)], |row| {
                                Ok(Buried { key: key(row)?, reason: row.get("reason")?, at: Timestamp(row.get("at")?) })
                            })?
                            .collect()
                    })
                    .map_err(failed)
            })
            .await
    }

    async fn reap(&self) -> Result<u64> {
        let now = self.clock.now();
        let (expired, waiting) = self
            .sqlite
            .write_soon(move |transaction| {
                requeue(transaction, "delayed", 0, now)?;
                let expired = requeue(transaction, "reserved", 1, now)?;
                let waiting: bool = transaction
                    .query_row("SELECT EXISTS (SELECT * FROM jobs WHERE state = 'queued')", [], |row| row.get(0))
                    .map_err(failed)?;
                Ok((expired, waiting))
            })
            .await?;
        if waiting {
            self.queued.notify_waiters();
        }
        Ok(expired)
    }

    async fn depth(&self) -> Result<QueueDepth> {
        self.sqlite
            .read(|transaction| {
                let count = |state: &str| {
                    transaction
                        .prepare_cached("SELECT count(*) FROM jobs WHERE state = ?")
                        .and_then(|mut query| query.query_row([state], |row| row.get(0)))
                        .map_err(failed)
                };
                Ok(QueueDepth {
                    queued: count("queued")?,
                    reserved: count("reserved")?,
                    delayed: count("delayed")?,
                    buried: count("buried")?,
                })
            })
            .await
    }
}

/// Puts the jobs of a state whose time has come to the front of the queue; how many they were.
fn requeue(transaction: &Transaction<'_>, state: &str, losses: u32, now: Timestamp) -> Result<u64> {
    // Latest first, so that the earliest ends up in front.
    let due: Vec<i64> = transaction
        .prepare_cached("SELECT rowid FROM jobs WHERE state = ? AND at <= ? ORDER BY at DESC, rowid DESC")
        .and_then(|mut query| query.query_map((state, now.0), |row| row.get(0))?.collect())
        .map_err(failed)?;
    let statement = format!(
        "UPDATE jobs SET state = 'queued', place = {FRONT}, lease = NULL, at = NULL, losses = losses + ?
         WHERE rowid = ?"
    );
    for rowid in &due {
        execute(transaction, &statement, (losses, rowid))?;
    }
    Ok(due.len() as u64)
}

fn execute(transaction: &Transaction<'_>, statement: &str, parameters: impl Params) -> Result<usize> {
    transaction.prepare_cached(statement).and_then(|mut query| query.execute(parameters)).map_err(failed)
}

fn key(row: &Row<'_>) -> rusqlite::Result<JobKey> {
    Ok(JobKey { file: FileId(Uuid::from_bytes(row.get("file")?)), generation: row.get("generation")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_the_buried_jobs_the_newest_ten_thousand_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&dir.path().join("db")).unwrap();
        let old = "WITH RECURSIVE old (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM old WHERE i < 10000)
                   INSERT INTO jobs (file, generation, state, place, at, reason)
                   SELECT unhex(format('%032x', i)), 1, 'buried', i, i, 'a reason' FROM old";
        sqlite.write(|transaction| execute(transaction, old, [])).await.unwrap();
        let jobs = SqliteJobs::new(sqlite, Duration::from_secs(60), Clock::system(), Random::seeded(1));
        let job = |number| JobKey { file: FileId(Uuid::from_u128(number)), generation: 1 };
        jobs.enqueue(job(20_000)).await.unwrap();
        let taken = jobs.reserve(Duration::ZERO).await.unwrap().unwrap();
        jobs.bury(&taken, "the last").await.unwrap();
        let buried = jobs.buried(usize::MAX).await.unwrap();
        assert_eq!(buried.len(), BURIED);
        assert_eq!((buried[0].key, buried[BURIED - 1].key), (job(20_000), job(2)));
    }
}
