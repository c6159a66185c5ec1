//! The blob store, on disk and in S3: what it promises, and what it leaves behind: nothing.

mod bucket;
mod end_to_end;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use strongroom::{
    error::{Error, ErrorCode, Result},
    model::{BlobKey, Clock, FileId, ProcessId, Random},
    store::{
        Blobs, Ping as _, Reservation, Reservations,
        blobs::{BlobWriter, S3, State, Written},
        sqlite::{Sqlite, SqliteReservations},
    },
};
use tempfile::TempDir;

use self::bucket::Bucket;
use crate::support::servers::free_port;

const MIB: usize = 1 << 20;
/// The default of `blobs.upload_memory`.
const MEMORY: u64 = 64 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Disk,
    S3,
}

/// Runs each named rule, an `async fn(Kind)`, on both kinds of store.
macro_rules! on_disk_and_in_s3 {
    ($($rule:ident),* $(,)?) => {
        mod disk {
            $(#[tokio::test]
            async fn $rule() {
                super::$rule(super::Kind::Disk).await;
            })*
        }
        mod s3 {
            $(#[tokio::test]
            async fn $rule() {
                super::$rule(super::Kind::S3).await;
            })*
        }
    };
}

/// A blob store of its own, with notes of what is in flight.
struct Bench {
    blobs: Blobs,
    notes: Arc<dyn Reservations>,
    bucket: Option<Bucket>,
    dir: TempDir,
}

impl Bench {
    async fn new(kind: Kind) -> Self {
        Self::with_memory(kind, MEMORY).await
    }

    async fn with_memory(kind: Kind, upload_memory: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let notes =
            Arc::new(SqliteReservations::new(Sqlite::open(&dir.path().join("notes")).unwrap(), Clock::system()));
        let (blobs, bucket) = match kind {
            Kind::Disk => (Blobs::disk(&dir.path().join("blobs")).unwrap(), None),
            Kind::S3 => {
                let bucket = Bucket::new().await;
                (Blobs::s3(&bucket.options(upload_memory)).unwrap(), Some(bucket))
            }
        };
        Self { blobs, notes, bucket, dir }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("blobs")
    }

    async fn reserve(&self) -> BlobKey {
        let [blob, file, process] = [(); 3].map(|()| Random::system().uuid());
        let reservation = Reservation { blob: BlobKey(blob), file: FileId(file), multipart: None };
        self.notes.reserve(ProcessId(process), &[reservation]).await.unwrap();
        BlobKey(blob)
    }

    async fn writer(&self, key: BlobKey) -> BlobWriter {
        self.blobs.writer(key, Arc::clone(&self.notes)).await.unwrap()
    }

    /// Writes a reserved blob, in pieces of this size.
    async fn write(&self, bytes: &Bytes, piece: usize) -> (BlobKey, Written) {
        let key = self.reserve().await;
        let mut writer = self.writer(key).await;
        write_all(&mut writer, bytes, piece).await.unwrap();
        (key, writer.finish().await.unwrap())
    }

    async fn read(&self, key: BlobKey, range: std::ops::Range<u64>) -> Option<Vec<u8>> {
        let stream = self.blobs.read(key, range).await.unwrap()?;
        let read = stream.try_fold(Vec::new(), |mut all, bytes| async move {
            all.extend_from_slice(&bytes);
            Ok(all)
        });
        Some(read.await.unwrap())
    }

    /// What another process would find noted once this one is dead.
    async fn noted(&self, key: BlobKey) -> Reservation {
        let me = ProcessId(Random::system().uuid());
        let abandoned = self.notes.abandoned(me, Duration::ZERO, 1000).await.unwrap();
        abandoned.into_iter().find(|note| note.blob == key).unwrap()
    }

    /// Everything that takes room, finished or not.
    async fn kept(&self) -> Vec<String> {
        if let Some(bucket) = &self.bucket {
            return [bucket.objects().await, bucket.uploads().await].concat();
        }
        let folders = std::fs::read_dir(self.root()).unwrap();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
        files.map(|file| file.unwrap().path().display().to_string()).collect()
    }
}

async fn write_all(writer: &mut BlobWriter, bytes: &Bytes, piece: usize) -> Result<()> {
    let mut rest = bytes.clone();
    while !rest.is_empty() {
        let next = rest.split_to(piece.min(rest.len()));
        writer.write(next).await?;
    }
    Ok(())
}

/// Bytes of which no two parts are alike.
fn sample(size: usize) -> Bytes {
    let mut state = size as u32 | 1;
    let words = std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    });
    words.flatten().take(size).collect::<Vec<u8>>().into()
}

