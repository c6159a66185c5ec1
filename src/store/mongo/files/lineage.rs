//! Who lives: a row together with the folders above it, and the folders below deleted ones.
//!
//! Deleting a folder changes that one row. So whether a row lives is not written in it: it does when the chain of its
//! folders reaches the root and none of them is deleted.

use std::collections::{HashMap, HashSet};

use mongodb::bson::{Document, RawBsonRef, RawDocument, doc};

use super::{
    MongoFiles, hint,
    row::{FOLDER, Row},
};
use crate::{
    error::{Error, Result},
    model::{FileId, FileKind, UserId},
    store::mongo::{Key, NAME, indexes, key, limited, within},
};

/// How far any walk through folders goes. Depth is limited to less, but moves that race may exceed that a little.
pub(super) const MAX_STEPS: usize = 256;
/// How many folders one query asks about.
const BATCH: usize = 1000;
/// The most folders that one owner may be having deleted (5 MiB of a query, of which MongoDB takes 16).
const MAX_DEAD: usize = 200_000;

/// A row and the folders above it.
#[derive(Debug)]
pub(super) struct Lineage {
    pub row: Row,
    /// From its parent up.
    pub above: Vec<Row>,
    /// Whether `above` reaches the root; otherwise a folder is missing.
    whole: bool,
}

impl Lineage {
    /// Reads a document that [`look_up`] has added the folders above to.
    pub fn read(raw: &RawDocument) -> Result<Self> {
        let row = Row::read(raw)?;
        let mut folders = HashMap::new();
        for folder in raw.get_array("above").map_err(Error::internal)? {
            if let RawBsonRef::Document(folder) = folder.map_err(Error::internal)? {
                let folder = Row::read(folder)?;
                folders.insert(folder.id, folder);
            }
        }
        let (mut above, mut next) = (Vec::with_capacity(folders.len()), row.parent);
        // Taking each out ends the walk, whatever the rows say.
        while let Some(folder) = next.and_then(|parent| folders.remove(&parent)) {
            next = folder.parent;
            above.push(folder);
        }
        Ok(Self { row, above, whole: next.is_none() })
    }

    /// Whether it and all above it are there and not deleted.
    pub fn lives(&self) -> bool {
        let is_sound = |folder: &Row| folder.live && folder.kind == FileKind::Folder && folder.owner == self.row.owner;
        self.whole && self.row.live && self.above.iter().all(is_sound)
    }

    /// A folder in the root has depth 1.
    pub fn depth(&self) -> usize {
        self.above.len() + 1
    }
}

/// The stage of a pipeline that adds the folders above a row.
pub(super) fn look_up() -> Document {
    doc! { "$graphLookup": {
        "from": indexes::FILES,
        "startWith": "$parent",
        "connectFromField": "parent",
        "connectToField": "_id",
        "maxDepth": limited(MAX_STEPS - 1),
        "as": "above",
    } }
}

impl MongoFiles {
    /// A row and what is above it, living or not, in one read.
    pub(super) async fn lineage(&self, id: Key) -> Result<Option<Lineage>> {
        let found = self.aggregated(vec![doc! { "$match": { "_id": id } }, look_up()], None).await?;
        found.first().map(|raw| Lineage::read(raw)).transpose()
    }

    /// A living row.
    pub(super) async fn living(&self, id: FileId) -> Result<Option<Lineage>> {
        Ok(self.lineage(key(id.0)).await?.filter(Lineage::lives))
    }

    /// A living row of this owner.
    pub(super) async fn living_of(&self, owner: UserId, id: FileId) -> Result<Option<Lineage>> {
        Ok(self.living(id).await?.filter(|lineage| lineage.row.owner() == owner))
    }

    /// The depth of a folder into which something of this owner is to go (0: the root), or why it cannot.
    pub(super) async fn depth_of_target(&self, owner: UserId, target: Option<FileId>) -> Result<usize> {
        let Some(target) = target else { return Ok(0) };
        let target = self.living_of(owner, target).await?.ok_or_else(Error::parent_not_found)?;
        if target.row.kind == FileKind::Folder { Ok(target.depth()) } else { Err(Error::not_a_folder()) }
    }

    /// Every folder of this owner that does not live. What is in one of these is dead, whatever its row says; what is
    /// not, and has `live: true`, lives. Mostly none, which costs one small query.
    pub(super) async fn dead_folders(&self, owner: UserId) -> Result<Vec<Key>> {
        let deleted = doc! { "live": false, "owner": key(owner.0), "kind": FOLDER };
        let deleted = self.rows.find(deleted).hint(hint(indexes::DELETED_FOLDERS)).limit(limited(MAX_DEAD));
        let mut frontier = self.ids(deleted.projection(doc! { "_id": 1 })).await?;
        let mut dead: HashSet<Key> = frontier.iter().copied().collect();
        while !frontier.is_empty() {
            // Deleted ones too: what was alive when the first query looked may be a tombstone now.
            let below = self.folders_in(owner, &frontier, false).await?;
            frontier = below.into_iter().filter(|folder| dead.insert(*folder)).collect();
            if dead.len() >= MAX_DEAD {
                return Err(Error::unavailable(NAME, "more folders are being deleted than a query can leave out"));
            }
        }
        Ok(dead.into_iter().collect())
    }

    /// The folders right inside these: all, or those that are not deleted.
    pub(super) async fn folders_in(&self, owner: UserId, parents: &[Key], live_only: bool) -> Result<Vec<Key>> {
        let mut folders = Vec::new();
        for parents in parents.chunks(BATCH) {
            let mut within_these = doc! { "owner": key(owner.0), "kind": FOLDER, "parent": { "$in": parents } };
            if live_only {
                within_these.insert("live", true);
            }
            let query = self.rows.find(within_these).hint(hint(indexes::FOLDERS)).projection(doc! { "_id": 1 });
            folders.extend(self.ids(query).await?);
        }
        Ok(folders)
    }

    /// How many levels of folders this folder and those below it are; counts no further than `enough`.
    pub(super) async fn height(&self, owner: UserId, folder: Key, enough: usize) -> Result<usize> {
        let (mut height, mut frontier) = (0, vec![folder]);
        while !frontier.is_empty() && height < enough.min(MAX_STEPS) {
            height += 1;
            frontier = self.folders_in(owner, &frontier, true).await?;
        }
        Ok(height)
    }

    /// How many rows are below this folder, at any depth.
    pub(super) async fn count_below(&self, owner: UserId, folder: Key) -> Result<u64> {
        let (mut count, mut frontier) = (0, vec![folder]);
        for _ in 0..MAX_STEPS {
            for parents in frontier.chunks(BATCH) {
                let inside = doc! { "live": true, "owner": key(owner.0), "parent": { "$in": parents } };
                let inside = self.rows.count_documents(inside).hint(hint(indexes::IN_FOLDER_BY_CREATED));
                count += within(inside).await?;
            }
            frontier = self.folders_in(owner, &frontier, true).await?;
            if frontier.is_empty() {
                break;
            }
        }
        Ok(count)
    }
}
