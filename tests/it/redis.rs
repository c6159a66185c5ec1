//! What Redis can do to its adapters: go, come back empty, fall silent.

use std::{collections::HashSet, time::Duration};

use fred::{
    interfaces::{ClientLike as _, HashesInterface as _, KeysInterface as _, ListInterface as _, LuaInterface as _},
    types::{Builder, config::Config, lists::LMoveDirection},
};
use futures_util::{StreamExt as _, future::join_all, stream::BoxStream};
use strongroom::{
    error::{Error, ErrorCode},
    model::{Clock, FileId, Session, SessionId, Timestamp, TokenId, UserId},
    store::{Counter, Event, News, Ping as _, QueueDepth, redis::Redis},
};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep, timeout},
};

use crate::support::{
    bench::{Bench, LEASE, Process, job},
    proxy::Proxy,
    servers,
};

/// Within this a request ends, whatever Redis does.
const END: Duration = Duration::from_secs(6);
/// Within this after the return of Redis, service is back.
const BACK: Duration = Duration::from_secs(5);

/// One of each call that requests make; how each ended.
async fn calls(process: &Process) -> Vec<Result<(), Error>> {
    let session = Session {
        id: SessionId(uuid::Uuid::from_u128(1)),
        user: UserId(uuid::Uuid::from_u128(2)),
        token: TokenId(uuid::Uuid::from_u128(3)),
        previous: None,
        created_at: Timestamp(0),
        expires_at: Clock::system().now().plus(Duration::from_secs(60)),
    };
    let counters = [Counter { key: "a".to_owned(), limit: 1000 }];
    let event = Event::Deleted { owner: session.user, file: FileId(uuid::Uuid::from_u128(4)) };
    let Process { sessions, throttle, jobs, events } = process;
    let calls = [
        Box::pin(async { sessions.insert(&session).await }) as futures_util::future::BoxFuture<'_, _>,
        Box::pin(async { sessions.get(session.id).await.map(drop) }),
        Box::pin(async { sessions.replace(session.token, &session).await.map(drop) }),
        Box::pin(async { sessions.remove_all(session.user, None).await }),
        Box::pin(async { throttle.hit(&counters, LEASE, Timestamp(0)).await.map(drop) }),
        Box::pin(async { jobs.enqueue(job(1)).await.map(drop) }),
        Box::pin(async { events.publish(&event).await }),
        Box::pin(async { events.listen(session.user).await.map(drop) }),
    ];
    join_all(calls).await
}

async fn all_fail_clean_in_time(process: &Process) {
    let outcomes = timeout(END, calls(process)).await.expect("a call hangs");
    for (i, outcome) in outcomes.into_iter().enumerate() {
        let error = outcome.expect_err(&format!("call {i} succeeded"));
        assert_eq!(error.code(), ErrorCode::ServiceUnavailable, "call {i}: {error}");
    }
}

