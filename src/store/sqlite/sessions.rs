//! Logins in SQLite.

use async_trait::async_trait;
use rusqlite::{OptionalExtension as _, Row, named_params};
use uuid::Uuid;

use super::{Sqlite, failed};
use crate::{
    error::Result,
    model::{Clock, Session, SessionId, Timestamp, TokenId, UserId},
    store::Sessions,
};

/// [`Sessions`] in SQLite.
pub struct SqliteSessions {
    sqlite: Sqlite,
    clock: Clock,
}

impl SqliteSessions {
    /// In this database.
    #[must_use]
    pub fn new(sqlite: Sqlite, clock: Clock) -> Self {
        Self { sqlite, clock }
    }
}

#[async_trait]
impl Sessions for SqliteSessions {
    async fn insert(&self, session: &Session) -> Result<()> {
        let (session, now) = (session.clone(), self.clock.now());
        self.sqlite
            .write(move |transaction| {
                transaction.execute("DELETE FROM sessions WHERE expires_at <= ?", [now.0]).map_err(failed)?;
                let (previous, previous_until) = previous(&session);
                transaction
                    .execute(
                        "INSERT INTO sessions (id, user, token, previous, previous_until, created_at, expires_at)
                         VALUES (:id, :user, :token, :previous, :previous_until, :created_at, :expires_at)",
                        named_params! {
                            ":id": session.id.0.as_bytes(),
                            ":user": session.user.0.as_bytes(),
                            ":token": session.token.0.as_bytes(),
                            ":previous": previous,
                            ":previous_until": previous_until,
                            ":created_at": session.created_at.0,
                            ":expires_at": session.expires_at.0,
                        },
                    )
                    .map(drop)
                    .map_err(failed)
            })
            .await
    }

    async fn get(&self, id: SessionId) -> Result<Option<Session>> {
        let now = self.clock.now();
        self.sqlite
            .read(move |transaction| {
                transaction
                    .prepare_cached("SELECT * FROM sessions WHERE id = ? AND expires_at > ?")
                    .and_then(|mut query| query.query_row((id.0.as_bytes(), now.0), session).optional())
                    .map_err(failed)
            })
            .await
    }

    async fn replace(&self, expected: TokenId, session: &Session) -> Result<bool> {
        let (session, now) = (session.clone(), self.clock.now());
        self.sqlite
            .write(move |transaction| {
                let (previous, previous_until) = previous(&session);
                transaction
                    .execute(
                        "UPDATE sessions SET token = :token, previous = :previous, previous_until = :previous_until,
                             created_at = :created_at, expires_at = :expires_at
                         WHERE id = :id AND token = :expected AND expires_at > :now",
                        named_params! {
                            ":id": session.id.0.as_bytes(),
                            ":expected": expected.0.as_bytes(),
                            ":now": now.0,
                            ":token": session.token.0.as_bytes(),
                            ":previous": previous,
                            ":previous_until": previous_until,
                            ":created_at": session.created_at.0,
                            ":expires_at": session.expires_at.0,
                        },
                    )
                    .map(|changed| changed > 0)
                    .map_err(failed)
            })
            .await
    }

    async fn remove(&self, id: SessionId) -> Result<()> {
        self.sqlite
            .write(move |transaction| {
                let removed = transaction.execute("DELETE FROM sessions WHERE id = ?", [id.0.as_bytes()]);
                removed.map(drop).map_err(failed)
            })
            .await
    }

    async fn remove_all(&self, user: UserId, except: Option<SessionId>) -> Result<()> {
        self.sqlite
            .write(move |transaction| {
                let except = except.map(|id| *id.0.as_bytes());
                transaction
                    .execute("DELETE FROM sessions WHERE user = ? AND id IS NOT ?", (user.0.as_bytes(), except))
                    .map(drop)
                    .map_err(failed)
            })
            .await
    }
}

fn previous(session: &Session) -> (Option<[u8; 16]>, Option<i64>) {
    session.previous.map(|(token, until)| (*token.0.as_bytes(), until.0)).unzip()
}

fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    let uuid = |column| row.get(column).map(Uuid::from_bytes);
    let previous = row.get::<_, Option<[u8; 16]>>("previous")?.map(|bits| TokenId(Uuid::from_bytes(bits)));
    Ok(Session {
        id: SessionId(uuid("id")?),
        user: UserId(uuid("user")?),
        token: TokenId(uuid("token")?),
        previous: previous.zip(row.get::<_, Option<i64>>("previous_until")?.map(Timestamp)),
        created_at: Timestamp(row.get("created_at")?),
        expires_at: Timestamp(row.get("expires_at")?),
    })
}
