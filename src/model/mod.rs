//! Plain data that every layer speaks: IDs, time, users, files, pages. No I/O, no async.

mod client;
mod clock;
mod cursor;
mod file;
mod id;
mod name;
mod page;
mod random;
mod user;

pub use client::{Client, Network};
pub use clock::{Clock, Timestamp};
pub use cursor::{Cursor, CursorKey};
pub use file::{
    Content, Disposition, File, FileKind, Generation, Image, Settlement, Thumbnail, ThumbnailSize, Thumbnails, Usage,
};
pub use id::{BlobKey, FileId, NodeId, ProcessId, SessionId, TokenId, UserId};
pub use name::{FileName, fold_name};
pub use page::{Direction, FileFilter, FileOrder, FileOrderField, FileScope, ListQuery, Page, Position, SortKey};
pub use random::Random;
pub use user::{Email, Session, User};