async fn all_work_again_in_time(process: &Process) {
    let deadline = Instant::now() + BACK;
    loop {
        let outcomes = calls(process).await;
        let error = outcomes.into_iter().find_map(Result::err);
        let Some(error) = error else { return };
        assert!(Instant::now() < deadline, "service is not back: {error}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Waits for [`News::Missed`].
async fn missed(news: &mut BoxStream<'static, News>) -> Timestamp {
    loop {
        let heard = timeout(BACK, news.next()).await.expect("no word that something was missed").unwrap();
        if let News::Missed(since) = heard {
            return since;
        }
    }
}

async fn hears(process: &Process, news: &mut BoxStream<'static, News>, event: Event) {
    process.events.publish(&event).await.unwrap();
    let heard = timeout(BACK, news.next()).await.expect("nothing is heard").unwrap();
    assert_eq!(heard, News::Event(event));
}

fn deleted(bench: &Bench, owner: UserId) -> Event {
    Event::Deleted { owner, file: FileId(bench.random.uuid()) }
}

/// A client of the test's own.
async fn client(url: &str) -> fred::clients::Client {
    let client = Builder::from_config(Config::from_url(url).unwrap()).build().unwrap();
    client.init().await.unwrap();
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_gone_calls_fail_clean_and_service_is_back_soon_after_it() {
    let (server, url) = servers::start_redis(None);
    let port: u16 = url.rsplit(':').next().unwrap().parse().unwrap();
    let bench = Bench::over(&url);
    let redis = bench.redis().await;
    let process = bench.process_on(redis.clone());
    all_work_again_in_time(&process).await;
    redis.ping().await.unwrap();

    server.stop();
    all_fail_clean_in_time(&process).await;
    // Once more, when the loss has been noticed for certain.
    all_fail_clean_in_time(&process).await;
    assert!(redis.ping().await.is_err());

    let (_server, _) = servers::start_redis(Some(port));
    all_work_again_in_time(&process).await;
    redis.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listeners_are_told_what_they_may_have_missed_while_redis_was_gone() {
    let (server, url) = servers::start_redis(None);
    let port: u16 = url.rsplit(':').next().unwrap().parse().unwrap();
    let bench = Bench::over(&url);
    let process = bench.process().await;
    let owner = UserId(bench.random.uuid());
    let began = bench.clock.now();
    let mut first = process.events.listen(owner).await.unwrap();
    let mut second = process.events.listen(UserId(bench.random.uuid())).await.unwrap();
    hears(&process, &mut first, deleted(&bench, owner)).await;

    let gone = bench.clock.now();
    server.stop();
    let (_server, _) = servers::start_redis(Some(port));
    for news in [&mut first, &mut second] {
        let since = missed(news).await;
        assert!(since <= gone, "{since} is after the loss, {gone}");
        assert!(since >= began.minus(Duration::from_secs(1)), "{since} is long before the loss, {gone}");
    }
    all_work_again_in_time(&process).await;
    hears(&process, &mut first, deleted(&bench, owner)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_waits_while_redis_goes_gets_an_error_and_then_works_on() {
    let (server, url) = servers::start_redis(None);
    let port: u16 = url.rsplit(':').next().unwrap().parse().unwrap();
    let bench = Bench::over(&url);
    let jobs = bench.process().await.jobs;
    let waiting = tokio::spawn({
        let jobs = jobs.clone();
        async move { jobs.reserve(Duration::from_secs(60)).await }
    });
    sleep(Duration::from_millis(200)).await;
    server.stop();
    let outcome = timeout(END, waiting).await.expect("it waits on").unwrap();
    assert_eq!(outcome.unwrap_err().code(), ErrorCode::ServiceUnavailable);

    let (_server, _) = servers::start_redis(Some(port));
    let deadline = Instant::now() + BACK;
    while jobs.enqueue(job(1)).await.is_err() {
        assert!(Instant::now() < deadline);
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(jobs.reserve(BACK).await.unwrap().unwrap().key, job(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_redis_is_as_good_as_a_new_one() {
    let (_server, url) = servers::start_redis(None);
    let bench = Bench::over(&url);
    let process = bench.process().await;
    let owner = UserId(bench.random.uuid());
    let mut news = process.events.listen(owner).await.unwrap();
    process.jobs.enqueue(job(1)).await.unwrap();
    process.jobs.enqueue(job(2)).await.unwrap();
    let taken = process.jobs.reserve(BACK).await.unwrap().unwrap();

    let client = client(&url).await;
    client.flushall::<()>(false).await.unwrap();
    client.script_flush(false).await.unwrap();

    assert!(!process.jobs.renew(&taken).await.unwrap());
    process.jobs.complete(&taken).await.unwrap();
    assert_eq!(process.jobs.depth().await.unwrap(), QueueDepth::default());
    assert!(process.jobs.enqueue(job(1)).await.unwrap());
    assert_eq!(process.jobs.reserve(BACK).await.unwrap().unwrap().key, job(1));
    for outcome in calls(&process).await {
        outcome.unwrap();
    }
    hears(&process, &mut news, deleted(&bench, owner)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_redis_holds_no_call_for_long_and_service_is_back_soon_after_it_speaks() {
    let url = servers::redis_url();
    let proxy = Proxy::start(url.trim_start_matches("redis://").to_owned()).await;
    let bench = Bench::over(&format!("redis://127.0.0.1:{}", proxy.port));
    let process = bench.process().await;
    let owner = UserId(bench.random.uuid());
    let mut news = process.events.listen(owner).await.unwrap();
    all_work_again_in_time(&process).await;

    proxy.freeze();
    let frozen = bench.clock.now();
    // Some calls all the time: traffic must not make a silent connection look alive.
    for _ in 0..3 {
        all_fail_clean_in_time(&process).await;
        sleep(Duration::from_millis(500)).await;
    }
    proxy.thaw();
    all_work_again_in_time(&process).await;
    let since = missed(&mut news).await;
    assert!(since <= frozen, "{since} is after the fault, {frozen}");
    hears(&process, &mut news, deleted(&bench, owner)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_refuses_or_never_answers_is_unavailable_from_the_start() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for port in [servers::free_port(), silent.local_addr().unwrap().port()] {
        let url = format!("redis://127.0.0.1:{port}");
        let outcome = timeout(END, Redis::connect(&url, "test", LEASE, Clock::system())).await.expect("it hangs");
        let error = outcome.err().expect("there is no Redis");
        assert_eq!(error.code(), ErrorCode::ServiceUnavailable, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_and_never_leased_comes_back_after_a_lease() {
    let url = servers::redis_url();
    let bench = Bench::over(&url);
    let jobs = bench.process().await.jobs;
    jobs.enqueue(job(1)).await.unwrap();
    let client = client(&url).await;
    let moved: Option<String> = client
        .lmove(bench.key("queue"), bench.key("reserved"), LMoveDirection::Left, LMoveDirection::Right)
        .await
        .unwrap();
    assert!(moved.is_some());
    jobs.enqueue(job(2)).await.unwrap();
    let began = Instant::now();
    while jobs.depth().await.unwrap().queued < 2 {
        jobs.reap().await.unwrap();
        assert!(began.elapsed() < 3 * (LEASE + Duration::from_secs(1)), "it does not come back");
        sleep(Duration::from_millis(20)).await;
    }
    assert!(began.elapsed() + Duration::from_millis(1) >= LEASE, "it was given no grace");
    assert_eq!(jobs.reserve(BACK).await.unwrap().unwrap().key, job(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_job_any_more_is_dropped() {
    let url = servers::redis_url();
    let bench = Bench::over(&url);
    let jobs = bench.process().await.jobs;
    let client = client(&url).await;
    client.rpush::<(), _, _>(bench.key("queue"), "a stray").await.unwrap();
    client.rpush::<(), _, _>(bench.key("reserved"), "another").await.unwrap();
    jobs.enqueue(job(1)).await.unwrap();
    assert_eq!(jobs.reserve(BACK).await.unwrap().unwrap().key, job(1));
    jobs.reap().await.unwrap();
    let depth = jobs.depth().await.unwrap();
    assert_eq!(depth, QueueDepth { reserved: 1, ..QueueDepth::default() });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_whose_place_was_removed_are_queued_again() {
    let url = servers::redis_url();
    let bench = Bench::over(&url);
    let jobs = bench.process().await.jobs;
    for number in 1..=4 {
        jobs.enqueue(job(number)).await.unwrap();
    }
    let held = jobs.reserve(BACK).await.unwrap().unwrap();
    let later = jobs.reserve(BACK).await.unwrap().unwrap();
    jobs.retry(&later, Duration::from_secs(3600), true).await.unwrap();
    let client = client(&url).await;
    for place in ["queue", "reserved", "delayed"] {
        client.del::<(), _>(bench.key(place)).await.unwrap();
        jobs.reap().await.unwrap();
    }
    assert_eq!(jobs.depth().await.unwrap(), QueueDepth { queued: 4, ..QueueDepth::default() });
    // Whoever had one in its hands may still finish it.
    jobs.complete(&held).await.unwrap();
    let mut left = HashSet::new();
    while let Some(job) = jobs.reserve(Duration::from_millis(10)).await.unwrap() {
        assert!(left.insert(job.key), "{:?} is queued twice", job.key);
        jobs.complete(&job).await.unwrap();
    }
    assert_eq!(left, [2, 3, 4].map(job).into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_buried_jobs_the_newest_ten_thousand_are_kept() {
    let url = servers::redis_url();
    let bench = Bench::over(&url);
    let jobs = bench.process().await.jobs;
    let client = client(&url).await;
    let old = "for i = 1, 10000 do
        local job = string.format('00000000-0000-0000-0000-%012x:1', i)
        redis.call('ZADD', KEYS[1], i, job)
        redis.call('HSET', KEYS[2], job, 'a reason')
    end";
    let keys = ["buried", "reasons"].map(|name| bench.key(name));
    client.eval::<(), _, _, _>(old, keys.to_vec(), None::<String>).await.unwrap();
    jobs.enqueue(job(20_000)).await.unwrap();
    let taken = jobs.reserve(BACK).await.unwrap().unwrap();
    jobs.bury(&taken, "the last").await.unwrap();
    let buried = jobs.buried(usize::MAX).await.unwrap();
    assert_eq!(buried.len(), 10_000);
    assert_eq!((buried[0].key, buried[9_999].key), (job(20_000), job(2)));
    assert_eq!(client.hlen::<u64, _>(bench.key("reasons")).await.unwrap(), 10_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_is_in_one_slot_of_a_cluster_and_none_that_could_outlive_its_use_lacks_an_expiry() {
    let (_server, url) = servers::start_redis(None);
    let bench = Bench::over(&url);
    let process = bench.process().await;
    for outcome in calls(&process).await {
        outcome.unwrap();
    }
    let client = client(&url).await;
    let keys: Vec<String> =
        client.custom(fred::types::CustomCommand::new_static("KEYS", None, false), vec!["*"]).await.unwrap();
    assert!(!keys.is_empty());
    for key in keys {
        assert!(key.starts_with(&bench.key("")), "{key}");
        let lasting = ["queue", "jobs"].map(|name| bench.key(name)).contains(&key);
        let left: i64 = client
            .custom(fred::types::CustomCommand::new_static("PTTL", None, false), vec![key.clone()])
            .await
            .unwrap();
        assert_eq!(left == -1, lasting, "{key}");
    }
}
