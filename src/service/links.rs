//! URLs of bytes: plain ones for public files, signed ones for private files.
//!
//! A signature (HMAC-SHA-256) is bound to the file, the variant, the disposition, the expiry and the file's privacy
//! version: it ends with the file, and with any change of who may see it.

use std::{fmt::Write as _, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::Keys;
use crate::model::{Clock, Disposition, File, ThumbnailSize, Timestamp};

/// Which bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    /// As they were uploaded.
    Original,
    /// One of the thumbnails.
    Thumbnail(ThumbnailSize),
}

impl Variant {
    fn as_str(self) -> &'static str {
        match self {
            Self::Original => "ORIGINAL",
            Self::Thumbnail(size) => size.as_str(),
        }
    }
}

/// What a signed URL carries in its query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// `expires`, in seconds since the epoch.
    pub expires: i64,
    /// `signature`, in URL-safe base64.
    pub mac: String,
}

/// Makes and checks URLs.
pub struct Links {
    /// Without a slash at the end.
    public_url: String,
    sign: [u8; 32],
    verify: Vec<[u8; 32]>,
    clock: Clock,
}

impl Links {
    /// How long a signed URL may be asked to last, in seconds.
    pub const EXPIRES_IN: std::ops::RangeInclusive<i32> = 60..=604_800;

    /// Signs with the current keys; accepts what either has signed.
    #[must_use]
    pub fn new(public_url: String, current: &Keys, previous: Option<&Keys>, clock: Clock) -> Self {
        let verify = std::iter::once(current).chain(previous).map(|keys| keys.links).collect();
        Self { public_url, sign: current.links, verify, clock }
    }

    /// The URL of these bytes. That of a private file works for `expires_in` and up to a quarter longer; within that
    /// quarter the same URL is given again, so that caches work.
    #[must_use]
    pub fn url(&self, file: &File, variant: Variant, disposition: Disposition, expires_in: Duration) -> String {
        let mut url = format!("{}/files/{}?disposition={}", self.public_url, file.id, disposition.as_str());
        if let Variant::Thumbnail(size) = variant {
            let _ = write!(url, "&size={}", size.as_str());
        }
        if !file.is_public {
            let lifetime = i64::try_from(expires_in.as_secs()).unwrap_or(i64::MAX);
            let quarter = (lifetime / 4).max(1);
            let now = self.clock.now().seconds();
            // Rounded up to the next quarter, so it is never shorter than asked for.
            let expires = now - now.rem_euclid(quarter) + quarter + lifetime;
            let mac = mac(&self.sign, file, variant, disposition, expires).finalize().into_bytes();
            let _ = write!(url, "&expires={expires}&signature={}", URL_SAFE_NO_PAD.encode(mac));
        }
        url
    }

    /// How long this signature still holds for these bytes; `None` when it does not.
    #[must_use]
    pub fn check(
        &self,
        file: &File,
        variant: Variant,
        disposition: Disposition,
        signature: &Signature,
    ) -> Option<Duration> {
        let given = URL_SAFE_NO_PAD.decode(&signature.mac).ok()?;
        let genuine = self.verify.iter().any(|key| {
            // Compares in constant time.
            mac(key, file, variant, disposition, signature.expires).verify_slice(&given).is_ok()
        });
        let left = Timestamp::from_seconds(signature.expires).since(self.clock.now());
        (genuine && !left.is_zero()).then_some(left)
    }
}

fn mac(key: &[u8; 32], file: &File, variant: Variant, disposition: Disposition, expires: i64) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(key).expect("HMAC takes keys of any size");
    let (variant, disposition, version) = (variant.as_str(), disposition.as_str(), file.privacy_version);
    // No part can hold a separator.
    mac.update(format!("{}|{variant}|{disposition}|{expires}|{version}", file.id).as_bytes());
    mac
}
