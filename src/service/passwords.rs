//! Passwords: the rules for new ones, and argon2id (RFC 9106) off the async threads, as many at a time as there are
//! cores.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordVerifier as _, Version,
    password_hash::{PasswordHasher as _, SaltString},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization as _;

use crate::{
    error::{Error, Result},
    model::Random,
};

/// Fewest characters of a new password.
const MIN_CHARACTERS: usize = 12;
/// Most bytes of any password.
const MAX_BYTES: usize = 1024;

/// Hashes and verifies. Cloned freely.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    random: Random,
    turns: Arc<Semaphore>,
    /// Verified in place of an unknown user's, so that both take the same time.
    decoy: Arc<str>,
}

impl Passwords {
    /// Makes the decoy, which takes as long as one hash. Blocks. `memory` in KiB.
    pub fn new(memory: u32, passes: u32, lanes: u32, random: Random) -> Result<Self> {
        let params = Params::new(memory, passes, lanes, None).map_err(|error| Error::internal(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash(&argon2, &random, "a password that nobody has")?.into();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self { argon2, random, turns: Arc::new(Semaphore::new(cores)), decoy })
    }

    /// Checks a new password against the rules; `field` names it in the error.
    pub fn check(password: &SecretString, field: &str) -> Result<()> {
        let text = password.expose_secret();
        if text.chars().count() < MIN_CHARACTERS {
            return Err(Error::input(field, "A password needs at least 12 characters."));
        }
        if text.len() > MAX_BYTES {
            return Err(Error::input(field, "A password may take at most 1,024 bytes."));
        }
        Ok(())
    }

    /// Hashes a password into a PHC string.
    pub async fn hash(&self, password: &SecretString) -> Result<SecretString> {
        let (argon2, random, password) = (self.argon2.clone(), self.random.clone(), password.clone());
        self.run(move || hash(&argon2, &random, password.expose_secret()).map(Into::into)).await
    }

    /// Whether the password has this hash. Without a hash the answer is no, after the same time.
    pub async fn verify(&self, password: &SecretString, hash: Option<&SecretString>) -> Result<bool> {
        // Nobody's password is longer than the rules allow, and hashing it would cost its length.
        if password.expose_secret().len() > MAX_BYTES {
            return Ok(false);
        }
        let known = hash.is_some();
        let hash = hash.map_or_else(|| self.decoy.to_string(), |hash| hash.expose_secret().to_owned());
        let (argon2, password) = (self.argon2.clone(), password.clone());
        self.run(move || {
            let hash = PasswordHash::new(&hash).map_err(|error| Error::internal(error.to_string()))?;
            Ok(argon2.verify_password(normal(password.expose_secret()).as_bytes(), &hash).is_ok() && known)
        })
        .await
    }

    /// Whether the hash was made with less than what is set now.
    #[must_use]
    pub fn is_outdated(&self, hash: &SecretString) -> bool {
        let params = PasswordHash::new(hash.expose_secret()).and_then(|hash| Params::try_from(&hash));
        params.is_ok_and(|it| {
            let now = self.argon2.params();
            it.m_cost() < now.m_cost() || it.t_cost() < now.t_cost() || it.p_cost() < now.p_cost()
        })
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await
        .map_err(Error::internal)?
    }
}

fn hash(argon2: &Argon2<'_>, random: &Random, password: &str) -> Result<String> {
    let fail = |error: argon2::password_hash::Error| Error::internal(error.to_string());
    let salt = SaltString::encode_b64(&random.bytes::<16>()).map_err(fail)?;
    Ok(argon2.hash_password(normal(password).as_bytes(), &salt).map_err(fail)?.to_string())
}

/// The same password typed on another keyboard may come decomposed.
fn normal(password: &str) -> String {
    password.nfc().collect()
}
