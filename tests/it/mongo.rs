//! What is particular to MongoDB: that every query has its index, that a server that is down or silent is given up on
//! in time, and that whoever dies between two writes leaves nothing that others do not put right.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use futures_util::TryStreamExt as _;
use mongodb::{
    Client, Collection, Database,
    bson::{Document, Uuid as Key, doc, oid::ObjectId},
};
use secrecy::SecretString;
use strongroom::{
    error::{Error, ErrorCode},
    model::{
        BlobKey, Content, Direction, Email, File, FileFilter, FileId, FileKind, FileOrder, FileOrderField, FileScope,
        Image, ListQuery, Page, Position, ProcessId, Random, Settlement, Thumbnails, Timestamp, Usage, User, UserId,
        fold_name,
    },
    store::{
        Change, Files, Ping as _, Reservation, Reservations as _, Users,
        mongo::{Mongo, MongoFiles, MongoReservations, MongoUsers},
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use uuid::Uuid;

use crate::support::servers::{free_port, mongodb_url, start_mongodb};

/// A request that needs a dead MongoDB ends within this time.
const DEADLINE: Duration = Duration::from_secs(6);

fn uuid() -> Uuid {
    Random::system().uuid()
}

fn key(id: FileId) -> Key {
    Key::from_bytes(id.0.into_bytes())
}

fn new_database() -> String {
    format!("strongroom_{}", uuid().simple())
}

/// The adapter without grace over a database of its own, and that database as the driver sees it.
async fn files() -> (MongoFiles, Database) {
    let (url, name) = (mongodb_url(), new_database());
    let mongo = Mongo::connect(&url, &name).await.unwrap();
    let database = Client::with_uri_str(&url).await.unwrap().database(&name);
    (MongoFiles::new(mongo).with_grace(Duration::ZERO), database)
}

fn file(owner: UserId, parent: Option<FileId>, kind: FileKind, name: &str, at: i64, size: u64) -> File {
    File {
        id: FileId(uuid()),
        owner,
        parent,
        name: name.to_owned(),
        kind,
        is_public: false,
        privacy_version: 1,
        created_at: Timestamp(at),
        updated_at: Timestamp(at),
        content: (kind != FileKind::Folder).then(|| Content {
            blob: BlobKey(uuid()),
            size,
            media_type: "image/png".to_owned(),
            sha256: format!("{:064x}", size % 3),
        }),
        image: (kind == FileKind::Image).then(Image::pending),
    }
}

async fn add(files: &MongoFiles, owner: UserId, parent: Option<FileId>, kind: FileKind, name: &str) -> FileId {
    let file = file(owner, parent, kind, name, 1000, 10);
    files.insert(&file).await.unwrap();
    file.id
}

fn failed() -> Settlement {
    Settlement { width: None, height: None, thumbnails: Thumbnails::Failed { reason: "It is damaged.".to_owned() } }
}

fn user(address: &str) -> User {
    User {
        id: UserId(uuid()),
        email: Email::parse(address).unwrap(),
        password_hash: SecretString::from("$argon2id$a"),
        created_at: Timestamp(1000),
    }
}

/// Calls `tombstones` and `purge` in turn until nothing is left.
async fn drain(files: &MongoFiles) {
    for _ in 0..1000 {
        let ids: Vec<_> = files.tombstones(100).await.unwrap().into_iter().map(|tombstone| tombstone.id).collect();
        if ids.is_empty() {
            return;
        }
        files.purge(&ids).await.unwrap();
    }
    panic!("tombstones never end");
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
    every_query_of_reservations(&MongoReservations::new(mongo)).await;
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

async fn every_query_of_reservations(reservations: &MongoReservations) {
    let (me, other, now) = (ProcessId(uuid()), ProcessId(uuid()), Timestamp(1000));
    let note = Reservation { blob: BlobKey(uuid()), file: FileId(uuid()), multipart: None };
    reservations.beat(me, now).await.unwrap();
    reservations.beat(other, now).await.unwrap();
    reservations.reserve(other, std::slice::from_ref(&note)).await.unwrap();
    reservations.note_multipart(note.blob, "$upload").await.unwrap();
    // Noted again by somebody who does not know of the upload.
    reservations.reserve(other, std::slice::from_ref(&note)).await.unwrap();
    let noted = Reservation { multipart: Some("$upload".to_owned()), ..note.clone() };
    assert_eq!(reservations.abandoned(me, Timestamp(1001), 5).await.unwrap(), [noted]);
    assert!(reservations.abandoned(me, now, 5).await.unwrap().is_empty());
    assert!(reservations.abandoned(other, Timestamp(1001), 5).await.unwrap().is_empty());
    reservations.release(&[note.blob]).await.unwrap();
    // A day later everybody is forgotten but who has just said that they live.
    reservations.beat(me, Timestamp(200_000_000)).await.unwrap();
    assert!(reservations.abandoned(me, Timestamp(300_000_000), 5).await.unwrap().is_empty());
}

#[tokio::test]
async fn notes_of_a_process_that_never_said_it_lives_count_by_their_own_time() {
    let mongo = Mongo::connect(&mongodb_url(), &new_database()).await.unwrap();
    let reservations = MongoReservations::new(mongo);
    let note = Reservation { blob: BlobKey(uuid()), file: FileId(uuid()), multipart: None };
    reservations.reserve(ProcessId(uuid()), std::slice::from_ref(&note)).await.unwrap();
    let now = strongroom::model::Clock::system().now();
    let (hour, me) = (Duration::from_secs(3600), ProcessId(uuid()));
    assert!(reservations.abandoned(me, now.minus(hour), 5).await.unwrap().is_empty());
    assert_eq!(reservations.abandoned(me, now.plus(hour), 5).await.unwrap(), [note]);
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

    rows.update_one(doc! { "_id": key(folder) }, mark(100_000)).await.unwrap();
    let moved = files.relocate(owner, folder, Some(target), Timestamp(100_000)).await;
    assert_eq!(moved.unwrap_err().code(), ErrorCode::ServiceUnavailable);
    let moved = files.relocate(owner, folder, Some(target), Timestamp(131_000)).await.unwrap();
    assert_eq!(moved.unwrap().parent, Some(target));

    // A mark above the target that leads back: in the way while it is fresh, cleared when it is stale.
    let inner = add(&files, owner, None, FileKind::Folder, "inner").await;
    let to_inner = doc! { "$set": { "moving": { "to": key(inner), "token": ObjectId::new(), "at": 200_000_i64 } } };
    rows.update_one(doc! { "_id": key(target) }, to_inner).await.unwrap();
    let moved = files.relocate(owner, inner, Some(folder), Timestamp(200_000)).await;
    assert_eq!(moved.unwrap_err().code(), ErrorCode::FolderCycle);
    let moved = files.relocate(owner, inner, Some(folder), Timestamp(231_000)).await.unwrap();
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

#[tokio::test]
async fn a_url_that_makes_no_sense_is_an_error_that_names_mongodb() {
    let error = Mongo::connect("http://localhost", "x").await.unwrap_err();
    assert!(error.to_string().contains("MongoDB"), "{error}");
}

#[tokio::test]
async fn a_wrong_address_fails_soon_and_names_mongodb() {
    let begin = Instant::now();
    let error = Mongo::connect(&format!("mongodb://127.0.0.1:{}", free_port()), "x").await.unwrap_err();
    assert!(begin.elapsed() < DEADLINE, "{:?}", begin.elapsed());
    assert_eq!(error.code(), ErrorCode::ServiceUnavailable);
    assert!(error.to_string().contains("MongoDB"), "{error}");
}

#[tokio::test]
async fn a_server_that_accepts_and_never_answers_is_given_up_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            held.push(socket);
        }
    });
    let begin = Instant::now();
    let error = Mongo::connect(&format!("mongodb://{address}"), "x").await.unwrap_err();
    assert!(begin.elapsed() < DEADLINE, "{:?}", begin.elapsed());
    assert_eq!(error.code(), ErrorCode::ServiceUnavailable);
}

