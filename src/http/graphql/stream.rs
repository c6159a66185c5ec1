//! Answers as a stream over HTTP, for subscriptions and for clients that take nothing else:
//!
//! - `text/event-stream`, as the distinct connections mode of graphql-sse has it
//!   (<https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>);
//! - `multipart/mixed;subscriptionSpec=1.0`, as Apollo's clients read it
//!   (<https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol>).

use std::{convert::Infallible, panic::AssertUnwindSafe, time::Duration};

use async_graphql::{Response as GraphqlResponse, ServerError};
use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::{
    FutureExt as _, StreamExt as _,
    stream::{self, BoxStream},
};
use serde_json::json;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, failure, name_request};
use crate::{
    error::{Error, ErrorCode},
    http::{
        login::{Login, ended},
        memory::Budget,
    },
};

/// Tells nginx not to hold back what we send.
const NO_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How answers are told apart in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `text/event-stream`.
    EventStream,
    /// `multipart/mixed;subscriptionSpec=1.0`.
    MultipartMixed,
}

impl Framing {
    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::EventStream => "text/event-stream; charset=utf-8",
            Self::MultipartMixed => "multipart/mixed;boundary=graphql;subscriptionSpec=1.0",
        })
    }

    /// Before the first answer: so that the client knows it is connected.
    fn opening(self) -> &'static [u8] {
        match self {
            Self::EventStream => b":\n\n",
            Self::MultipartMixed => b"\r\n--graphql",
        }
    }

    /// Says nothing, to be heard.
    fn keep_alive(self) -> &'static [u8] {
        match self {
            Self::EventStream => b":\n\n",
            // A part is only known to be whole by the boundary behind it, so that comes along with it.
            Self::MultipartMixed => b"\r\nContent-Type: application/json\r\n\r\n{}\r\n--graphql",
        }
    }

    /// What stands around an answer.
    fn around(self) -> (&'static [u8], &'static [u8]) {
        match self {
            // JSON as it is written here has no line breaks.
            Self::EventStream => (b"event: next\ndata: ", b"\n\n"),
            Self::MultipartMixed => (b"\r\nContent-Type: application/json\r\n\r\n{\"payload\":", b"}\r\n--graphql"),
        }
    }

    /// The operation is over.
    fn complete(self) -> &'static [u8] {
        match self {
            Self::EventStream => b"event: complete\ndata:\n\n",
            Self::MultipartMixed => b"--\r\n",
        }
    }

    /// The operation ends because of this, which is no answer of its own.
    fn broken_off(self, why: &[ServerError]) -> Vec<u8> {
        let mut frame = match self {
            Self::EventStream => format!("event: next\ndata: {}\n\n", json!({ "errors": why })).into_bytes(),
            Self::MultipartMixed => {
                let part = json!({ "payload": null, "errors": why });
                format!("\r\nContent-Type: application/json\r\n\r\n{part}\r\n--graphql").into_bytes()
            }
        };
        frame.extend_from_slice(self.complete());
        frame
    }

    /// One answer as a stream of its own.
    pub async fn only(self, answer: &Answer, memory: &Budget) -> Result<Response, Error> {
        let (before, after) = self.around();
        let (before, after) = ([self.opening(), before].concat(), [after, self.complete()].concat());
        Ok(self.response(Body::from(memory.write(&before, answer, &after).await?)))
    }

    fn response(self, body: Body) -> Response {
        let mut response = Response::new(body);
        response.headers_mut().insert(header::CONTENT_TYPE, self.content_type());
        response.headers_mut().insert(NO_BUFFERING, HeaderValue::from_static("no"));
        response
    }
}

/// The answers of a subscription on their way to a client. An answer is asked for when the one before has been sent.
pub struct Subscription {
    /// What they are framed as.
    pub framing: Framing,
    /// The answers.
    pub answers: BoxStream<'static, GraphqlResponse>,
    /// Ends with the session of the viewer, if there is one.
    pub login: Option<Login>,
    /// Ends with the server.
    pub stop: CancellationToken,
    /// How long it may be silent: proxies and clients take a longer silence for a broken connection.
    pub keep_alive: Duration,
    /// Names the request in errors.
    pub request_id: String,
    /// What the answers are counted in.
    pub memory: Budget,
}

