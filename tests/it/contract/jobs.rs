//! The contract of `Jobs`.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use strongroom::store::{JobKey, Jobs, QueueDepth, Reserved};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{
    Backend,
    bench::{Bench, LEASE, job},
};

crate::on_both_back_ends!(
    jobs_come_out_in_the_order_they_went_in,
    a_job_is_in_the_queue_once,
    each_generation_of_an_image_is_a_job_of_its_own,
    no_two_workers_get_one_job,
    a_waiting_worker_is_woken,
    waiting_ends_without_a_job,
    a_cancelled_wait_loses_no_job,
    a_lease_that_expired_brings_the_job_back_in_front_with_a_loss,
    expired_leases_come_back_in_order,
    a_renewed_lease_does_not_expire,
    nothing_happens_by_a_lease_that_is_lost,
    a_released_job_comes_first_and_nothing_is_counted,
    a_retried_job_comes_back_after_its_delay,
    buried_jobs_are_kept_newest_first,
    a_buried_job_is_dug_up_by_queueing_it,
    the_depth_says_where_the_jobs_are,
);

/// More than any wait in these tests should take.
const LONG: Duration = Duration::from_secs(10);

async fn take(jobs: &Arc<dyn Jobs>) -> Reserved {
    jobs.reserve(LONG).await.unwrap().expect("a job")
}

async fn nothing_waits(jobs: &Arc<dyn Jobs>) -> bool {
    jobs.reserve(Duration::from_millis(1)).await.unwrap().is_none()
}

