-- The tables of the embedded back end.
-- IDs are 16 bytes; instants are milliseconds since the epoch; text is compared byte by byte.

-- Accounts.
CREATE TABLE users (
    id            BLOB PRIMARY KEY NOT NULL,
    email         TEXT NOT NULL,
    email_key     TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Files, images and folders. Deleting a folder sets `deleted_at` in everything below it, so a row lives exactly when
-- that is NULL.
CREATE TABLE files (
    id               BLOB PRIMARY KEY NOT NULL,
    owner            BLOB NOT NULL,
    parent           BLOB,                        -- NULL in the root
    name             TEXT NOT NULL,
    name_key         TEXT NOT NULL,               -- the folded name
    kind             TEXT NOT NULL CHECK (kind IN ('FILE', 'FOLDER', 'IMAGE')),
    is_public        INTEGER NOT NULL,
    privacy_version  INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    size             INTEGER NOT NULL,            -- 0 for folders
    -- The content. NULL exactly for folders.
    blob             BLOB,
    media_type       TEXT,
    sha256           TEXT,
    -- The image. `generation` and `thumbnails` (JSON) are NULL exactly for what is none.
    width            INTEGER,
    height           INTEGER,
    generation       INTEGER,
    thumbnails       TEXT,
    thumbnail_status TEXT GENERATED ALWAYS AS (thumbnails ->> '$.status') STORED,
    pending_since    INTEGER,                     -- of this generation
    settled_at       INTEGER,                     -- NULL while pending
    announced        INTEGER NOT NULL DEFAULT 0,
    deleted_at       INTEGER
) STRICT;

-- One for every order of a folder's list, and one for every order of an owner's. What ends in `deleted_at` answers by
-- itself, without a look at the rows: counts, usage, and what a folder holds at any depth.
CREATE INDEX files_in_folder_by_created_at ON files (owner, parent, created_at, id, deleted_at)
    WHERE deleted_at IS NULL;
CREATE INDEX files_in_folder_by_name_key ON files (owner, parent, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX files_in_folder_by_size ON files (owner, parent, size, id) WHERE deleted_at IS NULL;
CREATE INDEX files_of_owner_by_created_at ON files (owner, created_at, id, deleted_at) WHERE deleted_at IS NULL;
CREATE INDEX files_of_owner_by_name_key ON files (owner, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX files_of_owner_by_size ON files (owner, size, id, kind, deleted_at) WHERE deleted_at IS NULL;
CREATE INDEX files_of_owner_by_sha256 ON files (owner, sha256) WHERE deleted_at IS NULL;

CREATE INDEX files_folders ON files (owner, parent) WHERE deleted_at IS NULL AND kind = 'FOLDER';
CREATE INDEX files_pending ON files (id, pending_since, generation)
    WHERE deleted_at IS NULL AND thumbnail_status = 'PENDING';
CREATE INDEX files_unannounced ON files (settled_at, id)
    WHERE deleted_at IS NULL AND announced = 0 AND settled_at IS NOT NULL;
CREATE INDEX files_settled ON files (owner, settled_at, id) WHERE deleted_at IS NULL AND settled_at IS NOT NULL;
CREATE INDEX files_tombstones ON files (deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX files_below_tombstones ON files (parent) WHERE deleted_at IS NOT NULL;

-- Blobs that have no row yet, or none any more.
CREATE TABLE reservations (
    blob      BLOB PRIMARY KEY NOT NULL,
    process   BLOB NOT NULL,
    file      BLOB NOT NULL,
    multipart TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX reservations_of_process ON reservations (process);

-- When each process last said that it lives.
CREATE TABLE processes (
    id      BLOB PRIMARY KEY NOT NULL,
    beat_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
