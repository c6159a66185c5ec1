//! Answers of the API as HTTP responses.

use async_graphql::{ServerError, Value};
use async_graphql_axum::GraphQLResponse;
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;

use super::accept::Media;
use crate::error::ErrorCode;

/// What became of an operation.
#[derive(Debug)]
pub enum Answer {
    /// A request error: nothing was executed, so there is no `data`.
    Refused(Box<async_graphql::Response>),
    /// It was executed; fields may have failed.
    Executed(Box<async_graphql::Response>),
}

#[derive(Serialize)]
struct Refusal<'a> {
    errors: &'a [ServerError],
}

impl Answer {
    /// Writes it.
    pub fn into_response(self, media: Media, request_id: &str) -> Response {
        let (mut answer, refused) = match self {
            Self::Refused(answer) => (*answer, true),
            Self::Executed(answer) => (*answer, false),
        };
        name_request(&mut answer.errors, request_id);
        let retry_after = answer.errors.iter().filter_map(retry_after).max();
        let mut response = if refused {
            Json(Refusal { errors: &answer.errors }).into_response()
        } else {
            GraphQLResponse::from(answer).into_response()
        };
        if refused && media == Media::GraphqlResponse {
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Puts the request ID into every error that lacks it.
pub fn name_request(errors: &mut [ServerError], request_id: &str) {
    for error in errors {
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("requestId").is_none() {
            extensions.set("requestId", request_id);
        }
    }
}

/// In how many seconds to try again, if that is the matter.
fn retry_after(error: &ServerError) -> Option<u64> {
    let extensions = error.extensions.as_ref()?;
    let is_limit = matches!(extensions.get("code")?, Value::String(code) if code == ErrorCode::RateLimited.as_str());
    let seconds = match extensions.get("retryAfter") {
        Some(Value::Number(seconds)) => seconds.as_u64(),
        _ => None,
    };
    is_limit.then(|| seconds.unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: &str) -> async_graphql::Response {
        let mut error = ServerError::new("no", None);
        let extensions = error.extensions.get_or_insert_default();
        extensions.set("code", code);
        extensions.set("retryAfter", 42);
        async_graphql::Response::from_errors(vec![error])
    }

    async fn json(response: Response) -> serde_json::Value {
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    #[tokio::test]
    async fn the_status_of_a_request_error_goes_by_the_media_type() {
        let refused = || Answer::Refused(Box::new(failed("GRAPHQL_PARSE_FAILED")));
        let new = refused().into_response(Media::GraphqlResponse, "r1");
        assert_eq!(new.status(), StatusCode::BAD_REQUEST);
        let plain = refused().into_response(Media::Json, "r1");
        assert_eq!(plain.status(), StatusCode::OK);
        let body = json(plain).await;
        assert!(body.get("data").is_none());
        assert_eq!(body["errors"][0]["extensions"]["requestId"], "r1");
    }

    #[tokio::test]
    async fn a_field_error_is_no_matter_of_the_status() {
        let response =
            Answer::Executed(Box::new(failed("UNAUTHENTICATED"))).into_response(Media::GraphqlResponse, "r1");
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.headers().get(header::RETRY_AFTER).is_none());
        assert!(json(response).await.get("data").is_some());
    }

    #[tokio::test]
    async fn too_many_tries_say_when_to_come_back() {
        let response = Answer::Executed(Box::new(failed("RATE_LIMITED"))).into_response(Media::Json, "r1");
        assert_eq!(response.headers()[header::RETRY_AFTER], "42");
    }
}
