//! Measures how long people wait for thumbnails: from the answer of an upload to the event, one photo after the other, and
//! many at once. Prints a table in Markdown.
//!
//! `cargo bench --bench ready -- --help`; `tests/load/thumbnails/run` starts it with photos.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../it/support/mod.rs"]
#[allow(dead_code, clippy::pedantic, reason = "only some of it is needed here")]
mod support;

use std::{
    ffi::OsStr,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use clap::Parser;
use futures_util::{StreamExt as _, stream};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use self::support::{
    Backend,
    app::Home,
    client::{Client, Socket},
    program::{self, Killed},
    servers, until,
};

/// How many files a request may carry.
const FILES: usize = 10;
/// How many requests are under way at once.
const CONNECTIONS: usize = 4;
/// What fails the measurement instead of hanging it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Uploads photos to a server of its own, and waits for the events that tell of their thumbnails.
///
/// The server has the default settings, runs on loopback, on a free port, in a folder of its own, and ends with the
/// measurement. What uploads runs on the same machine.
#[derive(Parser)]
#[command(name = "ready")]
struct Arguments {
    /// What to upload, in turns.
    #[arg(required = true)]
    photos: Vec<PathBuf>,
    /// How many photos to upload one by one, each when the one before is ready.
    #[arg(long, default_value_t = 20)]
    one_by_one: usize,
    /// How many photos to upload at once.
    #[arg(long, default_value_t = 200)]
    at_once: usize,
    /// Over MongoDB and Redis instead of the embedded back end (tests/get-servers fetches them).
    #[arg(long)]
    servers: bool,
    /// The program to measure; the one that was built along with this by default.
    #[arg(long, env = "STRONGROOM_BIN")]
    program: Option<PathBuf>,
    /// What cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let backend = if arguments.servers { Backend::Servers } else { Backend::Embedded };
    let home = Home::new(backend);
    let photos: Vec<_> = arguments.photos.iter().map(|path| std::fs::read(path).expect("a photo")).collect();
    let (_server, url) = start(&home, arguments.program);
    let client = Client::new(&url).register("ada@example.org").await;
    let mut events = listen(&client).await;

    // The first ones find caches cold.
    for photo in photos.iter().cycle().take(3) {
        wait_for_one(&client, photo, &mut events).await;
    }
    let mut waits = Vec::new();
    for photo in photos.iter().cycle().take(arguments.one_by_one) {
        waits.push(wait_for_one(&client, photo, &mut events).await);
    }
    waits.sort_by(f64::total_cmp);

    let begun = Instant::now();
    let answered = upload_all(&client, &photos, arguments.at_once, begun);
    let settled = async {
        for _ in 0..arguments.at_once {
            next(&mut events).await;
        }
        begun.elapsed().as_secs_f64()
    };
    let (answered, settled) = tokio::join!(answered, settled);

    let many = arguments.at_once;
    #[allow(clippy::cast_precision_loss, reason = "nobody uploads so many")]
    let rate = many as f64 / settled;
    let stores = if arguments.servers { "MongoDB and Redis" } else { "embedded" };
    println!("Back end: {stores}; release profile, default settings.\n");
    println!("| what | |\n| --- | --: |");
    println!(
        "| from the answer of an upload to the event, {} photos, median | {:.1} ms |",
        waits.len(),
        at(&waits, 0.5)
    );
    println!("| the same, 95th percentile | {:.1} ms |", at(&waits, 0.95));
    println!("| {many} photos at once, from the first byte sent until all are stored | {answered:.1} s |");
    println!("| the same, until all are ready | {settled:.1} s |");
    println!("| the same, images a second | {rate:.1} |");
}

/// Starts the program and waits until it is ready. The settings that make tests quick are left out.
fn start(home: &Home, program: Option<PathBuf>) -> (Killed, String) {
    let port = servers::free_port();
    let usual = program::command(home, port, &["serve"], &[]);
    let program = program.map_or_else(|| usual.get_program().into(), |path| path.canonicalize().expect("the program"));
    let is_quick = |name: &OsStr| {
        ["__THUMBNAILS__", "__ACCOUNTS__ARGON2_"].iter().any(|part| name.to_string_lossy().contains(part))
    };
    let settings = usual.get_envs().filter(|(name, _)| !is_quick(name));
    let child = Command::new(program)
        .args(usual.get_args())
        .env_clear()
        .envs(settings.filter_map(|(name, value)| Some((name, value?))))
        .current_dir(home.dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let child = Killed(child);
    until("the program is ready", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    (child, format!("http://127.0.0.1:{port}"))
}

/// An image that has settled, and when that was heard.
type Event = (String, Instant);

/// Subscribes to the events of this person's images.
async fn listen(client: &Client) -> mpsc::UnboundedReceiver<Event> {
    let mut socket: Socket = client.socket().await;
    socket
        .subscribe("1", "subscription { thumbnailReady { id name thumbnailStatus thumbnails { url } } }", json!({}))
        .await;
    // Answers come in order: with this one's, the subscription stands.
    socket.subscribe("2", "{ limits { pageSize } }", json!({})).await;
    while socket.next().await["type"] != "complete" {}
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let Some(message) = socket.next_within(PATIENCE).await else { continue };
            let now = Instant::now();
            // The server has ended, or ended the subscription: who waits for more is told.
            if message["type"] != "next" {
                return;
            }
            let file = &message["payload"]["data"]["thumbnailReady"];
            assert_eq!(file["thumbnailStatus"], "READY", "{message}");
            let id = file["id"].as_str().expect("an ID").to_owned();
            if sender.send((id, now)).is_err() {
                return;
            }
        }
    });
    receiver
}

