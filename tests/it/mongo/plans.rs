//! Every query has its index, and reads no more of it than it has to.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use mongodb::{
    Client, Collection, Database,
    bson::{Document, doc},
};
use strongroom::{
    error::ErrorCode,
    model::{
        BlobKey, Clock, Direction, File, FileFilter, FileId, FileKind, FileOrder, FileOrderField, FileScope, ListQuery,
        Page, Position, ProcessId, Settlement, Thumbnails, Timestamp, Usage, UserId, fold_name,
    },
    store::{
        Change, Files, Reservation, Reservations as _, Users as _,
        mongo::{Mongo, MongoFiles, MongoReservations, MongoUsers},
    },
};
use uuid::Uuid;

use super::{add, drain, file, key, new_database, user, uuid};
use crate::support::servers::start_mongodb;

fn failed() -> Settlement {
    Settlement { width: None, height: None, thumbnails: Thumbnails::Failed { reason: "It is damaged.".to_owned() } }
}

/// Every list there is of these scopes, in pages of three, with and without cursors from both ends.
fn lists(scopes: &[FileScope], rows: &[File]) -> Vec<ListQuery> {
    let mut queries = Vec::new();
    for &scope in scopes {
        for field in [FileOrderField::CreatedAt, FileOrderField::Name, FileOrderField::Size] {
            for direction in [Direction::Asc, Direction::Desc] {
                let order = FileOrder { field, direction };
                let sorted = expected(rows, scope, order);
                let positions = |at: usize| Some(Position::of(&sorted[at], field));
                let last = sorted.len() - 2;
                for (after, before) in [
                    (None, None),
                    (positions(last / 2), None),
                    (None, positions(last / 2)),
                    (positions(last - 3), None),
                    (positions(1), positions(last)),
                    (positions(last), positions(1)),
                ] {
                    for from_end in [false, true] {
                        let page = Page { after: after.clone(), before: before.clone(), limit: 3, from_end };
                        queries.push(ListQuery { scope, filter: FileFilter::default(), order, page });
                    }
                }
            }
        }
    }
    queries
}

/// What a list without a page holds.
fn expected(rows: &[File], scope: FileScope, order: FileOrder) -> Vec<File> {
    let belongs = |file: &&File| match scope {
        FileScope::Children { owner, parent } => file.owner == owner && file.parent == parent,
        FileScope::Owned { owner } => file.owner == owner,
    };
    let mut rows: Vec<File> = rows.iter().filter(belongs).cloned().collect();
    let place = |file: &File| {
        let Position { key, id } = Position::of(file, order.field);
        (key, id)
    };
    rows.sort_by_key(place);
    if order.direction == Direction::Desc {
        rows.reverse();
    }
    rows
}

fn expected_page(rows: &[File], query: &ListQuery) -> Vec<FileId> {
    let rows: Vec<FileId> = expected(rows, query.scope, query.order).iter().map(|file| file.id).collect();
    let at = |position: &Position| rows.iter().position(|id| *id == position.id).unwrap();
    let begin = query.page.after.as_ref().map_or(0, |after| at(after) + 1);
    let end = query.page.before.as_ref().map_or(rows.len(), at);
    let part = if begin < end { &rows[begin..end] } else { &[] };
    let take = part.len().min(query.page.limit);
    if query.page.from_end { part[part.len() - take..].to_vec() } else { part[..take].to_vec() }
}

