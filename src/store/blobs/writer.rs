//! One blob on its way in: gathered into chunks, hashed and counted, made visible at the end.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use object_store::{
    MultipartUpload, ObjectStore as _, PutOptions, PutPayload,
    aws::AmazonS3,
    multipart::{MultipartStore as _, PartId},
    path::Path as Key,
};
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{DISK_CHUNK, Written, failed};
use crate::{
    error::{Error, Result},
    model::BlobKey,
    store::Reservations,
};

/// What S3 parts are gathered to, in bytes: the smallest that S3 takes (but for the last).
pub(super) const S3_PART: usize = 5 * 1024 * 1024;
/// What an upload to S3 may buffer, in bytes, before it needs its share of the memory for parts: so small files pass
/// large and slow ones by. Little, for it comes on top of that memory.
const S3_FREE: usize = 64 * 1024;
/// How long an upload waits for its share of the memory for parts.
const MEMORY_WAIT: Duration = Duration::from_secs(60);

/// A blob on its way in. Dropped without [`BlobWriter::finish`], it never becomes visible; its reservation says what
/// there is to clean up.
pub struct BlobWriter {
    sink: Sink,
    buffer: BytesMut,
    hasher: Sha256,
    size: u64,
}

enum Sink {
    Disk(Box<dyn MultipartUpload>),
    S3(S3Sink),
}

struct S3Sink {
    store: Arc<AmazonS3>,
    key: BlobKey,
    path: Key,
    notes: Arc<dyn Reservations>,
    budget: Arc<Semaphore>,
    /// For a buffer of a whole part. What is smaller than [`S3_FREE`] needs none.
    memory: Option<OwnedSemaphorePermit>,
    /// Begun with the first full part: what is smaller goes in one request.
    upload: Option<(String, Vec<PartId>)>,
}

impl BlobWriter {
    pub(super) fn disk(upload: Box<dyn MultipartUpload>) -> Self {
        Self::over(Sink::Disk(upload))
    }

    /// `budget` has a permit for each part that may be in memory; `notes` is told of a multipart upload.
    pub(super) fn s3(
        store: Arc<AmazonS3>,
        key: BlobKey,
        path: Key,
        notes: Arc<dyn Reservations>,
        budget: Arc<Semaphore>,
    ) -> Self {
        Self::over(Sink::S3(S3Sink { store, key, path, notes, budget, memory: None, upload: None }))
    }

    fn over(sink: Sink) -> Self {
        Self { sink, buffer: BytesMut::new(), hasher: Sha256::new(), size: 0 }
    }

    /// How many bytes have come so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next bytes.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<()> {
        self.hasher.update(&bytes);
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            let chunk = self.make_room(bytes.len()).await?;
            let next = bytes.split_to(bytes.len().min(chunk - self.buffer.len()));
            self.buffer.extend_from_slice(&next);
            if self.buffer.len() == chunk {
                let full = self.buffer.split().freeze();
                self.sink.put(full).await?;
            }
        }
        Ok(())
    }

    /// Makes the blob visible, once it is durable.
    pub async fn finish(mut self) -> Result<Written> {
        let last = self.buffer.split().freeze();
        match self.sink {
            Sink::Disk(mut upload) => {
                if !last.is_empty() {
                    upload.put_part(PutPayload::from(last)).await.map_err(failed)?;
                }
                upload.complete().await.map_err(failed)?;
            }
            Sink::S3(sink) => sink.finish(last).await?,
        }
        Ok(Written { size: self.size, sha256: hex::encode(self.hasher.finalize()) })
    }

    /// The S3 multipart upload it is coming through, if any.
    #[must_use]
    pub fn multipart(&self) -> Option<String> {
        match &self.sink {
            Sink::Disk(_) => None,
            Sink::S3(sink) => sink.upload.as_ref().map(|(upload, _)| upload.clone()),
        }
    }

    /// Makes room for the chunk that the next bytes belong to, all of it at once: a buffer that grows by doubling takes
    /// more memory than was claimed. Answers the size of a chunk.
    async fn make_room(&mut self, more: usize) -> Result<usize> {
        let (chunk, room) = match &mut self.sink {
            Sink::Disk(_) => (DISK_CHUNK, DISK_CHUNK),
            Sink::S3(sink) => {
                if self.buffer.len() + more > S3_FREE {
                    sink.claim_memory().await?;
                }
                (S3_PART, if sink.memory.is_some() { S3_PART } else { S3_FREE })
            }
        };
        self.buffer.reserve(room - self.buffer.len());
        Ok(chunk)
    }
}

