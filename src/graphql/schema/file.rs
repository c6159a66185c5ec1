//! Files, as their owner and others see them.

use std::{sync::Arc, time::Duration};

use async_graphql::{Context, ID, Object};

use super::{
    Result,
    connection::{FileConnection, FileFilter, FileOrder, connection, default_order},
    enums::{Disposition, FileKind, ThumbnailSize, ThumbnailStatus},
    request::{count, own_file, services, viewer},
    scalar::{ByteCount, DateTime, Url, int},
    user::User,
};
use crate::{
    error::Error,
    model::{self, FileScope, Image, Thumbnails},
    service::{Links, PageRequest, Variant},
};

/// A file that the viewer may see.
#[derive(Clone)]
pub struct File(Arc<model::File>);

impl From<Arc<model::File>> for File {
    fn from(file: Arc<model::File>) -> Self {
        Self(file)
    }
}

impl From<model::File> for File {
    fn from(file: model::File) -> Self {
        Self(Arc::new(file))
    }
}

impl File {
    fn is_own(&self, ctx: &Context<'_>) -> bool {
        viewer(ctx) == Some(self.0.owner)
    }

    fn is_folder(&self) -> bool {
        self.0.kind == model::FileKind::Folder
    }

    fn image(&self) -> Option<&Image> {
        self.0.image.as_ref()
    }

    fn ready(&self) -> &[model::Thumbnail] {
        match self.image().map(|image| &image.thumbnails) {
            Some(Thumbnails::Ready { set, .. }) => set,
            _ => &[],
        }
    }

    fn thumbnail_of(&self, of: &model::Thumbnail) -> Thumbnail {
        Thumbnail { file: Arc::clone(&self.0), of: of.clone() }
    }
}

/// A file, an image or a folder.
#[Object]
impl File {
    /// Globally unique and opaque.
    pub async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// As its owner gave it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// File, image or folder. It never changes.
    async fn kind(&self) -> FileKind {
        self.0.kind.into()
    }

    /// Whether anybody holding the ID may see it. A folder does not lend this to its children.
    async fn is_public(&self) -> bool {
        self.0.is_public
    }

    /// Whose it is.
    async fn owner(&self, ctx: &Context<'_>) -> Result<User> {
        let owner = User::find(ctx, self.0.owner).await?;
        Ok(owner.ok_or_else(|| Error::internal(format!("{} has no owner", self.0.id)))?)
    }

    /// The folder it is in. Null at the root, and to viewers who are not the owner.
    async fn parent(&self, ctx: &Context<'_>) -> Result<Option<File>> {
        match self.0.parent {
            Some(parent) if self.is_own(ctx) => Ok(own_file(ctx, self.0.owner, parent).await?.map(File)),
            _ => Ok(None),
        }
    }

    /// The folders it is in, from the root down. Null to viewers who are not the owner.
    async fn ancestors(&self, ctx: &Context<'_>) -> Result<Option<Vec<File>>> {
        if !self.is_own(ctx) {
            return Ok(None);
        }
        let folders = services(ctx).drive.ancestors(self.0.owner, self.0.id).await?;
        Ok(Some(folders.into_iter().map(File::from).collect()))
    }

    /// How many files and folders a folder holds at any depth. Null for files, and to viewers who are not the owner.
    async fn descendant_count(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        if !self.is_own(ctx) || !self.is_folder() {
            return Ok(None);
        }
        let held = count(ctx, services(ctx).drive.descendant_count(self.0.owner, self.0.id)).await?;
        Ok(Some(int(held)))
    }

    /// What a folder holds. Null for everything that is not a folder. To viewers who are not the owner it holds what is
    /// public, and `totalCount` counts no more than that.
    #[allow(clippy::too_many_arguments, reason = "the schema has them")]
    async fn children(
        &self,
        ctx: &Context<'_>,
        filter: Option<FileFilter>,
        #[graphql(default_with = "default_order()")] order_by: Option<FileOrder>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Option<FileConnection>> {
        if !self.is_folder() {
            return Ok(None);
        }
        let mut filter = FileFilter::model(filter);
        if !self.is_own(ctx) {
            show_public(&mut filter);
        }
        let scope = FileScope::Children { owner: self.0.owner, parent: Some(self.0.id) };
        let page = PageRequest { first, after, last, before };
        Ok(Some(connection(ctx, scope, filter, order_by, &page).await?))
    }

    /// Of the bytes that were uploaded. Null for a folder, like everything below that is said of bytes.
    async fn size(&self) -> Option<ByteCount> {
        self.0.content.as_ref().map(|content| ByteCount(content.size))
    }

    /// Found from the bytes, or else from the name; never from what the client claimed.
    async fn media_type(&self) -> Option<&str> {
        self.0.content.as_ref().map(|content| content.media_type.as_str())
    }

    /// The SHA-256 of the bytes, in lower-case hexadecimal.
    async fn sha256(&self) -> Option<&str> {
        self.0.content.as_ref().map(|content| content.sha256.as_str())
    }

