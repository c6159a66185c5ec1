//! An image's thumbnails: pending, settled, announced, asked for again.

use futures_util::future::join_all;
use strongroom::{
    model::{File, FileId, Image, Thumbnails, UserId},
    store::{Files, Settled},
};

use super::{add, at, failure, file, folder, image, open, owner, ready, settled_as, unknown};
use crate::support::Backend;

crate::on_both_back_ends!(
    a_settlement_is_written_and_nothing_else_changes,
    of_ten_racing_settlements_one_wins,
    a_settled_image_is_not_settled_again,
    what_is_no_image_is_not_settled,
    a_settlement_of_an_old_generation_is_refused,
    a_deleted_image_is_not_settled,
    thumbnails_are_asked_for_again_in_the_next_generation,
    of_ten_racing_retries_one_makes_the_image_pending,
    a_retry_of_what_is_pending_or_no_image_changes_nothing,
    settlements_wait_to_be_announced_oldest_first,
    each_generation_is_announced_by_itself,
    settled_images_are_found_since_an_instant_oldest_first,
    an_image_pending_again_is_not_settled_any_more,
    pending_images_come_by_id_page_after_page,
    an_image_is_pending_since_it_was_asked_for,
);

async fn settle(files: &dyn Files, me: UserId, name: &str, seconds: u64) -> File {
    let row = add(files, image(me, None, name)).await;
    files.settle(row.id, 1, &ready(), at(seconds)).await.unwrap().unwrap()
}

async fn a_settlement_is_written_and_nothing_else_changes(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    for settlement in [ready(), failure()] {
        let row = add(&*files, image(me, None, "a.png")).await;
        let expected = settled_as(&row, &settlement);
        assert_eq!(files.settle(row.id, 1, &settlement, at(9)).await.unwrap().as_ref(), Some(&expected));
        assert_eq!(files.get(row.id).await.unwrap(), Some(expected));
    }
}

async fn of_ten_racing_settlements_one_wins(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let row = add(&*files, image(me, None, "a.png")).await;
    let tries = (0..10).map(|n| {
        let (files, id) = (files.clone(), row.id);
        let settlement = if n % 2 == 0 { ready() } else { failure() };
        tokio::spawn(async move { files.settle(id, 1, &settlement, at(1)).await.unwrap() })
    });
    let winners: Vec<_> = join_all(tries).await.into_iter().filter_map(|answer| answer.unwrap()).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(files.get(row.id).await.unwrap().as_ref(), Some(&winners[0]));
}

async fn a_settled_image_is_not_settled_again(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let settled = settle(&*files, me, "a.png", 1).await;
    for settlement in [ready(), failure()] {
        assert_eq!(files.settle(settled.id, 1, &settlement, at(2)).await.unwrap(), None);
    }
    assert_eq!(files.get(settled.id).await.unwrap(), Some(settled));
}

async fn what_is_no_image_is_not_settled(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    for row in [file(me, None, "a"), folder(me, None, "b")] {
        let row = add(&*files, row).await;
        assert_eq!(files.settle(row.id, 1, &ready(), at(1)).await.unwrap(), None);
        assert_eq!(files.get(row.id).await.unwrap(), Some(row));
    }
    assert_eq!(files.settle(unknown(), 1, &ready(), at(1)).await.unwrap(), None);
}

async fn a_settlement_of_an_old_generation_is_refused(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let settled = settle(&*files, me, "a.png", 1).await;
    let (_, again) = files.retry_thumbnails(me, settled.id, at(2)).await.unwrap().unwrap();
    for generation in [1, 3] {
        assert_eq!(files.settle(settled.id, generation, &failure(), at(3)).await.unwrap(), None);
    }
    assert_eq!(files.get(settled.id).await.unwrap().as_ref(), Some(&again));
    let settlement = ready();
    let now = files.settle(settled.id, 2, &settlement, at(4)).await.unwrap();
    assert_eq!(now, Some(settled_as(&again, &settlement)));
}

async fn a_deleted_image_is_not_settled(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let drawer = add(&*files, folder(me, None, "drawer")).await;
    let beside = add(&*files, image(me, None, "a.png")).await;
    let inside = add(&*files, image(me, Some(drawer.id), "b.png")).await;
    files.delete(me, beside.id, at(1)).await.unwrap();
    files.delete(me, drawer.id, at(1)).await.unwrap();
    for row in [beside, inside] {
        assert_eq!(files.settle(row.id, 1, &ready(), at(2)).await.unwrap(), None);
        assert_eq!(files.get_any(row.id).await.unwrap(), Some(row));
    }
}

