//! Bytes on their way in: parts of a request, streamed once into the blob store, then claimed by mutations.
//!
//! The order keeps every promise: note the blob, write its bytes durably, write the row, strike the note out, queue the
//! job. Whatever dies in between leaves a note, and the janitor acts on it.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use tokio::sync::{Mutex, Semaphore};

use super::{
    Leftovers,
    leftovers::{CLEARING, Noted},
    media_type,
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::{BlobKey, Clock, Content, File, FileId, FileKind, FileName, Image, Random, UserId},
    store::{JobKey, Store, blobs::BlobWriter},
    telemetry::Metrics,
};

/// How many first bytes are kept to find the media type.
const HEAD: usize = 512;

/// The service.
pub struct Uploads {
    store: Store,
    /// The most bytes of one file.
    max_bytes: u64,
    clock: Clock,
    random: Random,
    leftovers: Arc<Leftovers>,
    metrics: Metrics,
}

/// A part that is being received.
pub struct Incoming {
    note: Noted,
    /// `None` once the part has passed the limit and is no longer stored.
    writer: Option<BlobWriter>,
    head: Vec<u8>,
    max_bytes: u64,
}

/// A part that has been received whole and has no row yet.
pub struct StoredPart {
    note: Noted,
    bytes: PartBytes,
}

/// What is known of a part's bytes.
#[derive(Debug, Clone)]
struct PartBytes {
    size: u64,
    sha256: String,
    head: Vec<u8>,
}

/// What is to become of a part.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// Whose.
    pub owner: UserId,
    /// The folder; the root when `None`.
    pub parent: Option<FileId>,
    /// The name; that of the part when `None`.
    pub name: Option<String>,
    /// Whether anybody holding the ID may see it.
    pub is_public: bool,
    /// What the bytes must hash to, in hexadecimal.
    pub sha256: Option<String>,
}

impl Incoming {
    /// Takes the next bytes. `false` from the moment the part has passed the limit: what follows is not stored.
    pub async fn write(&mut self, bytes: Bytes) -> Result<bool> {
        let Some(writer) = &mut self.writer else { return Ok(false) };
        if writer.size() + bytes.len() as u64 > self.max_bytes {
            self.note.set_multipart(writer.multipart());
            self.writer = None;
            return Ok(false);
        }
        if self.head.len() < HEAD {
            let more = bytes.len().min(HEAD - self.head.len());
            self.head.extend_from_slice(&bytes[..more]);
        }
        let written = writer.write(bytes).await;
        self.note.set_multipart(writer.multipart());
        written.map(|()| true)
    }
}

impl Uploads {
    /// Over these stores.
    #[must_use]
    pub fn new(
        store: Store,
        max_bytes: u64,
        clock: Clock,
        random: Random,
        leftovers: Arc<Leftovers>,
        metrics: Metrics,
    ) -> Self {
        Self { store, max_bytes, clock, random, leftovers, metrics }
    }

    /// Begins to receive a part.
    pub async fn begin(&self) -> Result<Incoming> {
        let note = self.reserve().await?;
        match self.store.blobs.writer(note.blob(), Arc::clone(&self.store.reservations)).await {
            Ok(writer) => Ok(Incoming { note, writer: Some(writer), head: Vec::new(), max_bytes: self.max_bytes }),
            Err(error) => {
                note.remove().await;
                Err(error)
            }
        }
    }

    /// Makes a received part durable. `None` when it was too large; nothing is left of it then.
    pub async fn finish(&self, incoming: Incoming) -> Result<Option<StoredPart>> {
        let Incoming { note, writer, head, .. } = incoming;
        let Some(writer) = writer else {
            note.remove().await;
            return Ok(None);
        };
        match writer.finish().await {
            Ok(written) => {
                let bytes = PartBytes { size: written.size, sha256: written.sha256, head };
                Ok(Some(StoredPart { note, bytes }))
            }
            Err(error) => {
                note.undo(&error).await;
                Err(error)
            }
        }
    }

