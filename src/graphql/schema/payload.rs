//! What mutations answer: their result, or why they did not do what they were asked.

use async_graphql::SimpleObject;

use super::{Result, enums::ErrorCode};
use crate::error::{self, Error};

/// Why a mutation did not do what it was asked. An empty list is success: only then are the payload's other fields set
/// (those that are lists are empty otherwise).
#[derive(SimpleObject)]
pub struct UserError {
    /// For programs.
    code: ErrorCode,
    /// In English, for people. Do not match on it.
    message: String,
    /// Where in the arguments the fault lies, as in `["input", "name"]`. Null when nowhere in particular.
    pub(super) field: Option<Vec<String>>,
}

impl From<error::UserError> for UserError {
    fn from(error: error::UserError) -> Self {
        let below_input = |field: Vec<String>| std::iter::once("input".to_owned()).chain(field).collect();
        Self { code: error.code.into(), message: error.message, field: error.field.map(below_input) }
    }
}

/// The payload of a mutation. Its default is empty.
pub trait Payload: Default {
    /// Where its user errors stand.
    fn user_errors(&mut self) -> &mut Vec<UserError>;
}

/// What a user can put right becomes part of the payload; everything else fails the field.
pub fn settle<P: Payload>(done: Result<P, Error>) -> Result<Option<P>> {
    match done {
        Ok(payload) => Ok(Some(payload)),
        Err(Error::User(error)) => {
            let mut payload = P::default();
            payload.user_errors().push(error.into());
            Ok(Some(payload))
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes payloads of these types.
macro_rules! payloads {
    ($($name:ident),* $(,)?) => {
        $(impl $crate::graphql::schema::payload::Payload for $name {
            fn user_errors(&mut self) -> &mut Vec<$crate::graphql::schema::payload::UserError> {
                &mut self.user_errors
            }
        })*
    };
}
pub(super) use payloads;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Made {
        user_errors: Vec<UserError>,
    }
    payloads!(Made);

    #[test]
    fn what_a_user_can_put_right_is_in_the_payload_below_input() {
        let made = settle::<Made>(Err(Error::input("name", "Too long."))).unwrap().unwrap();
        assert_eq!(made.user_errors[0].field.as_deref(), Some(&["input".to_owned(), "name".to_owned()][..]));
    }

    #[test]
    fn everything_else_fails_the_field() {
        assert!(settle::<Made>(Err(Error::Unauthenticated)).is_err());
        assert!(settle::<Made>(Err(Error::unavailable("Redis", "down"))).is_err());
    }
}
