//! What a signed-in client does, and how each request may end.

use std::{collections::hash_map::RandomState, hash::BuildHasher as _, time::Instant};

use futures_util::{StreamExt as _, future::join_all, stream};
use reqwest::{Response, StatusCode, multipart};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Running;
use crate::support::{
    app::jpeg,
    client::{Client, Socket},
};

/// So many bytes of the upload that stands still come before it does.
pub const HALF: u64 = 3_000_000;

/// A request that has ended, well or with a clean `SERVICE_UNAVAILABLE`.
#[derive(Debug)]
pub struct Ended {
    pub name: &'static str,
    pub begun: Instant,
    pub at: Instant,
    /// The code of its error.
    refused: Option<String>,
}

impl Ended {
    pub fn is_done(&self) -> bool {
        self.refused.is_none()
    }

    fn done(name: &'static str, begun: Instant) -> Self {
        Self { name, begun, at: Instant::now(), refused: None }
    }

    /// With these `errors`, which have to be clean.
    fn refused(name: &'static str, begun: Instant, errors: &Value) -> Self {
        let at = Instant::now();
        for error in errors.as_array().unwrap_or_else(|| panic!("{name}: no errors in {errors}")) {
            assert_eq!(error["extensions"]["code"], "SERVICE_UNAVAILABLE", "{name} after {:?}: {errors}", at - begun);
        }
        let text = errors.to_string().to_lowercase();
        for leak in
            ["mongo", "redis", "127.0.0.1", "/tmp", "/data", "os error", "socket", "refused", "topology", "fred"]
        {
            assert!(!text.contains(leak), "{name} tells {leak:?}: {text}");
        }
        Self { name, begun, at, refused: Some(errors.to_string()) }
    }
}

/// Runs an operation; its data has to be good.
pub async fn graphql(
    client: &Client,
    name: &'static str,
    query: &str,
    variables: Value,
    good: impl Fn(&Value) -> bool,
) -> Ended {
    let begun = Instant::now();
    let response = client.post(query, variables).await;
    judge(name, begun, response, good).await.0
}

async fn judge(
    name: &'static str,
    begun: Instant,
    response: Response,
    good: impl Fn(&Value) -> bool,
) -> (Ended, Value) {
    let status = response.status();
    let text = response.text().await.unwrap();
    let mut answer: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{name}: {status} {text}"));
    if answer.get("errors").is_some() {
        return (Ended::refused(name, begun, &answer["errors"]), Value::Null);
    }
    let data = answer["data"].take();
    assert!(status == 200 && good(&data), "{name}: {status} {data}");
    (Ended::done(name, begun), data)
}

/// Uploads; answers the ID and hash of what was acknowledged.
pub async fn upload(client: &Client, name: &'static str, bytes: Vec<u8>) -> (Ended, Option<(String, String)>) {
    let sha256 = hex::encode(Sha256::digest(&bytes));
    let begun = Instant::now();
    let map = json!({ "0": ["variables.f"] });
    let response = client.multipart(UPLOAD, json!({ "f": null }), map, vec![("0", ("file", bytes))]).await;
    acknowledged(judge(name, begun, response, |data| data["upload"]["file"]["id"].is_string()).await, sha256)
}

const UPLOAD: &str = "mutation($f: Upload!) { upload(input: { file: $f }) { file { id owner { id } parent { id } url } \
                      userErrors { code } } }";

fn acknowledged((ended, data): (Ended, Value), sha256: String) -> (Ended, Option<(String, String)>) {
    let id = data["upload"]["file"]["id"].as_str().map(|id| (id.to_owned(), sha256));
    (ended, id)
}

