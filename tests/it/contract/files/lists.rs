//! Pages of files: every order, from either end, within every bound.

use strongroom::{
    model::{
        Direction, File, FileFilter, FileId, FileOrder, FileOrderField, FileScope, ListQuery, Page, Position, UserId,
        fold_name,
    },
    store::{Change, Files},
};

use super::{add, at, file, folder, ids, image, open, owner, sorted};
use crate::support::Backend;

crate::on_both_back_ends!(
    every_order_walks_forwards_without_gap_or_repeat,
    every_order_walks_backwards_without_gap_or_repeat,
    bounds_are_exclusive_from_either_end,
    a_place_stays_when_its_file_is_gone,
    names_are_ordered_without_regard_to_case,
    a_file_stands_where_its_new_name_puts_it,
    a_folder_lists_what_is_directly_in_it,
);

const ORDERS: [FileOrder; 6] = [
    FileOrder { field: FileOrderField::CreatedAt, direction: Direction::Asc },
    FileOrder { field: FileOrderField::CreatedAt, direction: Direction::Desc },
    FileOrder { field: FileOrderField::Name, direction: Direction::Asc },
    FileOrder { field: FileOrderField::Name, direction: Direction::Desc },
    FileOrder { field: FileOrderField::Size, direction: Direction::Asc },
    FileOrder { field: FileOrderField::Size, direction: Direction::Desc },
];

/// Files with many ties in every order, a few of them in a folder, beside a stranger's; answers the folder, and
/// everything of the owner's.
async fn library(files: &dyn Files, me: UserId) -> (FileId, Vec<File>) {
    let stranger = owner();
    let drawer = add(files, folder(me, None, "a drawer")).await;
    let mut all = vec![drawer.clone()];
    for n in 0..24_u64 {
        let parent = (n % 2 == 0).then_some(drawer.id);
        let name = ["Zoë", "a", "B", "straße", "STRASSE", "10", "9"][usize::try_from(n % 7).unwrap()];
        let mut row = match n % 5 {
            0 => folder(me, parent, name),
            1 => image(me, parent, name),
            _ => file(me, parent, name),
        };
        row.created_at = at(n % 4);
        if let Some(content) = &mut row.content {
            content.size = (n % 3) * 5_000_000_000;
        }
        all.push(add(files, row).await);
        add(files, file(stranger, None, name)).await;
    }
    (drawer.id, all)
}

fn scopes(me: UserId, drawer: FileId) -> [FileScope; 3] {
    [
        FileScope::Children { owner: me, parent: None },
        FileScope::Children { owner: me, parent: Some(drawer) },
        FileScope::Owned { owner: me },
    ]
}

/// What a whole list should be.
fn expected(all: &[File], scope: FileScope, order: FileOrder) -> Vec<File> {
    let mut list: Vec<File> = all
        .iter()
        .filter(|file| match scope {
            FileScope::Children { parent, .. } => file.parent == parent,
            FileScope::Owned { .. } => true,
        })
        .cloned()
        .collect();
    list.sort_by_key(|file| {
        let Position { key, id } = Position::of(file, order.field);
        (key, id)
    });
    if order.direction == Direction::Desc {
        list.reverse();
    }
    list
}

async fn page(files: &dyn Files, scope: FileScope, order: FileOrder, page: Page) -> Vec<File> {
    files.list(&ListQuery { scope, filter: FileFilter::default(), order, page }).await.unwrap()
}

async fn every_order_walks_forwards_without_gap_or_repeat(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let (drawer, all) = library(&*files, me).await;
    for scope in scopes(me, drawer) {
        for order in ORDERS {
            let expected = expected(&all, scope, order);
            for limit in [1, 5, 100] {
                let mut walked: Vec<File> = Vec::new();
                loop {
                    let after = walked.last().map(|last| Position::of(last, order.field));
                    let next = page(&*files, scope, order, Page { after, before: None, limit, from_end: false }).await;
                    if next.is_empty() {
                        break;
                    }
                    let rest = &expected[walked.len()..];
                    assert_eq!(next, rest[..limit.min(rest.len())], "{scope:?} {order:?} by {limit}");
                    walked.extend(next);
                }
                assert_eq!(walked.len(), expected.len(), "{scope:?} {order:?} by {limit}");
            }
        }
    }
}

async fn every_order_walks_backwards_without_gap_or_repeat(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let (drawer, all) = library(&*files, me).await;
    for scope in scopes(me, drawer) {
        for order in ORDERS {
            let mut rest = expected(&all, scope, order);
            let mut before = None;
            loop {
                let next = page(&*files, scope, order, Page { after: None, before, limit: 5, from_end: true }).await;
                let Some(first) = next.first() else { break };
                before = Some(Position::of(first, order.field));
                let tail = rest.split_off(rest.len().saturating_sub(5));
                assert_eq!(next, tail, "{scope:?} {order:?}");
            }
            assert_eq!(rest, [], "{scope:?} {order:?}");
        }
    }
}

