//! The listeners of one process: news come in once and go out to everyone who listens for their owner.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{StreamExt as _, stream, stream::BoxStream};
use tokio::sync::broadcast::{self, error::RecvError};

use super::{Event, News};
use crate::model::{Clock, Timestamp, UserId};

/// How many news one owner's listeners may be behind before the oldest are dropped for them.
const BACKLOG: usize = 64;

/// What passes news on. Cloned freely.
#[derive(Clone)]
pub(super) struct Hub(Arc<Inner>);

struct Inner {
    clock: Clock,
    /// Those who are listened for. An entry goes with its last listener.
    owners: Mutex<HashMap<UserId, broadcast::Sender<Heard>>>,
}

/// News, and when they came in.
#[derive(Debug, Clone, Copy)]
struct Heard {
    news: News,
    at: Timestamp,
}

impl Hub {
    pub(super) fn new(clock: Clock) -> Self {
        Self(Arc::new(Inner { clock, owners: Mutex::default() }))
    }

    /// Starts to listen at once, whether or not anybody reads the stream.
    pub(super) fn listen(&self, owner: UserId) -> BoxStream<'static, News> {
        let since = self.0.clock.now();
        let receiver = self.owners_locked().entry(owner).or_insert_with(|| broadcast::Sender::new(BACKLOG)).subscribe();
        let listener = Listener { hub: self.clone(), owner, receiver: Some(receiver), since };
        stream::unfold(listener, async |mut listener| Some((listener.next().await?, listener))).boxed()
    }

    /// Passes an event on to the listeners of its owner.
    pub(super) fn tell(&self, event: Event) {
        let heard = Heard { news: News::Event(event), at: self.0.clock.now() };
        if let Some(sender) = self.owners_locked().get(&event.owner()) {
            // It fails when the last listener has just left.
            let _ = sender.send(heard);
        }
    }

    /// Tells everyone that something may have been missed.
    pub(super) fn missed(&self, since: Timestamp) {
        let heard = Heard { news: News::Missed(since), at: self.0.clock.now() };
        for sender in self.owners_locked().values() {
            let _ = sender.send(heard);
        }
    }

    /// Those who are listened for.
    pub(super) fn owners(&self) -> Vec<UserId> {
        self.owners_locked().keys().copied().collect()
    }

    fn owners_locked(&self) -> MutexGuard<'_, HashMap<UserId, broadcast::Sender<Heard>>> {
        self.0.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Listener {
    hub: Hub,
    owner: UserId,
    /// There until this is dropped.
    receiver: Option<broadcast::Receiver<Heard>>,
    /// When the last news that were read came in: what was dropped came later.
    since: Timestamp,
}

impl Listener {
    async fn next(&mut self) -> Option<News> {
        match self.receiver.as_mut()?.recv().await {
            Ok(heard) => {
                self.since = heard.at;
                Some(heard.news)
            }
            Err(RecvError::Lagged(_)) => Some(News::Missed(self.since)),
            Err(RecvError::Closed) => None,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut owners = self.hub.owners_locked();
        // Within the lock, so that the count is right for whoever leaves last.
        self.receiver = None;
        if owners.get(&self.owner).is_some_and(|sender| sender.receiver_count() == 0) {
            owners.remove(&self.owner);
        }
    }
}
