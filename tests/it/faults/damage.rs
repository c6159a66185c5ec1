//! What is damaged underneath a server: whoever it concerns is told, and the rest goes on.

use std::fs;

use serde_json::{Value, json};

use crate::support::{
    Backend,
    app::{Home, TestApp, error_code, jpeg},
    client::Client,
    program::run,
};

fn id(file: &Value) -> &str {
    file["id"].as_str().unwrap()
}

/// Removes the original of a file from the disk.
async fn lose(app: &TestApp, file: &Value) {
    let row = app.instance.app.store.files.get(id(file).parse().unwrap()).await.unwrap().unwrap();
    let name = row.content.unwrap().blob.to_string();
    fs::remove_file(app.home.blobs().join(&name[..2]).join(name)).unwrap();
}

async fn download(client: &Client, file: &Value) -> u16 {
    client.get(file["url"].as_str().unwrap()).await.status().as_u16()
}

async fn a_file_whose_bytes_are_gone_is_an_error_with_a_code_and_others_are_served(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let [gone, kept] = [ada.upload("gone.txt", "abc").await, ada.upload("kept.txt", "def").await];
    lose(&app, &gone).await;
    let response = ada.get(gone["url"].as_str().unwrap()).await;
    assert_eq!(response.status(), 500);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR", "{body}");
    // It is still there to be seen, and to be deleted.
    assert_eq!(ada.file(id(&gone)).await["name"], "gone.txt");
    assert_eq!(download(&ada, &kept).await, 200);
    ada.delete(id(&gone)).await;
    app.purge().await;
    assert_eq!(ada.names(None).await, ["kept.txt"]);
}

/// Shortens the original of a file on the disk.
async fn cut(app: &TestApp, file: &Value, length: u64) {
    let row = app.instance.app.store.files.get(id(file).parse().unwrap()).await.unwrap().unwrap();
    let name = row.content.unwrap().blob.to_string();
    let path = app.home.blobs().join(&name[..2]).join(name);
    fs::File::options().write(true).open(path).unwrap().set_len(length).unwrap();
}

async fn a_file_whose_bytes_were_cut_short_is_an_error_before_the_first_byte(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    for length in [0, 4] {
        let file = ada.upload("short.txt", "abcdefgh").await;
        let url = file["url"].as_str().unwrap();
        cut(&app, &file, length).await;
        let response = ada.get(url).await;
        assert_eq!(response.status(), 500);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR", "{body}");
        for (range, status) in
            [("bytes=0-3", if length == 0 { 500 } else { 206 }), ("bytes=2-5", 500), ("bytes=6-", 500)]
        {
            let asked = ada.http.get(url).bearer_auth(ada.token.as_ref().unwrap()).header("range", range);
            assert_eq!(asked.send().await.unwrap().status(), status, "{length} {range}");
        }
    }
}

async fn an_image_whose_bytes_were_cut_short_fails_with_a_reason(backend: Backend) {
    let home = Home::new(backend);
    let idle = TestApp::on(home.clone(), false, &[]).await;
    let ada = idle.user("ada").await;
    let photo = ada.upload("short.jpg", jpeg(300, 200, 1)).await;
    cut(&idle, &photo, 1000).await;
    idle.instance.start();
    let failed = ada.settled(id(&photo)).await;
    assert_eq!(
        (&failed["thumbnailStatus"], &failed["thumbnailError"]),
        (&json!("FAILED"), &json!("The bytes of this image are missing."))
    );
}

