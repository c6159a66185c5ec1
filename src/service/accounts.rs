//! Accounts: registering, logging in and out, tokens, passwords.

use std::{net::IpAddr, sync::Arc, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use super::{Passwords, Tokens};
use crate::{
    config::AccountsConfig,
    error::{Error, ErrorCode, Result},
    model::{Clock, Email, Network, Random, Session, SessionId, Timestamp, TokenId, User, UserId},
    store::{Counter, Sessions, Store, Throttle, Users},
};

/// How long the token before a refresh still works: requests under way may carry it.
const PREVIOUS_TOKEN_GRACE: Duration = Duration::from_secs(30);

/// How many logins are under way at once in this process: fewer than one account may fail from one address.
const LOGINS: usize = 4;

/// How long a login waits for its turn: less than a request may take when a store hangs.
const LOGIN_WAIT: Duration = Duration::from_secs(5);

/// Who is asking, proven by a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    /// The account.
    pub user: UserId,
    /// The login.
    pub session: SessionId,
    /// The token that was sent.
    pub token: TokenId,
}

/// A fresh login.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// The session it opened.
    pub viewer: Viewer,
    /// The bearer token.
    pub token: SecretString,
    /// When the token ends.
    pub expires_at: Timestamp,
}

/// The service.
pub struct Accounts {
    users: Arc<dyn Users>,
    sessions: Arc<dyn Sessions>,
    throttle: Arc<dyn Throttle>,
    passwords: Passwords,
    tokens: Tokens,
    settings: AccountsConfig,
    clock: Clock,
    random: Random,
    /// Turns of logins.
    logins: Semaphore,
}

impl Accounts {
    /// Over these stores.
    #[must_use]
    pub fn new(
        store: &Store,
        passwords: Passwords,
        tokens: Tokens,
        settings: AccountsConfig,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self {
            users: Arc::clone(&store.users),
            sessions: Arc::clone(&store.sessions),
            throttle: Arc::clone(&store.throttle),
            passwords,
            tokens,
            settings,
            clock,
            random,
            logins: Semaphore::new(LOGINS),
        }
    }

    /// Opens an account and signs it in, if registration is open.
    pub async fn register(&self, email: &str, password: &SecretString, from: IpAddr) -> Result<SignedIn> {
        if !self.settings.registration_open {
            return Err(Error::general(
                ErrorCode::RegistrationClosed,
                "This server takes no new accounts by itself. Ask its administrator for one.",
            ));
        }
        let key = counter_key("register", &Network::from(from).to_string());
        let counter = [Counter { key: key.clone(), limit: self.settings.registrations_address }];
        let now = self.clock.now();
        if let Some(retry_after) = self.throttle.hit(&counter, self.settings.login_window, now).await? {
            return Err(Error::RateLimited { retry_after });
        }
        match self.add_user(email, password).await {
            Ok(user) => self.sign_in(user).await,
            // No account, no count.
            Err(error) => {
                self.throttle.undo(&[key]).await?;
                Err(error)
            }
        }
    }

    /// Opens an account, whether or not registration is open.
    pub async fn add_user(&self, email: &str, password: &SecretString) -> Result<User> {
        let email = Email::parse(email)
            .ok_or_else(|| Error::input("email", "That is no email address. Write it like ada@example.org."))?;
        Passwords::check(password, "password")?;
        // Looked at first so that a taken address costs no hash; the insert decides.
        if self.users.by_email(email.key()).await?.is_some() {
            return Err(Error::email_taken());
        }
        let user = User {
            id: UserId(self.random.uuid()),
            email,
            password_hash: self.passwords.hash(password).await?,
            created_at: self.clock.now(),
        };
        self.users.insert(&user).await?;
        Ok(user)
    }

    /// Exchanges an address and a password for a token. Unknown addresses and wrong passwords get the same answer,
    /// after the same time. Tries are counted before anything is hashed.
    pub async fn login(&self, email: &str, password: &SecretString, from: IpAddr) -> Result<SignedIn> {
        // A try counts as a failure until it has succeeded. Only so many are under way at once, so that many good ones
        // of one account do not look like an attack.
        let turn = tokio::time::timeout(LOGIN_WAIT, self.logins.acquire()).await;
        let busy = |_| Error::unavailable("a turn to log in", "too many logins are under way");
        let _turn = turn.map_err(busy)?.map_err(Error::internal)?;
        let email = Email::parse(email);
        let key = email.as_ref().map_or("", Email::key);
        let tried = self.count_try(key, from).await?;
        let checked = self.check_credentials(email.as_ref(), password).await;
        self.settle_try(tried, &checked).await?;
        let user = self.renew_hash(checked?, password).await?;
        let signed_in = self.sign_in(user).await?;
        // A change of password ends all sessions but its own. One that ran between our look at the hash and the opening
        // of this session missed it, so the session looks once more.
        let now = self.users.get(signed_in.user.id).await?;
        let still_right = match &now {
            Some(now) if same(&now.password_hash, &signed_in.user.password_hash) => true,
            // Another login may only have renewed the hash.
            Some(now) => self.passwords.verify(password, Some(&now.password_hash)).await?,
            None => false,
        };
        if !still_right {
            self.sessions.remove(signed_in.viewer.session).await?;
            return Err(invalid_credentials());
        }
        Ok(signed_in)
    }

