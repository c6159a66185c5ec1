//! What operators see: the log, and the metrics.

mod log;
mod metrics;
mod process;
mod troubles;

pub use self::{
    log::start_log,
    metrics::{Metrics, OVERDUE, ThumbnailOutcome},
};
