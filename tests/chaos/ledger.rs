//! What was sent: known bytes under names of their own, and what became of each.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use rand::{Rng as _, RngCore as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    counts::Counts,
    support::{
        app::{jpeg, transparent_png},
        client::Client,
    },
};

/// An upload, as far as this side knows.
pub struct Sent {
    pub name: String,
    pub sha256: String,
    /// How it has to settle. Null unless it is an image.
    pub status: Option<&'static str>,
    /// When the first byte of it was asked for.
    pub begun: Instant,
    pub answer: Answer,
}

/// What the server said to an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is stored, under this ID.
    Acknowledged(String),
    /// It is not.
    Refused(String),
    /// Nothing.
    Lost,
}

impl Sent {
    pub fn id(&self) -> Option<&str> {
        match &self.answer {
            Answer::Acknowledged(id) => Some(id),
            _ => None,
        }
    }

    pub fn is_image(&self) -> bool {
        self.status.is_some()
    }
}

/// Where bytes come from: the same seed gives the same.
pub struct Source {
    rng: StdRng,
    photos: Arc<Vec<Vec<u8>>>,
}

impl Source {
    pub fn new(seed: u64) -> Self {
        let photos = [(1600, 1200), (900, 1300), (400, 300)];
        let photos = photos.map(|(width, height)| jpeg(width, height, seed.to_le_bytes()[0]));
        Self { rng: StdRng::seed_from_u64(seed), photos: Arc::new(photos.into()) }
    }

    /// Another one, with numbers of its own.
    pub fn branch(&mut self) -> Self {
        Self { rng: StdRng::seed_from_u64(self.rng.next_u64()), photos: Arc::clone(&self.photos) }
    }

    pub fn millis(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.rng.random_range(range))
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.rng.random_range(0..end)
    }

    /// A JPEG that nobody has sent before: a photo with a comment of its own.
    pub fn image(&mut self) -> Vec<u8> {
        let photo = &self.photos[self.rng.random_range(0..self.photos.len())];
        let mut comment = [0; 16];
        self.rng.fill_bytes(&mut comment);
        // Start of image; comment, its length with that of the length; the rest.
        [&photo[..2], &[0xff, 0xfe, 0, 18], &comment, &photo[2..]].concat()
    }

    /// A PNG of which no more than the header and some noise came.
    pub fn damaged(&mut self) -> Vec<u8> {
        let whole = transparent_png(64, 48);
        let mut noise = vec![0; 2000];
        self.rng.fill_bytes(&mut noise);
        // Signature and header take 33 bytes.
        [&whole[..33], &noise].concat()
    }

    pub fn noise(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; self.rng.random_range(1..300_000)];
        self.rng.fill_bytes(&mut bytes);
        if self.rng.random_range(0..LARGE) == 0 {
            // In S3 it comes in parts.
            bytes = bytes.into_iter().cycle().take(6 << 20).collect();
        }
        // No known kind of file begins so.
        bytes[0] = 0;
        bytes
    }
}

/// One file without a picture in so many is large.
const LARGE: usize = 16;
/// One image in so many is damaged.
const DAMAGED: usize = 8;

/// How connections upload.
#[derive(Clone, Copy)]
pub struct Load {
    pub connections: usize,
    /// Of each connection.
    pub files: usize,
    /// One in so many is an image.
    pub images: usize,
    /// The longest that one body stretches over.
    pub pace: Duration,
}

/// Uploads that are under way.
pub struct Uploading {
    lanes: Vec<tokio::task::JoinHandle<Vec<Sent>>>,
    acknowledged: Arc<AtomicU64>,
}

impl Uploading {
    /// Begins, into this folder.
    pub fn start(client: &Client, folder: &str, source: &mut Source, load: Load) -> Self {
        let acknowledged = Arc::<AtomicU64>::default();
        let lanes = (0..load.connections).map(|lane| {
            // Each has connections of its own.
            let client = Client { http: Client::new(&client.url).http, ..client.clone() };
            let (folder, mut source) = (folder.to_owned(), source.branch());
            let acknowledged = Arc::clone(&acknowledged);
            tokio::spawn(async move {
                let mut all = Vec::new();
                for n in 0..load.files {
                    let (status, bytes) = if source.below(load.images) > 0 {
                        (None, source.noise())
                    } else if source.below(DAMAGED) == 0 {
                        (Some("FAILED"), source.damaged())
                    } else {
                        (Some("READY"), source.image())
                    };
                    let pace = source.millis(0..1 + u64::try_from(load.pace.as_millis()).unwrap());
                    let name = format!("{lane}-{n}.{}", if status.is_some() { "img" } else { "bin" });
                    let sent = upload(&client, &folder, name, bytes, pace, status).await;
                    let answer = sent.answer.clone();
                    all.push(sent);
                    match answer {
                        Answer::Acknowledged(_) => acknowledged.fetch_add(1, Ordering::Relaxed),
                        _ => break,
                    };
                }
                all
            })
        });
        Self { lanes: lanes.collect(), acknowledged }
    }

