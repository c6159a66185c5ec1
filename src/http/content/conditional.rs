//! Conditional requests (RFC 9110 section 13): whether to send, to say that nothing changed, or to refuse.

use axum::http::{HeaderMap, HeaderName, header};

use super::date;

/// What a representation can be recognised by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validators {
    /// A strong entity tag, with its quotes.
    pub etag: String,
    /// In seconds since the epoch. `None` where no date says whether the bytes changed.
    pub modified: Option<i64>,
}

/// What the conditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Send it.
    Proceed,
    /// 304: the client has it.
    NotModified,
    /// 412: it is not what the client takes it for.
    Failed,
}

impl Validators {
    /// Evaluates the conditions of a GET or HEAD in the order of section 13.2.2.
    pub fn evaluate(&self, request: &HeaderMap) -> Outcome {
        if let Some(tags) = list(request, &header::IF_MATCH) {
            if !self.is_among(&tags, strong) {
                return Outcome::Failed;
            }
        } else if let (Some(since), Some(modified)) = (instant(request, &header::IF_UNMODIFIED_SINCE), self.modified)
            && modified > since
        {
            return Outcome::Failed;
        }
        if let Some(tags) = list(request, &header::IF_NONE_MATCH) {
            if self.is_among(&tags, weak) {
                return Outcome::NotModified;
            }
        } else if let (Some(since), Some(modified)) = (instant(request, &header::IF_MODIFIED_SINCE), self.modified)
            && modified <= since
        {
            return Outcome::NotModified;
        }
        Outcome::Proceed
    }

    /// Whether `Range` counts: there is no `If-Range`, or it names this very representation (section 13.1.5).
    pub fn range_applies(&self, request: &HeaderMap) -> bool {
        let mut values = request.get_all(header::IF_RANGE).iter();
        match (values.next(), values.next()) {
            (None, _) => true,
            (Some(value), None) => {
                let value = String::from_utf8_lossy(value.as_bytes());
                if value.contains('"') {
                    strong(value.trim(), &self.etag)
                } else {
                    // The date is a strong validator: the bytes behind it never change.
                    self.modified.is_some() && date::parse(value.trim()) == self.modified
                }
            }
            _ => false,
        }
    }

    fn is_among(&self, list: &str, same: fn(&str, &str) -> bool) -> bool {
        list.trim() == "*" || tags(list).any(|tag| same(tag, &self.etag))
    }
}

/// Section 8.8.3.2. Ours is never weak.
fn strong(theirs: &str, ours: &str) -> bool {
    theirs == ours
}

fn weak(theirs: &str, ours: &str) -> bool {
    theirs.strip_prefix("W/").unwrap_or(theirs) == ours
}

/// The entity tags of a list, up to where it is malformed. A comma may be part of a tag.
fn tags(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let opening = if rest.starts_with("W/") { 2 } else { 0 };
        let value = rest.get(opening..)?.strip_prefix('"')?;
        let (tag, after) = rest.split_at(opening + 1 + value.find('"')? + 1);
        rest = after;
        Some(tag)
    })
}

