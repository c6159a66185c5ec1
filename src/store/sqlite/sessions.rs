//! sessions.

/// Placeholder.
pub struct SqliteSessions;
