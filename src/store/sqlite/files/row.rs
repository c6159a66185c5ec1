//! How a file is kept in a row of the table `files`.

use rusqlite::{OptionalExtension as _, Params, Row, Transaction, named_params, types::Type};
use uuid::Uuid;

use crate::model::{BlobKey, Content, File, FileId, FileKind, Image, Thumbnails, Timestamp, UserId, fold_name};

/// What [`read`] reads.
pub(super) const COLUMNS: &str = "files.id AS id, owner, parent, name, kind, is_public, privacy_version, created_at, \
    updated_at, size, blob, media_type, sha256, width, height, generation, thumbnails";

/// Adds a row.
pub(super) fn insert(transaction: &Transaction<'_>, file: &File) -> rusqlite::Result<()> {
    let sql = "INSERT INTO files (id, owner, parent, name, name_key, kind, is_public, privacy_version, created_at,
            updated_at, size, blob, media_type, sha256, width, height, generation, thumbnails, pending_since)
        VALUES (:id, :owner, :parent, :name, :name_key, :kind, :is_public, :privacy_version, :created_at,
            :updated_at, :size, :blob, :media_type, :sha256, :width, :height, :generation, :thumbnails, :pending_since)";
    let content = file.content.as_ref();
    let image = file.image.as_ref();
    let pending_since = image.filter(|image| !image.is_settled()).map(|_| file.created_at.0);
    transaction.prepare_cached(sql)?.execute(named_params! {
        ":id": file.id.0.into_bytes(),
        ":owner": file.owner.0.into_bytes(),
        ":parent": file.parent.map(|parent| parent.0.into_bytes()),
        ":name": file.name,
        ":name_key": fold_name(&file.name),
        ":kind": kind_text(file.kind),
        ":is_public": file.is_public,
        ":privacy_version": file.privacy_version,
        ":created_at": file.created_at.0,
        ":updated_at": file.updated_at.0,
        ":size": file.size(),
        ":blob": content.map(|content| content.blob.0.into_bytes()),
        ":media_type": content.map(|content| &content.media_type),
        ":sha256": content.map(|content| &content.sha256),
        ":width": image.and_then(|image| image.width),
        ":height": image.and_then(|image| image.height),
        ":generation": image.map(|image| image.generation),
        ":thumbnails": image.map(|image| thumbnails_text(&image.thumbnails)).transpose()?,
        ":pending_since": pending_since,
    })?;
    Ok(())
}

/// The rows that a query ends in; `tail` is what follows `FROM files`.
pub(super) fn select(transaction: &Transaction<'_>, tail: &str, values: impl Params) -> rusqlite::Result<Vec<File>> {
    transaction.prepare_cached(&format!("SELECT {COLUMNS} FROM files {tail}"))?.query_map(values, read)?.collect()
}

/// As [`select`], each with its ID: one that cannot be read does not hide the others.
pub(super) fn each(
    transaction: &Transaction<'_>,
    tail: &str,
    values: impl Params,
) -> rusqlite::Result<Vec<(FileId, rusqlite::Result<File>)>> {
    let each = |row: &Row<'_>| Ok((FileId(Uuid::from_bytes(row.get("id")?)), read(row)));
    transaction.prepare_cached(&format!("SELECT {COLUMNS} FROM files {tail}"))?.query_map(values, each)?.collect()
}

/// A row, living or not.
pub(super) fn any(transaction: &Transaction<'_>, id: FileId) -> rusqlite::Result<Option<File>> {
    one(transaction, "WHERE id = ?1", [id.0.into_bytes()])
}

/// A living row.
pub(super) fn living(transaction: &Transaction<'_>, id: FileId) -> rusqlite::Result<Option<File>> {
    one(transaction, "WHERE id = ?1 AND deleted_at IS NULL", [id.0.into_bytes()])
}

/// A living row of this owner.
pub(super) fn owned(transaction: &Transaction<'_>, owner: UserId, id: FileId) -> rusqlite::Result<Option<File>> {
    let tail = "WHERE id = ?1 AND owner = ?2 AND deleted_at IS NULL";
    one(transaction, tail, [id.0.into_bytes(), owner.0.into_bytes()])
}

fn one(transaction: &Transaction<'_>, tail: &str, values: impl Params) -> rusqlite::Result<Option<File>> {
    let sql = format!("SELECT {COLUMNS} FROM files {tail}");
    transaction.prepare_cached(&sql)?.query_row(values, read).optional()
}

fn read(row: &Row<'_>) -> rusqlite::Result<File> {
    let content = match row.get("blob")? {
        Some(blob) => Some(Content {
            blob: BlobKey(Uuid::from_bytes(blob)),
            size: row.get("size")?,
            media_type: row.get("media_type")?,
            sha256: row.get("sha256")?,
        }),
        None => None,
    };
    let image = match row.get::<_, Option<String>>("thumbnails")? {
        Some(thumbnails) => Some(Image {
            width: row.get("width")?,
            height: row.get("height")?,
            generation: row.get("generation")?,
            thumbnails: serde_json::from_str(&thumbnails).map_err(unreadable)?,
        }),
        None => None,
    };
    Ok(File {
        id: FileId(Uuid::from_bytes(row.get("id")?)),
        owner: UserId(Uuid::from_bytes(row.get("owner")?)),
        parent: row.get::<_, Option<_>>("parent")?.map(|parent| FileId(Uuid::from_bytes(parent))),
        name: row.get("name")?,
        kind: kind_of(&row.get::<_, String>("kind")?)?,
        is_public: row.get("is_public")?,
        privacy_version: row.get("privacy_version")?,
        created_at: Timestamp(row.get("created_at")?),
        updated_at: Timestamp(row.get("updated_at")?),
        content,
        image,
    })
}

/// As the column `kind` has it.
pub(super) fn kind_text(kind: FileKind) -> &'static str {
    match kind {
        FileKind::File => "FILE",
        FileKind::Folder => "FOLDER",
        FileKind::Image => "IMAGE",
    }
}

fn kind_of(text: &str) -> rusqlite::Result<FileKind> {
    match text {
        "FILE" => Ok(FileKind::File),
        "FOLDER" => Ok(FileKind::Folder),
        "IMAGE" => Ok(FileKind::Image),
        other => Err(unreadable(format!("no kind of file: {other}"))),
    }
}

/// As the column `thumbnails` has them.
pub(super) fn thumbnails_text(thumbnails: &Thumbnails) -> rusqlite::Result<String> {
    serde_json::to_string(thumbnails).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn unreadable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, cause.into())
}
