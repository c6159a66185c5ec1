//! Turns for operations that take long: as many at once as there are cores, one for each client. Ordinary ones go past them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Caller;
use crate::model::Client;

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
    pub async fn take(&self, caller: &Caller) -> Turn {
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
        let first = turns.take(&from(1)).await;
        let (one, two, three) = (from(1), from(2), from(3));
        let mut again = Box::pin(turns.take(&one));
        assert!(again.as_mut().now_or_never().is_none());
        let second = turns.take(&two).now_or_never().unwrap();
        let mut third = Box::pin(turns.take(&three));
        assert!(third.as_mut().now_or_never().is_none());
        drop(first);
        // Who came first of all the others, and not who has waited for itself.
        assert!(again.as_mut().now_or_never().is_none());
        let third = third.await;
        drop((second, third));
        drop(again.await);
        assert!(turns.clients.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn who_gives_up_waiting_is_forgotten() {
        let turns = Turns::new(1);
        let first = turns.take(&from(1)).await;
        assert!(turns.take(&from(2)).now_or_never().is_none());
        assert!(turns.take(&from(1)).now_or_never().is_none());
        drop(first);
        assert!(turns.clients.lock().unwrap().is_empty());
    }
}
