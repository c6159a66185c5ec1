//! Two that work on one image, and settlements that nobody announced: one set of thumbnails, one event.

use std::time::Duration;

use fred::{
    interfaces::{ClientLike as _, SortedSetsInterface as _},
    types::{Builder, config::Config},
};
use serde_json::{Value, json};
use strongroom::{
    model::{FileId, Settlement, Thumbnails},
    thumbnails::repair,
};

use super::poison::Renderer;
use crate::support::{
    Backend,
    app::{Home, PATIENCE, TestApp, jpeg},
    client::{Client, Socket},
};

/// Listens for all images of a client.
async fn listen(client: &Client) -> Socket {
    let mut socket = client.socket().await;
    socket.subscribe("all", "subscription { thumbnailReady { id thumbnailStatus } }", json!({})).await;
    assert!(socket.is_silent_for(Duration::from_millis(500)).await, "nothing has happened yet");
    socket
}

/// What is heard of one image until it has been silent for a while.
async fn heard(socket: &mut Socket, image: &str) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        let wait = if events.is_empty() { PATIENCE } else { Duration::from_secs(2) };
        let Ok(message) = tokio::time::timeout(wait, socket.next()).await else { return events };
        let file = &message["payload"]["data"]["thumbnailReady"];
        if message["id"] == "all" && file["id"] == image {
            events.push(file["thumbnailStatus"].clone());
        }
    }
}

async fn settle_by_hand(app: &TestApp, image: &str) {
    let thumbnails = Thumbnails::Failed { reason: "For a test.".to_owned() };
    let settlement = Settlement { width: None, height: None, thumbnails };
    let (file, now): (FileId, _) = (image.parse().unwrap(), app.clock.now());
    let files = &app.instance.app.store.files;
    assert!(files.settle(file, 1, &settlement, now).await.unwrap().is_some(), "the settlement wins");
}

/// Waits until only so many blobs are left.
async fn blobs_left(app: &TestApp, count: usize) {
    let home = app.home.clone();
    let holds = move || home.blob_files().len() == count;
    tokio::task::spawn_blocking(move || crate::support::until("what lost is removed", holds)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_on_one_job_make_one_set_and_one_event() {
    let home = Home::new(Backend::Servers);
    let dir = home.dir.path();
    // The first takes its time, and does not ask for its lease before it is done.
    let slow = Renderer::new(dir, "slow", "sleep 2");
    let quick = Renderer::new(dir, "quick", "sleep 1");
    let ours = [("thumbnails.lease", "30s"), ("thumbnails.slots", "1")];
    let first = TestApp::rendering_with(&slow.program, home.clone(), true, &ours).await;
    let ada = first.user("ada").await;
    let mut socket = listen(&ada).await;
    let photo = ada.upload("photo.jpg", jpeg(300, 200, 1)).await["id"].as_str().unwrap().to_owned();
    slow.wait_for(1).await;
    // The lease ends before its time.
    let redis = Builder::from_config(Config::from_url(&home.redis_url).unwrap()).build().unwrap();
    redis.init().await.unwrap();
    let job = format!("{}:1", photo.parse::<FileId>().unwrap().0);
    let leases = format!("{{{}}}:leases", home.name);
    assert_eq!(redis.zrem::<u32, _, _>(&leases, &job).await.unwrap(), 1, "the first worker has the job");
    redis.zadd::<(), _, _>(&leases, None, None, false, false, (0.0, job)).await.unwrap();
    let _second = TestApp::rendering_with(&quick.program, home, true, &[("thumbnails.slots", "1")]).await;
    quick.wait_for(1).await;

    assert_eq!(heard(&mut socket, &photo).await, ["READY"]);
    blobs_left(&first, 4).await;
    let file = ada.file(&photo).await;
    assert_eq!(file["thumbnails"].as_array().unwrap().len(), 3);
    for thumbnail in file["thumbnails"].as_array().unwrap() {
        assert_eq!(ada.get(thumbnail["url"].as_str().unwrap()).await.status(), 200);
    }
    let depth = first.instance.app.store.jobs.depth().await.unwrap();
    assert_eq!((depth.queued, depth.reserved, depth.delayed, depth.buried), (0, 0, 0, 0));
}

async fn a_worker_that_comes_too_late_leaves_nothing(backend: Backend) {
    let home = Home::new(backend);
    let slow = Renderer::new(home.dir.path(), "slow", "sleep 1");
    let app = TestApp::rendering_with(&slow.program, home, true, &[("thumbnails.slots", "1")]).await;
    let ada = app.user("ada").await;
    let mut socket = listen(&ada).await;
    let photo = ada.upload("photo.jpg", jpeg(300, 200, 1)).await["id"].as_str().unwrap().to_owned();
    slow.wait_for(1).await;
    settle_by_hand(&app, &photo).await;
    // Nobody announced it: the repair round does, once.
    app.clock.advance(Duration::from_secs(10));
    assert_eq!(heard(&mut socket, &photo).await, ["FAILED"]);
    blobs_left(&app, 1).await;
    let file = ada.file(&photo).await;
    assert_eq!(
        (file["thumbnailStatus"].as_str(), file["thumbnailError"].as_str()),
        (Some("FAILED"), Some("For a test."))
    );
}

async fn a_settlement_that_nobody_announced_is_announced_once(backend: Backend) {
    let app = TestApp::idle(backend).await;
    let ada = app.user("ada").await;
    let mut socket = listen(&ada).await;
    let photo = ada.upload("photo.jpg", jpeg(30, 20, 1)).await["id"].as_str().unwrap().to_owned();
    settle_by_hand(&app, &photo).await;
    let store = &app.instance.app.store;
    // It may be on its way still.
    repair::round(store, &app.clock).await.unwrap();
    assert!(socket.is_silent_for(Duration::from_millis(300)).await);
    app.clock.advance(Duration::from_secs(10));
    for _ in 0..3 {
        repair::round(store, &app.clock).await.unwrap();
    }
    assert_eq!(heard(&mut socket, &photo).await, ["FAILED"]);
    // And to those who come later, not at all.
    let mut late = listen(&ada).await;
    repair::round(store, &app.clock).await.unwrap();
    assert!(late.is_silent_for(Duration::from_millis(500)).await);
}

crate::on_both_back_ends!(
    a_worker_that_comes_too_late_leaves_nothing,
    a_settlement_that_nobody_announced_is_announced_once,
);
