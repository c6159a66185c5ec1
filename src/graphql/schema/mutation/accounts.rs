//! Registering, signing in and out, passwords.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    error::Error,
    graphql::schema::{
        Result, authenticated,
        payload::{UserError, payloads, settle},
        request::{caller, services, signed_in},
        scalar::DateTime,
        user::User,
    },
    service::SignedIn,
};

/// The part of the root that is about accounts.
#[derive(Default)]
pub struct AccountMutations;

#[Object]
impl AccountMutations {
    /// Opens an account and signs it in.
    async fn register(&self, ctx: &Context<'_>, input: RegisterInput) -> Result<Option<RegisterPayload>> {
        let signed_in =
            services(ctx).accounts.register(&input.email, &input.password.into(), caller(ctx).address).await;
        settle(signed_in.map(|SignedIn { user, token, expires_at, .. }| RegisterPayload {
            user: Some(User::signed_in(ctx, user)),
            token: Some(token.expose_secret().to_owned()),
            expires_at: Some(expires_at.into()),
            user_errors: Vec::new(),
        }))
    }

    /// Exchanges an email address and a password for a bearer token.
    async fn login(&self, ctx: &Context<'_>, input: LoginInput) -> Result<Option<LoginPayload>> {
        let from = caller(ctx).address;
        let signed_in = services(ctx).accounts.login(&input.email, &input.password.into(), from).await;
        settle(signed_in.map(|SignedIn { user, token, expires_at, .. }| LoginPayload {
            user: Some(User::signed_in(ctx, user)),
            token: Some(token.expose_secret().to_owned()),
            expires_at: Some(expires_at.into()),
            user_errors: Vec::new(),
        }))
    }

    /// Revokes the token that this request carries.
    #[graphql(directive = authenticated::apply())]
    async fn logout(&self, ctx: &Context<'_>) -> Result<Option<LogoutPayload>> {
        let viewer = signed_in(ctx)?;
        settle(services(ctx).accounts.logout(&viewer).await.map(|()| LogoutPayload::default()))
    }

    /// Gives the session of this request a fresh token and a later end. The session stays the same: its sockets live on,
    /// and the old token works for 30 seconds more.
    #[graphql(directive = authenticated::apply())]
    async fn refresh(&self, ctx: &Context<'_>) -> Result<Option<RefreshPayload>> {
        let viewer = signed_in(ctx)?;
        let refreshed = services(ctx).accounts.refresh(&viewer).await;
        settle(refreshed.map(|(token, expires_at)| RefreshPayload {
            token: Some(token.expose_secret().to_owned()),
            expires_at: Some(expires_at.into()),
            user_errors: Vec::new(),
        }))
    }

    /// Sets a new password, ends every session of the account but this one.
    #[graphql(directive = authenticated::apply())]
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        input: ChangePasswordInput,
    ) -> Result<Option<ChangePasswordPayload>> {
        let viewer = signed_in(ctx)?;
        let (current, new) = (SecretString::from(input.current_password), SecretString::from(input.new_password));
        let from = caller(ctx).address;
        let changed: Result<_, Error> = services(ctx).accounts.change_password(&viewer, &current, &new, from).await;
        settle(
            changed
                .map(|user| ChangePasswordPayload { user: Some(User::signed_in(ctx, user)), user_errors: Vec::new() }),
        )
    }
}

/// Of a new account.
#[derive(InputObject)]
struct RegisterInput {
    /// Unique whatever its case.
    email: String,
    /// At least 12 characters, at most 1,024 bytes.
    #[graphql(secret)]
    password: String,
}

/// A new account, signed in.
#[derive(SimpleObject, Default)]
struct RegisterPayload {
    /// Who.
    user: Option<User>,
    /// Send it as `Authorization: Bearer <token>`, or in `connection_init` of a WebSocket.
    token: Option<String>,
    /// When the token ends.
    expires_at: Option<DateTime>,
    /// Empty on success.
    user_errors: Vec<UserError>,
}

/// Of an account.
#[derive(InputObject)]
struct LoginInput {
    /// Whatever its case.
    email: String,
    /// As it was registered.
    #[graphql(secret)]
    password: String,
}

/// A login.
#[derive(SimpleObject, Default)]
struct LoginPayload {
    /// Who.
    user: Option<User>,
    /// Send it as `Authorization: Bearer <token>`, or in `connection_init` of a WebSocket.
    token: Option<String>,
    /// When the token ends.
    expires_at: Option<DateTime>,
    /// Empty on success.
    user_errors: Vec<UserError>,
}

/// The old password and the new one.
#[derive(InputObject)]
struct ChangePasswordInput {
    /// The one that holds now.
    #[graphql(secret)]
    current_password: String,
    /// At least 12 characters, at most 1,024 bytes.
    #[graphql(secret)]
    new_password: String,
}

/// The account whose password was changed.
#[derive(SimpleObject, Default)]
struct ChangePasswordPayload {
    /// Who.
    user: Option<User>,
    /// Empty on success.
    user_errors: Vec<UserError>,
}

/// A fresh token.
#[derive(SimpleObject, Default)]
struct RefreshPayload {
    /// To be sent from now on.
    token: Option<String>,
    /// When it ends.
    expires_at: Option<DateTime>,
    /// Empty on success.
    user_errors: Vec<UserError>,
}

/// A logout.
#[derive(SimpleObject, Default)]
struct LogoutPayload {
    /// Empty on success.
    user_errors: Vec<UserError>,
}

payloads!(RegisterPayload, LoginPayload, ChangePasswordPayload, RefreshPayload, LogoutPayload);
