//! Accounts of the embedded back end.

use async_trait::async_trait;
use rusqlite::{OptionalExtension as _, Row, types::Type};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::{Sqlite, failed};
use crate::{
    error::{Error, Result},
    model::{Email, Timestamp, User, UserId},
    store::Users,
};

/// The accounts.
#[derive(Clone)]
pub struct SqliteUsers(Sqlite);

impl SqliteUsers {
    /// Over an open database.
    #[must_use]
    pub fn new(database: Sqlite) -> Self {
        Self(database)
    }
}

#[async_trait]
impl Users for SqliteUsers {
    async fn insert(&self, user: &User) -> Result<()> {
        let user = user.clone();
        self.0
            .write(move |transaction| {
                let sql = "INSERT INTO users (id, email, email_key, password_hash, created_at)
                    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (email_key) DO NOTHING";
                let inserted = transaction
                    .prepare_cached(sql)
                    .and_then(|mut insert| {
                        insert.execute((
                            user.id.0.into_bytes(),
                            user.email.as_str(),
                            user.email.key(),
                            user.password_hash.expose_secret(),
                            user.created_at.0,
                        ))
                    })
                    .map_err(failed)?;
                if inserted == 0 {
                    return Err(Error::email_taken());
                }
                Ok(())
            })
            .await
    }

    async fn get(&self, id: UserId) -> Result<Option<User>> {
        self.0
            .read(move |transaction| {
                transaction
                    .prepare_cached("SELECT id, email, password_hash, created_at FROM users WHERE id = ?1")
                    .and_then(|mut select| select.query_row([id.0.into_bytes()], read).optional())
                    .map_err(failed)
            })
            .await
    }

    async fn by_email(&self, key: &str) -> Result<Option<User>> {
        let key = key.to_owned();
        self.0
            .read(move |transaction| {
                transaction
                    .prepare_cached("SELECT id, email, password_hash, created_at FROM users WHERE email_key = ?1")
                    .and_then(|mut select| select.query_row([key], read).optional())
                    .map_err(failed)
            })
            .await
    }

    async fn replace_password_hash(&self, id: UserId, expected: &str, hash: &str) -> Result<bool> {
        let (expected, hash) = (expected.to_owned(), hash.to_owned());
        self.0
            .write(move |transaction| {
                transaction
                    .prepare_cached("UPDATE users SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2")
                    .and_then(|mut update| update.execute((id.0.into_bytes(), expected, hash)))
                    .map(|updated| updated == 1)
                    .map_err(failed)
            })
            .await
    }

    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<User>> {
        // No key is empty, so all come after the empty one.
        let after = after.unwrap_or_default().to_owned();
        self.0
            .read(move |transaction| {
                let sql = "SELECT id, email, password_hash, created_at FROM users
                    WHERE email_key > ?1 ORDER BY email_key LIMIT ?2";
                transaction
                    .prepare_cached(sql)
                    .and_then(|mut select| select.query_map((after, limit), read)?.collect())
                    .map_err(failed)
            })
            .await
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<User> {
    let address: String = row.get(1)?;
    let email = Email::parse(&address)
        .ok_or_else(|| rusqlite::Error::FromSqlConversionFailure(1, Type::Text, "not an e-mail address".into()))?;
    Ok(User {
        id: UserId(Uuid::from_bytes(row.get(0)?)),
        email,
        password_hash: SecretString::from(row.get::<_, String>(2)?),
        created_at: Timestamp(row.get(3)?),
    })
}
