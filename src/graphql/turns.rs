//! Turns for operations that take long: as many at once as there are cores, one for each client. Ordinary ones go past them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

use super::Caller;
use crate::{
    error::{Error, Result},
    model::Client,
};

/// How long to wait for a turn: with the longest that a store may take, no request takes longer than it may.
const PATIENCE: Duration = Duration::from_millis(1250);

/// How long a turn is. What takes longer mostly waits for a store, and lets others go on.
const LENGTH: Duration = Duration::from_millis(250);

/// The turns. Cloned freely; clones share them.
#[derive(Debug, Clone)]
pub struct Turns {
    all: Arc<Semaphore>,
    clients: Arc<Mutex<HashMap<Client, Queue>>>,
}

/// Of one client: its own turn, and how many of its operations have it or wait for it.
type Queue = (Arc<Semaphore>, usize);

/// A turn, until dropped.
#[derive(Debug)]
pub struct Turn {
    // Given back in this order: the next of this client may wait for all others then.
    // There always is one: nobody closes a semaphore here.
    _of_all: Option<OwnedSemaphorePermit>,
    _of_client: Option<OwnedSemaphorePermit>,
    _listed: Listed,
}

impl Turn {
    /// Works on, and gives the turn back at the end, or when it is over.
    pub async fn work<T>(self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        tokio::select! {
            done = work.as_mut() => return done,
            () = sleep(LENGTH) => {}
        }
        drop(self);
        work.await
    }
}

/// Somebody who has a turn or waits for one.
#[derive(Debug)]
struct Listed {
    turns: Turns,
    client: Client,
}

impl Turns {
    /// So many at once.
    pub fn new(at_once: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(at_once)), clients: Arc::default() }
    }

    /// Waits for a turn. First come, first served, among the clients; each waits for its own operations first.
    /// `SERVICE_UNAVAILABLE` when it does not come for long.
    pub async fn take(&self, caller: &Caller) -> Result<Turn> {
        let waited = timeout(PATIENCE, self.wait(caller)).await;
        waited.map_err(|_| Error::unavailable("a turn", "too many long operations run at the same time"))
    }

    async fn wait(&self, caller: &Caller) -> Turn {
        let client = Client::new(caller.viewer.map(|viewer| viewer.user), caller.address);
        let (own, listed) = self.list(client);
        let of_client = own.acquire_owned().await.ok();
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok();
        Turn { _of_all: of_all, _of_client: of_client, _listed: listed }
    }

    fn list(&self, client: Client) -> (Arc<Semaphore>, Listed) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let (own, count) = clients.entry(client).or_insert_with(|| (Arc::new(Semaphore::new(1)), 0));
        *count += 1;
        (Arc::clone(own), Listed { turns: self.clone(), client })
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut clients = self.turns.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, count)) = clients.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                clients.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use futures_util::FutureExt as _;

    use super::*;

    fn from(last: u8) -> Caller {
        let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
        Caller { viewer: None, address, request_id: String::new(), parts: None, place: None }
    }

    #[tokio::test]
    async fn one_client_cannot_take_the_turns_of_the_others() {
        let turns = Turns::new(2);
        let first = turns.take(&from(1)).await.unwrap();
        let (one, two, three) = (from(1), from(2), from(3));
        let mut again = Box::pin(turns.take(&one));
        assert!(again.as_mut().now_or_never().is_none());
        let second = turns.take(&two).now_or_never().unwrap().unwrap();
        let mut third = Box::pin(turns.take(&three));
        assert!(third.as_mut().now_or_never().is_none());
        drop(first);
        // Who came first of all the others, and not who has waited for itself.
        assert!(again.as_mut().now_or_never().is_none());
        let third = third.await.unwrap();
        drop((second, third));
        drop(again.await.unwrap());
        assert!(turns.clients.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn who_gives_up_waiting_is_forgotten() {
        let turns = Turns::new(1);
        let first = turns.take(&from(1)).await.unwrap();
        assert!(turns.take(&from(2)).now_or_never().is_none());
        assert!(turns.take(&from(1)).now_or_never().is_none());
        drop(first);
        assert!(turns.clients.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_turn_that_takes_long_is_over() {
        let turns = Turns::new(1);
        let stuck = turns.take(&from(1)).await.unwrap().work(std::future::pending::<()>());
        let (one, two) = (from(1), from(2));
        tokio::select! {
            () = stuck => unreachable!("it waits for ever"),
            turn = turns.take(&one) => drop(turn.unwrap()),
        }
        assert!(turns.take(&two).now_or_never().unwrap().is_ok());
    }

    #[tokio::test]
    async fn nobody_waits_for_long() {
        let turns = Turns::new(1);
        let _first = turns.take(&from(1)).await.unwrap();
        assert!(matches!(turns.take(&from(2)).await, Err(Error::Unavailable { .. })));
    }
}
