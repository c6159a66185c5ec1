//! How errors reach clients: the one place that gives each of them a code and decides what it says.

use std::{any::Any, sync::Arc};

use async_graphql::{ErrorExtensionValues, Pos, Response, ServerError, Value};

use crate::error::{Error, ErrorCode};

/// What a resolver fails with.
///
/// It has no `Display`, so that async-graphql's blanket conversion cannot show a driver's text to a client: the only
/// way out is the conversion below.
#[derive(Debug, Clone)]
pub struct Failure(Arc<Error>);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(Arc::new(error))
    }
}

impl From<Failure> for async_graphql::Error {
    fn from(Failure(error): Failure) -> Self {
        error.log();
        Self { message: error.message(), source: None, extensions: Some(extensions(&error)) }
    }
}

fn extensions(error: &Error) -> ErrorExtensionValues {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", error.code().as_str());
    if let Error::RateLimited { retry_after } = error {
        let seconds = retry_after.as_millis().div_ceil(1000).max(1);
        extensions.set("retryAfter", u64::try_from(seconds).unwrap_or(u64::MAX));
    }
    extensions
}

/// An error of the request as a whole: it is answered without `data`.
pub fn refusal(code: ErrorCode, message: impl Into<String>, at: impl IntoIterator<Item = Pos>) -> ServerError {
    let mut error = ServerError::new(message, None);
    error.locations = at.into_iter().collect();
    set_code(&mut error, code);
    error
}

/// A refusal of a document that breaks a rule or passes a limit.
pub fn invalid(message: impl Into<String>, at: impl IntoIterator<Item = Pos>) -> ServerError {
    refusal(ErrorCode::GraphqlValidationFailed, message, at)
}

/// The answer to a request that failed as a whole. Writes to the log what the client does not see.
#[must_use]
pub fn failed(error: &Error) -> Response {
    error.log();
    let mut answer = ServerError::new(error.message(), None);
    answer.extensions = Some(extensions(error));
    Response::from_errors(vec![answer])
}

/// Gives errors of async-graphql itself, found before execution, their code.
pub fn with_code(mut errors: Vec<ServerError>, code: ErrorCode) -> Vec<ServerError> {
    for error in &mut errors {
        if code_of(error).is_none() {
            set_code(error, code);
        }
    }
    errors
}

/// Enters the ID of the HTTP request into every error of an answer; and whatever has come so far without a code is
/// given one: a value that did not fit an argument is the client's fault, anything else is masked and logged.
pub fn stamp(response: &mut Response, request_id: &str) {
    for error in &mut response.errors {
        if code_of(error).is_none() {
            if is_about_a_value(&error.message) {
                set_code(error, ErrorCode::BadUserInput);
            } else {
                let masked = Error::internal(std::mem::take(&mut error.message));
                masked.log();
                error.message = masked.message();
                set_code(error, masked.code());
            }
        }
        error.extensions.get_or_insert_default().set("requestId", request_id);
    }
}

/// async-graphql's own words for a value that does not fit its type. They hold the value and the type, nothing more.
fn is_about_a_value(message: &str) -> bool {
    message.starts_with("Expected input type ") || message.starts_with("Failed to parse ")
}

/// The code it was given.
pub fn code_of(error: &ServerError) -> Option<&Value> {
    error.extensions.as_ref()?.get("code")
}

fn set_code(error: &mut ServerError, code: ErrorCode) {
    error.extensions.get_or_insert_default().set("code", code.as_str());
}

/// What a caught panic said, for the log.
pub fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a resolver panicked: {}", text.unwrap_or("without a word"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn seen(error: Error) -> async_graphql::Error {
        Failure::from(error).into()
    }

    #[test]
    fn a_drivers_text_is_not_shown() {
        for error in [Error::internal("secret path /var/x"), Error::unavailable("MongoDB", "10.0.0.7 refused")] {
            let seen = seen(error);
            assert!(!seen.message.contains("secret") && !seen.message.contains("10.0.0.7"), "{}", seen.message);
            assert!(seen.source.is_none());
        }
    }

    #[test]
    fn too_many_tries_say_when_to_come_back() {
        let seen = seen(Error::RateLimited { retry_after: Duration::from_millis(1200) });
        let extensions = seen.extensions.unwrap();
        assert_eq!(extensions.get("code"), Some(&Value::from("RATE_LIMITED")));
        assert_eq!(extensions.get("retryAfter"), Some(&Value::from(2)));
    }

    #[test]
    fn an_error_without_a_code_is_masked() {
        let mut response = Response::from_errors(vec![
            ServerError::new("Data `Secret` does not exist.", None),
            ServerError::new("Expected input type \"Int\", found null.", None),
        ]);
        stamp(&mut response, "r1");
        let codes: Vec<_> = response.errors.iter().map(|error| code_of(error).unwrap().to_string()).collect();
        assert_eq!(codes, ["\"INTERNAL_SERVER_ERROR\"", "\"BAD_USER_INPUT\""]);
        assert!(!response.errors[0].message.contains("Secret"));
        for error in &response.errors {
            assert_eq!(error.extensions.as_ref().unwrap().get("requestId"), Some(&Value::from("r1")));
        }
    }
}
