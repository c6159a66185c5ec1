//! users.

/// Placeholder.
pub struct SqliteUsers;
