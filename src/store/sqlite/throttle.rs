//! Counters of tries in SQLite. They outlive a restart, so that one is no way around them.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::OptionalExtension as _;

use super::{Sqlite, failed};
use crate::{
    error::Result,
    model::Timestamp,
    store::{Counter, Throttle},
};

/// [`Throttle`] in SQLite.
pub struct SqliteThrottle(Sqlite);

impl SqliteThrottle {
    /// In this database.
    #[must_use]
    pub fn new(sqlite: Sqlite) -> Self {
        Self(sqlite)
    }
}

#[async_trait]
impl Throttle for SqliteThrottle {
    async fn hit(&self, counters: &[Counter], window: Duration, now: Timestamp) -> Result<Option<Duration>> {
        let counters = counters.to_vec();
        self.0
            .write(move |transaction| {
                let mut longest = None;
                for counter in &counters {
                    let found: Option<(u32, i64)> = transaction
                        .prepare_cached("SELECT tries, ends_at FROM tries WHERE counter = ? AND ends_at > ?")
                        .and_then(|mut query| {
                            query.query_row((&counter.key, now.0), |row| Ok((row.get(0)?, row.get(1)?))).optional()
                        })
                        .map_err(failed)?;
                    // One that allows nothing has no window.
                    let (tries, ends_at) = found.unwrap_or((0, now.plus(window).0));
                    if tries >= counter.limit {
                        longest = longest.max(Some(Timestamp(ends_at).since(now)));
                    }
                }
                if longest.is_some() {
                    return Ok(longest);
                }
                transaction.execute("DELETE FROM tries WHERE ends_at <= ?", [now.0]).map_err(failed)?;
                for counter in &counters {
                    transaction
                        .prepare_cached(
                            "INSERT INTO tries (counter, tries, ends_at) VALUES (?, 1, ?)
                             ON CONFLICT (counter) DO UPDATE SET tries = tries + 1",
                        )
                        .and_then(|mut query| query.execute((&counter.key, now.plus(window).0)))
                        .map_err(failed)?;
                }
                Ok(None)
            })
            .await
    }

    async fn undo(&self, keys: &[String]) -> Result<()> {
        let keys = keys.to_vec();
        self.0
            .write(move |transaction| {
                for key in &keys {
                    transaction
                        .execute("UPDATE tries SET tries = tries - 1 WHERE counter = ?", [key])
                        .map_err(failed)?;
                    transaction.execute("DELETE FROM tries WHERE counter = ? AND tries <= 0", [key]).map_err(failed)?;
                }
                Ok(())
            })
            .await
    }

    async fn clear(&self, key: &str) -> Result<()> {
        let key = key.to_owned();
        self.0
            .write(move |transaction| {
                transaction.execute("DELETE FROM tries WHERE counter = ?", [key]).map(drop).map_err(failed)
            })
            .await
    }
}