/// Every line of a list, as one. `None` when the header is not there. Our tags are ASCII, so what is lost of other
/// characters matches nothing.
fn list(request: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<_> =
        request.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

/// A date. `None` when it is missing, malformed or there twice, and then ignored.
fn instant(request: &HeaderMap, name: &HeaderName) -> Option<i64> {
    let mut values = request.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => date::parse(value.to_str().ok()?.trim()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::{Outcome::*, *};

    const BEFORE: &str = "Sat, 29 Oct 1994 19:43:30 GMT";
    const MODIFIED: &str = "Sat, 29 Oct 1994 19:43:31 GMT";
    const AFTER: &str = "Sat, 29 Oct 1994 19:43:32 GMT";

    fn validators() -> Validators {
        Validators { etag: "\"xyzzy\"".to_owned(), modified: date::parse(MODIFIED) }
    }

    fn request(headers: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        // Extending, unlike inserting, keeps several lines of one name.
        let mut map = HeaderMap::new();
        for (name, value) in headers.iter().map(pair) {
            map.append(name, value);
        }
        map
    }

    fn outcome(headers: &[(&'static str, &str)]) -> Outcome {
        validators().evaluate(&request(headers))
    }

    #[test]
    fn without_conditions_it_is_sent() {
        assert_eq!(outcome(&[]), Proceed);
    }

    #[test]
    fn none_match_compares_weakly_and_takes_lists() {
        for list in
            ["\"xyzzy\"", "W/\"xyzzy\"", "\"r2d2xxxx\", \"xyzzy\"", "*", "W/\"a,b\" ,W/\"xyzzy\"", ",, \"xyzzy\""]
        {
            assert_eq!(outcome(&[("if-none-match", list)]), NotModified, "{list}");
        }
        for list in ["\"other\"", "xyzzy", "", "\"xyzzy", "\"a, \"xyzzy\"", "W/xyzzy", "w/\"xyzzy\"", "\"\u{e9}\""] {
            assert_eq!(outcome(&[("if-none-match", list)]), Proceed, "{list}");
        }
        assert_eq!(outcome(&[("if-none-match", "\"a\""), ("if-none-match", "\"xyzzy\"")]), NotModified);
    }

    #[test]
    fn match_compares_strongly() {
        for list in ["\"xyzzy\"", "\"a\", \"xyzzy\"", "*"] {
            assert_eq!(outcome(&[("if-match", list)]), Proceed, "{list}");
        }
        for list in ["W/\"xyzzy\"", "\"other\"", "nonsense", ""] {
            assert_eq!(outcome(&[("if-match", list)]), Failed, "{list}");
        }
    }

    #[test]
    fn dates_are_compared_by_the_second() {
        assert_eq!(outcome(&[("if-modified-since", MODIFIED)]), NotModified);
        assert_eq!(outcome(&[("if-modified-since", AFTER)]), NotModified);
        assert_eq!(outcome(&[("if-modified-since", BEFORE)]), Proceed);
        assert_eq!(outcome(&[("if-modified-since", "nonsense")]), Proceed);
        assert_eq!(outcome(&[("if-unmodified-since", MODIFIED)]), Proceed);
        assert_eq!(outcome(&[("if-unmodified-since", BEFORE)]), Failed);
        assert_eq!(outcome(&[("if-unmodified-since", "nonsense")]), Proceed);
    }

    #[test]
    fn tags_go_before_dates_and_failing_before_sparing() {
        assert_eq!(outcome(&[("if-none-match", "\"other\""), ("if-modified-since", AFTER)]), Proceed);
        assert_eq!(outcome(&[("if-none-match", "\"xyzzy\""), ("if-modified-since", BEFORE)]), NotModified);
        assert_eq!(outcome(&[("if-match", "\"xyzzy\""), ("if-unmodified-since", BEFORE)]), Proceed);
        assert_eq!(outcome(&[("if-match", "\"other\""), ("if-none-match", "\"xyzzy\"")]), Failed);
        assert_eq!(outcome(&[("if-match", "\"xyzzy\""), ("if-none-match", "\"xyzzy\"")]), NotModified);
    }

    #[test]
    fn where_no_date_tells_dates_are_ignored() {
        let validators = Validators { modified: None, ..validators() };
        assert_eq!(validators.evaluate(&request(&[("if-modified-since", AFTER)])), Proceed);
        assert_eq!(validators.evaluate(&request(&[("if-unmodified-since", BEFORE)])), Proceed);
        assert!(!validators.range_applies(&request(&[("if-range", MODIFIED)])));
        assert!(!validators.range_applies(&request(&[("if-range", "nonsense")])));
    }

    #[test]
    fn a_range_applies_to_the_very_representation() {
        let applies = |headers: &[(&'static str, &str)]| validators().range_applies(&request(headers));
        assert!(applies(&[]));
        assert!(applies(&[("if-range", "\"xyzzy\"")]));
        assert!(applies(&[("if-range", MODIFIED)]));
        for other in ["W/\"xyzzy\"", "\"other\"", AFTER, BEFORE, "nonsense", "*", ""] {
            assert!(!applies(&[("if-range", other)]), "{other}");
        }
        assert!(!applies(&[("if-range", "\"xyzzy\""), ("if-range", "\"xyzzy\"")]));
    }
}
