//! Which pages of other origins may call: none, unless they are listed (`server.cors_origins`).

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use url::{Host, Url};

use crate::{config::Server, http::App};

/// What pages may send.
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, range, apollo-require-preflight, graphql-preflight, graphql-require-preflight",
);
const ALLOWED_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST");
/// What pages may read.
const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("x-request-id, retry-after, accept-ranges, content-disposition, content-range, etag");
/// How long a browser may remember a preflight, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Answers preflights and marks answers, for listed origins.
pub async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path != "/graphql" && !path.starts_with("/files/") {
        return next.run(request).await;
    }
    let origins = &app.config.server.cors_origins;
    let origin = request.headers().get(header::ORIGIN).cloned();
    let origin = origin.filter(|origin| origins.iter().any(|listed| listed.as_bytes() == origin.as_bytes()));
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match origin {
        Some(_) if is_preflight => {
            let allowed: [(HeaderName, HeaderValue); 3] = [
                (header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
                (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
            ];
            (StatusCode::NO_CONTENT, allowed).into_response()
        }
        _ => next.run(request).await,
    };
    // Also where it is not allowed: a cache must not hand that answer to those who are.
    response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.headers_mut().insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    }
    response
}

/// Whether who sent these headers may open a WebSocket: no page at all, one of our own, or one of a listed origin.
/// Browsers ask nobody before they open one.
#[must_use]
pub fn may_open_sockets(headers: &HeaderMap, settings: &Server) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    origins.next().is_none()
        && (is_own(origin, &settings.public_url) || settings.cors_origins.iter().any(|listed| listed == origin))
}

/// The same origin. On one's own machine `localhost`, `127.0.0.1` and `[::1]` are the same.
fn is_own(origin: &str, public_url: &str) -> bool {
    let (Ok(origin), Ok(own)) = (Url::parse(origin), Url::parse(public_url)) else { return false };
    let same_host = origin.host() == own.host() || (is_loopback(&origin) && is_loopback(&own));
    same_host && origin.scheme() == own.scheme() && origin.port_or_known_default() == own.port_or_known_default()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ones_own_origin_is_ones_own() {
        let own = "https://files.example.org";
        assert!(is_own("https://files.example.org", own));
        assert!(is_own("https://files.example.org:443", own));
        for other in [
            "http://files.example.org",
            "https://files.example.org:8443",
            "https://files.example.org.evil.org",
            "https://example.org",
            "null",
            "",
        ] {
            assert!(!is_own(other, own), "{other}");
        }
    }

    #[test]
    fn the_names_of_ones_own_machine_are_the_same() {
        for origin in ["http://localhost:4000", "http://127.0.0.1:4000", "http://[::1]:4000"] {
            assert!(is_own(origin, "http://127.0.0.1:4000"), "{origin}");
        }
        assert!(!is_own("http://localhost:4001", "http://127.0.0.1:4000"));
        assert!(!is_own("http://localhost", "http://files.example.org"));
    }
}
