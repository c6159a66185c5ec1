//! The contract of `Events`.

use std::time::Duration;

use futures_util::{StreamExt as _, stream::BoxStream};
use strongroom::{
    model::{FileId, UserId},
    store::{Event, News, Settled},
};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Backend, bench::Bench};

crate::on_both_back_ends!(
    every_process_hears_what_one_publishes,
    nobody_hears_of_the_files_of_others,
    what_is_published_after_listening_is_heard,
    every_listener_of_a_user_hears_and_one_that_leaves_takes_nothing_from_the_others,
    a_slow_listener_is_told_that_it_has_missed_something,
);

pub async fn next(news: &mut BoxStream<'static, News>) -> News {
    timeout(Duration::from_secs(10), news.next()).await.expect("nothing is heard").expect("the stream ended")
}

fn deleted(bench: &Bench, owner: UserId) -> Event {
    Event::Deleted { owner, file: FileId(bench.random.uuid()) }
}

async fn every_process_hears_what_one_publishes(backend: Backend) {
    let bench = Bench::new(backend);
    let (here, there) = (bench.process().await.events, bench.process().await.events);
    let owner = UserId(bench.random.uuid());
    let mut near = here.listen(owner).await.unwrap();
    let mut far = there.listen(owner).await.unwrap();
    let settled = Event::Settled(Settled { file: FileId(bench.random.uuid()), owner, generation: 3 });
    for event in [settled, deleted(&bench, owner)] {
        there.publish(&event).await.unwrap();
        assert_eq!(next(&mut near).await, News::Event(event));
        assert_eq!(next(&mut far).await, News::Event(event));
    }
}

async fn nobody_hears_of_the_files_of_others(backend: Backend) {
    let bench = Bench::new(backend);
    let (here, there) = (bench.process().await.events, bench.process().await.events);
    let (ada, bob) = (UserId(bench.random.uuid()), UserId(bench.random.uuid()));
    let mut by_ada = here.listen(ada).await.unwrap();
    let mut by_bob = here.listen(bob).await.unwrap();
    let (for_ada, for_bob) = (deleted(&bench, ada), deleted(&bench, bob));
    for event in [for_bob, for_ada, for_bob] {
        there.publish(&event).await.unwrap();
    }
    assert_eq!(next(&mut by_ada).await, News::Event(for_ada));
    assert_eq!(next(&mut by_bob).await, News::Event(for_bob));
    assert_eq!(next(&mut by_bob).await, News::Event(for_bob));
}

async fn what_is_published_after_listening_is_heard(backend: Backend) {
    let bench = Bench::new(backend);
    let (here, there) = (bench.process().await.events, bench.process().await.events);
    for _ in 0..100 {
        let owner = UserId(bench.random.uuid());
        let event = deleted(&bench, owner);
        let mut heard = here.listen(owner).await.unwrap();
        there.publish(&event).await.unwrap();
        assert_eq!(next(&mut heard).await, News::Event(event));
    }
}

async fn every_listener_of_a_user_hears_and_one_that_leaves_takes_nothing_from_the_others(backend: Backend) {
    let bench = Bench::new(backend);
    let (here, there) = (bench.process().await.events, bench.process().await.events);
    let owner = UserId(bench.random.uuid());
    let mut stays = here.listen(owner).await.unwrap();
    let mut leaves = here.listen(owner).await.unwrap();
    let event = deleted(&bench, owner);
    there.publish(&event).await.unwrap();
    assert_eq!(next(&mut stays).await, News::Event(event));
    assert_eq!(next(&mut leaves).await, News::Event(event));
    drop(leaves);
    // Longer than it takes to unsubscribe from what nobody listens to.
    let end = Instant::now() + Duration::from_millis(2500);
    while Instant::now() < end {
        let event = deleted(&bench, owner);
        there.publish(&event).await.unwrap();
        assert_eq!(next(&mut stays).await, News::Event(event));
        sleep(Duration::from_millis(100)).await;
    }
    drop(stays);
    sleep(Duration::from_millis(1500)).await;
    let mut again = here.listen(owner).await.unwrap();
    let event = deleted(&bench, owner);
    there.publish(&event).await.unwrap();
    assert_eq!(next(&mut again).await, News::Event(event));
}

async fn a_slow_listener_is_told_that_it_has_missed_something(backend: Backend) {
    let bench = Bench::new(backend);
    let (here, there) = (bench.process().await.events, bench.process().await.events);
    let owner = UserId(bench.random.uuid());
    let mut slow = here.listen(owner).await.unwrap();
    let first = deleted(&bench, owner);
    there.publish(&first).await.unwrap();
    assert_eq!(next(&mut slow).await, News::Event(first));
    let mut fast = here.listen(owner).await.unwrap();
    let before = bench.clock.now();
    for _ in 0..500 {
        let event = deleted(&bench, owner);
        there.publish(&event).await.unwrap();
        // By now it has come in.
        assert_eq!(next(&mut fast).await, News::Event(event));
    }
    let News::Missed(since) = next(&mut slow).await else { panic!("it has heard them all") };
    assert!(since <= before, "{since} is after the first that was missed, {before}");
    let last = deleted(&bench, owner);
    there.publish(&last).await.unwrap();
    let mut kept = 0;
    while next(&mut slow).await != News::Event(last) {
        kept += 1;
    }
    assert!(kept < 500, "memory has no bound");
}
