//! events.

/// Placeholder.
pub struct LocalEvents;