    async fn check_credentials(&self, email: Option<&Email>, password: &SecretString) -> Result<User> {
        let user = match email {
            Some(email) => self.users.by_email(email.key()).await?,
            None => None,
        };
        let right = self.passwords.verify(password, user.as_ref().map(|user| &user.password_hash)).await?;
        user.filter(|_| right).ok_or_else(invalid_credentials)
    }

    /// Counts a try, or refuses it.
    async fn count_try(&self, email_key: &str, from: IpAddr) -> Result<Vec<Counter>> {
        let counters = self.login_counters(email_key, from);
        let now = self.clock.now();
        match self.throttle.hit(&counters, self.settings.login_window, now).await? {
            None => Ok(counters),
            Some(retry_after) => Err(Error::RateLimited { retry_after }),
        }
    }

    /// Only failures count: after a success the pair starts anew and the other counters get the try back; what failed
    /// for want of a store is no try at all.
    async fn settle_try<T>(&self, counters: Vec<Counter>, outcome: &Result<T>) -> Result<()> {
        let keys: Vec<_> = counters.into_iter().map(|counter| counter.key).collect();
        match outcome {
            Err(Error::User(_)) => Ok(()),
            Err(_) => {
                if let Err(error) = self.throttle.undo(&keys).await {
                    error.log();
                }
                Ok(())
            }
            Ok(_) => {
                let [pair, rest @ ..] = keys.as_slice() else { return Err(Error::internal("no counters")) };
                self.throttle.clear(pair).await?;
                self.throttle.undo(rest).await
            }
        }
    }

    /// Who sent this token. `None` when it is malformed, forged, expired or revoked.
    pub async fn authenticate(&self, token: &str) -> Result<Option<Viewer>> {
        let now = self.clock.now();
        let Some(claims) = self.tokens.read(token, now) else { return Ok(None) };
        let viewer = Viewer { user: claims.sub, session: claims.sid, token: claims.jti };
        let session = self.sessions.get(claims.sid).await?;
        Ok(session.filter(|session| session.user == viewer.user && session.accepts(viewer.token, now)).map(|_| viewer))
    }

    /// The viewer with the token that their session has by now, and when it ends; `None` when it has ended.
    pub async fn present(&self, viewer: &Viewer) -> Result<Option<(Viewer, Timestamp)>> {
        let session = self.sessions.get(viewer.session).await?;
        let open = session.filter(|session| session.user == viewer.user && self.clock.now() < session.expires_at);
        Ok(open.map(|session| (Viewer { token: session.token, ..*viewer }, session.expires_at)))
    }

    /// Ends the viewer's session.
    pub async fn logout(&self, viewer: &Viewer) -> Result<()> {
        self.sessions.remove(viewer.session).await
    }

    /// Gives the viewer's session a fresh token and a later end. Whoever comes with the token before it, or second of
    /// two at once, gets the fresh token that there is already: nobody's is taken away.
    pub async fn refresh(&self, viewer: &Viewer) -> Result<(SecretString, Timestamp)> {
        let now = self.clock.now();
        let open = |session: &Session| session.user == viewer.user && session.accepts(viewer.token, now);
        let session = self.sessions.get(viewer.session).await?.filter(open).ok_or(Error::Unauthenticated)?;
        if session.token == viewer.token {
            let fresh = Session {
                token: TokenId(self.random.uuid()),
                previous: Some((session.token, now.plus(PREVIOUS_TOKEN_GRACE))),
                expires_at: now.plus(self.settings.token_lifetime),
                ..session
            };
            if self.sessions.replace(session.token, &fresh).await? {
                return Ok((self.token(&fresh, now)?, fresh.expires_at));
            }
        }
        let session = self.sessions.get(viewer.session).await?.filter(open).ok_or(Error::Unauthenticated)?;
        Ok((self.token(&session, now)?, session.expires_at))
    }

