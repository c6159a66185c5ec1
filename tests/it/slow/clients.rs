//! Crowds of clients that are slow on purpose, against the built program: everybody else is served, and they are ended.

use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    sync::oneshot,
    task::JoinSet,
    time::{interval, timeout},
};

use super::{HEALTH, PROMPT, connect, one};
use crate::support::{
    Backend,
    app::{Home, PROGRAM, TestApp},
    client::Client,
    program::{Killed, Program, command},
    servers::free_port,
    until,
};

/// How many of each kind.
const CROWD: usize = 500;

/// Every limit for slow clients.
const LIMIT: Duration = Duration::from_secs(2);

/// Two seconds of patience, then two for the goodbye, and one for whoever does not leave at once, with a threefold margin.
const ENDED: Duration = Duration::from_secs(15);

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// Lets this process hold as many sockets as the crowds need.
fn raise_own_limit() {
    let limit = getrlimit(Resource::Nofile);
    let needed = 4 * 5 * CROWD as u64;
    let enough = limit.maximum.is_none_or(|most| most >= needed);
    assert!(enough, "these tests hold thousands of sockets: raise the hard limit of open files, `ulimit -Hn {needed}`");
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}

/// Connections to this port that its process holds.
fn connections(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let local = format!(":{port:04X}");
    let held = table.lines().skip(1).filter(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        // 0A is LISTEN; inode 0 means that the process has let go.
        fields[1].ends_with(&local) && fields[3] != "0A" && fields[9] != "0"
    });
    held.count()
}

/// Files below this folder that the process has open.
fn open_files(process: u32, folder: &Path) -> usize {
    let open = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().flatten();
    open.filter_map(|entry| std::fs::read_link(entry.path()).ok()).filter(|path| path.starts_with(folder)).count()
}

/// How a client is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slow {
    Head,
    Body,
    Idle,
    Reading,
    Socket,
}

/// What the crowds are to do.
#[derive(Clone)]
struct Target {
    address: SocketAddr,
    /// The path of a large file.
    file: String,
}

