//! Bytes, over `object_store`: on local disk, or in any S3-compatible store.
//!
//! A blob is written once, in one stream, under a random key, and is visible only once it is whole and durable. Keys
//! live at `ab/ab…`: the first two digits spread them over 256 folders. On disk an unfinished blob is the file
//! `<key>#<n>` beside its place.

mod disk;
mod inventory;
mod s3;
mod writer;

use std::{
    fs::File,
    io,
    ops::Range,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{
    StreamExt as _, TryStreamExt as _,
    future::join_all,
    stream::{self, BoxStream},
};
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetResult, GetResultPayload, ObjectStore, ObjectStoreExt as _,
    PutPayload, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    local::LocalFileSystem,
    multipart::MultipartStore as _,
    path::Path as Key,
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use self::writer::S3_PART;
use super::{Ping, Reservation, Reservations};
use crate::{
    error::{Error, Result},
    model::BlobKey,
};

/// What disk writes are gathered to, in bytes: large enough that the hand-over to a blocking thread costs little,
/// small enough that a hundred uploads at once stay small.
const DISK_CHUNK: usize = 128 * 1024;

/// How many files are read from at one moment. With hundreds of downloads, more would keep no disk busier, and whatever
/// else needs a blocking thread, the embedded database before all, would stand in line behind them.
const DISK_READS: usize = 16;

pub use inventory::{FOLDERS, Inventory, State, Stored};
pub use writer::BlobWriter;

/// Bytes on their way out.
pub type Chunks = BoxStream<'static, Result<Bytes>>;

/// The largest blob in S3, in bytes: a larger one could not be copied in one request.
pub const S3_LARGEST: u64 = 5 << 30;

/// The blob store. Cloned freely.
#[derive(Clone)]
pub struct Blobs(Arc<Backend>);

enum Backend {
    Disk {
        store: LocalFileSystem,
        root: PathBuf,
        reads: Arc<Semaphore>,
    },
    /// `reader` has no limit on the time of a whole answer: clients may be slow.
    S3 {
        store: Arc<AmazonS3>,
        reader: AmazonS3,
        unfinished: s3::Unfinished,
        budget: Arc<Semaphore>,
    },
}

/// Where an S3-compatible store is.
#[derive(Debug, Clone)]
pub struct S3 {
    /// Has to exist.
    pub bucket: String,
    /// E.g. `eu-central-1`; many servers ignore it.
    pub region: String,
    /// `None` for Amazon's own.
    pub endpoint: Option<String>,
    /// The public half of the key.
    pub access_key_id: String,
    /// The secret half of the key.
    pub secret_access_key: SecretString,
    /// How many bytes the part buffers of all uploads take together, at most; uploads over it wait.
    pub upload_memory: u64,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// How many bytes.
    pub size: u64,
    /// Their SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

impl Blobs {
    /// Whether this folder has been made for blobs. Blocks.
    #[must_use]
    pub fn is_made(root: &Path) -> bool {
        root.join("00").is_dir()
    }

    /// Whether there is a blob in this folder. Blocks.
    #[must_use]
    pub fn has_any(root: &Path) -> bool {
        let holds_some =
            |n: u8| std::fs::read_dir(root.join(format!("{n:02x}"))).is_ok_and(|mut all| all.next().is_some());
        (0..=u8::MAX).any(holds_some)
    }

    /// Keeps blobs below this folder, which is made if it is missing. Blocks.
    pub fn disk(root: &Path) -> Result<Self> {
        let private = |path: &Path| std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        private(root).map_err(Error::internal)?;
        let root = root.canonicalize().map_err(Error::internal)?;
        // Made now, so that beginning a blob is no more than opening a file.
        (0..=u8::MAX).try_for_each(|n| private(&root.join(format!("{n:02x}")))).map_err(Error::internal)?;
        // Only what is below these folders is synced with each blob.
        let sync = |folder: &Path| std::fs::File::open(folder)?.sync_all();
        root.parent().into_iter().chain([root.as_path()]).try_for_each(sync).map_err(Error::internal)?;
        let store = LocalFileSystem::new_with_prefix(&root).map_err(Error::internal)?.with_fsync(true);
        Ok(Self(Arc::new(Backend::Disk { store, root, reads: Arc::new(Semaphore::new(DISK_READS)) })))
    }

    /// Keeps blobs in a bucket.
    pub fn s3(options: &S3) -> Result<Self> {
        let connection = ClientOptions::new()
            .with_connect_timeout(Duration::from_secs(3))
            .with_allow_http(options.endpoint.as_ref().is_some_and(|url| url.starts_with("http://")));
        // Of one request, so of one part of 5 MiB: 170 KiB/s at the least.
        let writing = connection.clone().with_timeout(Duration::from_secs(30));
        // Of one look for more bytes.
        let reading = connection.with_timeout_disabled().with_read_timeout(Duration::from_secs(15));
        let unfinished = s3::Unfinished::new(options, &writing)?;
        let store = Arc::new(bucket(options, writing)?);
        let reader = bucket(options, reading)?;
        let parts = usize::try_from(options.upload_memory).unwrap_or(usize::MAX) / S3_PART;
        Ok(Self(Arc::new(Backend::S3 { store, reader, unfinished, budget: Arc::new(Semaphore::new(parts.max(1))) })))
    }

    /// Begins to write a blob that has been reserved. `notes` is told of a multipart upload.
    pub async fn writer(&self, key: BlobKey, notes: Arc<dyn Reservations>) -> Result<BlobWriter> {
        let path = place(key);
        Ok(match &*self.0 {
            Backend::Disk { store, root, .. } => {
                // It would make a folder that is missing, perhaps where a disk should be mounted.
                tokio::fs::metadata(root.join(prefix(key))).await.map_err(of_disk)?;
                BlobWriter::disk(store.put_multipart(&path).await.map_err(failed)?)
            }
            Backend::S3 { store, budget, .. } => {
                BlobWriter::s3(Arc::clone(store), key, path, notes, Arc::clone(budget))
            }
        })
    }

    /// Writes small blobs that have been reserved, durably, all at once. That is quickest when their keys begin alike.
    /// Until this has returned they may be there in part: a row must not own them before. When it fails, nothing is
    /// being written any more.
    pub async fn put(&self, blobs: Vec<(BlobKey, Bytes)>) -> Result<()> {
        match &*self.0 {
            Backend::Disk { root, .. } => disk::put(root, blobs).await.map_err(of_disk),
            Backend::S3 { store, .. } => {
                let put = async |(key, bytes)| {
                    let options = object_store::PutOptions::default();
                    store.put_opts(&place(key), PutPayload::from(bytes), options).await.map(drop)
                };
                let done = join_all(blobs.into_iter().map(put)).await;
                done.into_iter().collect::<object_store::Result<()>>().map_err(failed)
            }
        }
    }

    /// Streams a range of a blob. `None` when there is no such blob, or one that ends within that range.
    pub async fn read(&self, key: BlobKey, range: Range<u64>) -> Result<Option<Chunks>> {
        self.stream(key, range, disk::read).await
    }

    /// As [`Blobs::read`], for who takes the bytes as fast as they come: on disk the next are read while these are
    /// being used.
    pub async fn read_ahead(&self, key: BlobKey, range: Range<u64>) -> Result<Option<Chunks>> {
        self.stream(key, range, disk::read_ahead).await
    }

    async fn stream(
        &self,
        key: BlobKey,
        range: Range<u64>,
        from_disk: fn(File, Range<u64>, Arc<Semaphore>) -> Chunks,
    ) -> Result<Option<Chunks>> {
        // No store has a range without bytes: whether there is such a blob is all there is to ask.
        let nothing = range.is_empty();
        let options =
            if nothing { GetOptions::new().with_head(true) } else { GetOptions::new().with_range(Some(range.clone())) };
        if !self.is_regular(key).await {
            return Ok(None);
        }
        let reader: &dyn ObjectStore = match &*self.0 {
            Backend::Disk { store, .. } => store,
            Backend::S3 { reader, .. } => reader,
        };
        let found = match reader.get_opts(&place(key), options).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => {
                // Stores refuse a range that begins where a blob has ended.
                let is_short = !nothing && self.size(key).await?.is_none_or(|size| size < range.end);
                return if is_short { Ok(None) } else { Err(failed(error)) };
            }
        };
        if nothing {
            return Ok(Some(stream::empty().boxed()));
        }
        // And they answer as much as there is of one that ends within the blob.
        if found.range != range {
            return Ok(None);
        }
        Ok(Some(match (found.payload, &*self.0) {
            (GetResultPayload::File(file, _), Backend::Disk { reads, .. }) => from_disk(file, range, Arc::clone(reads)),
            (payload, _) => GetResult { payload, ..found }.into_stream().map_err(failed).boxed(),
        }))
    }

    /// Whether there may be a blob, and nothing that would be waited for, such as a FIFO.
    async fn is_regular(&self, key: BlobKey) -> bool {
        match &*self.0 {
            Backend::Disk { root, .. } => {
                let found = tokio::fs::metadata(root.join(place(key).as_ref())).await;
                // What cannot be looked at is for the driver to say.
                found.map_or_else(|error| error.kind() != io::ErrorKind::NotFound, |found| found.is_file())
            }
            Backend::S3 { .. } => true,
        }
    }

    /// Makes a second blob of the same bytes, without reading them: a hard link, or a copy by the S3 server.
    pub async fn copy(&self, from: BlobKey, to: BlobKey) -> Result<()> {
        self.store().copy(&place(from), &place(to)).await.map_err(failed)
    }

    /// Removes a blob, durably. One that is not there is no error.
    pub async fn delete(&self, key: BlobKey) -> Result<()> {
        match self.store().delete(&place(key)).await {
            Ok(()) => {}
            Err(object_store::Error::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(failed(error)),
        }
        if let Backend::Disk { root, .. } = &*self.0 {
            let folder = root.join(prefix(key));
            tokio::task::spawn_blocking(move || std::fs::File::open(folder)?.sync_all())
                .await
                .map_err(Error::internal)?
                .map_err(Error::internal)?;
        }
        Ok(())
    }

    /// Removes whatever a dead process left of a reserved blob: the blob, its unfinished file, its multipart upload.
    pub async fn discard(&self, reservation: &Reservation) -> Result<()> {
        self.discard_unfinished(reservation).await?;
        self.delete(reservation.blob).await
    }

    /// Removes the unfinished file and the multipart uploads of a blob that nobody writes any more. The blob itself stays.
    pub async fn discard_unfinished(&self, reservation: &Reservation) -> Result<()> {
        match &*self.0 {
            Backend::Disk { root, .. } => {
                // A key is random, so only the first two numbers are ever used.
                let unfinished =
                    [0, 1].map(|n| root.join(prefix(reservation.blob)).join(format!("{}#{n}", reservation.blob)));
                tokio::task::spawn_blocking(move || {
                    unfinished.iter().try_for_each(|path| ignore_missing(std::fs::remove_file(path)))
                })
                .await
                .map_err(Error::internal)?
                .map_err(Error::internal)?;
            }
            Backend::S3 { store, unfinished, .. } => {
                let key = place(reservation.blob);
                // One whose creation was under way when its process died has not been noted.
                let unnoted = unfinished.of(store, &key).await?;
                let noted = reservation.multipart.iter().filter(|upload| !unnoted.contains(upload));
                for upload in noted.chain(&unnoted) {
                    match store.abort_multipart(&key, upload).await {
                        Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                        Err(error) => return Err(failed(error)),
                    }
                }
            }
        }
        Ok(())
    }

    fn store(&self) -> &dyn ObjectStore {
        match &*self.0 {
            Backend::Disk { store, .. } => store,
            Backend::S3 { store, .. } => &**store,
        }
    }
}

#[async_trait]
impl Ping for Blobs {
    fn name(&self) -> &'static str {
        match &*self.0 {
            Backend::Disk { .. } => "disk",
            Backend::S3 { .. } => "s3",
        }
    }

    async fn ping(&self) -> Result<()> {
        match &*self.0 {
            Backend::Disk { root, .. } => {
                // One of those that there always are: where a disk is no longer mounted, there is an empty root.
                let folder = root.join("00");
                let may_write = move || {
                    rustix::fs::access(&folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
                        .map_err(|error| in_folder(&folder, &error.into()))
                };
                tokio::task::spawn_blocking(may_write).await.map_err(Error::internal)?.map_err(of_disk)
            }
            // Listing tells a missing bucket from a missing object.
            Backend::S3 { store, .. } => match store.list(Some(&Key::from("ping"))).next().await {
                None | Some(Ok(_)) => Ok(()),
                Some(Err(error)) => Err(Error::unavailable("the blob store", error)),
            },
        }
    }
}

fn bucket(options: &S3, connection: ClientOptions) -> Result<AmazonS3> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&options.bucket)
        .with_region(&options.region)
        .with_access_key_id(&options.access_key_id)
        .with_secret_access_key(options.secret_access_key.expose_secret())
        .with_client_options(connection)
        // One object at a time: that is what every store understands.
        .with_disable_bulk_delete(true)
        // Attempts are few and short: somebody waits for the answer, and a worker tries again later anyway.
        .with_retry(RetryConfig {
            max_retries: 2,
            retry_timeout: Duration::from_secs(10),
            backoff: BackoffConfig { max_backoff: Duration::from_secs(1), ..BackoffConfig::default() },
        });
    if let Some(endpoint) = &options.endpoint {
        builder = builder.with_endpoint(endpoint).with_virtual_hosted_style_request(false);
    }
    builder.build().map_err(Error::internal)
}

