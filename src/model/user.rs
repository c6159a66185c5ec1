//! Accounts, their addresses, their sessions.

use std::fmt;

use secrecy::SecretString;
use unicode_normalization::UnicodeNormalization as _;

use super::{SessionId, Timestamp, TokenId, UserId};

/// An e-mail address that can be told from others: as it was given, and the form in which it is unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    address: String,
    key: String,
}

impl Email {
    /// The longest address that can be delivered to, in bytes (RFC 5321 section 4.5.3.1, with erratum 1690).
    const MAX_BYTES: usize = 254;

    /// Reads an address: something, an `@`, and a domain; the rest is for a mail server to judge. `None` when malformed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let address: String = text.trim().nfc().collect();
        let (local, domain) = address.rsplit_once('@')?;
        let well_formed = !local.is_empty()
            && local.len() <= 64
            && !local.contains('@')
            && !domain.is_empty()
            && domain.split('.').all(|label| {
                !label.is_empty()
                    && label.len() <= 63
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            })
            && address.len() <= Self::MAX_BYTES
            && !address.chars().any(|c| c.is_whitespace() || c.is_control() || super::name::changes_direction(c));
        let key = super::fold_name(&address);
        well_formed.then_some(Self { address, key })
    }

    /// As it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// The form in which it is unique, whatever its case.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

/// An account.
#[derive(Debug, Clone)]
pub struct User {
    /// Never changes.
    pub id: UserId,
    /// Unique by its key.
    pub email: Email,
    /// In PHC string format, with its salt and parameters.
    pub password_hash: SecretString,
    /// When it was opened.
    pub created_at: Timestamp,
}

/// A login: what a bearer token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Never changes, whatever tokens it is given.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The token that holds now.
    pub token: TokenId,
    /// The token before it, and until when it still works.
    pub previous: Option<(TokenId, Timestamp)>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Session {
    /// Whether this token opens the session at this instant.
    #[must_use]
    pub fn accepts(&self, token: TokenId, now: Timestamp) -> bool {
        now < self.expires_at
            && (token == self.token || self.previous.is_some_and(|(previous, until)| token == previous && now < until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_differ_in_case_are_one() {
        let (a, b) = (Email::parse("Ada@Example.ORG").unwrap(), Email::parse(" ada@example.org ").unwrap());
        assert_eq!(a.key(), b.key());
        assert_eq!(a.as_str(), "Ada@Example.ORG");
    }

    #[test]
    fn a_malformed_address_is_refused() {
        for text in ["", "ada", "@x.org", "ada@", "a b@x.org", "ada@x..org", "ada@-x.org", "a@b@c", "a\u{202e}@x.org"] {
            assert!(Email::parse(text).is_none(), "{text:?}");
        }
        assert!(Email::parse(&format!("{}@x.org", "a".repeat(65))).is_none());
        assert!(Email::parse("ada@localhost").is_some());
    }
}
