//! What can be asked.

use std::sync::Arc;

use async_graphql::{Context, ID, Interface, Object, SimpleObject};

use super::{
    Result, authenticated,
    connection::{FileConnection, FileFilter, FileOrder, connection, default_order},
    file::File,
    request::{own_file, resources, services, signed_in, viewer},
    scalar::{ByteCount, int},
    user::User,
};
use crate::{
    error::Error,
    model::{FileId, FileKind, FileScope, NodeId},
    service::PageRequest,
};

/// Anything that can be fetched again by its ID.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Globally unique and opaque."))]
pub enum Node {
    User(User),
    File(File),
}

/// The root of queries.
pub struct Query;

/// What can be asked.
#[Object]
impl Query {
    /// Who is asking. Null when the request carries no valid token; never an error.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match viewer(ctx) {
            Some(id) => Ok(User::find(ctx, id).await?),
            None => Ok(None),
        }
    }

    /// Fetches any object by its ID. Null when it is missing or not visible to the viewer. A user is visible to others
    /// only as the `owner` of a file.
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Node>> {
        match id.parse() {
            Ok(NodeId::File(id)) => Ok(visible_file(ctx, id).await?.map(Node::File)),
            Ok(NodeId::User(id)) if viewer(ctx) == Some(id) => Ok(User::find(ctx, id).await?.map(Node::User)),
            _ => Ok(None),
        }
    }

    /// Fetches one file: the viewer's own, or anybody's public one. Null otherwise.
    async fn file(&self, ctx: &Context<'_>, id: ID) -> Result<Option<File>> {
        match id.parse() {
            Ok(id) => Ok(visible_file(ctx, id).await?),
            Err(_) => Ok(None),
        }
    }

    /// Pages through one of the viewer's folders, or through their root when `parentId` is null. Give `first` (with
    /// `after`) or `last` (with `before`), at most 100; 20 by default. Null when the viewer has no such folder. For all
    /// files whatever their folder, see `User.files`.
    #[graphql(directive = authenticated::apply())]
    #[allow(clippy::too_many_arguments, reason = "the schema has them")]
    async fn files(
        &self,
        ctx: &Context<'_>,
        parent_id: Option<ID>,
        filter: Option<FileFilter>,
        #[graphql(default_with = "default_order()")] order_by: Option<FileOrder>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Option<FileConnection>> {
        let owner = signed_in(ctx)?.user;
        let parent = match parent_id.map(|id| id.parse::<FileId>()) {
            None => None,
            Some(Err(_)) => return Ok(None),
            Some(Ok(id)) => match own_file(ctx, owner, id).await? {
                Some(folder) if folder.kind == FileKind::Folder => Some(id),
                _ => return Ok(None),
            },
        };
        let scope = FileScope::Children { owner, parent };
        let page = PageRequest { first, after, last, before };
        Ok(Some(connection(ctx, scope, FileFilter::model(filter), order_by, &page).await?))
    }

    /// The limits this server applies, for clients to check before they send.
    async fn limits(&self, ctx: &Context<'_>) -> Limits {
        let resources = resources(ctx);
        let limits = &resources.limits;
        Limits {
            upload_bytes: ByteCount(limits.upload_bytes),
            upload_files: int(limits.upload_files),
            image_pixels: int(resources.max_pixels),
            page_size: int(limits.page_size),
            query_depth: int(limits.query_depth),
            query_complexity: int(limits.query_complexity),
        }
    }
}

async fn visible_file(ctx: &Context<'_>, id: FileId) -> Result<Option<File>, Error> {
    let file = services(ctx).drive.file(viewer(ctx), id).await?;
    Ok(file.map(|file| File::from(Arc::new(file))))
}

/// What this server accepts.
#[derive(SimpleObject)]
pub struct Limits {
    /// Of one file.
    upload_bytes: ByteCount,
    /// In one request.
    upload_files: i32,
    /// Of one image, for its thumbnails to be made.
    image_pixels: i32,
    /// The most that `first` or `last` may ask for.
    page_size: i32,
    /// How deep the fields of an operation may be nested, introspection aside.
    query_depth: i32,
    /// Of an operation: each field counts as often as its page has rows.
    query_complexity: i32,
}
