//! The first look at a document, before any parser sees it: one scan over its bytes that bounds its length, its tokens
//! and how deep its brackets are nested. async-graphql's parser recurses with each bracket and would take the process
//! down with it.

use async_graphql::{Pos, ServerError};
use memchr::memchr2;

use super::error::{invalid, refusal};
use crate::{config::LimitsConfig, error::ErrorCode};

/// Refuses documents that are too long, have too many tokens, or nest brackets of one kind too deep. Strings, block
/// strings and comments are skipped, as the lexical grammar has them (section 2.1); one that does not end is refused.
///
/// The parser behind it is laxer than that grammar: it reads `001` as three numbers and `truetrue` as two values. What it
/// would take apart counts for as many tokens, or is refused.
pub fn scan(text: &str, limits: &LimitsConfig) -> Result<(), ServerError> {
    if text.len() > limits.query_bytes {
        let message = format!("The document has {} bytes; this server reads {}.", text.len(), limits.query_bytes);
        return Err(invalid(message, None));
    }
    let bytes = text.as_bytes();
    let mut tokens = 0_usize;
    // Parentheses, brackets, braces.
    let mut open = [0_usize; 3];
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        let unreadable = |what: &str| refusal(ErrorCode::GraphqlParseFailed, what, Some(position(text, start)));
        at = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                at += 1;
                continue;
            }
            // A byte order mark, wherever it stands.
            0xEF if bytes[at..].starts_with(BYTE_ORDER_MARK) => {
                at += BYTE_ORDER_MARK.len();
                continue;
            }
            b'#' => {
                at = end_of(bytes, at, |byte| byte != b'\n' && byte != b'\r');
                continue;
            }
            b'"' => after_string(bytes, at).ok_or_else(|| unreadable("A string does not end."))?,
            b'.' => at + if bytes[at..].starts_with(b"...") { 3 } else { 1 },
            b'-' | b'0'..=b'9' => {
                after_number(bytes, at).ok_or_else(|| unreadable("A number is not written as one."))?
            }
            _ if is_in_names(byte) => end_of(bytes, at, is_in_names),
            _ => at + 1,
        };
        // An alias comes back with every row.
        if is_in_names(byte) && at - start > LONGEST_NAME {
            let message = format!("A name has more than {LONGEST_NAME} letters.");
            return Err(invalid(message, Some(position(text, start))));
        }
        tokens += tokens_of(&bytes[start..at]);
        if tokens > limits.query_tokens {
            let message = format!("The document has more than {} tokens.", limits.query_tokens);
            return Err(invalid(message, Some(position(text, start))));
        }
        match byte {
            b'(' | b'[' | b'{' => {
                let depth = &mut open[kind(byte)];
                *depth += 1;
                if *depth > limits.query_nesting {
                    let message = format!("Brackets are nested deeper than {}.", limits.query_nesting);
                    return Err(invalid(message, Some(position(text, start))));
                }
            }
            b')' | b']' | b'}' => {
                let depth = &mut open[kind(byte)];
                *depth = depth.saturating_sub(1);
            }
            _ => {}
        }
    }
    Ok(())
}

/// How long a name may be, in bytes.
const LONGEST_NAME: usize = 255;

/// U+FEFF in UTF-8: ignored like a blank.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// For how many tokens a token counts: a name that begins with a literal may be taken for several.
fn tokens_of(token: &[u8]) -> usize {
    let begins_with_literal = [&b"true"[..], b"null", b"false"].iter().any(|literal| token.starts_with(literal));
    if begins_with_literal { token.len() / 4 } else { 1 }
}

fn kind(bracket: u8) -> usize {
    match bracket {
        b'(' | b')' => 0,
        b'[' | b']' => 1,
        _ => 2,
    }
}

fn is_in_names(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn end_of(bytes: &[u8], from: usize, holds: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|&byte| !holds(byte)).map_or(bytes.len(), |length| from + length)
}

