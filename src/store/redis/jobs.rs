//! The queue in Redis.
//!
//! A job moves from one place to the next in one step, by a script; but for the first move, from the queue to a worker,
//! which is two, because no script can wait: `BLMOVE` puts it among the reserved ones, then a script leases it. What is
//! left between the two is given one lease of grace and then taken back.

use std::{
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use fred::{
    interfaces::{ClientLike as _, ListInterface as _},
    types::{ClusterHash, CustomCommand, config::Options},
};
use tokio::time::Instant;
use uuid::Uuid;

use super::{PATIENCE, Redis, failed, keys, link::Link, millis, name_keys, script::Script};
use crate::{
    error::{Error, Result},
    model::{FileId, Random, Timestamp},
    store::{Buried, JobKey, Jobs, QueueDepth, Reserved},
};

/// How many buried jobs are kept.
const BURIED: usize = 10_000;
/// How many jobs one call of [`Jobs::reap`] moves of each kind: Redis does nothing else meanwhile.
const REAPED: usize = 1_000;
/// How many connections are kept for workers that will wait again.
const IDLE: usize = 16;

macro_rules! script {
    ($name:literal) => {
        Script::new(concat!(include_str!("lua/queue.lua"), include_str!(concat!("lua/", $name))))
    };
}

static ENQUEUE: Script = script!("enqueue.lua");
static LEASE: Script = script!("lease.lua");
static RENEW: Script = script!("renew.lua");
static COMPLETE: Script = script!("complete.lua");
static RELEASE: Script = script!("release.lua");
static RETRY: Script = script!("retry.lua");
static BURY: Script = script!("bury.lua");
static LIST_BURIED: Script = script!("buried.lua");
static REAP: Script = script!("reap.lua");
static DEPTH: Script = script!("depth.lua");

/// [`Jobs`] in Redis. Leases and delays go by Redis' clock.
#[derive(Clone)]
pub struct RedisJobs {
    redis: Redis,
    random: Random,
    /// Connections on which nobody waits at the moment. A waiting worker has one to itself, since what waits in
    /// `BLMOVE` holds up every other command behind it.
    idle: Arc<Mutex<Vec<Link>>>,
}

impl RedisJobs {
    /// Over this server.
    #[must_use]
    pub fn new(redis: Redis, random: Random) -> Self {
        Self { redis, random, idle: Arc::default() }
    }

    async fn run<T: fred::types::FromValue>(&self, script: &Script, arguments: Vec<String>) -> Result<T> {
        let names = [
            keys::QUEUE,
            keys::RESERVED,
            keys::JOBS,
            keys::LEASES,
            keys::HOLDERS,
            keys::DELAYED,
            keys::BURIED,
            keys::REASONS,
        ];
        let keys = names.into_iter().map(|name| self.redis.key(name)).collect();
        self.redis.run(script, keys, arguments).await
    }

    /// Runs a script about a job in a worker's hands.
    async fn run_held<T: fred::types::FromValue>(
        &self,
        script: &Script,
        job: &Reserved,
        more: impl IntoIterator<Item = String>,
    ) -> Result<T> {
        let arguments = [name(job.key), job.lease.to_string()].into_iter().chain(more).collect();
        self.run(script, arguments).await
    }

    /// Moves the first job of the queue to the reserved ones, waiting this long for one. When this is cancelled, its
    /// connection is closed, and Redis forgets that somebody waits.
    async fn take(&self, wait: Duration) -> Result<Option<String>> {
        let kept = self.idle_locked().pop().filter(|link| !link.is_over());
        let link = match kept {
            Some(link) => link,
            None => Link::open(&self.redis.0.config).await.map_err(failed)?,
        };
        // Zero would wait for ever.
        let seconds = wait.max(Duration::from_millis(1)).as_secs_f64();
        let arguments = vec![
            self.redis.key(keys::QUEUE),
            self.redis.key(keys::RESERVED),
            "LEFT".to_owned(),
            "RIGHT".to_owned(),
            format!("{seconds:.3}"),
        ];
        // Not the driver's own BLMOVE: it makes one error of "nothing came" and "no answer".
        let command = CustomCommand::new_static("BLMOVE", ClusterHash::FirstKey, true);
        let options = Options { timeout: Some(wait + PATIENCE), ..Options::default() };
        let keys = arguments[..2].to_vec();
        let answer = link.client.with_options(&options).custom(command, arguments).await;
        let job = answer.map_err(|error| failed(name_keys(error, &keys)))?;
        let mut idle = self.idle_locked();
        if idle.len() < IDLE {
            idle.push(link);
        }
        Ok(job)
    }

    fn idle_locked(&self) -> MutexGuard<'_, Vec<Link>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lease(&self) -> String {
        millis(self.redis.0.lease)
    }
}

