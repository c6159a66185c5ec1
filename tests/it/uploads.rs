//! Uploads: the GraphQL multipart request, its limits, and what a refused one leaves behind: nothing.

use std::io::{Read as _, Write as _};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{
    Backend,
    app::{TestApp, codes, error_code, jpeg},
    client::{Client, FILE, raw_connection},
};

const UPLOAD: &str =
    "mutation($input: UploadInput!) { upload(input: $input) { file { id name } userErrors { code message field } } }";

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

async fn nothing_is_left(app: &TestApp, user: &Client) {
    app.purge().await;
    assert_eq!(app.home.blob_files(), Vec::<std::path::PathBuf>::new());
    let usage = user.data("{ viewer { usage { fileCount bytes } files { totalCount } } }", json!({})).await;
    assert_eq!(usage["viewer"], json!({ "usage": { "fileCount": 0, "bytes": 0 }, "files": { "totalCount": 0 } }));
}

async fn a_file_keeps_its_bytes_and_tells_what_it_is(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    let file = ada.upload("data.bin", bytes.clone()).await;
    assert_eq!(file["kind"], "FILE");
    assert_eq!(file["size"], 300_000);
    assert_eq!(file["sha256"], hash(&bytes).as_str());
    assert_eq!(file["mediaType"], "application/octet-stream");
    assert_eq!(file["isPublic"], false);
    assert_eq!(file["thumbnailStatus"], Value::Null);
    assert_eq!(file["thumbnails"], json!([]));
    let response = ada.http.get(file["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.bytes().await.unwrap(), bytes);
    let text = ada.upload("photo.png", "only a text").await;
    assert_eq!((text["kind"].as_str(), text["mediaType"].as_str()), (Some("FILE"), Some("text/plain")));
    let image = ada.upload("holiday.txt", jpeg(40, 30, 0)).await;
    assert_eq!((image["kind"].as_str(), image["mediaType"].as_str()), (Some("IMAGE"), Some("image/jpeg")));
    assert_eq!(image["thumbnailStatus"], "PENDING");
    let empty = ada.upload("empty", "").await;
    assert_eq!((empty["size"].as_u64(), empty["sha256"].as_str()), (Some(0), Some(hash(b"").as_str())));
}

async fn a_checksum_given_by_the_client_is_checked(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let wrong = ada.upload_with(("a.txt", b"hello".to_vec()), json!({ "sha256": hash(b"other") })).await;
    assert_eq!(codes(&wrong), ["CHECKSUM_MISMATCH"]);
    assert_eq!(wrong["file"], Value::Null);
    let malformed = ada.upload_with(("a.txt", b"hello".to_vec()), json!({ "sha256": "abc" })).await;
    assert_eq!(codes(&malformed), ["BAD_USER_INPUT"]);
    nothing_is_left(&app, &ada).await;
    let right = ada.upload_with(("a.txt", b"hello".to_vec()), json!({ "sha256": hash(b"hello").to_uppercase() })).await;
    assert_eq!(codes(&right), [""; 0]);
}

async fn names_are_kept_or_refused(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    for name in ["", " ", ".", "..", "a/b", "///", "a\\b", "a\u{0}b", "a\nb", "a\u{202e}b", &"x".repeat(256)] {
        let payload = ada.upload_with(("part.txt", b"x".to_vec()), json!({ "name": name })).await;
        assert_eq!(codes(&payload), ["BAD_USER_INPUT"], "{name:?}");
        assert_eq!(payload["userErrors"][0]["field"], json!(["input", "name"]));
    }
    nothing_is_left(&app, &ada).await;
    let path = ada.upload("../../etc/passwd", "x").await;
    assert_eq!(path["name"], "passwd");
    let strange = ada.upload_with(("x", b"x".to_vec()), json!({ "name": "Cafe\u{301} \"\u{645}\" %41;.txt" })).await;
    assert_eq!(strange["file"]["name"], "Caf\u{e9} \"\u{645}\" %41;.txt");
    // Two files may bear one name.
    assert_ne!(ada.upload("twin", "1").await["id"], ada.upload("twin", "2").await["id"]);
}

async fn a_file_too_large_is_refused_in_an_answer_the_client_can_read(backend: Backend) {
    let app = TestApp::with(backend, &[("limits.upload_bytes", "1000000")]).await;
    let ada = app.user("ada").await;
    let payload = ada.upload_with(("big.bin", vec![7; 1_000_001]), json!({})).await;
    assert_eq!(codes(&payload), ["FILE_TOO_LARGE"]);
    assert_eq!(payload["userErrors"][0]["field"], json!(["input", "file"]));
    nothing_is_left(&app, &ada).await;
    assert_eq!(ada.upload("fits.bin", vec![7; 1_000_000]).await["size"], 1_000_000);
}

async fn of_many_files_one_that_fails_does_not_hold_back_the_others(backend: Backend) {
    let app = TestApp::with(backend, &[("limits.upload_bytes", "1000")]).await;
    let ada = app.user("ada").await;
    let query = format!(
        "mutation($input: UploadManyInput!) {{ uploadMany(input: $input) {{ results {{ file {{ ...F }} \
         userErrors {{ code field }} }} userErrors {{ code }} }} }} {FILE}"
    );
    let item = |name: Option<&str>, sha256: Option<&str>| json!({ "file": null, "name": name, "sha256": sha256 });
    let variables = json!({ "input": { "isPublic": true, "files": [
        item(None, None), item(Some("a/b"), None), item(None, None), item(None, Some(&hash(b"else"))), item(Some("last"), None),
    ] } });
    let map: serde_json::Map<String, Value> =
        (0..5).map(|n| (n.to_string(), json!([format!("variables.input.files.{n}.file")]))).collect();
    let parts = vec![
        ("0", ("first", b"1".to_vec())),
        ("1", ("x", b"2".to_vec())),
        ("2", ("large", vec![0; 5000])),
        ("3", ("sum", b"4".to_vec())),
        ("4", ("x", b"5".to_vec())),
    ];
    let answer: Value = ada.multipart(&query, variables, map.into(), parts).await.json().await.unwrap();
    let results = answer["data"]["uploadMany"]["results"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let all: Vec<_> = results.iter().map(codes).collect();
    assert_eq!(all, [vec![], vec!["BAD_USER_INPUT"], vec!["FILE_TOO_LARGE"], vec!["CHECKSUM_MISMATCH"], vec![]]);
    assert_eq!(results[1]["userErrors"][0]["field"], json!(["input", "files", "1", "name"]));
    assert_eq!(results[2]["userErrors"][0]["field"], json!(["input", "files", "2", "file"]));
    assert_eq!(results[0]["file"]["isPublic"], true);
    assert_eq!(ada.names(None).await, ["first", "last"]);
    app.purge().await;
    assert_eq!(app.home.blob_files().len(), 2);
}

async fn one_part_at_two_places_is_two_files(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let query = "mutation($a: UploadInput!, $b: UploadInput!) { \
                 a: upload(input: $a) { file { id sha256 } userErrors { code } } \
                 b: upload(input: $b) { file { id sha256 url } userErrors { code } } }";
    let variables = json!({ "a": { "file": null, "name": "a" }, "b": { "file": null, "name": "b" } });
    let map = json!({ "0": ["variables.a.file", "variables.b.file"] });
    let bytes = vec![42; 100_000];
    let answer: Value =
        ada.multipart(query, variables, map, vec![("0", ("x", bytes.clone()))]).await.json().await.unwrap();
    let (a, b) = (&answer["data"]["a"]["file"], &answer["data"]["b"]["file"]);
    assert_ne!(a["id"], b["id"], "{answer}");
    ada.delete(a["id"].as_str().unwrap()).await;
    app.purge().await;
    let kept = ada.get(b["url"].as_str().unwrap()).await;
    assert_eq!(kept.bytes().await.unwrap(), bytes);
    assert_eq!(app.home.blob_files().len(), 1);
    // One variable used twice in the document is the same thing.
    let query = "mutation($f: Upload!) { a: upload(input: { file: $f, name: \"c\" }) { userErrors { code } } \
                 b: upload(input: { file: $f, name: \"d\" }) { userErrors { code } } }";
    let map = json!({ "0": ["variables.f"] });
    let answer: Value =
        ada.multipart(query, json!({ "f": null }), map, vec![("0", ("x", bytes))]).await.json().await.unwrap();
    assert_eq!(answer["data"], json!({ "a": { "userErrors": [] }, "b": { "userErrors": [] } }), "{answer}");
    assert_eq!(ada.names(None).await, ["b", "c", "d"]);
}

async fn one_part_does_not_become_more_files_than_a_request_may_have(backend: Backend) {
    let app = TestApp::with(backend, &[("limits.upload_files", "2")]).await;
    let ada = app.user("ada").await;
    let one =
        |name: &str| format!("{name}: upload(input: {{ file: $f, name: \"{name}\" }}) {{ userErrors {{ code }} }} ");
    let query = format!("mutation($f: Upload!) {{ {} }}", ["a", "b", "c"].map(one).concat());
    let map = json!({ "0": ["variables.f"] });
    let answer: Value =
        ada.multipart(&query, json!({ "f": null }), map, vec![("0", ("x", b"x".to_vec()))]).await.json().await.unwrap();
    assert_eq!(codes(&answer["data"]["c"]), ["BAD_USER_INPUT"], "{answer}");
    assert_eq!(ada.names(None).await, ["a", "b"]);
}

async fn a_forged_upload_is_refused(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    for forged in ["#__graphql_file__:99", "#__graphql_file__:0", ":0", "0", "x:0", ""] {
        // The shape of a ticket helps nobody who does not know its number, in a request with files neither.
        let ticket = json!({ "part": forged });
        let answer = ada.gql(UPLOAD, json!({ "input": { "file": ticket } })).await;
        assert_eq!(codes(&answer["data"]["upload"]), ["BAD_USER_INPUT"], "{forged}: {answer}");
        let query = "mutation($f: Upload!, $g: Upload!) { upload(input: { file: $f }) { userErrors { code } } \
                     other: upload(input: { file: $g, sha256: \"0\" }) { userErrors { code } } }";
        let variables = json!({ "f": ticket, "g": null });
        let map = json!({ "0": ["variables.g"] });
        let answer = ada.multipart(query, variables, map, vec![("0", ("x", b"x".to_vec()))]).await;
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(codes(&answer["data"]["upload"]), ["BAD_USER_INPUT"], "{forged}: {answer}");
    }
    for no_upload in
        [json!("#__graphql_file__:0"), json!("x:0"), json!(7), json!({}), json!(["x"]), json!({ "part": 0 })]
    {
        let answer = ada.gql(UPLOAD, json!({ "input": { "file": no_upload } })).await;
        assert_eq!(error_code(&answer), "BAD_USER_INPUT", "{no_upload}: {answer}");
        assert!(answer.get("data").is_none(), "{no_upload}: {answer}");
    }
    nothing_is_left(&app, &ada).await;
}

async fn malformed_multipart_requests_are_refused_and_leave_nothing(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let operations = json!({ "query": UPLOAD, "variables": { "input": { "file": null } } }).to_string();
    let map = r#"{"0":["variables.input.file"]}"#;
    let batch = format!("[{operations}]");
    let file = ("0", "x", "bytes");
    type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, Vec<(&'a str, &'a str, &'a str)>);
    let cases: Vec<Case<'_>> = vec![
        ("no operations", vec![("map", map)], vec![file]),
        ("no map", vec![("operations", &operations)], vec![file]),
        ("map first", vec![("map", map), ("operations", &operations)], vec![file]),
        ("no parts", vec![("operations", &operations), ("map", map)], vec![]),
        ("a part twice", vec![("operations", &operations), ("map", map)], vec![file, file]),
        ("batch", vec![("operations", &batch), ("map", r#"{"0":["0.variables.input.file"]}"#)], vec![file]),
        ("map is no object", vec![("operations", &operations), ("map", r#"["variables.input.file"]"#)], vec![file]),
        ("map of a text", vec![("operations", &operations), ("map", r#"{"0":"variables.input.file"}"#)], vec![file]),
        ("path elsewhere", vec![("operations", &operations), ("map", r#"{"0":["query"]}"#)], vec![file]),
        ("path to nowhere", vec![("operations", &operations), ("map", r#"{"0":["variables.x.file"]}"#)], vec![file]),
        ("path to no null", vec![("operations", &operations), ("map", r#"{"0":["variables.input"]}"#)], vec![file]),
        (
            "huge index",
            vec![("operations", &operations), ("map", r#"{"0":["variables.input.file.4294967295"]}"#)],
            vec![file],
        ),
        ("prototype", vec![("operations", &operations), ("map", r#"{"0":["variables.__proto__.file"]}"#)], vec![file]),
        (
            "path twice",
            vec![("operations", &operations), ("map", r#"{"0":["variables.input.file","variables.input.file"]}"#)],
            vec![file],
        ),
        ("operations is no JSON", vec![("operations", "{"), ("map", map)], vec![file]),
        ("map is no JSON", vec![("operations", &operations), ("map", "{")], vec![file]),
    ];
    for (case, fields, files) in cases {
        let mut form = reqwest::multipart::Form::new();
        for (name, value) in fields {
            form = form.text(name.to_owned(), value.to_owned());
        }
        for (part, name, bytes) in files {
            let bytes = reqwest::multipart::Part::bytes(bytes.as_bytes().to_vec()).file_name(name.to_owned());
            form = form.part(part.to_owned(), bytes);
        }
        let request = ada.http.post(format!("{}/graphql", app.url)).bearer_auth(ada.token.as_ref().unwrap());
        let response = request.multipart(form).send().await.unwrap();
        assert_eq!(response.status(), 400, "{case}");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(error_code(&answer), "BAD_REQUEST", "{case}: {answer}");
        assert!(answer["errors"][0]["message"].as_str().unwrap().len() > 10, "{case}: {answer}");
        nothing_is_left(&app, &ada).await;
    }
}

/// The head of a multipart request, and the beginning of its body up to the file's bytes.
fn multipart_head(app: &TestApp, token: Option<&str>, length: u64) -> (String, String) {
    let operations = json!({ "query": UPLOAD, "variables": { "input": { "file": null } } });
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{operations}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n{{\"0\":[\"variables.input.file\"]}}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"0\"; filename=\"x.bin\"\r\n\r\n"
    );
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let host = app.url.trim_start_matches("http://");
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: {host}\r\nGraphQL-Preflight: 1\r\n{authorization}\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}\r\n\r\n"
    );
    (head, body)
}

fn status_of(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

async fn strangers_and_oversized_requests_are_refused_before_the_body_is_read(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let token = ada.token.clone();
    for (token, length, status, code) in [
        (None, 1000, "401", "UNAUTHENTICATED"),
        (Some("forged"), 1000, "401", "UNAUTHENTICATED"),
        (token.as_deref(), 10 * 104_857_600 + (2 << 20) + 1, "413", "FILE_TOO_LARGE"),
    ] {
        let (head, _) = multipart_head(&app, token, length);
        let url = app.url.clone();
        // Not one byte of the body is sent.
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = raw_connection(&url);
            stream.write_all(head.as_bytes()).unwrap();
            let mut answer = vec![0; 16 * 1024];
            let read = stream.read(&mut answer).unwrap();
            String::from_utf8_lossy(&answer[..read]).into_owned()
        })
        .await
        .unwrap();
        assert_eq!(status_of(&answer), status, "{answer}");
        assert!(answer.contains(code), "{answer}");
    }
}

async fn without_a_preflight_header_a_multipart_request_is_refused(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let form = reqwest::multipart::Form::new().text("operations", "{}").text("map", "{}");
    let response = app.anon().http.post(format!("{}/graphql", app.url)).multipart(form).send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(error_code(&response.json().await.unwrap()), "BAD_REQUEST");
}

async fn an_upload_that_breaks_off_leaves_nothing(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let (head, body) = multipart_head(&app, ada.token.as_deref(), 50_000_000);
    let url = app.url.clone();
    let blobs = app.home.clone();
    tokio::task::spawn_blocking(move || {
        let mut stream = raw_connection(&url);
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        stream.write_all(&vec![1; 3_000_000]).unwrap();
        // Bytes are on their way into the store before the client goes away.
        crate::support::until("bytes arrive", || !blobs.blob_files().is_empty());
    })
    .await
    .unwrap();
    let home = app.home.clone();
    tokio::task::spawn_blocking(move || crate::support::until("nothing is left", || home.blob_files().is_empty()))
        .await
        .unwrap();
    nothing_is_left(&app, &ada).await;
}

async fn a_parent_that_is_no_folder_of_the_viewer_is_refused(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let others = bob.folder("others", None).await;
    let file = ada.upload("file", "x").await["id"].as_str().unwrap().to_owned();
    for (parent, code) in [
        ("f_AAAAAAAAAAAAAAAAAAAAAA", "NOT_FOUND"),
        ("nonsense", "NOT_FOUND"),
        (ada.id.as_str(), "NOT_FOUND"),
        (others.as_str(), "NOT_FOUND"),
        (file.as_str(), "NOT_A_FOLDER"),
    ] {
        let payload = ada.upload_with(("x", b"x".to_vec()), json!({ "parentId": parent })).await;
        assert_eq!(codes(&payload), [code], "{parent}");
        assert_eq!(payload["userErrors"][0]["field"], json!(["input", "parentId"]));
    }
    app.purge().await;
    assert_eq!(app.home.blob_files().len(), 1);
}

crate::on_both_back_ends!(
    a_file_keeps_its_bytes_and_tells_what_it_is,
    a_checksum_given_by_the_client_is_checked,
    names_are_kept_or_refused,
    a_file_too_large_is_refused_in_an_answer_the_client_can_read,
    of_many_files_one_that_fails_does_not_hold_back_the_others,
    one_part_at_two_places_is_two_files,
    one_part_does_not_become_more_files_than_a_request_may_have,
    a_forged_upload_is_refused,
    malformed_multipart_requests_are_refused_and_leave_nothing,
    strangers_and_oversized_requests_are_refused_before_the_body_is_read,
    without_a_preflight_header_a_multipart_request_is_refused,
    an_upload_that_breaks_off_leaves_nothing,
    a_parent_that_is_no_folder_of_the_viewer_is_refused,
);
