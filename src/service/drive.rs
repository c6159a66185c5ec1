//! Files and folders: who sees what, and what their owners may do with them.

use std::sync::Arc;

use super::{Leftovers, leftovers::CLEARING};
use crate::{
    error::{Error, Result},
    model::{
        Clock, Cursor, CursorKey, File, FileFilter, FileId, FileKind, FileName, FileOrder, FileScope, Image, ListQuery,
        Page, Position, Random, Thumbnails, Usage, UserId,
    },
    store::{Change, Event, JobKey, Reservation, Store},
};

/// Which page a client asks for, in Relay's terms.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// So many from the beginning.
    pub first: Option<i32>,
    /// Only what comes after this cursor.
    pub after: Option<String>,
    /// So many from the end.
    pub last: Option<i32>,
    /// Only what comes before this cursor.
    pub before: Option<String>,
}

/// One page of files.
#[derive(Debug, Clone)]
pub struct FilePage {
    /// In the order asked for.
    pub files: Vec<File>,
    /// That order.
    pub order: FileOrder,
    /// Whether there is more before these.
    pub has_previous_page: bool,
    /// Whether there is more after these.
    pub has_next_page: bool,
}

/// How many files a page has when the client does not say.
const DEFAULT_PAGE_SIZE: usize = 20;

/// The service.
pub struct Drive {
    store: Store,
    /// The current key first; cursors sealed with the one before it are still opened.
    cursors: Vec<CursorKey>,
    page_size: usize,
    leftovers: Arc<Leftovers>,
    clock: Clock,
    random: Random,
    /// Woken when something was deleted.
    deleted: Arc<tokio::sync::Notify>,
}

impl Drive {
    /// Over these stores. `deleted` is woken when there are bytes to remove.
    #[must_use]
    pub fn new(
        store: Store,
        cursors: Vec<CursorKey>,
        page_size: usize,
        leftovers: Arc<Leftovers>,
        clock: Clock,
        random: Random,
        deleted: Arc<tokio::sync::Notify>,
    ) -> Self {
        Self { store, cursors, page_size, leftovers, clock, random, deleted }
    }

    /// The most files of a page.
    #[must_use]
    pub fn page_size(&self) -> usize {
        self.page_size
    }

    /// A file that this viewer may see: their own, or anybody's public one.
    pub async fn file(&self, viewer: Option<UserId>, id: FileId) -> Result<Option<File>> {
        let file = self.store.files.get(id).await?;
        Ok(file.filter(|file| file.is_public || viewer == Some(file.owner)))
    }

    /// A file of this owner.
    pub async fn own_file(&self, owner: UserId, id: FileId) -> Result<Option<File>> {
        Ok(self.store.files.get(id).await?.filter(|file| file.owner == owner))
    }

    /// One page of a list.
    pub async fn page(
        &self,
        scope: FileScope,
        filter: FileFilter,
        order: FileOrder,
        request: &PageRequest,
    ) -> Result<FilePage> {
        let (limit, from_end) = self.page_limit(request)?;
        let after = self.position(request.after.as_deref(), order, "after")?;
        let before = self.position(request.before.as_deref(), order, "before")?;
        let page = Page { after: after.clone(), before: before.clone(), limit: limit + 1, from_end };
        let query = ListQuery { scope, filter, order, page };
        let mut files = self.store.files.list(&query).await?;
        let more = files.len() > limit;
        if more && from_end {
            files.remove(0);
        }
        files.truncate(limit);
        // At the end where the page was cut, the extra row told. At the other end there is more only beyond a cursor.
        let exists = |page: Page| {
            let query = ListQuery { page, ..query.clone() };
            async move { Ok::<_, Error>(!self.store.files.list(&query).await?.is_empty()) }
        };
        let place = |file: Option<&File>| file.map(|file| Position::of(file, order.field));
        // Where the page is empty, everything there is lies beyond the cursor.
        let has_previous_page = if from_end {
            more
        } else if after.is_some() {
            exists(Page { after: None, before: place(files.first()), limit: 1, from_end: true }).await?
        } else {
            false
        };
        let has_next_page = if !from_end {
            more
        } else if before.is_some() {
            exists(Page { after: place(files.last()), before: None, limit: 1, from_end: false }).await?
        } else {
            false
        };
        Ok(FilePage { files, order, has_previous_page, has_next_page })
    }

    /// How many files a list has; `None` when counting would take too long.
    pub async fn count(&self, scope: FileScope, filter: &FileFilter) -> Result<Option<u64>> {
        self.store.files.count(scope, filter).await
    }

    /// The cursor of a file in an order.
    #[must_use]
    pub fn cursor(&self, file: &File, order: FileOrder) -> String {
        let cursor = Cursor { order, position: Position::of(file, order.field) };
        cursor.seal(&self.cursors[0])
    }

    /// The folders a file of this owner is in, from the root down.
    pub async fn ancestors(&self, owner: UserId, id: FileId) -> Result<Vec<File>> {
        self.store.files.ancestors(owner, id).await
    }

    /// How much a folder of this owner holds at any depth.
    pub async fn descendant_count(&self, owner: UserId, id: FileId) -> Result<u64> {
        self.store.files.descendant_count(owner, id).await
    }

    /// What a user stores.
    pub async fn usage(&self, owner: UserId) -> Result<Usage> {
        self.store.files.usage(owner).await
    }

