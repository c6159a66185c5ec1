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
    http::{HeaderMap, StatusCode},
};
use futures_util::FutureExt as _;

pub use self::{
    head::{PartHead, is_boundary},
    map::FileMap,
    reader::{Fault, Reader},
};
use super::{
    App,
    graphql::{
        Answer, Buffer, Formats, Operations, Reply, batch, caller, content_length, execute, json, prepare, take,
    },
    request::{Problem, RequestContext, params, viewer},
};
use crate::{
    config::LimitsConfig,
    error::{Error, ErrorCode},
    graphql::{OperationKind, Prepared, upload_variable},
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
    formats: Formats,
    headers: &HeaderMap,
    parameters: &[(String, String)],
    body: Body,
) -> Result<Reply, Problem> {
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
    let boundary = params::only(parameters, "boundary").filter(|boundary| is_boundary(boundary));
    let boundary = boundary.ok_or_else(|| {
        Problem::bad_request("The Content-Type has to have one boundary, as RFC 2046 section 5.1.1 has it.")
    })?;
    let upload = Upload {
        app: app.clone(),
        context: context.clone(),
        formats,
        viewer,
        reader: Reader::new(body, boundary, limit, limits.upload_parts),
    };
    // If the client goes away, reading fails, and what came is cleared away in peace.
    app.shutdown.to_the_end(upload.run()).await.unwrap_or_else(|| Err(Problem::internal()))
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
    formats: Formats,
    viewer: Viewer,
    reader: Reader,
}

/// What is to be executed once the files are there.
enum Work {
    One(Prepared),
    Batch(Vec<Result<Prepared, Answer>>),
}

impl Upload {
    async fn run(mut self) -> Result<Reply, Problem> {
        let (work, map, parts) = match self.operations().await? {
            Ok(found) => found,
            Err(refused) => return Ok(refused),
        };
        let parts = Arc::new(parts);
        let done = std::panic::AssertUnwindSafe(self.store_and_execute(work, &map, &parts)).catch_unwind().await;
        // A mutation that was given up on may still be at work on them; then they go with it.
        if Arc::strong_count(&parts) == 1 {
            parts.discard_rest().await;
        }
        done.unwrap_or_else(|_| Err(Problem::internal()))
    }

    /// Reads `operations` and `map`, and looks whether there is anything to execute at all.
    async fn operations(&mut self) -> Result<Result<(Work, FileMap, Parts), Reply>, Problem> {
        let app = self.app.clone();
        let limits = &app.config.limits;
        let operations_part = self.leading("operations", limits.operations_bytes, &app).await?;
        let map = self.leading("map", MAP_BYTES, &app).await?;
        // Read only now: a tree of JSON takes many times its text, and must not wait for a slow client.
        let mut operations_json =
            json(operations_part.as_ref(), limits.operations_values).map_err(Problem::bad_request)?;
        drop(operations_part);
        let map = FileMap::parse(map.as_ref(), limits.upload_files, limits.map_paths).map_err(Problem::bad_request)?;
        let parts = Parts::new(map.len(), limits.upload_files, &app.random);
        map.fill(&mut operations_json, |index| upload_variable(&parts.ticket(index))).map_err(Problem::bad_request)?;
        let work = match take(self.formats, operations_json, limits.batch_operations)? {
            Operations::One(request) => match prepare(&app, request) {
                Ok(prepared) if prepared.kind() == OperationKind::Subscription => {
                    return Err(Problem::bad_request("A subscription takes no files: send it as application/json."));
                }
                Ok(prepared) => Work::One(prepared),
                Err(refused) => return Ok(Err(Reply::One(refused))),
            },
            Operations::Batch(requests) => {
                let prepared: Vec<_> = requests.into_iter().map(|request| prepare(&app, request)).collect();
                if prepared.iter().all(Result::is_err) {
                    return Ok(Err(Reply::Batch(prepared.into_iter().filter_map(Result::err).collect())));
                }
                Work::Batch(prepared)
            }
        };
        Ok(Ok((work, map, parts)))
    }

    /// Reads one of the two parts that come first, in their order.
    async fn leading<'m>(&mut self, name: &'static str, limit: usize, app: &'m App) -> Result<Buffer<'m>, Problem> {
        let head = self.reader.next_part().await.map_err(|fault| self.problem(fault))?;
        if head.is_none_or(|head| head.name != name) {
            return Err(Problem::bad_request(match name {
                "operations" => "The first part has to be `operations`.",
                _ => "The second part has to be `map`, before every file.",
            }));
        }
        let mut buffer = Buffer::new(limit, &app.memory.requests);
        while let Some(bytes) = self.reader.chunk().await.map_err(|fault| self.problem(fault))? {
            if !buffer.add(&bytes).await? {
                let message = format!("The part `{name}` may take at most {limit} bytes.");
                return Err(Problem::refused(StatusCode::PAYLOAD_TOO_LARGE, message));
            }
        }
        Ok(buffer)
    }

    async fn store_and_execute(&mut self, work: Work, map: &FileMap, parts: &Arc<Parts>) -> Result<Reply, Problem> {
        self.store(map, parts).await?;
        let (app, context, viewer) = (&self.app, &self.context, Some(self.viewer));
        Ok(match work {
            Work::One(prepared) => {
                Reply::One(execute(app, caller(context, viewer, Some(Arc::clone(parts))), prepared).await)
            }
            Work::Batch(prepared) => Reply::Batch(batch(app, context, viewer, prepared, Some(parts)).await),
        })
    }

    fn problem(&self, fault: Fault) -> Problem {
        match fault {
            Fault::Malformed(message) => Problem::bad_request(message),
            Fault::TooLarge => too_large(request_limit(&self.app.config.limits)),
            Fault::Body(error) => Problem::body(&error),
        }
    }
}
