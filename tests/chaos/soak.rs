//! Uploads, subscriptions, aborted requests, and deletions, for as long as asked for: memory and open files stay flat.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::{
    counts::Counts,
    ledger::{Answer, Load, Owned, Source, Uploading, verify},
    stand::{Stand, subscribe},
    support::client::Client,
};

const LANES: u64 = 4;
/// Until the last folder that was deleted is forgotten: MongoDB keeps it for a minute, for those who may still write into it.
const FORGOTTEN: Duration = Duration::from_secs(120);
/// How often memory and open files are looked at in the whole time.
const LOOKS: u32 = 12;
/// How much more memory the second half may need than the first, in MiB.
const GROWTH: f64 = 16.0;
/// How many more files may be open at one moment of the second half than of the first: what is under way differs.
const MORE_OPEN: usize = 32;

/// What a process uses.
#[derive(Debug, Clone, Copy)]
struct Use {
    /// MiB that are resident.
    memory: f64,
    open_files: usize,
}

impl Use {
    fn of(pid: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        let open_files = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
        Self { memory: kibibytes / 1024.0, open_files }
    }
}

/// Does everything that clients do, again and again.
pub async fn soak(stand: &mut Stand, time: Duration) {
    let server = stand.serve(&[]).await;
    let pid = server.pid();
    let client = Client::new(&server.url).register("ada@example.org").await;
    let before = Use::of(pid);
    let begun = Instant::now();
    let lanes = (0..LANES).map(|lane| {
        let client = Client { http: Client::new(&client.url).http, ..client.clone() };
        tokio::spawn(one_lane(client, stand.source.branch(), lane, begun + time))
    });
    let lanes: Vec<_> = lanes.collect();
    let mut looks = Vec::new();
    for look in 1..=LOOKS {
        sleep((time / LOOKS * look).saturating_sub(begun.elapsed())).await;
        let used = Use::of(pid);
        let seconds = begun.elapsed().as_secs();
        println!("soak after {seconds} s: {:.1} MiB, {} files open", used.memory, used.open_files);
        looks.push(used);
    }
    for counts in join_all(lanes).await {
        stand.counts.add(&counts.unwrap());
    }
    // What was broken off may have been stored before, and be damaged.
    stand.owned = Owned { buried: stand.counts.failed + stand.counts.absent, ..Owned::default() };
    stand.nothing_is_left_within(FORGOTTEN).await;
    let after = Use::of(pid);
    println!("soak at the end: {:.1} MiB, {} files open, {} before", after.memory, after.open_files, before.open_files);
    let memory = |looks: &[Use]| looks.iter().map(|used| used.memory).fold(0.0, f64::max);
    let open_files = |looks: &[Use]| looks.iter().map(|used| used.open_files).max().unwrap_or(0);
    let (first, second) = looks.split_at(looks.len() / 2);
    let grown = memory(second) - memory(first);
    assert!(grown < GROWTH, "memory grows by {grown:.1} MiB from the first half to the second: {looks:?}");
    assert!(open_files(second) <= open_files(first) + MORE_OPEN, "more and more files are open: {looks:?}");
    assert!(after.open_files <= open_files(first), "files stay open: {looks:?}, {after:?}");
}

async fn one_lane(client: Client, mut source: Source, lane: u64, until: Instant) -> Counts {
    let mut counts = Counts::default();
    let mut events = subscribe(&client).await;
    let mut turn = 0;
    while Instant::now() < until {
        turn += 1;
        let folder = client.folder(&format!("{lane}-{turn}"), None).await;
        let load = Load { connections: 2, files: 5, images: 3, pace: Duration::from_millis(100) };
        let sent = Uploading::start(&client, &folder, &mut source, load).all().await;
        for sent in &sent {
            assert!(matches!(sent.answer, Answer::Acknowledged(_)), "{}: {:?}", sent.name, sent.answer);
            if let (true, Some(id)) = (sent.is_image(), sent.id()) {
                client.settled(id).await;
            }
        }
        verify(&client, &folder, &sent, &mut counts, &mut Owned::default()).await;
        // Two that are broken off in the middle of their bodies, and a subscriber that is gone without a word.
        let slow = Load { connections: 2, files: 1, images: 2, pace: Duration::from_secs(4) };
        let broken_off = Uploading::start(&client, &folder, &mut source, slow);
        let _ = timeout(source.millis(100..900), broken_off.reach(1)).await;
        broken_off.abort();
        counts.absent += 2;
        let mut gone = client.socket().await;
        gone.subscribe("1", "subscription { thumbnailReady { id } }", json!({})).await;
        drop(gone);
        client.delete(&folder).await;
        while events.try_recv().is_ok() {
            counts.events += 1;
        }
    }
    counts
}
