//! Thumbnails and their news, end to end: the queue, the worker, the subscription.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde_json::{Value, json};
use strongroom::{
    config::ThumbnailsConfig,
    error::Result,
    model::{FileId, ProcessId, Settlement, Thumbnails, UserId},
    service::Leftovers,
    shutdown::Shutdown,
    store::{Event, Events, JobKey, News, QueueDepth, Settled, Store},
    telemetry::Metrics,
    thumbnails::{
        pool::{RenderOptions, Renderers},
        worker::Worker,
    },
};
use tokio::sync::Semaphore;

use crate::support::{
    Backend,
    app::{Home, PATIENCE, PROGRAM, TestApp, codes, jpeg, transparent_png},
    client::{Client, FILE, Socket},
    servers::start_redis,
};

fn id(file: &Value) -> String {
    file["id"].as_str().unwrap_or_else(|| panic!("no ID in {file}")).to_owned()
}

async fn subscribe(client: &Client, file: Option<&str>) -> Socket {
    let mut socket = client.socket().await;
    let query = format!("subscription($id: ID) {{ thumbnailReady(fileId: $id) {{ ...F }} }} {FILE}");
    socket.subscribe("1", &query, json!({ "id": file })).await;
    socket
}

/// Subscribes to all images, and returns once the subscription listens. Nothing says so by itself: news of a canary, told
/// again and again, is heard exactly once as soon as it does.
async fn listen(app: &TestApp, client: &Client) -> Socket {
    let canary = id(&client.upload("canary.jpg", jpeg(20, 20, 0)).await);
    client.settled(&canary).await;
    let store = &app.instance.app.store;
    let file: FileId = canary.parse().unwrap();
    let owner = store.files.get(file).await.unwrap().unwrap().owner;
    let mut socket = subscribe(client, None).await;
    loop {
        store.events.publish(&Event::Settled(Settled { file, owner, generation: 1 })).await.unwrap();
        if let Some(message) = socket.next_within(Duration::from_millis(50)).await {
            assert_eq!(event(&message)["id"], canary.as_str());
            return socket;
        }
    }
}

fn event(message: &Value) -> &Value {
    assert_eq!(message["type"], "next", "{message}");
    &message["payload"]["data"]["thumbnailReady"]
}

/// Settles an image as a worker would.
async fn settle(app: &TestApp, file: &str, generation: u32) {
    let store = &app.instance.app.store;
    let file: FileId = file.parse().unwrap();
    let thumbnails = Thumbnails::Failed { reason: "For a test.".to_owned() };
    let settlement = Settlement { width: None, height: None, thumbnails };
    let now = app.clock.now();
    let row = store.files.settle(file, generation, &settlement, now).await.unwrap().expect("the settlement wins");
    store.events.publish(&Event::Settled(Settled { file, owner: row.owner, generation })).await.unwrap();
    store.files.announced(file, generation).await.unwrap();
}

async fn thumbnails_of_an_opaque_image_are_jpegs_in_three_sizes(backend: Backend) {
    let app = TestApp::start(backend).await;
    let ada = app.user("ada").await;
    let uploaded = ada.upload("photo.jpg", jpeg(1200, 800, 3)).await;
    let file = ada.settled(&id(&uploaded)).await;
    assert_eq!(file["thumbnailStatus"], "READY");
    assert_eq!((file["width"].as_u64(), file["height"].as_u64()), (Some(1200), Some(800)));
    assert_eq!(file["updatedAt"], uploaded["updatedAt"]);
    assert!(file["thumbhash"].as_str().unwrap().len() >= 20);
    let sizes: Vec<_> = file["thumbnails"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| (t["size"].as_str().unwrap(), t["width"].as_u64().unwrap(), t["height"].as_u64().unwrap()))
        .collect();
    assert_eq!(sizes, [("SMALL", 100, 67), ("MEDIUM", 250, 167), ("LARGE", 500, 333)]);
    assert_eq!(file["thumbnail"]["size"], "MEDIUM");
    for thumbnail in file["thumbnails"].as_array().unwrap() {
        let response = app.anon().get(thumbnail["url"].as_str().unwrap()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "image/jpeg");
        let bytes = response.bytes().await.unwrap();
        let decoded = image::load_from_memory(&bytes).unwrap();
        assert_eq!(
            (u64::from(decoded.width()), u64::from(decoded.height())),
            (thumbnail["width"].as_u64().unwrap(), thumbnail["height"].as_u64().unwrap())
        );
    }
    assert_eq!(app.home.blob_files().len(), 4);
}

