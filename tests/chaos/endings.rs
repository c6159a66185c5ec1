//! SIGTERM under load, a Redis that forgets, files deleted while thumbnails are made of them.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::{
    ledger::{Answer, Load, Uploading, rows, verify},
    stand::{Stand, images},
    support::{
        app::PATIENCE,
        client::Client,
        servers::{free_port, start_redis},
    },
};

/// An upload that began this long before SIGTERM has arrived at the server.
const ARRIVED: Duration = Duration::from_millis(500);

/// Uploads that run finish, the exit code is 0, and everything acknowledged is there.
pub async fn terminate(stand: &mut Stand) {
    // Others may sweep what a process writes that was silent for this long, and from SIGTERM on it is silent.
    let mut server = stand.serve(&[("blobs.orphan_grace", "1m")]).await;
    let client = Client::new(&server.url).register("ada@example.org").await;
    let folder = client.folder("chaos", None).await;
    let load = Load { connections: 8, files: 10_000, images: 6, pace: Duration::from_secs(3) };
    let uploading = Uploading::start(&client, &folder, &mut stand.source, load);
    uploading.reach(1).await;
    sleep(ARRIVED + stand.source.millis(0..1000)).await;
    let told = Instant::now();
    let pid = rustix::process::Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let sent = uploading.all().await;
    let status = loop {
        if let Some(status) = server.child.0.try_wait().unwrap() {
            break status;
        }
        assert!(told.elapsed() < PATIENCE, "the server does not end");
        sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(status.code(), Some(0), "the exit code");
    for sent in sent.iter().filter(|sent| sent.begun + ARRIVED < told) {
        let before = told - sent.begun;
        assert!(sent.id().is_some(), "{} ran since {before:?} at SIGTERM, and got {:?}", sent.name, sent.answer);
    }

    let begun = Instant::now();
    let server = stand.serve(&[]).await;
    let client = Client { url: server.url.clone(), ..client };
    let mut waiting = images(&sent);
    for sent in sent.iter().filter(|sent| sent.is_image() && sent.id().is_none()) {
        let stored = rows(&client, &folder).await;
        waiting.extend(stored.get(&sent.name).map(|row| row["id"].as_str().unwrap().to_owned()));
    }
    stand.settle(&client, &waiting, begun).await;
    verify(&client, &folder, &sent, &mut stand.counts, &mut stand.owned).await;
    stand.nothing_is_left().await;
}

/// Images settle although Redis forgets everything, twice.
pub async fn lose_redis(stand: &mut Stand) {
    // One of its own, that others do not miss.
    let port = free_port();
    let (redis, url) = start_redis(Some(port));
    stand.home.redis_url = url;
    let server = stand.serve(&[]).await;
    let mut client = Client::new(&server.url).register("ada@example.org").await;
    let folder = client.folder("chaos", None).await;
    let load = Load { connections: 4, files: 5, images: 1, pace: Duration::ZERO };
    let mut sent = Uploading::start(&client, &folder, &mut stand.source, load).all().await;
    sleep(stand.source.millis(0..300)).await;
    stand.redis("FLUSHALL");
    let flushed = Instant::now();
    stand.counts.kills += 1;
    // Sessions are lost with Redis; nothing else is.
    client = client.login().await;
    stand.settle(&client, &images(&sent), flushed).await;

    let again = client.folder("again", None).await;
    let more = Uploading::start(&client, &again, &mut stand.source, load).all().await;
    sleep(stand.source.millis(0..300)).await;
    redis.stop();
    let (_redis, _) = start_redis(Some(port));
    let replaced = Instant::now();
    stand.counts.kills += 1;
    client = loop {
        let answer = client.try_login(&client.email, Client::PASSWORD).await;
        if let Some(token) = answer["token"].as_str() {
            break Client { token: Some(token.to_owned()), ..client };
        }
        assert!(replaced.elapsed() < PATIENCE, "nobody can sign in: {answer}");
        sleep(Duration::from_millis(50)).await;
    };
    stand.settle(&client, &images(&more), replaced).await;
    for sent in sent.iter().chain(&more) {
        assert!(matches!(sent.answer, Answer::Acknowledged(_)), "{}: {:?}", sent.name, sent.answer);
    }
    verify(&client, &folder, &sent, &mut stand.counts, &mut stand.owned).await;
    verify(&client, &again, &more, &mut stand.counts, &mut stand.owned).await;
    sent.extend(more);
    stand.nothing_is_left().await;
}

/// Neither bytes nor rows of what was deleted come back.
pub async fn delete(stand: &mut Stand) {
    let server = stand.serve(&[]).await;
    let client = Client::new(&server.url).register("ada@example.org").await;
    let folder = client.folder("chaos", None).await;
    let mut deleted = Vec::new();
    for _ in 0..12 {
        let bytes = stand.source.image();
        let payload = client.upload_into(&folder, "soon-gone.jpg", bytes).await;
        let id = payload["id"].as_str().unwrap().to_owned();
        // Before, while and after it is rendered.
        sleep(stand.source.millis(0..120)).await;
        assert_eq!(client.delete(&id).await["deletedFileId"], id);
        stand.counts.sent += 1;
        stand.counts.acknowledged += 1;
        deleted.push(id);
    }
    stand.owned.rows = 1;
    // Then a while in which something could come back.
    for pause in [Duration::ZERO, stand.lease * 2] {
        sleep(pause).await;
        assert!(rows(&client, &folder).await.is_empty());
        for id in &deleted {
            assert!(client.file(id).await.is_null(), "{id} is back");
        }
        stand.nothing_is_left().await;
    }
    stand.counts.absent += stand.counts.sent;
}