    /// Sets a new password and ends every session of the account but the viewer's.
    pub async fn change_password(
        &self,
        viewer: &Viewer,
        current: &SecretString,
        new: &SecretString,
        from: IpAddr,
    ) -> Result<User> {
        Passwords::check(new, "newPassword")?;
        let user = self.users.get(viewer.user).await?.ok_or(Error::Unauthenticated)?;
        let tried = self.count_try(user.email.key(), from).await?;
        let wrong = || Error::user(ErrorCode::InvalidCredentials, "currentPassword", "That is not your password.");
        let checked = match self.passwords.verify(current, Some(&user.password_hash)).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(wrong()),
            Err(error) => Err(error),
        };
        self.settle_try(tried, &checked).await?;
        checked?;
        let hash = self.passwords.hash(new).await?;
        // Once before, so that nothing changes when the sessions cannot be ended; once after, for those that came
        // between.
        self.sessions.remove_all(user.id, Some(viewer.session)).await?;
        let mut old = user.password_hash.clone();
        while !self.users.replace_password_hash(user.id, old.expose_secret(), hash.expose_secret()).await? {
            // A login may have renewed the hash of the same password; another password is another matter.
            old = self.users.get(user.id).await?.ok_or(Error::Unauthenticated)?.password_hash;
            if !self.passwords.verify(current, Some(&old)).await? {
                return Err(wrong());
            }
        }
        self.sessions.remove_all(user.id, Some(viewer.session)).await?;
        Ok(User { password_hash: hash, ..user })
    }

    /// Sets a password without the old one, and ends every session: for administrators. `false`: no such account.
    pub async fn set_password(&self, email: &str, password: &SecretString) -> Result<bool> {
        Passwords::check(password, "password")?;
        let Some(email) = Email::parse(email) else { return Ok(false) };
        let hash = self.passwords.hash(password).await?;
        loop {
            let Some(user) = self.users.by_email(email.key()).await? else { return Ok(false) };
            let old = user.password_hash.expose_secret();
            if self.users.replace_password_hash(user.id, old, hash.expose_secret()).await? {
                self.sessions.remove_all(user.id, None).await?;
                return Ok(true);
            }
        }
    }

    /// Fetches an account.
    pub async fn user(&self, id: UserId) -> Result<Option<User>> {
        self.users.get(id).await
    }

    /// A page of all accounts, ordered by address, after this one's key: for administrators.
    pub async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<User>> {
        self.users.list(after, limit).await
    }

    async fn sign_in(&self, user: User) -> Result<SignedIn> {
        let now = self.clock.now();
        let session = Session {
            id: SessionId(self.random.uuid()),
            user: user.id,
            token: TokenId(self.random.uuid()),
            previous: None,
            created_at: now,
            expires_at: now.plus(self.settings.token_lifetime),
        };
        self.sessions.insert(&session).await?;
        let viewer = Viewer { user: user.id, session: session.id, token: session.token };
        Ok(SignedIn { user, viewer, token: self.token(&session, now)?, expires_at: session.expires_at })
    }

    fn token(&self, session: &Session, now: Timestamp) -> Result<SecretString> {
        self.tokens.issue(session.user, session.id, session.token, now, session.expires_at).map(Into::into)
    }

    /// Hashes the password anew when the settings have risen since.
    async fn renew_hash(&self, user: User, password: &SecretString) -> Result<User> {
        if !self.passwords.is_outdated(&user.password_hash) {
            return Ok(user);
        }
        let hash = self.passwords.hash(password).await?;
        let old = user.password_hash.expose_secret();
        if self.users.replace_password_hash(user.id, old, hash.expose_secret()).await? {
            return Ok(User { password_hash: hash, ..user });
        }
        // Somebody changed it meanwhile; the look after the login decides.
        Ok(user)
    }

    /// The pair first.
    fn login_counters(&self, email_key: &str, from: IpAddr) -> Vec<Counter> {
        let network = Network::from(from).to_string();
        let counter = |name: &str, of: &str, limit| Counter { key: counter_key(name, of), limit };
        vec![
            counter("login-pair", &format!("{email_key} {network}"), self.settings.login_tries_pair),
            counter("login-account", email_key, self.settings.login_tries_account),
            counter("login-address", &network, self.settings.login_tries_address),
        ]
    }
}

/// Hashed: keys are short then, and nobody's address stands in the listing of a store.
fn counter_key(name: &str, of: &str) -> String {
    format!("{name}:{}", hex::encode(&Sha256::digest(of.as_bytes())[..16]))
}

fn same(a: &SecretString, b: &SecretString) -> bool {
    a.expose_secret() == b.expose_secret()
}

fn invalid_credentials() -> Error {
    Error::general(ErrorCode::InvalidCredentials, "Wrong email or password.")
}
