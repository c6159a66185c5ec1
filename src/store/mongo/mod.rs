//! The servers back end's database: one MongoDB client, how it waits and writes, and the adapters over it.
//!
//! A plain `mongod` without transactions is enough: single-document atomicity, unique indexes and compare-and-set are
//! all that is used. What anybody was answered is on a majority of the members, journalled, and never rolled back.

mod files;
mod indexes;
mod reservations;
mod users;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use mongodb::{
    Client, Collection, Database,
    bson::{self, RawDocument, RawDocumentBuf, doc},
    error::{Error as DriverError, ErrorKind, WriteFailure},
    event::{EventHandler, cmap::CmapEvent},
    options::{ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern},
};
use serde::de::DeserializeOwned;

use super::{Ping, Pool};
use crate::error::{Error, Result};

pub use files::MongoFiles;
pub use reservations::MongoReservations;
pub use users::MongoUsers;

/// The name by which errors and `/readyz` call it.
const NAME: &str = "MongoDB";
/// How long one operation may take, whatever the driver would still try. A request that needs a dead MongoDB ends
/// within this time of the fault, since it gives up at the first operation that fails; but for one second of clearing up.
const OPERATION_LIMIT: Duration = Duration::from_millis(4500);
/// How long to look for a server that can serve an operation.
const SELECTION_LIMIT: Duration = Duration::from_secs(3);
/// How long opening a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// How long a write waits for the majority; less than [`OPERATION_LIMIT`], so that the server gives up first.
const MAJORITY_LIMIT: Duration = Duration::from_secs(4);
/// How often each server is looked at. A dead one is noticed within this and [`CONNECT_LIMIT`].
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How many connections are open at once, unless the URL says otherwise.
const POOL: u32 = 64;
/// How long making the indexes may take: on a large collection an added index needs its time.
const INDEXING_LIMIT: Duration = Duration::from_secs(600);
/// How long to wait until the driver has ended what it still has to do: telling the server which sessions are over.
const CLOSING_LIMIT: Duration = Duration::from_secs(1);
/// The format of the rows that this version writes, and the only one it reads.
const FORMAT: i32 = 1;

/// Command errors that say that the server cannot serve now (in the order of the server's `error_codes.yml`):
/// `HostUnreachable`, `HostNotFound`, `MaxTimeMSExpired`, `WriteConcernFailed`, `NetworkTimeout`, `ShutdownInProgress`,
/// `UnsatisfiableWriteConcern`, `FailedToSatisfyReadPreference`, `ReadConcernMajorityNotAvailableYet`, `PrimarySteppedDown`, `ExceededTimeLimit`, `SocketException`, `NotWritablePrimary`,
/// `InterruptedAtShutdown`, `InterruptedDueToReplStateChange`, `NotPrimaryNoSecondaryOk`, `NotPrimaryOrSecondary`.
const OUT_OF_SERVICE: [i32; 17] =
    [6, 7, 50, 64, 89, 91, 100, 133, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436];
const MAX_TIME_EXPIRED: i32 = 50;
const OUT_OF_DISK_SPACE: i32 = 14031;
const DUPLICATE_KEY: i32 = 11000;

/// An ID as it is stored: binary, subtype 4 (UUID).
type Key = bson::Uuid;

/// An ID, for storing.
fn key(id: uuid::Uuid) -> Key {
    Key::from_bytes(id.into_bytes())
}

/// An ID that was stored.
fn id(key: Key) -> uuid::Uuid {
    uuid::Uuid::from_bytes(key.bytes())
}

/// A database on a MongoDB that answered. Cloned freely.
#[derive(Debug, Clone)]
pub struct Mongo {
    database: Database,
    /// How many connections are in use, and how many of them there can be to one server.
    connections: Arc<AtomicUsize>,
    limit: usize,
}

impl Mongo {
    /// Connects to a server or replica set, asks whether it answers, and makes every index that is missing. Fails
    /// within a few seconds when nobody answers. What the URL says of time-outs and pool size holds; how writes are
    /// acknowledged and where reads go is not for it to say.
    pub async fn connect(url: &str, database: &str) -> Result<Self> {
        let parsed = tokio::time::timeout(OPERATION_LIMIT, ClientOptions::parse(url)).await;
        let mut options = parsed.map_err(|_| late())?.map_err(|error| match *error.kind {
            // The driver's text may quote a part of the password that was taken for something else.
            ErrorKind::InvalidArgument { .. } => Error::internal(
                "the URL of MongoDB is not valid; special characters in its user and password have to be percent-encoded",
            ),
            _ => failed(error),
        })?;
        options.app_name.get_or_insert_with(|| "strongroom".to_owned());
        options.connect_timeout.get_or_insert(CONNECT_LIMIT);
        options.server_selection_timeout.get_or_insert(SELECTION_LIMIT);
        options.heartbeat_freq.get_or_insert(HEARTBEAT);
        let limit = *options.max_pool_size.get_or_insert(POOL) as usize;
        options.retry_reads = Some(true);
        options.retry_writes = Some(true);
        options.read_concern = Some(ReadConcern::majority());
        options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        let mut acknowledged = WriteConcern::majority();
        acknowledged.journal = Some(true);
        acknowledged.w_timeout = Some(MAJORITY_LIMIT);
        options.write_concern = Some(acknowledged);

        let connections = Arc::<AtomicUsize>::default();
        options.cmap_event_handler = Some(count(&connections));

        let hosts: Vec<_> = options.hosts.iter().map(ToString::to_string).collect();
        let client = Client::with_options(options).map_err(failed)?;
        let mongo = Self { database: client.database(database), connections, limit };
        attempt(mongo.database.run_command(doc! { "ping": 1 })).await?.map_err(|error| unreached(error, &hosts))?;
        tokio::time::timeout(INDEXING_LIMIT, indexes::make(&mongo.database))
            .await
            .map_err(|_| late())?
            .map_err(failed)?;
        Ok(mongo)
    }

