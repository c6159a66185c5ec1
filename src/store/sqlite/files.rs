//! Files, images and folders of the embedded back end. Whatever changes a row looks and writes in one transaction, and
//! one connection writes: nothing here can race.

mod list;
mod row;
mod tree;

use async_trait::async_trait;
use rusqlite::{OptionalExtension as _, Transaction, named_params};
use uuid::Uuid;

use super::{Sqlite, failed};
use crate::{
    error::{Error, Result},
    model::{
        File, FileFilter, FileId, FileKind, FileScope, Generation, Image, ListQuery, Settlement, Thumbnails, Timestamp,
        Usage, UserId, fold_name,
    },
    store::{Change, Files, MAX_FOLDER_DEPTH, Settled, Tombstone},
};

/// The files, images and folders.
#[derive(Clone)]
pub struct SqliteFiles(Sqlite);

impl SqliteFiles {
    /// Over an open database.
    #[must_use]
    pub fn new(database: Sqlite) -> Self {
        Self(database)
    }

    /// [`Sqlite::read`] for what fails only as the driver does.
    async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.0.read(|transaction| work(transaction).map_err(failed)).await
    }

    /// [`Sqlite::write`] for what fails only as the driver does.
    async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.0.write(|transaction| work(transaction).map_err(failed)).await
    }

    /// [`Sqlite::write_soon`] for what fails only as the driver does.
    async fn write_soon<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.0.write_soon(|transaction| work(transaction).map_err(failed)).await
    }
}

#[async_trait]
impl Files for SqliteFiles {
    async fn insert(&self, file: &File) -> Result<()> {
        let file = file.clone();
        self.0
            .write(move |transaction| {
                let path = tree::path(transaction, file.owner, file.parent)?;
                if file.kind == FileKind::Folder && path.len() + 1 > MAX_FOLDER_DEPTH {
                    return Err(Error::folder_too_deep(MAX_FOLDER_DEPTH));
                }
                row::insert(transaction, &file).map_err(failed)
            })
            .await
    }

    async fn get(&self, id: FileId) -> Result<Option<File>> {
        self.read(move |transaction| row::living(transaction, id)).await
    }

    async fn get_any(&self, id: FileId) -> Result<Option<File>> {
        self.read(move |transaction| row::any(transaction, id)).await
    }

    async fn change(&self, owner: UserId, id: FileId, change: &Change, now: Timestamp) -> Result<Option<File>> {
        let change = change.clone();
        self.write(move |transaction| {
            let Some(file) = row::owned(transaction, owner, id)? else { return Ok(None) };
            match change {
                Change::Name(name) if name != file.name => {
                    let sql = "UPDATE files SET name = ?2, name_key = ?3, updated_at = ?4 WHERE id = ?1";
                    let values = (id.0.into_bytes(), &name, fold_name(&name), now.0);
                    transaction.prepare_cached(sql)?.execute(values)?;
                }
                Change::Public(is_public) if is_public != file.is_public => {
                    let sql = "UPDATE files SET is_public = ?2, privacy_version = privacy_version + 1, updated_at = ?3
                        WHERE id = ?1";
                    transaction.prepare_cached(sql)?.execute((id.0.into_bytes(), is_public, now.0))?;
                }
                Change::Name(_) | Change::Public(_) => return Ok(Some(file)),
            }
            row::living(transaction, id)
        })
        .await
    }

    async fn relocate(
        &self,
        owner: UserId,
        id: FileId,
        parent: Option<FileId>,
        now: Timestamp,
    ) -> Result<Option<File>> {
        self.0
            .write(move |transaction| {
                let Some(file) = row::owned(transaction, owner, id).map_err(failed)? else { return Ok(None) };
                if file.parent == parent {
                    return Ok(Some(file));
                }
                let path = tree::path(transaction, owner, parent)?;
                if path.contains(&id) {
                    return Err(Error::folder_cycle());
                }
                if file.kind == FileKind::Folder
                    && path.len() + tree::height(transaction, owner, id).map_err(failed)? > MAX_FOLDER_DEPTH
                {
                    return Err(Error::folder_too_deep(MAX_FOLDER_DEPTH));
                }
                let values = (id.0.into_bytes(), parent.map(|parent| parent.0.into_bytes()), now.0);
                transaction
                    .prepare_cached("UPDATE files SET parent = ?2, updated_at = ?3 WHERE id = ?1")
                    .and_then(|mut update| update.execute(values))
                    .and_then(|_| row::living(transaction, id))
                    .map_err(failed)
            })
            .await
    }

