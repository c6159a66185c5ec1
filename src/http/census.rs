//! How many subscribers each user has in this process: WebSockets, and streams of answers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::model::UserId;

/// The counts. Cloned freely; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Census(Arc<Mutex<HashMap<UserId, usize>>>);

/// One socket or stream, counted until dropped.
#[derive(Debug)]
pub struct Place {
    census: Census,
    user: UserId,
}

impl Census {
    /// Counts one more, if there are less than this.
    pub fn enter(&self, user: UserId, limit: usize) -> Option<Place> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(user).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(Place { census: self.clone(), user })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.census.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        let census = Census::default();
        let (ada, bob) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let first = census.enter(ada, 2);
        let second = census.enter(ada, 2);
        assert!(first.is_some() && second.is_some());
        assert!(census.enter(ada, 2).is_none());
        assert!(census.enter(bob, 2).is_some());
        drop(first);
        assert!(census.enter(ada, 2).is_some());
        drop(second);
        assert!(census.0.lock().unwrap().is_empty());
    }
}
