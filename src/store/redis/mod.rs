//! Redis: the connection that requests share, the names of all keys, and the adapters over them.
//!
//! Redis 6.2 or later, or a server that speaks its language. Nothing in it has to survive: sessions end with it, jobs
//! are queued again by the repair round. It must not evict keys on its own (`maxmemory-policy noeviction`, the default):
//! a queue of which a part is missing is worse than none.
//!
//! A connection that is broken, refused or silent is given up and made anew every [`link::RETRY`]; meanwhile calls fail
//! at once. No call is repeated behind the caller's back, and none takes longer than [`PATIENCE`].

mod events;
mod jobs;
mod keys;
mod link;
mod script;
mod sessions;
mod throttle;

use std::{fmt::Display, sync::Arc, time::Duration};

use async_trait::async_trait;
use fred::{
    clients::Client,
    error::{Error as FredError, ErrorKind},
    interfaces::{ClientLike as _, FredResult},
    types::{FromValue, config::Config},
};
use tokio::sync::watch;

use self::{link::Link, script::Script};
use super::{Ping, Pool};
use crate::{
    error::{Error, Result},
    model::Clock,
};

pub use events::RedisEvents;
pub use jobs::RedisJobs;
pub use sessions::RedisSessions;
pub use throttle::RedisThrottle;

/// How long a call may take in all. Requests promise an end within 6 s of a fault, and may need Redis after MongoDB.
const PATIENCE: Duration = Duration::from_secs(4);

/// A Redis server, or cluster. Cloned freely; when the last clone goes, so does the connection.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    config: Config,
    prefix: String,
    lease: Duration,
    clock: Clock,
    /// The connection that requests share, while there is one.
    client: watch::Receiver<Option<Client>>,
    /// Held by every call under way, and once by this.
    calls: Arc<()>,
}

impl Redis {
    /// Connects, and keeps connected from then on. Every key begins with `{prefix}:`, so that all are in one slot of a
    /// cluster and scripts may use several. `lease` is how long a job is reserved for.
    ///
    /// Fails when the URL is malformed, and as unavailable when Redis does not answer.
    pub async fn connect(url: &str, prefix: &str, lease: Duration, clock: Clock) -> Result<Self> {
        let config = Config::from_url(url).map_err(Error::internal)?;
        let first = Link::open(&config).await.map_err(|error| unreached(&error, &config))?;
        let client = link::keep(config.clone(), first);
        Ok(Self(Arc::new(Inner { config, prefix: prefix.to_owned(), lease, clock, client, calls: Arc::default() })))
    }

    /// The key with this name.
    fn key(&self, name: &str) -> String {
        format!("{{{}}}:{name}", self.0.prefix)
    }

    /// The key with this name that belongs to something.
    fn key_of(&self, name: &str, of: impl Display) -> String {
        format!("{{{}}}:{name}:{of}", self.0.prefix)
    }

    /// Sends commands on the shared connection.
    async fn ask<T, F>(&self, commands: impl FnOnce(Client) -> F) -> Result<T>
    where
        F: Future<Output = FredResult<T>>,
    {
        let client = self.0.client.borrow().clone();
        let client = client.ok_or_else(|| Error::unavailable("Redis", "not connected"))?;
        let _call = Arc::clone(&self.0.calls);
        let answer = tokio::time::timeout(PATIENCE, commands(client)).await;
        answer.map_err(|late| Error::unavailable("Redis", late))?.map_err(failed)
    }

    /// Runs a script on the shared connection.
    async fn run<T: FromValue>(&self, script: &Script, keys: Vec<String>, arguments: Vec<String>) -> Result<T> {
        self.ask(|client| async move {
            script.run(&client, keys.clone(), arguments).await.map_err(|error| name_keys(error, &keys))
        })
        .await
    }
}

#[async_trait]
impl Ping for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    async fn ping(&self) -> Result<()> {
        self.ask(|client| async move { client.ping(None).await }).await
    }

    /// The one connection takes many commands at a time.
    fn pools(&self) -> Vec<Pool> {
        vec![Pool { name: "redis_commands", in_use: Arc::strong_count(&self.0.calls) - 1, limit: link::BACKLOG }]
    }
}

/// Milliseconds, as Redis takes them: at least one.
fn millis(duration: Duration) -> String {
    duration.as_millis().max(1).to_string()
}

/// As [`failed`], where somebody reads it who has just named this server. The driver writes down the system's error as
/// programmers see it.
fn unreached(error: &FredError, config: &Config) -> Error {
    let text = error.details();
    let of_system = text.split_once("message: \"").and_then(|(_, rest)| rest.split_once('"'));
    let reason = of_system.map_or(text, |(message, _)| message);
    let hosts: Vec<_> = config.server.hosts().iter().map(ToString::to_string).collect();
    Error::unavailable("Redis", format!("no server answers at {} ({reason})", hosts.join(", ")))
}

/// Redis does not say which key is of the wrong type, and whoever runs it has to find it.
fn name_keys(error: FredError, keys: &[String]) -> FredError {
    if !error.details().starts_with("WRONGTYPE") {
        return error;
    }
    FredError::new(error.kind().clone(), format!("{} (one of {})", error.details(), keys.join(", ")))
}

/// What a driver's error means to the product: what we did wrong is our fault; the rest, from a refused connection to
/// `LOADING`, `READONLY` and `OOM`, is an outage.
#[allow(clippy::needless_pass_by_value, reason = "it is used as `map_err(failed)`")]
fn failed(error: FredError) -> Error {
    let ours = match error.kind() {
        ErrorKind::InvalidArgument
        | ErrorKind::InvalidCommand
        | ErrorKind::Parse
        | ErrorKind::NotFound
        | ErrorKind::Config
        | ErrorKind::Url => true,
        _ => error.details().starts_with("ERR ") && !error.details().contains("max number of clients"),
    };
    if ours { Error::internal(error) } else { Error::unavailable("Redis", error) }
}
