//! Clocks that are wrong: set while the server runs, or different from machine to machine.

use std::time::Duration;

use serde_json::{Value, json};
use strongroom::{
    model::{BlobKey, FileId, ProcessId, Random},
    store::Reservation,
};

use crate::support::{
    Backend,
    app::{TestApp, jpeg},
};

const HOUR: Duration = Duration::from_secs(60 * 60);

async fn a_clock_that_is_set_forward_costs_no_upload_and_no_image_and_tells_of_each_once(backend: Backend) {
    let app = TestApp::start(backend).await;
    let ada = app.user("ada").await;
    let mut socket = ada.socket().await;
    socket.subscribe("1", "subscription { thumbnailReady { id thumbnailStatus } }", json!({})).await;
    let mut sent = Vec::new();
    for n in 0..6 {
        sent.push(ada.upload("photo.jpg", jpeg(900, 600, n)).await);
        // Leases have ended at once, and what was written seems to have been there for long.
        app.clock.set_forward(HOUR);
    }
    let mut heard = Vec::new();
    while heard.len() < sent.len() {
        let message = socket.next().await;
        assert_eq!(message["type"], "next", "{message}");
        let event = &message["payload"]["data"]["thumbnailReady"];
        assert_eq!(event["thumbnailStatus"], "READY");
        heard.push(event["id"].clone());
    }
    let mut expected: Vec<_> = sent.iter().map(|file| file["id"].clone()).collect();
    heard.sort_by_key(Value::to_string);
    expected.sort_by_key(Value::to_string);
    assert_eq!(heard, expected);
    assert!(socket.is_silent_for(Duration::from_millis(500)).await);
}

/// Of processes that share a store each has a clock of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_whose_clock_is_a_day_ahead_takes_nobody_for_dead() {
    let app = TestApp::idle(Backend::Servers).await;
    let store = &app.instance.app.store;
    let random = Random::system();
    let mut writing = Vec::new();
    for beats in [true, false] {
        let process = ProcessId(random.uuid());
        if beats {
            store.reservations.beat(process).await.unwrap();
        }
        let note = Reservation { blob: BlobKey(random.uuid()), file: FileId(random.uuid()), multipart: None };
        store.reservations.reserve(process, std::slice::from_ref(&note)).await.unwrap();
        store.blobs.put(vec![(note.blob, "bytes whose row is about to be written".into())]).await.unwrap();
        writing.push(note.blob);
    }
    let before = app.home.blob_files();
    assert_eq!(before.len(), 2);
    app.clock.set_forward(24 * HOUR);
    app.instance.janitor.round().await.unwrap();
    assert_eq!(app.home.blob_files(), before);
    // Those that are dead by the store's clock are cleared up after.
    app.instance.janitor.sweep(Duration::ZERO).await.unwrap();
    assert_eq!(app.home.blob_files().len(), 0);
    assert_eq!(store.reservations.noted(&writing).await.unwrap(), []);
}

crate::on_both_back_ends!(a_clock_that_is_set_forward_costs_no_upload_and_no_image_and_tells_of_each_once,);
