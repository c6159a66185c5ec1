//! The keys of one server: derived from its secret, one for each purpose, so that no signature serves two.

use hmac::{Hmac, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use crate::model::CursorKey;

/// Keys for tokens, links and cursors.
#[derive(Clone)]
pub struct Keys {
    /// Signs bearer tokens.
    pub tokens: [u8; 32],
    /// Signs links.
    pub links: [u8; 32],
    /// Seals cursors.
    pub cursors: CursorKey,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// Derives the keys: HMAC-SHA-256 of the purpose under the secret.
    #[must_use]
    pub fn derive(secret: &SecretString) -> Self {
        let derive = |purpose: &[u8]| -> [u8; 32] {
            let key = secret.expose_secret().as_bytes();
            let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(key).expect("HMAC takes keys of any size");
            mac.update(purpose);
            mac.finalize().into_bytes().into()
        };
        Self {
            tokens: derive(b"strongroom tokens"),
            links: derive(b"strongroom links"),
            cursors: CursorKey::new(derive(b"strongroom cursors")),
        }
    }
}
