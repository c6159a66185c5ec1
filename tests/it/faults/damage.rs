//! What is damaged underneath a server: whoever it concerns is told, and the rest goes on.

use std::fs;

use serde_json::Value;

use crate::support::{
    Backend,
    app::{Home, TestApp, jpeg},
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
    redis(format!("DEL {queue}\r\n"));
    assert_eq!(ada.settled(id(&photo)).await["thumbnailStatus"], "READY");
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
        let output = run(&home, &["serve"], &[], "");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.contains("the database is damaged"), "{errors}");
        assert!(errors.contains("backup"), "{errors}");
        assert_eq!(fs::read(&path).unwrap(), damaged);
    })
    .await
    .unwrap();
}

crate::on_both_back_ends!(
    a_file_whose_bytes_are_gone_is_an_error_with_a_code_and_others_are_served,
    an_image_whose_bytes_are_gone_fails_with_a_reason_and_others_are_ready,
);
