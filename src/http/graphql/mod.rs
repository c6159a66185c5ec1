//! `/graphql`: GraphQL over HTTP (<https://graphql.github.io/graphql-over-http/draft/>), and the way to multipart requests
//! and `WebSocket`s.

mod accept;
mod answer;
mod decode;

use axum::{
    Extension, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
    routing::any,
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::sync::oneshot;
use tracing::Instrument as _;

use self::accept::Media;
pub use self::{
    answer::{Answer, name_request},
    decode::operation,
};
use super::{
    App, multipart,
    request::{JSON, Problem, RequestContext, params, viewer},
    websocket::{self, Sockets},
};
use crate::{
    graphql::{Caller, GraphqlRequest, OperationKind},
    shutdown::Shutdown,
};

/// The routes.
pub fn routes() -> Router<App> {
    Router::new().route("/graphql", any(graphql)).layer(Extension(Sockets::default()))
}

async fn graphql(
    State(app): State<App>,
    Extension(sockets): Extension<Sockets>,
    context: RequestContext,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    if websocket::is_wanted(&parts) {
        return match websocket::open(&app, &sockets, &context, parts).await {
            Ok(response) => response,
            Err(problem) => problem.answer(&context.id, JSON),
        };
    }
    let media = accept::negotiate(&parts.headers);
    let answered = match media {
        None => Err(accept::nothing_fits()),
        Some(_) => serve(&app, &context, parts, body).await,
    };
    let media = media.unwrap_or(Media::Json);
    let mut response = match answered {
        Ok(answer) => answer.into_response(media, &context.id),
        Err(problem) => problem.answer(&context.id, media.content_type()),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.append(header::VARY, HeaderValue::from_static("accept, authorization"));
    response
}

/// Answers with one JSON document. Streams of answers (`text/event-stream`, `multipart/mixed`) will part from here.
async fn serve(app: &App, context: &RequestContext, parts: Parts, body: Body) -> Result<Answer, Problem> {
    if parts.method == Method::GET {
        let request = decode::from_query(parts.uri.query().unwrap_or_default()).map_err(Problem::bad_request)?;
        return execute(app, context, &parts.headers, request, true).await;
    }
    if parts.method != Method::POST {
        return Err(Problem::method("GET, POST", "Send GraphQL by POST, or a query by GET."));
    }
    let encoding = parts.headers.get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Problem::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send the body uncompressed."));
    }
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let (media_type, parameters) = params::split(content_type.unwrap_or_default());
    if media_type.eq_ignore_ascii_case("multipart/form-data") {
        return multipart::receive(app, context, &parts.headers, &parameters, body).await;
    }
    // Anything else a browser would send without asking first.
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Problem::refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Send the operation as application/json, or as multipart/form-data with files.",
        ));
    }
    let charset = params::find(&parameters, "charset").unwrap_or("utf-8");
    if !["utf-8", "utf8"].iter().any(|known| charset.eq_ignore_ascii_case(known)) {
        return Err(Problem::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send the body in UTF-8."));
    }
    let body = read(body, content_length(&parts.headers), app.config.limits.operations_bytes).await?;
    let request = decode::from_json(&body).map_err(Problem::bad_request)?;
    execute(app, context, &parts.headers, request, false).await
}

async fn execute(
    app: &App,
    context: &RequestContext,
    headers: &HeaderMap,
    request: GraphqlRequest,
    is_get: bool,
) -> Result<Answer, Problem> {
    let prepared = match app.api.prepare(request) {
        Ok(prepared) => prepared,
        Err(refused) => return Ok(Answer::Refused(refused)),
    };
    let kind = prepared.kind();
    if is_get && kind != OperationKind::Query {
        return Err(Problem::method("POST", "GET is for queries. Send mutations by POST."));
    }
    let caller = Caller {
        viewer: viewer(app, headers).await?,
        address: context.address,
        request_id: context.id.clone(),
        parts: None,
    };
    match kind {
        OperationKind::Query => Ok(Answer::Executed(Box::new(app.api.execute(prepared, caller).await))),
        OperationKind::Mutation => {
            let api = app.api.clone();
            let executed = to_the_end(&app.shutdown, async move { api.execute(prepared, caller).await }).await;
            executed.map(|answer| Answer::Executed(Box::new(answer))).ok_or_else(Problem::internal)
        }
        OperationKind::Subscription => Err(no_subscriptions()),
    }
}

/// For transports that give one answer.
#[must_use]
pub fn no_subscriptions() -> Problem {
    Problem::bad_request("Subscribe through a WebSocket (graphql-transport-ws); this request can hold one answer only.")
}

/// Does the work even if the client goes away meanwhile: what changes something is not cut off halfway. `None`: it
/// panicked.
pub async fn to_the_end<T: Send + 'static>(
    shutdown: &Shutdown,
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let (sender, receiver) = oneshot::channel();
    let work = async move {
        // Nobody may be listening any more.
        let _ = sender.send(work.await);
    };
    shutdown.spawn(work.in_current_span());
    receiver.await.ok()
}

/// What the client says the body takes.
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a small body.
async fn read(mut body: Body, announced: Option<u64>, limit: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        let message = format!("The body of a GraphQL request may take at most {limit} bytes.");
        Problem::refused(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    if announced.is_some_and(|bytes| bytes > limit as u64) {
        return Err(too_large());
    }
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Problem::body(&error))?;
        let Some(bytes) = frame.data_ref() else { continue };
        if read.len() + bytes.len() > limit {
            return Err(too_large());
        }
        read.extend_from_slice(bytes);
    }
    Ok(read.freeze())
}