/// Where the string that begins here has ended; `None` when it does not end.
fn after_string(bytes: &[u8], start: usize) -> Option<usize> {
    let is_block = bytes[start..].starts_with(b"\"\"\"");
    let mut at = start + if is_block { 3 } else { 1 };
    loop {
        let rest = bytes.get(at..)?;
        match rest.first()? {
            b'"' if !is_block => return Some(at + 1),
            b'"' if rest.starts_with(b"\"\"\"") => return Some(at + 3),
            b'\\' if is_block && rest.starts_with(b"\\\"\"\"") => at += 4,
            b'\\' if !is_block => at += 2,
            b'\n' | b'\r' if !is_block => return None,
            _ => at += 1,
        }
    }
}

/// Where the number that begins here has ended (sections 2.9.1 and 2.9.2); `None` when a digit, a point or a letter
/// follows, or a digit is missing.
fn after_number(bytes: &[u8], start: usize) -> Option<usize> {
    let next_is = |at: usize, wanted: &[u8]| bytes.get(at).is_some_and(|byte| wanted.contains(byte));
    let digits = |from: usize| {
        let end = end_of(bytes, from.min(bytes.len()), |byte| byte.is_ascii_digit());
        (end > from).then_some(end)
    };
    let whole = start + usize::from(bytes[start] == b'-');
    let mut at = if next_is(whole, b"0") { whole + 1 } else { digits(whole)? };
    if next_is(at, b".") {
        at = digits(at + 1)?;
    }
    if next_is(at, b"eE") {
        at = digits(at + 1 + usize::from(next_is(at + 1, b"+-")))?;
    }
    let goes_on = bytes.get(at).is_some_and(|&byte| byte == b'.' || is_in_names(byte));
    (!goes_on).then_some(at)
}

/// Whether a JSON text holds at most so many values: objects and lists, and what is in them. Parsed, a megabyte of empty
/// objects takes a hundred; so this is asked first. What is no JSON has some count too.
#[must_use]
pub fn json_holds_at_most(values: usize, json: &[u8]) -> bool {
    let mut found = 1_usize;
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        at += 1;
        match byte {
            // The first value of a list or object has no comma before it. Of an empty one it is counted all the same.
            b',' | b'[' | b'{' => found += 1,
            b'"' => at = after_json_string(json, at),
            _ => {}
        }
        if found > values {
            return false;
        }
    }
    true
}

/// Where the string whose content begins here has ended.
fn after_json_string(json: &[u8], mut at: usize) -> usize {
    while let Some(length) = memchr2(b'"', b'\\', json.get(at..).unwrap_or_default()) {
        at += length + 1;
        if json[at - 1] == b'"' {
            return at;
        }
        // Whatever is escaped does not end the string.
        at += 1;
    }
    json.len()
}

fn position(text: &str, at: usize) -> Pos {
    let before = &text.as_bytes()[..at];
    let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    let line = before.split(|&byte| byte == b'\n').count();
    Pos { line, column: String::from_utf8_lossy(&before[line_start..]).chars().count() + 1 }
}

#[cfg(test)]
mod tests {
    use async_graphql::Value;

    use super::*;
    use crate::config::{Config, Layers};

    fn code(text: &str) -> Option<String> {
        let limits = Config::read(Layers::defaults()).unwrap().limits;
        let error = scan(text, &limits).err()?;
        match error.extensions.unwrap().get("code") {
            Some(Value::String(code)) => Some(code.clone()),
            _ => unreachable!(),
        }
    }

