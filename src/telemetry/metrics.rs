//! What is counted, for Prometheus.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

use super::{process, troubles::TROUBLES};
use crate::{
    error::{Error, Result},
    store::{Pool, QueueDepth},
};

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

impl ThumbnailOutcome {
    /// As metrics and the log have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Retried => "retried",
            Self::Superseded => "superseded",
        }
    }
}

impl EncodeLabelValue for ThumbnailOutcome {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), fmt::Error> {
        self.as_str().encode(encoder)
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

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BackendLabels {
    backend: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PoolLabels {
    pool: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProblemLabels {
    problem: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BudgetLabels {
    budget: &'static str,
}

/// The one series of a family that may be absent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Alone {}

/// How long an image may wait for its thumbnails before it counts as overdue.
pub const OVERDUE: Duration = Duration::from_secs(300);
const OVERDUE_HELP: &str = "Images that have waited for thumbnails for more than five minutes, counted up to 500";

const WAIT_HELP: &str =
    "How long the image that is next in the queue has waited for its thumbnails; 0 when none is queued";

const CHECKUP_HELP: &str =
    "What the last comparison of bytes and rows by this process found (`strongroom doctor` shows it)";

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
    lease_losses: Counter,
    queue: Family<QueueLabels, Gauge>,
    overdue: Family<Alone, Gauge>,
    queue_wait: Family<Alone, Gauge>,
    backends: Family<BackendLabels, Gauge>,
    pools: Family<PoolLabels, Gauge>,
    pool_limits: Family<PoolLabels, Gauge>,
    subscribers: Gauge,
    memory: Family<BudgetLabels, Gauge>,
    resident: Family<Alone, Gauge>,
    open_files: Family<Alone, Gauge>,
    checkup: Family<ProblemLabels, Gauge>,
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
        let thumbnails = Family::<OutcomeLabels, Counter>::default();
        // From the start, as the failures in `TROUBLES`.
        for outcome in
            [ThumbnailOutcome::Ready, ThumbnailOutcome::Failed, ThumbnailOutcome::Retried, ThumbnailOutcome::Superseded]
        {
            drop(thumbnails.get_or_create(&OutcomeLabels { outcome }));
        }
        let render_seconds = Histogram::new(SECONDS);
        let lease_losses = Counter::default();
        let (queue, overdue, backends) = (Family::default(), Family::default(), Family::default());
        let queue_wait = Family::default();
        let (pools, pool_limits) = (Family::default(), Family::default());
        let (subscribers, memory) = (Gauge::default(), Family::default());
        let (resident, open_files) = (Family::default(), Family::default());
        let checkup = Family::default();
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
        registry.register("lease_losses", "Thumbnail jobs whose worker went silent", lease_losses.clone());
        registry.register_with_unit("queue_wait", WAIT_HELP, Unit::Seconds, queue_wait.clone());
        registry.register("images_overdue", OVERDUE_HELP, overdue.clone());
        registry.register("backend_up", "Whether a back end answers: 1 or 0", backends.clone());
        registry.register(
            "pool_in_use",
            "Connections to a store, or places in its queue, that calls have taken",
            pools.clone(),
        );
        registry.register("pool_limit", "How many of them there can be; then calls wait", pool_limits.clone());
        registry.register(
            "errors",
            "Failures of the stores and of this program, as the log has them",
            TROUBLES.clone(),
        );
        registry.register("subscribers", "WebSockets and streams of answers", subscribers.clone());
        registry.register_with_unit(
            "memory_in_use",
            "What requests and answers have reserved of their budgets",
            Unit::Bytes,
            memory.clone(),
        );
        registry.register_with_unit("resident_memory", "Memory of this process", Unit::Bytes, resident.clone());
        registry.register("open_files", "Files and sockets that this process has open", open_files.clone());
        registry.register("checkup_problems", CHECKUP_HELP, checkup.clone());
        registry.register("build", "The version of the program", build);
        Self(Arc::new(Counts {
            registry,
            requests,
            request_seconds,
            uploads,
            uploaded_bytes,
            thumbnails,
            render_seconds,
            lease_losses,
            queue,
            overdue,
            queue_wait,
            backends,
            pools,
            pool_limits,
            subscribers,
            memory,
            resident,
            open_files,
            checkup,
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

    /// Leases expired, and their jobs were queued again.
    pub fn lease_losses(&self, jobs: u64) {
        self.0.lease_losses.inc_by(jobs);
    }

    /// Whether a back end answers.
    pub fn backend(&self, backend: &'static str, answers: bool) {
        self.0.backends.get_or_create(&BackendLabels { backend }).set(i64::from(answers));
    }

    /// How much of what calls to a store share is taken.
    pub fn pool(&self, pool: &Pool) {
        let labels = PoolLabels { pool: pool.name };
        self.0.pools.get_or_create(&labels).set(whole(pool.in_use as u64));
        self.0.pool_limits.get_or_create(&labels).set(whole(pool.limit as u64));
    }

    /// How many images have waited for longer than [`OVERDUE`]. `None`: not known, so nothing is claimed of it.
    pub fn overdue(&self, images: Option<usize>) {
        set_or_clear(&self.0.overdue, images.map(|images| images as u64));
    }

    /// How long the first image of the queue has waited. `None`: not known, so nothing is claimed of it.
    pub fn queue_wait(&self, wait: Option<Duration>) {
        set_or_clear(&self.0.queue_wait, wait.map(|wait| wait.as_secs()));
    }

    /// How many listen, over WebSockets and streams.
    pub fn subscribers(&self, count: usize) {
        self.0.subscribers.set(whole(count as u64));
    }

    /// How many bytes of a budget are taken.
    pub fn memory(&self, budget: &'static str, bytes: usize) {
        self.0.memory.get_or_create(&BudgetLabels { budget }).set(whole(bytes as u64));
    }

    /// What a checkup found of one kind of problem.
    pub fn checkup(&self, problem: &'static str, found: u64) {
        self.0.checkup.get_or_create(&ProblemLabels { problem }).set(whole(found));
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
            self.0.queue.get_or_create(&QueueLabels { state }).set(whole(jobs));
        }
    }

    /// Everything, in the `OpenMetrics` text format 1.0.0, which Prometheus reads.
    pub fn encode(&self) -> Result<String> {
        // Where the system does not tell, nothing is claimed.
        set_or_clear(&self.0.resident, process::resident_bytes());
        set_or_clear(&self.0.open_files, process::open_files());
        let mut text = String::new();
        encode(&mut text, &self.0.registry).map_err(Error::internal)?;
        Ok(text)
    }
}

/// A gauge that is absent while its value is not known.
fn set_or_clear(gauge: &Family<Alone, Gauge>, value: Option<u64>) {
    match value {
        Some(value) => drop(gauge.get_or_create(&Alone {}).set(whole(value))),
        None => gauge.clear(),
    }
}

fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Clients may invent methods; the set of labels has to stay small.
fn method_label(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::{super::troubles::Failure, *};

    /// One with a series in every family.
    fn filled() -> Metrics {
        let metrics = Metrics::new();
        metrics.request("GET", Some("/files/{id}"), 206, Duration::from_millis(3));
        metrics.request("BREW", None, 405, Duration::from_millis(1));
        metrics.clone().upload(1234);
        metrics.thumbnail(ThumbnailOutcome::Ready, Duration::from_millis(70));
        metrics.queue(Some(QueueDepth { queued: 3, ..QueueDepth::default() }));
        metrics.lease_losses(2);
        metrics.overdue(Some(7));
        metrics.queue_wait(Some(Duration::from_millis(90_500)));
        metrics.backend("redis", false);
        metrics.pool(&Pool { name: "mongodb", in_use: 7, limit: 64 });
        metrics.subscribers(5);
        metrics.memory("answers", 2048);
        metrics.checkup("missing_original", 2);
        drop(TROUBLES.get_or_create(&Failure { of: "other" }));
        metrics
    }

    #[test]
    fn what_is_counted_is_shown() {
        let metrics = filled();
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
            "strongroom_lease_losses_total 2",
            "strongroom_images_overdue{} 7",
            "strongroom_queue_wait_seconds{} 90",
            r#"strongroom_backend_up{backend="redis"} 0"#,
            r#"strongroom_pool_in_use{pool="mongodb"} 7"#,
            r#"strongroom_pool_limit{pool="mongodb"} 64"#,
            "strongroom_subscribers 5",
            r#"strongroom_memory_in_use_bytes{budget="answers"} 2048"#,
            r#"strongroom_checkup_problems{problem="missing_original"} 2"#,
            "strongroom_build_info{version=",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line}\n in\n{text}");
        }
        metrics.queue(None);
        metrics.overdue(None);
        let text = metrics.encode().unwrap();
        assert!(!text.contains("strongroom_queue_jobs{") && !text.contains("strongroom_images_overdue{"), "{text}");
    }

    #[test]
    fn every_metric_of_the_dashboard_and_of_the_alerts_exists() {
        let text = filled().encode().unwrap();
        let known: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
        // Read, not compiled in: a build from the Dockerfile's copy of the sources has no deploy folder.
        let files = ["deploy/grafana/strongroom.json", "deploy/prometheus/alerts.yml"]
            .map(|file| std::fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap());
        let mut named = 0;
        for file in files {
            let words = file.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            for metric in words.filter(|word| word.starts_with("strongroom_")) {
                let family =
                    ["_total", "_bucket", "_sum", "_count", "_info"].iter().find_map(|end| metric.strip_suffix(end));
                let family = family.unwrap_or(metric);
                assert!(known.contains(&family), "{metric}: {known:?}");
                named += 1;
            }
        }
        assert!(named > 20, "{named}");
    }
}
