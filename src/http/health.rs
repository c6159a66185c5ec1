//! What machines ask about the server: alive, able to serve, and its metrics.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
    routing::get,
};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::{
    App,
    request::{JSON, Problem, RequestContext},
};
use crate::{
    error::Result,
    store::{JobKey, Ping},
    telemetry::{Metrics, OVERDUE},
};

/// How long a back end may take to answer before it counts as unavailable.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many overdue images are counted; more is bad enough.
const COUNTED: usize = 500;

/// The routes of the API's port.
pub fn routes() -> Router<App> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready))
}

/// The process runs. It says nothing of the back ends: restarting it would not bring them back.
async fn alive() -> Response {
    answer(StatusCode::OK, json!({ "status": "ok" }))
}

/// Whether this process can serve, and which back ends answer. Not from the moment the shutdown has begun, so that
/// load balancers look elsewhere.
async fn ready(State(app): State<App>) -> Response {
    if app.shutdown.has_begun() {
        return answer(StatusCode::SERVICE_UNAVAILABLE, json!({ "status": "stopping", "backends": {} }));
    }
    let (all_answer, backends) = ask(&app.store.pings).await;
    let backends = described(backends);
    let (status, text) =
        if all_answer { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "unavailable") };
    answer(status, json!({ "status": text, "backends": backends }))
}

/// Asks every back end at once. Why one does not answer is for the log.
async fn ask(pings: &[Arc<dyn Ping>]) -> (bool, Vec<(&'static str, bool)>) {
    let answers = join_all(pings.iter().map(|ping| async move {
        let answers = match timeout(PATIENCE, ping.ping()).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                error.log();
                false
            }
            Err(_) => {
                tracing::warn!(backend = ping.name(), "no answer within {} s", PATIENCE.as_secs());
                false
            }
        };
        (ping.name(), answers)
    }))
    .await;
    let all_answer = answers.iter().all(|(_, answers)| *answers);
    (all_answer, answers)
}

fn described(backends: Vec<(&'static str, bool)>) -> Map<String, Value> {
    let named = |(name, answers): (&str, bool)| (name.to_owned(), json!(if answers { "ok" } else { "unavailable" }));
    backends.into_iter().map(named).collect()
}

fn answer(status: StatusCode, body: Value) -> Response {
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, no_store, Json(body)).into_response()
}

/// `GET /metrics`, for a listener of its own: not for everybody's eyes.
pub fn metrics_routes() -> Router<App> {
    Router::new().route("/metrics", get(scrape))
}

/// How long the first image of the queue has waited.
async fn wait(app: &App) -> Result<Duration> {
    let Some(JobKey { file, generation }) = app.store.jobs.first().await? else { return Ok(Duration::ZERO) };
    // One that was deleted, or is done, does not wait.
    let since = app.store.files.pending_since(file, generation).await?;
    Ok(since.map_or(Duration::ZERO, |since| app.clock.now().since(since)))
}

async fn scrape(State(app): State<App>, context: RequestContext) -> Response {
    // The rest is worth having even when the queue does not answer.
    let long_ago = app.clock.now().minus(OVERDUE);
    let (depth, wait, overdue, (_, backends)) = tokio::join!(
        timeout(PATIENCE, app.store.jobs.depth()),
        timeout(PATIENCE, wait(&app)),
        timeout(PATIENCE, app.store.files.pending(long_ago, None, COUNTED)),
        ask(&app.store.pings),
    );
    app.metrics.queue(depth.ok().and_then(Result::ok));
    app.metrics.queue_wait(wait.ok().and_then(Result::ok));
    app.metrics.overdue(overdue.ok().and_then(Result::ok).map(|images| images.len()));
    for (name, answers) in backends {
        app.metrics.backend(name, answers);
    }
    for pool in app.store.pings.iter().flat_map(|server| server.pools()) {
        app.metrics.pool(&pool);
    }
    app.metrics.subscribers(app.census.count());
    app.metrics.memory("requests", app.memory.requests.taken());
    app.metrics.memory("answers", app.memory.answers.taken());
    match app.metrics.encode() {
        Ok(text) => {
            let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], text).into_response()
        }
        Err(error) => Problem::from(error).answer(&context.id, JSON),
    }
}

/// A layer that counts requests: `axum::middleware::from_fn_with_state(metrics, health::measure)`.
pub async fn measure(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map(MatchedPath::as_str);
    metrics.request(method.as_str(), route, response.status().as_u16(), begun.elapsed());
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Blobs;

    #[tokio::test]
    async fn each_back_end_is_named_with_what_it_answers() {
        let (here, gone) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let pings: [Arc<dyn Ping>; 2] =
            [Arc::new(Blobs::disk(here.path()).unwrap()), Arc::new(Blobs::disk(gone.path()).unwrap())];
        let (all_answer, backends) = ask(&pings[..1]).await;
        assert!(all_answer);
        assert_eq!(Value::Object(described(backends)), json!({ "disk": "ok" }));
        drop(gone);
        let (all_answer, backends) = ask(&pings[1..]).await;
        assert!(!all_answer);
        assert_eq!(Value::Object(described(backends)), json!({ "disk": "unavailable" }));
        assert!(!ask(&pings).await.0);
    }

    #[tokio::test]
    async fn requests_are_counted_by_route_and_not_by_path() {
        use tower::ServiceExt as _;
        let metrics = Metrics::new();
        let routes: Router = Router::new()
            .route("/files/{id}", get(alive))
            .layer(axum::middleware::from_fn_with_state(metrics.clone(), measure));
        for path in ["/files/a", "/files/b"] {
            let request = Request::builder().uri(path).body(axum::body::Body::empty()).unwrap();
            assert_eq!(routes.clone().oneshot(request).await.unwrap().status(), StatusCode::OK);
        }
        let text = metrics.encode().unwrap();
        assert!(text.contains(r#"http_requests_total{method="GET",route="/files/{id}",status="2xx"} 2"#), "{text}");
    }
}