async fn thumbnails_are_asked_for_again_in_the_next_generation(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    for settlement in [ready(), failure()] {
        let row = add(&*files, image(me, None, "a.png")).await;
        let settled = files.settle(row.id, 1, &settlement, at(1)).await.unwrap().unwrap();
        let (before, after) = files.retry_thumbnails(me, row.id, at(2)).await.unwrap().unwrap();
        assert_eq!(before, settled);
        let state = after.image.as_ref().unwrap();
        assert_eq!((state.generation, &state.thumbnails), (2, &Thumbnails::Pending));
        // Its owner has changed neither name nor place nor privacy; what is known of its size is not said here.
        assert_eq!(File { image: None, ..after.clone() }, File { image: None, ..settled });
        assert_eq!(files.get(row.id).await.unwrap(), Some(after));
    }
}

async fn of_ten_racing_retries_one_makes_the_image_pending(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let settled = settle(&*files, me, "a.png", 1).await;
    let tries = (0..10).map(|_| {
        let (files, id) = (files.clone(), settled.id);
        tokio::spawn(async move { files.retry_thumbnails(me, id, at(2)).await.unwrap().unwrap() })
    });
    let mut winners = 0;
    for answer in join_all(tries).await {
        let (before, after) = answer.unwrap();
        let state = after.image.as_ref().unwrap();
        assert_eq!((state.generation, &state.thumbnails), (2, &Thumbnails::Pending));
        if before == after {
            continue;
        }
        assert_eq!(before, settled);
        winners += 1;
    }
    assert_eq!(winners, 1);
    assert_eq!(files.get(settled.id).await.unwrap().unwrap().image.unwrap().generation, 2);
}

async fn a_retry_of_what_is_pending_or_no_image_changes_nothing(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    for row in [image(me, None, "a.png"), file(me, None, "b"), folder(me, None, "c")] {
        let row = add(&*files, row).await;
        assert_eq!(files.retry_thumbnails(me, row.id, at(1)).await.unwrap(), Some((row.clone(), row.clone())));
        assert_eq!(files.get(row.id).await.unwrap(), Some(row));
    }
}

fn news(file: &File) -> Settled {
    let generation = file.image.as_ref().unwrap().generation;
    Settled { file: file.id, owner: file.owner, generation }
}

async fn settlements_wait_to_be_announced_oldest_first(backend: Backend) {
    let files = open(backend).await.files;
    add(&*files, image(owner(), None, "pending.png")).await;
    let mut settled = Vec::new();
    for seconds in [3, 1, 2] {
        settled.push((seconds, settle(&*files, owner(), "a.png", seconds).await));
    }
    settled.sort_by_key(|(seconds, _)| *seconds);
    let settled: Vec<_> = settled.iter().map(|(_, file)| news(file)).collect();
    assert_eq!(files.unannounced(at(9), 10).await.unwrap(), settled);
    assert_eq!(files.unannounced(at(9), 2).await.unwrap(), settled[..2]);
    assert_eq!(files.unannounced(at(3), 10).await.unwrap(), settled[..2]);
    assert_eq!(files.unannounced(at(1), 10).await.unwrap(), []);
    files.announced(settled[1].file, 1).await.unwrap();
    files.announced(settled[1].file, 1).await.unwrap();
    assert_eq!(files.unannounced(at(9), 10).await.unwrap(), [settled[0], settled[2]]);
    files.delete(settled[0].owner, settled[0].file, at(4)).await.unwrap();
    assert_eq!(files.unannounced(at(9), 10).await.unwrap(), settled[2..]);
}

async fn each_generation_is_announced_by_itself(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let first = settle(&*files, me, "a.png", 1).await;
    files.announced(first.id, 1).await.unwrap();
    files.retry_thumbnails(me, first.id, at(2)).await.unwrap().unwrap();
    assert_eq!(files.unannounced(at(9), 10).await.unwrap(), []);
    let second = files.settle(first.id, 2, &failure(), at(3)).await.unwrap().unwrap();
    assert_eq!(files.unannounced(at(9), 10).await.unwrap(), [news(&second)]);
    // A late note about the first does not hide the second.
    files.announced(first.id, 1).await.unwrap();
    assert_eq!(files.unannounced(at(9), 10).await.unwrap(), [news(&second)]);
    files.announced(first.id, 2).await.unwrap();
    assert_eq!(files.unannounced(at(9), 10).await.unwrap(), []);
    assert_eq!(files.get(first.id).await.unwrap(), Some(second));
}

