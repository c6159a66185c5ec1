//! Blobs in flight, as the embedded back end notes them.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Sqlite, failed};
use crate::{
    error::Result,
    model::{BlobKey, Clock, FileId, ProcessId},
    store::{Reservation, Reservations},
};

/// How long a process that left no notes is remembered. Forgetting it changes no answer.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// What is in flight. Its clock is this process's own: no other machine opens this database.
#[derive(Clone)]
pub struct SqliteReservations(Sqlite, Clock);

impl SqliteReservations {
    /// Over an open database.
    #[must_use]
    pub fn new(database: Sqlite, clock: Clock) -> Self {
        Self(database, clock)
    }
}

#[async_trait]
impl Reservations for SqliteReservations {
    async fn reserve(&self, process: ProcessId, blobs: &[Reservation]) -> Result<()> {
        if blobs.is_empty() {
            return Ok(());
        }
        let blobs = blobs.to_vec();
        self.0
            .write(move |transaction| {
                // Whoever clears up after another process notes the blob anew; its multipart upload must not be lost.
                let sql = "INSERT INTO reservations (blob, process, file, multipart) VALUES (?1, ?2, ?3, ?4)
                    ON CONFLICT (blob) DO UPDATE SET process = excluded.process, file = excluded.file,
                        multipart = coalesce(excluded.multipart, multipart)";
                let mut insert = transaction.prepare_cached(sql).map_err(failed)?;
                for Reservation { blob, file, multipart } in &blobs {
                    let note = (blob.0.into_bytes(), process.0.into_bytes(), file.0.into_bytes(), multipart);
                    insert.execute(note).map_err(failed)?;
                }
                Ok(())
            })
            .await
    }

    async fn note_multipart(&self, blob: BlobKey, upload: &str) -> Result<()> {
        let upload = upload.to_owned();
        self.0
            .write(move |transaction| {
                transaction
                    .prepare_cached("UPDATE reservations SET multipart = ?2 WHERE blob = ?1")
                    .and_then(|mut update| update.execute((blob.0.into_bytes(), upload)))
                    .map(drop)
                    .map_err(failed)
            })
            .await
    }

    async fn release(&self, blobs: &[BlobKey]) -> Result<()> {
        if blobs.is_empty() {
            return Ok(());
        }
        let blobs = blobs.to_vec();
        // A note that comes back is settled again.
        self.0
            .write_soon(move |transaction| {
                let mut delete =
                    transaction.prepare_cached("DELETE FROM reservations WHERE blob = ?1").map_err(failed)?;
                for blob in &blobs {
                    delete.execute([blob.0.into_bytes()]).map_err(failed)?;
                }
                Ok(())
            })
            .await
    }

    async fn noted(&self, blobs: &[BlobKey]) -> Result<Vec<BlobKey>> {
        let blobs = blobs.to_vec();
        self.0
            .read(move |transaction| {
                let mut select =
                    transaction.prepare_cached("SELECT 1 FROM reservations WHERE blob = ?1").map_err(failed)?;
                let mut noted = Vec::new();
                for blob in blobs {
                    if select.exists([blob.0.into_bytes()]).map_err(failed)? {
                        noted.push(blob);
                    }
                }
                Ok(noted)
            })
            .await
    }

    async fn beat(&self, process: ProcessId) -> Result<()> {
        let now = self.1.now();
        self.0
            .write(move |transaction| {
                let beat = "INSERT INTO processes (id, beat_at) VALUES (?1, ?2)
                    ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at";
                let forget = "DELETE FROM processes WHERE beat_at < ?1
                    AND NOT EXISTS (SELECT 1 FROM reservations WHERE process = processes.id)";
                transaction
                    .prepare_cached(beat)
                    .and_then(|mut beat| beat.execute((process.0.into_bytes(), now.0)))
                    .and_then(|_| transaction.prepare_cached(forget)?.execute([now.minus(REMEMBERED).0]))
                    .map(drop)
                    .map_err(failed)
            })
            .await
    }

    async fn abandoned(&self, me: ProcessId, silent_for: Duration, limit: usize) -> Result<Vec<Reservation>> {
        let before = self.1.now().minus(silent_for);
        self.0
            .read(move |transaction| {
                let sql = "SELECT blob, file, multipart FROM reservations
                    WHERE process <> ?1
                    AND NOT EXISTS (SELECT 1 FROM processes WHERE id = process AND beat_at > ?2)
                    ORDER BY blob LIMIT ?3";
                transaction
                    .prepare_cached(sql)
                    .and_then(|mut select| {
                        select
                            .query_map((me.0.into_bytes(), before.0, limit), |row| {
                                Ok(Reservation {
                                    blob: BlobKey(Uuid::from_bytes(row.get(0)?)),
                                    file: FileId(Uuid::from_bytes(row.get(1)?)),
                                    multipart: row.get(2)?,
                                })
                            })?
                            .collect()
                    })
                    .map_err(failed)
            })
            .await
    }
}
