//! What a checkup finds, for people and programs.

use std::{collections::BTreeMap, time::Duration};

use crate::model::{BlobKey, FileId};

/// How many findings of each kind are shown; all are counted.
const SHOWN: u64 = 1000;

/// How many files that are not the product's are named; all are counted.
const NAMED: usize = 20;

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Problem {
    /// The database itself is damaged. Nothing can be compared with it.
    DamagedDatabase,
    /// The bytes of a file are gone, or are fewer or more than they were.
    MissingOriginal,
    /// The bytes of a file are not those that were uploaded.
    AlteredOriginal,
    /// A finished thumbnail of an image is gone.
    MissingThumbnail,
    /// A row that this version of the program does not understand.
    UnreadableRow,
    /// Bytes that belong to no file.
    OrphanedBlob,
    /// A file or a multipart upload that nobody finishes.
    UnfinishedBlob,
    /// An image that has waited for its thumbnails for too long.
    OverdueImage,
    /// The queue cannot be read.
    UnreadableQueue,
    /// A thumbnail job that was given up on. The image says so itself; nothing is lost.
    BuriedJob,
}

impl Problem {
    /// Worst first.
    pub const ALL: [Self; 10] = [
        Self::DamagedDatabase,
        Self::MissingOriginal,
        Self::AlteredOriginal,
        Self::MissingThumbnail,
        Self::UnreadableRow,
        Self::OrphanedBlob,
        Self::UnfinishedBlob,
        Self::OverdueImage,
        Self::UnreadableQueue,
        Self::BuriedJob,
    ];

    /// For programs: in JSON, in the log and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DamagedDatabase => "damaged_database",
            Self::MissingOriginal => "missing_original",
            Self::AlteredOriginal => "altered_original",
            Self::MissingThumbnail => "missing_thumbnail",
            Self::UnreadableRow => "unreadable_row",
            Self::OrphanedBlob => "orphaned_blob",
            Self::UnfinishedBlob => "unfinished_blob",
            Self::OverdueImage => "overdue_image",
            Self::UnreadableQueue => "unreadable_queue",
            Self::BuriedJob => "buried_job",
        }
    }

    /// Whether it is told for information only.
    #[must_use]
    pub fn is_harmless(self) -> bool {
        self == Self::BuriedJob
    }
}

/// What was done about a problem, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing. What would help.
    Left(&'static str),
    /// It is mended. How.
    Mended(&'static str),
    /// Mending has failed. Why.
    Failed(String),
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub problem: Problem,
    /// The file it is about, where one is known.
    pub file: Option<FileId>,
    /// The blob it is about, where it is about one.
    pub blob: Option<BlobKey>,
    /// For people.
    pub detail: String,
    /// What was done about it.
    pub outcome: Outcome,
}

/// How often a problem was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How often.
    pub found: u64,
    /// How many of these are mended.
    pub mended: u64,
}

/// What a checkup found.
#[derive(Debug, Default)]
pub struct Report {
    /// Rows that were read, living or not.
    pub rows: u64,
    /// Whole blobs that are stored.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whole blobs of no file that are too young to judge: somebody may be about to write their rows.
    pub young: u64,
    /// What else lies where blobs are kept, left alone.
    pub foreign: u64,
    /// The first of those, named.
    pub foreign_names: Vec<String>,
    /// How many originals were read and compared with their checksums.
    pub verified: u64,
    /// How often each problem was found; those that were not are missing.
    pub tallies: BTreeMap<Problem, Tally>,
    /// The first thousand of each kind.
    pub findings: Vec<Finding>,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    /// Whether nothing is wrong, or not any more.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.tallies.iter().all(|(problem, tally)| problem.is_harmless() || tally.found == tally.mended)
    }

    pub(super) fn add_foreign(&mut self, names: Vec<String>) {
        self.foreign += names.len() as u64;
        let room = NAMED.saturating_sub(self.foreign_names.len());
        self.foreign_names.extend(names.into_iter().take(room));
    }

    pub(super) fn add(&mut self, finding: Finding) {
        let tally = self.tallies.entry(finding.problem).or_default();
        tally.found += 1;
        tally.mended += u64::from(matches!(finding.outcome, Outcome::Mended(_)));
        if tally.found <= SHOWN {
            self.findings.push(finding);
        }
    }
}
