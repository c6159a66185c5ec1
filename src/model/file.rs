//! Files, images and folders, and how far an image's thumbnails are.

use serde::{Deserialize, Serialize};

use super::{BlobKey, FileId, Timestamp, UserId};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FileKind {
    /// Bytes that are not shown as an image.
    File,
    /// Holds others.
    Folder,
    /// Its first bytes are those of an image format that can be scaled. It may still turn out to be damaged.
    Image,
}

/// A file, an image or a folder: one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Never changes.
    pub id: FileId,
    /// Never changes.
    pub owner: UserId,
    /// The folder it is in; the owner's root when `None`.
    pub parent: Option<FileId>,
    /// As people gave it; `fold_name` of it is stored beside it.
    pub name: String,
    /// Never changes.
    pub kind: FileKind,
    /// Whether anybody holding the ID may see it.
    pub is_public: bool,
    /// Grows with every change of `is_public`; signatures of URLs are bound to it.
    pub privacy_version: u32,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When its owner last changed its name, place or privacy.
    pub updated_at: Timestamp,
    /// Its bytes. `None` exactly for folders.
    pub content: Option<Content>,
    /// `Some` exactly for images.
    pub image: Option<Image>,
}

impl File {
    /// For ordering: folders have size 0.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.content.as_ref().map_or(0, |content| content.size)
    }

    /// Every blob that belongs to this row.
    pub fn blobs(&self) -> impl Iterator<Item = BlobKey> + '_ {
        let thumbnails = self.thumbnails().iter().map(|thumbnail| thumbnail.blob);
        self.content.iter().map(|content| content.blob).chain(thumbnails)
    }

    /// The finished thumbnails, smallest first.
    #[must_use]
    pub fn thumbnails(&self) -> &[Thumbnail] {
        match &self.image {
            Some(Image { thumbnails: Thumbnails::Ready { set, .. }, .. }) => set,
            _ => &[],
        }
    }

    /// One finished thumbnail.
    #[must_use]
    pub fn thumbnail(&self, size: ThumbnailSize) -> Option<&Thumbnail> {
        self.thumbnails().iter().find(|thumbnail| thumbnail.size == size)
    }
}

/// The bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Where they are.
    pub blob: BlobKey,
    /// How many.
    pub size: u64,
    /// Found from the bytes, or else from the name.
    pub media_type: String,
    /// SHA-256 (FIPS 180-4), lower-case hexadecimal.
    pub sha256: String,
}

/// Counts the times thumbnails of one image were asked for: 1 with the upload, one more with each retry.
pub type Generation = u32;

/// What is known of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// In pixels, after orientation. `None` until known.
    pub width: Option<u32>,
    /// In pixels, after orientation. `None` until known.
    pub height: Option<u32>,
    /// Which request for thumbnails this state answers.
    pub generation: Generation,
    /// How far they are.
    pub thumbnails: Thumbnails,
}

impl Image {
    /// Just uploaded.
    #[must_use]
    pub fn pending() -> Self {
        Self { width: None, height: None, generation: 1, thumbnails: Thumbnails::Pending }
    }

    /// Whether the thumbnails are `READY` or `FAILED`.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.thumbnails != Thumbnails::Pending
    }
}

/// How far the thumbnails of an image are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Thumbnails {
    /// Waiting for a worker, or in one's hands.
    Pending,
    /// Finished.
    Ready {
        /// Smallest first.
        set: Vec<Thumbnail>,
        /// A `ThumbHash` in base64.
        thumbhash: String,
    },
    /// Given up on.
    Failed {
        /// A sentence for people: no paths, no driver's text.
        reason: String,
    },
}

/// One encoded thumbnail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnail {
    /// Which of the sizes.
    pub size: ThumbnailSize,
    /// Where its bytes are.
    pub blob: BlobKey,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// E.g. `image/jpeg`.
    pub media_type: String,
    /// How many bytes it has.
    pub bytes: u64,
}

/// The sizes that thumbnails come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ThumbnailSize {
    /// 100 pixels wide.
    Small,
    /// 250 pixels wide.
    Medium,
    /// 500 pixels wide.
    Large,
}

impl ThumbnailSize {
    /// Smallest first.
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    /// The most pixels it is wide.
    #[must_use]
    pub fn max_width(self) -> u32 {
        match self {
            Self::Small => 100,
            Self::Medium => 250,
            Self::Large => 500,
        }
    }

    /// As the API and download URLs spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Small => "SMALL",
            Self::Medium => "MEDIUM",
            Self::Large => "LARGE",
        }
    }
}

/// How the making of thumbnails ended: what a worker writes to the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// In pixels, after orientation; `None` where a damaged image did not tell.
    pub width: Option<u32>,
    /// In pixels, after orientation; `None` where a damaged image did not tell.
    pub height: Option<u32>,
    /// `Ready` or `Failed`, never `Pending`.
    pub thumbnails: Thumbnails,
}

/// What a browser should do with the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// Show it where that is safe.
    Inline,
    /// Save it under its name.
    Attachment,
}

impl Disposition {
    /// As download URLs and `Content-Disposition` (RFC 6266) spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Attachment => "attachment",
        }
    }
}

/// What a user stores: originals, without folders and thumbnails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Files and images.
    pub file_count: u64,
    /// Of their originals.
    pub bytes: u64,
}
