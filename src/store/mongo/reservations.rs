//! Blobs in flight, noted in MongoDB: a document for each blob, and one for each process that said it lives.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::{
    Collection, Database,
    bson::{Bson, RawDocumentBuf, doc, serialize_to_bson},
    options::{Hint, ReturnDocument},
};
use serde::Deserialize;

use super::{FORMAT, Key, Mongo, OUT_OF_DISK_SPACE, id, indexes, key, limited, read, within};
use crate::{
    error::{Error, Result},
    model::{BlobKey, FileId, ProcessId, Timestamp},
    store::{Reservation, Reservations},
};

/// How long a process that left no notes is remembered. Forgetting it changes no answer.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// What is in flight.
#[derive(Debug, Clone)]
pub struct MongoReservations {
    database: Database,
    notes: Collection<RawDocumentBuf>,
    processes: Collection<RawDocumentBuf>,
}

/// A note as it is read. Beside this it holds its process, and by the server's clock when it was made (`at`).
#[derive(Deserialize)]
struct Note {
    #[serde(rename = "_id")]
    blob: Key,
    file: Key,
    multipart: Option<String>,
}

/// When a process said that it lives, by the server's clock.
#[derive(Deserialize)]
struct Beat {
    beat: Timestamp,
}

/// A process that said it lives, perhaps long ago.
#[derive(Deserialize)]
struct Process {
    #[serde(rename = "_id")]
    id: Key,
    silent: bool,
}

impl MongoReservations {
    /// Over a connected database.
    #[must_use]
    pub fn new(mongo: Mongo) -> Self {
        let (notes, processes) = (mongo.collection(indexes::RESERVATIONS), mongo.collection(indexes::PROCESSES));
        Self { database: mongo.database, notes, processes }
    }

    /// Every process that has notes.
    async fn with_notes(&self) -> Result<Vec<Bson>> {
        within(self.notes.distinct("process", doc! {})).await
    }
}

#[async_trait]
impl Reservations for MongoReservations {
    async fn reserve(&self, process: ProcessId, blobs: &[Reservation]) -> Result<()> {
        if blobs.is_empty() {
            return Ok(());
        }
        // Whoever clears up after another process notes the blob anew; its multipart upload must not be lost. All in
        // one command: the driver has none such for servers before 8.0.
        let notes = blobs.iter().map(|Reservation { blob, file, multipart }| {
            let note = doc! {
                "format": FORMAT,
                "file": key(file.0),
                "process": key(process.0),
                "multipart": { "$ifNull": [{ "$literal": multipart }, "$multipart", null] },
                "at": "$$NOW",
            };
            doc! { "q": { "_id": key(blob.0) }, "u": [{ "$set": note }], "upsert": true }
        });
        let concern = self.database.write_concern().map(serialize_to_bson).transpose().map_err(Error::internal)?;
        let command = doc! {
            "update": indexes::RESERVATIONS,
            "updates": notes.collect::<Vec<_>>(),
            "ordered": false,
            "writeConcern": concern,
        };
        let answer = within(self.database.run_command(command)).await?;
        if let Ok(errors) = answer.get_array("writeErrors") {
            let full = errors
                .iter()
                .filter_map(Bson::as_document)
                .any(|error| matches!(error.get_i32("code"), Ok(OUT_OF_DISK_SPACE)));
            return Err(if full {
                Error::storage_full()
            } else {
                Error::internal(format!("MongoDB did not note a blob: {errors:?}"))
            });
        }
        match answer.get("writeConcernError") {
            Some(error) => Err(Error::unavailable(super::NAME, error.to_string())),
            None => Ok(()),
        }
    }

    async fn note_multipart(&self, blob: BlobKey, upload: &str) -> Result<()> {
        let noted = doc! { "$set": { "multipart": upload } };
        within(self.notes.update_one(doc! { "_id": key(blob.0) }, noted)).await.map(drop)
    }

    async fn release(&self, blobs: &[BlobKey]) -> Result<()> {
        if blobs.is_empty() {
            return Ok(());
        }
        let blobs: Vec<Key> = blobs.iter().map(|blob| key(blob.0)).collect();
        within(self.notes.delete_many(doc! { "_id": { "$in": blobs } })).await.map(drop)
    }

    async fn noted(&self, blobs: &[BlobKey]) -> Result<Vec<BlobKey>> {
        let keys: Vec<Key> = blobs.iter().map(|blob| key(blob.0)).collect();
        let found = self.notes.find(doc! { "_id": { "$in": keys } });
        let found: Vec<_> = within(async { found.await?.try_collect().await }).await?;
        found.iter().map(|raw| read(raw).map(|Note { blob, .. }| BlobKey(id(blob)))).collect()
    }

    async fn beat(&self, process: ProcessId) -> Result<()> {
        let alive = vec![doc! { "$set": { "format": FORMAT, "beat": { "$toLong": "$$NOW" } } }];
        let alive = self.processes.find_one_and_update(doc! { "_id": key(process.0) }, alive).upsert(true);
        let Some(written) = within(alive.return_document(ReturnDocument::After)).await? else {
            return Err(Error::internal("MongoDB did not answer what it wrote"));
        };
        let Beat { beat: now } = read(&written)?;
        let forgotten = doc! { "beat": { "$lt": now.minus(REMEMBERED).0 } };
        let hint = Hint::Name(indexes::BY_BEAT.to_owned());
        if within(self.processes.find_one(forgotten.clone()).hint(hint.clone())).await?.is_some() {
            let mut forgotten = forgotten;
            forgotten.insert("_id", doc! { "$nin": self.with_notes().await? });
            within(self.processes.delete_many(forgotten).hint(hint)).await?;
        }
        Ok(())
    }

    async fn abandoned(&self, me: ProcessId, silent_for: Duration, limit: usize) -> Result<Vec<Reservation>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let others: Vec<_> = self.with_notes().await?.into_iter().filter(|id| *id != Bson::from(key(me.0))).collect();
        if others.is_empty() {
            return Ok(Vec::new());
        }
        let silent_for = i64::try_from(silent_for.as_millis()).unwrap_or(i64::MAX);
        let heard_before = doc! { "$subtract": [{ "$toLong": "$$NOW" }, silent_for] };
        let silent = doc! { "format": FORMAT, "silent": { "$lte": ["$beat", heard_before] } };
        let known = self.processes.find(doc! { "_id": { "$in": &others } }).projection(silent);
        let known: Vec<_> = within(async { known.await?.try_collect().await }).await?;
        let known: Vec<Process> = known.iter().map(|raw| read(raw)).collect::<Result<_>>()?;
        let silent: Vec<_> = known.iter().filter(|process| process.silent).map(|process| process.id).collect();
        // One that never said that it lives may only just have begun: its notes count by their own time.
        let unknown: Vec<_> =
            others.into_iter().filter(|id| !known.iter().any(|process| Bson::from(process.id) == *id)).collect();
        let abandoned = self
            .notes
            .find(doc! { "$or": [
                { "process": { "$in": silent } },
                {
                    "process": { "$in": unknown },
                    "$expr": { "$lte": ["$at", { "$subtract": ["$$NOW", silent_for] }] },
                },
            ] })
            .hint(Hint::Name(indexes::BY_PROCESS.to_owned()))
            .limit(limited(limit));
        let abandoned: Vec<_> = within(async { abandoned.await?.try_collect().await }).await?;
        abandoned
            .iter()
            .map(|raw| {
                let Note { blob, file, multipart } = read(raw)?;
                Ok(Reservation { blob: BlobKey(id(blob)), file: FileId(id(file)), multipart })
            })
            .collect()
    }
}
