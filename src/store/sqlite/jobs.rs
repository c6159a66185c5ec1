//! jobs.

/// Placeholder.
pub struct SqliteJobs;
