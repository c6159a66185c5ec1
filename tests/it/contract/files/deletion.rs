//! Deleting: at once for whoever looks, step by step for the rows and their blobs.

use std::collections::HashSet;

use futures_util::future::join_all;
use strongroom::{
    error::ErrorCode,
    model::{BlobKey, File, FileFilter, FileId, FileScope, Usage, UserId},
    store::{Change, Files, Tombstone},
};

use super::{
    add, at, chain, failure, file, folder, ids, image, on_parent, open, owner, ready, refusal, settled_as, sorted,
};
use crate::support::Backend;

crate::on_both_back_ends!(
    what_is_deleted_is_invisible_at_once_at_any_depth,
    what_is_beside_the_deleted_stays,
    a_file_is_deleted_once,
    a_deleted_file_leaves_a_tombstone_with_its_blobs,
    tombstones_come_oldest_first_and_a_limited_number_at_a_time,
    clearing_removes_every_row_and_names_every_blob_once,
    any_number_of_processes_may_clear_at_once,
    a_file_deleted_before_its_folder_is_cleared_too,
    living_rows_are_not_purged,
    every_row_is_paged_through_once_living_or_not,
);

/// Asks for tombstones and purges them, in turn, until there are none; answers them all.
pub(super) async fn clear(files: &dyn Files, limit: usize) -> Vec<Tombstone> {
    let mut cleared = Vec::new();
    for _ in 0..10_000 {
        let some = files.tombstones(limit).await.unwrap();
        assert!(some.len() <= limit);
        if some.is_empty() {
            return cleared;
        }
        let ids: Vec<_> = some.iter().map(|tombstone| tombstone.id).collect();
        files.purge(&ids).await.unwrap();
        cleared.extend(some);
    }
    panic!("clearing does not end");
}

fn blobs<'a>(rows: impl IntoIterator<Item = &'a File>) -> Vec<BlobKey> {
    let mut blobs: Vec<_> = rows.into_iter().flat_map(File::blobs).collect();
    blobs.sort();
    blobs
}

/// Three folders, each in the one before, and a few files in each; all of it, the first folder first.
async fn tree(files: &dyn Files, me: UserId, parent: Option<FileId>) -> Vec<File> {
    let mut tree = Vec::new();
    for level in chain(files, me, parent, 3).await {
        tree.push(files.get(level).await.unwrap().unwrap());
        tree.push(add(files, file(me, Some(level), "plain")).await);
        tree.push(add(files, image(me, Some(level), "pending.png")).await);
        for settlement in [ready(), failure()] {
            let row = add(files, image(me, Some(level), "settled.png")).await;
            tree.push(files.settle(row.id, 1, &settlement, at(1)).await.unwrap().unwrap());
        }
    }
    tree
}

async fn what_is_deleted_is_invisible_at_once_at_any_depth(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let outside = add(&*files, file(me, None, "outside")).await;
    let tree = tree(&*files, me, None).await;
    assert!(files.delete(me, tree[0].id, at(10)).await.unwrap());

    let everything = FileFilter::default();
    let owned = FileScope::Owned { owner: me };
    assert_eq!(ids(&*files, owned).await, [outside.id]);
    assert_eq!(files.count(owned, &everything).await.unwrap(), Some(1));
    assert_eq!(files.usage(me).await.unwrap(), Usage { file_count: 1, bytes: 1000 });
    assert_eq!(files.pending(at(100), None, 100).await.unwrap(), []);
    assert_eq!(files.unannounced(at(100), 100).await.unwrap(), []);
    assert_eq!(files.settled_since(me, at(0), 100).await.unwrap(), []);
    for row in &tree {
        let children = FileScope::Children { owner: me, parent: Some(row.id) };
        assert_eq!(files.get(row.id).await.unwrap(), None);
        assert_eq!(ids(&*files, children).await, []);
        assert_eq!(files.count(children, &everything).await.unwrap(), Some(0));
        assert_eq!(files.ancestors(me, row.id).await.unwrap(), []);
        assert_eq!(files.descendant_count(me, row.id).await.unwrap(), 0);
        assert_eq!(files.change(me, row.id, &Change::Public(true), at(11)).await.unwrap(), None);
        assert_eq!(files.change(me, row.id, &Change::Name("new".to_owned()), at(11)).await.unwrap(), None);
        assert_eq!(files.relocate(me, row.id, None, at(11)).await.unwrap(), None);
        assert_eq!(files.settle(row.id, 1, &ready(), at(11)).await.unwrap(), None);
        assert_eq!(files.retry_thumbnails(me, row.id, at(11)).await.unwrap(), None);
        assert!(!files.delete(me, row.id, at(11)).await.unwrap());
        let new = file(me, Some(row.id), "new");
        assert_eq!(refusal(files.insert(&new).await), on_parent(ErrorCode::NotFound));
        let moved = files.relocate(me, outside.id, Some(row.id), at(11)).await;
        assert_eq!(refusal(moved), on_parent(ErrorCode::NotFound));
        // The row itself is there, as it was.
        assert_eq!(files.get_any(row.id).await.unwrap().as_ref(), Some(row));
    }
    assert_eq!(files.get(outside.id).await.unwrap(), Some(outside));
}

