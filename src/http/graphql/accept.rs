//! In which media type the client wants its answer (RFC 9110 section 12.5.1).

use axum::http::{HeaderMap, StatusCode, header};

use crate::http::request::{GRAPHQL_JSON, JSON, Problem, params};

/// How an answer is written. The media type also decides the status of request errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `application/graphql-response+json`: the status tells of request errors.
    GraphqlResponse,
    /// `application/json`: 200 for every well-formed request.
    Json,
}

impl Media {
    /// The value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::GraphqlResponse => GRAPHQL_JSON,
            Self::Json => JSON,
        }
    }

    fn names(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json",
            Self::Json => "application/json",
        }
    }
}

/// The type that the client likes best; of two equals the one it names, then the newer, and plain JSON for wildcards.
/// `None`: it takes neither.
pub fn negotiate(headers: &HeaderMap) -> Option<Media> {
    let lines: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok()).collect();
    let accept = lines.join(",");
    if accept.trim().is_empty() {
        return Some(Media::Json);
    }
    let liking = |media| liking(&accept, media);
    let (new, plain) = (liking(Media::GraphqlResponse), liking(Media::Json));
    match (new, plain) {
        (None, None) => None,
        (Some(new), Some(plain)) if new > plain || (new == plain && new.named) => Some(Media::GraphqlResponse),
        (Some(_), None) => Some(Media::GraphqlResponse),
        (_, Some(_)) => Some(Media::Json),
    }
}

/// 406.
pub fn nothing_fits() -> Problem {
    let message = "Answers come as application/graphql-response+json or application/json; accept one of them.";
    Problem::refused(StatusCode::NOT_ACCEPTABLE, message)
}

/// How much a type is liked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Liking {
    /// In thousandths; never 0.
    quality: u16,
    /// By name, not by a wildcard.
    named: bool,
}

/// By the most specific range that fits. `None`: none does, or it is refused by `q=0`.
fn liking(accept: &str, media: Media) -> Option<Liking> {
    let ranges = params::pieces(accept, ',').filter_map(|range| {
        let (range, parameters) = params::split(range);
        let specificity = match range.to_ascii_lowercase().as_str() {
            "*/*" => 0,
            "application/*" => 1,
            name if name == media.names() => 2,
            _ => return None,
        };
        Some((specificity, quality(params::find(&parameters, "q"))))
    });
    let (specificity, quality) = ranges.max_by_key(|(specificity, _)| *specificity)?;
    (quality > 0).then_some(Liking { quality, named: specificity == 2 })
}

fn quality(text: Option<&str>) -> u16 {
    let quality = text.map_or(Ok(1.0), str::parse::<f32>).unwrap_or(1.0).clamp(0.0, 1.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
    {
        (quality * 1000.0) as u16
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn negotiated(accept: &str) -> Option<Media> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        negotiate(&headers)
    }

    #[test]
    fn without_a_wish_it_is_json() {
        assert_eq!(negotiate(&HeaderMap::new()), Some(Media::Json));
        for accept in ["*/*", "", "application/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"] {
            assert_eq!(negotiated(accept), Some(Media::Json), "{accept}");
        }
    }

    #[test]
    fn a_named_type_wins() {
        for accept in [
            "application/graphql-response+json",
            "application/graphql-response+json; charset=utf-8",
            "application/graphql-response+json, application/json;q=0.9",
            "application/graphql-response+json, application/json",
            "Application/GraphQL-Response+JSON, */*",
            "application/json;q=0.5, application/graphql-response+json;q=0.6",
        ] {
            assert_eq!(negotiated(accept), Some(Media::GraphqlResponse), "{accept}");
        }
        for accept in [
            "application/json",
            "application/json; charset=utf-8",
            "application/json, */*",
            "application/json, application/graphql-response+json;q=0.9",
            "application/graphql-response+json;q=0, */*",
        ] {
            assert_eq!(negotiated(accept), Some(Media::Json), "{accept}");
        }
    }

    #[test]
    fn nothing_may_fit() {
        for accept in ["text/html", "text/event-stream", "application/json;q=0", "application/xml, image/*"] {
            assert_eq!(negotiated(accept), None, "{accept}");
        }
    }
}
