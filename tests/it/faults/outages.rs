//! MongoDB or Redis refuses, hangs, or is cut off, while a signed-in client goes on: every request ends in time, with its
//! result or a clean `SERVICE_UNAVAILABLE`; no upload is partial; service is back soon after theirs.

mod requests;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use fred::{interfaces::ClientLike as _, types::Builder, types::config::Config as RedisConfig};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use strongroom::{
    model::{ProcessId, Random},
    thumbnails::repair,
};
use tempfile::TempDir;

use self::requests::{Ended, Ground, graphql};
use crate::support::{
    Backend,
    app::{Home, PATIENCE, TestApp, error_code, jpeg},
    client::Client,
    proxy::Proxy,
    servers::{Server, free_port, start_mongodb_in, start_redis, start_redis_with},
};

/// A request ends within 6 s of the fault; a slow machine gets three times that.
const END: Duration = Duration::from_secs(18);
/// Service is back within 5 s of the server's return; the same.
const BACK: Duration = Duration::from_secs(15);
/// After this, on the application's clock, it is decided what becomes of bytes that have no row.
const DECIDED: Duration = Duration::from_secs(121);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    MongoDb,
    Redis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Killed: connections break, new ones are refused.
    Gone,
    /// Connections stay open, and not a byte passes.
    Frozen,
    /// It does what it is asked, and no answer comes back.
    Mute,
    /// Every answer breaks off in the middle, and its connection with it.
    Cutting,
    /// Everything arrives late.
    Delayed,
    /// Few bytes a second pass.
    Throttled,
}

/// A server of the test's own that things can happen to.
struct Victim {
    which: Which,
    fault: Fault,
    port: u16,
    data: TempDir,
    server: Option<Server>,
    proxy: Proxy,
}

impl Victim {
    async fn start(which: Which, fault: Fault) -> Self {
        let (port, data) = (free_port(), tempfile::tempdir().unwrap());
        let proxy = Proxy::start(format!("127.0.0.1:{port}")).await;
        let mut victim = Self { which, fault, port, data, server: None, proxy };
        victim.run().await;
        victim
    }

    async fn run(&mut self) {
        let (which, port, data) = (self.which, self.port, self.data.path().to_owned());
        let start = move || match which {
            Which::MongoDb => start_mongodb_in(port, &data),
            Which::Redis => {
                let dir = data.display().to_string();
                start_redis_with(port, &["--appendonly", "yes", "--appendfsync", "always", "--dir", &dir])
            }
        };
        self.server = Some(tokio::task::spawn_blocking(start).await.unwrap());
    }

    fn home(&self) -> Home {
        // One that is killed is spoken to without the proxy, which would accept connections for it.
        let port = if self.fault == Fault::Gone { self.port } else { self.proxy.port };
        let home = Home::new(Backend::Servers);
        match self.which {
            Which::MongoDb => {
                Home { mongodb_url: format!("mongodb://127.0.0.1:{port}/?directConnection=true"), ..home }
            }
            Which::Redis => Home { redis_url: format!("redis://127.0.0.1:{port}"), ..home },
        }
    }

    async fn strike(&mut self) {
        match self.fault {
            Fault::Gone => {
                let server = self.server.take().unwrap();
                tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
            }
            Fault::Frozen => self.proxy.freeze(),
            Fault::Mute => self.proxy.mute(),
            Fault::Cutting => self.proxy.cut(),
            Fault::Delayed => self.proxy.delay(),
            Fault::Throttled => self.proxy.throttle(),
        }
    }

    async fn mend(&mut self) {
        match self.fault {
            Fault::Gone => self.run().await,
            _ => self.proxy.thaw(),
        }
    }
}

/// What was acknowledged: files by their hash.
type Kept = HashMap<String, String>;

