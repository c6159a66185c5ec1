//! The accounts in MongoDB: one document each, unique by the e-mail key.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::{
    Collection,
    bson::{RawDocument, RawDocumentBuf, doc, serialize_to_raw_document_buf},
    options::Hint,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{DUPLICATE_KEY, FORMAT, Key, Mongo, attempt, code, failed, id, indexes, key, limited, read, within};
use crate::{
    error::{Error, Result},
    model::{Email, Timestamp, User, UserId},
    store::Users,
};

/// The accounts.
#[derive(Debug, Clone)]
pub struct MongoUsers {
    rows: Collection<RawDocumentBuf>,
}

/// An account as it is stored.
#[derive(Serialize, Deserialize)]
struct Row {
    #[serde(rename = "_id")]
    id: Key,
    format: i32,
    /// As it was given.
    email: String,
    /// The form in which it is unique.
    email_key: String,
    /// In PHC string format.
    password_hash: String,
    created_at: Timestamp,
}

impl Row {
    fn user(raw: &RawDocument) -> Result<User> {
        let row: Self = read(raw)?;
        let email = Email::parse(&row.email)
            .ok_or_else(|| Error::internal(format!("the account {:?} has a malformed address", UserId(id(row.id)))))?;
        let password_hash = SecretString::from(row.password_hash);
        Ok(User { id: UserId(id(row.id)), email, password_hash, created_at: row.created_at })
    }
}

impl MongoUsers {
    /// Over a connected database.
    #[must_use]
    #[allow(clippy::needless_pass_by_value)] // As every adapter takes it.
    pub fn new(mongo: Mongo) -> Self {
        Self { rows: mongo.collection(indexes::USERS) }
    }
}

#[async_trait]
impl Users for MongoUsers {
    async fn insert(&self, user: &User) -> Result<()> {
        let row = serialize_to_raw_document_buf(&Row {
            id: key(user.id.0),
            format: FORMAT,
            email: user.email.as_str().to_owned(),
            email_key: user.email.key().to_owned(),
            password_hash: user.password_hash.expose_secret().to_owned(),
            created_at: user.created_at,
        })
        .map_err(Error::internal)?;
        match attempt(self.rows.insert_one(&row)).await? {
            Ok(_) => Ok(()),
            // Random IDs do not meet: what is there already is the address.
            Err(error) if code(&error) == Some(DUPLICATE_KEY) => Err(Error::email_taken()),
            Err(error) => Err(failed(error)),
        }
    }

    async fn get(&self, id: UserId) -> Result<Option<User>> {
        let row = within(self.rows.find_one(doc! { "_id": key(id.0) })).await?;
        row.map(|row| Row::user(&row)).transpose()
    }

    async fn by_email(&self, key: &str) -> Result<Option<User>> {
        let row = within(self.rows.find_one(doc! { "email_key": key })).await?;
        row.map(|row| Row::user(&row)).transpose()
    }

    async fn replace_password_hash(&self, id: UserId, expected: &str, hash: &str) -> Result<bool> {
        let as_expected = doc! { "_id": key(id.0), "password_hash": expected };
        let done = within(self.rows.update_one(as_expected, doc! { "$set": { "password_hash": hash } })).await?;
        Ok(done.matched_count == 1)
    }

    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<User>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let rest = after.map_or_else(|| doc! {}, |after| doc! { "email_key": { "$gt": after } });
        let page = self
            .rows
            .find(rest)
            .sort(doc! { "email_key": 1 })
            .hint(Hint::Name(indexes::EMAIL.to_owned()))
            .limit(limited(limit));
        let rows: Vec<_> = within(async { page.await?.try_collect().await }).await?;
        rows.iter().map(|row| Row::user(row)).collect()
    }
}
