//! What runs at the same time among folders: moves that cross, and deletion under everything else.

use std::{collections::HashSet, sync::Arc};

use futures_util::future::join_all;
use strongroom::{
    error::{Error, ErrorCode, Result},
    model::{File, FileFilter, FileId, FileScope, UserId},
    store::{Files, MAX_FOLDER_DEPTH},
};

use super::{add, at, chain, deletion::clear, file, folder, ids, image, open, owner, ready, refusal};
use crate::support::Backend;

crate::on_both_back_ends!(
    two_crossing_moves_never_make_a_cycle,
    three_moves_in_a_ring_never_make_a_cycle,
    a_file_moved_to_two_places_is_in_one_of_them,
    an_upload_into_a_folder_that_is_being_deleted_leaves_nothing_alive,
    a_move_into_a_folder_that_is_being_deleted_is_undone_or_deleted_with_it,
    a_move_out_of_a_folder_that_is_being_deleted_saves_the_file_or_not,
    a_folder_moved_while_what_it_goes_to_is_deleted_goes_whole_or_stays_whole,
    thumbnails_settled_while_the_image_is_deleted_are_cleared_with_it,
);

/// How often a race is run, to hit it at all.
const TIMES: usize = 100;

type Shared = Arc<dyn Files>;

/// Starts a move on a task of its own, so that it truly runs beside others.
fn start_move(
    files: &Shared,
    me: UserId,
    id: FileId,
    parent: Option<FileId>,
) -> tokio::task::JoinHandle<Result<Option<File>>> {
    let files = files.clone();
    tokio::spawn(async move { files.relocate(me, id, parent, at(1)).await })
}

fn start_delete(files: &Shared, me: UserId, id: FileId) -> tokio::task::JoinHandle<Result<bool>> {
    let files = files.clone();
    tokio::spawn(async move { files.delete(me, id, at(2)).await })
}

/// Every living file of the owner is reached from the root over living folders.
async fn assert_sound(files: &dyn Files, me: UserId) {
    for id in ids(files, FileScope::Owned { owner: me }).await {
        let mut next = files.get(id).await.unwrap().unwrap().parent;
        let mut steps = 0;
        while let Some(folder) = next {
            let above = files.get(folder).await.unwrap();
            next = above.unwrap_or_else(|| panic!("{id:?} lives under a deleted folder")).parent;
            steps += 1;
            assert!(steps <= MAX_FOLDER_DEPTH, "{id:?} is in a cycle");
        }
        assert_eq!(files.ancestors(me, id).await.unwrap().len(), steps);
    }
}

async fn two_crossing_moves_never_make_a_cycle(backend: Backend) {
    let files = open(backend).await.files;
    for _ in 0..TIMES {
        let me = owner();
        let (a, b) = (chain(&*files, me, None, 2).await, chain(&*files, me, None, 2).await);
        let tries = [start_move(&files, me, a[0], Some(b[1])), start_move(&files, me, b[0], Some(a[1]))];
        let mut succeeded = 0;
        for answer in join_all(tries).await {
            match answer.unwrap() {
                Ok(moved) => succeeded += usize::from(moved.is_some()),
                refused => assert_eq!(refusal(refused).0, ErrorCode::FolderCycle),
            }
        }
        assert!(succeeded <= 1, "both moves succeeded");
        assert_sound(&*files, me).await;
        // Nothing is left behind that would hold up the next move.
        for id in [a[0], b[0]] {
            assert_eq!(files.relocate(me, id, None, at(3)).await.unwrap().unwrap().parent, None);
        }
        let moved = files.relocate(me, a[0], Some(b[1]), at(4)).await.unwrap().unwrap();
        assert_eq!(moved.parent, Some(b[1]));
    }
}

async fn three_moves_in_a_ring_never_make_a_cycle(backend: Backend) {
    let files = open(backend).await.files;
    for _ in 0..TIMES {
        let me = owner();
        let mut ring = Vec::new();
        for name in ["a", "b", "c"] {
            ring.push(add(&*files, folder(me, None, name)).await.id);
        }
        let tries = (0..3).map(|n| start_move(&files, me, ring[n], Some(ring[(n + 1) % 3])));
        let mut succeeded = 0;
        for answer in join_all(tries).await {
            match answer.unwrap() {
                Ok(moved) => succeeded += usize::from(moved.is_some()),
                refused => assert_eq!(refusal(refused).0, ErrorCode::FolderCycle),
            }
        }
        assert!(succeeded <= 2, "all moves succeeded");
        assert_sound(&*files, me).await;
    }
}

async fn a_file_moved_to_two_places_is_in_one_of_them(backend: Backend) {
    let files = open(backend).await.files;
    for moving in [file, folder] {
        for _ in 0..TIMES / 4 {
            let me = owner();
            let places = [add(&*files, folder(me, None, "a")).await.id, add(&*files, folder(me, None, "b")).await.id];
            let id = add(&*files, moving(me, None, "moving")).await.id;
            for answer in join_all(places.map(|place| start_move(&files, me, id, Some(place)))).await {
                answer.unwrap().unwrap().unwrap();
            }
            let mut found = Vec::new();
            for place in [None, Some(places[0]), Some(places[1])] {
                let held = ids(&*files, FileScope::Children { owner: me, parent: place }).await;
                found.extend(held.contains(&id).then_some(place));
            }
            assert_eq!(found, [files.get(id).await.unwrap().unwrap().parent]);
            assert!(found[0].is_some());
        }
    }
}