    async fn delete(&self, owner: UserId, id: FileId, now: Timestamp) -> Result<bool> {
        self.write(move |transaction| tree::delete(transaction, owner, id, now)).await
    }

    async fn tombstones(&self, limit: usize) -> Result<Vec<Tombstone>> {
        // What a deleted folder holds is deleted with it: there is nothing left to do here but to wait with the folder.
        let tail = "WHERE deleted_at IS NOT NULL
            AND NOT EXISTS (
                SELECT 1 FROM files AS held INDEXED BY files_below_tombstones
                WHERE held.parent = files.id AND held.deleted_at IS NOT NULL
            )
            ORDER BY deleted_at, id LIMIT ?1";
        let rows = self.read(move |transaction| row::select(transaction, tail, [limit])).await?;
        let tombstone = |file: File| Tombstone { id: file.id, owner: file.owner, blobs: file.blobs().collect() };
        Ok(rows.into_iter().map(tombstone).collect())
    }

    async fn purge(&self, ids: &[FileId]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let ids = ids.to_vec();
        self.write(move |transaction| {
            let mut delete =
                transaction.prepare_cached("DELETE FROM files WHERE id = ?1 AND deleted_at IS NOT NULL")?;
            ids.iter().try_for_each(|id| delete.execute([id.0.into_bytes()]).map(drop))
        })
        .await
    }

