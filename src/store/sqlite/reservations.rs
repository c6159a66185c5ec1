//! reservations.

/// Placeholder.
pub struct SqliteReservations;
