//! The messages of `graphql-transport-ws`, and why a socket is closed.

use async_graphql::{Response, ServerError};
use axum::extract::ws::{CloseFrame, Message};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::http::request::from_credentials;

/// What clients say.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromClient {
    /// The first message; may carry a token.
    ConnectionInit {
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    /// Wants a pong.
    Ping {
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    /// Answers a ping.
    Pong {
        #[serde(default, rename = "payload")]
        _payload: Option<Map<String, Value>>,
    },
    /// Begins an operation.
    Subscribe { id: String, payload: Map<String, Value> },
    /// Ends an operation.
    Complete { id: String },
}

impl FromClient {
    /// `None`: no message of the protocol.
    pub fn parse(text: &str) -> Option<Self> {
        let message = serde_json::from_str(text).ok()?;
        match &message {
            Self::Subscribe { id, .. } | Self::Complete { id } if id.is_empty() => None,
            _ => Some(message),
        }
    }
}

/// What we say.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToClient<'a> {
    /// Operations may begin.
    ConnectionAck,
    /// Answers a ping, with what it carried.
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Map<String, Value>>,
    },
    /// An answer of an operation.
    Next { id: &'a str, payload: &'a Response },
    /// The operation was not executed. Nothing more comes of it.
    Error { id: &'a str, payload: &'a [ServerError] },
    /// The operation is over.
    Complete { id: &'a str },
}

impl ToClient<'_> {
    /// As JSON.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| {
            tracing::error!(%error, "a message cannot be written");
            String::new()
        })
    }

    /// As a frame.
    pub fn frame(&self) -> Message {
        Message::text(self.text())
    }
}

/// The token that the client sends along with its first message.
#[derive(Debug, PartialEq, Eq)]
pub enum Token {
    /// None.
    Absent,
    /// This one.
    Given(String),
    /// Something that can be none.
    Malformed,
}

impl Token {
    /// Looks where front ends put it: `Authorization: "Bearer …"`, in any case, or `token`, or either within `headers`.
    pub fn of(payload: Option<&Map<String, Value>>) -> Self {
        let Some(payload) = payload else { return Self::Absent };
        match Self::among(payload) {
            Self::Absent => match payload.get("headers") {
                Some(Value::Object(headers)) => Self::among(headers),
                _ => Self::Absent,
            },
            found => found,
        }
    }

    fn among(fields: &Map<String, Value>) -> Self {
        let authorization = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let (value, is_bare) = match (authorization, fields.get("token")) {
            (Some((_, value)), _) if !is_blank(value) => (value, false),
            (_, Some(value)) if !is_blank(value) => (value, true),
            _ => return Self::Absent,
        };
        let Value::String(text) = value else { return Self::Malformed };
        let token = from_credentials(text).or(is_bare.then_some(text.trim()));
        token.map_or(Self::Malformed, |token| Self::Given(token.to_owned()))
    }
}

/// Front ends write these when nobody is signed in.
fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Why we close a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// The server stops.
    Away,
    /// A frame that is none.
    Protocol,
    /// A text that is not UTF-8.
    NotText,
    /// A message over the limit.
    TooLarge,
    /// Something it needs is down, or the user has too many sockets.
    TryAgain(&'static str),
    /// No message of the protocol.
    Invalid,
    /// A `subscribe` before the `connection_ack`.
    Unauthorized,
    /// The token is not valid.
    Forbidden,
    /// The session has ended.
    SessionEnded,
    /// No `connection_init` in time.
    InitTimedOut,
    /// The ID of a running operation.
    Duplicate,
    /// A second `connection_init`.
    SecondInit,
}

impl Closing {
    /// After what the client sent could not be read (RFC 6455 section 7.4.1).
    pub fn of(error: axum::Error) -> Self {
        match error.into_inner().downcast_ref() {
            Some(tungstenite::Error::Capacity(_)) => Self::TooLarge,
            Some(tungstenite::Error::Utf8(_)) => Self::NotText,
            _ => Self::Protocol,
        }
    }

