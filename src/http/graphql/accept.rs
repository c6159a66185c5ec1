//! In which media types the client takes its answers (RFC 9110 section 12.5.1): as one document, or as a stream.

use axum::http::{HeaderMap, StatusCode, header};

use super::stream::Framing;
use crate::http::request::{GRAPHQL_JSON, JSON, Problem, params};

/// How an answer that is one document is written. The media type also decides the status of request errors.
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
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As one document.
    Document(Media),
    /// As a stream, which may hold only one.
    Stream(Framing),
}

/// What the client takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formats {
    /// For queries and mutations, and for what is refused.
    pub one: Format,
    /// For subscriptions: only what is asked for by name, since a client that is not prepared would wait for the end.
    pub many: Option<Framing>,
    /// For what can only be a document.
    pub document: Option<Media>,
}

impl Formats {
    /// When nothing was said, or nothing that fits.
    pub const DEFAULT: Self = Self { one: Format::Document(Media::Json), many: None, document: Some(Media::Json) };

    /// For problems of the transport, which are always documents.
    #[must_use]
    pub fn media(self) -> Media {
        self.document.unwrap_or(Media::Json)
    }
}

/// What the client likes best; of what it likes equally what it names, then a document, then the newer. Wildcards mean plain
/// JSON. `None`: it takes nothing that we have.
pub fn negotiate(headers: &HeaderMap) -> Option<Formats> {
    let lines: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok()).collect();
    let accept = lines.join(",");
    if accept.trim().is_empty() {
        return Some(Formats::DEFAULT);
    }
    let liked = |format| Some((liking(&accept, format)?, format));
    // From the least to the most liked of equals.
    let streams = [Framing::MultipartMixed, Framing::EventStream].map(Format::Stream).map(liked);
    let plain = liked(Format::Document(Media::Json));
    let new = liked(Format::Document(Media::GraphqlResponse)).filter(|(liking, _)| liking.named || plain.is_none());
    let documents = [plain, new];
    let best = streams.into_iter().chain(documents).flatten().max_by_key(|(liking, _)| *liking);
    let document = documents.into_iter().flatten().max_by_key(|(liking, _)| *liking);
    let many = streams.into_iter().flatten().max_by_key(|(liking, _)| *liking);
    best.map(|(_, one)| Formats {
        one,
        many: many.and_then(|(_, format)| match format {
            Format::Stream(framing) => Some(framing),
            Format::Document(_) => None,
        }),
        document: document.and_then(|(_, format)| match format {
            Format::Document(media) => Some(media),
            Format::Stream(_) => None,
        }),
    })
}

/// 406.
pub fn nothing_fits() -> Problem {
    let message = "Answers come as application/graphql-response+json, application/json, text/event-stream or \
                   multipart/mixed;subscriptionSpec=1.0; accept one of them.";
    Problem::refused(StatusCode::NOT_ACCEPTABLE, message)
}

/// 406, for a batch.
pub fn no_array() -> Problem {
    Problem::refused(StatusCode::NOT_ACCEPTABLE, "The answer to a batch is a JSON array: accept application/json.")
}