    /// A collection of rows that [`read`] turns into what they are.
    fn collection(&self, name: &str) -> Collection<RawDocumentBuf> {
        self.database.collection(name)
    }
}

#[async_trait]
impl Ping for Mongo {
    fn name(&self) -> &'static str {
        "mongodb"
    }

    async fn ping(&self) -> Result<()> {
        within(self.database.run_command(doc! { "ping": 1 })).await.map(drop)
    }

    fn pools(&self) -> Vec<Pool> {
        vec![Pool { name: "mongodb", in_use: self.connections.load(Ordering::Relaxed), limit: self.limit }]
    }

    /// The driver has tasks of its own, which panic when the runtime ends before them.
    async fn close(&self) {
        let _ = tokio::time::timeout(CLOSING_LIMIT, self.database.client().clone().shutdown()).await;
    }
}

/// Counts the connections that operations have taken and not yet given back.
fn count(connections: &Arc<AtomicUsize>) -> EventHandler<CmapEvent> {
    let connections = Arc::clone(connections);
    EventHandler::callback(move |event| match event {
        CmapEvent::ConnectionCheckedOut(_) => drop(connections.fetch_add(1, Ordering::Relaxed)),
        CmapEvent::ConnectionCheckedIn(_) => drop(connections.fetch_sub(1, Ordering::Relaxed)),
        _ => {}
    })
}

/// Runs one operation, for no longer than it may take. The driver closes the connection of an operation that is
/// given up, and the server then ends it too.
async fn within<T>(operation: impl IntoFuture<Output = mongodb::error::Result<T>>) -> Result<T> {
    attempt(operation).await?.map_err(failed)
}

/// As [`within`], for who wants to look at the driver's error.
async fn attempt<T>(
    operation: impl IntoFuture<Output = mongodb::error::Result<T>>,
) -> Result<mongodb::error::Result<T>> {
    tokio::time::timeout(OPERATION_LIMIT, operation.into_future()).await.map_err(|_| late())
}

fn late() -> Error {
    Error::unavailable(NAME, "it did not answer in time")
}

/// The server's number for an error, if the server sent it.
fn code(error: &DriverError) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(error) => Some(error.code),
        ErrorKind::Write(WriteFailure::WriteError(error)) => Some(error.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => Some(error.code),
        _ => None,
    }
}

/// What the driver's error is to us.
fn failed(error: DriverError) -> Error {
    let code = code(&error);
    let down = matches!(
        &*error.kind,
        ErrorKind::Io(_)
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::DnsResolve { .. }
            | ErrorKind::Write(WriteFailure::WriteConcernError(_))
            | ErrorKind::Shutdown
    );
    if code == Some(OUT_OF_DISK_SPACE) {
        Error::storage_full()
    } else if let Some(reason) = not_found(&error) {
        Error::unavailable(NAME, format!("no server that takes writes answers{reason}"))
    } else if down || code.is_some_and(|code| OUT_OF_SERVICE.contains(&code)) {
        Error::unavailable(NAME, error)
    } else {
        Error::internal(error)
    }
}

/// As [`failed`], where somebody reads it who has just named these servers.
fn unreached(error: DriverError, hosts: &[String]) -> Error {
    let Some(reason) = not_found(&error) else { return failed(error) };
    let hosts = hosts.join(", ");
    Error::unavailable(NAME, format!("no server that takes writes answers at {hosts}{reason}"))
}

/// Why the driver has found no server, without all that it writes down about them.
fn not_found(error: &DriverError) -> Option<String> {
    let ErrorKind::ServerSelection { message, .. } = &*error.kind else { return None };
    let of_first = message.split_once("Error: Kind: ").and_then(|(_, rest)| rest.split_once(", labels"));
    Some(of_first.map_or_else(String::new, |(reason, _)| format!(" ({reason})")))
}

/// Reads a row, if it is of the format that this version knows.
fn read<T: DeserializeOwned>(row: &RawDocument) -> Result<T> {
    match row.get_i32("format") {
        Ok(FORMAT) => bson::deserialize_from_slice(row.as_bytes()).map_err(Error::internal),
        found => Err(Error::internal(format!(
            "MongoDB holds a row of format {}, and this version reads format {FORMAT} only: was it written by a newer one?",
            found.map_or_else(|_| "(none)".to_owned(), |format| format.to_string())
        ))),
    }
}

/// For the driver's limits, where 0 would mean no limit: callers answer an empty list to 0 themselves.
fn limited(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