async fn an_image_whose_bytes_are_gone_fails_with_a_reason_and_others_are_ready(backend: Backend) {
    let home = Home::new(backend);
    let idle = TestApp::on(home.clone(), false, &[]).await;
    let ada = idle.user("ada").await;
    let [gone, good] =
        [ada.upload("gone.jpg", jpeg(300, 200, 1)).await, ada.upload("good.jpg", jpeg(300, 200, 2)).await];
    lose(&idle, &gone).await;
    idle.instance.start();
    assert_eq!(ada.settled(id(&good)).await["thumbnailStatus"], "READY");
    let failed = ada.settled(id(&gone)).await;
    assert_eq!(failed["thumbnailStatus"], "FAILED");
    let reason = failed["thumbnailError"].as_str().unwrap();
    assert!(reason.ends_with('.') && !reason.contains('/'), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_the_wrong_type_in_redis_delays_images_and_nothing_else() {
    let app = TestApp::start(Backend::Servers).await;
    let ada = app.user("ada").await;
    let redis = |command: String| {
        use std::io::{Read as _, Write as _};
        let address = app.home.redis_url.trim_start_matches("redis://");
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(command.as_bytes()).unwrap();
        let mut answer = [0; 64];
        let length = stream.read(&mut answer).unwrap();
        assert!(!answer.starts_with(b"-"), "{}", String::from_utf8_lossy(&answer[..length]));
    };
    let queue = format!("{{{}}}:queue", app.home.name);
    redis(format!("DEL {queue}\r\n"));
    redis(format!("SET {queue} nonsense\r\n"));
    let photo = ada.upload("photo.jpg", jpeg(300, 200, 1)).await;
    assert_eq!(photo["thumbnailStatus"], "PENDING");
    assert_eq!(download(&ada, &photo).await, 200);
    let home = app.home.clone();
    let output = tokio::task::spawn_blocking(move || run(&home, &["doctor", "--json"], &[], "")).await.unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["findings"][0]["problem"], "unreadable_queue", "{report}");
    assert!(report["findings"][0]["detail"].as_str().unwrap().contains(&queue), "{report}");
    redis(format!("DEL {queue}\r\n"));
    assert_eq!(ada.settled(id(&photo)).await["thumbnailStatus"], "READY");
}

/// Runs a server that is expected not to start; what it says.
fn refused(home: &Home) -> String {
    let output = run(home, &["serve"], &[], "");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    errors
}

async fn while_the_folder_of_blobs_is_gone_uploads_are_refused_and_it_is_not_made_anew(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let file = ada.upload("kept.txt", "abc").await;
    let ready = async || ada.http.get(format!("{}/readyz", app.url)).send().await.unwrap().status().as_u16();
    let (folder, away) = (app.home.blobs(), app.home.dir.path().join("away"));
    fs::rename(&folder, &away).unwrap();
    // As where a disk is no longer mounted.
    fs::create_dir(&folder).unwrap();
    let query = "mutation($f: Upload!) { upload(input: { file: $f }) { userErrors { code } } }";
    let (map, part) = (json!({ "0": ["variables.f"] }), ("0", ("lost.txt", b"def".to_vec())));
    let answer: Value = ada.multipart(query, json!({ "f": null }), map, vec![part]).await.json().await.unwrap();
    assert_eq!(error_code(&answer), "SERVICE_UNAVAILABLE", "{answer}");
    assert_eq!(ready().await, 503);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    fs::remove_dir(&folder).unwrap();
    fs::rename(&away, &folder).unwrap();
    assert_eq!(ready().await, 200);
    assert_eq!(download(&ada, &file).await, 200);
    assert_eq!(ada.names(None).await, ["kept.txt"]);
}

#[tokio::test]
async fn one_half_of_an_installation_is_not_begun_anew() {
    let app = TestApp::idle(Backend::Embedded).await;
    let home = app.home.clone();
    app.user("ada").await.upload("kept.txt", "abc").await;
    app.stop().await;
    tokio::task::spawn_blocking(move || {
        let data = home.dir.path().join("data");
        for (half, says) in [("blobs", "Is its disk mounted?"), ("strongroom.sqlite", "Put it back from a backup")] {
            let files = |from: &str, to: &str| {
                for end in ["", "-wal", "-shm"] {
                    let _ = fs::rename(data.join(format!("{from}{end}")), data.join(format!("{to}{end}")));
                }
            };
            files(half, "away");
            let errors = refused(&home);
            assert!(errors.contains(says), "{errors}");
            assert!(!data.join(half).exists());
            if half.ends_with(".sqlite") {
                // An empty file is as good as none.
                fs::write(data.join(half), "").unwrap();
                let errors = refused(&home);
                assert!(errors.contains(says), "{errors}");
                assert_eq!(fs::metadata(data.join(half)).unwrap().len(), 0);
            }
            files("away", half);
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn servers_that_have_files_begin_no_new_folder_of_blobs() {
    let app = TestApp::idle(Backend::Servers).await;
    let home = app.home.clone();
    app.user("ada").await.upload("kept.txt", "abc").await;
    app.stop().await;
    tokio::task::spawn_blocking(move || {
        let away = home.dir.path().join("away");
        fs::rename(home.blobs(), &away).unwrap();
        let errors = refused(&home);
        assert!(errors.contains("blobs.dir: there are files in the database, and no blobs in "), "{errors}");
        assert!(!home.blobs().exists());
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_database_that_is_damaged_is_refused_at_the_start_and_stays_as_it_is() {
    let home = Home::new(Backend::Embedded);
    let path = home.dir.path().join("data/strongroom.sqlite");
    tokio::task::spawn_blocking(move || {
        // Closed in order, all of it is in one file.
        let made = run(&home, &["user", "add", "ada@example.org"], &[], "a long password\n");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut damaged = fs::read(&path).unwrap();
        damaged.iter_mut().take(8192).for_each(|byte| *byte ^= 0x5a);
        fs::write(&path, &damaged).unwrap();
        let errors = refused(&home);
        assert!(errors.contains("the database is damaged"), "{errors}");
        assert!(errors.contains("backup"), "{errors}");
        assert_eq!(fs::read(&path).unwrap(), damaged);
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_damaged_inside_is_told_by_readiness_and_doctor() {
    let home = Home::new(Backend::Embedded);
    let path = home.dir.path().join("data/strongroom.sqlite");
    let app = TestApp::on(home.clone(), false, &[]).await;
    let ada = app.user("ada").await;
    for n in 0..200 {
        ada.folder(&format!("folder {n} {}", "x".repeat(100)), None).await;
    }
    app.stop().await;
    let database = rusqlite::Connection::open(&path).unwrap();
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(database);
    // Every page that has names of files in it.
    let mut damaged = fs::read(&path).unwrap();
    let is_hit = |page: &&mut [u8]| page.windows(40).any(|bytes| bytes == [b'x'; 40]);
    damaged.chunks_exact_mut(4096).filter(is_hit).flatten().for_each(|byte| *byte ^= 0x5a);
    fs::write(&path, &damaged).unwrap();

    let app = TestApp::on(home.clone(), false, &[]).await;
    let ada = Client { url: app.url.clone(), ..ada };
    let ready = async || ada.http.get(format!("{}/readyz", app.url)).send().await.unwrap().status().as_u16();
    assert_eq!(ready().await, 200);
    let answer = ada.gql("{ files(first: 100) { nodes { name } } }", json!({})).await;
    assert_eq!(error_code(&answer), "INTERNAL_SERVER_ERROR", "{answer}");
    assert_eq!(ready().await, 503);
    let output =
        tokio::task::spawn_blocking(move || run(&home, &["doctor", "--repair", "--json"], &[], "")).await.unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(report["findings"][0]["problem"], "damaged_database", "{report}");
    assert_eq!((&report["healthy"], &report["rows"]), (&json!(false), &json!(0)));
}

crate::on_both_back_ends!(
    a_file_whose_bytes_are_gone_is_an_error_with_a_code_and_others_are_served,
    an_image_whose_bytes_are_gone_fails_with_a_reason_and_others_are_ready,
    a_file_whose_bytes_were_cut_short_is_an_error_before_the_first_byte,
    an_image_whose_bytes_were_cut_short_fails_with_a_reason,
    while_the_folder_of_blobs_is_gone_uploads_are_refused_and_it_is_not_made_anew,
);
