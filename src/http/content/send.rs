//! The answer to a download: its headers, and as much of the bytes as was asked for.

use std::ops::Range;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use super::{
    Access,
    conditional::{Outcome, Validators},
    date, disposition, policy,
    range::{self, Part},
};
use crate::{
    error::{Error, Result},
    http::request::Problem,
    model::{BlobKey, Disposition, File},
    service::Variant,
    store::Blobs,
};

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Bytes that can be sent, and what is to be said of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Representation {
    /// Where they are.
    pub blob: BlobKey,
    size: u64,
    media_type: String,
    name: String,
    validators: Validators,
}

impl Representation {
    /// `None` for a folder, and for a thumbnail that is not there.
    pub fn of(file: &File, variant: Variant) -> Option<Self> {
        match variant {
            Variant::Original => {
                let content = file.content.as_ref()?;
                let modified = Some(file.created_at.seconds());
                Some(Self {
                    blob: content.blob,
                    size: content.size,
                    media_type: content.media_type.clone(),
                    name: file.name.clone(),
                    validators: Validators { etag: format!("\"{}\"", content.sha256), modified },
                })
            }
            Variant::Thumbnail(size) => {
                let thumbnail = file.thumbnail(size)?;
                // Thumbnails can be made anew, in new blobs: the key tells, and the file's date does not. Hashed,
                // since it is nobody's business where things are kept.
                let digest = Sha256::new().chain_update(b"thumbnail").chain_update(thumbnail.blob.0.as_bytes());
                let etag = format!("\"{}\"", hex::encode(&digest.finalize()[..16]));
                Some(Self {
                    blob: thumbnail.blob,
                    size: thumbnail.bytes,
                    media_type: thumbnail.media_type.clone(),
                    name: policy::thumbnail_name(&file.name, &thumbnail.media_type),
                    validators: Validators { etag, modified: None },
                })
            }
        }
    }

    /// What is the same for every answer that tells of these bytes, 304 among them.
    fn headers(&self, access: Access, asked: Disposition) -> HeaderMap {
        let shown = policy::disposition(asked, &self.media_type);
        let mut headers = HeaderMap::from_iter([
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::CONTENT_DISPOSITION, disposition::header(shown, &self.name)),
            (header::CONTENT_SECURITY_POLICY, policy::content_security_policy(shown, &self.media_type)),
            // Front ends on other origins show the images.
            (CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin")),
            // A signed URL is a secret.
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (header::CACHE_CONTROL, access.cache_control()),
        ]);
        let modified = self.validators.modified.and_then(date::format);
        for (name, value) in [(header::ETAG, Some(self.validators.etag.clone())), (header::LAST_MODIFIED, modified)] {
            if let Some(value) = value.and_then(|text| HeaderValue::try_from(text).ok()) {
                headers.insert(name, value);
            }
        }
        headers
    }
}

impl Access {
    fn cache_control(self) -> HeaderValue {
        match self {
            Self::Public => HeaderValue::from_static("public, no-cache"),
            Self::Owner => HeaderValue::from_static("private, no-cache"),
            Self::Signed(left) => HeaderValue::try_from(format!("private, max-age={}", left.as_secs()))
                .expect("a number is a header value"),
        }
    }
}

/// Answers a GET or HEAD for these bytes. `None` when the blob is not there, or not all of it.
pub async fn send(
    blobs: &Blobs,
    chosen: &Representation,
    access: Access,
    asked: Disposition,
    method: &Method,
    request: &HeaderMap,
) -> Result<Option<Response>, Problem> {
    let common = chosen.headers(access, asked);
    match chosen.validators.evaluate(request) {
        Outcome::Proceed => {}
        // These headers go along so that a cache renews what it has: the name, for one.
        Outcome::NotModified => return Ok(Some(answer(StatusCode::NOT_MODIFIED, common, Body::empty()))),
        Outcome::Failed => {
            let message = "The bytes are not the ones that you named.";
            return Err(Problem::refused(StatusCode::PRECONDITION_FAILED, message));
        }
    }
    let whole = 0..chosen.size;
    let (status, range) = match part(chosen, method, request) {
        Part::Whole => (StatusCode::OK, whole),
        Part::Bytes(range) => (StatusCode::PARTIAL_CONTENT, range),
        Part::Unsatisfiable => {
            let message = format!("There are {} bytes; that range has none of them.", chosen.size);
            let range = HeaderValue::try_from(format!("bytes */{}", chosen.size)).map_err(Error::internal)?;
            let problem = Problem::refused(StatusCode::RANGE_NOT_SATISFIABLE, message);
            return Err(problem.with_header(header::CONTENT_RANGE, range));
        }
    };
    let mut headers = common;
    headers.insert(header::CONTENT_TYPE, policy::content_type(&chosen.media_type));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if status == StatusCode::PARTIAL_CONTENT {
        let value = format!("bytes {}-{}/{}", range.start, range.end - 1, chosen.size);
        headers.insert(header::CONTENT_RANGE, HeaderValue::try_from(value).map_err(Error::internal)?);
    }
    let body = if method == Method::HEAD { Some(Body::empty()) } else { body(blobs, chosen.blob, range).await? };
    Ok(body.map(|body| answer(status, headers, body)))
}

