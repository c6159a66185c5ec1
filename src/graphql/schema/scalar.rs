//! The scalars that are not GraphQL's own.

use async_graphql::{InputValueError, InputValueResult, Number, Scalar, ScalarType, Value};

use crate::model::Timestamp;

/// An instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTime(pub Timestamp);

/// An instant in RFC 3339 form, always in UTC: `2026-11-23T13:29:02.125Z`. Any offset is accepted.
#[Scalar(name = "DateTime", specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => match text.parse() {
                Ok(instant) => Ok(Self(instant)),
                Err(_) => Err(InputValueError::expected_type(value)),
            },
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl From<Timestamp> for DateTime {
    fn from(instant: Timestamp) -> Self {
        Self(instant)
    }
}

/// A URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url(pub String);

/// An absolute URL.
#[Scalar(name = "Url", specified_by_url = "https://url.spec.whatwg.org/")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if url::Url::parse(&text).is_ok() => Ok(Self(text)),
            value => Err(InputValueError::expected_type(value)),
        }
    }

    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// So many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ByteCount(pub u64);

impl ByteCount {
    /// The largest integer that every JSON parser reads exactly (RFC 8259 section 6).
    const MAX: u64 = (1 << 53) - 1;
}

/// A number of bytes, as a JSON integer below 2^53. (`Int` would overflow at 2 GiB.)
#[Scalar(name = "ByteCount")]
impl ScalarType for ByteCount {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => match number.as_u64() {
                Some(bytes) if bytes <= Self::MAX => Ok(Self(bytes)),
                _ => Err(InputValueError::expected_type(value)),
            },
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::Number(number) if number.as_u64().is_some_and(|bytes| bytes <= Self::MAX))
    }

    fn to_value(&self) -> Value {
        Value::Number(Number::from(self.0.min(Self::MAX)))
    }
}

/// The ticket that stands for a part of the request in [`crate::service::Parts`].
#[derive(Clone, PartialEq, Eq)]
pub struct Upload(pub String);

impl Upload {
    /// Marks a ticket in the variables. A ticket is no string there, so that nothing else takes it for one.
    const MARK: &str = "part";

    /// The ticket as a variable.
    pub fn variable(ticket: &str) -> serde_json::Value {
        serde_json::json!({ Self::MARK: ticket })
    }

    fn ticket(value: &Value) -> Option<&str> {
        match value {
            Value::Object(fields) if fields.len() == 1 => match fields.get(Self::MARK)? {
                Value::String(ticket) => Some(ticket),
                _ => None,
            },
            _ => None,
        }
    }
}

/// One part of a multipart request.
#[Scalar(name = "Upload", specified_by_url = "https://github.com/jaydenseric/graphql-multipart-request-spec")]
impl ScalarType for Upload {
    fn parse(value: Value) -> InputValueResult<Self> {
        match Self::ticket(&value) {
            Some(ticket) => Ok(Self(ticket.to_owned())),
            None => Err(InputValueError::expected_type(value)),
        }
    }

    fn is_valid(value: &Value) -> bool {
        Self::ticket(value).is_some()
    }

    fn to_value(&self) -> Value {
        Value::Null
    }
}

/// Whether a value is one of the scalar of this name, as far as the scalar is one of ours.
pub fn is_valid(name: &str, value: &Value) -> bool {
    match name {
        "DateTime" => DateTime::is_valid(value),
        "Url" => Url::is_valid(value),
        "ByteCount" => ByteCount::is_valid(value),
        "Upload" => Upload::is_valid(value),
        _ => true,
    }
}

/// What the scalar of this name looks like, for errors: "… is expected".
pub fn describe(name: &str) -> &'static str {
    match name {
        "Int" => "an integer of 32 bits",
        "Float" => "a number",
        "String" => "a string",
        "Boolean" => "true or false",
        "ID" => "an ID (a string)",
        "DateTime" => "an instant like \"2026-11-23T13:29:02.125Z\"",
        "Url" => "an absolute URL",
        "ByteCount" => "a number of bytes",
        "Upload" => "a file of a multipart request",
        _ => "another value",
    }
}

/// A count as GraphQL's `Int` has it: what does not fit is shown as the largest there is.
pub fn int(count: impl TryInto<i32>) -> i32 {
    count.try_into().unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_count_is_an_integer_that_json_keeps() {
        assert_eq!(ByteCount(3 << 30).to_value(), Value::from(3_u64 << 30));
        assert!(ByteCount::is_valid(&Value::from((1_u64 << 53) - 1)));
        for wrong in [Value::from(1_u64 << 53), Value::from(-1), Value::from(1.5), Value::from("1")] {
            assert!(!ByteCount::is_valid(&wrong), "{wrong}");
            assert!(ByteCount::parse(wrong).is_err());
        }
    }

    #[test]
    fn an_instant_is_shown_in_utc() {
        let parsed = DateTime::parse(Value::from("2026-11-23T14:29:02.125+01:00")).ok().unwrap();
        assert_eq!(parsed.to_value(), Value::from("2026-11-23T13:29:02.125Z"));
        assert!(!DateTime::is_valid(&Value::from("yesterday")));
    }
}
