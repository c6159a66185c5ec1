//! One comparison of what is stored with the rows.
//!
//! It may run beside everything else, in bounded memory: it takes as many folders of blobs as hold some 250,000, lists
//! them, *then* asks which are noted, and *then* reads all rows. A blob is noted before its first byte until after its row
//! is there, and again before its row goes. So what was listed, is not noted and has no row afterwards has none for good,
//! unless its row went meanwhile: a second look tells. What a row has and the list has not is looked for again in the same way.

use std::{collections::HashMap, ops::RangeInclusive};

use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Checkup, Extent, Finding, Outcome, Pace, Problem, Report};
use crate::{
    error::{Error, Result},
    model::{BlobKey, Content, File, FileId, Timestamp},
    store::{
        JobKey, Reservation, Store,
        blobs::{Chunks, FOLDERS, State, Stored},
    },
    telemetry::OVERDUE,
};

/// How many blobs are compared at a time: some 20 MB.
const WINDOW: usize = 250_000;
/// How many rows or notes are read at a time.
const BATCH: usize = 1000;
/// Of the time in the background, the part that is worked, as one in so many.
const REST: u32 = 10;

/// One run.
pub(super) struct Run<'a> {
    checkup: &'a Checkup,
    extent: Extent,
    pace: Pace,
    worked: Instant,
    report: Report,
    /// Is told how much is done, from 0 to 1.
    progress: &'a (dyn Fn(f64) + Send + Sync),
    /// Whether all rows could be read in this window: one that could not may own what looks orphaned.
    all_rows_read: bool,
    /// Whether more of this window's blobs have rows than have none. Otherwise they are more likely another installation's.
    fits: bool,
}

/// Some folders of blobs, as they were listed.
struct Window {
    folders: RangeInclusive<u8>,
    whole: HashMap<BlobKey, Listed>,
    /// How many bytes those have, and how many of them belong to rows that have been checked.
    bytes: u64,
    seen: u64,
    unfinished: Vec<Stored>,
}

impl Window {
    /// How much of all folders is done once these bytes have been seen, from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "it is for a person's eyes")]
    fn done(&self) -> f64 {
        let (first, last) = (f64::from(*self.folders.start()), f64::from(*self.folders.end()) + 1.0);
        let part = self.seen as f64 / self.bytes.max(1) as f64;
        (first + part * (last - first)) / f64::from(FOLDERS)
    }
}

struct Listed {
    size: u64,
    modified: Timestamp,
    /// Noted, or in a row.
    accounted_for: bool,
}

impl<'a> Run<'a> {
    /// Nothing looked at yet.
    pub fn new(checkup: &'a Checkup, extent: Extent, pace: Pace, progress: &'a (dyn Fn(f64) + Send + Sync)) -> Self {
        let (worked, report) = (Instant::now(), Report::default());
        Self { checkup, extent, pace, worked, report, progress, all_rows_read: true, fits: true }
    }

    /// Looks at everything.
    pub async fn finish(mut self) -> Result<Report> {
        let begun = Instant::now();
        if self.database_is_sound().await? {
            let mut next = 0;
            while next < FOLDERS {
                let window = self.list(next).await?;
                let last = u16::from(*window.folders.end());
                self.compare(window, next == 0).await?;
                next = last + 1;
            }
            self.images().await?;
        }
        self.report.took = begun.elapsed();
        self.report.findings.sort_by_key(|finding| finding.problem);
        Ok(self.report)
    }

    /// A damaged database may have lost rows, and what they own would look orphaned.
    async fn database_is_sound(&mut self) -> Result<bool> {
        for server in &self.checkup.store.pings {
            for detail in server.faults().await? {
                let outcome = Outcome::Left("stop the servers, keep a copy of the database, and restore a backup");
                let problem = Problem::DamagedDatabase;
                self.report.add(Finding { problem, file: None, blob: None, detail, outcome });
            }
        }
        self.rest().await;
        Ok(self.report.findings.is_empty())
    }

    /// Between two steps.
    async fn rest(&mut self) {
        if self.pace == Pace::Background {
            tokio::time::sleep(self.worked.elapsed() * (REST - 1)).await;
            self.worked = Instant::now();
        }
    }

