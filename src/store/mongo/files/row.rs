//! A file as MongoDB holds it, and back.

use mongodb::bson::{RawDocument, RawDocumentBuf, oid::ObjectId, serialize_to_raw_document_buf};
use serde::{Deserialize, Serialize};

use super::super::{FORMAT, Key, id, key, read};
use crate::{
    error::{Error, Result},
    model::{
        BlobKey, Content, File, FileId, FileKind, Generation, Image, Thumbnail, ThumbnailSize, Thumbnails, Timestamp,
        UserId, fold_name,
    },
};

/// What a tombstone waits for.
pub(super) mod stage {
    /// A folder whose content has yet to be deleted.
    pub const FULL: &str = "FULL";
    /// A folder that held nothing living any more when it was last looked at.
    pub const EMPTIED: &str = "EMPTIED";
    /// A file: it can go.
    pub const READY: &str = "READY";
}

/// How a folder is spelt in `kind`.
pub(super) const FOLDER: &str = "FOLDER";
/// How an image is spelt in `kind`.
pub(super) const IMAGE: &str = "IMAGE";
/// How an image's status is spelt while it waits for thumbnails.
pub(super) const PENDING: &str = "PENDING";

/// As `kind` spells it.
pub(super) fn kind_text(kind: FileKind) -> &'static str {
    match kind {
        FileKind::File => "FILE",
        FileKind::Folder => FOLDER,
        FileKind::Image => IMAGE,
    }
}

/// One document of the collection.
///
/// A tombstone has `live: false` and besides these fields `fell_at`: when it was deleted, by the server's clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Row {
    #[serde(rename = "_id")]
    pub id: Key,
    pub format: i32,
    /// Not deleted itself; whether a folder above it is, its lineage tells.
    pub live: bool,
    pub owner: Key,
    /// Null in the root.
    pub parent: Option<Key>,
    pub name: String,
    /// The name, folded.
    pub name_key: String,
    pub kind: FileKind,
    pub is_public: bool,
    pub privacy_version: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Bytes; 0 for folders.
    pub size: u64,
    content: Option<ContentRow>,
    pub image: Option<ImageRow>,
    /// A folder's: where somebody is about to move it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moving: Option<Mark>,
    /// A tombstone's: when it was deleted, by its owner's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// A deleted folder's: how many folders it is below the one that was asked to be deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u32>,
}

/// Says that somebody is about to move a folder.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Into which folder.
    pub to: Key,
    /// Proves whose mark it is.
    pub token: ObjectId,
    /// Since when, by the server's clock.
    pub at: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ContentRow {
    blob: Key,
    media_type: String,
    sha256: String,
}

/// What is known of an image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ImageRow {
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub generation: Generation,
    /// `PENDING`, `READY`, `FAILED`.
    pub status: String,
    pub thumbnails: Vec<ThumbnailRow>,
    pub thumbhash: Option<String>,
    pub reason: Option<String>,
    /// When these thumbnails were asked for.
    pub pending_since: Timestamp,
    /// Null while pending.
    pub settled_at: Option<Timestamp>,
    /// Settled, and nobody noted that it was announced.
    pub unannounced: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ThumbnailRow {
    size: ThumbnailSize,
    blob: Key,
    width: u32,
    height: u32,
    media_type: String,
    bytes: u64,
}

impl Row {
    /// A new row.
    pub fn of(file: &File) -> Self {
        let content = file.content.as_ref().map(|content| ContentRow {
            blob: key(content.blob.0),
            media_type: content.media_type.clone(),
            sha256: content.sha256.clone(),
        });
        Self {
            id: key(file.id.0),
            format: FORMAT,
            live: true,
            owner: key(file.owner.0),
            parent: file.parent.map(|parent| key(parent.0)),
            name: file.name.clone(),
            name_key: fold_name(&file.name),
            kind: file.kind,
            is_public: file.is_public,
            privacy_version: file.privacy_version,
            created_at: file.created_at,
            updated_at: file.updated_at,
            size: file.size(),
            content,
            image: file.image.as_ref().map(|image| ImageRow::of(image, file.created_at)),
            moving: None,
            deleted_at: None,
            level: None,
        }
    }