async fn what_is_written_is_read_back(kind: Kind) {
    let bench = Bench::new(kind).await;
    for (size, piece) in [
        (0, 1),
        (1, 1),
        (64 << 10, 64 << 10),
        ((64 << 10) + 1, 64 << 10),
        (256 << 10, 16 << 10),
        (5 * MIB, 64 << 10),
        (5 * MIB + 1, 64 << 10),
        (12 * MIB, 70_001),
        (12 * MIB, 7 * MIB - 3),
        (10 * MIB, 10 * MIB),
    ] {
        let bytes = sample(size);
        let (key, written) = bench.write(&bytes, piece).await;
        let sha256 = hex::encode(Sha256::digest(&bytes));
        assert_eq!(written, Written { size: size as u64, sha256 }, "{size} in {piece}");
        let read = bench.read(key, 0..size as u64).await.expect("a blob");
        assert!(read == bytes, "{size} in {piece}: {} bytes, or others", read.len());
    }
    assert_eq!(bench.kept().await.len(), 10, "one object for each, and nothing else");
}

async fn a_range_is_read_as_asked_for(kind: Kind) {
    let bench = Bench::new(kind).await;
    let bytes = sample(6 * MIB);
    let (key, _) = bench.write(&bytes, 100_000).await;
    let end = bytes.len();
    for range in [0..1, 0..0, 17..17, 1..1000, 5 * MIB - 3..5 * MIB + 3, end - 1..end, 100_000..4_000_000] {
        let read = bench.read(key, range.start as u64..range.end as u64).await.expect("a blob");
        assert!(read == bytes[range.clone()], "{range:?}");
    }
}

async fn a_blob_is_invisible_until_it_is_finished(kind: Kind) {
    let bench = Bench::new(kind).await;
    for size in [1000, 12 * MIB] {
        let bytes = sample(size);
        let key = bench.reserve().await;
        let mut writer = bench.writer(key).await;
        write_all(&mut writer, &bytes, 64 << 10).await.unwrap();
        assert_eq!(writer.size(), size as u64);
        assert_eq!(bench.read(key, 0..1).await, None);
        writer.finish().await.unwrap();
        assert_eq!(bench.read(key, 0..1).await.as_deref(), Some(&bytes[..1]));
    }
}

async fn what_a_dead_process_left_of_a_blob_is_removed_by_its_note(kind: Kind) {
    let bench = Bench::new(kind).await;
    for (size, finished) in [(0, false), (1000, false), (12 * MIB, false), (1000, true), (12 * MIB, true)] {
        let key = bench.reserve().await;
        let mut writer = bench.writer(key).await;
        write_all(&mut writer, &sample(size), 64 << 10).await.unwrap();
        if finished {
            writer.finish().await.unwrap();
        } else {
            // The dead clean up nothing.
            std::mem::forget(writer);
        }
        if kind == Kind::Disk || finished || size > 5 * MIB {
            assert_eq!(bench.kept().await.len(), 1, "{size} {finished}");
        }
        let note = bench.noted(key).await;
        assert_eq!(note.multipart.is_some(), kind == Kind::S3 && size > 5 * MIB);
        bench.blobs.discard(&note).await.unwrap();
        assert_eq!(bench.kept().await, [""; 0], "{size} {finished}");
        // Whoever does it again finds nothing to do.
        bench.blobs.discard(&note).await.unwrap();
    }
}