async fn what_is_beside_the_deleted_stays(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let top = chain(&*files, me, None, 2).await;
    let beside = tree(&*files, me, Some(top[0])).await;
    let inside = tree(&*files, me, Some(top[1])).await;
    assert!(files.delete(me, top[1], at(10)).await.unwrap());
    let cleared = clear(&*files, 4).await;
    assert_eq!(cleared.len(), inside.len() + 1);
    for row in &beside {
        assert_eq!(files.get(row.id).await.unwrap().as_ref(), Some(row));
    }
    let left = ids(&*files, FileScope::Owned { owner: me }).await;
    assert_eq!(sorted(left), sorted(beside.iter().map(|row| row.id).chain([top[0]])));
}

async fn a_file_is_deleted_once(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    for row in [file(me, None, "file"), folder(me, None, "folder")] {
        let id = add(&*files, row).await.id;
        let tries = (0..10).map(|_| {
            let files = files.clone();
            tokio::spawn(async move { files.delete(me, id, at(1)).await.unwrap() })
        });
        let won = join_all(tries).await.into_iter().filter(|answer| *answer.as_ref().unwrap()).count();
        assert_eq!(won, 1);
        assert!(!files.delete(me, id, at(2)).await.unwrap());
    }
}

async fn a_deleted_file_leaves_a_tombstone_with_its_blobs(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let settlement = ready();
    let row = add(&*files, image(me, None, "a.png")).await;
    files.settle(row.id, 1, &settlement, at(1)).await.unwrap().unwrap();
    let row = settled_as(&row, &settlement);
    assert_eq!(files.tombstones(10).await.unwrap(), []);
    files.delete(me, row.id, at(2)).await.unwrap();
    let tombstones = files.tombstones(10).await.unwrap();
    assert_eq!(tombstones.len(), 1);
    assert_eq!((tombstones[0].id, tombstones[0].owner), (row.id, me));
    let mut named = tombstones[0].blobs.clone();
    named.sort();
    assert_eq!((named.len(), &named), (4, &blobs([&row])));
    // It stays until it is purged.
    assert_eq!(files.tombstones(10).await.unwrap(), tombstones);
    assert_eq!(files.get_any(row.id).await.unwrap().as_ref(), Some(&row));
    files.purge(&[row.id]).await.unwrap();
    assert_eq!(files.get_any(row.id).await.unwrap(), None);
    assert_eq!(files.tombstones(10).await.unwrap(), []);
    files.purge(&[row.id]).await.unwrap();
}

async fn tombstones_come_oldest_first_and_a_limited_number_at_a_time(backend: Backend) {
    let files = open(backend).await.files;
    let mut expected = Vec::new();
    for seconds in [5, 1, 4, 2, 3] {
        let me = owner();
        let id = add(&*files, file(me, None, "a")).await.id;
        files.delete(me, id, at(seconds)).await.unwrap();
        expected.push((seconds, id));
    }
    expected.sort();
    let order = |tombstones: Vec<Tombstone>| tombstones.into_iter().map(|tombstone| tombstone.id).collect::<Vec<_>>();
    let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
    assert_eq!(order(files.tombstones(3).await.unwrap()), expected[..3]);
    assert_eq!(order(files.tombstones(10).await.unwrap()), expected);
}

