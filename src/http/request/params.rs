//! Header values with parameters: `text/html; charset=utf-8`, `form-data; name="a"; filename="b;c"`.

/// The value before the first semicolon, and the parameters: names in lower case, values without quotes.
///
/// Within quotes only `\"` is an escape: some clients write paths with backslashes as they are.
#[must_use]
pub fn split(text: &str) -> (&str, Vec<(String, String)>) {
    let mut pieces = pieces(text, ';');
    let value = pieces.next().unwrap_or_default();
    let parameters = pieces.filter_map(|piece| {
        let (name, value) = piece.split_once('=')?;
        Some((name.trim().to_ascii_lowercase(), unquote(value.trim())))
    });
    (value, parameters.collect())
}

/// The first parameter of this name.
#[must_use]
pub fn find<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parameters.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

/// The parameter of this name, if there is exactly one.
#[must_use]
pub fn only<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = parameters.iter().filter(|(found, _)| found == name);
    found.next().filter(|_| found.next().is_none()).map(|(_, value)| value.as_str())
}

/// Splits where the separator stands outside of quotes, and trims.
pub fn pieces(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |letter| {
        let is_backslash = quoted && !escaped && letter == '\\';
        if letter == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = is_backslash;
        letter == separator && !quoted
    })
    .map(str::trim)
}

fn unquote(text: &str) -> String {
    match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').unwrap_or(rest).replace("\\\"", "\""),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(text: &str, name: &str) -> Option<String> {
        find(&split(text).1, name).map(str::to_owned)
    }

    #[test]
    fn parameters_are_found_whatever_their_case_and_spacing() {
        let text = "application/json ;Charset = UTF-8; x=1";
        assert_eq!(split(text).0, "application/json");
        assert_eq!(parameter(text, "charset").as_deref(), Some("UTF-8"));
        assert_eq!(parameter(text, "x").as_deref(), Some("1"));
        assert_eq!(parameter(text, "y"), None);
    }

    #[test]
    fn quotes_hide_separators() {
        let text = r#"form-data; filename="a; name=evil"; name="x""#;
        assert_eq!(parameter(text, "name").as_deref(), Some("x"));
        assert_eq!(parameter(text, "filename").as_deref(), Some("a; name=evil"));
    }

    #[test]
    fn an_escaped_quote_does_not_end_the_value() {
        assert_eq!(parameter(r#"f; a="5\" disk; b=1"; b=2"#, "a").as_deref(), Some(r#"5" disk; b=1"#));
        assert_eq!(parameter(r#"f; a="C:\dir\x.png"; b=2"#, "a").as_deref(), Some(r"C:\dir\x.png"));
    }
}