    /// Lists folders from this one on, as many as make a window, and strikes what is noted.
    async fn list(&mut self, first: u16) -> Result<Window> {
        let store = &self.checkup.store;
        let folder_of = |number| u8::try_from(number).unwrap_or(u8::MAX);
        let mut window = Window {
            folders: folder_of(first)..=folder_of(first),
            bytes: 0,
            seen: 0,
            whole: HashMap::new(),
            unfinished: Vec::new(),
        };
        for folder in folder_of(first)..=u8::MAX {
            let inventory = store.blobs.inventory(folder).await?;
            self.report.add_foreign(inventory.foreign);
            for stored in inventory.stored {
                if stored.state == State::Whole {
                    self.report.blobs += 1;
                    self.report.bytes += stored.size;
                    window.bytes += stored.size;
                    let Stored { blob, size, modified, .. } = stored;
                    window.whole.insert(blob, Listed { size, modified, accounted_for: false });
                } else {
                    window.unfinished.push(stored);
                }
            }
            window.folders = *window.folders.start()..=folder;
            // Reading takes far longer than listing.
            if !self.extent.contents {
                (self.progress)(f64::from(folder) / f64::from(FOLDERS));
            }
            self.rest().await;
            if window.whole.len() >= WINDOW {
                break;
            }
        }
        let keys: Vec<_> = window.whole.keys().copied().collect();
        for some in keys.chunks(BATCH) {
            for blob in store.reservations.noted(some).await? {
                if let Some(listed) = window.whole.get_mut(&blob) {
                    listed.accounted_for = true;
                }
            }
            self.rest().await;
        }
        Ok(window)
    }

    /// Compares a window with all rows. Of the first one, rows are counted and reported on.
    async fn compare(&mut self, mut window: Window, is_first: bool) -> Result<()> {
        self.all_rows_read = true;
        let mut after = None;
        loop {
            let rows = self.checkup.store.files.rows(after, BATCH).await?;
            for (id, row) in &rows {
                self.report.rows += u64::from(is_first);
                match row {
                    Ok(file) => self.check_row(file, &mut window).await?,
                    Err(error) => {
                        self.all_rows_read = false;
                        if is_first {
                            self.report.add(unreadable(*id, error));
                        }
                    }
                }
            }
            self.rest().await;
            match rows.last() {
                Some((last, _)) if rows.len() == BATCH => after = Some(*last),
                _ => break,
            }
        }
        let before = self.checkup.clock.now().minus(self.checkup.grace);
        let owned = window.whole.values().filter(|it| it.accounted_for).count();
        let (old, young): (Vec<_>, Vec<_>) =
            window.whole.into_iter().filter(|(_, it)| !it.accounted_for).partition(|(_, it)| it.modified < before);
        self.report.young += young.len() as u64;
        self.fits = old.len() <= owned || self.extent.force;
        for (blob, listed) in old {
            self.orphan(blob, &listed).await?;
        }
        for stored in window.unfinished {
            if stored.modified < before {
                self.unfinished(&stored).await?;
            }
        }
        Ok(())
    }

    /// Strikes a row's blobs from the window, and looks for those that are not there.
    async fn check_row(&mut self, file: &File, window: &mut Window) -> Result<()> {
        let mut gone = Vec::new();
        for (blob, size) in sizes(file) {
            if !window.folders.contains(&blob.0.as_bytes()[0]) {
                continue;
            }
            match window.whole.get_mut(&blob) {
                Some(listed) => {
                    listed.accounted_for = true;
                    window.seen += listed.size;
                    if listed.size != size {
                        gone.push((blob, size));
                    }
                }
                None => gone.push((blob, size)),
            }
        }
        let is_listed = |blob| window.whole.contains_key(&blob) && gone.iter().all(|(it, _)| *it != blob);
        if let Some(content) = file.content.as_ref().filter(|it| self.extent.contents && is_listed(it.blob)) {
            self.verify(file, content).await?;
            (self.progress)(window.done());
        }
        let (mut original, mut thumbnails) = (None, Vec::new());
        for (blob, expected) in gone {
            // It may have been written since, or its row may have gone: bytes first, then the row.
            let size = self.checkup.store.blobs.size(blob).await?;
            if size == Some(expected) {
                continue;
            }
            let Some(file) = self.checkup.store.files.get(file.id).await? else { continue };
            if file.content.as_ref().is_some_and(|content| content.blob == blob) {
                original = Some((blob, expected, size));
            } else if file.blobs().any(|it| it == blob) {
                thumbnails.push(blob);
            }
        }
        let named = format!("\"{}\" of {}", file.name, file.owner);
        if let Some((blob, expected, size)) = original {
            let detail = match size {
                None => format!("the {expected} bytes of {named} are gone"),
                Some(size) => format!("{named} has {size} bytes instead of {expected}"),
            };
            let outcome = Outcome::Left("only a backup has them: put the blob back, or delete the file");
            let problem = Problem::MissingOriginal;
            self.report.add(Finding { problem, file: Some(file.id), blob: Some(blob), detail, outcome });
        }
        if let [blob, ..] = thumbnails[..] {
            let detail = format!("{} of {} thumbnails of {named} are gone", thumbnails.len(), file.thumbnails().len());
            let outcome = self.make_again(file).await?;
            let problem = Problem::MissingThumbnail;
            self.report.add(Finding { problem, file: Some(file.id), blob: Some(blob), detail, outcome });
        }
        Ok(())
    }