    /// Makes an empty folder.
    pub async fn create_folder(
        &self,
        owner: UserId,
        name: &str,
        parent: Option<FileId>,
        is_public: bool,
    ) -> Result<File> {
        let now = self.clock.now();
        let folder = File {
            id: FileId(self.random.uuid()),
            owner,
            parent,
            name: checked_name(name)?,
            kind: FileKind::Folder,
            is_public,
            privacy_version: 1,
            created_at: now,
            updated_at: now,
            content: None,
            image: None,
        };
        self.store.files.insert(&folder).await?;
        Ok(folder)
    }

    /// Renames a file or folder.
    pub async fn rename(&self, owner: UserId, id: FileId, name: &str) -> Result<File> {
        let change = Change::Name(checked_name(name)?);
        self.store.files.change(owner, id, &change, self.clock.now()).await?.ok_or_else(|| Error::not_found("fileId"))
    }

    /// Publishes a file, or takes it back.
    pub async fn set_public(&self, owner: UserId, id: FileId, is_public: bool) -> Result<File> {
        let change = Change::Public(is_public);
        self.store.files.change(owner, id, &change, self.clock.now()).await?.ok_or_else(|| Error::not_found("fileId"))
    }

    /// Puts a file or folder elsewhere.
    pub async fn relocate(&self, owner: UserId, id: FileId, parent: Option<FileId>) -> Result<File> {
        let moved = self.store.files.relocate(owner, id, parent, self.clock.now()).await?;
        moved.ok_or_else(|| Error::not_found("fileId"))
    }

    /// Deletes a file, or a folder with everything in it.
    pub async fn delete(&self, owner: UserId, id: FileId) -> Result<()> {
        if !self.store.files.delete(owner, id, self.clock.now()).await? {
            return Err(Error::not_found("fileId"));
        }
        self.deleted.notify_one();
        // Listeners look again by themselves where this gets lost.
        if let Err(error) = self.store.events.publish(&Event::Deleted { owner, file: id }).await {
            error.log();
        }
        Ok(())
    }

    /// Makes the thumbnails of an image once more.
    pub async fn retry_thumbnails(&self, owner: UserId, id: FileId) -> Result<File> {
        let seen = self.own_file(owner, id).await?.ok_or_else(|| Error::not_found("fileId"))?;
        if seen.image.is_none() {
            return Err(Error::input("fileId", "That is no image: it has no thumbnails to make."));
        }
        // The old thumbnails lose their row; noted first, they are removed even if this process dies in between.
        let mut notes = self.leftovers.note(thumbnail_blobs(&seen)).await?;
        let retried = self.store.files.retry_thumbnails(owner, id, self.clock.now()).await?;
        let Some((before, now)) = retried else { return Err(Error::not_found("fileId")) };
        if let Some(Image { generation, thumbnails: Thumbnails::Pending, .. }) = now.image {
            // A lost job is found by the repair round.
            if let Err(error) = self.store.jobs.enqueue(JobKey { file: id, generation }).await {
                error.log();
            }
        }
        // The image may have settled since the first look: what lost its row just now is in `before`.
        let unnoted = thumbnail_blobs(&before).into_iter();
        let unnoted = unnoted.filter(|it| notes.iter().all(|note| note.blob() != it.blob)).collect();
        match self.leftovers.note(unnoted).await {
            Ok(more) => notes.extend(more),
            // They are remembered by this process and settled later.
            Err(error) => error.log(),
        }
        let kept: Vec<_> = now.blobs().collect();
        let (kept, lost): (Vec<_>, Vec<_>) = notes.into_iter().partition(|note| kept.contains(&note.blob()));
        let clearing = async {
            self.leftovers.release(kept).await;
            for note in lost {
                note.remove().await;
            }
        };
        // Dropped when this takes too long, notes are settled later.
        let _ = tokio::time::timeout(CLEARING, clearing).await;
        Ok(now)
    }

    fn page_limit(&self, request: &PageRequest) -> Result<(usize, bool)> {
        let (count, field, from_end) = match (request.first, request.last) {
            (Some(_), Some(_)) => return Err(Error::input("last", "Give either `first` or `last`, not both.")),
            (None, Some(last)) => (Some(last), "last", true),
            (first, None) => (first, "first", request.before.is_some() && request.after.is_none() && first.is_none()),
        };
        let Some(count) = count else { return Ok((DEFAULT_PAGE_SIZE.min(self.page_size), from_end)) };
        match usize::try_from(count) {
            Ok(count) if (1..=self.page_size).contains(&count) => Ok((count, from_end)),
            _ => Err(Error::input(field, format!("Ask for 1 to {} files at a time.", self.page_size))),
        }
    }

    fn position(&self, cursor: Option<&str>, order: FileOrder, field: &str) -> Result<Option<Position>> {
        let Some(text) = cursor else { return Ok(None) };
        let opened = self.cursors.iter().find_map(|key| Cursor::open(text, key));
        match opened {
            Some(cursor) if cursor.order == order => Ok(Some(cursor.position)),
            Some(_) => Err(Error::input(field, "This cursor is of a list in another order.")),
            None => Err(Error::input(field, "This is no cursor of this server.")),
        }
    }
}

/// The thumbnails of a row, as they are noted.
fn thumbnail_blobs(file: &File) -> Vec<Reservation> {
    let original = file.content.as_ref().map(|content| content.blob);
    let thumbnails = file.blobs().filter(|blob| Some(*blob) != original);
    thumbnails.map(|blob| Reservation { blob, file: file.id, multipart: None }).collect()
}

fn checked_name(name: &str) -> Result<String> {
    FileName::parse(name).map(FileName::into_string).map_err(|message| Error::input("name", message))
}
