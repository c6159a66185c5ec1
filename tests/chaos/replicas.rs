//! A replica set of three, whose primary steps down, and is then killed.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use mongodb::bson::{Document, doc};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    ledger::{Load, Uploading, verify},
    stand::{Stand, images},
    support::{
        app::PATIENCE,
        client::Client,
        servers::{Server, free_port, start_mongodb_with},
    },
};

const NAME: &str = "chaos";

/// Three members, on ports of their own, with their data in folders.
struct ReplicaSet {
    dir: TempDir,
    ports: [u16; 3],
    members: Vec<Option<Server>>,
}

impl ReplicaSet {
    /// Starts the members, and waits until they have elected a primary. `election`: how long they wait for one that is silent.
    async fn start(election: Duration) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ports = [(); 3].map(|()| free_port());
        let mut set = Self { dir, ports, members: vec![None, None, None] };
        for member in 0..3 {
            set.begin(member).await;
        }
        let members = ports.iter().enumerate().map(|(id, port)| {
            doc! { "_id": i32::try_from(id).unwrap(), "host": format!("127.0.0.1:{port}") }
        });
        let millis = |time: Duration| i32::try_from(time.as_millis()).unwrap();
        let settings = doc! {
            "electionTimeoutMillis": millis(election),
            "heartbeatIntervalMillis": millis(election / 5),
        };
        let config = doc! { "_id": NAME, "members": members.collect::<Vec<_>>(), "settings": settings };
        set.ask(0, doc! { "replSetInitiate": config }).await.unwrap();
        set.primary().await;
        set
    }

    async fn begin(&mut self, member: usize) {
        let (port, data) = (self.ports[member], self.data(member));
        std::fs::create_dir_all(&data).unwrap();
        let more = ["--replSet", NAME, "--oplogSize", "64"];
        let started = tokio::task::spawn_blocking(move || start_mongodb_with(port, &data, &more));
        self.members[member] = Some(started.await.unwrap());
    }

    fn data(&self, member: usize) -> PathBuf {
        self.dir.path().join(member.to_string())
    }

    fn url(&self) -> String {
        let hosts = self.ports.map(|port| format!("127.0.0.1:{port}"));
        format!("mongodb://{}/?replicaSet={NAME}", hosts.join(","))
    }

    /// Sends one member a command.
    async fn ask(&self, member: usize, command: Document) -> mongodb::error::Result<Document> {
        let url = format!("mongodb://127.0.0.1:{}/?directConnection=true", self.ports[member]);
        let client = mongodb::Client::with_uri_str(url).await?;
        let answer = client.database("admin").run_command(command).await;
        client.shutdown().await;
        answer
    }

    /// Waits until there is a primary, and says which it is.
    async fn primary(&self) -> usize {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let asked = (0..3).filter(|member| self.members[*member].is_some()).map(|member| async move {
                let answer = self.ask(member, doc! { "hello": 1 }).await;
                answer.is_ok_and(|answer| answer.get_bool("isWritablePrimary").unwrap_or(false)).then_some(member)
            });
            if let Some(primary) = join_all(asked).await.into_iter().flatten().next() {
                return primary;
            }
            assert!(Instant::now() < deadline, "no primary is elected");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until another than this is the primary.
    async fn another_than(&self, old: usize) -> usize {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let primary = self.primary().await;
            if primary != old {
                return primary;
            }
            assert!(Instant::now() < deadline, "the old primary stays");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Nothing acknowledged is lost with the primary, and service is back soon after there is another.
pub async fn lose_the_primary(stand: &mut Stand) {
    let election = if stand.lease > Duration::from_secs(1) { Duration::from_secs(10) } else { Duration::from_secs(1) };
    let mut replicas = ReplicaSet::start(election).await;
    stand.home.mongodb_url = replicas.url();
    let server = stand.serve(&[]).await;
    let client = Client::new(&server.url).register("ada@example.org").await;
    let load = Load { connections: 6, files: 30, images: 4, pace: Duration::from_millis(100) };
    let mut folders = Vec::new();
    for fault in ["stepped down", "killed"] {
        let folder = client.folder(fault, None).await;
        let uploading = Uploading::start(&client, &folder, &mut stand.source, load);
        uploading.reach(5).await;
        let old = replicas.primary().await;
        if fault == "killed" {
            replicas.members[old].take().unwrap().stop();
        } else {
            // It may close the connection instead of answering.
            let _ = replicas.ask(old, doc! { "replSetStepDown": 30, "secondaryCatchUpPeriodSecs": 10 }).await;
        }
        stand.counts.kills += 1;
        replicas.another_than(old).await;
        let elected = Instant::now();
        folders.push((folder, uploading.all().await));
        stand.uploads_again(&client, &mut folders, elected).await;
        if replicas.members[old].is_none() {
            replicas.begin(old).await;
        }
    }
    // Whether some writes that were given up on have happened, it would ask only after two minutes; others ask at once.
    stand.kill(server);
    let server = stand.serve(&[]).await;
    let (client, begun) = (Client { url: server.url.clone(), ..client }, Instant::now());
    for (folder, sent) in &folders {
        let mut waiting = images(sent);
        let stored = crate::ledger::rows(&client, folder).await;
        for sent in sent.iter().filter(|sent| sent.is_image() && sent.id().is_none()) {
            waiting.extend(stored.get(&sent.name).map(|row| row["id"].as_str().unwrap().to_owned()));
        }
        stand.settle(&client, &waiting, begun).await;
        verify(&client, folder, sent, &mut stand.counts, &mut stand.owned).await;
    }
    stand.nothing_is_left().await;
    stand.servers.push(Box::new(replicas));
}