    /// Gives up on a part that is being received.
    pub async fn abandon(&self, incoming: Incoming) {
        drop(incoming.writer);
        // Dropped when this takes too long, the note is settled later.
        let _ = tokio::time::timeout(CLEARING, incoming.note.remove()).await;
    }

    /// Makes a second blob of the same bytes, without reading them.
    async fn duplicate(&self, blob: BlobKey) -> Result<Noted> {
        let note = self.reserve().await?;
        match self.store.blobs.copy(blob, note.blob()).await {
            Ok(()) => Ok(note),
            Err(error) => {
                note.undo(&error).await;
                Err(error)
            }
        }
    }

    /// Makes a file of bytes that are stored. When this fails with [`Error::User`] there is certainly no row; when it
    /// fails otherwise there may be one.
    async fn store(&self, note: &Noted, bytes: &PartBytes, part_name: Option<&str>, new: NewFile) -> Result<File> {
        let name = match (&new.name, part_name) {
            (Some(name), _) => FileName::parse(name),
            (None, Some(part_name)) => FileName::from_part(part_name),
            (None, None) => Err("The part has no file name: give one in `name`."),
        };
        let name = name.map_err(|message| Error::input("name", message))?.into_string();
        if let Some(expected) = &new.sha256 {
            check_sha256(expected, &bytes.sha256)?;
        }
        self.leftovers.check_pulse()?;
        let found = media_type(&bytes.head, &name);
        let now = self.clock.now();
        let file = File {
            id: note.file(),
            owner: new.owner,
            parent: new.parent,
            name,
            kind: if found.is_image { FileKind::Image } else { FileKind::File },
            is_public: new.is_public,
            privacy_version: 1,
            created_at: now,
            updated_at: now,
            content: Some(Content {
                blob: note.blob(),
                size: bytes.size,
                media_type: found.media_type,
                sha256: bytes.sha256.clone(),
            }),
            image: found.is_image.then(Image::pending),
        };
        self.store.files.insert(&file).await?;
        Ok(file)
    }

    /// What follows once a row owns its bytes. The file is stored; what fails here is mended in the background.
    async fn stored(&self, note: Noted, file: &File) {
        self.metrics.upload(file.size());
        let queued = async {
            let Some(image) = &file.image else { return };
            let job = JobKey { file: file.id, generation: image.generation };
            if let Err(error) = self.store.jobs.enqueue(job).await {
                error.log();
            }
        };
        tokio::join!(queued, self.leftovers.release(vec![note]));
    }

    async fn reserve(&self) -> Result<Noted> {
        let notes = self.leftovers.reserve(FileId(self.random.uuid()), 1).await?;
        notes.into_iter().next().ok_or_else(|| Error::internal("no note was made"))
    }
}

fn check_sha256(expected: &str, actual: &str) -> Result<()> {
    if expected.len() != 64 || !expected.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::input("sha256", "A SHA-256 has 64 hexadecimal digits."));
    }
    if !expected.eq_ignore_ascii_case(actual) {
        let message = format!("The bytes that arrived hash to {actual}. Nothing was kept; send the file again.");
        return Err(Error::user(ErrorCode::ChecksumMismatch, "sha256", message));
    }
    Ok(())
}

/// The received parts of one request, as its mutations claim them.
///
/// A variable of type `Upload` holds a ticket: the index of a part, under a random number that only this request knows,
/// so that no client can forge one.
pub struct Parts {
    nonce: String,
    slots: Vec<Mutex<Slot>>,
    /// How many files may still be made: a part can be claimed again and again, and each time its bytes are copied.
    claims: Semaphore,
}

struct Slot {
    name: Option<String>,
    state: State,
}

