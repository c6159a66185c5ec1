//! Counters of tries in Redis: a key for each, which Redis drops at the end of its window.

use std::time::Duration;

use async_trait::async_trait;
use fred::interfaces::KeysInterface as _;

use super::{Redis, keys, millis, script::Script};
use crate::{
    error::Result,
    model::Timestamp,
    store::{Counter, Throttle},
};

static HIT: Script = Script::new(include_str!("lua/hit.lua"));
static UNDO: Script = Script::new(include_str!("lua/undo.lua"));

/// [`Throttle`] in Redis. Windows go by Redis' clock.
pub struct RedisThrottle(Redis);

impl RedisThrottle {
    /// Over this server.
    #[must_use]
    pub fn new(redis: Redis) -> Self {
        Self(redis)
    }
}

#[async_trait]
impl Throttle for RedisThrottle {
    async fn hit(&self, counters: &[Counter], window: Duration, _now: Timestamp) -> Result<Option<Duration>> {
        if counters.is_empty() {
            return Ok(None);
        }
        let keys = counters.iter().map(|counter| self.0.key_of(keys::TRIES, &counter.key)).collect();
        let limits = counters.iter().map(|counter| counter.limit.to_string());
        let arguments = std::iter::once(millis(window)).chain(limits).collect();
        let wait: u64 = self.0.run(&HIT, keys, arguments).await?;
        Ok((wait > 0).then(|| Duration::from_millis(wait)))
    }

    async fn undo(&self, keys: &[String]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let keys = keys.iter().map(|key| self.0.key_of(keys::TRIES, key)).collect();
        self.0.run(&UNDO, keys, vec![]).await
    }

    async fn clear(&self, key: &str) -> Result<()> {
        let key = self.0.key_of(keys::TRIES, key);
        self.0.ask(|client| async move { client.del(key).await }).await
    }
}
