//! What runs beside the requests: removes the bytes of what was deleted, and of uploads whose process has died.
//!
//! Any number of processes may do so at once; each step can be repeated.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Leftovers;
use crate::{
    error::Result,
    model::{Clock, ProcessId},
    store::Store,
};

/// How many rows are taken at a time.
const BATCH: usize = 100;
/// How often a process says that it lives, and looks for work that nobody told it of.
const INTERVAL: Duration = Duration::from_secs(10);

/// The service.
pub struct Janitor {
    store: Store,
    process: ProcessId,
    /// How long notes of a silent process are left alone.
    grace: Duration,
    clock: Clock,
    deleted: Arc<Notify>,
    leftovers: Arc<Leftovers>,
}

impl Janitor {
    /// Over these stores; `deleted` wakes it.
    #[must_use]
    pub fn new(
        store: Store,
        process: ProcessId,
        grace: Duration,
        clock: Clock,
        deleted: Arc<Notify>,
        leftovers: Arc<Leftovers>,
    ) -> Self {
        Self { store, process, grace, clock, deleted, leftovers }
    }

    /// Works until told to stop.
    pub async fn run(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let swept = tokio::select! {
                () = stop.cancelled() => return,
                () = self.deleted.notified() => self.purge().await,
                _ = ticks.tick() => self.round().await,
            };
            if let Err(error) = swept {
                error.log();
            }
        }
    }

    async fn round(&self) -> Result<()> {
        let now = self.clock.now();
        self.store.reservations.beat(self.process, now).await?;
        self.leftovers.settle_due().await;
        self.purge().await?;
        self.sweep(self.grace).await
    }

    /// Removes the bytes, then the rows, of everything that was deleted.
    pub async fn purge(&self) -> Result<()> {
        loop {
            let tombstones = self.store.files.tombstones(BATCH).await?;
            if tombstones.is_empty() {
                return Ok(());
            }
            for tombstone in &tombstones {
                for blob in &tombstone.blobs {
                    self.store.blobs.delete(*blob).await?;
                }
            }
            let ids: Vec<_> = tombstones.iter().map(|tombstone| tombstone.id).collect();
            self.store.files.purge(&ids).await?;
        }
    }

    /// Settles what processes left that have been silent for this long.
    pub async fn sweep(&self, grace: Duration) -> Result<()> {
        loop {
            let before = self.clock.now().minus(grace);
            let abandoned = self.store.reservations.abandoned(self.process, before, BATCH).await?;
            if abandoned.is_empty() {
                return Ok(());
            }
            for reservation in &abandoned {
                self.leftovers.settle(reservation).await?;
            }
            let blobs: Vec<_> = abandoned.iter().map(|reservation| reservation.blob).collect();
            self.store.reservations.release(&blobs).await?;
        }
    }
}
