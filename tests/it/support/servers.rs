//! Real MongoDB, Redis and S3 servers: one of each for the whole test program, started when first asked for, on free
//! ports of the loopback interface, in temporary folders. They die with the test program however it ends.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

/// A server program. A shell waits for the end of its standard input, which comes when the test program is gone, and
/// then ends the server and removes its folder.
pub struct Server {
    guard: Child,
    /// Where the server keeps its data and log.
    pub dir: PathBuf,
}

impl Server {
    /// Starts `program` with `arguments` in a new folder; its output goes to `log` there.
    pub fn start(program: &Path, arguments: &[String]) -> Self {
        let dir = tempfile::Builder::new().prefix("strongroom-test-").tempdir().expect("a temporary folder").keep();
        let script = r#"
            cd "$1" && shift
            "$@" >log 2>&1 </dev/null &
            server=$!
            echo "$server"
            cat >/dev/null
            kill -9 "$server"
            wait "$server"
            dir=$PWD; cd / && rm -rf "$dir"
        "#;
        let mut guard = Command::new("sh")
            .args(["-c", script, "guard"])
            .arg(&dir)
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh");
        let mut pid = String::new();
        BufReader::new(guard.stdout.as_mut().expect("a pipe")).read_line(&mut pid).expect("the server's process ID");
        Self { guard, dir }
    }

    /// Waits for a line of the log that `find` accepts.
    fn wait_for_log<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        self.wait(what, |log| log.lines().find_map(&find))
    }

    fn wait<T>(&self, what: &str, ready: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let log = std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
            if let Some(found) = ready(&log) {
                return found;
            }
            assert!(Instant::now() < deadline, "{what} did not start within 30 s; its log:\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends the server, and waits until it is gone.
    pub fn stop(mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// Where `tests/get-servers` puts a program.
pub fn fetched(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".servers").join(name);
    assert!(
        path.exists(),
        "the tests run against real servers, and .servers/{name} is missing: run tests/get-servers first, \
         or set TEST_MONGODB_URL, TEST_REDIS_URL and TEST_S3_ENDPOINT to running ones"
    );
    path
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

fn answers(port: u16) -> Option<()> {
    std::net::TcpStream::connect(("127.0.0.1", port)).ok().map(drop)
}

/// Starts a MongoDB of one's own; answers its URL without a database.
pub fn start_mongodb() -> (Server, String) {
    let arguments =
        ["--port", "0", "--bind_ip", "127.0.0.1", "--dbpath", ".", "--wiredTigerCacheSizeGB", "0.5", "--nounixsocket"];
    let server = Server::start(&fetched("mongod"), &arguments.map(String::from));
    let port: u16 = server.wait_for_log("mongod", |line| {
        let (_, rest) = line.split_once("Waiting for connections")?;
        let (_, rest) = rest.split_once("\"port\":")?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    });
    (server, format!("mongodb://127.0.0.1:{port}"))
}

/// Starts a MongoDB on this port, with its data in this folder: killed, it can be started again with what it had.
pub fn start_mongodb_in(port: u16, data: &Path) -> Server {
    start_mongodb_with(port, data, &[])
}

/// As [`start_mongodb_in`], with these arguments more.
pub fn start_mongodb_with(port: u16, data: &Path, more: &[&str]) -> Server {
    let (port, data) = (port.to_string(), data.display().to_string());
    let fixed =
        ["--bind_ip", "127.0.0.1", "--wiredTigerCacheSizeGB", "0.5", "--nounixsocket", "--port"].map(String::from);
    let more: Vec<_> = more.iter().map(|&it| it.to_owned()).collect();
    let arguments = [&fixed[..], &[port, "--dbpath".to_owned(), data], &more].concat();
    let server = Server::start(&fetched("mongod"), &arguments);
    server.wait_for_log("mongod", |line| line.contains("Waiting for connections").then_some(()));
    server
}

/// Starts a Redis of one's own, on this port or a free one; answers its URL.
pub fn start_redis(port: Option<u16>) -> (Server, String) {
    let port = port.unwrap_or_else(free_port);
    (start_redis_with(port, &["--appendonly", "no"]), format!("redis://127.0.0.1:{port}"))
}

/// Starts a Redis on this port, with these arguments more.
pub fn start_redis_with(port: u16, more: &[&str]) -> Server {
    let port_text = port.to_string();
    let arguments = [&["--port", &port_text, "--bind", "127.0.0.1", "--save", ""], more].concat();
    let arguments: Vec<_> = arguments.into_iter().map(String::from).collect();
    let server = Server::start(&fetched("redis-server"), &arguments);
    server.wait("redis-server", |_| answers(port));
    server
}

/// Starts an S3 server of one's own; answers its endpoint. It takes any access key.
pub fn start_s3() -> (Server, String) {
    let port = free_port();
    let arguments = ["-H".to_owned(), "127.0.0.1".to_owned(), "-p".to_owned(), port.to_string()];
    let server = Server::start(&fetched("moto/bin/moto_server"), &arguments);
    server.wait("moto_server", |_| answers(port));
    (server, format!("http://127.0.0.1:{port}"))
}

/// The MongoDB that the tests share: `TEST_MONGODB_URL`, or one that is started. Use a database name of your own.
pub fn mongodb_url() -> String {
    static SHARED: OnceLock<(Option<Server>, String)> = OnceLock::new();
    shared(&SHARED, "TEST_MONGODB_URL", start_mongodb)
}

/// The Redis that the tests share: `TEST_REDIS_URL`, or one that is started. Use a key prefix of your own.
pub fn redis_url() -> String {
    static SHARED: OnceLock<(Option<Server>, String)> = OnceLock::new();
    shared(&SHARED, "TEST_REDIS_URL", || start_redis(None))
}

/// The S3 server that the tests share. Use a bucket of your own.
pub fn s3_endpoint() -> String {
    static SHARED: OnceLock<(Option<Server>, String)> = OnceLock::new();
    shared(&SHARED, "TEST_S3_ENDPOINT", start_s3)
}

fn shared(
    cell: &OnceLock<(Option<Server>, String)>,
    variable: &str,
    start: impl FnOnce() -> (Server, String),
) -> String {
    let given = std::env::vars().find(|(name, _)| name == variable);
    let (_, url) = cell.get_or_init(|| {
        if let Some((_, url)) = given {
            return (None, url);
        }
        let (server, url) = start();
        (Some(server), url)
    });
    url.clone()
}
