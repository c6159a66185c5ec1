-- The tables that take Redis' place in the embedded back end. Instants are in ms since the epoch.

CREATE TABLE sessions (
    id             BLOB PRIMARY KEY,
    user           BLOB NOT NULL,
    token          BLOB NOT NULL,
    -- The token before, and until when it still works.
    previous       BLOB,
    previous_until INTEGER,
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE tries (
    counter TEXT PRIMARY KEY,
    tries   INTEGER NOT NULL,
    -- When the window ends.
    ends_at INTEGER NOT NULL
) STRICT;
CREATE INDEX tries_by_end ON tries (ends_at);

CREATE TABLE jobs (
    file       BLOB NOT NULL,
    generation INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('queued', 'reserved', 'delayed', 'buried')),
    -- The order among those that are queued (least first), and among those that are buried.
    place      INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    losses     INTEGER NOT NULL DEFAULT 0,
    -- Who holds it, while it is reserved.
    lease      BLOB,
    -- When the lease ends, the next attempt is due, or it was buried.
    at         INTEGER,
    -- Why it was buried.
    reason     TEXT,
    UNIQUE (file, generation)
) STRICT;
CREATE INDEX jobs_by_place ON jobs (state, place);
CREATE INDEX jobs_by_time ON jobs (state, at);