    /// Waits until so many are acknowledged.
    pub async fn reach(&self, count: u64) {
        let deadline = Instant::now() + crate::support::app::PATIENCE;
        while self.acknowledged.load(Ordering::Relaxed) < count {
            assert!(Instant::now() < deadline, "in vain: uploads go on");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Breaks all of them off.
    pub fn abort(self) {
        self.lanes.iter().for_each(tokio::task::JoinHandle::abort);
    }

    /// Waits until everything is sent, or could not be.
    pub async fn all(self) -> Vec<Sent> {
        let mut all = Vec::new();
        for lane in self.lanes {
            all.extend(lane.await.unwrap());
        }
        all
    }
}

async fn upload(
    client: &Client,
    folder: &str,
    name: String,
    bytes: Vec<u8>,
    pace: Duration,
    status: Option<&'static str>,
) -> Sent {
    let sha256 = hex::encode(Sha256::digest(&bytes));
    let query = "mutation($f: Upload!, $p: ID) { upload(input: { file: $f, parentId: $p }) \
                 { file { id sha256 } userErrors { code } } }";
    let operations = json!({ "query": query, "variables": { "f": null, "p": folder } }).to_string();
    let bytes = Bytes::from(bytes);
    let (length, step) = (bytes.len(), bytes.len().div_ceil(8));
    let chunks = (0..8_usize).map(move |n| bytes.slice((n * step).min(length)..((n + 1) * step).min(length)));
    let body = stream::iter(chunks).then(move |chunk| async move {
        tokio::time::sleep(pace / 8).await;
        Ok::<_, std::io::Error>(chunk)
    });
    let part = reqwest::multipart::Part::stream_with_length(reqwest::Body::wrap_stream(body), length as u64);
    let form = reqwest::multipart::Form::new()
        .text("operations", operations)
        .text("map", r#"{"0":["variables.f"]}"#)
        .part("0", part.file_name(name.clone()));
    let begun = Instant::now();
    let request = client.http.post(format!("{}/graphql", client.url)).bearer_auth(client.token.as_ref().unwrap());
    let answer = match request.multipart(form).send().await {
        Ok(response) => response.json::<Value>().await.ok(),
        Err(_) => None,
    };
    let answer = match answer {
        None => Answer::Lost,
        Some(answer) => match answer["data"]["upload"]["file"]["id"].as_str() {
            Some(id) => Answer::Acknowledged(id.to_owned()),
            None => Answer::Refused(answer.to_string()),
        },
    };
    Sent { name, sha256, status, begun, answer }
}

/// What has to be there, and nothing else.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Owned {
    /// Of files and folders.
    pub rows: u64,
    /// Of originals and thumbnails.
    pub blobs: u64,
    /// Jobs that were given up on: one for each image that failed.
    pub buried: u64,
}

/// Compares a folder with what was sent into it, and adds up what it owns. The images have settled.
pub async fn verify(client: &Client, folder: &str, sent: &[Sent], counts: &mut Counts, owned: &mut Owned) {
    let mut rows = rows(client, folder).await;
    owned.rows += 1;
    for sent in sent {
        counts.sent += 1;
        let row = rows.remove(&sent.name);
        if let Some(id) = sent.id() {
            counts.acknowledged += 1;
            let row = row.as_ref().unwrap_or_else(|| panic!("LOST: {} ({id}) was acknowledged", sent.name));
            assert_eq!(row["id"], id, "{}", sent.name);
        }
        let Some(row) = row else {
            counts.absent += 1;
            continue;
        };
        let response = client.get(row["url"].as_str().unwrap()).await;
        assert_eq!(response.status(), 200, "LOST: the bytes of {row}, {:?}", sent.answer);
        let bytes = response.bytes().await.unwrap_or_else(|error| panic!("LOST: bytes of {row}: {error}"));
        assert_eq!(hex::encode(Sha256::digest(&bytes)), sent.sha256, "CHANGED: {row}, {:?}", sent.answer);
        assert_eq!(row["sha256"], *sent.sha256, "CHANGED: {row}");
        if sent.id().is_some() {
            counts.verified += 1;
        } else {
            counts.whole += 1;
        }
        owned.rows += 1;
        owned.blobs += 1;
        assert_eq!(row["thumbnailStatus"].as_str(), sent.status, "{row}");
        if sent.status == Some("FAILED") {
            counts.failed += 1;
            owned.buried += 1;
        }
        if sent.status == Some("READY") {
            counts.images += 1;
            assert_eq!(row["thumbnails"].as_array().unwrap().len(), 3, "{row}");
            for thumbnail in row["thumbnails"].as_array().unwrap() {
                let response = client.get(thumbnail["url"].as_str().unwrap()).await;
                assert_eq!(response.status(), 200, "LOST: a thumbnail of {row}");
                assert_eq!(thumbnail["bytes"], response.bytes().await.unwrap().len(), "{row}");
                owned.blobs += 1;
            }
        }
    }
    assert!(rows.is_empty(), "nobody sent {rows:?}");
}

/// What is in a folder, by name.
pub async fn rows(client: &Client, folder: &str) -> HashMap<String, Value> {
    let query = "query($p: ID, $after: String) { files(parentId: $p, first: 100, after: $after) { \
                 nodes { id name sha256 url thumbnailStatus thumbnails { url bytes } } \
                 pageInfo { hasNextPage endCursor } } }";
    let mut rows = HashMap::new();
    let mut after = Value::Null;
    loop {
        let answer = client.data(query, json!({ "p": folder, "after": after })).await;
        for row in answer["files"]["nodes"].as_array().unwrap() {
            let before = rows.insert(row["name"].as_str().unwrap().to_owned(), row.clone());
            assert!(before.is_none(), "stored twice: {row}, {before:?}");
        }
        let page = &answer["files"]["pageInfo"];
        if page["hasNextPage"] != true {
            return rows;
        }
        after = page["endCursor"].clone();
    }
}
