//! What operators see: the log, and the metrics.

use std::{borrow::Cow, fmt, io::IsTerminal as _, sync::Arc, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};
use tracing::Level;
use tracing_subscriber::{
    Layer as _,
    filter::{FilterExt as _, Targets, filter_fn},
    fmt::layer,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    config::LogConfig,
    error::{Error, Result},
    store::QueueDepth,
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
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init().map_err(Error::internal)
}

/// How an attempt to make thumbnails ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ThumbnailOutcome {
    /// They are there.
    Ready,
    /// Given up on.
    Failed,
    /// To be tried again.
    Retried,
    /// The image was deleted meanwhile, or somebody else settled it.
    Superseded,
}

impl EncodeLabelValue for ThumbnailOutcome {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), fmt::Error> {
        let text = match self {
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Retried => "retried",
            Self::Superseded => "superseded",
        };
        text.encode(encoder)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: Cow<'static, str>,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: Cow<'static, str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: ThumbnailOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabels {
    state: &'static str,
}

/// From 1 ms to half a minute: a cached answer, a long upload.
const SECONDS: [f64; 12] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// What is counted, for Prometheus. Cloned freely; all clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<Counts>);

struct Counts {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram>,
    uploads: Counter,
    uploaded_bytes: Counter,
    thumbnails: Family<OutcomeLabels, Counter>,
    render_seconds: Histogram,
    queue: Family<QueueLabels, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("strongroom");
        let requests = Family::default();
        let request_seconds = Family::<_, Histogram>::new_with_constructor(|| Histogram::new(SECONDS));
        let (uploads, uploaded_bytes) = (Counter::default(), Counter::default());
        let thumbnails = Family::default();
        let render_seconds = Histogram::new(SECONDS);
        let queue = Family::default();
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);

        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time from the head of a request to the head of its answer",
            Unit::Seconds,
            request_seconds.clone(),
        );
        registry.register("uploads", "Files stored", uploads.clone());
        registry.register_with_unit("uploaded", "Bytes of the files stored", Unit::Bytes, uploaded_bytes.clone());
        registry.register("thumbnail_jobs", "Attempts to make thumbnails, by how they ended", thumbnails.clone());
        registry.register_with_unit(
            "render_duration",
            "Time an attempt to make thumbnails took",
            Unit::Seconds,
            render_seconds.clone(),
        );
        registry.register("queue_jobs", "Images waiting for thumbnails, by where they wait", queue.clone());
        registry.register("build", "The version of the program", build);
        Self(Arc::new(Counts {
            registry,
            requests,
            request_seconds,
            uploads,
            uploaded_bytes,
            thumbnails,
            render_seconds,
            queue,
        }))
    }

    /// An HTTP request was answered. `route` is a pattern, never a path: a path of one's own for each file would be
    /// a series of its own for each file.
    pub fn request(&self, method: &str, route: Option<&str>, status: u16, took: Duration) {
        let method = method_label(method);
        let route: Cow<'static, str> = route.map_or(Cow::Borrowed("none"), |route| Cow::Owned(route.to_owned()));
        let status = match status {
            100..=199 => "1xx",
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            _ => "5xx",
        };
        self.0.requests.get_or_create(&RequestLabels { method, route: route.clone(), status }).inc();
        self.0.request_seconds.get_or_create(&RouteLabels { method, route }).observe(took.as_secs_f64());
    }

    /// A file was stored.
    pub fn upload(&self, bytes: u64) {
        self.0.uploads.inc();
        self.0.uploaded_bytes.inc_by(bytes);
    }

    /// An attempt to make thumbnails ended.
    pub fn thumbnail(&self, outcome: ThumbnailOutcome, took: Duration) {
        self.0.thumbnails.get_or_create(&OutcomeLabels { outcome }).inc();
        self.0.render_seconds.observe(took.as_secs_f64());
    }

    /// How full the queue is. `None`: not known, so nothing is claimed of it.
    pub fn queue(&self, depth: Option<QueueDepth>) {
        let Some(depth) = depth else { return self.0.queue.clear() };
        for (state, jobs) in [
            ("queued", depth.queued),
            ("reserved", depth.reserved),
            ("delayed", depth.delayed),
            ("buried", depth.buried),
        ] {
            self.0.queue.get_or_create(&QueueLabels { state }).set(i64::try_from(jobs).unwrap_or(i64::MAX));
        }
    }

    /// Everything, in the `OpenMetrics` text format 1.0.0, which Prometheus reads.
    pub fn encode(&self) -> Result<String> {
        let mut text = String::new();
        encode(&mut text, &self.0.registry).map_err(Error::internal)?;
        Ok(text)
    }
}

/// Clients may invent methods; the set of labels has to stay small.
fn method_label(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_shown() {
        let metrics = Metrics::new();
        metrics.request("GET", Some("/files/{id}"), 206, Duration::from_millis(3));
        metrics.request("BREW", None, 405, Duration::from_millis(1));
        metrics.clone().upload(1234);
        metrics.thumbnail(ThumbnailOutcome::Ready, Duration::from_millis(70));
        metrics.queue(Some(QueueDepth { queued: 3, ..QueueDepth::default() }));
        let text = metrics.encode().unwrap();
        for line in [
            r#"strongroom_http_requests_total{method="GET",route="/files/{id}",status="2xx"} 1"#,
            r#"strongroom_http_requests_total{method="other",route="none",status="4xx"} 1"#,
            r#"strongroom_http_request_duration_seconds_count{method="GET",route="/files/{id}"} 1"#,
            "strongroom_uploads_total 1",
            "strongroom_uploaded_bytes_total 1234",
            r#"strongroom_thumbnail_jobs_total{outcome="ready"} 1"#,
            "strongroom_render_duration_seconds_count 1",
            r#"strongroom_queue_jobs{state="queued"} 3"#,
            r#"strongroom_queue_jobs{state="buried"} 0"#,
            "strongroom_build_info{version=",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line}\n in\n{text}");
        }
        metrics.queue(None);
        assert!(!metrics.encode().unwrap().contains("strongroom_queue_jobs{"));
    }
}