enum State {
    /// Received, not claimed.
    Stored(StoredPart),
    /// A row has the blob; more claims get copies.
    Taken(BlobKey, PartBytes),
    /// It passed the limit.
    TooLarge,
    /// It was never sent, or not whole, or nobody knows any more.
    Missing,
}

impl Parts {
    /// A table of this many parts, none received yet, of which so many files can be made.
    #[must_use]
    pub fn new(count: usize, files: usize, random: &Random) -> Self {
        let slots = (0..count).map(|_| Mutex::new(Slot { name: None, state: State::Missing })).collect();
        Self { nonce: URL_SAFE_NO_PAD.encode(random.bytes::<16>()), slots, claims: Semaphore::new(files) }
    }

    /// What stands for this part in the variables.
    #[must_use]
    pub fn ticket(&self, index: usize) -> String {
        format!("{}:{index}", self.nonce)
    }

    /// Enters a received part; `None` for one that was too large. `name` as the part's header gave it.
    pub async fn enter(&self, index: usize, name: Option<String>, part: Option<StoredPart>) {
        if let Some(slot) = self.slots.get(index) {
            *slot.lock().await = Slot { name, state: part.map_or(State::TooLarge, State::Stored) };
        }
    }

    /// Makes a file of the part that a ticket names.
    pub async fn store(&self, ticket: &str, uploads: &Uploads, new: NewFile) -> Result<File> {
        let index = ticket.strip_prefix(&self.nonce).and_then(|rest| rest.strip_prefix(':'));
        let slot = index.and_then(|index| index.parse::<usize>().ok()).and_then(|index| self.slots.get(index));
        let Some(slot) = slot else { return Err(not_a_part()) };
        let Ok(claim) = self.claims.try_acquire() else {
            return Err(Error::input("file", "One request can make no more files of its parts. Send another one."));
        };
        claim.forget();
        let mut slot = slot.lock().await;
        let Slot { name, state } = &mut *slot;
        // Taken out while it is worked on: if that never ends, nobody may think that the part is still unclaimed.
        match std::mem::replace(state, State::Missing) {
            State::Stored(part) => match uploads.store(&part.note, &part.bytes, name.as_deref(), new).await {
                Ok(file) => {
                    *state = State::Taken(part.note.blob(), part.bytes);
                    uploads.stored(part.note, &file).await;
                    Ok(file)
                }
                Err(error) => {
                    // Certainly no row: another mutation may still claim the part.
                    if matches!(error, Error::User(_)) {
                        *state = State::Stored(part);
                    }
                    Err(error)
                }
            },
            State::Taken(blob, bytes) => {
                *state = State::Taken(blob, bytes.clone());
                let note = uploads.duplicate(blob).await?;
                match uploads.store(&note, &bytes, name.as_deref(), new).await {
                    Ok(file) => {
                        uploads.stored(note, &file).await;
                        Ok(file)
                    }
                    Err(error) => {
                        if matches!(error, Error::User(_)) {
                            note.remove().await;
                        }
                        Err(error)
                    }
                }
            }
            State::TooLarge => {
                *state = State::TooLarge;
                let message = format!("A file may take at most {} bytes on this server.", uploads.max_bytes);
                Err(Error::user(ErrorCode::FileTooLarge, "file", message))
            }
            State::Missing => Err(not_a_part()),
        }
    }

    /// Removes what nothing claimed. An answer does not wait long for this: what is left is removed later.
    pub async fn discard_rest(&self) {
        let clearing = async {
            for slot in &self.slots {
                if let State::Stored(part) = std::mem::replace(&mut slot.lock().await.state, State::Missing) {
                    part.note.remove().await;
                }
            }
        };
        let _ = tokio::time::timeout(CLEARING, clearing).await;
    }
}

/// The value of an `Upload` stands for no part of this request.
#[must_use]
pub fn not_a_part() -> Error {
    Error::input(
        "file",
        "No file came with this. Send the operation as a GraphQL multipart request, with a variable of type Upload.",
    )
}
