//! Where a round takes place: a home, the processes on it, and looks behind the API at what is left.

use std::{
    any::Any,
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    bucket::Bucket,
    counts::Counts,
    ledger::{Load, Owned, Sent, Source, Uploading},
    support::{Backend, app::Home, client::Client, program, program::Killed, servers},
};

/// A promise is tested with this many times its time: the machine may be busy.
pub const MARGIN: u32 = 3;
/// From the start to /readyz.
const READY: Duration = Duration::from_secs(2);
/// From the end of a fault until an upload is acknowledged.
const BACK: Duration = Duration::from_secs(5);
/// Until what dead processes left is swept: the grace, a beat, and a round of the janitor.
const SWEPT: Duration = Duration::from_secs(60);
/// For servers that share one machine with the suite, where no process is silent for long.
const GRACE: &str = "5s";

/// What a round runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Place {
    /// `SQLite` and local disk.
    Embedded,
    /// MongoDB, Redis, and a disk.
    Servers,
    /// MongoDB, Redis, and S3.
    S3,
}

/// A round's home and processes.
pub struct Stand {
    pub home: Home,
    bucket: Option<Bucket>,
    pub source: Source,
    pub counts: Counts,
    pub lease: Duration,
    started: u32,
    /// When something was last killed that has not been ready again since.
    struck: Option<Instant>,
    /// What rendered for processes that were killed.
    orphans: Vec<i32>,
    /// What has to be there, as far as it was verified.
    pub owned: Owned,
    /// Servers that nobody else uses; they end with the round.
    pub servers: Vec<Box<dyn Any + Send + Sync>>,
}

/// A running `strongroom`. Dropped, it is killed.
pub struct Process {
    pub child: Killed,
    pub url: String,
}

impl Process {
    pub fn pid(&self) -> u32 {
        self.child.0.id()
    }
}

impl Stand {
    pub async fn new(place: Place, seed: u64, real_leases: bool) -> Self {
        let lease = Duration::from_secs(if real_leases { 15 } else { 1 });
        let backend = if place == Place::Embedded { Backend::Embedded } else { Backend::Servers };
        let home = tokio::task::spawn_blocking(move || Home::new(backend)).await.unwrap();
        let bucket = if place == Place::S3 { Some(Bucket::new().await) } else { None };
        let (source, counts, owned) = (Source::new(seed), Counts::default(), Owned::default());
        Self {
            home,
            bucket,
            source,
            counts,
            lease,
            started: 0,
            struck: None,
            orphans: Vec::new(),
            owned,
            servers: Vec::new(),
        }
    }

    pub fn embedded(&self) -> bool {
        self.home.backend == Backend::Embedded
    }

    /// Not started yet; its log goes to a file of the home.
    pub fn command(&mut self, port: u16, arguments: &[&str], more: &[(&str, &str)]) -> Command {
        let lease = format!("{}s", self.lease.as_secs());
        let usual = [
            ("thumbnails.lease", lease.as_str()),
            ("thumbnails.repair_interval", &lease),
            ("blobs.orphan_grace", GRACE),
        ];
        let bucket = self.bucket.as_ref().map(Bucket::settings).unwrap_or_default();
        let mut command = program::command(&self.home, port, arguments, &[&usual[..], &bucket, more].concat());
        self.started += 1;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(self.log());
        command
    }

    /// Of the process that was made last.
    fn log(&self) -> File {
        let path = self.home.dir.path().join(format!("log-{}", self.started));
        File::options().create(true).append(true).open(path).unwrap()
    }

    /// Starts a server, and waits until it is ready.
    pub async fn serve(&mut self, more: &[(&str, &str)]) -> Process {
        self.ready(more, None).await
    }

    /// As [`Stand::serve`], by a command made of the usual one.
    pub async fn serve_as(&mut self, more: &[(&str, &str)], wrap: impl Fn(&Command) -> Command + Sync) -> Process {
        self.ready(more, Some(&wrap)).await
    }

