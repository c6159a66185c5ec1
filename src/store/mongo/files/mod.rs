//! The files in MongoDB: one document each. This file has the port; its parts are beside it.

mod lineage;
mod list;
mod relocate;
mod row;
mod sweep;
mod thumbnails;

use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::{
    Collection, Cursor,
    bson::{self, Document, RawDocument, RawDocumentBuf, doc},
    options::Hint,
};
use serde::Deserialize;
use uuid::Uuid;

use self::{lineage::Lineage, row::Row};
use super::{Key, Mongo, id, indexes, key, limited, within};
use crate::{
    error::{Error, Result},
    model::{
        File, FileFilter, FileId, FileKind, FileScope, Generation, ListQuery, Settlement, Timestamp, Usage, UserId,
        fold_name,
    },
    store::{Change, Files, MAX_FOLDER_DEPTH, Settled, Tombstone},
};

/// How long the tombstone of a folder is kept, unless said otherwise. See [`MongoFiles::with_grace`].
const GRACE: Duration = Duration::from_secs(60);

/// The files.
#[derive(Debug, Clone)]
pub struct MongoFiles {
    rows: Collection<RawDocumentBuf>,
    grace: Duration,
}

impl MongoFiles {
    /// Over a connected database.
    #[must_use]
    #[allow(clippy::needless_pass_by_value)] // As every adapter takes it.
    pub fn new(mongo: Mongo) -> Self {
        Self { rows: mongo.collection(indexes::FILES), grace: GRACE }
    }

    /// How long the tombstone of a folder is kept before it is reported, by the server's clock. Until then, a row that
    /// somebody wrote into the folder as it was deleted, and did not live to take back, is found. It must be longer
    /// than any single operation takes; zero is for tests.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Runs a query for whole rows.
    async fn rows<F>(&self, find: F) -> Result<Vec<Row>>
    where
        F: IntoFuture<Output = mongodb::error::Result<Cursor<RawDocumentBuf>>>,
    {
        raw(find).await?.iter().map(|raw| Row::read(raw)).collect()
    }

    /// Runs a query for whole rows.
    async fn files<F>(&self, find: F) -> Result<Vec<File>>
    where
        F: IntoFuture<Output = mongodb::error::Result<Cursor<RawDocumentBuf>>>,
    {
        self.rows(find).await?.into_iter().map(Row::file).collect()
    }

    /// Runs a query that has `_id` in its projection.
    async fn ids<F>(&self, find: F) -> Result<Vec<Key>>
    where
        F: IntoFuture<Output = mongodb::error::Result<Cursor<RawDocumentBuf>>>,
    {
        raw(find).await?.iter().map(|raw| only_id(raw)).collect()
    }

    /// Runs a pipeline whose result is small.
    async fn aggregated(&self, pipeline: Vec<Document>, index: Option<&str>) -> Result<Vec<RawDocumentBuf>> {
        let mut aggregate = self.rows.aggregate(pipeline);
        if let Some(index) = index {
            aggregate = aggregate.hint(hint(index));
        }
        raw(aggregate.with_type::<RawDocumentBuf>()).await
    }

    /// Changes one row and answers it as it is now.
    async fn updated(&self, filter: Document, update: Document) -> Result<Option<File>> {
        use mongodb::options::ReturnDocument;
        let row = within(self.rows.find_one_and_update(filter, update).return_document(ReturnDocument::After)).await?;
        row.map(|raw| file(&raw)).transpose()
    }
}

async fn raw<F>(find: F) -> Result<Vec<RawDocumentBuf>>
where
    F: IntoFuture<Output = mongodb::error::Result<Cursor<RawDocumentBuf>>>,
{
    within(async { find.await?.try_collect().await }).await
}

fn only_id(raw: &RawDocument) -> Result<Key> {
    #[derive(Deserialize)]
    struct OnlyId {
        #[serde(rename = "_id")]
        id: Key,
    }
    bson::deserialize_from_slice(raw.as_bytes()).map(|OnlyId { id }| id).map_err(Error::internal)
}

fn file(raw: &RawDocument) -> Result<File> {
    Row::read(raw)?.file()
}

fn hint(index: &str) -> Hint {
    Hint::Name(index.to_owned())
}

#[async_trait]
impl Files for MongoFiles {
    async fn insert(&self, file: &File) -> Result<()> {
        let depth = self.depth_of_target(file.owner, file.parent).await?;
        if file.kind == FileKind::Folder && depth >= MAX_FOLDER_DEPTH {
            return Err(Error::folder_too_deep(MAX_FOLDER_DEPTH));
        }
        within(self.rows.insert_one(Row::of(file).document()?)).await?;
        // Somebody may have deleted a folder above between the look and the write.
        match self.depth_of_target(file.owner, file.parent).await {
            Err(gone @ Error::User(_)) => {
                let undone = within(self.rows.delete_one(doc! { "_id": key(file.id.0), "live": true })).await?;
                // What the deletion of the folder has got hold of already was stored and deleted with it.
                if undone.deleted_count == 0 { Ok(()) } else { Err(gone) }
            }
            looked => looked.map(drop),
        }
    }

