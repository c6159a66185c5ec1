//! The adapters under test, opened on a database of their own.

use std::sync::Arc;

use strongroom::{
    model::Clock,
    store::{
        Files, Reservations, Users,
        mongo::{Mongo, MongoFiles, MongoReservations, MongoUsers},
        sqlite::{Sqlite, SqliteFiles, SqliteReservations, SqliteUsers},
    },
};
use tempfile::TempDir;

use crate::support::Backend;

/// What keeps users, files and reservations, empty.
pub struct Opened {
    pub users: Arc<dyn Users>,
    pub files: Arc<dyn Files>,
    pub reservations: Arc<dyn Reservations>,
    /// Where it is kept, if in a folder; gone with this.
    _guard: Option<TempDir>,
}

pub async fn open(backend: Backend) -> Opened {
    match backend {
        Backend::Embedded => embedded(),
        Backend::Servers => servers().await,
    }
}

fn embedded() -> Opened {
    let dir = tempfile::tempdir().unwrap();
    let database = Sqlite::open(&dir.path().join("strongroom.db")).unwrap();
    Opened {
        users: Arc::new(SqliteUsers::new(database.clone())),
        files: Arc::new(SqliteFiles::new(database.clone())),
        reservations: Arc::new(SqliteReservations::new(database, Clock::system())),
        _guard: Some(dir),
    }
}

async fn servers() -> Opened {
    // A database of its own on the shared server, which goes with the test program.
    let database = format!("strongroom_{}", strongroom::model::Random::system().uuid().simple());
    let mongo = Mongo::connect(&crate::support::servers::mongodb_url(), &database).await.unwrap();
    Opened {
        users: Arc::new(MongoUsers::new(mongo.clone())),
        files: Arc::new(MongoFiles::new(mongo.clone()).with_grace(std::time::Duration::ZERO)),
        reservations: Arc::new(MongoReservations::new(mongo)),
        _guard: None,
    }
}
