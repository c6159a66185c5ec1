//! The configuration: what every setting means, checked as a whole before anything starts.
//!
//! `config.default.toml` is the reference for people; the structs here are what the program works with.

mod layers;
#[cfg(test)]
mod tests;

use std::{
    fmt::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

use crate::store::blobs::S3_LARGEST;

pub use layers::{DEFAULTS, Layers, Problem, Setting};

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// Listening.
    pub server: Server,
    /// Where users and files are kept.
    pub store: StoreConfig,
    /// Where bytes are kept.
    pub blobs: BlobsConfig,
    /// Who may come in.
    pub accounts: AccountsConfig,
    /// What a request may ask for.
    pub limits: LimitsConfig,
    /// The making of thumbnails.
    pub thumbnails: ThumbnailsConfig,
    /// The log.
    pub log: LogConfig,
}

/// `[server]`
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "config.default.toml describes them")]
pub struct Server {
    pub bind: SocketAddr,
    /// Without a slash at the end.
    pub public_url: String,
    pub production: bool,
    pub graphiql: bool,
    pub trusted_proxies: Vec<IpNet>,
    pub cors_origins: Vec<String>,
    pub metrics_bind: Option<SocketAddr>,
    pub max_connections: usize,
    pub shutdown_grace: Duration,
    pub header_timeout: Duration,
    pub body_idle_timeout: Duration,
    pub write_timeout: Duration,
    pub keep_alive_timeout: Duration,
    /// In bytes a second.
    pub min_rate: u64,
    pub min_rate_window: Duration,
}

/// `[store]`
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "config.default.toml describes them")]
pub enum StoreConfig {
    Embedded { data_dir: PathBuf },
    Servers { mongodb_url: SecretString, mongodb_database: String, redis_url: SecretString, redis_prefix: String },
}

/// `[blobs]`
#[derive(Debug, Clone)]
pub struct BlobsConfig {
    /// Where.
    pub backend: BlobsBackend,
    /// How long bytes whose process has vanished are kept.
    pub orphan_grace: Duration,
    /// How often what is stored is compared with the rows.
    pub checkup_interval: Duration,
}

/// Where bytes are kept.
#[derive(Debug, Clone)]
pub enum BlobsBackend {
    /// In a folder.
    Disk(PathBuf),
    /// In a bucket.
    S3(crate::store::blobs::S3),
}

/// `[accounts]`
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "config.default.toml describes them")]
pub struct AccountsConfig {
    pub registration_open: bool,
    /// `None`: the embedded back end keeps one in its data folder.
    pub secret: Option<SecretString>,
    pub previous_secret: Option<SecretString>,
    pub token_lifetime: Duration,
    pub argon2_memory: u32,
    pub argon2_passes: u32,
    pub argon2_lanes: u32,
    pub login_window: Duration,
    pub login_tries_pair: u32,
    pub login_tries_account: u32,
    pub login_tries_address: u32,
    pub registrations_address: u32,
}

/// `[limits]`
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "config.default.toml describes them")]
pub struct LimitsConfig {
    pub upload_bytes: u64,
    pub upload_files: usize,
    pub upload_parts: usize,
    pub operations_bytes: usize,
    pub operations_values: usize,
    pub batch_operations: usize,
    pub request_memory: usize,
    pub answer_memory: usize,
    pub answer_bytes: usize,
    pub map_paths: usize,
    pub page_size: usize,
    pub query_bytes: usize,
    pub query_tokens: usize,
    pub query_nesting: usize,
    pub query_selections: usize,
    pub query_values: usize,
    pub query_depth: usize,
    pub query_aliases: usize,
    pub query_root_fields: usize,
    pub query_directives: usize,
    pub query_complexity: usize,
    pub query_timeout: Duration,
    pub socket_operations: usize,
    pub socket_message_bytes: usize,
    pub sockets_per_user: usize,
    pub sockets_per_address: usize,
    pub socket_init_timeout: Duration,
    pub stream_keep_alive: Duration,
}

/// `[thumbnails]`
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "config.default.toml describes them")]
pub struct ThumbnailsConfig {
    pub worker: bool,
    /// At least 1.
    pub slots: usize,
    pub deadline: Duration,
    pub memory: u64,
    pub memory_budget: u64,
    pub max_pixels: u64,
    pub max_side: u32,
    pub lease: Duration,
    pub max_attempts: u32,
    pub losses_alone: u32,
    pub losses_failed: u32,
    pub worker_bind: Option<SocketAddr>,
    pub repair_interval: Duration,
}

/// `[log]`
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "config.default.toml describes them")]
pub struct LogConfig {
    pub filter: String,
    pub json: bool,
}