    async fn get(&self, id: FileId) -> Result<Option<File>> {
        self.living(id).await?.map(|lineage| lineage.row.file()).transpose()
    }

    async fn get_any(&self, id: FileId) -> Result<Option<File>> {
        within(self.rows.find_one(doc! { "_id": key(id.0) })).await?.map(|raw| file(&raw)).transpose()
    }

    async fn change(&self, owner: UserId, id: FileId, change: &Change, now: Timestamp) -> Result<Option<File>> {
        let Some(Lineage { row, .. }) = self.living_of(owner, id).await? else { return Ok(None) };
        let mut differs = doc! { "_id": row.id, "live": true };
        let update = match change {
            Change::Name(name) => {
                differs.insert("name", doc! { "$ne": name });
                doc! { "$set": { "name": name, "name_key": fold_name(name), "updated_at": now.0 } }
            }
            Change::Public(is_public) => {
                differs.insert("is_public", doc! { "$ne": is_public });
                doc! { "$set": { "is_public": is_public, "updated_at": now.0 }, "$inc": { "privacy_version": 1_i64 } }
            }
        };
        within(self.rows.update_one(differs, update)).await?;
        self.living_of(owner, id).await?.map(|lineage| lineage.row.file()).transpose()
    }

    async fn relocate(
        &self,
        owner: UserId,
        id: FileId,
        parent: Option<FileId>,
        now: Timestamp,
    ) -> Result<Option<File>> {
        self.put_elsewhere(owner, id, parent, now).await
    }

    async fn delete(&self, owner: UserId, id: FileId, now: Timestamp) -> Result<bool> {
        self.bury(owner, id, now).await
    }

    async fn tombstones(&self, limit: usize) -> Result<Vec<Tombstone>> {
        self.sweep(limit).await
    }

    async fn purge(&self, ids: &[FileId]) -> Result<()> {
        self.forget(ids).await
    }

    async fn rows(&self, after: Option<FileId>, limit: usize) -> Result<Vec<(FileId, Result<File>)>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let first = || doc! { "$gte": key(Uuid::nil()) };
        let after = after.map_or_else(first, |after| doc! { "$gt": key(after.0) });
        let rows = self.rows.find(doc! { "_id": after }).sort(doc! { "_id": 1 }).limit(limited(limit));
        raw(rows).await?.iter().map(|raw| Ok((FileId(id(only_id(raw)?)), file(raw)))).collect()
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<File>> {
        self.page(query).await
    }

    async fn count(&self, scope: FileScope, filter: &FileFilter) -> Result<Option<u64>> {
        self.count_of(scope, filter).await
    }

    async fn ancestors(&self, owner: UserId, id: FileId) -> Result<Vec<File>> {
        let above = self.living_of(owner, id).await?.map_or_else(Vec::new, |lineage| lineage.above);
        above.into_iter().rev().map(Row::file).collect()
    }

    async fn descendant_count(&self, owner: UserId, id: FileId) -> Result<u64> {
        match self.living_of(owner, id).await? {
            Some(folder) if folder.row.kind == FileKind::Folder => self.count_below(owner, folder.row.id).await,
            _ => Ok(0),
        }
    }

    async fn usage(&self, owner: UserId) -> Result<Usage> {
        self.usage_of(owner).await
    }

    async fn settle(
        &self,
        id: FileId,
        generation: Generation,
        settlement: &Settlement,
        now: Timestamp,
    ) -> Result<Option<File>> {
        self.write_settlement(id, generation, settlement, now).await
    }

    async fn announced(&self, id: FileId, generation: Generation) -> Result<()> {
        self.note_announced(id, generation).await
    }

    async fn unannounced(&self, before: Timestamp, limit: usize) -> Result<Vec<Settled>> {
        self.not_announced(before, limit).await
    }

    async fn settled_since(&self, owner: UserId, since: Timestamp, limit: usize) -> Result<Vec<File>> {
        self.settlements(owner, since, limit).await
    }

    async fn pending_since(&self, id: FileId, generation: Generation) -> Result<Option<Timestamp>> {
        self.since(id, generation).await
    }

    async fn pending(
        &self,
        before: Timestamp,
        after: Option<FileId>,
        limit: usize,
    ) -> Result<Vec<(FileId, Generation)>> {
        self.waiting(before, after, limit).await
    }

    async fn retry_thumbnails(&self, owner: UserId, id: FileId, now: Timestamp) -> Result<Option<(File, File)>> {
        self.make_pending(owner, id, now).await
    }
}
