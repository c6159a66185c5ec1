//! How many connections there may be, and which of them leave when there is no room for another.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

use super::activity::Activity;

/// How long to wait for those who were asked to leave, before others are.
const PATIENCE: Duration = Duration::from_millis(100);

/// How often the log may say that there is no room.
const REMINDER: Duration = Duration::from_secs(60);

/// The connections there are, and the slots for more.
#[derive(Debug)]
pub struct Room {
    size: usize,
    slots: Arc<Semaphore>,
    guests: Mutex<Guests>,
}

#[derive(Debug, Default)]
struct Guests {
    present: HashMap<u64, Arc<Activity>>,
    next: u64,
    reminded: Option<Instant>,
}

impl Room {
    /// For this many.
    pub fn new(size: usize) -> Arc<Self> {
        Arc::new(Self { size, slots: Arc::new(Semaphore::new(size)), guests: Mutex::default() })
    }

    /// Waits for a slot. When there is none, who has kept us waiting for longest has to leave: thousands of connections
    /// that say nothing must not keep out somebody with a question. A request that runs is never cut short for this.
    pub async fn slot(&self) -> OwnedSemaphorePermit {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return slot;
        }
        self.remind();
        loop {
            self.make_room();
            if let Ok(Ok(slot)) = timeout(PATIENCE, Arc::clone(&self.slots).acquire_owned()).await {
                return slot;
            }
        }
    }

    /// Asks some of those who keep us waiting to leave; several at once, so that a crowd at the door does not make us
    /// look through all of them for each.
    pub fn make_room(&self) {
        let guests = self.guests();
        let waiting = guests.present.values().filter_map(|activity| Some((activity.waits_since()?, activity)));
        let mut waiting: Vec<_> = waiting.collect();
        let leaving = (self.size / 100).max(1).min(waiting.len());
        if leaving < waiting.len() {
            waiting.select_nth_unstable_by_key(leaving, |(since, _)| *since);
        }
        waiting[..leaving].iter().for_each(|(_, activity)| activity.dismiss());
    }

    /// Notes that a connection is here, for as long as the guest lives.
    pub fn enter(self: &Arc<Self>, activity: Arc<Activity>) -> Guest {
        let mut guests = self.guests();
        let number = guests.next;
        guests.next += 1;
        guests.present.insert(number, activity);
        Guest { room: Arc::clone(self), number }
    }

    fn remind(&self) {
        let mut guests = self.guests();
        let now = Instant::now();
        if guests.reminded.is_none_or(|reminded| reminded + REMINDER <= now) {
            guests.reminded = Some(now);
            tracing::warn!(limit = self.size, "server.max_connections is reached; those idle for longest are closed");
        }
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that may be asked to leave.
#[derive(Debug)]
pub struct Guest {
    room: Arc<Room>,
    number: u64,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.room.guests().present.remove(&self.number);
    }
}