/// 406, for a subscription.
pub fn no_stream() -> Problem {
    let message = "A subscription has many answers: accept text/event-stream or multipart/mixed;subscriptionSpec=1.0, or \
                   use a WebSocket (graphql-transport-ws).";
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
fn liking(accept: &str, format: Format) -> Option<Liking> {
    let ranges = params::pieces(accept, ',').filter_map(|range| {
        let (range, parameters) = params::split(range);
        let specificity = match (range.to_ascii_lowercase().as_str(), format) {
            ("*/*", Format::Document(_)) => 0,
            ("application/*", Format::Document(_)) => 1,
            ("application/graphql-response+json", Format::Document(Media::GraphqlResponse))
            | ("application/json", Format::Document(Media::Json))
            | ("text/event-stream", Format::Stream(Framing::EventStream)) => 2,
            ("multipart/mixed", Format::Stream(Framing::MultipartMixed))
                if params::find(&parameters, "subscriptionspec") == Some("1.0") =>
            {
                2
            }
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

    const NEW: Format = Format::Document(Media::GraphqlResponse);
    const PLAIN: Format = Format::Document(Media::Json);
    const EVENTS: Format = Format::Stream(Framing::EventStream);
    const MIXED: Format = Format::Stream(Framing::MultipartMixed);

    fn negotiated(accept: &str) -> Option<Formats> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        negotiate(&headers)
    }

    #[test]
    fn without_a_wish_it_is_json() {
        assert_eq!(negotiate(&HeaderMap::new()), Some(Formats::DEFAULT));
        for accept in ["*/*", "", "application/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"] {
            assert_eq!(negotiated(accept), Some(Formats::DEFAULT), "{accept}");
        }
    }

    #[test]
    fn a_named_type_wins() {
        for (accept, one) in [
            ("application/graphql-response+json", NEW),
            ("application/graphql-response+json; charset=utf-8", NEW),
            ("application/graphql-response+json, application/json;q=0.9", NEW),
            ("application/graphql-response+json, application/json", NEW),
            ("Application/GraphQL-Response+JSON, */*", NEW),
            ("application/json;q=0.5, application/graphql-response+json;q=0.6", NEW),
            ("application/json;q=0, */*", NEW),
            ("application/json", PLAIN),
            ("application/json; charset=utf-8", PLAIN),
            ("application/json, */*", PLAIN),
            ("application/json, application/graphql-response+json;q=0.9", PLAIN),
            ("application/graphql-response+json;q=0, */*", PLAIN),
        ] {
            let Format::Document(media) = one else { panic!("{one:?}") };
            assert_eq!(negotiated(accept), Some(Formats { one, many: None, document: Some(media) }), "{accept}");
        }
    }

    #[test]
    fn a_stream_is_for_subscriptions_and_for_who_takes_nothing_else() {
        let both = "multipart/mixed;boundary=\"graphql\";subscriptionSpec=\"1.0\"";
        for (accept, one, many) in [
            ("text/event-stream", EVENTS, Framing::EventStream),
            ("text/event-stream, */*", EVENTS, Framing::EventStream),
            ("application/json;q=0.9, text/event-stream", EVENTS, Framing::EventStream),
            ("text/event-stream, multipart/mixed", EVENTS, Framing::EventStream),
            (both, MIXED, Framing::MultipartMixed),
            ("multipart/mixed;subscriptionSpec=1.0, application/json", PLAIN, Framing::MultipartMixed),
            ("multipart/mixed;subscriptionSpec=1.0, text/event-stream, */*;q=0.1", EVENTS, Framing::EventStream),
            (
                "multipart/mixed;subscriptionSpec=1.0, text/event-stream;q=0.5, application/json",
                PLAIN,
                Framing::MultipartMixed,
            ),
            (
                "application/graphql-response+json, application/json, text/event-stream, multipart/mixed",
                NEW,
                Framing::EventStream,
            ),
        ] {
            let formats = negotiated(accept).unwrap();
            assert_eq!((formats.one, formats.many), (one, Some(many)), "{accept}");
        }
    }

    #[test]
    fn what_can_only_be_a_document_is_one_where_the_client_takes_any() {
        let document = |accept| negotiated(accept).unwrap().document;
        assert_eq!(document("text/event-stream"), None);
        assert_eq!(document("text/event-stream, application/json;q=0.5"), Some(Media::Json));
        assert_eq!(
            document("text/event-stream, application/graphql-response+json;q=0.5"),
            Some(Media::GraphqlResponse)
        );
        assert_eq!(document("text/event-stream, application/json;q=0"), None);
    }

    #[test]
    fn nothing_may_fit() {
        for accept in [
            "text/html",
            "text/*",
            "multipart/mixed",
            "multipart/mixed;deferSpec=20220824",
            "multipart/mixed;subscriptionSpec=2.0",
            "text/event-stream;q=0",
            "application/json;q=0",
            "application/xml, image/*",
        ] {
            assert_eq!(negotiated(accept), None, "{accept}");
        }
    }
}
