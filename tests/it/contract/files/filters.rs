//! Conditions on lists and counts: each alone and all together.

use strongroom::{
    model::{File, FileFilter, FileKind, FileOrder, FileScope, ListQuery, Page, Thumbnails, UserId, fold_name},
    store::Files,
};

use super::{add, at, failure, file, folder, image, open, owner, ready, sorted};
use crate::support::Backend;

crate::on_both_back_ends!(
    every_filter_lets_through_what_it_says,
    a_part_of_a_name_means_itself,
    a_filtered_list_is_walked_page_after_page,
    counts_agree_with_lists,
);

/// Files that differ in everything that can be asked for, in the root and in one folder.
async fn library(files: &dyn Files, me: UserId) -> Vec<File> {
    let drawer = add(files, folder(me, None, "Drawer")).await;
    let mut all = vec![drawer.clone()];
    for n in 0..40_u64 {
        let parent = (n % 3 == 0).then_some(drawer.id);
        let name = format!("{} {n}", ["Straße", "ferien", "FERIEN", "50%_a.b*c"][usize::try_from(n % 4).unwrap()]);
        let mut row = match n % 5 {
            0 => folder(me, parent, &name),
            1 => file(me, parent, &name),
            _ => image(me, parent, &name),
        };
        row.is_public = n % 2 == 0;
        row.created_at = at(n / 4);
        if let Some(content) = &mut row.content {
            content.sha256 = format!("{:064x}", n % 6);
        }
        let row = add(files, row).await;
        all.push(match n % 5 {
            3 => files.settle(row.id, 1, &ready(), at(100)).await.unwrap().unwrap(),
            4 => files.settle(row.id, 1, &failure(), at(100)).await.unwrap().unwrap(),
            _ => row,
        });
        add(files, file(owner(), None, &name)).await;
    }
    all
}

fn filters() -> Vec<FileFilter> {
    let every = FileFilter::default;
    let kinds = |kinds: &[FileKind]| FileFilter { kinds: Some(kinds.to_vec()), ..every() };
    let part = |part: &str| FileFilter { name_contains: Some(fold_name(part)), ..every() };
    let status = |status| FileFilter { thumbnail_status: Some(status), ..every() };
    let public = |is_public| FileFilter { is_public: Some(is_public), ..every() };
    let sha256 = format!("{:064x}", 3);
    vec![
        every(),
        kinds(&[FileKind::Folder]),
        kinds(&[FileKind::File]),
        kinds(&[FileKind::Image]),
        kinds(&[FileKind::Folder, FileKind::Image]),
        public(true),
        public(false),
        part("STRASSE"),
        part("Ferien"),
        part("%_A.B*"),
        part("1"),
        part("nowhere"),
        status("PENDING"),
        status("READY"),
        status("FAILED"),
        FileFilter { sha256: Some(sha256.clone()), ..every() },
        FileFilter { sha256: Some("f".repeat(64)), ..every() },
        FileFilter { created_after: Some(at(3)), ..every() },
        FileFilter { created_before: Some(at(3)), ..every() },
        FileFilter { created_after: Some(at(2)), created_before: Some(at(4)), ..every() },
        FileFilter { created_after: Some(at(3)), created_before: Some(at(3)), ..every() },
        FileFilter {
            kinds: Some(vec![FileKind::Image, FileKind::File]),
            is_public: Some(true),
            name_contains: Some(fold_name("FERIEN")),
            thumbnail_status: Some("READY"),
            sha256: None,
            created_after: Some(at(0)),
            created_before: Some(at(9)),
        },
        FileFilter { is_public: Some(false), sha256: Some(sha256), created_after: Some(at(1)), ..every() },
    ]
}

