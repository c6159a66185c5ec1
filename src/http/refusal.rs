//! How every route but GraphQL's own says no: the shape of a GraphQL answer, so that clients read one kind of error.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use serde_json::json;

use crate::error::{Error, ErrorCode};

/// An answer without data: `{"errors": [{"message", "extensions": {"code"}}]}`. Never cached.
#[must_use]
pub fn refusal(status: StatusCode, code: ErrorCode, message: &str) -> Response<Body> {
    let body = json!({ "errors": [{ "message": message, "extensions": { "code": code.as_str() } }] });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// What a client may know of this error. The rest goes to the log.
#[must_use]
pub fn of_error(error: &Error) -> Response<Body> {
    error.log();
    let code = error.code();
    let status = match error {
        Error::User(_) if code == ErrorCode::NotFound => StatusCode::NOT_FOUND,
        Error::User(_) => StatusCode::BAD_REQUEST,
        Error::Unauthenticated => StatusCode::UNAUTHORIZED,
        Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut response = refusal(status, code, &error.message());
    let headers = response.headers_mut();
    match error {
        // RFC 9110 section 11.6.1: a 401 names its scheme.
        Error::Unauthenticated => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Error::RateLimited { retry_after } => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
        }
        Error::Unavailable { .. } => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refusal_tells_the_code_and_not_the_cause() {
        let response = of_error(&Error::unavailable("MongoDB", "mongodb://user:hunter2@10.0.0.1 refused"));
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "SERVICE_UNAVAILABLE");
        assert!(!body.to_string().contains("hunter2"));
    }
}
