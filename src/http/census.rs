//! How many subscribers each client has in this process: WebSockets, and streams of answers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::model::Client;

/// The counts. Cloned freely; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Census(Arc<Mutex<HashMap<Client, usize>>>);

/// One socket or stream, counted until dropped.
#[derive(Debug)]
pub struct Place {
    census: Census,
    client: Client,
}

impl Census {
    /// Counts one more, if there are less than this.
    pub fn enter(&self, client: Client, limit: usize) -> Option<Place> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(client).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(Place { census: self.clone(), client })
    }

    /// How many there are of all clients.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.census.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::UserId;

    #[test]
    fn each_user_has_so_many_places_and_leaving_frees_one() {
        let census = Census::default();
        let [ada, bob] = [1, 2].map(|n| Client::User(UserId(Uuid::from_u128(n))));
        let first = census.enter(ada, 2);
        let second = census.enter(ada, 2);
        assert!(first.is_some() && second.is_some());
        assert!(census.enter(ada, 2).is_none());
        assert!(census.enter(bob, 2).is_some());
        drop(first);
        assert!(census.enter(ada, 2).is_some());
        assert_eq!(census.count(), 1);
        drop(second);
        assert!(census.0.lock().unwrap().is_empty());
    }
}
