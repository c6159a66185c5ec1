//! A running application: the real router, services and worker on either back end, in this process, on a free port.

use std::{path::PathBuf, sync::Arc, time::Duration};

use strongroom::{
    app::{self, Environment, Instance, Role},
    config::{Config, Layers},
    model::{Clock, Random},
};

use super::{Backend, client::Client, servers};

/// Long enough for a slow machine; what is awaited comes in milliseconds.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The built program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_strongroom");

/// Settings that make tests quick: short leases, cheap password hashes.
const QUICK: &[(&str, &str)] = &[
    ("accounts.argon2_memory", "8"),
    ("accounts.argon2_passes", "1"),
    ("accounts.secret", "a7b19f03c4d5e6f7089a1b2c3d4e5f60"),
    ("thumbnails.lease", "1s"),
    ("thumbnails.repair_interval", "1s"),
    ("thumbnails.slots", "2"),
    ("server.metrics_bind", ""),
];

/// Where an application keeps its data: several processes may share one.
#[derive(Clone)]
pub struct Home {
    pub backend: Backend,
    pub dir: Arc<tempfile::TempDir>,
    /// Names the database and the prefix of keys.
    pub name: String,
    pub mongodb_url: String,
    pub redis_url: String,
}

impl Home {
    /// A new, empty one.
    pub fn new(backend: Backend) -> Self {
        let (mongodb_url, redis_url) = match backend {
            Backend::Embedded => (String::new(), String::new()),
            Backend::Servers => (servers::mongodb_url(), servers::redis_url()),
        };
        let name = format!("test{}", Random::system().uuid().simple());
        Self { backend, dir: Arc::new(tempfile::tempdir().unwrap()), name, mongodb_url, redis_url }
    }

    /// The settings that name it.
    pub fn settings(&self) -> Vec<(String, String)> {
        let dir = self.dir.path().join("data").display().to_string();
        let mut settings = vec![("store.data_dir".to_owned(), dir)];
        if self.backend == Backend::Servers {
            let blobs = self.blobs().display().to_string();
            settings.extend(
                [
                    ("blobs.dir", blobs.as_str()),
                    ("store.backend", "servers"),
                    ("store.mongodb_url", &self.mongodb_url),
                    ("store.mongodb_database", &self.name),
                    ("store.redis_url", &self.redis_url),
                    ("store.redis_prefix", &self.name),
                ]
                .map(|(key, value)| (key.to_owned(), value.to_owned())),
            );
        }
        settings
    }

    /// Where blobs are kept.
    pub fn blobs(&self) -> PathBuf {
        self.dir.path().join("data/blobs")
    }

    /// Every file below the blob folder, unfinished ones too.
    pub fn blob_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.blobs()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                    _ => files.push(entry.path()),
                }
            }
        }
        files.sort();
        files
    }
}

/// A running application. Dropped, it stops.
pub struct TestApp {
    pub home: Home,
    pub url: String,
    pub clock: Clock,
    pub instance: Arc<Instance>,
    serving: tokio::task::JoinHandle<()>,
}

impl TestApp {
    /// With its own worker, on a new home.
    pub async fn start(backend: Backend) -> Self {
        Self::with(backend, &[]).await
    }

    /// As [`TestApp::start`], with these settings.
    pub async fn with(backend: Backend, settings: &[(&str, &str)]) -> Self {
        Self::on(Home::new(backend), true, settings).await
    }

    /// Without anybody to make thumbnails. On the embedded back end the worker never gets a job: its queue is taken by
    /// nobody because background work is not started.
    pub async fn idle(backend: Backend) -> Self {
        Self::on(Home::new(backend), false, &[]).await
    }

    /// On a home that others may share, with or without background work.
    pub async fn on(home: Home, background: bool, settings: &[(&str, &str)]) -> Self {
        Self::rendering_with(PROGRAM, home, background, settings).await
    }