    #[test]
    fn ordinary_documents_pass() {
        for text in [
            "",
            "{ a }",
            "query ($a: [Int!]! = [1 2]) { a(b: {c: $a}) { ...d } }",
            "\u{feff}{ a\u{feff}b }",
            "{ a(b: [0 -0 1 -12 0.0 1.50 1e9 1E+09 -1.5e-3 1,2]) }",
        ] {
            assert_eq!(code(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for number in
            ["00", "-", "-a", "01", "1.", "1..2", "1.5.5", "1a", "1_", "1e", "1e+", "1.e3", "0x1F", "--1", "1e5e5"]
        {
            let text = format!("{{ a(b: {number}) }}");
            assert_eq!(code(&text).as_deref(), Some("GRAPHQL_PARSE_FAILED"), "{text}");
        }
    }

    #[test]
    fn what_the_parser_takes_apart_counts_for_as_much() {
        for (text, tokens) in [
            ("truetruetrue", 3),
            ("falsefalse", 2),
            ("nullnulltrue", 3),
            ("true", 1),
            ("false", 1),
            ("nullable", 2),
            ("a\u{feff}a\u{feff}a", 3),
            ("-1-1-1", 3),
            ("0-0", 2),
            ("......", 2),
            ("\"\"\"\"\"\"\"a\"", 2),
            ("äö", 4),
        ] {
            let mut limits = Config::read(Layers::defaults()).unwrap().limits;
            limits.query_tokens = tokens;
            assert!(scan(text, &limits).is_ok(), "{text}");
            limits.query_tokens = tokens - 1;
            assert!(scan(text, &limits).is_err(), "{text}");
        }
    }

    #[test]
    fn brackets_of_each_kind_are_counted_apart() {
        for (open, close) in [("(", ")"), ("[", "]"), ("{", "}")] {
            assert_eq!(code(&(open.repeat(50) + &close.repeat(50))), None);
            assert_eq!(code(&open.repeat(51)).as_deref(), Some("GRAPHQL_VALIDATION_FAILED"));
            assert_eq!(code(&(open.to_owned() + close).repeat(60)), None);
        }
    }

    #[test]
    fn what_stands_in_strings_and_comments_does_not_count() {
        let brackets = "[".repeat(100);
        for text in [
            format!("{{ a(b: \"{brackets}\") }}"),
            format!("{{ a(b: \"\\\"{brackets}\") }}"),
            format!("{{ a(b: \"\"\"{brackets}\"\"\") }}"),
            format!("{{ a(b: \"\"\"\\\"\"\" \" {brackets}\"\"\") }}"),
            format!("# {brackets}\n{{ a }}"),
        ] {
            assert_eq!(code(&text), None, "{text}");
        }
        // What follows them does.
        for text in [
            format!("{{ a(b: \"\" {brackets}"),
            format!("# \"\n{brackets}"),
            format!("{{ a(b: \"\"\"\"\"\" {brackets}"),
            format!("# x\r{brackets}"),
        ] {
            assert!(code(&text).is_some(), "{text}");
        }
    }

    #[test]
    fn a_string_that_does_not_end_is_refused() {
        for text in ["{ a(b: \"", "{ a(b: \"x\ny\") }", "{ a(b: \"\"\" x", "{ a(b: \"\\", "\"\"\"\\\"\"\""] {
            assert_eq!(code(text).as_deref(), Some("GRAPHQL_PARSE_FAILED"), "{text}");
        }
    }

    #[test]
    fn the_values_of_json_are_counted_and_what_is_in_strings_is_not() {
        for (json, values) in [
            ("1", 1),
            ("[]", 2),
            ("[1, 2]", 3),
            (r#"{"a": {"b": [1, null]}, "c": true}"#, 6),
            (r#"{"[,{": "\",[{\\", "x": "\u0022,"}"#, 3),
            (r#"["é,", "\\"]"#, 3),
            (r#"["not closed,,,"#, 2),
            (r#"["\"#, 2),
        ] {
            assert!(json_holds_at_most(values, json.as_bytes()), "{json}");
            assert!(!json_holds_at_most(values - 1, json.as_bytes()), "{json}");
        }
    }

    #[test]
    fn long_documents_are_refused() {
        assert!(code(&" ".repeat(32 * 1024 + 1)).is_some());
        assert!(code(&"a ".repeat(2001)).is_some());
        assert!(code(&"a ".repeat(2000)).is_none());
    }
}
