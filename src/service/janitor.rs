//! What runs beside the requests: removes the bytes of what was deleted, and of uploads whose process has died.
//!
//! Any number of processes may do so at once; each step can be repeated.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Leftovers;
use crate::{
    error::Result,
    model::ProcessId,
    shutdown::Shutdown,
    store::{Store, Tombstone},
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
        deleted: Arc<Notify>,
        leftovers: Arc<Leftovers>,
    ) -> Self {
        Self { store, process, grace, deleted, leftovers }
    }

    /// Starts to work, until the shutdown begins.
    pub fn start(self: Arc<Self>, shutdown: &Shutdown) {
        // The pulse is a task of its own: clearing a large folder takes long, and who is silent is taken for dead.
        // Where nobody else could take it for dead, it need not say that it lives.
        if !self.grace.is_zero() {
            let (janitor, signal) = (Arc::clone(&self), shutdown.signal());
            shutdown.spawn(async move { janitor.keep_pulse(signal).await });
        }
        let signal = shutdown.signal();
        shutdown.spawn(async move { self.work(signal).await });
    }

    async fn keep_pulse(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(INTERVAL.min(self.grace / 4));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if let Err(error) = self.leftovers.beat().await {
                error.log();
            }
        }
    }

    async fn work(&self, stop: CancellationToken) {
        let interval = if self.grace.is_zero() { INTERVAL } else { INTERVAL.min(self.grace) };
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let whole_round = tokio::select! {
                () = stop.cancelled() => return,
                () = self.deleted.notified() => false,
                _ = ticks.tick() => true,
            };
            // Every step can be repeated, so it can also be broken off.
            let swept = tokio::select! {
                () = stop.cancelled() => return,
                swept = async { if whole_round { self.round().await } else { self.purge().await } } => swept,
            };
            if let Err(error) = swept {
                error.log();
            }
        }
    }

    /// Does everything that is due.
    pub async fn round(&self) -> Result<()> {
        self.leftovers.settle_due().await;
        // What stands in the way of one must not stand in the way of the other.
        let purged = self.purge().await;
        self.sweep(self.grace).await?;
        purged
    }

    /// Removes the bytes, then the rows, of everything that was deleted.
    pub async fn purge(&self) -> Result<()> {
        loop {
            let tombstones = self.store.files.tombstones(BATCH).await?;
            let mut cleared = Vec::new();
            let mut failed = None;
            for tombstone in &tombstones {
                match self.remove_bytes(tombstone).await {
                    Ok(()) => cleared.push(tombstone.id),
                    Err(error) => failed = Some(error),
                }
            }
            self.store.files.purge(&cleared).await?;
            // What cannot be removed now is tried again in the next round.
            if let Some(error) = failed {
                return Err(error);
            }
            if tombstones.is_empty() {
                return Ok(());
            }
        }
    }

    async fn remove_bytes(&self, tombstone: &Tombstone) -> Result<()> {
        for blob in &tombstone.blobs {
            self.store.blobs.delete(*blob).await?;
        }
        Ok(())
    }

    /// Settles what processes left that have been silent for this long.
    pub async fn sweep(&self, grace: Duration) -> Result<()> {
        loop {
            let abandoned = self.store.reservations.abandoned(self.process, grace, BATCH).await?;
            if abandoned.is_empty() {
                return Ok(());
            }
            let mut failed = None;
            for reservation in &abandoned {
                if let Err(error) = self.leftovers.settle(reservation).await {
                    failed = Some(error);
                }
            }
            // What cannot be settled now is tried again in the next round; it must not stand in the way of the others.
            if let Some(error) = failed {
                return Err(error);
            }
        }
    }
}
