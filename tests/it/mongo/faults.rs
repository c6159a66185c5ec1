//! A server that is down, silent or wrong is given up on in time.

use std::time::{Duration, Instant};

use strongroom::{
    error::ErrorCode,
    model::{BlobKey, FileKind, ProcessId, Timestamp, UserId},
    store::{
        Files as _, Ping as _, Reservation, Reservations as _, Users as _,
        mongo::{Mongo, MongoFiles, MongoReservations, MongoUsers},
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::{add, file, new_database, user, uuid};
use crate::support::servers::{free_port, mongodb_url, start_mongodb};

/// A request that needs a dead MongoDB ends within this time.
const DEADLINE: Duration = Duration::from_secs(6);

#[tokio::test]
async fn a_url_that_makes_no_sense_is_an_error_that_names_mongodb() {
    let error = Mongo::connect("http://localhost", "x").await.unwrap_err();
    assert!(error.to_string().contains("MongoDB"), "{error}");
}

#[tokio::test]
async fn a_wrong_address_fails_soon_and_names_mongodb() {
    let begin = Instant::now();
    let error = Mongo::connect(&format!("mongodb://127.0.0.1:{}", free_port()), "x").await.unwrap_err();
    assert!(begin.elapsed() < DEADLINE, "{:?}", begin.elapsed());
    assert_eq!(error.code(), ErrorCode::ServiceUnavailable);
    assert!(error.to_string().contains("MongoDB"), "{error}");
}

#[tokio::test]
async fn a_server_that_accepts_and_never_answers_is_given_up_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            held.push(socket);
        }
    });
    let begin = Instant::now();
    let error = Mongo::connect(&format!("mongodb://{address}"), "x").await.unwrap_err();
    assert!(begin.elapsed() < DEADLINE, "{:?}", begin.elapsed());
    assert_eq!(error.code(), ErrorCode::ServiceUnavailable);
}

/// Stands between client and server, and answers its URL. While `silent`, it accepts and passes nothing on. The
/// connection is direct: a member of a replica set would tell the client of a way around.
async fn gateway(server: String, silent: watch::Receiver<bool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (server, silent) = (server.clone(), silent.clone());
            tokio::spawn(async move {
                let (from_server, to_server) = TcpStream::connect(server).await.unwrap().into_split();
                let (from_client, to_client) = client.into_split();
                tokio::join!(pass_on(from_client, to_server, silent.clone()), pass_on(from_server, to_client, silent))
            });
        }
    });
    format!("mongodb://{address}/?directConnection=true")
}

async fn pass_on(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut silent: watch::Receiver<bool>) {
    let mut buffer = [0; 8192];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if silent.wait_for(|silent| !silent).await.is_err() || to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_to_a_server_that_falls_silent_end_in_time_and_service_comes_back() {
    let (silence, silent) = watch::channel(false);
    let server = mongodb_url().trim_start_matches("mongodb://").trim_end_matches('/').to_owned();
    let mongo = Mongo::connect(&gateway(server, silent).await, &new_database()).await.unwrap();
    let (users, files) = (MongoUsers::new(mongo.clone()), MongoFiles::new(mongo.clone()));
    let reservations = MongoReservations::new(mongo.clone());
    let owner = UserId(uuid());
    let folder = add(&files, owner, None, FileKind::Folder, "folder").await;

    silence.send_replace(true);
    let begin = Instant::now();
    let (ada, row) = (user("ada@example.org"), file(owner, Some(folder), FileKind::File, "file", 1, 1));
    let process = ProcessId(uuid());
    let notes = [Reservation { blob: BlobKey(uuid()), file: row.id, multipart: None }];
    let results = tokio::join!(
        users.insert(&ada),
        users.list(None, 10),
        files.insert(&row),
        files.relocate(owner, folder, None, Timestamp(1)),
        files.delete(owner, folder, Timestamp(1)),
        files.tombstones(10),
        reservations.reserve(process, &notes),
        mongo.ping(),
        async {
            while mongo.pools()[0].in_use == 0 {
                tokio::task::yield_now().await;
            }
        },
    );
    assert!(begin.elapsed() < DEADLINE, "{:?}", begin.elapsed());
    for error in [
        results.0.unwrap_err(),
        results.1.unwrap_err(),
        results.2.unwrap_err(),
        results.3.unwrap_err(),
        results.4.unwrap_err(),
        results.5.unwrap_err(),
        results.6.unwrap_err(),
        results.7.unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::ServiceUnavailable, "{error}");
        assert!(error.to_string().contains("MongoDB"), "{error}");
    }
    // A request that comes when the silence is known ends too.
    let begin = Instant::now();
    assert_eq!(files.get(folder).await.unwrap_err().code(), ErrorCode::ServiceUnavailable);
    assert!(begin.elapsed() < DEADLINE, "{:?}", begin.elapsed());

    silence.send_replace(false);
    let begin = Instant::now();
    while files.get(folder).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    // What was given up has given its connection back.
    while mongo.pools()[0].in_use > 0 {
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", mongo.pools());
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn requests_to_a_server_that_is_gone_end_in_time() {
    let (server, url) = start_mongodb();
    let mongo = Mongo::connect(&url, &new_database()).await.unwrap();
    let users = MongoUsers::new(mongo);
    tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
    let begin = Instant::now();
    assert_eq!(users.insert(&user("ada@example.org")).await.unwrap_err().code(), ErrorCode::ServiceUnavailable);
    assert!(begin.elapsed() < DEADLINE, "{:?}", begin.elapsed());
}
