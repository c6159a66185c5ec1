//! Lists of files: which, in what order, which part.

use super::{File, FileId, FileKind, Timestamp, UserId, fold_name};

/// Whose files, and which of them, before any filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileScope {
    /// What one folder of the owner holds; the root when `parent` is `None`.
    Children {
        /// Whose.
        owner: UserId,
        /// Which folder.
        parent: Option<FileId>,
    },
    /// Every file of the owner, whatever its folder.
    Owned {
        /// Whose.
        owner: UserId,
    },
}

impl FileScope {
    /// Whose files are listed.
    #[must_use]
    pub fn owner(self) -> UserId {
        match self {
            Self::Children { owner, .. } | Self::Owned { owner } => owner,
        }
    }
}

/// Conditions that must all hold; `None` holds for every file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileFilter {
    /// One of these. An empty list holds for no file.
    pub kinds: Option<Vec<FileKind>>,
    /// Public or private.
    pub is_public: Option<bool>,
    /// Part of the name, already folded by [`fold_name`].
    pub name_contains: Option<String>,
    /// For images: how far their thumbnails are, as the tag of [`super::Thumbnails`]: `PENDING`, `READY`, `FAILED`.
    pub thumbnail_status: Option<&'static str>,
    /// Lower-case hexadecimal.
    pub sha256: Option<String>,
    /// Later than this.
    pub created_after: Option<Timestamp>,
    /// Earlier than this.
    pub created_before: Option<Timestamp>,
}

/// What files are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileOrderField {
    /// `created_at`.
    CreatedAt,
    /// The folded name.
    Name,
    /// Bytes; folders have 0.
    Size,
}

/// Which end of an order comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

/// An order; ties are broken by ID, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileOrder {
    /// By what.
    pub field: FileOrderField,
    /// Which end first.
    pub direction: Direction,
}

impl Default for FileOrder {
    fn default() -> Self {
        Self { field: FileOrderField::CreatedAt, direction: Direction::Desc }
    }
}

/// The value by which one file is ordered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// Milliseconds since the epoch.
    CreatedAt(Timestamp),
    /// Folded.
    Name(String),
    /// Bytes.
    Size(u64),
}

/// A place in an order: just at this file, whether or not it still exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The file's value in the order.
    pub key: SortKey,
    /// Breaks ties.
    pub id: FileId,
}

impl Position {
    /// Where this file stands when ordered by this field.
    #[must_use]
    pub fn of(file: &File, field: FileOrderField) -> Self {
        let key = match field {
            FileOrderField::CreatedAt => SortKey::CreatedAt(file.created_at),
            FileOrderField::Name => SortKey::Name(fold_name(&file.name)),
            FileOrderField::Size => SortKey::Size(file.size()),
        };
        Self { key, id: file.id }
    }
}

/// Which part of a list: so many from one end, within these exclusive bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Only what comes after this.
    pub after: Option<Position>,
    /// Only what comes before this.
    pub before: Option<Position>,
    /// At most so many.
    pub limit: usize,
    /// Take them from the end of the list rather than from its beginning. The order of the answer is the same.
    pub from_end: bool,
}

/// A whole question to [`crate::store::Files::list`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// Which files, before the filter.
    pub scope: FileScope,
    /// Which of them.
    pub filter: FileFilter,
    /// In what order.
    pub order: FileOrder,
    /// Which part.
    pub page: Page,
}
