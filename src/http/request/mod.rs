//! What every request passes through: its ID, the client's address, the log, panics, CORS.

mod address;
mod cors;
pub mod params;
mod problem;
mod token;

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr},
    panic::AssertUnwindSafe,
};

use axum::{
    Router,
    extract::{FromRequestParts, Request, State},
    http::{HeaderValue, StatusCode, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use futures_util::FutureExt as _;
use tokio::time::Instant;
use tracing::{Instrument as _, Span, field};

pub use self::{
    cors::may_open_sockets,
    problem::{GRAPHQL_JSON, JSON, Problem},
    token::{bearer, from_credentials, viewer},
};
use super::{App, server::Peer};

/// Names a request to clients.
const REQUEST_ID: &str = "x-request-id";

/// How much of a path is logged.
const LOGGED_PATH: usize = 200;

/// What is known of a request before anything is decided about it. An extractor.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Names the request in logs and errors.
    pub id: String,
    /// The client, as seen through trusted proxies.
    pub address: IpAddr,
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // The layer below puts it there.
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or(Self { id: String::new(), address: NOWHERE }))
    }
}

/// Stands for the client where there is no connection.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Puts the layers around the routes.
pub fn layers(routes: Router<App>, app: &App) -> Router<App> {
    let routes = if app.config.server.cors_origins.is_empty() {
        routes
    } else {
        routes.layer(from_fn_with_state(app.clone(), cors::layer))
    };
    routes.layer(from_fn_with_state(app.clone(), context))
}

/// Gives the request its ID and its line in the log, and answers for it when it panics.
async fn context(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = app.random.uuid().simple().to_string();
    let peer = request.extensions().get::<Peer>().map_or(NOWHERE, |peer| peer.0.ip());
    let address = address::client(peer, request.headers(), &app.config.server.trusted_proxies);
    // Never the query: it may hold a signature.
    let path: String = request.uri().path().chars().take(LOGGED_PATH).collect();
    let span = tracing::info_span!(
        "request",
        request_id = %id,
        method = %request.method(),
        path,
        status = field::Empty,
        latency_ms = field::Empty,
    );
    request.extensions_mut().insert(RequestContext { id: id.clone(), address });
    let started = Instant::now();
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await;
    let mut response = answer.unwrap_or_else(|_| {
        // The panic itself went to standard error.
        span.in_scope(|| tracing::error!("a request panicked"));
        Problem::internal().answer(&id, JSON)
    });
    log(&span, response.status(), started);
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn log(span: &Span, status: StatusCode, started: Instant) {
    span.record("status", status.as_u16());
    span.record("latency_ms", u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
    span.in_scope(|| tracing::info!("answered"));
}
