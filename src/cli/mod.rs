//! The command line.

mod config;
mod doctor;
mod health;
mod open_files;
mod serve;
mod user;

use std::{ffi::OsString, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand};

use crate::{
    app::{Environment, StartError},
    config::{Config, Layers},
    graphql::Api,
    model::{Clock, Random},
    thumbnails::{child, probe},
};

/// A self-hosted file platform with a GraphQL API.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    arg_required_else_help = false,
    after_help = "\
Without a command, strongroom serves: it makes the folder ./data, listens on 127.0.0.1:4000 and says how to go on.

Every setting is in `strongroom config`; set one with an environment variable such as STRONGROOM__SERVER__BIND, or in a \
file named by --config."
)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Args)]
struct Common {
    /// A configuration file (TOML) with what differs from the defaults.
    #[arg(long, global = true, value_name = "FILE", env = "STRONGROOM_CONFIG")]
    config: Option<PathBuf>,
    /// Sets one setting, e.g. --set server.bind=127.0.0.1:8080. May be given several times.
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API (and make thumbnails)
    Serve(serve::Serve),
    /// Make thumbnails, beside API processes
    ///
    /// Works the queue of the servers back end (store.backend = "servers"). Start as many as you like, on any number of
    /// machines. The embedded back end needs none: there `serve` works the queue itself.
    Worker(serve::Work),
    /// Print the GraphQL schema
    ///
    /// In the schema definition language, as clients and code generators read it.
    Schema,
    /// Print or check the configuration
    Config(config::Show),
    /// Add, list and change accounts
    User(user::User),
    /// Look for lost and left-over data, and mend it
    Doctor(doctor::Doctor),
    /// Ask a running server whether it is ready
    ///
    /// Asks /readyz at server.bind. The exit status is 0 when it is ready and 1 otherwise, as container health checks
    /// want it.
    Health(health::Health),
    /// Render thumbnails for a worker; not for people
    #[command(hide = true)]
    Render(Render),
}

#[derive(Debug, Args)]
struct Render {
    /// Bytes of address space.
    memory: u64,
    /// Try what must be refused instead, confined by this.
    #[arg(long)]
    probe: Option<probe::Confined>,
}

#[derive(Debug, Args, Clone, Copy)]
struct WaitFor {
    /// How long to wait for MongoDB, Redis and the blob store at the start, e.g. 60s.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    wait_for: Duration,
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<jiff::SignedDuration>().ok().and_then(|it| Duration::try_from(it).ok());
    parsed.ok_or_else(|| "write it like 30s or 2m".to_owned())
}

/// Runs the program. `variables` is the process's environment.
pub fn run(arguments: impl IntoIterator<Item = OsString>, variables: Vec<(String, String)>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    // Rendering children get their limits from their parent and touch neither configuration nor runtime.
    if let Some(Command::Render(render)) = &cli.command {
        // The parent sees the end of the pipes; nobody reads an exit status or a message.
        let ran = match render.probe {
            None => child::run(render.memory),
            Some(confined) => probe::run(render.memory, confined),
        };
        return ran.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    if let Some(Command::Schema) = &cli.command {
        return print(&Api::sdl());
    }
    // Password hashes, secrets and private files are for nobody else on this machine.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let layers = layers(&cli.common, variables);
    match cli.command.unwrap_or(Command::Serve(serve::Serve::default())) {
        Command::Config(show) => show.run(layers),
        Command::Serve(serve) => with_config(layers, |config| block_on(serve.run(config))),
        Command::Worker(work) => with_config(layers, |config| block_on(work.run(config))),
        Command::User(user) => with_config(layers, |config| block_on(user.run(config))),
        Command::Doctor(doctor) => with_config(layers, |config| block_on(doctor.run(config))),
        Command::Health(health) => with_config(layers, |config| block_on(health.run(config))),
        Command::Render(_) | Command::Schema => ExitCode::SUCCESS,
    }
}

fn layers(common: &Common, variables: Vec<(String, String)>) -> Layers {
    let mut layers = Layers::defaults();
    if let Some(path) = &common.config {
        layers.file(path);
    }
    layers.environment(variables);
    for set in &common.set {
        match set.split_once('=') {
            Some((key, value)) => layers.set_text(key.trim(), value, "--set"),
            None => layers.problem(set, "--set", "write it like --set server.bind=127.0.0.1:8080"),
        }
    }
    layers
}

fn with_config(layers: Layers, run: impl FnOnce(Config) -> Result<ExitCode, StartError>) -> ExitCode {
    let config = match Config::read(layers) {
        Ok(config) => config,
        Err(problems) => {
            eprintln!("strongroom: the configuration has problems:");
            for problem in problems {
                eprintln!("  {problem}");
            }
            return ExitCode::from(2);
        }
    };
    run(config).unwrap_or_else(|error| {
        eprintln!("strongroom: {error}");
        ExitCode::FAILURE
    })
}

fn block_on<T>(future: impl Future<Output = Result<T, StartError>>) -> Result<T, StartError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| StartError(format!("cannot start threads: {error}")))?;
    let outcome = runtime.block_on(future);
    // What still runs on a blocking thread has been waited for as long as it may take.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

fn environment(wait_for: Duration) -> Result<Environment, StartError> {
    let program = std::env::current_exe();
    let program = program.map_err(|error| StartError(format!("cannot find the program's own file: {error}")))?;
    Ok(Environment { clock: Clock::system(), random: Random::system(), program, wait_for })
}

/// Prints a text whole. A reader that has gone away is no failure.
fn print(text: &str) -> ExitCode {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    ExitCode::SUCCESS
}
