//! Starts the built program, breaks it while it works, and compares what is left with what was sent.
//!
//! `tests/chaos/run --help`
#![allow(missing_docs, clippy::unwrap_used, clippy::single_match_else)]

mod backup;
#[path = "../it/blobs/bucket.rs"]
#[allow(dead_code, clippy::pedantic, reason = "only some of it is needed here")]
mod bucket;
mod counts;
mod endings;
mod full;
mod kills;
mod ledger;
mod replicas;
mod soak;
mod stand;
#[path = "../it/support/mod.rs"]
#[allow(dead_code, clippy::pedantic, reason = "only some of it is needed here")]
mod support;

use std::{
    process::ExitCode,
    sync::{Arc, Mutex},
    time::Duration,
};

use clap::{Parser, ValueEnum as _};
use futures_util::{StreamExt as _, stream};
use strongroom::model::Random;

use self::{
    counts::Counts,
    stand::{Place, Stand},
};

/// Breaks running servers, and checks that nothing is lost.
#[derive(Parser)]
#[command(name = "chaos")]
struct Arguments {
    /// Only scenarios with this in their name.
    scenario: Option<String>,
    /// Rounds of each.
    #[arg(long, default_value_t = 2)]
    rounds: u64,
    /// Only this back end.
    #[arg(long)]
    backend: Option<Place>,
    /// Leases and repair intervals as they are by default.
    #[arg(long)]
    real_leases: bool,
    /// How long a soak takes.
    #[arg(long, default_value_t = 1)]
    minutes: u64,
    /// Draws the same bytes and moments again.
    #[arg(long)]
    seed: Option<u64>,
    /// How many scenarios run at a time.
    #[arg(long, default_value_t = 6)]
    jobs: usize,
    /// What `cargo test` may hand on to every test program.
    #[arg(long, hide = true)]
    nocapture: bool,
    #[arg(long, hide = true)]
    test_threads: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Scenario {
    KillTheServer,
    KillTheWorker,
    TerminateUnderLoad,
    LoseRedis,
    LoseThePrimary,
    FillTheDisk,
    DeleteWhileRendering,
    BackUpAndRestore,
    Soak,
}

const SCENARIOS: [(&str, Scenario); 9] = [
    ("kill_the_server", Scenario::KillTheServer),
    ("kill_the_worker", Scenario::KillTheWorker),
    ("terminate_under_load", Scenario::TerminateUnderLoad),
    ("lose_redis", Scenario::LoseRedis),
    ("lose_the_primary", Scenario::LoseThePrimary),
    ("fill_the_disk", Scenario::FillTheDisk),
    ("delete_while_rendering", Scenario::DeleteWhileRendering),
    ("back_up_and_restore", Scenario::BackUpAndRestore),
    ("soak", Scenario::Soak),
];

impl Scenario {
    /// Whether it has anything of its own to break there.
    fn is_for(self, place: Place) -> bool {
        match self {
            Self::LoseRedis | Self::LoseThePrimary => place == Place::Servers,
            Self::TerminateUnderLoad | Self::FillTheDisk | Self::BackUpAndRestore | Self::Soak => place != Place::S3,
            Self::KillTheServer | Self::KillTheWorker | Self::DeleteWhileRendering => true,
        }
    }

    async fn round(self, stand: &mut Stand, soak: Duration) {
        match self {
            Self::KillTheServer => kills::server(stand).await,
            Self::KillTheWorker => kills::worker(stand).await,
            Self::TerminateUnderLoad => endings::terminate(stand).await,
            Self::LoseRedis => endings::lose_redis(stand).await,
            Self::LoseThePrimary => replicas::lose_the_primary(stand).await,
            Self::FillTheDisk => full::fill_the_disk(stand).await,
            Self::DeleteWhileRendering => endings::delete(stand).await,
            Self::BackUpAndRestore => backup::back_up_and_restore(stand).await,
            Self::Soak => soak::soak(stand, soak).await,
        }
    }
}

/// All rounds of one scenario in one place: its name, the sum, and in how many rounds a promise was broken.
async fn rounds(
    name: String,
    scenario: Scenario,
    place: Place,
    arguments: &Arguments,
    seed: u64,
) -> (String, Counts, u64) {
    let (mut sum, mut broken) = (Counts::default(), 0);
    let soak = Duration::from_secs(60 * arguments.minutes);
    // A soak is one round, however long.
    let rounds = if matches!(scenario, Scenario::Soak) { 1 } else { arguments.rounds };
    for round in 0..rounds {
        let seed = seed.wrapping_add(round);
        let mut stand = Stand::new(place, seed, arguments.real_leases).await;
        let home = stand.home.clone();
        let counts = Arc::new(Mutex::new(Counts::default()));
        let told = Arc::clone(&counts);
        // A task of its own: a broken promise ends it with a panic that has been printed by then.
        let held = tokio::spawn(async move {
            scenario.round(&mut stand, soak).await;
            stand.clear().await;
            *told.lock().unwrap() = stand.counts;
        });
        let held = held.await.is_ok();
        let counts = *counts.lock().unwrap();
        println!("{name} round {} seed {seed}: {counts}", round + 1);
        sum.add(&counts);
        if !held {
            broken += 1;
            println!("BROKEN: {name} seed {seed}; data and logs: {}", home.dir.path().display());
            // Kept.
            std::mem::forget(home);
        }
    }
    (name, sum, broken)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Two words of a number that can be typed.
    let seed = arguments.seed.unwrap_or_else(|| u64::from(u32::from_le_bytes(Random::system().bytes())));
    let mut lanes = Vec::new();
    for (name, scenario) in SCENARIOS {
        for place in Place::value_variants() {
            let named = arguments.scenario.as_ref().is_none_or(|part| name.contains(part.as_str()));
            let wanted = arguments.backend.is_none_or(|only| only == *place);
            if named && wanted && scenario.is_for(*place) {
                if matches!(scenario, Scenario::FillTheDisk) && !full::can_mount() {
                    println!("NOT RUN: {name}: this machine lets nobody mount a tmpfs (unshare --user --mount)");
                    continue;
                }
                let label = format!("{name} {}", format!("{place:?}").to_lowercase());
                lanes.push(rounds(label, scenario, *place, &arguments, seed));
            }
        }
    }
    if lanes.is_empty() {
        // A name from `cargo test NAME`, perhaps, that means another test.
        println!("no scenario is called that");
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let table: Vec<_> = runtime.block_on(stream::iter(lanes).buffered(arguments.jobs.max(1)).collect());
    counts::print(&table);
    let broken: u64 = table.iter().map(|(_, _, broken)| broken).sum();
    if broken > 0 {
        println!("chaos: FAILED: {broken} rounds broke a promise, see above (seed {seed})");
        return ExitCode::FAILURE;
    }
    println!("chaos: passed (seed {seed})");
    ExitCode::SUCCESS
}
