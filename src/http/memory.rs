//! What requests and answers may take of memory together, however many clients there are and however slow they are.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    config::LimitsConfig,
    error::{Error, Result},
};

/// What each request and each answer may take without being counted: most are smaller.
pub const FREE: usize = 16 * 1024;

/// In what steps memory is counted, in bytes.
const UNIT: usize = 1024;

/// How long to wait for memory.
const PATIENCE: Duration = Duration::from_secs(5);

/// The two budgets. Cloned freely; clones share them.
#[derive(Debug, Clone)]
pub struct Memory {
    /// Bodies on their way in.
    pub requests: Budget,
    /// Answers on their way out.
    pub answers: Budget,
}

impl Memory {
    /// Of these sizes.
    #[must_use]
    pub fn new(limits: &LimitsConfig) -> Self {
        Self { requests: Budget::new(limits.request_memory), answers: Budget::new(limits.answer_memory) }
    }
}

/// A number of bytes that many share.
#[derive(Debug, Clone)]
pub struct Budget {
    free: Arc<Semaphore>,
    units: usize,
    patience: Duration,
}

/// A part of a budget, until dropped.
#[derive(Debug)]
pub struct Reserved(#[allow(dead_code, reason = "gives back when dropped")] Option<OwnedSemaphorePermit>);

impl Budget {
    /// Of this many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT).min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(units)), units, patience: PATIENCE }
    }

    /// Takes so many bytes of it, or waits for them; `SERVICE_UNAVAILABLE` when there are none for long. What is larger
    /// than the whole budget takes all of it.
    pub async fn reserve(&self, bytes: usize) -> Result<Reserved> {
        if bytes <= FREE {
            return Ok(Reserved(None));
        }
        let units = u32::try_from(bytes.div_ceil(UNIT).min(self.units)).unwrap_or(u32::MAX);
        match timeout(self.patience, Arc::clone(&self.free).acquire_many_owned(units)).await {
            Ok(permit) => Ok(Reserved(Some(permit.map_err(Error::internal)?))),
            Err(_) => Err(Error::unavailable("memory", "too much of it is taken by other requests")),
        }
    }

    /// Counts these bytes for as long as anybody holds them.
    pub async fn hold(&self, bytes: Vec<u8>) -> Result<Bytes> {
        match self.reserve(bytes.len()).await? {
            Reserved(None) => Ok(bytes.into()),
            reserved => Ok(Bytes::from_owner(Held { bytes, _reserved: reserved })),
        }
    }
}

struct Held {
    bytes: Vec<u8>,
    _reserved: Reserved,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn what_is_small_is_free_and_the_rest_waits_for_room() {
        let budget = Budget::new(100 * UNIT);
        let large = budget.hold(vec![1; 90 * UNIT]).await.unwrap();
        assert!(budget.reserve(FREE).now_or_never().unwrap().is_ok());
        assert!(budget.reserve(FREE + 1).now_or_never().is_none());
        let copy = large.clone();
        drop(large);
        assert!(budget.reserve(FREE + 1).now_or_never().is_none());
        drop(copy);
        assert!(budget.reserve(FREE + 1).now_or_never().unwrap().is_ok());
    }

    #[tokio::test]
    async fn what_is_larger_than_all_takes_all() {
        let budget = Budget::new(100 * UNIT);
        let all = budget.reserve(1000 * UNIT).await.unwrap();
        assert!(budget.reserve(FREE + 1).now_or_never().is_none());
        drop(all);
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let budget = Budget { patience: Duration::from_millis(10), ..Budget::new(100 * UNIT) };
        let _all = budget.reserve(100 * UNIT).await.unwrap();
        assert!(matches!(budget.reserve(FREE + 1).await, Err(Error::Unavailable { .. })));
    }
}
