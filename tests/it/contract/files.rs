//! The promises of `Files`: what the rules need in common, and the rules for single rows.

mod deletion;
mod filters;
mod folders;
mod lists;
mod races;
mod thumbnails;

use std::{fmt::Debug, time::Duration};

use futures_util::future::join_all;
use strongroom::{
    error::{Error, ErrorCode, Result},
    model::{
        BlobKey, Content, File, FileFilter, FileId, FileKind, FileOrder, FileScope, Image, ListQuery, Page, Random,
        Settlement, Thumbnail, ThumbnailSize, Thumbnails, Timestamp, Usage, UserId,
    },
    store::{Change, Files},
};

use super::stores::open;
use crate::support::Backend;

crate::on_both_back_ends!(
    a_row_is_read_as_it_was_written,
    an_unknown_file_is_nowhere,
    a_name_is_changed_and_only_a_new_one_counts_as_a_change,
    privacy_is_changed_and_its_version_counts_the_changes,
    of_ten_racing_changes_of_privacy_one_is_counted,
    a_strangers_file_is_as_good_as_missing,
    usage_counts_originals_and_nothing_else,
);

const START: Timestamp = Timestamp(1_795_440_542_125);

/// This many seconds into the rule.
fn at(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

fn owner() -> UserId {
    UserId(Random::system().uuid())
}

fn unknown() -> FileId {
    FileId(Random::system().uuid())
}

fn row(owner: UserId, parent: Option<FileId>, name: &str, kind: FileKind) -> File {
    File {
        id: unknown(),
        owner,
        parent,
        name: name.to_owned(),
        kind,
        is_public: false,
        privacy_version: 0,
        created_at: START,
        updated_at: START,
        content: None,
        image: None,
    }
}

fn folder(owner: UserId, parent: Option<FileId>, name: &str) -> File {
    row(owner, parent, name, FileKind::Folder)
}

fn file(owner: UserId, parent: Option<FileId>, name: &str) -> File {
    let content = Content {
        blob: BlobKey(Random::system().uuid()),
        size: 1000,
        media_type: "text/plain".to_owned(),
        sha256: "ab".repeat(32),
    };
    File { content: Some(content), ..row(owner, parent, name, FileKind::File) }
}

fn image(owner: UserId, parent: Option<FileId>, name: &str) -> File {
    File { kind: FileKind::Image, image: Some(Image::pending()), ..file(owner, parent, name) }
}

/// Adds the row and answers it.
async fn add(files: &dyn Files, file: File) -> File {
    files.insert(&file).await.unwrap();
    file
}

/// A chain of this many folders, each in the one before, the first in `parent`.
async fn chain(files: &dyn Files, owner: UserId, parent: Option<FileId>, length: usize) -> Vec<FileId> {
    let mut chain: Vec<FileId> = Vec::new();
    for level in 0..length {
        let parent = chain.last().copied().or(parent);
        chain.push(add(files, folder(owner, parent, &format!("level {level}"))).await.id);
    }
    chain
}

fn ready() -> Settlement {
    let set = ThumbnailSize::ALL.map(|size| Thumbnail {
        size,
        blob: BlobKey(Random::system().uuid()),
        width: size.max_width(),
        height: size.max_width() / 2,
        media_type: "image/webp".to_owned(),
        bytes: 5_000_000_000,
    });
    let thumbnails = Thumbnails::Ready { set: set.to_vec(), thumbhash: "1QcSHQRnh493V4dIh4eXh1h4kJUI".to_owned() };
    Settlement { width: Some(1200), height: Some(600), thumbnails }
}

fn failure() -> Settlement {
    let thumbnails = Thumbnails::Failed { reason: "The image is damaged.".to_owned() };
    Settlement { width: None, height: None, thumbnails }
}

/// What a pending file is once it has been settled so.
fn settled_as(file: &File, settlement: &Settlement) -> File {
    let image = Image {
        width: settlement.width,
        height: settlement.height,
        thumbnails: settlement.thumbnails.clone(),
        generation: file.image.as_ref().unwrap().generation,
    };
    File { image: Some(image), ..file.clone() }
}

/// The code of a refusal, and the field it is about.
#[track_caller]
fn refusal<T: Debug>(answer: Result<T>) -> (ErrorCode, String) {
    match answer {
        Err(Error::User(error)) => (error.code, error.field.unwrap_or_default().join(".")),
        answer => panic!("not refused: {answer:?}"),
    }
}

fn on_parent(code: ErrorCode) -> (ErrorCode, String) {
    (code, "parentId".to_owned())
}

/// IDs of a whole list in the usual order.
async fn ids(files: &dyn Files, scope: FileScope) -> Vec<FileId> {
    let page = Page { after: None, before: None, limit: 1000, from_end: false };
    let query = ListQuery { scope, filter: FileFilter::default(), order: FileOrder::default(), page };
    files.list(&query).await.unwrap().iter().map(|file| file.id).collect()
}

/// IDs of the same files in an order of their own, to compare sets.
fn sorted(ids: impl IntoIterator<Item = FileId>) -> Vec<FileId> {
    let mut ids: Vec<_> = ids.into_iter().collect();
    ids.sort();
    ids
}

async fn a_row_is_read_as_it_was_written(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let folder = add(&*files, folder(me, None, "Fotos ü 🗁")).await;
    let mut file = file(me, Some(folder.id), "Große Datei.txt");
    file.is_public = true;
    file.privacy_version = 7;
    file.created_at = Timestamp(-1);
    file.updated_at = at(5);
    file.content.as_mut().unwrap().size = 1 << 42;
    let file = add(&*files, file).await;
    let image = add(&*files, image(me, None, "it's \"a\" $pic.{jpg}")).await;
    for row in [folder, file, image] {
        assert_eq!(files.get(row.id).await.unwrap().as_ref(), Some(&row));
        assert_eq!(files.get_any(row.id).await.unwrap().as_ref(), Some(&row));
    }
}

async fn an_unknown_file_is_nowhere(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let id = unknown();
    assert_eq!(files.get(id).await.unwrap(), None);
    assert_eq!(files.get_any(id).await.unwrap(), None);
    assert_eq!(files.change(me, id, &Change::Public(true), START).await.unwrap(), None);
    assert_eq!(files.relocate(me, id, None, START).await.unwrap(), None);
    assert!(!files.delete(me, id, START).await.unwrap());
    assert_eq!(files.ancestors(me, id).await.unwrap(), []);
    assert_eq!(files.descendant_count(me, id).await.unwrap(), 0);
    assert_eq!(files.usage(me).await.unwrap(), Usage::default());
    assert_eq!(files.settle(id, 1, &ready(), START).await.unwrap(), None);
    assert_eq!(files.retry_thumbnails(me, id, START).await.unwrap(), None);
    files.announced(id, 1).await.unwrap();
    files.purge(&[id]).await.unwrap();
    files.purge(&[]).await.unwrap();
    assert_eq!(files.tombstones(10).await.unwrap(), []);
}

async fn a_name_is_changed_and_only_a_new_one_counts_as_a_change(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let old = add(&*files, image(me, None, "old.png")).await;
    let same = Change::Name("old.png".to_owned());
    assert_eq!(files.change(me, old.id, &same, at(1)).await.unwrap().as_ref(), Some(&old));
    assert_eq!(files.get(old.id).await.unwrap().as_ref(), Some(&old));
    // One that folds to the same is another name.
    for (name, now) in [("OLD.png", at(2)), ("Neu.png", at(3))] {
        let new = File { name: name.to_owned(), updated_at: now, ..old.clone() };
        assert_eq!(files.change(me, old.id, &Change::Name(name.to_owned()), now).await.unwrap().as_ref(), Some(&new));
        assert_eq!(files.get(old.id).await.unwrap(), Some(new));
    }
}

async fn privacy_is_changed_and_its_version_counts_the_changes(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let private = add(&*files, file(me, None, "a")).await;
    let change = async |is_public, now| files.change(me, private.id, &Change::Public(is_public), now).await.unwrap();
    assert_eq!(change(false, at(1)).await.as_ref(), Some(&private));
    let public = File { is_public: true, privacy_version: 1, updated_at: at(2), ..private.clone() };
    assert_eq!(change(true, at(2)).await.as_ref(), Some(&public));
    assert_eq!(change(true, at(3)).await.as_ref(), Some(&public));
    let again = File { is_public: false, privacy_version: 2, updated_at: at(4), ..private.clone() };
    assert_eq!(change(false, at(4)).await.as_ref(), Some(&again));
    assert_eq!(files.get(private.id).await.unwrap(), Some(again));
}

async fn of_ten_racing_changes_of_privacy_one_is_counted(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let id = add(&*files, file(me, None, "a")).await.id;
    let changes = (0..10).map(|_| {
        let files = files.clone();
        tokio::spawn(async move { files.change(me, id, &Change::Public(true), at(1)).await.unwrap().unwrap() })
    });
    for answer in join_all(changes).await {
        let answer = answer.unwrap();
        assert_eq!((answer.is_public, answer.privacy_version), (true, 1));
    }
    assert_eq!(files.get(id).await.unwrap().unwrap().privacy_version, 1);
}

async fn a_strangers_file_is_as_good_as_missing(backend: Backend) {
    let files = open(backend).await.files;
    let (me, stranger) = (owner(), owner());
    let theirs = add(&*files, folder(stranger, None, "theirs")).await;
    let held = add(&*files, image(stranger, Some(theirs.id), "held.png")).await;
    let held = files.settle(held.id, 1, &ready(), at(1)).await.unwrap().unwrap();
    for id in [theirs.id, held.id] {
        assert_eq!(files.change(me, id, &Change::Public(true), at(2)).await.unwrap(), None);
        assert_eq!(files.change(me, id, &Change::Name("mine".to_owned()), at(2)).await.unwrap(), None);
        assert_eq!(files.relocate(me, id, None, at(2)).await.unwrap(), None);
        assert!(!files.delete(me, id, at(2)).await.unwrap());
        assert_eq!(files.ancestors(me, id).await.unwrap(), []);
        assert_eq!(files.descendant_count(me, id).await.unwrap(), 0);
        assert_eq!(files.retry_thumbnails(me, id, at(2)).await.unwrap(), None);
    }
    let mine = add(&*files, file(me, None, "mine")).await;
    let moved = files.relocate(me, mine.id, Some(theirs.id), at(2)).await;
    assert_eq!(refusal(moved), on_parent(ErrorCode::NotFound));
    assert_eq!(ids(&*files, FileScope::Children { owner: me, parent: Some(theirs.id) }).await, []);
    assert_eq!(ids(&*files, FileScope::Owned { owner: me }).await, [mine.id]);
    assert_eq!(files.settled_since(me, START, 10).await.unwrap(), []);
    assert_eq!(files.usage(me).await.unwrap(), Usage { file_count: 1, bytes: 1000 });
    // Nothing of this has touched the stranger's.
    assert_eq!(files.get(theirs.id).await.unwrap(), Some(theirs));
    assert_eq!(files.get(held.id).await.unwrap(), Some(held));
    assert_eq!(files.get(mine.id).await.unwrap(), Some(mine));
}

async fn usage_counts_originals_and_nothing_else(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    assert_eq!(files.usage(me).await.unwrap(), Usage::default());
    let folder = add(&*files, folder(me, None, "folder")).await;
    let picture = add(&*files, image(me, Some(folder.id), "a.png")).await;
    let mut huge = file(me, None, "b");
    huge.content.as_mut().unwrap().size = 1 << 42;
    let huge = add(&*files, huge).await;
    let mut empty = file(me, None, "c");
    empty.content.as_mut().unwrap().size = 0;
    add(&*files, empty).await;
    files.settle(picture.id, 1, &ready(), at(1)).await.unwrap().unwrap();
    assert_eq!(files.usage(me).await.unwrap(), Usage { file_count: 3, bytes: 1000 + (1 << 42) });
    files.delete(me, huge.id, at(2)).await.unwrap();
    assert_eq!(files.usage(me).await.unwrap(), Usage { file_count: 2, bytes: 1000 });
}
