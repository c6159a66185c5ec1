//! `strongroom doctor` and the checkup behind it: what it finds, what it leaves alone, what it mends.

use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use serde_json::Value;
use strongroom::{
    model::{BlobKey, FileId, ProcessId, Random},
    service::{Extent, Outcome, Pace, Problem, Report, Tally},
    store::Reservation,
};

use crate::support::{
    Backend,
    app::{Home, PATIENCE, TestApp, jpeg},
    program::run,
};

crate::on_both_back_ends!(
    a_sound_store_is_found_sound,
    files_whose_bytes_have_changed_are_found_when_contents_are_read,
    files_that_are_not_ours_are_named_and_left_alone,
    where_more_bytes_have_no_file_than_have_one_they_are_removed_only_by_force,
    bytes_that_are_too_young_to_judge_are_counted,
    what_is_no_regular_file_is_as_good_as_gone,
    files_whose_bytes_are_gone_are_reported_and_stay,
    thumbnails_that_are_gone_are_made_again,
    old_bytes_of_no_file_are_removed_only_when_asked_for,
    beside_a_database_without_files_no_bytes_are_removed,
    what_is_being_written_is_left_alone,
    a_row_that_cannot_be_read_keeps_bytes_from_being_removed,
    images_that_nobody_queued_are_queued_again,
    a_job_that_was_given_up_on_is_told_and_is_no_problem,
    the_checkup_runs_by_itself_and_changes_nothing,
);

