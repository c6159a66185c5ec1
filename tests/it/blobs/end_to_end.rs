//! An application over S3: what its users see, and what is left in the bucket.

use std::{io::Write as _, net::TcpStream};

use serde_json::json;

use super::{Bucket, MIB, sample};
use crate::support::{
    Backend,
    app::{Home, TestApp, codes, jpeg},
    client::{Client, raw_connection},
    program::Program,
};

async fn files_and_thumbnails_are_kept_and_deleted(backend: Backend) {
    let bucket = Bucket::new().await;
    let app = TestApp::with(backend, &bucket.settings()).await;
    let ada = app.user("ada").await;
    let bytes = sample(12 * MIB);
    let large = ada.upload("large.bin", bytes.clone()).await;
    assert_eq!(large["size"], 12 << 20);
    let image = ada.upload("photo.jpg", jpeg(1200, 800, 3)).await;
    let image = ada.settled(image["id"].as_str().unwrap()).await;
    assert_eq!(image["thumbnailStatus"], "READY", "{image}");
    for thumbnail in image["thumbnails"].as_array().unwrap() {
        let response = ada.get(thumbnail["url"].as_str().unwrap()).await;
        assert_eq!(response.status(), 200);
        let shown = image::load_from_memory(&response.bytes().await.unwrap()).unwrap();
        assert_eq!(u64::from(shown.width()), thumbnail["width"].as_u64().unwrap());
    }
    assert_eq!((bucket.objects().await.len(), bucket.uploads().await.len()), (5, 0));
    // Across the border of two parts.
    let (from, to) = (5 * MIB - 10, 5 * MIB + 9);
    let request = ada.http.get(large["url"].as_str().unwrap()).header("Range", format!("bytes={from}-{to}"));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 206);
    assert_eq!(response.bytes().await.unwrap(), bytes[from..=to]);
    let whole = ada.get(large["url"].as_str().unwrap()).await;
    assert!(whole.bytes().await.unwrap() == bytes);
    for file in [large, image] {
        ada.delete(file["id"].as_str().unwrap()).await;
    }
    app.purge().await;
    assert_eq!(bucket.objects().await, [""; 0]);
}

async fn one_part_at_two_places_is_two_objects(backend: Backend) {
    let bucket = Bucket::new().await;
    let app = TestApp::with(backend, &bucket.settings()).await;
    let ada = app.user("ada").await;
    let query = "mutation($f: Upload!) { a: upload(input: { file: $f, name: \"a\" }) { file { id } userErrors { code } } \
                 b: upload(input: { file: $f, name: \"b\" }) { file { url } userErrors { code } } }";
    let bytes = sample(6 * MIB);
    let part = ("0", ("x", bytes.to_vec()));
    let response = ada.multipart(query, json!({ "f": null }), json!({ "0": ["variables.f"] }), vec![part]).await;
    let answer: serde_json::Value = response.json().await.unwrap();
    ada.delete(answer["data"]["a"]["file"]["id"].as_str().unwrap_or_else(|| panic!("{answer}"))).await;
    app.purge().await;
    assert_eq!(bucket.objects().await.len(), 1);
    let kept = ada.get(answer["data"]["b"]["file"]["url"].as_str().unwrap()).await;
    assert!(kept.bytes().await.unwrap() == bytes);
}

async fn an_upload_that_breaks_off_leaves_nothing(backend: Backend) {
    let bucket = Bucket::new().await;
    let app = TestApp::with(backend, &bucket.settings()).await;
    let ada = app.user("ada").await;
    // Bytes are in the bucket before the client goes away.
    let stream = begin_upload(&ada, 20 * MIB, 12 * MIB).await;
    bucket.until_it_has(1, 0).await;
    drop(stream);
    bucket.until_it_has(0, 0).await;
    assert_eq!(ada.names(None).await, [""; 0]);
}

async fn an_upload_that_is_too_large_leaves_nothing(backend: Backend) {
    let bucket = Bucket::new().await;
    let limit = (6 * MIB).to_string();
    let settings = [bucket.settings(), vec![("limits.upload_bytes", limit.as_str())]].concat();
    let app = TestApp::with(backend, &settings).await;
    let ada = app.user("ada").await;
    let payload = ada.upload_with(("big.bin", sample(8 * MIB).to_vec()), json!({})).await;
    assert_eq!(codes(&payload), ["FILE_TOO_LARGE"]);
    assert_eq!((bucket.uploads().await, bucket.objects().await), (vec![], vec![]));
    assert_eq!(ada.upload("fits.bin", sample(6 * MIB)).await["size"], 6 << 20);
    assert_eq!((bucket.uploads().await.len(), bucket.objects().await.len()), (0, 1));
}

async fn a_refused_upload_leaves_nothing(backend: Backend) {
    let bucket = Bucket::new().await;
    let app = TestApp::with(backend, &bucket.settings()).await;
    let ada = app.user("ada").await;
    for size in [1000, 6 * MIB] {
        let wrong = json!({ "sha256": "0".repeat(64) });
        let payload = ada.upload_with(("x.bin", sample(size).to_vec()), wrong).await;
        assert_eq!(codes(&payload), ["CHECKSUM_MISMATCH"]);
        assert_eq!((bucket.uploads().await, bucket.objects().await), (vec![], vec![]));
    }
}

async fn what_a_killed_process_left_in_the_bucket_is_removed_by_the_next(backend: Backend) {
    let bucket = Bucket::new().await;
    let settings = [bucket.settings(), vec![("blobs.orphan_grace", "1s")]].concat();
    let home = Home::new(backend);
    let start = || tokio::task::block_in_place(|| Program::start(&home, &[], &settings));
    let program = start();
    let ada = program.client().register("ada@example.org").await;
    let kept = ada.upload("kept.bin", sample(6 * MIB)).await;
    let _stream = begin_upload(&ada, 20 * MIB, 12 * MIB).await;
    bucket.until_it_has(1, 1).await;
    program.kill();
    assert_eq!(bucket.uploads().await.len(), 1, "nobody is there to remove it");
    let program = start();
    bucket.until_it_has(0, 1).await;
    let ada = Client { url: program.url.clone(), ..ada };
    let kept = ada.file(kept["id"].as_str().unwrap()).await;
    let read = ada.get(kept["url"].as_str().unwrap()).await;
    assert!(read.bytes().await.unwrap() == sample(6 * MIB));
}

/// Begins to upload a file of `size` bytes, and sends the first `sent` of them.
async fn begin_upload(user: &Client, size: usize, sent: usize) -> TcpStream {
    let query = "mutation($f: Upload!) { upload(input: { file: $f }) { userErrors { code } } }";
    let operations = json!({ "query": query, "variables": { "f": null } });
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{operations}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n{{\"0\":[\"variables.f\"]}}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"0\"; filename=\"x.bin\"\r\n\r\n"
    );
    let (host, token) = (user.url.trim_start_matches("http://"), user.token.as_ref().unwrap());
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n{body}",
        body.len() + size + "\r\n--b--\r\n".len()
    );
    let url = user.url.clone();
    let send = move || {
        let mut stream = raw_connection(&url);
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&sample(sent)).unwrap();
        stream
    };
    tokio::task::spawn_blocking(send).await.unwrap()
}

crate::on_both_back_ends!(
    files_and_thumbnails_are_kept_and_deleted,
    one_part_at_two_places_is_two_objects,
    an_upload_that_breaks_off_leaves_nothing,
    an_upload_that_is_too_large_leaves_nothing,
    a_refused_upload_leaves_nothing,
    what_a_killed_process_left_in_the_bucket_is_removed_by_the_next,
);
