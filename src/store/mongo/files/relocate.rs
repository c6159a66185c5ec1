//! Moving: a file by one write; a folder so that no folder ever ends up inside itself, without transactions.
//!
//! Who moves a folder first marks it with where it is going, then walks up from there, over parents and over the marks
//! of others, and at last changes the parent if the mark is still there. Of several moves that together would close a
//! cycle, the one that marked last sees every other's mark, or what became of it, and draws back.

use std::{
    collections::{HashSet, hash_map::RandomState},
    hash::BuildHasher as _,
    time::Duration,
};

use mongodb::{
    bson::{Document, doc, oid::ObjectId},
    options::ReturnDocument,
};

use super::{
    MongoFiles,
    lineage::{Lineage, MAX_STEPS},
    row::Row,
};
use crate::{
    error::{Error, Result},
    model::{File, FileId, FileKind, Timestamp, UserId},
    store::{
        MAX_FOLDER_DEPTH,
        mongo::{Key, NAME, key, within},
    },
};

/// A mark that is older (in milliseconds, by the server's clock) belongs to somebody who is gone. Longer than any move takes.
const STALE: i64 = 30_000;
/// How often a move is tried that meets others.
const TRIES: u32 = 8;
/// The first pause between tries; each is twice the one before, and up to as much again at random. In sum under 6 s.
const PAUSE: Duration = Duration::from_millis(10);

/// Where a row goes, whose it is, and what its `updated_at` becomes.
struct Move {
    owner: UserId,
    to: Option<FileId>,
    updated_at: Timestamp,
    /// For taking a move back: only if the row is still in this folder.
    only_from: Option<Key>,
}

/// How one try ended.
enum Tried {
    /// The row as it was before.
    Moved(Box<Row>),
    /// There is no such row.
    Gone,
    /// Another move of this folder is under way.
    Busy,
    /// Together with other moves that are under way this would close a cycle.
    Crossed,
}

/// What a walk up from the target met.
enum Met {
    /// The root, and nothing else of interest.
    Root,
    /// The folder that is to be moved, over parents alone.
    Itself,
    /// The folder that is to be moved, over the marks of others.
    ItselfOverMarks,
}

impl MongoFiles {
    pub(super) async fn put_elsewhere(
        &self,
        owner: UserId,
        id: FileId,
        to: Option<FileId>,
        now: Timestamp,
    ) -> Result<Option<File>> {
        let Some(Lineage { row, .. }) = self.living_of(owner, id).await? else { return Ok(None) };
        if row.parent == to.map(|to| key(to.0)) {
            return row.file().map(Some);
        }
        self.depth_of_target(owner, to).await?;
        let there = Move { owner, to, updated_at: now, only_from: None };
        let Some(before) = self.carry_out(&row, &there).await? else { return Ok(None) };
        if let Some(lineage) = self.living_of(owner, id).await? {
            return lineage.row.file().map(Some);
        }
        // A folder above was deleted after the look and before the write, or else the row was. Deleting a folder must
        // not take what was not in it: back.
        let Some(to) = to else { return Ok(None) };
        let back = Move {
            owner,
            to: before.parent.map(|parent| FileId(super::super::id(parent))),
            updated_at: before.updated_at,
            only_from: Some(key(to.0)),
        };
        match self.carry_out(&before, &back).await {
            Ok(Some(_)) => Err(Error::parent_not_found()),
            // It has been deleted with the folder, or cannot go back and will be; or somebody moved it on.
            Ok(None) | Err(Error::User(_)) => {
                self.living_of(owner, id).await?.map(|lineage| lineage.row.file()).transpose()
            }
            Err(error) => Err(error),
        }
    }

    /// Moves, and answers the row as it was before; `None` when it is gone.
    async fn carry_out(&self, row: &Row, to: &Move) -> Result<Option<Row>> {
        // What holds nothing closes no cycle, and neither does what is in the root.
        let Some(target) = to.to.filter(|_| row.kind == FileKind::Folder) else {
            return self.write_parent(doc! { "_id": row.id }, to).await;
        };
        let mut crossed = false;
        for tried in 0..TRIES {
            if tried > 0 {
                pause(tried).await;
            }
            match self.attempt(row.id, target, to).await? {
                Tried::Moved(before) => return Ok(Some(*before)),
                Tried::Gone => return Ok(None),
                Tried::Busy => crossed = false,
                Tried::Crossed => crossed = true,
            }
        }
        Err(if crossed {
            Error::folder_cycle()
        } else {
            Error::unavailable(NAME, "another move of the same folder does not end")
        })
    }

