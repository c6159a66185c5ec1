//! A backup that is made while files come in, as docs/operations.md says, and restored elsewhere.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use mongodb::bson::{Document, doc};

use crate::{
    ledger::{Answer, Load, Uploading, rows, verify},
    stand::{Stand, images},
    support::{
        app::Home,
        client::Client,
        servers::{Server, free_port, start_mongodb_in, start_redis},
    },
};

/// What was acknowledged before the backup began is in it, byte for byte; what was uploaded meanwhile is whole or absent.
pub async fn back_up_and_restore(stand: &mut Stand) {
    let database = if stand.embedded() { None } else { Some(Database::start(&mut stand.home).await) };
    let server = stand.serve(&[]).await;
    let client = Client::new(&server.url).register("ada@example.org").await;
    let before = client.folder("before", None).await;
    let load = Load { connections: 6, files: 8, images: 4, pace: Duration::ZERO };
    let sent = Uploading::start(&client, &before, &mut stand.source, load).all().await;
    assert!(sent.iter().all(|sent| sent.id().is_some()), "nothing was broken, but an upload was");

    let meanwhile = client.folder("meanwhile", None).await;
    let load = Load { connections: 6, files: 10_000, images: 4, pace: Duration::from_millis(60) };
    let uploading = Uploading::start(&client, &meanwhile, &mut stand.source, load);
    uploading.reach(10).await;
    let from = stand.home.clone();
    stand.home = Home { dir: Home::new(from.backend).dir, ..from.clone() };
    let restored = match &database {
        Some(database) => Some(database.copy_to(&mut stand.home).await),
        None => {
            copy_sqlite(&from, &stand.home);
            None
        }
    };
    let to = stand.home.blobs();
    copy(&from.blobs(), &to);
    // What comes now is not in the backup.
    stand.kill(server);
    let mut more = uploading.all().await;
    // The copy need not have what was acknowledged after it was begun.
    more.iter_mut().for_each(|sent| sent.answer = Answer::Lost);

    // Sessions are not in the backup on all back ends; accounts are.
    let redis = (!stand.embedded()).then(|| start_redis(None));
    if let Some((_, url)) = &redis {
        stand.home.redis_url.clone_from(url);
    }
    let server = stand.serve(&[]).await;
    let begun = Instant::now();
    let client = Client { url: server.url.clone(), ..client }.login().await;
    let stored = rows(&client, &meanwhile).await;
    let mut waiting = images(&sent);
    let found = more.iter().filter(|sent| sent.is_image()).filter_map(|sent| stored.get(&sent.name));
    waiting.extend(found.map(|row| row["id"].as_str().unwrap().to_owned()));
    stand.settle(&client, &waiting, begun).await;
    verify(&client, &before, &sent, &mut stand.counts, &mut stand.owned).await;
    verify(&client, &meanwhile, &more, &mut stand.counts, &mut stand.owned).await;
    // Bytes that came after the copy of the database belong to nobody in it.
    stand.repair().await;
    stand.nothing_is_left().await;
    stand.servers.push(Box::new((database, restored, redis, server)));
}

/// A MongoDB that nobody else uses: while it is copied, it does not write.
struct Database {
    data: tempfile::TempDir,
    url: String,
    _server: Server,
}

impl Database {
    async fn start(home: &mut Home) -> Self {
        let (data, port) = (tempfile::tempdir().unwrap(), free_port());
        let path = data.path().to_owned();
        let server = tokio::task::spawn_blocking(move || start_mongodb_in(port, &path)).await.unwrap();
        home.mongodb_url = format!("mongodb://127.0.0.1:{port}");
        Self { data, url: home.mongodb_url.clone(), _server: server }
    }

    /// Copies its files, starts a server on them, and has this home use that.
    async fn copy_to(&self, home: &mut Home) -> Server {
        let client = mongodb::Client::with_uri_str(&self.url).await.unwrap();
        let ask = async |command: Document| client.database("admin").run_command(command).await.unwrap();
        ask(doc! { "fsync": 1, "lock": true }).await;
        let (data, port) = (home.dir.path().join("mongodb"), free_port());
        copy(self.data.path(), &data);
        ask(doc! { "fsyncUnlock": 1 }).await;
        client.shutdown().await;
        let server = tokio::task::spawn_blocking(move || start_mongodb_in(port, &data)).await.unwrap();
        home.mongodb_url = format!("mongodb://127.0.0.1:{port}");
        server
    }
}

fn copy_sqlite(from: &Home, to: &Home) {
    let file = |home: &Home| home.dir.path().join("data/strongroom.sqlite");
    std::fs::create_dir_all(file(to).parent().unwrap()).unwrap();
    let database = rusqlite::Connection::open(file(from)).unwrap();
    database.busy_timeout(Duration::from_secs(5)).unwrap();
    database.execute("VACUUM INTO ?1", [file(to).to_str().unwrap()]).unwrap();
}

/// Copies a folder that is written to. What is renamed or removed meanwhile may be missing in the copy, and `cp` says so.
fn copy(from: &Path, to: &PathBuf) {
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    let output = Command::new("cp").arg("-a").args([from, to.as_path()]).env("LC_ALL", "C").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.lines().all(|line| line.ends_with("No such file or directory")), "{errors}");
}
