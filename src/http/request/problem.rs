//! How every route says no: in the shape of a GraphQL answer, so that clients read one kind of error.

use std::{borrow::Cow, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::json;

use crate::{
    error::{Error, ErrorCode},
    http::server::BodyTimedOut,
};

/// The media type of plain JSON answers.
pub const JSON: &str = "application/json; charset=utf-8";

/// The media type of the GraphQL-over-HTTP draft.
pub const GRAPHQL_JSON: &str = "application/graphql-response+json; charset=utf-8";

/// What the page of a refusal may do: have its few rules of style.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// A request that gets no further.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: ErrorCode,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// Of this status and code; the message is for people.
    pub fn new(status: StatusCode, code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), retry_after: None, header: None }
    }

    /// 400 `BAD_REQUEST`: the HTTP request is at fault.
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, message)
    }

    /// Another status with the code `BAD_REQUEST`.
    pub fn refused(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(status, ErrorCode::BadRequest, message)
    }

    /// With when to try again.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// 405, with what is allowed.
    #[must_use]
    pub fn method(allowed: &'static str, message: &'static str) -> Self {
        Self::refused(StatusCode::METHOD_NOT_ALLOWED, message)
            .with_header(header::ALLOW, HeaderValue::from_static(allowed))
    }

    /// 500, and nothing more to say.
    #[must_use]
    pub fn internal() -> Self {
        let error = Error::internal("a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.code(), error.message())
    }

    /// 408.
    #[must_use]
    pub fn late_body() -> Self {
        Self::refused(StatusCode::REQUEST_TIMEOUT, "The body of the request came too slowly.")
    }

    /// What became of a body that could not be read to its end.
    #[must_use]
    pub fn body(error: &axum::Error) -> Self {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(current) = cause {
            if current.is::<BodyTimedOut>() {
                return Self::late_body();
            }
            cause = current.source();
        }
        Self::bad_request("The body of the request broke off.")
    }

    /// With the header that its status calls for.
    #[must_use]
    pub fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    /// The answer for somebody who may have followed a link to a file: a page where the request accepts one by name, as browsers do for
    /// what is to fill a window, and [`JSON`] otherwise.
    pub fn answer_link(self, request_id: &str, request: &HeaderMap) -> Response {
        let mut accepted = request.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
        let wants_page = accepted.any(|line| line.to_ascii_lowercase().contains("text/html"));
        let page = wants_page.then(|| self.page(request_id));
        let mut response = self.answer(request_id, JSON);
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
        if let Some(page) = page {
            *response.body_mut() = Body::from(page);
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
        }
        response
    }

    fn page(&self, request_id: &str) -> String {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let [message, request_id] =
            [&self.message, request_id].map(|text| text.replace('&', "&amp;").replace('<', "&lt;"));
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} · Strongroom</title>\n\
             <style>body {{ max-width: 32rem; margin: 15vh auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif }}</style>\n\
             <h1>{title}</h1>\n<p>{message}</p>\n<p><small>Request {request_id}</small></p>\n</html>\n"
        )
    }

    /// The answer. `media` is [`JSON`] or [`GRAPHQL_JSON`]. Never cached, whatever the status.
    pub fn answer(self, request_id: &str, media: &'static str) -> Response {
        let mut extensions = json!({ "code": self.code.as_str(), "requestId": request_id });
        if let Some(wait) = self.retry_after {
            extensions["retryAfter"] = wait.as_secs().max(1).into();
        }
        let body = json!({ "errors": [{ "message": self.message, "extensions": extensions }] });
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.extend(self.header);
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        // RFC 9110 section 11.6.1: a 401 names its scheme.
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Logs what clients do not see.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        error.log();
        let retry_after = match &error {
            Error::RateLimited { retry_after } => Some(*retry_after),
            Error::Unavailable { .. } => Some(Duration::from_secs(1)),
            _ => None,
        };
        Self { retry_after, ..Self::new(status(error.code()), error.code(), error.message()) }
    }
}

fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorCode::RegistrationClosed => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::FileTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::InternalServerError => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::BAD_REQUEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refusal_has_a_code_and_a_request_id_and_says_when_to_come_back() {
        let problem = Problem::from(Error::RateLimited { retry_after: Duration::from_secs(7) });
        let response = problem.answer("r1", JSON);
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "7");
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body["errors"][0]["extensions"],
            json!({"code": "RATE_LIMITED", "requestId": "r1", "retryAfter": 7})
        );
        assert!(body.get("data").is_none());
    }

    #[tokio::test]
    async fn who_follows_a_link_in_a_browser_gets_a_page() {
        let navigation = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (accept, media) in [(navigation, "text/html; charset=utf-8"), ("image/avif,*/*;q=0.8", JSON), ("*/*", JSON)]
        {
            let request = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            let response = Problem::from(Error::not_found("id")).answer_link("r<1", &request);
            assert_eq!(response.status(), StatusCode::NOT_FOUND);
            assert_eq!(response.headers()[header::CONTENT_TYPE], media);
            assert_eq!(response.headers()[header::VARY], "Accept");
            let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
            let body = String::from_utf8_lossy(&body);
            assert!(body.contains("There is no such file, or you may not see it."), "{body}");
            assert_eq!(body.contains("Request r&lt;1"), media != JSON, "{body}");
        }
    }

    #[tokio::test]
    async fn what_went_wrong_inside_is_not_shown() {
        let driver = Error::unavailable("MongoDB", "mongodb://user:secret@10.0.0.1 refused");
        for (error, status) in [(Error::internal("/var/lib/secret"), 500), (driver, 503)] {
            let response = Problem::from(error).answer("r1", JSON);
            assert_eq!(response.status(), status);
            let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
            assert!(!String::from_utf8_lossy(&body).contains("secret"));
        }
    }
}
