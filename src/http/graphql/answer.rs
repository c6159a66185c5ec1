//! Answers of the API as HTTP responses.

use async_graphql::{ServerError, Value};
use async_graphql_axum::GraphQLResponse;
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde::{Serialize, Serializer};

use super::{
    accept::{Format, Formats, Media},
    stream::Subscription,
};
use crate::{
    error::{Error, ErrorCode},
    http::{memory::Budget, request::Problem},
};

/// What became of an operation.
#[derive(Debug)]
pub enum Answer {
    /// A request error: nothing was executed, so there is no `data`.
    Refused(Box<async_graphql::Response>),
    /// It was executed; fields may have failed.
    Executed(Box<async_graphql::Response>),
}

impl Answer {
    /// A refusal that is not the intake's.
    pub fn refused(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Refused(Box::new(async_graphql::Response::from_errors(vec![failure(code, message.into())])))
    }

    /// Enters the request ID into its errors, and answers in how many seconds to try again, if that is the matter.
    fn settle(&mut self, request_id: &str) -> Option<u64> {
        let (Self::Refused(response) | Self::Executed(response)) = self;
        name_request(&mut response.errors, request_id);
        response.errors.iter().filter_map(retry_after).max()
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Refused(response) => Refusal { errors: &response.errors }.serialize(serializer),
            Self::Executed(response) => response.serialize(serializer),
        }
    }
}

#[derive(Serialize)]
struct Refusal<'a> {
    errors: &'a [ServerError],
}

/// What became of a request.
pub enum Reply {
    /// It held one operation.
    One(Answer),
    /// It held a batch of operations.
    Batch(Vec<Answer>),
    /// It held a subscription.
    Many(Box<Subscription>),
}

impl Reply {
    /// Writes it. What it takes of memory is counted until the client has read it.
    pub async fn into_response(self, formats: Formats, request_id: &str, memory: &Budget) -> Result<Response, Problem> {
        match (self, formats.one) {
            (Self::Many(subscription), _) => Ok(subscription.into_response()),
            (Self::One(mut answer), Format::Stream(framing)) => {
                let retry_after = answer.settle(request_id);
                Ok(with_retry_after(framing.only(&answer, memory).await?, retry_after))
            }
            (Self::One(mut answer), Format::Document(media)) => {
                let retry_after = answer.settle(request_id);
                Ok(with_retry_after(one(answer, media, memory).await?, retry_after))
            }
            // Who takes no documents has been refused before anything was executed.
            (Self::Batch(mut answers), _) => {
                let retry_after = answers.iter_mut().filter_map(|answer| answer.settle(request_id)).max();
                let body = memory.write(b"", &answers, b"").await?;
                Ok(with_retry_after(document(body, formats.media()), retry_after))
            }
        }
    }
}

async fn one(answer: Answer, media: Media, memory: &Budget) -> Result<Response, Problem> {
    let status = match (&answer, media) {
        (Answer::Refused(_), Media::GraphqlResponse) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    let room = memory.room_for(&answer).await?;
    let body = match answer {
        Answer::Refused(_) => serde_json::to_vec(&answer).map_err(Error::internal)?.into(),
        Answer::Executed(answer) => {
            let written = GraphQLResponse::from(*answer).into_response();
            written.into_body().collect().await.map_err(Error::internal)?.to_bytes()
        }
    };
    let mut response = document(room.hold(body), media);
    *response.status_mut() = status;
    Ok(response)
}

fn document(body: Bytes, media: Media) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    response
}

fn with_retry_after(mut response: Response, seconds: Option<u64>) -> Response {
    if let Some(seconds) = seconds {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// An error of our own, as GraphQL has them.
#[must_use]
pub fn failure(code: ErrorCode, message: String) -> ServerError {
    let mut error = ServerError::new(message, None);
    error.extensions.get_or_insert_default().set("code", code.as_str());
    error
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

    async fn written(answer: Answer, media: Media) -> Response {
        let formats = Formats { one: Format::Document(media), many: None, document: Some(media) };
        Reply::One(answer).into_response(formats, "r1", &Budget::new(1 << 20, 1 << 20)).await.unwrap()
    }

    #[tokio::test]
    async fn the_status_of_a_request_error_goes_by_the_media_type() {
        let refused = || Answer::Refused(Box::new(failed("GRAPHQL_PARSE_FAILED")));
        let new = written(refused(), Media::GraphqlResponse).await;
        assert_eq!(new.status(), StatusCode::BAD_REQUEST);
        let plain = written(refused(), Media::Json).await;
        assert_eq!(plain.status(), StatusCode::OK);
        let body = json(plain).await;
        assert!(body.get("data").is_none());
        assert_eq!(body["errors"][0]["extensions"]["requestId"], "r1");
    }

    #[tokio::test]
    async fn a_field_error_is_no_matter_of_the_status() {
        let answer = Answer::Executed(Box::new(failed("UNAUTHENTICATED")));
        let response = written(answer, Media::GraphqlResponse).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.headers().get(header::RETRY_AFTER).is_none());
        assert!(json(response).await.get("data").is_some());
    }

    #[tokio::test]
    async fn too_many_tries_say_when_to_come_back() {
        let response = written(Answer::Executed(Box::new(failed("RATE_LIMITED"))), Media::Json).await;
        assert_eq!(response.headers()[header::RETRY_AFTER], "42");
    }
}