async fn clearing_removes_every_row_and_names_every_blob_once(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let tree = tree(&*files, me, None).await;
    files.delete(me, tree[0].id, at(10)).await.unwrap();
    let mut reported = Vec::new();
    loop {
        let some = files.tombstones(2).await.unwrap();
        if some.is_empty() {
            break;
        }
        for tombstone in &some {
            // A folder's turn comes once nothing is left below.
            for held in tree.iter().filter(|row| row.parent == Some(tombstone.id)) {
                assert_eq!(files.get_any(held.id).await.unwrap(), None);
            }
            assert_eq!(tombstone.owner, me);
        }
        files.purge(&some.iter().map(|tombstone| tombstone.id).collect::<Vec<_>>()).await.unwrap();
        reported.extend(some);
        assert!(reported.len() <= tree.len());
    }
    assert_eq!(sorted(reported.iter().map(|tombstone| tombstone.id)), sorted(tree.iter().map(|row| row.id)));
    let mut named: Vec<_> = reported.iter().flat_map(|tombstone| tombstone.blobs.clone()).collect();
    named.sort();
    assert_eq!(named, blobs(&tree));
    for row in &tree {
        assert_eq!(files.get_any(row.id).await.unwrap(), None);
    }
}

async fn any_number_of_processes_may_clear_at_once(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let mut rows = Vec::new();
    for _ in 0..3 {
        let tree = tree(&*files, me, None).await;
        files.delete(me, tree[0].id, at(10)).await.unwrap();
        rows.extend(tree);
    }
    let tasks = (0..4).map(|_| {
        let files = files.clone();
        tokio::spawn(async move { clear(&*files, 3).await })
    });
    let cleared: Vec<_> = join_all(tasks).await.into_iter().flat_map(|answer| answer.unwrap()).collect();
    let named: HashSet<_> = cleared.iter().flat_map(|tombstone| tombstone.blobs.clone()).collect();
    assert_eq!(named, blobs(&rows).into_iter().collect());
    assert_eq!(files.tombstones(10).await.unwrap(), []);
    for row in rows {
        assert_eq!(files.get_any(row.id).await.unwrap(), None);
    }
}

async fn a_file_deleted_before_its_folder_is_cleared_too(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let tree = tree(&*files, me, None).await;
    // From the middle, from the bottom, then the whole.
    for id in [tree[5].id, tree[1].id, tree[0].id] {
        assert!(files.delete(me, id, at(10)).await.unwrap());
    }
    let cleared = clear(&*files, 5).await;
    assert_eq!(sorted(cleared.iter().map(|tombstone| tombstone.id)), sorted(tree.iter().map(|row| row.id)));
}

async fn living_rows_are_not_purged(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let rows = [add(&*files, file(me, None, "a")).await, add(&*files, folder(me, None, "b")).await];
    files.purge(&[rows[0].id, rows[1].id]).await.unwrap();
    for row in rows {
        assert_eq!(files.get(row.id).await.unwrap(), Some(row));
    }
}

async fn every_row_is_paged_through_once_living_or_not(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let all = tree(&*files, me, None).await;
    files.delete(me, all[1].id, at(2)).await.unwrap();
    add(&*files, file(owner(), None, "another's")).await;
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = files.rows(after, 4).await.unwrap();
        assert!(page.len() <= 4);
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        rows.extend(page.into_iter().map(|(id, row)| {
            let row = row.unwrap();
            assert_eq!(row.id, id);
            row
        }));
    }
    assert_eq!(rows.len(), all.len() + 1);
    assert!(rows.is_sorted_by(|a, b| a.id < b.id));
    assert_eq!(rows.iter().find(|row| row.id == all[0].id), Some(&all[0]));
    assert!(rows.iter().any(|row| row.id == all[1].id));
}
