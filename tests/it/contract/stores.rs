//! The adapters under test, opened on a database of their own.

use std::sync::Arc;

use strongroom::store::{
    Files, Reservations, Users,
    sqlite::{Sqlite, SqliteFiles, SqliteReservations, SqliteUsers},
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
        reservations: Arc::new(SqliteReservations::new(database)),
        _guard: Some(dir),
    }
}

async fn servers() -> Opened {
    panic!("unimplemented in this branch")
}
