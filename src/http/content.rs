//! `GET /files/{id}`: the bytes of files and thumbnails, for whoever may see them.
//!
//! To everybody else a private file, its thumbnails, a folder, and an ID that nobody has are one and the same answer.

mod asked;
pub(in crate::http) mod conditional;
mod date;
mod disposition;
mod policy;
mod range;
mod send;

use std::time::Duration;

use axum::{
    Router,
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::{HeaderMap, Method},
    response::Response,
    routing::get,
};

use self::{
    asked::Asked,
    send::{Representation, send},
};
use super::{
    App,
    request::{Problem, RequestContext, viewer},
};
use crate::{
    error::{Error, Result},
    model::{File, FileId},
};

/// The routes.
pub fn routes() -> Router<App> {
    Router::new().route("/files/{id}", get(serve))
}

/// Why somebody may see a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Anybody may.
    Public,
    /// The URL is signed, for this much longer.
    Signed(Duration),
    /// It is their own.
    Owner,
}

/// `GET` and `HEAD` (RFC 9110 section 9.3).
async fn serve(
    State(app): State<App>,
    context: RequestContext,
    method: Method,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    // A path that is no UTF-8 is an ID that nobody has.
    let id = path.map(|Path(id)| id).unwrap_or_default();
    let answer = bytes(&app, &method, &id, query.as_deref().unwrap_or_default(), &headers).await;
    answer.unwrap_or_else(|problem| problem.answer_link(&context.id, &headers))
}

async fn bytes(app: &App, method: &Method, id: &str, query: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let not_found = || Problem::from(Error::not_found("id"));
    let (Ok(id), Some(asked)) = (id.parse::<FileId>(), Asked::parse(query)) else { return Err(not_found()) };
    let file = app.store.files.get(id).await?;
    // A missing file takes the same steps as one that the client may not see, up to the same errors.
    let access = access(app, file.as_ref(), &asked, headers).await?;
    let (Some(file), Some(access)) = (file, access) else { return Err(not_found()) };
    let Some(chosen) = Representation::of(&file, asked.variant) else { return Err(not_found()) };
    if let Some(response) = send(&app.store.blobs, &chosen, access, asked.disposition, method, headers).await? {
        return Ok(response);
    }
    // Deleted, or its thumbnails made anew, since we looked? Otherwise something is badly wrong.
    match app.store.files.get(id).await? {
        Some(now) if now.blobs().any(|blob| blob == chosen.blob) => {
            let blob = chosen.blob;
            Err(Error::internal(format!("{id} has lost its bytes: blob {blob} is gone, or was cut short")).into())
        }
        _ => Err(not_found()),
    }
}

/// Why this client may see the file, if they may.
async fn access(app: &App, file: Option<&File>, asked: &Asked, headers: &HeaderMap) -> Result<Option<Access>> {
    if file.is_some_and(|file| file.is_public) {
        return Ok(Some(Access::Public));
    }
    if let (Some(file), Some(signature)) = (file, &asked.signature)
        && let Some(left) = app.services.links.check(file, asked.variant, asked.disposition, signature)
    {
        return Ok(Some(Access::Signed(left)));
    }
    let viewer = viewer(app, headers).await?;
    let own = file.zip(viewer).is_some_and(|(file, viewer)| file.owner == viewer.user);
    Ok(own.then_some(Access::Owner))
}
