//! Downloads at `/files/{id}`: who gets the bytes, and with which headers.

use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    Backend,
    app::{TestApp, jpeg},
    client::Client,
};

fn id(file: &Value) -> String {
    file["id"].as_str().unwrap_or_else(|| panic!("no ID in {file}")).to_owned()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn url(client: &Client, file: &str, arguments: &str) -> String {
    let answer =
        client.data(&format!("query($id: ID!) {{ file(id: $id) {{ url{arguments} }} }}"), json!({ "id": file })).await;
    answer["file"]["url"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// What a stranger can tell of an answer: everything but its date and request ID.
async fn face(response: Response) -> (StatusCode, Vec<(String, String)>, String) {
    let mut headers: Vec<_> = response
        .headers()
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id"))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    let status = response.status();
    let id = header(&response, "x-request-id").to_owned();
    (status, headers, response.text().await.unwrap().replace(&id, "ID"))
}

async fn a_private_file_is_to_strangers_what_an_unknown_one_is(backend: Backend) {
    let app = TestApp::start(backend).await;
    let (ada, bob, anon) = (app.user("ada").await, app.user("bob").await, app.anon());
    let file = id(&ada.settled(&id(&ada.upload("photo.jpg", jpeg(300, 200, 1)).await)).await);
    let folder = ada.folder("folder", None).await;
    ada.set_public(&folder, true).await;
    let signed = url(&ada, &file, "").await;
    let at = |path: &str| format!("{}/files/{path}", app.url);
    let unknown = face(anon.get(&at("f_AAAAAAAAAAAAAAAAAAAAAA")).await).await;
    assert_eq!(unknown.0, 404);
    assert!(unknown.2.contains("NOT_FOUND"), "{}", unknown.2);
    let mut others = vec![
        at("nonsense"),
        at(&file),
        at(&format!("{file}?size=SMALL")),
        at(&format!("{file}?size=HUGE")),
        at(&format!("{file}?disposition=inline")),
        at(&folder),
        at(&ada.id),
        signed.replace("inline", "attachment"),
        format!("{signed}&size=SMALL"),
        signed.replace("signature=", "signature=A"),
        signed.replace("expires=1", "expires=2"),
        signed.replace(&file, "f_AAAAAAAAAAAAAAAAAAAAAA"),
    ];
    others.push(signed.split("&signature").next().unwrap().to_owned());
    for other in others {
        for client in [&anon, &bob] {
            assert_eq!(face(client.get(&other).await).await, unknown, "{other}");
        }
    }
    assert_eq!(anon.get(&signed).await.status(), 200);
    assert_eq!(ada.get(&at(&file)).await.status(), 200);
    assert_eq!(ada.get(&at(&format!("{file}?size=LARGE"))).await.status(), 200);
}

async fn a_signed_url_ends_with_its_time_the_file_and_a_change_of_privacy(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let (ada, anon) = (app.user("ada").await, app.anon());
    let (one, two, three) =
        (id(&ada.upload("1", "1").await), id(&ada.upload("2", "2").await), id(&ada.upload("3", "3").await));
    let first = url(&ada, &one, "(expiresIn: 60)").await;
    assert_eq!(url(&ada, &one, "(expiresIn: 60)").await.len(), first.len());
    let second = url(&ada, &two, "").await;
    let third = url(&ada, &three, "").await;
    for good in [&first, &second, &third] {
        assert_eq!(anon.get(good).await.status(), 200);
    }
    ada.set_public(&two, true).await;
    ada.set_public(&two, false).await;
    assert_eq!(anon.get(&second).await.status(), 404);
    ada.delete(&three).await;
    assert_eq!(anon.get(&third).await.status(), 404);
    app.clock.advance(Duration::from_secs(59));
    assert_eq!(anon.get(&first).await.status(), 200);
    app.clock.advance(Duration::from_secs(17));
    assert_eq!(anon.get(&first).await.status(), 404);
    for outside in ["(expiresIn: 59)", "(expiresIn: 604801)", "(expiresIn: -1)"] {
        let query = format!("query($id: ID!) {{ file(id: $id) {{ id url{outside} }} }}");
        let answer = ada.gql(&query, json!({ "id": one })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
        assert_eq!(answer["data"]["file"], json!({ "id": one, "url": null }));
    }
}

async fn a_public_file_has_a_plain_url_that_ends_when_it_is_taken_back(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let (ada, anon) = (app.user("ada").await, app.anon());
    let file = id(&ada.upload("note.txt", "hello").await);
    ada.set_public(&file, true).await;
    let plain = url(&ada, &file, "").await;
    assert!(!plain.contains("signature"), "{plain}");
    let response = anon.get(&plain).await;
    assert_eq!(header(&response, "cache-control"), "public, no-cache");
    assert_eq!(response.text().await.unwrap(), "hello");
    ada.set_public(&file, false).await;
    assert_eq!(anon.get(&plain).await.status(), 404);
}

async fn headers_keep_browsers_safe_and_names_whole(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    for (name, bytes, kind, inline) in [
        ("photo.jpg", jpeg(30, 20, 1), "image/jpeg", true),
        ("note.txt", b"hello".to_vec(), "text/plain; charset=utf-8", true),
        ("paper.pdf", b"%PDF-1.7\n1 0 obj".to_vec(), "application/pdf", true),
        ("page.html", b"<script>alert(1)</script>".to_vec(), "text/html; charset=utf-8", false),
        ("image.svg", b"<svg onload='alert(1)'/>".to_vec(), "image/svg+xml", false),
        ("data.bin", vec![0, 1, 2, 3], "application/octet-stream", false),
    ] {
        let file = id(&ada.upload(name, bytes).await);
        let response = ada.get(&url(&ada, &file, "").await).await;
        assert_eq!(response.status(), 200, "{name}");
        assert_eq!(header(&response, "content-type"), kind);
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "cross-origin-resource-policy"), "cross-origin");
        assert!(header(&response, "content-security-policy").contains("default-src 'none'"));
        let disposition = header(&response, "content-disposition");
        assert_eq!(disposition.starts_with("inline"), inline, "{name}: {disposition}");
        let max_age: u64 =
            header(&response, "cache-control").strip_prefix("private, max-age=").unwrap().parse().unwrap();
        assert!((3590..=4500).contains(&max_age), "{max_age}");
        let response = ada.get(&url(&ada, &file, "(disposition: ATTACHMENT)").await).await;
        assert!(header(&response, "content-disposition").starts_with("attachment"), "{name}");
    }
    let odd = "na\"me; ü%20\u{1f600}.txt";
    let payload = ada.upload_with(("x", b"x".to_vec()), json!({ "name": odd })).await;
    let response = ada.get(payload["file"]["url"].as_str().unwrap()).await;
    let disposition = header(&response, "content-disposition").to_owned();
    assert!(disposition.contains("filename*=UTF-8''na%22me%3B%20%C3%BC%2520%F0%9F%98%80.txt"), "{disposition}");
}

async fn ranges_and_conditions_are_answered_by_the_book(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let bytes: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    let file = id(&ada.upload("data.bin", bytes.clone()).await);
    let link = url(&ada, &file, "").await;
    let get = async |headers: &[(&str, &str)]| {
        let mut request = ada.http.get(&link);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    };
    let whole = get(&[]).await;
    let (tag, modified) = (header(&whole, "etag").to_owned(), header(&whole, "last-modified").to_owned());
    assert_eq!(header(&whole, "accept-ranges"), "bytes");
    assert!(tag.starts_with('"') && modified.ends_with("GMT"), "{tag} {modified}");
    for (range, from, to) in [
        ("bytes=0-9", 0, 10),
        ("bytes=199990-", 199_990, 200_000),
        ("bytes=-5", 199_995, 200_000),
        ("bytes=100-999999", 100, 200_000),
    ] {
        let part = get(&[("range", range)]).await;
        assert_eq!(part.status(), 206, "{range}");
        assert_eq!(header(&part, "content-range"), format!("bytes {from}-{}/200000", to - 1));
        assert_eq!(part.bytes().await.unwrap(), bytes[from..to]);
    }
    let beyond = get(&[("range", "bytes=200000-")]).await;
    assert_eq!((beyond.status().as_u16(), header(&beyond, "content-range")), (416, "bytes */200000"));
    assert_eq!(get(&[("range", "lines=1-2")]).await.status(), 200);
    assert_eq!(get(&[("if-none-match", &tag)]).await.status(), 304);
    assert_eq!(get(&[("if-none-match", "\"other\"")]).await.status(), 200);
    assert_eq!(get(&[("if-modified-since", &modified)]).await.status(), 304);
    assert_eq!(get(&[("if-range", &tag), ("range", "bytes=0-0")]).await.status(), 206);
    assert_eq!(get(&[("if-range", "\"other\""), ("range", "bytes=0-0")]).await.status(), 200);
    let head = ada.http.head(&link).send().await.unwrap();
    assert_eq!((head.status().as_u16(), header(&head, "content-length")), (200, "200000"));
    assert_eq!(head.bytes().await.unwrap().len(), 0);
    let empty = id(&ada.upload("empty", "").await);
    let response = ada.get(&url(&ada, &empty, "").await).await;
    assert_eq!((response.status().as_u16(), header(&response, "content-length")), (200, "0"));
}

crate::on_both_back_ends!(
    a_private_file_is_to_strangers_what_an_unknown_one_is,
    a_signed_url_ends_with_its_time_the_file_and_a_change_of_privacy,
    a_public_file_has_a_plain_url_that_ends_when_it_is_taken_back,
    headers_keep_browsers_safe_and_names_whole,
    ranges_and_conditions_are_answered_by_the_book,
);
