//! Noted bytes of this process that lost their purpose: removed at once where that is safe, otherwise later.
//!
//! When writing a row fails without a clear answer (a time-out), the row may still appear. Its bytes are then left alone
//! until the write can no longer be under way; only then the row decides.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    error::Result,
    model::{Clock, Timestamp},
    store::{Reservation, Store},
};

/// Longer than any write can still be under way after it was given up on.
const UNDECIDED: Duration = Duration::from_secs(120);

/// The list. One for each process.
pub struct Leftovers {
    store: Store,
    clock: Clock,
    later: Mutex<Vec<(Timestamp, Reservation)>>,
}

impl Leftovers {
    /// An empty list.
    #[must_use]
    pub fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock, later: Mutex::default() }
    }

    /// Removes bytes that certainly have no row, then their note. What fails is tried again later.
    pub async fn remove(&self, reservation: Reservation) {
        let removed = async {
            self.store.blobs.discard(&reservation).await?;
            self.store.reservations.release(&[reservation.blob]).await
        };
        if let Err(error) = removed.await {
            error.log();
            self.put_off(reservation, self.clock.now());
        }
    }

    /// Takes bytes whose row was given up on without a clear answer: it is decided later what becomes of them.
    pub fn undecided(&self, reservation: Reservation) {
        self.put_off(reservation, self.clock.now().plus(UNDECIDED));
    }

    /// Decides on everything whose time has come.
    pub async fn settle_due(&self) {
        let now = self.clock.now();
        let due: Vec<_> = {
            let mut later = self.later.lock().unwrap_or_else(PoisonError::into_inner);
            later.extract_if(.., |(at, _)| *at <= now).collect()
        };
        for (at, reservation) in due {
            let settled = async {
                self.settle(&reservation).await?;
                self.store.reservations.release(&[reservation.blob]).await
            };
            if let Err(error) = settled.await {
                error.log();
                self.put_off(reservation, at);
            }
        }
    }

    /// Bytes that a row owns stay; others go. The note stays.
    pub async fn settle(&self, reservation: &Reservation) -> Result<()> {
        let row = self.store.files.get_any(reservation.file).await?;
        if row.is_none_or(|file| file.blobs().all(|blob| blob != reservation.blob)) {
            self.store.blobs.discard(reservation).await?;
            tracing::info!(blob = %reservation.blob, "removed bytes that belong to no file");
        }
        Ok(())
    }

    fn put_off(&self, reservation: Reservation, until: Timestamp) {
        self.later.lock().unwrap_or_else(PoisonError::into_inner).push((until, reservation));
    }
}
