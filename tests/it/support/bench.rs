//! The small stores (sessions, throttle, queue, events) of one installation, as each of its processes sees them.

use std::{sync::Arc, time::Duration};

use strongroom::{
    model::{Clock, FileId, Random},
    store::{
        Events, JobKey, Jobs, Sessions, Throttle,
        redis::{Redis, RedisEvents, RedisJobs, RedisSessions, RedisThrottle},
        sqlite::{LocalEvents, Sqlite, SqliteJobs, SqliteSessions, SqliteThrottle},
    },
};
use tempfile::TempDir;

use super::{Backend, servers};

/// How long jobs are reserved for.
pub const LEASE: Duration = Duration::from_millis(500);

/// An installation of its own.
pub struct Bench {
    pub random: Random,
    pub clock: Clock,
    place: Place,
}

enum Place {
    Embedded { process: Process, _dir: TempDir },
    Servers { url: String, prefix: String },
}

/// What one process holds. The embedded back end has one process.
#[derive(Clone)]
pub struct Process {
    pub sessions: Arc<dyn Sessions>,
    pub throttle: Arc<dyn Throttle>,
    pub jobs: Arc<dyn Jobs>,
    pub events: Arc<dyn Events>,
}

impl Bench {
    pub fn new(backend: Backend) -> Self {
        match backend {
            Backend::Servers => Self::over(&servers::redis_url()),
            Backend::Embedded => {
                let (random, clock) = (Random::system(), Clock::system());
                let dir = tempfile::tempdir().unwrap();
                let sqlite = Sqlite::open(&dir.path().join("db")).unwrap();
                let process = Process {
                    sessions: Arc::new(SqliteSessions::new(sqlite.clone(), clock.clone())),
                    throttle: Arc::new(SqliteThrottle::new(sqlite.clone())),
                    jobs: Arc::new(SqliteJobs::new(sqlite, LEASE, clock.clone(), random.clone())),
                    events: Arc::new(LocalEvents::new(clock.clone())),
                };
                Self { random, clock, place: Place::Embedded { process, _dir: dir } }
            }
        }
    }

    /// Over this Redis.
    pub fn over(url: &str) -> Self {
        let (random, clock) = (Random::system(), Clock::system());
        let prefix = format!("test-{}", random.uuid());
        Self { random, clock, place: Place::Servers { url: url.to_owned(), prefix } }
    }

    /// Another process.
    pub async fn process(&self) -> Process {
        match &self.place {
            Place::Embedded { process, .. } => process.clone(),
            Place::Servers { .. } => self.process_on(self.redis().await),
        }
    }

    /// Another process's connection.
    pub async fn redis(&self) -> Redis {
        let Place::Servers { url, prefix } = &self.place else { panic!("the embedded back end has no Redis") };
        Redis::connect(url, prefix, LEASE, self.clock.clone()).await.unwrap()
    }

    /// A process with this connection.
    pub fn process_on(&self, redis: Redis) -> Process {
        Process {
            sessions: Arc::new(RedisSessions::new(redis.clone())),
            throttle: Arc::new(RedisThrottle::new(redis.clone())),
            jobs: Arc::new(RedisJobs::new(redis.clone(), self.random.clone())),
            events: Arc::new(RedisEvents::new(redis)),
        }
    }

    /// A key as it is called in Redis.
    pub fn key(&self, name: &str) -> String {
        let Place::Servers { prefix, .. } = &self.place else { panic!("the embedded back end has no Redis") };
        format!("{{{prefix}}}:{name}")
    }
}

/// The job with this number.
pub fn job(number: u128) -> JobKey {
    JobKey { file: FileId(uuid::Uuid::from_u128(number)), generation: 1 }
}
