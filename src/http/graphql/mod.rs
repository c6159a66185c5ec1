//! `/graphql`: the GraphQL-over-HTTP draft (<https://graphql.github.io/graphql-over-http/draft/>), and where it parts to
//! multipart requests and `WebSocket`s.

mod accept;
mod answer;
mod body;
mod decode;
mod stream;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts as Head},
    response::Response,
    routing::any,
};
use futures_util::future::join_all;

pub use self::{
    accept::Formats,
    answer::{Answer, Reply, failure, name_request},
    body::{Buffer, content_length},
    decode::{Operations, json, operation},
};
use super::{
    App,
    login::Login,
    multipart,
    request::{Problem, RequestContext, params, viewer},
    websocket,
};
use crate::{
    error::ErrorCode,
    graphql::{Caller, GraphqlRequest, OperationKind, Prepared},
    http::request::JSON,
    service::{Parts, Viewer},
};

/// After how long to look whether another stream has ended.
const A_MOMENT: Duration = Duration::from_secs(5);

/// The routes.
pub fn routes() -> Router<App> {
    Router::new().route("/graphql", any(graphql))
}

async fn graphql(State(app): State<App>, context: RequestContext, request: Request) -> Response {
    let (head, body) = request.into_parts();
    if websocket::is_wanted(&head) {
        return match websocket::open(&app, &context, head).await {
            Ok(response) => response,
            Err(problem) => problem.answer(&context.id, JSON),
        };
    }
    let formats = accept::negotiate(&head.headers);
    let answered = match formats {
        None => Err(accept::nothing_fits()),
        Some(formats) => answer(&app, &context, formats, head, body).await,
    };
    let media = formats.unwrap_or(Formats::DEFAULT).media();
    let mut response = answered.unwrap_or_else(|problem| problem.answer(&context.id, media.content_type()));
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.append(header::VARY, HeaderValue::from_static("accept, authorization"));
    response
}

async fn answer(
    app: &App,
    context: &RequestContext,
    formats: Formats,
    head: Head,
    body: Body,
) -> Result<Response, Problem> {
    let reply = serve(app, context, formats, head, body).await?;
    reply.into_response(formats, &context.id, &app.memory.answers).await
}

async fn serve(
    app: &App,
    context: &RequestContext,
    formats: Formats,
    head: Head,
    body: Body,
) -> Result<Reply, Problem> {
    if head.method == Method::GET {
        let request = decode::from_query(head.uri.query().unwrap_or_default()).map_err(Problem::bad_request)?;
        return single(app, context, formats, &head, request).await;
    }
    if head.method != Method::POST {
        return Err(Problem::method("GET, POST", "Send GraphQL by POST, or a query by GET."));
    }
    let mut encodings = head.headers.get_all(header::CONTENT_ENCODING).iter();
    if encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Problem::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send the body uncompressed."));
    }
    if head.headers.get_all(header::CONTENT_TYPE).iter().count() > 1 {
        return Err(Problem::bad_request("The request has two content types."));
    }
    let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let (media_type, parameters) = params::split(content_type.unwrap_or_default());
    if media_type.eq_ignore_ascii_case("multipart/form-data") {
        return multipart::receive(app, context, formats, &head.headers, &parameters, body).await;
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
    match receive(app, formats, &head.headers, body).await? {
        Operations::One(request) => single(app, context, formats, &head, request).await,
        Operations::Batch(requests) => {
            // Prepared it takes less memory, while it is looked up who is asking.
            let prepared = requests.into_iter().map(|request| prepare(app, request)).collect();
            let viewer = viewer(app, &head.headers).await?;
            Ok(Reply::Batch(batch(app, context, viewer, prepared, None).await))
        }
    }
}

/// Reads a JSON body.
async fn receive(app: &App, formats: Formats, headers: &HeaderMap, body: Body) -> Result<Operations, Problem> {
    let limits = &app.config.limits;
    let body = body::read(body, content_length(headers), limits.operations_bytes, &app.memory.requests).await?;
    let json = json(body.as_ref(), limits.operations_values).map_err(Problem::bad_request)?;
    take(formats, json, limits.batch_operations)
}

/// What the JSON of a request holds. A batch is refused here, where its answer could not be written.
pub fn take(formats: Formats, json: serde_json::Value, most: usize) -> Result<Operations, Problem> {
    let operations = decode::operations(json, most).map_err(Problem::bad_request)?;
    match (&operations, formats.document) {
        (Operations::Batch(_), None) => Err(accept::no_array()),
        _ => Ok(operations),
    }
}

async fn single(
    app: &App,
    context: &RequestContext,
    formats: Formats,
    head: &Head,
    request: GraphqlRequest,
) -> Result<Reply, Problem> {
    let prepared = match prepare(app, request) {
        Ok(prepared) => prepared,
        Err(refused) => return Ok(Reply::One(refused)),
    };
    let kind = prepared.kind();
    if head.method == Method::GET && kind == OperationKind::Mutation {
        return Err(Problem::method("POST", "GET changes nothing. Send mutations by POST."));
    }
    let viewer = viewer(app, &head.headers).await?;
    if kind == OperationKind::Subscription {
        let framing = formats.many.ok_or_else(accept::no_stream)?;
        return subscribe(app, context, framing, viewer, prepared);
    }
    Ok(Reply::One(execute(app, caller(context, viewer, None), prepared).await))
}

fn subscribe(
    app: &App,
    context: &RequestContext,
    framing: stream::Framing,
    viewer: Option<Viewer>,
    prepared: Prepared,
) -> Result<Reply, Problem> {
    let too_many = || {
        let message = "This user has too many sockets and streams open. Close one first.";
        Problem::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, message).retry_after(A_MOMENT)
    };
    let login = viewer.map(|viewer| Login::open(app, viewer).ok_or_else(too_many)).transpose()?;
    Ok(Reply::Many(Box::new(stream::Subscription {
        framing,
        answers: app.api.subscribe(prepared, caller(context, viewer, None)),
        login,
        stop: app.shutdown.signal(),
        keep_alive: app.config.limits.stream_keep_alive,
        request_id: context.id.clone(),
        memory: app.memory.answers.clone(),
    })))
}

/// On whose behalf an operation of this request runs.
#[must_use]
pub fn caller(context: &RequestContext, viewer: Option<Viewer>, parts: Option<Arc<Parts>>) -> Caller {
    Caller { viewer, address: context.address, request_id: context.id.clone(), parts, place: None }
}

/// Guards, parses and coerces.
pub fn prepare(app: &App, request: GraphqlRequest) -> Result<Prepared, Answer> {
    app.api.prepare(request).map_err(Answer::Refused)
}

/// Executes a query or a mutation.
pub async fn execute(app: &App, caller: Caller, prepared: Prepared) -> Answer {
    Answer::Executed(Box::new(app.api.execute(prepared, caller).await))
}

/// Executes those of a batch that were not refused, all at the same time.
pub async fn batch(
    app: &App,
    context: &RequestContext,
    viewer: Option<Viewer>,
    prepared: Vec<Result<Prepared, Answer>>,
    parts: Option<&Arc<Parts>>,
) -> Vec<Answer> {
    let executed = prepared.into_iter().map(async |prepared| match prepared {
        Err(refused) => refused,
        Ok(prepared) if prepared.kind() == OperationKind::Subscription => {
            Answer::refused(ErrorCode::BadRequest, "A subscription has no place in a batch.")
        }
        Ok(prepared) => execute(app, caller(context, viewer, parts.cloned()), prepared).await,
    });
    join_all(executed).await
}