/// Runs the built program beside the application: whether it exits with 0, and what it prints.
async fn doctor(app: &TestApp, arguments: &[&str]) -> (bool, String) {
    let home = app.home.clone();
    let arguments: Vec<_> = ["doctor"].iter().chain(arguments).map(|&it| it.to_owned()).collect();
    let output = tokio::task::spawn_blocking(move || {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        run(&home, &arguments, &[], "")
    });
    let output = output.await.unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(errors, "");
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

/// The same as JSON.
async fn examined(app: &TestApp, arguments: &[&str]) -> (bool, Value) {
    let (healthy, text) = doctor(app, &[&["--json"], arguments].concat()).await;
    let report: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(report["healthy"], healthy, "{report}");
    (healthy, report)
}

/// How often each problem was found and mended, where it was.
fn found(report: &Value) -> Vec<(&str, u64, u64)> {
    let problems = report["problems"].as_object().unwrap().iter();
    let mut found: Vec<_> = problems
        .map(|(problem, tally)| (problem.as_str(), tally["found"].as_u64().unwrap(), tally["mended"].as_u64().unwrap()))
        .filter(|(_, found, _)| *found > 0)
        .collect();
    found.sort_unstable();
    found
}

fn tally(report: &Report, problem: Problem) -> Tally {
    report.tallies.get(&problem).copied().unwrap_or_default()
}

fn id(file: &Value) -> String {
    file["id"].as_str().unwrap().to_owned()
}

/// Where a blob is on disk, finished or not.
fn place(app: &TestApp, blob: BlobKey, suffix: &str) -> PathBuf {
    let name = blob.to_string();
    app.home.blobs().join(&name[..2]).join(name + suffix)
}

/// The original, then the thumbnails of a file.
async fn places(app: &TestApp, file: &str) -> Vec<PathBuf> {
    let row = app.instance.app.store.files.get(file.parse().unwrap()).await.unwrap().unwrap();
    row.blobs().map(|blob| place(app, blob, "")).collect()
}

/// Bytes that nobody knows of, written so long ago.
fn plant(app: &TestApp, suffix: &str, age: Duration) -> PathBuf {
    let path = place(app, BlobKey(Random::system().uuid()), suffix);
    fs::write(&path, "left over").unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    let now = Duration::from_millis(u64::try_from(app.clock.now().0).unwrap());
    file.set_modified(UNIX_EPOCH + now - age).unwrap();
    path
}

const REPAIR: Extent = Extent { repair: true, force: false, contents: false };
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn a_sound_store_is_found_sound(backend: Backend) {
    let app = TestApp::start(backend).await;
    let ada = app.user("ada").await;
    ada.folder("papers", None).await;
    ada.upload("notes.txt", "some notes").await;
    ada.settled(&id(&ada.upload("photo.jpg", jpeg(600, 400, 1)).await)).await;
    let deleted = id(&ada.upload("gone.txt", "gone").await);
    ada.delete(&deleted).await;
    app.purge().await;
    let (healthy, report) = examined(&app, &["--repair"]).await;
    assert!(healthy, "{report}");
    assert_eq!(found(&report), []);
    assert_eq!((report["rows"].as_u64(), report["blobs"].as_u64()), (Some(3), Some(5)));
    let stored: u64 = app.home.blob_files().iter().map(|path| path.metadata().unwrap().len()).sum();
    assert_eq!(report["bytes"].as_u64(), Some(stored));
    let (healthy, table) = doctor(&app, &[]).await;
    assert!(healthy);
    assert!(table.starts_with("Nothing is wrong. Looked at 3 rows and 5 blobs"), "{table}");
}

async fn files_whose_bytes_have_changed_are_found_when_contents_are_read(backend: Backend) {
    let app = TestApp::start(backend).await;
    let ada = app.user("ada").await;
    let [whole, changed, empty] =
        [ada.upload("whole.txt", "abc").await, ada.upload("changed.txt", "abc").await, ada.upload("empty", "").await]
            .map(|file| id(&file));
    let (healthy, report) = examined(&app, &["--contents"]).await;
    assert!(healthy, "{report}");
    assert_eq!(report["verified"], 3);
    fs::write(&places(&app, &changed).await[0], "abd").unwrap();
    assert!(examined(&app, &[]).await.0, "sizes are the same");
    let (healthy, report) = examined(&app, &["--contents", "--repair"]).await;
    assert!(!healthy);
    assert_eq!(found(&report), [("altered_original", 1, 0)]);
    assert_eq!(report["findings"][0]["file"], changed);
    let (_, table) = doctor(&app, &["--contents"]).await;
    assert!(table.contains("\"changed.txt\"") && table.contains("compared 3 files with their checksums"), "{table}");
    for file in [whole, changed, empty] {
        assert!(places(&app, &file).await[0].exists());
    }
}

async fn files_that_are_not_ours_are_named_and_left_alone(backend: Backend) {
    let app = TestApp::idle(backend).await;
    // A terminal would obey the name.
    let theirs = app.home.blobs().join("ab/\u{1b}[31mü");
    fs::write(&theirs, "x").unwrap();
    std::os::unix::fs::symlink("nowhere", app.home.blobs().join("cd/link")).unwrap();
    let (healthy, report) = examined(&app, &["--repair"]).await;
    assert!(healthy);
    let names = serde_json::json!(["ab/\\u{1b}[31mü", "cd/link"]);
    assert_eq!((&report["foreignFiles"], &report["foreignNames"]), (&2.into(), &names));
    let (_, table) = doctor(&app, &[]).await;
    assert!(
        table.starts_with("2 files are among the blobs and not Strongroom's, and left alone: ab/\\u{1b}"),
        "{table}"
    );
    assert!(theirs.exists());
}

async fn where_more_bytes_have_no_file_than_have_one_they_are_removed_only_by_force(backend: Backend) {
    let app = TestApp::idle(backend).await;
    app.user("ada").await.upload("notes.txt", "some notes").await;
    // As with the blobs or the database of another installation.
    let orphans: Vec<_> = (0..3).map(|_| plant(&app, "", DAY)).collect();
    let (healthy, report) = examined(&app, &["--repair"]).await;
    assert!(!healthy);
    assert_eq!(found(&report), [("orphaned_blob", 3, 0)]);
    let outcome = report["findings"][0]["outcome"].as_str().unwrap();
    assert!(outcome.starts_with("more blobs have no file than have one"), "{outcome}");
    assert!(orphans.iter().all(|path| path.exists()));
    let (healthy, report) = examined(&app, &["--repair", "--force"]).await;
    assert!(healthy);
    assert_eq!(found(&report), [("orphaned_blob", 3, 3)]);
    assert!(orphans.iter().all(|path| !path.exists()));
}

async fn bytes_that_are_too_young_to_judge_are_counted(backend: Backend) {
    let app = TestApp::idle(backend).await;
    plant(&app, "", Duration::from_secs(60));
    let (healthy, report) = examined(&app, &["--repair"]).await;
    assert!(healthy);
    assert_eq!((&report["tooYoung"], found(&report)), (&1.into(), vec![]));
    let (_, table) = doctor(&app, &[]).await;
    assert!(table.starts_with("1 blob of no file is younger than blobs.orphan_grace"), "{table}");
}

async fn what_is_no_regular_file_is_as_good_as_gone(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let file = ada.upload("notes.txt", "some notes").await;
    let path = &places(&app, &id(&file)).await[0];
    fs::remove_file(path).unwrap();
    // Who opens it for reading waits for a writer.
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    let (healthy, report) = examined(&app, &["--contents"]).await;
    assert!(!healthy);
    assert_eq!(found(&report), [("missing_original", 1, 0)]);
    assert_eq!(ada.get(file["url"].as_str().unwrap()).await.status(), 500);
}

async fn files_whose_bytes_are_gone_are_reported_and_stay(backend: Backend) {
    let app = TestApp::start(backend).await;
    let ada = app.user("ada").await;
    let [whole, gone, short] =
        [ada.upload("whole.txt", "abc").await, ada.upload("gone.txt", "abc").await, ada.upload("short", "abc").await]
            .map(|file| id(&file));
    fs::remove_file(&places(&app, &gone).await[0]).unwrap();
    fs::write(&places(&app, &short).await[0], "ab").unwrap();
    for arguments in [&[][..], &["--repair"]] {
        let (healthy, report) = examined(&app, arguments).await;
        assert!(!healthy);
        assert_eq!(found(&report), [("missing_original", 2, 0)]);
        let mut files: Vec<_> = report["findings"].as_array().unwrap().iter().map(id_of).collect();
        files.sort();
        let mut expected = vec![gone.clone(), short.clone()];
        expected.sort();
        assert_eq!(files, expected);
    }
    let (healthy, table) = doctor(&app, &[]).await;
    assert!(!healthy);
    assert!(table.contains("\"short\"") && table.contains("has 2 bytes instead of 3"), "{table}");
    let mut names = ada.names(None).await;
    names.sort();
    assert_eq!(names, ["gone.txt", "short", "whole.txt"]);
    // Deleting them is the way out.
    ada.delete(&gone).await;
    ada.delete(&short).await;
    app.purge().await;
    assert!(examined(&app, &[]).await.0);
    assert_eq!(ada.file(&whole).await["name"], "whole.txt");
}

fn id_of(finding: &Value) -> String {
    finding["file"].as_str().unwrap().to_owned()
}

async fn thumbnails_that_are_gone_are_made_again(backend: Backend) {
    let app = TestApp::start(backend).await;
    let ada = app.user("ada").await;
    let photo = id(&ada.upload("photo.jpg", jpeg(600, 400, 1)).await);
    let hopeless = id(&ada.upload("hopeless.jpg", jpeg(600, 400, 2)).await);
    for file in [&photo, &hopeless] {
        ada.settled(file).await;
    }
    for path in &places(&app, &photo).await[1..3] {
        fs::remove_file(path).unwrap();
    }
    let lost = places(&app, &hopeless).await;
    for path in [&lost[0], &lost[3]] {
        fs::remove_file(path).unwrap();
    }
    let (_, report) = examined(&app, &[]).await;
    assert_eq!(found(&report), [("missing_original", 1, 0), ("missing_thumbnail", 2, 0)]);
    assert_eq!(ada.file(&photo).await["thumbnailStatus"], "READY");
    let (_, report) = examined(&app, &["--repair"]).await;
    assert_eq!(found(&report), [("missing_original", 1, 0), ("missing_thumbnail", 2, 1)]);
    let again = ada.settled(&photo).await;
    assert_eq!(again["thumbnailStatus"], "READY");
    for path in places(&app, &photo).await {
        assert!(path.exists(), "{}", path.display());
    }
    // What is left of the other stays as it is.
    assert_eq!(ada.file(&hopeless).await["thumbnailStatus"], "READY");
    let (_, report) = examined(&app, &["--repair"]).await;
    assert_eq!(found(&report), [("missing_original", 1, 0), ("missing_thumbnail", 1, 0)]);
}

async fn old_bytes_of_no_file_are_removed_only_when_asked_for(backend: Backend) {
    let app = TestApp::start(backend).await;
    let ada = app.user("ada").await;
    ada.settled(&id(&ada.upload("photo.jpg", jpeg(600, 400, 1)).await)).await;
    let sound = app.home.blob_files();
    let orphans = [plant(&app, "", DAY), plant(&app, "", DAY)];
    let unfinished = [plant(&app, "#0", DAY), plant(&app, "#1", DAY)];
    let kept = [plant(&app, "", Duration::ZERO), plant(&app, "#1", Duration::ZERO), app.home.blobs().join("ab/README")];
    fs::write(&kept[2], "by somebody else").unwrap();
    let expected = [("orphaned_blob", 2), ("unfinished_blob", 2)];
    let (healthy, report) = examined(&app, &[]).await;
    assert!(!healthy);
    assert_eq!(found(&report), expected.map(|(problem, count)| (problem, count, 0)));
    assert_eq!(report["foreignFiles"], 1);
    assert!(orphans.iter().chain(&unfinished).all(|path| path.exists()));
    let (healthy, report) = examined(&app, &["--repair"]).await;
    assert!(healthy, "{report}");
    assert_eq!(found(&report), expected.map(|(problem, count)| (problem, count, count)));
    let mut left = [sound, kept.to_vec()].concat();
    left.sort();
    assert_eq!(app.home.blob_files(), left);
    assert_eq!(found(&examined(&app, &[]).await.1), []);
}

async fn beside_a_database_without_files_no_bytes_are_removed(backend: Backend) {
    let app = TestApp::start(backend).await;
    let orphan = plant(&app, "", DAY);
    let (healthy, report) = examined(&app, &["--repair"]).await;
    assert!(!healthy);
    assert_eq!(found(&report), [("orphaned_blob", 1, 0)]);
    assert!(report["findings"][0]["outcome"].as_str().unwrap().contains("is it the right one"), "{report}");
    assert!(orphan.exists());
}

async fn what_is_being_written_is_left_alone(backend: Backend) {
    // Nobody else clears up after the process that is said to be writing.
    let app = TestApp::idle(backend).await;
    // A database without any file would keep bytes from being removed.
    app.user("ada").await.folder("papers", None).await;
    let store = &app.instance.app.store;
    let process = ProcessId(Random::system().uuid());
    store.reservations.beat(process).await.unwrap();
    let notes = [(); 2].map(|()| {
        let random = Random::system();
        Reservation { blob: BlobKey(random.uuid()), file: FileId(random.uuid()), multipart: None }
    });
    store.reservations.reserve(process, &notes).await.unwrap();
    let mut running = store.blobs.writer(notes[0].blob, Arc::clone(&store.reservations)).await.unwrap();
    running.write("some of it".into()).await.unwrap();
    store.blobs.put(vec![(notes[1].blob, "all of it".into())]).await.unwrap();
    let before = app.home.blob_files();
    assert_eq!(before.len(), 2);
    // However old they are.
    app.clock.advance(DAY);
    let checkup = &app.instance.app.services.checkup;
    let report = checkup.run(Extent { force: true, ..REPAIR }, Pace::Full, |_| {}).await.unwrap();
    assert!(report.is_healthy(), "{report:?}");
    assert_eq!(app.home.blob_files(), before);
    // Without their notes nobody knows them.
    store.reservations.release(&notes.map(|note| note.blob)).await.unwrap();
    let report = checkup.run(Extent { force: true, ..REPAIR }, Pace::Full, |_| {}).await.unwrap();
    let mended = Tally { found: 1, mended: 1 };
    assert_eq!([Problem::OrphanedBlob, Problem::UnfinishedBlob].map(|it| tally(&report, it)), [mended; 2]);
    assert_eq!(app.home.blob_files(), Vec::<PathBuf>::new());
}

/// Makes a row unreadable to this version of the program.
async fn spoil(app: &TestApp, file: FileId) {
    let home = &app.home;
    match home.backend {
        Backend::Embedded => {
            let database = rusqlite::Connection::open(home.dir.path().join("data/strongroom.sqlite")).unwrap();
            let spoilt = "UPDATE files SET thumbnails = '{\"status\":\"DREAMT\"}' WHERE id = ?1";
            assert_eq!(database.execute(spoilt, [file.0.into_bytes()]).unwrap(), 1);
        }
        Backend::Servers => {
            use mongodb::bson::{Document, Uuid, doc};
            let client = mongodb::Client::with_uri_str(&home.mongodb_url).await.unwrap();
            let files = client.database(&home.name).collection::<Document>("files");
            let row = doc! { "_id": Uuid::from_bytes(file.0.into_bytes()) };
            let done = files.update_one(row, doc! { "$set": { "format": 99 } }).await.unwrap();
            assert_eq!(done.modified_count, 1);
        }
    }
}

async fn a_row_that_cannot_be_read_keeps_bytes_from_being_removed(backend: Backend) {
    let app = TestApp::start(backend).await;
    let ada = app.user("ada").await;
    let spoilt = id(&ada.upload("photo.jpg", jpeg(600, 400, 1)).await);
    ada.settled(&spoilt).await;
    ada.upload("notes.txt", "some notes").await;
    let orphan = plant(&app, "", DAY);
    spoil(&app, spoilt.parse().unwrap()).await;
    // So that its blobs look old enough, too.
    app.clock.advance(DAY);
    let before = app.home.blob_files();
    let report = app.instance.app.services.checkup.run(REPAIR, Pace::Full, |_| {}).await.unwrap();
    assert_eq!(tally(&report, Problem::UnreadableRow), Tally { found: 1, mended: 0 });
    assert_eq!(tally(&report, Problem::OrphanedBlob), Tally { found: 5, mended: 0 });
    assert_eq!(app.home.blob_files(), before);
    assert!(orphan.exists());
    let (healthy, report) = examined(&app, &["--repair"]).await;
    assert!(!healthy);
    assert_eq!(report["findings"][0]["problem"], "unreadable_row");
    assert_eq!(report["findings"][0]["file"], spoilt);
    assert_eq!(app.home.blob_files(), before);
}

async fn images_that_nobody_queued_are_queued_again(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    ada.upload("photo.jpg", jpeg(600, 400, 1)).await;
    let (store, checkup) = (&app.instance.app.store, &app.instance.app.services.checkup);
    let look = async |repair| checkup.run(Extent { repair, ..Extent::default() }, Pace::Full, |_| {}).await.unwrap();
    assert!(look(false).await.is_healthy());
    app.clock.advance(Duration::from_secs(301));
    let report = look(false).await;
    assert_eq!(tally(&report, Problem::OverdueImage), Tally { found: 1, mended: 0 });
    // It is in the queue: nobody works.
    let report = look(true).await;
    assert_eq!(report.findings[0].outcome, Outcome::Left("is in the queue: does a server or worker run?"));
    let job = store.jobs.reserve(PATIENCE).await.unwrap().unwrap();
    store.jobs.complete(&job).await.unwrap();
    assert_eq!(store.jobs.depth().await.unwrap().queued, 0);
    let report = look(true).await;
    assert_eq!(tally(&report, Problem::OverdueImage), Tally { found: 1, mended: 1 });
    assert_eq!(store.jobs.depth().await.unwrap().queued, 1);
}

async fn a_job_that_was_given_up_on_is_told_and_is_no_problem(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let photo = id(&ada.upload("photo.jpg", jpeg(600, 400, 1)).await);
    let jobs = &app.instance.app.store.jobs;
    let job = jobs.reserve(PATIENCE).await.unwrap().unwrap();
    jobs.bury(&job, "For a test.").await.unwrap();
    let (healthy, report) = examined(&app, &[]).await;
    assert!(healthy);
    assert_eq!(found(&report), [("buried_job", 1, 0)]);
    let finding = &report["findings"][0];
    assert_eq!(finding["file"], photo);
    assert!(finding["detail"].as_str().unwrap().contains("For a test."), "{finding}");
}

async fn the_checkup_runs_by_itself_and_changes_nothing(backend: Backend) {
    let app = TestApp::with(backend, &[("blobs.checkup_interval", "1s")]).await;
    let orphan = plant(&app, "", DAY);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    // A first one may have run before there was an orphan.
    loop {
        let metrics = app.instance.app.metrics.encode().unwrap();
        if metrics.contains(r#"strongroom_checkup_problems{problem="orphaned_blob"} 1"#) {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{metrics}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(orphan.exists());
}

#[tokio::test]
async fn where_there_are_no_blobs_nothing_is_made() {
    let home = Home::new(Backend::Servers);
    let folder = home.blobs();
    let output = tokio::task::spawn_blocking(move || run(&home, &["doctor"], &[], "")).await.unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("blobs.dir: there are no blobs in "), "{errors}");
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_mongodb_that_is_away_is_named_without_the_drivers_own_words() {
    let app = TestApp::idle(Backend::Servers).await;
    let mut home = app.home.clone();
    // Nobody listens at the first port.
    let away = "mongodb://127.0.0.1:1/?directConnection=true";
    away.clone_into(&mut home.mongodb_url);
    let output = tokio::task::spawn_blocking(move || run(&home, &["doctor"], &[], "")).await.unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("no server that takes writes answers at 127.0.0.1:1"), "{errors}");
    assert!(errors.contains("refused") && !errors.contains("Topology"), "{errors}");
}
