//! Storing files.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::parent_id;
use crate::{
    error::{self, Error},
    graphql::schema::{
        Result, authenticated,
        file::File,
        payload::{UserError, payloads, settle},
        request::{caller, resources, services, signed_in},
        scalar::Upload,
    },
    model,
    service::{NewFile, not_a_part},
};

/// The part of the root that is about bytes.
#[derive(Default)]
pub struct UploadMutations;

#[Object]
impl UploadMutations {
    /// Stores one file. Send the operation as a GraphQL multipart request. Thumbnails of an image follow in the
    /// background: poll `File.thumbnailStatus`, or subscribe to `thumbnailReady`.
    #[graphql(directive = authenticated::apply())]
    async fn upload(&self, ctx: &Context<'_>, input: UploadInput) -> Result<Option<UploadPayload>> {
        let owner = signed_in(ctx)?.user;
        let UploadInput { file, parent_id: parent, name, is_public, sha256 } = input;
        let stored = async {
            let parent = parent_id(parent.as_ref())?;
            store(ctx, &file, NewFile { owner, parent, name, is_public, sha256 }).await
        };
        settle(stored.await.map(UploadPayload::from))
    }

    /// Stores several files in one request. One that fails does not hold back the others: the results stand in the order
    /// of the files, each with its own `userErrors`.
    #[graphql(directive = authenticated::apply())]
    async fn upload_many(&self, ctx: &Context<'_>, input: UploadManyInput) -> Result<Option<UploadManyPayload>> {
        let owner = signed_in(ctx)?.user;
        let stored = async {
            let most = resources(ctx).limits.upload_files;
            if input.files.len() > most {
                return Err(Error::input("files", format!("At most {most} files at a time.")));
            }
            let parent = parent_id(input.parent_id.as_ref())?;
            let mut results = Vec::with_capacity(input.files.len());
            for (index, UploadManyItem { file, name, sha256 }) in input.files.into_iter().enumerate() {
                let new = NewFile { owner, parent, name, is_public: input.is_public, sha256 };
                results.push(match store(ctx, &file, new).await {
                    Ok(stored) => stored.into(),
                    Err(Error::User(error)) => refused(error, index),
                    Err(error) => return Err(error),
                });
            }
            Ok(UploadManyPayload { results, user_errors: Vec::new() })
        };
        settle(stored.await)
    }
}

async fn store(ctx: &Context<'_>, file: &Upload, new: NewFile) -> Result<model::File, Error> {
    match &caller(ctx).parts {
        Some(parts) => parts.store(&file.0, &services(ctx).uploads, new).await,
        None => Err(not_a_part()),
    }
}

fn refused(mut error: error::UserError, index: usize) -> UploadPayload {
    let field = error.field.take();
    error.field = field.map(|field| {
        // The folder is the same for all of them; the rest is said of this one.
        let of_all = field.first().is_some_and(|first| first == "parentId");
        let item = ["files".to_owned(), index.to_string()];
        if of_all { field } else { item.into_iter().chain(field).collect() }
    });
    UploadPayload { file: None, user_errors: vec![error.into()] }
}

/// A file to be stored.
#[derive(InputObject)]
struct UploadInput {
    /// The part.
    file: Upload,
    /// The folder to put it in; the root when null.
    parent_id: Option<ID>,
    /// The name of the uploaded part when null.
    name: Option<String>,
    /// Whether anybody holding the ID may see it.
    #[graphql(default = false)]
    is_public: bool,
    /// What the bytes must hash to, in hexadecimal; anything else is refused, and nothing is kept.
    sha256: Option<String>,
}

/// A stored file.
#[derive(SimpleObject, Default)]
struct UploadPayload {
    /// As it was stored.
    file: Option<File>,
    /// Empty on success.
    user_errors: Vec<UserError>,
}

impl From<model::File> for UploadPayload {
    fn from(file: model::File) -> Self {
        Self { file: Some(file.into()), user_errors: Vec::new() }
    }
}

/// Files to be stored.
#[derive(InputObject)]
struct UploadManyInput {
    /// At most `Limits.uploadFiles`.
    files: Vec<UploadManyItem>,
    /// The folder to put them in; the root when null.
    parent_id: Option<ID>,
    /// Whether anybody holding their IDs may see them.
    #[graphql(default = false)]
    is_public: bool,
}

/// One of several files to be stored.
#[derive(InputObject)]
struct UploadManyItem {
    /// As in `UploadInput`.
    file: Upload,
    /// As in `UploadInput`.
    name: Option<String>,
    /// As in `UploadInput`.
    sha256: Option<String>,
}

/// What became of several files.
#[derive(SimpleObject, Default)]
struct UploadManyPayload {
    /// One for each file, in their order.
    results: Vec<UploadPayload>,
    /// Of the request as a whole. Empty on success, whatever became of each file.
    user_errors: Vec<UserError>,
}

payloads!(UploadPayload, UploadManyPayload);

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str) -> Option<Vec<String>> {
        let Error::User(error) = Error::input(name, "No.") else { unreachable!() };
        refused(error, 1).user_errors.remove(0).field
    }

    #[test]
    fn an_error_of_one_file_says_which() {
        assert_eq!(field("name").unwrap(), ["input", "files", "1", "name"]);
        assert_eq!(field("parentId").unwrap(), ["input", "parentId"]);
    }
}
