//! What is particular to MongoDB, beside the contract of the ports.

mod crashes;
mod faults;
mod plans;

use std::time::Duration;

use mongodb::{Client, Database, bson::Uuid as Key};
use secrecy::SecretString;
use strongroom::{
    model::{BlobKey, Content, Email, File, FileId, FileKind, Image, Random, Timestamp, User, UserId},
    store::{
        Files,
        mongo::{Mongo, MongoFiles},
    },
};
use uuid::Uuid;

use crate::support::servers::mongodb_url;

fn uuid() -> Uuid {
    Random::system().uuid()
}

fn key(id: FileId) -> Key {
    Key::from_bytes(id.0.into_bytes())
}

fn new_database() -> String {
    format!("strongroom_{}", uuid().simple())
}

/// The adapter without grace over a database of its own, and that database as the driver sees it.
async fn files() -> (MongoFiles, Database) {
    let (url, name) = (mongodb_url(), new_database());
    let mongo = Mongo::connect(&url, &name).await.unwrap();
    let database = Client::with_uri_str(&url).await.unwrap().database(&name);
    (MongoFiles::new(mongo).with_grace(Duration::ZERO), database)
}

fn file(owner: UserId, parent: Option<FileId>, kind: FileKind, name: &str, at: i64, size: u64) -> File {
    File {
        id: FileId(uuid()),
        owner,
        parent,
        name: name.to_owned(),
        kind,
        is_public: false,
        privacy_version: 1,
        created_at: Timestamp(at),
        updated_at: Timestamp(at),
        content: (kind != FileKind::Folder).then(|| Content {
            blob: BlobKey(uuid()),
            size,
            media_type: "image/png".to_owned(),
            sha256: format!("{:064x}", size % 3),
        }),
        image: (kind == FileKind::Image).then(Image::pending),
    }
}

async fn add(files: &MongoFiles, owner: UserId, parent: Option<FileId>, kind: FileKind, name: &str) -> FileId {
    let file = file(owner, parent, kind, name, 1000, 10);
    files.insert(&file).await.unwrap();
    file.id
}

fn user(address: &str) -> User {
    User {
        id: UserId(uuid()),
        email: Email::parse(address).unwrap(),
        password_hash: SecretString::from("$argon2id$a"),
        created_at: Timestamp(1000),
    }
}

/// Calls `tombstones` and `purge` in turn until nothing is left.
async fn drain(files: &MongoFiles) {
    for _ in 0..1000 {
        let ids: Vec<_> = files.tombstones(100).await.unwrap().into_iter().map(|tombstone| tombstone.id).collect();
        if ids.is_empty() {
            return;
        }
        files.purge(&ids).await.unwrap();
    }
    panic!("tombstones never end");
}