impl Subscription {
    /// Sends them.
    pub fn into_response(self) -> Response {
        let framing = self.framing;
        let opening = stream::iter([Bytes::from_static(framing.opening())]);
        // `None`: the last frame has been sent.
        let frames = stream::unfold(Some(self), async |subscription| {
            let mut subscription = subscription?;
            let (frame, is_last) = subscription.next().await;
            Some((frame, (!is_last).then_some(subscription)))
        });
        framing.response(Body::from_stream(opening.chain(frames).map(Ok::<_, Infallible>)))
    }

    /// The next frame, and whether it is the last.
    async fn next(&mut self) -> (Bytes, bool) {
        let framing = self.framing;
        tokio::select! {
            biased;
            () = self.stop.cancelled() => (self.stopping(), true),
            () = ended(self.login.as_ref()) => (self.broken_off(&Error::Unauthenticated), true),
            answer = AssertUnwindSafe(self.answers.next()).catch_unwind() => match answer {
                Ok(Some(mut answer)) => {
                    name_request(&mut answer.errors, &self.request_id);
                    let (before, after) = framing.around();
                    match self.memory.write(before, &answer, after).await {
                        Ok(frame) => (frame, false),
                        Err(error) => (self.broken_off(&error), true),
                    }
                }
                Ok(None) => (Bytes::from_static(framing.complete()), true),
                Err(_) => (self.broken_off(&Error::internal("a subscription panicked")), true),
            },
            () = sleep(self.keep_alive) => (Bytes::from_static(framing.keep_alive()), false),
        }
    }

    /// An event stream that ends without `complete` is begun again by its client; a multipart one has to be told.
    fn stopping(&self) -> Bytes {
        match self.framing {
            Framing::EventStream => Bytes::new(),
            Framing::MultipartMixed => {
                let message = "The server is stopping. Subscribe again in a moment.";
                self.ending(ErrorCode::ServiceUnavailable, message.to_owned())
            }
        }
    }

    fn broken_off(&self, error: &Error) -> Bytes {
        error.log();
        self.ending(error.code(), error.message())
    }

    fn ending(&self, code: ErrorCode, message: String) -> Bytes {
        let mut errors = [failure(code, message)];
        name_request(&mut errors, &self.request_id);
        self.framing.broken_off(&errors).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(frame: &[u8]) -> &str {
        std::str::from_utf8(frame).unwrap()
    }

    async fn next(framing: Framing, answer: GraphqlResponse) -> Bytes {
        let (before, after) = framing.around();
        Budget::new(1 << 20, 1 << 20).write(before, &answer, after).await.unwrap()
    }

    #[tokio::test]
    async fn events_are_framed_as_graphql_sse_has_them() {
        let framing = Framing::EventStream;
        let answer = next(framing, GraphqlResponse::new("line\nbreak")).await;
        assert_eq!(text(&answer), "event: next\ndata: {\"data\":\"line\\nbreak\"}\n\n");
        assert_eq!(text(framing.complete()), "event: complete\ndata:\n\n");
        assert!(framing.keep_alive().starts_with(b":"));
    }

    #[tokio::test]
    async fn parts_are_framed_as_apollo_has_them() {
        let framing = Framing::MultipartMixed;
        let mut whole = framing.opening().to_vec();
        whole.extend(framing.keep_alive());
        whole.extend(next(framing, GraphqlResponse::new(1)).await);
        whole.extend(framing.broken_off(&[ServerError::new("no", None)]));
        assert_eq!(
            text(&whole),
            "\r\n--graphql\r\nContent-Type: application/json\r\n\r\n{}\
             \r\n--graphql\r\nContent-Type: application/json\r\n\r\n{\"payload\":{\"data\":1}}\
             \r\n--graphql\r\nContent-Type: application/json\r\n\r\n{\"errors\":[{\"message\":\"no\"}],\"payload\":null}\
             \r\n--graphql--\r\n"
        );
    }
}
