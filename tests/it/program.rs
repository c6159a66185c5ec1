//! The built program from outside: starting, refusing to start, stopping, being killed, its commands.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{
    Backend,
    app::{Home, PROGRAM, jpeg},
    client::Client,
    program::{Killed, Program, command, run},
    servers::{fetched, free_port, start_redis},
    until,
};

fn stderr(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

async fn the_printed_curl_line_opens_an_account(backend: Backend) {
    let home = Home::new(backend);
    blocking(move || {
        let program = Program::start(&home, &[], &[]);
        // The line is the last of the greeting; it ends with the end of its JSON.
        until("the line is printed", || program.printed.lock().unwrap().contains("}}}'"));
        let printed = program.printed.lock().unwrap().clone();
        let line = printed.split("another terminal):").nth(1).unwrap_or_else(|| panic!("{printed}")).trim();
        let output = Command::new("sh").args(["-c", line]).output().unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {line}\n{}{}", stdout(&output), stderr(&output)));
        assert!(answer["data"]["register"]["token"].is_string(), "{answer}");
    })
    .await;
}

async fn a_start_that_cannot_work_is_refused_and_names_the_setting(backend: Backend) {
    let home = Home::new(backend);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let nobody = format!("127.0.0.1:{}", free_port());
    let (mongodb, redis) = (format!("mongodb://{nobody}"), format!("redis://{nobody}"));
    let bind = format!("127.0.0.1:{port}");
    let mut cases = vec![
        ("server.bind", bind.as_str()),
        ("server.bind", "nonsense"),
        ("server.bind", "0.0.0.0:1"),
        ("blobs.dir", "/proc/strongroom"),
        ("limits.upload_bytes", "lots"),
        ("limits.uploadbytes", "1"),
        ("accounts.secret", "short"),
    ];
    match backend {
        Backend::Embedded => cases.push(("store.data_dir", "/proc/strongroom")),
        Backend::Servers => {
            cases.extend([
                ("store.mongodb_url", mongodb.as_str()),
                ("store.redis_url", &redis),
                ("store.redis_url", "nonsense"),
            ]);
        }
    }
    for (key, value) in cases {
        let output = {
            let (home, key, value) = (home.clone(), key.to_owned(), value.to_owned());
            blocking(move || run(&home, &["serve"], &[(&key, &value)], "")).await
        };
        let said = stderr(&output);
        assert!(!output.status.success(), "{key} = {value}");
        let named = if value == "0.0.0.0:1" { "server.public_url" } else { key };
        assert!(said.contains(named), "{key} = {value}: {said}");
    }
}

async fn accounts_are_managed_beside_a_running_server(backend: Backend) {
    let home = Home::new(backend);
    let program = {
        let home = home.clone();
        blocking(move || Program::start(&home, &["serve"], &[("accounts.registration", "closed")])).await
    };
    let user = |arguments: &'static [&'static str], input: &'static str| {
        let home = home.clone();
        blocking(move || run(&home, arguments, &[], input))
    };
    let added = user(&["user", "add", "ada@example.org"], "correct horse battery\n").await;
    assert!(added.status.success(), "{}", stderr(&added));
    assert!(stdout(&added).starts_with("ada@example.org\tu_"), "{}", stdout(&added));
    let again = user(&["user", "add", "ADA@example.org"], "correct horse battery\n").await;
    assert!(!again.status.success() && stderr(&again).contains("already"), "{}", stderr(&again));
    let weak = user(&["user", "add", "bob@example.org"], "short\n").await;
    assert!(!weak.status.success() && stderr(&weak).contains("12 characters"), "{}", stderr(&weak));
    assert!(stdout(&user(&["user", "list"], "").await).starts_with("ada@example.org\tu_"));
    let client = Client { email: "ada@example.org".to_owned(), ..program.client() };
    let ada = client.login().await;
    let set = user(&["user", "set-password", "ada@example.org"], "another password\n").await;
    assert!(set.status.success(), "{}", stderr(&set));
    assert_eq!(ada.data("{ viewer { id } }", json!({})).await["viewer"], serde_json::Value::Null);
    assert!(client.try_login("ada@example.org", "another password").await["token"].is_string());
    let missing = user(&["user", "set-password", "nobody@example.org"], "another password\n").await;
    assert!(!missing.status.success());
    if backend == Backend::Embedded {
        // A wrong folder is no empty installation.
        let elsewhere = Home::new(backend);
        let folder = elsewhere.dir.path().join("data");
        let listed = blocking(move || run(&elsewhere, &["user", "list"], &[], "")).await;
        assert!(!listed.status.success() && stderr(&listed).contains("no installation"), "{}", stderr(&listed));
        assert!(!folder.exists());
    }
}

