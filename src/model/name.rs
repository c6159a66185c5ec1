//! Names of files and folders: what is accepted, how they are kept, how they are compared.

use unicode_normalization::UnicodeNormalization as _;

/// A name that passed the rules: not empty, at most 255 bytes, no separators, no control characters, neither `.` nor
/// `..`, in Unicode normalisation form C.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// The longest name, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 255;

    /// Checks a name that a person or script chose. The error is a sentence for them.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let name: String = text.nfc().collect();
        if name.trim().is_empty() {
            return Err("A name must not be empty.");
        }
        if name.len() > Self::MAX_BYTES {
            return Err("A name may take at most 255 bytes.");
        }
        if name == "." || name == ".." {
            return Err("\".\" and \"..\" are not names.");
        }
        if name.contains(['/', '\\']) {
            return Err("A name must not contain a slash or a backslash.");
        }
        if name.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            return Err("A name must not contain control characters.");
        }
        if name.chars().any(changes_direction) {
            return Err("A name must not contain characters that change the direction of text.");
        }
        Ok(Self(name))
    }

    /// Checks the file name of an uploaded part: browsers may send a path, of which the last segment counts.
    pub fn from_part(text: &str) -> Result<Self, &'static str> {
        Self::parse(text.rsplit(['/', '\\']).next().unwrap_or_default())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, owned.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Whether the character overrides or embeds a direction of text (Unicode UAX #9, explicit formatting characters).
pub(super) fn changes_direction(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The key by which names are ordered and searched, the same on every back end: NFKC, full case folding, NFKC again.
#[must_use]
pub fn fold_name(name: &str) -> String {
    caseless::default_case_fold_str(&name.nfkc().collect::<String>()).nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_as_given_but_composed() {
        assert_eq!(FileName::parse("Cafe\u{301}.png").unwrap().as_str(), "Caf\u{e9}.png");
        assert_eq!(FileName::parse(" spaced .txt").unwrap().as_str(), " spaced .txt");
    }

    #[test]
    fn a_name_that_could_mislead_is_refused() {
        for text in ["", "  ", ".", "..", "a/b", "a\\b", "///", "a\0b", "a\nb", "a\u{202e}gpj.exe", "a\u{2028}"] {
            assert!(FileName::parse(text).is_err(), "{text:?}");
        }
        assert!(FileName::parse(&"é".repeat(128)).is_err());
        assert!(FileName::parse(&"é".repeat(127)).is_ok());
    }

    #[test]
    fn of_a_path_the_last_segment_counts() {
        assert_eq!(FileName::from_part("C:\\fotos\\a.jpg").unwrap().as_str(), "a.jpg");
        assert_eq!(FileName::from_part("../../etc/passwd").unwrap().as_str(), "passwd");
        assert!(FileName::from_part("a/").is_err());
    }

    #[test]
    fn names_are_compared_without_regard_to_case() {
        assert_eq!(fold_name("STRASSE"), fold_name("Straße"));
        assert_eq!(fold_name("\u{fb01}le"), "file");
    }
}
