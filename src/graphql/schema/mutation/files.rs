//! Folders, names, places, privacy.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::{file_id, parent_id};
use crate::{
    error::Error,
    graphql::schema::{
        Result, authenticated,
        file::File,
        payload::{UserError, payloads, settle},
        request::{services, signed_in},
    },
};

/// The part of the root that is about files that are there.
#[derive(Default)]
pub struct FileMutations;

#[Object]
impl FileMutations {
    /// Makes an empty folder.
    #[graphql(directive = authenticated::apply())]
    async fn create_folder(&self, ctx: &Context<'_>, input: CreateFolderInput) -> Result<Option<CreateFolderPayload>> {
        let owner = signed_in(ctx)?.user;
        let made = async {
            let parent = parent_id(input.parent_id.as_ref())?;
            let folder = services(ctx).drive.create_folder(owner, &input.name, parent, input.is_public).await?;
            Ok(CreateFolderPayload { folder: Some(folder.into()), user_errors: Vec::new() })
        };
        settle(made.await)
    }

    /// Publishes a file, or takes it back. Setting what is already set succeeds.
    #[graphql(directive = authenticated::apply())]
    async fn set_public(&self, ctx: &Context<'_>, input: SetPublicInput) -> Result<Option<SetPublicPayload>> {
        let owner = signed_in(ctx)?.user;
        let set = async {
            let file = services(ctx).drive.set_public(owner, file_id(&input.file_id)?, input.is_public).await?;
            Ok(SetPublicPayload { file: Some(file.into()), user_errors: Vec::new() })
        };
        settle(set.await)
    }

    /// Renames a file or folder.
    #[graphql(directive = authenticated::apply())]
    async fn rename(&self, ctx: &Context<'_>, input: RenameInput) -> Result<Option<RenamePayload>> {
        let owner = signed_in(ctx)?.user;
        let renamed = async {
            let file = services(ctx).drive.rename(owner, file_id(&input.file_id)?, &input.name).await?;
            Ok(RenamePayload { file: Some(file.into()), user_errors: Vec::new() })
        };
        settle(renamed.await)
    }

    /// Puts a file or folder into another folder, or into the root. A folder never ends up inside itself, whatever runs
    /// at the same time.
    #[graphql(name = "move", directive = authenticated::apply())]
    async fn relocate(&self, ctx: &Context<'_>, input: MoveInput) -> Result<Option<MovePayload>> {
        let owner = signed_in(ctx)?.user;
        let moved = async {
            let parent = match &input.parent_id {
                MaybeUndefined::Undefined => return Err(Error::input("parentId", "Say where to; null is the root.")),
                MaybeUndefined::Null => None,
                MaybeUndefined::Value(id) => Some(id),
            };
            let (id, parent) = (file_id(&input.file_id)?, parent_id(parent)?);
            let file = services(ctx).drive.relocate(owner, id, parent).await?;
            Ok(MovePayload { file: Some(file.into()), user_errors: Vec::new() })
        };
        settle(moved.await)
    }

    /// Deletes a file, or a folder with everything in it. There is no undo.
    #[graphql(directive = authenticated::apply())]
    async fn delete(&self, ctx: &Context<'_>, input: DeleteInput) -> Result<Option<DeletePayload>> {
        let owner = signed_in(ctx)?.user;
        let deleted = async {
            let id = file_id(&input.file_id)?;
            services(ctx).drive.delete(owner, id).await?;
            Ok(DeletePayload { deleted_file_id: Some(ID(id.to_string())), user_errors: Vec::new() })
        };
        settle(deleted.await)
    }

    /// Makes the thumbnails of an image once more. While they are pending already, nothing changes; for what is no image
    /// it is `BAD_USER_INPUT`.
    #[graphql(directive = authenticated::apply())]
    async fn retry_thumbnails(
        &self,
        ctx: &Context<'_>,
        input: RetryThumbnailsInput,
    ) -> Result<Option<RetryThumbnailsPayload>> {
        let owner = signed_in(ctx)?.user;
        let retried = async {
            let file = services(ctx).drive.retry_thumbnails(owner, file_id(&input.file_id)?).await?;
            Ok(RetryThumbnailsPayload { file: Some(file.into()), user_errors: Vec::new() })
        };
        settle(retried.await)
    }
}

/// A folder to be made.
#[derive(InputObject)]
struct CreateFolderInput {
    /// Other files and folders may bear the same.
    name: String,
    /// The folder to put it in; the root when null.
    parent_id: Option<ID>,
    /// Whether anybody holding the ID may see it. It does not lend this to its children.
    #[graphql(default = false)]
    is_public: bool,
}

/// A folder that was made.
#[derive(SimpleObject, Default)]
struct CreateFolderPayload {
    /// Empty as yet.
    folder: Option<File>,
    /// Empty on success.
    user_errors: Vec<UserError>,
}

/// Who may see a file.
#[derive(InputObject)]
struct SetPublicInput {
    /// Which of the viewer's.
    file_id: ID,
    /// Whether anybody holding the ID may see it.
    is_public: bool,
}

/// A file that was published or taken back.
#[derive(SimpleObject, Default)]
struct SetPublicPayload {
    /// As it is now.
    file: Option<File>,
    /// Empty on success.
    user_errors: Vec<UserError>,
}

/// A new name.
#[derive(InputObject)]
struct RenameInput {
    /// Which of the viewer's.
    file_id: ID,
    /// At most 255 bytes, without slashes and control characters.
    name: String,
}

/// A file that was renamed.
#[derive(SimpleObject, Default)]
struct RenamePayload {
    /// As it is now.
    file: Option<File>,
    /// Empty on success.
    user_errors: Vec<UserError>,
}

/// A new place.
#[derive(InputObject)]
struct MoveInput {
    /// Which of the viewer's.
    file_id: ID,
    /// Has to be given; null is the root. Left out, it is `BAD_USER_INPUT`: a forgotten variable moves nothing.
    parent_id: MaybeUndefined<ID>,
}

/// A file that was moved.
#[derive(SimpleObject, Default)]
struct MovePayload {
    /// As it is now.
    file: Option<File>,
    /// Empty on success.
    user_errors: Vec<UserError>,
}

/// Thumbnails to be made again.
#[derive(InputObject)]
struct RetryThumbnailsInput {
    /// Which of the viewer's images.
    file_id: ID,
}

/// An image whose thumbnails are made again.
#[derive(SimpleObject, Default)]
struct RetryThumbnailsPayload {
    /// As it is now.
    file: Option<File>,
    /// Empty on success.
    user_errors: Vec<UserError>,
}

/// What is to go.
#[derive(InputObject)]
struct DeleteInput {
    /// Which of the viewer's.
    file_id: ID,
}

/// What is gone.
#[derive(SimpleObject, Default)]
struct DeletePayload {
    /// For the client's cache: evict this and everything under it.
    deleted_file_id: Option<ID>,
    /// Empty on success.
    user_errors: Vec<UserError>,
}

payloads!(CreateFolderPayload, SetPublicPayload, RenamePayload, MovePayload, RetryThumbnailsPayload, DeletePayload);