async fn thumbnails_keep_transparency(backend: Backend) {
    let app = TestApp::start(backend).await;
    let ada = app.user("ada").await;
    let file = ada.settled(&id(&ada.upload("logo.png", transparent_png(600, 300)).await)).await;
    let url = file["thumbnail"]["url"].as_str().unwrap();
    let bytes = ada.get(url).await.bytes().await.unwrap();
    let decoded = image::load_from_memory(&bytes).unwrap().to_rgba8();
    assert_eq!((decoded.get_pixel(10, 10)[3], decoded.get_pixel(240, 10)[3]), (0, 255));
}

async fn a_damaged_or_enormous_image_is_stored_and_fails_with_a_reason(backend: Backend) {
    let app = TestApp::start(backend).await;
    let ada = app.user("ada").await;
    let truncated = &transparent_png(300, 300)[..40];
    // A PNG whose header claims four gigapixels.
    let mut enormous = transparent_png(8, 8);
    enormous[16..24].copy_from_slice(&[0, 0, 0xf7, 0x00, 0, 0, 0xff, 0xff]);
    let crc = {
        let mut crc = u32::MAX;
        for byte in &enormous[12..29] {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        !crc
    };
    enormous[29..33].copy_from_slice(&crc.to_be_bytes());
    for (name, bytes) in [("truncated.png", truncated.to_vec()), ("enormous.png", enormous)] {
        let uploaded = ada.upload(name, bytes.clone()).await;
        assert_eq!(uploaded["kind"], "IMAGE", "{name}");
        let file = ada.settled(&id(&uploaded)).await;
        assert_eq!(file["thumbnailStatus"], "FAILED", "{name}");
        let reason = file["thumbnailError"].as_str().unwrap();
        assert!(reason.len() > 10 && reason.ends_with('.') && !reason.contains('/'), "{reason}");
        assert_eq!(file["thumbnails"], json!([]));
        assert_eq!(file["thumbnail"], Value::Null);
        assert_eq!(ada.get(file["url"].as_str().unwrap()).await.bytes().await.unwrap(), bytes);
    }
    let query = "{ viewer { files(filter: { thumbnailStatus: FAILED }) { totalCount } } }";
    assert_eq!(ada.data(query, json!({})).await["viewer"]["files"]["totalCount"], 2);
    // The job is buried just after the news.
    let jobs = &app.instance.app.store.jobs;
    let deadline = Instant::now() + PATIENCE;
    while jobs.buried(10).await.unwrap().len() < 2 {
        assert!(Instant::now() < deadline, "the jobs are not buried");
        tokio::task::yield_now().await;
    }
}

async fn a_retry_makes_the_thumbnails_once_more(backend: Backend) {
    let app = TestApp::start(backend).await;
    let ada = app.user("ada").await;
    let photo = id(&ada.upload("photo.jpg", jpeg(300, 200, 3)).await);
    let first = ada.settled(&photo).await;
    let retry = async |file: &str| {
        ada.mutate("retryThumbnails", "RetryThumbnailsInput", "file { ...F }", json!({ "fileId": file })).await
    };
    let mut socket = listen(&app, &ada).await;
    let retried = retry(&photo).await;
    assert_eq!(codes(&retried), [""; 0]);
    let ready = event(&socket.next().await).clone();
    assert_eq!(ready["thumbnailStatus"], "READY");
    assert_eq!(ready["thumbhash"], first["thumbhash"]);
    let home = app.home.clone();
    tokio::task::spawn_blocking(move || {
        crate::support::until("old thumbnails go, the canary stays", || home.blob_files().len() == 8);
    })
    .await
    .unwrap();
    let text = id(&ada.upload("text.txt", "x").await);
    assert_eq!(codes(&retry(&text).await), ["BAD_USER_INPUT"]);
}

async fn while_thumbnails_are_pending_a_retry_changes_nothing(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let photo = id(&ada.upload("photo.jpg", jpeg(30, 20, 3)).await);
    let before = ada.file(&photo).await;
    let retried =
        ada.mutate("retryThumbnails", "RetryThumbnailsInput", "file { ...F }", json!({ "fileId": photo })).await;
    assert_eq!(retried["file"], before);
    assert_eq!(app.instance.app.store.jobs.depth().await.unwrap().queued, 1);
}

async fn a_subscriber_of_one_image_gets_one_event_and_the_end(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let photo = id(&ada.upload("photo.jpg", jpeg(30, 20, 3)).await);
    let mut before = subscribe(&ada, Some(&photo)).await;
    assert!(before.is_silent_for(Duration::from_millis(200)).await);
    settle(&app, &photo, 1).await;
    let file = event(&before.next().await).clone();
    assert_eq!((file["id"].as_str(), file["thumbnailStatus"].as_str()), (Some(photo.as_str()), Some("FAILED")));
    assert_eq!(before.next().await["type"], "complete");
    // Subscribing late gets the same.
    let mut after = subscribe(&ada, Some(&photo)).await;
    assert_eq!(event(&after.next().await), &file);
    assert_eq!(after.next().await["type"], "complete");
}

async fn subscribing_at_any_moment_misses_nothing(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    for round in 0..20 {
        let photo = id(&ada.upload("photo.jpg", jpeg(30, 20, round)).await);
        let (mut socket, ()) = tokio::join!(subscribe(&ada, Some(&photo)), settle(&app, &photo, 1));
        assert_eq!(event(&socket.next().await)["id"], photo.as_str());
        assert_eq!(socket.next().await["type"], "complete");
    }
}

async fn a_subscriber_of_all_images_gets_each_settlement_once(backend: Backend) {
    let app = TestApp::start(backend).await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let mut socket = listen(&app, &ada).await;
    bob.upload("other.jpg", jpeg(30, 20, 9)).await;
    let mut expected = Vec::new();
    for n in 0..5 {
        expected.push(id(&ada.upload("photo.jpg", jpeg(60, 40, n)).await));
    }
    let mut heard = Vec::new();
    while heard.len() < expected.len() {
        heard.push(id(event(&socket.next().await)));
    }
    heard.sort();
    expected.sort();
    assert_eq!(heard, expected);
    // Announced again, as after a crash between the settlement and its note: nobody hears it twice.
    let store = &app.instance.app.store;
    let file: FileId = expected[0].parse().unwrap();
    let owner = store.files.get(file).await.unwrap().unwrap().owner;
    store.events.publish(&Event::Settled(Settled { file, owner, generation: 1 })).await.unwrap();
    assert!(socket.is_silent_for(Duration::from_millis(500)).await);
}

async fn a_subscription_ends_without_an_event_when_the_image_is_deleted(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let folder = ada.folder("folder", None).await;
    let alone = id(&ada.upload("a.jpg", jpeg(30, 20, 1)).await);
    let inside = id(&ada.upload_into(&folder, "b.jpg", jpeg(30, 20, 1)).await);
    let mut sockets = [subscribe(&ada, Some(&alone)).await, subscribe(&ada, Some(&inside)).await];
    for socket in &mut sockets {
        assert!(socket.is_silent_for(Duration::from_millis(200)).await);
    }
    ada.delete(&alone).await;
    ada.delete(&folder).await;
    for socket in &mut sockets {
        assert_eq!(socket.next().await, json!({ "type": "complete", "id": "1" }));
    }
}

async fn subscribing_to_what_is_no_image_of_ones_own_is_not_found(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let theirs = id(&bob.upload("a.jpg", jpeg(30, 20, 1)).await);
    let public = id(&bob.upload("b.jpg", jpeg(30, 20, 1)).await);
    bob.set_public(&public, true).await;
    let text = id(&ada.upload("a.txt", "x").await);
    let folder = ada.folder("folder", None).await;
    for file in ["f_AAAAAAAAAAAAAAAAAAAAAA", "nonsense", &ada.id, &theirs, &public, &text, &folder] {
        let mut socket = subscribe(&ada, Some(file)).await;
        let message = socket.next().await;
        let error = if message["type"] == "error" { &message["payload"][0] } else { &message["payload"]["errors"][0] };
        assert_eq!(error["extensions"]["code"], "NOT_FOUND", "{file}: {message}");
        if message["type"] == "next" {
            assert_eq!(socket.next().await["type"], "complete");
        }
    }
    let mut anon = subscribe(&app.anon(), None).await;
    let message = anon.next().await;
    assert!(message.to_string().contains("UNAUTHENTICATED"), "{message}");
}

async fn deleting_while_a_thumbnail_is_made_brings_nothing_back(backend: Backend) {
    let app = TestApp::start(backend).await;
    let ada = app.user("ada").await;
    for round in 0..8 {
        let photo = id(&ada.upload("photo.jpg", jpeg(800, 600, round)).await);
        tokio::time::sleep(Duration::from_millis(u64::from(round) * 15)).await;
        assert_eq!(codes(&ada.delete(&photo).await), [""; 0]);
        assert_eq!(ada.file(&photo).await, Value::Null);
    }
    // The janitor and the worker go on until nothing is left.
    let home = app.home.clone();
    tokio::task::spawn_blocking(move || crate::support::until("all bytes go", || home.blob_files().is_empty()))
        .await
        .unwrap();
}

async fn one_job_delivered_ten_times_makes_one_set_and_one_event(backend: Backend) {
    let app = TestApp::start(backend).await;
    let ada = app.user("ada").await;
    let mut socket = listen(&app, &ada).await;
    let photo = id(&ada.upload("photo.jpg", jpeg(500, 400, 1)).await);
    let job = JobKey { file: photo.parse().unwrap(), generation: 1 };
    let jobs = &app.instance.app.store.jobs;
    for _ in 0..10 {
        jobs.enqueue(job).await.unwrap();
        // Until a worker has dealt with it, one more would not be another delivery.
        let deadline = Instant::now() + PATIENCE;
        while jobs.depth().await.unwrap() != QueueDepth::default() {
            assert!(Instant::now() < deadline, "the job is not dealt with");
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(event(&socket.next().await)["id"], photo.as_str());
    assert!(socket.is_silent_for(Duration::from_millis(500)).await);
    assert_eq!(ada.file(&photo).await["thumbnailStatus"], "READY");
    assert_eq!(app.home.blob_files().len(), 8);
}

/// News of which the first is held up.
struct HeldUp {
    events: Arc<dyn Events>,
    held: AtomicBool,
    gate: Semaphore,
}

#[async_trait]
impl Events for HeldUp {
    async fn publish(&self, event: &Event) -> Result<()> {
        if !self.held.swap(true, Ordering::SeqCst) {
            let _open = self.gate.acquire().await.unwrap();
        }
        self.events.publish(event).await
    }

    async fn listen(&self, owner: UserId) -> Result<BoxStream<'static, News>> {
        self.events.listen(owner).await
    }
}

async fn the_next_image_is_rendered_while_the_one_before_is_stored_and_announced(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let images = [1, 2].map(|seed| ada.upload("photo.jpg", jpeg(300, 200, seed)));
    let images = futures_util::future::join_all(images).await;
    let held = HeldUp {
        events: Arc::clone(&app.instance.app.store.events),
        held: AtomicBool::new(false),
        gate: Semaphore::new(0),
    };
    let held = Arc::new(held);
    let store = Store { events: Arc::clone(&held) as Arc<dyn Events>, ..app.instance.app.store.clone() };
    let settings = ThumbnailsConfig { slots: 1, ..app.instance.app.config.thumbnails.clone() };
    let renderers = Renderers::new(PROGRAM.into(), 1, RenderOptions::default());
    let (clock, random) = (app.clock.clone(), app.instance.app.random.clone());
    let process = ProcessId(random.uuid());
    let leftovers = Leftovers::new(store.clone(), process, Duration::ZERO, clock.clone(), random.clone());
    let shutdown = Shutdown::new();
    let worker = Worker::new(store, renderers, Arc::new(leftovers), settings, clock, random, Metrics::new());
    Arc::new(worker).start(&shutdown);
    for image in &images {
        assert_eq!(ada.settled(&id(image)).await["thumbnailStatus"], "READY");
    }
    // One job is done with, the other is still in the worker's hands.
    let jobs = &app.instance.app.store.jobs;
    assert_eq!(jobs.depth().await.unwrap().queued, 0);
    assert!(jobs.depth().await.unwrap().reserved > 0);
    held.gate.add_permits(1);
    let deadline = Instant::now() + PATIENCE;
    while jobs.depth().await.unwrap() != QueueDepth::default() {
        assert!(Instant::now() < deadline, "the held up job is not completed");
        tokio::task::yield_now().await;
    }
    shutdown.begin();
    shutdown.finished().await;
}

async fn images_of_a_queue_that_was_lost_are_found_again(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let photo = id(&ada.upload("photo.jpg", jpeg(300, 200, 1)).await);
    let store = app.instance.app.store.clone();
    let job = store.jobs.reserve(Duration::from_secs(5)).await.unwrap().expect("a job");
    store.jobs.complete(&job).await.unwrap();
    assert_eq!(store.jobs.depth().await.unwrap().queued, 0);
    app.clock.advance(Duration::from_secs(60));
    strongroom::thumbnails::repair::round(&store, &app.clock).await.unwrap();
    let again = store.jobs.reserve(Duration::from_secs(5)).await.unwrap().expect("the job again");
    assert_eq!(again.key.file.to_string(), photo);
    // What is in a worker's hands is not queued twice.
    strongroom::thumbnails::repair::round(&store, &app.clock).await.unwrap();
    assert_eq!(store.jobs.depth().await.unwrap().queued, 0);
}

async fn an_image_that_too_many_workers_were_lost_with_fails(backend: Backend) {
    let settings = [("thumbnails.lease", "200ms"), ("thumbnails.losses_alone", "1"), ("thumbnails.losses_failed", "3")];
    // Two losses are nobody's fault: it is rendered, alone. The third is one too many.
    for (losses, status) in [(2, "READY"), (3, "FAILED")] {
        let app = TestApp::on(Home::new(backend), false, &settings).await;
        let ada = app.user("ada").await;
        let image = id(&ada.upload("image.jpg", jpeg(60, 40, 1)).await);
        let jobs = &app.instance.app.store.jobs;
        for _ in 0..losses {
            jobs.reserve(PATIENCE).await.unwrap().expect("the job");
            // Nobody renews the lease: it is as if the worker had died.
            let deadline = Instant::now() + PATIENCE;
            while jobs.reap().await.unwrap() == 0 {
                assert!(Instant::now() < deadline, "the lease does not end");
                tokio::task::yield_now().await;
            }
        }
        app.instance.start();
        let file = ada.settled(&image).await;
        assert_eq!(file["thumbnailStatus"], status, "{losses} losses: {file}");
        assert_eq!(file["thumbnailError"].as_str().is_some_and(|it| it.contains("again and again")), losses == 3);
    }
}

crate::on_both_back_ends!(
    an_image_that_too_many_workers_were_lost_with_fails,
    thumbnails_of_an_opaque_image_are_jpegs_in_three_sizes,
    thumbnails_keep_transparency,
    a_damaged_or_enormous_image_is_stored_and_fails_with_a_reason,
    a_retry_makes_the_thumbnails_once_more,
    while_thumbnails_are_pending_a_retry_changes_nothing,
    a_subscriber_of_one_image_gets_one_event_and_the_end,
    subscribing_at_any_moment_misses_nothing,
    a_subscriber_of_all_images_gets_each_settlement_once,
    a_subscription_ends_without_an_event_when_the_image_is_deleted,
    subscribing_to_what_is_no_image_of_ones_own_is_not_found,
    deleting_while_a_thumbnail_is_made_brings_nothing_back,
    one_job_delivered_ten_times_makes_one_set_and_one_event,
    the_next_image_is_rendered_while_the_one_before_is_stored_and_announced,
    images_of_a_queue_that_was_lost_are_found_again,
);

/// Redis may lose everything, and be away for a while: subscribers still hear of what settled meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_redis_misses_no_settlement() {
    let (redis, redis_url) = start_redis(None);
    let port = redis_url.rsplit(':').next().unwrap().parse().unwrap();
    let home = Home { redis_url, ..Home::new(Backend::Servers) };
    let app = TestApp::on(home, false, &[]).await;
    let ada = app.user("ada").await;
    let photo = id(&ada.upload("photo.jpg", jpeg(30, 20, 1)).await);
    let other = id(&ada.upload("other.jpg", jpeg(30, 20, 2)).await);
    let mut one = subscribe(&ada, Some(&photo)).await;
    let mut all = subscribe(&ada, None).await;
    assert!(one.is_silent_for(Duration::from_millis(300)).await);
    redis.stop();
    // Settled while nobody can be told.
    let store = &app.instance.app.store;
    for file in [&photo, &other] {
        let thumbnails = Thumbnails::Failed { reason: "For a test.".to_owned() };
        let settlement = Settlement { width: None, height: None, thumbnails };
        let now = app.clock.now();
        store.files.settle(file.parse().unwrap(), 1, &settlement, now).await.unwrap().expect("it wins");
    }
    let (_redis, _) = start_redis(Some(port));
    assert_eq!(event(&one.next().await)["id"], photo.as_str());
    assert_eq!(one.next().await["type"], "complete");
    let mut heard = vec![id(event(&all.next().await)), id(event(&all.next().await))];
    heard.sort();
    let mut expected = vec![photo, other];
    expected.sort();
    assert_eq!(heard, expected);
}

/// On the embedded back end one process serves a data folder: there is no other to connect to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_reaches_a_client_of_another_process() {
    let home = Home::new(Backend::Servers);
    let one = TestApp::on(home.clone(), false, &[]).await;
    let other = TestApp::on(home, true, &[]).await;
    let ada = one.user("ada").await;
    let photo = id(&ada.upload("photo.jpg", jpeg(300, 200, 1)).await);
    let there = Client { url: other.url.clone(), ..ada.clone() };
    let (here, there) = tokio::join!(ada.settled(&photo), there.settled(&photo));
    assert_eq!(here["thumbnailStatus"], "READY");
    assert_eq!(there["thumbhash"], here["thumbhash"]);
}
