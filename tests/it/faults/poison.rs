//! Images that exhaust, hang or kill what renders them take nothing else with them.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::samples::bare_bitmap;
use crate::support::{
    Backend,
    app::{Home, PROGRAM, TestApp, jpeg},
    client::Client,
    until,
};

/// A program that notes the process ID of each renderer, does something first, and becomes the real one.
pub struct Renderer {
    pub program: PathBuf,
    started: PathBuf,
}

impl Renderer {
    /// `first`: what each process does before it renders, as a shell would; `$started` are the IDs of all so far.
    pub fn new(dir: &Path, name: &str, first: &str) -> Self {
        let (program, started) = (dir.join(name), dir.join(format!("{name}.started")));
        let text = format!(
            "#!/bin/sh\nPATH=/usr/bin:/bin\nstarted={}\necho $$ >>$started\n{first}\nexec {PROGRAM} \"$@\"\n",
            started.display(),
        );
        std::fs::write(&program, text).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { program, started }
    }

    /// The processes that were started so far.
    pub fn started(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.started).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits until so many have been started.
    pub async fn wait_for(&self, count: usize) -> Vec<String> {
        let started = self.started.clone();
        let there = move || std::fs::read_to_string(&started).unwrap_or_default().lines().count() >= count;
        tokio::task::spawn_blocking(move || until("a renderer is started", there)).await.unwrap();
        self.started()
    }
}

fn id(file: &Value) -> &str {
    file["id"].as_str().unwrap()
}

async fn failed_with_a_reason(client: &Client, file: &Value) {
    let settled = client.settled(id(file)).await;
    assert_eq!(settled["thumbnailStatus"], "FAILED", "{settled}");
    let reason = settled["thumbnailError"].as_str().unwrap();
    assert!(reason.len() > 20 && reason.ends_with('.') && !reason.contains('/'), "{reason}");
    // The original is as good as ever.
    assert_eq!(client.get(settled["url"].as_str().unwrap()).await.status(), 200);
}

async fn an_image_beyond_the_memory_limit_fails_and_others_are_ready(backend: Backend) {
    let home = Home::new(backend);
    let renderer = Renderer::new(home.dir.path(), "renderer", ":");
    // Time is no matter here, on however slow a machine.
    let patient = ("thumbnails.deadline", "60s");
    let settings = [("thumbnails.memory", "67108864"), ("thumbnails.slots", "1"), patient];
    let app = TestApp::rendering_with(&renderer.program, home, true, &settings).await;
    let ada = app.user("ada").await;
    let vast = ada.upload("vast.bmp", bare_bitmap(8_000, 7_500)).await;
    let good = ada.upload("good.jpg", jpeg(300, 200, 1)).await;
    let (settled, ()) = tokio::join!(ada.settled(id(&good)), failed_with_a_reason(&ada, &vast));
    assert_eq!(settled["thumbnailStatus"], "READY");
    // What it needs is known before it is tried, and costs no process.
    assert_eq!(renderer.started().len(), 1);
    assert!(ada.data("{ viewer { id } }", json!({})).await["viewer"]["id"].is_string());
    // Where there is more memory, the same image is no poison.
    let roomy = TestApp::with(backend, &[patient]).await;
    let bob = roomy.user("bob").await;
    let vast = bob.upload("vast.bmp", bare_bitmap(8_000, 7_500)).await;
    assert_eq!(bob.settled(id(&vast)).await["thumbnailStatus"], "READY");
}

/// Says that it is ready, as a renderer does, and is silent from then on.
const HANGS: &str = r#"{ printf '\037\000\000\000{"confined_by":[],"missing":[]}'; exec sleep 60; }"#;

async fn an_image_that_hangs_its_renderer_fails_after_three_attempts(backend: Backend) {
    let home = Home::new(backend);
    let renderer = Renderer::new(home.dir.path(), "renderer", HANGS);
    let settings = [("thumbnails.deadline", "300ms"), ("thumbnails.slots", "1")];
    let app = TestApp::rendering_with(&renderer.program, home, true, &settings).await;
    let other = TestApp::start(backend).await;
    let (ada, bob) = (app.user("ada").await, other.user("bob").await);
    let (hangs, works) = tokio::join!(ada.upload("a.jpg", jpeg(300, 200, 1)), bob.upload("a.jpg", jpeg(300, 200, 1)));
    let (settled, ()) = tokio::join!(bob.settled(id(&works)), failed_with_a_reason(&ada, &hangs));
    assert_eq!(settled["thumbnailStatus"], "READY");
    let started = renderer.started();
    assert_eq!(started.len(), 3);
    let ended = move || started.iter().all(|process| !Path::new("/proc").join(process).exists());
    tokio::task::spawn_blocking(move || until("what hangs is ended", ended)).await.unwrap();
    assert!(ada.data("{ viewer { id } }", json!({})).await["viewer"]["id"].is_string());
}

async fn a_deadline_that_nothing_can_meet_fails_with_a_reason(backend: Backend) {
    let app = TestApp::with(backend, &[("thumbnails.deadline", "1ms")]).await;
    let ada = app.user("ada").await;
    let photo = ada.upload("photo.jpg", jpeg(2000, 1500, 1)).await;
    failed_with_a_reason(&ada, &photo).await;
}

async fn a_renderer_that_is_killed_costs_one_attempt_and_the_image_is_ready(backend: Backend) {
    let home = Home::new(backend);
    // The first two hang, and are killed from outside; with a third kill the image would be given up on.
    let hangs = format!("[ $(wc -l <$started) -gt 2 ] || {HANGS}");
    let renderer = Renderer::new(home.dir.path(), "renderer", &hangs);
    let app = TestApp::rendering_with(&renderer.program, home, true, &[("thumbnails.slots", "1")]).await;
    let ada = app.user("ada").await;
    let photo = ada.upload("photo.jpg", jpeg(300, 200, 1)).await;
    for count in 1..=2 {
        let started = renderer.wait_for(count).await;
        assert!(Command::new("kill").args(["-9", &started[count - 1]]).status().unwrap().success());
    }
    let settled = ada.settled(id(&photo)).await;
    assert_eq!(settled["thumbnailStatus"], "READY", "{settled}");
    assert_eq!(renderer.started().len(), 3);
    assert_eq!(app.home.blob_files().len(), 4);
    assert!(ada.data("{ viewer { id } }", json!({})).await["viewer"]["id"].is_string());
}

/// The real one, in the middle of its work.
async fn a_renderer_killed_at_work_is_replaced(backend: Backend) {
    let home = Home::new(backend);
    let renderer = Renderer::new(home.dir.path(), "renderer", ":");
    let app = TestApp::rendering_with(&renderer.program, home, true, &[("thumbnails.slots", "1")]).await;
    let ada = app.user("ada").await;
    let large = ada.upload("large.jpg", jpeg(2400, 1800, 1)).await;
    let started = renderer.wait_for(1).await;
    assert!(Command::new("kill").args(["-9", &started[0]]).status().unwrap().success());
    assert_eq!(ada.settled(id(&large)).await["thumbnailStatus"], "READY");
    assert_eq!(renderer.started().len(), 2);
}

crate::on_both_back_ends!(
    an_image_beyond_the_memory_limit_fails_and_others_are_ready,
    an_image_that_hangs_its_renderer_fails_after_three_attempts,
    a_deadline_that_nothing_can_meet_fails_with_a_reason,
    a_renderer_that_is_killed_costs_one_attempt_and_the_image_is_ready,
    a_renderer_killed_at_work_is_replaced,
);