    async fn rows(&self, after: Option<FileId>, limit: usize) -> Result<Vec<(FileId, Result<File>)>> {
        let after = after.map_or_else(Vec::new, |id| id.0.into_bytes().to_vec());
        let tail = "WHERE id > ?1 ORDER BY id LIMIT ?2";
        let rows = self.read(move |transaction| row::each(transaction, tail, (after, limit))).await?;
        Ok(rows.into_iter().map(|(id, row)| (id, row.map_err(failed))).collect())
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<File>> {
        let query = query.clone();
        self.read(move |transaction| list::page(transaction, &query)).await
    }

    async fn count(&self, scope: FileScope, filter: &FileFilter) -> Result<Option<u64>> {
        let filter = filter.clone();
        self.read(move |transaction| list::count(transaction, scope, &filter)).await
    }

    async fn ancestors(&self, owner: UserId, id: FileId) -> Result<Vec<File>> {
        self.read(move |transaction| tree::ancestors(transaction, owner, id)).await
    }

    async fn descendant_count(&self, owner: UserId, id: FileId) -> Result<u64> {
        self.read(move |transaction| tree::descendant_count(transaction, owner, id)).await
    }

    async fn usage(&self, owner: UserId) -> Result<Usage> {
        self.read(move |transaction| list::usage(transaction, owner)).await
    }

    async fn settle(
        &self,
        id: FileId,
        generation: Generation,
        settlement: &Settlement,
        now: Timestamp,
    ) -> Result<Option<File>> {
        let Settlement { width, height, thumbnails } = settlement.clone();
        // A power cut that takes this takes what follows from it, too: the job and the notes are there again.
        self.write_soon(move |transaction| {
            let sql = "UPDATE files SET width = :width, height = :height, thumbnails = :thumbnails,
                    pending_since = NULL, settled_at = :now, announced = 0
                WHERE id = :id AND generation = :generation AND thumbnail_status = 'PENDING' AND deleted_at IS NULL";
            let settled = transaction.prepare_cached(sql)?.execute(named_params! {
                ":id": id.0.into_bytes(),
                ":generation": generation,
                ":width": width,
                ":height": height,
                ":thumbnails": row::thumbnails_text(&thumbnails)?,
                ":now": now.0,
            })?;
            if settled == 1 { row::living(transaction, id) } else { Ok(None) }
        })
        .await
    }

    async fn announced(&self, id: FileId, generation: Generation) -> Result<()> {
        let sql = "UPDATE files SET announced = 1 WHERE id = ?1 AND generation = ?2 AND settled_at IS NOT NULL";
        self.write_soon(move |transaction| {
            transaction.prepare_cached(sql)?.execute((id.0.into_bytes(), generation)).map(drop)
        })
        .await
    }

    async fn unannounced(&self, before: Timestamp, limit: usize) -> Result<Vec<Settled>> {
        let sql = "SELECT id, owner, generation FROM files INDEXED BY files_unannounced
            WHERE deleted_at IS NULL AND announced = 0 AND settled_at < ?1 ORDER BY settled_at, id LIMIT ?2";
        self.read(move |transaction| {
            transaction
                .prepare_cached(sql)?
                .query_map((before.0, limit), |row| {
                    Ok(Settled {
                        file: FileId(Uuid::from_bytes(row.get(0)?)),
                        owner: UserId(Uuid::from_bytes(row.get(1)?)),
                        generation: row.get(2)?,
                    })
                })?
                .collect()
        })
        .await
    }

    async fn settled_since(&self, owner: UserId, since: Timestamp, limit: usize) -> Result<Vec<File>> {
        let tail = "INDEXED BY files_settled WHERE owner = ?1 AND settled_at >= ?2 AND deleted_at IS NULL
            ORDER BY settled_at, id LIMIT ?3";
        self.read(move |transaction| row::select(transaction, tail, (owner.0.into_bytes(), since.0, limit))).await
    }

    async fn pending(
        &self,
        before: Timestamp,
        after: Option<FileId>,
        limit: usize,
    ) -> Result<Vec<(FileId, Generation)>> {
        // Every ID comes after the empty one.
        let after = after.map_or_else(Vec::new, |id| id.0.into_bytes().to_vec());
        let sql = "SELECT id, generation FROM files INDEXED BY files_pending
            WHERE deleted_at IS NULL AND thumbnail_status = 'PENDING' AND id > ?1 AND pending_since < ?2
            ORDER BY id LIMIT ?3";
        self.read(move |transaction| {
            transaction
                .prepare_cached(sql)?
                .query_map((after, before.0, limit), |row| Ok((FileId(Uuid::from_bytes(row.get(0)?)), row.get(1)?)))?
                .collect()
        })
        .await
    }

    async fn pending_since(&self, id: FileId, generation: Generation) -> Result<Option<Timestamp>> {
        let sql = "SELECT pending_since FROM files
            WHERE id = ?1 AND generation = ?2 AND thumbnail_status = 'PENDING' AND deleted_at IS NULL";
        self.read(move |transaction| {
            let mut query = transaction.prepare_cached(sql)?;
            query.query_row((id.0.into_bytes(), generation), |row| Ok(Timestamp(row.get(0)?))).optional()
        })
        .await
    }

    async fn retry_thumbnails(&self, owner: UserId, id: FileId, now: Timestamp) -> Result<Option<(File, File)>> {
        self.write(move |transaction| {
            let Some(before) = row::owned(transaction, owner, id)? else { return Ok(None) };
            if !before.image.as_ref().is_some_and(Image::is_settled) {
                return Ok(Some((before.clone(), before)));
            }
            let sql = "UPDATE files SET generation = generation + 1, thumbnails = ?2, pending_since = ?3,
                settled_at = NULL, announced = 0 WHERE id = ?1";
            let values = (id.0.into_bytes(), row::thumbnails_text(&Thumbnails::Pending)?, now.0);
            transaction.prepare_cached(sql)?.execute(values)?;
            Ok(row::living(transaction, id)?.map(|after| (before, after)))
        })
        .await
    }
}