impl Sink {
    async fn put(&mut self, chunk: Bytes) -> Result<()> {
        match self {
            Self::Disk(upload) => upload.put_part(PutPayload::from(chunk)).await.map_err(failed),
            Self::S3(sink) => sink.put(chunk).await,
        }
    }
}

impl S3Sink {
    async fn claim_memory(&mut self) -> Result<()> {
        if self.memory.is_none() {
            let share = tokio::time::timeout(MEMORY_WAIT, Arc::clone(&self.budget).acquire_owned()).await;
            let busy = |_| Error::unavailable("the blob store", "other uploads hold all the memory for parts");
            self.memory = Some(share.map_err(busy)?.map_err(Error::internal)?);
        }
        Ok(())
    }

    async fn put(&mut self, part: Bytes) -> Result<()> {
        let (upload, parts) = if let Some(begun) = &mut self.upload {
            begun
        } else {
            let upload = self.store.create_multipart(&self.path).await.map_err(failed)?;
            let begun = self.upload.insert((upload, Vec::new()));
            // Before its first byte: whatever dies here, no bytes are left that nobody knows of.
            self.notes.note_multipart(self.key, &begun.0).await?;
            begun
        };
        let sent =
            self.store.put_part(&self.path, upload, parts.len(), PutPayload::from(part)).await.map_err(failed)?;
        parts.push(sent);
        Ok(())
    }

    async fn finish(mut self, last: Bytes) -> Result<()> {
        if self.upload.is_none() {
            let options = PutOptions::default();
            self.store.put_opts(&self.path, PutPayload::from(last), options).await.map_err(failed)?;
            return Ok(());
        }
        if !last.is_empty() {
            self.put(last).await?;
        }
        if let Some((upload, parts)) = self.upload {
            self.store.complete_multipart(&self.path, &upload, parts).await.map_err(failed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use uuid::Uuid;

    use super::*;
    use crate::store::{
        Blobs,
        blobs::S3,
        sqlite::{Sqlite, SqliteReservations},
    };

    #[tokio::test]
    async fn the_buffer_of_an_upload_to_s3_never_takes_more_than_its_share() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let notes = Arc::new(SqliteReservations::new(
            Sqlite::open(&folder.path().join("notes")).unwrap(),
            crate::model::Clock::system(),
        ));
        let blobs = Blobs::s3(&S3 {
            bucket: "none".to_owned(),
            region: "us-east-1".to_owned(),
            // Nothing is sent before a part is full.
            endpoint: Some("http://127.0.0.1:9".to_owned()),
            access_key_id: "key".to_owned(),
            secret_access_key: SecretString::from("secret"),
            upload_memory: S3_PART as u64,
        })
        .unwrap();
        let mut writer = blobs.writer(BlobKey(Uuid::from_u128(1)), notes).await.unwrap();
        let piece = Bytes::from(vec![7; 10_007]);
        while writer.buffer.len() + piece.len() < S3_PART {
            writer.write(piece.clone()).await.unwrap();
            let claimed = matches!(&writer.sink, Sink::S3(sink) if sink.memory.is_some());
            let share = if claimed { S3_PART } else { S3_FREE };
            assert!(writer.buffer.capacity() <= share, "{} of {share} bytes", writer.buffer.capacity());
        }
    }
}
