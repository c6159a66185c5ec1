//! throttle.

/// Placeholder.
pub struct SqliteThrottle;
