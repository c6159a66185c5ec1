//! GraphQL multipart requests (<https://github.com/jaydenseric/graphql-multipart-request-spec>): operations, map, files.
//!
//! Whatever can be refused is refused before the body is read, or else before the first file is. Files stream part by
//! part into the blob store. Nothing stays that no mutation has claimed.

mod files;
mod head;
mod map;
mod reader;

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;

pub use self::{
    head::{PartHead, is_boundary},
    map::FileMap,
    reader::{Fault, Reader},
};
use super::{
    App,
    graphql::{Answer, content_length, no_subscriptions, operation, to_the_end},
    request::{Problem, RequestContext, params, viewer},
};
use crate::{
    config::LimitsConfig,
    error::{Error, ErrorCode},
    graphql::{Caller, OperationKind, Prepared},
    service::{Parts, Viewer},
};

/// What a request may hold beside its files.
const ALLOWANCE: u64 = 2 << 20;

/// The most bytes of `map`.
const MAP_BYTES: usize = 1 << 20;

/// Headers that browsers do not send to other origins without asking first.
const PREFLIGHT: [&str; 4] =
    ["apollo-require-preflight", "graphql-preflight", "graphql-require-preflight", "authorization"];

/// Takes a multipart request.
pub async fn receive(
    app: &App,
    context: &RequestContext,
    headers: &HeaderMap,
    parameters: &[(String, String)],
    body: Body,
) -> Result<Answer, Problem> {
    if !PREFLIGHT.iter().any(|name| headers.contains_key(*name)) {
        return Err(Problem::bad_request(
            "A multipart request needs the header Apollo-Require-Preflight, GraphQL-Preflight or Authorization.",
        ));
    }
    let viewer = viewer(app, headers).await?.ok_or(Error::Unauthenticated)?;
    let limits = &app.config.limits;
    let limit = request_limit(limits);
    if content_length(headers).is_some_and(|bytes| bytes > limit) {
        return Err(too_large(limit));
    }
    if headers.get_all(header::CONTENT_TYPE).iter().count() > 1 {
        return Err(Problem::bad_request("The request has two content types."));
    }
    let boundary = params::find(parameters, "boundary").filter(|boundary| is_boundary(boundary));
    let boundary = boundary.ok_or_else(|| {
        Problem::bad_request("The boundary is missing from the Content-Type, or it is none (RFC 2046 section 5.1.1).")
    })?;
    let upload = Upload {
        app: app.clone(),
        context: context.clone(),
        viewer,
        reader: Reader::new(body, boundary, limit, limits.upload_parts),
    };
    // If the client goes away, reading fails, and what came is cleared away in peace.
    to_the_end(&app.shutdown, upload.run()).await.unwrap_or_else(|| Err(Problem::internal()))
}

/// The most bytes of a whole request.
fn request_limit(limits: &LimitsConfig) -> u64 {
    (limits.upload_files as u64).saturating_mul(limits.upload_bytes).saturating_add(ALLOWANCE)
}

fn too_large(limit: u64) -> Problem {
    let message = format!("An upload may take at most {limit} bytes altogether.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::FileTooLarge, message)
}

/// A multipart request of somebody who may send one.
struct Upload {
    app: App,
    context: RequestContext,
    viewer: Viewer,
    reader: Reader,
}

impl Upload {
    async fn run(mut self) -> Result<Answer, Problem> {
        let (prepared, map, parts) = match self.operation().await? {
            Ok(operation) => operation,
            Err(refused) => return Ok(Answer::Refused(refused)),
        };
        let parts = Arc::new(parts);
        let done = std::panic::AssertUnwindSafe(self.store_and_execute(prepared, &map, &parts)).catch_unwind().await;
        // A mutation that was given up on may still be at work on them; then they go with it.
        if Arc::strong_count(&parts) == 1 {
            parts.discard_rest().await;
        }
        done.unwrap_or_else(|_| Err(Problem::internal()))
    }

    /// Reads `operations` and `map`, and looks whether the operation can be executed at all.
    async fn operation(&mut self) -> Result<Result<(Prepared, FileMap, Parts), Box<async_graphql::Response>>, Problem> {
        let config = Arc::clone(&self.app.config);
        let limits = &config.limits;
        let operations = self.leading("operations", limits.operations_bytes).await?;
        let map = self.leading("map", MAP_BYTES).await?;
        // Read only now: a tree of JSON takes many times its text, and must not wait for a slow client.
        let operations = serde_json::from_slice(&operations)
            .map_err(|_| Problem::bad_request("The part `operations` is not valid JSON."))?;
        let mut request = operation(operations).map_err(Problem::bad_request)?;
        let map = FileMap::parse(&map, limits.upload_files, limits.map_paths).map_err(Problem::bad_request)?;
        let parts = Parts::new(map.len(), limits.upload_files, &self.app.random);
        map.fill(&mut request.variables, |index| parts.ticket(index)).map_err(Problem::bad_request)?;
        let prepared = match self.app.api.prepare(request) {
            Ok(prepared) => prepared,
            Err(refused) => return Ok(Err(refused)),
        };
        if prepared.kind() == OperationKind::Subscription {
            return Err(no_subscriptions());
        }
        Ok(Ok((prepared, map, parts)))
    }

    /// Reads one of the two parts that come first, in their order.
    async fn leading(&mut self, name: &'static str, limit: usize) -> Result<Bytes, Problem> {
        let head = self.reader.next_part().await.map_err(|fault| self.problem(fault))?;
        if head.is_none_or(|head| head.name != name) {
            return Err(Problem::bad_request(match name {
                "operations" => "The first part has to be `operations`.",
                _ => "The second part has to be `map`, before every file.",
            }));
        }
        let mut read = BytesMut::new();
        while let Some(bytes) = self.reader.chunk().await.map_err(|fault| self.problem(fault))? {
            if read.len() + bytes.len() > limit {
                let message = format!("The part `{name}` may take at most {limit} bytes.");
                return Err(Problem::refused(StatusCode::PAYLOAD_TOO_LARGE, message));
            }
            read.extend_from_slice(&bytes);
        }
        Ok(read.freeze())
    }

    async fn store_and_execute(
        &mut self,
        prepared: Prepared,
        map: &FileMap,
        parts: &Arc<Parts>,
    ) -> Result<Answer, Problem> {
        self.store(map, parts).await?;
        let caller = Caller {
            viewer: Some(self.viewer),
            address: self.context.address,
            request_id: self.context.id.clone(),
            parts: Some(Arc::clone(parts)),
        };
        Ok(Answer::Executed(Box::new(self.app.api.execute(prepared, caller).await)))
    }

    fn problem(&self, fault: Fault) -> Problem {
        match fault {
            Fault::Malformed(message) => Problem::bad_request(message),
            Fault::TooLarge => too_large(request_limit(&self.app.config.limits)),
            Fault::Body(error) => Problem::body(&error),
        }
    }
}