#[async_trait]
impl Jobs for RedisJobs {
    async fn enqueue(&self, job: JobKey) -> Result<bool> {
        self.run(&ENQUEUE, vec![name(job)]).await
    }

    async fn reserve(&self, wait: Duration) -> Result<Option<Reserved>> {
        let deadline = Instant::now() + wait;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(job) = self.take(left).await? else { return Ok(None) };
            let token = self.random.uuid();
            let counts: Option<(u32, u32)> =
                self.run(&LEASE, vec![job.clone(), token.to_string(), self.lease()]).await?;
            // Without counts, it was no longer a job, or no longer ours.
            if let Some((attempts, losses)) = counts {
                return Ok(Some(Reserved { key: parse(&job)?, lease: token, attempts, losses }));
            }
        }
    }

    async fn renew(&self, job: &Reserved) -> Result<bool> {
        self.run_held(&RENEW, job, [self.lease()]).await
    }

    async fn complete(&self, job: &Reserved) -> Result<()> {
        self.run_held(&COMPLETE, job, []).await
    }

    async fn release(&self, job: &Reserved) -> Result<()> {
        self.run_held(&RELEASE, job, []).await
    }

    async fn retry(&self, job: &Reserved, delay: Duration, counted: bool) -> Result<()> {
        self.run_held(&RETRY, job, [delay.as_millis().to_string(), u8::from(counted).to_string()]).await
    }

    async fn bury(&self, job: &Reserved, reason: &str) -> Result<()> {
        self.run_held(&BURY, job, [reason.to_owned(), BURIED.to_string()]).await
    }

    async fn buried(&self, limit: usize) -> Result<Vec<Buried>> {
        // To Redis, the range up to the one before the first is everything.
        if limit == 0 {
            return Ok(Vec::new());
        }
        let found: Vec<(String, i64, String)> = self.run(&LIST_BURIED, vec![limit.min(BURIED).to_string()]).await?;
        found
            .into_iter()
            .map(|(job, micros, reason)| Ok(Buried { key: parse(&job)?, reason, at: Timestamp(micros / 1000) }))
            .collect()
    }

    async fn reap(&self) -> Result<u64> {
        self.run(&REAP, vec![self.lease(), REAPED.to_string()]).await
    }

    async fn first(&self) -> Result<Option<JobKey>> {
        let queue = self.redis.key(keys::QUEUE);
        let first: Option<String> = self.redis.ask(|client| async move { client.lindex(queue, 0).await }).await?;
        first.as_deref().map(parse).transpose()
    }

    async fn depth(&self) -> Result<QueueDepth> {
        let (queued, reserved, delayed, buried) = self.run(&DEPTH, vec![]).await?;
        Ok(QueueDepth { queued, reserved, delayed, buried })
    }
}

/// A job as Redis knows it: `<image>:<generation>`.
fn name(job: JobKey) -> String {
    format!("{}:{}", job.file.0, job.generation)
}

fn parse(name: &str) -> Result<JobKey> {
    let parsed = name.split_once(':').and_then(|(file, generation)| {
        Some(JobKey { file: FileId(Uuid::from_str(file).ok()?), generation: generation.parse().ok()? })
    });
    parsed.ok_or_else(|| Error::internal(format!("no job: {name:?}")))
}
