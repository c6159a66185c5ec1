//! Bearer tokens: JWTs (RFC 7519) with one fixed algorithm, that name a session.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::Keys;
use crate::{
    error::{Error, Result},
    model::{SessionId, Timestamp, TokenId, UserId},
};

const ISSUER: &str = "strongroom";
const AUDIENCE: &str = "strongroom";
/// The type of an access token (RFC 9068 section 2.1).
const TYPE: &str = "at+jwt";
/// No token of ours is longer; longer ones are not even decoded.
const MAX_BYTES: usize = 2048;

/// What a token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    aud: String,
    /// Whose.
    pub sub: UserId,
    /// Which login.
    pub sid: SessionId,
    /// Which token.
    pub jti: TokenId,
    iat: i64,
    exp: i64,
}

/// Signs and reads tokens.
pub struct Tokens {
    sign: EncodingKey,
    /// The current key and, while keys are rotated, the one before it.
    verify: Vec<DecodingKey>,
}

impl Tokens {
    /// Signs with the current key; accepts what either has signed.
    #[must_use]
    pub fn new(current: &Keys, previous: Option<&Keys>) -> Self {
        let keys = std::iter::once(current).chain(previous);
        Self {
            sign: EncodingKey::from_secret(&current.tokens),
            verify: keys.map(|keys| DecodingKey::from_secret(&keys.tokens)).collect(),
        }
    }

    /// Signs a token.
    pub fn issue(
        &self,
        user: UserId,
        session: SessionId,
        token: TokenId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<String> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            sid: session,
            jti: token,
            iat: now.seconds(),
            exp: expires_at.seconds(),
        };
        let header = Header { typ: Some(TYPE.to_owned()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims, &self.sign).map_err(Error::internal)
    }

    /// Reads a token. `None` unless it is one of ours, in form, signature, issuer, audience, type and time.
    #[must_use]
    pub fn read(&self, token: &str, now: Timestamp) -> Option<Claims> {
        if token.len() > MAX_BYTES {
            return None;
        }
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library would read the machine's clock; ours is checked below.
        rules.validate_exp = false;
        let read = |key| jsonwebtoken::decode::<Claims>(token, key, &rules).ok();
        let data = self.verify.iter().find_map(read)?;
        (data.header.typ.as_deref() == Some(TYPE) && now.seconds() < data.claims.exp).then_some(data.claims)
    }
}
