//! The composition root: from the configuration to running services. The only file that names back ends.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use secrecy::{ExposeSecret as _, SecretString};
use strongroom_render::RenderLimits;
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::Notify,
    time::Instant,
};

use crate::{
    config::{BlobsBackend, Config, StoreConfig, ThumbnailsConfig},
    data_folder::DataFolder,
    error::Error,
    graphql::Api,
    http::{self, App, census::Census, health, memory::Memory},
    model::{Clock, ProcessId, Random},
    service::{Accounts, Checkup, Drive, Janitor, Keys, Leftovers, Links, Passwords, Services, Tokens, Uploads, Watch},
    shutdown::Shutdown,
    store::{
        Blobs, Files, Ping, Store,
        mongo::{Mongo, MongoFiles, MongoReservations, MongoUsers},
        redis::{Redis, RedisEvents, RedisJobs, RedisSessions, RedisThrottle},
        sqlite::{
            LocalEvents, Sqlite, SqliteFiles, SqliteJobs, SqliteReservations, SqliteSessions, SqliteThrottle,
            SqliteUsers,
        },
    },
    telemetry::Metrics,
    thumbnails::{
        pool::{RenderOptions, Renderers},
        worker::Worker,
    },
};

/// The embedded back end's database, in its data folder.
pub const DATABASE: &str = "strongroom.sqlite";

/// How many connections may wait to be accepted: a crowd that comes at once is let in one by one. Linux allows no more
/// unless told to.
const BACKLOG: u32 = 4096;

/// What a process is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Serves the API, and works the queue unless told not to.
    Serve {
        /// Whether it works the queue.
        worker: bool,
    },
    /// Works the queue.
    Worker,
    /// A short command, beside a serving process or before there is one.
    Tool,
    /// A short command on what is there already.
    Inspect,
}

/// What comes from outside and tests can hold.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// This program's own file: it renders in child processes.
    pub program: PathBuf,
    /// How long to wait for back ends that do not answer yet.
    pub wait_for: Duration,
}

