//! The head of a part (RFC 7578 section 4.2), and the boundary between parts.

use crate::http::request::params;

/// What the head of a part says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartHead {
    /// The name of the form field.
    pub name: String,
    /// The name of the file, as the client gave it.
    pub file_name: Option<String>,
}

impl PartHead {
    /// Reads the header lines of a part. The error is a sentence for people.
    pub fn parse(lines: &[u8]) -> Result<Self, &'static str> {
        let lines = std::str::from_utf8(lines).map_err(|_| "The headers of a part are not UTF-8.")?;
        let disposition = lines
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))
            .map(|(_, value)| value.trim())
            .ok_or("A part has no Content-Disposition.")?;
        let (kind, parameters) = params::split(disposition);
        if !kind.eq_ignore_ascii_case("form-data") {
            return Err("A part is not `form-data`.");
        }
        let name = params::find(&parameters, "name").ok_or("A part has no name.")?;
        let extended = params::find(&parameters, "filename*").and_then(extended);
        let plain = || params::find(&parameters, "filename").map(unescape);
        Ok(Self { name: unescape(name), file_name: extended.or_else(plain) })
    }
}

/// What browsers escape in names (<https://html.spec.whatwg.org/#multipart-form-data>).
fn unescape(name: &str) -> String {
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

/// `UTF-8''a%20b` (RFC 8187 section 3.2.1). `None`: it is malformed, or in another character set.
fn extended(value: &str) -> Option<String> {
    let mut pieces = value.splitn(3, '\'');
    let (charset, _language, text) = (pieces.next()?, pieces.next()?, pieces.next()?);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" => String::from_utf8(bytes).ok(),
        "iso-8859-1" => Some(bytes.into_iter().map(char::from).collect()),
        _ => None,
    }
}

/// Whether this can be a boundary (RFC 2046 section 5.1.1).
#[must_use]
pub fn is_boundary(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    (1..=70).contains(&text.len()) && text.bytes().all(allowed) && !text.ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_name(disposition: &str) -> Option<String> {
        let lines = format!("Content-Type: image/png\r\ncontent-disposition: form-data; name=\"0\"; {disposition}");
        PartHead::parse(lines.as_bytes()).unwrap().file_name
    }

    #[test]
    fn the_name_of_the_file_is_what_the_client_meant() {
        for (disposition, expected) in [
            (r#"filename="a.png""#, "a.png"),
            (r"filename=a.png", "a.png"),
            (r#"filename="Bär 🐻.png""#, "Bär 🐻.png"),
            (r#"filename="a;b.png""#, "a;b.png"),
            (r#"filename="5%22 disk.png""#, r#"5" disk.png"#),
            (r#"filename="5\" disk.png""#, r#"5" disk.png"#),
            (r#"filename="C:\pictures\a.png""#, r"C:\pictures\a.png"),
            (r#"filename="100%.png""#, "100%.png"),
            (r#"filename="fallback"; filename*=UTF-8''B%C3%A4r%20%22x%22.png"#, r#"Bär "x".png"#),
            (r"filename*=iso-8859-1'de'B%E4r", "Bär"),
            (r#"filename="fallback"; filename*=UTF-8''%ff"#, "fallback"),
            (r#"filename="fallback"; filename*=UTF-8''%4"#, "fallback"),
            (r#"filename="fallback"; filename*=nonsense"#, "fallback"),
            (r#"filename="""#, ""),
        ] {
            assert_eq!(file_name(disposition).as_deref(), Some(expected), "{disposition}");
        }
        assert_eq!(file_name("x=y"), None);
    }

    #[test]
    fn a_file_name_cannot_pose_as_the_name() {
        let head = PartHead::parse(br#"Content-Disposition: form-data; filename="x; name=map"; name="0""#);
        assert_eq!(head.unwrap().name, "0");
    }

    #[test]
    fn a_part_without_a_name_is_refused() {
        for lines in [
            "",
            "Content-Type: text/plain",
            "Content-Disposition: form-data",
            "Content-Disposition: attachment; name=\"0\"",
        ] {
            assert!(PartHead::parse(lines.as_bytes()).is_err(), "{lines}");
        }
        assert!(PartHead::parse(b"Content-Disposition: form-data; name=\"\xff\"").is_err());
    }

    #[test]
    fn a_boundary_is_short_and_plain() {
        assert!(is_boundary("----WebKitFormBoundary7MA4YWxkTrZu0gW"));
        assert!(is_boundary(&"x".repeat(70)));
        for text in ["", &"x".repeat(71), "a\r\nb", "ä", "a ", "a\"b"] {
            assert!(!is_boundary(text), "{text:?}");
        }
    }
}
