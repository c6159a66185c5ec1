//! What is answered where no route is, or none for the method.

use axum::{http::StatusCode, response::Response};

use super::request::{JSON, Problem, RequestContext};
use crate::error::ErrorCode;

/// 404, for a path that nothing is at.
#[allow(clippy::unused_async, reason = "a handler is async")]
pub async fn not_found(context: RequestContext) -> Response {
    let message = "There is nothing here. The API is at /graphql.";
    Problem::new(StatusCode::NOT_FOUND, ErrorCode::NotFound, message).answer(&context.id, JSON)
}

/// 405, for a path that takes other methods. The router says which, in `Allow`.
#[allow(clippy::unused_async, reason = "a handler is async")]
pub async fn method_not_allowed(context: RequestContext) -> Response {
    let message = "This method is not for this path; the header Allow names those that are.";
    Problem::refused(StatusCode::METHOD_NOT_ALLOWED, message).answer(&context.id, JSON)
}