/// Settings whose values are never shown.
const SECRETS: &[&str] = &[
    "store.mongodb_url",
    "store.redis_url",
    "blobs.secret_access_key",
    "blobs.access_key_id",
    "accounts.secret",
    "accounts.previous_secret",
];

/// Secrets that stand in manuals and examples: no secrets.
const WELL_KNOWN: &[&str] =
    &["secret", "changeme", "change-me", "password", "example", "your-256-bit-secret", "keyboard cat"];

impl Config {
    /// Makes sense of the settings, or lists every problem with them.
    pub fn read(mut layers: Layers) -> Result<Self, Vec<Problem>> {
        let layers = &mut layers;
        let config = Self {
            server: server(layers),
            store: store(layers),
            blobs: blobs(layers),
            accounts: accounts(layers),
            limits: limits(layers),
            thumbnails: thumbnails(layers),
            log: LogConfig {
                filter: layers.text("log.filter"),
                json: layers.choice("log.format", &[("text", false), ("json", true)]),
            },
        };
        if config.log.filter.parse::<tracing_subscriber::filter::Targets>().is_err() {
            layers.wrong("log.filter", "is no filter; write \"info\" or \"warn,strongroom=debug\"");
        }
        if matches!(config.store, StoreConfig::Servers { .. }) && config.accounts.secret.is_none() {
            layers.wrong(
                "accounts.secret",
                "has to be set with the servers back end, to the same value in every process. Try: openssl rand -hex 32",
            );
        }
        if matches!(config.blobs.backend, BlobsBackend::S3(_)) && config.limits.upload_bytes > S3_LARGEST {
            layers.wrong("limits.upload_bytes", format!("can be at most {S3_LARGEST} with blobs in S3"));
        }
        debug_assert_eq!(layers.unused().next(), None, "a setting that means nothing");
        if layers.problems.is_empty() { Ok(config) } else { Err(std::mem::take(&mut layers.problems)) }
    }
}

/// All settings as TOML, each with where it came from, and without secrets.
#[must_use]
pub fn show(layers: &Layers) -> String {
    let mut text = String::new();
    let mut section = "";
    for (key, setting) in layers.iter() {
        let (of, name) = key.split_once('.').unwrap_or(("", key));
        if of != section {
            text.push_str(if section.is_empty() { "" } else { "\n" });
            let _ = writeln!(text, "[{of}]");
            section = of;
        }
        let hidden = SECRETS.contains(&key.as_str()) && setting.value.as_str() != Some("");
        let value = if hidden { "\"(set, not shown)\"".to_owned() } else { setting.value.to_string() };
        let _ = writeln!(text, "{name} = {value}  # {}", setting.source);
    }
    text
}

fn server(layers: &mut Layers) -> Server {
    let bind = address(layers, "server.bind");
    let bind = bind.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 4000)));
    let metrics_bind = optional_address(layers, "server.metrics_bind");
    let mut public_url = layers.text("server.public_url").trim_end_matches('/').to_owned();
    if public_url.is_empty() {
        if !bind.ip().is_loopback() {
            layers.wrong(
                "server.public_url",
                format!(
                    "has to say how clients reach this server, since server.bind is {bind}: links are made from it"
                ),
            );
        }
        public_url = format!("http://{bind}");
    } else {
        let parsed = Url::parse(&public_url).ok();
        let usable = parsed.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if usable.is_none_or(|url| url.query().is_some() || url.fragment().is_some() || url.path() != "/") {
            layers.wrong("server.public_url", "should be like \"https://files.example.org\", without a path");
        }
    }
    let mut trusted_proxies = Vec::new();
    for text in layers.list("server.trusted_proxies") {
        match text.parse().or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from)) {
            Ok(network) => trusted_proxies.push(network),
            Err(_) => layers.wrong("server.trusted_proxies", format!("\"{text}\" is neither an address nor a network")),
        }
    }
    let mut cors_origins = Vec::new();
    for text in layers.list("server.cors_origins") {
        match Url::parse(&text) {
            Ok(url) if url.origin().is_tuple() && url.origin().ascii_serialization() == text => cors_origins.push(text),
            _ => layers
                .wrong("server.cors_origins", format!("\"{text}\" is no origin; write \"https://app.example.org\"")),
        }
    }
    Server {
        bind,
        public_url,
        production: layers.choice("server.mode", &[("development", false), ("production", true)]),
        graphiql: layers.flag("server.graphiql"),
        trusted_proxies,
        cors_origins,
        metrics_bind,
        max_connections: layers.number("server.max_connections", 1, 1_000_000),
        shutdown_grace: layers.duration("server.shutdown_grace"),
        header_timeout: layers.duration("server.header_timeout"),
        body_idle_timeout: layers.duration("server.body_idle_timeout"),
        write_timeout: layers.duration("server.write_timeout"),
        keep_alive_timeout: layers.duration("server.keep_alive_timeout"),
        min_rate: layers.number("server.min_rate", 0, 1 << 30),
        min_rate_window: layers.duration("server.min_rate_window"),
    }
}

