//! The GraphQL API: the schema, and everything that happens to an operation before and while it is executed, whatever
//! transport it came by.
//!
//! An operation is scanned ([`guard`]), parsed, counted ([`limits`]), validated, has its variables coerced
//! ([`variables`]) and put to use ([`rewrite`]), all in [`intake`]; then it is executed here.

mod document;
mod error;
mod guard;
mod intake;
mod limits;
mod nulls;
mod outage;
mod rewrite;
mod schema;
mod turns;
mod types;
mod variables;

use std::{fmt, net::IpAddr, num::NonZero, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_graphql::{Request, Response, ValidationMode, Variables, parser::types::ExecutableDocument};
use futures_util::{FutureExt as _, StreamExt as _, stream, stream::BoxStream};
use tokio::sync::OwnedSemaphorePermit;

use self::{
    error::{failed, stamp},
    schema::{Lookups, Resources, Schema},
    turns::Turns,
};
pub use self::{guard::json_holds_at_most, intake::Intake};
use crate::{
    config::Config,
    error::{Error, ErrorCode},
    service::{Parts, Services, Viewer},
    shutdown::Shutdown,
};

/// An operation as a client sent it.
#[derive(Clone, Default)]
pub struct GraphqlRequest {
    /// The document.
    pub query: String,
    /// Which operation of the document.
    pub operation_name: Option<String>,
    /// A JSON object; empty when left out.
    pub variables: serde_json::Map<String, serde_json::Value>,
}

/// Without the document and the variables, which may hold passwords.
impl fmt::Debug for GraphqlRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphqlRequest").field("operation_name", &self.operation_name).finish_non_exhaustive()
    }
}

/// On whose behalf, and from where, an operation runs.
#[derive(Clone)]
pub struct Caller {
    /// `None`: no token, or one that is not valid.
    pub viewer: Option<Viewer>,
    /// The client, as seen through trusted proxies.
    pub address: IpAddr,
    /// Names the HTTP request in logs and errors.
    pub request_id: String,
    /// The files that came with a multipart request.
    pub parts: Option<Arc<Parts>>,
    /// What the operation takes of a limit, for as long as it runs: a mutation may outlast its client.
    pub place: Option<Arc<OwnedSemaphorePermit>>,
}

/// What stands for a part of the request in its variables, where the map says so. Only the scalar `Upload` takes it.
#[must_use]
pub fn upload_variable(ticket: &str) -> serde_json::Value {
    schema::scalar::Upload::variable(ticket)
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// Reads.
    Query,
    /// Changes.
    Mutation,
    /// Listens.
    Subscription,
}

/// An operation that passed the guard, was parsed, and has its variables coerced.
pub struct Prepared {
    kind: OperationKind,
    /// It may take long.
    is_long: bool,
    /// The operation alone, with its fragments.
    document: ExecutableDocument,
    variables: Variables,
}

impl Prepared {
    /// What it does.
    #[must_use]
    pub fn kind(&self) -> OperationKind {
        self.kind
    }

    fn into_request(self, caller: Caller) -> Request {
        let lookups = match self.kind {
            OperationKind::Query => Lookups::of_query(),
            OperationKind::Mutation | OperationKind::Subscription => Lookups::of_changes(),
        };
        let mut request = Request::new("").variables(self.variables).data(caller).data(lookups);
        request.set_parsed_query(self.document);
        request
    }
}

/// The schema and what it needs. Cloned freely.
#[derive(Clone)]
pub struct Api {
    intake: Arc<Intake>,
    schema: Schema,
    timeout: Duration,
    turns: Turns,
    shutdown: Shutdown,
}

impl Api {
    /// Builds the schema. The shutdown waits for mutations.
    #[must_use]
    pub fn new(services: Services, config: &Config, shutdown: Shutdown) -> Self {
        let limits = config.limits.clone();
        let timeout = limits.query_timeout;
        let intake = Arc::new(Intake::new(limits.clone(), config.server.production));
        let schema = schema::build()
            .data(Resources { services, limits, max_pixels: config.thumbnails.max_pixels })
            // The first stands around the second: what it makes null has been seen by then.
            .extension(nulls::Nulls)
            .extension(outage::Outage)
            // The intake has done the rest, and refused introspection where it is off.
            .validation_mode(ValidationMode::Fast)
            .limit_recursive_depth(intake::RECURSION)
            .finish();
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { intake, schema, timeout, turns: Turns::new(cores), shutdown }
    }

