//! `kill -9`: of the server while files come in, of workers and what renders for them while images wait.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};

use crate::{
    ledger::{Load, Sent, Uploading, rows, verify},
    stand::{Event, Process, Stand, children, images, kill_child, subscribe},
    support::client::Client,
};

/// How many subscribers hear of the same images.
const SUBSCRIBERS: usize = 3;

/// How often the server is killed in one round.
const KILLS: usize = 3;

/// What was acknowledged is there, what was not is whole or absent, nothing else is left; who had signed in still is.
pub async fn server(stand: &mut Stand) {
    let mut server = stand.serve(&[]).await;
    let mut client = Client::new(&server.url).register("ada@example.org").await;
    let load = Load { connections: 6, files: 10_000, images: 6, pace: Duration::from_millis(60) };
    let mut all = Vec::new();
    let mut last = Instant::now();
    for n in 0..KILLS {
        let folder = client.folder(&n.to_string(), None).await;
        let uploading = Uploading::start(&client, &folder, &mut stand.source, load);
        uploading.reach(1).await;
        sleep(stand.source.millis(0..800)).await;
        stand.kill(server);
        if stand.source.below(3) == 0 {
            // Once more, while it starts.
            let starting = stand.begin(&[]);
            sleep(stand.source.millis(0..200)).await;
            stand.kill(starting);
        }
        last = Instant::now();
        server = stand.serve(&[]).await;
        all.push((folder, uploading.all().await));
        client.url.clone_from(&server.url);
    }
    let mut waiting = Vec::new();
    for (folder, sent) in &all {
        let stored = rows(&client, folder).await;
        // Images that were not acknowledged settle as well.
        let images = sent.iter().filter(|sent| sent.is_image()).filter_map(|sent| stored.get(&sent.name));
        waiting.extend(images.map(|row| row["id"].as_str().unwrap().to_owned()));
    }
    stand.settle(&client, &waiting, last).await;
    for (folder, sent) in &all {
        verify(&client, folder, sent, &mut stand.counts, &mut stand.owned).await;
    }
    stand.nothing_is_left().await;
}

/// Every image settles, no good one fails, and each subscriber hears of each once.
pub async fn worker(stand: &mut Stand) {
    let embedded = stand.embedded();
    let mut server = stand.serve(&[("thumbnails.worker", if embedded { "true" } else { "false" })]).await;
    let mut client = Client::new(&server.url).register("ada@example.org").await;
    let folder = client.folder("chaos", None).await;
    let mut sent = Vec::new();
    if embedded {
        // The server is the worker, and its subscribers go with it.
        let load = Load { connections: 2, files: 4, images: 1, pace: Duration::ZERO };
        sent = Uploading::start(&client, &folder, &mut stand.source, load).all().await;
        for _ in 0..3 {
            stand.kill(server);
            server = stand.serve(&[]).await;
            sleep(stand.source.millis(0..250)).await;
        }
        client.url.clone_from(&server.url);
        stand.settle(&client, &images(&sent), Instant::now()).await;
    }

    let mut subscribers = Vec::new();
    for _ in 0..SUBSCRIBERS {
        subscribers.push(subscribe(&client).await);
    }
    let mut workers = if embedded { vec![server] } else { vec![stand.work(), stand.work()] };
    let again = client.folder("again", None).await;
    let load = Load { connections: 3, files: 5, images: 1, pace: Duration::from_millis(100) };
    let uploading = Uploading::start(&client, &again, &mut stand.source, load);
    uploading.reach(1).await;
    let mut last = Instant::now();
    for n in 0..5 {
        sleep(stand.source.millis(20..250)).await;
        let victim = stand.source.below(workers.len());
        if n % 2 == 1 {
            // Twice: an image whose process died three times is given up on.
            kill_one_that_renders(stand, &workers[victim]).await;
        } else if !embedded {
            let gone = workers.swap_remove(victim);
            stand.kill(gone);
            workers.push(stand.work());
        }
        last = Instant::now();
    }
    let more = uploading.all().await;
    assert!(more.iter().all(|sent| sent.id().is_some()), "the API was not broken, but an upload was");
    let waiting = images(&more);
    stand.settle(&client, &waiting, last).await;
    for subscriber in &mut subscribers {
        stand.counts.events += hear(subscriber, &sent, &more, stand.lease).await;
    }
    verify(&client, &folder, &sent, &mut stand.counts, &mut stand.owned).await;
    verify(&client, &again, &more, &mut stand.counts, &mut stand.owned).await;
    stand.nothing_is_left().await;
}

/// Ends a rendering process. A worker that has just been started may not have one yet; one whose own was ended, and that
/// finds nothing in the queue while the images left are under the leases of others, has none.
async fn kill_one_that_renders(stand: &mut Stand, worker: &Process) {
    let deadline = Instant::now() + Duration::from_secs(1);
    while Instant::now() < deadline {
        let children = children(&worker.child.0);
        if !children.is_empty() && kill_child(children[stand.source.below(children.len())]) {
            stand.counts.kills += 1;
            return;
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// How many events a subscriber hears: of each image one, as it had to settle, and then nothing for longer than a lease.
/// Of images from before it subscribed there may be one as well: where their settlement had been stored and not
/// announced when the server was killed, it is announced late.
async fn hear(
    subscriber: &mut tokio::sync::mpsc::UnboundedReceiver<Event>,
    before: &[Sent],
    sent: &[Sent],
    lease: Duration,
) -> u64 {
    let told = |sent: &Sent| Some((sent.id()?.to_owned(), sent.status?.to_owned()));
    let earlier: BTreeSet<Event> = before.iter().filter_map(told).collect();
    let once: BTreeMap<Event, u64> = sent.iter().filter_map(told).map(|event| (event, 1)).collect();
    let mut heard = BTreeMap::new();
    let mut patience = lease + Duration::from_secs(5);
    while let Ok(event) = timeout(patience, subscriber.recv()).await {
        *heard.entry(event.expect("the socket stays open")).or_default() += 1;
        if once.keys().all(|event| heard.contains_key(event)) {
            patience = lease + Duration::from_millis(500);
        }
    }
    let all = heard.values().sum();
    heard.retain(|event, count| *count > 1 || !earlier.contains(event));
    assert_eq!(heard, once, "each image is told of once");
    all
}