impl Target {
    /// Somebody slow. Returns when the server has ended the connection.
    async fn client(self, kind: Slow, drips: bool) {
        let socket = TcpSocket::new_v4().unwrap();
        if kind == Slow::Reading {
            socket.set_recv_buffer_size(4096).unwrap();
        }
        let mut stream = socket.connect(self.address).await.unwrap();
        let beginning = match kind {
            Slow::Head => "GET /healthz HTTP/1.1\r\nHost: x\r\nX: ".to_owned(),
            Slow::Body => "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                           Content-Length: 10000\r\n\r\n{\"query\":\""
                .to_owned(),
            Slow::Idle => HEALTH.to_owned(),
            Slow::Reading => format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", self.file),
            Slow::Socket => "GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                             Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
                .to_owned(),
        };
        // Half of those that say nothing have never said anything.
        if kind != Slow::Idle || drips {
            stream.write_all(beginning.as_bytes()).await.unwrap();
        }
        match kind {
            Slow::Head | Slow::Body if drips => drip(kind, stream).await,
            Slow::Reading => sip(stream, drips).await,
            _ => {
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
        }
    }
}

/// Sends a byte from time to time, until the server has had enough.
async fn drip(kind: Slow, mut stream: TcpStream) {
    let (mut read, mut write) = stream.split();
    let mut ticks = interval(LIMIT / 10);
    let dripping = async {
        loop {
            ticks.tick().await;
            if write.write_all(b"x").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let mut answer = Vec::new();
    let begun = Instant::now();
    let ended = tokio::select! {
        () = dripping => unreachable!("it does not end"),
        ended = read.read_to_end(&mut answer) => ended,
    };
    let shown = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with(b"HTTP/1.1 408"), "{kind:?} ended with {ended:?} after {:?}: {shown}", begun.elapsed());
}

/// Reads nothing, or a byte from time to time, until the server has had enough. What came before its reset could be read
/// for a long time yet.
async fn sip(mut stream: TcpStream, drips: bool) {
    let mut ticks = interval(LIMIT / 10);
    while stream.take_error().unwrap().is_none() {
        ticks.tick().await;
        if drips && stream.read_u8().await.is_err() {
            return;
        }
    }
}

/// Asks an ordinary query on a connection of its own every 100 ms until told to stop; answers the longest wait.
async fn ask(client: Client, mut stop: oneshot::Receiver<()>) -> (usize, Duration) {
    let (mut asked, mut longest) = (0, Duration::ZERO);
    let mut ticks = interval(Duration::from_millis(100));
    while stop.try_recv().is_err() {
        ticks.tick().await;
        let fresh = Client { http: reqwest::Client::builder().no_proxy().build().unwrap(), ..client.clone() };
        let begun = Instant::now();
        let answer = fresh.data("{ viewer { email } files(first: 10) { totalCount } }", json!({})).await;
        assert_eq!(answer["files"]["totalCount"], 1);
        longest = longest.max(begun.elapsed());
        asked += 1;
    }
    (asked, longest)
}

async fn hundreds_of_slow_clients_of_every_kind_hinder_nobody_and_are_ended(backend: Backend) {
    raise_own_limit();
    let home = Home::new(backend);
    let short = [
        "server.header_timeout",
        "server.body_idle_timeout",
        "server.write_timeout",
        "server.keep_alive_timeout",
        "server.min_rate_window",
        "limits.socket_init_timeout",
    ];
    let program = {
        let home = home.clone();
        blocking(move || Program::start(&home, &["serve"], &short.map(|key| (key, "2s")))).await
    };
    let process = program.child.id();
    let ada = program.client().register("ada@example.org").await;
    let file = ada.upload("large.bin", vec![7; 10 << 20]).await;
    let url = file["url"].as_str().unwrap();
    let address = program.url.trim_start_matches("http://").to_socket_addrs().unwrap().next().unwrap();
    let target = Target { address, file: url.trim_start_matches(&program.url).to_owned() };

    let (stop, stopped) = oneshot::channel();
    let asking = tokio::spawn(ask(ada.clone(), stopped));
    let mut crowd = JoinSet::new();
    for n in 0..CROWD {
        for kind in [Slow::Head, Slow::Body, Slow::Idle, Slow::Reading, Slow::Socket] {
            crowd.spawn(target.clone().client(kind, n % 2 == 0));
        }
    }
    blocking(move || until("they are all there", || connections(address.port()) > 4 * CROWD)).await;
    let begun = Instant::now();
    let ended = async {
        while let Some(ended) = crowd.join_next().await {
            ended.unwrap();
        }
    };
    let in_time = timeout(ENDED, ended).await;
    assert!(in_time.is_ok(), "after {ENDED:?} {} are left", crowd.len());
    stop.send(()).unwrap();
    let (asked, longest) = asking.await.unwrap();
    assert!(longest < PROMPT, "an ordinary query took {longest:?}");
    assert!(asked > 10, "{asked} queries in {:?}", begun.elapsed());
    drop(ada);
    let blobs = home.blobs();
    blocking(move || {
        until("no connection is left", || connections(address.port()) == 0);
        until("no file is left open", || open_files(process, &blobs) == 0);
    })
    .await;
}

async fn at_the_limit_of_connections_the_idle_make_room_and_the_busy_do_not(backend: Backend) {
    let app = TestApp::with(backend, &[("server.max_connections", "8")]).await;
    let body = r#"{"query":"{ __typename }"}"#;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\n\r\n",
        body.len()
    );
    let busy = async || {
        let mut stream = connect(&app.url).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        // Whoever is told to go on has a request running.
        let mut go_on = [0; 25];
        timeout(PROMPT, stream.read_exact(&mut go_on)).await.unwrap().unwrap();
        stream
    };
    let finished = async |stream: &mut TcpStream| {
        stream.write_all(body.as_bytes()).await.unwrap();
        assert_eq!(one(stream).await.status, 200);
    };
    let mut running = vec![busy().await, busy().await, busy().await];
    let mut idle = Vec::new();
    for n in 0..60 {
        let mut stream = connect(&app.url).await;
        // Some have asked for something before, others never say a word.
        if n % 2 == 0 {
            stream.write_all(HEALTH.as_bytes()).await.unwrap();
            let begun = Instant::now();
            assert_eq!(one(&mut stream).await.status, 200);
            assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
        }
        idle.push(stream);
    }
    // Those that were idle for longest have left, and the last are still here.
    let mut left = Vec::new();
    assert_eq!(timeout(PROMPT, idle[0].read_to_end(&mut left)).await.unwrap().unwrap(), 0);
    for _ in 0..5 {
        running.push(busy().await);
    }
    // Now all are busy: the next has to wait until one ends.
    let mut next = connect(&app.url).await;
    next.write_all(HEALTH.as_bytes()).await.unwrap();
    assert!(timeout(Duration::from_millis(500), next.read_u8()).await.is_err());
    finished(&mut running[0]).await;
    assert_eq!(one(&mut next).await.status, 200);
    for stream in &mut running[1..] {
        finished(stream).await;
    }
}

/// The program under limits of open files, soft and hard.
fn limited(home: &Home, soft: u32, hard: u32) -> (Killed, String) {
    let port = free_port();
    let program = command(home, port, &["serve"], &[]);
    let script = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\" serve");
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", &script, PROGRAM]).env_clear().current_dir(home.dir.path());
    limited.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let log = std::fs::File::create(home.dir.path().join("log")).unwrap();
    let child: Child = limited.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let child = Killed(child);
    until("the program listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    (child, format!("http://127.0.0.1:{port}"))
}

async fn limited_on(home: &Home, soft: u32, hard: u32) -> (Killed, String) {
    let home = home.clone();
    blocking(move || limited(&home, soft, hard)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_connections_than_the_soft_limit_of_open_files_allows_are_served() {
    raise_own_limit();
    let home = Home::new(Backend::Embedded);
    let log = home.dir.path().join("log");
    let (_program, url) = limited_on(&home, 128, 4096).await;
    let mut held = Vec::new();
    for _ in 0..400 {
        let mut stream = connect(&url).await;
        stream.write_all(HEALTH.as_bytes()).await.unwrap();
        assert_eq!(one(&mut stream).await.status, 200);
        held.push(stream);
    }
    // All of them are still there.
    for stream in &mut held {
        stream.write_all(HEALTH.as_bytes()).await.unwrap();
        assert_eq!(one(stream).await.status, 200);
    }
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("server.max_connections is 10000") && log.contains("room for 3072"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_few_open_files_allowed_newcomers_are_served_all_the_same() {
    let home = Home::new(Backend::Embedded);
    let (_program, url) = limited_on(&home, 128, 128).await;
    let mut held = Vec::new();
    for _ in 0..300 {
        let mut stream = connect(&url).await;
        stream.write_all(HEALTH.as_bytes()).await.unwrap();
        let begun = Instant::now();
        assert_eq!(one(&mut stream).await.status, 200);
        assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
        held.push(stream);
    }
}

/// The kernel must not make a slow but steady reader look like one that has stopped.
async fn a_slow_but_steady_reader_gets_everything(backend: Backend) {
    let settings = [("server.write_timeout", "1s"), ("limits.upload_bytes", "20000000")];
    let app = TestApp::with(backend, &settings).await;
    let ada = app.user("ada").await;
    let bytes: Vec<u8> = (0..12_000_000_u32).map(|n| (n % 251) as u8).collect();
    let file = ada.upload("large.bin", bytes.clone()).await;
    let mut stream = TcpStream::connect(app.url.trim_start_matches("http://")).await.unwrap();
    let (id, token) = (file["id"].as_str().unwrap(), ada.token.as_ref().unwrap());
    let head =
        format!("GET /files/{id} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    // At a quarter of a megabyte a second for a while, which would take a third of what a kernel buffers longer than a second.
    let mut ticks = interval(Duration::from_millis(250));
    for _ in 0..20 {
        ticks.tick().await;
        let count = stream.read(&mut piece).await.unwrap();
        read.extend_from_slice(&piece[..count]);
    }
    timeout(Duration::from_secs(30), stream.read_to_end(&mut read)).await.unwrap().unwrap();
    assert!(read.ends_with(&bytes), "{} bytes came", read.len());
}

crate::on_both_back_ends!(
    a_slow_but_steady_reader_gets_everything,
    hundreds_of_slow_clients_of_every_kind_hinder_nobody_and_are_ended,
    at_the_limit_of_connections_the_idle_make_room_and_the_busy_do_not,
);
