//! What holds whatever stands in the head of a part.

use strongroom::http::{
    multipart::{PartHead, is_boundary},
    request::params,
};

/// Reads the input as head lines, as a header value, and as a name in a head.
pub fn check(input: &[u8]) {
    if let Ok(head) = PartHead::parse(input) {
        // `%22` shrinks, nothing grows.
        assert!(head.name.len() <= input.len());
        assert!(head.file_name.is_none_or(|name| name.len() <= 2 * input.len()));
    }
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (value, parameters) = params::split(text);
    assert!(
        value.len() + parameters.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() <= 3 * text.len()
    );
    assert_eq!(params::pieces(text, ';').next(), Some(value));
    if is_boundary(text) {
        assert!(text.is_ascii() && text.len() <= 70);
    }
    a_browsers_name_survives(text);
}

/// A form escapes three characters (<https://html.spec.whatwg.org/#multipart-form-data>). A backslash at the end, or before
/// a quotation mark, is taken for another way to escape it.
fn a_browsers_name_survives(name: &str) {
    if name.contains("%22") || name.contains("%0D") || name.contains("%0A") || name.ends_with('\\') {
        return;
    }
    let escaped = name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    let lines = format!("\r\nContent-Disposition: form-data; name=\"{escaped}\"; filename=\"{escaped}\"");
    let head = PartHead::parse(lines.as_bytes()).expect("a browser wrote it");
    assert_eq!((head.name.as_str(), head.file_name.as_deref()), (name, Some(name)));
}
