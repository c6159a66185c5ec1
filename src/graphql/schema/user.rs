//! Accounts, as their owner and others see them.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};

use super::{
    Result,
    connection::{FileConnection, FileFilter, FileOrder, connection, default_order},
    request::{Account, account, count, services, sign_in, viewer},
    scalar::{ByteCount, DateTime, int},
};
use crate::{
    error::Error,
    model::{self, FileScope, UserId},
    service::PageRequest,
};

/// An account, as the viewer sees it.
pub struct User {
    account: Arc<Account>,
    /// Whether the viewer is this user.
    own: bool,
}

impl User {
    /// Fetches an account as the viewer sees it.
    pub async fn find(ctx: &Context<'_>, id: UserId) -> Result<Option<Self>, Error> {
        let own = viewer(ctx) == Some(id);
        Ok(account(ctx, id).await?.map(|account| Self { account, own }))
    }

    /// The account that has just proven to be the viewer's.
    pub fn signed_in(ctx: &Context<'_>, user: model::User) -> Self {
        sign_in(ctx, user.id);
        let account = Account { id: user.id, email: user.email, created_at: user.created_at };
        Self { account: Arc::new(account), own: true }
    }
}

/// An account.
#[Object]
impl User {
    /// Globally unique and opaque.
    pub async fn id(&self) -> ID {
        ID(self.account.id.to_string())
    }

    /// Null unless the viewer is this user.
    async fn email(&self) -> Option<&str> {
        self.own.then(|| self.account.email.as_str())
    }

    /// When it was opened.
    async fn created_at(&self) -> DateTime {
        self.account.created_at.into()
    }

    /// What this user's files take. Null unless the viewer is this user.
    async fn usage(&self, ctx: &Context<'_>) -> Result<Option<Usage>> {
        if !self.own {
            return Ok(None);
        }
        let usage = count(ctx, services(ctx).drive.usage(self.account.id)).await?;
        Ok(Some(Usage { file_count: int(usage.file_count), bytes: ByteCount(usage.bytes) }))
    }

    /// Every file of this user, whatever its folder. Null unless the viewer is this user.
    #[allow(clippy::too_many_arguments, reason = "the schema has them")]
    async fn files(
        &self,
        ctx: &Context<'_>,
        filter: Option<FileFilter>,
        #[graphql(default_with = "default_order()")] order_by: Option<FileOrder>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Option<FileConnection>> {
        if !self.own {
            return Ok(None);
        }
        let scope = FileScope::Owned { owner: self.account.id };
        let page = PageRequest { first, after, last, before };
        Ok(Some(connection(ctx, scope, FileFilter::model(filter), order_by, &page).await?))
    }
}

/// What a user stores: originals, without folders and thumbnails.
#[derive(SimpleObject)]
pub struct Usage {
    /// Files and images.
    file_count: i32,
    /// Of their originals.
    bytes: ByteCount,
}
