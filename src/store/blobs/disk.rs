//! What the disk does better when asked directly: small blobs written and synced side by side, files read in large steps.

use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    ops::Range,
    os::unix::fs::FileExt as _,
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, future::join_all, stream};
use tokio::{sync::Semaphore, task::JoinHandle};

use super::{Chunks, DISK_CHUNK, place};
use crate::{
    error::{Error, Result},
    model::BlobKey,
};

/// Writes these blobs, then syncs all of them and their folders at the same time: a file system writes its journal once
/// for all that ask for it together. There is no name for what is unfinished: until this has returned no row has the
/// keys, and the notes say what there is to clean up.
pub(super) async fn put(root: &Path, blobs: Vec<(BlobKey, Bytes)>) -> io::Result<()> {
    let places: Vec<_> = blobs.into_iter().map(|(key, bytes)| (root.join(place(key).as_ref()), bytes)).collect();
    let written = blocking(move || {
        let folders: BTreeSet<_> = places.iter().filter_map(|(path, _)| path.parent()).collect();
        let mut open = Vec::with_capacity(places.len() + folders.len());
        for (path, bytes) in &places {
            let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
            file.write_all(bytes)?;
            open.push(file);
        }
        for folder in folders {
            open.push(File::open(folder)?);
        }
        Ok(open)
    });
    // All are waited for even when one fails.
    let synced = join_all(written.await?.into_iter().map(|file| blocking(move || file.sync_all()))).await;
    synced.into_iter().collect()
}

/// Reads a file in large steps (`object_store` itself takes 8 KiB at a time), each when it is its turn.
pub(super) fn read(file: File, range: Range<u64>, turns: Arc<Semaphore>) -> Chunks {
    let step = move |(file, range): (File, Range<u64>)| {
        let turns = Arc::clone(&turns);
        async move { next(file, range, turns).await }
    };
    stream::try_unfold((file, range), step).boxed()
}

/// As [`read`], one step ahead of who takes them.
pub(super) fn read_ahead(file: File, range: Range<u64>, turns: Arc<Semaphore>) -> Chunks {
    let begin = move |file, range| -> JoinHandle<Result<Option<_>>> {
        let turns = Arc::clone(&turns);
        tokio::spawn(next(file, range, turns))
    };
    let first = begin(file, range);
    stream::try_unfold((first, begin), async |(step, begin)| {
        let Some((bytes, (file, range))) = step.await.map_err(Error::internal)?? else { return Ok(None) };
        let next = begin(file, range);
        Ok(Some((bytes, (next, begin))))
    })
    .boxed()
}

/// The first bytes of a range of a file, and what is left of it; `None` when nothing is.
async fn next(file: File, range: Range<u64>, turns: Arc<Semaphore>) -> Result<Option<(Bytes, (File, Range<u64>))>> {
    let left = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    if left == 0 {
        return Ok(None);
    }
    let turn = turns.acquire_owned().await.map_err(Error::internal)?;
    let read = blocking(move || {
        let _turn = turn;
        let mut bytes = vec![0; left.min(DISK_CHUNK)];
        let read = file.read_at(&mut bytes, range.start)?;
        bytes.truncate(read);
        let next = range.start + read as u64..range.end;
        if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(Some((Bytes::from(bytes), (file, next)))) }
    });
    read.await.map_err(Error::internal)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn a_file_that_ends_too_early_is_an_error_when_read_ahead_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blob");
        std::fs::write(&path, vec![7; DISK_CHUNK + 1]).unwrap();
        let length = DISK_CHUNK as u64 + 1;
        for read in [read, read_ahead] {
            let open = || (File::open(&path).unwrap(), Arc::new(Semaphore::new(1)));
            let (file, turns) = open();
            let whole: Vec<_> = read(file, 0..length, turns).collect().await;
            assert_eq!(whole.into_iter().map(|bytes| bytes.unwrap().len()).collect::<Vec<_>>(), [DISK_CHUNK, 1]);
            let (file, turns) = open();
            let broken: Vec<_> = read(file, 0..length + 1, turns).collect().await;
            assert_eq!(broken.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false]);
        }
    }

    #[tokio::test]
    async fn of_blobs_of_which_one_cannot_be_written_none_is_reported_as_put() {
        let root = tempfile::tempdir().unwrap();
        let key = |first: u8| {
            let mut key = [1; 16];
            key[0] = first;
            BlobKey(Uuid::from_bytes(key))
        };
        std::fs::create_dir(root.path().join("aa")).unwrap();
        // There is no folder for the second.
        let blobs = [0xaa, 0xbb].map(|first| (key(first), Bytes::from_static(b"x")));
        let error = put(root.path(), blobs.to_vec()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        // What is there is never written over.
        let error = put(root.path(), vec![(key(0xaa), Bytes::from_static(b"y"))]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(root.path().join(place(key(0xaa)).as_ref())).unwrap(), b"x");
    }
}