    /// Reads a document.
    pub fn read(raw: &RawDocument) -> Result<Self> {
        read(raw)
    }

    /// For writing.
    pub fn document(&self) -> Result<RawDocumentBuf> {
        serialize_to_raw_document_buf(self).map_err(Error::internal)
    }

    /// Whose it is.
    pub fn owner(&self) -> UserId {
        UserId(id(self.owner))
    }

    /// Which it is.
    pub fn file_id(&self) -> FileId {
        FileId(id(self.id))
    }

    /// Its image, if it waits for thumbnails.
    pub fn pending(&self) -> Option<&ImageRow> {
        self.image.as_ref().filter(|image| image.status == PENDING)
    }

    /// What it stands for.
    pub fn file(self) -> Result<File> {
        let size = self.size;
        Ok(File {
            id: FileId(id(self.id)),
            owner: UserId(id(self.owner)),
            parent: self.parent.map(|parent| FileId(id(parent))),
            name: self.name,
            kind: self.kind,
            is_public: self.is_public,
            privacy_version: self.privacy_version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            content: self.content.map(|content| Content {
                blob: BlobKey(id(content.blob)),
                size,
                media_type: content.media_type,
                sha256: content.sha256,
            }),
            image: self.image.map(ImageRow::image).transpose()?,
        })
    }
}

impl ImageRow {
    /// This image, whose state was reached at this instant.
    fn of(image: &Image, at: Timestamp) -> Self {
        let settled = image.is_settled();
        let (status, thumbnails, thumbhash, reason) = written(&image.thumbnails);
        Self {
            width: image.width,
            height: image.height,
            generation: image.generation,
            status: status.to_owned(),
            thumbnails,
            thumbhash,
            reason,
            pending_since: at,
            settled_at: settled.then_some(at),
            unannounced: settled,
        }
    }

    fn image(self) -> Result<Image> {
        let thumbnails = match (self.status.as_str(), self.thumbhash, self.reason) {
            (PENDING, ..) => Thumbnails::Pending,
            ("READY", Some(thumbhash), _) => {
                Thumbnails::Ready { set: self.thumbnails.into_iter().map(ThumbnailRow::thumbnail).collect(), thumbhash }
            }
            ("FAILED", _, Some(reason)) => Thumbnails::Failed { reason },
            (status, ..) => {
                return Err(Error::internal(format!("MongoDB holds an image whose status {status:?} lacks its parts")));
            }
        };
        Ok(Image { width: self.width, height: self.height, generation: self.generation, thumbnails })
    }
}

/// How a state is written: `status`, `thumbnails`, `thumbhash`, `reason`.
pub(super) fn written(thumbnails: &Thumbnails) -> (&'static str, Vec<ThumbnailRow>, Option<String>, Option<String>) {
    match thumbnails {
        Thumbnails::Pending => (PENDING, Vec::new(), None, None),
        Thumbnails::Ready { set, thumbhash } => {
            ("READY", set.iter().map(ThumbnailRow::of).collect(), Some(thumbhash.clone()), None)
        }
        Thumbnails::Failed { reason } => ("FAILED", Vec::new(), None, Some(reason.clone())),
    }
}

impl ThumbnailRow {
    fn of(thumbnail: &Thumbnail) -> Self {
        Self {
            size: thumbnail.size,
            blob: key(thumbnail.blob.0),
            width: thumbnail.width,
            height: thumbnail.height,
            media_type: thumbnail.media_type.clone(),
            bytes: thumbnail.bytes,
        }
    }

    fn thumbnail(self) -> Thumbnail {
        Thumbnail {
            size: self.size,
            blob: BlobKey(id(self.blob)),
            width: self.width,
            height: self.height,
            media_type: self.media_type,
            bytes: self.bytes,
        }
    }
}
