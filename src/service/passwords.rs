//! Passwords: the rules for new ones, and argon2id (RFC 9106) off the async threads, as many at a time as there are
//! cores.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::{self, Output, ParamsString, Salt, SaltString},
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
    memory: Memory,
    /// Verified in place of an unknown user's, so that both take the same time.
    decoy: Arc<str>,
}

/// The memory that hashing fills, one piece for each hash at a time, used again and again: allocators do not give pieces
/// of this size back in time, and a burst of logins would take a gigabyte.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<Vec<Block>>>>);

impl Memory {
    fn with<T>(&self, blocks: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
        let idle = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut piece = idle.unwrap_or_default();
        piece.resize(blocks.max(piece.len()), Block::default());
        let answer = work(&mut piece[..blocks]);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(piece);
        answer
    }
}

impl Passwords {
    /// Makes the decoy, which takes as long as one hash. Blocks. `memory` in KiB.
    pub fn new(memory: u32, passes: u32, lanes: u32, random: Random) -> Result<Self> {
        let params = Params::new(memory, passes, lanes, None).map_err(|error| Error::internal(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let memory = Memory::default();
        let decoy = hash(&argon2, &memory, &random, "a password that nobody has").map_err(failed)?.into();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self { argon2, random, turns: Arc::new(Semaphore::new(cores)), memory, decoy })
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
        let (argon2, memory) = (self.argon2.clone(), self.memory.clone());
        let (random, password) = (self.random.clone(), password.clone());
        self.run(move || hash(&argon2, &memory, &random, password.expose_secret()).map(Into::into)).await
    }

    /// Whether the password has this hash. Without a hash the answer is no, after the same time.
    pub async fn verify(&self, password: &SecretString, hash: Option<&SecretString>) -> Result<bool> {
        // Nobody's password is longer than the rules allow, and hashing it would cost its length.
        if password.expose_secret().len() > MAX_BYTES {
            return Ok(false);
        }
        let known = hash.is_some();
        let hash = hash.map_or_else(|| self.decoy.to_string(), |hash| hash.expose_secret().to_owned());
        let (memory, password) = (self.memory.clone(), password.clone());
        self.run(move || Ok(verify(&memory, password.expose_secret(), &hash)? && known)).await
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

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> password_hash::Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(Error::internal)?;
        let worked = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        worked.await.map_err(Error::internal)?.map_err(failed)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it is used as `map_err(failed)`")]
fn failed(error: password_hash::Error) -> Error {
    Error::internal(error.to_string())
}

fn hash(argon2: &Argon2<'_>, memory: &Memory, random: &Random, password: &str) -> password_hash::Result<String> {
    let salt = SaltString::encode_b64(&random.bytes::<16>())?;
    let output = digest(argon2, memory, password, salt.as_salt(), Params::DEFAULT_OUTPUT_LEN)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params())?,
        salt: Some(salt.as_salt()),
        hash: Some(output),
    };
    Ok(hash.to_string())
}

/// With the parameters of the hash, whatever they are by now. Compares in constant time.
fn verify(memory: &Memory, password: &str, hash: &str) -> password_hash::Result<bool> {
    let hash = PasswordHash::new(hash)?;
    let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else { return Err(password_hash::Error::Password) };
    let algorithm = Algorithm::try_from(hash.algorithm)?;
    let version = hash.version.map_or(Ok(Version::default()), Version::try_from)?;
    let argon2 = Argon2::new(algorithm, version, Params::try_from(&hash)?);
    Ok(digest(&argon2, memory, password, salt, expected.len())? == expected)
}

fn digest(
    argon2: &Argon2<'_>,
    memory: &Memory,
    password: &str,
    salt: Salt<'_>,
    bytes: usize,
) -> password_hash::Result<Output> {
    let mut salt_bytes = [0; Salt::MAX_LENGTH];
    let salt = salt.decode_b64(&mut salt_bytes)?;
    let password = normal(password);
    memory.with(argon2.params().block_count(), |blocks| {
        Output::init_with(bytes, |out| {
            Ok(argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, blocks)?)
        })
    })
}

/// The same password typed on another keyboard may come decomposed.
fn normal(password: &str) -> String {
    password.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords(memory: u32) -> Passwords {
        Passwords::new(memory, 1, 1, Random::seeded(1)).unwrap()
    }

    #[tokio::test]
    async fn a_password_has_its_own_hash_and_no_other() {
        let passwords = passwords(8);
        let (right, wrong) = (SecretString::from("correct horse"), SecretString::from("correct house"));
        let hash = passwords.hash(&right).await.unwrap();
        assert!(hash.expose_secret().starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
        assert!(passwords.verify(&right, Some(&hash)).await.unwrap());
        assert!(!passwords.verify(&wrong, Some(&hash)).await.unwrap());
        assert!(!passwords.verify(&right, None).await.unwrap());
        assert_ne!(hash.expose_secret(), passwords.hash(&right).await.unwrap().expose_secret());
    }

    #[tokio::test]
    async fn a_hash_is_verified_with_its_own_parameters_and_outdated_when_they_have_risen() {
        let (before, now) = (passwords(8), passwords(64));
        let password = SecretString::from("correct horse");
        let hash = before.hash(&password).await.unwrap();
        assert!(now.verify(&password, Some(&hash)).await.unwrap());
        assert!(now.is_outdated(&hash) && !before.is_outdated(&hash));
    }

    #[test]
    fn a_hash_is_the_one_of_the_reference() {
        // From the tests of the reference implementation (phc-winner-argon2, src/test.c).
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(verify(&Memory::default(), "password", hash).unwrap());
    }

    #[tokio::test]
    async fn many_at_once_share_a_few_pieces_of_memory() {
        let passwords = passwords(64);
        let password = SecretString::from("correct horse");
        futures_util::future::join_all((0..50).map(|_| passwords.hash(&password))).await;
        let cores = std::thread::available_parallelism().unwrap().get();
        assert!(passwords.memory.0.lock().unwrap().len() <= cores);
    }
}