    /// The schema in SDL, as `schema.graphql` holds it.
    #[must_use]
    pub fn sdl() -> String {
        schema::sdl()
    }

    /// Guards, parses and coerces. What fails here is a request error: the answer holds no `data`. Its errors have their
    /// codes; the request's ID is for the transport to add.
    pub fn prepare(&self, request: GraphqlRequest) -> Result<Prepared, Box<Response>> {
        self.intake.prepare(request).map_err(|errors| Box::new(Response::from_errors(errors)))
    }

    /// Executes a query or mutation.
    ///
    /// A mutation runs to its end, whether or not somebody still waits for it: what it has begun is not cut off in the
    /// middle. A query ends with the call.
    pub async fn execute(&self, prepared: Prepared, caller: Caller) -> Response {
        let (kind, request_id) = (prepared.kind, caller.request_id.clone());
        let work = async {
            // What waits here is not begun: when its time is over, nothing of it has happened.
            let turn = if prepared.is_long { Some(self.turns.take(&caller).await) } else { None };
            let turn = match turn.transpose() {
                Ok(turn) => turn,
                Err(error) => return Ok(failed(&error)),
            };
            let (schema, request) = (self.schema.clone(), prepared.into_request(caller));
            let run = async move {
                let run = AssertUnwindSafe(schema.execute(request)).catch_unwind();
                match turn {
                    Some(turn) => turn.work(run).await,
                    None => run.await,
                }
            };
            match kind {
                OperationKind::Query => run.await,
                OperationKind::Mutation => {
                    let answer = self.shutdown.to_the_end(run).await;
                    answer.unwrap_or_else(|| Err(Box::new("the task is gone")))
                }
                OperationKind::Subscription => {
                    let message = "A subscription needs a transport that streams.";
                    Ok(Response::from_errors(vec![error::refusal(ErrorCode::BadRequest, message, None)]))
                }
            }
        };
        let done = tokio::time::timeout(self.timeout, work).await;
        let mut response = match done {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => failed(&Error::internal(error::panic_text(panic.as_ref()))),
            Err(_) => failed(&Error::unavailable("the operation", "it took too long")),
        };
        stamp(&mut response, &request_id);
        response
    }

    /// Executes any operation as a stream: one answer for a query or mutation, any number for a subscription.
    #[must_use]
    pub fn subscribe(&self, prepared: Prepared, caller: Caller) -> BoxStream<'static, Response> {
        if prepared.kind != OperationKind::Subscription {
            let api = self.clone();
            return stream::once(async move { api.execute(prepared, caller).await }).boxed();
        }
        let request_id = caller.request_id.clone();
        let answers = self.schema.execute_stream(prepared.into_request(caller));
        let stamped = answers.map(move |mut response| {
            stamp(&mut response, &request_id);
            response
        });
        stamped.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdl_is_whole() {
        let sdl = Api::sdl();
        for part in [
            "scalar DateTime @specifiedBy(url: \"https://datatracker.ietf.org/doc/html/rfc3339\")",
            "directive @authenticated on FIELD_DEFINITION",
            "thumbnailReady(fileId: ID): File! @authenticated",
            "url(disposition: Disposition! = INLINE, expiresIn: Int! = 3600): Url",
            "orderBy: FileOrder = {field: CREATED_AT, direction: DESC}",
            "isPublic: Boolean! = false",
            "move(input: MoveInput!): MovePayload @authenticated",
            "type File implements Node {",
        ] {
            assert!(sdl.contains(part), "{part}\n{sdl}");
        }
        assert!(!sdl.contains("_service"));
    }

    #[test]
    fn a_request_shows_no_secrets() {
        let request = GraphqlRequest { query: "hunter2".into(), ..GraphqlRequest::default() };
        assert!(!format!("{request:?}").contains("hunter2"));
    }
}
