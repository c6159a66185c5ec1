//! Measures how an ordinary query fares while many connections send the most expensive requests, back to back. It fails
//! when the server ends, or when an ordinary query is not answered; how fast it is it only says.
//!
//! `cargo bench --bench hostile -- --help`
#![allow(missing_docs, clippy::unwrap_used, clippy::format_push_string, clippy::format_collect)]

mod attacks;
#[path = "../it/support/mod.rs"]
#[allow(dead_code, clippy::pedantic, reason = "only some of it is needed here")]
mod support;
#[path = "../it/hostile/wire.rs"]
#[allow(dead_code, clippy::pedantic, reason = "only some of it is needed here")]
mod wire;

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, timeout_at};

use self::{
    attacks::{Attack, attacks},
    support::{Backend, app::Home, client::Client, program, program::Killed, servers, until},
    wire::{Connection, Response, request},
};

/// How often an ordinary query is asked.
const PERIOD: Duration = Duration::from_millis(200);
/// Without an answer for this long, an ordinary query has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends a server of its own the most expensive requests from many connections, and asks it ordinary queries meanwhile.
///
/// The server runs on loopback, on a free port, in a folder of its own, and ends with the measurement. Requests are sent
/// back to back: those within the limits of complexity, selections and aliases, and those far beyond.
#[derive(Parser)]
#[command(name = "hostile")]
struct Arguments {
    /// How long to send hostile requests, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How many connections send them.
    #[arg(long, default_value_t = 200)]
    connections: usize,
    /// Sends only attacks whose name contains this text.
    #[arg(long, default_value = "")]
    only: String,
    /// Over MongoDB and Redis instead of the embedded back end (tests/get-servers fetches them).
    #[arg(long)]
    servers: bool,
    /// The program to measure; the one that was built along with this by default.
    #[arg(long, env = "STRONGROOM_BIN")]
    program: Option<PathBuf>,
    /// What cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What became of the requests of one kind.
#[derive(Default)]
struct Tally {
    /// By status; 0 where there was none.
    statuses: BTreeMap<u16, u64>,
    waited: Duration,
    longest: Duration,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let backend = if arguments.servers { Backend::Servers } else { Backend::Embedded };
    let home = Home::new(backend);
    let mut server = start(&home, arguments.program.clone());
    let address = server.address;
    let token = runtime().block_on(furnish(&server.url));
    let all: Vec<_> = attacks(&token).into_iter().filter(|attack| attack.name.contains(&arguments.only)).collect();
    assert!(!all.is_empty(), "no attack is called that");
    let end = Instant::now() + Duration::from_secs(arguments.seconds);
    println!("{} s, {} connections, {backend:?}", arguments.seconds, arguments.connections);

    let ordinary: Vec<_> = [
        ("limits", request("POST /graphql", &[JSON], json!({ "query": "{ limits { pageSize } }" }).to_string())),
        ("files(first: 20)", list(&token)),
    ]
    .into_iter()
    // On threads of their own, so that this program's own business does not delay them.
    .map(|(name, query)| (name, thread::spawn(move || runtime().block_on(ask(address, query, end)))))
    .collect();
    let begun = Instant::now();
    let tallies = runtime().block_on(attack_all(address, Arc::new(all), arguments.connections, end));
    let took = begun.elapsed();