async fn on_sigterm_running_uploads_finish_and_sockets_close_with_1001(backend: Backend) {
    let home = Home::new(backend);
    let mut program = {
        let home = home.clone();
        blocking(move || Program::start(&home, &["serve"], &[])).await
    };
    let ada = program.client().register("ada@example.org").await;
    let mut socket = ada.socket().await;
    // A body that stands still until it is told to go on.
    let (more, rest) = tokio::sync::oneshot::channel::<()>();
    let upload = {
        let ada = ada.clone();
        tokio::spawn(async move { slow_upload(&ada, rest).await })
    };
    let blobs = home.clone();
    blocking(move || until("the upload has begun", || !blobs.blob_files().is_empty())).await;
    program.terminate();
    assert_eq!(socket.next().await, json!({ "close": 1001 }));
    more.send(()).unwrap();
    assert!(upload.await.unwrap()["id"].is_string());
    let status = blocking(move || (program.wait(), program)).await.0;
    assert_eq!(status.code(), Some(0));
    let program = {
        let home = home.clone();
        blocking(move || Program::start(&home, &["serve"], &[])).await
    };
    let again = Client { url: program.url.clone(), ..ada };
    assert_eq!(again.names(None).await, ["slow.bin"]);
}

/// Uploads half a file, waits for the word, and uploads the rest.
async fn slow_upload(client: &Client, rest: tokio::sync::oneshot::Receiver<()>) -> serde_json::Value {
    let query = "mutation($f: Upload!) { upload(input: { file: $f }) { file { id } userErrors { code } } }";
    let operations = json!({ "query": query, "variables": { "f": null } }).to_string();
    let half = bytes::Bytes::from(vec![7; 400_000]);
    let first = half.clone();
    let body = futures_util::stream::once(async move { Ok::<_, std::io::Error>(first) });
    let body = futures_util::StreamExt::chain(
        body,
        futures_util::stream::once(async move {
            rest.await.unwrap();
            Ok(half)
        }),
    );
    let part = reqwest::multipart::Part::stream(reqwest::Body::wrap_stream(body)).file_name("slow.bin");
    let form = reqwest::multipart::Form::new()
        .text("operations", operations)
        .text("map", r#"{"0":["variables.f"]}"#)
        .part("0", part);
    let request = client.http.post(format!("{}/graphql", client.url)).bearer_auth(client.token.as_ref().unwrap());
    let answer: serde_json::Value = request.multipart(form).send().await.unwrap().json().await.unwrap();
    answer["data"]["upload"]["file"].clone()
}

async fn killed_in_the_middle_of_uploads_nothing_acknowledged_is_lost(backend: Backend) {
    let home = Home::new(backend);
    // On the servers back end what a dead process left is swept after a grace.
    let settings = [("blobs.orphan_grace", "1s")];
    let mut accounts: Option<Client> = None;
    let mut acknowledged = Vec::new();
    for round in 0..3_u8 {
        let program = {
            let home = home.clone();
            let begun = Instant::now();
            let program = blocking(move || Program::start(&home, &["serve"], &settings)).await;
            // The promise is two seconds, with a threefold margin.
            assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
            program
        };
        let ada = match accounts.take() {
            Some(ada) => Client { url: program.url.clone(), ..ada },
            None => program.client().register("ada@example.org").await,
        };
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let uploads: Vec<_> = (0..6_u8)
            .map(|lane| {
                let (ada, told) = (ada.clone(), told.clone());
                tokio::spawn(async move {
                    for n in 0..1000_u32 {
                        let bytes = vec![lane ^ round ^ n as u8; 50_000 + n as usize];
                        let Some(file) = try_upload(&ada, bytes.clone()).await else { return };
                        let _ = told.send((file, bytes));
                    }
                })
            })
            .collect();
        drop(told);
        for _ in 0..8 + round {
            acknowledged.push(heard.recv().await.expect("uploads go on"));
        }
        blocking(move || program.kill()).await;
        while let Some(more) = heard.recv().await {
            acknowledged.push(more);
        }
        for upload in uploads {
            upload.await.unwrap();
        }
        accounts = Some(ada);
    }
    let program = {
        let home = home.clone();
        blocking(move || Program::start(&home, &["serve"], &settings)).await
    };
    let ada = Client { url: program.url.clone(), ..accounts.unwrap() };
    for (file, bytes) in &acknowledged {
        let seen = ada.file(file).await;
        assert_eq!(ada.get(seen["url"].as_str().unwrap()).await.bytes().await.unwrap(), *bytes);
    }
    // What was not acknowledged is whole or absent, and in the end every blob has its row.
    let answer = ada.data("{ viewer { usage { fileCount } } }", json!({})).await;
    let count = answer["viewer"]["usage"]["fileCount"].as_u64().unwrap() as usize;
    assert!(count >= acknowledged.len());
    let left = home.clone();
    blocking(move || until("orphans are swept", || left.blob_files().len() == count)).await;
    assert!(home.blob_files().iter().all(|path| !path.display().to_string().contains('#')));
}

/// Uploads; `None` when the server has gone.
async fn try_upload(client: &Client, bytes: Vec<u8>) -> Option<String> {
    let query = "mutation($f: Upload!) { upload(input: { file: $f }) { file { id } userErrors { code } } }";
    let operations = json!({ "query": query, "variables": { "f": null } }).to_string();
    let form = reqwest::multipart::Form::new()
        .text("operations", operations)
        .text("map", r#"{"0":["variables.f"]}"#)
        .part("0", reqwest::multipart::Part::bytes(bytes).file_name("x.bin"));
    let request = client.http.post(format!("{}/graphql", client.url)).bearer_auth(client.token.as_ref().unwrap());
    let answer: serde_json::Value = request.multipart(form).send().await.ok()?.json().await.ok()?;
    Some(answer["data"]["upload"]["file"]["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned())
}

async fn killed_in_the_middle_of_thumbnails_every_image_settles_once(backend: Backend) {
    let home = Home::new(backend);
    // On the embedded back end nobody waits for a lease: the next process knows that the one before is dead.
    let lease = if backend == Backend::Servers { "1s" } else { "60s" };
    let settings = [("blobs.orphan_grace", "1s"), ("thumbnails.lease", lease)];
    let start = |arguments: &'static [&'static str]| {
        let home = home.clone();
        blocking(move || Program::start(&home, arguments, &settings))
    };
    let mut api = start(if backend == Backend::Servers { &["serve", "--no-worker"] } else { &["serve"] }).await;
    let mut ada = api.client().register("ada@example.org").await;
    let mut images = Vec::new();
    for n in 0..6 {
        images.push(ada.upload("photo.jpg", jpeg(900, 700, n)).await["id"].as_str().unwrap().to_owned());
    }
    for _ in 0..3 {
        if backend == Backend::Servers {
            let worker = start(&["worker"]).await;
            blocking(move || worker.kill()).await;
        } else {
            blocking(move || api.kill()).await;
            api = start(&["serve"]).await;
            ada.url = api.url.clone();
        }
    }
    let _worker = if backend == Backend::Servers { Some(start(&["worker"]).await) } else { None };
    let begun = Instant::now();
    for image in &images {
        assert_eq!(ada.settled(image).await["thumbnailStatus"], "READY");
    }
    // A lease of one second and five more, with a threefold margin.
    assert!(begun.elapsed() < Duration::from_secs(18), "{:?}", begun.elapsed());
    let left = home.clone();
    blocking(move || until("orphans are swept", || left.blob_files().len() == 6 * 4)).await;
}

async fn health_says_whether_the_server_is_ready(backend: Backend) {
    let home = Home::new(backend);
    let refused = {
        let home = home.clone();
        blocking(move || run(&home, &["health"], &[], "")).await
    };
    assert_eq!(refused.status.code(), Some(1));
    let program = {
        let home = home.clone();
        blocking(move || Program::start(&home, &["serve"], &[])).await
    };
    let url = program.url.clone();
    let ready = {
        let url = url.clone();
        blocking(move || run(&home, &["health", "--url", &url], &[], "")).await
    };
    assert!(ready.status.success(), "{}", stderr(&ready));
    let health: serde_json::Value = program.client().get(&format!("{url}/readyz")).await.json().await.unwrap();
    assert_eq!(health["status"], "ready", "{health}");
    assert!(health["backends"].as_object().unwrap().len() >= 2, "{health}");
    assert_eq!(program.client().get(&format!("{url}/healthz")).await.status(), 200);
}

crate::on_both_back_ends!(
    the_printed_curl_line_opens_an_account,
    a_start_that_cannot_work_is_refused_and_names_the_setting,
    accounts_are_managed_beside_a_running_server,
    on_sigterm_running_uploads_finish_and_sockets_close_with_1001,
    killed_in_the_middle_of_uploads_nothing_acknowledged_is_lost,
    killed_in_the_middle_of_thumbnails_every_image_settles_once,
    health_says_whether_the_server_is_ready,
);

#[test]
fn a_second_server_on_one_data_folder_is_refused() {
    let home = Home::new(Backend::Embedded);
    let _first = Program::start(&home, &["serve"], &[]);
    let second = run(&home, &["serve"], &[], "");
    assert!(!second.status.success());
    assert!(stderr(&second).contains("another `strongroom serve`"), "{}", stderr(&second));
}

#[test]
fn a_worker_of_its_own_is_refused_on_the_embedded_back_end() {
    let home = Home::new(Backend::Embedded);
    let output = run(&home, &["worker"], &[], "");
    assert!(!output.status.success());
    assert!(stderr(&output).contains("works the queue by itself"), "{}", stderr(&output));
}

#[test]
fn start_order_does_not_matter_with_wait_for() {
    let redis_port = free_port();
    let home = Home { redis_url: format!("redis://127.0.0.1:{redis_port}"), ..Home::new(Backend::Servers) };
    let program = Program::spawn(&home, &["serve", "--wait-for", "30s"], &[]);
    until("it waits", || program.errors().contains("waiting"));
    let (_redis, _) = start_redis(Some(redis_port));
    until("it is ready", || program.printed.lock().unwrap().contains("is ready"));
}

#[test]
fn help_teaches_and_unknown_commands_are_refused() {
    let home = Home::new(Backend::Embedded);
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["worker", "--help"],
        &["schema", "--help"],
        &["config", "--help"],
        &["user", "--help"],
        &["user", "add", "--help"],
        &["user", "list", "--help"],
        &["user", "set-password", "--help"],
        &["health", "--help"],
    ] {
        let output = run(&home, arguments, &[], "");
        assert!(output.status.success());
        assert!(stdout(&output).len() > 200, "{arguments:?}: {}", stdout(&output));
    }
    assert_eq!(run(&home, &["frobnicate"], &[], "").status.code(), Some(2));
}

#[test]
fn the_configuration_is_shown_without_secrets_and_checked() {
    let home = Home::new(Backend::Embedded);
    let shown = run(&home, &["config"], &[("accounts.secret", "0f1e2d3c4b5a69788796a5b4c3d2e1f0")], "");
    assert!(shown.status.success());
    assert!(!stdout(&shown).contains("0f1e2d3c"));
    assert!(stdout(&shown).contains("STRONGROOM__ACCOUNTS__SECRET"), "{}", stdout(&shown));
    let wrong = run(&home, &["config", "--check"], &[("server.bind", "x"), ("limits.page_size", "0")], "");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        stderr(&wrong).contains("server.bind") && stderr(&wrong).contains("limits.page_size"),
        "{}",
        stderr(&wrong)
    );
    assert_eq!(stdout(&run(&home, &["config", "--default"], &[], "")), include_str!("../../config.default.toml"));
}

#[test]
fn the_committed_schema_is_what_the_server_prints() {
    let output = Command::new(PROGRAM).arg("schema").output().unwrap();
    let committed = include_str!("../../schema.graphql");
    assert!(stdout(&output) == committed, "schema.graphql is out of date: run `strongroom schema > schema.graphql`");
}

/// A server whose system calls are written down.
struct Traced {
    url: String,
    log: std::path::PathBuf,
    child: Killed,
    _home: Home,
}

impl Traced {
    fn start(calls: &str, text: &str) -> Self {
        let home = Home::new(Backend::Embedded);
        let port = free_port();
        let log = home.dir.path().join("strace.log");
        let program = command(&home, port, &["serve"], &[]);
        let mut traced = Command::new(fetched("strace"));
        // The tracer is the grandchild: who kills the child kills the server.
        traced.args(["-D", "-f", "-y", "-s", text, "-e"]).arg(format!("trace={calls}")).arg("-o").arg(&log);
        let variables = program.get_envs().filter_map(|(k, v)| Some((k, v?)));
        traced.arg(PROGRAM).arg("serve").env_clear().envs(variables);
        let child = traced.current_dir(home.dir.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let child = Killed(child);
        until("the traced server listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { url: format!("http://127.0.0.1:{port}"), log, child, _home: home }
    }

    /// Ends the server; what it did, once this is in it.
    fn until(self, what: &str) -> String {
        let read = || std::fs::read_to_string(&self.log).unwrap_or_default();
        until("it is in the log", || read().contains(what));
        drop(self.child);
        read()
    }
}

/// Promise 1: what is acknowledged has reached the disk. A kill cannot show that, the order of system calls can.
#[test]
fn bytes_are_synced_and_in_place_before_the_answer() {
    let calls = "fsync,fdatasync,rename,renameat,renameat2,link,linkat,sendto,write,writev,sendmsg";
    let traced = Traced::start(calls, "200");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let file = runtime.block_on(async {
        let ada = Client::new(&traced.url).register("ada@example.org").await;
        try_upload(&ada, vec![7; 300_000]).await.unwrap()
    });
    let text = traced.until(&file);
    let lines: Vec<&str> = text.lines().collect();
    let position = |what: &str, from: usize, matches: &dyn Fn(&str) -> bool| {
        let found = lines[from..].iter().position(|line| matches(line));
        from + found.unwrap_or_else(|| panic!("no {what} after line {from} of\n{text}"))
    };
    let staged = |line: &str| line.contains("/blobs/") && line.contains('#');
    let synced = position("fsync of the temporary file", 0, &|line| line.contains("sync(") && staged(line));
    let renamed = position("rename into place", synced, &|line| line.contains("rename") && staged(line));
    let folder = position("fsync of the folder", renamed, &|line| {
        line.contains("fsync(") && line.contains("/blobs/") && !staged(line)
    });
    let row = position("sync of the row", folder, &|line| line.contains("sync(") && line.contains("strongroom.sqlite"));
    position("answer", row, &|line| line.contains(&file));
    let early =
        lines[..row].iter().any(|line| line.contains(&file) && (line.contains("sendto") || line.contains("writev")));
    assert!(!early, "answered before the row was durable:\n{text}");
}

/// Bytes first, then the row: what a row owns has reached the disk before the row is written, even where the row itself
/// does not wait for the disk.
#[test]
fn thumbnails_are_synced_before_the_row_that_owns_them_is_written() {
    let traced = Traced::start("openat,fsync,fdatasync,pwrite64", "4200");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let ada = Client::new(&traced.url).register("ada@example.org").await;
        let file = ada.upload("photo.jpg", jpeg(900, 700, 1)).await;
        assert_eq!(ada.settled(file["id"].as_str().unwrap()).await["thumbnailStatus"], "READY");
    });
    let text = traced.until("READY");
    let lines: Vec<&str> = text.lines().collect();
    let row = lines.iter().position(|line| line.contains("pwrite64(") && line.contains("READY")).unwrap();
    // When the call that begins in this line has ended.
    let ended = |begun: usize| {
        let pid = lines[begun].split_whitespace().next().unwrap();
        let resumed = |line: &&str| line.contains("resumed>") && line.split_whitespace().next() == Some(pid);
        let goes_on = lines[begun].contains("<unfinished");
        if goes_on { begun + 1 + lines[begun + 1..].iter().position(resumed).unwrap() } else { begun }
    };
    let synced = |path: &str| {
        let sync = |line: &&str| line.contains("sync(") && line.contains(&format!("<{path}>"));
        let begun = lines.iter().rposition(sync).unwrap_or_else(|| panic!("no sync of {path} in\n{text}"));
        assert!(ended(begun) < row, "{path} was synced too late:\n{text}");
    };
    let created = |line: &&&str| line.contains("/blobs/") && line.contains("O_CREAT") && !line.contains('#');
    let thumbnails: Vec<&str> = lines[..row].iter().filter(created).filter_map(|line| line.split('"').nth(1)).collect();
    assert_eq!(thumbnails.len(), 3, "{text}");
    for thumbnail in &thumbnails {
        synced(thumbnail);
        synced(thumbnail.rsplit_once('/').unwrap().0);
    }
}
