//! Counts what [`crate::error::Error::log`] writes, so that the log and the metrics agree.

use std::{fmt, sync::LazyLock};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::layer::{Context, Layer};

/// Where [`crate::error::Error::log`] writes from.
const TARGET: &str = "strongroom::error";

/// A failure: of which store, `other` for what is merely busy, `internal` for faults of this program.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Failure {
    /// Of whom.
    pub of: &'static str,
}

/// The counts. Those of the process, as the log is: there is one.
pub static TROUBLES: LazyLock<Family<Failure, Counter>> = LazyLock::new(|| {
    let counts = Family::<Failure, Counter>::default();
    // From the start: what a series begins with is no increase, and an alert would miss the first failure.
    for of in ["mongodb", "redis", "sqlite", "blobs", "other", "internal"] {
        drop(counts.get_or_create(&Failure { of }));
    }
    counts
});

/// Listens to the log, whatever of it is shown.
pub struct Troubles;

impl<S: Subscriber> Layer<S> for Troubles {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != TARGET {
            return;
        }
        let mut failure = Failure { of: "internal" };
        if *event.metadata().level() == Level::WARN {
            event.record(&mut failure);
        }
        TROUBLES.get_or_create(&failure).inc();
    }
}

impl Visit for Failure {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "what" {
            self.of = label(value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// The label of a store by its name in [`crate::error::Error::Unavailable`], as `/readyz` has it.
fn label(what: &str) -> &'static str {
    match what {
        "MongoDB" => "mongodb",
        "Redis" => "redis",
        "SQLite" => "sqlite",
        "the blob store" => "blobs",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::error::{Error, ErrorCode};

    #[test]
    fn what_the_log_has_is_counted_under_the_name_of_the_store() {
        let count = |of| TROUBLES.get_or_create(&Failure { of }).get();
        let before = ["redis", "blobs", "other", "internal"].map(count);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(Troubles), || {
            Error::unavailable("Redis", "refused").log();
            Error::unavailable("Redis", "silent").log();
            Error::unavailable("the blob store", "gone").log();
            Error::unavailable("a turn", "busy").log();
            Error::internal("a fault").log();
            // What users can put right is not in the log either.
            Error::general(ErrorCode::StorageFull, "full").log();
            tracing::error!(what = "Redis", "of somebody else");
        });
        let after = ["redis", "blobs", "other", "internal"].map(count);
        let more: Vec<_> = after.iter().zip(before).map(|(after, before)| after - before).collect();
        assert_eq!(more, [2, 1, 1, 1]);
    }
}