/// Ranges are for GET alone (RFC 9110 section 14.2), and for one header line.
fn part(chosen: &Representation, method: &Method, request: &HeaderMap) -> Part {
    let mut lines = request.get_all(header::RANGE).iter();
    match (lines.next().map(HeaderValue::to_str), lines.next()) {
        (Some(Ok(text)), None) if method == Method::GET && chosen.validators.range_applies(request) => {
            range::parse(text, chosen.size)
        }
        _ => Part::Whole,
    }
}

async fn body(blobs: &Blobs, key: BlobKey, range: Range<u64>) -> Result<Option<Body>> {
    if range.is_empty() {
        // No store has a range without bytes.
        return Ok(Some(Body::empty()));
    }
    let stream = blobs.read(key, range).await?;
    // The status is out by the time a read fails: the connection breaks off, and the client sees too few bytes.
    Ok(stream.map(|stream| Body::from_stream(stream.inspect_err(Error::log))))
}

fn answer(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::to_bytes;
    use bytes::Bytes;
    use uuid::Uuid;

    use super::*;
    use crate::{
        http::request::JSON,
        model::{Content, FileId, FileKind, Image, Thumbnail, ThumbnailSize, Thumbnails, Timestamp, UserId},
    };

    const TEXT: &[u8] = b"0123456789";

    /// A file of ten bytes on a real disk.
    struct Stored {
        _folder: tempfile::TempDir,
        blobs: Blobs,
        file: File,
    }

    async fn stored(bytes: &'static [u8]) -> Stored {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::disk(folder.path()).unwrap();
        let blob = BlobKey(Uuid::from_u128(7));
        blobs.put(vec![(blob, Bytes::from_static(bytes))]).await.unwrap();
        let content = Content {
            blob,
            size: bytes.len() as u64,
            media_type: "text/plain".to_owned(),
            sha256: hex::encode(Sha256::digest(bytes)),
        };
        let file = File {
            id: FileId(Uuid::from_u128(1)),
            owner: UserId(Uuid::from_u128(2)),
            parent: None,
            name: "Grüße.txt".to_owned(),
            kind: FileKind::File,
            is_public: true,
            privacy_version: 1,
            created_at: Timestamp(784_111_777_500),
            updated_at: Timestamp(784_111_777_500),
            content: Some(content),
            image: None,
        };
        Stored { _folder: folder, blobs, file }
    }

    impl Stored {
        async fn ask(&self, method: Method, headers: &[(HeaderName, &str)]) -> Response {
            let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
            let chosen = Representation::of(&self.file, Variant::Original).unwrap();
            let sent = send(&self.blobs, &chosen, Access::Public, Disposition::Inline, &method, &headers).await;
            sent.unwrap_or_else(|problem| Some(problem.answer("r1", JSON))).expect("the blob is there")
        }
    }

    async fn text(response: Response) -> Bytes {
        to_bytes(response.into_body(), 1 << 20).await.unwrap()
    }

    fn value<'a>(response: &'a Response, name: &HeaderName) -> &'a str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[tokio::test]
    async fn a_file_comes_whole_with_safe_headers() {
        let response = stored(TEXT).await.ask(Method::GET, &[]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(value(&response, &header::CONTENT_TYPE), "text/plain; charset=utf-8");
        assert_eq!(value(&response, &header::CONTENT_LENGTH), "10");
        assert_eq!(value(&response, &header::ACCEPT_RANGES), "bytes");
        assert_eq!(value(&response, &header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(value(&response, &header::REFERRER_POLICY), "no-referrer");
        assert_eq!(value(&response, &CROSS_ORIGIN_RESOURCE_POLICY), "cross-origin");
        assert_eq!(value(&response, &header::CACHE_CONTROL), "public, no-cache");
        assert_eq!(value(&response, &header::LAST_MODIFIED), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(
            value(&response, &header::CONTENT_DISPOSITION),
            "inline; filename=\"Gr__e.txt\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt"
        );
        assert_eq!(text(response).await, TEXT);
    }

    #[tokio::test]
    async fn a_range_comes_as_asked_for() {
        let stored = stored(TEXT).await;
        for (range, answer, bytes) in [
            ("bytes=2-4", "bytes 2-4/10", &TEXT[2..5]),
            ("bytes=-3", "bytes 7-9/10", &TEXT[7..]),
            ("bytes=9-99", "bytes 9-9/10", &TEXT[9..]),
            ("bytes=0-", "bytes 0-9/10", TEXT),
        ] {
            let response = stored.ask(Method::GET, &[(header::RANGE, range)]).await;
            assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT, "{range}");
            assert_eq!(value(&response, &header::CONTENT_RANGE), answer);
            assert_eq!(value(&response, &header::CONTENT_LENGTH), bytes.len().to_string());
            assert_eq!(text(response).await, bytes);
        }
        let response = stored.ask(Method::GET, &[(header::RANGE, "bytes=10-")]).await;
        assert_eq!(response.status(), StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(value(&response, &header::CONTENT_RANGE), "bytes */10");
        assert!(response.headers().get(header::ETAG).is_none());
    }

    #[tokio::test]
    async fn a_range_of_another_version_is_ignored() {
        let stored = stored(TEXT).await;
        let etag = format!("\"{}\"", hex::encode(Sha256::digest(TEXT)));
        for (condition, status) in [(etag.as_str(), StatusCode::PARTIAL_CONTENT), ("\"old\"", StatusCode::OK)] {
            let headers = [(header::RANGE, "bytes=0-0"), (header::IF_RANGE, condition)];
            assert_eq!(stored.ask(Method::GET, &headers).await.status(), status, "{condition}");
        }
    }

    #[tokio::test]
    async fn what_the_client_has_is_not_sent_again() {
        let stored = stored(TEXT).await;
        let first = stored.ask(Method::GET, &[]).await;
        let etag = value(&first, &header::ETAG).to_owned();
        for method in [Method::GET, Method::HEAD] {
            let response = stored.ask(method, &[(header::IF_NONE_MATCH, &etag), (header::RANGE, "bytes=0-0")]).await;
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
            assert_eq!(value(&response, &header::ETAG), etag);
            assert!(!response.headers().contains_key(header::CONTENT_LENGTH));
            assert!(text(response).await.is_empty());
        }
        let response = stored.ask(Method::GET, &[(header::IF_MATCH, "\"other\"")]).await;
        assert_eq!(response.status(), StatusCode::PRECONDITION_FAILED);
    }

    #[tokio::test]
    async fn a_head_has_the_headers_of_a_get_and_no_body() {
        let stored = stored(TEXT).await;
        let (get, head) = (stored.ask(Method::GET, &[]).await, stored.ask(Method::HEAD, &[]).await);
        assert_eq!(get.headers(), head.headers());
        assert!(text(head).await.is_empty());
        let ranged = stored.ask(Method::HEAD, &[(header::RANGE, "bytes=0-0")]).await;
        assert_eq!(ranged.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn an_empty_file_is_sent_and_has_no_ranges() {
        let stored = stored(b"").await;
        let response = stored.ask(Method::GET, &[]).await;
        assert_eq!((response.status(), value(&response, &header::CONTENT_LENGTH)), (StatusCode::OK, "0"));
        let response = stored.ask(Method::GET, &[(header::RANGE, "bytes=0-")]).await;
        assert_eq!(response.status(), StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(value(&response, &header::CONTENT_RANGE), "bytes */0");
    }

    #[tokio::test]
    async fn a_missing_blob_is_told_apart() {
        let stored = stored(TEXT).await;
        let chosen = Representation::of(&stored.file, Variant::Original).unwrap();
        stored.blobs.delete(chosen.blob).await.unwrap();
        let headers = HeaderMap::new();
        let sent = send(&stored.blobs, &chosen, Access::Owner, Disposition::Inline, &Method::GET, &headers).await;
        assert!(sent.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_thumbnail_is_recognised_by_its_making_and_a_blob_key_is_never_shown() {
        let mut file = stored(TEXT).await.file;
        assert_eq!(Representation::of(&file, Variant::Thumbnail(ThumbnailSize::Small)), None);
        let mut made = |blob: u128| {
            let thumbnail = Thumbnail {
                size: ThumbnailSize::Small,
                blob: BlobKey(Uuid::from_u128(blob)),
                width: 1,
                height: 1,
                media_type: "image/jpeg".to_owned(),
                bytes: 10,
            };
            let thumbnails = Thumbnails::Ready { set: vec![thumbnail], thumbhash: String::new() };
            file.image = Some(Image { width: None, height: None, generation: 1, thumbnails });
            Representation::of(&file, Variant::Thumbnail(ThumbnailSize::Small)).unwrap()
        };
        let (first, second) = (made(8), made(9));
        assert_ne!(first.validators.etag, second.validators.etag);
        assert_eq!(first.validators.modified, None);
        assert!(!first.validators.etag.contains(&first.blob.to_string()));
        assert_eq!(first.name, "Grüße.txt.jpg");
    }

    #[tokio::test]
    async fn a_private_file_is_cached_by_its_viewer_alone() {
        assert_eq!(Access::Signed(Duration::from_millis(59_999)).cache_control(), "private, max-age=59");
        assert_eq!(Access::Owner.cache_control(), "private, no-cache");
    }
}
