//! `GraphiQL` at `/graphiql`, for those who prefer it to the console's explorer: a page of our own that loads it from a CDN.
//!
//! What comes from there is pinned: exact versions, each with its hash, which the browser checks. The hashes are those of the
//! files in the packages on npm, which the CDN serves as they are.

use axum::{
    Router,
    http::{HeaderValue, header},
    response::IntoResponse,
    routing::get,
};

use super::App;

/// What the page may do: run what its tags name, and talk to this server. The fonts are within the style sheet. Styles that
/// `GraphiQL` makes while it runs are refused; all that is lost is that the page behind a dialog could be scrolled.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self' https://cdn.jsdelivr.net/npm/graphiql@3.9.0/ \
     https://cdn.jsdelivr.net/npm/react@18.3.1/ https://cdn.jsdelivr.net/npm/react-dom@18.3.1/; \
     style-src 'self' https://cdn.jsdelivr.net/npm/graphiql@3.9.0/; font-src data:; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

const PAGE: &str = include_str!("page.html");

/// The routes, if it is offered.
pub fn routes(offered: bool) -> Router<App> {
    if !offered {
        return Router::new();
    }
    Router::new()
        .route("/graphiql", get(|| async { send(HTML, PAGE) }))
        .route("/graphiql/page.css", get(|| async { send(CSS, include_str!("page.css")) }))
        .route("/graphiql/start.js", get(|| async { send(JAVASCRIPT, include_str!("start.js")) }))
}

fn send(media_type: &'static str, body: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (headers, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_from_elsewhere_has_a_version_and_a_hash() {
        let tags: Vec<&str> = PAGE.split('<').filter(|tag| tag.contains("https://")).collect();
        assert_eq!(tags.len(), 4);
        for tag in tags {
            assert!(tag.contains("https://cdn.jsdelivr.net/npm/") && tag.contains("integrity=\"sha384-"), "{tag}");
            assert!(tag.contains("crossorigin=\"anonymous\""), "without it the browser checks nothing: {tag}");
            let url = tag.split('"').find(|value| value.starts_with("https://")).unwrap();
            let (package, rest) = url.split_once('@').unwrap();
            let (version, _) = rest.split_once('/').unwrap();
            assert_eq!(version.split('.').count(), 3, "{tag}");
            assert!(
                POLICY.to_str().unwrap().contains(&format!("{package}@{version}/")),
                "the policy knows nothing of {url}"
            );
        }
    }

    #[test]
    fn the_page_says_where_its_code_comes_from_and_what_it_cannot_do() {
        assert!(PAGE.contains("loaded from the CDN cdn.jsdelivr.net") && PAGE.contains("cannot upload files"));
    }
}