    /// Writes a row's parent, if it is still there, lives, and is what this condition says. Answers it as it was.
    async fn write_parent(&self, mut condition: Document, to: &Move) -> Result<Option<Row>> {
        condition.insert("live", true);
        condition.insert("owner", key(to.owner.0));
        if let Some(from) = to.only_from {
            condition.insert("parent", from);
        }
        let place = doc! { "parent": to.to.map(|to| key(to.0)), "updated_at": to.updated_at.0 };
        // A mark of somebody else stays, unless it was the condition.
        let mut update = doc! { "$set": place };
        if condition.contains_key("moving.token") {
            update.insert("$unset", doc! { "moving": "" });
        }
        let before = within(self.rows.find_one_and_update(condition, update)).await?;
        before.map(|raw| Row::read(&raw)).transpose()
    }

    /// Tries once to move a folder.
    async fn attempt(&self, folder: Key, target: FileId, to: &Move) -> Result<Tried> {
        let (to_folder, token) = (key(target.0), ObjectId::new());
        let stale = doc! { "$subtract": [{ "$toLong": "$$NOW" }, STALE] };
        let unmarked = doc! {
            "_id": folder,
            "live": true,
            "owner": key(to.owner.0),
            "$or": [{ "moving": null }, { "$expr": { "$lt": ["$moving.at", stale] } }],
        };
        let moving = doc! { "to": to_folder, "token": token, "at": { "$toLong": "$$NOW" } };
        // Replaced as a whole, since `$set` in a pipeline would merge documents.
        let marked = vec![doc! { "$unset": "moving" }, doc! { "$set": { "moving": moving } }];
        // One that takes over a stale mark has its holder fail, should it still be there.
        let marked = self.rows.find_one_and_update(unmarked, marked).return_document(ReturnDocument::After);
        let marked = within(marked).await?.map(|raw| Row::read(&raw)).transpose()?;
        let Some(mark) = marked.and_then(|row| row.moving) else {
            let row = self.lineage(folder).await?.map(|lineage| lineage.row);
            return Ok(if row.is_some_and(|row| row.live) { Tried::Busy } else { Tried::Gone });
        };
        let refused = match self.examine(folder, target, to.owner, mark.at).await {
            Ok(Met::Root) => {
                let as_marked = doc! { "_id": folder, "moving.token": mark.token };
                if let Some(before) = self.write_parent(as_marked, to).await? {
                    return Ok(Tried::Moved(Box::new(before)));
                }
                // The mark is lost, or the row is not where it was to be taken from: the next try tells which.
                Ok(if to.only_from.is_some() { Tried::Gone } else { Tried::Busy })
            }
            Ok(Met::Itself) => Err(Error::folder_cycle()),
            Ok(Met::ItselfOverMarks) => Ok(Tried::Crossed),
            Err(error) => Err(error),
        };
        self.unmark(folder, mark.token).await?;
        refused
    }

    async fn unmark(&self, folder: Key, token: ObjectId) -> Result<()> {
        let ours = doc! { "_id": folder, "moving.token": token };
        within(self.rows.update_one(ours, doc! { "$unset": { "moving": "" } })).await.map(drop)
    }

    /// Whether a marked folder may go to the target: walks up from there. Everything is read after the mark was
    /// written, by a majority.
    async fn examine(&self, folder: Key, target: FileId, owner: UserId, now: Timestamp) -> Result<Met> {
        let Some(chain) = self.lineage(key(target.0)).await? else { return Err(Error::parent_not_found()) };
        let mut met = Vec::with_capacity(chain.depth());
        let (lives, depth) = (chain.lives(), chain.depth());
        met.push(chain.row);
        met.extend(chain.above);
        if met.iter().any(|row| row.id == folder) {
            return Ok(Met::Itself);
        }
        if !lives {
            return Err(Error::parent_not_found());
        }
        if depth + self.height(owner, folder, MAX_FOLDER_DEPTH).await? > MAX_FOLDER_DEPTH {
            return Err(Error::folder_too_deep(MAX_FOLDER_DEPTH));
        }
        let mut seen: HashSet<Key> = met.iter().map(|row| row.id).collect();
        while let Some(row) = met.pop() {
            let Some(mark) = row.moving else { continue };
            if seen.contains(&mark.to) {
                continue;
            }
            let Some(chain) = self.lineage(mark.to).await? else { continue };
            for next in std::iter::once(chain.row).chain(chain.above) {
                if next.id == folder {
                    // Whoever marked and is gone must not be in the way for ever.
                    if mark.at.0 < now.0 - STALE {
                        self.unmark(row.id, mark.token).await?;
                    }
                    return Ok(Met::ItselfOverMarks);
                }
                if !seen.insert(next.id) {
                    break; // The rest has been walked already.
                }
                met.push(next);
            }
            if seen.len() > MAX_STEPS {
                return Ok(Met::ItselfOverMarks); // So many marks at once will not last: try again.
            }
        }
        Ok(Met::Root)
    }
}

async fn pause(tried: u32) {
    let base = PAUSE * 2_u32.pow(tried);
    // Jitter needs no more than that two processes differ; so do their hashers.
    let jitter = RandomState::new().hash_one(tried) % 1000;
    tokio::time::sleep(base + base.mul_f64(f64::from(u32::try_from(jitter).unwrap_or(0)) / 1000.0)).await;
}