fn address(layers: &mut Layers, key: &str) -> Option<SocketAddr> {
    let text = layers.text(key);
    let parsed = text.parse().ok();
    if parsed.is_none() {
        layers.wrong(key, format!("\"{text}\" is no address with a port; write it like \"127.0.0.1:4000\""));
    }
    parsed
}

/// `None` when empty.
fn optional_address(layers: &mut Layers, key: &str) -> Option<SocketAddr> {
    if layers.text(key).is_empty() { None } else { address(layers, key) }
}

fn store(layers: &mut Layers) -> StoreConfig {
    let servers = layers.choice("store.backend", &[("embedded", false), ("servers", true)]);
    let data_dir = PathBuf::from(layers.text("store.data_dir"));
    let (mongodb_url, redis_url) = (layers.text("store.mongodb_url"), layers.text("store.redis_url"));
    let mongodb_database = layers.text("store.mongodb_database");
    let redis_prefix = layers.text("store.redis_prefix");
    if !servers {
        if data_dir.as_os_str().is_empty() {
            layers.wrong("store.data_dir", "must not be empty");
        }
        return StoreConfig::Embedded { data_dir };
    }
    if !(mongodb_url.starts_with("mongodb://") || mongodb_url.starts_with("mongodb+srv://")) {
        layers.wrong("store.mongodb_url", "should be like \"mongodb://127.0.0.1:27017\" for the servers back end");
    }
    if !(redis_url.starts_with("redis://") || redis_url.starts_with("rediss://")) {
        layers.wrong("store.redis_url", "should be like \"redis://127.0.0.1:6379\" for the servers back end");
    }
    if mongodb_database.is_empty() || mongodb_database.contains(['/', '\\', '.', ' ', '"', '$', '\0']) {
        layers.wrong("store.mongodb_database", "is no name of a MongoDB database");
    }
    if redis_prefix.is_empty() || redis_prefix.contains(['{', '}']) {
        layers.wrong("store.redis_prefix", "must not be empty or hold braces");
    }
    StoreConfig::Servers {
        mongodb_url: mongodb_url.into(),
        mongodb_database,
        redis_url: redis_url.into(),
        redis_prefix,
    }
}

fn blobs(layers: &mut Layers) -> BlobsConfig {
    let s3 = layers.choice("blobs.backend", &[("disk", false), ("s3", true)]);
    let dir = match layers.text("blobs.dir") {
        dir if dir.is_empty() => PathBuf::from(layers.text("store.data_dir")).join("blobs"),
        dir => PathBuf::from(dir),
    };
    let options = crate::store::blobs::S3 {
        bucket: layers.text("blobs.bucket"),
        region: layers.text("blobs.region"),
        endpoint: Some(layers.text("blobs.endpoint")).filter(|text| !text.is_empty()),
        access_key_id: layers.text("blobs.access_key_id"),
        secret_access_key: layers.text("blobs.secret_access_key").into(),
        upload_memory: layers.number("blobs.upload_memory", 5 << 20, 1 << 40),
    };
    if s3 {
        for key in ["blobs.bucket", "blobs.region", "blobs.access_key_id", "blobs.secret_access_key"] {
            if layers.text(key).is_empty() {
                layers.wrong(key, "has to be set for blobs in S3");
            }
        }
        let endpoint = options.endpoint.as_deref().map(Url::parse);
        if endpoint.is_some_and(|url| !url.is_ok_and(|url| matches!(url.scheme(), "http" | "https"))) {
            layers.wrong("blobs.endpoint", "should be like \"http://127.0.0.1:9000\"");
        }
    }
    if !s3 && layers.text("store.backend") == "servers" && !Path::new(&layers.text("blobs.dir")).is_absolute() {
        layers.wrong(
            "blobs.dir",
            "has to be an absolute path with the servers back end: of a folder that every process shares. Or use S3",
        );
    }
    let backend = if s3 { BlobsBackend::S3(options) } else { BlobsBackend::Disk(dir) };
    BlobsConfig {
        backend,
        orphan_grace: layers.duration("blobs.orphan_grace"),
        checkup_interval: layers.duration("blobs.checkup_interval"),
    }
}

