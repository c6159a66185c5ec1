//! Up and down the folders.

use rusqlite::{OptionalExtension as _, Transaction};
use uuid::Uuid;

use super::{super::failed, row};
use crate::{
    error::{Error, Result},
    model::{File, FileId, Timestamp, UserId},
    store::MAX_FOLDER_DEPTH,
};

/// Where something of this owner is to be put: the living folder and those it is in, from there up to the root. Empty
/// for the root. As many as the folder is deep.
///
/// Fails when there is no such folder, or when it is none.
pub(super) fn path(transaction: &Transaction<'_>, owner: UserId, parent: Option<FileId>) -> Result<Vec<FileId>> {
    let mut path = Vec::new();
    let mut next = parent;
    while let Some(folder) = next {
        let sql = "SELECT kind = 'FOLDER', parent FROM files WHERE id = ?1 AND owner = ?2 AND deleted_at IS NULL";
        let found: Option<(bool, Option<[u8; 16]>)> = transaction
            .prepare_cached(sql)
            .and_then(|mut select| {
                let key = [folder.0.into_bytes(), owner.0.into_bytes()];
                select.query_row(key, |row| Ok((row.get(0)?, row.get(1)?))).optional()
            })
            .map_err(failed)?;
        let (is_folder, above) = found.ok_or_else(Error::parent_not_found)?;
        if !is_folder {
            return Err(Error::not_a_folder());
        }
        path.push(folder);
        if path.len() > MAX_FOLDER_DEPTH {
            return Err(Error::internal("folders are nested deeper than they can be"));
        }
        next = above.map(|above| FileId(Uuid::from_bytes(above)));
    }
    Ok(path)
}

/// How many levels of folders there are in a folder, itself included.
pub(super) fn height(transaction: &Transaction<'_>, owner: UserId, folder: FileId) -> rusqlite::Result<usize> {
    let sql = "WITH RECURSIVE below (folder, level) AS (
            VALUES (?2, 1)
            UNION ALL
            SELECT files.id, level + 1 FROM below
            JOIN files INDEXED BY files_folders ON owner = ?1 AND parent = folder
            WHERE deleted_at IS NULL AND kind = 'FOLDER'
        )
        SELECT max(level) FROM below";
    transaction.prepare_cached(sql)?.query_row([owner.0.into_bytes(), folder.0.into_bytes()], |row| row.get(0))
}

/// The folders that a living file is in, from the root down.
pub(super) fn ancestors(transaction: &Transaction<'_>, owner: UserId, id: FileId) -> rusqlite::Result<Vec<File>> {
    let sql = "JOIN (
            WITH RECURSIVE up (folder, above, distance) AS (
                SELECT id, parent, 0 FROM files WHERE id = ?2 AND owner = ?1 AND deleted_at IS NULL
                UNION ALL
                SELECT files.id, parent, distance + 1 FROM up JOIN files ON files.id = above
            )
            SELECT folder, distance FROM up WHERE distance > 0
        ) ON folder = files.id ORDER BY distance DESC";
    row::select(transaction, sql, [owner.0.into_bytes(), id.0.into_bytes()])
}

/// A living file and everything in it; parameters are the owner and the file.
const SUBTREE: &str = "WITH RECURSIVE subtree (file) AS (
        SELECT id FROM files WHERE id = ?2 AND owner = ?1 AND deleted_at IS NULL
        UNION ALL
        SELECT files.id FROM subtree
        JOIN files INDEXED BY files_in_folder_by_created_at ON owner = ?1 AND parent = file
        WHERE deleted_at IS NULL
    )";

/// How many files and folders a living folder holds at any depth.
pub(super) fn descendant_count(transaction: &Transaction<'_>, owner: UserId, id: FileId) -> rusqlite::Result<u64> {
    let sql = format!("{SUBTREE} SELECT max(count(*) - 1, 0) FROM subtree");
    transaction.prepare_cached(&sql)?.query_row([owner.0.into_bytes(), id.0.into_bytes()], |row| row.get(0))
}

/// Deletes a living file and everything in it; `false` when there is none.
pub(super) fn delete(
    transaction: &Transaction<'_>,
    owner: UserId,
    id: FileId,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let sql = format!("UPDATE files SET deleted_at = ?3 WHERE id IN ({SUBTREE} SELECT file FROM subtree)");
    let values = (owner.0.into_bytes(), id.0.into_bytes(), now.0);
    Ok(transaction.prepare_cached(&sql)?.execute(values)? > 0)
}