/// Reaps until a job has come back, at most for this long.
async fn reap_until_queued(jobs: &Arc<dyn Jobs>, queued: u64, limit: Duration) -> u64 {
    let deadline = Instant::now() + limit;
    let mut expired = 0;
    loop {
        expired += jobs.reap().await.unwrap();
        if jobs.depth().await.unwrap().queued == queued {
            return expired;
        }
        assert!(Instant::now() < deadline, "it does not come back");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn jobs_come_out_in_the_order_they_went_in(backend: Backend) {
    let bench = Bench::new(backend);
    let (here, there) = (bench.process().await.jobs, bench.process().await.jobs);
    for number in 0..5 {
        assert!(here.enqueue(job(number)).await.unwrap());
    }
    for number in 0..5 {
        assert_eq!(here.first().await.unwrap(), Some(job(number)));
        let taken = take(&there).await;
        assert_eq!((taken.key, taken.attempts, taken.losses), (job(number), 0, 0));
    }
    assert!(nothing_waits(&here).await);
    assert_eq!(here.first().await.unwrap(), None);
}

async fn a_job_is_in_the_queue_once(backend: Backend) {
    let bench = Bench::new(backend);
    let jobs = bench.process().await.jobs;
    assert!(jobs.enqueue(job(1)).await.unwrap());
    assert!(!jobs.enqueue(job(1)).await.unwrap(), "queued");
    let taken = take(&jobs).await;
    assert!(!jobs.enqueue(job(1)).await.unwrap(), "reserved");
    jobs.retry(&taken, Duration::from_secs(60), true).await.unwrap();
    assert!(!jobs.enqueue(job(1)).await.unwrap(), "delayed");
    assert!(nothing_waits(&jobs).await);

    assert!(jobs.enqueue(job(2)).await.unwrap());
    let taken = take(&jobs).await;
    jobs.complete(&taken).await.unwrap();
    assert!(jobs.enqueue(job(2)).await.unwrap(), "done");
}

async fn each_generation_of_an_image_is_a_job_of_its_own(backend: Backend) {
    let bench = Bench::new(backend);
    let jobs = bench.process().await.jobs;
    let later = JobKey { generation: 2, ..job(1) };
    assert!(jobs.enqueue(job(1)).await.unwrap());
    assert!(jobs.enqueue(later).await.unwrap());
    assert_eq!(take(&jobs).await.key, job(1));
    assert_eq!(take(&jobs).await.key, later);
}

async fn no_two_workers_get_one_job(backend: Backend) {
    let bench = Bench::new(backend);
    let processes = [bench.process().await.jobs, bench.process().await.jobs];
    let workers = (0..8).map(|i| {
        let jobs = processes[i % 2].clone();
        tokio::spawn(async move {
            let mut done = Vec::new();
            while let Some(taken) = jobs.reserve(Duration::from_secs(1)).await.unwrap() {
                jobs.complete(&taken).await.unwrap();
                done.push(taken.key);
            }
            done
        })
    });
    let workers: Vec<_> = workers.collect();
    for number in 0..100 {
        processes[0].enqueue(job(number)).await.unwrap();
    }
    let done: Vec<_> = join_all(workers).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(done.len(), 100);
    assert_eq!(done.into_iter().collect::<HashSet<_>>().len(), 100);
    assert_eq!(processes[1].depth().await.unwrap(), QueueDepth::default());
}

async fn a_waiting_worker_is_woken(backend: Backend) {
    let bench = Bench::new(backend);
    let (here, there) = (bench.process().await.jobs, bench.process().await.jobs);
    for number in 0..10 {
        let worker = tokio::spawn({
            let there = there.clone();
            async move { take(&there).await }
        });
        sleep(Duration::from_millis(10)).await;
        here.enqueue(job(number)).await.unwrap();
        let taken = timeout(Duration::from_secs(3), worker).await.expect("it sleeps on").unwrap();
        assert_eq!(taken.key, job(number));
    }
}

async fn waiting_ends_without_a_job(backend: Backend) {
    let bench = Bench::new(backend);
    let jobs = bench.process().await.jobs;
    for wait in [Duration::ZERO, Duration::from_millis(200)] {
        let began = Instant::now();
        assert_eq!(jobs.reserve(wait).await.unwrap(), None);
        let took = began.elapsed();
        assert!(took >= wait && took < wait + Duration::from_secs(2), "{took:?}");
    }
}

async fn a_cancelled_wait_loses_no_job(backend: Backend) {
    let bench = Bench::new(backend);
    let (here, there) = (bench.process().await.jobs, bench.process().await.jobs);
    let mut done = BTreeSet::new();
    for number in 0..60 {
        // Queued while somebody waits who gives up at any point of it.
        let patience = Duration::from_micros(u64::from(bench.random.bytes::<1>()[0]) * 20);
        let (taken, added) = tokio::join!(timeout(patience, there.reserve(LONG)), here.enqueue(job(number)));
        assert!(added.unwrap());
        if let Ok(taken) = taken {
            let taken = taken.unwrap().unwrap();
            there.complete(&taken).await.unwrap();
            done.insert(taken.key.file.0);
        }
    }
    let deadline = Instant::now() + 3 * LEASE + LONG;
    while here.depth().await.unwrap() != QueueDepth::default() {
        assert!(Instant::now() < deadline, "jobs are stuck: {:?}", here.depth().await.unwrap());
        here.reap().await.unwrap();
        if let Some(taken) = here.reserve(Duration::from_millis(10)).await.unwrap() {
            here.complete(&taken).await.unwrap();
            done.insert(taken.key.file.0);
        }
    }
    assert_eq!(done.len(), 60);
}

async fn a_lease_that_expired_brings_the_job_back_in_front_with_a_loss(backend: Backend) {
    let bench = Bench::new(backend);
    let (here, there) = (bench.process().await.jobs, bench.process().await.jobs);
    here.enqueue(job(1)).await.unwrap();
    let lost = take(&there).await;
    here.enqueue(job(2)).await.unwrap();
    assert_eq!(here.reap().await.unwrap(), 0);
    assert_eq!(reap_until_queued(&here, 2, 3 * (LEASE + Duration::from_secs(1))).await, 1);
    let again = take(&here).await;
    assert_eq!((again.key, again.attempts, again.losses), (job(1), 0, 1));
    assert_ne!(again.lease, lost.lease);
    assert_eq!(take(&here).await.losses, 0);
}

async fn expired_leases_come_back_in_order(backend: Backend) {
    let bench = Bench::new(backend);
    let jobs = bench.process().await.jobs;
    for number in 0..3 {
        jobs.enqueue(job(number)).await.unwrap();
        take(&jobs).await;
        sleep(Duration::from_millis(2)).await;
    }
    sleep(LEASE).await;
    reap_until_queued(&jobs, 3, LONG).await;
    for number in 0..3 {
        assert_eq!(take(&jobs).await.key, job(number));
    }
}

async fn a_renewed_lease_does_not_expire(backend: Backend) {
    let bench = Bench::new(backend);
    let jobs = bench.process().await.jobs;
    jobs.enqueue(job(1)).await.unwrap();
    let taken = take(&jobs).await;
    let end = Instant::now() + 3 * LEASE;
    while Instant::now() < end {
        assert!(jobs.renew(&taken).await.unwrap());
        assert_eq!(jobs.reap().await.unwrap(), 0);
        sleep(LEASE / 6).await;
    }
    jobs.complete(&taken).await.unwrap();
    assert_eq!(jobs.depth().await.unwrap(), QueueDepth::default());
}

async fn nothing_happens_by_a_lease_that_is_lost(backend: Backend) {
    let bench = Bench::new(backend);
    let (here, there) = (bench.process().await.jobs, bench.process().await.jobs);
    here.enqueue(job(1)).await.unwrap();
    let lost = take(&here).await;
    reap_until_queued(&here, 1, LONG).await;
    for held in [None, Some(())] {
        // First while the job is queued, then while another worker has it.
        let holder = if held.is_some() { Some(take(&there).await) } else { None };
        let before = there.depth().await.unwrap();
        assert!(!here.renew(&lost).await.unwrap());
        here.complete(&lost).await.unwrap();
        here.release(&lost).await.unwrap();
        here.retry(&lost, Duration::ZERO, true).await.unwrap();
        here.bury(&lost, "a reason").await.unwrap();
        assert_eq!(there.depth().await.unwrap(), before);
        if let Some(holder) = holder {
            assert!(there.renew(&holder).await.unwrap());
            assert_eq!((holder.attempts, holder.losses), (0, 1));
        }
    }
}

async fn a_released_job_comes_first_and_nothing_is_counted(backend: Backend) {
    let bench = Bench::new(backend);
    let jobs = bench.process().await.jobs;
    jobs.enqueue(job(1)).await.unwrap();
    jobs.enqueue(job(2)).await.unwrap();
    let taken = take(&jobs).await;
    jobs.release(&taken).await.unwrap();
    assert!(!jobs.renew(&taken).await.unwrap());
    let again = take(&jobs).await;
    assert_eq!((again.key, again.attempts, again.losses), (job(1), 0, 0));
}

async fn a_retried_job_comes_back_after_its_delay(backend: Backend) {
    let bench = Bench::new(backend);
    let jobs = bench.process().await.jobs;
    jobs.enqueue(job(1)).await.unwrap();
    let delay = Duration::from_millis(200);
    for (attempts, counted) in [(0, true), (1, false), (1, true)] {
        let taken = take(&jobs).await;
        assert_eq!((taken.attempts, taken.losses), (attempts, 0));
        let began = Instant::now();
        jobs.retry(&taken, delay, counted).await.unwrap();
        assert!(nothing_waits(&jobs).await);
        assert_eq!(reap_until_queued(&jobs, 1, LONG).await, 0);
        // To the millisecond, in which the stores reckon.
        assert!(began.elapsed() + Duration::from_millis(1) >= delay);
    }
    assert_eq!(take(&jobs).await.attempts, 2);
}

async fn buried_jobs_are_kept_newest_first(backend: Backend) {
    let bench = Bench::new(backend);
    let (here, there) = (bench.process().await.jobs, bench.process().await.jobs);
    let began = bench.clock.now();
    for number in 0..4 {
        here.enqueue(job(number)).await.unwrap();
        let taken = take(&here).await;
        here.bury(&taken, &format!("reason {number}: \"ü\"")).await.unwrap();
    }
    assert!(nothing_waits(&here).await);
    let buried = there.buried(3).await.unwrap();
    assert_eq!(buried.iter().map(|buried| buried.key).collect::<Vec<_>>(), [job(3), job(2), job(1)]);
    assert_eq!(buried[0].reason, "reason 3: \"ü\"");
    let now = bench.clock.now();
    assert!(buried.iter().all(|buried| buried.at >= began && buried.at <= now), "{buried:?} {began} {now}");
    assert_eq!(there.buried(0).await.unwrap(), []);
    assert_eq!(there.buried(usize::MAX).await.unwrap().len(), 4);
}

async fn a_buried_job_is_dug_up_by_queueing_it(backend: Backend) {
    let bench = Bench::new(backend);
    let jobs = bench.process().await.jobs;
    jobs.enqueue(job(1)).await.unwrap();
    let taken = take(&jobs).await;
    jobs.retry(&taken, Duration::ZERO, true).await.unwrap();
    reap_until_queued(&jobs, 1, LONG).await;
    let taken = take(&jobs).await;
    jobs.bury(&taken, "a reason").await.unwrap();
    assert!(jobs.enqueue(job(1)).await.unwrap());
    assert_eq!(jobs.buried(10).await.unwrap(), []);
    let again = take(&jobs).await;
    assert_eq!((again.key, again.attempts, again.losses), (job(1), 0, 0));
}

async fn the_depth_says_where_the_jobs_are(backend: Backend) {
    let bench = Bench::new(backend);
    let jobs = bench.process().await.jobs;
    assert_eq!(jobs.depth().await.unwrap(), QueueDepth::default());
    for number in 0..10 {
        jobs.enqueue(job(number)).await.unwrap();
    }
    for _ in 0..3 {
        let taken = take(&jobs).await;
        jobs.retry(&taken, Duration::from_secs(60), true).await.unwrap();
    }
    for _ in 0..2 {
        let taken = take(&jobs).await;
        jobs.bury(&taken, "a reason").await.unwrap();
    }
    take(&jobs).await;
    let depth = jobs.depth().await.unwrap();
    assert_eq!(depth, QueueDepth { queued: 4, reserved: 1, delayed: 3, buried: 2 });
}
