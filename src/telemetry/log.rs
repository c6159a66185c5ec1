//! The log: what it looks like, and what never gets into it.

use std::io::IsTerminal as _;

use tracing::Level;
use tracing_subscriber::{
    Layer as _,
    filter::{FilterExt as _, Targets, filter_fn},
    fmt::layer,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use super::troubles::Troubles;
use crate::{
    config::LogConfig,
    error::{Error, Result},
};

/// Starts the log, on standard error: text, in colours on a terminal, or one JSON object a line. Once in a process.
pub fn start_log(config: &LogConfig) -> Result<()> {
    let filter: Targets = config.filter.parse().map_err(Error::internal)?;
    // At `trace`, libraries write down what passes through them, tokens and passwords too.
    let discreet = |target: &str| target == "strongroom" || target.starts_with("strongroom::");
    let discreet = filter_fn(move |event| *event.level() < Level::TRACE || discreet(event.target()));
    let filter = filter.and(discreet);
    let layer = if config.json {
        layer().json().with_writer(std::io::stderr).boxed()
    } else {
        let text = layer().with_writer(std::io::stderr);
        // Left alone on a terminal, it also honours NO_COLOR.
        if std::io::stderr().is_terminal() { text.boxed() } else { text.with_ansi(false).boxed() }
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).with(Troubles).try_init().map_err(Error::internal)
}