/// Stands between client and server. While `silent`, it accepts and passes nothing on.
async fn gateway(server: String, silent: watch::Receiver<bool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (server, silent) = (server.clone(), silent.clone());
            tokio::spawn(async move {
                let (from_server, to_server) = TcpStream::connect(server).await.unwrap().into_split();
                let (from_client, to_client) = client.into_split();
                tokio::join!(pass_on(from_client, to_server, silent.clone()), pass_on(from_server, to_client, silent))
            });
        }
    });
    format!("mongodb://{address}")
}

async fn pass_on(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut silent: watch::Receiver<bool>) {
    let mut buffer = [0; 8192];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if silent.wait_for(|silent| !silent).await.is_err() || to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_to_a_server_that_falls_silent_end_in_time_and_service_comes_back() {
    let (silence, silent) = watch::channel(false);
    let server = mongodb_url().trim_start_matches("mongodb://").trim_end_matches('/').to_owned();
    let mongo = Mongo::connect(&gateway(server, silent).await, &new_database()).await.unwrap();
    let (users, files) = (MongoUsers::new(mongo.clone()), MongoFiles::new(mongo.clone()));
    let reservations = MongoReservations::new(mongo.clone());
    let owner = UserId(uuid());
    let folder = add(&files, owner, None, FileKind::Folder, "folder").await;

    silence.send_replace(true);
    let begin = Instant::now();
    let (ada, row) = (user("ada@example.org"), file(owner, Some(folder), FileKind::File, "file", 1, 1));
    let process = ProcessId(uuid());
    let notes = [Reservation { blob: BlobKey(uuid()), file: row.id, multipart: None }];
    let results = tokio::join!(
        users.insert(&ada),
        users.list(None, 10),
        files.insert(&row),
        files.relocate(owner, folder, None, Timestamp(1)),
        files.delete(owner, folder, Timestamp(1)),
        files.tombstones(10),
        reservations.reserve(process, &notes),
        mongo.ping(),
    );
    assert!(begin.elapsed() < DEADLINE, "{:?}", begin.elapsed());
    for error in [
        results.0.unwrap_err(),
        results.1.unwrap_err(),
        results.2.unwrap_err(),
        results.3.unwrap_err(),
        results.4.unwrap_err(),
        results.5.unwrap_err(),
        results.6.unwrap_err(),
        results.7.unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::ServiceUnavailable, "{error}");
        assert!(error.to_string().contains("MongoDB"), "{error}");
    }
    // A request that comes when the silence is known ends too.
    let begin = Instant::now();
    assert_eq!(files.get(folder).await.unwrap_err().code(), ErrorCode::ServiceUnavailable);
    assert!(begin.elapsed() < DEADLINE, "{:?}", begin.elapsed());

    silence.send_replace(false);
    let begin = Instant::now();
    while files.get(folder).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn requests_to_a_server_that_is_gone_end_in_time() {
    let (server, url) = start_mongodb();
    let mongo = Mongo::connect(&url, &new_database()).await.unwrap();
    let users = MongoUsers::new(mongo);
    tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
    let begin = Instant::now();
    assert_eq!(users.insert(&user("ada@example.org")).await.unwrap_err().code(), ErrorCode::ServiceUnavailable);
    assert!(begin.elapsed() < DEADLINE, "{:?}", begin.elapsed());
}
