//! The media type of a file: found from its bytes, or else from its name; never from what the client claimed.

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// E.g. `image/png`, `text/plain`.
    pub media_type: String,
    /// Whether it is an image that thumbnails can be made of.
    pub is_image: bool,
}

/// Looks at the first bytes (512 are enough) and at the name.
///
/// A name counts only where the bytes leave it open: among kinds of text, and among formats without a signature. So a
/// text called `.png` is `text/plain`.
#[must_use]
pub fn media_type(head: &[u8], name: &str) -> Found {
    if let Some(format) = strongroom_render::sniff(head) {
        return Found { media_type: format.media_type().to_owned(), is_image: true };
    }
    let of_name = mime_guess::from_path(name).first();
    let media_type = if is_text(head) {
        let textual = of_name.filter(|mime| {
            let essence = mime.essence_str();
            mime.type_() == "text"
                || matches!(
                    essence,
                    "application/json"
                        | "application/xml"
                        | "application/javascript"
                        | "application/x-sh"
                        | "application/toml"
                        | "application/x-yaml"
                        | "application/sql"
                        | "application/x-subrip"
                        | "image/svg+xml"
                )
                || essence.ends_with("+json")
                || essence.ends_with("+xml")
        });
        textual.map_or_else(|| "text/plain".to_owned(), |mime| mime.essence_str().to_owned())
    } else if let Some(kind) = infer::get(head) {
        // Office documents, EPUB and the like are ZIP archives: the name says which.
        match of_name {
            Some(mime) if kind.mime_type() == "application/zip" && mime.type_() == "application" => {
                mime.essence_str().to_owned()
            }
            _ => kind.mime_type().to_owned(),
        }
    } else {
        let open = of_name.filter(|mime| mime.type_() != "text" && mime.type_() != "image" && mime.subtype() != "pdf");
        open.map_or_else(|| "application/octet-stream".to_owned(), |mime| mime.essence_str().to_owned())
    };
    Found { media_type, is_image: false }
}

/// Whether these bytes are the beginning of UTF-8 text. The last character may be cut off.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}' | '\u{1b}'))
        && !text.starts_with("%PDF-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(head: &[u8], name: &str) -> String {
        media_type(head, name).media_type
    }

    #[test]
    fn bytes_count_more_than_names() {
        assert_eq!(found(b"just a text", "photo.png"), "text/plain");
        assert_eq!(found(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a.txt"), "image/png");
        assert_eq!(found(b"%PDF-1.7\n", "a.txt"), "application/pdf");
        assert_eq!(found(b"\x00\x01\x02\x03 nothing known", "a.png"), "application/octet-stream");
    }

    #[test]
    fn a_name_tells_kinds_of_text_apart() {
        assert_eq!(found(b"{}", "a.json"), "application/json");
        assert_eq!(found(b"a,b\n", "a.csv"), "text/csv");
        assert_eq!(found("héllo".as_bytes(), "README"), "text/plain");
        assert_eq!(found(b"", "empty.txt"), "text/plain");
        assert_eq!(found(b"<svg/>", "a.svg"), "image/svg+xml");
    }

    #[test]
    fn only_scalable_images_are_images() {
        assert!(media_type(b"\xff\xd8\xff\xe0\0\x10JFIF\0", "x").is_image);
        assert!(!media_type(b"<svg/>", "a.svg").is_image);
        assert!(!media_type(b"hello", "a.jpg").is_image);
    }

    #[test]
    fn text_may_be_cut_inside_a_character() {
        assert_eq!(found(&"é".as_bytes()[..1], "a"), "text/plain");
        assert_eq!(found(b"\xff\xfe\xfd", "a"), "application/octet-stream");
    }
}