fn accounts(layers: &mut Layers) -> AccountsConfig {
    AccountsConfig {
        registration_open: layers.choice("accounts.registration", &[("open", true), ("closed", false)]),
        secret: secret(layers, "accounts.secret"),
        previous_secret: secret(layers, "accounts.previous_secret"),
        token_lifetime: layers.duration("accounts.token_lifetime"),
        argon2_memory: layers.number("accounts.argon2_memory", 8, 4 << 20),
        argon2_passes: layers.number("accounts.argon2_passes", 1, 100),
        argon2_lanes: layers.number("accounts.argon2_lanes", 1, 16),
        login_window: layers.duration("accounts.login_window"),
        login_tries_pair: layers.number("accounts.login_tries_pair", 1, 1_000_000),
        login_tries_account: layers.number("accounts.login_tries_account", 1, 1_000_000),
        login_tries_address: layers.number("accounts.login_tries_address", 1, 1_000_000),
        registrations_address: layers.number("accounts.registrations_address", 1, 1_000_000),
    }
}

fn secret(layers: &mut Layers, key: &str) -> Option<SecretString> {
    let text = layers.text(key);
    if text.is_empty() {
        return None;
    }
    let folded = text.to_lowercase();
    let mut letters: Vec<char> = text.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    if text.chars().count() < 32 {
        layers.wrong(key, "is too short: at least 32 characters. Try: openssl rand -hex 32");
    } else if letters.len() < 8 || WELL_KNOWN.iter().any(|known| folded.starts_with(known)) {
        layers.wrong(key, "can be guessed. Try: openssl rand -hex 32");
    }
    Some(text.into())
}

fn limits(layers: &mut Layers) -> LimitsConfig {
    LimitsConfig {
        upload_bytes: layers.number("limits.upload_bytes", 1, 1 << 40),
        upload_files: layers.number("limits.upload_files", 1, 1000),
        upload_parts: layers.number("limits.upload_parts", 3, 2000),
        operations_bytes: layers.number("limits.operations_bytes", 1024, 64 << 20),
        operations_values: layers.number("limits.operations_values", 100, 10_000_000),
        batch_operations: layers.number("limits.batch_operations", 1, 100),
        request_memory: layers.number("limits.request_memory", 1 << 20, 1 << 40),
        answer_memory: layers.number("limits.answer_memory", 16 << 20, 1 << 40),
        answer_bytes: layers.number("limits.answer_bytes", 64 << 10, 1 << 30),
        map_paths: layers.number("limits.map_paths", 1, 10_000),
        page_size: layers.number("limits.page_size", 1, 1000),
        query_bytes: layers.number("limits.query_bytes", 1024, 1 << 20),
        query_tokens: layers.number("limits.query_tokens", 100, 100_000),
        query_nesting: layers.number("limits.query_nesting", 10, 100),
        query_selections: layers.number("limits.query_selections", 50, 100_000),
        query_values: layers.number("limits.query_values", 50, 100_000),
        query_depth: layers.number("limits.query_depth", 4, 60),
        query_aliases: layers.number("limits.query_aliases", 1, 10_000),
        query_root_fields: layers.number("limits.query_root_fields", 1, 10_000),
        query_directives: layers.number("limits.query_directives", 1, 10_000),
        query_complexity: layers.number("limits.query_complexity", 100, 1_000_000),
        query_timeout: layers.duration("limits.query_timeout"),
        socket_operations: layers.number("limits.socket_operations", 1, 10_000),
        socket_message_bytes: layers.number("limits.socket_message_bytes", 1024, 16 << 20),
        sockets_per_user: layers.number("limits.sockets_per_user", 1, 100_000),
        sockets_per_address: layers.number("limits.sockets_per_address", 1, 100_000),
        socket_init_timeout: layers.duration("limits.socket_init_timeout"),
        stream_keep_alive: layers.duration("limits.stream_keep_alive"),
    }
}

fn thumbnails(layers: &mut Layers) -> ThumbnailsConfig {
    let slots = layers.number("thumbnails.slots", 0, 256);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let memory = layers.number("thumbnails.memory", 64 << 20, 1 << 40);
    let memory_budget = layers.number("thumbnails.memory_budget", 64 << 20, 1 << 40);
    if memory_budget < memory {
        layers.wrong("thumbnails.memory_budget", "should be no less than thumbnails.memory, which one image may take");
    }
    ThumbnailsConfig {
        worker: layers.flag("thumbnails.worker"),
        slots: if slots == 0 { cores } else { slots },
        deadline: layers.duration("thumbnails.deadline"),
        memory,
        memory_budget,
        max_pixels: layers.number("thumbnails.max_pixels", 1, 1 << 32),
        max_side: layers.number("thumbnails.max_side", 1, 1 << 20),
        lease: layers.duration("thumbnails.lease"),
        max_attempts: layers.number("thumbnails.max_attempts", 1, 100),
        losses_alone: layers.number("thumbnails.losses_alone", 1, 1000),
        losses_failed: layers.number("thumbnails.losses_failed", 1, 1000),
        worker_bind: optional_address(layers, "thumbnails.worker_bind"),
        repair_interval: layers.duration("thumbnails.repair_interval"),
    }
}