fn prefix(key: BlobKey) -> String {
    key.to_string()[..2].to_owned()
}

fn place(key: BlobKey) -> Key {
    Key::from(format!("{}/{key}", prefix(key)))
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The same, with the folder that it is about: for the log.
fn in_folder(folder: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", folder.display()))
}

/// What the disk's error means to the product.
fn of_disk(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::storage_full(),
        _ => Error::unavailable("the blob store", error),
    }
}

/// What the store's error means to the product.
fn failed(error: object_store::Error) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(current) = cause {
        if let Some(io) = current.downcast_ref::<io::Error>()
            && matches!(io.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        {
            return Error::storage_full();
        }
        cause = current.source();
    }
    Error::unavailable("the blob store", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn a_full_disk_is_told_from_a_store_that_is_down() {
        /// As the driver wraps it: an error of its own around that of the system.
        #[derive(Debug, thiserror::Error)]
        #[error("cannot write")]
        struct OfDriver(#[source] io::Error);
        let of = |kind: io::ErrorKind| {
            let source = Box::new(OfDriver(kind.into()));
            failed(object_store::Error::Generic { store: "LocalFileSystem", source }).code()
        };
        assert_eq!(of(io::ErrorKind::StorageFull), ErrorCode::StorageFull);
        assert_eq!(of(io::ErrorKind::QuotaExceeded), ErrorCode::StorageFull);
        assert_eq!(of(io::ErrorKind::PermissionDenied), ErrorCode::ServiceUnavailable);
    }
}
