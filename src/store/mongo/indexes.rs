//! Every index there is. Each query names the one it uses.

use mongodb::{
    Database, IndexModel,
    bson::{Document, doc},
    options::IndexOptions,
};

/// The collections' names.
pub(super) const USERS: &str = "users";
pub(super) const FILES: &str = "files";
pub(super) const RESERVATIONS: &str = "reservations";
pub(super) const PROCESSES: &str = "processes";

/// Addresses are unique.
pub(super) const EMAIL: &str = "email";
/// Lists of what a folder holds, in each order.
pub(super) const IN_FOLDER_BY_CREATED: &str = "in_folder_by_created";
pub(super) const IN_FOLDER_BY_NAME: &str = "in_folder_by_name";
pub(super) const IN_FOLDER_BY_SIZE: &str = "in_folder_by_size";
/// Lists of all that somebody owns, in each order.
pub(super) const OWNED_BY_CREATED: &str = "owned_by_created";
pub(super) const OWNED_BY_NAME: &str = "owned_by_name";
pub(super) const OWNED_BY_SIZE: &str = "owned_by_size";
/// Files of certain bytes.
pub(super) const OWNED_BY_SHA256: &str = "owned_by_sha256";
/// Images that wait for thumbnails.
pub(super) const PENDING: &str = "pending";
/// Settlements that may not have been announced.
pub(super) const UNANNOUNCED: &str = "unannounced";
/// Settlements of one owner, by time.
pub(super) const SETTLED: &str = "settled";
/// Folders within a folder, deleted ones too.
pub(super) const FOLDERS: &str = "folders";
/// Deleted folders of one owner.
pub(super) const DELETED_FOLDERS: &str = "deleted_folders";
/// Deleted rows in the order in which they are dealt with.
pub(super) const SWEEP: &str = "sweep";
/// Deleted rows in a folder.
pub(super) const DELETED_IN_FOLDER: &str = "deleted_in_folder";
/// Notes of one process.
pub(super) const BY_PROCESS: &str = "by_process";
/// Processes by when they last said that they live.
pub(super) const BY_BEAT: &str = "by_beat";

/// Makes the indexes that are missing; nothing happens to those that are there.
pub(super) async fn make(database: &Database) -> mongodb::error::Result<()> {
    let email = IndexOptions::builder().name(EMAIL.to_owned()).unique(true).build();
    let email = IndexModel::builder().keys(doc! { "email_key": 1 }).options(email).build();
    database.collection::<Document>(USERS).create_index(email).await?;

    let living = || doc! { "live": true };
    let deleted = || doc! { "live": false };
    let files = [
        partial(IN_FOLDER_BY_CREATED, doc! { "owner": 1, "parent": 1, "created_at": 1, "_id": 1 }, living()),
        partial(IN_FOLDER_BY_NAME, doc! { "owner": 1, "parent": 1, "name_key": 1, "_id": 1 }, living()),
        partial(IN_FOLDER_BY_SIZE, doc! { "owner": 1, "parent": 1, "size": 1, "_id": 1 }, living()),
        partial(OWNED_BY_CREATED, doc! { "owner": 1, "created_at": 1, "_id": 1 }, living()),
        partial(OWNED_BY_NAME, doc! { "owner": 1, "name_key": 1, "_id": 1 }, living()),
        partial(OWNED_BY_SIZE, doc! { "owner": 1, "size": 1, "_id": 1 }, living()),
        partial(OWNED_BY_SHA256, doc! { "owner": 1, "content.sha256": 1 }, living()),
        partial(PENDING, doc! { "image.status": 1, "_id": 1 }, doc! { "live": true, "image.status": "PENDING" }),
        partial(
            UNANNOUNCED,
            doc! { "image.settled_at": 1, "_id": 1 },
            doc! { "live": true, "image.unannounced": true },
        ),
        partial(SETTLED, doc! { "owner": 1, "image.settled_at": 1, "_id": 1 }, doc! { "live": true, "kind": "IMAGE" }),
        partial(FOLDERS, doc! { "owner": 1, "parent": 1, "_id": 1 }, doc! { "kind": "FOLDER" }),
        partial(DELETED_FOLDERS, doc! { "owner": 1, "kind": 1 }, deleted()),
        partial(SWEEP, doc! { "stage": 1, "level": -1, "deleted_at": 1, "_id": 1 }, deleted()),
        partial(DELETED_IN_FOLDER, doc! { "parent": 1 }, deleted()),
    ];
    database.collection::<Document>(FILES).create_indexes(files).await?;

    let by_process = plain(BY_PROCESS, doc! { "process": 1, "at": 1 });
    database.collection::<Document>(RESERVATIONS).create_index(by_process).await?;
    database.collection::<Document>(PROCESSES).create_index(plain(BY_BEAT, doc! { "beat": 1 })).await?;
    Ok(())
}

fn plain(name: &str, keys: Document) -> IndexModel {
    IndexModel::builder().keys(keys).options(IndexOptions::builder().name(name.to_owned()).build()).build()
}

/// An index of the rows that this condition holds for; a query has to contain it.
fn partial(name: &str, keys: Document, condition: Document) -> IndexModel {
    let options = IndexOptions::builder().name(name.to_owned()).partial_filter_expression(condition).build();
    IndexModel::builder().keys(keys).options(options).build()
}
