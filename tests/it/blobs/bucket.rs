//! A bucket of one's own on the S3 server of the tests, looked at from outside.

use reqwest::Method;
use strongroom::{model::Random, store::blobs::S3};

use crate::support::{app::PATIENCE, servers};

pub struct Bucket {
    pub endpoint: String,
    pub name: String,
    http: reqwest::Client,
}

impl Bucket {
    /// A new, empty one.
    pub async fn new() -> Self {
        let endpoint = tokio::task::spawn_blocking(servers::s3_endpoint).await.unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        let bucket = Self { endpoint, name: format!("test{}", Random::system().uuid().simple()), http };
        bucket.ask(Method::PUT, "").await;
        bucket
    }

    /// How to reach it.
    pub fn options(&self, upload_memory: u64) -> S3 {
        S3 {
            bucket: self.name.clone(),
            region: "us-east-1".to_owned(),
            endpoint: Some(self.endpoint.clone()),
            access_key_id: "key".to_owned(),
            secret_access_key: "secret".to_owned().into(),
            upload_memory,
        }
    }

    /// The settings of an application that keeps its blobs here.
    pub fn settings(&self) -> Vec<(&str, &str)> {
        vec![
            ("blobs.backend", "s3"),
            ("blobs.bucket", &self.name),
            ("blobs.endpoint", &self.endpoint),
            ("blobs.region", "us-east-1"),
            ("blobs.access_key_id", "key"),
            ("blobs.secret_access_key", "secret"),
        ]
    }

    /// The keys of its objects.
    pub async fn objects(&self) -> Vec<String> {
        elements(&self.ask(Method::GET, "?list-type=2").await, "Key")
    }

    /// The IDs of its multipart uploads that are neither completed nor aborted.
    pub async fn uploads(&self) -> Vec<String> {
        elements(&self.ask(Method::GET, "?uploads").await, "UploadId")
    }

    /// Waits until it has as many multipart uploads and objects.
    pub async fn until_it_has(&self, uploads: usize, objects: usize) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let has = (self.uploads().await, self.objects().await);
            if (has.0.len(), has.1.len()) == (uploads, objects) {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "waited for {uploads} and {objects}: {has:?}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    async fn ask(&self, method: Method, query: &str) -> String {
        let signature =
            "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        let request = self.http.request(method, format!("{}/{}{query}", self.endpoint, self.name));
        let response = request.header("Authorization", signature).send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{status}: {text}");
        text
    }
}

fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap().to_owned()).collect()
}