/// Why the program does not start, for the person who started it. Names the setting.
#[derive(Debug)]
pub struct StartError(pub String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

/// Everything connected and ready to run.
pub struct Instance {
    /// What the routes use.
    pub app: App,
    /// Removes what has lost its row.
    pub janitor: Arc<Janitor>,
    worker: Option<Arc<Worker>>,
    /// Held while this serves from a data folder.
    _data_folder: Option<DataFolder>,
}

impl Instance {
    /// Connects to every back end, makes what is missing there, and puts the services together.
    pub async fn open(config: Config, role: Role, environment: Environment) -> Result<Self, StartError> {
        // Fails only when one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let Environment { clock, random, program, wait_for } = environment;
        let embedded = matches!(config.store, StoreConfig::Embedded { .. });
        if embedded {
            check_embedded_role(role)?;
        }
        let exclusive = matches!(role, Role::Serve { .. });
        let data_folder = match &config.store {
            StoreConfig::Embedded { data_dir } => {
                check_installation(data_dir, &config.blobs.backend, role)?;
                Some(DataFolder::open(data_dir, exclusive)?)
            }
            StoreConfig::Servers { .. } => None,
        };
        let secret = secret(&config, data_folder.as_ref(), &random)?;
        let deadline = Instant::now() + wait_for;
        let store = loop {
            match open_store(&config, role, &clock, &random).await {
                Ok(store) => break store,
                // A wrong address stays wrong; a server that does not answer may only be starting.
                Err((setting, error @ Error::Unavailable { .. })) if Instant::now() < deadline => {
                    tracing::info!("waiting: {setting}: {error}");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                Err((setting, error)) => return Err(StartError(format!("{setting}: {error}"))),
            }
        };

        let process = ProcessId(random.uuid());
        let keys = Keys::derive(&secret);
        let previous = config.accounts.previous_secret.as_ref().map(Keys::derive);
        let passwords = open_passwords(&config, random.clone()).await?;
        let deleted = Arc::new(Notify::new());
        let metrics = Metrics::new();
        // One process at a time holds a data folder, so whatever another has left there is dead.
        let grace = if embedded { Duration::ZERO } else { config.blobs.orphan_grace };
        let leftovers = Leftovers::new(store.clone(), process, grace, clock.clone(), random.clone());
        let leftovers = Arc::new(leftovers);
        let cursors = std::iter::once(&keys).chain(&previous).map(|keys| keys.cursors.clone()).collect();
        let drive = Arc::new(Drive::new(
            store.clone(),
            cursors,
            config.limits.page_size,
            Arc::clone(&leftovers),
            clock.clone(),
            random.clone(),
            Arc::clone(&deleted),
        ));
        let services = Services {
            accounts: Arc::new(Accounts::new(
                &store,
                passwords,
                Tokens::new(&keys, previous.as_ref()),
                config.accounts.clone(),
                clock.clone(),
                random.clone(),
            )),
            checkup: Arc::new(Checkup::new(
                store.clone(),
                Arc::clone(&drive),
                config.blobs.orphan_grace,
                clock.clone(),
                metrics.clone(),
            )),
            drive,
            uploads: Arc::new(Uploads::new(
                store.clone(),
                config.limits.upload_bytes,
                clock.clone(),
                random.clone(),
                Arc::clone(&leftovers),
                metrics.clone(),
            )),
            links: Arc::new(Links::new(config.server.public_url.clone(), &keys, previous.as_ref(), clock.clone())),
            watch: Arc::new(Watch::new(&store, clock.clone())),
        };
        let janitor = Janitor::new(store.clone(), process, grace, deleted, Arc::clone(&leftovers));
        let works = matches!(role, Role::Serve { worker: true } | Role::Worker);
        let worker = works.then(|| {
            Arc::new(Worker::new(
                store.clone(),
                renderers(program, &config.thumbnails),
                leftovers,
                config.thumbnails.clone(),
                clock.clone(),
                random.clone(),
                metrics.clone(),
            ))
        });
        let config = Arc::new(config);
        let shutdown = Shutdown::new();
        let api = Api::new(services.clone(), &config, shutdown.clone());
        let (census, memory) = (Census::default(), Memory::new(&config.limits));
        let app = App { api, services, store, config, clock, random, shutdown, metrics, census, memory };
        Ok(Self { app, janitor: Arc::new(janitor), worker, _data_folder: data_folder })
    }

    /// Starts what runs in the background: the janitor, and the worker if this process has one.
    pub fn start(&self) {
        let shutdown = &self.app.shutdown;
        Arc::clone(&self.janitor).start(shutdown);
        Arc::clone(&self.app.services.checkup).start(self.app.config.blobs.checkup_interval, shutdown);
        if let Some(worker) = &self.worker {
            Arc::clone(worker).start(shutdown);
        }
    }

    /// Serves the API until the shutdown has begun and what was running has finished, or the grace is over.
    pub async fn serve(&self, listener: TcpListener) -> Result<(), StartError> {
        let routes = http::router(self.app.clone());
        let App { config, clock, random, shutdown, .. } = self.app.clone();
        let serving = http::server::serve(listener, routes, &config.server, (clock, random), shutdown).await;
        serving.map_err(|error| StartError(format!("the server has failed: {error}")))
    }

    /// Starts to answer `/metrics` at `server.metrics_bind`: what is for operators is not for users.
    pub async fn serve_metrics(&self) -> Result<(), StartError> {
        let address = self.app.config.server.metrics_bind;
        self.serve_operators(address, "server.metrics_bind", health::metrics_routes()).await
    }

    /// Starts to answer for a worker, which has no API, at `thumbnails.worker_bind`.
    pub async fn serve_worker_status(&self) -> Result<(), StartError> {
        let address = self.app.config.thumbnails.worker_bind;
        self.serve_operators(address, "thumbnails.worker_bind", health::metrics_routes().merge(health::routes())).await
    }

    async fn serve_operators(
        &self,
        address: Option<SocketAddr>,
        setting: &str,
        routes: Router<App>,
    ) -> Result<(), StartError> {
        let Some(address) = address else { return Ok(()) };
        let listener = bind(address, setting).await?;
        let routes = routes.with_state(self.app.clone());
        let App { config, clock, random, shutdown, .. } = self.app.clone();
        self.app.shutdown.spawn(async move {
            if let Err(error) = http::server::serve(listener, routes, &config.server, (clock, random), shutdown).await {
                error.log();
            }
        });
        Ok(())
    }

    /// Ends the connections to the back ends, as the last thing that is done.
    pub async fn close(&self) {
        futures_util::future::join_all(self.app.store.pings.iter().map(|server| server.close())).await;
    }

    /// Waits until the shutdown has begun and everything in the background has ended, or the grace, which begins with
    /// the shutdown, is over.
    pub async fn finished(&self) {
        let shutdown = &self.app.shutdown;
        let begun = shutdown.begun_at().await;
        let deadline = begun + self.app.config.server.shutdown_grace;
        if tokio::time::timeout_at(deadline, shutdown.finished()).await.is_err() {
            tracing::warn!("some work did not end within server.shutdown_grace; what it left is cleaned up later");
        }
    }
}

/// Binds a port, or says which setting names it.
#[allow(clippy::unused_async, reason = "it needs the runtime")]
pub async fn bind(address: SocketAddr, setting: &str) -> Result<TcpListener, StartError> {
    listen(address).map_err(|error| {
        let hint = if error.kind() == std::io::ErrorKind::AddrInUse { " Is another server running there?" } else { "" };
        StartError(format!("{setting}: cannot listen on {address}: {error}.{hint}"))
    })
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As `TcpListener::bind` does: a port is free again as soon as its server has ended.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn secret(config: &Config, folder: Option<&DataFolder>, random: &Random) -> Result<SecretString, StartError> {
    match (&config.accounts.secret, folder) {
        (Some(secret), _) => Ok(secret.clone()),
        (None, Some(folder)) => folder.secret(random),
        (None, None) => Err(StartError("accounts.secret: has to be set with the servers back end".to_owned())),
    }
}

/// The way on for whoever has lost their blobs.
const LOST: &str = "If they are lost, make the folder with an empty one called 00 in it; `strongroom doctor` then lists what \
                    is missing.";

/// Refuses to look at what is not there, and to begin anew with one half of an installation: what is missing may only be
/// elsewhere, or not mounted.
fn check_installation(data_dir: &Path, blobs: &BlobsBackend, role: Role) -> Result<(), StartError> {
    let database = data_dir.join(DATABASE);
    // An empty file is as good as none: SQLite would make a new database of it.
    let has_rows = database.metadata().is_ok_and(|found| found.len() > 0);
    if let BlobsBackend::Disk(blobs) = blobs {
        check_halves(&database, has_rows, blobs)?;
    }
    if role == Role::Inspect && !has_rows {
        return Err(StartError(format!("store.data_dir: there is no installation in {}", data_dir.display())));
    }
    Ok(())
}

fn check_halves(database: &Path, has_rows: bool, blobs: &Path) -> Result<(), StartError> {
    let has_folder = Blobs::is_made(blobs);
    if has_rows && !has_folder {
        return Err(StartError(format!(
            "blobs.dir: there is a database, and the folder {} with the bytes of its files is gone. Is its disk mounted? {LOST}",
            blobs.display()
        )));
    }
    if !has_rows && has_folder && Blobs::has_any(blobs) {
        return Err(StartError(format!(
            "store.data_dir: there are the bytes of files in {}, and the database {} is gone or empty. Put it back from a backup, or move \
             the bytes away to begin anew.",
            blobs.display(),
            database.display()
        )));
    }
    Ok(())
}

fn check_embedded_role(role: Role) -> Result<(), StartError> {
    match role {
        Role::Worker => Err(StartError(
            "store.backend is \"embedded\": there `strongroom serve` works the queue by itself. A worker of its own \
             needs store.backend = \"servers\"."
                .to_owned(),
        )),
        Role::Serve { worker: false } => Err(StartError(
            "store.backend is \"embedded\": nobody else could make thumbnails, so `serve` always does. Leave \
             --no-worker away, or set store.backend = \"servers\"."
                .to_owned(),
        )),
        Role::Serve { worker: true } | Role::Tool | Role::Inspect => Ok(()),
    }
}

async fn open_passwords(config: &Config, random: Random) -> Result<Passwords, StartError> {
    let (memory, passes) = (config.accounts.argon2_memory, config.accounts.argon2_passes);
    let lanes = config.accounts.argon2_lanes;
    let made = tokio::task::spawn_blocking(move || Passwords::new(memory, passes, lanes, random)).await;
    let made = made.map_err(Error::internal).and_then(|it| it);
    made.map_err(|error| StartError(format!("accounts.argon2_memory: {error}")))
}

/// The processes that render. One is started ahead: the first upload does not wait for it.
fn renderers(program: PathBuf, settings: &ThumbnailsConfig) -> Renderers {
    let options = RenderOptions {
        limits: RenderLimits { max_pixels: settings.max_pixels, max_side: settings.max_side },
        deadline: settings.deadline,
        memory: settings.memory,
        memory_budget: settings.memory_budget,
    };
    let renderers = Renderers::new(program, settings.slots, options);
    let first = renderers.clone();
    tokio::spawn(async move { first.start_one().await });
    renderers
}

fn open_blobs(config: &Config, role: Role) -> Result<Blobs, (&'static str, Error)> {
    match &config.blobs.backend {
        BlobsBackend::Disk(dir) if role == Role::Inspect && !Blobs::is_made(dir) => {
            let message = format!("there are no blobs in {}; is it the servers' folder?", dir.display());
            Err(("blobs.dir", Error::internal(message)))
        }
        BlobsBackend::Disk(dir) => Blobs::disk(dir).map_err(|error| {
            ("blobs.dir", Error::internal(format!("the folder {} cannot be used: {error}", dir.display())))
        }),
        BlobsBackend::S3(options) => Blobs::s3(options)
            .map_err(|error| ("blobs.endpoint", Error::internal(format!("the S3 store cannot be used: {error}")))),
    }
}

/// Opens the blobs, and asks whether they answer.
async fn reach_blobs(config: &Config, role: Role) -> Result<Blobs, (&'static str, Error)> {
    let blobs = open_blobs(config, role)?;
    let setting = if blobs.name() == "s3" { "blobs.endpoint" } else { "blobs.dir" };
    blobs.ping().await.map_err(|error| (setting, error))?;
    Ok(blobs)
}

/// Refuses to begin a folder of blobs anew where there are files already: the one that they are in may not be mounted.
async fn check_folder(files: &MongoFiles, blobs: &BlobsBackend) -> Result<(), (&'static str, Error)> {
    let BlobsBackend::Disk(dir) = blobs else { return Ok(()) };
    if Blobs::is_made(dir)
        || Files::rows(files, None, 1).await.map_err(|error| ("store.mongodb_url", error))?.is_empty()
    {
        return Ok(());
    }
    let message = format!(
        "there are files in the database, and no blobs in {}. Is its disk mounted, and is it the folder that the other processes \
         use? {LOST}",
        dir.display()
    );
    Err(("blobs.dir", Error::internal(message)))
}

/// What fails comes with the setting that is to blame.
async fn open_store(
    config: &Config,
    role: Role,
    clock: &Clock,
    random: &Random,
) -> Result<Store, (&'static str, Error)> {
    let lease = config.thumbnails.lease;
    match &config.store {
        StoreConfig::Embedded { data_dir } => {
            let blobs = reach_blobs(config, role).await?;
            let path = data_dir.join(DATABASE);
            let opened = tokio::task::spawn_blocking(move || Sqlite::open(&path)).await.map_err(Error::internal);
            let sqlite = opened.and_then(|it| it).map_err(|error| ("store.data_dir", error))?;
            let jobs = SqliteJobs::new(sqlite.clone(), lease, clock.clone(), random.clone());
            // Who serves alone need not wait for the leases of its predecessor.
            if matches!(role, Role::Serve { .. }) {
                jobs.end_leases().await.map_err(|error| ("store.data_dir", error))?;
            }
            Ok(Store {
                users: Arc::new(SqliteUsers::new(sqlite.clone())),
                files: Arc::new(SqliteFiles::new(sqlite.clone())),
                reservations: Arc::new(SqliteReservations::new(sqlite.clone(), clock.clone())),
                sessions: Arc::new(SqliteSessions::new(sqlite.clone(), clock.clone())),
                throttle: Arc::new(SqliteThrottle::new(sqlite.clone())),
                jobs: Arc::new(jobs),
                events: Arc::new(LocalEvents::new(clock.clone())),
                pings: vec![Arc::new(sqlite), Arc::new(blobs.clone())],
                blobs,
            })
        }
        StoreConfig::Servers { mongodb_url, mongodb_database, redis_url, redis_prefix } => {
            let mongo = Mongo::connect(mongodb_url.expose_secret(), mongodb_database).await;
            let mongo = mongo.map_err(|error| ("store.mongodb_url", error))?;
            let files = MongoFiles::new(mongo.clone());
            check_folder(&files, &config.blobs.backend).await?;
            let blobs = reach_blobs(config, role).await?;
            let redis = Redis::connect(redis_url.expose_secret(), redis_prefix, lease, clock.clone()).await;
            let redis = redis.map_err(|error| ("store.redis_url", error))?;
            Ok(Store {
                users: Arc::new(MongoUsers::new(mongo.clone())),
                files: Arc::new(files),
                reservations: Arc::new(MongoReservations::new(mongo.clone())),
                sessions: Arc::new(RedisSessions::new(redis.clone())),
                throttle: Arc::new(RedisThrottle::new(redis.clone())),
                jobs: Arc::new(RedisJobs::new(redis.clone(), random.clone())),
                events: Arc::new(RedisEvents::new(redis.clone())),
                pings: vec![Arc::new(mongo), Arc::new(redis), Arc::new(blobs.clone())],
                blobs,
            })
        }
    }
}
