//! Bytes on their way in: parts of a request, streamed once into the blob store, then claimed by mutations.
//!
//! The order keeps every promise: note the blob, write its bytes durably, write the row, strike the note out, queue the
//! job. Whatever dies in between leaves a note, and the janitor acts on it.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use tokio::sync::Mutex;

use super::{Leftovers, media_type};
use crate::{
    error::{Error, ErrorCode, Result},
    model::{BlobKey, Clock, Content, File, FileId, FileKind, FileName, Image, ProcessId, Random, UserId},
    store::{JobKey, Reservation, Store, blobs::BlobWriter},
};

/// How many first bytes are kept to find the media type.
const HEAD: usize = 512;

/// The service.
pub struct Uploads {
    store: Store,
    /// The most bytes of one file.
    max_bytes: u64,
    process: ProcessId,
    clock: Clock,
    random: Random,
    leftovers: Arc<Leftovers>,
}

/// A part that is being received.
pub struct Incoming {
    reservation: Reservation,
    /// `None` once the part has passed the limit and is no longer stored.
    writer: Option<BlobWriter>,
    head: Vec<u8>,
    max_bytes: u64,
}

/// A part that has been received whole and has no row yet.
#[derive(Debug, Clone)]
pub struct StoredPart {
    file: FileId,
    blob: BlobKey,
    size: u64,
    sha256: String,
    head: Vec<u8>,
}

impl StoredPart {
    fn reservation(&self) -> Reservation {
        Reservation { blob: self.blob, file: self.file, multipart: None }
    }
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
            self.writer = None;
            return Ok(false);
        }
        if self.head.len() < HEAD {
            let more = bytes.len().min(HEAD - self.head.len());
            self.head.extend_from_slice(&bytes[..more]);
        }
        writer.write(bytes).await?;
        Ok(true)
    }
}

impl Uploads {
    /// Over these stores.
    #[must_use]
    pub fn new(
        store: Store,
        max_bytes: u64,
        process: ProcessId,
        clock: Clock,
        random: Random,
        leftovers: Arc<Leftovers>,
    ) -> Self {
        Self { store, max_bytes, process, clock, random, leftovers }
    }

    /// Begins to receive a part.
    pub async fn begin(&self) -> Result<Incoming> {
        let reservation = self.reserve(FileId(self.random.uuid())).await?;
        let writer = self.store.blobs.writer(reservation.blob, Arc::clone(&self.store.reservations)).await;
        match writer {
            Ok(writer) => {
                Ok(Incoming { reservation, writer: Some(writer), head: Vec::new(), max_bytes: self.max_bytes })
            }
            Err(error) => {
                self.leftovers.remove(reservation).await;
                Err(error)
            }
        }
    }

    /// Makes a received part durable. `None` when it was too large; nothing is left of it then.
    pub async fn finish(&self, incoming: Incoming) -> Result<Option<StoredPart>> {
        let Incoming { reservation, writer, head, .. } = incoming;
        let Some(writer) = writer else {
            self.leftovers.remove(reservation).await;
            return Ok(None);
        };
        match writer.finish().await {
            Ok(written) => Ok(Some(StoredPart {
                file: reservation.file,
                blob: reservation.blob,
                size: written.size,
                sha256: written.sha256,
                head,
            })),
            Err(error) => {
                self.leftovers.remove(reservation).await;
                Err(error)
            }
        }
    }

    /// Gives up on a part that is being received.
    pub async fn abandon(&self, incoming: Incoming) {
        drop(incoming.writer);
        self.leftovers.remove(incoming.reservation).await;
    }

    /// Makes a second part of the same bytes, without reading them.
    pub async fn duplicate(&self, part: &StoredPart) -> Result<StoredPart> {
        let reservation = self.reserve(FileId(self.random.uuid())).await?;
        if let Err(error) = self.store.blobs.copy(part.blob, reservation.blob).await {
            self.leftovers.remove(reservation).await;
            return Err(error);
        }
        Ok(StoredPart { file: reservation.file, blob: reservation.blob, ..part.clone() })
    }

    /// Removes a received part that nothing claimed.
    pub async fn discard(&self, part: StoredPart) {
        self.leftovers.remove(part.reservation()).await;
    }

