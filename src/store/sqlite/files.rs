//! files.

/// Placeholder.
pub struct SqliteFiles;
