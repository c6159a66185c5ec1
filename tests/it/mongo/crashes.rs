//! Whoever dies between two writes leaves nothing that others do not put right; and moves that meet give way.

use std::{collections::HashMap, time::Duration};

use mongodb::{
    Collection,
    bson::{Document, doc, oid::ObjectId},
};
use strongroom::{
    error::{Error, ErrorCode},
    model::{BlobKey, Clock, FileFilter, FileId, FileKind, FileScope, ProcessId, Timestamp, UserId},
    store::{
        Files as _, Reservation, Reservations as _,
        mongo::{Mongo, MongoReservations},
    },
};

use super::{add, drain, files, key, new_database, uuid};
use crate::support::servers::mongodb_url;

#[tokio::test]
async fn notes_of_a_process_that_never_said_it_lives_count_by_their_own_time() {
    let mongo = Mongo::connect(&mongodb_url(), &new_database()).await.unwrap();
    let reservations = MongoReservations::new(mongo);
    let note = Reservation { blob: BlobKey(uuid()), file: FileId(uuid()), multipart: None };
    reservations.reserve(ProcessId(uuid()), std::slice::from_ref(&note)).await.unwrap();
    let (hour, me) = (Duration::from_secs(3600), ProcessId(uuid()));
    assert!(reservations.abandoned(me, hour, 5).await.unwrap().is_empty());
    assert_eq!(reservations.abandoned(me, Duration::ZERO, 5).await.unwrap(), [note]);
}

#[tokio::test]
async fn what_was_written_into_a_deleted_folder_by_somebody_who_died_is_found() {
    let (files, database) = files().await;
    let owner = UserId(uuid());
    let folder = add(&files, owner, None, FileKind::Folder, "folder").await;
    let late = add(&files, owner, None, FileKind::File, "late").await;
    assert!(files.delete(owner, folder, Timestamp(2000)).await.unwrap());
    let kept = files.clone().with_grace(Duration::from_secs(3600));
    assert!(kept.tombstones(10).await.unwrap().is_empty(), "a folder is reported within its grace");
    // The first of two writes, and never the second.
    let rows: Collection<Document> = database.collection("files");
    rows.update_one(doc! { "_id": key(late) }, doc! { "$set": { "parent": key(folder) } }).await.unwrap();
    assert_eq!(files.get(late).await.unwrap(), None);
    assert_eq!(files.count(FileScope::Owned { owner }, &FileFilter::default()).await.unwrap(), Some(0));
    let found: Vec<_> = files.tombstones(10).await.unwrap().iter().map(|tombstone| tombstone.id).collect();
    assert_eq!(found, [late]);
    drain(&files).await;
    assert_eq!(rows.count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn the_mark_of_somebody_who_died_is_taken_over_and_a_fresh_one_is_not() {
    let (files, database) = files().await;
    let owner = UserId(uuid());
    let target = add(&files, owner, None, FileKind::Folder, "target").await;
    let folder = add(&files, owner, None, FileKind::Folder, "folder").await;
    let rows: Collection<Document> = database.collection("files");
    let mark = |at: i64| doc! { "$set": { "moving": { "to": key(target), "token": ObjectId::new(), "at": at } } };
    // The server's clock is that of this machine.
    let now = Clock::system().now();
    let (fresh, stale) = (now.0, now.minus(Duration::from_secs(31)).0);

    rows.update_one(doc! { "_id": key(folder) }, mark(fresh)).await.unwrap();
    let moved = files.relocate(owner, folder, Some(target), Timestamp(2000)).await;
    assert_eq!(moved.unwrap_err().code(), ErrorCode::ServiceUnavailable);
    rows.update_one(doc! { "_id": key(folder) }, mark(stale)).await.unwrap();
    let moved = files.relocate(owner, folder, Some(target), Timestamp(3000)).await.unwrap();
    assert_eq!(moved.unwrap().parent, Some(target));

    // A mark above the target that leads back: in the way while it is fresh, cleared when it is stale.
    let inner = add(&files, owner, None, FileKind::Folder, "inner").await;
    let to_inner = |at: i64| doc! { "$set": { "moving": { "to": key(inner), "token": ObjectId::new(), "at": at } } };
    rows.update_one(doc! { "_id": key(target) }, to_inner(fresh)).await.unwrap();
    let moved = files.relocate(owner, inner, Some(folder), Timestamp(4000)).await;
    assert_eq!(moved.unwrap_err().code(), ErrorCode::FolderCycle);
    rows.update_one(doc! { "_id": key(target) }, to_inner(stale)).await.unwrap();
    let moved = files.relocate(owner, inner, Some(folder), Timestamp(5000)).await.unwrap();
    assert_eq!(moved.unwrap().parent, Some(folder));
    let row = rows.find_one(doc! { "_id": key(target) }).await.unwrap().unwrap();
    assert!(!row.contains_key("moving"), "whoever set the stale mark could still move: {row}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moves_in_a_ring_never_close_it() {
    let (files, _) = files().await;
    let owner = UserId(uuid());
    for round in 0..15 {
        let mut ring = Vec::new();
        for n in 0..3 {
            ring.push(add(&files, owner, None, FileKind::Folder, &format!("{round} {n}")).await);
        }
        let moves = (0..3).map(|n| files.relocate(owner, ring[n], Some(ring[(n + 1) % 3]), Timestamp(round)));
        let results = futures_util::future::join_all(moves).await;
        let mut parents = HashMap::new();
        for (n, result) in results.iter().enumerate() {
            match result {
                Ok(file) => assert_eq!(file.as_ref().unwrap().parent, Some(ring[(n + 1) % 3])),
                Err(error) => assert_eq!(error.code(), ErrorCode::FolderCycle),
            }
            // A folder in a ring would have no way to the root, and so not live.
            parents.insert(ring[n], files.get(ring[n]).await.unwrap().expect("it lives").parent);
        }
        assert!(results.iter().any(Result::is_ok), "each gave way to the others: {results:?}");
        assert!(parents.values().any(Option::is_none));
    }
}

#[tokio::test]
async fn a_row_of_an_unknown_format_is_an_error_that_says_so() {
    let (files, database) = files().await;
    let owner = UserId(uuid());
    let id = add(&files, owner, None, FileKind::File, "from the future").await;
    let rows: Collection<Document> = database.collection("files");
    rows.update_one(doc! {}, doc! { "$set": { "format": 2 }, "$unset": { "kind": "" } }).await.unwrap();
    let error = files.get(id).await.unwrap_err();
    assert!(matches!(error, Error::Internal(_)));
    assert!(error.to_string().contains("format 2"), "{error}");
}
