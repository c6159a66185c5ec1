//! Into folders, out of them, up and down: what is refused, and what is answered.

use strongroom::{
    error::ErrorCode,
    model::{File, FileScope},
    store::MAX_FOLDER_DEPTH,
};

use super::{add, at, chain, file, folder, ids, image, on_parent, open, owner, refusal, unknown};
use crate::support::Backend;

crate::on_both_back_ends!(
    a_row_needs_a_folder_of_the_owners_to_be_in,
    a_folder_cannot_be_made_too_deep,
    a_move_puts_a_file_elsewhere_and_answers_it,
    a_move_to_where_it_is_already_changes_nothing,
    a_move_needs_a_folder_of_the_owners_to_go_to,
    a_folder_cannot_be_moved_into_itself,
    a_folder_cannot_be_moved_too_deep_with_what_it_holds,
    a_moved_folder_takes_along_what_it_holds,
    ancestors_come_from_the_root_down,
    descendants_are_counted_at_any_depth,
);

async fn a_row_needs_a_folder_of_the_owners_to_be_in(backend: Backend) {
    let files = open(backend).await.files;
    let (me, stranger) = (owner(), owner());
    let theirs = add(&*files, folder(stranger, None, "theirs")).await;
    let plain = add(&*files, file(me, None, "plain")).await;
    let picture = add(&*files, image(me, None, "picture")).await;
    let gone = add(&*files, folder(me, None, "gone")).await;
    let below = add(&*files, folder(me, Some(gone.id), "below")).await;
    assert!(files.delete(me, gone.id, at(1)).await.unwrap());
    for make in [file, folder, image] {
        for parent in [unknown(), theirs.id, gone.id, below.id] {
            let row = make(me, Some(parent), "new");
            assert_eq!(refusal(files.insert(&row).await), on_parent(ErrorCode::NotFound));
            assert_eq!(files.get_any(row.id).await.unwrap(), None);
        }
        for parent in [plain.id, picture.id] {
            let row = make(me, Some(parent), "new");
            assert_eq!(refusal(files.insert(&row).await).0, ErrorCode::NotAFolder);
            assert_eq!(files.get_any(row.id).await.unwrap(), None);
        }
    }
}

async fn a_folder_cannot_be_made_too_deep(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let deepest = *chain(&*files, me, None, MAX_FOLDER_DEPTH).await.last().unwrap();
    let too_deep = folder(me, Some(deepest), "too deep");
    assert_eq!(refusal(files.insert(&too_deep).await), on_parent(ErrorCode::BadUserInput));
    assert_eq!(files.get_any(too_deep.id).await.unwrap(), None);
    // Files are no folders: the deepest one holds them.
    let held = add(&*files, file(me, Some(deepest), "held")).await;
    assert_eq!(files.get(held.id).await.unwrap(), Some(held));
}

async fn a_move_puts_a_file_elsewhere_and_answers_it(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let there = add(&*files, folder(me, None, "there")).await;
    let moving = add(&*files, image(me, None, "moving.png")).await;
    for (parent, now) in [(Some(there.id), at(1)), (None, at(2))] {
        let moved = File { parent, updated_at: now, ..moving.clone() };
        assert_eq!(files.relocate(me, moving.id, parent, now).await.unwrap().as_ref(), Some(&moved));
        assert_eq!(files.get(moving.id).await.unwrap().as_ref(), Some(&moved));
        let inside = ids(&*files, FileScope::Children { owner: me, parent: Some(there.id) }).await;
        assert_eq!(inside.contains(&moving.id), parent.is_some());
        let root = ids(&*files, FileScope::Children { owner: me, parent: None }).await;
        assert_eq!(root.contains(&moving.id), parent.is_none());
    }
}

async fn a_move_to_where_it_is_already_changes_nothing(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let drawer = add(&*files, folder(me, None, "drawer")).await;
    let inside = add(&*files, file(me, Some(drawer.id), "inside")).await;
    assert_eq!(files.relocate(me, drawer.id, None, at(1)).await.unwrap().as_ref(), Some(&drawer));
    assert_eq!(files.relocate(me, inside.id, Some(drawer.id), at(1)).await.unwrap().as_ref(), Some(&inside));
    assert_eq!(files.get(drawer.id).await.unwrap(), Some(drawer));
    assert_eq!(files.get(inside.id).await.unwrap(), Some(inside));
}

async fn a_move_needs_a_folder_of_the_owners_to_go_to(backend: Backend) {
    let files = open(backend).await.files;
    let (me, stranger) = (owner(), owner());
    let theirs = add(&*files, folder(stranger, None, "theirs")).await;
    let plain = add(&*files, file(me, None, "plain")).await;
    let gone = add(&*files, folder(me, None, "gone")).await;
    let below = add(&*files, folder(me, Some(gone.id), "below")).await;
    assert!(files.delete(me, gone.id, at(1)).await.unwrap());
    for moving in [file(me, None, "moving"), folder(me, None, "moving too")] {
        let moving = add(&*files, moving).await;
        for parent in [unknown(), theirs.id, gone.id, below.id] {
            let moved = files.relocate(me, moving.id, Some(parent), at(2)).await;
            assert_eq!(refusal(moved), on_parent(ErrorCode::NotFound));
        }
        let moved = files.relocate(me, moving.id, Some(plain.id), at(2)).await;
        assert_eq!(refusal(moved).0, ErrorCode::NotAFolder);
        assert_eq!(files.get(moving.id).await.unwrap(), Some(moving));
    }
    // What does not live cannot be moved either, nor can what never was.
    for id in [gone.id, below.id, unknown()] {
        assert_eq!(files.relocate(me, id, None, at(2)).await.unwrap(), None);
    }
}

