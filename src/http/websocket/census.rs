//! How many sockets each user has open in this process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::model::UserId;

/// The counts. Cloned freely; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Sockets(Arc<Mutex<HashMap<UserId, usize>>>);

/// One socket, counted until dropped.
#[derive(Debug)]
pub struct Place {
    sockets: Sockets,
    user: UserId,
}

impl Sockets {
    /// Counts one more, if there are less than this.
    pub fn enter(&self, user: UserId, limit: usize) -> Option<Place> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(user).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(Place { sockets: self.clone(), user })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.sockets.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_user_has_so_many_places_and_leaving_frees_one() {
        let sockets = Sockets::default();
        let (ada, bob) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let first = sockets.enter(ada, 2);
        let second = sockets.enter(ada, 2);
        assert!(first.is_some() && second.is_some());
        assert!(sockets.enter(ada, 2).is_none());
        assert!(sockets.enter(bob, 2).is_some());
        drop(first);
        assert!(sockets.enter(ada, 2).is_some());
        drop(second);
        assert!(sockets.0.lock().unwrap().is_empty());
    }
}
