//! Identifiers: 128 random bits each, in distinct types, so that one is never taken for another.
//!
//! Files and users have a public form, `f_…` and `u_…` (URL-safe base64 of the bits): opaque to clients, and enough
//! for `node(id:)` to know where to look.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

id! {
    /// A file, an image or a folder. Whoever holds a public file's ID may see the file, so it has to be unguessable.
    FileId
}
id! {
    /// An account.
    UserId
}
id! {
    /// A login. It outlives its tokens: a refresh gives it a new one.
    SessionId
}
id! {
    /// One bearer token (the `jti` claim, RFC 7519 section 4.1.7).
    TokenId
}
id! {
    /// One object in the blob store. It belongs to exactly one row.
    BlobKey
}
id! {
    /// One run of the program: who reserved a blob, who holds a lease.
    ProcessId
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.simple())
    }
}

macro_rules! public_form {
    ($name:ident, $prefix:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), URL_SAFE_NO_PAD.encode(self.0.as_bytes()))
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let bits = text.strip_prefix($prefix).ok_or(NotAnId)?;
                let bits = URL_SAFE_NO_PAD.decode(bits).map_err(|_| NotAnId)?;
                Uuid::from_slice(&bits).map(Self).map_err(|_| NotAnId)
            }
        }
    };
}

public_form!(FileId, "f_");
public_form!(UserId, "u_");

/// The text is no ID of that type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an ID")]
pub struct NotAnId;

/// The ID of anything that `node(id:)` can fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeId {
    /// See [`FileId`].
    File(FileId),
    /// See [`UserId`].
    User(UserId),
}

impl FromStr for NodeId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        text.parse().map(Self::File).or_else(|_| text.parse().map(Self::User))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_public_form() {
        let id = FileId(Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().parse(), Ok(NodeId::File(id)));
    }

    #[test]
    fn an_id_of_another_type_is_no_id() {
        let id = UserId(Uuid::from_u128(7));
        assert_eq!(id.to_string().parse::<FileId>(), Err(NotAnId));
        for text in ["", "f_", "f_AAAA", "f_!!!!!!!!!!!!!!!!!!!!!!", "AAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(text.parse::<NodeId>(), Err(NotAnId), "{text}");
        }
    }

    #[test]
    fn one_id_has_one_public_form() {
        // The last base64 digit carries four spare bits; set, they would make a second name for the same file.
        assert_eq!("f_AAAAAAAAAAAAAAAAAAAAAB".parse::<FileId>(), Err(NotAnId));
    }
}