async fn next(events: &mut mpsc::UnboundedReceiver<Event>) -> Event {
    tokio::time::timeout(PATIENCE, events.recv()).await.expect("an event in time").expect("the subscription stands")
}

/// Uploads a photo and answers how many milliseconds after the answer it was ready; less than 0 if it was so before.
async fn wait_for_one(client: &Client, photo: &[u8], events: &mut mpsc::UnboundedReceiver<Event>) -> f64 {
    let file = client.upload("photo.jpg", photo).await;
    let answered = Instant::now();
    let (id, ready) = next(events).await;
    assert_eq!(file["id"], id.as_str());
    let wait = ready.saturating_duration_since(answered).as_secs_f64();
    (wait - answered.saturating_duration_since(ready).as_secs_f64()) * 1000.0
}

/// Uploads photos, several in a request and several requests at once. Answers how many seconds after the begin the last
/// answer came.
async fn upload_all(client: &Client, photos: &[Vec<u8>], count: usize, begun: Instant) -> f64 {
    let all: Vec<_> = photos.iter().cycle().take(count).collect();
    let requests = all.chunks(FILES).map(|some| upload_many(client, some));
    stream::iter(requests).buffer_unordered(CONNECTIONS).collect::<Vec<()>>().await;
    begun.elapsed().as_secs_f64()
}

async fn upload_many(client: &Client, photos: &[&Vec<u8>]) {
    let query = "mutation($i: UploadManyInput!) { uploadMany(input: $i) { results { userErrors { message } } } }";
    let names: Vec<_> = (0..photos.len()).map(|part| part.to_string()).collect();
    let input = json!({ "files": vec![json!({ "file": null }); photos.len()] });
    let map: Map<_, _> =
        names.iter().map(|name| (name.clone(), json!([format!("variables.i.files.{name}.file")]))).collect();
    let parts =
        names.iter().zip(photos).map(|(name, photo)| (name.as_str(), ("photo.jpg", (*photo).clone()))).collect();
    let answer = client.multipart(query, json!({ "i": input }), map.into(), parts).await;
    let answer: Value = answer.json().await.expect("JSON");
    let results = answer["data"]["uploadMany"]["results"].as_array().unwrap_or_else(|| panic!("{answer}"));
    assert!(results.iter().all(|result| result["userErrors"] == json!([])), "{answer}");
}

/// Of sorted values: the one that so large a part of them does not pass.
fn at(values: &[f64], part: f64) -> f64 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "between 0 and the number of values"
    )]
    let index = (values.len().saturating_sub(1) as f64 * part).round() as usize;
    values.get(index).copied().unwrap_or(f64::NAN)
}
