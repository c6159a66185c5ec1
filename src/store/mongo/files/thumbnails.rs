//! How far thumbnails are: settling, announcing, asking again, and finding what waits.

use mongodb::bson::{Document, doc, serialize_to_bson};

use super::{
    MongoFiles, file, hint,
    lineage::{Lineage, look_up},
    row::{IMAGE, PENDING, Row, written},
};
use crate::{
    error::{Error, Result},
    model::{File, FileId, Generation, Image, Settlement, Thumbnails, Timestamp, UserId},
    store::{
        Settled,
        mongo::{indexes, key, limited, within},
    },
};

impl MongoFiles {
    pub(super) async fn write_settlement(
        &self,
        id: FileId,
        generation: Generation,
        settlement: &Settlement,
        now: Timestamp,
    ) -> Result<Option<File>> {
        let awaits = |row: &Row| row.pending().is_some_and(|image| image.generation == generation);
        if !self.living(id).await?.is_some_and(|lineage| awaits(&lineage.row)) {
            return Ok(None);
        }
        let (status, thumbnails, thumbhash, reason) = written(&settlement.thumbnails);
        let still = doc! {
            "_id": key(id.0),
            "live": true,
            "image.generation": i64::from(generation),
            "image.status": PENDING,
        };
        let settled = doc! { "$set": {
            "image.width": settlement.width,
            "image.height": settlement.height,
            "image.status": status,
            "image.thumbnails": serialize_to_bson(&thumbnails).map_err(Error::internal)?,
            "image.thumbhash": thumbhash,
            "image.reason": reason,
            "image.settled_at": now.0,
            "image.unannounced": true,
        } };
        // Whoever wrote has won, even if a folder above is being deleted at this moment: the thumbnails are in the row
        // now, and go with it. An answer that nobody won would have them removed twice.
        self.updated(still, settled).await
    }

    pub(super) async fn note_announced(&self, id: FileId, generation: Generation) -> Result<()> {
        let settled = doc! {
            "_id": key(id.0),
            "image.generation": i64::from(generation),
            "image.unannounced": true,
        };
        within(self.rows.update_one(settled, doc! { "$set": { "image.unannounced": false } })).await.map(drop)
    }

    pub(super) async fn not_announced(&self, before: Timestamp, limit: usize) -> Result<Vec<Settled>> {
        let all = doc! { "live": true, "image.unannounced": true, "image.settled_at": { "$lt": before.0 } };
        let order = doc! { "image.settled_at": 1, "_id": 1 };
        let behind = |row: &Row| {
            let at = row.image.as_ref().and_then(|image| image.settled_at).map(|at| at.0);
            doc! { "$or": [
                { "image.settled_at": { "$gt": at } },
                { "image.settled_at": at, "_id": { "$gt": row.id } },
            ] }
        };
        let rows = self.living_among(&all, &order, indexes::UNANNOUNCED, limit, behind).await?;
        let settled = |row: &Row| {
            let generation = row.image.as_ref()?.generation;
            Some(Settled { file: row.file_id(), owner: row.owner(), generation })
        };
        Ok(rows.iter().filter_map(settled).collect())
    }

    pub(super) async fn settlements(&self, owner: UserId, since: Timestamp, limit: usize) -> Result<Vec<File>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut settled = doc! {
            "live": true,
            "kind": IMAGE,
            "owner": key(owner.0),
            "image.settled_at": { "$gte": since.0 },
        };
        let dead = self.dead_folders(owner).await?;
        if !dead.is_empty() {
            settled.insert("parent", doc! { "$nin": dead });
        }
        let order = doc! { "image.settled_at": 1, "_id": 1 };
        self.files(self.rows.find(settled).sort(order).hint(hint(indexes::SETTLED)).limit(limited(limit))).await
    }

    pub(super) async fn since(&self, id: FileId, generation: Generation) -> Result<Option<Timestamp>> {
        let lineage = self.living(id).await?;
        let image = lineage.as_ref().and_then(|lineage| lineage.row.pending());
        Ok(image.filter(|image| image.generation == generation).map(|image| image.pending_since))
    }

    pub(super) async fn waiting(
        &self,
        before: Timestamp,
        after: Option<FileId>,
        limit: usize,
    ) -> Result<Vec<(FileId, Generation)>> {
        let mut all = doc! { "live": true, "image.status": PENDING, "image.pending_since": { "$lt": before.0 } };
        if let Some(after) = after {
            all.insert("_id", doc! { "$gt": key(after.0) });
        }
        let behind = |row: &Row| doc! { "_id": { "$gt": row.id } };
        let rows = self.living_among(&all, &doc! { "_id": 1 }, indexes::PENDING, limit, behind).await?;
        Ok(rows.iter().filter_map(|row| Some((row.file_id(), row.pending()?.generation))).collect())
    }

    /// The first rows that live, in this order, of those that this condition holds for, whoever owns them. `behind`
    /// is the condition for the rows behind one.
    async fn living_among(
        &self,
        all: &Document,
        order: &Document,
        index: &str,
        limit: usize,
        behind: impl Fn(&Row) -> Document + Send + Sync,
    ) -> Result<Vec<Row>> {
        let mut living = Vec::new();
        let mut rest = doc! {};
        while living.len() < limit {
            let ask = limit - living.len();
            let page = vec![
                doc! { "$match": { "$and": [all, &rest] } },
                doc! { "$sort": order },
                doc! { "$limit": limited(ask) },
                look_up(),
            ];
            let page = self.aggregated(page, Some(index)).await?;
            let is_last = page.len() < ask;
            for raw in page {
                let lineage = Lineage::read(&raw)?;
                rest = behind(&lineage.row);
                if lineage.lives() {
                    living.push(lineage.row);
                }
            }
            if is_last {
                break;
            }
        }
        Ok(living)
    }

    pub(super) async fn make_pending(&self, owner: UserId, id: FileId, now: Timestamp) -> Result<Option<(File, File)>> {
        loop {
            let Some(Lineage { row, .. }) = self.living_of(owner, id).await? else { return Ok(None) };
            let settled = row.image.as_ref().filter(|_| row.pending().is_none());
            let Some(generation) = settled.map(|image| image.generation) else {
                let file = row.file()?;
                return Ok(Some((file.clone(), file)));
            };
            let as_seen = doc! {
                "_id": row.id,
                "live": true,
                "image.generation": i64::from(generation),
                "image.status": { "$ne": PENDING },
            };
            let pending = doc! {
                "$set": {
                    "image.status": PENDING,
                    "image.thumbnails": [],
                    "image.thumbhash": null,
                    "image.reason": null,
                    "image.pending_since": now.0,
                    "image.settled_at": null,
                    "image.unannounced": false,
                },
                "$inc": { "image.generation": 1_i64 },
            };
            // Answers the row as it was at that very instant, with the blobs that nothing refers to any more.
            let Some(before) = within(self.rows.find_one_and_update(as_seen, pending)).await? else {
                continue; // Somebody else was first; or it is gone.
            };
            let before = file(&before)?;
            let image = before.image.clone().map(|image| Image {
                generation: image.generation + 1,
                thumbnails: Thumbnails::Pending,
                ..image
            });
            let after = File { image, ..before.clone() };
            return Ok(Some((before, after)));
        }
    }
}
