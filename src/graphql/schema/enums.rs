//! The enums.

use async_graphql::Enum;

use crate::{error, model};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "model::FileKind")]
pub enum FileKind {
    /// Bytes that are not shown as an image.
    File,
    /// Holds other files and folders.
    Folder,
    /// A file whose first bytes are those of an image format the server can scale. It may still turn out to be damaged.
    Image,
}

/// What a browser should do with the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "model::Disposition")]
pub enum Disposition {
    /// Show it in the browser where that is safe; otherwise as `ATTACHMENT`.
    Inline,
    /// Save it under its name.
    Attachment,
}

/// How far the thumbnails of an image are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ThumbnailStatus {
    /// Waiting for a worker, or in one's hands.
    Pending,
    /// Finished.
    Ready,
    /// Given up on: the image is damaged or beyond the limits.
    Failed,
}

impl ThumbnailStatus {
    /// As the model's filter spells it.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Ready => "READY",
            Self::Failed => "FAILED",
        }
    }
}

impl From<&model::Thumbnails> for ThumbnailStatus {
    fn from(thumbnails: &model::Thumbnails) -> Self {
        match thumbnails {
            model::Thumbnails::Pending => Self::Pending,
            model::Thumbnails::Ready { .. } => Self::Ready,
            model::Thumbnails::Failed { .. } => Self::Failed,
        }
    }
}

/// The sizes that thumbnails come in. An image is never enlarged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "model::ThumbnailSize")]
pub enum ThumbnailSize {
    /// At most 100 pixels wide.
    Small,
    /// At most 250 pixels wide.
    Medium,
    /// At most 500 pixels wide.
    Large,
}

/// What files can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "model::FileOrderField")]
pub enum FileOrderField {
    /// When it was stored.
    CreatedAt,
    /// Without regard to case.
    Name,
    /// Bytes; folders have 0.
    Size,
}

/// Which end of an order comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "model::Direction")]
pub enum OrderDirection {
    /// Oldest, A, or smallest first.
    Asc,
    /// Newest, Z, or largest first.
    Desc,
}

/// Every code this API answers with: `UserError.code` for what a user can put right, and
/// `errors[].extensions.code` for everything else. New codes may be added: keep a default case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "error::ErrorCode")]
pub enum ErrorCode {
    /// A value is missing, malformed or out of bounds.
    BadUserInput,
    /// Wrong email or password; which of the two is not told.
    InvalidCredentials,
    /// There is an account with this email address already.
    EmailTaken,
    /// This server takes no new accounts by itself.
    RegistrationClosed,
    /// No such object, or none that the viewer may see: the two are not told apart.
    NotFound,
    /// The parent exists but is not a folder.
    NotAFolder,
    /// More bytes than `Limits.uploadBytes`. Also in `errors`, when the whole request is too large.
    FileTooLarge,
    /// The bytes that arrived are not those that `sha256` announced.
    ChecksumMismatch,
    /// A folder cannot be moved into itself or into what it holds.
    FolderCycle,
    /// The server has no room left.
    StorageFull,
    /// In `errors` only: there is no token, or it has expired or been revoked.
    Unauthenticated,
    /// In `errors` only: try again after `extensions.retryAfter` seconds.
    RateLimited,
    /// In `errors` only: the HTTP request is at fault (method, media type, a missing preflight header, a malformed
    /// multipart body).
    BadRequest,
    /// In `errors` only: the document is no GraphQL.
    GraphqlParseFailed,
    /// In `errors` only: the document does not fit the schema. Includes queries that are too deep or too complex.
    GraphqlValidationFailed,
    /// In `errors` only: something this server depends on is down. Try again.
    ServiceUnavailable,
    /// In `errors` only: our fault. Quote `extensions.requestId` when reporting it.
    InternalServerError,
}

#[cfg(test)]
mod tests {
    use async_graphql::{InputType as _, Value};

    use super::*;

    #[test]
    fn a_code_is_spelt_alike_in_user_errors_and_in_errors() {
        for item in <ErrorCode as async_graphql::EnumType>::items() {
            assert_eq!(item.name, error::ErrorCode::from(item.value).as_str());
        }
    }

    #[test]
    fn a_status_is_spelt_alike_in_the_schema_and_in_filters() {
        for status in [ThumbnailStatus::Pending, ThumbnailStatus::Ready, ThumbnailStatus::Failed] {
            assert_eq!(status.to_value(), Value::Enum(async_graphql::Name::new(status.tag())));
        }
    }
}
