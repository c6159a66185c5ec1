//! What requests and answers may take of memory together, however many clients there are and however slow they are.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::Serialize;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    config::LimitsConfig,
    error::{Error, ErrorCode, Result},
};

/// What each request and each answer may take without being counted: most are smaller.
pub const FREE: usize = 16 * 1024;

/// An answer of this size goes out even when no memory is left for it.
const MIDDLING: usize = 64 * 1024;

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
        Self {
            requests: Budget::new(limits.request_memory, limits.request_memory),
            answers: Budget::new(limits.answer_memory, limits.answer_bytes),
        }
    }
}

/// A number of bytes that many share.
#[derive(Debug, Clone)]
pub struct Budget {
    free: Arc<Semaphore>,
    units: usize,
    /// The most that one may take, in bytes.
    most: usize,
    patience: Duration,
}

/// A part of a budget, until dropped.
#[derive(Debug)]
pub struct Reserved(#[allow(dead_code, reason = "gives back when dropped")] Option<OwnedSemaphorePermit>);

impl Budget {
    /// Of this many bytes, and at most so many for one.
    #[must_use]
    pub fn new(bytes: usize, most: usize) -> Self {
        let units = (bytes / UNIT).min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(units)), units, most, patience: PATIENCE }
    }

    /// How many bytes are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.units.saturating_sub(self.free.available_permits()) * UNIT
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

    /// Makes room for an answer before it is written. An answer that is not small is refused when it passes the limit, or
    /// when there is no room for it for long; a middling one goes out all the same: it may tell of something that was done.
    pub async fn room_for(&self, answer: &impl Serialize) -> Result<Room> {
        let mut count = Count { bytes: 0, most: self.most };
        if serde_json::to_writer(&mut count, answer).is_err() {
            let message = format!("The answer has more than {} bytes. Ask for less.", self.most);
            return Err(Error::general(ErrorCode::GraphqlValidationFailed, message));
        }
        match self.reserve(count.bytes).await {
            Ok(reserved) => Ok(Room { bytes: count.bytes, reserved }),
            Err(_) if count.bytes <= MIDDLING => Ok(Room { bytes: count.bytes, reserved: Reserved(None) }),
            Err(error) => Err(error),
        }
    }

    /// Writes an answer between what frames it. It is counted for as long as anybody holds it.
    pub async fn write(&self, before: &[u8], answer: &impl Serialize, after: &[u8]) -> Result<Bytes> {
        let room = self.room_for(answer).await?;
        let mut bytes = Vec::with_capacity(before.len() + room.bytes + after.len());
        bytes.extend_from_slice(before);
        serde_json::to_writer(&mut bytes, answer).map_err(Error::internal)?;
        bytes.extend_from_slice(after);
        Ok(room.hold(bytes.into()))
    }
}

/// Room for one answer.
#[derive(Debug)]
pub struct Room {
    bytes: usize,
    reserved: Reserved,
}

impl Room {
    /// Counts the answer for as long as anybody holds it.
    #[must_use]
    pub fn hold(self, answer: Bytes) -> Bytes {
        match self.reserved {
            Reserved(None) => answer,
            reserved => Bytes::from_owner(Held { bytes: answer, _reserved: reserved }),
        }
    }
}

/// Counts bytes instead of writing them, up to a limit.
struct Count {
    bytes: usize,
    most: usize,
}

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len();
        if self.bytes > self.most { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Held {
    bytes: Bytes,
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

    fn text(bytes: usize) -> String {
        "x".repeat(bytes)
    }

    #[tokio::test]
    async fn what_is_small_is_free_and_the_rest_waits_for_room() {
        let budget = Budget::new(100 * UNIT, 100 * UNIT);
        let large = budget.write(b"<", &text(90 * UNIT), b">").await.unwrap();
        assert!(large.starts_with(b"<\"x") && large.ends_with(b"x\">"));
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
        let budget = Budget::new(100 * UNIT, 1000 * UNIT);
        let all = budget.reserve(1000 * UNIT).await.unwrap();
        assert!(budget.reserve(FREE + 1).now_or_never().is_none());
        drop(all);
    }

    #[tokio::test]
    async fn one_answer_has_a_limit() {
        let budget = Budget::new(100 * UNIT, 50 * UNIT);
        let refused = budget.write(b"", &text(51 * UNIT), b"").await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::GraphqlValidationFailed);
        assert!(budget.write(b"", &text(49 * UNIT), b"").await.is_ok());
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let budget = Budget { patience: Duration::from_millis(10), ..Budget::new(100 * UNIT, 100 * UNIT) };
        let _all = budget.reserve(100 * UNIT).await.unwrap();
        assert!(matches!(budget.reserve(FREE + 1).await, Err(Error::Unavailable { .. })));
        assert!(budget.write(b"", &text(MIDDLING), b"").await.is_err());
        assert!(budget.write(b"", &text(MIDDLING / 2), b"").await.is_ok());
    }
}