/// Uploads half a file, waits for the word, and uploads the rest.
pub async fn standing_upload(
    client: Client,
    rest: tokio::sync::oneshot::Receiver<()>,
) -> (Ended, Option<(String, String)>) {
    let half = bytes::Bytes::from(vec![7; HALF as usize]);
    let sha256 = hex::encode(Sha256::digest([&half[..], &half[..]].concat()));
    let (first, second) = (half.clone(), half);
    let body = stream::once(async move { Ok::<_, std::io::Error>(first) }).chain(stream::once(async move {
        rest.await.unwrap();
        Ok(second)
    }));
    let operations = json!({ "query": UPLOAD, "variables": { "f": null } }).to_string();
    let part = multipart::Part::stream(reqwest::Body::wrap_stream(body)).file_name("standing");
    let form = multipart::Form::new().text("operations", operations).text("map", r#"{"0":["variables.f"]}"#);
    let begun = Instant::now();
    let request = client.http.post(format!("{}/graphql", client.url)).bearer_auth(client.token.as_ref().unwrap());
    let response = request.multipart(form.part("0", part)).send().await.unwrap();
    let good = |data: &Value| data["upload"]["file"]["id"].is_string();
    acknowledged(judge("upload cut in two", begun, response, good).await, sha256)
}

/// Subscribes on a socket that was open before the fault.
pub async fn subscribe_on(socket: &mut Socket, image: &str) -> Ended {
    let name = "subscription on an open socket";
    let begun = Instant::now();
    let id = RandomState::new().hash_one(begun).to_string();
    let query = "subscription($id: ID) { thumbnailReady(fileId: $id) { id thumbnailStatus } }";
    socket.subscribe(&id, query, json!({ "id": image })).await;
    let mut ended = None;
    loop {
        let message = socket.next().await;
        assert!(message.get("id").is_none_or(|it| it == id.as_str()), "{message}");
        let errors = match message["type"].as_str() {
            Some("next") => message["payload"].get("errors").cloned(),
            Some("error") => Some(message["payload"].clone()),
            Some("complete") => return ended.unwrap_or_else(|| panic!("completed without an event")),
            _ => panic!("{name}: {message}"),
        };
        let is_last = message["type"] == "error";
        let now = match errors {
            Some(errors) => Ended::refused(name, begun, &errors),
            None => {
                assert_eq!(message["payload"]["data"]["thumbnailReady"]["id"], image, "{message}");
                Ended::done(name, begun)
            }
        };
        if is_last {
            return now;
        }
        ended = Some(now);
    }
}

/// Opens a socket and subscribes.
async fn subscribe(client: &Client, image: &str) -> Ended {
    let name = "subscription on a new socket";
    let begun = Instant::now();
    let mut socket = client.raw_socket().await;
    let payload = json!({ "Authorization": format!("Bearer {}", client.token.as_ref().unwrap()) });
    socket.send(json!({ "type": "connection_init", "payload": payload })).await;
    let answer = socket.next().await;
    if answer["type"] == "connection_ack" {
        return Ended { name, begun, ..subscribe_on(&mut socket, image).await };
    }
    // "Try again later": all that a close frame can say.
    assert_eq!(answer, json!({ "close": 1013 }), "{name}");
    Ended { refused: Some("1013".to_owned()), ..Ended::done(name, begun) }
}

/// Files that requests are about.
#[derive(Clone)]
pub struct Ground {
    private: Value,
    pub image: String,
    doomed: String,
    published: String,
}

const PRIVATE: &[u8] = b"for my eyes only";

impl Ground {
    pub async fn prepare(client: &Client) -> Self {
        let id = |file: Value| file["id"].as_str().unwrap().to_owned();
        let image = id(client.upload("photo.jpg", jpeg(300, 200, 1)).await);
        assert_eq!(client.settled(&image).await["thumbnailStatus"], "READY");
        Self {
            private: client.upload("private.txt", PRIVATE).await,
            image,
            doomed: id(client.upload("doomed.txt", "doomed").await),
            published: id(client.upload("published.txt", "published").await),
        }
    }

    /// Sends one of each, all at once.
    pub async fn every_request(&self, client: &Client) -> Vec<Ended> {
        let signed = self.private["url"].as_str().unwrap();
        let plain = format!("{}/files/{}", client.url, self.private["id"].as_str().unwrap());
        let anon = Client { token: None, ..client.clone() };
        let requests: Vec<Running<'_>> = vec![
            Box::pin(graphql(client, "viewer", "{ viewer { id email usage { bytes } } }", json!({}), |data| {
                data["viewer"]["id"] == client.id
            })),
            Box::pin(graphql(
                client,
                "files",
                "{ files(first: 3) { totalCount nodes { id owner { id } parent { id } } } }",
                json!({}),
                |data| data["files"]["nodes"].as_array().is_some_and(|nodes| nodes.len() == 3),
            )),
            Box::pin(async { upload(client, "upload", b"some bytes".to_vec()).await.0 }),
            Box::pin(graphql(
                &anon,
                "login",
                "mutation($i: LoginInput!) { login(input: $i) { token userErrors { code } } }",
                json!({ "i": { "email": client.email, "password": Client::PASSWORD } }),
                |data| data["login"]["token"].is_string(),
            )),
            Box::pin(graphql(
                client,
                "createFolder",
                "mutation { createFolder(input: { name: \"folder\" }) { folder { id } userErrors { code } } }",
                json!({}),
                |data| data["createFolder"]["folder"]["id"].is_string(),
            )),
            Box::pin(graphql(
                client,
                "delete",
                "mutation($id: ID!) { delete(input: { fileId: $id }) { deletedFileId userErrors { code } } }",
                json!({ "id": self.doomed }),
                |data| {
                    // It may be gone since an earlier try that nobody answered.
                    let gone = data["delete"]["userErrors"][0]["code"] == "NOT_FOUND";
                    gone || data["delete"]["deletedFileId"] == self.doomed.as_str()
                },
            )),
            Box::pin(graphql(
                client,
                "setPublic",
                "mutation($id: ID!) { setPublic(input: { fileId: $id, isPublic: true }) { file { isPublic } \
                 userErrors { code } } }",
                json!({ "id": self.published }),
                |data| data["setPublic"]["file"]["isPublic"] == true,
            )),
            Box::pin(download(client, "download by bearer", plain)),
            Box::pin(download(&anon, "download by signed URL", signed.to_owned())),
            Box::pin(subscribe(client, &self.image)),
        ];
        join_all(requests).await
    }
}

async fn download(client: &Client, name: &'static str, url: String) -> Ended {
    let begun = Instant::now();
    let response = client.get(&url).await;
    let status = response.status();
    let bytes = response.bytes().await.unwrap();
    if status == 200 {
        assert_eq!(bytes, PRIVATE, "{name}");
        return Ended::done(name, begun);
    }
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{name}: {}", String::from_utf8_lossy(&bytes));
    let answer: Value = serde_json::from_slice(&bytes).unwrap();
    Ended::refused(name, begun, &answer["errors"])
}