async fn bounds_are_exclusive_from_either_end(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let (drawer, all) = library(&*files, me).await;
    for scope in scopes(me, drawer) {
        for order in ORDERS {
            let list = expected(&all, scope, order);
            let bound = |n: usize| Some(Position::of(&list[n], order.field));
            for (from, to) in [(0, list.len() - 1), (2, 9), (4, 5), (5, 5), (7, 3)] {
                let between = list.get(from + 1..to).unwrap_or_default();
                for from_end in [false, true] {
                    let bounds = Page { after: bound(from), before: bound(to), limit: 100, from_end };
                    let whole = page(&*files, scope, order, bounds.clone()).await;
                    assert_eq!(whole, between, "{order:?} {from} {to}");
                    let part = page(&*files, scope, order, Page { limit: 3, ..bounds }).await;
                    let few = between.len().min(3);
                    let end = if from_end { &between[between.len() - few..] } else { &between[..few] };
                    assert_eq!(part, end, "{order:?} {from} {to}");
                }
            }
            let tail = Page { after: bound(3), before: None, limit: 2, from_end: true };
            assert_eq!(page(&*files, scope, order, tail).await, list[list.len() - 2..], "{order:?}");
            let head = Page { after: None, before: bound(6), limit: 2, from_end: false };
            assert_eq!(page(&*files, scope, order, head).await, list[..2], "{order:?}");
        }
    }
}

async fn a_place_stays_when_its_file_is_gone(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let (_, all) = library(&*files, me).await;
    let scope = FileScope::Owned { owner: me };
    for order in ORDERS {
        // A place that no file has: just after the one it is taken from, or just before.
        let list = expected(&all, scope, order);
        let gone = file(me, None, "m");
        let mut with_gone = list.clone();
        with_gone.push(gone.clone());
        let place_in_list = expected(&with_gone, scope, order).iter().position(|file| file.id == gone.id).unwrap();
        let place = Some(Position::of(&gone, order.field));
        let after = Page { after: place.clone(), before: None, limit: 100, from_end: false };
        assert_eq!(page(&*files, scope, order, after).await, list[place_in_list..], "{order:?}");
        let before = Page { after: None, before: place, limit: 100, from_end: true };
        assert_eq!(page(&*files, scope, order, before).await, list[..place_in_list], "{order:?}");
    }
}

async fn names(files: &dyn Files, me: UserId) -> Vec<String> {
    let order = FileOrder { field: FileOrderField::Name, direction: Direction::Asc };
    let whole = Page { after: None, before: None, limit: 100, from_end: false };
    page(files, FileScope::Owned { owner: me }, order, whole).await.into_iter().map(|file| file.name).collect()
}

async fn names_are_ordered_without_regard_to_case(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let mixed = ["b", "ＡＡ", "A", "ab", "Zoo", "zOO 2", "élan", "\u{1f600}", "Éclair", "ﬁle", "FILM", "\u{fffd}"];
    for name in mixed {
        add(&*files, file(me, None, name)).await;
    }
    let mut expected = mixed.map(str::to_owned).to_vec();
    expected.sort_by_key(|name| fold_name(name));
    assert_eq!(names(&*files, me).await, expected);
    assert_eq!(expected[..4], ["A", "ＡＡ", "ab", "b"]);
}

async fn a_file_stands_where_its_new_name_puts_it(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    add(&*files, file(me, None, "b")).await;
    let moving = add(&*files, file(me, None, "A")).await;
    assert_eq!(names(&*files, me).await, ["A", "b"]);
    files.change(me, moving.id, &Change::Name("C".to_owned()), at(1)).await.unwrap().unwrap();
    assert_eq!(names(&*files, me).await, ["b", "C"]);
}

async fn a_folder_lists_what_is_directly_in_it(backend: Backend) {
    let files = open(backend).await.files;
    let (me, stranger) = (owner(), owner());
    let outer = add(&*files, folder(me, None, "outer")).await;
    let inner = add(&*files, folder(me, Some(outer.id), "inner")).await;
    let deep = add(&*files, file(me, Some(inner.id), "deep")).await;
    let theirs = add(&*files, file(stranger, None, "theirs")).await;
    let within = async |owner, parent| ids(&*files, FileScope::Children { owner, parent }).await;
    assert_eq!(within(me, None).await, [outer.id]);
    assert_eq!(within(me, Some(outer.id)).await, [inner.id]);
    assert_eq!(within(me, Some(inner.id)).await, [deep.id]);
    assert_eq!(within(me, Some(deep.id)).await, []);
    assert_eq!(within(stranger, None).await, [theirs.id]);
    assert_eq!(within(stranger, Some(outer.id)).await, []);
    let owned = ids(&*files, FileScope::Owned { owner: me }).await;
    assert_eq!(sorted(owned), sorted([outer.id, inner.id, deep.id]));
}