async fn a_folder_cannot_be_moved_into_itself(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let chain = chain(&*files, me, None, 4).await;
    for below in &chain {
        let moved = files.relocate(me, chain[0], Some(*below), at(1)).await;
        assert_eq!(refusal(moved), on_parent(ErrorCode::FolderCycle));
    }
    let moved = files.relocate(me, chain[2], Some(chain[3]), at(1)).await;
    assert_eq!(refusal(moved), on_parent(ErrorCode::FolderCycle));
    for (level, id) in chain.iter().enumerate() {
        let stored = files.get(*id).await.unwrap().unwrap();
        assert_eq!((stored.parent, stored.updated_at), (level.checked_sub(1).map(|up| chain[up]), at(0)));
    }
    // The other way round is no cycle.
    let up = files.relocate(me, chain[3], Some(chain[0]), at(1)).await.unwrap().unwrap();
    assert_eq!(up.parent, Some(chain[0]));
}

async fn a_folder_cannot_be_moved_too_deep_with_what_it_holds(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let deep = chain(&*files, me, None, MAX_FOLDER_DEPTH).await;
    let low = add(&*files, folder(me, None, "two levels")).await;
    let lower = add(&*files, folder(me, Some(low.id), "lower")).await;
    add(&*files, file(me, Some(lower.id), "files do not count")).await;
    add(&*files, folder(me, Some(low.id), "lower too")).await;
    let too_deep = files.relocate(me, low.id, Some(deep[MAX_FOLDER_DEPTH - 2]), at(1)).await;
    assert_eq!(refusal(too_deep), on_parent(ErrorCode::BadUserInput));
    assert_eq!(files.get(low.id).await.unwrap().as_ref(), Some(&low));
    let parent = Some(deep[MAX_FOLDER_DEPTH - 3]);
    let moved = files.relocate(me, low.id, parent, at(2)).await.unwrap().unwrap();
    assert_eq!(moved, File { parent, updated_at: at(2), ..low });
    // A file goes into the deepest folder.
    let leaf = add(&*files, file(me, None, "leaf")).await;
    let parent = deep.last().copied();
    assert_eq!(files.relocate(me, leaf.id, parent, at(3)).await.unwrap().unwrap().parent, parent);
}

async fn a_moved_folder_takes_along_what_it_holds(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let there = add(&*files, folder(me, None, "there")).await;
    let moving = add(&*files, folder(me, None, "moving")).await;
    let held = add(&*files, file(me, Some(moving.id), "held")).await;
    files.relocate(me, moving.id, Some(there.id), at(1)).await.unwrap().unwrap();
    let path: Vec<_> = files.ancestors(me, held.id).await.unwrap().iter().map(|folder| folder.id).collect();
    assert_eq!(path, [there.id, moving.id]);
    assert_eq!(files.get(held.id).await.unwrap(), Some(held));
    // And so it goes with its new folder.
    assert!(files.delete(me, there.id, at(2)).await.unwrap());
    assert_eq!(files.get(moving.id).await.unwrap(), None);
}

async fn ancestors_come_from_the_root_down(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let deep = chain(&*files, me, None, MAX_FOLDER_DEPTH).await;
    let leaf = add(&*files, file(me, deep.last().copied(), "leaf")).await;
    let mut path = Vec::new();
    for id in &deep {
        assert_eq!(files.ancestors(me, *id).await.unwrap(), path);
        path.push(files.get(*id).await.unwrap().unwrap());
    }
    assert_eq!(files.ancestors(me, leaf.id).await.unwrap(), path);
}

async fn descendants_are_counted_at_any_depth(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let top = chain(&*files, me, None, 3).await;
    assert_eq!(files.descendant_count(me, top[2]).await.unwrap(), 0);
    let mut held = Vec::new();
    for id in &top {
        for n in 0..3 {
            held.push(add(&*files, file(me, Some(*id), &n.to_string())).await.id);
        }
    }
    let beside = add(&*files, folder(me, None, "beside")).await;
    for (id, expected) in [(top[0], 11), (top[1], 7), (top[2], 3), (beside.id, 0), (held[0], 0)] {
        assert_eq!(files.descendant_count(me, id).await.unwrap(), expected);
    }
    files.delete(me, held[8], at(1)).await.unwrap();
    assert_eq!(files.descendant_count(me, top[0]).await.unwrap(), 10);
    files.delete(me, top[1], at(1)).await.unwrap();
    assert_eq!(files.descendant_count(me, top[0]).await.unwrap(), 3);
    assert_eq!(files.descendant_count(me, top[1]).await.unwrap(), 0);
}
