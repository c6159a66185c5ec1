//! Who is asking: `Authorization: Bearer` (RFC 6750 section 2.1).

use axum::http::{HeaderMap, header};

use crate::{error::Result, http::App, service::Viewer};

/// The bearer token of a request.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    from_credentials(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}

/// The token in `Bearer <token>`, whatever the case of the scheme.
#[must_use]
pub fn from_credentials(text: &str) -> Option<&str> {
    let (scheme, token) = text.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Who is asking. `None` without a token, and with one that is not valid; an error only when nobody can tell.
pub async fn viewer(app: &App, headers: &HeaderMap) -> Result<Option<Viewer>> {
    match bearer(headers) {
        Some(token) => app.services.accounts.authenticate(token).await,
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_found_whatever_the_case_of_its_scheme() {
        for text in ["Bearer abc", "bearer abc", "BEARER  abc ", " Bearer abc"] {
            assert_eq!(from_credentials(text), Some("abc"), "{text:?}");
        }
    }

    #[test]
    fn other_credentials_are_no_token() {
        for text in ["", "Bearer", "Bearer ", "Basic abc", "abc", "Bearerabc"] {
            assert_eq!(from_credentials(text), None, "{text:?}");
        }
    }
}