    /// As a frame. A reason has at most 123 bytes (RFC 6455 section 5.5).
    pub fn frame(self) -> Message {
        let (code, reason) = match self {
            Self::Away => (1001, "The server is stopping"),
            Self::Protocol => (1002, "Protocol error"),
            Self::NotText => (1007, "Not UTF-8"),
            Self::TooLarge => (1009, "Message too large"),
            Self::TryAgain(reason) => (1013, reason),
            Self::Invalid => (4400, "Invalid message"),
            Self::Unauthorized => (4401, "Unauthorized"),
            Self::Forbidden => (4403, "Forbidden"),
            Self::SessionEnded => (4403, "The session has ended"),
            Self::InitTimedOut => (4408, "Connection initialisation timeout"),
            Self::Duplicate => (4409, "Subscriber for this ID already exists"),
            Self::SecondInit => (4429, "Too many initialisation requests"),
        };
        Message::Close(Some(CloseFrame { code, reason: reason.into() }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_of_the_protocol_are_read() {
        for text in [
            r#"{"type":"connection_init"}"#,
            r#"{"type":"connection_init","payload":null}"#,
            r#"{"type":"connection_init","payload":{"a":1}}"#,
            r#"{"type":"ping"}"#,
            r#"{"payload":{"a":1},"type":"pong"}"#,
            r#"{"id":"1","type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"id":"1","type":"complete"}"#,
        ] {
            assert!(FromClient::parse(text).is_some(), "{text}");
        }
    }

    #[test]
    fn everything_else_is_invalid() {
        for text in [
            "",
            "x",
            "[]",
            "{}",
            r#"{"type":"start"}"#,
            r#"{"type":"connection_ack"}"#,
            r#"{"type":"connection_init","payload":1}"#,
            r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"id":"","type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"id":1,"type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"id":"1","type":"subscribe"}"#,
            r#"{"id":"1","type":"subscribe","payload":"{a}"}"#,
            r#"{"type":"complete"}"#,
        ] {
            assert!(FromClient::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_token_is_found_where_front_ends_put_it() {
        let given = Token::Given("abc".to_owned());
        for payload in [
            json!({"Authorization": "Bearer abc"}),
            json!({"authorization": "bearer abc"}),
            json!({"token": "abc"}),
            json!({"token": "Bearer abc"}),
            json!({"authorization": "", "token": "abc"}),
            json!({"headers": {"Authorization": "Bearer abc"}}),
            json!({"headers": {"token": "abc"}}),
        ] {
            assert_eq!(Token::of(payload.as_object()), given, "{payload}");
        }
        for payload in [json!({}), json!({"authorization": null}), json!({"token": ""}), json!({"headers": 1})] {
            assert_eq!(Token::of(payload.as_object()), Token::Absent, "{payload}");
        }
        for payload in [json!({"authorization": "abc"}), json!({"token": 1}), json!({"authorization": "Basic abc"})] {
            assert_eq!(Token::of(payload.as_object()), Token::Malformed, "{payload}");
        }
        assert_eq!(Token::of(None), Token::Absent);
    }

    #[test]
    fn messages_are_written_as_the_protocol_wants_them() {
        let text = |message: ToClient<'_>| serde_json::to_value(message).unwrap();
        assert_eq!(text(ToClient::ConnectionAck), json!({"type": "connection_ack"}));
        assert_eq!(text(ToClient::Pong { payload: None }), json!({"type": "pong"}));
        assert_eq!(text(ToClient::Complete { id: "1" }), json!({"type": "complete", "id": "1"}));
        assert_eq!(
            text(ToClient::Next { id: "1", payload: &Response::new(true) }),
            json!({"type": "next", "id": "1", "payload": {"data": true}}),
        );
        assert_eq!(
            text(ToClient::Error { id: "1", payload: &[ServerError::new("no", None)] }),
            json!({"type": "error", "id": "1", "payload": [{"message": "no"}]}),
        );
    }
}
