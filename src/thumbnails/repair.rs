//! What keeps the queue true: returns expired leases, queues again what the database knows to be pending, announces
//! what nobody has announced. The database is the truth; the queue may lose everything.

use std::time::Duration;

use super::worker::announce;
use crate::{
    config::ThumbnailsConfig,
    error::Result,
    model::Clock,
    shutdown::Shutdown,
    store::{JobKey, Store},
    telemetry::Metrics,
};

/// How many rows are read at a time.
const BATCH: usize = 500;
/// Younger images are still on their way into the queue, younger settlements on their way to listeners.
const SETTLING: Duration = Duration::from_secs(5);

/// Starts the rounds, until the shutdown begins.
pub fn start(store: &Store, settings: &ThumbnailsConfig, clock: &Clock, metrics: &Metrics, shutdown: &Shutdown) {
    // Often enough that a job is back soon after its lease has ended.
    let reap_interval = (settings.lease / 4).min(Duration::from_secs(1));
    let (reaper, metrics, signal) = (store.clone(), metrics.clone(), shutdown.signal());
    shutdown.spawn(every(reap_interval, signal, move || {
        let (store, metrics) = (reaper.clone(), metrics.clone());
        async move { store.jobs.reap().await.map(|lost| metrics.lease_losses(lost)) }
    }));
    let (store, clock, signal) = (store.clone(), clock.clone(), shutdown.signal());
    shutdown.spawn(every(settings.repair_interval, signal, move || {
        let (store, clock) = (store.clone(), clock.clone());
        async move { round(&store, &clock).await }
    }));
}

/// Queues every pending image that is not queued, and announces every settlement that was not.
pub async fn round(store: &Store, clock: &Clock) -> Result<()> {
    let before = clock.now().minus(SETTLING);
    let mut after = None;
    loop {
        let pending = store.files.pending(before, after, BATCH).await?;
        for &(file, generation) in &pending {
            store.jobs.enqueue(JobKey { file, generation }).await?;
        }
        match pending.last() {
            Some(&(last, _)) if pending.len() == BATCH => after = Some(last),
            _ => break,
        }
    }
    for settled in store.files.unannounced(before, BATCH).await? {
        announce(store, settled).await?;
    }
    Ok(())
}

async fn every<F, W>(interval: Duration, signal: tokio_util::sync::CancellationToken, round: F)
where
    F: Fn() -> W,
    W: Future<Output = Result<()>>,
{
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = signal.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = round().await {
            error.log();
        }
    }
}
