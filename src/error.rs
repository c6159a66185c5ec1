//! The one error type, and the codes that clients see.
//!
//! What a user can put right is [`Error::User`] and ends up in a payload's `userErrors`; everything else ends up in
//! `errors[].extensions.code`. [`Error::code`] and [`Error::message`] decide what a client may know; the cause is for
//! the log.

use std::time::Duration;

use tokio::task::JoinError;

/// Every code this API answers with. The schema describes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ErrorCode {
    BadUserInput,
    InvalidCredentials,
    EmailTaken,
    RegistrationClosed,
    NotFound,
    NotAFolder,
    FileTooLarge,
    ChecksumMismatch,
    FolderCycle,
    StorageFull,
    Unauthenticated,
    RateLimited,
    BadRequest,
    GraphqlParseFailed,
    GraphqlValidationFailed,
    ServiceUnavailable,
    InternalServerError,
}

impl ErrorCode {
    /// As the schema's `ErrorCode` spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::InvalidCredentials => "INVALID_CREDENTIALS",
            Self::EmailTaken => "EMAIL_TAKEN",
            Self::RegistrationClosed => "REGISTRATION_CLOSED",
            Self::NotFound => "NOT_FOUND",
            Self::NotAFolder => "NOT_A_FOLDER",
            Self::FileTooLarge => "FILE_TOO_LARGE",
            Self::ChecksumMismatch => "CHECKSUM_MISMATCH",
            Self::FolderCycle => "FOLDER_CYCLE",
            Self::StorageFull => "STORAGE_FULL",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::RateLimited => "RATE_LIMITED",
            Self::BadRequest => "BAD_REQUEST",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::ServiceUnavailable => "SERVICE_UNAVAILABLE",
            Self::InternalServerError => "INTERNAL_SERVER_ERROR",
        }
    }
}

/// A mistake that the user can put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserError {
    /// For programs.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
    /// Where in the input the fault lies, below `input`: `["name"]`, `["files", "0", "name"]`.
    pub field: Option<Vec<String>>,
}

/// Where an error came from: for the log only.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Everything that can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The user can put it right.
    #[error("{}: {}", .0.code.as_str(), .0.message)]
    User(UserError),
    /// There is no token, or it is not valid.
    #[error("not signed in")]
    Unauthenticated,
    /// Too many tries.
    #[error("too many tries")]
    RateLimited {
        /// How long to wait before the next.
        retry_after: Duration,
    },
    /// Something this server depends on is down, or answered too late.
    #[error("{what} is unavailable: {cause}")]
    Unavailable {
        /// Which: `MongoDB`, `Redis`, `the blob store`, `SQLite`.
        what: &'static str,
        /// For the log.
        cause: Cause,
    },
    /// Our fault.
    #[error("{0}")]
    Internal(Cause),
}

/// What every fallible function answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A mistake in one field of the input.
    pub fn input(field: &str, message: impl Into<String>) -> Self {
        Self::user(ErrorCode::BadUserInput, field, message)
    }

    /// A mistake with its code, in one field of the input.
    pub fn user(code: ErrorCode, field: &str, message: impl Into<String>) -> Self {
        Self::User(UserError { code, message: message.into(), field: Some(vec![field.to_owned()]) })
    }

    /// A mistake of no field in particular.
    pub fn general(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::User(UserError { code, message: message.into(), field: None })
    }

    /// The address is taken.
    #[must_use]
    pub fn email_taken() -> Self {
        Self::user(ErrorCode::EmailTaken, "email", "There is an account with this email address already.")
    }

    /// No such object, or none that the viewer may see.
    #[must_use]
    pub fn not_found(field: &str) -> Self {
        Self::user(ErrorCode::NotFound, field, "There is no such file, or you may not see it.")
    }

    /// The parent is missing, or none of the viewer's.
    #[must_use]
    pub fn parent_not_found() -> Self {
        Self::user(ErrorCode::NotFound, "parentId", "There is no such folder, or it is not yours.")
    }

    /// The parent exists but is not a folder.
    #[must_use]
    pub fn not_a_folder() -> Self {
        Self::user(ErrorCode::NotAFolder, "parentId", "That is a file; choose a folder.")
    }

    /// A folder cannot be moved into itself or into what it holds.
    #[must_use]
    pub fn folder_cycle() -> Self {
        let message = "A folder cannot be put into itself or into a folder inside it.";
        Self::user(ErrorCode::FolderCycle, "parentId", message)
    }

    /// A folder would be nested deeper than this.
    #[must_use]
    pub fn folder_too_deep(deepest: usize) -> Self {
        Self::input("parentId", format!("Folders can be nested at most {deepest} deep."))
    }

    /// The server has no room left.
    #[must_use]
    pub fn storage_full() -> Self {
        Self::general(ErrorCode::StorageFull, "The server has no room left.")
    }

    /// Our fault; but a task that was cancelled has ended with the program, which stops.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        let cause = cause.into();
        match cause.downcast_ref::<JoinError>() {
            Some(error) if error.is_cancelled() => Self::Unavailable { what: "this process", cause },
            _ => Self::Internal(cause),
        }
    }

    /// Something this server depends on is down.
    pub fn unavailable(what: &'static str, cause: impl Into<Cause>) -> Self {
        Self::Unavailable { what, cause: cause.into() }
    }

    /// What programs may know.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::User(error) => error.code,
            Self::Unauthenticated => ErrorCode::Unauthenticated,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::Unavailable { .. } => ErrorCode::ServiceUnavailable,
            Self::Internal(_) => ErrorCode::InternalServerError,
        }
    }

    /// What people may know: never a path, a driver's text or a secret.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::User(error) => error.message.clone(),
            Self::Unauthenticated => "Sign in first: send a valid token as `Authorization: Bearer <token>`.".to_owned(),
            Self::RateLimited { retry_after } => {
                format!("Too many tries. Try again in {} seconds.", retry_after.as_millis().div_ceil(1000).max(1))
            }
            Self::Unavailable { .. } => "Something this server depends on is down. Try again in a moment.".to_owned(),
            Self::Internal(_) => {
                "Something went wrong on our side. Quote the request ID when you report it.".to_owned()
            }
        }
    }

    /// Writes to the log what clients do not see.
    pub fn log(&self) {
        match self {
            Self::Unavailable { what, cause } => tracing::warn!(what, %cause, "a dependency is unavailable"),
            Self::Internal(cause) => tracing::error!(%cause, "internal error"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_ends_with_the_program_is_no_fault() {
        let task = tokio::spawn(std::future::pending::<()>());
        task.abort();
        let error = Error::internal(task.await.unwrap_err());
        assert_eq!(error.code(), ErrorCode::ServiceUnavailable);
        let task = tokio::spawn(async { panic!("for a test") });
        assert_eq!(Error::internal(task.await.unwrap_err()).code(), ErrorCode::InternalServerError);
    }
}