    /// As [`TestApp::on`], with this program to render images.
    pub async fn rendering_with(
        program: impl Into<PathBuf>,
        home: Home,
        background: bool,
        settings: &[(&str, &str)],
    ) -> Self {
        let port = servers::free_port();
        let config = config(&home, port, settings);
        let clock = Clock::adjustable();
        let environment = Environment {
            clock: clock.clone(),
            random: Random::system(),
            program: program.into(),
            wait_for: Duration::ZERO,
        };
        let instance = Instance::open(config, Role::Serve { worker: true }, environment).await.unwrap();
        let instance = Arc::new(instance);
        let listener = app::bind(instance.app.config.server.bind, "server.bind").await.unwrap();
        if background {
            instance.start();
        }
        let serving = {
            let instance = Arc::clone(&instance);
            tokio::spawn(async move { instance.serve(listener).await.unwrap() })
        };
        Self { home, url: format!("http://127.0.0.1:{port}"), clock, instance, serving }
    }

    /// Somebody without an account.
    pub fn anon(&self) -> Client {
        Client::new(&self.url)
    }

    /// Somebody with a new account, signed in.
    pub async fn user(&self, name: &str) -> Client {
        self.anon().register(&format!("{name}@example.org")).await
    }

    /// Waits until everything that was deleted is gone.
    pub async fn purge(&self) {
        self.instance.janitor.purge().await.unwrap();
    }

    /// Stops as SIGTERM does, and waits until everything has ended.
    pub async fn stop(mut self) {
        self.instance.app.shutdown.begin();
        tokio::time::timeout(PATIENCE, &mut self.serving).await.expect("the server ends").unwrap();
        self.instance.finished().await;
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.instance.app.shutdown.begin();
    }
}

/// The configuration of an application on this home.
pub fn config(home: &Home, port: u16, settings: &[(&str, &str)]) -> Config {
    let mut layers = Layers::defaults();
    for (key, value) in QUICK {
        layers.set_text(key, value, "a test");
    }
    for (key, value) in home.settings() {
        layers.set_text(&key, &value, "a test");
    }
    layers.set_text("server.bind", &format!("127.0.0.1:{port}"), "a test");
    for (key, value) in settings {
        layers.set_text(key, value, "a test");
    }
    Config::read(layers).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// The same settings for the built program, as environment variables.
pub fn variables(home: &Home, port: u16, settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        QUICK.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    all.extend(home.settings());
    all.push(("server.bind".to_owned(), format!("127.0.0.1:{port}")));
    all.extend(settings.iter().map(|(key, value)| (key.to_string(), value.to_string())));
    let name = |key: &str| format!("STRONGROOM__{}", key.replace('.', "__").to_uppercase());
    all.into_iter().map(|(key, value)| (name(&key), value)).collect()
}

/// A photo-like JPEG of this size, a little different for each seed.
pub fn jpeg(width: u32, height: u32, seed: u8) -> Vec<u8> {
    let image = image::RgbImage::from_fn(width, height, |x, y| {
        let wave = ((x * 7 + y * 13) % 251) as u8;
        image::Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, wave ^ seed])
    });
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 85).encode_image(&image).unwrap();
    bytes
}

/// A PNG with transparency.
pub fn transparent_png(width: u32, height: u32) -> Vec<u8> {
    let image = image::RgbaImage::from_fn(width, height, |x, _| {
        image::Rgba([200, 30, 30, if x < width / 2 { 0 } else { 255 }])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// The codes of a payload's `userErrors`.
pub fn codes(payload: &serde_json::Value) -> Vec<&str> {
    let errors = payload["userErrors"].as_array().unwrap_or_else(|| panic!("no userErrors in {payload}"));
    errors.iter().map(|error| error["code"].as_str().unwrap()).collect()
}

/// The code of the first of `errors`.
pub fn error_code(answer: &serde_json::Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("no error code in {answer}"))
}
