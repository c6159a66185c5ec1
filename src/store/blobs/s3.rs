//! What a bucket has that `object_store` cannot list: multipart uploads that were begun and never finished.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use object_store::{
    ClientOptions,
    aws::{AmazonS3, AwsAuthorizer},
    client::{HttpClient, HttpConnector as _, HttpRequestBody, ReqwestConnector},
    path::Path as Key,
};
use serde::Deserialize;

use super::{S3, failed};
use crate::error::{Error, Result};

/// The most bytes of an answer. One of S3's own, for 1,000 uploads, has some 500 KiB.
const LARGEST_ANSWER: usize = 4 << 20;

/// Lists the unfinished multipart uploads of a bucket (`ListMultipartUploads` of the Amazon S3 API Reference).
pub(super) struct Unfinished {
    client: HttpClient,
    bucket: http::Uri,
    region: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    #[serde(default)]
    upload: Vec<Upload>,
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    next_key_marker: String,
    #[serde(default)]
    next_upload_id_marker: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Upload {
    pub key: String,
    #[serde(rename = "UploadId")]
    pub id: String,
    /// When it was begun (RFC 3339).
    #[serde(default)]
    pub initiated: String,
}

impl Unfinished {
    pub(super) fn new(options: &S3, connection: &ClientOptions) -> Result<Self> {
        let S3 { bucket, region, .. } = options;
        let bucket = match &options.endpoint {
            Some(endpoint) => format!("{}/{bucket}", endpoint.trim_end_matches('/')),
            None => format!("https://{bucket}.s3.{region}.amazonaws.com/"),
        };
        Ok(Self {
            client: ReqwestConnector::default().connect(connection).map_err(failed)?,
            bucket: bucket.parse().map_err(Error::internal)?,
            region: region.clone(),
        })
    }

    /// The IDs of those of one key. None where the server does not know this request.
    pub(super) async fn of(&self, store: &AmazonS3, key: &Key) -> Result<Vec<String>> {
        let found = self.below(store, key.as_ref()).await?;
        Ok(found.into_iter().filter(|it| it.key == key.as_ref()).map(|it| it.id).collect())
    }

    /// Those of all keys that begin so. None where the server does not know this request.
    pub(super) async fn below(&self, store: &AmazonS3, prefix: &str) -> Result<Vec<Upload>> {
        let mut all = Vec::new();
        let mut after = (String::new(), String::new());
        loop {
            let Listed { upload, is_truncated, next_key_marker, next_upload_id_marker } =
                self.page(store, prefix, &after).await?;
            all.extend(upload);
            let next = (next_key_marker, next_upload_id_marker);
            // A server that says there is more, but not where, would be asked for ever.
            if !is_truncated || next == after {
                return Ok(all);
            }
            after = next;
        }
    }

    /// The first 1,000 after these markers: a key and an ID, or both empty.
    async fn page(&self, store: &AmazonS3, prefix: &str, after: &(String, String)) -> Result<Listed> {
        let credential = store.credentials().get_credential().await.map_err(failed)?;
        let uri = format!("{}?{}", self.bucket, query(prefix, after));
        let mut request = http::Request::get(uri).body(HttpRequestBody::empty()).map_err(Error::internal)?;
        let signed = AwsAuthorizer::new(&credential, "s3", &self.region).try_authorize(&mut request, None);
        signed.map_err(failed)?;
        let down = |error| Error::unavailable("the blob store", error);
        let answer = self.client.execute(request).await.map_err(down)?;
        let status = answer.status();
        if matches!(status, http::StatusCode::NOT_IMPLEMENTED | http::StatusCode::METHOD_NOT_ALLOWED) {
            return Ok(Listed::default());
        }
        if !status.is_success() {
            return Err(Error::unavailable("the blob store", format!("listing multipart uploads: {status}")));
        }
        let body = http_body_util::Limited::new(answer.into_body(), LARGEST_ANSWER).collect().await;
        let body = body.map_err(|error| Error::unavailable("the blob store", error.to_string()))?.to_bytes();
        parse(&body)
    }
}

fn query(prefix: &str, (key, upload): &(String, String)) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("uploads", "").append_pair("prefix", prefix);
    if !key.is_empty() {
        query.append_pair("key-marker", key).append_pair("upload-id-marker", upload);
    }
    query.finish()
}

fn parse(body: &Bytes) -> Result<Listed> {
    quick_xml::de::from_reader(&**body).map_err(|error| Error::unavailable("the blob store", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_are_read_from_an_answer_with_none_one_or_many() {
        let answer = |uploads: &str| {
            let xml = format!("<ListMultipartUploadsResult><Bucket>b</Bucket>{uploads}</ListMultipartUploadsResult>");
            parse(&xml.into()).unwrap().upload.into_iter().map(|it| (it.key, it.id)).collect::<Vec<_>>()
        };
        let one = |n: u8| {
            format!("<Upload><Key>ab/{n}</Key><UploadId>i&amp;{n}</UploadId><Owner><ID>x</ID></Owner></Upload>")
        };
        let read = |n: u8| (format!("ab/{n}"), format!("i&{n}"));
        assert_eq!(answer(""), []);
        assert_eq!(answer(&one(1)), [read(1)]);
        assert_eq!(answer(&(one(1) + "<IsTruncated>false</IsTruncated>" + &one(2))), [read(1), read(2)]);
        assert!(parse(&"<html>".into()).is_err());
    }

    #[test]
    fn an_answer_that_is_not_all_says_where_to_go_on() {
        let xml = "<R><IsTruncated>true</IsTruncated><NextKeyMarker>ab/1</NextKeyMarker>\
            <NextUploadIdMarker>i</NextUploadIdMarker></R>";
        let listed = parse(&xml.into()).unwrap();
        assert!(listed.is_truncated && listed.upload.is_empty());
        assert_eq!((listed.next_key_marker.as_str(), listed.next_upload_id_marker.as_str()), ("ab/1", "i"));
    }
}
