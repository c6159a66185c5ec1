//! `Content-Disposition` (RFC 6266): what to do with the bytes, and the name to save them under.

use std::fmt::Write as _;

use axum::http::HeaderValue;

use crate::model::Disposition;

/// The header. Whatever the name is made of, it stays inside its quotes.
pub fn header(disposition: Disposition, name: &str) -> HeaderValue {
    let kind = disposition.as_str();
    let value = format!("{kind}; filename=\"{}\"; filename*=UTF-8''{}", fallback(name), encoded(name));
    HeaderValue::try_from(value).unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

/// For clients that do not know `filename*`. Quotes, backslashes and percent signs are read in different ways by
/// different clients (RFC 6266 appendix D), so they do not appear; neither do separators of paths.
fn fallback(name: &str) -> String {
    let harmless = |c: char| (c.is_ascii_graphic() || c == ' ') && !matches!(c, '"' | '\\' | '/' | '%');
    name.chars().map(|c| if harmless(c) { c } else { '_' }).collect()
}

/// As an `ext-value` of RFC 8187 section 3.2: everything but `attr-char` is percent-encoded UTF-8.
fn encoded(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attachment(name: &str) -> String {
        header(Disposition::Attachment, name).to_str().unwrap().to_owned()
    }

    #[test]
    fn a_plain_name_stays_as_it_is() {
        assert_eq!(attachment("a-b.txt"), "attachment; filename=\"a-b.txt\"; filename*=UTF-8''a-b.txt");
        let inline = header(Disposition::Inline, "a.png");
        assert_eq!(inline, "inline; filename=\"a.png\"; filename*=UTF-8''a.png");
    }

    #[test]
    fn the_examples_of_the_rfcs_are_encoded_so() {
        // RFC 6266 section 5 and RFC 8187 section 3.2.3.
        assert_eq!(attachment("€ rates"), "attachment; filename=\"_ rates\"; filename*=UTF-8''%E2%82%AC%20rates");
        assert!(attachment("£ and € rates").ends_with("filename*=UTF-8''%C2%A3%20and%20%E2%82%AC%20rates"));
    }

    #[test]
    fn no_name_leaves_its_quotes() {
        let name = "a\"; filename=evil.exe; x=\"\\\r\nSet-Cookie: a=b\0/..%2f'\u{7f}\u{202e}";
        let header = attachment(name);
        assert_eq!(header.matches('"').count(), 2);
        let (_, extended) = header.rsplit_once("filename*=UTF-8''").unwrap();
        assert!(!extended.contains(['"', ';', ' ', '\'', '\r', '\n', '\0']), "{extended}");
        let quoted = header.split('"').nth(1).unwrap();
        assert!(!quoted.contains(['\\', '/', '%']), "{quoted}");
        let decoded = url::form_urlencoded::parse(format!("n={}", extended.replace('+', "%2B")).as_bytes())
            .next()
            .map(|(_, value)| value.into_owned());
        assert_eq!(decoded.as_deref(), Some(name));
    }
}