/// How long requests took, counted from the fault where they were under way then.
#[derive(Default)]
struct Times(Vec<(&'static str, Duration)>);

impl Times {
    fn add(&mut self, ended: &[Ended], struck: Instant) {
        for one in ended {
            self.0.push((one.name, one.at.saturating_duration_since(struck.max(one.begun))));
        }
    }

    /// The longest, all of them being short enough.
    fn longest(&self) -> (&'static str, Duration) {
        let longest = self.0.iter().max_by_key(|(_, time)| *time).copied().expect("there were requests");
        assert!(longest.1 < END, "{} took {:?}", longest.0, longest.1);
        longest
    }
}

async fn outage(which: Which, fault: Fault) {
    let mut victim = Victim::start(which, fault).await;
    let app = TestApp::on(victim.home(), true, &[]).await;
    let ada = app.user("ada").await;
    let ground = Ground::prepare(&ada).await;
    for ended in ground.every_request(&ada).await {
        assert!(ended.is_done(), "before the fault: {ended:?}");
    }
    let mut socket = ada.socket().await;

    // What is under way when it happens: lanes of uploads, and one whose body stands still until then.
    let stop = Arc::new(AtomicBool::new(false));
    let lanes: Vec<_> =
        (0..3).map(|lane| tokio::spawn(lane_of_uploads(ada.clone(), lane, Arc::clone(&stop)))).collect();
    let (go_on, rest) = tokio::sync::oneshot::channel();
    let standing = tokio::spawn(requests::standing_upload(ada.clone(), rest));
    let home = app.home.clone();
    let arrived = move || {
        crate::support::until("bytes arrive", || home.blob_files().iter().any(|it| size(it) > requests::HALF / 3));
    };
    tokio::task::spawn_blocking(arrived).await.unwrap();
    let under_way = tokio::spawn({
        let (ada, ground) = (ada.clone(), ground.clone());
        async move { ground.every_request(&ada).await }
    });

    victim.strike().await;
    let struck = Instant::now();
    go_on.send(()).unwrap();
    let mut times = Times::default();
    let mut failed = 0;
    for _ in 0..2 {
        let (ended, subscribed, ()) = tokio::join!(
            ground.every_request(&ada),
            requests::subscribe_on(&mut socket, &ground.image),
            names_the_victim(&ada, which),
        );
        failed += ended.iter().filter(|one| !one.is_done()).count();
        times.add(&ended, struck);
        times.add(&[subscribed], struck);
    }
    assert!(failed > 0, "nothing failed: there was no outage");
    times.add(&under_way.await.unwrap(), struck);
    let (standing, standing_file) = standing.await.unwrap();
    times.add(&[standing], struck);

    victim.mend().await;
    let mended = Instant::now();
    loop {
        let ended = ground.every_request(&ada).await;
        let ready = ada.http.get(format!("{}/readyz", ada.url)).send().await.unwrap().status();
        if ended.iter().all(Ended::is_done) && ready == 200 {
            break;
        }
        let missing: Vec<_> = ended.iter().filter(|one| !one.is_done()).collect();
        assert!(mended.elapsed() < BACK, "service is not back; ready: {ready}; {missing:?}");
    }
    let back = mended.elapsed();
    stop.store(true, Ordering::SeqCst);
    let mut kept = Kept::from_iter(standing_file);
    for lane in lanes {
        let (ended, acknowledged) = lane.await.unwrap();
        times.add(&ended, struck);
        kept.extend(acknowledged);
    }
    let (name, longest) = times.longest();
    let count = times.0.len();
    println!("{which:?} {fault:?}: {count} requests, the longest {longest:.2?} ({name}); back after {back:.2?}");
    nothing_is_partial(&app, &ada, &kept).await;
}

fn size(path: &std::path::Path) -> u64 {
    std::fs::metadata(path).map_or(0, |data| data.len())
}

/// Uploads one file after the other, a text or an image, until told to stop.
async fn lane_of_uploads(ada: Client, lane: u8, stop: Arc<AtomicBool>) -> (Vec<Ended>, Kept) {
    let (mut all, mut kept) = (Vec::new(), Kept::new());
    for n in 0_u32.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let bytes =
            if lane == 0 { jpeg(60, 40, n as u8) } else { format!("lane {lane}, file {n}").repeat(2000).into() };
        let (ended, file) = requests::upload(&ada, "upload under way", bytes).await;
        kept.extend(file);
        all.push(ended);
        // Not so fast that everything else waits for this lane.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    (all, kept)
}

/// `/readyz` tells which back end it is, `/healthz` that the process lives.
async fn names_the_victim(ada: &Client, which: Which) {
    let get = async |path: &str| ada.http.get(format!("{}{path}", ada.url)).send().await.unwrap();
    let begun = Instant::now();
    assert_eq!(get("/healthz").await.status(), 200);
    assert!(begun.elapsed() < Duration::from_secs(1), "/healthz waits for a back end");
    let response = get("/readyz").await;
    assert_eq!(response.status(), 503);
    assert!(begun.elapsed() < END, "/readyz took {:?}", begun.elapsed());
    let answer: Value = response.json().await.unwrap();
    let of = |name: &str| {
        let backends = answer["backends"].as_object().unwrap();
        backends.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).unwrap_or_else(|| panic!("{answer}")).1.clone()
    };
    let (down, up) = if which == Which::MongoDb { ("mongodb", "redis") } else { ("redis", "mongodb") };
    assert_eq!((of(down), of(up), of("disk")), (json!("unavailable"), json!("ok"), json!("ok")), "{answer}");
}

/// Every file that is listed is whole, everything acknowledged is listed, and in the end no byte and no note is left that
/// belongs to nothing.
async fn nothing_is_partial(app: &TestApp, ada: &Client, kept: &Kept) {
    let deadline = Instant::now() + PATIENCE;
    let files = loop {
        let files = listed(ada).await;
        if files.values().all(|file| file["thumbnailStatus"] != "PENDING") {
            break files;
        }
        assert!(Instant::now() < deadline, "images are pending for ever");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    for (id, sha256) in kept {
        assert_eq!(files.get(id).map(|file| &file["sha256"]), Some(&json!(sha256)), "{id} was acknowledged");
    }
    let mut blobs = 0;
    for (id, file) in &files {
        if file["kind"] == "FOLDER" {
            continue;
        }
        let bytes = ada.get(file["url"].as_str().unwrap()).await.bytes().await.unwrap();
        assert_eq!(hex::encode(Sha256::digest(&bytes)), file["sha256"].as_str().unwrap(), "{id}");
        assert_ne!(file["thumbnailStatus"], "FAILED", "{id} is a good image");
        blobs += 1 + file["thumbnails"].as_array().unwrap().len();
    }
    app.clock.advance(DECIDED);
    let store = &app.instance.app.store;
    loop {
        let cleared = app.instance.janitor.round().await;
        let notes = store.reservations.abandoned(ProcessId(Random::system().uuid()), Duration::ZERO, 10).await.unwrap();
        let left = app.home.blob_files().len();
        if cleared.is_ok() && left == blobs && notes.is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "{left} blobs for {blobs} that rows own, notes: {notes:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// All files of the client by ID.
async fn listed(ada: &Client) -> HashMap<String, Value> {
    let query = "query($after: String) { viewer { files(first: 100, after: $after) { pageInfo { hasNextPage endCursor } \
                 nodes { id kind sha256 url thumbnailStatus thumbnails { size } } } } }";
    let (mut all, mut after) = (HashMap::new(), Value::Null);
    loop {
        let page = ada.data(query, json!({ "after": after })).await["viewer"]["files"].take();
        for file in page["nodes"].as_array().unwrap() {
            all.insert(file["id"].as_str().unwrap().to_owned(), file.clone());
        }
        if page["pageInfo"]["hasNextPage"] == false {
            return all;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

/// One that is slow is no outage: everything is done, in time.
async fn slowness(which: Which, fault: Fault) {
    let mut victim = Victim::start(which, fault).await;
    let app = TestApp::on(victim.home(), true, &[]).await;
    let ada = app.user("ada").await;
    let ground = Ground::prepare(&ada).await;
    victim.strike().await;
    let struck = Instant::now();
    let mut times = Times::default();
    let mut kept = Kept::new();
    for n in 0..2 {
        let (ended, (uploaded, file)) =
            tokio::join!(ground.every_request(&ada), requests::upload(&ada, "an image", jpeg(60, 40, n)),);
        for one in ended.iter().chain([&uploaded]) {
            assert!(one.is_done(), "{one:?}");
        }
        times.add(&ended, struck);
        times.add(&[uploaded], struck);
        kept.extend(file);
    }
    assert_eq!(ada.http.get(format!("{}/readyz", ada.url)).send().await.unwrap().status(), 200);
    let ((name, longest), count) = (times.longest(), times.0.len());
    println!("{which:?} {fault:?}: {count} requests, the longest {longest:.2?} ({name})");
    victim.mend().await;
    nothing_is_partial(&app, &ada, &kept).await;
}

macro_rules! with {
    ($how:ident; $($rule:ident: $which:ident $fault:ident;)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $rule() {
            $how(Which::$which, Fault::$fault).await;
        })*
    };
}

with! {
    slowness;
    requests_are_done_when_mongodb_is_delayed: MongoDb Delayed;
    requests_are_done_when_mongodb_is_throttled: MongoDb Throttled;
    requests_are_done_when_redis_is_delayed: Redis Delayed;
    requests_are_done_when_redis_is_throttled: Redis Throttled;
}

with! {
    outage;
    requests_end_in_time_when_mongodb_is_gone: MongoDb Gone;
    requests_end_in_time_when_mongodb_is_frozen: MongoDb Frozen;
    requests_end_in_time_when_mongodb_is_mute: MongoDb Mute;
    requests_end_in_time_when_mongodb_is_cut_off: MongoDb Cutting;
    requests_end_in_time_when_redis_is_gone: Redis Gone;
    requests_end_in_time_when_redis_is_frozen: Redis Frozen;
    requests_end_in_time_when_redis_is_mute: Redis Mute;
    requests_end_in_time_when_redis_is_cut_off: Redis Cutting;
}

/// However many mutations a request holds, and however many lookups an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_with_much_to_do_ends_in_time_too() {
    let mut victim = Victim::start(Which::MongoDb, Fault::Frozen).await;
    let app = TestApp::on(victim.home(), false, &[]).await;
    let ada = app.user("ada").await;
    victim.strike().await;
    let folder = |n: u8| format!("f{n}: createFolder(input: {{ name: \"{n}\" }}) {{ userErrors {{ code }} }} ");
    let folders: Vec<String> = (0..8).map(folder).collect();
    let struck = Instant::now();
    let ended =
        graphql(&ada, "eight mutations", &format!("mutation {{ {} }}", folders.concat()), json!({}), |_| true).await;
    assert!(!ended.is_done());
    let mut times = Times::default();
    times.add(&[ended], struck);
    println!("eight mutations on a frozen MongoDB: {:.2?}", times.longest().1);
}

async fn flush(url: &str) {
    let client = Builder::from_config(RedisConfig::from_url(url).unwrap()).build().unwrap();
    client.init().await.unwrap();
    client.flushall::<()>(false).await.unwrap();
}

/// The promise is 30 s with the default interval, which this test has too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_redis_loses_everything_pending_images_settle_and_sessions_end() {
    let (_redis, redis_url) = tokio::task::spawn_blocking(|| start_redis(None)).await.unwrap();
    let home = Home { redis_url: redis_url.clone(), ..Home::new(Backend::Servers) };
    let app = TestApp::on(home.clone(), false, &[]).await;
    let ada = app.user("ada").await;
    let mut images = Vec::new();
    for n in 0..5 {
        images.push(ada.upload("photo.jpg", jpeg(300, 200, n)).await["id"].as_str().unwrap().to_owned());
    }
    flush(&redis_url).await;
    let lost = Instant::now();
    assert_eq!(app.instance.app.store.jobs.depth().await.unwrap().queued, 0);
    let _worker = TestApp::on(home, true, &[("thumbnails.repair_interval", "15s")]).await;

    let answer = ada.gql("{ files { nodes { id } } }", json!({})).await;
    assert_eq!(error_code(&answer), "UNAUTHENTICATED");
    assert_eq!(ada.data("{ viewer { id } }", json!({})).await["viewer"], Value::Null);
    let ada = ada.login().await;
    for image in &images {
        let file = tokio::time::timeout(Duration::from_secs(30), ada.settled(image)).await.expect("it settles");
        assert_eq!(file["thumbnailStatus"], "READY");
    }
    println!("after FLUSHALL five images settled within {:.2?}", lost.elapsed());
    assert!(lost.elapsed() < Duration::from_secs(30), "{:?}", lost.elapsed());
}

/// What a repair round cannot do now it does later, and not twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repair_round_while_redis_is_mute_fails_and_the_next_one_mends() {
    let mut victim = Victim::start(Which::Redis, Fault::Mute).await;
    let app = TestApp::on(victim.home(), false, &[]).await;
    let ada = app.user("ada").await;
    ada.upload("photo.jpg", jpeg(30, 20, 1)).await;
    let store = &app.instance.app.store;
    flush(&format!("redis://127.0.0.1:{}", victim.port)).await;
    app.clock.advance(Duration::from_secs(10));
    victim.strike().await;
    assert!(repair::round(store, &app.clock).await.is_err());
    victim.mend().await;
    let deadline = Instant::now() + BACK;
    while repair::round(store, &app.clock).await.is_err() {
        assert!(Instant::now() < deadline, "the repair round fails for ever");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(store.jobs.depth().await.unwrap().queued, 1);
}

/// The type of a request under way.
type Running<'a> = std::pin::Pin<Box<dyn Future<Output = Ended> + Send + 'a>>;