    /// Reads an original, and compares it with its checksum.
    async fn verify(&mut self, file: &File, content: &Content) -> Result<()> {
        let store = &self.checkup.store;
        let Content { blob, size, sha256, .. } = content;
        let found = match store.blobs.read_ahead(*blob, 0..*size).await {
            Ok(Some(bytes)) => sum(bytes).await,
            // Deleted meanwhile, with its row.
            Ok(None) => return Ok(()),
            Err(error) => Err(error),
        };
        self.report.verified += 1;
        let named = format!("\"{}\" of {}", file.name, file.owner);
        let (detail, helps) = match found {
            Ok(found) if found == *sha256 => return Ok(()),
            Ok(_) => (
                format!("the bytes of {named} are not those that were uploaded"),
                "only a backup has them: put the blob back, or delete the file",
            ),
            Err(error) => (
                format!("the bytes of {named} cannot be read: {error}"),
                "look at the disk and the blob's permissions; otherwise a backup has them",
            ),
        };
        // It may have gone while it was being read.
        if store.files.get(file.id).await?.is_some() {
            let outcome = Outcome::Left(helps);
            let problem = Problem::AlteredOriginal;
            self.report.add(Finding { problem, file: Some(file.id), blob: Some(*blob), detail, outcome });
        }
        Ok(())
    }

    async fn make_again(&self, file: &File) -> Result<Outcome> {
        if !self.has_original(file).await? {
            return Ok(Outcome::Left("cannot be made again: the file's own bytes are gone, too"));
        }
        if !self.extent.repair {
            return Ok(Outcome::Left("--repair has them made again"));
        }
        Ok(match self.checkup.drive.retry_thumbnails(file.owner, file.id).await {
            Ok(_) => Outcome::Mended("asked for again"),
            Err(error) => Outcome::Failed(error.to_string()),
        })
    }

    async fn has_original(&self, file: &File) -> Result<bool> {
        let Some(content) = &file.content else { return Ok(false) };
        Ok(self.checkup.store.blobs.size(content.blob).await? == Some(content.size))
    }

    /// Looks again at bytes that nobody seems to know, and removes them if asked to.
    async fn orphan(&mut self, blob: BlobKey, listed: &Listed) -> Result<()> {
        let store = &self.checkup.store;
        // Noted since: its row is about to go. Gone: it has.
        if !store.reservations.noted(&[blob]).await?.is_empty() || store.blobs.size(blob).await?.is_none() {
            return Ok(());
        }
        let outcome = if !self.all_rows_read {
            Outcome::Left("a row that cannot be read may own it")
        } else if self.report.rows == 0 {
            Outcome::Left("the database has no file at all: is it the right one, and is it whole?")
        } else if !self.fits {
            Outcome::Left(
                "more blobs have no file than have one: are these the right blobs and database? --force removes it",
            )
        } else {
            self.remove(async { store.blobs.discard(&note(blob, None)).await }).await
        };
        let detail = format!("{} bytes of {} belong to no file", listed.size, listed.modified);
        self.report.add(Finding { problem: Problem::OrphanedBlob, file: None, blob: Some(blob), detail, outcome });
        Ok(())
    }