    async fn ready(&mut self, more: &[(&str, &str)], wrap: Option<&(dyn Fn(&Command) -> Command + Sync)>) -> Process {
        let begun = Instant::now();
        let process = self.spawn(more, wrap);
        let client = Client::new(&process.url);
        let ready = || async {
            let asked = client.http.get(format!("{}/readyz", client.url)).send().await;
            asked.is_ok_and(|response| response.status() == 200)
        };
        while !ready().await {
            assert!(begun.elapsed() < READY * MARGIN, "not ready in {:?}", begun.elapsed());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let since = self.struck.take().unwrap_or(begun);
        self.counts.ready = self.counts.ready.max(since.elapsed());
        process
    }

    /// Starts a server.
    pub fn begin(&mut self, more: &[(&str, &str)]) -> Process {
        self.spawn(more, None)
    }

    fn spawn(&mut self, more: &[(&str, &str)], wrap: Option<&(dyn Fn(&Command) -> Command + Sync)>) -> Process {
        let port = servers::free_port();
        let mut command = self.command(port, &["serve"], more);
        if let Some(wrap) = wrap {
            command = wrap(&command);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(self.log());
        }
        let child = command.spawn().expect("the program starts");
        Process { child: Killed(child), url: format!("http://127.0.0.1:{port}") }
    }

    /// Starts a worker.
    pub fn work(&mut self) -> Process {
        let child = self.command(servers::free_port(), &["worker"], &[]).spawn().expect("the program starts");
        Process { child: Killed(child), url: String::new() }
    }

    /// As `kill -9` does.
    pub fn kill(&mut self, mut process: Process) {
        self.orphans.extend(children(&process.child.0));
        process.child.0.kill().unwrap();
        process.child.0.wait().unwrap();
        self.struck.get_or_insert_with(Instant::now);
        self.counts.kills += 1;
    }

    /// Uploads, into folders of their own, until one is acknowledged, and checks how long after the end of a fault that is.
    pub async fn uploads_again(&mut self, client: &Client, folders: &mut Vec<(String, Vec<Sent>)>, since: Instant) {
        let one = Load { connections: 1, files: 1, images: 1, pace: Duration::ZERO };
        for n in 0.. {
            let query = "mutation($n: String!) { createFolder(input: { name: $n }) { folder { id } } }";
            let made = client.gql(query, json!({ "n": n.to_string() })).await;
            if let Some(folder) = made["data"]["createFolder"]["folder"]["id"].as_str() {
                let sent = Uploading::start(client, folder, &mut self.source, one).all().await;
                folders.push((folder.to_owned(), sent));
            }
            match folders.last().and_then(|(_, sent)| sent.last()) {
                Some(sent) if sent.id().is_some() && sent.begun > since => break,
                last => {
                    let answer = last.map(|sent| &sent.answer);
                    assert!(since.elapsed() < BACK * MARGIN, "no upload is acknowledged: {answer:?}");
                }
            }
        }
        self.counts.ready = self.counts.ready.max(since.elapsed());
    }

    /// Waits until all images have settled, and checks when that was; `verify` looks how.
    pub async fn settle(&mut self, client: &Client, images: &[String], since: Instant) {
        for id in images {
            client.settled(id).await;
        }
        let within = (self.lease + Duration::from_secs(5)) * MARGIN;
        assert!(since.elapsed() < within, "settled after {:?}, which is over {within:?}", since.elapsed());
        self.counts.settled = self.counts.settled.max(since.elapsed());
    }

    /// Checks that nothing is left but what was verified: rows, blobs, unfinished files, notes, jobs, processes.
    pub async fn nothing_is_left(&mut self) {
        self.nothing_is_left_within(SWEPT).await;
    }

    /// As [`Stand::nothing_is_left`], after this long at the latest.
    pub async fn nothing_is_left_within(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        loop {
            let left = self.left().await;
            assert!(left.owned.blobs >= self.owned.blobs, "LOST: {left:?} where {:?} is owned", self.owned);
            assert!(left.owned.rows >= self.owned.rows, "LOST: {left:?} where {:?} is owned", self.owned);
            // A job of an image that failed is buried, but a worker may be killed just before that.
            assert!(left.owned.buried <= self.owned.buried, "{left:?} where {:?} is owned", self.owned);
            let wanted = Left { owned: Owned { buried: left.owned.buried, ..self.owned }, ..Left::default() };
            if left == wanted {
                break;
            }
            assert!(Instant::now() < deadline, "after {time:?}: {left:?}, where {:?} is owned", self.owned);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.examine().await;
    }

    /// Lets the program itself compare what is stored with the rows, however young it is.
    async fn examine(&mut self) {
        self.doctor(&["doctor"]).await;
    }

    /// As [`Stand::examine`], and has it remove what belongs to nobody.
    pub async fn repair(&mut self) {
        // Of a small copy, more bytes may have come after it than before: whoever restores looks, and then forces it.
        self.doctor(&["doctor", "--repair", "--force"]).await;
    }

    async fn doctor(&mut self, arguments: &[&str]) {
        let mut doctor = self.command(servers::free_port(), arguments, &[("blobs.orphan_grace", "1ms")]);
        doctor.stdout(Stdio::piped());
        let output = tokio::task::spawn_blocking(move || doctor.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }

    async fn left(&self) -> Left {
        let processes = self.orphans.iter().filter(|pid| renders(**pid)).count();
        let (blobs, unfinished) = match &self.bucket {
            Some(bucket) => (bucket.objects().await.len(), bucket.uploads().await.len()),
            None => {
                let files = self.home.blob_files();
                let unfinished = files.iter().filter(|path| path.display().to_string().contains('#')).count();
                (files.len(), unfinished)
            }
        };
        let (rows, notes, buried, jobs) = if self.embedded() {
            let jobs = if self.count("jobs WHERE state != 'buried'") == 0 { vec![] } else { vec!["jobs".to_owned()] };
            (self.count("files"), self.count("reservations"), self.count("jobs WHERE state = 'buried'"), jobs)
        } else {
            let (rows, notes) = self.documents().await;
            (rows, notes, self.redis(&format!("ZCARD {{{}}}:buried", self.home.name)), self.jobs())
        };
        Left { owned: Owned { rows, blobs: blobs as u64, buried }, unfinished, notes, jobs, processes }
    }

    /// How many rows of files and notes of blobs MongoDB has.
    async fn documents(&self) -> (u64, u64) {
        let client = mongodb::Client::with_uri_str(&self.home.mongodb_url).await.unwrap();
        let database = client.database(&self.home.name);
        let mut counts = [0; 2];
        for (count, name) in counts.iter_mut().zip(["files", "reservations"]) {
            let rows = database.collection::<mongodb::bson::Document>(name);
            *count = rows.count_documents(mongodb::bson::Document::new()).await.unwrap();
        }
        client.shutdown().await;
        (counts[0], counts[1])
    }

    /// The keys of Redis that have to do with jobs, apart from those that were buried. What is empty has no key.
    fn jobs(&self) -> Vec<String> {
        let others = ["session", "sessions", "tries", "buried", "reasons"];
        let all = self.ask_redis(&format!("KEYS {{{}}}:*", self.home.name));
        let names = all.into_iter().filter_map(|key| key.split(':').nth(1).map(str::to_owned));
        names.filter(|name| !others.contains(&name.as_str())).collect()
    }

    /// Removes what the servers hold of this round, once it has gone well.
    pub async fn clear(&self) {
        if !self.embedded() {
            let client = mongodb::Client::with_uri_str(&self.home.mongodb_url).await.unwrap();
            client.database(&self.home.name).drop().await.unwrap();
            client.shutdown().await;
        }
    }

    /// Sends Redis one command, and answers the number that it answers; 0 for a word.
    pub fn redis(&self, command: &str) -> u64 {
        let answer = self.ask_redis(command);
        answer.first().and_then(|line| line.strip_prefix(':')).map_or(0, |number| number.parse().unwrap())
    }

    /// Sends Redis one command, and answers the line, or the strings of the list, that it answers.
    fn ask_redis(&self, command: &str) -> Vec<String> {
        let mut stream = TcpStream::connect(self.home.redis_url.trim_start_matches("redis://")).unwrap();
        stream.write_all(format!("{command}\r\n").as_bytes()).unwrap();
        let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
        let first = lines.next().unwrap();
        assert!(!first.starts_with('-'), "{command}: {first}");
        match first.strip_prefix('*') {
            // Each has its length before it.
            Some(count) => lines.skip(1).step_by(2).take(count.parse().unwrap()).collect(),
            None => vec![first],
        }
    }

    /// Of this table of `SQLite`, or a part of it.
    fn count(&self, table: &str) -> u64 {
        let path = self.home.dir.path().join("data/strongroom.sqlite");
        let connection = rusqlite::Connection::open(path).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }
}

/// What there is.
#[derive(Debug, Default, PartialEq, Eq)]
struct Left {
    owned: Owned,
    /// Files, or multipart uploads in S3, that are not finished.
    unfinished: usize,
    /// Of blobs that are on their way.
    notes: u64,
    /// Where jobs are.
    jobs: Vec<String>,
    /// Those that rendered for a process that was killed.
    processes: usize,
}

/// The images that were acknowledged.
pub fn images(sent: &[Sent]) -> Vec<String> {
    sent.iter().filter(|sent| sent.is_image()).filter_map(|sent| sent.id().map(str::to_owned)).collect()
}

/// Processes that this one has started and that still run: those that render.
pub fn children(of: &Child) -> Vec<i32> {
    let parent = of.id().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        // Behind the name, in parentheses: the state, then the parent.
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        let mut fields = rest.split(' ');
        if fields.next() != Some("Z") && fields.next() == Some(&parent) {
            found.push(pid);
        }
    }
    found
}

/// Whether this is a process of the program. One that has ended and that nobody has asked for has no command line.
fn renders(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("strongroom"))
}

/// Kills a process of ours that is not a child of this one.
pub fn kill_child(pid: i32) -> bool {
    rustix::process::Pid::from_raw(pid)
        .is_some_and(|pid| rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok())
}

/// An event that a subscriber was sent: which image, how it settled.
pub type Event = (String, String);

/// Subscribes to the events of this person's images.
pub async fn subscribe(client: &Client) -> mpsc::UnboundedReceiver<Event> {
    let mut socket = client.socket().await;
    socket.subscribe("1", "subscription { thumbnailReady { id thumbnailStatus } }", json!({})).await;
    // Answers come in order: with this one's, the subscription stands.
    socket.subscribe("2", "{ limits { pageSize } }", json!({})).await;
    while socket.next().await["type"] != "complete" {}
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(message) = socket.next_within(Duration::from_secs(3600)).await {
            let image = &message["payload"]["data"]["thumbnailReady"];
            let Some(id) = image["id"].as_str() else { return };
            let _ = sender.send((id.to_owned(), image["thumbnailStatus"].as_str().unwrap().to_owned()));
        }
    });
    receiver
}