/// Two owners' rows, in the root and in one folder, with many ties.
fn population(owner: UserId) -> Vec<File> {
    let mut rows = vec![file(owner, None, FileKind::Folder, "the folder", 0, 0)];
    let folder = rows[0].id;
    for (owner, parent) in [(owner, None), (owner, Some(folder)), (UserId(uuid()), None)] {
        for n in 0..24_u32 {
            let kind = [FileKind::File, FileKind::Image, FileKind::Folder][n as usize % 3];
            let name = format!("Name {}", n % 7);
            rows.push(file(owner, parent, kind, &name, i64::from(n % 5) * 1000, u64::from(n % 4) * 100));
        }
    }
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_goes_by_an_index_and_no_list_is_sorted_in_memory() {
    let (_server, url) = start_mongodb();
    let name = new_database();
    let mongo = Mongo::connect(&url, &name).await.unwrap();
    let client = Client::with_uri_str(&url).await.unwrap();
    let database = client.database(&name);
    let files = MongoFiles::new(mongo.clone()).with_grace(Duration::ZERO);
    let owner = UserId(uuid());
    let rows = population(owner);
    for row in &rows {
        files.insert(row).await.unwrap();
    }

    // From here on, a query without an index is an error wherever it hides, and every plan is written down.
    client.database("admin").run_command(doc! { "setParameter": 1, "notablescan": true }).await.unwrap();
    let unindexed: Collection<Document> = database.collection("files");
    assert!(unindexed.find_one(doc! { "name": "x" }).await.is_err(), "the guard does not work");
    let profile = doc! { "create": "system.profile", "capped": true, "size": 64 << 20 };
    database.run_command(profile).await.unwrap();
    database.run_command(doc! { "profile": 2 }).await.unwrap();

    let folder = rows[0].id;
    let scopes = [
        FileScope::Children { owner, parent: None },
        FileScope::Children { owner, parent: Some(folder) },
        FileScope::Owned { owner },
    ];
    let queries = lists(&scopes, &rows);
    for query in &queries {
        let found: Vec<FileId> = files.list(query).await.unwrap().iter().map(|file| file.id).collect();
        assert_eq!(found, expected_page(&rows, query), "{query:?}");
    }
    every_other_file_query(&files, owner, &rows, &scopes).await;
    every_query_of_users(&MongoUsers::new(mongo.clone())).await;
    every_query_of_reservations(&MongoReservations::new(mongo), &database).await;
    database.run_command(doc! { "profile": 0 }).await.unwrap();

    let plans: Vec<Document> =
        database.collection("system.profile").find(doc! {}).await.unwrap().try_collect().await.unwrap();
    let mut list_plans = 0;
    for plan in &plans {
        let summary = plan.get_str("planSummary").unwrap_or_default();
        assert!(!summary.contains("COLLSCAN"), "{plan}");
        let command = plan.get_document("command").unwrap();
        let filter = command.get_document("filter").cloned().unwrap_or_default();
        let is_sorted = plan.get_bool("hasSortStage").unwrap_or(false);
        assert!(!is_sorted || filter.contains_key("content.sha256"), "{plan}");
        // Lists of files: pages of three. One more key is read to see that there is no more; the bound is another.
        if matches!((command.get_str("find"), command.get_i64("limit")), (Ok("files"), Ok(3)))
            && !filter.contains_key("kind")
        {
            list_plans += 1;
            assert!(summary.starts_with("IXSCAN { owner: 1"), "{plan}");
            assert!(plan.get_i32("keysExamined").unwrap() <= 5, "{plan}");
        }
    }
    assert!(list_plans >= queries.len() * 5 / 6, "{list_plans} of {} plans were written down", queries.len());
}

async fn every_other_file_query(files: &MongoFiles, owner: UserId, rows: &[File], scopes: &[FileScope]) {
    let now = Timestamp(9000);
    let order = FileOrder::default();
    let filters = [
        FileFilter { kinds: Some(vec![FileKind::Image, FileKind::File]), ..FileFilter::default() },
        FileFilter { is_public: Some(false), kinds: Some(vec![FileKind::Folder]), ..FileFilter::default() },
        FileFilter { name_contains: Some(fold_name("ME 3")), ..FileFilter::default() },
        FileFilter { name_contains: Some("$.*\0".to_owned()), ..FileFilter::default() },
        FileFilter { thumbnail_status: Some("PENDING"), ..FileFilter::default() },
        FileFilter { sha256: Some(format!("{:064x}", 1)), ..FileFilter::default() },
        FileFilter {
            created_after: Some(Timestamp(0)),
            created_before: Some(Timestamp(3000)),
            ..FileFilter::default()
        },
    ];
    for filter in &filters {
        for &scope in scopes {
            let after = Some(Position::of(&expected(rows, scope, order)[4], order.field));
            for after in [None, after] {
                let page = Page { after, before: None, limit: 50, from_end: false };
                files.list(&ListQuery { scope, filter: filter.clone(), order, page }).await.unwrap();
            }
            files.count(scope, filter).await.unwrap().unwrap();
        }
    }
    let named = |part: &str| FileFilter { name_contains: Some(part.to_owned()), ..FileFilter::default() };
    let named_3 = rows.iter().filter(|file| file.owner == owner && file.name == "Name 3").count() as u64;
    assert_eq!(files.count(FileScope::Owned { owner }, &named("me 3")).await.unwrap(), Some(named_3));
    assert_eq!(files.count(FileScope::Owned { owner }, &named("$.*\0")).await.unwrap(), Some(0));

    let folder = rows[0].id;
    let bytes = rows.iter().filter(|file| file.owner == owner).map(File::size).sum();
    assert_eq!(files.usage(owner).await.unwrap(), Usage { file_count: 32, bytes });
    assert_eq!(files.descendant_count(owner, folder).await.unwrap(), 24);

    let image = add(files, owner, Some(folder), FileKind::Image, "an image").await;
    assert_eq!(files.ancestors(owner, image).await.unwrap().len(), 1);
    assert!(!files.pending(now, None, 5).await.unwrap().is_empty());
    assert!(!files.pending(now, Some(FileId(Uuid::nil())), 5).await.unwrap().is_empty());
    assert!(files.settle(image, 1, &failed(), now).await.unwrap().is_some());
    assert_eq!(files.unannounced(Timestamp(9001), 5).await.unwrap().len(), 1);
    assert_eq!(files.settled_since(owner, now, 5).await.unwrap().len(), 1);
    files.announced(image, 1).await.unwrap();
    assert!(files.unannounced(Timestamp(9001), 5).await.unwrap().is_empty());
    assert!(files.retry_thumbnails(owner, image, now).await.unwrap().is_some());
    assert!(files.change(owner, image, &Change::Public(true), now).await.unwrap().unwrap().is_public);
    assert!(files.change(owner, image, &Change::Name("new".to_owned()), now).await.unwrap().is_some());

    let outer = add(files, owner, None, FileKind::Folder, "outer").await;
    assert!(files.relocate(owner, image, Some(outer), now).await.unwrap().is_some());
    assert!(files.relocate(owner, folder, Some(outer), now).await.unwrap().is_some());
    assert!(files.delete(owner, outer, now).await.unwrap());
    let left = rows.iter().filter(|file| file.owner == owner && file.parent.is_none()).count() as u64 - 1;
    let everything = FileFilter::default();
    assert_eq!(files.count(FileScope::Owned { owner }, &everything).await.unwrap(), Some(left));
    assert!(files.settled_since(owner, now, 5).await.unwrap().is_empty());
    drain(files).await;
    assert_eq!(files.get_any(folder).await.unwrap(), None);
    assert_eq!(files.count(FileScope::Owned { owner }, &everything).await.unwrap(), Some(left));
}

async fn every_query_of_users(users: &MongoUsers) {
    let ada = user("ada@example.org");
    users.insert(&ada).await.unwrap();
    assert_eq!(users.insert(&user("ADA@example.org")).await.unwrap_err().code(), ErrorCode::EmailTaken);
    assert_eq!(users.get(ada.id).await.unwrap().unwrap().email, ada.email);
    assert!(users.by_email(ada.email.key()).await.unwrap().is_some());
    assert!(users.replace_password_hash(ada.id, "$argon2id$a", "$argon2id$b").await.unwrap());
    assert!(!users.replace_password_hash(ada.id, "$argon2id$a", "$argon2id$c").await.unwrap());
    assert_eq!(users.list(None, 5).await.unwrap().len(), 1);
    assert!(users.list(Some(ada.email.key()), 5).await.unwrap().is_empty());
}

async fn every_query_of_reservations(reservations: &MongoReservations, database: &Database) {
    let (me, other) = (ProcessId(uuid()), ProcessId(uuid()));
    let (at_all, long) = (Duration::ZERO, Duration::from_secs(3600));
    let note = Reservation { blob: BlobKey(uuid()), file: FileId(uuid()), multipart: None };
    reservations.beat(me).await.unwrap();
    reservations.beat(other).await.unwrap();
    reservations.reserve(other, std::slice::from_ref(&note)).await.unwrap();
    reservations.note_multipart(note.blob, "$upload").await.unwrap();
    // Noted again by somebody who does not know of the upload.
    reservations.reserve(other, std::slice::from_ref(&note)).await.unwrap();
    let noted = Reservation { multipart: Some("$upload".to_owned()), ..note.clone() };
    assert_eq!(reservations.abandoned(me, at_all, 5).await.unwrap(), [noted]);
    assert!(reservations.abandoned(me, long, 5).await.unwrap().is_empty());
    assert!(reservations.abandoned(other, at_all, 5).await.unwrap().is_empty());
    reservations.release(&[note.blob]).await.unwrap();
    // Who was last heard of two days ago is forgotten.
    let processes = database.collection::<Document>("processes");
    let of_old = doc! { "$set": { "beat": Clock::system().now().minus(48 * long).0 } };
    assert_eq!(processes.update_one(doc! { "_id": key(FileId(other.0)) }, of_old).await.unwrap().modified_count, 1);
    reservations.beat(me).await.unwrap();
    assert_eq!(processes.count_documents(doc! { "_id": key(FileId(other.0)) }).await.unwrap(), 0);
}
