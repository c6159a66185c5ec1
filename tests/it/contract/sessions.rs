//! The contract of `Sessions`.

use std::time::Duration;

use futures_util::future::join_all;
use strongroom::model::{Session, SessionId, TokenId, UserId};
use tokio::time::{Instant, sleep};

use crate::support::{Backend, bench::Bench};

crate::on_both_back_ends!(
    a_session_is_the_same_in_every_process,
    an_ended_session_is_gone_everywhere_at_once,
    of_racing_replacements_one_wins,
    a_session_that_is_gone_is_not_replaced,
    ending_all_sessions_of_a_user_spares_the_one_given_and_those_of_others,
    a_session_that_all_were_ended_with_does_not_come_back_by_a_racing_replacement,
    an_expired_session_vanishes_by_itself,
);

fn session(bench: &Bench, user: UserId) -> Session {
    let now = bench.clock.now();
    Session {
        id: SessionId(bench.random.uuid()),
        user,
        token: TokenId(bench.random.uuid()),
        previous: None,
        created_at: now,
        expires_at: now.plus(Duration::from_secs(3600)),
    }
}

/// With a new token; the old one works on for a moment.
fn renewed(bench: &Bench, session: &Session) -> Session {
    Session {
        token: TokenId(bench.random.uuid()),
        previous: Some((session.token, bench.clock.now().plus(Duration::from_secs(10)))),
        ..session.clone()
    }
}

fn user(bench: &Bench) -> UserId {
    UserId(bench.random.uuid())
}

async fn a_session_is_the_same_in_every_process(backend: Backend) {
    let bench = Bench::new(backend);
    let (here, there) = (bench.process().await.sessions, bench.process().await.sessions);
    let first = session(&bench, user(&bench));
    here.insert(&first).await.unwrap();
    assert_eq!(there.get(first.id).await.unwrap(), Some(first.clone()));
    let second = renewed(&bench, &first);
    assert!(there.replace(first.token, &second).await.unwrap());
    assert_eq!(here.get(first.id).await.unwrap(), Some(second));
    assert_eq!(here.get(SessionId(bench.random.uuid())).await.unwrap(), None);
}

async fn an_ended_session_is_gone_everywhere_at_once(backend: Backend) {
    let bench = Bench::new(backend);
    let (here, there) = (bench.process().await.sessions, bench.process().await.sessions);
    let session = session(&bench, user(&bench));
    here.insert(&session).await.unwrap();
    here.remove(session.id).await.unwrap();
    assert_eq!(there.get(session.id).await.unwrap(), None);
    there.remove(session.id).await.unwrap();
}

async fn of_racing_replacements_one_wins(backend: Backend) {
    let bench = Bench::new(backend);
    let processes = [bench.process().await.sessions, bench.process().await.sessions];
    for _ in 0..10 {
        let old = session(&bench, user(&bench));
        processes[0].insert(&old).await.unwrap();
        let rivals: Vec<_> = (0..10).map(|_| renewed(&bench, &old)).collect();
        let outcomes = join_all(rivals.iter().enumerate().map(|(i, rival)| {
            let (sessions, token, rival) = (processes[i % 2].clone(), old.token, rival.clone());
            async move { tokio::spawn(async move { sessions.replace(token, &rival).await.unwrap() }).await.unwrap() }
        }))
        .await;
        let winners: Vec<_> = rivals.iter().zip(outcomes).filter(|(_, won)| *won).map(|(rival, _)| rival).collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(processes[0].get(old.id).await.unwrap().as_ref(), Some(winners[0]));
    }
}

async fn a_session_that_is_gone_is_not_replaced(backend: Backend) {
    let bench = Bench::new(backend);
    let sessions = bench.process().await.sessions;
    let old = session(&bench, user(&bench));
    sessions.insert(&old).await.unwrap();
    sessions.remove(old.id).await.unwrap();
    assert!(!sessions.replace(old.token, &renewed(&bench, &old)).await.unwrap());
    assert_eq!(sessions.get(old.id).await.unwrap(), None);
}

async fn ending_all_sessions_of_a_user_spares_the_one_given_and_those_of_others(backend: Backend) {
    let bench = Bench::new(backend);
    let (here, there) = (bench.process().await.sessions, bench.process().await.sessions);
    let (ada, bob) = (user(&bench), user(&bench));
    let all: Vec<_> = [ada, ada, ada, bob].map(|user| session(&bench, user)).into();
    for session in &all {
        here.insert(session).await.unwrap();
    }
    // One that has been refreshed is still found.
    assert!(here.replace(all[0].token, &renewed(&bench, &all[0])).await.unwrap());
    here.remove_all(ada, Some(all[1].id)).await.unwrap();
    let mut left = Vec::new();
    for session in &all {
        left.push(there.get(session.id).await.unwrap().is_some());
    }
    assert_eq!(left, [false, true, false, true]);
    here.remove_all(ada, None).await.unwrap();
    assert_eq!(there.get(all[1].id).await.unwrap(), None);
    assert!(there.get(all[3].id).await.unwrap().is_some());
}

async fn a_session_that_all_were_ended_with_does_not_come_back_by_a_racing_replacement(backend: Backend) {
    let bench = Bench::new(backend);
    let (here, there) = (bench.process().await.sessions, bench.process().await.sessions);
    for _ in 0..30 {
        let old = session(&bench, user(&bench));
        here.insert(&old).await.unwrap();
        let new = renewed(&bench, &old);
        let (ended, replaced) = tokio::join!(here.remove_all(old.user, None), there.replace(old.token, &new));
        ended.unwrap();
        replaced.unwrap();
        assert_eq!(here.get(old.id).await.unwrap(), None);
    }
}

async fn an_expired_session_vanishes_by_itself(backend: Backend) {
    let bench = Bench::new(backend);
    let sessions = bench.process().await.sessions;
    let life = Duration::from_millis(300);
    let short = Session { expires_at: bench.clock.now().plus(life), ..session(&bench, user(&bench)) };
    sessions.insert(&short).await.unwrap();
    assert!(sessions.get(short.id).await.unwrap().is_some());
    let deadline = Instant::now() + 3 * life + Duration::from_secs(1);
    while sessions.get(short.id).await.unwrap().is_some() {
        assert!(Instant::now() < deadline, "it is still there");
        sleep(Duration::from_millis(20)).await;
    }
}