    async fn unfinished(&mut self, stored: &Stored) -> Result<()> {
        let store = &self.checkup.store;
        // Who is writing it has noted it.
        if !store.reservations.noted(&[stored.blob]).await?.is_empty() {
            return Ok(());
        }
        let (what, upload) = match &stored.state {
            State::Multipart(upload) => ("a multipart upload", Some(upload.clone())),
            _ => ("a file", None),
        };
        let removing = async { store.blobs.discard_unfinished(&note(stored.blob, upload)).await };
        let outcome = self.remove(removing).await;
        let detail = format!("{what} of {} that nobody finishes ({} bytes)", stored.modified, stored.size);
        let blob = Some(stored.blob);
        self.report.add(Finding { problem: Problem::UnfinishedBlob, file: None, blob, detail, outcome });
        Ok(())
    }

    async fn remove(&self, removing: impl Future<Output = Result<()>>) -> Outcome {
        if !self.extent.repair {
            return Outcome::Left("--repair removes it");
        }
        match removing.await {
            Ok(()) => Outcome::Mended("removed"),
            Err(error) => Outcome::Failed(error.to_string()),
        }
    }

    /// Images that wait too long, and jobs that were given up on.
    async fn images(&mut self) -> Result<()> {
        let Store { files, jobs, .. } = &self.checkup.store;
        let before = self.checkup.clock.now().minus(OVERDUE);
        let mut after = None;
        loop {
            let pending = files.pending(before, after, BATCH).await?;
            for &(file, generation) in &pending {
                let outcome = if self.extent.repair {
                    match jobs.enqueue(JobKey { file, generation }).await {
                        Ok(true) => Outcome::Mended("queued again"),
                        Ok(false) => Outcome::Left("is in the queue: does a server or worker run?"),
                        Err(error) => Outcome::Failed(error.to_string()),
                    }
                } else {
                    Outcome::Left("--repair queues it again")
                };
                let detail = "waits for its thumbnails for more than 5 minutes".to_owned();
                let problem = Problem::OverdueImage;
                self.report.add(Finding { problem, file: Some(file), blob: None, detail, outcome });
            }
            self.rest().await;
            match pending.last() {
                Some((last, _)) if pending.len() == BATCH => after = Some(*last),
                _ => break,
            }
        }
        let buried = match jobs.depth().await {
            Ok(_) => jobs.buried(BATCH).await,
            Err(error) => Err(error),
        };
        let buried = buried.unwrap_or_else(|error| {
            let outcome = Outcome::Left("if a key has the wrong type, delete it: what waits is queued again");
            let (problem, detail) = (Problem::UnreadableQueue, error.to_string());
            self.report.add(Finding { problem, file: None, blob: None, detail, outcome });
            Vec::new()
        });
        for buried in buried {
            self.report.add(Finding {
                problem: Problem::BuriedJob,
                file: Some(buried.key.file),
                blob: None,
                detail: format!("given up on at {}: {}", buried.at, buried.reason),
                outcome: Outcome::Left("its owner may try again (retryThumbnails)"),
            });
        }
        Ok(())
    }
}

/// SHA-256, lower-case hexadecimal.
async fn sum(mut bytes: Chunks) -> Result<String> {
    let mut sum = Sha256::new();
    while let Some(chunk) = bytes.try_next().await? {
        sum.update(&chunk);
    }
    Ok(hex::encode(sum.finalize()))
}

fn unreadable(id: FileId, error: &Error) -> Finding {
    Finding {
        problem: Problem::UnreadableRow,
        file: Some(id),
        blob: None,
        detail: error.to_string(),
        outcome: Outcome::Left("a newer version may have written it, or a backup has it as it was"),
    }
}

fn note(blob: BlobKey, multipart: Option<String>) -> Reservation {
    Reservation { blob, file: FileId(Uuid::nil()), multipart }
}

/// A row's blobs, and how many bytes each should have.
fn sizes(file: &File) -> impl Iterator<Item = (BlobKey, u64)> + '_ {
    file.blobs().map(|blob| {
        let content = file.content.as_ref().filter(|content| content.blob == blob).map(|content| content.size);
        let thumbnail = || file.thumbnails().iter().find(|it| it.blob == blob).map(|it| it.bytes);
        (blob, content.or_else(thumbnail).unwrap_or_default())
    })
}
