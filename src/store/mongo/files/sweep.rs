//! Deleting: a tombstone on one row, at once; what is below, and the rows themselves, a step at a time afterwards.
//!
//! A deleted folder is `FULL` until everything in it has become a tombstone too, then `EMPTIED`. It is reported after a
//! grace, once no row refers to it, living or not: so a row that was written into it by somebody who did not live to
//! look again is found, and no row is ever without its folder.

use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, doc};

use super::{
    MongoFiles, hint,
    row::{FOLDER, Row, stage},
};
use crate::{
    error::Result,
    model::{FileId, FileKind, Timestamp, UserId},
    store::{
        Tombstone,
        mongo::{Key, indexes, key, limited, within},
    },
};

/// How many deleted folders one step looks into.
const FOLDERS_A_STEP: usize = 200;
/// How many rows one step deletes.
const ROWS_A_STEP: usize = 1000;

/// The order in which tombstones are dealt with: deep folders before those that they are in. Files have no level.
fn order() -> Document {
    doc! { "level": -1, "deleted_at": 1, "_id": 1 }
}

impl MongoFiles {
    pub(super) async fn bury(&self, owner: UserId, id: FileId, now: Timestamp) -> Result<bool> {
        let Some(lineage) = self.living_of(owner, id).await? else { return Ok(false) };
        let tombstone = if lineage.row.kind == FileKind::Folder {
            doc! { "live": false, "deleted_at": now.0, "stage": stage::FULL, "level": 0_i64 }
        } else {
            doc! { "live": false, "deleted_at": now.0, "stage": stage::READY }
        };
        // Whoever is about to move it loses the mark, and the move fails.
        let update = doc! { "$set": tombstone, "$unset": { "moving": "" }, "$currentDate": { "fell_at": true } };
        let done = within(self.rows.update_one(doc! { "_id": lineage.row.id, "live": true }, update)).await?;
        Ok(done.modified_count == 1)
    }

    pub(super) async fn sweep(&self, limit: usize) -> Result<Vec<Tombstone>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        loop {
            let pushed = self.push_down().await?;
            let ready = doc! { "live": false, "stage": stage::READY };
            let ready = self.rows.find(ready).sort(order()).hint(hint(indexes::SWEEP)).limit(limited(limit));
            let mut rows = self.rows(ready).await?;
            let refilled = rows.len() < limit && self.add_empty_folders(&mut rows, limit).await?;
            // Nothing to report is the answer only when nothing is left to be found either.
            if !rows.is_empty() || !(pushed || refilled) {
                rows.sort_by_key(|row| row.deleted_at);
                return rows.into_iter().map(tombstone).collect();
            }
        }
    }

    /// Deletes some of what deleted folders hold; `false` when there are none that may hold anything.
    async fn push_down(&self) -> Result<bool> {
        let full = self.rows.find(doc! { "live": false, "stage": stage::FULL });
        let full = full.sort(order()).hint(hint(indexes::SWEEP)).limit(limited(FOLDERS_A_STEP));
        let mut folders = self.rows(full).await?;
        let Some((level, deleted_at)) = folders.first().map(|row| (row.level, row.deleted_at)) else {
            return Ok(false);
        };
        folders.retain(|folder| folder.level == level);
        let owners: Vec<Key> = folders.iter().map(|folder| folder.owner).collect();
        let folders: Vec<Key> = folders.iter().map(|folder| folder.id).collect();

        let inside = doc! { "live": true, "owner": { "$in": owners }, "parent": { "$in": &folders } };
        let inside = self.rows.find(inside).hint(hint(indexes::IN_FOLDER_BY_CREATED)).limit(limited(ROWS_A_STEP));
        let inside = self.ids(inside.projection(doc! { "_id": 1 })).await?;
        if !inside.is_empty() {
            // What has been moved out meanwhile is spared.
            let still_inside = doc! { "_id": { "$in": &inside }, "live": true, "parent": { "$in": &folders } };
            let is_folder = doc! { "$eq": ["$kind", FOLDER] };
            let tombstone = doc! {
                "live": false,
                "deleted_at": deleted_at.map(|at| at.0),
                "fell_at": "$$NOW",
                "stage": { "$cond": [&is_folder, stage::FULL, stage::READY] },
                "level": { "$cond": [is_folder, i64::from(level.unwrap_or(0)) + 1, "$$REMOVE"] },
                "moving": "$$REMOVE",
            };
            within(self.rows.update_many(still_inside, vec![doc! { "$set": tombstone }])).await?;
        }
        if inside.len() < ROWS_A_STEP {
            let emptied = doc! { "$set": { "stage": stage::EMPTIED } };
            within(self.rows.update_many(doc! { "_id": { "$in": folders }, "stage": stage::FULL }, emptied)).await?;
        }
        Ok(true)
    }

    /// Adds deleted folders that nothing is in and whose grace is over. Answers whether something alive was found in
    /// one, which is then to be emptied again.
    async fn add_empty_folders(&self, rows: &mut Vec<Row>, limit: usize) -> Result<bool> {
        let grace = i64::try_from(self.grace.as_millis()).unwrap_or(i64::MAX);
        let emptied = doc! {
            "live": false,
            "stage": stage::EMPTIED,
            "$expr": { "$lte": ["$fell_at", { "$subtract": ["$$NOW", grace] }] },
        };
        let emptied = self.rows.find(emptied).sort(order()).hint(hint(indexes::SWEEP));
        let mut emptied = within(emptied).await?;
        let mut refilled = false;
        while let Some(raw) = within(emptied.try_next()).await? {
            let folder = Row::read(&raw)?;
            let living = doc! { "live": true, "owner": folder.owner, "parent": folder.id };
            let living = self.rows.find_one(living).hint(hint(indexes::IN_FOLDER_BY_CREATED));
            if within(living).await?.is_some() {
                let full = doc! { "$set": { "stage": stage::FULL } };
                within(self.rows.update_one(doc! { "_id": folder.id, "live": false }, full)).await?;
                refilled = true;
                continue;
            }
            let deleted = doc! { "live": false, "parent": folder.id };
            let deleted = self.rows.find_one(deleted).hint(hint(indexes::DELETED_IN_FOLDER));
            if within(deleted).await?.is_none() {
                rows.push(folder);
                if rows.len() == limit {
                    break;
                }
            }
        }
        Ok(refilled)
    }

    pub(super) async fn forget(&self, ids: &[FileId]) -> Result<()> {
        for ids in ids.chunks(ROWS_A_STEP) {
            let ids: Vec<Key> = ids.iter().map(|id| key(id.0)).collect();
            within(self.rows.delete_many(doc! { "_id": { "$in": ids }, "live": false })).await?;
        }
        Ok(())
    }
}

fn tombstone(row: Row) -> Result<Tombstone> {
    let file = row.file()?;
    Ok(Tombstone { id: file.id, owner: file.owner, blobs: file.blobs().collect() })
}