async fn an_upload_into_a_folder_that_is_being_deleted_leaves_nothing_alive(backend: Backend) {
    let files = open(backend).await.files;
    for n in 0..TIMES {
        let me = owner();
        let top = chain(&*files, me, None, 3).await;
        let row = [file, folder, image][n % 3](me, Some(top[2]), "new");
        let deletion = start_delete(&files, me, top[0]);
        let insertion = tokio::spawn({
            let (files, row) = (files.clone(), row.clone());
            async move { files.insert(&row).await }
        });
        assert!(deletion.await.unwrap().unwrap());
        match insertion.await.unwrap() {
            Ok(()) => {}
            Err(Error::User(error)) => {
                assert_eq!(error.code, ErrorCode::NotFound);
                assert_eq!(files.get_any(row.id).await.unwrap(), None);
            }
            Err(error) => panic!("{error}"),
        }
        assert_eq!(files.get(row.id).await.unwrap(), None);
        assert_eq!(files.count(FileScope::Owned { owner: me }, &FileFilter::default()).await.unwrap(), Some(0));
        clear(&*files, 10).await;
        assert_eq!(files.get_any(row.id).await.unwrap(), None);
    }
}

async fn a_move_into_a_folder_that_is_being_deleted_is_undone_or_deleted_with_it(backend: Backend) {
    let files = open(backend).await.files;
    for n in 0..TIMES {
        let me = owner();
        let top = chain(&*files, me, None, 3).await;
        let home = add(&*files, folder(me, None, "home")).await.id;
        let moving = add(&*files, [file, folder][n % 2](me, Some(home), "moving")).await;
        let deletion = start_delete(&files, me, top[0]);
        let moved = start_move(&files, me, moving.id, Some(top[2]));
        assert!(deletion.await.unwrap().unwrap());
        let left = match moved.await.unwrap() {
            Ok(_) => None,
            refused => {
                assert_eq!(refusal(refused).0, ErrorCode::NotFound);
                Some(home)
            }
        };
        assert_eq!(files.get(moving.id).await.unwrap().map(|file| file.parent), left.map(Some));
        assert_sound(&*files, me).await;
        clear(&*files, 10).await;
        assert_eq!(files.get_any(moving.id).await.unwrap().is_some(), left.is_some());
        assert_sound(&*files, me).await;
    }
}

async fn a_move_out_of_a_folder_that_is_being_deleted_saves_the_file_or_not(backend: Backend) {
    let files = open(backend).await.files;
    for n in 0..TIMES {
        let me = owner();
        let top = chain(&*files, me, None, 3).await;
        let home = add(&*files, folder(me, None, "home")).await.id;
        let moving = add(&*files, [file, folder][n % 2](me, Some(top[2]), "moving")).await;
        let deletion = start_delete(&files, me, top[0]);
        let moved = start_move(&files, me, moving.id, Some(home));
        assert!(deletion.await.unwrap().unwrap());
        let saved = moved.await.unwrap().unwrap().is_some();
        let parent = files.get(moving.id).await.unwrap().map(|file| file.parent);
        assert_eq!(parent, saved.then_some(Some(home)));
        clear(&*files, 10).await;
        assert_eq!(files.get_any(moving.id).await.unwrap().is_some(), saved);
        assert_sound(&*files, me).await;
    }
}

async fn a_folder_moved_while_what_it_goes_to_is_deleted_goes_whole_or_stays_whole(backend: Backend) {
    let files = open(backend).await.files;
    for _ in 0..TIMES {
        let me = owner();
        let target = chain(&*files, me, None, 2).await;
        let moving = chain(&*files, me, None, 2).await;
        let held = add(&*files, file(me, Some(moving[1]), "held")).await.id;
        let deletion = start_delete(&files, me, target[0]);
        let moved = start_move(&files, me, moving[0], Some(target[1]));
        assert!(deletion.await.unwrap().unwrap());
        let gone = moved.await.unwrap().is_ok();
        for id in [moving[0], moving[1], held] {
            assert_eq!(files.get(id).await.unwrap().is_none(), gone);
        }
        assert_sound(&*files, me).await;
        clear(&*files, 10).await;
        for id in [moving[0], moving[1], held] {
            assert_eq!(files.get_any(id).await.unwrap().is_none(), gone);
        }
    }
}

async fn thumbnails_settled_while_the_image_is_deleted_are_cleared_with_it(backend: Backend) {
    let files = open(backend).await.files;
    for n in 0..TIMES {
        let me = owner();
        let top = chain(&*files, me, None, 2).await;
        let row = add(&*files, image(me, Some(top[1]), "a.png")).await;
        let doomed = if n % 2 == 0 { row.id } else { top[0] };
        let settling = tokio::spawn({
            let files = files.clone();
            async move { files.settle(row.id, 1, &ready(), at(1)).await.unwrap() }
        });
        assert!(start_delete(&files, me, doomed).await.unwrap().unwrap());
        // Whoever wins owns these blobs; whoever does not takes them away again.
        let owned = settling.await.unwrap().unwrap_or(row);
        assert_eq!(files.get(owned.id).await.unwrap(), None);
        assert_eq!(files.unannounced(at(9), 10).await.unwrap(), []);
        let cleared = clear(&*files, 10).await;
        let named: HashSet<_> = cleared.into_iter().flat_map(|tombstone| tombstone.blobs).collect();
        assert_eq!(named, owned.blobs().collect());
        assert_eq!(files.get_any(owned.id).await.unwrap(), None);
    }
}