    report_attacks(&tallies, took);
    println!("\n{:<42}{:>8}{:>10}{:>10}{:>10}{:>8}", "ordinary query", "count", "p50 ms", "p99 ms", "max ms", "failed");
    let mut failures = 0;
    for (name, asked) in ordinary {
        let (mut times, faults) = asked.join().expect("the asking thread ends well");
        times.sort_unstable();
        let at = |part: f64| millis(quantile(&times, part));
        let (count, failed) = (times.len(), faults.len());
        println!("{name:<42}{count:>8}{:>10.1}{:>10.1}{:>10.1}{failed:>8}", at(0.5), at(0.99), at(1.0));
        if let Some(first) = faults.first() {
            println!("  the first that failed: {first}");
        }
        failures += failed;
    }
    let same = server.child.0.try_wait().is_ok_and(|status| status.is_none());
    let log = std::fs::read_to_string(&server.log).unwrap_or_default();
    let errors: Vec<_> = log.lines().filter(|line| line.contains(" ERROR ") || line.contains("panicked")).collect();
    println!("\nthe most memory that the server took: {}", peak(server.child.0.id()));
    println!("the same process: {}; errors in its log: {}", if same { "yes" } else { "NO" }, errors.len());
    for line in errors.iter().take(5) {
        println!("  {line}");
    }
    if same && failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

struct Server {
    child: Killed,
    address: SocketAddr,
    url: String,
    log: PathBuf,
}

/// Starts the program and waits until it is ready. It logs as it does by default, to a file.
fn start(home: &Home, program: Option<PathBuf>) -> Server {
    let port = servers::free_port();
    let usual = program::command(home, port, &["serve"], &[]);
    let program = program.map_or_else(|| usual.get_program().into(), |path| path.canonicalize().expect("the program"));
    let log = home.dir.path().join("log");
    let output = || Stdio::from(File::create(&log).expect("a file for the log"));
    let child = Command::new(&program)
        .args(usual.get_args())
        .env_clear()
        .envs(usual.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(home.dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output())
        .spawn()
        .expect("the program starts");
    let child = Killed(child);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    until("the program is ready", || std::net::TcpStream::connect(address).is_ok());
    println!("{}", program.display());
    Server { child, address, url: format!("http://{address}"), log }
}

/// Makes an account with something to list, and answers its token.
async fn furnish(url: &str) -> String {
    let client = Client::new(url).register("ada@example.org").await;
    for number in 0..100 {
        let folder = client.folder(&format!("folder {number}"), None).await;
        if number % 5 == 0 {
            client.upload_into(&folder, "file.txt", "some text").await;
        }
    }
    client.token.expect("who registers is signed in")
}

fn list(token: &str) -> Vec<u8> {
    let query = json!({ "query": "{ files(first: 20) { nodes { id name size url } } }" });
    request("POST /graphql", &[JSON, ("Authorization", &format!("Bearer {token}"))], query.to_string())
}

/// Asks an ordinary query every now and then. Answers how long each took, and what became of those that failed.
async fn ask(address: SocketAddr, query: Vec<u8>, end: Instant) -> (Vec<Duration>, Vec<String>) {
    let (mut times, mut faults) = (Vec::new(), Vec::new());
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut connection = None;
    while Instant::now() < end {
        ticks.tick().await;
        let begun = Instant::now();
        let answered = timeout_at((begun + PATIENCE).into(), exchange(address, &mut connection, &query)).await;
        times.push(begun.elapsed());
        let fault = match answered {
            Ok(Ok(response)) if is_good(&response) => continue,
            Ok(Ok(response)) => format!("{response:?}"),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {PATIENCE:?}"),
        };
        faults.push(fault);
        connection = None;
    }
    (times, faults)
}

fn is_good(response: &Response) -> bool {
    let answer = response.json();
    response.status == 200 && answer["data"].is_object() && answer["errors"].is_null()
}

/// Sends and reads, on the connection that there is or else on a new one.
async fn exchange(address: SocketAddr, connection: &mut Option<Connection>, bytes: &[u8]) -> io::Result<Response> {
    let mut open = match connection.take() {
        Some(open) => open,
        None => Connection::open(address).await?,
    };
    // Who is refused early may still read why.
    let written = open.write(bytes).await;
    let answer = open.answer(false).await.or_else(|error| written.and(Err(error)))?;
    if answer.stays {
        *connection = Some(open);
    }
    Ok(answer)
}

/// Sends every attack over and over, on so many connections at once.
async fn attack_all(
    address: SocketAddr,
    attacks: Arc<Vec<Attack>>,
    connections: usize,
    end: Instant,
) -> BTreeMap<&'static str, Tally> {
    let senders: Vec<_> =
        (0..connections).map(|first| tokio::spawn(attack(address, Arc::clone(&attacks), first, end))).collect();
    let mut all: BTreeMap<&str, Tally> = BTreeMap::new();
    for sender in senders {
        for (name, status, took) in sender.await.expect("a sender ends well") {
            let tally = all.entry(name).or_default();
            *tally.statuses.entry(status).or_default() += 1;
            tally.waited += took;
            tally.longest = tally.longest.max(took);
        }
    }
    all
}

async fn attack(
    address: SocketAddr,
    attacks: Arc<Vec<Attack>>,
    first: usize,
    end: Instant,
) -> Vec<(&'static str, u16, Duration)> {
    let mut done = Vec::new();
    let mut connection = None;
    for attack in attacks.iter().cycle().skip(first % attacks.len()) {
        let begun = Instant::now();
        let sent = timeout_at(end.into(), exchange(address, &mut connection, &attack.bytes)).await;
        let Ok(answered) = sent else { break };
        done.push((attack.name, answered.map_or(0, |response| response.status), begun.elapsed()));
    }
    done
}

fn report_attacks(tallies: &BTreeMap<&'static str, Tally>, took: Duration) {
    println!("{:<42}{:>8}{:>10}{:>10}  statuses (0: none)", "hostile request", "count", "mean ms", "max ms");
    let mut sum = 0;
    for (name, tally) in tallies {
        let count: u64 = tally.statuses.values().sum();
        sum += count;
        #[allow(clippy::cast_precision_loss, reason = "nobody sends so many")]
        let mean = millis(tally.waited) / count as f64;
        println!("{name:<42}{count:>8}{mean:>10.1}{:>10.1}  {:?}", millis(tally.longest), tally.statuses);
    }
    #[allow(clippy::cast_precision_loss, reason = "nobody sends so many")]
    let rate = sum as f64 / took.as_secs_f64();
    println!("{:<42}{sum:>8}, {rate:.0} a second", "altogether");
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Of sorted times: the one that so large a part of them does not pass.
fn quantile(times: &[Duration], part: f64) -> Duration {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "between 0 and the number of times"
    )]
    let index = (times.len().saturating_sub(1) as f64 * part).round() as usize;
    times.get(index).copied().unwrap_or_default()
}

/// What the kernel says of the process.
fn peak(process: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "nobody knows".to_owned(), |line| line.trim().to_owned())
}