async fn settled_images_are_found_since_an_instant_oldest_first(backend: Backend) {
    let files = open(backend).await.files;
    let (me, stranger) = (owner(), owner());
    settle(&*files, stranger, "theirs.png", 2).await;
    add(&*files, image(me, None, "pending.png")).await;
    add(&*files, file(me, None, "file")).await;
    let third = settle(&*files, me, "c.png", 3).await;
    let first = settle(&*files, me, "a.png", 1).await;
    let second = add(&*files, image(me, None, "b.png")).await;
    let second = files.settle(second.id, 1, &failure(), at(2)).await.unwrap().unwrap();
    let since = async |seconds, limit| files.settled_since(me, at(seconds), limit).await.unwrap();
    assert_eq!(since(0, 10).await, [first.clone(), second.clone(), third.clone()]);
    assert_eq!(since(2, 10).await, [second.clone(), third.clone()]);
    assert_eq!(since(0, 2).await, [first.clone(), second.clone()]);
    assert_eq!(since(4, 10).await, []);
    // Whether it has been announced is another matter; whether it lives is not.
    files.announced(first.id, 1).await.unwrap();
    files.delete(me, third.id, at(5)).await.unwrap();
    assert_eq!(since(0, 10).await, [first, second]);
}

async fn an_image_pending_again_is_not_settled_any_more(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let settled = settle(&*files, me, "a.png", 1).await;
    files.retry_thumbnails(me, settled.id, at(2)).await.unwrap().unwrap();
    assert_eq!(files.settled_since(me, at(0), 10).await.unwrap(), []);
    let again = files.settle(settled.id, 2, &ready(), at(3)).await.unwrap().unwrap();
    assert!(again.image.as_ref().is_some_and(Image::is_settled));
    assert_eq!(files.settled_since(me, at(3), 10).await.unwrap(), [again]);
}

async fn pending_images_come_by_id_page_after_page(backend: Backend) {
    let files = open(backend).await.files;
    let mut expected = Vec::new();
    for n in 0..7 {
        let me = owner();
        let drawer = add(&*files, folder(me, None, "drawer")).await;
        add(&*files, file(me, None, "file")).await;
        let row = add(&*files, image(me, (n % 2 == 0).then_some(drawer.id), "a.png")).await;
        expected.push((row.id, 1));
        settle(&*files, me, "settled.png", 1).await;
        let deleted = add(&*files, image(me, None, "deleted.png")).await;
        files.delete(me, deleted.id, at(1)).await.unwrap();
    }
    expected.sort();
    let mut walked: Vec<(FileId, u32)> = Vec::new();
    loop {
        let after = walked.last().map(|(id, _)| *id);
        let page = files.pending(at(1), after, 3).await.unwrap();
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        walked.extend(page);
        assert!(walked.len() <= expected.len());
    }
    assert_eq!(walked, expected);
}

async fn an_image_is_pending_since_it_was_asked_for(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let row = add(&*files, image(me, None, "a.png")).await;
    assert_eq!(files.pending(at(0), None, 10).await.unwrap(), []);
    assert_eq!(files.pending(at(1), None, 10).await.unwrap(), [(row.id, 1)]);
    files.settle(row.id, 1, &failure(), at(10)).await.unwrap().unwrap();
    assert_eq!(files.pending(at(99), None, 10).await.unwrap(), []);
    files.retry_thumbnails(me, row.id, at(20)).await.unwrap().unwrap();
    assert_eq!(files.pending(at(20), None, 10).await.unwrap(), []);
    assert_eq!(files.pending(at(21), None, 10).await.unwrap(), [(row.id, 2)]);
    for (generation, since) in [(1, None), (2, Some(at(20))), (3, None)] {
        assert_eq!(files.pending_since(row.id, generation).await.unwrap(), since);
    }
    files.settle(row.id, 2, &failure(), at(30)).await.unwrap().unwrap();
    assert_eq!(files.pending_since(row.id, 2).await.unwrap(), None);
    assert_eq!(files.pending_since(FileId(uuid::Uuid::nil()), 1).await.unwrap(), None);
}
