//! `strongroom serve` and `strongroom worker`.

use std::{path::Path, process::ExitCode, time::Duration};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::{WaitFor, open_files};
use crate::{
    app::{self, Instance, Role, StartError},
    config::{BlobsBackend, Config, StoreConfig},
    http::console,
    shutdown::Shutdown,
    telemetry::start_log,
};

/// Serve the API (and make thumbnails)
///
/// Connects to every back end first and binds the port only then. SIGTERM or Ctrl-C stops cleanly: no new connections,
/// running uploads finish (for 20 s at most), jobs are given back, sockets are closed.
#[derive(Debug, Args, Default)]
pub struct Serve {
    /// Leave thumbnails to `strongroom worker` processes (servers back end only).
    #[arg(long)]
    no_worker: bool,
    #[command(flatten)]
    wait_for: WaitFor,
}

/// The arguments of `worker`.
#[derive(Debug, Args)]
pub struct Work {
    #[command(flatten)]
    wait_for: WaitFor,
}

impl Default for WaitFor {
    fn default() -> Self {
        Self { wait_for: Duration::ZERO }
    }
}

impl Serve {
    pub(super) async fn run(self, mut config: Config) -> Result<ExitCode, StartError> {
        start_log(&config.log).map_err(|error| StartError(format!("log.filter: {error}")))?;
        config.server.max_connections = open_files::make_room(config.server.max_connections);
        let worker = config.thumbnails.worker && !self.no_worker;
        let worker = worker || (matches!(config.store, StoreConfig::Embedded { .. }) && !self.no_worker);
        let first_run = !exists_already(&config);
        let instance =
            Instance::open(config, Role::Serve { worker }, super::environment(self.wait_for.wait_for)?).await?;
        let settings = instance.app.config.server.clone();
        let listener = app::bind(settings.bind, "server.bind").await?;
        instance.serve_metrics().await?;
        stop_on_signal(&instance.app.shutdown)?;
        instance.start();
        greet(&instance, worker, first_run);
        instance.serve(listener).await?;
        instance.finished().await;
        instance.close().await;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}

impl Work {
    pub(super) async fn run(self, config: Config) -> Result<ExitCode, StartError> {
        start_log(&config.log).map_err(|error| StartError(format!("log.filter: {error}")))?;
        let instance = Instance::open(config, Role::Worker, super::environment(self.wait_for.wait_for)?).await?;
        instance.serve_worker_status().await?;
        stop_on_signal(&instance.app.shutdown)?;
        instance.start();
        tracing::info!(slots = instance.app.config.thumbnails.slots, "working the queue");
        instance.finished().await;
        instance.close().await;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}

/// The first SIGTERM or SIGINT stops cleanly, the second at once.
fn stop_on_signal(shutdown: &Shutdown) -> Result<(), StartError> {
    let listen = |kind| signal(kind).map_err(|error| StartError(format!("cannot listen for signals: {error}")));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if shutdown.has_begun() {
                tracing::warn!("stopping at once");
                std::process::exit(1);
            }
            tracing::info!("stopping: running work may finish; once more stops at once");
            shutdown.begin();
        }
    });
    Ok(())
}

fn exists_already(config: &Config) -> bool {
    match &config.store {
        StoreConfig::Embedded { data_dir } => data_dir.join(app::DATABASE).exists(),
        StoreConfig::Servers { .. } => true,
    }
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// Tells the person who started it where things are and what to do first.
fn greet(instance: &Instance, worker: bool, first_run: bool) {
    let config = &instance.app.config;
    let url = &config.server.public_url;
    let store = match &config.store {
        StoreConfig::Embedded { data_dir } => {
            format!("SQLite in {}{}", absolute(data_dir), if first_run { " (just made)" } else { "" })
        }
        StoreConfig::Servers { .. } => "MongoDB and Redis".to_owned(),
    };
    let blobs = match &config.blobs.backend {
        BlobsBackend::Disk(dir) => absolute(dir),
        BlobsBackend::S3(options) => format!("the S3 bucket {}", options.bucket),
    };
    let thumbnails = if worker { "made by this process" } else { "left to `strongroom worker`" };
    let console_line = if config.server.production { String::new() } else { format!("  Console     {url}/\n") };
    let graphiql_line = if config.server.graphiql && !config.server.production {
        format!("  GraphiQL    {url}/graphiql (its code comes from a CDN)\n")
    } else {
        String::new()
    };
    let first_steps = if config.accounts.registration_open {
        format!("Open an account (paste this into another terminal):\n\n{}\n", console::register_curl(url))
    } else {
        "Registration is closed; add accounts with `strongroom user add`.\n".to_owned()
    };
    super::print(&format!(
        "Strongroom {} is ready.\n\n  API         {url}/graphql\n{console_line}{graphiql_line}  Data        {store}\n  \
         Bytes       {blobs}\n  Thumbnails  {thumbnails}\n\n{first_steps}\n",
        env!("CARGO_PKG_VERSION"),
    ));
}