    /// Where to GET the bytes. For a private file the URL is signed and stops working after `expiresIn` seconds (60 to
    /// 604800) or up to a quarter later, so it can be put into `<img src>` as it is; within that quarter the same URL is
    /// given again, so that caches work. For a public one it never stops while the file is public, and `expiresIn` has
    /// no effect.
    fn url(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Disposition::Inline")] disposition: Disposition,
        #[graphql(default = 3600)] expires_in: i32,
    ) -> Result<Option<Url>> {
        let lifetime = lifetime(expires_in)?;
        if self.is_folder() {
            return Ok(None);
        }
        Ok(Some(Url(services(ctx).links.url(&self.0, Variant::Original, disposition.into(), lifetime))))
    }

    /// In pixels, after the orientation in its metadata has been applied. Null until known, and for what is no image.
    async fn width(&self) -> Option<i32> {
        self.image()?.width.map(int)
    }

    /// As `width`.
    async fn height(&self) -> Option<i32> {
        self.image()?.height.map(int)
    }

    /// Null unless the file is an image.
    async fn thumbnail_status(&self) -> Option<ThumbnailStatus> {
        self.image().map(|image| (&image.thumbnails).into())
    }

    /// Why the thumbnails failed, in English, for people. Null unless the status is `FAILED`.
    async fn thumbnail_error(&self) -> Option<&str> {
        match &self.image()?.thumbnails {
            Thumbnails::Failed { reason } => Some(reason),
            _ => None,
        }
    }

    /// A `ThumbHash` in base64, about 25 bytes: a blurred stand-in to paint before any image has loaded. Null until the
    /// status is `READY`.
    async fn thumbhash(&self) -> Option<&str> {
        match &self.image()?.thumbnails {
            Thumbnails::Ready { thumbhash, .. } => Some(thumbhash),
            _ => None,
        }
    }

    /// One thumbnail. Null until the status is `READY`.
    async fn thumbnail(
        &self,
        #[graphql(default_with = "ThumbnailSize::Medium")] size: ThumbnailSize,
    ) -> Option<Thumbnail> {
        self.0.thumbnail(size.into()).map(|of| self.thumbnail_of(of))
    }

    /// Every finished thumbnail, smallest first. Empty until the status is `READY`.
    async fn thumbnails(&self) -> Vec<Thumbnail> {
        self.ready().iter().map(|of| self.thumbnail_of(of)).collect()
    }

    /// When it was stored.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When its owner last changed it: name, place, or who may see it.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}

/// Adds the condition that a file is public. With one that it is private none is left.
fn show_public(filter: &mut model::FileFilter) {
    if filter.is_public == Some(false) {
        filter.kinds = Some(Vec::new());
    }
    filter.is_public = Some(true);
}

fn lifetime(expires_in: i32) -> Result<Duration, Error> {
    let (least, most) = (Links::EXPIRES_IN.start(), Links::EXPIRES_IN.end());
    let seconds = u64::try_from(expires_in).ok().filter(|_| Links::EXPIRES_IN.contains(&expires_in));
    let message = || format!("`expiresIn` is {least} to {most} seconds.");
    seconds.map(Duration::from_secs).ok_or_else(|| Error::input("expiresIn", message()))
}

/// A thumbnail of a file.
pub struct Thumbnail {
    file: Arc<model::File>,
    of: model::Thumbnail,
}

/// A smaller copy of an image, in the same proportions.
#[Object]
impl Thumbnail {
    /// Which of the sizes.
    async fn size(&self) -> ThumbnailSize {
        self.of.size.into()
    }

    /// In pixels.
    async fn width(&self) -> i32 {
        int(self.of.width)
    }

    /// In pixels.
    async fn height(&self) -> i32 {
        int(self.of.height)
    }

    /// Of the encoded thumbnail, e.g. `image/webp`.
    async fn media_type(&self) -> &str {
        &self.of.media_type
    }

    /// How many bytes it has.
    async fn bytes(&self) -> ByteCount {
        ByteCount(self.of.bytes)
    }

    /// As `File.url`.
    fn url(&self, ctx: &Context<'_>, #[graphql(default = 3600)] expires_in: i32) -> Result<Url> {
        let variant = Variant::Thumbnail(self.of.size);
        let lifetime = lifetime(expires_in)?;
        Ok(Url(services(ctx).links.url(&self.file, variant, model::Disposition::Inline, lifetime)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_lasts_a_minute_to_a_week() {
        for wrong in [-1, 0, 59, 604_801, i32::MIN] {
            assert!(lifetime(wrong).is_err(), "{wrong}");
        }
        assert_eq!(lifetime(60).unwrap(), Duration::from_secs(60));
        assert_eq!(lifetime(604_800).unwrap(), Duration::from_secs(604_800));
    }

    #[test]
    fn a_stranger_who_asks_for_what_is_private_gets_nothing() {
        let mut filter = model::FileFilter { is_public: Some(false), ..Default::default() };
        show_public(&mut filter);
        assert_eq!((filter.is_public, filter.kinds), (Some(true), Some(vec![])));
    }
}
