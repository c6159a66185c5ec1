//! What a browser may do with bytes that strangers uploaded: show them or save them, and nothing else.
//!
//! A file is shown only where the browser's own viewer reads it as plain data. What can carry scripts or markup (HTML,
//! SVG, XML) is always saved.

use axum::http::HeaderValue;

use crate::model::Disposition;

/// For what is saved: nothing may load, nothing may run, in an origin of its own.
const LOCKED: &str = "default-src 'none'; sandbox";
/// The browser's own page around an image or a text styles itself; some load the image once more.
const STILL: &str = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; sandbox";
/// The browser's own page around a player loads the file as its medium.
const MEDIA: &str = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox";
/// Chromium's viewer is a plug-in in a page that styles itself; it refuses to start in a sandbox whatever that allows.
/// Firefox's brings a policy of its own. With `nosniff` these bytes are never taken for anything but a PDF.
const PDF: &str =
    "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// How a browser may show a type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Viewer {
    Still,
    Media,
    Pdf,
    /// Not at all.
    None,
}

fn viewer(media_type: &str) -> Viewer {
    let essence = essence(media_type);
    match essence.as_str() {
        "image/apng"
        | "image/avif"
        | "image/bmp"
        | "image/gif"
        | "image/heic"
        | "image/heif"
        | "image/jpeg"
        | "image/jxl"
        | "image/png"
        | "image/tiff"
        | "image/vnd.microsoft.icon"
        | "image/webp"
        | "image/x-icon"
        | "text/plain" => Viewer::Still,
        "application/pdf" => Viewer::Pdf,
        _ if essence.ends_with("+xml") => Viewer::None,
        _ if essence.starts_with("audio/") || essence.starts_with("video/") => Viewer::Media,
        _ => Viewer::None,
    }
}

/// Without parameters, in lower case.
fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// What really becomes of the bytes: shown only if that was asked for and is safe.
pub fn disposition(asked: Disposition, media_type: &str) -> Disposition {
    if viewer(media_type) == Viewer::None { Disposition::Attachment } else { asked }
}

/// `Content-Security-Policy` for bytes that get this disposition.
pub fn content_security_policy(disposition: Disposition, media_type: &str) -> HeaderValue {
    let shown = if disposition == Disposition::Inline { viewer(media_type) } else { Viewer::None };
    HeaderValue::from_static(match shown {
        Viewer::Still => STILL,
        Viewer::Media => MEDIA,
        Viewer::Pdf => PDF,
        Viewer::None => LOCKED,
    })
}

/// `Content-Type`. Text is taken for text only when it is UTF-8, so that is said.
pub fn content_type(media_type: &str) -> HeaderValue {
    let full = if media_type.starts_with("text/") && !media_type.contains(';') {
        HeaderValue::try_from(format!("{media_type}; charset=utf-8"))
    } else {
        HeaderValue::try_from(media_type)
    };
    full.unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"))
}

/// The usual ending of a thumbnail's type, and others that say the same.
fn endings(media_type: &str) -> &'static [&'static str] {
    match media_type {
        "image/jpeg" => &["jpg", "jpeg"],
        "image/png" => &["png"],
        "image/webp" => &["webp"],
        "image/avif" => &["avif"],
        "image/gif" => &["gif"],
        _ => &[],
    }
}

/// What a thumbnail of the file with this name is saved as.
pub fn thumbnail_name(name: &str, media_type: &str) -> String {
    let endings = endings(media_type);
    let has_one = name.rsplit_once('.').is_some_and(|(_, last)| endings.iter().any(|e| e.eq_ignore_ascii_case(last)));
    match endings.first() {
        Some(ending) if !has_one => format!("{name}.{ending}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_browsers_show_as_plain_data_is_shown() {
        for shown in
            ["image/png", "image/jpeg", "IMAGE/GIF", "audio/mpeg", "video/mp4", "text/plain", "application/pdf"]
        {
            assert_eq!(disposition(Disposition::Inline, shown), Disposition::Inline, "{shown}");
            assert_eq!(disposition(Disposition::Attachment, shown), Disposition::Attachment, "{shown}");
        }
        for saved in [
            "image/svg+xml",
            "IMAGE/SVG+XML; charset=utf-8",
            "text/html",
            "text/xml",
            "text/css",
            "text/javascript",
            "application/xml",
            "application/xhtml+xml",
            "application/json",
            "application/octet-stream",
            "video/x+xml",
            "",
        ] {
            assert_eq!(disposition(Disposition::Inline, saved), Disposition::Attachment, "{saved}");
        }
    }

    #[test]
    fn everything_but_a_shown_pdf_is_in_a_sandbox_and_nothing_may_run() {
        for disposition in [Disposition::Inline, Disposition::Attachment] {
            for media_type in ["image/png", "video/mp4", "text/plain", "application/pdf", "text/html", "image/svg+xml"]
            {
                let policy = content_security_policy(disposition, media_type);
                let policy = policy.to_str().unwrap();
                assert!(policy.starts_with("default-src 'none'; "), "{policy}");
                assert!(!policy.contains("script") && !policy.contains("allow-"), "{policy}");
                let shown_pdf = disposition == Disposition::Inline && media_type == "application/pdf";
                assert_eq!(policy.ends_with("; sandbox"), !shown_pdf, "{disposition:?} {media_type}");
            }
        }
        assert_eq!(content_security_policy(Disposition::Attachment, "application/pdf"), LOCKED);
        assert_eq!(content_security_policy(Disposition::Inline, "image/svg+xml"), LOCKED);
    }

    #[test]
    fn text_says_its_encoding() {
        assert_eq!(content_type("text/csv"), "text/csv; charset=utf-8");
        assert_eq!(content_type("image/png"), "image/png");
        assert_eq!(content_type("image/png\r\nx: y"), "application/octet-stream");
    }

    #[test]
    fn a_thumbnail_has_the_ending_of_its_type() {
        assert_eq!(thumbnail_name("a.heic", "image/jpeg"), "a.heic.jpg");
        assert_eq!(thumbnail_name("a.JPEG", "image/jpeg"), "a.JPEG");
        assert_eq!(thumbnail_name("jpg", "image/jpeg"), "jpg.jpg");
        assert_eq!(thumbnail_name("a.png", "image/webp"), "a.png.webp");
        assert_eq!(thumbnail_name("a.png", "image/x-new"), "a.png");
    }
}
