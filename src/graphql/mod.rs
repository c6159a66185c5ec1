//! The GraphQL API: the schema, and everything that happens to an operation before and while it is executed, whatever
//! transport it came by.

use std::{net::IpAddr, sync::Arc};

use futures_util::stream::BoxStream;

use crate::{
    config::Config,
    model::{Clock, Random},
    service::{Parts, Services, Viewer},
    store::Store,
};

/// An operation as a client sent it.
#[derive(Debug, Clone, Default)]
pub struct GraphqlRequest {
    /// The document.
    pub query: String,
    /// Which operation of the document.
    pub operation_name: Option<String>,
    /// A JSON object; empty when left out.
    pub variables: serde_json::Map<String, serde_json::Value>,
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
}

impl Prepared {
    /// What it does.
    #[must_use]
    pub fn kind(&self) -> OperationKind {
        self.kind
    }
}

/// The schema and what it needs. Cloned freely.
#[derive(Clone)]
pub struct Api {
    _services: Services,
}

impl Api {
    /// Builds the schema.
    #[must_use]
    pub fn new(services: Services, _store: Store, _config: &Config, _clock: Clock, _random: Random) -> Self {
        Self { _services: services }
    }

    /// The schema in SDL, as `schema.graphql` holds it.
    #[must_use]
    pub fn sdl() -> String {
        String::new()
    }

    /// Guards, parses and coerces. What fails here is a request error: the answer holds no `data`.
    pub fn prepare(&self, _request: GraphqlRequest) -> Result<Prepared, Box<async_graphql::Response>> {
        Ok(Prepared { kind: OperationKind::Query })
    }

    /// Executes a query or mutation.
    pub async fn execute(&self, _prepared: Prepared, _caller: Caller) -> async_graphql::Response {
        async_graphql::Response::default()
    }

    /// Executes any operation as a stream: one answer for a query or mutation, any number for a subscription.
    pub fn subscribe(&self, _prepared: Prepared, _caller: Caller) -> BoxStream<'static, async_graphql::Response> {
        Box::pin(futures_util::stream::empty())
    }
}