/// What a filter means.
fn lets_through(filter: &FileFilter, file: &File) -> bool {
    let status = file.image.as_ref().map(|image| match image.thumbnails {
        Thumbnails::Pending => "PENDING",
        Thumbnails::Ready { .. } => "READY",
        Thumbnails::Failed { .. } => "FAILED",
    });
    let sha256 = file.content.as_ref().map(|content| &content.sha256);
    filter.kinds.as_ref().is_none_or(|kinds| kinds.contains(&file.kind))
        && filter.is_public.is_none_or(|is_public| file.is_public == is_public)
        && filter.name_contains.as_ref().is_none_or(|part| fold_name(&file.name).contains(part.as_str()))
        && filter.thumbnail_status.is_none_or(|wanted| status == Some(wanted))
        && filter.sha256.as_ref().is_none_or(|wanted| sha256 == Some(wanted))
        && filter.created_after.is_none_or(|after| file.created_at > after)
        && filter.created_before.is_none_or(|before| file.created_at < before)
}

fn scopes(me: UserId, all: &[File]) -> [FileScope; 3] {
    [
        FileScope::Children { owner: me, parent: None },
        FileScope::Children { owner: me, parent: Some(all[0].id) },
        FileScope::Owned { owner: me },
    ]
}

fn is_in(file: &File, scope: FileScope) -> bool {
    match scope {
        FileScope::Children { parent, .. } => file.parent == parent,
        FileScope::Owned { .. } => true,
    }
}

fn query(scope: FileScope, filter: &FileFilter) -> ListQuery {
    let page = Page { after: None, before: None, limit: 1000, from_end: false };
    ListQuery { scope, filter: filter.clone(), order: FileOrder::default(), page }
}

async fn every_filter_lets_through_what_it_says(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let all = library(&*files, me).await;
    let nothing = FileFilter { kinds: Some(vec![]), ..FileFilter::default() };
    for scope in scopes(me, &all) {
        for filter in filters() {
            let expected = all.iter().filter(|file| is_in(file, scope) && lets_through(&filter, file));
            let listed = files.list(&query(scope, &filter)).await.unwrap();
            assert_eq!(
                sorted(listed.iter().map(|file| file.id)),
                sorted(expected.map(|file| file.id)),
                "{scope:?} {filter:?}"
            );
        }
        assert_eq!(files.list(&query(scope, &nothing)).await.unwrap(), []);
    }
}

async fn a_part_of_a_name_means_itself(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let names = ["100%", "a_b", "a*b", "a.b", "a\"b", "a'b", "a$b", "(a[b", "^a", "aXb", "ⅷ"];
    for name in names {
        add(&*files, file(me, None, name)).await;
    }
    for name in names {
        let filter = FileFilter { name_contains: Some(fold_name(name)), ..FileFilter::default() };
        let found = files.list(&query(FileScope::Owned { owner: me }, &filter)).await.unwrap();
        assert_eq!(found.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), [name]);
    }
}

async fn a_filtered_list_is_walked_page_after_page(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let all = library(&*files, me).await;
    let order = FileOrder::default();
    for filter in filters() {
        let whole = files.list(&query(FileScope::Owned { owner: me }, &filter)).await.unwrap();
        let mut walked: Vec<File> = Vec::new();
        loop {
            let after = walked.last().map(|last| strongroom::model::Position::of(last, order.field));
            let page = Page { after, before: None, limit: 3, from_end: false };
            let query = ListQuery { page, ..query(FileScope::Owned { owner: me }, &filter) };
            let next = files.list(&query).await.unwrap();
            assert!(next.len() <= 3);
            if next.is_empty() {
                break;
            }
            walked.extend(next);
            assert!(walked.len() <= all.len(), "{filter:?} does not end");
        }
        assert_eq!(walked, whole, "{filter:?}");
    }
}

async fn counts_agree_with_lists(backend: Backend) {
    let files = open(backend).await.files;
    let me = owner();
    let all = library(&*files, me).await;
    let nothing = FileFilter { kinds: Some(vec![]), ..FileFilter::default() };
    for scope in scopes(me, &all) {
        for filter in filters() {
            let expected = all.iter().filter(|file| is_in(file, scope) && lets_through(&filter, file)).count();
            let counted = files.count(scope, &filter).await.unwrap();
            assert_eq!(counted, Some(expected as u64), "{scope:?} {filter:?}");
        }
        assert_eq!(files.count(scope, &nothing).await.unwrap(), Some(0));
    }
    let stranger = FileScope::Children { owner: owner(), parent: Some(all[0].id) };
    assert_eq!(files.count(stranger, &FileFilter::default()).await.unwrap(), Some(0));
}
