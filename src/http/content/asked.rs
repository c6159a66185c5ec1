//! What the query of a download URL asks for.

use url::form_urlencoded;

use crate::{
    model::{Disposition, ThumbnailSize},
    service::{Signature, Variant},
};

/// The query, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Which bytes: `size`, or else the original.
    pub variant: Variant,
    /// `disposition`, `attachment` by default.
    pub disposition: Disposition,
    /// `expires` and `signature`, where both are there and well formed.
    pub signature: Option<Signature>,
}

impl Asked {
    /// Reads a query. `None` when a parameter of ours has a value that means nothing, or is there twice. Others are
    /// ignored.
    pub fn parse(query: &str) -> Option<Self> {
        let (mut size, mut disposition, mut expires, mut signature) = (None, None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "size" => &mut size,
                "disposition" => &mut disposition,
                "expires" => &mut expires,
                "signature" => &mut signature,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return None;
            }
        }
        let variant = match size {
            Some(text) => Variant::Thumbnail(ThumbnailSize::ALL.into_iter().find(|size| size.as_str() == &*text)?),
            None => Variant::Original,
        };
        let disposition = match disposition.as_deref() {
            None | Some("attachment") => Disposition::Attachment,
            Some("inline") => Disposition::Inline,
            Some(_) => return None,
        };
        let signature = expires
            .zip(signature)
            .and_then(|(expires, mac)| Some(Signature { expires: expires.parse().ok()?, mac: mac.into_owned() }));
        Some(Self { variant, disposition, signature })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_asked_is_the_original_to_save() {
        let plain = Asked { variant: Variant::Original, disposition: Disposition::Attachment, signature: None };
        assert_eq!(Asked::parse(""), Some(plain.clone()));
        assert_eq!(Asked::parse("v=2&utm_source=x"), Some(plain));
    }

    #[test]
    fn everything_can_be_asked_at_once() {
        let asked = Asked::parse("disposition=inline&size=SMALL&expires=123&signature=ab-_").unwrap();
        assert_eq!(asked.variant, Variant::Thumbnail(ThumbnailSize::Small));
        assert_eq!(asked.disposition, Disposition::Inline);
        assert_eq!(asked.signature, Some(Signature { expires: 123, mac: "ab-_".to_owned() }));
    }

    #[test]
    fn half_a_signature_is_none() {
        for query in
            ["expires=123", "signature=ab", "expires=soon&signature=ab", "expires=9999999999999999999999&signature=a"]
        {
            assert_eq!(Asked::parse(query).unwrap().signature, None, "{query}");
        }
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for query in
            ["size=HUGE", "size=small", "size=", "disposition=INLINE", "size=SMALL&size=LARGE", "expires=1&expires=2"]
        {
            assert_eq!(Asked::parse(query), None, "{query}");
        }
    }
}