    /// Makes a file of a part. When this fails with [`Error::User`] there is certainly no row and the part is still the
    /// caller's; when it fails otherwise there may be one.
    pub async fn store(&self, part: &StoredPart, part_name: Option<&str>, new: NewFile) -> Result<File> {
        let name = match (&new.name, part_name) {
            (Some(name), _) => FileName::parse(name),
            (None, Some(part_name)) => FileName::from_part(part_name),
            (None, None) => Err("The part has no file name: give one in `name`."),
        };
        let name = name.map_err(|message| Error::input("name", message))?.into_string();
        if let Some(expected) = &new.sha256 {
            check_sha256(expected, &part.sha256)?;
        }
        let found = media_type(&part.head, &name);
        let now = self.clock.now();
        let file = File {
            id: part.file,
            owner: new.owner,
            parent: new.parent,
            name,
            kind: if found.is_image { FileKind::Image } else { FileKind::File },
            is_public: new.is_public,
            privacy_version: 1,
            created_at: now,
            updated_at: now,
            content: Some(Content {
                blob: part.blob,
                size: part.size,
                media_type: found.media_type,
                sha256: part.sha256.clone(),
            }),
            image: found.is_image.then(Image::pending),
        };
        self.store.files.insert(&file).await?;
        // From here on the file is stored; what fails below is mended in the background.
        if let Err(error) = self.store.reservations.release(&[part.blob]).await {
            error.log();
        }
        if let Some(image) = &file.image {
            let job = JobKey { file: file.id, generation: image.generation };
            if let Err(error) = self.store.jobs.enqueue(job).await {
                error.log();
            }
        }
        Ok(file)
    }

    async fn reserve(&self, file: FileId) -> Result<Reservation> {
        let reservation = Reservation { blob: BlobKey(self.random.uuid()), file, multipart: None };
        self.store.reservations.reserve(self.process, std::slice::from_ref(&reservation)).await?;
        Ok(reservation)
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
}

struct Slot {
    name: Option<String>,
    state: State,
}

enum State {
    /// Received, not claimed.
    Stored(StoredPart),
    /// It has a row; more claims get copies.
    Taken(StoredPart),
    /// It passed the limit.
    TooLarge,
    /// It was never sent, or not whole.
    Missing,
}

impl Parts {
    /// A table of this many parts, none received yet.
    #[must_use]
    pub fn new(count: usize, random: &Random) -> Self {
        let slots = (0..count).map(|_| Mutex::new(Slot { name: None, state: State::Missing })).collect();
        Self { nonce: URL_SAFE_NO_PAD.encode(random.bytes::<16>()), slots }
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
        let mut slot = slot.lock().await;
        let slot = &mut *slot;
        match &slot.state {
            State::Stored(part) => {
                let part = part.clone();
                let stored = uploads.store(&part, slot.name.as_deref(), new).await;
                match &stored {
                    Ok(_) => slot.state = State::Taken(part),
                    // Certainly no row: another mutation may still claim the part.
                    Err(Error::User(_)) => {}
                    Err(_) => {
                        uploads.leftovers.undecided(part.reservation());
                        slot.state = State::Missing;
                    }
                }
                stored
            }
            State::Taken(part) => {
                let copy = uploads.duplicate(part).await?;
                let stored = uploads.store(&copy, slot.name.as_deref(), new).await;
                match &stored {
                    Ok(_) => {}
                    Err(Error::User(_)) => uploads.discard(copy).await,
                    Err(_) => uploads.leftovers.undecided(copy.reservation()),
                }
                stored
            }
            State::TooLarge => Err(Error::user(
                ErrorCode::FileTooLarge,
                "file",
                format!("A file may take at most {} bytes on this server.", uploads.max_bytes),
            )),
            State::Missing => Err(not_a_part()),
        }
    }

    /// Removes what nothing claimed.
    pub async fn discard_rest(&self, uploads: &Uploads) {
        for slot in &self.slots {
            let mut slot = slot.lock().await;
            if let State::Stored(part) = std::mem::replace(&mut slot.state, State::Missing) {
                uploads.discard(part).await;
            }
        }
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
