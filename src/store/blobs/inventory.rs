//! What is stored, folder by folder: for whoever compares it with the rows.

use std::{fs, io, path::Path, time::UNIX_EPOCH};

use futures_util::TryStreamExt as _;
use object_store::{ObjectMeta, ObjectStore as _, ObjectStoreExt as _, path::Path as Key};
use uuid::Uuid;

use super::{Backend, Blobs, failed, in_folder, of_disk, place};
use crate::{
    error::{Error, Result},
    model::{BlobKey, Timestamp},
};

/// How many folders blobs are spread over.
pub const FOLDERS: u16 = 256;

/// Something that takes room under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Which blob it is or was to become.
    pub blob: BlobKey,
    /// In bytes; 0 where the store does not tell.
    pub size: u64,
    /// When it was last written; of a multipart upload, when it was begun.
    pub modified: Timestamp,
    /// Whether the blob is whole.
    pub state: State,
}

/// How far a blob has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It can be read.
    Whole,
    /// An unfinished file.
    Unfinished,
    /// An unfinished multipart upload, with its ID.
    Multipart(String),
}

/// What is in a folder.
#[derive(Debug, Default)]
pub struct Inventory {
    /// What is the product's, in no order.
    pub stored: Vec<Stored>,
    /// The others that are there, whose names no blob has: their names, below where blobs are kept.
    pub foreign: Vec<String>,
}

impl Inventory {
    /// Others may have any name, and a terminal obeys control characters.
    fn add_foreign(&mut self, name: &str, folder: &str) {
        self.foreign.push(format!("{folder}/{}", name.escape_debug()));
    }

    fn add(&mut self, name: &str, folder: &str, of: impl FnOnce(BlobKey) -> Stored) {
        match Uuid::try_parse(name).map(BlobKey) {
            // A UUID can be spelt in several ways.
            Ok(blob) if blob.to_string() == name && name.starts_with(folder) => self.stored.push(of(blob)),
            _ => self.add_foreign(name, folder),
        }
    }
}

impl Blobs {
    /// Everything in one of the [`FOLDERS`], finished or not. What is written or removed meanwhile may be there or not.
    pub async fn inventory(&self, folder: u8) -> Result<Inventory> {
        let folder = format!("{folder:02x}");
        match &*self.0 {
            Backend::Disk { root, .. } => {
                let path = root.join(&folder);
                let list = move || of_folder(&path, &folder).map_err(|error| in_folder(&path, &error));
                let listed = tokio::task::spawn_blocking(list).await;
                listed.map_err(Error::internal)?.map_err(of_disk)
            }
            Backend::S3 { store, unfinished, .. } => {
                let mut inventory = Inventory::default();
                let mut objects = store.list(Some(&Key::from(folder.as_str())));
                while let Some(object) = objects.try_next().await.map_err(failed)? {
                    let ObjectMeta { location, last_modified, size, .. } = object;
                    let modified = Timestamp(last_modified.timestamp_millis());
                    let name = location.as_ref().strip_prefix(&format!("{folder}/")).unwrap_or_default().to_owned();
                    inventory.add(&name, &folder, |blob| Stored { blob, size, modified, state: State::Whole });
                }
                for upload in unfinished.below(store, &format!("{folder}/")).await? {
                    let name = upload.key.strip_prefix(&format!("{folder}/")).unwrap_or_default();
                    // One that does not say when it was begun is taken for new.
                    let modified = upload.initiated.parse().unwrap_or(Timestamp(i64::MAX));
                    inventory.add(name, &folder, |blob| Stored {
                        blob,
                        size: 0,
                        modified,
                        state: State::Multipart(upload.id.clone()),
                    });
                }
                Ok(inventory)
            }
        }
    }

    /// How many bytes a blob has; `None` when there is no such blob.
    pub async fn size(&self, key: BlobKey) -> Result<Option<u64>> {
        if !self.is_regular(key).await {
            return Ok(None);
        }
        match self.store().head(&place(key)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }
}

/// Blocks.
fn of_folder(path: &Path, folder: &str) -> io::Result<Inventory> {
    let mut inventory = Inventory::default();
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(inventory),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Whatever a link leads to is what is read.
        let found = match fs::metadata(entry.path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Removed meanwhile, or a link that leads nowhere.
                if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                    inventory.add_foreign(&name, folder);
                }
                continue;
            }
            found => found?,
        };
        if !found.is_file() {
            inventory.add_foreign(&name, folder);
            continue;
        }
        let since = found.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let modified = Timestamp(0).plus(since);
        // As `Blobs::discard_unfinished` knows them.
        let unfinished = name.strip_suffix("#0").or_else(|| name.strip_suffix("#1"));
        let state = if unfinished.is_some() { State::Unfinished } else { State::Whole };
        let size = found.len();
        inventory.add(unfinished.unwrap_or(&name), folder, |blob| Stored { blob, size, modified, state });
    }
    Ok(inventory)
}
