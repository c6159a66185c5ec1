//! Logins in Redis: a key for each, which Redis drops when the session has ended, and an index for each user.

use async_trait::async_trait;
use fred::interfaces::{KeysInterface as _, SortedSetsInterface as _};
use serde::{Deserialize, Serialize};

use super::{Redis, keys, millis, script::Script};
use crate::{
    error::{Error, Result},
    model::{Session, SessionId, Timestamp, TokenId, UserId},
    store::Sessions,
};

static KEEP: Script = Script::new(include_str!("lua/session.lua"));

/// [`Sessions`] in Redis.
pub struct RedisSessions(Redis);

impl RedisSessions {
    /// Over this server.
    #[must_use]
    pub fn new(redis: Redis) -> Self {
        Self(redis)
    }

    /// Keeps a session, if its token is this one, or in any case. Whether it was.
    async fn keep(&self, session: &Session, expected: Option<TokenId>) -> Result<bool> {
        let id = session.id.0;
        let record = serde_json::to_string(&Record::from(session)).map_err(Error::internal)?;
        let left = millis(session.expires_at.since(self.0.0.clock.now()));
        let expected = expected.map(|token| token.0.to_string()).unwrap_or_default();
        let keys = vec![self.0.key_of(keys::SESSION, id), self.0.key_of(keys::SESSIONS, session.user.0)];
        self.0.run(&KEEP, keys, vec![record, left, id.to_string(), expected]).await
    }
}

#[async_trait]
impl Sessions for RedisSessions {
    async fn insert(&self, session: &Session) -> Result<()> {
        self.keep(session, None).await.map(drop)
    }

    async fn get(&self, id: SessionId) -> Result<Option<Session>> {
        let key = self.0.key_of(keys::SESSION, id.0);
        let text: Option<String> = self.0.ask(|client| async move { client.get(key).await }).await?;
        let Some(text) = text else { return Ok(None) };
        let record: Record = serde_json::from_str(&text).map_err(Error::internal)?;
        Ok(Some(record.into_session(id)))
    }

    async fn replace(&self, expected: TokenId, session: &Session) -> Result<bool> {
        self.keep(session, Some(expected)).await
    }

    async fn remove(&self, id: SessionId) -> Result<()> {
        let key = self.0.key_of(keys::SESSION, id.0);
        self.0.ask(|client| async move { client.del(key).await }).await
    }

    async fn remove_all(&self, user: UserId, except: Option<SessionId>) -> Result<()> {
        let index = self.0.key_of(keys::SESSIONS, user.0);
        let except = except.map(|id| id.0.to_string());
        self.0
            .ask(|client| async move {
                // The index names every session that was there before this, and a removed one cannot be replaced.
                let mut ids: Vec<String> = client.zrange(&index, 0, -1, None, false, None, false).await?;
                ids.retain(|id| Some(id) != except.as_ref());
                if ids.is_empty() {
                    return Ok(());
                }
                let sessions: Vec<String> = ids.iter().map(|id| self.0.key_of(keys::SESSION, id)).collect();
                client.del::<(), _>(sessions).await?;
                client.zrem(&index, ids).await
            })
            .await
    }
}

/// A session as it is stored. The script reads `token`.
#[derive(Serialize, Deserialize)]
struct Record {
    user: UserId,
    token: TokenId,
    previous: Option<(TokenId, Timestamp)>,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl From<&Session> for Record {
    fn from(session: &Session) -> Self {
        let Session { id: _, user, token, previous, created_at, expires_at } = *session;
        Self { user, token, previous, created_at, expires_at }
    }
}

impl Record {
    fn into_session(self, id: SessionId) -> Session {
        let Self { user, token, previous, created_at, expires_at } = self;
        Session { id, user, token, previous, created_at, expires_at }
    }
}