async fn what_a_dropped_writer_left_is_removed_by_its_note(kind: Kind) {
    let bench = Bench::new(kind).await;
    for size in [1000, 12 * MIB] {
        let key = bench.reserve().await;
        let mut writer = bench.writer(key).await;
        write_all(&mut writer, &sample(size), 64 << 10).await.unwrap();
        let multipart = writer.multipart();
        assert_eq!(multipart, bench.noted(key).await.multipart);
        drop(writer);
        bench.blobs.discard(&Reservation { multipart, ..bench.noted(key).await }).await.unwrap();
        assert_eq!(bench.kept().await, [""; 0], "{size}");
        assert_eq!(bench.read(key, 0..1).await, None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_multipart_upload_that_was_begun_but_never_noted_is_removed_with_its_blob() {
    let bench = Bench::new(Kind::S3).await;
    let (key, other) = (bench.reserve().await, bench.reserve().await);
    let [mut writer, mut running] = [bench.writer(key).await, bench.writer(other).await];
    for writer in [&mut writer, &mut running] {
        write_all(writer, &sample(6 * MIB), 64 << 10).await.unwrap();
    }
    drop(writer);
    assert_eq!(bench.kept().await.len(), 2);
    let unnoted = Reservation { multipart: None, ..bench.noted(key).await };
    bench.blobs.discard(&unnoted).await.unwrap();
    assert_eq!(bench.kept().await.len(), 1);
    // That of another blob goes on.
    assert_eq!(running.finish().await.unwrap().size, 6 << 20);
}

async fn an_inventory_has_whole_and_unfinished_blobs_by_folder(kind: Kind) {
    let bench = Bench::new(kind).await;
    let (whole, _) = bench.write(&sample(70_000), 64 << 10).await;
    let running = bench.reserve().await;
    let mut writer = bench.writer(running).await;
    write_all(&mut writer, &sample(6 * MIB), 64 << 10).await.unwrap();
    let mut stored = Vec::new();
    for folder in 0..=u8::MAX {
        let inventory = bench.blobs.inventory(folder).await.unwrap();
        assert_eq!(inventory.foreign, [""; 0]);
        assert!(inventory.stored.iter().all(|it| it.blob.0.as_bytes()[0] == folder));
        stored.extend(inventory.stored);
    }
    stored.sort_by_key(|it| it.blob == running);
    let [first, second] = &stored[..] else { panic!("{stored:?}") };
    assert_eq!((first.blob, first.size, &first.state), (whole, 70_000, &State::Whole));
    assert_eq!(second.blob, running);
    match (kind, &second.state) {
        (Kind::Disk, State::Unfinished) => {}
        (Kind::S3, State::Multipart(upload)) => {
            assert_eq!(Some(upload), bench.noted(running).await.multipart.as_ref());
        }
        (_, state) => panic!("{state:?}"),
    }
    assert_eq!(bench.blobs.size(whole).await.unwrap(), Some(70_000));
    assert_eq!(bench.blobs.size(running).await.unwrap(), None);
    // Only what is unfinished goes.
    drop(writer);
    let [whole_note, unfinished] = [bench.noted(whole).await, bench.noted(running).await];
    bench.blobs.discard_unfinished(&whole_note).await.unwrap();
    bench.blobs.discard_unfinished(&unfinished).await.unwrap();
    assert_eq!(bench.kept().await.len(), 1);
    assert_eq!(bench.blobs.size(whole).await.unwrap(), Some(70_000));
}

async fn a_small_blob_is_put_at_once_and_deleted(kind: Kind) {
    let bench = Bench::new(kind).await;
    let key = bench.reserve().await;
    bench.blobs.put(vec![(key, sample(100_000))]).await.unwrap();
    assert_eq!(bench.read(key, 0..100_000).await, Some(sample(100_000).to_vec()));
    bench.blobs.delete(key).await.unwrap();
    assert_eq!(bench.read(key, 0..100_000).await, None);
    assert_eq!(bench.kept().await, [""; 0]);
    bench.blobs.delete(key).await.unwrap();
}

async fn blobs_put_together_are_all_there(kind: Kind) {
    let bench = Bench::new(kind).await;
    let mut blobs = Vec::new();
    for size in [0, 1, 300_000] {
        blobs.push((bench.reserve().await, sample(size)));
    }
    bench.blobs.put(blobs.clone()).await.unwrap();
    for (key, bytes) in blobs {
        assert_eq!(bench.read(key, 0..bytes.len() as u64).await, Some(bytes.to_vec()));
        bench.blobs.delete(key).await.unwrap();
    }
    assert_eq!(bench.kept().await, [""; 0]);
}

async fn reading_ahead_reads_the_same(kind: Kind) {
    let bench = Bench::new(kind).await;
    let bytes = sample(MIB);
    let (key, _) = bench.write(&bytes, 64 << 10).await;
    for range in [0..0, 0..1, 0..MIB, 100_000..700_001] {
        let ahead = bench.blobs.read_ahead(key, range.start as u64..range.end as u64).await.unwrap();
        let read: Vec<Bytes> = ahead.expect("the blob").try_collect().await.unwrap();
        assert!(read.concat() == bytes[range.clone()], "{range:?}");
    }
    let nobody = BlobKey(Random::system().uuid());
    assert!(bench.blobs.read_ahead(nobody, 0..1).await.unwrap().is_none());
}

async fn a_missing_blob_is_no_error(kind: Kind) {
    let bench = Bench::new(kind).await;
    let nobody = BlobKey(Random::system().uuid());
    assert_eq!(bench.read(nobody, 0..1).await, None);
    assert_eq!(bench.read(nobody, 0..0).await, None);
    bench.blobs.delete(nobody).await.unwrap();
}

async fn two_copies_live_independently(kind: Kind) {
    let bench = Bench::new(kind).await;
    for size in [0, 1000, 6 * MIB] {
        let bytes = sample(size);
        let (first, _) = bench.write(&bytes, 64 << 10).await;
        let (second, third) = (bench.reserve().await, bench.reserve().await);
        bench.blobs.copy(first, second).await.unwrap();
        bench.blobs.copy(first, third).await.unwrap();
        bench.blobs.delete(first).await.unwrap();
        bench.blobs.delete(third).await.unwrap();
        assert_eq!(bench.read(first, 0..size as u64).await, None);
        assert!(bench.read(second, 0..size as u64).await.expect("the copy") == bytes);
        bench.blobs.delete(second).await.unwrap();
        assert_eq!(bench.kept().await, [""; 0]);
    }
    let nobody = BlobKey(Random::system().uuid());
    assert!(bench.blobs.copy(nobody, bench.reserve().await).await.is_err());
}

async fn a_ping_tells_whether_blobs_can_be_kept(kind: Kind) {
    let bench = Bench::new(kind).await;
    bench.blobs.ping().await.unwrap();
    let missing = match &bench.bucket {
        None => {
            std::fs::remove_dir_all(bench.root()).unwrap();
            bench.blobs.clone()
        }
        Some(bucket) => Blobs::s3(&S3 { bucket: "nobody-made-this".to_owned(), ..bucket.options(MEMORY) }).unwrap(),
    };
    let error = missing.ping().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ServiceUnavailable);
}

on_disk_and_in_s3!(
    what_is_written_is_read_back,
    an_inventory_has_whole_and_unfinished_blobs_by_folder,
    a_range_is_read_as_asked_for,
    a_blob_is_invisible_until_it_is_finished,
    what_a_dead_process_left_of_a_blob_is_removed_by_its_note,
    what_a_dropped_writer_left_is_removed_by_its_note,
    a_small_blob_is_put_at_once_and_deleted,
    blobs_put_together_are_all_there,
    reading_ahead_reads_the_same,
    a_missing_blob_is_no_error,
    two_copies_live_independently,
    a_ping_tells_whether_blobs_can_be_kept,
);

#[tokio::test]
async fn an_s3_that_is_down_is_said_to_be_down_and_soon() {
    let bench = Bench::new(Kind::S3).await;
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let bucket = bench.bucket.as_ref().unwrap();
    let down = Blobs::s3(&S3 { endpoint: Some(nobody), ..bucket.options(MEMORY) }).unwrap();
    let key = bench.reserve().await;
    let begun = || async { down.writer(key, Arc::clone(&bench.notes)).await.unwrap() };
    let begin = Instant::now();
    let errors: [Option<Error>; 7] = [
        down.ping().await.err(),
        down.put(vec![(key, sample(1000))]).await.err(),
        down.read(key, 0..1).await.err(),
        down.copy(key, key).await.err(),
        down.delete(key).await.err(),
        begun().await.finish().await.err(),
        write_all(&mut begun().await, &sample(6 * MIB), MIB).await.err(),
    ];
    for (n, error) in errors.into_iter().enumerate() {
        assert_eq!(error.map(|error| error.code()), Some(ErrorCode::ServiceUnavailable), "{n}");
    }
    let took = begin.elapsed();
    assert!(took < 7 * Duration::from_secs(3), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_over_the_memory_for_parts_wait_and_small_files_pass_them_by() {
    // Room for two.
    let bench = Arc::new(Bench::with_memory(Kind::S3, 10 << 20).await);
    let mut running = Vec::new();
    for _ in 0..2 {
        let mut writer = bench.writer(bench.reserve().await).await;
        writer.write(sample(300_000)).await.unwrap();
        running.push(writer);
    }
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move {
                let bytes = sample(6 * MIB);
                let (key, written) = bench.write(&bytes, 64 << 10).await;
                assert_eq!(written.size, 6 << 20);
                assert!(bench.read(key, 0..6 << 20).await.unwrap() == bytes);
            })
        })
        .collect();
    for size in [0, 1000, 64 << 10] {
        bench.write(&sample(size), 1000).await;
    }
    assert!(waiting.iter().all(|upload| !upload.is_finished()));
    assert_eq!(bench.kept().await.len(), 3, "the small files");
    // One ends well, one is given up.
    running.pop().unwrap().finish().await.unwrap();
    drop(running);
    for upload in waiting {
        upload.await.unwrap();
    }
    assert_eq!(bench.kept().await.len(), 7);
}
