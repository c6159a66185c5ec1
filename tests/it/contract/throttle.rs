//! The contract of `Throttle`.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use strongroom::{
    model::Clock,
    store::{Counter, Throttle},
};
use tokio::time::{Instant, sleep};

use crate::support::{Backend, bench::Bench};

crate::on_both_back_ends!(
    a_counter_allows_its_limit_and_then_says_how_long_to_wait,
    one_counter_that_refuses_keeps_all_from_counting,
    racing_tries_never_pass_the_limit,
    a_try_that_is_taken_back_does_not_count,
    a_cleared_counter_is_at_nothing,
    a_window_begins_with_the_first_try_and_ends,
    a_counter_that_allows_nothing_refuses,
);

const WINDOW: Duration = Duration::from_secs(60);

fn counter(key: &str, limit: u32) -> Counter {
    Counter { key: key.to_owned(), limit }
}

async fn hit(throttle: &Arc<dyn Throttle>, counters: &[Counter]) -> Option<Duration> {
    throttle.hit(counters, WINDOW, Clock::system().now()).await.unwrap()
}

async fn a_counter_allows_its_limit_and_then_says_how_long_to_wait(backend: Backend) {
    let bench = Bench::new(backend);
    let (here, there) = (bench.process().await.throttle, bench.process().await.throttle);
    let counters = [counter("any text: ü {}", 2)];
    assert_eq!(hit(&here, &counters).await, None);
    assert_eq!(hit(&there, &counters).await, None);
    let wait = hit(&here, &counters).await.unwrap();
    assert!(wait <= WINDOW && wait + Duration::from_secs(10) > WINDOW, "{wait:?}");
    assert_eq!(hit(&here, &[]).await, None);
}

async fn one_counter_that_refuses_keeps_all_from_counting(backend: Backend) {
    let bench = Bench::new(backend);
    let throttle = bench.process().await.throttle;
    let (narrow, wide) = (counter("narrow", 1), counter("wide", 3));
    assert_eq!(hit(&throttle, &[wide.clone(), narrow.clone()]).await, None);
    for _ in 0..5 {
        assert!(hit(&throttle, &[wide.clone(), narrow.clone()]).await.is_some());
    }
    assert_eq!(hit(&throttle, std::slice::from_ref(&wide)).await, None);
    assert_eq!(hit(&throttle, std::slice::from_ref(&wide)).await, None);
    assert!(hit(&throttle, &[wide]).await.is_some());
}

async fn racing_tries_never_pass_the_limit(backend: Backend) {
    let bench = Bench::new(backend);
    let processes = [bench.process().await.throttle, bench.process().await.throttle];
    let tries = (0..200).map(|i| {
        let throttle = processes[i % 2].clone();
        let counters = [counter("one", 20), counter(&format!("of {}", i % 10), 1000)];
        async move { tokio::spawn(async move { hit(&throttle, &counters).await }).await.unwrap() }
    });
    let through = join_all(tries).await.into_iter().filter(Option::is_none).count();
    assert_eq!(through, 20);
}

async fn a_try_that_is_taken_back_does_not_count(backend: Backend) {
    let bench = Bench::new(backend);
    let throttle = bench.process().await.throttle;
    let counters = [counter("a", 2), counter("b", 2)];
    let keys = counters.clone().map(|counter| counter.key);
    for _ in 0..5 {
        assert_eq!(hit(&throttle, &counters).await, None);
        throttle.undo(&keys).await.unwrap();
    }
    // Nothing is taken back where there is nothing.
    throttle.undo(&keys).await.unwrap();
    throttle.undo(&[]).await.unwrap();
    assert_eq!(hit(&throttle, &counters).await, None);
    assert_eq!(hit(&throttle, &counters).await, None);
    assert!(hit(&throttle, &counters).await.is_some());
    throttle.undo(&keys[..1]).await.unwrap();
    assert!(hit(&throttle, &counters).await.is_some(), "the other counter is still full");
}

async fn a_cleared_counter_is_at_nothing(backend: Backend) {
    let bench = Bench::new(backend);
    let throttle = bench.process().await.throttle;
    let counters = [counter("a", 1)];
    assert_eq!(hit(&throttle, &counters).await, None);
    throttle.clear("a").await.unwrap();
    throttle.clear("never seen").await.unwrap();
    assert_eq!(hit(&throttle, &counters).await, None);
    assert!(hit(&throttle, &counters).await.is_some());
}

async fn a_window_begins_with_the_first_try_and_ends(backend: Backend) {
    let bench = Bench::new(backend);
    let throttle = bench.process().await.throttle;
    let (window, pause) = (Duration::from_secs(1), Duration::from_millis(300));
    let counters = [counter("a", 2)];
    assert_eq!(throttle.hit(&counters, window, bench.clock.now()).await.unwrap(), None);
    sleep(pause).await;
    assert_eq!(throttle.hit(&counters, window, bench.clock.now()).await.unwrap(), None);
    let wait = throttle.hit(&counters, window, bench.clock.now()).await.unwrap().unwrap();
    assert!(wait + pause <= window, "a later try has put off the end: {wait:?}");
    let deadline = Instant::now() + 3 * window;
    while throttle.hit(&counters, window, bench.clock.now()).await.unwrap().is_some() {
        assert!(Instant::now() < deadline, "the window does not end");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn a_counter_that_allows_nothing_refuses(backend: Backend) {
    let bench = Bench::new(backend);
    let throttle = bench.process().await.throttle;
    assert_eq!(hit(&throttle, &[counter("none", 0)]).await, Some(WINDOW));
}
