//! Compares what is stored with what the rows say, and mends what can be mended: now and then by itself, and for
//! `strongroom doctor`.
//!
//! Nothing here should ever find anything: notes see to what processes leave behind. It is for what they cannot see, such as
//! a disk that lost files, a database restored without its bytes, or a fault of the product.

mod compare;
mod report;

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use self::compare::Run;
use super::Drive;
use crate::{
    error::Result,
    model::Clock,
    shutdown::Shutdown,
    store::{Counter, Store},
    telemetry::Metrics,
};

pub use report::{Finding, Outcome, Problem, Report, Tally};

/// How often somebody looks whether a checkup is due, as a part of the interval.
const LOOKS: u32 = 144;

/// How fast a checkup goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Somebody waits for it.
    Full,
    /// It rests nine times as long as it works, so that nobody notices it.
    Background,
}

/// What a checkup does beyond looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// Mends what can be mended.
    pub repair: bool,
    /// Removes bytes of no file even where they are more than those of files.
    pub force: bool,
    /// Reads every original, and compares it with its checksum.
    pub contents: bool,
}

/// The service.
pub struct Checkup {
    store: Store,
    drive: Arc<Drive>,
    grace: Duration,
    clock: Clock,
    metrics: Metrics,
}

impl Checkup {
    /// Over these stores; bytes younger than `grace` are left alone.
    #[must_use]
    pub fn new(store: Store, drive: Arc<Drive>, grace: Duration, clock: Clock, metrics: Metrics) -> Self {
        Self { store, drive, grace, clock, metrics }
    }

    /// Starts to look by itself, once in this time, over all processes, until the shutdown begins. Reports only: what looks
    /// orphaned after a database was restored from a backup may be all there is of a file.
    pub fn start(self: Arc<Self>, interval: Duration, shutdown: &Shutdown) {
        let signal = shutdown.signal();
        shutdown.spawn(async move {
            let period = interval / LOOKS;
            let mut ticks = tokio::time::interval_at(Instant::now() + period, period);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = signal.cancelled() => return,
                    _ = ticks.tick() => {}
                }
                tokio::select! {
                    () = signal.cancelled() => return,
                    looked = self.look_if_due(interval) => if let Err(error) = looked {
                        error.log();
                    }
                }
            }
        });
    }

    async fn look_if_due(&self, interval: Duration) -> Result<()> {
        const TURN: &str = "checkup";
        let turn = Counter { key: TURN.to_owned(), limit: 1 };
        if self.store.throttle.hit(&[turn], interval, self.clock.now()).await?.is_some() {
            return Ok(());
        }
        match self.run(Extent::default(), Pace::Background, |_| {}).await {
            Ok(report) => {
                self.tell(&report);
                Ok(())
            }
            Err(error) => {
                // Somebody's next look tries again.
                self.store.throttle.undo(&[TURN.to_owned()]).await?;
                Err(error)
            }
        }
    }

    fn tell(&self, report: &Report) {
        for problem in Problem::ALL {
            let tally = report.tallies.get(&problem).copied().unwrap_or_default();
            self.metrics.checkup(problem.as_str(), tally.found);
            if tally.found > 0 && !problem.is_harmless() {
                let found = tally.found;
                tracing::warn!(problem = problem.as_str(), found, "the checkup found problems; see strongroom doctor");
            }
        }
        let Report { rows, blobs, bytes, took, .. } = report;
        let seconds = took.as_secs_f64();
        tracing::info!(rows, blobs, bytes, seconds, "compared what is stored with the database");
    }

    /// Looks at everything. `progress` is told how much of it is done, from 0 to 1.
    pub async fn run(&self, extent: Extent, pace: Pace, progress: impl Fn(f64) + Send + Sync) -> Result<Report> {
        Run::new(self, extent, pace, &progress).finish().await
    }
}
